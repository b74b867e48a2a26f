// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMX capability MSRs of L1: made from table 2 and the CPU, narrowed by the host.
 *
 * What is not done is not offered.  The host may take away (KVM_SET_MSRS before the vCPU is in VMX
 * operation), never add.  SDM "VMX Capability Reporting Facility" [sdm:caps]
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/fields.h>
#include <nvmx/nested.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"

/* Rate 5 as KVM's: a deadline in a nested state means the same on both. */
#define TIMER_SHIFT12		5

#define BASIC_REVISION		GENMASK_ULL(30, 0)
#define BASIC_SIZE		GENMASK_ULL(44, 32)
#define BASIC_32BIT		BIT_ULL(48)
#define BASIC_MEMTYPE		GENMASK_ULL(53, 50)
#define BASIC_FEATURES		(BIT_ULL(49) | VMXB_INOUT | VMXB_TRUE_CTLS | BIT_ULL(56))
#define BASIC_RESERVED		(BIT_ULL(31) | GENMASK_ULL(47, 45) | GENMASK_ULL(63, 57))

#define MISC_TIMER		GENMASK_ULL(4, 0)
#define MISC_CR3_TARGETS	GENMASK_ULL(24, 16)
#define MISC_LIST_SIZE		GENMASK_ULL(27, 25)
#define MISC_MSEG		GENMASK_ULL(63, 32)
#define MISC_FEATURES		(VMXM_SAVE_LMA | VMXM_HLT | VMXM_SHUTDOWN | VMXM_WAIT_SIPI |	\
				 BIT_ULL(14) | BIT_ULL(15) | BIT_ULL(28) | VMXM_VMWRITE_ALL |	\
				 VMXM_ZERO_LEN)
#define MISC_RESERVED		(GENMASK_ULL(13, 9) | BIT_ULL(31))

#define FEATC_SGX_LC		BIT_ULL(17)
#define FEATC_SGX		BIT_ULL(18)
#define FEATC_LMCE		BIT_ULL(20)
#define MCG_LMCE		BIT_ULL(27)

struct caps12 nested_caps;

/*
 * Bits that are 1 without the TRUE MSRs.
 * SDM "Reserved Controls and Default Settings" [sdm:default1]
 */
static const u32 default1[NR_CTL_WORDS] = {
	[CTLW_PIN] = 0x00000016,
	[CTLW_PROC] = 0x0401e172,
	[CTLW_PROC2] = 0,
	[CTLW_EXIT] = 0x00036dff,
	[CTLW_ENTRY] = 0x000011ff,
};

enum offer { OFFER_YES, OFFER_SOFT, OFFER_NO };
enum merge { MERGE_OR, MERGE_L1, MERGE_L0, MERGE_EMUL, MERGE_CODE };

static const struct ctl_row {
	enum vmx_ctl ctl;
	enum offer offer;
	enum merge merge;
} ctl_rows[] = {
#define NVMX_CTL(word, bit, name, l0, offer, merge) { CTL_##name, OFFER_##offer, MERGE_##merge },
#include <nvmx/vmx_controls.h>
#undef NVMX_CTL
};

/* Posted interrupts are done in software, on top of what only the CPU can do; and if asked for. */
static bool is_offered(const struct ctl_row *row)
{
	if (row->ctl == CTL_posted_interrupts)
		return vmx_nested_posted && vmx_cpu_has(CTL_virtual_interrupt_delivery);
	return row->offer == OFFER_SOFT || (row->offer == OFFER_YES && vmx_cpu_has(row->ctl));
}

/* Where hardware sees L1's own bit, L1 must set what hardware demands. */
static bool is_demanded(const struct ctl_row *row)
{
	return row->merge == MERGE_L1 &&
	       vmx_caps.allowed0[CTL_WORD(row->ctl)] & CTL_MASK(row->ctl);
}

static void init_controls(struct caps12 *caps)
{
	const struct ctl_row *row;
	u32 w;

	for (w = 0; w < NR_CTL_WORDS; w++) {
		caps->allowed0[w] = default1[w];
		caps->allowed1[w] = default1[w];
	}
	for (row = ctl_rows; row < ctl_rows + ARRAY_SIZE(ctl_rows); row++) {
		w = CTL_WORD(row->ctl);
		if (!is_offered(row))
			continue;
		caps->allowed1[w] |= CTL_MASK(row->ctl);
		if (!is_demanded(row))
			caps->allowed0[w] &= ~CTL_MASK(row->ctl);
	}
}

static u64 ept_vpid_caps(const struct caps12 *caps)
{
	u64 val = 0;

	if (caps->allowed1[CTLW_PROC2] & CTL_MASK(CTL_ept)) {
		val |= EVC_WALK4 | EVC_WB | EVC_2M | EVC_1G;
		val |= EVC_INVEPT | EVC_INVEPT_SINGLE | EVC_INVEPT_ALL;
		if (vmx_caps.ept_xo)
			val |= EVC_XO;
		if (vmx_caps.ept_ad)
			val |= EVC_AD;
	}
	if (caps->allowed1[CTLW_PROC2] & CTL_MASK(CTL_vpid))
		val |= EVC_INVVPID | EVC_INVVPID_ADDR | EVC_INVVPID_SINGLE |
		       EVC_INVVPID_ALL | EVC_INVVPID_GLOBALS;
	return val;
}

void nested_caps_init(void)
{
	struct caps12 *caps = &nested_caps;

	init_controls(caps);
	caps->basic = VMCS12_REVISION | (u64)VMCS12_SIZE << 32 | VMXB_WB | VMXB_TRUE_CTLS |
		      (vmx_caps.basic & VMXB_INOUT);
	/* CR3 targets 0, lists of 512 entries, no MSEG, activity states active and HLT */
	caps->misc = TIMER_SHIFT12 | VMXM_SAVE_LMA | VMXM_HLT | VMXM_WAIT_SIPI | VMXM_VMWRITE_ALL;
	caps->ept_vpid = ept_vpid_caps(caps);
	caps->vmcs_enum = nested_vmcs_enum();
	caps->vmfunc = 0;
	caps->cr0_fixed0 = X86_CR0_PE | X86_CR0_NE | X86_CR0_PG;
	caps->cr0_fixed1 = U32_MAX;
	caps->cr4_fixed0 = X86_CR4_VMXE;
	caps->cr4_fixed1 = vmx_caps.cr4_fixed1;
}

/* ---- what CPUID has to say ---- */

static bool cpuid_bit(const struct nvmx_vcpu *v, u32 fn, u32 idx, u32 reg, u32 bit)
{
	const struct kvm_cpuid_entry2 *e = vmx_find_cpuid(v, fn, idx);

	if (!e)
		return false;
	switch (reg) {
	case 0:
		return e->eax & BIT(bit);
	case 1:
		return e->ebx & BIT(bit);
	default:
		return e->edx & BIT(bit);
	}
}

/* A control that enables an instruction is there only with the instruction. */
void nested_caps_follow_cpuid(struct nvmx_vcpu *v)
{
	u32 w, denied = 0;

	if (!cpuid_bit(v, 0x80000001, 0, 3, 27))
		denied |= CTL_MASK(CTL_rdtscp);
	if (!cpuid_bit(v, 7, 0, 1, 10))
		denied |= CTL_MASK(CTL_invpcid);
	if (!cpuid_bit(v, 7, 0, 1, 18))
		denied |= CTL_MASK(CTL_rdseed_exiting);
	if (!cpuid_bit(v, 0xd, 1, 0, 3))
		denied |= CTL_MASK(CTL_xsaves);
	v->nested->cpuid_denied = denied;
	for (w = 0; w < NR_CTL_WORDS; w++)
		v->nested->denied[w] = (w == CTLW_PROC2 ? denied : 0) |
				       (v->evmcs ? nested_evmcs_lacks(w) : 0);
}

u32 nested_allowed1(const struct nvmx_vcpu *v, enum vmx_ctl_word w)
{
	const struct nested_vcpu *n = v->nested;

	return n->caps.allowed1[w] & ~n->denied[w];
}

bool nested_offers(const struct nvmx_vcpu *v, enum vmx_ctl ctl)
{
	return nested_allowed1(v, CTL_WORD(ctl)) & CTL_MASK(ctl);
}

u64 nested_cr4_fixed1(const struct nvmx_vcpu *v)
{
	return v->cpuid->cr4_valid | X86_CR4_VMXE;
}

/* ---- reading ---- */

struct caps_view {
	const struct caps12 *caps;
	const u32 *denied;		/* by word */
};

static u64 ctl_msr(const struct caps_view *view, enum vmx_ctl_word w)
{
	return (u64)(view->caps->allowed1[w] & ~view->denied[w]) << 32 | view->caps->allowed0[w];
}

bool nested_is_vmx_msr(u32 msr)
{
	return msr >= MSR_IA32_VMX_BASIC && msr <= MSR_IA32_VMX_VMFUNC;
}

static int caps_get(const struct caps_view *view, u32 msr, u64 *val)
{
	const struct caps12 *caps = view->caps;

	switch (msr) {
	case MSR_IA32_VMX_BASIC:
		*val = caps->basic;
		break;
	case MSR_IA32_VMX_PINBASED_CTLS:
		*val = ctl_msr(view, CTLW_PIN) | default1[CTLW_PIN];
		break;
	case MSR_IA32_VMX_TRUE_PINBASED_CTLS:
		*val = ctl_msr(view, CTLW_PIN);
		break;
	case MSR_IA32_VMX_PROCBASED_CTLS:
		*val = ctl_msr(view, CTLW_PROC) | default1[CTLW_PROC];
		break;
	case MSR_IA32_VMX_TRUE_PROCBASED_CTLS:
		*val = ctl_msr(view, CTLW_PROC);
		break;
	case MSR_IA32_VMX_EXIT_CTLS:
		*val = ctl_msr(view, CTLW_EXIT) | default1[CTLW_EXIT];
		break;
	case MSR_IA32_VMX_TRUE_EXIT_CTLS:
		*val = ctl_msr(view, CTLW_EXIT);
		break;
	case MSR_IA32_VMX_ENTRY_CTLS:
		*val = ctl_msr(view, CTLW_ENTRY) | default1[CTLW_ENTRY];
		break;
	case MSR_IA32_VMX_TRUE_ENTRY_CTLS:
		*val = ctl_msr(view, CTLW_ENTRY);
		break;
	case MSR_IA32_VMX_PROCBASED_CTLS2:
		*val = ctl_msr(view, CTLW_PROC2);
		break;
	case MSR_IA32_VMX_MISC:
		*val = caps->misc;
		break;
	case MSR_IA32_VMX_CR0_FIXED0:
		*val = caps->cr0_fixed0;
		break;
	case MSR_IA32_VMX_CR0_FIXED1:
		*val = caps->cr0_fixed1;
		break;
	case MSR_IA32_VMX_CR4_FIXED0:
		*val = caps->cr4_fixed0;
		break;
	case MSR_IA32_VMX_CR4_FIXED1:
		*val = caps->cr4_fixed1;
		break;
	case MSR_IA32_VMX_VMCS_ENUM:
		*val = caps->vmcs_enum;
		break;
	case MSR_IA32_VMX_EPT_VPID_CAP:
		*val = caps->ept_vpid;
		break;
	case MSR_IA32_VMX_VMFUNC:
		*val = caps->vmfunc;
		break;
	default:
		return -EINVAL;
	}
	return 0;
}

/* The host saves and restores all that there is; what L1 chooses to do is its own affair. */
int nested_get_msr(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	const struct nested_vcpu *n = v->nested;
	const u32 host[NR_CTL_WORDS] = { [CTLW_PROC2] = n->cpuid_denied };
	const struct caps_view view = { &n->caps, by == MSR_BY_HOST ? host : n->denied };

	if (msr == MSR_IA32_VMX_CR4_FIXED1) {
		*val = nested_cr4_fixed1(v);
		return 0;
	}
	return caps_get(&view, msr, val);
}

int nested_get_feature_msr(u32 msr, u64 *val)
{
	static const u32 none[NR_CTL_WORDS];
	const struct caps_view view = { &nested_caps, none };

	return caps_get(&view, msr, val);
}

/* ---- writing: by the host, to take away ---- */

static bool is_subset(u64 of, u64 val, u64 mask)
{
	return !(val & mask & ~of);
}

static int set_basic(struct caps12 *caps, u64 val)
{
	u64 have = nested_caps.basic;

	if (!is_subset(have, val, BASIC_FEATURES | BASIC_RESERVED) || val & BASIC_32BIT)
		return -EINVAL;
	if ((val ^ have) & (BASIC_REVISION | BASIC_MEMTYPE))
		return -EINVAL;
	/* The region may be said to be larger than it is; nvmx uses one page of it. */
	if ((val & BASIC_SIZE) < (have & BASIC_SIZE))
		return -EINVAL;
	caps->basic = val;
	return 0;
}

static int set_misc(struct caps12 *caps, u64 val)
{
	u64 have = nested_caps.misc;

	if (!is_subset(have, val, MISC_FEATURES | MISC_RESERVED))
		return -EINVAL;
	if (caps->allowed1[CTLW_PIN] & CTL_MASK(CTL_preemption_timer) &&
	    (val ^ have) & MISC_TIMER)
		return -EINVAL;
	if ((val & MISC_CR3_TARGETS) > (have & MISC_CR3_TARGETS) ||
	    (val & MISC_LIST_SIZE) > (have & MISC_LIST_SIZE) || (val ^ have) & MISC_MSEG)
		return -EINVAL;
	caps->misc = val;
	return 0;
}

/* More may have to be 1, less may be 1. */
static int set_ctl(struct caps12 *caps, enum vmx_ctl_word w, u64 val)
{
	u32 must = val, may = val >> 32;

	if (nested_caps.allowed0[w] & ~must || may & ~nested_caps.allowed1[w])
		return -EINVAL;
	caps->allowed0[w] = must;
	caps->allowed1[w] = may;
	return 0;
}

static int set_subset(u64 *field, u64 have, u64 val)
{
	if (!is_subset(have, val, ~0ull))
		return -EINVAL;
	*field = val;
	return 0;
}

/* Bits that must be 1 stay; others may be added. */
static int set_fixed0(u64 *field, u64 have, u64 val)
{
	if (have & ~val)
		return -EINVAL;
	*field = val;
	return 0;
}

static int caps_set(struct caps12 *caps, u32 msr, u64 val)
{
	switch (msr) {
	case MSR_IA32_VMX_BASIC:
		return set_basic(caps, val);
	case MSR_IA32_VMX_TRUE_PINBASED_CTLS:
		return set_ctl(caps, CTLW_PIN, val);
	case MSR_IA32_VMX_TRUE_PROCBASED_CTLS:
		return set_ctl(caps, CTLW_PROC, val);
	case MSR_IA32_VMX_TRUE_EXIT_CTLS:
		return set_ctl(caps, CTLW_EXIT, val);
	case MSR_IA32_VMX_TRUE_ENTRY_CTLS:
		return set_ctl(caps, CTLW_ENTRY, val);
	case MSR_IA32_VMX_PROCBASED_CTLS2:
		return set_ctl(caps, CTLW_PROC2, val);
	case MSR_IA32_VMX_MISC:
		return set_misc(caps, val);
	case MSR_IA32_VMX_CR0_FIXED0:
		return set_fixed0(&caps->cr0_fixed0, nested_caps.cr0_fixed0, val);
	case MSR_IA32_VMX_CR4_FIXED0:
		return set_fixed0(&caps->cr4_fixed0, nested_caps.cr4_fixed0, val);
	case MSR_IA32_VMX_EPT_VPID_CAP:
		return set_subset(&caps->ept_vpid, nested_caps.ept_vpid, val);
	case MSR_IA32_VMX_VMFUNC:
		return set_subset(&caps->vmfunc, nested_caps.vmfunc, val);
	case MSR_IA32_VMX_VMCS_ENUM:
		/* Information for L1 only: nothing depends on it. */
		caps->vmcs_enum = val;
		return 0;
	default:
		/* The others follow: non-TRUE controls from TRUE ones, FIXED1 from CPUID. */
		return -EINVAL;
	}
}

int nested_set_msr(struct nvmx_vcpu *v, u32 msr, u64 val)
{
	u64 old;

	/* L1 has read them and relies on what they said; a restore may say so again. */
	if (v->nested->vmxon)
		return !nested_get_msr(v, msr, &old, MSR_BY_HOST) && old == val ? 0 : -EBUSY;
	return caps_set(&v->nested->caps, msr, val);
}

/* ---- IA32_FEATURE_CONTROL ---- */

/* The host may write what KVM's host may, whatever CPUID shows: it may come before the CPUID. */
#define FEATC_OF_HOST		(FEATC_LOCK | FEATC_VMX_SMX | FEATC_VMX | FEATC_SGX_LC |	\
				 FEATC_SGX | FEATC_LMCE)

static u64 feature_control_valid(const struct nvmx_vcpu *v)
{
	u64 valid = FEATC_LOCK;

	if (v->cpuid->vmx)
		valid |= FEATC_VMX;
	if (v->mcg_cap & MCG_LMCE)
		valid |= FEATC_LMCE;
	return valid;
}

int nested_wrmsr_feature_control(struct nvmx_vcpu *v, u64 val)
{
	if (v->feature_control & FEATC_LOCK || val & ~feature_control_valid(v))
		return -EINVAL;
	v->feature_control = val;
	return 0;
}

int nested_host_feature_control(struct nvmx_vcpu *v, u64 val)
{
	if (val & ~FEATC_OF_HOST)
		return -EINVAL;
	v->feature_control = val;
	if (!val)
		nested_leave(v, true);
	return 0;
}
