/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/srcu.h>. */
#ifndef SHIM_LINUX_SRCU_H
#define SHIM_LINUX_SRCU_H

#include <linux/spinlock.h>

struct srcu_struct {
	int readers;
};

static inline int srcu_read_lock(struct srcu_struct *s)
{
	return s->readers++;
}

static inline void srcu_read_unlock(struct srcu_struct *s, int idx)
{
	if (--s->readers != idx)
		__builtin_trap();
}

#define srcu_dereference(p, s)		(p)
#define rcu_dereference_protected(p, c)	(p)
#define rcu_assign_pointer(p, v)	((p) = (v))
#define RCU_INIT_POINTER(p, v)		((p) = (v))

/* Nobody reads while somebody waits for the readers. */
static inline void synchronize_srcu_expedited(struct srcu_struct *s)
{
	if (s->readers)
		__builtin_trap();
}

#endif /* SHIM_LINUX_SRCU_H */
