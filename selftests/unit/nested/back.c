// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of src/nested: who owns an exit, entries, exits, events, nested state.
 */
#define TAP_MAIN
#include "back.h"

int main(void)
{
	test_route();
	test_merge();
	test_enter();
	test_exit();
	test_events();
	test_state();
	test_smm();
	test_apicv();
	test_order();
	return tap_done();
}
