/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/preempt.h>. */
#ifndef SHIM_LINUX_PREEMPT_H
#define SHIM_LINUX_PREEMPT_H

struct preempt_notifier {
	int unused;
};

#define preempt_disable()	do { } while (0)
#define preempt_enable()	do { } while (0)

#endif /* SHIM_LINUX_PREEMPT_H */
