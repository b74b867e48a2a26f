// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walker of x86 page tables, against tables made by hand and the text of the manual.
 */
#include <errno.h>

#include "memory.h"

#define P	1ull
#define W	2ull
#define U	4ull
#define A	0x20ull
#define D	0x40ull
#define PS	0x80ull
#define XD	0x8000000000000000ull

enum mode { MODE_32, MODE_PAE, MODE_4, MODE_5, NR_MODES };

static const char * const mode_name[] = { "32-bit", "PAE", "4-level", "5-level" };

/* Tables of level n are at page n; the leaf maps frame 0x40000000 (1G-aligned) + offset. */
#define LEAF_FRAME	0x40000000ull

static int top_level(enum mode mode)
{
	return mode == MODE_32 ? 2 : mode == MODE_PAE ? 2 : mode == MODE_4 ? 4 : 5;
}

static unsigned int level_shift(enum mode mode, int level)
{
	return 12 + (mode == MODE_32 ? 10 : 9) * (level - 1);
}

static u64 linear(enum mode mode)
{
	/* Index 3 on the lower levels, 1 on the top ones. */
	return mode == MODE_32 ? 0x00c03123 : mode == MODE_PAE ? 0x40603123 : 0x0000008040603123;
}

static void entry_set(enum mode mode, int level, u64 value)
{
	u64 gva = linear(mode);
	unsigned int bits = mode == MODE_32 ? 10 : 9;
	unsigned int index = (gva >> level_shift(mode, level)) & ((1u << bits) - 1);

	if (mode == MODE_32)
		*mem_entry32(PAGE(level), index) = value;
	else
		*mem_entry(PAGE(level), index) = value;
}

static u64 entry_get(enum mode mode, int level)
{
	u64 gva = linear(mode);
	unsigned int bits = mode == MODE_32 ? 10 : 9;
	unsigned int index = (gva >> level_shift(mode, level)) & ((1u << bits) - 1);

	return mode == MODE_32 ? *mem_entry32(PAGE(level), index) : *mem_entry(PAGE(level), index);
}

static struct mmu_paging setup(enum mode mode)
{
	struct mmu_paging p = {
		.cr0 = X86_CR0_PE | X86_CR0_PG, .maxphyaddr = 40, .cr3 = PAGE(top_level(mode)),
	};

	mem_clear();
	switch (mode) {
	case MODE_5:
		p.cr4 |= X86_CR4_LA57;
		fallthrough;
	case MODE_4:
		p.efer |= EFER_LMA | EFER_LME;
		p.cr4 |= X86_CR4_PAE;
		break;
	case MODE_PAE:
		p.cr4 |= X86_CR4_PAE;
		p.pdptr[1] = PAGE(2) | P;
		break;
	default:
		p.cr4 |= X86_CR4_PSE;
		break;
	}
	return p;
}

/* A chain down to a leaf of @leaf level; @upper and @flags beside P. */
static void chain(enum mode mode, int leaf, u64 upper, u64 flags)
{
	int level;

	for (level = top_level(mode); level > leaf; level--)
		entry_set(mode, level, PAGE(level - 1) | P | upper);
	entry_set(mode, leaf, LEAF_FRAME | P | flags | (leaf > 1 ? PS : 0));
}

static int max_leaf(enum mode mode)
{
	return mode >= MODE_4 ? 3 : 2;
}

/* ---- access rights: SDM "Determination of Access Rights", rewritten as one expression ---- */

struct rights {
	bool w, u, xd;
};

static bool expected_allowed(const struct mmu_paging *p, struct rights r, u32 access)
{
	bool wp = p->cr0 & X86_CR0_WP, smep = p->cr4 & X86_CR4_SMEP, smap = p->cr4 & X86_CR4_SMAP;
	bool ac = p->rflags & X86_EFLAGS_AC;

	if ((access & ACC_USER) && !(access & ACC_IMPLICIT))
		return r.u && (!(access & ACC_WRITE) || r.w) && (!(access & ACC_EXEC) || !r.xd);
	if (access & ACC_EXEC)
		return !r.xd && !(r.u && smep);
	if (r.u && smap && ((access & ACC_IMPLICIT) || !ac))
		return false;
	return !(access & ACC_WRITE) || r.w || !wp;
}

static u32 expected_code(const struct mmu_paging *p, enum mode mode, u32 access)
{
	bool nx = (p->efer & EFER_NX) && mode != MODE_32;
	u32 code = 0;

	if (access & ACC_WRITE)
		code |= PFEC_W;
	if ((access & ACC_USER) && !(access & ACC_IMPLICIT))
		code |= PFEC_U;
	if ((access & ACC_EXEC) && (nx || (p->cr4 & X86_CR4_SMEP)))
		code |= PFEC_I;
	return code;
}

static const u32 accesses[] = {
	ACC_READ, ACC_WRITE, ACC_EXEC, ACC_READ | ACC_USER, ACC_WRITE | ACC_USER,
	ACC_EXEC | ACC_USER, ACC_READ | ACC_IMPLICIT, ACC_WRITE | ACC_IMPLICIT | ACC_USER,
};

static bool is_pf(const struct nvmx_fault *f, u64 gva, u32 code)
{
	return f->vector == VEC_PF && f->has_code && f->code == code && f->address == gva &&
	       !f->nested;
}

static bool check_access(const struct mmu_paging *p, enum mode mode, struct rights r, u32 access)
{
	u64 gva = linear(mode), gpa = 0;
	struct nvmx_fault f;
	int ret = mmu_walk_linear(p, gva, access, &gpa, &f);

	if (expected_allowed(p, r, access))
		return !ret && (gpa & ~0xfffffffull) == LEAF_FRAME;
	return ret == -EFAULT && is_pf(&f, gva, PFEC_P | expected_code(p, mode, access));
}

static unsigned int try_controls(enum mode mode, int leaf, u64 upper, u64 flags)
{
	struct mmu_paging p = setup(mode);
	struct rights r;
	unsigned int c, i, wrong = 0;

	for (c = 0; c < 32; c++) {
		p.cr0 = (p.cr0 & ~X86_CR0_WP) | (c & 1 ? X86_CR0_WP : 0);
		p.cr4 &= ~(X86_CR4_SMEP | X86_CR4_SMAP);
		p.cr4 |= (c & 2 ? X86_CR4_SMEP : 0) | (c & 4 ? X86_CR4_SMAP : 0);
		p.rflags = c & 8 ? X86_EFLAGS_AC : 0;
		p.efer = (p.efer & ~EFER_NX) | (c & 16 ? EFER_NX : 0);
		if (!(p.efer & EFER_NX) && ((upper | flags) & XD))
			continue;	/* reserved bit: tested below */
		for (i = 0; i < ARRAY_SIZE(accesses); i++) {
			chain(mode, leaf, upper, flags);
			r.w = upper & flags & W;
			r.u = upper & flags & U;
			r.xd = (upper | flags) & XD;
			wrong += !check_access(&p, mode, r, accesses[i]);
		}
	}
	return wrong;
}

static void test_rights(enum mode mode)
{
	u64 bits[8];
	unsigned int i, j, n = mode == MODE_32 ? 4 : 8, wrong = 0;
	int leaf;

	for (i = 0; i < n; i++)
		bits[i] = (i & 1 ? W : 0) | (i & 2 ? U : 0) | (i & 4 ? XD : 0);
	for (leaf = 1; leaf <= max_leaf(mode); leaf++)
		for (i = 0; i < n; i++)
			for (j = 0; j < n; j++)
				/* A leaf on the top level has nothing above. */
				wrong += try_controls(mode, leaf,
						      leaf == top_level(mode) ? W | U : bits[i],
						      bits[j]);
	ok(!wrong, "%s: rights of every combination of flags, controls and accesses (%u wrong)",
	   mode_name[mode], wrong);
}

/* ---- not present, reserved bits ---- */

static void test_not_present(enum mode mode)
{
	struct mmu_paging p = setup(mode);
	unsigned int i, wrong = 0;
	struct nvmx_fault f;
	int level;
	u64 gpa;

	for (level = 1; level <= top_level(mode); level++) {
		for (i = 0; i < ARRAY_SIZE(accesses); i++) {
			chain(mode, 1, W | U, W | U);
			entry_set(mode, level, entry_get(mode, level) & ~P);
			if (mmu_walk_linear(&p, linear(mode), accesses[i], &gpa, &f) != -EFAULT ||
			    !is_pf(&f, linear(mode), expected_code(&p, mode, accesses[i])))
				wrong++;
		}
	}
	ok(!wrong, "%s: #PF without P at each level", mode_name[mode]);
}

/* The tables of SDM "Paging", bit by bit, for a width of 40 bits and without NXE. */
static bool is_reserved(enum mode mode, int level, bool leaf, unsigned int bit)
{
	bool large = leaf && level > 1;

	if (mode == MODE_32)
		return large && bit == 21;
	if (bit == 63)
		return true;
	if (mode == MODE_PAE && bit >= 52)
		return true;
	if (bit >= 40 && bit < 52)
		return true;
	if (large && bit >= 13 && bit < level_shift(mode, level))
		return true;
	return level >= 4 && bit == 7;
}

static void test_reserved(enum mode mode)
{
	unsigned int bit, last = mode == MODE_32 ? 31 : 63, wrong = 0;
	struct mmu_paging p = setup(mode);
	struct nvmx_fault f;
	int level, leaf, ret;
	bool want;
	u64 gpa;

	for (leaf = 1; leaf <= max_leaf(mode); leaf++) {
		for (level = leaf; level <= top_level(mode); level++) {
			for (bit = 7; bit <= last; bit++) {
				want = is_reserved(mode, level, level == leaf, bit);
				/* Without being reserved these would change the way. */
				if (!want && (bit == 7 || (bit >= 12 && bit < 40)))
					continue;
				chain(mode, leaf, W | U, W | U);
				entry_set(mode, level, entry_get(mode, level) | 1ull << bit);
				ret = mmu_walk_linear(&p, linear(mode), ACC_READ, &gpa, &f);
				if (want ? !is_pf(&f, linear(mode), PFEC_P | PFEC_RSVD) : !!ret)
					wrong++;
			}
		}
	}
	ok(!wrong, "%s: reserved bits of each level (%u wrong)", mode_name[mode], wrong);
}

/* ---- flags ---- */

static void test_flags(enum mode mode)
{
	struct mmu_paging p = setup(mode);
	struct nvmx_fault f;
	bool good = true;
	int level, leaf;
	u64 gpa;

	for (leaf = 1; leaf <= max_leaf(mode); leaf++) {
		chain(mode, leaf, W | U, W | U);
		good &= !mmu_walk_linear(&p, linear(mode), ACC_READ, &gpa, &f);
		for (level = leaf; level <= top_level(mode); level++)
			good &= (entry_get(mode, level) & (A | D)) == A;
		good &= !mmu_walk_linear(&p, linear(mode), ACC_WRITE, &gpa, &f);
		good &= (entry_get(mode, leaf) & (A | D)) == (A | D);
		for (level = leaf + 1; level <= top_level(mode); level++)
			good &= (entry_get(mode, level) & (A | D)) == A;

		chain(mode, leaf, W | U, U);
		p.cr0 |= X86_CR0_WP;
		good &= mmu_walk_linear(&p, linear(mode), ACC_WRITE, &gpa, &f) == -EFAULT;
		for (level = leaf; level <= top_level(mode); level++)
			good &= !(entry_get(mode, level) & (A | D));
		p.cr0 &= ~X86_CR0_WP;
	}
	ok(good, "%s: accessed and dirty are set when and where they are due", mode_name[mode]);

	chain(mode, 1, W | U, W | U);
	mem_readonly_from = 0;
	mem_swaps = 0;
	ok(!mmu_walk_linear(&p, linear(mode), ACC_WRITE, &gpa, &f) && !mem_swaps,
	   "%s: tables in read-only memory keep their flags", mode_name[mode]);
}

/* ---- addresses ---- */

static void test_addresses(void)
{
	struct mmu_paging p;
	struct nvmx_fault f;
	u64 gpa = 0;

	p = setup(MODE_4);
	chain(MODE_4, 3, W, W);
	ok(!mmu_walk_linear(&p, linear(MODE_4), ACC_READ, &gpa, &f) &&
	   gpa == (LEAF_FRAME | (linear(MODE_4) & 0x3fffffff)), "1G page: offset of 30 bits");
	chain(MODE_4, 2, W, W);
	ok(!mmu_walk_linear(&p, linear(MODE_4), ACC_READ, &gpa, &f) &&
	   gpa == (LEAF_FRAME | (linear(MODE_4) & 0x1fffff)), "2M page: offset of 21 bits");

	p = setup(MODE_32);
	chain(MODE_32, 2, 0, W | 0x2a << 13);
	ok(!mmu_walk_linear(&p, linear(MODE_32), ACC_READ, &gpa, &f) &&
	   gpa == ((0x2aull << 32) | LEAF_FRAME | (linear(MODE_32) & 0x3fffff)),
	   "4M page: PSE-36 address");
	p.maxphyaddr = 36;
	ok(mmu_walk_linear(&p, linear(MODE_32), ACC_READ, &gpa, &f) == -EFAULT &&
	   is_pf(&f, linear(MODE_32), PFEC_P | PFEC_RSVD), "4M page: bits beyond the width fault");
	p.cr4 &= ~X86_CR4_PSE;
	chain(MODE_32, 1, W, W);
	entry_set(MODE_32, 2, entry_get(MODE_32, 2) | PS);
	ok(!mmu_walk_linear(&p, linear(MODE_32), ACC_READ, &gpa, &f) &&
	   gpa == (LEAF_FRAME | 0x123), "without CR4.PSE bit 7 means nothing");

	p = setup(MODE_PAE);
	p.pdptr[1] = 0;
	ok(mmu_walk_linear(&p, linear(MODE_PAE), ACC_READ, &gpa, &f) == -EFAULT &&
	   is_pf(&f, linear(MODE_PAE), 0), "PDPTE register without P");
	p.cr0 = X86_CR0_PE;
	ok(!mmu_walk_linear(&p, 0xfee12345, ACC_WRITE, &gpa, &f) && gpa == 0xfee12345,
	   "no paging: linear is physical");
	p = setup(MODE_4);
	p.cr3 = PAGE(MEM_PAGES + 7);
	ok(mmu_walk_linear(&p, linear(MODE_4), ACC_READ, &gpa, &f) == -EFAULT &&
	   is_pf(&f, linear(MODE_4), 0), "a table outside memory is a page fault");
}

/* ---- races ---- */

static int changes_left;

static void change_entry(u64 gpa)
{
	if (changes_left-- > 0)
		*mem_entry(gpa & ~4095ull, (gpa & 4095) / 8) ^= 1ull << 9;
}

static void test_races(void)
{
	struct mmu_paging p = setup(MODE_4);
	struct nvmx_fault f;
	u64 gpa;

	chain(MODE_4, 1, W, W);
	changes_left = 3;
	mem_other_cpu = change_entry;
	ok(!mmu_walk_linear(&p, linear(MODE_4), ACC_WRITE, &gpa, &f),
	   "an entry that changes is read again");
	chain(MODE_4, 1, W, W);
	changes_left = 1000000;
	mem_reads = 0;
	ok(mmu_walk_linear(&p, linear(MODE_4), ACC_WRITE, &gpa, &f) == -EFAULT &&
	   mem_reads < 64, "an entry that never stands still ends the walk");
}

/* ---- nested ---- */

static unsigned int calls, tables, fail_at;
static u32 last_access;

/* ngpa = gpa + 16M */
static int shift_down(void *ctx, u64 ngpa, u32 access, bool is_table, u64 *gpa,
		      struct nvmx_fault *f)
{
	tables += is_table;
	last_access = access;
	if (++calls == fail_at) {
		f->nested = true;
		f->nested_reason = EXIT_ept_violation;
		f->nested_gpa = ngpa;
		return -EFAULT;
	}
	*gpa = ngpa - 0x1000000;
	return 0;
}

static void test_nested(void)
{
	struct mmu_paging p = setup(MODE_4);
	unsigned int at, wrong = 0;
	struct nvmx_fault f;
	int level;
	u64 gpa;

	for (at = 0; at <= 9; at++) {
		for (level = 4; level > 1; level--)
			entry_set(MODE_4, level, (PAGE(level - 1) + 0x1000000) | P | W | U);
		entry_set(MODE_4, 1, LEAF_FRAME | P | W | U);
		p.cr3 = PAGE(4) + 0x1000000;
		p.translate = shift_down;
		calls = 0;
		tables = 0;
		fail_at = at;
		if (mmu_walk_linear(&p, linear(MODE_4), ACC_WRITE, &gpa, &f)) {
			wrong += !at || !f.nested || f.address != linear(MODE_4) || calls != at;
			continue;
		}
		/* Four reads, four writes of flags, and the result. */
		wrong += at || calls != 9 || tables != 8 || last_access != ACC_WRITE ||
			 gpa != LEAF_FRAME + 0x123 - 0x1000000;
	}
	ok(!wrong, "nested: each table address and the result are translated, and may fail");
}

void test_walk(void)
{
	enum mode mode;

	for (mode = MODE_32; mode < NR_MODES; mode++) {
		test_rights(mode);
		test_not_present(mode);
		test_reserved(mode);
		test_flags(mode);
	}
	test_addresses();
	test_races();
	test_nested();
}
