// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1 and L2 at work on memory that user space moves, protects and rewrites; see ../disturb.c.
 *
 * What L1 needs to enter L2 lies in the arena: vmcs12, the MSR bitmap, ept12.  L2 and L1 check
 * and fill the data in turn.  What is not the VMCALL of L2 is counted, and L1 builds it all anew.
 */
#include "l1.h"
#include "disturb.h"

#define arena_page(n)	(DISTURB_ARENA + (n) * PAGE)

static volatile struct disturb *const shared = (void *)DISTURB_SHARED;

static void visit(u64 round)
{
	u64 gpa, offset = round * 64 % PAGE;
	volatile u64 *p;

	for (gpa = DISTURB_DATA; gpa < DISTURB_DATA_END; gpa += PAGE) {
		p = (u64 *)(gpa + offset);
		if (*p != shared->pattern[round & 1] && *p)
			shared->mismatches++;
		*p = shared->pattern[round & 1];
	}
}

static void l2_work(void)
{
	for (;;) {
		visit(shared->rounds);
		rdmsr(MSR_KERNEL_GS_BASE);
		vmcall();
	}
}

static void copy_page(u64 to, u64 from)
{
	u32 i;

	for (i = 0; i < 512; i++)
		((u64 *)to)[i] = ((u64 *)from)[i];
}

static u64 first_table(u64 table)
{
	return *(u64 *)table & ~(PAGE - 1);
}

/*
 * The upper three tables of ept12 in the arena; the directory of the first GiB is the last.
 * Nothing is read back from the arena: it may be away.
 */
static u64 build_ept(void)
{
	u64 eptp = ept_build();
	u64 pml4 = eptp & ~(PAGE - 1), pdpt = first_table(pml4);

	copy_page(arena_page(2), pml4);
	copy_page(arena_page(3), pdpt);
	copy_page(arena_page(4), first_table(pdpt));
	*(u64 *)arena_page(3) = arena_page(4) | 7;
	*(u64 *)arena_page(2) = arena_page(3) | 7;
	invept(2, 0, 0);
	return arena_page(2) | (eptp & (PAGE - 1));
}

static bool build(void)
{
	u64 eptp = build_ept();
	u32 i;

	vmx_off();
	l2_setup(l2_work);
	for (i = 0; i < 512; i++)
		((u64 *)arena_page(1))[i] = 0;
	WR(cpu_based_vm_exec_control, RD(cpu_based_vm_exec_control) | BIT(28));
	WR(msr_bitmap, arena_page(1));
	ept_on(eptp);
	vmclear((u64)vmcs_a);
	copy_page(arena_page(0), (u64)vmcs_a);
	l2_launched = false;
	return vmptrld(arena_page(0)).kind == OK;
}

static void l1_and_l2_work(void)
{
	bool good = build();

	while (!shared->stop) {
		/* The vmcs12 goes to memory and comes back. */
		vmclear(arena_page(0));
		l2_launched = false;
		/* Now and then nothing that was cached of ept12 counts. */
		if (shared->rounds % 16 == 0)
			invept(2, 0, 0);
		good = good && vmptrld(arena_page(0)).kind == OK && l2_run() == EXIT_VMCALL;
		if (good) {
			l2_skip();
			shared->rounds++;
			visit(shared->rounds);
			shared->rounds++;
		} else {
			shared->repairs++;
			good = build();
		}
	}
}

const struct test tests[] = { T(l1_and_l2_work) };
const u32 nr_tests = ARRAY_SIZE(tests);
