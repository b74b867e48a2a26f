/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/spinlock.h>. */
#ifndef SHIM_LINUX_SPINLOCK_H
#define SHIM_LINUX_SPINLOCK_H

typedef struct {
	int unused;
} raw_spinlock_t;

#endif /* SHIM_LINUX_SPINLOCK_H */
