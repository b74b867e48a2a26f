/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the payloads of the bench measure, and print: "bench NAME TICKS".
 */
#ifndef L1_BENCH_H
#define L1_BENCH_H

#include "l1.h"

#define ROUNDS 64

static void row(const char *name, u64 ticks)
{
	u64 d = 1;

	print("bench ");
	print(name);
	print(" ");
	while (ticks / d >= 10)
		d *= 10;
	for (; d; d /= 10)
		outb(0xe9, '0' + ticks / d % 10);
	print("\n");
}

static u64 median(u64 *sample)
{
	u32 i, j;

	for (i = 1; i < ROUNDS; i++) {
		u64 v = sample[i];

		for (j = i; j && sample[j - 1] > v; j--)
			sample[j] = sample[j - 1];
		sample[j] = v;
	}
	return sample[ROUNDS / 2];
}

/*
 * The median, because a few rounds take a host's timer interrupt.  The first round, which faults
 * things in, is not counted.
 */
#define MEASURE(name, op) do {						\
	u64 sample_[ROUNDS];						\
	u32 i_;								\
	op;								\
	for (i_ = 0; i_ < ROUNDS; i_++) {				\
		u64 start_ = rdtsc();					\
		op;							\
		sample_[i_] = rdtsc() - start_;				\
	}								\
	row(name, median(sample_));					\
} while (0)

#endif
