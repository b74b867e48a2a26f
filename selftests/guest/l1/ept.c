// SPDX-License-Identifier: GPL-2.0-only
/*
 * L2 behind L1's EPT: violations, misconfigurations, remapping, INVEPT, accessed and dirty bits.
 */
#include "l1.h"

#define WINDOW 0x400000ull	/* 2M that only these tests touch: ngpa of the page in question */
#define TARGET 0x600000ull	/* where it is remapped to */
#define R BIT(0)
#define W BIT(1)
#define X BIT(2)

static volatile u64 *const window = (u64 *)WINDOW;
static volatile u64 l2_value;

static void l2_read(void)
{
	for (;;) {
		l2_value = *window;
		vmcall();
	}
}

static void l2_write(void)
{
	for (;;) {
		*window = 0x77;
		vmcall();
	}
}

static void l2_exec(void)
{
	for (;;) {
		((void (*)(void))WINDOW)();
		vmcall();
	}
}

#define EXPECT_EXIT(reason) EXPECT_EQ(l2_run(), reason)

static bool setup(void (*fn)(void))
{
	u64 eptp;

	if (!ctl_allowed(MSR_VMX_PROC2, 1)) {
		skip("no EPT offered");
		return false;
	}
	eptp = ept_build();
	l2_setup(fn);
	ept_split(WINDOW);
	ept_on(eptp);
	/* Drop what an earlier test left cached under the same EPT pointer. */
	expect_ok("invept", invept(2, 0, 0));
	return true;
}

static void identity_runs(void)
{
	if (!setup(l2_read))
		return;
	*window = 0x1234;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(l2_value, 0x1234);
}

static void violation(void (*fn)(void), u64 perm, u64 qual)
{
	u64 *e = ept_entry_4k(WINDOW);

	if (!setup(fn))
		return;
	*(volatile u8 *)WINDOW = 0xc3;		/* RET, for l2_exec */
	*e = (*e & ~7ull) | perm;
	EXPECT_EXIT(EXIT_EPT_VIOLATION);
	EXPECT_EQ(RD(guest_physical_address), WINDOW);
	EXPECT_EQ(RD(guest_linear_address), WINDOW);
	EXPECT_EQ(RD(exit_qualification) & 0x1bf, qual | perm << 3 | 0x180);
	*e |= 7;
	EXPECT_EXIT(EXIT_VMCALL);
}

static void not_present_read(void) { violation(l2_read, 0, 1); }
static void not_present_write(void) { violation(l2_write, 0, 2); }
static void write_to_read_only(void) { violation(l2_write, R, 2); }
static void execute_denied(void) { violation(l2_exec, R | W, 4); }

static void misconfiguration(u64 bits, u64 clear)
{
	u64 *e = ept_entry_4k(WINDOW);

	if (!setup(l2_read))
		return;
	*e = (*e & ~clear) | bits;
	EXPECT_EXIT(EXIT_EPT_MISCONFIG);
	EXPECT_EQ(RD(guest_physical_address), WINDOW);
}

static void write_only_is_misconfigured(void) { misconfiguration(0, R); }
static void reserved_memtype_is_misconfigured(void) { misconfiguration(2 << 3, 7 << 3); }
static void reserved_address_is_misconfigured(void) { misconfiguration(BIT(51), 0); }

static void bad_pointer_fails_entry(void)
{
	if (!setup(l2_read))
		return;
	WR(ept_pointer, RD(ept_pointer) | BIT(7));
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
}

static void invept_shows_a_new_mapping(void)
{
	volatile u64 *target = (u64 *)TARGET;
	u64 *e = ept_entry_4k(WINDOW);

	if (!setup(l2_read))
		return;
	*window = 1;
	*target = 2;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(l2_value, 1);
	*e = TARGET | (*e & 0xfff);
	expect_ok("invept", invept(1, RD(ept_pointer), 0));
	l2_skip();
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(l2_value, 2);
}

static void invept_shows_less_permission(void)
{
	u64 *e = ept_entry_4k(WINDOW);

	if (!setup(l2_write))
		return;
	EXPECT_EXIT(EXIT_VMCALL);
	*e &= ~W;
	expect_ok("invept", invept(1, RD(ept_pointer), 0));
	l2_skip();
	EXPECT_EXIT(EXIT_EPT_VIOLATION);
	*e |= W;
	EXPECT_EXIT(EXIT_VMCALL);
}

static void invept_after_table_moved(void)
{
	static u64 other[512] __aligned(4096);
	u64 *pde = ept_entry(WINDOW);
	u32 i;

	if (!setup(l2_read))
		return;
	*window = 3;
	*(volatile u64 *)TARGET = 4;
	EXPECT_EXIT(EXIT_VMCALL);
	for (i = 0; i < 512; i++)
		other[i] = (TARGET + i * PAGE) | 0x37;
	*pde = (u64)other | 7;
	expect_ok("invept", invept(2, 0, 0));
	l2_skip();
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(l2_value, 4);
}

static void accessed_and_dirty(void)
{
	u64 *e = ept_entry_4k(WINDOW);

	if (!(rdmsr(MSR_VMX_EPT_VPID) & BIT(21))) {
		skip("no accessed and dirty flags offered");
		return;
	}
	if (!setup(l2_read))
		return;
	WR(ept_pointer, RD(ept_pointer) | BIT(6));
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(*e & (BIT(8) | BIT(9)), BIT(8));
	vmx_off();
	if (!setup(l2_write))
		return;
	WR(ept_pointer, RD(ept_pointer) | BIT(6));
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(*e & (BIT(8) | BIT(9)), BIT(8) | BIT(9));
}

static void dirty_is_set_again_after_invept(void)
{
	u64 *e = ept_entry_4k(WINDOW);

	if (!(rdmsr(MSR_VMX_EPT_VPID) & BIT(21))) {
		skip("no accessed and dirty flags offered");
		return;
	}
	if (!setup(l2_write))
		return;
	WR(ept_pointer, RD(ept_pointer) | BIT(6));
	EXPECT_EXIT(EXIT_VMCALL);
	*e &= ~(BIT(8) | BIT(9));
	expect_ok("invept", invept(1, RD(ept_pointer), 0));
	l2_skip();
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(*e & (BIT(8) | BIT(9)), BIT(8) | BIT(9));
}

static void unbacked_memory_is_reported_or_emulated(void)
{
	u64 *e = ept_entry_4k(WINDOW);

	if (!setup(l2_read))
		return;
	/* A device page of L1: L2 reaches it, user space answers, L2 goes on. */
	*e = 0xfed00000 | (*e & 0xfff & ~0x38ull);
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(l2_value, ~0ull);
}

static void self_referential_tables_end(void)
{
	u64 *pde = ept_entry(WINDOW);

	if (!setup(l2_read))
		return;
	*pde = (u64)pde & ~0xfffull;		/* the directory as its own page table */
	*pde |= 7;
	expect_ok("invept", invept(2, 0, 0));
	l2_run();				/* any outcome, but an outcome */
	ept_build();
}

static void without_ept_l2_uses_l1_addresses(void)
{
	l2_setup(l2_read);
	*window = 0x4321;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(l2_value, 0x4321);
}

const struct test tests[] = {
	T(identity_runs), T(not_present_read), T(not_present_write), T(write_to_read_only),
	T(execute_denied), T(write_only_is_misconfigured), T(reserved_memtype_is_misconfigured),
	T(reserved_address_is_misconfigured), T(bad_pointer_fails_entry),
	T(invept_shows_a_new_mapping), T(invept_shows_less_permission),
	T(invept_after_table_moved), T(accessed_and_dirty), T(dirty_is_set_again_after_invept),
	T(unbacked_memory_is_reported_or_emulated), T(self_referential_tables_end),
	T(without_ept_l2_uses_l1_addresses),
};

const u32 nr_tests = ARRAY_SIZE(tests);
