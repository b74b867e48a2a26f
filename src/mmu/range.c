// SPDX-License-Identifier: GPL-2.0-only
/*
 * One operation on all that maps a range of L1's memory: ept01 and every ept02.
 */
#include <linux/minmax.h>
#include <linux/sched.h>

#include "ept02.h"
#include "space.h"

/* How much is done under one hold of the lock: 1G. */
#define PIECE		BIT_ULL(18)

unsigned int mmu_range(struct mmu *m, u64 first, u64 end, enum ept_op op)
{
	unsigned int ret = 0, part;
	u64 next;

	for (; first < end; first = next) {
		next = min(end, (first | (PIECE - 1)) + 1);
		spin_lock(&m->ept.lock);
		part = ept01_range(&m->ept, first, next, op);
		part |= ept02_range(&m->ept, first, next, op);
		ept_unlock_pay(&m->ept, part & EPT_DEBT);
		ret |= part;
	}
	return ret & EPT_WAS_YOUNG;
}

void mmu_slot_range(struct mmu *m, const struct mmu_slot *slot, enum ept_op op)
{
	u64 first = slot->base_gfn, end = first + slot->npages, next;

	for (; first < end; first = next) {
		next = min(end, (first | (PIECE - 1)) + 1);
		mmu_range(m, first, next, op);
		cond_resched();
	}
}
