// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events that arrive while L2 runs: L1's exits, or L2's own, in the order of table 5.
 *
 * An event that has to be delivered first, because L1 injects it or its delivery was interrupted,
 * blocks the others; the machine then ends the stay before L2's next instruction, and asks again.
 */
#include <linux/bits.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/nested.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

bool nested_run_pending(struct nvmx_vcpu *v)
{
	return v->nested->run_pending;
}

/* The entry that is due injects what L1 asked for: it must reach hardware. */
static bool entry_injects(struct nvmx_vcpu *v)
{
	return v->nested->run_pending && nested_injects(nested_vmcs12(v));
}

static bool in_delivery(const struct nvmx_vcpu *v)
{
	return v->ev.exception.injected || v->ev.nmi.injected || v->ev.irq.injected;
}

/* ---- exits for events ---- */

/* #PF: the address, and CR2 stays; #DB: what would go into DR6, which stays, too. */
static u64 exception_qual(const struct nvmx_vcpu *v)
{
	if (v->ev.exception.has_payload)
		return v->ev.exception.payload;
	return v->ev.exception.vector == VEC_PF ? v->cr2 : 0;
}

static enum nvmx_action exception_exit(struct nvmx_vcpu *v)
{
	u32 info = vmx_exception_info(v), code = nested_exception_code(v);
	u64 qual = exception_qual(v);

	if (v->ev.exception.soft)
		nested_vmcs12(v)->vm_exit_instruction_len = v->ev.exception.insn_len;
	v->ev.exception.pending = false;
	return nested_reflect_synthetic(v, EXIT_exception_nmi, qual, info, code);
}

/* It counts as delivery: the next one has to wait for L1's IRET. */
static enum nvmx_action take_nmi(struct nvmx_vcpu *v)
{
	enum nvmx_action action;

	v->ev.nmi.pending--;
	action = nested_reflect_synthetic(v, EXIT_exception_nmi, 0,
					  EVT_VALID | EVT_TYPE_NMI | VEC_NMI, 0);
	vmx_set_nmi_blocked(v, true);
	return action;
}

/* Without acknowledgment the interrupt stays pending, for L1 to take when it enables them. */
static enum nvmx_action take_interrupt(struct nvmx_vcpu *v)
{
	int vector;
	u32 info = 0;

	if (vmcs12_has(nested_vmcs12(v), CTL_ack_interrupt_on_exit)) {
		vector = vmx_ack_irq(v);
		if (vector < 0)
			return NVMX_RESUME;
		if (nested_is_notification(v, vector))
			return nested_take_posted(v);
		info = EVT_VALID | EVT_TYPE_EXTINT | vector;
	}
	return nested_reflect_synthetic(v, EXIT_external_interrupt, 0, info, 0);
}

/* ---- table 5 while L2 runs: is it there, and does nothing block it? ---- */

static bool due_triple_fault(const struct nvmx_vcpu *v)
{
	return v->ev.triple_fault;
}

/* The trap of the instruction before: with DR6 bits that say so. */
static bool due_debug_trap(const struct nvmx_vcpu *v)
{
	return v->ev.exception.pending && v->ev.exception.vector == VEC_DB &&
	       v->ev.exception.has_payload &&
	       (v->ev.exception.payload & (PDE_BS | PDE_B0_B3));
}

static bool due_fault(const struct nvmx_vcpu *v)
{
	return v->ev.exception.pending && !due_debug_trap(v);
}

/* Nothing keeps a trap across system-management mode: it goes first. */
static bool due_smi(const struct nvmx_vcpu *v)
{
	return vmx_smi_waits(v) && !v->ev.exception.pending;
}

static bool due_init(const struct nvmx_vcpu *v)
{
	return v->ev.init;
}

static bool due_sipi(const struct nvmx_vcpu *v)
{
	return v->ev.sipi;
}

static bool due_mtf(const struct nvmx_vcpu *v)
{
	return v->nested->mtf_pending;
}

static bool due_preemption_timer(struct nvmx_vcpu *v)
{
	return nested_timer_expired(v);
}

/*
 * Behind an event that is on its way into L2 the CPU looks at the windows: it knows what L2's
 * handler begins with.
 */
static inline bool wants_window(struct nvmx_vcpu *v, enum vmx_ctl ctl)
{
	return vmcs12_has(nested_vmcs12(v), ctl) && !in_delivery(v) && !entry_injects(v);
}

static bool due_nmi_window(struct nvmx_vcpu *v)
{
	return wants_window(v, CTL_nmi_window_exiting) && vmx_open_to_nmis(v);
}

/* With virtual NMIs, what L2 blocks are only those. */
static bool due_nmi(struct nvmx_vcpu *v)
{
	if (!v->ev.nmi.pending)
		return false;
	if (!nested_intercepts_nmi(v))
		return vmx_open_to_nmis(v);
	return vmcs12_has(nested_vmcs12(v), CTL_virtual_nmis) || !vmx_nmi_blocked(v);
}

static bool due_interrupt_window(struct nvmx_vcpu *v)
{
	return wants_window(v, CTL_interrupt_window_exiting) && vmx_open_to_irqs(v);
}

static bool due_interrupt(struct nvmx_vcpu *v)
{
	return vmx_irq_waits(v) && (nested_intercepts_irq(v) || vmx_open_to_irqs(v));
}

static enum vmx_event first_due(struct nvmx_vcpu *v)
{
	return
#define NVMX_EVENT(name, class, l1, l2, what) due_##name(v) ? EVENT_##name :
#include <nvmx/vmx_events.h>
#undef NVMX_EVENT
		EVENT_none;
}

/* ---- whose it is ---- */

#define ENDS_L1(v)		true
#define ENDS_L0(v)		true
#define ENDS_EXCEPTION(v)	nested_intercepts_exception(v, (v)->ev.exception.vector, \
							    (v)->ev.exception.code)
#define ENDS_NMI(v)		nested_intercepts_nmi(v)
#define ENDS_IRQ(v)		nested_intercepts_irq(v)

/* An exit to L1, or an SMI; what L1 does not want is L2's own. */
static bool ends_l2(struct nvmx_vcpu *v, enum vmx_event event)
{
	return
#define NVMX_EVENT(name, class, l1, l2, what) event == EVENT_##name ? ENDS_##l2(v) :
#include <nvmx/vmx_events.h>
#undef NVMX_EVENT
		false;
}

/* ---- the end of the stay ---- */

static enum nvmx_action take_triple_fault(struct nvmx_vcpu *v)
{
	v->ev.triple_fault = false;
	return nested_reflect_synthetic(v, EXIT_triple_fault, 0, 0, 0);
}

static enum nvmx_action take_fault(struct nvmx_vcpu *v)
{
	return exception_exit(v);
}

static enum nvmx_action take_smi(struct nvmx_vcpu *v)
{
	vmx_take_smi(v);
	return NVMX_RESUME;
}

static enum nvmx_action take_init(struct nvmx_vcpu *v)
{
	v->ev.init = false;
	return nested_reflect_synthetic(v, EXIT_init_signal, 0, 0, 0);
}

static enum nvmx_action take_sipi(struct nvmx_vcpu *v)
{
	v->ev.sipi = false;
	return nested_reflect_synthetic(v, EXIT_sipi, READ_ONCE(v->sipi_vector), 0, 0);
}

static enum nvmx_action take_mtf(struct nvmx_vcpu *v)
{
	v->nested->mtf_pending = false;
	return nested_reflect_synthetic(v, EXIT_monitor_trap_flag, 0, 0, 0);
}

static enum nvmx_action take_debug_trap(struct nvmx_vcpu *v)
{
	return exception_exit(v);
}

static enum nvmx_action take_preemption_timer(struct nvmx_vcpu *v)
{
	return nested_reflect_synthetic(v, EXIT_preemption_timer, 0, 0, 0);
}

static enum nvmx_action take_nmi_window(struct nvmx_vcpu *v)
{
	return nested_reflect_synthetic(v, EXIT_nmi_window, 0, 0, 0);
}

static enum nvmx_action take_interrupt_window(struct nvmx_vcpu *v)
{
	return nested_reflect_synthetic(v, EXIT_interrupt_window, 0, 0, 0);
}

static enum nvmx_action take(struct nvmx_vcpu *v, enum vmx_event event)
{
	return
#define NVMX_EVENT(name, class, l1, l2, what) event == EVENT_##name ? take_##name(v) :
#include <nvmx/vmx_events.h>
#undef NVMX_EVENT
		NVMX_RESUME;
}

/*
 * Exceptions, and what they turn into, belong to the delivery in progress and do not wait for it.
 * A trap that the CPU keeps for L2 is delivered by the next entry, before all below it.
 */
static bool must_wait(struct nvmx_vcpu *v, enum vmx_event event)
{
	if (entry_injects(v))
		return true;
	if (event == EVENT_smi && v->nested->run_pending)
		return true;
	if (event > EVENT_debug_trap && vmx_trap_in_hardware(v))
		return true;
	return in_delivery(v) && event != EVENT_triple_fault && event != EVENT_fault &&
	       event != EVENT_debug_trap;
}

enum nvmx_action nested_check_events(struct nvmx_vcpu *v, bool *blocked)
{
	enum vmx_event event = first_due(v);
	bool ends = ends_l2(v, event);
	enum nvmx_action action;

	v->nested->exit_waits = ends && must_wait(v, event);
	*blocked = v->nested->exit_waits || entry_injects(v);
	if (*blocked || !ends)
		return NVMX_RESUME;
	action = take(v, event);
	/* The interrupt was no exit: another one may be, and must not be taken for L2's. */
	if (event == EVENT_interrupt && is_guest_mode(v)) {
		vcpu_request(v, REQ_EVENT);
		*blocked = true;
	}
	return action;
}

bool nested_exit_is_due(struct nvmx_vcpu *v)
{
	return ends_l2(v, first_due(v));
}

/* L2 is halted: is there an exit to L1, or an entry, that ends that? */
bool nested_wakes(struct nvmx_vcpu *v)
{
	return v->nested->run_pending || first_due(v) != EVENT_none ||
	       nested_virtual_irq_waits(v);
}

bool nested_exit_waits(struct nvmx_vcpu *v)
{
	return v->nested->exit_waits;
}

/* An instruction of L2 was finished by L0: to the monitor trap flag that is one, too. */
void nested_insn_done(struct nvmx_vcpu *v)
{
	v->nested->mtf_pending = vmcs12_has(nested_vmcs12(v), CTL_monitor_trap_flag);
}
