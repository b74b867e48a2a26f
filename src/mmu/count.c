// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many pages are mapped, by size.
 *
 * Trees of ept02 count their leaves as they come and go.  ept01 does not: whoever asks looks
 * through its tables, which know how many entries they have, 1G under one hold of the lock.
 */
#include <linux/lockdep.h>

#include "ept.h"
#include "ept02.h"

static void count_table(const struct ept_table *t, u64 *pages)
{
	unsigned int i;
	u64 e;

	for (i = 0; i < EPT_ENTRIES; i++) {
		e = READ_ONCE(t->e[i]);
		if (ept_is_table(e, t->level))
			pages[0] += ept_table_of(e)->used;
		else if (e)
			pages[1]++;
	}
}

/* Add what translates @frame and the rest of its 1G; the answer is the next frame to look at. */
u64 ept01_count(struct ept_space *s, enum mmu_space space, u64 frame, u64 *pages)
{
	const struct ept_table *t = s->root01[space];
	u64 e;

	lockdep_assert_held(&s->lock);
	if (!t)
		return EPT_MAX_FRAME;
	while (t->level > 2) {
		e = READ_ONCE(t->e[ept_index(frame, t->level)]);
		if (!ept_is_table(e, t->level)) {
			pages[2] += !!e;
			return ept_next(frame, t->level);
		}
		t = ept_table_of(e);
	}
	count_table(t, pages);
	return ept_next(frame, 3);
}

void ept02_count(struct ept_space *s, u64 *pages)
{
	const struct ept02 *t;
	unsigned int level;

	lockdep_assert_held(&s->lock);
	list_for_each_entry(t, &s->trees, node)
		for (level = 1; level < EPT_TOP; level++)
			pages[level - 1] += t->nr_leaves[level];
}
