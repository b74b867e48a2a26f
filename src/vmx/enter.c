// SPDX-License-Identifier: GPL-2.0-only
/*
 * One entry and the exit that ends it: what must happen with preemption or interrupts off.
 *
 * Interrupts are off from the last look at the work to do until the exit has been taken apart, so
 * whatever wants the vCPU meanwhile ends its stay by an IPI (kick.c).  An NMI or a machine check
 * that ended the stay is handed to the host before anything else may fault or be interrupted; an
 * external interrupt stays pending at the CPU and comes when interrupts go on.
 */
#include <linux/context_tracking.h>
#include <linux/entry-kvm.h>
#include <linux/ftrace.h>
#include <linux/kvm_host.h>
#include <linux/sched.h>
#include <asm/fpu/api.h>
#include <asm/special_insns.h>
#include <trace/events/ipi.h>

#include <nvmx/arch.h>
#include <nvmx/compat.h>
#include <nvmx/irq.h>
#include <nvmx/nested.h>
#include <nvmx/trace.h>

#include "vmx_int.h"

/* vmenter.S knows these offsets. */
static_assert(offsetof(struct vmx_entry, gpr) == 0x00);
static_assert(offsetof(struct vmx_entry, host_rsp) == 0x08);
static_assert(offsetof(struct vmx_entry, spec_ctrl) == 0x10);
static_assert(offsetof(struct vmx_entry, flags) == 0x18);
static_assert(GPR_RBP == 5 && GPR_R15 == 15);
static_assert(VMCS_host_rsp == 0x6c14);

static bool has_work(struct nvmx_vcpu *v)
{
	return (atomic_long_read(&v->requests) & URGENT_REQUESTS) || irq_posted(v) ||
	       xfer_to_guest_mode_work_pending();
}

/* The VMCS names frames that may be somebody else's by now; nested_before_entry() asks again. */
static bool frames_are_old(const struct nvmx_vcpu *v)
{
	return v->frames.used && v->frames.gen != (u64)atomic64_read(&v->vm->tlb_gen);
}

static void catch_up_tlb(struct nvmx_vcpu *v)
{
	u64 gen = atomic64_read(&v->vm->tlb_gen);

	if (likely(v->tlb_gen == gen))
		return;
	v->tlb_gen = gen;
	vmx_flush_own_ept(v);
}

static void load_guest(struct nvmx_vcpu *v)
{
	fpregs_assert_state_consistent();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
	vmx_host_refresh(v);
	vmx_debugreg_load(v);
	vmx_hostmsr_before(v);
	vmx_xstate_load(v);
}

static void load_host(struct nvmx_vcpu *v)
{
	vmx_xstate_save(v);
	vmx_hostmsr_after();
	vmx_debugreg_after();
	nvmx_guest_ran_here();
}

/*
 * The NMI is handed over inside: until the handler's IRET further NMIs are blocked, and a fault or
 * a breakpoint in instrumented code would end that too early.
 *
 * Return: 1 if the guest was not entered.
 */
static noinstr int enter_and_exit(struct nvmx_vcpu *v, struct vmx_entry *e)
{
	int failed;

	guest_state_enter_irqoff();
	if (v->cr2 != native_read_cr2())
		native_write_cr2(v->cr2);

	failed = vmx_enter_guest(e);

	v->cr2 = native_read_cr2();
	if (likely(!failed)) {
		v->exit.reason = vmcs_read(v, vm_exit_reason);
		if (v->exit.reason == EXIT_exception_nmi) {
			v->exit.intr_info = vmcs_read(v, vm_exit_intr_info);
			if ((v->exit.intr_info & (EVT_VALID | EVT_TYPE)) ==
			    (EVT_VALID | EVT_TYPE_NMI))
				vmx_handle_nmi();
		}
	}
	guest_state_exit_irqoff();
	return failed;
}

static const u8 exit_valid[] = {
#define Q EXIT_VALID_Q
#define L EXIT_VALID_L
#define I EXIT_VALID_I
#define V EXIT_VALID_V
#define G EXIT_VALID_G
#define A EXIT_VALID_A
#define E EXIT_VALID_E
#define NVMX_EXIT(number, name, handler, owner, arg, valid)	\
	[number] = (valid),
#include <nvmx/vmx_exits.h>
#undef NVMX_EXIT
#undef Q
#undef L
#undef I
#undef V
#undef G
#undef A
#undef E
};

/* Table 3 says what a reason may have; what this one exit has can be less. */
static u32 what_is_valid(const struct exit_info *x)
{
	u32 basic = x->reason & 0xffff;
	u32 valid = basic < ARRAY_SIZE(exit_valid) ? exit_valid[basic] : 0;

	/* A failed entry is no exit from the guest: only its qualification means something. */
	if (unlikely(x->reason & EXIT_ENTRY_FAILURE))
		valid &= EXIT_VALID_Q;
	return valid;
}

static void read_event_info(struct nvmx_vcpu *v, struct exit_info *x)
{
	x->intr_error = x->intr_info & EVT_HAS_CODE ? vmcs_read(v, vm_exit_intr_error_code) : 0;
}

static void read_vectoring_info(struct nvmx_vcpu *v, struct exit_info *x)
{
	x->idt_info = vmcs_read(v, idt_vectoring_info_field);
	if (likely(!(x->idt_info & EVT_VALID)))
		return;
	if (x->idt_info & EVT_HAS_CODE)
		x->idt_error = vmcs_read(v, idt_vectoring_error_code);
}

/*
 * Only fields that mean something: each costs a VMREAD.  A plain IN or OUT has neither instruction
 * information nor a linear address, and an EPT violation not always one.
 */
static void read_exit_info(struct nvmx_vcpu *v)
{
	struct exit_info *x = &v->exit;
	u32 valid = what_is_valid(x);

	x->idt_info = 0;
	x->vm_error = 0;
	if (valid & EXIT_VALID_Q)
		x->qual = vmcs_read(v, exit_qualification);
	else
		x->qual = 0;
	if (x->reason == EXIT_io && !(x->qual & IOQ_STRING))
		valid &= ~(EXIT_VALID_I | EXIT_VALID_A);
	if (x->reason == EXIT_ept_violation && !(x->qual & EPTQ_GVA_VALID))
		valid &= ~EXIT_VALID_A;

	if (valid & EXIT_VALID_L)
		x->insn_len = vmcs_read(v, vm_exit_instruction_len);
	if (valid & EXIT_VALID_I)
		x->insn_info = vmcs_read(v, vmx_instruction_info);
	if (valid & EXIT_VALID_G)
		x->gpa = vmcs_read(v, guest_physical_address);
	if (valid & EXIT_VALID_A)
		x->gla = vmcs_read(v, guest_linear_address);
	if (valid & EXIT_VALID_E)
		read_event_info(v, x);
	else
		x->intr_info = 0;
	if (valid & EXIT_VALID_V)
		read_vectoring_info(v, x);
	x->valid = valid;
}

static bool is_machine_check(const struct exit_info *x)
{
	if ((x->reason & 0xffff) == EXIT_mce_during_entry)
		return true;
	return x->reason == EXIT_exception_nmi &&
	       (x->intr_info & (EVT_VALID | EVT_TYPE | EVT_VECTOR)) ==
	       (EVT_VALID | EVT_TYPE_HWEXC | VEC_MC);
}

static void take_apart(struct nvmx_vcpu *v, int failed)
{
	if (unlikely(failed)) {
		v->exit = (struct exit_info){
			.reason = EXIT_NOT_ENTERED,
			.vm_error = vmcs_read(v, vm_instruction_error),
		};
		return;
	}
	read_exit_info(v);
	if (likely(!(v->exit.reason & EXIT_ENTRY_FAILURE)))
		v->cur->launched = true;
	if (unlikely(is_machine_check(&v->exit)))
		nvmx_host_machine_check();
}

/* Where the CPU has acknowledged it, nobody else will call its handler. */
static void take_host_irq(struct nvmx_vcpu *v)
{
	if (static_branch_unlikely(&irq_vid_possible) &&
	    vmcs_ctl_test(v->cur, CTL_ack_interrupt_on_exit)) {
		vmx_host_irq(vmcs_read(v, vm_exit_intr_info) & EVT_VECTOR);
		return;
	}
	local_irq_enable();
	local_irq_disable();
}

/* With irqs off to with irqs on. */
static void let_interrupts_in(struct nvmx_vcpu *v)
{
	/*
	 * An interrupt that ended the stay is taken before the end of guest time, so that a tick
	 * is accounted to the guest. STI itself holds interrupts back for one instruction.
	 */
	if (v->exit.reason == EXIT_external_interrupt) {
		take_host_irq(v);
		v->stat.host_irq_exits++;
	}
	guest_timing_exit_irqoff();
	local_irq_enable();
}

static enum nvmx_in_guest how_inside(const struct nvmx_vcpu *v)
{
	return irq_vid(v) && vmcs_ctl_test(v->cur, CTL_posted_interrupts) ? NVMX_INSIDE_POSTS :
									    NVMX_INSIDE;
}

static void run_guest(struct nvmx_vcpu *v)
{
	struct vmx_entry e = {
		.gpr = v->gpr,
		.host_rsp = &v->cur->host.rsp,
		.spec_ctrl = v->spec_ctrl,
		.flags = (v->cur->launched ? ENTER_RESUME : 0) |
			 (v->spec_ctrl_passthrough ? ENTER_SAVE_SPEC_CTRL : 0),
	};
	int failed;

	catch_up_tlb(v);
	load_guest(v);
	if (unlikely(READ_ONCE(v->timer_due)))
		irq_wait_timer(v);
	vmx_bound_stay(v);
	guest_timing_enter_irqoff();
	failed = enter_and_exit(v, &e);
	v->spec_ctrl = e.spec_ctrl;
	load_host(v);
	/* Pairs with kick.c: all that the guest did comes before. */
	atomic_set_release(&v->in_guest, NVMX_OUTSIDE);
	v->regs_avail = 0;
	take_apart(v, failed);
	let_interrupts_in(v);
}

int vmx_enter(struct nvmx_vcpu *v)
{
	vmx_regs_flush(v);
	if (trace_nvmx_entry_enabled())
		trace_nvmx_entry(v->id, vmx_rip(v), is_guest_mode(v));

	preempt_disable();
	vmx_host_leave(v);
	local_irq_disable();
	xfer_to_guest_mode_prepare();
	atomic_set(&v->in_guest, how_inside(v));
	smp_mb();	/* pairs with vmx_kick() and vmx_flush_tlbs(): theory in kick.c */
	if (unlikely(has_work(v) || frames_are_old(v))) {
		atomic_set(&v->in_guest, NVMX_OUTSIDE);
		local_irq_enable();
		preempt_enable();
		return -EAGAIN;
	}
	if (unlikely(vmx_vid_erratum))
		nested_deliver_by_hand(v);
	/* Without the timer: an IPI to itself, which comes when the guest would begin. */
	if (unlikely(v->ev.immediate_exit) && !vmx_caps.preemption_timer)
		smp_send_reschedule(smp_processor_id());
	run_guest(v);
	preempt_enable();

	if (trace_nvmx_exit_enabled())
		trace_nvmx_exit(v->id, v->exit.reason, v->exit.qual, vmx_rip(v), is_guest_mode(v));
	return 0;
}
