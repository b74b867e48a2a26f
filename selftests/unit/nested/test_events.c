// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events while L2 runs, second-level faults, and L1's preemption timer.
 */
#include <errno.h>
#include <string.h>
#include "back.h"

static struct nvmx_vcpu *v;

static bool in_l2(void)
{
	return is_guest_mode(v);
}

/* L2 has been entered and runs. */
static void run_l2(void)
{
	l1_enters();
	nested_after_entry(v);
}

static u64 exit_of(u32 field)
{
	return l1_reads(field);
}

static void interrupts(void)
{
	struct vmcs12 *s = l1_vmcs12();

	s->pin_based_vm_exec_control |= CTL_MASK(CTL_ext_int_exiting);
	s->vm_exit_controls |= CTL_MASK(CTL_ack_interrupt_on_exit);
	l1_wrote();
	run_l2();
	vmx_queue_irq(v, 0x31);
	vmx_events_before_entry(v);
	ok(!in_l2() && exit_of(VMCS_vm_exit_reason) == EXIT_external_interrupt, "L1 takes it");
	ok(exit_of(VMCS_vm_exit_intr_info) == (EVT_VALID | EVT_TYPE_EXTINT | 0x31) &&
	   !v->ev.irq.pending, "acknowledged: with its vector");
	s->vm_exit_controls &= ~CTL_MASK(CTL_ack_interrupt_on_exit);
	l1_wrote();
	run_l2();
	vmx_queue_irq(v, 0x32);
	vmx_events_before_entry(v);
	ok(!in_l2() && !exit_of(VMCS_vm_exit_intr_info) && v->ev.irq.pending,
	   "not acknowledged: it stays pending");
	v->ev.irq.pending = false;
	s->pin_based_vm_exec_control &= ~CTL_MASK(CTL_ext_int_exiting);
	s->guest_rflags |= X86_EFLAGS_IF;
	l1_wrote();
	run_l2();
	vmx_queue_irq(v, 0x33);
	vmx_events_before_entry(v);
	ok(in_l2() && peek02(vm_entry_intr_info_field) == (EVT_VALID | EVT_TYPE_EXTINT | 0x33),
	   "L1 does not want it: L2 gets it");
	vmx_queue_irq(v, 0x35);
	v->exit = (struct exit_info){
		.reason = EXIT_ept_violation, .idt_info = EVT_VALID | EVT_TYPE_EXTINT | 0x77,
	};
	vmx_events_after_exit(v);
	ok(v->ev.irq.injected && v->ev.irq.vector == 0x77 && v->ev.irq.pending &&
	   v->ev.irq.waiting == 0x35, "one cut short does not overwrite the one that waits");
	v->ev.irq.injected = false;
	v->ev.irq.pending = false;
	nested_leave(v, false);
	s->guest_rflags &= ~(u64)X86_EFLAGS_IF;
}

/* The event that L1 injects reaches the CPU before an exit that waits. */
static void injection_goes_first(void)
{
	struct vmcs12 *s = l1_vmcs12();

	s->pin_based_vm_exec_control |= CTL_MASK(CTL_ext_int_exiting);
	s->vm_entry_intr_info_field = EVT_VALID | EVT_TYPE_NMI | VEC_NMI;
	l1_wrote();
	l1_enters();
	vmx_queue_irq(v, 0x34);
	vmx_events_before_entry(v);
	ok(in_l2() && peek02(vm_entry_intr_info_field) == (EVT_VALID | EVT_TYPE_NMI | VEC_NMI),
	   "the NMI of L1 stays in the field");
	ok(v->ev.immediate_exit, "and the stay ends after it");
	l2_exits((struct exit_info){ .reason = EXIT_preemption_timer });
	vmx_events_before_entry(v);
	ok(!in_l2() && exit_of(VMCS_vm_exit_reason) == EXIT_external_interrupt, "then it is L1's");
	ok(!(s->vm_entry_intr_info_field & EVT_VALID) &&
	   !(l1_reads(VMCS_vm_entry_intr_info_field) & EVT_VALID), "the injection is used up");
	s->vm_entry_intr_info_field = 0;
	v->ev.irq.pending = false;
	s->pin_based_vm_exec_control &= ~CTL_MASK(CTL_ext_int_exiting);
	l1_wrote();
}

static void entry_without_injection_need_not_happen(void)
{
	struct vmcs12 *s = l1_vmcs12();

	s->pin_based_vm_exec_control |= CTL_MASK(CTL_ext_int_exiting);
	l1_wrote();
	vmx_queue_irq(v, 0x35);
	l1_enter();
	vmx_events_before_entry(v);
	ok(!in_l2() && exit_of(VMCS_vm_exit_reason) == EXIT_external_interrupt,
	   "an interrupt that was pending before the entry: an exit at once");
	ok(!nested_run_pending(v) && s->launch_state == 1, "the entry counts as made");
	v->ev.irq.pending = false;
	s->pin_based_vm_exec_control &= ~CTL_MASK(CTL_ext_int_exiting);
	l1_wrote();
}

static void nmis(void)
{
	struct vmcs12 *s = l1_vmcs12();

	s->pin_based_vm_exec_control |= CTL_MASK(CTL_nmi_exiting) | CTL_MASK(CTL_virtual_nmis);
	l1_wrote();
	run_l2();
	vmx_queue_nmi(v);
	vmx_events_before_entry(v);
	ok(!in_l2() && exit_of(VMCS_vm_exit_intr_info) == (EVT_VALID | EVT_TYPE_NMI | VEC_NMI),
	   "L1 takes an NMI");
	ok(vmx_nmi_blocked(v) && !v->ev.nmi.pending, "and is in it until its IRET");
	vmx_set_nmi_blocked(v, false);
}

static void exceptions(void)
{
	const struct nvmx_fault page_fault = {
		.vector = VEC_PF, .has_code = true, .code = 2, .address = 0x5000,
	};
	struct vmcs12 *s = l1_vmcs12();

	s->exception_bitmap = BIT(VEC_UD) | BIT(VEC_PF) | BIT(VEC_DB);
	l1_wrote();
	run_l2();
	vmx_queue_exception(v, VEC_UD);
	vmx_events_before_entry(v);
	ok(!in_l2() && exit_of(VMCS_vm_exit_intr_info) == (EVT_VALID | EVT_TYPE_HWEXC | VEC_UD),
	   "an exception that L0 raised for L2 and L1 intercepts");
	run_l2();
	v->cr2 = 0x1111;
	vmx_queue_fault(v, &page_fault);
	vmx_events_before_entry(v);
	ok(!in_l2() && exit_of(VMCS_exit_qualification) == 0x5000 && v->cr2 == 0x1111,
	   "#PF: the address is in the qualification, CR2 stays");
	ok(exit_of(VMCS_vm_exit_intr_error_code) == 2, "with its code");
	run_l2();
	vmx_queue_exception_code(v, VEC_GP, 0);
	vmx_events_before_entry(v);
	ok(in_l2() && peek02(vm_entry_intr_info_field) ==
	   (EVT_VALID | EVT_TYPE_HWEXC | EVT_HAS_CODE | VEC_GP), "L1 does not want it: it is L2's");
	l2_exits((struct exit_info){
		.reason = EXIT_ept_violation, .valid = EXIT_VALID_V,
		.idt_info = EVT_VALID | EVT_TYPE_HWEXC | EVT_HAS_CODE | VEC_GP,
	});
	nested_reflect_synthetic(v, EXIT_ept_violation, EPTQ_READ, 0, 0);
	ok(exit_of(VMCS_idt_vectoring_info_field) ==
	   (EVT_VALID | EVT_TYPE_HWEXC | EVT_HAS_CODE | VEC_GP), "cut short: L1 knows");
	ok(!(vmcs_peek(m->v.nested->current12->vmcs02, VMCS_vm_entry_intr_info_field) & EVT_VALID),
	   "nothing waits in vmcs02");
}

/* A step of L2 that L0 emulated, with an exit of higher priority: it is still due. */
static void pending_debug_trap(void)
{
	run_l2();
	v->ev.exception.pending = true;
	v->ev.exception.vector = VEC_DB;
	v->ev.exception.has_payload = true;
	v->ev.exception.payload = PDE_BS;
	v->nested->mtf_pending = true;
	vmx_events_before_entry(v);
	ok(!in_l2() && exit_of(VMCS_vm_exit_reason) == EXIT_monitor_trap_flag,
	   "MTF goes before a debug trap");
	ok(exit_of(VMCS_guest_pending_dbg_exceptions) & PDE_BS, "which stays pending in L2");
	l1_writes(VMCS_guest_pending_dbg_exceptions, 0);
}

static void triple_fault(void)
{
	run_l2();
	vmx_triple_fault(v);
	vmx_events_before_entry(v);
	ok(!in_l2() && exit_of(VMCS_vm_exit_reason) == EXIT_triple_fault && !v->ev.triple_fault,
	   "a triple fault of L2 is an exit, no shutdown");
}

static void timer(void)
{
	struct vmcs12 *s = l1_vmcs12();

	s->pin_based_vm_exec_control |= CTL_MASK(CTL_preemption_timer);
	s->vm_exit_controls |= CTL_MASK(CTL_exit_save_preemption_timer);
	s->vmx_preemption_timer_value = 1000;
	l1_wrote();
	model_tsc = 3200;
	run_l2();
	model_tsc += 32 * 400;
	vmx_events_before_entry(v);
	ok(in_l2(), "too early");
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
	ok(exit_of(VMCS_vmx_preemption_timer_value) == 600, "what is left is saved");
	run_l2();
	v->nested->timer.function(&v->nested->timer);
	ok(hw.kicks == 1, "the host's clock wakes the vCPU up");
	vmx_events_before_entry(v);
	ok(in_l2() && v->nested->timer.armed, "too early by the TSC: it is set again");
	model_tsc += 32 * 600;
	v->nested->timer.function(&v->nested->timer);
	vmx_events_before_entry(v);
	ok(!in_l2() && exit_of(VMCS_vm_exit_reason) == EXIT_preemption_timer, "expired");
	ok(!exit_of(VMCS_vmx_preemption_timer_value), "nothing is left");
	v->nested->timer.function(&v->nested->timer);
	ok(hw.kicks == 2, "in L1 it wakes up nobody");
	l1_writes(VMCS_vmx_preemption_timer_value, 0);
	l1_enter();
	vmx_events_before_entry(v);
	ok(!in_l2() && exit_of(VMCS_vm_exit_reason) == EXIT_preemption_timer,
	   "a value of 0 ends the stay before it begins");
	s->pin_based_vm_exec_control &= ~CTL_MASK(CTL_preemption_timer);
	s->vm_exit_controls &= ~CTL_MASK(CTL_exit_save_preemption_timer);
	l1_wrote();
}

static enum nvmx_action fault(u32 reason, u64 qual)
{
	bool is_mmio = false;
	u64 gpa = 0;

	run_l2();
	l2_exits((struct exit_info){
		.reason = reason, .qual = qual, .gpa = 0x123456, .gla = 0xffff8000,
		.valid = EXIT_VALID_Q | EXIT_VALID_G,
	});
	nested_ept_fault(v, &is_mmio, &gpa);
	return is_mmio ? NVMX_USER : NVMX_RESUME;
}

static void second_level_faults(void)
{
	hw.verdict = MMU_FIXED;
	fault(EXIT_ept_violation, EPTQ_WRITE | EPTQ_GVA_VALID);
	ok(in_l2() && hw.last_access == ACC_WRITE, "fixed: L2 goes on");
	nested_leave(v, false);
	hw.verdict = MMU_MMIO;
	hw.mmio_gpa = 0xfee00000;
	ok(fault(EXIT_ept_violation, EPTQ_READ) == NVMX_USER && in_l2(), "a device of L1");
	nested_leave(v, false);
	hw.verdict = MMU_REPORT;
	hw.fault = (struct nvmx_fault){ .nested_reason = EXIT_ept_violation, .nested_qual = 0x2a };
	fault(EXIT_ept_violation, EPTQ_WRITE | EPTQ_GVA_VALID | EPTQ_TRANSLATED);
	ok(!in_l2() && exit_of(VMCS_vm_exit_reason) == EXIT_ept_violation, "L1's tables");
	ok(exit_of(VMCS_exit_qualification) == (0x2a | EPTQ_GVA_VALID | EPTQ_TRANSLATED),
	   "L1's rights, hardware's bits 7 and 8");
	ok(exit_of(VMCS_guest_physical_address) == 0x123456 &&
	   exit_of(VMCS_guest_linear_address) == 0xffff8000, "both addresses");
	hw.fault.nested_reason = EXIT_ept_misconfig;
	fault(EXIT_ept_violation, EPTQ_WRITE);
	ok(exit_of(VMCS_vm_exit_reason) == EXIT_ept_misconfig && !exit_of(VMCS_exit_qualification),
	   "a misconfiguration has no qualification");
	hw.verdict = MMU_ERROR;
	fault(EXIT_ept_violation, EPTQ_READ);
	ok(v->run_errno == -EFAULT, "no host memory: user space is told");
	v->run_errno = 0;
	nested_leave(v, false);
}

static void absent_pages(bool with_ept)
{
	struct vmcs12 *s = l1_vmcs12();

	s->secondary_vm_exec_control &= ~CTL_MASK(CTL_ept);
	if (with_ept)
		s->secondary_vm_exec_control |= CTL_MASK(CTL_ept);
	l1_wrote();
	hw.verdict = MMU_FIXED;
	hw.absent = true;
	fault(EXIT_ept_violation, EPTQ_READ);
	ok(in_l2(), "absent: L2 waits");
	nested_leave(v, false);
	hw.tells_absence = true;
	fault(EXIT_ept_violation, EPTQ_READ);
	ok(!in_l2() && exit_of(VMCS_vm_exit_reason) == EXIT_exception_nmi &&
	   exit_of(VMCS_vm_exit_intr_info) ==
		(EVT_VALID | EVT_TYPE_HWEXC | EVT_HAS_CODE | VEC_PF) &&
	   !exit_of(VMCS_vm_exit_intr_error_code), "absent: L1 has #PF as exit");
	ok(exit_of(VMCS_exit_qualification) == HW_TOKEN, "its qualification is the token");
	hw.tells_absence = false;
	hw.absent = false;
}

/* CVE-2026-46131: the test must be for EPT in vmcs12, not for L2. */
static void software_walks(void)
{
	struct vmcs12 *s = l1_vmcs12();
	struct nvmx_fault f = {};
	u64 gpa;

	hw.verdict = MMU_FIXED;
	run_l2();
	ok(!nested_translate(v, 0x1000, ACC_READ, true, &gpa, &f) && gpa == 0x101000, "with EPT");
	hw.verdict = MMU_REPORT;
	hw.fault = (struct nvmx_fault){ .nested_reason = EXIT_ept_violation, .nested_qual = 1 };
	ok(nested_translate(v, 0x1000, ACC_READ, true, &gpa, &f) == -EFAULT && f.nested &&
	   f.nested_gpa == 0x1000 && f.nested_qual == (1 | EPTQ_GVA_VALID), "a table");
	nested_translate(v, 0x1000, ACC_READ, false, &gpa, &f);
	ok(f.nested_qual == (1 | EPTQ_GVA_VALID | EPTQ_TRANSLATED), "the page itself");
	nested_leave(v, false);
	s->secondary_vm_exec_control &= ~CTL_MASK(CTL_ept);
	l1_wrote();
	run_l2();
	ok(!nested_translate(v, 0x1000, ACC_READ, true, &gpa, &f) && gpa == 0x1000,
	   "CVE-2026-46131: without EPT an ngpa is a gpa");
	ok(peek02(ept_pointer) == mmu_eptp01(v->vm, MMU_NORMAL) && !hw.trees,
	   "and ept01 translates it");
	nested_leave(v, false);
}

void test_events(void)
{
	hardware_new();
	v = &m->v;
	interrupts();
	injection_goes_first();
	entry_without_injection_need_not_happen();
	nmis();
	exceptions();
	pending_debug_trap();
	triple_fault();
	timer();
	second_level_faults();
	absent_pages(false);
	absent_pages(true);
	software_walks();
	ok(!m->bugs, "nothing impossible happened");
	hardware_end();
}
