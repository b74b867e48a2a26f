// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of src/mmu, in user space.
 */
#define TAP_MAIN
#include "memory.h"

int main(void)
{
	test_walk();
	test_ept12();
	test_ept01();
	test_ept02();
	test_fuzz02();
	return tap_done();
}
