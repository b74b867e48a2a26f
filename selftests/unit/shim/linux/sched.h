/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/sched.h>. */
#ifndef SHIM_LINUX_SCHED_H
#define SHIM_LINUX_SCHED_H

#define cond_resched()	do { } while (0)
#define current		((void *)0)

#endif /* SHIM_LINUX_SCHED_H */
