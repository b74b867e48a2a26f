/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the tests of src/nested say what L1 must see.
 */
#ifndef UNIT_NESTED_TEST_H
#define UNIT_NESTED_TEST_H

#include "../tap.h"
#include "model.h"

static inline void expect_done(struct vmx_result r, const char *what)
{
	ok(r.kind == VMX_DONE, "%s: VMsucceed", what);
}

static inline void expect_fail(struct vmx_result r, u32 error, const char *what)
{
	ok(r.kind == VMX_FAIL && r.code == error, "%s: VMfail(%u)", what, error);
}

static inline void expect_fail_invalid(struct vmx_result r, const char *what)
{
	ok(r.kind == VMX_FAIL_INVALID, "%s: VMfailInvalid", what);
}

static inline void expect_ud(struct vmx_result r, const char *what)
{
	ok(r.kind == VMX_RAISE && r.vector == VEC_UD && !r.has_code, "%s: #UD", what);
}

static inline void expect_gp(struct vmx_result r, const char *what)
{
	ok(r.kind == VMX_RAISE && r.vector == VEC_GP && r.has_code && !r.code, "%s: #GP(0)", what);
}

static inline void expect_ss(struct vmx_result r, const char *what)
{
	ok(r.kind == VMX_RAISE && r.vector == VEC_SS && r.has_code && !r.code, "%s: #SS(0)", what);
}

static inline void expect_pf(struct vmx_result r, u64 address, u32 code, const char *what)
{
	ok(r.kind == VMX_RAISE && r.vector == VEC_PF && r.has_code && r.code == code &&
	   r.qual == address, "%s: #PF(0x%x) at 0x%llx", what, code, (unsigned long long)address);
}

void test_gate(void);
void test_vmxon(void);
void test_pointers(void);
void test_fields(void);
void test_field_forms(void);
void test_entry(void);
void test_invalidate(void);
void test_operand(void);
void test_context(void);
void test_caps(void);
void test_check(void);

#endif
