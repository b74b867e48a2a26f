/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * EPT tables: the entries, and the one implementation of table pages for ept01 and ept02.
 *
 * Who owes what.  A table page, and the memory behind a leaf, may be given up only when no CPU has
 * the translation cached any more.  So whoever reduces a mapping under ept_space.lock carries a
 * flush debt, and drops the lock with ept_unlock_pay(), which flushes and then frees the tables
 * that were taken out.  Between the unlock and the end of the flush a mapping is gone from the
 * tables but maybe not from a TLB; ept_space.unpaid counts those debtors, and everybody who
 * unlocks meanwhile flushes too.  Without that, a notifier that finds nothing to remove could
 * return before the flush of the one who removed it.
 *
 * Nothing is allocated under the lock.  ept_prepare() fills pools before it is taken; an empty
 * pool under the lock means that other vCPUs were faster, and the guest simply faults again.
 */
#ifndef NVMX_MMU_EPT_H
#define NVMX_MMU_EPT_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/spinlock.h>
#include <nvmx/arch.h>
#include <nvmx/types.h>

struct ept02;

#define EPT_TOP		4		/* level of a root; level 1 maps 4K pages */
#define EPT_ENTRIES	512u
#define EPT_INDEX_BITS	9
#define EPT_MAX_FRAME	BIT_ULL(EPT_TOP * EPT_INDEX_BITS)	/* first out of a root's reach */

#define EPTE_ADDR	GENMASK_ULL(51, 12)
#define EPTE_WB		(EPTE_MEMTYPE(EPTP_WB) | EPTE_IPAT)
/*
 * Bits that the CPU ignores.  A stale entry is not present for the CPU and keeps its permissions
 * above, and its address inverted: a CPU with the L1 terminal fault may speculate with the address
 * of an entry that is not present.  Bits 55:52 of ept02 leaves hold bits 35:32 of L1's frame
 * number, see ept02_leaf_gfn().
 */
#define EPTE_GFN_HIGH	GENMASK_ULL(55, 52)
#define EPTE_KEPT_SHIFT	59
#define EPTE_KEPT	(EPTE_RWX << EPTE_KEPT_SHIFT)
#define EPTE_STALE	BIT_ULL(62)

enum ept_kind { EPT_01, EPT_02, NR_EPT_KINDS };

/*
 * One table page.  The CPU knows @e only; page_private() of that page leads back here.
 *
 * Locking: all members under ept_space.lock once the table is linked.
 */
struct ept_table {
	u64 *e;			/* EPT_ENTRIES of them, a page */
	struct ept_table *up;	/* NULL: a root, or not linked */
	struct ept02 *tree;	/* NULL: of ept01 */
	struct list_head node;	/* in a pool, in ept02.leaves (level 1), or doomed */
	u64 first;		/* frame that entry 0 translates */
	u8 level;
	u8 src_level;		/* ept02: level of the ept12 leaves it was built from, a hint */
	u16 used;		/* entries that are not 0 */
	/* ept02 only */
	u32 *gfn;		/* low half of the L1 frame of each leaf; NULL in roots */
	u64 filter;		/* where leaves may point: one bit per 2M, hashed; never too few */
	struct hlist_head links;/* struct ept02_link by table */
	u16 nr_links;
};

#define EPT_BUCKETS	1024u

/* Locking: [l] lock  [a] atomic  [I] constant after creation */
struct ept_space {
	spinlock_t lock;		/* "mmu_lock" */
	atomic_t unpaid;		/* [a] debtors between unlock and flush */
	struct list_head pool[NR_EPT_KINDS];	/* [l] */
	unsigned int pooled[NR_EPT_KINDS];	/* [l] */
	struct hlist_head spare;	/* [l] struct ept02_link */
	unsigned int spares;		/* [l] */
	struct list_head doomed;	/* [l] tables to be freed after a flush */
	atomic_long_t tables;		/* [a] that exist, for the leak check */
	bool ad;			/* [I] ept01 has accessed and dirty flags */
	bool small_exec;		/* [I] large pages may not be executable (iTLB multihit) */

	struct ept_table *root01[NR_MMU_SPACES];	/* [I] */

	struct list_head trees;		/* [l] struct ept02, unused ones last used last */
	unsigned int unused;		/* [l] trees without user */
	u64 slot_pages;			/* [l] of the normal space: L2 needs no more */
	struct hlist_head rmap[EPT_BUCKETS];	/* [l] struct ept02_link by region of L1 */
	struct hlist_head rmap_1g;	/* [l] those of 1G leaves */
};

/* What is done to the leaves of a range of L1's frames. */
enum ept_op {
	EPT_OP_ZAP,
	EPT_OP_WRPROT,
	EPT_OP_AGE,		/* take the accessed flag away */
	EPT_OP_YOUNG,		/* look at it */
};

/* Answer of an operation: bits. */
#define EPT_DEBT	BIT(0)	/* flush before the lock's effect is relied upon */
#define EPT_WAS_YOUNG	BIT(1)
#define EPT_REMOVE	BIT(2)	/* of ept_leaf_op() only: the caller takes the leaf out */

static inline u64 ept_span(unsigned int level)
{
	return 1ull << (EPT_INDEX_BITS * (level - 1));
}

static inline unsigned int ept_index(u64 frame, unsigned int level)
{
	return (frame >> (EPT_INDEX_BITS * (level - 1))) & (EPT_ENTRIES - 1);
}

static inline u64 ept_next(u64 frame, unsigned int level)
{
	return (frame | (ept_span(level) - 1)) + 1;
}

/* A table below, live or stale; else a leaf or nothing. */
static inline bool ept_is_table(u64 e, unsigned int level)
{
	return e && level > 1 && !(e & EPTE_LARGE);
}

static inline bool ept_is_live(u64 e)
{
	return e & EPTE_RWX;
}

static inline u64 ept_stale(u64 e)
{
	e = (e & ~EPTE_RWX) | (e & EPTE_RWX) << EPTE_KEPT_SHIFT | EPTE_STALE;
	return e ^ EPTE_ADDR;
}

static inline u64 ept_revive(u64 e)
{
	e = (e & ~(EPTE_KEPT | EPTE_STALE)) | (e & EPTE_KEPT) >> EPTE_KEPT_SHIFT;
	return e ^ EPTE_ADDR;
}

/* The CPU writes accessed and dirty flags at the same time; losing one is harmless here. */
static inline void ept_set(struct ept_table *t, unsigned int i, u64 e)
{
	t->used += !!e;
	t->used -= !!t->e[i];
	WRITE_ONCE(t->e[i], e);
}

static inline struct ept_table *ept_table_of(u64 e)
{
	if (e & EPTE_STALE)
		e = ept_revive(e);
	return (struct ept_table *)page_private(pfn_to_page((e & EPTE_ADDR) >> PAGE_SHIFT));
}

static inline u64 ept_leaf(u64 pfn, unsigned int level, u32 perm)
{
	return (pfn & ~(ept_span(level) - 1)) << PAGE_SHIFT | perm | EPTE_WB | EPTE_A |
	       (perm & EPTE_W ? EPTE_D : 0) | (level > 1 ? EPTE_LARGE : 0);
}

/* A flush of all that is cached for the VM, on all CPUs. */
void ept_flush(struct ept_space *s);
/* A broken invariant: the VM ends. */
bool ept_bug(struct ept_space *s, bool cond, const char *what);
#define EPT_BROKEN(s, cond) unlikely(ept_bug(s, cond, #cond))

/* ---- table.c ---- */
void ept_space_init(struct ept_space *s);
void ept_space_exit(struct ept_space *s);
int ept_prepare(struct ept_space *s, enum ept_kind kind);
struct ept_table *ept_root_alloc(struct ept_space *s);
struct ept_table *ept_grow(struct ept_space *s, struct ept_table *up, u64 frame);
void ept_link(struct ept_table *up, struct ept_table *t);
void ept_bury(struct ept_space *s, struct ept_table *t);
void ept_unlock_pay(struct ept_space *s, bool debt) __releases(&s->lock);
unsigned int __must_check ept_leaf_op(u64 *p, enum ept_op op, bool ad);

/* ---- ept01.c ---- */
struct ept01_map {
	enum mmu_space space;
	u64 gfn;
	u64 pfn;		/* of the 4K page at gfn */
	u32 perm;		/* EPTE_RWX: all that may be granted */
	u32 access;		/* what is needed now */
	u8 level;		/* largest page allowed */
	bool small;		/* and no larger one may be there already */
};

/* Frames [first, end) of one space, and what is done to the leaves that map them. */
struct gfn_range {
	u64 first, end;
	enum ept_op op;
	enum mmu_space space;
};

enum ept_done { EPT_DONE, EPT_AGAIN };

int ept01_init(struct ept_space *s);
void ept01_exit(struct ept_space *s);
enum ept_done ept01_map(struct ept_space *s, const struct ept01_map *m, bool *debt);
unsigned int __must_check ept01_range(struct ept_space *s, const struct gfn_range *r);

/* ---- count.c: pages[0] of 4K, [1] of 2M, [2] of 1G; the lock is held ---- */
u64 ept01_count(struct ept_space *s, enum mmu_space space, u64 frame, u64 *pages);
void ept02_count(struct ept_space *s, u64 *pages);

#endif
