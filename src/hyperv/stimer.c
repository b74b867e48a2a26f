// SPDX-License-Identifier: GPL-2.0-only
/*
 * Synthetic timers: four for each VP, that expire at a reference time, once or again and again, and
 * then post a message to a SINT or, in direct mode, raise a vector.
 *
 * The callback of the host's timer only sets a request: all else is done by the vCPU's own thread.
 * A periodic timer never retries a message for which there was no slot, and skips what it missed.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/types.h>

#include <nvmx/irq.h>

#include "hv_int.h"

#define NS_PER_UNIT	100
#define LONGEST		(KTIME_MAX / 4 / NS_PER_UNIT)	/* then it looks again */
#define SHORTEST_PERIOD	2000				/* 200 microseconds, as the APIC's */

static enum hrtimer_restart fire(struct hrtimer *hr)
{
	struct hv_stimer *t = container_of(hr, struct hv_stimer, hr);

	hv_request(t->v, t->index);
	vmx_kick(t->v);
	return HRTIMER_NORESTART;
}

void hv_stimer_init(struct nvmx_vcpu *v)
{
	u32 i;

	for (i = 0; i < TLFS_NR_STIMERS; i++) {
		struct hv_stimer *t = &v->hv->stimer[i];

		t->v = v;
		t->index = i;
		hrtimer_init(&t->hr, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
		t->hr.function = fire;
	}
}

void hv_stimer_stop(struct nvmx_vcpu *v)
{
	u32 i;

	for (i = 0; i < TLFS_NR_STIMERS; i++)
		hrtimer_cancel(&v->hv->stimer[i].hr);
}

/* ---- start ---- */

static void disarm(struct hv_stimer *t)
{
	hrtimer_cancel(&t->hr);
	clear_bit(t->index, &t->v->hv->work);
	t->undelivered = false;
	t->expires = 0;
}

static void set_next_period(struct hv_stimer *t, u64 now)
{
	u64 period = max_t(u64, t->count, SHORTEST_PERIOD), late;

	if (!t->expires) {
		t->expires = now + period;
	} else if (now >= t->expires) {
		div64_u64_rem(now - t->expires, period, &late);
		t->expires = now + period - late;
	}
}

/* A single time that has passed expires at once. */
static void start(struct hv_stimer *t)
{
	u64 now = hv_reference_time(t->v);

	if (t->config & TLFS_STIMER_PERIODIC)
		set_next_period(t, now);
	else
		t->expires = t->count;
	if (now >= t->expires) {
		hv_request(t->v, t->index);
		return;
	}
	hrtimer_start(&t->hr, ktime_add_ns(ktime_get(), NS_PER_UNIT *
					   min_t(u64, t->expires - now, LONGEST)),
		      HRTIMER_MODE_ABS);
}

/* ---- expire ---- */

static int post(struct hv_stimer *t, u64 now)
{
	struct tlfs_timer_message m = {
		.type = TLFS_TIMER_EXPIRED,
		.size = sizeof(m) - offsetof(struct tlfs_timer_message, timer),
		.timer = t->index, .expired = t->expires, .delivered = now,
	};

	return hv_post_timer(t->v, TLFS_STIMER_SINT(t->config), &m,
			     !(t->config & TLFS_STIMER_PERIODIC));
}

static void deliver(struct hv_stimer *t, u64 now)
{
	int err = 0;

	if (t->config & TLFS_STIMER_DIRECT)
		irq_inject_vector(t->v, TLFS_STIMER_VECTOR(t->config));
	else
		err = post(t, now);
	t->undelivered = err;
	if (!err && !(t->config & TLFS_STIMER_PERIODIC))
		t->config &= ~TLFS_STIMER_ENABLE;
}

void hv_stimer_expire(struct nvmx_vcpu *v, u32 index)
{
	struct hv_stimer *t = &v->hv->stimer[index];
	u64 now;

	if (!(t->config & TLFS_STIMER_ENABLE))
		return;
	now = hv_reference_time(v);
	if (t->expires && now >= t->expires)
		deliver(t, now);
	if (!(t->config & TLFS_STIMER_ENABLE) || !t->count)
		disarm(t);
	else if (!t->undelivered)
		start(t);
}

void hv_stimer_slot_free(struct nvmx_vcpu *v, u32 sint)
{
	u32 i;

	for (i = 0; i < TLFS_NR_STIMERS; i++) {
		const struct hv_stimer *t = &v->hv->stimer[i];

		if (t->undelivered && !(t->config & TLFS_STIMER_DIRECT) &&
		    TLFS_STIMER_SINT(t->config) == sint)
			hv_request(v, i);
	}
}

/* ---- MSRs ---- */

static bool direct_allowed(const struct hv_vcpu *hv, u64 val, enum msr_by by)
{
	return by == MSR_BY_HOST || !hv->enforce || !(val & TLFS_STIMER_DIRECT) ||
	       hv->cpuid.features_edx & TLFS_DIRECT_STIMER;
}

/* SINT 0 takes no messages: a timer that is on is turned off by naming it. */
static int set_config(struct hv_stimer *t, u64 val, enum msr_by by)
{
	if (!direct_allowed(t->v->hv, val, by))
		return -EINVAL;
	disarm(t);
	if (t->config & TLFS_STIMER_ENABLE && !(val & TLFS_STIMER_DIRECT) &&
	    !TLFS_STIMER_SINT(val))
		val &= ~TLFS_STIMER_ENABLE;
	t->config = val;
	if (val & TLFS_STIMER_ENABLE)
		hv_request(t->v, t->index);
	return 0;
}

static int set_count(struct hv_stimer *t, u64 val, enum msr_by by)
{
	disarm(t);
	t->count = val;
	if (by == MSR_BY_GUEST && !val)
		t->config &= ~TLFS_STIMER_ENABLE;
	else if (by == MSR_BY_GUEST && t->config & TLFS_STIMER_AUTO)
		t->config |= TLFS_STIMER_ENABLE;
	if (t->config & TLFS_STIMER_ENABLE)
		hv_request(t->v, t->index);
	return 0;
}

static struct hv_stimer *timer_of(struct nvmx_vcpu *v, u32 msr)
{
	u32 i = (msr - TLFS_MSR_STIMER0) / 2;

	return &v->hv->stimer[array_index_nospec(i, TLFS_NR_STIMERS)];
}

static bool is_count(u32 msr)
{
	return (msr - TLFS_MSR_STIMER0) & 1;
}

int hv_set_stimer(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	struct hv_stimer *t = timer_of(v, msr);

	if (!v->hv->synic.active && (by == MSR_BY_GUEST || val))
		return -EINVAL;
	return is_count(msr) ? set_count(t, val, by) : set_config(t, val, by);
}

int hv_get_stimer(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	const struct hv_stimer *t = timer_of(v, msr);

	*val = is_count(msr) ? t->count : t->config;
	return 0;
}
