// SPDX-License-Identifier: GPL-2.0-only
/*
 * A host and a CPU for tests of the tables.
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define TLB_SIZE	64

struct block blocks[NR_BLOCKS];
struct ept_space space;
unsigned long notifier_seq;
unsigned int flushes, revived;
long live_pages;
void (*during_flush)(void);
void (*during_fault)(void);
void (*after_walk)(void);

static u64 next_pfn;

static struct {
	u64 gfn, pfn;
	u32 perm;
} tlb[TLB_SIZE];
static unsigned int tlb_used;

/* Tables that a walk in progress may still read. */
static const u64 *cached_tables[TLB_SIZE];
static unsigned int nr_cached;

/* ---- the kernel's allocators ---- */

unsigned long get_zeroed_page(gfp_t flags)
{
	void *page = aligned_alloc(4096, 8192);

	memset(page, 0, 8192);
	live_pages++;
	return (unsigned long)page;
}

void free_page(unsigned long addr)
{
	unsigned int i;

	for (i = 0; i < nr_cached; i++) {
		if (cached_tables[i] == (const u64 *)addr) {
			puts("# a table page is freed while a CPU may walk it");
			abort();
		}
	}
	live_pages--;
	free((void *)addr);
}

void *kzalloc(size_t size, gfp_t flags)
{
	return calloc(1, size);
}

void *kmalloc_array(size_t n, size_t size, gfp_t flags)
{
	return malloc(n * size);
}

void kfree(const void *p)
{
	free((void *)p);
}

/* ---- what the room asks of the kernel ---- */

void ept_flush(struct ept_space *s)
{
	void (*other)(void) = during_flush;

	if (s->lock.held) {
		puts("# flush under the lock");
		abort();
	}
	/* One other CPU at a time. */
	during_flush = NULL;
	if (other)
		other();
	during_flush = other;
	tlb_used = 0;
	nr_cached = 0;
	flushes++;
}

bool ept_bug(struct ept_space *s, bool cond, const char *what)
{
	if (cond) {
		printf("# broken: %s\n", what);
		abort();
	}
	return false;
}

/* ---- the host's pages ---- */

static u64 take_pfns(u64 n)
{
	u64 pfn = (next_pfn + n - 1) & ~(n - 1);

	next_pfn = pfn + n;
	return pfn;
}

struct block *block_of(u64 gfn)
{
	unsigned int i;

	for (i = 0; i < NR_BLOCKS; i++)
		if (gfn >= blocks[i].gfn && gfn < blocks[i].gfn + blocks[i].frames)
			return &blocks[i];
	return NULL;
}

u64 host_pfn(u64 gfn)
{
	struct block *b = block_of(gfn);

	if (!b)
		return ~0ull;
	return b->level > 1 ? b->pfn + (gfn - b->gfn) : b->small[gfn - b->gfn];
}

static void place(struct block *b, u8 level)
{
	unsigned int i;

	b->level = level;
	if (level > 1) {
		b->pfn = take_pfns(b->frames);
		return;
	}
	for (i = 0; i < 512; i++)
		b->small[i] = take_pfns(1);
}

/* What invalidate_range_start() does. */
static void range_op(u64 first, u64 end, enum ept_op op)
{
	struct gfn_range r = { .first = first, .end = end, .op = op, .space = MMU_NORMAL };
	unsigned int ret;

	spin_lock(&space.lock);
	ret = ept01_range(&space, &r);
	ret |= ept02_range(&space, &r);
	ept_unlock_pay(&space, ret & EPT_DEBT);
}

void host_move(struct block *b, u8 level)
{
	b->moving++;
	range_op(b->gfn, b->gfn + b->frames, EPT_OP_ZAP);
	place(b, level);
	notifier_seq++;
	b->moving--;
}

void host_move_frame(u64 gfn)
{
	struct block *b = block_of(gfn);

	b->moving++;
	range_op(gfn, gfn + 1, EPT_OP_ZAP);
	if (b->level == 1)
		b->small[gfn - b->gfn] = take_pfns(1);
	notifier_seq++;
	b->moving--;
}

void host_take_bit(u64 gfn)
{
	struct gfn_range r = { .first = gfn, .end = gfn + 1, .op = EPT_OP_WRPROT };
	struct block *b = block_of(gfn);
	unsigned int ret;

	if (!b->logged)
		return;
	spin_lock(&space.lock);
	b->dirty[gfn - b->gfn] = 0;
	ret = ept01_range(&space, &r);
	ret |= ept02_range(&space, &r);
	(void)ret;
	b->taking++;
	ept_unlock_pay(&space, true);
	b->taking--;
}

/* As slots.c does: the new slot is published, then the right to write is taken. */
void host_log(struct block *b, bool on)
{
	if (b->frames > 512 || b->logged == on)
		return;
	b->logged = on;
	memset(b->dirty, 0, sizeof(b->dirty));
	notifier_seq++;
	b->taking++;
	range_op(b->gfn, b->gfn + b->frames, on ? EPT_OP_WRPROT : EPT_OP_ZAP);
	b->taking--;
}

void host_age(u64 gfn)
{
	range_op(gfn, gfn + 1, one_in(2) ? EPT_OP_AGE : EPT_OP_YOUNG);
}

/* ---- the CPU ---- */

static void cache_table(const u64 *e)
{
	if (nr_cached < TLB_SIZE)
		cached_tables[nr_cached++] = e;
}

/* From a table, which may have been taken out of the tree. */
static bool walk_from(const u64 *e, int level, u64 frame, struct hw_leaf *leaf, bool fill)
{
	u32 perm = EPTE_RWX;
	u64 entry;

	for (;; level--) {
		if (fill)
			cache_table(e);
		entry = e[ept_index(frame, level)];
		if (!(entry & EPTE_RWX))
			return false;
		perm &= entry & EPTE_RWX;
		if (level == 1 || (entry & EPTE_LARGE))
			break;
		e = (const u64 *)(unsigned long)(entry & EPTE_ADDR);
	}
	leaf->pfn = ((entry & EPTE_ADDR) >> PAGE_SHIFT) + (frame & (ept_span(level) - 1));
	leaf->perm = perm;
	leaf->level = level;
	return true;
}

bool hw_walk(const struct ept_table *root, u64 frame, struct hw_leaf *leaf)
{
	return walk_from(root->e, EPT_TOP, frame, leaf, false);
}

static void tlb_fill(const struct hw_leaf *leaf)
{
	if (tlb_used == TLB_SIZE)
		return;
	tlb[tlb_used].pfn = leaf->pfn;
	tlb[tlb_used].gfn = gfn_of_pfn(leaf->pfn);
	tlb[tlb_used].perm = leaf->perm;
	tlb_used++;
}

void hw_access(const struct ept_table *root, u64 frame)
{
	struct hw_leaf leaf;

	if (walk_from(root->e, EPT_TOP, frame, &leaf, true))
		tlb_fill(&leaf);
}

u64 gfn_of_pfn(u64 pfn)
{
	unsigned int i, j;

	for (i = 0; i < NR_BLOCKS; i++) {
		struct block *b = &blocks[i];

		if (b->level > 1) {
			if (pfn >= b->pfn && pfn < b->pfn + b->frames)
				return b->gfn + (pfn - b->pfn);
			continue;
		}
		for (j = 0; j < 512; j++)
			if (b->small[j] == pfn)
				return b->gfn + j;
	}
	return ~0ull;
}

/* May L1 write this frame without being noticed? */
bool may_be_written(u64 gfn)
{
	struct block *b = block_of(gfn);

	return !b->readonly && (!b->logged || b->taking || b->dirty[gfn - b->gfn]);
}

static const char *frame_broken(u64 gfn, u64 pfn, u32 perm)
{
	if (gfn == ~0ull || host_pfn(gfn) != pfn)
		return "a frame that the host has given away";
	if ((perm & EPTE_W) && !may_be_written(gfn))
		return "a right to write that was taken away";
	return NULL;
}

const char *tlb_broken(void)
{
	const char *what;
	unsigned int i;

	for (i = 0; i < tlb_used; i++) {
		what = frame_broken(tlb[i].gfn, tlb[i].pfn, tlb[i].perm);
		if (what)
			return what;
	}
	return NULL;
}

/* ---- faults, as in fault.c ---- */

static bool target_page(u64 gfn, u32 access, struct ept02_page *page)
{
	struct block *b = block_of(gfn);

	page->pfn = host_pfn(gfn);
	page->level = b->logged || (space.small_exec && (access & ACC_EXEC)) ? 1 : b->level;
	page->perm = EPTE_R | EPTE_X;
	if (!b->readonly && (!b->logged || (access & ACC_WRITE)))
		page->perm |= EPTE_W;
	if (access & ACC_WRITE && b->logged)
		b->dirty[gfn - b->gfn] = 1;
	return true;
}

static void others(void)
{
	void (*other)(void) = during_fault;

	during_fault = NULL;
	if (other)
		other();
	during_fault = other;
}

static enum ept02_found find(struct ept02 *t, struct ept02_query *q)
{
	enum ept02_found found;

	q->debt = false;
	spin_lock(&space.lock);
	found = ept02_find(&space, t, q);
	ept_unlock_pay(&space, q->debt);
	return found;
}

enum fault_end fault02(struct ept02 *t, u64 ngpa, u32 access, struct nvmx_fault *f)
{
	struct ept12_path path = { .gpa = 0 };
	struct ept02_query q = { .path = &path, .frame = ngpa >> PAGE_SHIFT, .access = access };
	struct ept02_page page = { .pfn = 0 };
	enum fault_end end = FAULT_RETRY;
	enum ept02_found found;
	unsigned long seq;
	struct block *b;

	q.seq = ept02_seq(t);
	if (ept12_walk(&t->ept12, ngpa, access, &path, f))
		return FAULT_REPORT;
	if (after_walk)
		after_walk();
	b = block_of(path.gpa >> PAGE_SHIFT);
	if (!b || (b->readonly && (access & ACC_WRITE)))
		return FAULT_MMIO;
	others();
	found = find(t, &q);
	if (found == EPT02_NEED_PT) {
		u64 pt = path.table[1] & ~4095ull;

		others();
		q.pt = pt >> PAGE_SHIFT < MEM_PAGES ? mem_page(pt) : NULL;
		found = q.pt ? find(t, &q) : EPT02_RACED;
		q.pt = NULL;
	}
	revived += q.revived;
	if (found == EPT02_HIT)
		return FAULT_FIXED;
	if (found != EPT02_MISS)
		return FAULT_RETRY;
	if (ept_prepare(&space, EPT_02))
		abort();
	seq = notifier_seq;
	others();
	q.debt = false;
	spin_lock(&space.lock);
	if (seq == notifier_seq && !b->moving) {
		target_page(path.gpa >> PAGE_SHIFT, access, &page);
		if (ept02_install(&space, t, &q, &page) == EPT_DONE)
			end = FAULT_FIXED;
	}
	ept_unlock_pay(&space, q.debt);
	return end;
}

enum fault_end fault01(u64 gpa, u32 access)
{
	struct ept01_map map = { .gfn = gpa >> PAGE_SHIFT, .access = access };
	struct block *b = block_of(map.gfn);
	enum fault_end end = FAULT_RETRY;
	struct ept02_page page;
	bool debt = false;
	unsigned long seq;

	if (!b || (b->readonly && (access & ACC_WRITE)))
		return FAULT_MMIO;
	if (ept_prepare(&space, EPT_01))
		abort();
	seq = notifier_seq;
	others();
	spin_lock(&space.lock);
	if (seq == notifier_seq && !b->moving) {
		target_page(map.gfn, access, &page);
		map.pfn = page.pfn;
		map.perm = page.perm;
		map.level = page.level;
		if (ept01_map(&space, &map, &debt) == EPT_DONE)
			end = FAULT_FIXED;
	}
	ept_unlock_pay(&space, debt);
	return end;
}

/* ---- the books ---- */

struct tally {
	const char *broken;
	u64 mapped, tables, leaf_tables, links;
};

static void count_leaf(struct ept_table *t, unsigned int i, struct tally *n)
{
	u64 e = t->e[i] & EPTE_STALE ? ept_revive(t->e[i]) : t->e[i];
	u64 gfn, pfn = (e & EPTE_ADDR) >> PAGE_SHIFT, span = ept_span(t->level);
	const char *what;

	if (!t->tree) {
		gfn = t->first + i * span;
	} else {
		gfn = ept02_leaf_gfn(t, i);
		if (!(ept02_filter(t, gfn) & t->filter))
			n->broken = "a leaf that the filter misses";
	}
	n->mapped += span;
	what = frame_broken(gfn, pfn, e & EPTE_RWX);
	if (!what && span > 1)
		what = frame_broken(gfn + span - 1, pfn + span - 1, e & EPTE_RWX);
	if (what)
		n->broken = what;
	if ((e & EPTE_RWX) == EPTE_W || (e & EPTE_RWX) == (EPTE_W | EPTE_X))
		n->broken = "a leaf that would be misconfigured";
}

static void count_table(struct ept_table *t, struct tally *n)
{
	u64 leaves = 0, linked = 0;
	struct ept02_link *l;
	unsigned int i, used = 0, links = 0;

	n->tables++;
	n->leaf_tables += t->level == 1;
	for (i = 0; i < EPT_ENTRIES; i++) {
		if (!t->e[i])
			continue;
		used++;
		if (ept_is_table(t->e[i], t->level)) {
			struct ept_table *below = ept_table_of(t->e[i]);

			if (below->up != t || below->level != t->level - 1 ||
			    ept_index(below->first, t->level) != i)
				n->broken = "a table that is not where it says";
			count_table(below, n);
		} else {
			leaves++;
			count_leaf(t, i, n);
		}
	}
	hlist_for_each_entry(l, &t->links, by_table)
		linked += l->leaves;
	hlist_for_each_entry(l, &t->links, by_table)
		links++;
	n->links += links;
	if (links != t->nr_links)
		n->broken = "the number of links of a table";
	if (used != t->used)
		n->broken = "the number of entries of a table";
	if (t->tree && linked != leaves)
		n->broken = "leaves that are not in the reverse map";
}

const char *books_broken(void)
{
	struct tally n = { .broken = NULL };
	struct ept_table *tab;
	struct ept02 *t;

	count_table(ROOT01, &n);
	if (n.broken)
		return n.broken;
	list_for_each_entry(t, &space.trees, node) {
		n = (struct tally){ .broken = NULL };
		count_table(t->root, &n);
		if (n.broken)
			return n.broken;
		if (n.mapped != t->mapped)
			return "the number of mapped pages of a tree";
		if (n.links != t->links)
			return "the number of links of a tree";
		if (n.tables != t->tables + 1)
			return "the number of tables of a tree";
		list_for_each_entry(tab, &t->leaves, node)
			n.leaf_tables--;
		if (n.leaf_tables)
			return "the list of leaf tables of a tree";
	}
	return NULL;
}

/* ---- life ---- */

void world_init(bool ad, bool small_exec)
{
	/* Within 64M, across 64M, beyond 32 bits of frame number, and at the very end. */
	static const u64 bases[NR_BLOCKS] = {
		0, 512, 0x3e00, 0x4000, 0x40000000ull, 0x123456600ull, 0xffffffe00ull, 0x80000,
	};
	unsigned int i;

	mem_clear();
	memset(&space, 0, sizeof(space));
	memset(blocks, 0, sizeof(blocks));
	ept_space_init(&space);
	space.ad = ad;
	space.small_exec = small_exec;
	space.slot_pages = 1 << 20;
	ept01_init(&space);
	next_pfn = 0x100000;
	for (i = 0; i < NR_BLOCKS; i++) {
		blocks[i].gfn = bases[i];
		blocks[i].frames = i == BLOCK_1G ? 1 << 18 : 512;
		place(&blocks[i], i == BLOCK_1G ? 3 : i % 2 + 1);
	}
	tlb_used = 0;
	nr_cached = 0;
	flushes = 0;
	revived = 0;
}

void world_exit(void)
{
	tlb_used = 0;
	nr_cached = 0;
	ept02_free_all(&space);
	ept01_exit(&space);
	ept_space_exit(&space);
}
