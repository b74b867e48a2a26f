/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/hrtimer.h>: the test finds the timer that was made last. */
#ifndef SHIM_CHIPS_HRTIMER_H
#define SHIM_CHIPS_HRTIMER_H

#include_next <linux/hrtimer.h>

extern struct hrtimer *model_timer;

static inline void model_timer_init(struct hrtimer *t, int clock, enum hrtimer_mode mode)
{
	hrtimer_init(t, clock, mode);
	model_timer = t;
}

#define hrtimer_init(t, clock, mode)	model_timer_init(t, clock, mode)

#endif /* SHIM_CHIPS_HRTIMER_H */
