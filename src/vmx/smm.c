// SPDX-License-Identifier: GPL-2.0-only
/*
 * System-management mode: the SMI, the handler's initial state, RSM.
 *
 * An SMI that is pending is taken before an entry, in its turn (table 5); in SMM it waits for RSM.
 * Taking it saves the registers of whichever level runs, makes nested/ leave VMX operation (it
 * keeps what it needs to come back), and switches the vCPU to the other address space.  RSM is an
 * #UD to a guest in VMX operation of the CPU: undefined.c brings it here while the vCPU is in SMM.
 *
 * Translations.  vmcs01's EPT pointer names the tree of the space in use, and what the CPU caches
 * with an EPT pointer is tagged with it, so the other tree's may stay; who reduces mappings flushes
 * both tags (vpid.c).  What is dropped at both ends are the combined mappings of the VPID, since
 * CR0, CR3, CR4 and EFER change under it.
 *
 * Not offered: I/O restart, and the treatment of SMIs by a monitor of its own.
 * SDM "System Management Mode" [sdm:smm]
 */
#include <linux/string.h>
#include <linux/types.h>

#include <nvmx/arch.h>
#include <nvmx/mmu.h>
#include <nvmx/nested.h>
#include <nvmx/smm.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "exit.h"

#define CPUID_EXT	0x80000001u
#define CPUID_EXT_LM	29		/* bit of EDX */

#define AR_SMM_SEGMENT	0x8093u		/* present, read/write data, accessed, in pages */

static enum smm_map map_kind(const struct nvmx_vcpu *v)
{
	return vmx_cpuid_has(v, CPUID_EXT, CPUID_EDX, CPUID_EXT_LM) ? SMM_MAP_64 : SMM_MAP_32;
}

static u8 linear_bits(const struct nvmx_vcpu *v)
{
	return v->cpuid->cr4_valid & X86_CR4_LA57 ? 57 : 48;
}

/**
 * vmx_set_smm() - put the vCPU into system-management mode, or take it out
 * @v: the vCPU; loaded, not in L2
 * @active: in or out
 *
 * Changes what memory it sees; registers are the caller's.
 */
void vmx_set_smm(struct nvmx_vcpu *v, bool active)
{
	if (v->smm.active == active)
		return;
	v->smm.active = active;
	v->smm.used = true;
	vmcs_write(v, ept_pointer, mmu_eptp01(v->vm, vcpu_space(v)));
	vmx_flush_linear(v);
	/* What was left half done, was done to the other memory. */
	emu_log_reset(&v->emu_log);
	vcpu_request(v, REQ_EVENT);
}

/* ---- the SMI ---- */

static void save_registers(struct nvmx_vcpu *v, struct smm_state *s)
{
	enum nvmx_seg_reg r;

	vmx_rsp(v);
	memcpy(s->gpr, v->gpr, sizeof(s->gpr));
	s->rip = vmx_rip(v);
	s->rflags = vmx_rflags(v);
	s->dr6 = v->dr6;
	s->dr7 = v->dr7;
	s->cr0 = vmx_cr0(v);
	s->cr3 = vmx_cr3(v);
	s->cr4 = vmx_cr4(v);
	s->efer = v->efer;
	for (r = SEG_ES; r < NR_SEGS; r++)
		vmx_get_seg(v, r, &s->seg[r]);
	s->gdt_base = vmcs_read(v, guest_gdtr_base);
	s->gdt_limit = vmcs_read(v, guest_gdtr_limit);
	s->idt_base = vmcs_read(v, guest_idtr_base);
	s->idt_limit = vmcs_read(v, guest_idtr_limit);
}

/* SDM "Initial SMM Execution Environment" [sdm:smm-env] */
static void load_handler(struct nvmx_vcpu *v)
{
	struct nvmx_segment seg = { .limit = 0xffffffff, .ar = AR_SMM_SEGMENT };
	enum nvmx_seg_reg r;

	for (r = SEG_ES; r <= SEG_GS; r++)
		vmx_set_seg(v, r, &seg);
	seg.base = (u32)v->smbase;
	seg.selector = (u32)v->smbase >> 4;
	vmx_set_seg(v, SEG_CS, &seg);
	vmcs_write(v, guest_idtr_base, 0);
	vmcs_write(v, guest_idtr_limit, 0);
	vmx_set_cr0(v, vmx_cr0(v) & ~(u64)(X86_CR0_PE | X86_CR0_EM | X86_CR0_TS | X86_CR0_PG));
	vmx_set_cr4(v, 0);
	vmx_set_efer(v, 0);
	vmx_set_dr7(v, 0);
	vmx_set_rip(v, SMM_ENTRY);
	vmx_set_rflags(v, X86_EFLAGS_FIXED);
	vmx_cpuid_runtime(v);
	vmcs_write(v, guest_pending_dbg_exceptions, 0);
	vmcs_write(v, guest_interruptibility_info, INTS_NMI);
}

void vmx_take_smi(struct nvmx_vcpu *v)
{
	struct smm_state s = { .smbase = v->smbase };
	u8 map[SMM_MAP_SIZE];

	v->smm.pending = false;
	v->smi_count++;
	save_registers(v, &s);
	s.shadow = vmcs_read(v, guest_interruptibility_info) & (INTS_STI | INTS_MOVSS);
	s.auto_halt = v->smm.halted && !is_guest_mode(v) ? SMM_HALTED : 0;

	nested_enter_smm(v);
	v->smm.inside_nmi = vmx_nmi_blocked(v);
	vmx_set_smm(v, true);
	smm_pack(map, &s, map_kind(v));
	/* Where there is no SMRAM, RSM will find none. */
	mmu_vcpu_write(v, SMM_MAP_GPA(v->smbase), map, sizeof(map));
	load_handler(v);
}

/* ---- RSM ---- */

/* VMXE is not what SMRAM says, but whether RSM returns to VMX operation. */
static void fix_vmxe(const struct nvmx_vcpu *v, struct smm_state *s)
{
	s->cr4 &= ~(u64)X86_CR4_VMXE;
	if (nested_smm_vmxon(v) || nested_vmxon(v))
		s->cr4 |= X86_CR4_VMXE;
}

static bool state_valid(struct nvmx_vcpu *v, const struct smm_state *s)
{
	return smm_state_ok(s, v->cpuid->maxphyaddr, linear_bits(v)) &&
	       vmx_cr0_valid(v, s->cr0) && vmx_efer_valid(v, s->efer) &&
	       vmx_cr4_valid(v, s->cr4 & ~(u64)X86_CR4_VMXE);
}

static bool read_state(struct nvmx_vcpu *v, struct smm_state *s)
{
	u8 map[SMM_MAP_SIZE];

	if (mmu_vcpu_read(v, SMM_MAP_GPA(v->smbase), map, sizeof(map)))
		return false;
	smm_unpack(map, s, map_kind(v));
	return true;
}

/* EFER before CR0, which makes LMA of LME and PG; PAE before both. */
static int load_control(struct nvmx_vcpu *v, const struct smm_state *s)
{
	vmx_set_cr4(v, s->cr4);
	vmx_set_cr3(v, s->cr3);
	vmx_set_efer(v, s->efer & ~(u64)EFER_LMA);
	vmx_set_cr0(v, s->cr0);
	vmx_cpuid_runtime(v);
	return vmx_is_pae_paging(v) ? vmx_load_pdptrs(v, s->cr3) : 0;
}

static int load_registers(struct nvmx_vcpu *v, const struct smm_state *s)
{
	enum nvmx_seg_reg r;

	for (r = SEG_ES; r < NR_SEGS; r++)
		vmx_set_seg(v, r, &s->seg[r]);
	vmcs_write(v, guest_gdtr_base, s->gdt_base);
	vmcs_write(v, guest_gdtr_limit, s->gdt_limit);
	vmcs_write(v, guest_idtr_base, s->idt_base);
	vmcs_write(v, guest_idtr_limit, s->idt_limit);
	vmx_set_dr7(v, s->dr7);
	vmx_set_rip(v, s->rip);
	vmx_set_rsp(v, s->gpr[GPR_RSP]);
	vmx_set_rflags(v, s->rflags);
	return load_control(v, s);
}

/* HLT again, where the handler has not said otherwise.  The instruction's last byte is its own. */
static void restart_halt(struct smm_state *s)
{
	if (s->auto_halt & SMM_HALTED && s->rip)
		s->rip--;
}

/* Blocking as it was before the SMI; STI and MOV SS block at once only what they did then. */
static void load_blocking(struct nvmx_vcpu *v, const struct smm_state *s)
{
	u32 ints = v->smm.inside_nmi ? INTS_NMI : 0;

	if (s->shadow & INTS_MOVSS)
		ints |= INTS_MOVSS;
	else if (s->shadow & INTS_STI && s->rflags & X86_EFLAGS_IF)
		ints |= INTS_STI;
	vmcs_write(v, guest_interruptibility_info, ints);
	/* An entry with the shadow and TF must have a single step pending. */
	if (ints & (INTS_STI | INTS_MOVSS) && vmx_rflags_raw(v) & X86_EFLAGS_TF)
		vmcs_write(v, guest_pending_dbg_exceptions, PDE_BS);
	else
		vmcs_write(v, guest_pending_dbg_exceptions, 0);
}

/* SDM "Exiting From SMM" [sdm:rsm] */
static enum nvmx_action resume(struct nvmx_vcpu *v)
{
	struct smm_state s;
	int err;

	if (!read_state(v, &s))
		goto shut_down;
	fix_vmxe(v, &s);
	if (!state_valid(v, &s))
		goto shut_down;
	restart_halt(&s);
	vmx_set_smm(v, false);
	v->smbase = s.smbase;
	memcpy(v->gpr, s.gpr, sizeof(v->gpr));
	v->dr6 = (s.dr6 & 0xe00f) | DR6_ONES;
	if (nested_smm_has_l2(v)) {
		vmx_set_nmi_blocked(v, v->smm.inside_nmi);
		err = nested_leave_smm(v, &s);
	} else {
		nested_leave_smm(v, &s);
		err = load_registers(v, &s);
		load_blocking(v, &s);
		if (!nested_cr0_valid(v, s.cr0))
			err = -EINVAL;
	}
	if (!err)
		return NVMX_RESUME;
shut_down:
	vmx_triple_fault(v);
	return NVMX_RESUME;
}

static bool is_rsm(struct nvmx_vcpu *v)
{
	struct emu_task t;
	bool rsm;

	emu_log_reset(&v->emu_log);
	vmx_emu_begin(v, &t);
	rsm = emu_decode(&v->emu) == EMU_OK && v->emu.insn.kind == EMU_K_RSM;
	v->emu.ctx = NULL;
	emu_log_reset(&v->emu_log);
	return rsm;
}

enum nvmx_action vmx_ud_in_smm(struct nvmx_vcpu *v)
{
	if (is_rsm(v))
		return resume(v);
	return vmx_fault(v, VEC_UD);
}
