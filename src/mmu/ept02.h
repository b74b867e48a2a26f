/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ept02: the trees of L2, their reverse map and their bounds.
 */
#ifndef NVMX_MMU_EPT02_H
#define NVMX_MMU_EPT02_H

#include <linux/list.h>
#include <nvmx/mmu.h>

#include "ept.h"
#include "ept12.h"

#define EPT02_UNUSED_MAX	8		/* trees kept for L1s that switch EPT pointers */
#define EPT02_FREE_BYTES	0x100000	/* that a tree may have whatever it maps */
/* Page, frame numbers and header of a table; and a link, as the allocator rounds it. */
#define EPT02_TABLE_BYTES	(4096 + 2048 + 128)
#define EPT02_LINK_BYTES	64

/* Locking: [l] ept_space.lock  [I] constant after creation */
struct ept02 {
	struct list_head node;		/* [l] in ept_space.trees */
	struct mmu_ept12 ept12;		/* [I] what it translates: the whole of it is the key */
	struct ept_table *root;		/* [I] */
	struct list_head leaves;	/* [l] tables of level 1, oldest first */
	unsigned int users;		/* [l] 0: may be freed */
	unsigned long seq;		/* [l] INVEPTs so far; read without lock, see ept02_seq() */
	u64 mapped;			/* [l] 4K pages in leaves */
	u64 nr_leaves[EPT_TOP];		/* [l] by level */
	u64 tables;			/* [l] below the root */
	u64 links;			/* [l] of the reverse map */
	bool ad;			/* [I] has accessed and dirty flags: as ept12 */
};

/* One table holds leaves in one region of L1's memory. */
struct ept02_link {
	struct hlist_node by_region;
	struct hlist_node by_table;
	struct ept_table *table;
	u32 region;
	u32 leaves;
};

/* A fault, after ept12 was walked. */
struct ept02_query {
	struct ept12_path *path;
	u64 frame;		/* of L2 */
	u32 access;		/* ACC_READ, ACC_WRITE, ACC_EXEC */
	unsigned long seq;	/* of the tree, from before the walk */
	const u64 *pt;		/* L1's level-1 table, once EPT02_NEED_PT asked for it */
	u32 revived;		/* out: regions that became live again */
	bool debt;		/* out */
};

/* The host page behind the L1 page. */
struct ept02_page {
	u64 pfn;		/* of the 4K page */
	u32 perm;		/* EPTE_RWX that slot, dirty log and host allow */
	u8 level;		/* largest page that slot, dirty log and host allow */
};

enum ept02_found {
	EPT02_HIT,		/* the access is allowed already */
	EPT02_MISS,
	EPT02_NEED_PT,		/* map path->table[1] and ask again */
	EPT02_RACED,		/* L1 executed INVEPT since the walk */
};

static inline unsigned long ept02_seq(const struct ept02 *t)
{
	/* Pairs with ept02_invalidate(): what was written before an INVEPT is read after this. */
	return smp_load_acquire(&t->seq);
}

static inline u64 ept02_leaf_gfn(const struct ept_table *t, unsigned int i)
{
	return t->gfn[i] | (t->e[i] & EPTE_GFN_HIGH) >> 52 << 32;
}

/* The bit of ept_table.filter for a leaf of @t. */
static inline u64 ept02_filter(const struct ept_table *t, u64 gfn)
{
	return t->level == 3 ? ~0ull : BIT_ULL((gfn >> EPT_INDEX_BITS) & 63);
}

/* ---- ept02.c ---- */
enum ept02_found ept02_find(struct ept_space *s, struct ept02 *t, struct ept02_query *q);
enum ept_done ept02_install(struct ept_space *s, struct ept02 *t, struct ept02_query *q,
			    const struct ept02_page *page);
void ept02_make_stale(struct ept_table *t, bool *debt);

/* ---- rmap02.c ---- */
int ept02_prepare_spares(struct ept_space *s);
void ept02_free_spares(struct ept_space *s);
bool ept02_leaf_put(struct ept_space *s, struct ept_table *t, unsigned int i, u64 gfn, u64 e);
void ept02_leaf_remove(struct ept_space *s, struct ept_table *t, unsigned int i);
unsigned int __must_check ept02_range(struct ept_space *s, const struct gfn_range *r);

/* ---- tree02.c ---- */
void ept02_adopt(struct ept_table *t);
void ept02_disown(struct ept_space *s, struct ept_table *t);
void ept02_bury_up(struct ept_space *s, struct ept_table *t);
bool __must_check ept02_evict(struct ept_space *s, struct ept02 *t);
struct ept02 *ept02_get(struct ept_space *s, const struct mmu_ept12 *e);
void ept02_put(struct ept_space *s, struct ept02 *t);
void ept02_invalidate(struct ept_space *s, u64 eptp12, bool all);
void ept02_free_all(struct ept_space *s);

#endif
