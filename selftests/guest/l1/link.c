// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMCS shadowing: an L2 that reads and writes a shadow VMCS of L1, with and without exits.
 */
#include "l1.h"

#define VMCS_SHADOWING BIT(14)
#define SHADOW_INDICATOR BIT(31)
#define WINDOW 0x400000ull	/* 2M that only these tests touch */
#define RIP ((u64)VMCS_guest_rip)
#define CF 1
#define ZF 0x40

static u8 shadow[PAGE] __aligned(PAGE), reads[PAGE] __aligned(PAGE), writes[PAGE] __aligned(PAGE);
static volatile u64 field, value, flags;

static void l2_vmread(void)
{
	for (;;) {
		u64 v = 0x1234, f;

		asm volatile("stc\n\tvmread %2, %0\n\tpushf\n\tpop %1"
			     : "+r" (v), "=&r" (f) : "r" (field) : "cc", "memory");
		value = v;
		flags = f & (CF | ZF);
		vmcall();
	}
}

static void l2_vmwrite(void)
{
	for (;;) {
		u64 f;

		asm volatile("stc\n\tvmwrite %1, %2\n\tpushf\n\tpop %0"
			     : "=&r" (f) : "r" (value), "r" (field) : "cc", "memory");
		flags = f & (CF | ZF);
		vmcall();
	}
}

static void l2_memory(void)
{
	u64 *at = (u64 *)WINDOW;

	for (;;) {
		asm volatile("vmread %1, %0" : "=m" (*at) : "r" (field) : "cc");
		asm volatile("vmwrite %0, %1" : : "m" (at[1]), "r" (field) : "cc");
		vmcall();
	}
}

#define EXPECT_EXIT(reason) EXPECT_EQ(l2_run(), reason)

static void clear_page(u8 *page)
{
	u32 i;

	for (i = 0; i < PAGE; i++)
		page[i] = 0;
}

static bool can_shadow(void)
{
	if (ctl_allowed(MSR_VMX_PROC2, 14))
		return true;
	skip("VMCS shadowing is not offered");
	return false;
}

/* A shadow VMCS, VMCLEARed; both bitmaps let all fields through. */
static void make_shadow(void)
{
	clear_page(shadow);
	clear_page(reads);
	clear_page(writes);
	*(u32 *)shadow = rdmsr(MSR_VMX_BASIC) | SHADOW_INDICATOR;
	expect_ok("vmclear", vmclear((u64)shadow));
}

static bool setup(void (*fn)(void))
{
	if (!can_shadow())
		return false;
	l2_setup(fn);
	make_shadow();
	WR(cpu_based_vm_exec_control, RD(cpu_based_vm_exec_control) | ACTIVATE_SECONDARY);
	WR(secondary_vm_exec_control, VMCS_SHADOWING);
	WR(vmread_bitmap, (u64)reads);
	WR(vmwrite_bitmap, (u64)writes);
	WR(vmcs_link_pointer, (u64)shadow);
	field = RIP;
	return true;
}

/* Of the shadow VMCS, by L1; vmcs_a is current before and after. */
static u64 shadow_field(u32 enc)
{
	u64 v;

	expect_ok("vmptrld", vmptrld((u64)shadow));
	v = vmread(enc);
	expect_ok("vmptrld", vmptrld((u64)vmcs_a));
	return v;
}

static void set_shadow_field(u32 enc, u64 v)
{
	expect_ok("vmptrld", vmptrld((u64)shadow));
	vmwrite(enc, v);
	expect_ok("vmptrld", vmptrld((u64)vmcs_a));
}

static void set_bit(u8 *bitmap, u32 enc)
{
	bitmap[enc / 8] |= 1 << enc % 8;
}

/* ---- L1's instructions ---- */

/* SDM "VMX Capability Reporting Facility": who shadows wants to fill in exit information, too */
static void all_fields_are_writable(void)
{
	if (!can_shadow())
		return;
	EXPECT(rdmsr(MSR_VMX_MISC) & BIT(29));
	vmx_on();
	expect_ok("vmptrld", vmptrld((u64)vmcs_a));
	WR(vm_exit_reason, 0x30);
	WR(exit_qualification, 0x182);
	EXPECT_EQ(RD(vm_exit_reason), 0x30);
	EXPECT_EQ(RD(exit_qualification), 0x182);
}

/* SDM "VMXON", "VMPTRLD", "VMLAUNCH" */
static void shadow_indicator(void)
{
	if (!can_shadow())
		return;
	vmx_enable();
	*(u32 *)vmxon_region |= SHADOW_INDICATOR;
	expect_invalid("vmxon", vmxon((u64)vmxon_region));
	vmx_on();
	make_shadow();
	expect_ok("vmptrld", vmptrld((u64)shadow));
	WR(guest_rip, 0xc0ffee);
	EXPECT_EQ(RD(guest_rip), 0xc0ffee);
	expect_invalid("vmlaunch", TRY("vmlaunch"));
	expect_invalid("vmresume", TRY("vmresume"));
	expect_ok("vmptrld", vmptrld((u64)vmcs_a));
	(*(u32 *)shadow)++;
	expect_vmfail("revision", vmptrld((u64)shadow), 11);
}

/* ---- checks. SDM "Checks on VMX Controls", "Checks on Guest Non-Register State" ---- */

static void bitmaps_are_checked(void)
{
	if (!setup(l2_vmread))
		return;
	WR(vmread_bitmap, (u64)reads + 8);
	EXPECT_EXIT(ENTRY_FAILED + 7);
	WR(vmread_bitmap, 1ull << 52);
	EXPECT_EXIT(ENTRY_FAILED + 7);
	WR(vmread_bitmap, (u64)reads);
	WR(vmwrite_bitmap, (u64)writes + 8);
	EXPECT_EXIT(ENTRY_FAILED + 7);
	WR(vmwrite_bitmap, 1ull << 52);
	EXPECT_EXIT(ENTRY_FAILED + 7);
	WR(vmwrite_bitmap, (u64)writes);
	EXPECT_EXIT(EXIT_VMCALL);
}

static void refuses_link(u64 pointer)
{
	WR(vmcs_link_pointer, pointer);
	EXPECT_EXIT(EXIT_BAD_GUEST);
	EXPECT_EQ(RD(exit_qualification), 4);
}

static void link_pointer_is_checked(void)
{
	if (!setup(l2_vmread))
		return;
	refuses_link((u64)shadow + 8);
	refuses_link(1ull << 52);
	refuses_link(0xff000000);	/* no memory there */
	refuses_link((u64)vmcs_b);	/* no shadow VMCS */
	refuses_link((u64)vmcs_a);
	WR(secondary_vm_exec_control, 0);
	refuses_link((u64)shadow);
	WR(secondary_vm_exec_control, VMCS_SHADOWING);
	WR(vmcs_link_pointer, (u64)shadow);
	EXPECT_EXIT(EXIT_VMCALL);
}

/* ---- L2's instructions. SDM "VMREAD", "VMWRITE" ---- */

static void l2_reads(void)
{
	if (!setup(l2_vmread))
		return;
	set_shadow_field(RIP, 0xc0ffee);
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(value, 0xc0ffee);
	EXPECT_EQ(flags, 0);
	EXPECT(RD(guest_rip) != 0xc0ffee);
	l2_skip();
	set_shadow_field(VMCS_guest_es_selector, 0x5678);
	field = VMCS_guest_es_selector;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(value, 0x5678);
	l2_skip();
	set_shadow_field(VMCS_tsc_offset, 0x1122334455667788);
	field = VMCS_tsc_offset + 1;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(value, 0x11223344);
}

static void l2_writes(void)
{
	if (!setup(l2_vmwrite))
		return;
	value = 0xc0ffffee;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(flags, 0);
	EXPECT_EQ(shadow_field(RIP), 0xc0ffffee);
	EXPECT(RD(guest_rip) != 0xc0ffffee);
	l2_skip();
	field = VMCS_vm_exit_reason;
	value = 0x30;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(flags, 0);
	EXPECT_EQ(shadow_field(VMCS_vm_exit_reason), 0x30);
	EXPECT_EQ(RD(vm_exit_reason), EXIT_VMCALL);
	expect_ok("vmclear", vmclear((u64)shadow));
	EXPECT_EQ(shadow_field(RIP), 0xc0ffffee);
}

static void l2_field_that_is_not_there(void)
{
	if (!setup(l2_vmread))
		return;
	field = 0x6fff;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(flags, ZF);
	EXPECT_EQ(value, 0x1234);
	EXPECT_EQ(RD(vm_instruction_error), 12);
}

static void l2_without_a_shadow_vmcs(void)
{
	if (!setup(l2_vmread))
		return;
	WR(vmcs_link_pointer, ~0ull);
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(flags, CF);
	EXPECT_EQ(value, 0x1234);
}

/* SDM "Instructions That Cause VM Exits Conditionally" */
static void bitmap_decides(void)
{
	if (!setup(l2_vmread))
		return;
	set_bit(writes, RIP);
	EXPECT_EXIT(EXIT_VMCALL);
	l2_skip();
	set_bit(reads, RIP);
	EXPECT_EXIT(EXIT_VMREAD);
	reads[RIP / 8] = 0;
	EXPECT_EXIT(EXIT_VMCALL);
	l2_skip();
	field = RIP | 1ull << 15;
	EXPECT_EXIT(EXIT_VMREAD);
	l2_skip();
	EXPECT_EXIT(EXIT_VMCALL);
	l2_skip();
	field = RIP | 1ull << 63;
	EXPECT_EXIT(EXIT_VMREAD);
	l2_skip();
	EXPECT_EXIT(EXIT_VMCALL);
	l2_skip();
	field = RIP;
	WR(secondary_vm_exec_control, 0);
	WR(vmcs_link_pointer, ~0ull);
	EXPECT_EXIT(EXIT_VMREAD);
}

static void bitmap_of_vmwrite_decides(void)
{
	if (!setup(l2_vmwrite))
		return;
	set_bit(reads, RIP);
	EXPECT_EXIT(EXIT_VMCALL);
	l2_skip();
	set_bit(writes, RIP);
	value = 0x77;
	EXPECT_EXIT(EXIT_VMWRITE);
	EXPECT(shadow_field(RIP) != 0x77);
}

/* The operand is behind ept12, where L1 takes the page away for a while. */
static void operands_in_memory(void)
{
	u64 *at = (u64 *)WINDOW, eptp, i;

	if (!setup(l2_memory))
		return;
	eptp = ept_build();
	ept_split(WINDOW);
	ept_on(eptp);
	expect_ok("invept", invept(2, 0, 0));
	set_shadow_field(RIP, 0x1111);
	at[0] = 0;
	at[1] = 0x2222;
	for (i = 0; i < 2; i++) {
		*ept_entry_4k(WINDOW) &= ~7ull;
		expect_ok("invept", invept(2, 0, 0));
		EXPECT_EXIT(EXIT_EPT_VIOLATION);
		EXPECT_EQ(RD(guest_physical_address), WINDOW);
		EXPECT_EQ(RD(guest_linear_address), WINDOW);
		EXPECT_EQ(RD(exit_qualification) & 0x1ff, 0x182);
		*ept_entry_4k(WINDOW) |= 7;
		EXPECT_EXIT(EXIT_VMCALL);
		l2_skip();
		EXPECT_EQ(at[0], i ? 0x2222 : 0x1111);
	}
	EXPECT_EQ(shadow_field(RIP), 0x2222);
}

const struct test tests[] = {
	T(all_fields_are_writable), T(shadow_indicator), T(bitmaps_are_checked),
	T(link_pointer_is_checked), T(l2_reads), T(l2_writes), T(l2_field_that_is_not_there),
	T(l2_without_a_shadow_vmcs), T(bitmap_decides), T(bitmap_of_vmwrite_decides),
	T(operands_in_memory),
};

const u32 nr_tests = ARRAY_SIZE(tests);
