// SPDX-License-Identifier: GPL-2.0-only
/*
 * An L2 that never ends, for tests that close, kill or unload under it. It says when it runs.
 */
#include "l1.h"

static void l2_forever(void)
{
	print("L2 runs\n");
	asm volatile("sti");
	for (;;)
		asm volatile("pause");
}

static void spin(void)
{
	l2_setup(l2_forever);
	l2_run();
	fail("L2 came back", RD(vm_exit_reason), 0);
}

const struct test tests[] = { T(spin) };
const u32 nr_tests = ARRAY_SIZE(tests);
