// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ticks of a TSC as nanoseconds.  Pure arithmetic, compiled for user space, too.
 */
#include <linux/bits.h>
#include <linux/math64.h>
#include <linux/types.h>

#include "scale.h"

#define SECOND	1000000000ull

/* The multiplier has its highest bit set, so that no precision is given away. */
struct pv_scale pv_scale_of(u64 hz)
{
	struct pv_scale s = { .shift = 0 };
	u64 ns = SECOND;

	if (!hz)
		return s;
	while (ns >= hz) {
		hz <<= 1;
		s.shift++;
	}
	while (ns * 2 < hz) {
		ns <<= 1;
		s.shift--;
	}
	s.mul = mul_u64_u64_div_u64(ns, BIT_ULL(32), hz);
	return s;
}

u64 pv_ticks_to_ns(struct pv_scale s, u64 ticks)
{
	ticks = s.shift < 0 ? ticks >> -s.shift : ticks << s.shift;
	return mul_u64_u64_shr(ticks, s.mul, 32);
}
