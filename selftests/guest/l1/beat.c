// SPDX-License-Identifier: GPL-2.0-only
/*
 * An L2 that exits to L1 for ever; "beat" at each 64th time, as long as both work and the TSC does
 * not go back.
 */
#include "l1.h"

static void l2_beat(void)
{
	for (;;)
		vmcall();
}

static void exits_for_ever(void)
{
	u64 now, last = 0;
	u32 n, reason;

	l2_setup(l2_beat);
	for (n = 1;; n++, last = now) {
		reason = l2_run();
		now = rdtsc();
		EXPECT(now > last);
		EXPECT_EQ(reason, EXIT_VMCALL);
		l2_skip();
		if (!(n % 64))
			print("beat\n");
	}
}

const struct test tests[] = { T(exits_for_ever) };
const u32 nr_tests = ARRAY_SIZE(tests);
