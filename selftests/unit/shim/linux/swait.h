/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/swait.h>. */
#ifndef SHIM_LINUX_SWAIT_H
#define SHIM_LINUX_SWAIT_H

struct swait_queue_head {
	int unused;
};

#endif /* SHIM_LINUX_SWAIT_H */
