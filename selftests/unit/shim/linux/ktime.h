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

#endif /* SHIM_LINUX_KTIME_H */
