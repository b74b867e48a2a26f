// SPDX-License-Identifier: GPL-2.0-only
/*
 * What this CPU's VMX can do, and whether that is enough.
 *
 * Table 2 says for each control what nvmx needs, wants, or may switch at run time.  vmx_caps keeps
 * what the CPU allows and the words that every VMCS of nvmx begins with.
 */
#include <linux/kernel.h>
#include <linux/printk.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include <nvmx/arch.h>
#include <nvmx/compat.h>
#include <nvmx/fields.h>

#include "vmx_int.h"

struct vmx_caps vmx_caps __ro_after_init;

enum ctl_policy { CTL_NEED, CTL_WANT, CTL_DYN, CTL_OPT, CTL_OFF };

struct control {
	const char *name;
	u8 ctl;
	u8 policy;
};

static const struct control controls[] __initconst = {
#define NVMX_CTL(word, bit, name, l0, offer, merge) { #name, CTL_##name, CTL_##l0 },
#include <nvmx/vmx_controls.h>
#undef NVMX_CTL
};

/* Where a capability MSR has a TRUE sibling, that one tells default1 bits that may be 0. */
struct word_msrs {
	u32 msr, true_msr;
};

static const struct word_msrs words[NR_CTL_WORDS] __initconst = {
	[CTLW_PIN] = { MSR_IA32_VMX_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PINBASED_CTLS },
	[CTLW_PROC] = { MSR_IA32_VMX_PROCBASED_CTLS, MSR_IA32_VMX_TRUE_PROCBASED_CTLS },
	[CTLW_PROC2] = { MSR_IA32_VMX_PROCBASED_CTLS2, MSR_IA32_VMX_PROCBASED_CTLS2 },
	[CTLW_EXIT] = { MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS },
	[CTLW_ENTRY] = { MSR_IA32_VMX_ENTRY_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS },
};

static u64 __init read_msr_or_0(u32 msr)
{
	u64 val;

	return rdmsrl_safe(msr, &val) ? 0 : val;
}

static void __init read_words(void)
{
	bool has_true = vmx_caps.basic & VMXB_TRUE_CTLS;
	int w;

	for (w = 0; w < NR_CTL_WORDS; w++) {
		u64 val = read_msr_or_0(has_true ? words[w].true_msr : words[w].msr);

		vmx_caps.allowed0[w] = lower_32_bits(val);
		vmx_caps.allowed1[w] = upper_32_bits(val);
	}
	/* Processors without secondary controls lack the MSR, too; read_msr_or_0() says "none". */
}

/* A control that the parameters turn off does not exist for anybody. */
static void __init hide(enum vmx_ctl ctl, bool enabled)
{
	if (!enabled)
		vmx_caps.allowed1[CTL_WORD(ctl)] &= ~CTL_MASK(ctl);
}

static bool __init is_lacking(const struct control *c)
{
	return (c->policy == CTL_NEED || c->policy == CTL_DYN) && !vmx_cpu_has(c->ctl);
}

/* A bit that must be 1 and that nvmx never sets cannot be obeyed. */
static bool __init is_imposed(const struct control *c)
{
	return c->policy == CTL_OFF && (vmx_caps.allowed0[CTL_WORD(c->ctl)] & CTL_MASK(c->ctl));
}

/* One line with the names of all controls that are so. */
static int __init refuse(const char *why, bool (*is_so)(const struct control *c))
{
	char names[256];
	u32 i, len = 0;

	names[0] = 0;
	for (i = 0; i < ARRAY_SIZE(controls); i++)
		if (is_so(&controls[i]))
			len += scnprintf(names + len, sizeof(names) - len, " %s",
					 controls[i].name);
	if (!len)
		return 0;
	pr_err("nvmx: this CPU's VMX %s:%s\n", why, names);
	return -EOPNOTSUPP;
}

static int __init check_controls(void)
{
	return refuse("lacks", is_lacking) ?: refuse("insists on", is_imposed);
}

static void __init make_base_words(void)
{
	u32 i;

	memcpy(vmx_caps.base, vmx_caps.allowed0, sizeof(vmx_caps.base));
	for (i = 0; i < ARRAY_SIZE(controls); i++) {
		enum vmx_ctl ctl = controls[i].ctl;
		u8 policy = controls[i].policy;

		if (policy == CTL_NEED || (policy == CTL_WANT && vmx_cpu_has(ctl)))
			vmx_caps.base[CTL_WORD(ctl)] |= CTL_MASK(ctl);
	}
}

static int __init check_ept(void)
{
	u64 cap = vmx_caps.ept_vpid;

	if (!(cap & EVC_WALK4)) {
		pr_err("nvmx: this CPU's EPT lacks four-level tables\n");
		return -EOPNOTSUPP;
	}
	if (!(cap & EVC_WB)) {
		pr_err("nvmx: this CPU's EPT lacks write-back tables\n");
		return -EOPNOTSUPP;
	}
	if (!(cap & EVC_INVEPT) || !(cap & EVC_INVEPT_ALL)) {
		pr_err("nvmx: this CPU's EPT lacks INVEPT of all contexts\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

static void __init fill_features(void)
{
	u64 cap = vmx_caps.ept_vpid;

	/* A tag that cannot be flushed is worth nothing. */
	hide(CTL_vpid, vmx_enable_vpid && (cap & EVC_INVVPID) && (cap & EVC_INVVPID_ALL));
	hide(CTL_vmcs_shadowing, vmx_enable_shadow_vmcs);
	hide(CTL_pause_loop_exiting, vmx_ple_gap);
	if (!vmx_cpu_has(CTL_pause_loop_exiting))
		vmx_ple_gap = 0;

	vmx_caps.vpid = vmx_cpu_has(CTL_vpid);
	vmx_caps.invvpid_single = cap & EVC_INVVPID_SINGLE;
	vmx_caps.invept_single = cap & EVC_INVEPT_SINGLE;
	vmx_caps.ept_ad = cap & EVC_AD;
	vmx_caps.ept_2m = cap & EVC_2M;
	vmx_caps.ept_1g = cap & EVC_1G;
	vmx_caps.ept_xo = cap & EVC_XO;
	vmx_caps.ept_5level = cap & EVC_WALK5;
	vmx_caps.shadow_vmcs = vmx_cpu_has(CTL_vmcs_shadowing);
	vmx_caps.preemption_timer = vmx_cpu_has(CTL_preemption_timer);
	vmx_caps.tsc_scaling = vmx_cpu_has(CTL_tsc_scaling);
	vmx_caps.xsaves = vmx_cpu_has(CTL_xsaves);
	vmx_caps.rdtscp = vmx_cpu_has(CTL_rdtscp);
	vmx_caps.invpcid = vmx_cpu_has(CTL_invpcid);
	vmx_caps.mtf = vmx_cpu_has(CTL_monitor_trap_flag);
	vmx_caps.timer_shift = vmx_caps.misc & 31;
}

static void __init read_caps(void)
{
	vmx_caps.basic = read_msr_or_0(MSR_IA32_VMX_BASIC);
	vmx_caps.revision = vmx_caps.basic & 0x7fffffff;
	vmx_caps.misc = read_msr_or_0(MSR_IA32_VMX_MISC);
	vmx_caps.cr0_fixed0 = read_msr_or_0(MSR_IA32_VMX_CR0_FIXED0);
	vmx_caps.cr0_fixed1 = read_msr_or_0(MSR_IA32_VMX_CR0_FIXED1);
	vmx_caps.cr4_fixed0 = read_msr_or_0(MSR_IA32_VMX_CR4_FIXED0);
	vmx_caps.cr4_fixed1 = read_msr_or_0(MSR_IA32_VMX_CR4_FIXED1);
	read_words();
	/* The MSR exists only where one of the two controls does. */
	if (vmx_cpu_has(CTL_ept) || vmx_cpu_has(CTL_vpid))
		vmx_caps.ept_vpid = read_msr_or_0(MSR_IA32_VMX_EPT_VPID_CAP);
}

static int __init check_firmware(void)
{
	u64 fc = read_msr_or_0(MSR_IA32_FEAT_CTL);

	if (!(fc & FEATC_LOCK) || (fc & FEATC_VMX))
		return 0;
	/* In a measured launch (tboot) the other bit counts, and the kernel has looked. */
	if ((fc & FEATC_VMX_SMX) && boot_cpu_has(X86_FEATURE_VMX))
		return 0;
	pr_err("nvmx: VMX is disabled by the firmware (IA32_FEATURE_CONTROL is locked)\n");
	return -EOPNOTSUPP;
}

static int __init check_basic(void)
{
	if (((vmx_caps.basic >> 32) & 0x1fff) > PAGE_SIZE) {
		pr_err("nvmx: this CPU's VMCS is larger than a page\n");
		return -EOPNOTSUPP;
	}
	if ((vmx_caps.basic & (15ull << 50)) != VMXB_WB) {
		pr_err("nvmx: this CPU's VMX wants a memory type other than write-back\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

int __init vmx_caps_init(void)
{
	int r;

	if (!(cpuid_ecx(1) & BIT(5))) {
		pr_err("nvmx: this CPU has no VMX\n");
		return -ENODEV;
	}
	if (nvmx_host_has_fred()) {
		pr_err("nvmx: the kernel runs with FRED; boot with fred=off\n");
		return -EOPNOTSUPP;
	}
	r = check_firmware();
	if (r)
		return r;
	read_caps();
	r = check_basic();
	if (!r)
		r = check_controls();
	if (!r)
		r = check_ept();
	if (r)
		return r;
	fill_features();
	make_base_words();
	return 0;
}
