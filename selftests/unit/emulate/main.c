// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of src/emulate, in user space under the sanitizers.
 */
#define TAP_MAIN
#include "world.h"

int main(void)
{
	test_decode();
	test_native();
	test_fault();
	test_user();
	test_string();
	test_pio();
	test_fuzz();
	return tap_done();
}
