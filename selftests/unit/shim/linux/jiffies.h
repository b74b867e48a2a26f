/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/jiffies.h>. */
#ifndef SHIM_LINUX_JIFFIES_H
#define SHIM_LINUX_JIFFIES_H

#define msecs_to_jiffies(ms)	((unsigned long)(ms))

#endif /* SHIM_LINUX_JIFFIES_H */
