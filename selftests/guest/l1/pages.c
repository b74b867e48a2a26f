// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1 and L2 count in turn in pages that user space moves, merges and makes larger; see ../pages.c.
 */
#include "l1.h"
#include "pages.h"

#define EPT_CAP_1G	BIT(17)

static volatile struct pages *const shared = (void *)PAGES_SHARED;

static void count(u64 add)
{
	volatile u64 *p;
	u64 gpa;

	for (gpa = PAGES_DATA; gpa < shared->end; gpa += shared->step) {
		p = (u64 *)gpa;
		if (*p != shared->count)
			shared->mismatches++;
		if (add)
			*p = shared->count + 1;
	}
	shared->count += add;
	shared->rounds++;
}

static void l2_counts(void)
{
	for (;;) {
		count(shared->counts);
		vmcall();
	}
}

static u64 *first_table(u64 table)
{
	return (u64 *)(*(u64 *)table & ~(PAGE - 1));
}

/* The data lie in the second GiB: one page of ept12 where L1 is offered such. */
static u64 build_ept(void)
{
	u64 eptp = ept_build();

	if (rdmsr(MSR_VMX_EPT_VPID) & EPT_CAP_1G)
		first_table(eptp & ~(PAGE - 1))[1] = PAGES_DATA | 0xb7;
	return eptp;
}

static void l1_and_l2_count(void)
{
	u32 reason;

	l2_setup(l2_counts);
	ept_on(build_ept());
	while (!shared->stop) {
		reason = l2_run();
		EXPECT_EQ(reason, EXIT_VMCALL);
		l2_skip();
		count(shared->counts && !shared->l1_looks);
	}
}

const struct test tests[] = { T(l1_and_l2_count) };
const u32 nr_tests = ARRAY_SIZE(tests);
