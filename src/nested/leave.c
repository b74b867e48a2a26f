// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one unwind.
 *
 * Reset, INIT, a triple fault, KVM_SET_NESTED_STATE, a CPUID without VMX, IA32_FEATURE_CONTROL
 * written with 0, VMXOFF, an SMI, system-management mode switched by user space [CVE-2022-48763]
 * and the end of a vCPU: all come here, in L2 or not, and nothing else undoes what an entry did.
 * L1 learns of no exit; its registers become those of the HOST rows, which whoever called usually
 * replaces.
 */
#include <linux/types.h>
#include <nvmx/emulate.h>
#include <nvmx/nested.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

static void forget_events_of_l2(struct nvmx_vcpu *v)
{
	v->ev.exception.pending = false;
	v->ev.exception.injected = false;
	v->ev.nmi.injected = false;
	v->ev.irq.injected = false;
	v->ev.triple_fault = false;
}

/* PDPTEs that do not load are no news to anybody here. */
static void leave_l2(struct nvmx_vcpu *v)
{
	struct l2_context *c = v->nested->current12;

	nested_withdraw_event(v);
	nested_capture(v, c);
	forget_events_of_l2(v);
	nested_return_to_l1(v, c);
}

void nested_leave(struct nvmx_vcpu *v, bool off)
{
	struct nested_vcpu *n = v->nested;

	if (is_guest_mode(v)) {
		leave_l2(v);
		/* An instruction of L2 that waits for user space's answer is not L1's. */
		v->complete = NULL;
		emu_log_reset(&v->emu_log);
	}
	nested_timer_cancel(v);
	n->run_pending = false;
	n->mtf_pending = false;
	n->timer_start = TIMER_RUNS;
	n->exit_waits = false;
	if (!off)
		return;
	if (n->vmxon || n->smm.vmxon)
		nested_vmxon_end(v);
	n->smm = (struct nested_smm){};
}
