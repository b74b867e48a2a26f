// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decide who owns an exit from L2.
 *
 * In: the exit and vmcs12.  Out: an owner.  Nothing is changed here.  The static part of the answer
 * is a column of vmx_exits.h; this file holds the predicates that read masks and bitmaps.  A reason
 * that is not in the table is L1's: L0 acts on nothing that it does not know [CVE-2016-9588].
 */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/nested.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

/*
 * Page faults are selected by error code: bit 14 of the bitmap says what a match means.
 * SDM "Exception Bitmap" [sdm:exception-bitmap]
 */
static bool wants_page_fault(const struct vmcs12 *vmcs12, u32 code)
{
	bool match = (code & vmcs12->page_fault_error_code_mask) ==
		     vmcs12->page_fault_error_code_match;
	bool bit = vmcs12->exception_bitmap & BIT(VEC_PF);

	return match == bit;
}

bool nested_intercepts_exception(struct nvmx_vcpu *v, u8 vector, u32 code)
{
	const struct vmcs12 *vmcs12 = nested_vmcs12(v);

	if (vector == VEC_PF)
		return wants_page_fault(vmcs12, code);
	return vector < 32 && (vmcs12->exception_bitmap & BIT(vector));
}

bool nested_intercepts_irq(struct nvmx_vcpu *v)
{
	return vmcs12_has(nested_vmcs12(v), CTL_ext_int_exiting);
}

bool nested_intercepts_nmi(struct nvmx_vcpu *v)
{
	return vmcs12_has(nested_vmcs12(v), CTL_nmi_exiting);
}

/* Breakpoints and steps of user space that debugs the guest are nobody else's. */
static bool user_debugs(const struct nvmx_vcpu *v, u8 vector)
{
	if (vector == VEC_DB)
		return v->guest_debug & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP);
	return vector == VEC_BP && (v->guest_debug & KVM_GUESTDBG_USE_SW_BP);
}

/* NMIs and machine checks that interrupt L2 are the host's. */
static bool ask_exception(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	u32 info = v->exit.intr_info;
	u8 vector = info & EVT_VECTOR;

	if ((info & EVT_TYPE) == EVT_TYPE_NMI || vector == VEC_MC || user_debugs(v, vector))
		return false;
	return nested_intercepts_exception(v, vector, v->exit.intr_error);
}

/* A write exits where it would make a bit differ that L1 keeps. */
static bool differs(u64 val, u64 shadow, u64 mask)
{
	return (val ^ shadow) & mask;
}

static bool ask_mov_to_cr(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	u64 val = vmx_gpr(v, CRQ_REG(v->exit.qual));

	if (!vmx_long_mode64(v))
		val = (u32)val;
	switch (CRQ_NUM(v->exit.qual)) {
	case 0:
		return differs(val, vmcs12->cr0_read_shadow, vmcs12->cr0_guest_host_mask);
	case 3:
		/* There are no CR3-target values: MISC says 0. */
		return vmcs12_has(vmcs12, CTL_cr3_load_exiting);
	case 4:
		return differs(val, vmcs12->cr4_read_shadow, vmcs12->cr4_guest_host_mask);
	case 8:
		return vmcs12_has(vmcs12, CTL_cr8_load_exiting);
	default:
		return true;
	}
}

static bool ask_mov_from_cr(const struct vmcs12 *vmcs12, u64 qual)
{
	switch (CRQ_NUM(qual)) {
	case 3:
		return vmcs12_has(vmcs12, CTL_cr3_store_exiting);
	case 8:
		return vmcs12_has(vmcs12, CTL_cr8_store_exiting);
	default:
		return true;
	}
}

/* LMSW writes MP, EM and TS, and can set PE but not clear it. */
static bool ask_lmsw(const struct vmcs12 *vmcs12, u64 qual)
{
	const u64 written = X86_CR0_MP | X86_CR0_EM | X86_CR0_TS;
	u64 mask = vmcs12->cr0_guest_host_mask, shadow = vmcs12->cr0_read_shadow;
	u64 val = CRQ_LMSW_DATA(qual);

	if (val & mask & ~shadow & X86_CR0_PE)
		return true;
	return differs(val, shadow, mask & written);
}

/* SDM "Instructions That Cause VM Exits Conditionally" [sdm:conditional-exits] */
static bool ask_cr_access(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	u64 qual = v->exit.qual;

	switch (CRQ_TYPE(qual)) {
	case CRQ_TYPE_TO_CR:
		return ask_mov_to_cr(v, vmcs12);
	case CRQ_TYPE_FROM_CR:
		return ask_mov_from_cr(vmcs12, qual);
	case CRQ_TYPE_CLTS:
		return vmcs12->cr0_guest_host_mask & vmcs12->cr0_read_shadow & X86_CR0_TS;
	default:
		return ask_lmsw(vmcs12, qual);
	}
}

static bool ask_io(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	return nested_intercepts_io(v, IOQ_PORT(v->exit.qual), IOQ_SIZE(v->exit.qual));
}

static bool ask_msr(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	return nested_intercepts_msr(v, v->gpr[GPR_RCX], v->exit.reason == EXIT_wrmsr);
}

/* With VMCS shadowing L1's bitmaps decide, by the field. */
static bool ask_vmread(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	return nested_intercepts_field(v, vmcs12->vmread_bitmap, nested_reg2(v));
}

static bool ask_vmwrite(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	return nested_intercepts_field(v, vmcs12->vmwrite_bitmap, nested_reg2(v));
}

/* Also a pending MTF exit that L1 injected. */
static bool ask_mtf(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	return true;
}

static bool ask_pause(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	return vmcs12_has(vmcs12, CTL_pause_exiting);
}

static bool ask_invpcid(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	return vmcs12_has(vmcs12, CTL_invpcid) && vmcs12_has(vmcs12, CTL_invlpg_exiting);
}

/* L0's own XSS-exiting bitmap is empty. */
static bool ask_xss(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	return vmcs12_has(vmcs12, CTL_xsaves) && vmcs12->xss_exit_bitmap;
}

static u64 eoi_exits(const struct vmcs12 *vmcs12, u8 vector)
{
	switch (vector >> 6) {
	case 0:
		return vmcs12->eoi_exit_bitmap0;
	case 1:
		return vmcs12->eoi_exit_bitmap1;
	case 2:
		return vmcs12->eoi_exit_bitmap2;
	default:
		return vmcs12->eoi_exit_bitmap3;
	}
}

/* Only virtual.c asks for more than L1 does. */
static bool ask_eoi(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	u8 vector = v->exit.qual;

	return !vmx_vid_erratum || eoi_exits(vmcs12, vector) & BIT_ULL(vector & 63);
}

/* ---- the table ---- */

struct route {
	enum { BY_L1, BY_L0, BY_CTL, BY_ASK } by;	/* a hole is BY_L1 */
	enum vmx_ctl ctl;
	bool (*ask)(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12);
};

#define ROUTE_L1(arg)	{ .by = BY_L1 }
#define ROUTE_L0(arg)	{ .by = BY_L0 }
#define ROUTE_CTL(arg)	{ .by = BY_CTL, .ctl = CTL_##arg }
#define ROUTE_ASK(arg)	{ .by = BY_ASK, .ask = ask_##arg }

static const struct route routes[] = {
#define NVMX_EXIT(number, name, handler, owner, arg, valid)	\
	[number] = ROUTE_##owner(arg),
#include <nvmx/vmx_exits.h>
#undef NVMX_EXIT
};

static bool is_l1s(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	u32 reason = v->exit.reason & 0xffff;

	if (reason >= ARRAY_SIZE(routes))
		return true;
	switch (routes[reason].by) {
	case BY_L0:
		return false;
	case BY_CTL:
		return vmcs12_has(vmcs12, routes[reason].ctl);
	case BY_ASK:
		return routes[reason].ask(v, vmcs12);
	default:
		return true;
	}
}

enum nested_owner nested_route(struct nvmx_vcpu *v)
{
	return is_l1s(v, nested_vmcs12(v)) ? OWNER_L1 : OWNER_L0;
}
