/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What migrate.c here and l1/migrate.c share.
 */
#ifndef MIGRATE_H
#define MIGRATE_H

#define MIGRATE_SHARED		0x7f0000ull
#define MIGRATE_MEMORY		0x800000ull
#define MIGRATE_PORT		0x80
#define MIGRATE_DEVICE		0xfed00000ull	/* no memory: reads give ones */
#define MIGRATE_VECTOR		0x41		/* of the interrupts that the VMM sends L1 */

struct migrate {
	unsigned long iterations;	/* wanted, set by the VMM before the start */
	unsigned long done;		/* by L2 */
	unsigned long sum, want;	/* L2's, and L1's of the same */
	unsigned long interrupts;	/* that L1 got from the VMM */
	unsigned long timers;		/* exits by L1's preemption timer */
	unsigned long strange;		/* what went wrong otherwise; see l1/migrate.c */
};

#endif
