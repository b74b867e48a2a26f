// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of the PIC pair, the I/O APIC, the PIT and the routes, in user space.
 */
#define TAP_MAIN
#include "model.h"

int main(void)
{
	test_pic();
	test_ioapic();
	test_pit();
	test_route();
	return tap_done();
}
