/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/mutex.h>. */
#ifndef SHIM_LINUX_MUTEX_H
#define SHIM_LINUX_MUTEX_H

struct mutex {
	int locked;
};

#define mutex_init(m)	((m)->locked = 0)
#define mutex_lock(m)	do { if ((m)->locked++) __builtin_trap(); } while (0)
#define mutex_unlock(m)	do { if (--(m)->locked) __builtin_trap(); } while (0)

#endif /* SHIM_LINUX_MUTEX_H */
