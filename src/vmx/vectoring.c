// SPDX-License-Identifier: GPL-2.0-only
/*
 * After an exit: what arrived of the event that the entry injected, and what to inject again.
 *
 * SDM "Information for VM Exits That Occur During Event Delivery" [sdm:vectoring]
 */
#include <linux/bits.h>
#include <linux/types.h>

#include <nvmx/arch.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "exit.h"

/*
 * An IRET that faulted had already unblocked NMIs; to the guest it has not happened.  Except where
 * the fault came during the delivery of an event, or was a double fault.
 * SDM "Information About NMI Unblocking Due to IRET" [sdm:nmi-unblock]
 */
static void recover_nmi_blocking(struct nvmx_vcpu *v)
{
	u32 info = v->exit.intr_info;
	bool unblocked;

	if (v->exit.idt_info & EVT_VALID)
		return;
	switch (v->exit.reason) {
	case EXIT_exception_nmi:
		unblocked = (info & EVT_VALID) && (info & EVT_NMI_UNBLOCK) &&
			    (info & EVT_VECTOR) != VEC_DF;
		break;
	case EXIT_ept_violation:
	case EXIT_pml_full:
		unblocked = v->exit.qual & EPTQ_NMI_UNBLOCK;
		break;
	default:
		return;
	}
	if (unblocked)
		vmx_set_nmi_blocked(v, true);
}

static void exception_was_cut_short(struct nvmx_vcpu *v, u32 info, bool soft)
{
	v->ev.exception.injected = true;
	v->ev.exception.pending = false;
	v->ev.exception.vector = info & EVT_VECTOR;
	v->ev.exception.has_code = info & EVT_HAS_CODE;
	v->ev.exception.code = v->exit.idt_error;
	v->ev.exception.has_payload = false;
	v->ev.exception.soft = soft;
	v->ev.exception.insn_len = soft ? vmcs_read(v, vm_exit_instruction_len) : 0;
}

static void irq_was_cut_short(struct nvmx_vcpu *v, u32 info, bool soft)
{
	v->ev.irq.injected = true;
	v->ev.irq.vector = info & EVT_VECTOR;
	v->ev.irq.soft = soft;
	v->ev.irq.insn_len = soft ? vmcs_read(v, vm_exit_instruction_len) : 0;
}

static void requeue_vectoring(struct nvmx_vcpu *v, u32 info)
{
	switch (info & EVT_TYPE) {
	case EVT_TYPE_NMI:
		v->ev.nmi.injected = true;
		/* Its injection blocks NMIs again, and is refused while they are blocked. */
		vmx_set_nmi_blocked(v, false);
		break;
	case EVT_TYPE_HWEXC:
		exception_was_cut_short(v, info, false);
		break;
	case EVT_TYPE_PRIVSW:
	case EVT_TYPE_SWEXC:
		exception_was_cut_short(v, info, true);
		break;
	case EVT_TYPE_SOFTINT:
	case EVT_TYPE_EXTINT:
		irq_was_cut_short(v, info, (info & EVT_TYPE) == EVT_TYPE_SOFTINT);
		break;
	}
}

/*
 * An entry that failed delivered nothing: what was to be injected stays so.  An NMI or interrupt
 * that stood back for an exception was not written, and waits on.
 */
void vmx_events_after_exit(struct nvmx_vcpu *v)
{
	if (v->exit.vm_error || (v->exit.reason & EXIT_ENTRY_FAILURE))
		return;
	if (v->ev.written) {
		v->ev.written = false;
		if (v->ev.exception.injected)
			v->ev.exception.injected = false;
		else if (v->ev.nmi.injected)
			v->ev.nmi.injected = false;
		else
			v->ev.irq.injected = false;
	}
	recover_nmi_blocking(v);
	if (v->exit.idt_info & EVT_VALID)
		requeue_vectoring(v, v->exit.idt_info);
}
