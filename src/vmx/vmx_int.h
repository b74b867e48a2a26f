/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the machine share: VMX instructions, per-CPU state, the entry.
 */
#ifndef VMX_INT_H
#define VMX_INT_H

#include <linux/init.h>
#include <linux/percpu.h>
#include <asm/asm.h>
#include <nvmx/vmx.h>

/*
 * A VMX instruction with operand @...; true: VMfail, or a fault, which VMX that an emergency
 * turned off gives.  The instruction clears CF when it succeeds.
 */
#define VMX_INSN(insn, ...) ({						\
	bool failed__;							\
	asm volatile("stc\n1:	" insn "\n2:\n" _ASM_EXTABLE(1b, 2b)	\
		     : "=@ccbe" (failed__) : __VA_ARGS__ : "memory");	\
	failed__;							\
})

/*
 * Requests that must be looked at before an entry, and that wake a vCPU; run.c takes all of them.
 * The others wait for their owner.
 */
#define URGENT_REQUESTS	(BIT(REQ_TLB_FLUSH) | BIT(REQ_EVENT) | BIT(REQ_DEAD) | BIT(REQ_EPT01) | \
			 BIT(REQ_MSR_BITMAP) | BIT(REQ_NMI) | BIT(REQ_SMI) | BIT(REQ_INIT) | \
			 BIT(REQ_SIPI) | BIT(REQ_EOI_EXIT) | BIT(REQ_CLOCK) | BIT(REQ_STEAL) | \
			 BIT(REQ_DIRTY_RING) | BIT(REQ_HV) | BIT(REQ_APF) | BIT(REQ_EOI_EXITS))

/* ---- main.c: module parameters ---- */
extern bool vmx_if_erratum, vmx_enable_shadow_vmcs, vmx_enable_vpid, vmx_enable_apicv;
extern uint vmx_ple_gap, vmx_ple_window;	/* TSC ticks; gap 0: no PAUSE-loop exiting */

/* ---- caps.c ---- */
int vmx_caps_init(void);	/* -ENODEV, -EOPNOTSUPP: said in the log what is missing */

/* ---- cpu.c ---- */
/*
 * Set for ever by a reboot and by an emergency: VMX operation may end at any instruction, so
 * faults of VMX instructions are expected.
 */
extern bool vmx_rebooting;
DECLARE_PER_CPU(bool, vmx_on);
int vmx_cpus_init(void);
void vmx_cpus_exit(void);

/* ---- emergency.c ---- */
int vmx_emergency_init(void);
void vmx_emergency_exit(void);
void vmx_emergency_owner(bool owner);	/* nvmx takes, or has given up, VMX operation */

/* ---- suspend.c ---- */
int vmx_power_init(void);
void vmx_power_exit(void);
void vmx_cpus_suspend(void);		/* cpu.c */
void vmx_cpus_resume(void);

/* ---- vmcs.c ---- */
#define VMCS_NO_TIMER	(~0u)		/* vmcs->timer */
void vmcs_cpu_init(int cpu);
void vmcs_clear_loaded(void);		/* VMCLEAR all that are active here; irqs off, or in NMI */
void vmcs_make_current(struct vmcs *vmcs);	/* preemption off */
void vmcs_flush_ctl(struct nvmx_vcpu *v, struct vmcs *vmcs);	/* current */
void vmcs_write_other(struct nvmx_vcpu *v, struct vmcs *vmcs, u32 encoding, u64 value);

/* ---- host.c ---- */
void vmx_host_init(void);
void vmx_host_constant(struct nvmx_vcpu *v);	/* fields that no entry changes; current */
void vmx_host_sync(struct nvmx_vcpu *v, struct vmcs *vmcs); /* per-CPU and FS/GS fields; current */
void vmx_host_leave(struct nvmx_vcpu *v);	/* preemption off: give the CPU to the guest */
void vmx_host_restore(struct nvmx_vcpu *v);	/* preemption off: and take it back */
void vmx_host_refresh(struct nvmx_vcpu *v);	/* irqs off, before each entry: CR3, CR4 */
void vmx_host_irq(u8 vector);			/* irqs off: an interrupt was acknowledged */
void vmx_user_msrs_cpu_init(void);		/* irqs off, when VMX goes on */
void vmx_user_msrs_drop(void);			/* irqs off, when VMX goes off */

/* ---- hostmsr.c: MSRs switched by hand around an entry, irqs off ---- */
int vmx_hostmsr_init(void);
void vmx_hostmsr_exit(void);
void vmx_hostmsr_before(struct nvmx_vcpu *v);
void vmx_hostmsr_after(void);

/* ---- debugreg.c: irqs off ---- */
void vmx_debugreg_load(struct nvmx_vcpu *v);
void vmx_debugreg_after(void);

/* ---- fpu.c ---- */
void vmx_fpu_init(void);
int vmx_fpu_alloc(struct nvmx_vcpu *v);
void vmx_fpu_free(struct nvmx_vcpu *v);
void vmx_fpu_enter(struct nvmx_vcpu *v);	/* KVM_RUN begins and ends */
void vmx_fpu_leave(struct nvmx_vcpu *v);
void vmx_xstate_load(struct nvmx_vcpu *v);	/* around an entry, irqs off */
void vmx_xstate_save(struct nvmx_vcpu *v);

/* ---- vpid.c ---- */
void vmx_flush_all_tags(void);		/* every VPID and EPT pointer on this CPU; VMX on */
void vmx_flush_own_tags(struct nvmx_vcpu *v);	/* preemption off */
void vmx_flush_own_ept(struct nvmx_vcpu *v);	/* preemption off: guest-physical mappings only */

/* ---- kick.c ---- */
int vmx_kick_init(void);
void vmx_kick_exit(void);

/* ---- halt.c ---- */
/*
 * The vCPU is not runnable: it becomes so, or this waits until it is called or has thread work.
 */
void vmx_wait_halted(struct nvmx_vcpu *v);

/* ---- apicv.c ---- */
void vmx_apicv_init(struct nvmx_vcpu *v);	/* vmcs01 is current, and new */

/* ---- vid.c ---- */
void vmx_vid_init(void);			/* caps are known */
void vmx_vid_vcpu_init(struct nvmx_vcpu *v);	/* vmcs01 is current, and new */
void vmx_vid_switched(struct nvmx_vcpu *v);	/* irq_vid(), and another VMCS is current */

/* ---- time.c: sleeps of the host ---- */
extern u64 vmx_tsc_lost;	/* ticks that its TSC went back; changes while no vCPU runs */
void vmx_tsc_suspend(void);
void vmx_tsc_resume(void);
void vmx_make_up_tsc(struct nvmx_vcpu *v);	/* loaded */

/* ---- stay.c: the guest's timers, while it runs ---- */
void vmx_bound_stay(struct nvmx_vcpu *v);	/* irqs off, right before the entry */
bool vmx_timer_ended(const struct nvmx_vcpu *v);
void vmx_look_at_timers(struct nvmx_vcpu *v);	/* what has ended is told to its owner */
void vmx_timers_to_host(struct nvmx_vcpu *v);	/* before the thread sleeps */

/* ---- enter.c ---- */
/* v->exit.reason of an entry that VMfailed, which is no exit: see v->exit.vm_error. */
#define EXIT_NOT_ENTERED	(EXIT_ENTRY_FAILURE | 0xffff)
/*
 * One entry and the exit after it. Return: 0, v->exit is filled; -EAGAIN: not entered, there is
 * work to do first.
 */
int vmx_enter(struct nvmx_vcpu *v);

/* ---- vmenter.S ---- */
#define ENTER_RESUME		BIT(0)	/* VMRESUME, not VMLAUNCH */
#define ENTER_SAVE_SPEC_CTRL	BIT(1)

/* Shared with vmenter.S: see the asserts in enter.c. */
struct vmx_entry {
	u64 *gpr;
	u64 *host_rsp;		/* what the HOST_RSP field holds */
	u64 spec_ctrl;		/* in: the guest's; out with ENTER_SAVE_SPEC_CTRL */
	u32 flags;		/* ENTER_* */
};

/* 0: an exit; 1: VMfail, or VMX was off. Irqs off; noinstr. */
int vmx_enter_guest(struct vmx_entry *e);
void vmx_exit_point(void);	/* HOST_RIP */
void vmx_handle_irq(unsigned long handler);	/* an entry of the IDT; irqs off, and stay off */
void vmx_handle_nmi(void);	/* the NMI that ended the run; NMIs are blocked until its IRET */

#endif
