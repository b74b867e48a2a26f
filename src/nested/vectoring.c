// SPDX-License-Identifier: GPL-2.0-only
/*
 * At an exit from L2: what L1 is told about events that L2 had not got yet.
 *
 * SDM "Information for VM Exits That Occur During Event Delivery" [sdm:vectoring]
 */
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

/* Hardware has 16 bits; user space that restores an event may have set more. */
u16 nested_exception_code(const struct nvmx_vcpu *v)
{
	return v->ev.exception.code;
}

static void save_exception(struct nvmx_vcpu *v, struct vmcs12 *vmcs12)
{
	vmcs12->idt_vectoring_info_field = vmx_exception_info(v);
	vmcs12->idt_vectoring_error_code = nested_exception_code(v);
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
