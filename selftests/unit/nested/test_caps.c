// SPDX-License-Identifier: GPL-2.0-only
/*
 * Capability MSRs: what L1 reads, what the host may write.
 */
#include <errno.h>
#include "test.h"

static u64 get(u32 msr)
{
	u64 val = 0;

	if (nested_get_msr(&m->v, msr, &val, MSR_BY_GUEST))
		ok(false, "MSR 0x%x cannot be read", msr);
	return val;
}

static bool set(u32 msr, u64 val)
{
	return !nested_set_msr(&m->v, msr, val);
}

/* Each bit of @mask that is 1 may be cleared, and set again. */
static void clearable(u32 msr, u64 mask)
{
	u64 val = get(msr), bit;
	bool good = true;

	for (bit = 1; bit; bit <<= 1)
		if (val & mask & bit)
			good &= set(msr, val & ~bit) && get(msr) == (val & ~bit) && set(msr, val);
	ok(good, "MSR 0x%x: each bit of 0x%llx can be cleared", msr, (unsigned long long)mask);
}

/* Each bit of @mask that is 0 may be set, and cleared again. */
static void settable(u32 msr, u64 mask)
{
	u64 val = get(msr), bit;
	bool good = true;

	for (bit = 1; bit; bit <<= 1)
		if (~val & mask & bit)
			good &= set(msr, val | bit) && get(msr) == (val | bit) && set(msr, val);
	ok(good, "MSR 0x%x: each bit of 0x%llx can be set", msr, (unsigned long long)mask);
}

/* No bit of @mask that is 0 may be set. */
static void not_settable(u32 msr, u64 mask)
{
	u64 val = get(msr), bit;
	bool good = true;

	for (bit = 1; bit; bit <<= 1)
		if (~val & mask & bit)
			good &= !set(msr, val | bit) && get(msr) == val;
	ok(good, "MSR 0x%x: no bit of 0x%llx can be added", msr, (unsigned long long)mask);
}

#define LOW	0xffffffffull
#define HIGH	(LOW << 32)

static void ctl_msrs(void)
{
	static const u32 msrs[] = {
		MSR_IA32_VMX_TRUE_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PROCBASED_CTLS,
		MSR_IA32_VMX_TRUE_EXIT_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS,
		MSR_IA32_VMX_PROCBASED_CTLS2,
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		clearable(msrs[i], HIGH);
		settable(msrs[i], LOW);
		not_settable(msrs[i], HIGH);
	}
	ok(!set(MSR_IA32_VMX_TRUE_PINBASED_CTLS, get(MSR_IA32_VMX_TRUE_PINBASED_CTLS) & ~2ull),
	   "what must be 1 must be 1");
	for (i = MSR_IA32_VMX_PINBASED_CTLS; i <= MSR_IA32_VMX_ENTRY_CTLS; i++)
		ok(!set(i, get(i)), "MSR 0x%x is not writable", i);
	ok(get(MSR_IA32_VMX_PROCBASED_CTLS) == (get(MSR_IA32_VMX_TRUE_PROCBASED_CTLS) | 0x401e172),
	   "without TRUE MSRs the default1 bits must be 1");
	ok(!(get(MSR_IA32_VMX_TRUE_PROCBASED_CTLS) & (3 << 15)), "CR3 exits may be off");
	ok(!(get(MSR_IA32_VMX_TRUE_EXIT_CTLS) & 4) && !(get(MSR_IA32_VMX_TRUE_ENTRY_CTLS) & 4),
	   "debug controls may be off");
}

static void other_msrs(void)
{
	u64 basic = get(MSR_IA32_VMX_BASIC), misc = get(MSR_IA32_VMX_MISC);

	ok((basic & 0x1ffflu << 32) == 4096ull << 32 && (u32)basic == VMCS12_REVISION,
	   "revision and size");
	clearable(MSR_IA32_VMX_BASIC, 1ull << 49 | 1ull << 54 | 1ull << 55);
	not_settable(MSR_IA32_VMX_BASIC, ~(0x1fffull << 32));
	ok(!set(MSR_IA32_VMX_BASIC, basic ^ 1) && !set(MSR_IA32_VMX_BASIC, basic & ~VMXB_WB) &&
	   !set(MSR_IA32_VMX_BASIC, basic - (1ull << 32)), "revision, type, smaller size");
	clearable(MSR_IA32_VMX_MISC, VMXM_SAVE_LMA | 7 << 6 | 3 << 14 | 7 << 28);
	not_settable(MSR_IA32_VMX_MISC, ~0ull);
	ok(!set(MSR_IA32_VMX_MISC, misc ^ 1), "the timer's rate is what it is");
	clearable(MSR_IA32_VMX_EPT_VPID_CAP, ~0ull);
	not_settable(MSR_IA32_VMX_EPT_VPID_CAP, ~0ull);
	not_settable(MSR_IA32_VMX_VMFUNC, ~0ull);
	ok(set(MSR_IA32_VMX_VMCS_ENUM, 0) && set(MSR_IA32_VMX_VMCS_ENUM, ~0ull) &&
	   set(MSR_IA32_VMX_VMCS_ENUM, 0x2e), "VMCS_ENUM takes anything");
	ok(set(MSR_IA32_VMX_CR0_FIXED0, X86_CR0_PE | X86_CR0_NE | X86_CR0_PG) &&
	   set(MSR_IA32_VMX_CR4_FIXED0, X86_CR4_VMXE) && !set(MSR_IA32_VMX_CR0_FIXED0, 0) &&
	   !set(MSR_IA32_VMX_CR4_FIXED0, 0), "FIXED0: no bit less");
	ok(!set(MSR_IA32_VMX_CR0_FIXED1, ~0ull) && !set(MSR_IA32_VMX_CR4_FIXED1, ~0ull),
	   "FIXED1 is not writable");
	ok(get(MSR_IA32_VMX_CR4_FIXED1) == m->cpuid.cr4_valid, "CR4_FIXED1 is what CPUID allows");
	ok(nested_is_vmx_msr(0x480) && nested_is_vmx_msr(0x491) && !nested_is_vmx_msr(0x492) &&
	   !nested_is_vmx_msr(0x47f), "the MSRs are 0x480 to 0x491");
}

static void offer(void)
{
	ok(!nested_offers(&m->v, CTL_vm_functions) && !nested_offers(&m->v, CTL_pml),
	   "what is not done is not offered");
	ok(nested_offers(&m->v, CTL_vmcs_shadowing) && get(MSR_IA32_VMX_MISC) & VMXM_VMWRITE_ALL,
	   "VMCS shadowing, with VMWRITE to all fields, without which nobody uses it");
	ok(nested_offers(&m->v, CTL_invpcid) && nested_offers(&m->v, CTL_xsaves), "what is, is");
	m->cpuid.nent = 0;
	nested_cpuid_changed(&m->v);
	ok(!nested_offers(&m->v, CTL_invpcid) && !nested_offers(&m->v, CTL_xsaves) &&
	   !nested_offers(&m->v, CTL_rdtscp), "without the instruction there is no control");
	model_vmxon();
	m->cpuid.vmx = false;
	nested_cpuid_changed(&m->v);
	ok(!nested_vmxon(&m->v), "without VMX there is no VMX operation");
	m->cpuid.vmx = true;
}

static void hardware_demands(void)
{
	u64 val;

	vmx_caps.allowed0[CTLW_PROC] = CTL_MASK(CTL_cr3_load_exiting);
	vmx_caps.allowed1[CTLW_PROC] &= ~CTL_MASK(CTL_monitor_trap_flag);
	vmx_caps.allowed1[CTLW_PIN] &= ~CTL_MASK(CTL_preemption_timer);
	vmx_caps.allowed1[CTLW_PROC2] &= ~CTL_MASK(CTL_vmcs_shadowing);
	nested_caps_init();
	nested_get_feature_msr(MSR_IA32_VMX_TRUE_PROCBASED_CTLS, &val);
	ok(val & CTL_MASK(CTL_cr3_load_exiting) && !(val & CTL_MASK(CTL_cr3_store_exiting)),
	   "what hardware demands L1 must set");
	ok(!(val >> 32 & CTL_MASK(CTL_monitor_trap_flag)), "what hardware lacks is not offered");
	nested_get_feature_msr(MSR_IA32_VMX_TRUE_PINBASED_CTLS, &val);
	ok(val >> 32 & CTL_MASK(CTL_preemption_timer), "unless software does it");
	ok(val >> 32 & CTL_MASK(CTL_posted_interrupts), "posted interrupts, for one");
	nested_get_feature_msr(MSR_IA32_VMX_PROCBASED_CTLS2, &val);
	ok(val >> 32 & CTL_MASK(CTL_vmcs_shadowing), "VMCS shadowing, for another");
	ok((val >> 32) == nested_caps.allowed1[CTLW_PROC2],
	   "the module's own MSRs know no CPUID");
	ok(nested_get_feature_msr(0x492, &val) == -EINVAL, "0x492 is not there");
	vmx_caps.allowed1[CTLW_PROC2] &= ~CTL_MASK(CTL_virtual_interrupt_delivery);
	nested_caps_init();
	nested_get_feature_msr(MSR_IA32_VMX_TRUE_PINBASED_CTLS, &val);
	ok(!(val >> 32 & CTL_MASK(CTL_posted_interrupts)),
	   "but not without virtual-interrupt delivery");
	vmx_caps.allowed1[CTLW_PROC2] |= CTL_MASK(CTL_virtual_interrupt_delivery);
	vmx_nested_posted = false;
	nested_caps_init();
	nested_get_feature_msr(MSR_IA32_VMX_TRUE_PINBASED_CTLS, &val);
	ok(!(val >> 32 & CTL_MASK(CTL_posted_interrupts)), "nor unasked");
	vmx_nested_posted = true;
}

static void feature_control(void)
{
	m->v.feature_control = 0;
	ok(nested_wrmsr_feature_control(&m->v, 2) == -EINVAL &&
	   nested_wrmsr_feature_control(&m->v, 1 << 20) == -EINVAL, "bits that are not there: #GP");
	ok(!nested_wrmsr_feature_control(&m->v, FEATC_LOCK | FEATC_VMX), "L1 writes and locks");
	ok(nested_wrmsr_feature_control(&m->v, FEATC_VMX) == -EINVAL, "then it is locked");
	model_vmxon();
	ok(nested_set_msr(&m->v, MSR_IA32_VMX_MISC, get(MSR_IA32_VMX_MISC) & ~0x40ull) == -EBUSY,
	   "capabilities are frozen in VMX operation");
	ok(!nested_host_feature_control(&m->v, FEATC_LOCK | FEATC_VMX) && nested_vmxon(&m->v),
	   "the host writes it");
	ok(!nested_host_feature_control(&m->v, 0x160007) &&
	   nested_host_feature_control(&m->v, 8) == -EINVAL &&
	   nested_host_feature_control(&m->v, BIT_ULL(63)) == -EINVAL &&
	   m->v.feature_control == 0x160007, "all bits that KVM knows, and no others");
	ok(!nested_host_feature_control(&m->v, 0) && !nested_vmxon(&m->v),
	   "the host writes 0: VMX operation ends");
}

void test_caps(void)
{
	model_new();
	ctl_msrs();
	other_msrs();
	offer();
	feature_control();
	model_end();
	model_new();
	hardware_demands();
	model_end();
}
