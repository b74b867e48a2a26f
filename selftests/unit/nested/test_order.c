// SPDX-License-Identifier: GPL-2.0-only
/*
 * Table 5, pair by pair: of two events at once the upper row comes first, in L2 and in L1.
 */
#include <string.h>
#include "back.h"

#define IRQ_VECTOR 0x31

static struct nvmx_vcpu *v;
static enum nvmx_action action;

/* ---- how each comes to be there: what L1 writes before the entry, what happens after it ---- */

static void arm_triple_fault(struct vmcs12 *s) { }
static void arm_fault(struct vmcs12 *s) { }
static void arm_smi(struct vmcs12 *s) { }
static void arm_init(struct vmcs12 *s) { }
static void arm_sipi(struct vmcs12 *s) { }
static void arm_mtf(struct vmcs12 *s) { }
static void arm_debug_trap(struct vmcs12 *s) { }
static void arm_nmi(struct vmcs12 *s) { }
static void arm_interrupt(struct vmcs12 *s) { }

/* A value of 0 is over at the entry. */
static void arm_preemption_timer(struct vmcs12 *s)
{
	s->pin_based_vm_exec_control |= CTL_MASK(CTL_preemption_timer);
}

static void arm_nmi_window(struct vmcs12 *s)
{
	s->cpu_based_vm_exec_control |= CTL_MASK(CTL_nmi_window_exiting);
}

static void arm_interrupt_window(struct vmcs12 *s)
{
	s->cpu_based_vm_exec_control |= CTL_MASK(CTL_interrupt_window_exiting);
	s->guest_rflags |= X86_EFLAGS_IF;
}

static void raise_triple_fault(void) { v->ev.triple_fault = true; }
static void raise_fault(void) { vmx_queue_exception(v, VEC_UD); }
static void raise_smi(void) { v->smm.pending = true; }
static void raise_init(void) { v->ev.init = true; }
static void raise_sipi(void) { v->ev.sipi = true; }
static void raise_mtf(void) { v->nested->mtf_pending = true; }

static void raise_debug_trap(void)
{
	v->ev.exception.pending = true;
	v->ev.exception.vector = VEC_DB;
	v->ev.exception.has_payload = true;
	v->ev.exception.payload = PDE_BS;
}

static void raise_preemption_timer(void) { }
static void raise_nmi_window(void) { }
static void raise_nmi(void) { vmx_queue_nmi(v); }
static void raise_interrupt_window(void) { }
static void raise_interrupt(void) { vmx_queue_irq(v, IRQ_VECTOR); }

/* ---- what it looks like: an exit to L1 with this event, or an entry that injects it ---- */

struct row {
	enum vmx_event event;
	const char *name;
	bool in_l1;
	void (*arm)(struct vmcs12 *s);
	void (*raise)(void);
	u32 reason;		/* of the exit */
};

#define ROW(name, in_l1, reason) \
	{ EVENT_##name, #name, in_l1, arm_##name, raise_##name, EXIT_##reason }

/* Once more in the manual's order, by hand: the test must not follow the table. */
static const struct row rows[] = {
	ROW(triple_fault, true, triple_fault),
	ROW(fault, true, exception_nmi),
	ROW(smi, true, other_smi),
	ROW(init, false, init_signal),
	ROW(sipi, false, sipi),
	ROW(mtf, false, monitor_trap_flag),
	ROW(debug_trap, true, exception_nmi),
	ROW(preemption_timer, false, preemption_timer),
	ROW(nmi_window, false, nmi_window),
	ROW(nmi, true, exception_nmi),
	ROW(interrupt_window, false, interrupt_window),
	ROW(interrupt, true, external_interrupt),
};

static u32 event_of(enum vmx_event e)
{
	switch (e) {
	case EVENT_fault:
		return EVT_VALID | EVT_TYPE_HWEXC | VEC_UD;
	case EVENT_debug_trap:
		return EVT_VALID | EVT_TYPE_HWEXC | VEC_DB;
	case EVENT_nmi:
		return EVT_VALID | EVT_TYPE_NMI | VEC_NMI;
	case EVENT_interrupt:
		return EVT_VALID | EVT_TYPE_EXTINT | IRQ_VECTOR;
	default:
		return 0;
	}
}

static const struct row *row_of(enum vmx_event e)
{
	unsigned int i;

	for (i = 0; rows[i].event != e; i++)
		;
	return &rows[i];
}

/* L1 itself may have got the other one meanwhile, even an SMI: look at the copy. */
static bool came_in_l2(enum vmx_event e)
{
	const struct vmcs12 *s = v->nested->current12->vmcs12;

	if (e == EVENT_smi)
		return v->smm.active && nested_smm_has_l2(v);
	return !nested_smm_has_l2(v) && !is_guest_mode(v) &&
	       s->vm_exit_reason == row_of(e)->reason && s->vm_exit_intr_info == event_of(e);
}

static bool came_in_l1(enum vmx_event e)
{
	if (e == EVENT_triple_fault)
		return action == NVMX_USER && v->run->exit_reason == KVM_EXIT_SHUTDOWN;
	if (e == EVENT_smi)
		return v->smm.active;
	return action == NVMX_RESUME && peek01(vm_entry_intr_info_field) == event_of(e);
}

/* L1 intercepts all that it can. */
static void enter_l2(const struct row *a, const struct row *b)
{
	struct vmcs12 *s = l1_vmcs12();

	s->pin_based_vm_exec_control |= CTL_MASK(CTL_ext_int_exiting) |
					CTL_MASK(CTL_nmi_exiting) | CTL_MASK(CTL_virtual_nmis);
	s->vm_exit_controls |= CTL_MASK(CTL_ack_interrupt_on_exit);
	s->exception_bitmap = BIT(VEC_UD) | BIT(VEC_DB);
	a->arm(s);
	b->arm(s);
	l1_wrote();
	l1_enter();
	nested_after_entry(v);
}

static void begin(void)
{
	hardware_new();
	v = &m->v;
}

/* An exception is one or the other; and a trap goes before an SMI, which could not keep it. */
static bool possible(enum vmx_event a, enum vmx_event b)
{
	return b != EVENT_debug_trap || (a != EVENT_fault && a != EVENT_smi);
}

/* Raised in the wrong order. */
static void pair_in_l2(const struct row *a, const struct row *b)
{
	begin();
	enter_l2(a, b);
	b->raise();
	a->raise();
	action = vmx_events_before_entry(v);
	ok(came_in_l2(a->event) && !m->bugs, "L2: %s before %s", a->name, b->name);
	hardware_end();
}

static void pair_in_l1(const struct row *a, const struct row *b)
{
	begin();
	vmx_set_rflags(v, X86_EFLAGS_FIXED | X86_EFLAGS_IF);
	b->raise();
	a->raise();
	action = vmx_events_before_entry(v);
	ok(came_in_l1(a->event) && !m->bugs, "L1: %s before %s", a->name, b->name);
	hardware_end();
}

static void all_pairs(void)
{
	const struct row *a, *b, *end = rows + ARRAY_SIZE(rows);

	ok(ARRAY_SIZE(rows) == EVENT_none, "each row of table 5 is here");
	for (a = rows; a < end; a++)
		for (b = a + 1; b < end; b++) {
			if (!possible(a->event, b->event))
				continue;
			pair_in_l2(a, b);
			if (a->in_l1 && b->in_l1)
				pair_in_l1(a, b);
		}
}

/* The one that is not in the order of the table, and its way on. */
static void trap_before_smi(void)
{
	begin();
	enter_l2(row_of(EVENT_smi), row_of(EVENT_debug_trap));
	raise_smi();
	raise_debug_trap();
	vmx_events_before_entry(v);
	ok(came_in_l2(EVENT_debug_trap), "a trap goes before an SMI");
	ok(v->smm.active, "which L1 has then");
	hardware_end();
}

/* ---- L2's own event first, then L1's ---- */

static void own_then_interrupt(enum vmx_event own)
{
	struct vmcs12 *s;

	begin();
	s = l1_vmcs12();
	s->pin_based_vm_exec_control &= ~CTL_MASK(CTL_nmi_exiting);
	s->pin_based_vm_exec_control |= CTL_MASK(CTL_ext_int_exiting);
	s->vm_exit_controls |= CTL_MASK(CTL_ack_interrupt_on_exit);
	l1_wrote();
	l1_enters();
	nested_after_entry(v);
	raise_interrupt();
	row_of(own)->raise();
	vmx_events_before_entry(v);
	ok(is_guest_mode(v) && peek02(vm_entry_intr_info_field) == event_of(own),
	   "%s of L2's own goes before L1's interrupt", row_of(own)->name);
	ok(v->ev.immediate_exit, "and the stay ends behind it");
	l2_exits((struct exit_info){ .reason = EXIT_preemption_timer });
	vmx_events_before_entry(v);
	ok(came_in_l2(EVENT_interrupt), "then L1 has its interrupt");
	hardware_end();
}

/* SDM "Delivery of Pending Debug Exceptions after VM Entry" */
static void trap_of_hardware(void)
{
	begin();
	enter_l2(row_of(EVENT_interrupt), row_of(EVENT_interrupt));
	poke02(guest_pending_dbg_exceptions, PDE_BS);
	raise_interrupt();
	vmx_events_before_entry(v);
	ok(is_guest_mode(v) && v->ev.immediate_exit, "a trap that the CPU keeps goes first");
	poke02(guest_pending_dbg_exceptions, 0);
	l2_exits((struct exit_info){ .reason = EXIT_preemption_timer });
	vmx_events_before_entry(v);
	ok(came_in_l2(EVENT_interrupt), "then the interrupt is L1's");
	hardware_end();
	begin();
	vmx_set_rflags(v, X86_EFLAGS_FIXED | X86_EFLAGS_IF);
	vmcs_poke(v->vmcs01, VMCS_guest_pending_dbg_exceptions, PDE_BS);
	raise_interrupt();
	vmx_events_before_entry(v);
	ok(!peek01(vm_entry_intr_info_field) && v->ev.irq_window,
	   "in L1, too: the interrupt waits for its window");
	hardware_end();
}

static void forgotten_at_an_exit(void)
{
	begin();
	enter_l2(row_of(EVENT_init), row_of(EVENT_mtf));
	raise_mtf();
	raise_init();
	vmx_events_before_entry(v);
	l1_enters();
	nested_after_entry(v);
	vmx_events_before_entry(v);
	ok(is_guest_mode(v), "an MTF exit that another overtook does not come at the next entry");
	nested_leave(v, false);
	hardware_end();
}

void test_order(void)
{
	all_pairs();
	trap_before_smi();
	own_then_interrupt(EVENT_fault);
	own_then_interrupt(EVENT_debug_trap);
	own_then_interrupt(EVENT_nmi);
	trap_of_hardware();
	forgotten_at_an_exit();
}
