// SPDX-License-Identifier: GPL-2.0-only
/*
 * The APIC timer: one-shot, periodic and TSC-deadline.
 *
 * A TSC deadline is watched by the CPU itself while the vCPU runs (vmx/stay.c), where it can do
 * that.  While the vCPU sleeps, and for the other modes, it is a timer of the host.
 *
 * The bus clock is 1 GHz, as KVM's: a count is a nanosecond times the divisor.  The callback puts
 * the vector into IRR itself.  The timer is pinned to the CPU that set it: where the vCPU still
 * runs there, the timer's own interrupt ends the stay in the guest, without an IPI.
 *
 * Guests cannot make a storm of it: a period is at least 200 microseconds, periods that were missed
 * are skipped, and what has expired when it is set needs no timer at all.
 *
 * From the host's timer to the guest's handler it is a long way, longer still if the thread slept.
 * So the timer of a TSC deadline fires ahead, by what the last ones were late, and irq_wait_timer()
 * holds the vCPU, just before it enters the guest, for what is left: no guest runs between an
 * interrupt that came early and its deadline.
 *
 * Locking: what the callback reads is changed while it does not run: hrtimer_cancel() comes first.
 * What it finds not set up (no period, no deadline) is left alone: the mode changed under it.
 * SDM "APIC Timer" [sdm:apic-timer]
 */
#include <linux/compiler.h>
#include <linux/hrtimer.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/processor.h>
#include <linux/types.h>
#include <asm/msr.h>
#include <nvmx/vmx.h>
#include "lapic.h"

#define TIMER_MODE	(3u << 17)
#define SHORTEST_PERIOD	(200ull * 1000)		/* ns */
#define MOST_AHEAD	5000u			/* ns that a vCPU may be held */
#define LONGEST_MS	BIT_ULL(31)		/* 24 days, then the callback looks again */
#define NS_PER_MS	1000000ull
#define FURTHEST_TICKS	BIT_ULL(37)		/* at which the CPU looks again */

static uint timer_advance_ns = MOST_AHEAD;
module_param(timer_advance_ns, uint, 0644);
MODULE_PARM_DESC(timer_advance_ns,
		 "The APIC timer fires at most this much ahead of a TSC deadline; 0: never (5000)");

static u32 mode(const struct lapic *l)
{
	return lapic_get(l, APIC_LVTT) & TIMER_MODE;
}

static bool is_deadline(u32 mode)
{
	return mode == APIC_LVT_TIMER_TSCDEADLINE;
}

static u64 l1_now(struct nvmx_vcpu *v)
{
	return vmx_l1_tsc(v, rdtsc());
}

static u64 ticks_to_ns(const struct nvmx_vcpu *v, u64 ticks)
{
	u64 khz = v->tsc_khz ?: 1;

	return mul_u64_u64_div_u64(min(ticks, khz * LONGEST_MS), NS_PER_MS, khz);
}

/* Until L1's TSC reaches the deadline; 0: it has. More than the longest is cut. */
static u64 ns_left(struct nvmx_vcpu *v, u64 deadline)
{
	u64 now = l1_now(v);

	return deadline <= now ? 0 : ticks_to_ns(v, deadline - now) + 1;
}

static u64 ahead_ns(const struct lapic *l)
{
	return min3(READ_ONCE(l->timer.ahead), READ_ONCE(timer_advance_ns), MOST_AHEAD);
}

static void start(struct lapic *l, u64 ns)
{
	WRITE_ONCE(l->timer.running, true);
	hrtimer_start(&l->timer.hr, ktime_add_ns(ktime_get(), ns), HRTIMER_MODE_ABS_PINNED_HARD);
}

/* Until the timer is to fire, which is ahead of the deadline. Less than 2^38 */
static u64 ticks_left(struct nvmx_vcpu *v, u64 deadline, u64 ahead)
{
	u64 now = l1_now(v) + ahead * v->tsc_khz / NS_PER_MS;

	return deadline <= now ? 0 : min_t(u64, deadline - now, FURTHEST_TICKS);
}

static void start_deadline(struct lapic *l, u64 deadline, u64 ns)
{
	struct nvmx_vcpu *v = l->v;
	u64 ahead = ahead_ns(l);

	if (vmx_watch_timers)
		v->timer_end.apic = rdtsc() + vmx_host_ticks(v, ticks_left(v, deadline, ahead));
	else
		start(l, ns - ahead);
}

/* ---- the callback ---- */

static enum hrtimer_restart last(struct lapic *l)
{
	WRITE_ONCE(l->timer.running, false);
	return HRTIMER_NORESTART;
}

/* The deadline has come, or is as near as irq_wait_timer() takes it. */
static void deadline_met(struct lapic *l, u64 deadline)
{
	WRITE_ONCE(l->timer.deadline, 0);
	WRITE_ONCE(l->v->timer_due, deadline);	/* before the vector, which brings the vCPU here */
	lapic_accept_lvt(l, APIC_LVTT);
}

static enum hrtimer_restart deadline_came(struct lapic *l)
{
	u64 deadline = READ_ONCE(l->timer.deadline);
	u64 left = deadline ? ns_left(l->v, deadline) : 0;

	/* The host's clock may be ahead of L1's TSC. */
	if (left > MOST_AHEAD) {
		hrtimer_set_expires(&l->timer.hr, ktime_add_ns(ktime_get(), left - ahead_ns(l)));
		return HRTIMER_RESTART;
	}
	if (deadline) {
		WRITE_ONCE(l->timer.measure, true);
		deadline_met(l, deadline);
	}
	return last(l);
}

static enum hrtimer_restart count_ended(struct lapic *l, bool periodic)
{
	u64 period = READ_ONCE(l->timer.period);

	if (!period)
		return last(l);
	lapic_accept_lvt(l, APIC_LVTT);
	if (!periodic)
		return last(l);
	hrtimer_forward_now(&l->timer.hr, ns_to_ktime(max(period, SHORTEST_PERIOD)));
	return HRTIMER_RESTART;
}

static enum hrtimer_restart fire(struct hrtimer *hr)
{
	struct lapic *l = container_of(hr, struct lapic, timer.hr);

	switch (mode(l)) {
	case APIC_LVT_TIMER_TSCDEADLINE:
		return deadline_came(l);
	case APIC_LVT_TIMER_PERIODIC:
		return count_ended(l, true);
	case APIC_LVT_TIMER_ONESHOT:
		return count_ended(l, false);
	default:
		return last(l);		/* a reserved mode */
	}
}

/* ---- life ---- */

void lapic_timer_init(struct lapic *l)
{
	hrtimer_init(&l->timer.hr, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_PINNED_HARD);
	l->timer.hr.function = fire;
}

void lapic_timer_stop(struct lapic *l)
{
	hrtimer_cancel(&l->timer.hr);
	WRITE_ONCE(l->timer.running, false);
	l->v->timer_end.apic = VMX_NO_END;
}

void lapic_timer_cancel(struct lapic *l)
{
	lapic_timer_stop(l);
	WRITE_ONCE(l->timer.period, 0);
	WRITE_ONCE(l->timer.deadline, 0);
	WRITE_ONCE(l->v->timer_due, 0);
}

/* ---- initial count, current count, divisor ---- */

static void start_count(struct lapic *l, u64 ns)
{
	if (mode(l) == APIC_LVT_TIMER_PERIODIC)
		ns = max(ns, SHORTEST_PERIOD);
	start(l, ns);
}

static void set_period(struct lapic *l)
{
	u64 period = lapic_get(l, APIC_TMICT) * l->timer.tick;

	WRITE_ONCE(l->timer.period, is_deadline(mode(l)) ? 0 : period);
}

void lapic_timer_set_count(struct lapic *l, u32 count)
{
	if (is_deadline(mode(l)))
		return;
	lapic_timer_stop(l);
	lapic_set(l, APIC_TMICT, count);
	set_period(l);
	if (count)
		start_count(l, l->timer.period);
}

static u32 count_left(struct lapic *l)
{
	s64 ns = ktime_to_ns(hrtimer_get_remaining(&l->timer.hr));
	u64 count = ns > 0 ? div64_u64(ns, l->timer.tick) : 0;

	return min_t(u64, count, lapic_get(l, APIC_TMICT));
}

u32 lapic_timer_count(struct lapic *l)
{
	if (!READ_ONCE(l->timer.running) || is_deadline(mode(l)))
		return 0;
	return count_left(l);
}

/* 0 is divide by 2, and the last one of eight divide by 1. */
static u32 divisor(u32 divide)
{
	u32 code = (divide & 3) | (divide & 8) >> 1;

	return 1u << ((code + 1) & 7);
}

/* What is left of the count goes on at the new rate. */
void lapic_timer_set_divide(struct lapic *l, u32 divide)
{
	u32 tick = divisor(divide), left;

	lapic_set(l, APIC_TDCR, divide);
	if (tick == l->timer.tick)
		return;
	if (is_deadline(mode(l)) || !READ_ONCE(l->timer.running)) {
		l->timer.tick = tick;
		set_period(l);
		return;
	}
	hrtimer_cancel(&l->timer.hr);
	left = count_left(l);
	l->timer.tick = tick;
	set_period(l);
	if (READ_ONCE(l->timer.running))
		start_count(l, (u64)left * tick);
}

/* ---- modes ---- */

/* Between one-shot and periodic the count goes on; from or to TSC-deadline it is disarmed. */
void lapic_timer_mode_changed(struct lapic *l, u32 old_lvtt)
{
	if (is_deadline(old_lvtt & TIMER_MODE) == is_deadline(mode(l)))
		return;
	lapic_timer_cancel(l);
	lapic_set(l, APIC_TMICT, 0);
}

static void arm_deadline(struct lapic *l)
{
	u64 deadline = READ_ONCE(l->timer.deadline);
	u64 ahead = ahead_ns(l);
	u64 ns;

	WRITE_ONCE(l->v->timer_due, 0);
	if (!deadline)
		return;
	ns = ns_left(l->v, deadline);
	if (ns > ahead) {
		start_deadline(l, deadline, ns);
		return;
	}
	WRITE_ONCE(l->timer.measure, false);
	deadline_met(l, deadline);
}

/* ---- hardware's watch ---- */

void irq_timer_ended(struct nvmx_vcpu *v)
{
	struct lapic *l = v->lapic;
	u64 deadline = READ_ONCE(l->timer.deadline);

	v->timer_end.apic = VMX_NO_END;
	if (deadline && ns_left(v, deadline) > MOST_AHEAD) {
		arm_deadline(l);
	} else if (deadline) {
		WRITE_ONCE(l->timer.measure, true);
		deadline_met(l, deadline);
	}
}

void irq_timer_to_host(struct nvmx_vcpu *v)
{
	struct lapic *l = v->lapic;
	u64 ns = ns_left(v, READ_ONCE(l->timer.deadline));

	v->timer_end.apic = VMX_NO_END;
	start(l, ns - min(ns, ahead_ns(l)));
}

void irq_timer_to_cpu(struct nvmx_vcpu *v)
{
	struct lapic *l = v->lapic;

	if (!vmx_watch_timers || !READ_ONCE(l->timer.running) || !is_deadline(mode(l)))
		return;
	lapic_timer_stop(l);
	if (READ_ONCE(l->timer.deadline))
		arm_deadline(l);
}

/* Too late: so much earlier the next time.  Too early: a little later, since waiting is cheap. */
static void learn_lateness(struct lapic *l, u64 due, u64 now)
{
	u32 ahead = l->timer.ahead;
	u64 ns;

	if (!READ_ONCE(l->timer.measure))
		return;
	ns = ticks_to_ns(l->v, now > due ? now - due : due - now);
	if (ns > 2 * MOST_AHEAD)
		return;		/* the thread did not run, or another clock was set */
	if (now > due)
		ahead = min_t(u32, ahead + ns, MOST_AHEAD);
	else
		ahead -= min_t(u32, ahead, ns / 8);
	WRITE_ONCE(l->timer.ahead, ahead);
}

void irq_wait_timer(struct nvmx_vcpu *v)
{
	u64 due = READ_ONCE(v->timer_due), now = l1_now(v);
	u64 end = min(due, now + (u64)v->tsc_khz * MOST_AHEAD / NS_PER_MS);

	WRITE_ONCE(v->timer_due, 0);
	learn_lateness(v->lapic, due, now);
	while (now < end) {
		cpu_relax();
		now = l1_now(v);
	}
}

u64 irq_tsc_deadline(struct nvmx_vcpu *v)
{
	return is_deadline(mode(v->lapic)) ? READ_ONCE(v->lapic->timer.deadline) : 0;
}

void irq_set_tsc_deadline(struct nvmx_vcpu *v, u64 deadline)
{
	struct lapic *l = v->lapic;

	if (!is_deadline(mode(l)))
		return;
	lapic_timer_stop(l);
	WRITE_ONCE(l->timer.deadline, deadline);
	arm_deadline(l);
}

void irq_tsc_changed(struct nvmx_vcpu *v)
{
	struct lapic *l = v->lapic;

	if (!l || !is_deadline(mode(l)))
		return;
	lapic_timer_stop(l);
	arm_deadline(l);
}

/* A one-shot count that had ended does not end again. */
void lapic_timer_restore(struct lapic *l, u32 count)
{
	u32 initial = lapic_get(l, APIC_TMICT);

	l->timer.tick = divisor(lapic_get(l, APIC_TDCR));
	set_period(l);
	if (is_deadline(mode(l))) {
		arm_deadline(l);
		return;
	}
	WRITE_ONCE(l->timer.deadline, 0);
	if (!count && mode(l) == APIC_LVT_TIMER_PERIODIC)
		count = initial;
	if (initial && count)
		start_count(l, (u64)min(count, initial) * l->timer.tick);
}
