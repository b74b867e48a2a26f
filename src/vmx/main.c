// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: its parameters, and the order in which the rooms come up and go down.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include <linux/printk.h>

#include <nvmx/api.h>
#include <nvmx/nested.h>
#include <nvmx/pv.h>

#include "vmx_int.h"

bool vmx_if_erratum;
module_param_named(bochs_if_erratum, vmx_if_erratum, bool, 0444);
MODULE_PARM_DESC(bochs_if_erratum, "Bound each stay in the guest: Bochs loses interrupts while the guest spins with IF=0");

bool vmx_vid_erratum;
module_param_named(bochs_vid_erratum, vmx_vid_erratum, bool, 0444);
MODULE_PARM_DESC(bochs_vid_erratum, "Deliver virtual interrupts by hand: Bochs loses some and delivers others with IF=0");

bool vmx_kvm_node;
module_param_named(kvm_node, vmx_kvm_node, bool, 0444);
MODULE_PARM_DESC(kvm_node, "Appear as /dev/kvm, too, when KVM is absent");

bool vmx_enable_shadow_vmcs = true;
module_param_named(enable_shadow_vmcs, vmx_enable_shadow_vmcs, bool, 0444);
MODULE_PARM_DESC(enable_shadow_vmcs, "Use VMCS shadowing where the CPU has it");

bool vmx_enable_apicv = true;
module_param_named(enable_apicv, vmx_enable_apicv, bool, 0444);
MODULE_PARM_DESC(enable_apicv, "Use what the CPU has to virtualize L1's local APIC");

bool vmx_nested_posted = true;
module_param_named(nested_posted, vmx_nested_posted, bool, 0444);
MODULE_PARM_DESC(nested_posted, "Offer posted interrupts to L1, with which Linux uses APICv");

uint vmx_ple_gap = 128;
module_param_named(ple_gap, vmx_ple_gap, uint, 0444);
MODULE_PARM_DESC(ple_gap, "PAUSEs at most so many TSC ticks apart are a loop; 0: no PAUSE-loop exiting");

uint vmx_ple_window = 4096;
module_param_named(ple_window, vmx_ple_window, uint, 0444);
MODULE_PARM_DESC(ple_window, "A loop of PAUSEs exits after so many TSC ticks");

bool vmx_watch_timers = true;
module_param_named(preemption_timer, vmx_watch_timers, bool, 0444);
MODULE_PARM_DESC(preemption_timer, "While a guest runs, the CPU's VMX-preemption timer watches its timers");

bool vmx_enable_vpid = true;
module_param_named(enable_vpid, vmx_enable_vpid, bool, 0444);
MODULE_PARM_DESC(enable_vpid, "Use VPIDs where the CPU has them");

static void __init say_what_was_found(void)
{
	pr_info("nvmx: VMX revision 0x%x, EPT%s%s%s%s%s%s%s%s%s%s%s\n", vmx_caps.revision,
		vmx_caps.ept_1g ? " 1G" : "", vmx_caps.ept_2m ? " 2M" : "",
		vmx_caps.ept_ad ? " A/D" : "", vmx_caps.ept_xo ? " execute-only" : "",
		vmx_caps.vpid ? ", VPID" : "", vmx_caps.shadow_vmcs ? ", shadow VMCS" : "",
		vmx_caps.tsc_scaling ? ", TSC scaling" : "",
		vmx_caps.preemption_timer ? ", preemption timer" : "",
		vmx_caps.vid ? ", virtual-interrupt delivery" : "",
		vmx_caps.posts ? ", posted interrupts" : "",
		vmx_if_erratum ? "; Bochs IF erratum worked around" : "");
}

static int __init nvmx_init(void)
{
	int r;

	r = vmx_caps_init();
	if (r)
		return r;
	vmx_vid_init();
	vmx_watch_timers &= vmx_caps.preemption_timer;
	r = vmx_cpus_init();
	if (r)
		return r;
	r = nested_module_init();
	if (r)
		goto exit_cpus;
	r = pv_init();
	if (r)
		goto exit_nested;
	preempt_notifier_inc();
	say_what_was_found();
	r = api_init();
	if (r)
		goto exit_pv;
	return 0;

exit_pv:
	preempt_notifier_dec();
	pv_exit();
exit_nested:
	nested_module_exit();
exit_cpus:
	vmx_cpus_exit();
	return r;
}
module_init(nvmx_init);

static void __exit nvmx_exit(void)
{
	api_exit();
	preempt_notifier_dec();
	pv_exit();
	nested_module_exit();
	vmx_cpus_exit();
}
module_exit(nvmx_exit);

MODULE_DESCRIPTION("Nested VMX behind the KVM API");
MODULE_LICENSE("GPL");
