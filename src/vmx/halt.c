// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU that has nothing to run: halted, or not started yet.
 *
 * It polls for a while before it sleeps, since a sleep and a wake-up of the thread cost more than a
 * short wait.  How long is learned: waits that end soon after the sleep began make it longer, long
 * ones end the polling.
 */
#include <linux/entry-kvm.h>
#include <linux/kvm.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/swait.h>

#include <nvmx/irq.h>
#include <nvmx/nested.h>
#include <nvmx/pv.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "vmx_int.h"

#define FIRST_POLL_NS	10000u

static uint halt_poll_ns = 200000;
module_param(halt_poll_ns, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns, "A halted vCPU polls at most this long before it sleeps; 0: never");

/* KVM_CAP_HALT_POLL sets a limit of the VM's own; a guest can take over by MSR. */
static u32 poll_limit(const struct nvmx_vcpu *v)
{
	if (v->mp_state != KVM_MP_STATE_HALTED)
		return 0;
	if (!(v->pv.poll_control & 1))
		return 0;
	return v->vm->halt_poll_set ? READ_ONCE(v->vm->halt_poll_ns) : READ_ONCE(halt_poll_ns);
}

/* What the CPU would deliver waits, too: of requests that came since there is a call. */
static bool delivers_itself(struct nvmx_vcpu *v)
{
	return irq_vid(v) && !is_guest_mode(v) && irq_highest(v) >= 0;
}

/*
 * Does the vCPU go on?  A halted one for what it can take; one that was not started yet only by
 * a SIPI, and then its state is another.
 */
static bool wakes_up(struct nvmx_vcpu *v)
{
	const struct nvmx_events *ev = &v->ev;

	if (v->mp_state == KVM_MP_STATE_RUNNABLE)
		return true;
	if (v->mp_state != KVM_MP_STATE_HALTED)
		return false;
	if (pv_take_kick(v))
		return true;
	if (ev->nmi.pending || ev->nmi.injected || ev->exception.pending ||
	    ev->exception.injected || ev->triple_fault || ev->irq.injected)
		return true;
	if (vmx_smi_waits(v)) {
		v->smm.halted = true;
		return true;
	}
	if (is_guest_mode(v) && nested_wakes(v))
		return true;
	return (vmx_irq_waits(v) || delivers_itself(v)) && vmx_irq_allowed(v);
}

static bool was_called(const struct nvmx_vcpu *v)
{
	return (atomic_long_read(&v->requests) & URGENT_REQUESTS) || irq_posted(v) ||
	       __xfer_to_guest_mode_work_pending();
}

/* true: something came within the time; a thread that others wait for gives the CPU up instead. */
static bool poll(struct nvmx_vcpu *v, u64 start, u32 ns)
{
	while (!was_called(v) && !vmx_timer_ended(v)) {
		if (ktime_get_ns() - start >= ns)
			return false;
		cpu_relax();
	}
	return true;
}

static void learn(struct nvmx_vcpu *v, u64 waited, u32 limit)
{
	if (waited > limit)
		v->halt_poll_ns = 0;
	else if (waited > v->halt_poll_ns)
		v->halt_poll_ns = clamp(v->halt_poll_ns * 2, FIRST_POLL_NS, limit);
}

/* Asleep until somebody leaves a request, or the thread has work. */
static void sleep_for_request(struct nvmx_vcpu *v)
{
	DECLARE_SWAITQUEUE(wait);

	for (;;) {
		prepare_to_swait_exclusive(&v->wait, &wait, TASK_INTERRUPTIBLE);
		if (was_called(v))
			break;
		schedule();
	}
	finish_swait(&v->wait, &wait);
}

static void wait_for_call(struct nvmx_vcpu *v)
{
	u32 limit = poll_limit(v);
	u32 ns = min(v->halt_poll_ns, limit);
	u64 start = ktime_get_ns();

	if (ns && poll(v, start, ns)) {
		v->stat.halt_polled++;
		return;
	}
	vmx_timers_to_host(v);
	sleep_for_request(v);
	if (limit)
		learn(v, ktime_get_ns() - start, limit);
}

void vmx_wait_halted(struct nvmx_vcpu *v)
{
	vmx_look_at_timers(v);
	if (!wakes_up(v)) {
		wait_for_call(v);
		return;
	}
	v->mp_state = KVM_MP_STATE_RUNNABLE;
	if (irq_in_kernel(v))
		irq_timer_to_cpu(v);
}
