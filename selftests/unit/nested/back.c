// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of src/nested: who owns an exit, entries, exits, events, nested state.
 */
#define TAP_MAIN
#include <stdlib.h>
#include "back.h"

/* back [MUTATIONS]: so many damaged nested states, not a million, which take a quarter minute */
int main(int argc, char **argv)
{
	test_route();
	test_merge();
	test_enter();
	test_exit();
	test_events();
	test_state();
	test_hostile(argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000);
	test_smm();
	test_apicv();
	test_order();
	test_link();
	test_evmcs();
	test_evmcs_state();
	return tap_done();
}
