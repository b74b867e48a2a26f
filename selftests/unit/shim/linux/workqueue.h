/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/workqueue.h>. */
#ifndef SHIM_LINUX_WORKQUEUE_H
#define SHIM_LINUX_WORKQUEUE_H

#include <linux/list.h>

struct work_struct {
	void (*func)(struct work_struct *work);
	int queued;		/* it never runs by itself: a test calls ->func */
};

struct delayed_work {
	struct work_struct work;
};

#define to_delayed_work(w)		container_of(w, struct delayed_work, work)
#define INIT_DELAYED_WORK(d, f)		((d)->work.func = (f))
#define schedule_delayed_work(d, delay)	((void)(delay), (d)->work.queued = 1)
#define cancel_delayed_work_sync(d)	((d)->work.queued = 0)

#endif /* SHIM_LINUX_WORKQUEUE_H */
