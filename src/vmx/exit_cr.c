// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses to control registers that exit: writes of bits that the guest does not own, CLTS,
 * LMSW, and CR8.
 *
 * In L2 such an exit comes here if L1 does not intercept it.  Then the value that the guest wrote
 * is what it will read back (the read shadow), while the register gets L1's choice of the bits
 * that L1 keeps: nested_merge_cr0() and _cr4().
 */
#include <linux/bits.h>
#include <linux/kvm.h>
#include <linux/types.h>

#include <nvmx/arch.h>
#include <nvmx/irq.h>
#include <nvmx/nested.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "exit.h"

#define CR0_DEFINED	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | \
			 X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | \
			 X86_CR0_PG)
#define CR0_LMSW	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS)
#define CR3_NOFLUSH	BIT_ULL(63)
#define CR3_PCID	0xfffull
#define TYPE_TSS_BUSY	11u		/* 32 or 64 bits */

/* Writes that load the PDPTEs. SDM "PDPTE Registers" [sdm:pdpte] */
#define CR0_LOADS_PDPTR	(X86_CR0_CD | X86_CR0_NW | X86_CR0_PG)
#define CR4_LOADS_PDPTR	(X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PSE | X86_CR4_SMEP)
/* Writes that invalidate TLBs. SDM "Operations that Invalidate TLBs" [sdm:tlb-invalidate] */
#define CR4_FLUSHES	(X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PSE | X86_CR4_SMEP | X86_CR4_SMAP | \
			 X86_CR4_PCIDE | X86_CR4_LA57 | X86_CR4_PKE)

static u64 shown_cr0(struct nvmx_vcpu *v)
{
	return is_guest_mode(v) ? nested_read_cr0(v) : vmx_cr0(v);
}

/* SDM "Initializing IA-32e Mode": neither CS.L nor a 16-bit TSS [sdm:ia32e-switch] */
static bool may_enter_ia32e(struct nvmx_vcpu *v)
{
	if (!(vmx_cr4(v) & X86_CR4_PAE) || (vmcs_read(v, guest_cs_ar_bytes) & SEGAR_L))
		return false;
	return (vmcs_read(v, guest_tr_ar_bytes) & SEGAR_TYPE) == TYPE_TSS_BUSY;
}

/* Turning paging on and off. SDM "Mode Switching" [sdm:mode-switch] */
static bool paging_switch_valid(struct nvmx_vcpu *v, u64 cr0, u64 changed)
{
	if (!(changed & X86_CR0_PG))
		return true;
	if (!(cr0 & X86_CR0_PG))
		return !vmx_long_mode64(v) && !(vmx_cr4(v) & X86_CR4_PCIDE);
	if (!(v->efer & EFER_LME))
		return true;
	return may_enter_ia32e(v);
}

/* PAE paging begins or goes on with the state to be: are its tables good? They are loaded then. */
static bool pdptrs_load(struct nvmx_vcpu *v, u64 cr0, u64 cr4)
{
	if (!(cr0 & X86_CR0_PG) || !(cr4 & X86_CR4_PAE) || (v->efer & EFER_LME))
		return true;
	return !vmx_load_pdptrs(v, vmx_cr3(v));
}

/* @val: what the guest wrote; false: #GP, and nothing has changed */
static bool to_cr0(struct nvmx_vcpu *v, u64 val)
{
	u64 shown = (val & CR0_DEFINED) | X86_CR0_ET;
	u64 cr0 = is_guest_mode(v) ? nested_merge_cr0(v, shown) : shown;
	u64 changed = cr0 ^ vmx_cr0(v);

	if (val >> 32 || !vmx_cr0_valid(v, cr0) || !nested_cr0_valid(v, cr0))
		return false;
	if (!paging_switch_valid(v, cr0, changed))
		return false;
	if ((changed & CR0_LOADS_PDPTR) && !pdptrs_load(v, cr0, vmx_cr4(v)))
		return false;

	vmx_set_cr0(v, cr0);
	if (is_guest_mode(v))
		vmcs_write(v, cr0_read_shadow, shown);
	if (changed & X86_CR0_PG)
		vmx_flush_linear(v);
	return true;
}

/* SDM "MOV—Move to/from Control Registers" [sdm:mov-cr] */
static bool mode_switch_valid(struct nvmx_vcpu *v, u64 cr4, u64 changed)
{
	bool lma = v->efer & EFER_LMA;

	if (lma && (!(cr4 & X86_CR4_PAE) || (changed & X86_CR4_LA57)))
		return false;
	if (changed & cr4 & X86_CR4_PCIDE)
		return lma && !(vmx_cr3(v) & CR3_PCID);
	return true;
}

static bool to_cr4(struct nvmx_vcpu *v, u64 shown)
{
	u64 cr4 = is_guest_mode(v) ? nested_merge_cr4(v, shown) : shown;
	u64 changed = cr4 ^ vmx_cr4(v);

	if (!vmx_cr4_valid(v, shown) || !nested_cr4_valid(v, cr4))
		return false;
	if (!mode_switch_valid(v, cr4, changed))
		return false;
	if ((changed & CR4_LOADS_PDPTR) && !pdptrs_load(v, vmx_cr0(v), cr4))
		return false;

	vmx_set_cr4(v, cr4);
	if (is_guest_mode(v))
		vmcs_write(v, cr4_read_shadow, shown);
	if (changed & CR4_FLUSHES)
		vmx_flush_linear(v);
	return true;
}

static bool to_cr3(struct nvmx_vcpu *v, u64 val)
{
	u64 reserved = GENMASK_ULL(63, v->cpuid->maxphyaddr);
	u64 cr3 = val;

	if (vmx_cr4(v) & X86_CR4_PCIDE)
		cr3 &= ~CR3_NOFLUSH;
	if ((v->efer & EFER_LMA) && (cr3 & reserved))
		return false;
	if (vmx_is_pae_paging(v) && vmx_load_pdptrs(v, cr3))
		return false;
	vmx_set_cr3(v, cr3);
	if (cr3 == val)
		vmx_flush_linear(v);
	return true;
}

/* The register of a MOV, as wide as the mode makes it. */
static u64 source(struct nvmx_vcpu *v)
{
	u64 val = vmx_gpr(v, CRQ_REG(v->exit.qual));

	return vmx_long_mode64(v) ? val : (u32)val;
}

/* User space's APIC wants to know when the priority went down: something may be deliverable. */
static enum nvmx_action to_cr8(struct nvmx_vcpu *v, u64 val)
{
	u64 old = vmx_cr8(v);

	if (val >> 4)
		return vmx_gp(v);
	vmx_set_cr8(v, val);
	vmx_skip_insn(v);
	if (old <= val || irq_in_kernel(v))
		return NVMX_RESUME;
	v->run->exit_reason = KVM_EXIT_SET_TPR;
	return NVMX_USER;
}

static enum nvmx_action finish(struct nvmx_vcpu *v, bool legal)
{
	return legal ? vmx_skip(v) : vmx_gp(v);
}

static enum nvmx_action mov_to_cr(struct nvmx_vcpu *v)
{
	u64 val = source(v);

	switch (CRQ_NUM(v->exit.qual)) {
	case 0:
		return finish(v, to_cr0(v, val));
	case 3:
		return finish(v, to_cr3(v, val));
	case 4:
		return finish(v, to_cr4(v, val));
	case 8:
		return to_cr8(v, val);
	default:
		return exit_unexpected(v);
	}
}

static enum nvmx_action mov_from_cr(struct nvmx_vcpu *v)
{
	u32 reg = CRQ_REG(v->exit.qual);

	switch (CRQ_NUM(v->exit.qual)) {
	case 3:
		vmx_set_gpr(v, reg, vmx_cr3(v));
		return vmx_skip(v);
	case 8:
		vmx_set_gpr(v, reg, vmx_cr8(v));
		return vmx_skip(v);
	default:
		return exit_unexpected(v);
	}
}

/* LMSW can set PE but not clear it. */
static u64 lmsw_value(struct nvmx_vcpu *v)
{
	u64 data = CRQ_LMSW_DATA(v->exit.qual) & CR0_LMSW;

	return (shown_cr0(v) & ~(u64)(CR0_LMSW & ~X86_CR0_PE)) | data;
}

enum nvmx_action exit_cr_access(struct nvmx_vcpu *v)
{
	switch (CRQ_TYPE(v->exit.qual)) {
	case CRQ_TYPE_TO_CR:
		return mov_to_cr(v);
	case CRQ_TYPE_FROM_CR:
		return mov_from_cr(v);
	case CRQ_TYPE_CLTS:
		return finish(v, to_cr0(v, shown_cr0(v) & ~(u64)X86_CR0_TS));
	default:
		return finish(v, to_cr0(v, lmsw_value(v)));
	}
}
