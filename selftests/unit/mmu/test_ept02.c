// SPDX-License-Identifier: GPL-2.0-only
/*
 * ept02: composition, INVEPT, dirty log, bounds, the cache of trees.
 */
#include <string.h>

#include "world.h"

#define WB		(6ull << 3)
#define TABLE(level)	PAGE(level)

static struct ept02 *tree;
static struct nvmx_fault fault;

static struct mmu_ept12 key(u64 root, u64 bits)
{
	return (struct mmu_ept12){
		.eptp = root | EPTP_LEVELS(4) | EPTP_WB | bits, .maxphyaddr = 48, .page_1g = true,
	};
}

/* ept12: tables at pages 4 to 1, for frames from 0 up. */
static void start(u64 bits)
{
	struct mmu_ept12 e = key(TABLE(4), bits);
	int level;

	world_init(true, false);
	for (level = 4; level > 1; level--)
		*mem_entry(TABLE(level), 0) = TABLE(level - 1) | EPTE_RWX;
	tree = ept02_get(&space, &e);
}

static void finish(void)
{
	ept02_put(&space, tree);
	world_exit();
}

static void map12(unsigned int i, u64 gfn, u32 perm)
{
	*mem_entry(TABLE(1), i) = gfn << 12 | perm | WB;
}

static bool maps(u64 frame, u64 gfn, u8 level, u32 perm)
{
	struct hw_leaf leaf;

	return hw_walk(tree->root, frame, &leaf) && leaf.pfn == host_pfn(gfn) &&
	       leaf.level == level && leaf.perm == perm;
}

static bool maps_nothing(u64 frame)
{
	struct hw_leaf leaf;

	return !hw_walk(tree->root, frame, &leaf);
}

static enum fault_end touch(u64 frame, u32 access)
{
	enum fault_end end = fault02(tree, frame << 12, access, &fault);

	hw_access(tree->root, frame);
	return end;
}

static void invept(void)
{
	ept02_invalidate(&space, TABLE(4), false);
}

static bool counts(u64 small, u64 medium, u64 large)
{
	u64 pages[3] = { 0 };

	spin_lock(&space.lock);
	ept02_count(&space, pages);
	spin_unlock(&space.lock);
	return pages[0] == small && pages[1] == medium && pages[2] == large;
}

static void test_compose(void)
{
	start(0);
	map12(0, 5, 7);
	map12(1, 513, 3);
	map12(2, 514, 5);
	ok(touch(0, ACC_WRITE) == FAULT_FIXED && maps(0, 5, 1, 7), "4K over 4K");
	ok(touch(1, ACC_READ) == FAULT_FIXED && maps(1, 513, 1, 3), "4K over 2M, ept12's rights");
	ok(touch(2, ACC_WRITE) == FAULT_REPORT && fault.nested_reason == EXIT_ept_violation &&
	   fault.nested_qual == (EPTQ_WRITE | 5 << 3), "what ept12 forbids goes to L1");
	ok(touch(9, ACC_READ) == FAULT_REPORT && fault.nested_qual == EPTQ_READ,
	   "what ept12 does not have, too");
	map12(3, 0x7000000, 7);
	ok(touch(3, ACC_READ) == FAULT_MMIO, "no slot: a device");

	*mem_entry(TABLE(2), 1) = 512ull << 12 | EPTE_LARGE | 7 | WB;
	*mem_entry(TABLE(2), 2) = 0ull << 12 | EPTE_LARGE | 7 | WB;
	ok(touch(512 + 7, ACC_READ) == FAULT_FIXED && maps(512, 512, 2, 7), "2M over 2M");
	ok(touch(1024 + 7, ACC_READ) == FAULT_FIXED && maps(1024 + 7, 7, 1, 7) &&
	   maps_nothing(1024 + 8), "2M over 4K");
	*mem_entry(TABLE(3), 1) = blocks[BLOCK_1G].gfn << 12 | EPTE_LARGE | 7 | WB;
	ok(touch((1 << 18) + 99, ACC_WRITE) == FAULT_FIXED &&
	   maps(1 << 18, blocks[BLOCK_1G].gfn, 3, 7), "1G over 1G");
	ok(!books_broken() && !tlb_broken(), "the books are right");
	ok(counts(3, 1, 1), "leaves are counted by size");
	host_move(&blocks[BLOCK_1G], 3);
	host_move_frame(7);
	host_move(&blocks[1], 2);
	ok(maps_nothing(1 << 18) && maps_nothing(1031) && maps_nothing(512) && maps_nothing(1) &&
	   maps(0, 5, 1, 7) && !books_broken() && !tlb_broken(),
	   "what the host moves is found through the reverse map");
	ok(counts(1, 0, 0), "and counted no more");
	finish();
	ok(!live_pages && counts(0, 0, 0), "no page is left");
}

/* Faults needed to touch @n pages again. */
static unsigned int touch_again(unsigned int n, u32 access)
{
	unsigned int i, faults = 0;
	struct hw_leaf leaf;

	for (i = 0; i < n; i++) {
		while (!hw_walk(tree->root, i, &leaf) || (access & ~leaf.perm)) {
			faults++;
			if (touch(i, access) == FAULT_REPORT)
				break;
		}
	}
	return faults;
}

static void test_invept(void)
{
	unsigned int i, before;

	start(0);
	for (i = 0; i < 300; i++)
		map12(i, 1023 - i, 7);
	ok(touch_again(300, ACC_WRITE) == 300, "each page faults once");
	before = flushes;
	invept();
	ok(maps_nothing(0) && flushes == before + 1, "INVEPT hides everything, with one flush");
	invept();
	ok(flushes == before + 1, "what is hidden needs no other flush");
	ok(touch_again(300, ACC_WRITE) == 1 && revived == 1, "one fault brings the region back");
	map12(3, 77, 7);
	map12(4, 1019, 5);
	*mem_entry(TABLE(1), 5) = 0;
	invept();
	ok(touch_again(1, ACC_WRITE) == 1 && maps_nothing(3) && maps(4, 1019, 1, 5) &&
	   maps_nothing(5) && maps(6, 1017, 1, 7), "what L1 changed is not brought back");
	ok(touch(3, ACC_READ) == FAULT_FIXED && maps(3, 77, 1, 7), "and is found anew");
	*mem_entry(TABLE(3), 0) &= ~EPTE_W;
	invept();
	touch(6, ACC_READ);
	ok(maps(6, 1017, 1, 5) && maps(8, 1015, 1, 5), "rights lost above are lost for all");
	ok(touch(8, ACC_WRITE) == FAULT_REPORT, "and a write goes to L1");
	*mem_entry(TABLE(2), 0) = 0;
	invept();
	ok(touch(6, ACC_READ) == FAULT_REPORT && maps_nothing(6), "a table L1 took out is out");
	*mem_entry(TABLE(2), 0) = 512ull << 12 | EPTE_LARGE | 7 | WB;
	*mem_entry(TABLE(3), 0) |= EPTE_W;
	invept();
	ok(touch(6, ACC_READ) == FAULT_FIXED && maps(6, 518, 2, 7) && !books_broken(),
	   "a table that L1 replaced by a large page becomes a large page");
	invept();
	ok(touch(7, ACC_READ) == FAULT_FIXED && maps(7, 519, 2, 7) && !tlb_broken(),
	   "a large page comes back, too");
	finish();
}

static void test_other_trees(void)
{
	struct mmu_ept12 e = key(PAGE(8), 0);
	struct ept02 *first, *other;
	struct hw_leaf leaf;

	start(0);
	first = tree;
	other = ept02_get(&space, &e);
	*mem_entry(PAGE(8), 0) = TABLE(3) | EPTE_RWX;
	map12(0, 5, 7);
	touch(0, ACC_READ);
	tree = other;
	touch(0, ACC_READ);
	invept();
	ok(maps(0, 5, 1, 7) && !hw_walk(first->root, 0, &leaf), "single-context INVEPT: one tree");
	ept02_invalidate(&space, PAGE(8) | 0x5e, false);
	ok(maps_nothing(0), "only the address of an EPT pointer counts");
	touch(0, ACC_READ);
	ept02_invalidate(&space, 0, true);
	ok(maps_nothing(0), "all-context INVEPT: all trees");
	ept02_put(&space, other);
	tree = first;
	finish();
}

static void test_flags(void)
{
	u64 *e;

	start(EPTP_AD);
	e = mem_entry(TABLE(1), 0);
	map12(0, 5, 7);
	map12(1, 6, 7);
	touch(0, ACC_READ);
	ok(maps(0, 5, 1, 5) && (*e & EPTE_A) && !(*e & EPTE_D), "A/D: a read page is not writable");
	touch(0, ACC_WRITE);
	ok(maps(0, 5, 1, 7) && (*e & EPTE_D), "until it is written, which sets D");
	touch(1, ACC_WRITE);
	*e &= ~EPTE_D;
	*mem_entry(TABLE(1), 1) &= ~(EPTE_A | EPTE_D);
	invept();
	touch(0, ACC_READ);
	ok(maps(0, 5, 1, 5), "D that L1 cleared costs the right to write");
	ok(maps_nothing(1), "A that L1 cleared costs the page");
	finish();
}

static void test_log(void)
{
	struct block *b = &blocks[1];

	start(0);
	*mem_entry(TABLE(2), 1) = 512ull << 12 | EPTE_LARGE | 7 | WB;
	map12(0, 512 + 7, 7);
	touch(512, ACC_WRITE);
	touch(0, ACC_WRITE);
	host_log(b, true);
	ok(maps(512, 512, 2, 5) && maps(0, 519, 1, 5) && !tlb_broken(),
	   "a log takes the right to write from L2");
	touch(512 + 8, ACC_READ);
	ok(!b->dirty[8], "reading is not logged");
	touch(512 + 7, ACC_WRITE);
	ok(maps(512 + 7, 519, 1, 7) && b->dirty[7], "a write of L2 is logged by L1's address");
	host_take_bit(519);
	ok(maps(512 + 7, 519, 1, 5) && maps(0, 519, 1, 5) && !tlb_broken() && !books_broken(),
	   "taking the bit protects all places of L2 that map the page");
	invept();
	touch(512 + 7, ACC_READ);
	ok(maps(512 + 7, 519, 1, 5), "and coming back after INVEPT does not undo that");
	invept();
	host_log(b, false);
	host_log(b, true);
	touch(512 + 7, ACC_READ);
	ok(!b->dirty[7] && maps(512 + 7, 519, 1, 5) && !books_broken(),
	   "nor does a log that began meanwhile");
	finish();
}

static u64 tree_bytes(void)
{
	return (tree->tables + 1) * EPT02_TABLE_BYTES;
}

static void test_bounds(void)
{
	u64 i, worst = 0, allowed, frame = 511ull << 18;

	start(0);
	space.slot_pages = 1 << 20;
	/* One page in each 2M: 4096 of them, 8G; L1's level-2 tables are pages 16 to 23. */
	for (i = 0; i < 8; i++)
		*mem_entry(TABLE(3), i) = PAGE(16 + i) | EPTE_RWX;
	for (i = 0; i < 8 * 512; i++)
		*mem_entry(PAGE(16 + i / 512), i % 512) = TABLE(1) | EPTE_RWX;
	/* A page that nothing else maps, touched first and evicted first. */
	*mem_entry(TABLE(3), 511) = PAGE(30) | EPTE_RWX;
	*mem_entry(PAGE(30), 0) = PAGE(31) | EPTE_RWX;
	*mem_entry(PAGE(31), 0) = 5 << 12 | 7 | WB;
	touch(frame, ACC_WRITE);
	for (i = 0; i < 512; i++)
		map12(i, 0x3e00 + i, 7);
	for (i = 0; i < 4096; i++) {
		touch(i * 512 + i % 512, ACC_WRITE);
		worst = tree_bytes() > worst ? tree_bytes() : worst;
	}
	host_move_frame(5);
	ok(maps_nothing(frame) && !tlb_broken(), "what is evicted is flushed");
	allowed = EPT02_FREE_BYTES + 4 * EPT02_TABLE_BYTES + 4096 * 4096 / 256;
	ok(worst <= allowed && !books_broken() && !tlb_broken(),
	   "touched sparsely: %llu KiB of tables, %llu allowed", worst >> 10, allowed >> 10);
	for (i = 0; i < 512 * 512; i++)
		touch(i, ACC_WRITE);
	ok(tree_bytes() <= (512 * 512 * 4096ull) / 256 + EPT02_FREE_BYTES && tree->tables >= 512,
	   "1G touched densely: %llu KiB of tables, all of them kept", tree_bytes() >> 10);
	space.slot_pages = 512;
	for (i = 0; i < 512 * 64; i++)
		touch(512 * 512 + i, ACC_WRITE);
	ok(tree_bytes() <= EPT02_FREE_BYTES + 4 * EPT02_TABLE_BYTES + 512 * 4096 / 256,
	   "one page mapped many times: %llu KiB", tree_bytes() >> 10);
	for (i = 0; i < 511; i++)
		*mem_entry(TABLE(3), i) = PAGE(40) | EPTE_RWX;
	*mem_entry(PAGE(40), 0) = 512 << 12 | EPTE_LARGE | 7 | WB;
	invept();
	for (i = 0; i < 511; i++)
		touch(i << 18, ACC_READ);
	ok(tree_bytes() <= EPT02_FREE_BYTES + 4 * EPT02_TABLE_BYTES + 512 * 4096 / 256 &&
	   !books_broken(), "one large page mapped many times: %llu KiB", tree_bytes() >> 10);
	finish();
}

static void test_cache(void)
{
	struct ept02 *t[20], *again;
	struct mmu_ept12 e;
	unsigned int i, n;

	world_init(true, false);
	for (i = 0; i < 20; i++) {
		e = key(PAGE(100 + i), 0);
		t[i] = ept02_get(&space, &e);
	}
	e = key(PAGE(105), 0);
	again = ept02_get(&space, &e);
	e.maxphyaddr--;
	ok(again == t[5] && ept02_get(&space, &e) != t[5], "one tree for one key, all of the key");
	for (i = 0, n = 0; i < 20; i++)
		ept02_put(&space, t[i]);
	list_for_each_entry(tree, &space.trees, node)
		n++;
	ok(n == EPT02_UNUSED_MAX + 2, "unused trees are kept, but not too many");
	e = key(PAGE(119), 0);
	ok(ept02_get(&space, &e) == t[19] && space.unused == EPT02_UNUSED_MAX - 1,
	   "the last ones used");
	list_for_each_entry(tree, &space.trees, node)
		tree->users = 0;
	world_exit();
	ok(!live_pages, "no page is left");
}

static void change_behind(void)
{
	map12(0, 6, 7);
	invept();
}

static void test_races(void)
{
	start(0);
	map12(0, 5, 7);
	map12(1, 8, 7);
	touch(1, ACC_READ);
	during_fault = change_behind;
	ok(touch(0, ACC_READ) == FAULT_RETRY && maps_nothing(0),
	   "INVEPT between the walk and the lock: walk again");
	during_fault = NULL;
	ok(touch(0, ACC_READ) == FAULT_FIXED && maps(0, 6, 1, 7), "and then it is right");
	finish();
}

void test_ept02(void)
{
	test_compose();
	test_invept();
	test_other_trees();
	test_flags();
	test_log();
	test_bounds();
	test_cache();
	test_races();
}
