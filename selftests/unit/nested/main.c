// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of src/nested: L1's instructions, vmcs12, capabilities, checks.
 */
#define TAP_MAIN
#include "test.h"

int main(void)
{
	test_gate();
	test_vmxon();
	test_pointers();
	test_fields();
	test_field_forms();
	test_entry();
	test_invalidate();
	test_operand();
	test_context();
	test_caps();
	test_check();
	return tap_done();
}
