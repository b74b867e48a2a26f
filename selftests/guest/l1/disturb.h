/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory that disturb.c here and l1/disturb.c share.
 */
#ifndef DISTURB_H
#define DISTURB_H

#define DISTURB_SHARED		0x0f00000ull	/* in the slot that nobody disturbs */
#define DISTURB_ARENA		0x1000000ull	/* vmcs12, MSR bitmap, three pages of ept12 */
#define DISTURB_ARENA_END	0x1200000ull
#define DISTURB_DATA		0x1400000ull
#define DISTURB_DATA_MIDDLE	0x1600000ull	/* up to here a file's memory, then anonymous */
#define DISTURB_DATA_END	0x1800000ull

struct disturb {
	unsigned long pattern[2];
	unsigned long rounds;			/* that came to their end */
	unsigned long repairs;			/* exits or failures that L1 did not expect */
	unsigned long mismatches;
	unsigned long stop;
};

#endif
