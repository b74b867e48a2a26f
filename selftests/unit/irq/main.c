// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of the local APIC, in user space.
 */
#define TAP_MAIN
#include "model.h"

int main(void)
{
	test_regs();
	test_x2apic();
	test_accept();
	test_ipi();
	test_timer();
	test_state();
	test_vid();
	world_exit();
	return tap_done();
}
