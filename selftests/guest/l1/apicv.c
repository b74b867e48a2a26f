// SPDX-License-Identifier: GPL-2.0-only
/*
 * L2's APIC in L1's virtual-APIC page: TPR shadow, APIC accesses, register virtualization.
 */
#include "apicv.h"

static u8 elsewhere[PAGE] __aligned(4096);

L2(l2_cr8, WRITE_CR(8, wanted); seen = READ_CR(8))
L2(l2_read_cr8, seen = READ_CR(8))
L2(l2_read_id, seen = AREG(REG_ID))
L2(l2_read_none, seen = AREG(REG_NONE))
L2(l2_write_svr, AREG(REG_SVR) = wanted; seen = AREG(REG_SVR))
L2(l2_tpr, AREG(REG_TPR) = wanted; seen = AREG(REG_TPR))
L2(l2_elsewhere, seen = *reg_of(elsewhere, REG_ID); seen = *reg_of(elsewhere, REG_ID))

/* ---- TPR shadow ---- */

static void cr8_is_in_the_page(void)
{
	if (!setup(l2_cr8, TPR_SHADOW, 0))
		return;
	wanted = 5;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(seen, 5);
	EXPECT_EQ(VREG(REG_TPR), 0x50);
}

static void cr8_reads_the_page(void)
{
	if (!setup(l2_read_cr8, TPR_SHADOW, 0))
		return;
	VREG(REG_TPR) = 0x9f;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(seen, 9);
}

static void cr8_exits_if_l1_wants_it(void)
{
	if (!setup(l2_cr8, TPR_SHADOW | CR8_LOAD, 0))
		return;
	wanted = 5;
	EXPECT_EXIT(EXIT_CR);
	EXPECT_EQ(RD(exit_qualification) & 0xff, 8);
	l2_skip();
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(VREG(REG_TPR), 0);
}

static void cr8_without_shadow_leaves_the_page_alone(void)
{
	l2_setup(l2_cr8);
	clear(virtual_apic);
	WR(virtual_apic_page_addr, (u64)virtual_apic);
	wanted = 5;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(VREG(REG_TPR), 0);
	EXPECT_EQ(READ_CR(8), 5);
}

static void tpr_below_threshold_exits_behind_the_write(void)
{
	if (!setup(l2_cr8, TPR_SHADOW, 0))
		return;
	VREG(REG_TPR) = 0x70;
	WR(tpr_threshold, 4);
	wanted = 3;
	EXPECT_EXIT(EXIT_TPR);
	EXPECT_EQ(VREG(REG_TPR), 0x30);
	EXPECT(RD(guest_rip) != (u64)l2_cr8);
	WR(tpr_threshold, 3);
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(seen, 3);
}

static void tpr_at_threshold_does_not_exit(void)
{
	if (!setup(l2_cr8, TPR_SHADOW, 0))
		return;
	VREG(REG_TPR) = 0x70;
	WR(tpr_threshold, 4);
	wanted = 4;
	EXPECT_EXIT(EXIT_VMCALL);
}

static void threshold_above_tpr_fails(void)
{
	if (!setup(l2_nothing, TPR_SHADOW, 0))
		return;
	VREG(REG_TPR) = 0x2f;
	WR(tpr_threshold, 3);
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
	WR(tpr_threshold, 0x10);
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
	WR(tpr_threshold, 2);
	EXPECT_EXIT(EXIT_VMCALL);
}

static void threshold_above_tpr_exits_with_apic_accesses(void)
{
	if (!setup(l2_nothing, TPR_SHADOW, APIC_ACCESSES))
		return;
	VREG(REG_TPR) = 0x2f;
	WR(tpr_threshold, 3);
	EXPECT_EXIT(EXIT_TPR);
	EXPECT_EQ(RD(guest_rip), (u64)l2_nothing);
}

static void virtual_apic_address_is_checked(void)
{
	if (!setup(l2_nothing, TPR_SHADOW, 0))
		return;
	WR(virtual_apic_page_addr, (u64)virtual_apic + 0x10);
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
	WR(virtual_apic_page_addr, 1ull << 52);
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
}

static void shadow_is_not_needed_where_cr8_exits(void)
{
	if (!setup(l2_cr8, TPR_SHADOW | CR8_LOAD | CR8_STORE, 0))
		return;
	WR(virtual_apic_page_addr, 0xfec00000);
	EXPECT_EXIT(EXIT_CR);
}

/* ---- APIC accesses ---- */

static void apic_read_exits(void)
{
	if (!setup(l2_read_id, 0, APIC_ACCESSES))
		return;
	EXPECT_EXIT(EXIT_APIC_ACCESS);
	EXPECT_EQ(RD(exit_qualification), REG_ID);
	l2_skip();
	EXPECT_EXIT(EXIT_VMCALL);
}

static void apic_write_exits(void)
{
	if (!setup(l2_write_svr, 0, APIC_ACCESSES))
		return;
	wanted = 0x1ff;
	EXPECT_EXIT(EXIT_APIC_ACCESS);
	EXPECT_EQ(RD(exit_qualification), 1 << 12 | REG_SVR);
	EXPECT_EQ(AREG(REG_SVR), 0);
}

static void apic_tpr_is_in_the_page(void)
{
	if (!setup(l2_tpr, TPR_SHADOW, APIC_ACCESSES))
		return;
	wanted = 0x45;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(seen, 0x45);
	EXPECT_EQ(VREG(REG_TPR), 0x45);
	EXPECT_EQ(AREG(REG_TPR), 0);
}

static void without_the_control_it_is_memory(void)
{
	if (!setup(l2_write_svr, TPR_SHADOW, 0))
		return;
	wanted = 0x1ff;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(AREG(REG_SVR), 0x1ff);
}

/* The page is found by where ept12 leads to. */
static void apic_page_of_ept12(void)
{
	u64 eptp = ept_build();

	if (!setup(l2_elsewhere, 0, APIC_ACCESSES))
		return;
	ept_split((u64)elsewhere);
	*ept_entry_4k((u64)elsewhere) = (u64)access_page | 0x37;
	ept_on(eptp);
	EXPECT_EXIT(EXIT_APIC_ACCESS);
	EXPECT_EQ(RD(exit_qualification), REG_ID);
	*ept_entry_4k((u64)elsewhere) = (u64)elsewhere | 0x37;
	expect_ok("invept", invept(1, eptp, 0));
	EXPECT_EXIT(EXIT_VMCALL);
}

static void apic_access_address_is_checked(void)
{
	if (!setup(l2_nothing, 0, APIC_ACCESSES))
		return;
	WR(apic_access_addr, (u64)access_page + 0x800);
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
}

/* ---- register virtualization ---- */

static void registers_read_from_the_page(void)
{
	if (!setup(l2_read_id, TPR_SHADOW, APIC_ACCESSES | APIC_REGISTERS))
		return;
	VREG(REG_ID) = 0x12000000;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(seen, 0x12000000);
}

static void what_is_no_register_exits(void)
{
	if (!setup(l2_read_none, TPR_SHADOW, APIC_ACCESSES | APIC_REGISTERS))
		return;
	EXPECT_EXIT(EXIT_APIC_ACCESS);
	EXPECT_EQ(RD(exit_qualification), REG_NONE);
}

static void register_write_exits_afterwards(void)
{
	if (!setup(l2_write_svr, TPR_SHADOW, APIC_ACCESSES | APIC_REGISTERS))
		return;
	wanted = 0x1ff;
	EXPECT_EXIT(EXIT_APIC_WRITE);
	EXPECT_EQ(RD(exit_qualification), REG_SVR);
	EXPECT_EQ(VREG(REG_SVR), 0x1ff);
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(seen, 0x1ff);
}

static void registers_need_the_shadow(void)
{
	if (!setup(l2_nothing, 0, APIC_REGISTERS))
		return;
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
}

const struct test tests[] = {
	T(cr8_is_in_the_page), T(cr8_reads_the_page), T(cr8_exits_if_l1_wants_it),
	T(cr8_without_shadow_leaves_the_page_alone),
	T(tpr_below_threshold_exits_behind_the_write), T(tpr_at_threshold_does_not_exit),
	T(threshold_above_tpr_fails), T(threshold_above_tpr_exits_with_apic_accesses),
	T(virtual_apic_address_is_checked), T(shadow_is_not_needed_where_cr8_exits),
	T(apic_read_exits), T(apic_write_exits), T(apic_tpr_is_in_the_page),
	T(without_the_control_it_is_memory), T(apic_page_of_ept12),
	T(apic_access_address_is_checked), T(registers_read_from_the_page),
	T(what_is_no_register_exits), T(register_write_exits_afterwards),
	T(registers_need_the_shadow),
};

const u32 nr_tests = ARRAY_SIZE(tests);
