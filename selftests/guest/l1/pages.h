/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory that pages.c here and l1/pages.c share.
 */
#ifndef PAGES_H
#define PAGES_H

#define PAGES_SHARED	0x0f00000ull
#define PAGES_DATA	0x40000000ull	/* a 1G page may lie here */

struct pages {
	unsigned long end, step;	/* of the data: one counter each so many bytes */
	unsigned long counts;		/* 1: count on, 0: look only */
	unsigned long l1_looks;		/* 1: only L2 counts on */
	unsigned long count;		/* that all counters show */
	unsigned long rounds;		/* that came to their end, of L1 and of L2 */
	unsigned long mismatches;
	unsigned long stop;
};

#endif
