// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is switched by hand around each entry because no VMCS field of nvmx does it: the host's
 * DEBUGCTL, which every exit clears; its performance counters; and L1TF's flush of the L1D cache.
 *
 * All of it costs nothing on a CPU that has no such thing or a host that does not use it.
 */
#include <linux/perf_event.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/processor.h>

#include "vmx_int.h"

#define NR_PERF_MSRS	8

struct hostmsr {
	u64 debugctl;
	int nr_perf;			/* those that the guest runs with another value of */
	struct { u32 msr; u64 host; } perf[NR_PERF_MSRS];
};

static DEFINE_PER_CPU(struct hostmsr, hostmsr);
static bool has_debugctl __ro_after_init;
static bool has_perf __ro_after_init;
static bool flush_l1d __ro_after_init;

static bool __init needs_l1d_flush(void)
{
	u64 cap;

	if (!boot_cpu_has_bug(X86_BUG_L1TF) || l1tf_mitigation == L1TF_MITIGATION_OFF)
		return false;
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES)) {
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, cap);
		if (cap & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH)
			return false;
	}
	if (boot_cpu_has(X86_FEATURE_FLUSH_L1D))
		return true;
	pr_warn("nvmx: this CPU has the L1TF bug and its microcode no L1D flush: guests can read the host's cache\n");
	return false;
}

int __init vmx_hostmsr_init(void)
{
	u64 val;
	int nr;

	/* Not every model has DEBUGCTL. */
	has_debugctl = !rdmsrl_safe(MSR_IA32_DEBUGCTLMSR, &val);
	/* NULL: the kernel drives no PMU, and never will. */
	preempt_disable();
	has_perf = perf_guest_get_msrs(&nr, NULL);
	preempt_enable();
	flush_l1d = needs_l1d_flush();
	return 0;
}

void vmx_hostmsr_exit(void)
{
}

/*
 * PEBS writes records to linear addresses of the host, which the guest's tables would translate;
 * and host events that exclude guests are to stop counting.
 */
static void leave_perf(struct hostmsr *h)
{
	struct perf_guest_switch_msr *msrs;
	int i, nr;

	h->nr_perf = 0;
	msrs = perf_guest_get_msrs(&nr, NULL);
	for (i = 0; i < nr && h->nr_perf < NR_PERF_MSRS; i++) {
		if (msrs[i].host == msrs[i].guest)
			continue;
		wrmsrl(msrs[i].msr, msrs[i].guest);
		h->perf[h->nr_perf].msr = msrs[i].msr;
		h->perf[h->nr_perf++].host = msrs[i].host;
	}
}

void vmx_hostmsr_before(struct nvmx_vcpu *v)
{
	struct hostmsr *h = this_cpu_ptr(&hostmsr);

	/* Read each time: an IPI may set it (perf's LBR, block stepping). */
	if (has_debugctl)
		rdmsrl(MSR_IA32_DEBUGCTLMSR, h->debugctl);
	if (has_perf)
		leave_perf(h);
	if (flush_l1d && v->l1d_flush) {
		v->l1d_flush = false;
		wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
	}
}

void vmx_hostmsr_after(void)
{
	struct hostmsr *h = this_cpu_ptr(&hostmsr);
	int i;

	if (has_debugctl && h->debugctl)
		wrmsrl(MSR_IA32_DEBUGCTLMSR, h->debugctl);
	if (!has_perf)
		return;
	for (i = 0; i < h->nr_perf; i++)
		wrmsrl(h->perf[i].msr, h->perf[i].host);
}
