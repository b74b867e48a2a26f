/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the supported kernels (6.1 to 6.12): the only place that asks which one.
 */
#ifndef NVMX_COMPAT_H
#define NVMX_COMPAT_H

#include <linux/version.h>

/* The host's NMI handler off the IST stack, for an NMI that ended a guest's run. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define NVMX_NMI_ENTRY		asm_exc_nmi_noist
#else
#define NVMX_NMI_ENTRY		asm_exc_nmi_kvm_vmx
#endif

#ifndef __ASSEMBLY__

#include <linux/percpu.h>
#include <linux/sched.h>
#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/irq_vectors.h>
#include <asm/mce.h>
#include <asm/nospec-branch.h>
#include <asm/ptrace.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define nvmx_eventfd_signal(ctx)	eventfd_signal(ctx, 1)
#else
#define nvmx_eventfd_signal(ctx)	eventfd_signal(ctx)
#endif

/* do_machine_check() is there for modules wherever the kernel handles machine checks. */
#ifdef CONFIG_X86_MCE
static inline void nvmx_host_machine_check(void)
{
	/* As if from user space with interrupts on: nothing of the kernel was interrupted. */
	struct pt_regs regs = { .cs = 3, .flags = X86_EFLAGS_IF };

	do_machine_check(&regs);
}
#else
static inline void nvmx_host_machine_check(void)
{
}
#endif

/* With event delivery by FRED there is no IDT to hand an NMI to. */
#ifdef X86_FEATURE_FRED
static inline bool nvmx_host_has_fred(void)
{
	return cpu_feature_enabled(X86_FEATURE_FRED);
}
#else
static inline bool nvmx_host_has_fred(void)
{
	return false;
}
#endif

/* The vector whose interrupts mean nothing to the kernel; it is there for KVM. */
#ifdef POSTED_INTR_VECTOR
#define NVMX_POSTED_VECTOR	POSTED_INTR_VECTOR

static inline void nvmx_send_posted(int cpu)
{
	apic->send_IPI(cpu, POSTED_INTR_VECTOR);
}
#else
#define NVMX_POSTED_VECTOR	0

static inline void nvmx_send_posted(int cpu)
{
}
#endif

/* VMSCAPE: flush the branch predictors before this CPU's next return to user mode. */
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
static inline void nvmx_guest_ran_here(void)
{
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
}
#else
static inline void nvmx_guest_ran_here(void)
{
}
#endif

/* A guest's access counts for NUMA balancing like one of the process: once the default. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define NVMX_FOLL_NUMA	0
#else
#define NVMX_FOLL_NUMA	FOLL_HONOR_NUMA_FAULT
#endif

/* How long this thread was ready and did not run. */
#ifdef CONFIG_SCHED_INFO
static inline u64 nvmx_run_delay(void)
{
	return current->sched_info.run_delay;
}
#else
static inline u64 nvmx_run_delay(void)
{
	return 0;
}
#endif

/* kvm_run: the kernel's view hides the name from code that would read it twice. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
#define NVMX_IMMEDIATE_EXIT(run)	READ_ONCE((run)->immediate_exit)
#else
#define NVMX_IMMEDIATE_EXIT(run)	READ_ONCE((run)->immediate_exit__unsafe)
#endif

#endif /* __ASSEMBLY__ */

#endif
