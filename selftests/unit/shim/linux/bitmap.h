/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/bitmap.h>. */
#ifndef SHIM_LINUX_BITMAP_H
#define SHIM_LINUX_BITMAP_H

#include <linux/bitops.h>
#include <linux/string.h>

#define DECLARE_BITMAP(name, bits)	unsigned long name[BITS_TO_LONGS(bits)]

static inline void bitmap_zero(unsigned long *map, unsigned int nbits)
{
	memset(map, 0, BITS_TO_LONGS(nbits) * sizeof(long));
}

static inline void bitmap_fill(unsigned long *map, unsigned int nbits)
{
	memset(map, 0xff, BITS_TO_LONGS(nbits) * sizeof(long));
}

static inline unsigned long find_first_bit(const unsigned long *map, unsigned long nbits)
{
	unsigned long i;

	for (i = 0; i < nbits && !test_bit(i, map); i++)
		;
	return i;
}

#endif /* SHIM_LINUX_BITMAP_H */
