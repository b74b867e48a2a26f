// SPDX-License-Identifier: GPL-2.0-only
/*
 * ept01 by itself: sizes, splits, ranges.
 */
#include <stdlib.h>

#include "world.h"

static bool maps(u64 gfn, u8 level, u32 perm)
{
	struct hw_leaf leaf;

	return hw_walk(ROOT01, gfn, &leaf) && leaf.pfn == host_pfn(gfn) &&
	       leaf.level == level && leaf.perm == perm;
}

static void access_frame(u64 gfn, u32 access)
{
	fault01(gfn << 12, access);
	hw_access(ROOT01, gfn);
}

/* As mmu_count() asks for it. */
static bool counts(u64 small, u64 medium, u64 large)
{
	u64 pages[3] = { 0 }, frame = 0;

	spin_lock(&space.lock);
	while (frame < EPT_MAX_FRAME)
		frame = ept01_count(&space, MMU_NORMAL, frame, pages);
	spin_unlock(&space.lock);
	return pages[0] == small && pages[1] == medium && pages[2] == large;
}

static void test_sizes(void)
{
	struct hw_leaf leaf;

	world_init(true, false);
	access_frame(3, ACC_READ);
	ok(maps(3, 1, 7) && !hw_walk(ROOT01, 4, &leaf), "4K where the host has 4K");
	access_frame(512 + 3, ACC_WRITE);
	ok(maps(512, 2, 7) && maps(1023, 2, 7), "2M where the host has 2M");
	access_frame(blocks[BLOCK_1G].gfn + 77777, ACC_EXEC);
	ok(maps(blocks[BLOCK_1G].gfn, 3, 7), "1G where the host has 1G");
	ok(counts(1, 1, 1), "one of each is counted");
	access_frame(blocks[6].gfn + 511, ACC_READ);
	ok(maps(blocks[6].gfn + 511, blocks[6].level, 7), "the last frame of all");
	ok(!books_broken() && !tlb_broken() && !flushes, "nothing of this needed a flush");
	world_exit();
}

static void test_ranges(void)
{
	struct block *b = &blocks[BLOCK_1G];
	unsigned int before;
	struct hw_leaf leaf;

	world_init(true, false);
	access_frame(b->gfn, ACC_WRITE);
	before = flushes;
	host_move(b, 3);
	ok(!hw_walk(ROOT01, b->gfn, &leaf) && flushes == before + 1 && !tlb_broken(),
	   "a 1G leaf goes with its range, after a flush");
	before = flushes;
	host_move(b, 3);
	ok(flushes == before, "an empty range needs no flush");
	access_frame(1, ACC_READ);
	access_frame(2, ACC_READ);
	host_move_frame(1);
	ok(!hw_walk(ROOT01, 1, &leaf) && maps(2, 1, 7) && !tlb_broken(), "one frame goes");
	host_move_frame(2);
	ok(!ROOT01->used && !books_broken(), "tables that became empty are gone");
	ok(counts(0, 0, 0), "and nothing is counted");
	world_exit();
	ok(!live_pages, "no page is left");
}

static void test_log(void)
{
	struct block *b = &blocks[1];
	struct hw_leaf leaf;

	world_init(true, false);
	access_frame(b->gfn, ACC_WRITE);
	host_log(b, true);
	ok(maps(b->gfn, 2, 5) && !tlb_broken(), "logging takes the right to write a large page");
	access_frame(b->gfn + 9, ACC_WRITE);
	ok(maps(b->gfn + 9, 1, 7) && maps(b->gfn + 8, 1, 5) && b->dirty[9] && !b->dirty[8],
	   "a write splits it and makes one page writable");
	host_take_bit(b->gfn + 9);
	ok(maps(b->gfn + 9, 1, 5) && !tlb_broken() && !books_broken(), "taking it protects it");
	host_log(b, false);
	ok(!hw_walk(ROOT01, b->gfn, &leaf), "without a log large pages may come back");
	access_frame(b->gfn, ACC_WRITE);
	ok(maps(b->gfn, 2, 7), "and they do");
	world_exit();
}

static void test_small_exec(void)
{
	struct block *b = &blocks[1];

	world_init(true, true);
	access_frame(b->gfn, ACC_WRITE);
	ok(maps(b->gfn, 2, 3), "iTLB multihit: a large page is not executable");
	access_frame(b->gfn + 5, ACC_EXEC);
	ok(maps(b->gfn + 5, 1, 7), "executing makes it small");
	access_frame(b->gfn + 6, ACC_WRITE);
	ok(maps(b->gfn + 5, 1, 7) && maps(b->gfn + 6, 1, 7) && !books_broken(),
	   "and a write does not make it large again");
	world_exit();
}

/* true: a flush is owed */
static bool map_small(u64 gfn)
{
	struct ept01_map m = {
		.space = MMU_NORMAL, .gfn = gfn, .pfn = host_pfn(gfn), .perm = EPTE_RWX,
		.access = ACC_READ | ACC_WRITE, .level = 1, .small = true,
	};
	enum ept_done done;
	bool debt = false;

	if (ept_prepare(&space, EPT_01))
		abort();
	spin_lock(&space.lock);
	done = ept01_map(&space, &m, &debt);
	ept_unlock_pay(&space, debt);
	if (done != EPT_DONE)
		abort();
	return debt;
}

static void test_small(void)
{
	struct block *b = &blocks[1];

	world_init(true, false);
	access_frame(b->gfn, ACC_WRITE);
	ok(map_small(b->gfn + 5) && maps(b->gfn + 5, 1, 7) && maps(b->gfn + 6, 1, 7),
	   "a page that hardware is to recognize leaves its large page");
	ok(!map_small(b->gfn + 5) && maps(b->gfn + 5, 1, 7) && !books_broken() &&
	   !tlb_broken(), "once: asking again owes no flush");
	world_exit();
}

static unsigned int frame1(enum ept_op op)
{
	struct gfn_range r = { .first = 1, .end = 2, .op = op, .space = MMU_NORMAL };

	return ept01_range(&space, &r);
}

static void test_aging(void)
{
	unsigned int ret;
	struct hw_leaf leaf;

	world_init(true, false);
	access_frame(1, ACC_READ);
	spin_lock(&space.lock);
	ret = frame1(EPT_OP_AGE);
	ret |= frame1(EPT_OP_YOUNG) << 8;
	ept_unlock_pay(&space, false);
	ok(ret == EPT_WAS_YOUNG && maps(1, 1, 7), "with A/D flags aging takes the flag");
	world_exit();

	world_init(false, false);
	access_frame(1, ACC_READ);
	spin_lock(&space.lock);
	ret = frame1(EPT_OP_YOUNG);
	ret |= frame1(EPT_OP_AGE) << 8;
	ept_unlock_pay(&space, true);
	ok(ret == (EPT_WAS_YOUNG | (EPT_WAS_YOUNG | EPT_DEBT) << 8) &&
	   !hw_walk(ROOT01, 1, &leaf), "without, it takes the mapping");
	world_exit();
}

static void map_in(enum mmu_space where, u64 gfn, u64 pfn)
{
	struct ept01_map m = {
		.space = where, .gfn = gfn, .pfn = pfn, .perm = EPTE_RWX, .access = ACC_READ,
		.level = 1,
	};
	bool debt = false;

	while (ept_prepare(&space, EPT_01))
		;
	spin_lock(&space.lock);
	if (ept01_map(&space, &m, &debt) != EPT_DONE)
		abort();
	ept_unlock_pay(&space, debt);
}

static u64 pfn_in(enum mmu_space where, u64 gfn)
{
	struct hw_leaf leaf;

	return hw_walk(space.root01[where], gfn, &leaf) ? leaf.pfn : 0;
}

static void zap_in(enum mmu_space where, u64 gfn)
{
	struct gfn_range r = { .first = gfn, .end = gfn + 1, .op = EPT_OP_ZAP, .space = where };

	spin_lock(&space.lock);
	ept_unlock_pay(&space, ept01_range(&space, &r) & EPT_DEBT);
}

static void test_spaces(void)
{
	world_init(true, false);
	map_in(MMU_SMM, 0x30, 0x777);
	ok(pfn_in(MMU_SMM, 0x30) == 0x777 && !pfn_in(MMU_NORMAL, 0x30),
	   "what is mapped for system-management mode is not in the normal space");
	map_in(MMU_NORMAL, 0x30, 0x888);
	ok(pfn_in(MMU_SMM, 0x30) == 0x777 && pfn_in(MMU_NORMAL, 0x30) == 0x888,
	   "one frame number has a page in each space");
	zap_in(MMU_NORMAL, 0x30);
	ok(pfn_in(MMU_SMM, 0x30) == 0x777 && !pfn_in(MMU_NORMAL, 0x30),
	   "a range of one space leaves the other alone");
	zap_in(MMU_SMM, 0x30);
	ok(!pfn_in(MMU_SMM, 0x30) && !space.root01[MMU_SMM]->used && !books_broken(),
	   "and the other way round");
	map_in(MMU_SMM, 0x31, 0x779);
	world_exit();
	ok(!live_pages, "the end takes both trees");
}

void test_ept01(void)
{
	test_sizes();
	test_ranges();
	test_log();
	test_small_exec();
	test_small();
	test_aging();
	test_spaces();
}
