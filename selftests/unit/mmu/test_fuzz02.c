// SPDX-License-Identifier: GPL-2.0-only
/*
 * ept02 against a reference: random ept12 trees, with everything else that moves.
 *
 * L1 writes random entries (tables that point at each other and at themselves included), executes
 * INVEPT or forgets to, L2 touches pages, the host moves, collapses and ages them, dirty logs begin
 * and end; other CPUs do the same in the middle of a fault and while somebody waits for his flush.
 * After each step, for each page looked at:
 *
 *	what the CPU finds maps a frame and grants rights that ept12 granted for that address at
 *	some time since the last INVEPT; the frame is the host's; a right to write is logged
 *
 * and the TLB, which forgets only when it is flushed, holds nothing that the host or a log took
 * away.  The books (reverse map, counts) are compared with the tables now and then.
 */
#include <string.h>

#include "world.h"

#define NR_TREES	3
#define NR_TABLES	24		/* pages 0 to 23 are L1's tables */
#define NR_PROBES	96
#define HISTORY		48
#define STEPS		150000

/* What ept12 granted for one page at one time. */
struct grant {
	u64 gfn;
	u32 perm;
};

static struct ept02 *trees[NR_TREES];
static u64 probes[NR_PROBES];		/* frames of L2 */
static struct grant history[NR_TREES][NR_PROBES][HISTORY];
static u8 past[NR_TREES][NR_PROBES];
static bool overflow[NR_TREES];		/* too much history: INVEPT before going on */
static const char *failure;
static unsigned int hits, steps_done;

/* ---- the reference: a walk of ept12 of its own ---- */

static bool entry_bad(const struct mmu_ept12 *e, u64 entry, int level, bool leaf)
{
	unsigned int rwx = entry & 7, type = (entry >> 3) & 7;
	u64 must_be_0 = 0xfffffffffffffull & ~((1ull << e->maxphyaddr) - 1);

	if (rwx == 2 || rwx == 6 || (rwx == 4 && !e->exec_only))
		return true;
	if (level == 4)
		must_be_0 |= 0xf8;
	else if (!leaf)
		must_be_0 |= 0x78;
	else if (level == 3)
		must_be_0 |= e->page_1g ? 0x3ffff000 : 0x80;
	else if (level == 2)
		must_be_0 |= 0x1ff000;
	return (entry & must_be_0) || (leaf && (type == 2 || type == 3 || type == 7));
}

static struct grant reference(const struct mmu_ept12 *e, u64 frame)
{
	bool ad = e->eptp & EPTP_AD, leaf = false;
	u64 table = e->eptp & EPTE_ADDR, entry = 0;
	struct grant none = { 0, 0 }, g;
	u32 perm = 7;
	int level;

	for (level = 4; !leaf; level--) {
		if (table >> 12 >= MEM_PAGES)
			return none;
		entry = *mem_entry(table, (frame >> (9 * (level - 1))) & 511);
		leaf = level == 1 || (level < 4 && (entry & 0x80));
		/* Accessed flags that are not set have to be set by a fault first. */
		if (!(entry & 7) || entry_bad(e, entry, level, leaf))
			return none;
		perm &= entry & 7;
		table = entry & EPTE_ADDR;
		if (leaf)
			break;
	}
	if (ad && !(entry & EPTE_A))
		return none;
	if (ad && !(entry & EPTE_D))
		perm &= ~2u;
	g.gfn = (table >> 12) + (frame & ((1ull << (9 * (level - 1))) - 1));
	g.perm = perm;
	return g;
}

static void remember(unsigned int t, unsigned int p)
{
	struct grant g = reference(&trees[t]->ept12, probes[p]);
	u8 n = past[t][p];

	if (!g.perm)
		return;
	if (n && !memcmp(&history[t][p][n - 1], &g, sizeof(g)))
		return;
	if (n == HISTORY) {
		overflow[t] = true;
		return;
	}
	history[t][p][n] = g;
	past[t][p]++;
}

static void remember_all(void)
{
	unsigned int t, p;

	for (t = 0; t < NR_TREES; t++)
		for (p = 0; p < NR_PROBES; p++)
			remember(t, p);
}

static bool was_granted(unsigned int t, unsigned int p, const struct hw_leaf *leaf)
{
	u64 gfn = gfn_of_pfn(leaf->pfn);
	unsigned int i;

	for (i = 0; i < past[t][p]; i++)
		if (history[t][p][i].gfn == gfn && !(leaf->perm & ~history[t][p][i].perm))
			return true;
	return false;
}

static void check_probe(unsigned int t, unsigned int p)
{
	struct hw_leaf leaf;
	struct block *b;
	u64 gfn;

	if (!hw_walk(trees[t]->root, probes[p], &leaf))
		return;
	hits++;
	gfn = gfn_of_pfn(leaf.pfn);
	b = block_of(gfn);
	if (gfn == ~0ull || !b)
		failure = "L2 reaches a frame that is not L1's";
	else if ((leaf.perm & EPTE_W) && !may_be_written(gfn))
		failure = "L2 writes without being logged";
	else if (!overflow[t] && !was_granted(t, p, &leaf))
		failure = "L2 has more than ept12 granted since the last INVEPT";
	else if (space.small_exec && leaf.level > 1 && (leaf.perm & EPTE_X))
		failure = "an executable large page";
}

static void check_all(void)
{
	unsigned int t, p;

	for (t = 0; t < NR_TREES && !failure; t++)
		for (p = 0; p < NR_PROBES; p++)
			check_probe(t, p);
	if (!failure)
		failure = tlb_broken();
}

/* ---- the steps ---- */

static u64 random_gfn(void)
{
	struct block *b = &blocks[random_below(NR_BLOCKS)];

	return b->gfn + random_below(b->frames);
}

static u64 random_perm(void)
{
	static const u8 rare[] = { 3, 5, 1, 4, 0, 2, 6 };

	return one_in(4) ? rare[random_below(ARRAY_SIZE(rare))] : 7;
}

/* An entry for a table that may be used on any level. */
static u64 random_entry(void)
{
	u64 e = random_perm();

	switch (random_below(10)) {
	case 0:
		/* A large leaf, maybe of a wrong alignment. */
		return e | (random_gfn() & ~511ull) << 12 | EPTE_LARGE | 6 << 3;
	case 1:
		return e | blocks[BLOCK_1G].gfn << 12 | EPTE_LARGE | 6 << 3;
	case 2:
		return e | random_gfn() << 12 | 6 << 3;
	case 3:
		return one_in(3) ? e | random_u64() % (1ull << 50) : e | random_gfn() << 12;
	default:
		/* A table, or, on level 1, one of L1's tables as memory of L2. */
		return e | PAGE(random_below(NR_TABLES));
	}
}

static void l1_writes(void)
{
	u64 *e = mem_entry(PAGE(random_below(NR_TABLES)), random_below(one_in(4) ? 512 : 6));
	unsigned int n = one_in(8) ? 4 : 1;

	while (n--) {
		switch (random_below(6)) {
		case 0:
			*e = (*e & ~7ull) | random_perm();
			break;
		case 1:
			*e ^= one_in(2) ? EPTE_A : EPTE_D;
			break;
		default:
			*e = random_entry();
		}
		e = mem_entry(PAGE(random_below(NR_TABLES)), random_below(6));
	}
	remember_all();
}

/* All tables anew: a tree that has become barren does not stay so. */
static void l1_rebuilds(void)
{
	unsigned int i, j;

	for (i = 0; i < NR_TABLES; i++)
		for (j = 0; j < 8; j++)
			*mem_entry(PAGE(i), j < 6 ? j : 503 + j) = random_entry();
	for (i = 0; i < 4; i++)
		*mem_entry(PAGE(i / 2), i % 2) = PAGE(2 + random_below(NR_TABLES - 2)) | 7;
	remember_all();
}

static void invept(unsigned int t, bool all)
{
	unsigned int i;

	/* What is read from now on is allowed; until it is done the old is, too. */
	ept02_invalidate(&space, trees[t]->ept12.eptp, all);
	for (i = 0; i < NR_TREES; i++) {
		if (!all && (trees[i]->ept12.eptp ^ trees[t]->ept12.eptp) & EPTE_ADDR)
			continue;
		memset(past[i], 0, sizeof(past[i]));
		overflow[i] = false;
	}
	remember_all();
}

static void touch(void)
{
	static const u8 access[] = { 1, 2, 4, 1, 2, 3 };
	unsigned int t = random_below(NR_TREES), p = random_below(NR_PROBES);
	struct nvmx_fault f;

	fault02(trees[t], probes[p] << 12 | 0x123, access[random_below(6)], &f);
	remember_all();
	hw_access(trees[t]->root, probes[p]);
}

static void touch01(void)
{
	u64 gfn = random_gfn();

	fault01(gfn << 12, one_in(2) ? ACC_WRITE : one_in(2) ? ACC_READ : ACC_EXEC);
	hw_access(ROOT01, gfn);
}

static void host_step(void)
{
	struct block *b = &blocks[random_below(NR_BLOCKS)];

	switch (random_below(8)) {
	case 0:
		host_move(b, b == &blocks[BLOCK_1G] ? 3 : 1 + random_below(2));
		break;
	case 1:
		host_log(b, one_in(2));
		break;
	case 2:
		host_age(random_gfn());
		break;
	case 3:
	case 4:
		host_take_bit(random_gfn());
		break;
	default:
		if (b->level == 1)
			host_move_frame(b->gfn + random_below(one_in(2) ? 24 : 512));
	}
}

/* Users come and go; a tree that nobody uses may be freed, and the key be found again. */
static void cache_step(void)
{
	unsigned int t = random_below(NR_TREES);
	struct mmu_ept12 e = trees[t]->ept12;

	ept02_put(&space, trees[t]);
	trees[t] = ept02_get(&space, &e);
}

static void other_cpu(void)
{
	if (!one_in(3))
		return;
	switch (random_below(6)) {
	case 0:
		l1_writes();
		break;
	case 1:
		l1_writes();
		invept(random_below(NR_TREES), one_in(3));
		break;
	case 2:
		touch();
		break;
	default:
		host_step();
	}
	/* What this one did has ended, so it has to be true now. */
	check_all();
}

static void one_step(void)
{
	unsigned int t;

	switch (random_below(16)) {
	case 0:
		l1_writes();
		break;
	case 1:
	case 2:
		invept(random_below(NR_TREES), one_in(4));
		break;
	case 3:
	case 4:
		host_step();
		break;
	case 5:
		if (one_in(10))
			cache_step();
		break;
	case 6:
		touch01();
		break;
	default:
		touch();
	}
	for (t = 0; t < NR_TREES; t++)
		if (overflow[t])
			invept(t, false);
}

static u64 random_probe(void)
{
	/* Few places on each level, so that tables meet. */
	return (u64)random_below(2) << 27 | (u64)random_below(3) << 18 |
	       (u64)random_below(4) << 9 | (one_in(8) ? 511 : random_below(6));
}

static void run(bool ad, bool small_exec, unsigned int steps)
{
	unsigned int i;

	world_init(ad, small_exec);
	memset(past, 0, sizeof(past));
	failure = NULL;
	/* Some allowance less, so that trees are evicted, too. */
	space.slot_pages = 0;
	for (i = 0; i < NR_PROBES; i++)
		probes[i] = random_probe();
	for (i = 0; i < NR_TREES; i++) {
		struct mmu_ept12 e = {
			/* Two pointers to one top table, that differ in A/D. */
			.eptp = PAGE(i / 2) | EPTP_LEVELS(4) | EPTP_WB |
				(ad && i % 2 ? EPTP_AD : 0),
			.maxphyaddr = 48, .exec_only = i < 2, .page_1g = i != 2,
		};

		trees[i] = ept02_get(&space, &e);
		overflow[i] = false;
	}
	blocks[2].readonly = true;
	during_fault = other_cpu;
	during_flush = other_cpu;
	after_walk = remember_all;
	for (i = 0; i < steps && !failure; i++) {
		if (i % 1024 == 0) {
			l1_rebuilds();
			invept(0, true);
		}
		one_step();
		if (!failure)
			check_all();
		if (!failure && i % 64 == 0)
			failure = books_broken();
		steps_done++;
	}
	during_fault = NULL;
	during_flush = NULL;
	after_walk = NULL;
	for (i = 0; i < NR_TREES; i++)
		ept02_put(&space, trees[i]);
	world_exit();
}

void test_fuzz02(void)
{
	static const char * const name[] = {
		"with A/D flags", "with A/D flags and iTLB multihit", "without A/D flags",
		"without A/D flags and with iTLB multihit",
	};
	unsigned int i, flushed = 0;

	for (i = 0; i < 4; i++) {
		hits = 0;
		steps_done = 0;
		run(i < 2, i & 1, STEPS / 4);
		flushed = flushes;
		ok(!failure && hits > 100000 && revived > 100 && !live_pages,
		   "random ept12 %s: %u steps, %u leaves judged, %u revivals, %u flushes %s",
		   name[i], steps_done, hits, revived, flushed, failure ? failure : "");
	}
}
