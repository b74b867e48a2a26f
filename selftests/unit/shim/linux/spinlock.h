/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/spinlock.h>. */
#ifndef SHIM_LINUX_SPINLOCK_H
#define SHIM_LINUX_SPINLOCK_H

/* One thread: only the pairing is checked. */
typedef struct {
	int held;
} raw_spinlock_t;

typedef struct {
	int held;
} spinlock_t;

#define raw_spin_lock_init(l)	((l)->held = 0)
#define raw_spin_lock_irqsave(l, flags)	do {				\
	(flags) = (l)->held++;						\
	if (flags)							\
		__builtin_trap();					\
} while (0)
#define raw_spin_unlock_irqrestore(l, flags)	do {			\
	(l)->held = (flags);						\
} while (0)

#define spin_lock_init(l)	((l)->held = 0)
#define spin_lock(l)		do { if ((l)->held++) __builtin_trap(); } while (0)
#define spin_unlock(l)		do { if (--(l)->held) __builtin_trap(); } while (0)

#endif /* SHIM_LINUX_SPINLOCK_H */
