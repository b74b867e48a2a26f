/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/srcu.h>. */
#ifndef SHIM_LINUX_SRCU_H
#define SHIM_LINUX_SRCU_H

#include <linux/spinlock.h>

struct srcu_struct {
	int unused;
};

static inline int srcu_read_lock(struct srcu_struct *s)
{
	return s->unused++;
}

static inline void srcu_read_unlock(struct srcu_struct *s, int idx)
{
	if (--s->unused != idx)
		__builtin_trap();
}

#endif /* SHIM_LINUX_SRCU_H */
