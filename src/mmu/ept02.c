// SPDX-License-Identifier: GPL-2.0-only
/*
 * ept02: L2-physical to host-physical, a software TLB of ept12 over ept01.
 *
 * What a tree may contain.  A leaf that the CPU can reach was derived from ept12 at some time after
 * L1's last INVEPT for this tree, exactly as a TLB entry would be.  Nothing else is remembered of
 * ept12: tables of ept02 are addressed by L2 frame only and never found by the content of a guest
 * table, upper entries grant everything, and all rights, ANDed over ept12's levels, are in the leaf
 * together with the L1 frame.  So there is nothing that could disagree with the guest's tables
 * later but leaves, and those are re-derived one by one.
 *
 * INVEPT makes the root's entries stale: not present for the CPU, but remembered.  A fault that
 * meets a stale entry has just walked ept12 for its own address (which also sets ept12's accessed
 * flags along that way).  It makes the entry live again after passing the doubt on: to all entries
 * of an upper table below; at a level-1 table by deriving all its leaves again from L1's current
 * entries.  A leaf stays if L1's entry still names the same frame and may be used without setting a
 * flag, with the rights that both allow; else it goes, and the next access faults.  An INVEPT so
 * costs one fault per 2M region that is touched again.
 *
 * The entries of L1 used for this were read after ept02.seq was; if it has moved under the lock,
 * an INVEPT came in between and the reader starts again.
 *
 * The frame behind a leaf is kept right by the notifier, the slots and the dirty log through the
 * reverse map, in stale tables as well: that never waits for L1.
 */
#include <linux/lockdep.h>
#include <linux/minmax.h>

#include "ept02.h"

/* The L1 frame of a leaf of @level that covers the query; ept12's leaf must be as large. */
static u64 leaf_gfn(const struct ept02_query *q, unsigned int level)
{
	return (q->path->gpa >> PAGE_SHIFT) & ~(ept_span(level) - 1);
}

static u32 granted(const struct ept02 *t, const struct ept02_query *q)
{
	return ept12_granted(&t->ept12, q->path->leaf, q->path->perm);
}

/* Keep the live or stale leaf where it agrees with what L1 grants now. */
static void recheck(struct ept_space *s, struct ept_table *tab, unsigned int i, u64 gfn, u32 grant)
{
	u64 e = READ_ONCE(tab->e[i]);
	u32 keep;

	if (e & EPTE_STALE)
		e = ept_revive(e);
	keep = e & EPTE_RWX & grant;
	if (!keep || ept02_leaf_gfn(tab, i) != gfn)
		ept02_leaf_remove(s, tab, i);
	else if (READ_ONCE(tab->e[i]) != ((e & ~EPTE_RWX) | keep))
		ept_set(tab, i, (e & ~EPTE_RWX) | keep);
}

static void recheck_large(struct ept_space *s, struct ept02 *t, struct ept_table *tab,
			  struct ept02_query *q)
{
	unsigned int i = ept_index(q->frame, tab->level);

	q->debt = true;
	if (q->path->level < tab->level) {
		ept02_leaf_remove(s, tab, i);
		return;
	}
	recheck(s, tab, i, leaf_gfn(q, tab->level), granted(t, q));
	q->revived += ept_is_live(tab->e[i]);
}

/* The leaves of a level-1 table against L1's level-1 table, or the one large leaf L1 has there. */
static void recheck_table(struct ept_space *s, struct ept02 *t, struct ept_table *tab,
			  struct ept02_query *q)
{
	u64 gfn = leaf_gfn(q, 1) - ept_index(q->frame, 1);
	u32 grant = granted(t, q);
	u64 entry, filter = 0;
	unsigned int i;

	q->debt = true;
	for (i = 0; i < EPT_ENTRIES; i++) {
		if (!tab->e[i])
			continue;
		if (q->path->level == 1) {
			entry = READ_ONCE(q->pt[i]);
			gfn = (entry & EPTE_ADDR) >> PAGE_SHIFT;
			grant = q->path->above & ept12_leaf_grants(&t->ept12, entry);
			recheck(s, tab, i, gfn, grant);
		} else {
			recheck(s, tab, i, gfn + i, grant);
		}
		if (tab->e[i])
			filter |= ept02_filter(tab, ept02_leaf_gfn(tab, i));
	}
	tab->filter = filter;
	tab->src_level = q->path->level;
}

/* All live entries stop being seen by the CPU; nothing is forgotten. */
void ept02_make_stale(struct ept_table *t, bool *debt)
{
	unsigned int i;
	u64 e;

	for (i = 0; t->used && i < EPT_ENTRIES; i++) {
		e = READ_ONCE(t->e[i]);
		if (!ept_is_live(e))
			continue;
		ept_set(t, i, ept_stale(e));
		*debt = true;
	}
}

/* false: L1's level-1 table is needed to go on. */
static bool recheck_below(struct ept_space *s, struct ept02 *t, struct ept_table *below,
			  struct ept02_query *q)
{
	bool ignored = false;

	if (below->level > 1) {
		/* The CPU cannot reach them: that flush came with the INVEPT. */
		ept02_make_stale(below, &ignored);
		return true;
	}
	if (q->path->level == 1 && !q->pt)
		return false;
	recheck_table(s, t, below, q);
	q->revived++;
	return true;
}

/* The same for the link to a stale table, which afterwards is live or gone. */
static bool revive_table(struct ept_space *s, struct ept02 *t, struct ept_table *below,
			 struct ept02_query *q)
{
	struct ept_table *tab = below->up;
	unsigned int i = ept_index(q->frame, tab->level);

	if (below->level == 1 && below->src_level < q->path->level) {
		/* L1 has a large page there now: begin again, maybe with a large one too. */
		ept_bury(s, below);
		q->debt = true;
		return true;
	}
	if (!recheck_below(s, t, below, q))
		return false;
	/* Pairs with the page walker: the contents are rechecked before the link is seen. */
	smp_wmb();
	ept_set(tab, i, ept_revive(tab->e[i]));
	return true;
}

/*
 * Make all on the way to the query live.  Returns the lowest table there is, whose entry is a
 * live leaf or nothing; NULL: L1's level-1 table is needed.
 */
static struct ept_table *refresh(struct ept_space *s, struct ept02 *t, struct ept02_query *q)
{
	struct ept_table *tab = t->root, *below;
	unsigned int i;
	u64 e;

	while (tab->level > 1) {
		i = ept_index(q->frame, tab->level);
		e = READ_ONCE(tab->e[i]);
		if (!ept_is_table(e, tab->level)) {
			if (e & EPTE_STALE)
				recheck_large(s, t, tab, q);
			break;
		}
		below = ept_table_of(e);
		if ((e & EPTE_STALE) && !revive_table(s, t, below, q))
			return NULL;
		if (!tab->e[i])
			break;
		tab = below;
	}
	return tab;
}

/* Look whether the tree allows the access after all. */
enum ept02_found ept02_find(struct ept_space *s, struct ept02 *t, struct ept02_query *q)
{
	struct ept_table *tab;
	u64 e;

	lockdep_assert_held(&s->lock);
	if (t->seq != q->seq)
		return EPT02_RACED;
	tab = refresh(s, t, q);
	if (!tab)
		return EPT02_NEED_PT;
	e = READ_ONCE(tab->e[ept_index(q->frame, tab->level)]);
	return ept_is_live(e) && !(q->access & ~e) ? EPT02_HIT : EPT02_MISS;
}

/* The table for a leaf of @level at most, with nothing larger in the way.  NULL: pool empty. */
static struct ept_table *grow_to(struct ept_space *s, struct ept_table *tab,
				 struct ept02_query *q, unsigned int level)
{
	struct ept_table *below;
	unsigned int i;

	while (tab->level > level) {
		i = ept_index(q->frame, tab->level);
		below = ept_grow(s, tab, q->frame);
		if (!below)
			return NULL;
		if (tab->e[i]) {
			ept02_leaf_remove(s, tab, i);
			q->debt = true;
		}
		below->src_level = q->path->level;
		ept_link(tab, below);
		tab = below;
	}
	return tab;
}

/* Same page, more rights: the only change that a live leaf sees. */
static bool upgrade(struct ept_table *tab, unsigned int i, u64 gfn, u64 new)
{
	u64 old = READ_ONCE(tab->e[i]);

	if (ept02_leaf_gfn(tab, i) != gfn || (old ^ new) & EPTE_ADDR || old & EPTE_RWX & ~new)
		return false;
	ept_set(tab, i, new | (old & EPTE_GFN_HIGH));
	return true;
}

/*
 * Map the page.  The caller has checked under this lock that the page is still the host's.
 * EPT_AGAIN: raced, or the pools are empty.
 */
enum ept_done ept02_install(struct ept_space *s, struct ept02 *t, struct ept02_query *q,
			    const struct ept02_page *page)
{
	u32 perm = page->perm & granted(t, q);
	struct ept_table *tab;
	unsigned int i;
	u64 gfn, e;

	lockdep_assert_held(&s->lock);
	if (t->seq != q->seq)
		return EPT_AGAIN;
	q->debt |= ept02_evict(s, t);
	tab = refresh(s, t, q);
	if (!tab)
		return EPT_AGAIN;
	tab = grow_to(s, tab, q, min(page->level, q->path->level));
	if (!tab)
		return EPT_AGAIN;
	if (tab->level > 1 && s->small_exec)
		perm &= ~(u32)EPTE_X;
	if (EPT_BROKEN(s, q->access & ~perm))
		return EPT_AGAIN;

	i = ept_index(q->frame, tab->level);
	gfn = leaf_gfn(q, tab->level);
	e = ept_leaf(page->pfn, tab->level, perm);
	if (tab->e[i]) {
		if (upgrade(tab, i, gfn, e))
			return EPT_DONE;
		ept02_leaf_remove(s, tab, i);
		q->debt = true;
	}
	return ept02_leaf_put(s, tab, i, gfn, e) ? EPT_DONE : EPT_AGAIN;
}
