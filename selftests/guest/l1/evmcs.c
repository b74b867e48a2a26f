// SPDX-License-Identifier: GPL-2.0-only
/*
 * An L1 that knows Hyper-V: its VMCS is a page of its own memory.
 *
 * The page is made of a VMCS that l2_setup() has filled by VMWRITE.  TLFS "Enlightened VMCS"
 */
#include "l1.h"

#define MSR_VP_ASSIST 0x40000073
#define LEAF_INTERFACE 0x40000001
#define LEAF_ADVICE 0x40000004
#define LEAF_NESTED 0x4000000a
#define USE_EVMCS BIT(14)

#define NOWHERE 0xff000000ul	/* neither memory nor a device */

enum place {
#define NVMX_EVMCS(name, offset, clean, flow) AT_##name = (offset),
#include "../../../include/nvmx/evmcs_fields.h"
#undef NVMX_EVMCS
	AT_clean = 824,
};

#define ALL_CLEAN 0xffffu
#define GUEST_BASIC BIT(10)

/* Fields of table 6, and how wide they are. */
static const struct {
	u16 field, offset;
} rows[] = {
#define NVMX_EVMCS(name, offset, clean, flow) { VMCS_##name, offset },
#include "../../../include/nvmx/evmcs_fields.h"
#undef NVMX_EVMCS
};

struct vp_assist {
	u8 other[40];
	u8 enlightened, reserved[7];
	u64 vmcs;
};

static u8 page_a[PAGE] __aligned(4096), page_b[PAGE] __aligned(4096);
static volatile struct vp_assist assist __aligned(4096);
static volatile u64 seen;

#define P16(page, name) (*(volatile u16 *)((page) + AT_##name))
#define P32(page, name) (*(volatile u32 *)((page) + AT_##name))
#define P64(page, name) (*(volatile u64 *)((page) + AT_##name))

static u32 cpuid_eax(u32 leaf)
{
	u32 a = leaf, b, c = 0, d;

	asm volatile("cpuid" : "+a" (a), "=b" (b), "+c" (c), "=d" (d));
	return a;
}

static void put(u8 *page, u32 i, u64 val)
{
	u32 width = rows[i].field >> 13 & 3;	/* 16, 64, 32 bits, natural */

	if (width == 0)
		*(volatile u16 *)(page + rows[i].offset) = val;
	else if (width == 2)
		*(volatile u32 *)(page + rows[i].offset) = val;
	else
		*(volatile u64 *)(page + rows[i].offset) = val;
}

static void fill(u8 *page)
{
	u32 i;

	for (i = 0; i < PAGE; i++)
		page[i] = 0;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		put(page, i, vmread(rows[i].field));
	*(u32 *)page = 1;
}

static void use(u8 *page)
{
	assist.vmcs = (u64)page;
	l2_host_rsp = (u64 *)(page + AT_host_rsp);
	*(u64 *)(page + AT_host_rip) = (u64)l2_exit;
	l2_launched = false;
}

static bool setup(void (*fn)(void))
{
	if (cpuid_eax(LEAF_INTERFACE) != 0x31237648 || !(cpuid_eax(LEAF_ADVICE) & USE_EVMCS)) {
		skip("no enlightened VMCS");
		return false;
	}
	assist.enlightened = 0;
	l2_setup(fn);
	fill(page_a);
	fill(page_b);
	expect_ok("vmclear", vmclear((u64)vmcs_a));
	wrmsr(MSR_VP_ASSIST, (u64)&assist | 1);
	assist.enlightened = 1;
	use(page_a);
	return true;
}

static void l2_cpuid_and_vmcalls(void)
{
	cpuid();
	for (;;)
		vmcall();
}

static void l2_rsp(void)
{
	for (;;) {
		asm volatile("mov %%rsp, %0" : "=m" (seen));
		vmcall();
	}
}

static void cpuid_names_version_1(void)
{
	if (!setup(l2_rsp))
		return;
	EXPECT_EQ(cpuid_eax(LEAF_NESTED) & 0xffff, 0x101);
}

static void l2_runs_from_the_page(void)
{
	u64 rip;

	if (!setup(l2_cpuid_and_vmcalls))
		return;
	EXPECT_EQ(l2_run(), EXIT_CPUID);
	EXPECT_EQ(P32(page_a, vm_exit_reason), EXIT_CPUID);
	EXPECT_EQ(P32(page_a, vm_exit_instruction_len), 2);
	rip = P64(page_a, guest_rip);
	P64(page_a, guest_rip) = rip + 2;
	EXPECT_EQ(l2_run(), EXIT_VMCALL);
	EXPECT(P64(page_a, guest_rip) > rip + 2);
	EXPECT_EQ(P16(page_a, guest_cs_selector), 8);
	EXPECT_EQ(P32(page_a, clean), ALL_CLEAN);
}

static u32 next_vmcall(void)
{
	P64(page_a, guest_rip) += 3;
	return l2_run();
}

/* A clean group is not looked at; one that is not clean is. */
static void clean_fields_are_believed(void)
{
	u64 old;

	if (!setup(l2_rsp))
		return;
	EXPECT_EQ(l2_run(), EXIT_VMCALL);
	old = seen;
	P64(page_a, guest_rsp) = old - 64;
	P32(page_a, clean) = ALL_CLEAN;
	EXPECT_EQ(next_vmcall(), EXIT_VMCALL);
	EXPECT_EQ(seen, old);
	EXPECT_EQ(P64(page_a, guest_rsp), old);
	P64(page_a, guest_rsp) = old - 64;
	P32(page_a, clean) &= ~GUEST_BASIC;
	EXPECT_EQ(next_vmcall(), EXIT_VMCALL);
	EXPECT_EQ(seen, old - 64);
}

static void two_pages_are_two_l2s(void)
{
	if (!setup(l2_rsp))
		return;
	P64(page_b, guest_rsp) -= 128;
	EXPECT_EQ(l2_run(), EXIT_VMCALL);
	use(page_b);
	EXPECT_EQ(l2_run(), EXIT_VMCALL);
	EXPECT_EQ(seen, P64(page_a, guest_rsp) - 128);
	use(page_a);
	l2_launched = true;
	EXPECT_EQ(next_vmcall(), EXIT_VMCALL);
	EXPECT_EQ(seen, P64(page_a, guest_rsp));
}

static void another_version_is_refused(void)
{
	if (!setup(l2_rsp))
		return;
	*(volatile u32 *)page_a = 2;
	EXPECT_EQ(l2_run(), ENTRY_FAILED);
	*(volatile u32 *)page_a = rdmsr(MSR_VMX_BASIC);		/* Hyper-V's own mistake */
	EXPECT_EQ(l2_run(), EXIT_VMCALL);
}

static void no_memory_is_ud(void)
{
	if (!setup(l2_rsp))
		return;
	assist.vmcs = NOWHERE;
	expect_fault("vmlaunch", TRY("vmlaunch"), 6, 0);
}

static void vmfail_is_in_the_page(void)
{
	if (!setup(l2_rsp))
		return;
	P32(page_a, pin_based_vm_exec_control) = 0;
	l2_run();
	EXPECT_EQ(P32(page_a, vm_instruction_error), 7);
	P32(page_a, pin_based_vm_exec_control) = ctl(MSR_VMX_PIN, 0);
	P64(page_a, guest_cr0) = 0;
	EXPECT_EQ(l2_run(), EXIT_BAD_GUEST);
	EXPECT_EQ(P32(page_a, vm_exit_reason), BIT(31) | EXIT_BAD_GUEST);
}

static void vmread_reads_and_vmwrite_does_not(void)
{
	if (!setup(l2_rsp))
		return;
	EXPECT_EQ(l2_run(), EXIT_VMCALL);
	P64(page_a, tsc_offset) = 0x1234;
	EXPECT_EQ(RD(tsc_offset), 0x1234);
	expect_invalid("vmwrite", TRY("vmwrite %%rcx, %%rdx", "c" (1ul),
				      "d" ((u64)VMCS_tsc_offset)));
	EXPECT_EQ(P64(page_a, tsc_offset), 0x1234);
}

static void vmclear_leaves_the_page_alone(void)
{
	if (!setup(l2_rsp))
		return;
	EXPECT_EQ(l2_run(), EXIT_VMCALL);
	expect_ok("vmclear", vmclear((u64)page_a));
	EXPECT_EQ(P16(page_a, host_es_selector), 0x10);
	EXPECT_EQ(P32(page_a, vm_exit_reason), EXIT_VMCALL);
	EXPECT_EQ(next_vmcall(), EXIT_VMCALL);
}

/* Posted interrupts, the timer; APIC accesses, register virtualization, delivery, shadowing. */
static void controls_without_fields_are_not_offered(void)
{
	if (!setup(l2_rsp))
		return;
	EXPECT_EQ(rdmsr(MSR_VMX_PIN) >> 32 & (BIT(6) | BIT(7)), 0);
	EXPECT_EQ(rdmsr(MSR_VMX_PROC2) >> 32 & (BIT(0) | BIT(8) | BIT(9) | BIT(14)), 0);
	P32(page_a, pin_based_vm_exec_control) |= BIT(6);
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
}

/* Without the flag VMPTRLD counts again. */
static void turned_off_a_vmcs_is_a_vmcs(void)
{
	if (!setup(l2_rsp))
		return;
	EXPECT_EQ(l2_run(), EXIT_VMCALL);
	assist.enlightened = 0;
	expect_invalid("vmlaunch", TRY("vmlaunch"));
	expect_ok("vmptrld", vmptrld((u64)vmcs_a));
	l2_launched = false;
	EXPECT_EQ(l2_run(), EXIT_VMCALL);
}

const struct test tests[] = {
	T(cpuid_names_version_1),
	T(l2_runs_from_the_page),
	T(clean_fields_are_believed),
	T(two_pages_are_two_l2s),
	T(another_version_is_refused),
	T(no_memory_is_ud),
	T(vmfail_is_in_the_page),
	T(vmread_reads_and_vmwrite_does_not),
	T(vmclear_leaves_the_page_alone),
	T(controls_without_fields_are_not_offered),
	T(turned_off_a_vmcs_is_a_vmcs),
};

const u32 nr_tests = ARRAY_SIZE(tests);
