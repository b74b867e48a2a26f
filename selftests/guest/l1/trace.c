// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port writes between magic breakpoints, for the testbed's --trace: every instruction of one write
 * to a port that the VMM ignores, there and back.
 */
#include "l1.h"

#define PORT_VMM 0x80
#define ROUNDS 48

static void port_write(void)
{
	u32 i;

	for (i = 0; i < ROUNDS; i++) {
		asm volatile("xchg %bx, %bx");
		outb(PORT_VMM, 0);
	}
}

const struct test tests[] = { T(port_write) };
const u32 nr_tests = ARRAY_SIZE(tests);
