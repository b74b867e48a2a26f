// SPDX-License-Identifier: GPL-2.0-only
/*
 * ept01: L1-physical to host-physical.
 *
 * A cache of the host's page tables: filled by faults, emptied by ranges.  One tree per address
 * space of the VM; its root lives as long as the VM.  A fault never makes a page larger than the
 * table it finds: on a CPU where large pages may not be executable, code and data in one 2M region
 * would otherwise replace each other's mapping for ever.  Tables that became empty are buried, so a
 * later fault (after the host collapsed the region to a large page, say) starts afresh.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>

#include "ept.h"

/*
 * A large leaf becomes a table of the next smaller pages with the same rights, and X: only
 * ept_space.small_exec ever withholds that.
 */
static struct ept_table *split(struct ept_space *s, struct ept_table *t, u64 gfn)
{
	u64 large = READ_ONCE(t->e[ept_index(gfn, t->level)]);
	struct ept_table *below = ept_grow(s, t, gfn);
	unsigned int i;
	u32 perm;
	u64 pfn;

	if (!below)
		return NULL;
	pfn = (large & EPTE_ADDR) >> PAGE_SHIFT;
	perm = large & EPTE_RWX;
	if (below->level == 1)
		perm |= EPTE_X;
	for (i = 0; i < EPT_ENTRIES; i++)
		ept_set(below, i, ept_leaf(pfn + i * ept_span(below->level), below->level, perm));
	ept_link(t, below);
	return below;
}

/* Put the leaf into @t, where a leaf of the same size may be already. */
static void put_leaf(struct ept_table *t, const struct ept01_map *m, u32 perm, bool *debt)
{
	unsigned int i = ept_index(m->gfn, t->level);
	u64 old = READ_ONCE(t->e[i]);
	u64 new = ept_leaf(m->pfn, t->level, perm);

	if (ept_is_live(old) && ((old ^ new) & EPTE_ADDR || old & EPTE_RWX & ~new))
		*debt = true;
	ept_set(t, i, new);
}

/* Does the leaf allow the access to the page that the host has there now? */
static bool suffices(u64 e, unsigned int level, const struct ept01_map *m)
{
	u64 pfn = ((e & EPTE_ADDR) >> PAGE_SHIFT) + (m->gfn & (ept_span(level) - 1));

	return pfn == m->pfn && !(m->access & ~e);
}

/*
 * Map one page, as large as allowed.  EPT_AGAIN: out of pooled tables.
 */
enum ept_done ept01_map(struct ept_space *s, const struct ept01_map *m, bool *debt)
{
	struct ept_table *t = s->root01[m->space], *below;
	u32 perm;
	u64 e;

	lockdep_assert_held(&s->lock);
	while (t->level > 1) {
		e = READ_ONCE(t->e[ept_index(m->gfn, t->level)]);
		if (ept_is_table(e, t->level)) {
			t = ept_table_of(e);
			continue;
		}
		if (e && !m->small && suffices(e, t->level, m))
			return EPT_DONE;
		if (t->level <= m->level)
			break;
		if (e) {
			below = split(s, t, m->gfn);
			*debt = true;
		} else {
			below = ept_grow(s, t, m->gfn);
			if (below)
				ept_link(t, below);
		}
		if (!below)
			return EPT_AGAIN;
		t = below;
	}
	perm = m->perm;
	if (t->level > 1 && s->small_exec)
		perm &= ~EPTE_X;
	put_leaf(t, m, perm, debt);
	return EPT_DONE;
}

static unsigned int leaf_op(struct ept_space *s, struct ept_table *t, unsigned int i,
			    enum ept_op op)
{
	unsigned int ret = ept_leaf_op(&t->e[i], op, s->ad);

	if (!(ret & EPT_REMOVE))
		return ret;
	ept_set(t, i, 0);
	return (ret & ~EPT_REMOVE) | EPT_DEBT;
}

static unsigned int table_range(struct ept_space *s, struct ept_table *t,
				const struct gfn_range *r);

static unsigned int below_range(struct ept_space *s, struct ept_table *below,
				const struct gfn_range *r)
{
	u64 last = below->first + ept_span(below->level + 1);
	unsigned int ret = 0;

	if (r->op != EPT_OP_ZAP || below->first < r->first || last > r->end)
		ret = table_range(s, below, r);
	if (below->used && !(r->op == EPT_OP_ZAP && below->first >= r->first && last <= r->end))
		return ret;
	ept_bury(s, below);
	return ret | EPT_DEBT;
}

/* One level down with each recursion, four at most. */
static unsigned int table_range(struct ept_space *s, struct ept_table *t, const struct gfn_range *r)
{
	u64 end = min(r->end, t->first + ept_span(t->level + 1));
	u64 frame = max(r->first, t->first);
	unsigned int ret = 0, i;
	u64 e;

	for (; frame < end; frame = ept_next(frame, t->level)) {
		i = ept_index(frame, t->level);
		e = READ_ONCE(t->e[i]);
		if (ept_is_table(e, t->level))
			ret |= below_range(s, ept_table_of(e), r);
		else if (e)
			ret |= leaf_op(s, t, i, r->op);
	}
	return ret;
}

/* Apply @r->op to all that maps a frame of the range. */
unsigned int ept01_range(struct ept_space *s, const struct gfn_range *r)
{
	lockdep_assert_held(&s->lock);
	return table_range(s, s->root01[r->space], r);
}

void ept01_exit(struct ept_space *s)
{
	unsigned int i;

	spin_lock(&s->lock);
	for (i = 0; i < NR_MMU_SPACES; i++) {
		if (s->root01[i])
			ept_bury(s, s->root01[i]);
		s->root01[i] = NULL;
	}
	spin_unlock(&s->lock);
}

int ept01_init(struct ept_space *s)
{
	unsigned int i;

	for (i = 0; i < NR_MMU_SPACES; i++) {
		s->root01[i] = ept_root_alloc(s);
		if (!s->root01[i]) {
			ept01_exit(s);
			return -ENOMEM;
		}
	}
	return 0;
}
