// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of the current level, as the guest there would read them.
 *
 * What the VMCS holds is read on first use after an exit and kept (regs_avail); RIP, RSP and
 * RFLAGS are written back before the next entry (regs_dirty), all others at once.  CR0 and CR4
 * are a mix: bits that the guest owns are in the VMCS, the others in the cached value.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kvm.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/cpufeature.h>

#include <nvmx/arch.h>
#include <nvmx/mmu.h>
#include <nvmx/nested.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "exit.h"

static bool is_read(struct nvmx_vcpu *v, enum nvmx_lazy_reg r)
{
	if (v->regs_avail & r)
		return true;
	v->regs_avail |= r;
	return false;
}

u64 vmx_rip(struct nvmx_vcpu *v)
{
	if (!is_read(v, LAZY_RIP))
		v->rip = vmcs_read(v, guest_rip);
	return v->rip;
}

u64 vmx_rsp(struct nvmx_vcpu *v)
{
	if (!is_read(v, LAZY_RSP))
		v->gpr[GPR_RSP] = vmcs_read(v, guest_rsp);
	return v->gpr[GPR_RSP];
}

u64 vmx_rflags_raw(struct nvmx_vcpu *v)
{
	if (!is_read(v, LAZY_RFLAGS))
		v->rflags = vmcs_read(v, guest_rflags);
	return v->rflags;
}

/* TF that user space's single-stepping has set is not the guest's. */
u64 vmx_rflags(struct nvmx_vcpu *v)
{
	u64 rflags = vmx_rflags_raw(v);

	if (v->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		rflags &= ~(u64)X86_EFLAGS_TF;
	return rflags;
}

u64 vmx_cr0(struct nvmx_vcpu *v)
{
	if (!is_read(v, LAZY_CR0))
		v->cr0 = (v->cr0 & ~v->cr0_owned) | (vmcs_read(v, guest_cr0) & v->cr0_owned);
	return v->cr0;
}

u64 vmx_cr3(struct nvmx_vcpu *v)
{
	if (!is_read(v, LAZY_CR3))
		v->cr3 = vmcs_read(v, guest_cr3);
	return v->cr3;
}

u64 vmx_cr4(struct nvmx_vcpu *v)
{
	if (!is_read(v, LAZY_CR4))
		v->cr4 = (v->cr4 & ~v->cr4_owned) | (vmcs_read(v, guest_cr4) & v->cr4_owned);
	return v->cr4;
}

u64 vmx_gpr(struct nvmx_vcpu *v, enum nvmx_gpr r)
{
	return r == GPR_RSP ? vmx_rsp(v) : v->gpr[r];
}

static void mark_dirty(struct nvmx_vcpu *v, enum nvmx_lazy_reg r)
{
	v->regs_avail |= r;
	v->regs_dirty |= r;
}

void vmx_set_rip(struct nvmx_vcpu *v, u64 val)
{
	v->rip = val;
	mark_dirty(v, LAZY_RIP);
}

void vmx_set_rsp(struct nvmx_vcpu *v, u64 val)
{
	v->gpr[GPR_RSP] = val;
	mark_dirty(v, LAZY_RSP);
}

void vmx_set_rflags(struct nvmx_vcpu *v, u64 val)
{
	val |= X86_EFLAGS_FIXED;
	if (v->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		val |= X86_EFLAGS_TF;
	v->rflags = val;
	mark_dirty(v, LAZY_RFLAGS);
}

void vmx_set_gpr(struct nvmx_vcpu *v, enum nvmx_gpr r, u64 val)
{
	v->gpr[r] = val;
	if (r == GPR_RSP)
		mark_dirty(v, LAZY_RSP);
}

void vmx_regs_forget(struct nvmx_vcpu *v)
{
	v->regs_avail = 0;
	v->regs_dirty = 0;
}

void vmx_regs_flush(struct nvmx_vcpu *v)
{
	if (v->regs_dirty & LAZY_RIP)
		vmcs_write(v, guest_rip, v->rip);
	if (v->regs_dirty & LAZY_RSP)
		vmcs_write(v, guest_rsp, v->gpr[GPR_RSP]);
	if (v->regs_dirty & LAZY_RFLAGS)
		vmcs_write(v, guest_rflags, v->rflags);
	v->regs_dirty = 0;
}

/*
 * NE is fixed to 1 in VMX operation.  CD and NW stay out of hardware: VM entries ignore them,
 * and memory types come from EPT.
 */
u64 vmx_hardware_cr0(u64 val)
{
	u64 fixed0 = vmx_caps.cr0_fixed0 & ~(u64)(X86_CR0_PE | X86_CR0_PG);

	val &= ~(u64)(X86_CR0_CD | X86_CR0_NW);
	return (val | fixed0) & vmx_caps.cr0_fixed1;
}

void vmx_set_cr0(struct nvmx_vcpu *v, u64 val)
{
	u64 efer = v->efer & ~(u64)EFER_LMA;

	val |= X86_CR0_ET;
	if ((val & X86_CR0_PG) && (efer & EFER_LME))
		efer |= EFER_LMA;
	if (efer != v->efer)
		vmx_set_efer(v, efer);
	vmcs_write(v, guest_cr0, vmx_hardware_cr0(val));
	vmcs_write(v, cr0_read_shadow, val);
	v->cr0 = val;
	v->regs_avail |= LAZY_CR0;
}

void vmx_set_cr3(struct nvmx_vcpu *v, u64 val)
{
	vmcs_write(v, guest_cr3, val);
	v->cr3 = val;
	v->regs_avail |= LAZY_CR3;
}

/*
 * MCE stays as the host has it: with 0 a machine check in the guest would shut the CPU down
 * instead of causing an exit.
 */
u64 vmx_hardware_cr4(u64 val)
{
	if (boot_cpu_has(X86_FEATURE_MCE))
		val |= X86_CR4_MCE;
	return val | vmx_caps.cr4_fixed0;
}

void vmx_set_cr4(struct nvmx_vcpu *v, u64 val)
{
	u64 changed = v->cr4 ^ val;

	vmcs_write(v, guest_cr4, vmx_hardware_cr4(val));
	vmcs_write(v, cr4_read_shadow, val);
	v->cr4 = val;
	v->regs_avail |= LAZY_CR4;
	if (changed & X86_CR4_OSXSAVE)
		vmx_cpuid_runtime(v);
}

/* LMA must equal the entry control; the caller gives a value that agrees with CR0.PG. */
void vmx_set_efer(struct nvmx_vcpu *v, u64 val)
{
	v->efer = val;
	vmcs_write(v, guest_ia32_efer, val);
	if (val & EFER_LMA)
		vmcs_ctl_set(v, v->cur, CTL_ia32e_mode_guest);
	else
		vmcs_ctl_clear(v, v->cur, CTL_ia32e_mode_guest);
}

/* The fields of one segment register are as far apart as those of ES. */
#define SEG_FIELD(field, s)	(VMCS_guest_es_##field + 2 * (s))

void vmx_get_seg(struct nvmx_vcpu *v, enum nvmx_seg_reg s, struct nvmx_segment *out)
{
	out->selector = vmcs_hw_read(v, SEG_FIELD(selector, s));
	out->base = vmcs_hw_read(v, SEG_FIELD(base, s));
	out->limit = vmcs_hw_read(v, SEG_FIELD(limit, s));
	out->ar = vmcs_hw_read(v, SEG_FIELD(ar_bytes, s));
}

/*
 * VM entry wants the accessed bit of a usable code or data segment; the CPU would have set it.
 * SDM "Checks on Guest Segment Registers" [sdm:entry-segments]
 */
static u32 entry_access_rights(u32 ar)
{
	if (!(ar & SEGAR_UNUSABLE) && (ar & SEGAR_S))
		ar |= 1;
	return ar;
}

void vmx_set_seg(struct nvmx_vcpu *v, enum nvmx_seg_reg s, const struct nvmx_segment *in)
{
	vmcs_hw_write(v, SEG_FIELD(selector, s), in->selector);
	vmcs_hw_write(v, SEG_FIELD(base, s), in->base);
	vmcs_hw_write(v, SEG_FIELD(limit, s), in->limit);
	vmcs_hw_write(v, SEG_FIELD(ar_bytes, s), entry_access_rights(in->ar));
}

u8 vmx_cpl(struct nvmx_vcpu *v)
{
	if (!(v->efer & EFER_LMA) && !(vmx_cr0(v) & X86_CR0_PE))
		return 0;
	return SEGAR_DPL((u32)vmcs_read(v, guest_ss_ar_bytes));
}

bool vmx_long_mode64(struct nvmx_vcpu *v)
{
	return (v->efer & EFER_LMA) && (vmcs_read(v, guest_cs_ar_bytes) & SEGAR_L);
}

u64 vmx_linear_rip(struct nvmx_vcpu *v)
{
	u64 rip = vmx_rip(v);

	return vmx_long_mode64(v) ? rip : (u32)(rip + vmcs_read(v, guest_cs_base));
}

/* The instruction at RIP is finished: shadows end, and a single-step trap is due. */
void vmx_insn_done(struct nvmx_vcpu *v)
{
	u32 ints = vmcs_read(v, guest_interruptibility_info);

	if (ints & (INTS_STI | INTS_MOVSS))
		vmcs_write(v, guest_interruptibility_info, ints & ~(INTS_STI | INTS_MOVSS));
	if (vmx_rflags_raw(v) & X86_EFLAGS_TF)
		vmx_queue_db(v, PDE_BS);
	if (is_guest_mode(v))
		nested_insn_done(v);
}

void vmx_advance_rip(struct nvmx_vcpu *v, u32 len)
{
	u64 rip = vmx_rip(v) + len;

	/* Only a wrap needs to know the mode, which costs a VMREAD. */
	if (rip >> 32 && !vmx_long_mode64(v))
		rip = (u32)rip;
	vmx_set_rip(v, rip);
}

void vmx_skip_insn(struct nvmx_vcpu *v)
{
	vmx_advance_rip(v, v->exit.insn_len);
	vmx_insn_done(v);
}

bool vmx_is_pae_paging(struct nvmx_vcpu *v)
{
	return (vmx_cr0(v) & X86_CR0_PG) && (vmx_cr4(v) & X86_CR4_PAE) && !(v->efer & EFER_LMA);
}

/* The guest's MOV to CR3 reloads them without an exit. */
const u64 *vmx_pdptrs(struct nvmx_vcpu *v)
{
	v->pdptr[0] = vmcs_read(v, guest_pdptr0);
	v->pdptr[1] = vmcs_read(v, guest_pdptr1);
	v->pdptr[2] = vmcs_read(v, guest_pdptr2);
	v->pdptr[3] = vmcs_read(v, guest_pdptr3);
	return v->pdptr;
}

void vmx_set_pdptrs(struct nvmx_vcpu *v, const u64 pdptr[4])
{
	memcpy(v->pdptr, pdptr, sizeof(v->pdptr));
	vmcs_write(v, guest_pdptr0, pdptr[0]);
	vmcs_write(v, guest_pdptr1, pdptr[1]);
	vmcs_write(v, guest_pdptr2, pdptr[2]);
	vmcs_write(v, guest_pdptr3, pdptr[3]);
}

static bool pdptr_valid(const struct nvmx_vcpu *v, u64 pdptr)
{
	u64 reserved = GENMASK_ULL(2, 1) | GENMASK_ULL(8, 5) |
		       GENMASK_ULL(63, v->cpuid->maxphyaddr);

	return !(pdptr & 1) || !(pdptr & reserved);
}

static int read_pdptrs(struct nvmx_vcpu *v, u64 addr, u64 pdptr[4])
{
	struct nvmx_fault f = {};

	if (is_guest_mode(v) && nested_has_ept(v) &&
	    nested_translate(v, addr, ACC_READ, true, &addr, &f))
		return -EINVAL;
	return mmu_vcpu_read(v, addr, pdptr, 4 * sizeof(*pdptr)) ? -EINVAL : 0;
}

/* SDM "PDPTE Registers" [sdm:pdpte] */
int vmx_load_pdptrs(struct nvmx_vcpu *v, u64 cr3)
{
	u64 pdptr[4];
	int i;

	if (read_pdptrs(v, cr3 & GENMASK_ULL(31, 5), pdptr))
		return -EINVAL;
	for (i = 0; i < 4; i++)
		if (!pdptr_valid(v, pdptr[i]))
			return -EINVAL;
	vmx_set_pdptrs(v, pdptr);
	return 0;
}

bool vmx_cr0_valid(struct nvmx_vcpu *v, u64 cr0)
{
	if (cr0 >> 32)
		return false;
	if ((cr0 & X86_CR0_NW) && !(cr0 & X86_CR0_CD))
		return false;
	return !(cr0 & X86_CR0_PG) || (cr0 & X86_CR0_PE);
}

bool vmx_cr4_valid(struct nvmx_vcpu *v, u64 cr4)
{
	/* Without a monitor for SMIs, there is no VMX in SMM. */
	if (v->smm.active && (cr4 & X86_CR4_VMXE))
		return false;
	return !(cr4 & ~v->cpuid->cr4_valid);
}

bool vmx_efer_valid(struct nvmx_vcpu *v, u64 efer)
{
	return !(efer & ~v->cpuid->efer_valid);
}

/*
 * Entries keep what was cached for this tag: where an instruction that exited would have
 * invalidated linear mappings, that is done by hand.
 */
void vmx_flush_linear(struct nvmx_vcpu *v)
{
	u16 vpid = vmcs_ctl_test(v->cur, CTL_vpid) ? vmcs_read(v, virtual_processor_id) : 0;

	if (vpid)
		vmx_flush_vpid(v, vpid);
}
