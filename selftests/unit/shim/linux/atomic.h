/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/atomic.h>. */
#ifndef SHIM_LINUX_ATOMIC_H
#define SHIM_LINUX_ATOMIC_H

#include <linux/types.h>
#include <asm/barrier.h>

typedef struct { int counter; } atomic_t;
typedef struct { long counter; } atomic_long_t;
typedef struct { s64 counter; } atomic64_t;

#define atomic_read(a)			((a)->counter)
#define atomic_set(a, v)		((a)->counter = (v))
#define atomic_inc(a)			((a)->counter++)
#define atomic_dec(a)			((a)->counter--)
#define atomic_long_read(a)		((a)->counter)
#define atomic_long_inc(a)		((a)->counter++)
#define atomic_long_dec(a)		((a)->counter--)
#define atomic_long_or(v, a)		((a)->counter |= (v))
#define atomic_long_andnot(v, a)	((a)->counter &= ~(v))
#define atomic64_read(a)		((a)->counter)
#define atomic64_read_acquire(a)	((a)->counter)
#define atomic64_inc(a)			((a)->counter++)
#define xchg(p, v)			__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define atomic_add(n, a)		((a)->counter += (n))
#define atomic_xchg(a, v)		xchg(&(a)->counter, v)
#define atomic_dec_if_positive(a)	((a)->counter > 0 ? --(a)->counter : -1)
#define smp_mb__before_atomic()		do { } while (0)
#define smp_mb__after_atomic()		do { } while (0)

#endif /* SHIM_LINUX_ATOMIC_H */
