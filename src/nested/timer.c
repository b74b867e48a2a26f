// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1's VMX-preemption timer.
 *
 * It counts down at L1's TSC divided by 32, as MISC says.  The truth is L1's TSC: whatever watches
 * it only makes the vCPU compare.  That is hardware's own timer while L2 runs (vmx/stay.c).  A
 * timer of the host does it while the vCPU sleeps, and always where the CPU has none.
 *
 * Hypervisors write a new value at every entry, most of them far away.  So the host's timer is not
 * cancelled at an exit, and not moved at an entry if it comes early enough; when it fires too early
 * the vCPU sets it again.  nested_leave() is the one place that cancels it [CVE-2019-7221].  It is
 * never set less than 50 microseconds ahead.
 *
 * Locking: the callback reads timer_on and writes timer_fired.  It touches the timer itself never,
 * so that the vCPU can set it while the callback runs.
 */
#include <linux/compiler.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/types.h>
#include <asm/barrier.h>
#include <asm/msr.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

#define RATE_SHIFT	5	/* MISC bits 4:0 */
#define SHORTEST_NS	50000u

static u64 timer_now(struct nvmx_vcpu *v)
{
	return vmx_l1_tsc(v, rdtsc()) >> RATE_SHIFT;
}

static u64 left(struct nvmx_vcpu *v)
{
	u64 now = timer_now(v), deadline = v->nested->timer_deadline;

	return now < deadline ? deadline - now : 0;
}

static ktime_t in_host_time(struct nvmx_vcpu *v, u64 ticks)
{
	u64 ns = mul_u64_u64_div_u64(ticks << RATE_SHIFT, NSEC_PER_MSEC, v->tsc_khz ?: 1);

	return ktime_add_ns(ktime_get(), max_t(u64, ns, SHORTEST_NS));
}

static enum hrtimer_restart fire(struct hrtimer *timer)
{
	struct nested_vcpu *n = container_of(timer, struct nested_vcpu, timer);

	if (!READ_ONCE(n->timer_on))
		return HRTIMER_NORESTART;
	WRITE_ONCE(n->timer_fired, true);
	vcpu_request(n->timer_owner, REQ_EVENT);
	vmx_kick(n->timer_owner);
	return HRTIMER_NORESTART;
}

static void init_once(struct nvmx_vcpu *v)
{
	struct nested_vcpu *n = v->nested;

	if (n->timer_owner)
		return;
	hrtimer_init(&n->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	n->timer.function = fire;
	n->timer_owner = v;
}

static bool set_early_enough(struct hrtimer *timer, ktime_t at)
{
	/* Pairs with the dequeuing before fire(): it is queued, or fire() sees timer_on. */
	smp_mb();
	return hrtimer_is_queued(timer) && !ktime_after(hrtimer_get_expires(timer), at);
}

static void arm_host_timer(struct nvmx_vcpu *v)
{
	struct nested_vcpu *n = v->nested;
	ktime_t at = in_host_time(v, left(v));

	init_once(v);
	if (!set_early_enough(&n->timer, at))
		hrtimer_start(&n->timer, at, HRTIMER_MODE_ABS);
}

/* What is cut is armed again then. */
static u64 end_by_host(struct nvmx_vcpu *v)
{
	u64 ticks = min_t(u64, left(v), U32_MAX) << RATE_SHIFT;

	return rdtsc() + vmx_host_ticks(v, ticks);
}

static void arm(struct nvmx_vcpu *v)
{
	WRITE_ONCE(v->nested->timer_on, true);
	if (vmx_watch_timers)
		v->timer_end.l1 = end_by_host(v);
	else
		arm_host_timer(v);
}

void nested_timer_to_host(struct nvmx_vcpu *v)
{
	arm_host_timer(v);
}

void nested_timer_ended(struct nvmx_vcpu *v)
{
	v->timer_end.l1 = VMX_NO_END;
	WRITE_ONCE(v->nested->timer_fired, true);
}

void nested_timer_start(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	struct nested_vcpu *n = v->nested;

	if (!vmcs12_has(vmcs12, CTL_preemption_timer))
		return;
	n->timer_deadline = timer_now(v) + vmcs12->vmx_preemption_timer_value;
	WRITE_ONCE(n->timer_fired, !vmcs12->vmx_preemption_timer_value);
	arm(v);
}

void nested_timer_resume(struct nvmx_vcpu *v, u64 deadline)
{
	v->nested->timer_deadline = deadline;
	WRITE_ONCE(v->nested->timer_fired, true);
	arm(v);
}

/* The first entry after a restore. */
void nested_timer_restored(struct nvmx_vcpu *v)
{
	struct nested_vcpu *n = v->nested;

	if (n->timer_start == TIMER_AT_DEADLINE)
		nested_timer_resume(v, n->timer_deadline);
	else
		nested_timer_start(v, nested_vmcs12(v));
	n->timer_start = TIMER_RUNS;
	vcpu_request(v, REQ_EVENT);
}

/* L1's TSC was set: the host's timer may be far off, in either direction. */
void nested_timer_recheck(struct nvmx_vcpu *v)
{
	if (!READ_ONCE(v->nested->timer_on))
		return;
	WRITE_ONCE(v->nested->timer_fired, true);
	vcpu_request(v, REQ_EVENT);
}

void nested_timer_stop(struct nvmx_vcpu *v)
{
	v->timer_end.l1 = VMX_NO_END;
	WRITE_ONCE(v->nested->timer_on, false);
	WRITE_ONCE(v->nested->timer_fired, false);
}

void nested_timer_cancel(struct nvmx_vcpu *v)
{
	nested_timer_stop(v);
	if (v->nested->timer_owner)
		hrtimer_cancel(&v->nested->timer);
}

bool nested_timer_is_over(struct nvmx_vcpu *v)
{
	struct nested_vcpu *n = v->nested;

	if (!READ_ONCE(n->timer_on))
		return false;
	if (!left(v))
		return true;
	/* The host's clock is ahead of L1's. */
	WRITE_ONCE(n->timer_fired, false);
	arm(v);
	return false;
}

u32 nested_timer_remaining(struct nvmx_vcpu *v)
{
	if (!READ_ONCE(v->nested->timer_on))
		return nested_vmcs12(v)->vmx_preemption_timer_value;
	return min_t(u64, left(v), U32_MAX);
}
