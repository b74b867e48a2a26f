// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of EPT tables: pools, links, burial, and the payment of flush debts.
 *
 * Life of a table: allocated into a pool without the lock, linked under it, buried (unlinked with
 * all below it and put on the doomed list), freed by the next payer after its flush.
 */
#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/slab.h>

#include "ept.h"
#include "ept02.h"

/* What one fault can need: a table on each level below the root. */
#define POOL_MIN	(EPT_TOP - 1)
#define POOL_FILL	(POOL_MIN + 1)

void ept_space_init(struct ept_space *s)
{
	unsigned int i;

	spin_lock_init(&s->lock);
	for (i = 0; i < NR_EPT_KINDS; i++)
		INIT_LIST_HEAD(&s->pool[i]);
	INIT_HLIST_HEAD(&s->spare);
	INIT_LIST_HEAD(&s->doomed);
	INIT_LIST_HEAD(&s->trees);
	for (i = 0; i < EPT_BUCKETS; i++)
		INIT_HLIST_HEAD(&s->rmap[i]);
	INIT_HLIST_HEAD(&s->rmap_1g);
}

static void table_free(struct ept_space *s, struct ept_table *t)
{
	set_page_private(virt_to_page(t->e), 0);
	free_page((unsigned long)t->e);
	kfree(t->gfn);
	kfree(t);
	atomic_long_dec(&s->tables);
}

static struct ept_table *table_alloc(struct ept_space *s, bool with_gfn)
{
	struct ept_table *t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);

	if (!t)
		return NULL;
	t->e = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!t->e)
		goto free_table;
	if (with_gfn) {
		t->gfn = kmalloc_array(EPT_ENTRIES, sizeof(*t->gfn), GFP_KERNEL_ACCOUNT);
		if (!t->gfn)
			goto free_page;
	}
	set_page_private(virt_to_page(t->e), (unsigned long)t);
	INIT_LIST_HEAD(&t->node);
	INIT_HLIST_HEAD(&t->links);
	atomic_long_inc(&s->tables);
	return t;

free_page:
	free_page((unsigned long)t->e);
free_table:
	kfree(t);
	return NULL;
}

/* A root never holds leaves, so it needs no frame numbers. */
struct ept_table *ept_root_alloc(struct ept_space *s)
{
	struct ept_table *t = table_alloc(s, false);

	if (t)
		t->level = EPT_TOP;
	return t;
}

static void free_tables(struct ept_space *s, struct list_head *tables)
{
	struct ept_table *t, *next;

	list_for_each_entry_safe(t, next, tables, node)
		table_free(s, t);
}

void ept_space_exit(struct ept_space *s)
{
	unsigned int i;

	for (i = 0; i < NR_EPT_KINDS; i++)
		free_tables(s, &s->pool[i]);
	ept02_free_spares(s);
	free_tables(s, &s->doomed);
	WARN_ON_ONCE(atomic_long_read(&s->tables));
}

/*
 * Fill the pools that a fault of this kind draws from.  The unlocked look may be wrong: then the
 * pool is empty under the lock, and the fault is taken again.
 */
int ept_prepare(struct ept_space *s, enum ept_kind kind)
{
	struct ept_table *t;

	if (kind == EPT_02 && ept02_prepare_spares(s))
		return -ENOMEM;
	if (READ_ONCE(s->pooled[kind]) >= POOL_MIN)
		return 0;
	while (READ_ONCE(s->pooled[kind]) < POOL_FILL) {
		t = table_alloc(s, kind == EPT_02);
		if (!t)
			return -ENOMEM;
		spin_lock(&s->lock);
		list_add(&t->node, &s->pool[kind]);
		WRITE_ONCE(s->pooled[kind], s->pooled[kind] + 1);
		spin_unlock(&s->lock);
	}
	return 0;
}

void ept_link(struct ept_table *up, struct ept_table *t)
{
	u64 e = __pa(t->e) | EPTE_RWX;

	t->up = up;
	/* Pairs with the page walker: it must not see the link before the table's contents. */
	smp_wmb();
	ept_set(up, ept_index(t->first, up->level), e);
}

static struct ept_table *pool_take(struct ept_space *s, enum ept_kind kind)
{
	struct ept_table *t = list_first_entry_or_null(&s->pool[kind], struct ept_table, node);

	if (!t)
		return NULL;
	list_del_init(&t->node);
	WRITE_ONCE(s->pooled[kind], s->pooled[kind] - 1);
	return t;
}

/*
 * An empty table for the place below @up on the way to @frame, not linked yet.  NULL: the pool is
 * empty.
 */
struct ept_table *ept_grow(struct ept_space *s, struct ept_table *up, u64 frame)
{
	struct ept_table *t;

	lockdep_assert_held(&s->lock);
	if (EPT_BROKEN(s, up->level < 2))
		return NULL;
	t = pool_take(s, up->tree ? EPT_02 : EPT_01);
	if (!t)
		return NULL;
	t->level = up->level - 1;
	t->first = frame & ~(ept_span(up->level) - 1);
	t->tree = up->tree;
	if (t->tree)
		ept02_adopt(t);
	return t;
}

/*
 * Take out @t and all below it.  The recursion goes one level down with each step: a table's
 * level is one less than its parent's by construction, and level 1 has no tables.  The contents
 * stay as they are, because a CPU may be walking them until the debt is paid.
 */
void ept_bury(struct ept_space *s, struct ept_table *t)
{
	struct ept_table *below;
	unsigned int i;

	lockdep_assert_held(&s->lock);
	for (i = 0; t->level > 1 && i < EPT_ENTRIES; i++) {
		if (!ept_is_table(t->e[i], t->level))
			continue;
		below = ept_table_of(t->e[i]);
		if (!EPT_BROKEN(s, below->level != t->level - 1))
			ept_bury(s, below);
	}
	if (t->up)
		ept_set(t->up, ept_index(t->first, t->up->level), 0);
	t->up = NULL;
	if (t->tree)
		ept02_disown(s, t);
	list_move(&t->node, &s->doomed);
}

/* Drop the lock; with a debt, flush, and free what was buried before. */
void ept_unlock_pay(struct ept_space *s, bool debt) __releases(&s->lock)
{
	LIST_HEAD(dead);

	if (!debt && !atomic_read(&s->unpaid)) {
		spin_unlock(&s->lock);
		return;
	}
	atomic_inc(&s->unpaid);
	list_splice_init(&s->doomed, &dead);
	spin_unlock(&s->lock);
	ept_flush(s);
	/* The flush is complete before anybody may rely on it. */
	smp_mb__before_atomic();
	atomic_dec(&s->unpaid);
	free_tables(s, &dead);
}

/* One live leaf.  Without accessed flags the first touch after aging has to fault. */
unsigned int ept_leaf_op(u64 *p, enum ept_op op, bool ad)
{
	u64 e = READ_ONCE(*p);

	switch (op) {
	case EPT_OP_WRPROT:
		if (!(e & EPTE_W))
			return 0;
		clear_bit(ilog2(EPTE_W), (unsigned long *)p);
		return EPT_DEBT;
	case EPT_OP_AGE:
		if (!ad)
			return EPT_REMOVE | EPT_WAS_YOUNG;
		if (!(e & EPTE_A))
			return 0;
		clear_bit(ilog2(EPTE_A), (unsigned long *)p);
		return EPT_WAS_YOUNG;
	case EPT_OP_YOUNG:
		return !ad || (e & EPTE_A) ? EPT_WAS_YOUNG : 0;
	case EPT_OP_ZAP:
		break;
	}
	return EPT_REMOVE;
}
