// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walker of ept12: every misconfiguration, every violation, the flags.
 */
#include <errno.h>

#include "memory.h"

#define NGPA	0x0000008040603123ull
#define FRAME	0x40000000ull
#define WB	(6ull << 3)

static struct mmu_ept12 ept = {
	.eptp = PAGE(4) | EPTP_LEVELS(4) | EPTP_WB, .maxphyaddr = 40, .page_1g = true,
};

static u64 *entry(int level)
{
	return mem_entry(PAGE(level), (NGPA >> (12 + 9 * (level - 1))) & 511);
}

static void chain(int leaf)
{
	int level;

	mem_clear();
	for (level = 4; level > leaf; level--)
		*entry(level) = PAGE(level - 1) | EPTE_RWX;
	*entry(leaf) = FRAME | EPTE_RWX | WB | (leaf > 1 ? EPTE_LARGE : 0);
}

static struct mmu_ept12_leaf leaf12;
static struct nvmx_fault fault;

static bool walks(u32 access)
{
	return !mmu_walk_ept12(&ept, NGPA, access, &leaf12, &fault);
}

static bool misconfigures(void)
{
	return !walks(ACC_READ) && fault.nested && fault.nested_reason == EXIT_ept_misconfig &&
	       fault.nested_gpa == NGPA;
}

static bool violates(u32 access, u64 qual)
{
	return !walks(access) && fault.nested && fault.nested_reason == EXIT_ept_violation &&
	       fault.nested_qual == qual && fault.nested_gpa == NGPA;
}

static void test_leaves(void)
{
	chain(1);
	ok(walks(ACC_READ) && leaf12.gpa == (FRAME | (NGPA & 0xfff)) && leaf12.page_mask == 0xfff &&
	   leaf12.perm == EPTE_RWX && leaf12.memtype == 6, "4K leaf");
	chain(2);
	ok(walks(ACC_WRITE) && leaf12.gpa == (FRAME | (NGPA & 0x1fffff)) &&
	   leaf12.page_mask == 0x1fffff, "2M leaf");
	chain(3);
	ok(walks(ACC_EXEC) && leaf12.gpa == (FRAME | (NGPA & 0x3fffffff)) &&
	   leaf12.page_mask == 0x3fffffff, "1G leaf");
	ept.page_1g = false;
	ok(misconfigures(), "1G leaf where L1 was not offered any: misconfiguration");
	ept.page_1g = true;
}

static void test_permission_bits(void)
{
	unsigned int bits, wrong = 0;
	int level;
	bool bad;

	for (level = 1; level <= 4; level++) {
		for (bits = 0; bits < 16; bits++) {
			ept.exec_only = bits & 8;
			chain(1);
			*entry(level) = (*entry(level) & ~EPTE_RWX) | (bits & 7);
			/* SDM "EPT Misconfigurations": 010, 110, and 100 without execute-only */
			bad = (bits & 7) == 2 || (bits & 7) == 6 ||
			      ((bits & 7) == 4 && !ept.exec_only);
			if (bad)
				wrong += !misconfigures();
			else if (!(bits & 7))
				wrong += !violates(ACC_READ, EPTQ_READ);
			else if (bits & 1)
				wrong += !walks(ACC_READ) || leaf12.perm != (bits & 7);
			else
				wrong += !violates(ACC_READ, EPTQ_READ | EPTQ_EXECUTABLE);
		}
	}
	ept.exec_only = false;
	ok(!wrong, "each combination of R, W and X at each level");
}

/* SDM tables of the formats of EPT entries, for a width of 40 bits. */
static bool is_reserved(int level, bool leaf, unsigned int bit)
{
	if (bit >= 40 && bit < 52)
		return true;
	if (level == 4)
		return bit >= 3 && bit <= 7;
	if (!leaf)
		return bit >= 3 && bit <= 6;
	return level > 1 && bit >= 12 && bit < 12 + 9 * (level - 1);
}

static void test_reserved_bits(void)
{
	unsigned int bit, wrong = 0;
	int level, leaf;

	for (leaf = 1; leaf <= 3; leaf++) {
		for (level = leaf; level <= 4; level++) {
			for (bit = 3; bit < 64; bit++) {
				bool want = is_reserved(level, level == leaf, bit);

				if (!want && ((bit >= 12 && bit < 40) || (bit == 7 && level > 1)))
					continue;
				if (!want && level == leaf && bit < 6)
					continue;	/* memory type, below */
				chain(leaf);
				*entry(level) |= 1ull << bit;
				wrong += want ? !misconfigures() : !walks(ACC_READ);
			}
		}
	}
	ok(!wrong, "reserved bits of each level are misconfigurations, ignored ones are not");

	for (leaf = 1, wrong = 0; leaf <= 3; leaf++) {
		for (bit = 0; bit < 8; bit++) {
			chain(leaf);
			*entry(leaf) = (*entry(leaf) & ~(7ull << 3)) | (u64)bit << 3;
			wrong += bit == 2 || bit == 3 || bit == 7 ? !misconfigures() :
				 !walks(ACC_READ) || leaf12.memtype != bit;
		}
	}
	ok(!wrong, "memory types 2, 3 and 7 are misconfigurations");

	chain(1);
	*entry(1) = 2ull << 3 | 1ull << 45;
	ok(violates(ACC_READ, EPTQ_READ), "an entry that is not present cannot be misconfigured");
	chain(1);
	*entry(3) &= ~EPTE_W;
	*entry(1) |= 1ull << 45;
	ok(misconfigures() && !walks(ACC_WRITE) && fault.nested_reason == EXIT_ept_misconfig,
	   "a misconfiguration below comes before missing rights above");
}

static void test_violations(void)
{
	unsigned int upper, lower, access, i, wrong = 0;
	u32 perm;
	int leaf;

	ept.exec_only = true;
	for (leaf = 1; leaf <= 3; leaf++) {
		for (upper = 1; upper < 8; upper++) {
			for (lower = 1; lower < 8; lower++) {
				if ((upper & 3) == 2 || (lower & 3) == 2)
					continue;
				for (access = 1; access < 8; access++) {
					chain(leaf);
					*entry(4) = (*entry(4) & ~EPTE_RWX) | upper;
					*entry(leaf) = (*entry(leaf) & ~EPTE_RWX) | lower;
					perm = upper & lower;
					wrong += access & ~perm ?
						 !violates(access, access | perm << 3) :
						 !walks(access) || leaf12.perm != perm;
				}
			}
		}
	}
	ept.exec_only = false;
	ok(!wrong, "violations: qualification of each access against each pair of rights");

	ok(mmu_walk_ept12(&ept, 1ull << 48, ACC_WRITE, &leaf12, &fault) == -EFAULT &&
	   fault.nested_reason == EXIT_ept_violation && fault.nested_qual == EPTQ_WRITE,
	   "an address beyond 48 bits is a violation");
	chain(1);
	*entry(3) = PAGE(MEM_PAGES + 1) | EPTE_RWX;
	ok(misconfigures(), "a table outside memory reads as ones: misconfiguration");
	chain(1);
	for (i = 0; i < 512; i++)
		*mem_entry(PAGE(4), i) = PAGE(4) | EPTE_RWX;
	mem_reads = 0;
	walks(ACC_READ);
	ok(mem_reads == 4, "tables that point at themselves are walked four levels deep");
}

static int changes_left;

static void change_entry(u64 gpa)
{
	if (changes_left-- > 0)
		*mem_entry(gpa & ~4095ull, (gpa & 4095) / 8) ^= 1ull << 52;
}

static void test_flags(void)
{
	bool good = true;
	int leaf, level;

	for (leaf = 1; leaf <= 3; leaf++) {
		ept.eptp &= ~(u64)EPTP_AD;
		chain(leaf);
		good &= walks(ACC_WRITE) && !mem_swaps;
		ept.eptp |= EPTP_AD;
		good &= walks(ACC_READ);
		for (level = leaf; level <= 4; level++)
			good &= (*entry(level) & (EPTE_A | EPTE_D)) == EPTE_A;
		good &= walks(ACC_WRITE);
		for (level = leaf; level <= 4; level++)
			good &= (*entry(level) & (EPTE_A | EPTE_D)) ==
				(level == leaf ? EPTE_A | EPTE_D : EPTE_A);
		chain(leaf);
		*entry(4) &= ~EPTE_W;
		good &= !walks(ACC_WRITE) && !mem_swaps;
	}
	ok(good, "accessed and dirty: only with EPTP bit 6, only when the access is allowed");

	chain(1);
	changes_left = 3;
	mem_other_cpu = change_entry;
	good = walks(ACC_WRITE);
	chain(1);
	changes_left = 1000000;
	mem_other_cpu = change_entry;
	ok(good && !walks(ACC_WRITE) && fault.nested_reason == EXIT_ept_violation,
	   "an entry that changes is read again, but not for ever");
	chain(1);
	mem_readonly_from = 0;
	ok(walks(ACC_WRITE) && !mem_swaps, "tables in read-only memory keep their flags");
	ept.eptp &= ~(u64)EPTP_AD;
}

void test_ept12(void)
{
	test_leaves();
	test_permission_bits();
	test_reserved_bits();
	test_violations();
	test_flags();
}
