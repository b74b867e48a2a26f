// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trees of ept02: one per EPT pointer of L1, shared by its vCPUs, and bounded.
 *
 * A tree without user stays for a while, because L1 switches between EPT pointers without INVEPT;
 * beyond EPT02_UNUSED_MAX the one unused longest goes.  A tree with a user is never freed; when
 * its tables take more than its allowance, the oldest sparse ones are buried, and faults bring
 * back what is needed.  The allowance is 1/256 of what the tree maps, but not of more than there
 * is memory in slots (L1 may map one page a million times), plus EPT02_FREE_BYTES.
 */
#include <linux/bug.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "ept02.h"

#define EVICT_LOOKS	64	/* per fault, which adds three tables at most */
#define FREE_BATCH	32

/* ---- bounds ---- */

/* Bury @t, and the tables above that become empty by it, but no root. */
void ept02_bury_up(struct ept_space *s, struct ept_table *t)
{
	struct ept_table *up;

	do {
		up = t->up;
		ept_bury(s, t);
		t = up;
	} while (t && t->up && !t->used);
}

static bool over_allowance(const struct ept_space *s, const struct ept02 *t)
{
	u64 bytes = (t->tables + EPT_TOP) * EPT02_TABLE_BYTES + t->links * EPT02_LINK_BYTES;
	u64 mapped = min(t->mapped, s->slot_pages) << PAGE_SHIFT;

	return bytes > mapped / 256 + EPT02_FREE_BYTES;
}

/* A level-1 table that maps so much that it pays for itself. */
static bool is_dense(const struct ept_table *tab)
{
	u64 bytes = EPT02_TABLE_BYTES + tab->nr_links * EPT02_LINK_BYTES;

	return ((u64)tab->used << PAGE_SHIFT) / 256 >= bytes;
}

/* The last resort: what is left are upper tables, with nothing or with large leaves. */
static void bury_contents(struct ept_space *s, struct ept02 *t)
{
	unsigned int i;

	for (i = 0; t->root->used && i < EPT_ENTRIES; i++)
		if (t->root->e[i])
			ept_bury(s, ept_table_of(t->root->e[i]));
}

/*
 * Make room before tables are added.  Converges: what exceeds the allowance is in sparse tables
 * (or in what maps memory repeatedly), and each fault looks at many more than it adds.
 */
bool ept02_evict(struct ept_space *s, struct ept02 *t)
{
	struct ept_table *tab;
	unsigned int looks;
	bool debt = false;

	lockdep_assert_held(&s->lock);
	for (looks = 0; looks < EVICT_LOOKS && over_allowance(s, t); looks++) {
		tab = list_first_entry_or_null(&t->leaves, struct ept_table, node);
		if (!tab) {
			bury_contents(s, t);
			return true;
		}
		if (is_dense(tab) && t->mapped <= s->slot_pages) {
			list_move_tail(&tab->node, &t->leaves);
			continue;
		}
		ept02_bury_up(s, tab);
		debt = true;
	}
	return debt;
}

/* ---- life of a tree ---- */

static struct ept02 *tree_alloc(struct ept_space *s, const struct mmu_ept12 *e)
{
	struct ept02 *t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);

	if (!t)
		return NULL;
	t->root = ept_root_alloc(s);
	if (!t->root) {
		kfree(t);
		return NULL;
	}
	t->root->tree = t;
	t->ept12 = *e;
	t->ad = s->ad && (e->eptp & EPTP_AD);
	t->users = 1;
	INIT_LIST_HEAD(&t->leaves);
	return t;
}

/*
 * Nobody uses @t and it is off the list, but its leaves are in the reverse map until they are
 * buried: a batch at a time, so that no notifier waits long.
 */
static void tree_free(struct ept_space *s, struct ept02 *t)
{
	struct ept_table *tab;
	unsigned int n;
	bool more;

	do {
		spin_lock(&s->lock);
		for (n = 0; n < FREE_BATCH && !list_empty(&t->leaves); n++) {
			tab = list_first_entry(&t->leaves, struct ept_table, node);
			ept_bury(s, tab);
		}
		more = !list_empty(&t->leaves);
		ept_unlock_pay(s, true);
		cond_resched();
	} while (more);

	spin_lock(&s->lock);
	ept_bury(s, t->root);
	EPT_BROKEN(s, t->tables || t->mapped || t->links);
	ept_unlock_pay(s, true);
	kfree(t);
}

/* Every input of a translation takes part. */
static bool same_key(const struct mmu_ept12 *a, const struct mmu_ept12 *b)
{
	return a->eptp == b->eptp && a->maxphyaddr == b->maxphyaddr &&
	       a->exec_only == b->exec_only && a->ad == b->ad && a->page_1g == b->page_1g;
}

static struct ept02 *tree_find(struct ept_space *s, const struct mmu_ept12 *e)
{
	struct ept02 *t;

	lockdep_assert_held(&s->lock);
	list_for_each_entry(t, &s->trees, node) {
		if (!same_key(&t->ept12, e))
			continue;
		if (!t->users++)
			s->unused--;
		return t;
	}
	return NULL;
}

struct ept02 *ept02_get(struct ept_space *s, const struct mmu_ept12 *e)
{
	struct ept02 *t, *new;

	spin_lock(&s->lock);
	t = tree_find(s, e);
	spin_unlock(&s->lock);
	if (t)
		return t;
	new = tree_alloc(s, e);
	if (!new)
		return NULL;
	spin_lock(&s->lock);
	t = tree_find(s, e);
	if (!t)
		list_add(&new->node, &s->trees);
	spin_unlock(&s->lock);
	if (t) {
		tree_free(s, new);
		return t;
	}
	/* Who used this root page as a root before is unknown, and TLBs are tagged by it. */
	ept_flush(s);
	return new;
}

void ept02_put(struct ept_space *s, struct ept02 *t)
{
	struct ept02 *victim = NULL;

	spin_lock(&s->lock);
	if (EPT_BROKEN(s, !t->users)) {
		spin_unlock(&s->lock);
		return;
	}
	if (!--t->users) {
		list_move_tail(&t->node, &s->trees);
		s->unused++;
	}
	if (s->unused > EPT02_UNUSED_MAX) {
		list_for_each_entry(victim, &s->trees, node) {
			if (!victim->users)
				break;
		}
		list_del(&victim->node);
		s->unused--;
	}
	spin_unlock(&s->lock);
	if (victim)
		tree_free(s, victim);
}

/* The VM ends: no vCPU is left. */
void ept02_free_all(struct ept_space *s)
{
	struct ept02 *t;

	while ((t = list_first_entry_or_null(&s->trees, struct ept02, node))) {
		WARN_ON_ONCE(t->users);
		spin_lock(&s->lock);
		list_del(&t->node);
		spin_unlock(&s->lock);
		tree_free(s, t);
	}
	s->unused = 0;
}

/*
 * INVEPT.  It names the address of L1's top table only: EP4TA.  The other bits of an EPT pointer
 * do not tell mappings apart.  SDM "Information Cached for EPT"
 */
void ept02_invalidate(struct ept_space *s, u64 eptp12, bool all)
{
	bool debt = false;
	struct ept02 *t;

	spin_lock(&s->lock);
	list_for_each_entry(t, &s->trees, node) {
		if (!all && (t->ept12.eptp ^ eptp12) & EPTE_ADDR)
			continue;
		/* Pairs with ept02_seq(). */
		smp_store_release(&t->seq, t->seq + 1);
		ept02_make_stale(t->root, &debt);
	}
	ept_unlock_pay(s, debt);
}
