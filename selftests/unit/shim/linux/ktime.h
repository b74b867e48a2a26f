/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/ktime.h>. */
#ifndef SHIM_LINUX_KTIME_H
#define SHIM_LINUX_KTIME_H

#include <linux/hrtimer.h>

static inline ktime_t ktime_get(void)
{
	return 0;
}

static inline u64 ktime_get_ns(void)
{
	return 0;
}

#ifndef CLOCK_MONOTONIC
#define CLOCK_MONOTONIC	1
#endif
#define NSEC_PER_MSEC	1000000L

static inline ktime_t ktime_add_ns(ktime_t t, u64 ns)
{
	return t + (ktime_t)ns;
}

static inline bool ktime_after(ktime_t a, ktime_t b)
{
	return a > b;
}

#endif /* SHIM_LINUX_KTIME_H */
