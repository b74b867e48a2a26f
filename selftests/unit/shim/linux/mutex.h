/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/mutex.h>. */
#ifndef SHIM_LINUX_MUTEX_H
#define SHIM_LINUX_MUTEX_H

struct mutex {
	int locked;
};

#endif /* SHIM_LINUX_MUTEX_H */
