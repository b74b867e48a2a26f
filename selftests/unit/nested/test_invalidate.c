// SPDX-License-Identifier: GPL-2.0-only
/*
 * INVEPT and INVVPID: types, operands, what they reach.
 */
#include <string.h>
#include "test.h"

static struct vmx_result inv(u32 reason, u64 type, u64 low, u64 high)
{
	u64 d[2] = { low, high };

	memcpy(model_memory(PA_OPERAND), d, sizeof(d));
	m->v.gpr[GPR_RCX] = type;
	return model_insn(reason);
}

#define EPTP_GOOD	(0x20000 | EPTP_LEVELS(4) | EPTP_WB)

static void invept_operands(void)
{
	u64 *caps = &m->v.nested->caps.ept_vpid, all = *caps;

	expect_fail(inv(EXIT_invept, 0, EPTP_GOOD, 0), VMXERR_INV_OPERAND, "invept type 0");
	expect_fail(inv(EXIT_invept, 3, EPTP_GOOD, 0), VMXERR_INV_OPERAND, "invept type 3");
	expect_fail(inv(EXIT_invept, 1ull << 32 | 1, EPTP_GOOD, 0), VMXERR_INV_OPERAND,
		    "invept type with bit 32");
	/* CVE-2017-8106: single context, EPT pointer 0 */
	expect_fail(inv(EXIT_invept, 1, 0, 0), VMXERR_INV_OPERAND, "invept of 0");
	expect_fail(inv(EXIT_invept, 1, EPTP_GOOD | 1ull << 39, 0), VMXERR_INV_OPERAND,
		    "invept, too wide");
	m->pf_page = PA_OPERAND;
	expect_pf(inv(EXIT_invept, 2, 0, 0), PA_OPERAND, 0, "invept, operand absent");
	m->pf_page = ~0ull;
	*caps = all & ~EVC_INVEPT_SINGLE;
	expect_fail(inv(EXIT_invept, 1, EPTP_GOOD, 0), VMXERR_INV_OPERAND, "invept 1, not offered");
	*caps = all & ~EVC_INVEPT_ALL;
	expect_fail(inv(EXIT_invept, 2, EPTP_GOOD, 0), VMXERR_INV_OPERAND, "invept 2, not offered");
	*caps = all & ~EVC_INVEPT;
	expect_ud(inv(EXIT_invept, 2, 0, 0), "invept, not offered");
	*caps = all;
	ok(!m->ept_flushes, "nothing was invalidated");
	expect_done(inv(EXIT_invept, 1, EPTP_GOOD, ~0ull), "invept, single context");
	ok(m->ept_flushes == 1 && m->last_eptp == EPTP_GOOD && !m->last_all, "that one");
	expect_done(inv(EXIT_invept, 2, ~0ull, 0), "invept, all");
	ok(m->ept_flushes == 2 && m->last_all, "all");
}

static void invvpid_refused(void)
{
	u64 *caps = &m->v.nested->caps.ept_vpid, all = *caps;

	expect_fail(inv(EXIT_invvpid, 4, 1, 0), VMXERR_INV_OPERAND, "invvpid type 4");
	expect_fail(inv(EXIT_invvpid, ~0ull, 1, 0), VMXERR_INV_OPERAND, "invvpid type ~0");
	expect_fail(inv(EXIT_invvpid, 0, 1, 1ull << 47), VMXERR_INV_OPERAND,
		    "invvpid, non-canonical");
	expect_fail(inv(EXIT_invvpid, 0, 0, 0), VMXERR_INV_OPERAND, "invvpid 0 of VPID 0");
	expect_fail(inv(EXIT_invvpid, 1, 0, 0), VMXERR_INV_OPERAND, "invvpid 1 of VPID 0");
	expect_fail(inv(EXIT_invvpid, 3, 0, 0), VMXERR_INV_OPERAND, "invvpid 3 of VPID 0");
	expect_fail(inv(EXIT_invvpid, 2, 1 << 16, 0), VMXERR_INV_OPERAND, "invvpid, bits 63:16");
	*caps = all & ~EVC_INVVPID_ADDR;
	expect_fail(inv(EXIT_invvpid, 0, 1, 0), VMXERR_INV_OPERAND, "invvpid 0, not offered");
	*caps = all & ~EVC_INVVPID;
	expect_ud(inv(EXIT_invvpid, 2, 0, 0), "invvpid, not offered");
	*caps = all;
	m->v.nested->caps.allowed1[CTLW_PROC2] &= ~CTL_MASK(CTL_vpid);
	expect_ud(inv(EXIT_invvpid, 2, 0, 0), "invvpid without VPID");
	m->v.nested->caps.allowed1[CTLW_PROC2] |= CTL_MASK(CTL_vpid);
	m->pf_page = PA_OPERAND;
	expect_pf(inv(EXIT_invvpid, 2, 0, 0), PA_OPERAND, 0, "invvpid, operand absent");
	m->pf_page = ~0ull;
	ok(!m->flushes, "nothing was flushed");
}

void test_invalidate(void)
{
	u32 type;

	model_new();
	model_vmxon();
	expect_fail_invalid(inv(EXIT_invept, 0, 0, 0), "invept, no current VMCS");
	model_load(0);
	invept_operands();
	invvpid_refused();
	for (type = 0; type < 4; type++) {
		expect_done(inv(EXIT_invvpid, type, 0xffff, 0xffff800000001000), "invvpid");
		ok(m->flushes == type + 1 && m->last_type == type && m->last_vpid == 0xffff &&
		   m->last_gla == 0xffff800000001000, "invvpid type %u", type);
	}
	expect_done(inv(EXIT_invvpid, 2, 0, 1ull << 47), "invvpid 2 looks at no address");
	model_end();
}
