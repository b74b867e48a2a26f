/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/bitops.h>. */
#ifndef SHIM_LINUX_BITOPS_H
#define SHIM_LINUX_BITOPS_H

#include <linux/bits.h>

#define BITS_TO_LONGS(n)	(((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)

static inline void __set_bit(unsigned long nr, unsigned long *map)
{
	map[nr / BITS_PER_LONG] |= 1UL << (nr % BITS_PER_LONG);
}

static inline void __clear_bit(unsigned long nr, unsigned long *map)
{
	map[nr / BITS_PER_LONG] &= ~(1UL << (nr % BITS_PER_LONG));
}

static inline void clear_bit(unsigned long nr, unsigned long *map)
{
	__clear_bit(nr, map);
}

static inline void set_bit(unsigned long nr, unsigned long *map)
{
	__set_bit(nr, map);
}

static inline bool test_and_set_bit(unsigned long nr, unsigned long *map)
{
	bool was = map[nr / BITS_PER_LONG] >> (nr % BITS_PER_LONG) & 1;

	__set_bit(nr, map);
	return was;
}

static inline unsigned long __fls(unsigned long word)
{
	return BITS_PER_LONG - 1 - __builtin_clzl(word);
}

#ifndef ffs
#define ffs(x)	__builtin_ffs(x)
#endif

static inline bool test_bit(unsigned long nr, const unsigned long *map)
{
	return map[nr / BITS_PER_LONG] >> (nr % BITS_PER_LONG) & 1;
}

static inline unsigned long __ffs(unsigned long word)
{
	return __builtin_ctzl(word);
}

static inline u8 ror8(u8 word, unsigned int shift)
{
	return word >> (shift & 7) | word << (-shift & 7);
}

/* Of one word, which is all that is asked for. */
#define for_each_set_bit(bit, map, size)				\
	for ((bit) = 0; (bit) < (size); (bit)++)			\
		if (*(map) >> (bit) & 1)

#endif /* SHIM_LINUX_BITOPS_H */
