// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ticks as nanoseconds: right at every frequency, and never back.
 */
#define TAP_MAIN
#include <linux/bits.h>
#include <linux/types.h>

#include "../tap.h"
#include "scale.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define SECOND		1000000000ull
#define YEAR		(365 * 24 * 3600ull)

static const u64 frequencies[] = {
	1, 2, 3, 1000, 32768, 999999, 1000000, 3579545, SECOND / 2, SECOND - 1, SECOND,
	SECOND + 1, 2 * SECOND - 1, 2 * SECOND, 2 * SECOND + 1, 2992968000ull, 4294967295ull,
	4294967296ull, 10 * SECOND, 4294967295ull * 1000,
};

static void no_frequency(void)
{
	struct pv_scale s = pv_scale_of(0);

	ok(!s.mul && !pv_ticks_to_ns(s, 12345), "without a frequency no time passes");
}

static void known_values(void)
{
	struct pv_scale s = pv_scale_of(2 * SECOND);

	ok(s.mul == 1u << 31 && s.shift == 0, "2 GHz: half a nanosecond");
	s = pv_scale_of(SECOND);
	ok(s.mul == 1u << 31 && s.shift == 1, "1 GHz: twice a half");
	s = pv_scale_of(4 * SECOND);
	ok(s.mul == 1u << 31 && s.shift == -1, "4 GHz: half of a half");
}

/* The highest bit of the multiplier is set: an error of at most 2^-31, and never ahead. */
static void a_second(u64 hz)
{
	struct pv_scale s = pv_scale_of(hz);
	u64 ns = pv_ticks_to_ns(s, hz);

	/* A right shift drops up to 2^-shift ticks. */
	ok(s.mul >> 31 && ns <= SECOND && ns + 4 + (SECOND >> 31) + SECOND / hz * 2 >= SECOND,
	   "%llu Hz: a second has %llu ns", (unsigned long long)hz, (unsigned long long)ns);
}

static void a_century(void)
{
	struct pv_scale s = pv_scale_of(3 * SECOND);
	u64 ns = pv_ticks_to_ns(s, 3 * SECOND * 100 * YEAR);

	ok(ns <= 100 * YEAR * SECOND && ns + 2 * SECOND >= 100 * YEAR * SECOND,
	   "3 GHz: a century does not overflow");
}

static bool grows(u64 hz)
{
	struct pv_scale s = pv_scale_of(hz);
	u64 ticks, last = 0, ns;

	for (ticks = 0; ticks < 100000; ticks++) {
		ns = pv_ticks_to_ns(s, ticks * 7919);
		if (ns < last)
			return false;
		last = ns;
	}
	return true;
}

/* Two vCPUs with offsets of their own make pages from one line: both tell the same at any time. */
static bool offsets_agree(u64 hz)
{
	u64 base = 1ull << 40, offset[2] = { 12345, -(1ull << 39) }, tsc, ns[2];
	struct pv_scale s = pv_scale_of(hz);
	u32 i, k;

	for (k = 0; k < 1000; k++) {
		tsc = base + k * 104729ull;
		for (i = 0; i < 2; i++)
			ns[i] = pv_ticks_to_ns(s, (tsc + offset[i]) - (base + offset[i]));
		if (ns[0] != ns[1])
			return false;
	}
	return true;
}

int main(void)
{
	u32 i;

	no_frequency();
	known_values();
	for (i = 0; i < ARRAY_SIZE(frequencies); i++) {
		a_second(frequencies[i]);
		ok(grows(frequencies[i]), "and time never goes back");
		ok(offsets_agree(frequencies[i]), "and vCPUs agree");
	}
	a_century();
	return tap_done();
}
