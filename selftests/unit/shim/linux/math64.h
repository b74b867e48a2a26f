/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/math64.h>. */
#ifndef SHIM_LINUX_MATH64_H
#define SHIM_LINUX_MATH64_H

#include <linux/types.h>

static inline u64 div64_u64(u64 a, u64 b)
{
	return a / b;
}

static inline u64 div64_u64_rem(u64 a, u64 b, u64 *rest)
{
	*rest = a % b;
	return a / b;
}

static inline u64 mul_u64_u32_div(u64 a, u32 b, u32 c)
{
	return (u64)((unsigned __int128)a * b / c);
}

static inline u64 mul_u64_u64_shr(u64 a, u64 b, unsigned int shift)
{
	return (u64)((unsigned __int128)a * b >> shift);
}

/* A quotient that does not fit is #DE. */
static inline u64 mul_u64_u64_div_u64(u64 a, u64 b, u64 c)
{
	unsigned __int128 q = (unsigned __int128)a * b / c;

	if (q >> 64)
		__builtin_trap();
	return q;
}

#endif /* SHIM_LINUX_MATH64_H */
