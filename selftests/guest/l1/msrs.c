// SPDX-License-Identifier: GPL-2.0-only
/*
 * All MSRs of both windows in L2: L2 sees what L1 sees, or L1 has the exit.  Areas of any length.
 */
#include "l1.h"

#define MSRS		0x2000u			/* of each window */
#define HIGH		0xc0000000u
#define ARENA		0x1000000ull
#define FAULTED		0x6661756c74ull		/* stands for a #GP(0) */
#define LIST_MAX(misc)		(512 * (((misc) >> 25 & 7) + 1))

static u64 seen_by_l1[2 * MSRS], seen_by_l2[2 * MSRS];

static u32 msr_of(u32 i)
{
	return i < MSRS ? i : HIGH + i - MSRS;
}

/* Not #GP(0): the vector, which no test wants. */
static u64 read_msr(u32 msr)
{
	u64 value = 0;
	struct outcome_of o = TRY("mov %%rdx, %%rbx\n\trdmsr\n\tshl $32, %%rdx\n\t"
				  "or %%rdx, %%rax\n\tmov %%rbx, %%rdx\n\tmov %%rax, (%[v])\n\t"
				  "test %%rsp, %%rsp",	/* no VMfail */
				  [v] "r" (&value), "c" (msr));

	if (o.kind != FAULT)
		return value;
	return o.vector == 13 && !o.code ? FAULTED : o.vector;
}

static void read_all(u64 *seen)
{
	u32 i;

	for (i = 0; i < 2 * MSRS; i++)
		seen[i] = read_msr(msr_of(i));
}

static void l2_read_all(void)
{
	read_all(seen_by_l2);
	vmcall();
}

static void l2_rdmsr(void) { asm volatile("rdmsr" : : : "eax", "edx"); }
static void l2_wrmsr(void) { asm volatile("wrmsr"); }
static void l2_vmcall(void) { vmcall(); }

static void bitmap(u8 byte)
{
	u32 i;

	for (i = 0; i < PAGE; i++)
		msr_bitmap[i] = byte;
	WR(cpu_based_vm_exec_control, RD(cpu_based_vm_exec_control) | BIT(28));
	WR(msr_bitmap, (u64)msr_bitmap);
}

/* Clocks go on meanwhile. */
static bool moves(u32 msr)
{
	return msr == 0x10 || msr == 0xe7 || msr == 0xe8;
}

/* Nothing that is only L0's: what L1 does not intercept reads in L2 as it does in L1. */
static void l2_reads_what_l1_reads(void)
{
	u32 i;

	l2_setup(l2_read_all);
	bitmap(0);
	WR(guest_sysenter_cs, rdmsr(MSR_SYSENTER_CS));
	WR(guest_sysenter_esp, rdmsr(0x175));
	WR(guest_sysenter_eip, rdmsr(0x176));
	read_all(seen_by_l1);
	EXPECT_EQ(l2_run(), EXIT_VMCALL);
	for (i = 0; i < 2 * MSRS; i++) {
		if (seen_by_l2[i] != seen_by_l1[i] && !moves(msr_of(i))) {
			print("# MSR ");
			print_hex(msr_of(i));
			print("\n");
			fail("L2's value", seen_by_l2[i], seen_by_l1[i]);
			return;
		}
	}
}

static void each_exits(void (*fn)(void), u32 reason)
{
	u32 i;

	l2_setup(fn);
	bitmap(0xff);
	for (i = 0; i < 2 * MSRS; i++) {
		l2_regs.rcx = msr_of(i);
		l2_regs.rax = 0;
		l2_regs.rdx = 0;
		EXPECT_EQ(l2_run(), reason);
	}
}

static void each_read_exits(void) { each_exits(l2_rdmsr, EXIT_RDMSR); }
static void each_write_exits(void) { each_exits(l2_wrmsr, EXIT_WRMSR); }

/* SDM "MSR-Bitmap Address": outside of both windows there is no bit, and each access exits. */
static void others_exit_always(void)
{
	static const u32 msrs[] = {
		MSRS, 0xffff, 0x40000000, 0x4b564d00, HIGH - 1, HIGH + MSRS, ~0u,
	};
	u32 i;

	l2_setup(l2_rdmsr);
	bitmap(0);
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		l2_regs.rcx = msrs[i];
		EXPECT_EQ(l2_run(), EXIT_RDMSR);
	}
}

/* Up to the number of IA32_VMX_MISC all are loaded; more fail at the first that is too many. */
static void load_list_has_a_limit(void)
{
	static const u32 counts[] = { 0, 1, 511, 512, 513, 0x10000, ~0u };
	struct { u32 index, reserved; u64 value; } *list = (void *)ARENA;
	u32 i, max = LIST_MAX(rdmsr(MSR_VMX_MISC));

	for (i = 0; i < 0x10000; i++) {
		list[i].index = MSR_KERNEL_GS_BASE;
		list[i].reserved = 0;
		list[i].value = i + 1;
	}
	l2_setup(l2_vmcall);
	WR(vm_entry_msr_load_addr, (u64)list);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		wrmsr(MSR_KERNEL_GS_BASE, 0);
		WR(vm_entry_msr_load_count, counts[i]);
		if (counts[i] > max) {
			EXPECT_EQ(l2_run(), EXIT_BAD_MSR);
			EXPECT_EQ(RD(exit_qualification), max + 1);
		} else {
			EXPECT_EQ(l2_run(), EXIT_VMCALL);
			EXPECT_EQ(rdmsr(MSR_KERNEL_GS_BASE), counts[i]);
		}
	}
}

const struct test tests[] = {
	T(l2_reads_what_l1_reads), T(each_read_exits), T(each_write_exits), T(others_exit_always),
	T(load_list_has_a_limit),
};

const u32 nr_tests = ARRAY_SIZE(tests);
