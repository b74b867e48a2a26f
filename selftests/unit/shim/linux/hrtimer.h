/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/hrtimer.h>. */
#ifndef SHIM_LINUX_HRTIMER_H
#define SHIM_LINUX_HRTIMER_H

#include <linux/types.h>

typedef s64 ktime_t;

enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };
enum hrtimer_mode { HRTIMER_MODE_ABS, HRTIMER_MODE_REL, HRTIMER_MODE_ABS_PINNED,
		    HRTIMER_MODE_REL_PINNED, HRTIMER_MODE_REL_HARD, HRTIMER_MODE_REL_PINNED_HARD,
		    HRTIMER_MODE_ABS_PINNED_HARD };

/* It never fires by itself: a test calls ->function. */
struct hrtimer {
	enum hrtimer_restart (*function)(struct hrtimer *timer);
	ktime_t expires;
	bool armed;
};

static inline void hrtimer_init(struct hrtimer *t, int clock, enum hrtimer_mode mode)
{
	t->armed = false;
}

static inline void hrtimer_start(struct hrtimer *t, ktime_t expires, enum hrtimer_mode mode)
{
	t->expires = expires;
	t->armed = true;
}

static inline int hrtimer_cancel(struct hrtimer *t)
{
	bool was = t->armed;

	t->armed = false;
	return was;
}

static inline int hrtimer_try_to_cancel(struct hrtimer *t)
{
	return hrtimer_cancel(t);
}

static inline bool hrtimer_active(const struct hrtimer *t)
{
	return t->armed;
}

static inline ktime_t ns_to_ktime(u64 ns)
{
	return (ktime_t)ns;
}

static inline bool hrtimer_is_queued(const struct hrtimer *t)
{
	return t->armed;
}

static inline void hrtimer_set_expires(struct hrtimer *t, ktime_t expires)
{
	t->expires = expires;
}

static inline ktime_t hrtimer_get_expires(const struct hrtimer *t)
{
	return t->expires;
}

#endif /* SHIM_LINUX_HRTIMER_H */
