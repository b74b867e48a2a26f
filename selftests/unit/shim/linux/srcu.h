/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/srcu.h>. */
#ifndef SHIM_LINUX_SRCU_H
#define SHIM_LINUX_SRCU_H

#include <linux/spinlock.h>

struct srcu_struct {
	int unused;
};

#endif /* SHIM_LINUX_SRCU_H */
