// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events that arrive while L2 runs: L1's exits, or L2's own.
 *
 * Order: SDM "Priority Among Concurrent Events" [sdm:event-priority].  An event that has to be
 * delivered first, because L1 injects it or its delivery was interrupted, blocks the others; the
 * machine then ends the stay before L2's next instruction, and asks again.
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

/* ---- what L1 is told about events that L2 had not got yet ---- */

static u32 exception_info(struct nvmx_vcpu *v)
{
	u8 vector = v->ev.exception.vector;
	u32 info = EVT_VALID | vector;

	if (!v->ev.exception.soft)
		info |= EVT_TYPE_HWEXC;
	else
		info |= vector == VEC_DB ? EVT_TYPE_PRIVSW : EVT_TYPE_SWEXC;
	if (v->ev.exception.has_code && (vmx_cr0(v) & X86_CR0_PE))
		info |= EVT_HAS_CODE;
	return info;
}

/* Hardware has 16 bits; user space that restores an event may have set more. */
static u16 exception_code(const struct nvmx_vcpu *v)
{
	return v->ev.exception.code;
}

static void save_exception(struct nvmx_vcpu *v, struct vmcs12 *vmcs12)
{
	vmcs12->idt_vectoring_info_field = exception_info(v);
	vmcs12->idt_vectoring_error_code = exception_code(v);
	if (v->ev.exception.soft)
		vmcs12->vm_exit_instruction_len = v->ev.exception.insn_len;
	v->ev.exception.injected = false;
}

static void save_irq(struct nvmx_vcpu *v, struct vmcs12 *vmcs12)
{
	u32 type = v->ev.irq.soft ? EVT_TYPE_SOFTINT : EVT_TYPE_EXTINT;

	vmcs12->idt_vectoring_info_field = EVT_VALID | type | v->ev.irq.vector;
	if (v->ev.irq.soft)
		vmcs12->vm_exit_instruction_len = v->ev.irq.insn_len;
	v->ev.irq.injected = false;
}

/*
 * A trap of the instruction before stays due in L2.  Faults come again with their instruction.
 */
static void save_pending_exception(struct nvmx_vcpu *v, struct vmcs12 *vmcs12)
{
	if (v->ev.exception.pending && v->ev.exception.vector == VEC_DB &&
	    v->ev.exception.has_payload)
		vmcs12->guest_pending_dbg_exceptions |=
			v->ev.exception.payload & (PDE_BS | PDE_B0_B3 | PDE_RTM);
	v->ev.exception.pending = false;
}

void nested_save_vectoring(struct nvmx_vcpu *v, struct vmcs12 *vmcs12)
{
	vmcs12->idt_vectoring_info_field = 0;
	save_pending_exception(v, vmcs12);
	if (v->ev.exception.injected) {
		save_exception(v, vmcs12);
	} else if (v->ev.nmi.injected) {
		vmcs12->idt_vectoring_info_field = EVT_VALID | EVT_TYPE_NMI | VEC_NMI;
		v->ev.nmi.injected = false;
	} else if (v->ev.irq.injected) {
		save_irq(v, vmcs12);
	}
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
	u32 info = exception_info(v), code = exception_code(v);
	u64 qual = exception_qual(v);

	if (v->ev.exception.soft)
		nested_vmcs12(v)->vm_exit_instruction_len = v->ev.exception.insn_len;
	v->ev.exception.pending = false;
	return nested_reflect_synthetic(v, EXIT_exception_nmi, qual, info, code);
}

/* It counts as delivery: the next one has to wait for L1's IRET. */
static enum nvmx_action nmi_exit(struct nvmx_vcpu *v)
{
	enum nvmx_action action;

	v->ev.nmi.pending--;
	action = nested_reflect_synthetic(v, EXIT_exception_nmi, 0,
					  EVT_VALID | EVT_TYPE_NMI | VEC_NMI, 0);
	vmx_set_nmi_blocked(v, true);
	return action;
}

/* Without acknowledgment the interrupt stays pending, for L1 to take when it enables them. */
static enum nvmx_action irq_exit(struct nvmx_vcpu *v)
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

/* ---- the order ---- */

enum due {
	DUE_NOTHING,
	DUE_INIT,
	DUE_SIPI,
	DUE_TRIPLE_FAULT,
	DUE_MTF,
	DUE_EXCEPTION,
	DUE_TIMER,
	DUE_NMI,
	DUE_IRQ,
};

/* Single steps and data breakpoints are traps, and of lower priority than MTF. */
static bool is_debug_trap(const struct nvmx_vcpu *v)
{
	return v->ev.exception.vector == VEC_DB && v->ev.exception.has_payload &&
	       (v->ev.exception.payload & (PDE_BS | PDE_B0_B3));
}

/* With virtual NMIs, what L2 blocks are only those. */
static bool nmi_due(struct nvmx_vcpu *v)
{
	if (!v->ev.nmi.pending || !nested_intercepts_nmi(v))
		return false;
	return vmcs12_has(nested_vmcs12(v), CTL_virtual_nmis) || !vmx_nmi_blocked(v);
}

/*
 * The exit that comes first.  An exception that L1 does not want is L2's, and goes before
 * everything below it.
 */
static enum due first_due(struct nvmx_vcpu *v)
{
	bool exception = v->ev.exception.pending;

	if (v->ev.triple_fault)
		return DUE_TRIPLE_FAULT;
	if (v->ev.init)
		return DUE_INIT;
	if (v->ev.sipi)
		return DUE_SIPI;
	if (v->nested->mtf_pending && (!exception || is_debug_trap(v)))
		return DUE_MTF;
	if (exception)
		return nested_intercepts_exception(v, v->ev.exception.vector,
						   v->ev.exception.code) ?
		       DUE_EXCEPTION : DUE_NOTHING;
	if (nested_timer_expired(v))
		return DUE_TIMER;
	if (nmi_due(v))
		return DUE_NMI;
	return vmx_irq_waits(v) && nested_intercepts_irq(v) ? DUE_IRQ : DUE_NOTHING;
}

/*
 * Exceptions, and what they turn into, belong to the delivery in progress and do not wait for it.
 */
static bool must_wait(struct nvmx_vcpu *v, enum due due)
{
	if (entry_injects(v))
		return true;
	return in_delivery(v) && due != DUE_EXCEPTION && due != DUE_TRIPLE_FAULT;
}

static enum nvmx_action make_exit(struct nvmx_vcpu *v, enum due due)
{
	switch (due) {
	case DUE_NOTHING:
		break;
	case DUE_INIT:
		v->ev.init = false;
		return nested_reflect_synthetic(v, EXIT_init_signal, 0, 0, 0);
	case DUE_SIPI:
		v->ev.sipi = false;
		return nested_reflect_synthetic(v, EXIT_sipi, READ_ONCE(v->sipi_vector), 0, 0);
	case DUE_TRIPLE_FAULT:
		v->ev.triple_fault = false;
		return nested_reflect_synthetic(v, EXIT_triple_fault, 0, 0, 0);
	case DUE_MTF:
		v->nested->mtf_pending = false;
		return nested_reflect_synthetic(v, EXIT_monitor_trap_flag, 0, 0, 0);
	case DUE_EXCEPTION:
		return exception_exit(v);
	case DUE_TIMER:
		return nested_reflect_synthetic(v, EXIT_preemption_timer, 0, 0, 0);
	case DUE_NMI:
		return nmi_exit(v);
	case DUE_IRQ:
		return irq_exit(v);
	}
	return NVMX_RESUME;
}

enum nvmx_action nested_check_events(struct nvmx_vcpu *v, bool *blocked)
{
	enum due due = first_due(v);
	enum nvmx_action action;

	v->nested->exit_waits = due != DUE_NOTHING && must_wait(v, due);
	*blocked = v->nested->exit_waits || entry_injects(v);
	if (v->nested->exit_waits)
		return NVMX_RESUME;
	action = make_exit(v, due);
	/* The interrupt was no exit: another one may be, and must not be taken for L2's. */
	if (due == DUE_IRQ && is_guest_mode(v)) {
		vcpu_request(v, REQ_EVENT);
		*blocked = true;
	}
	return action;
}

/* L2 is halted: is there an exit to L1, or an entry, that ends that? */
bool nested_wakes(struct nvmx_vcpu *v)
{
	return v->nested->run_pending || first_due(v) != DUE_NOTHING ||
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
