/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/sched/signal.h>. */
#ifndef SHIM_LINUX_SCHED_SIGNAL_H
#define SHIM_LINUX_SCHED_SIGNAL_H

#define signal_pending(task)	0

#endif /* SHIM_LINUX_SCHED_SIGNAL_H */
