/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User-space stand-in for <linux/ktime.h>, with a clock that the test moves, and what timers need
 * of it.
 */
#ifndef SHIM_LINUX_KTIME_H
#define SHIM_LINUX_KTIME_H

#include <linux/hrtimer.h>

#define CLOCK_MONOTONIC	1
#define NSEC_PER_SEC	1000000000L

extern s64 model_now;

static inline ktime_t ktime_get(void)
{
	return model_now;
}

static inline u64 ktime_get_ns(void)
{
	return model_now;
}

static inline ktime_t ktime_add_ns(ktime_t t, u64 ns)
{
	return t + (ktime_t)ns;
}

static inline s64 ktime_to_ns(ktime_t t)
{
	return t;
}

static inline ktime_t hrtimer_get_remaining(const struct hrtimer *t)
{
	return t->expires - model_now;
}

static inline u64 hrtimer_forward_now(struct hrtimer *t, ktime_t interval)
{
	u64 n = 0;

	if (t->expires <= model_now)
		n = (model_now - t->expires) / interval + 1;
	t->expires += n * interval;
	return n;
}

#endif /* SHIM_LINUX_KTIME_H */
