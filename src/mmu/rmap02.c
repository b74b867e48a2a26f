// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reverse map: which leaves of any ept02 map a frame of L1.
 *
 * Each table notes the L1 frame of each of its leaves.  A link says that a table has leaves in one
 * 64M region of L1's memory; links hang in buckets by region.  A range is looked up region by
 * region, and the tables found there are searched for the frames; a filter of 2M regions skips
 * those that cannot have them.  Leaves of 1G would need many regions and hang in a list of their
 * own.  A table whose leaves are scattered over L1's memory has one link per region, not per leaf.
 *
 * The frame of a leaf is recorded by the one function that puts leaves, and read by the one that
 * removes them; it is never computed again.
 */
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "ept02.h"

#define REGION_BITS	14
#define REGION_SPAN	BIT_ULL(REGION_BITS)
#define REGION_1G	(~0u)
#define SPARES_MIN	2
#define SPARES_FILL	8

/* ---- links ---- */

int ept02_prepare_spares(struct ept_space *s)
{
	struct ept02_link *l;

	if (READ_ONCE(s->spares) >= SPARES_MIN)
		return 0;
	while (READ_ONCE(s->spares) < SPARES_FILL) {
		l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);
		if (!l)
			return -ENOMEM;
		spin_lock(&s->lock);
		hlist_add_head(&l->by_region, &s->spare);
		WRITE_ONCE(s->spares, s->spares + 1);
		spin_unlock(&s->lock);
	}
	return 0;
}

void ept02_free_spares(struct ept_space *s)
{
	struct ept02_link *l;
	struct hlist_node *next;

	hlist_for_each_entry_safe(l, next, &s->spare, by_region) {
		hlist_del(&l->by_region);
		kfree(l);
	}
	WRITE_ONCE(s->spares, 0);
}

static struct ept02_link *take_spare(struct ept_space *s)
{
	struct ept02_link *l = hlist_entry_safe(s->spare.first, struct ept02_link, by_region);

	if (!l)
		return NULL;
	hlist_del(&l->by_region);
	WRITE_ONCE(s->spares, s->spares - 1);
	return l;
}

static u32 region_of(const struct ept_table *t, u64 gfn)
{
	return t->level == 3 ? REGION_1G : gfn >> REGION_BITS;
}

static struct hlist_head *bucket_of(struct ept_space *s, u32 region)
{
	return region == REGION_1G ? &s->rmap_1g : &s->rmap[region % EPT_BUCKETS];
}

static struct ept02_link *link_find(const struct ept_table *t, u32 region)
{
	struct ept02_link *l;

	hlist_for_each_entry(l, &t->links, by_table) {
		if (l->region == region)
			return l;
	}
	return NULL;
}

static struct ept02_link *link_get(struct ept_space *s, struct ept_table *t, u32 region)
{
	struct ept02_link *l = link_find(t, region);

	if (l)
		return l;
	l = take_spare(s);
	if (!l)
		return NULL;
	l->table = t;
	l->region = region;
	l->leaves = 0;
	hlist_add_head(&l->by_table, &t->links);
	hlist_add_head(&l->by_region, bucket_of(s, region));
	t->nr_links++;
	t->tree->links++;
	return l;
}

static void link_free(struct ept02_link *l)
{
	l->table->nr_links--;
	l->table->tree->links--;
	hlist_del(&l->by_region);
	hlist_del(&l->by_table);
	kfree(l);
}

/* ---- leaves: one function puts, one removes ---- */

/* false: out of spare links. */
bool ept02_leaf_put(struct ept_space *s, struct ept_table *t, unsigned int i, u64 gfn, u64 e)
{
	struct ept02_link *l;

	lockdep_assert_held(&s->lock);
	if (EPT_BROKEN(s, t->e[i] || gfn >= EPT_MAX_FRAME || !t->gfn))
		return false;
	l = link_get(s, t, region_of(t, gfn));
	if (!l)
		return false;
	l->leaves++;
	if (!t->used)
		t->filter = 0;
	t->filter |= ept02_filter(t, gfn);
	t->gfn[i] = gfn;
	t->tree->mapped += ept_span(t->level);
	t->tree->nr_leaves[t->level]++;
	ept_set(t, i, e | gfn >> 32 << 52);
	return true;
}

void ept02_leaf_remove(struct ept_space *s, struct ept_table *t, unsigned int i)
{
	struct ept02_link *l;

	lockdep_assert_held(&s->lock);
	l = link_find(t, region_of(t, ept02_leaf_gfn(t, i)));
	ept_set(t, i, 0);
	if (EPT_BROKEN(s, !l))
		return;
	t->tree->mapped -= ept_span(t->level);
	t->tree->nr_leaves[t->level]--;
	if (!--l->leaves)
		link_free(l);
}

/* ---- tables come and go ---- */

void ept02_adopt(struct ept_table *t)
{
	t->tree->tables++;
	if (t->level == 1)
		list_add_tail(&t->node, &t->tree->leaves);
}

/* @t is being buried: its leaves stop existing at once. */
void ept02_disown(struct ept_space *s, struct ept_table *t)
{
	struct ept02_link *l;
	struct hlist_node *next;

	lockdep_assert_held(&s->lock);
	hlist_for_each_entry_safe(l, next, &t->links, by_table) {
		t->tree->mapped -= l->leaves * ept_span(t->level);
		t->tree->nr_leaves[t->level] -= l->leaves;
		link_free(l);
	}
	if (t->level < EPT_TOP)
		t->tree->tables--;
	t->tree = NULL;
}

/* ---- ranges ---- */

struct search {
	const struct gfn_range *r;
	struct list_head empty;		/* tables to bury after the search */
};

static u64 range_filter(u64 first, u64 end)
{
	u64 from = first >> EPT_INDEX_BITS, to = (end - 1) >> EPT_INDEX_BITS, filter = 0;

	if (to - from >= 63)
		return ~0ull;
	for (; from <= to; from++)
		filter |= BIT_ULL(from & 63);
	return filter;
}

static unsigned int leaf_op(struct ept_space *s, struct ept_table *t, unsigned int i,
			    enum ept_op op)
{
	unsigned int ret;

	if (t->e[i] & EPTE_STALE) {
		/* Not worth a case for each operation: only the look has to leave it alone. */
		ret = !t->tree->ad || (t->e[i] & EPTE_A) ? EPT_WAS_YOUNG : 0;
		if (op == EPT_OP_YOUNG)
			return ret;
		ret |= EPT_REMOVE;
	} else {
		ret = ept_leaf_op(&t->e[i], op, t->tree->ad);
	}
	if (!(ret & EPT_REMOVE))
		return ret;
	ept02_leaf_remove(s, t, i);
	return (ret & ~EPT_REMOVE) | EPT_DEBT;
}

/*
 * All leaves of one link in the range, which lies within the link's region: so this link is the
 * only one that can go away meanwhile.
 */
static unsigned int table_range(struct ept_space *s, struct ept_table *t, struct search *search,
				u64 first, u64 end)
{
	u64 span = ept_span(t->level), gfn;
	unsigned int ret = 0, i;

	if (first >= end || !(t->filter & range_filter(first, end)))
		return 0;
	for (i = 0; i < EPT_ENTRIES; i++) {
		if (!t->e[i] || ept_is_table(t->e[i], t->level))
			continue;
		gfn = ept02_leaf_gfn(t, i);
		if (gfn < end && gfn + span > first)
			ret |= leaf_op(s, t, i, search->r->op);
	}
	if (!t->used)
		list_move(&t->node, &search->empty);
	return ret;
}

static unsigned int bucket_range(struct ept_space *s, u32 bucket, struct search *search)
{
	const struct gfn_range *r = search->r;
	struct ept02_link *l;
	struct hlist_node *next;
	unsigned int ret = 0;
	u64 base;

	hlist_for_each_entry_safe(l, next, &s->rmap[bucket], by_region) {
		base = (u64)l->region << REGION_BITS;
		ret |= table_range(s, l->table, search, max(r->first, base),
				   min(r->end, base + REGION_SPAN));
	}
	return ret;
}

static void bury_empty(struct ept_space *s, struct search *search)
{
	struct ept_table *t;

	while ((t = list_first_entry_or_null(&search->empty, struct ept_table, node))) {
		list_del_init(&t->node);
		ept02_bury_up(s, t);
	}
}

/* Apply @r->op to all leaves of all trees that map a frame of the range, which is L2's memory. */
unsigned int ept02_range(struct ept_space *s, const struct gfn_range *r)
{
	struct search search = { .r = r };
	struct ept02_link *l;
	struct hlist_node *next;
	unsigned int ret = 0;
	u64 region, last;

	lockdep_assert_held(&s->lock);
	if (list_empty(&s->trees) || r->first >= r->end)
		return 0;
	INIT_LIST_HEAD(&search.empty);
	hlist_for_each_entry_safe(l, next, &s->rmap_1g, by_region)
		ret |= table_range(s, l->table, &search, r->first, r->end);
	region = r->first >> REGION_BITS;
	last = min((r->end - 1) >> REGION_BITS, region + EPT_BUCKETS - 1);
	for (; region <= last; region++)
		ret |= bucket_range(s, region % EPT_BUCKETS, &search);
	bury_empty(s, &search);
	return ret;
}
