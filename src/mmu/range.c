// SPDX-License-Identifier: GPL-2.0-only
/*
 * One operation on all that maps a range of one space: its ept01, and every ept02.
 *
 * ept02 maps the normal space only: there is no L2 in system-management mode, so a frame of the
 * other space that has the same number is never taken for one of L2's.
 */
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "ept02.h"
#include "space.h"

/* How much is done under one hold of the lock: 1G. */
#define PIECE		BIT_ULL(18)

unsigned int mmu_range_locked(struct mmu *m, const struct gfn_range *r)
{
	unsigned int ret = ept01_range(&m->ept, r);

	if (r->space == MMU_NORMAL)
		ret |= ept02_range(&m->ept, r);
	return ret;
}

unsigned int mmu_range(struct mmu *m, const struct gfn_range *r)
{
	struct gfn_range piece = *r;
	unsigned int ret = 0, part;

	for (; piece.first < r->end; piece.first = piece.end) {
		piece.end = min(r->end, (piece.first | (PIECE - 1)) + 1);
		spin_lock(&m->ept.lock);
		part = mmu_range_locked(m, &piece);
		ept_unlock_pay(&m->ept, part & EPT_DEBT);
		ret |= part;
	}
	return ret & EPT_WAS_YOUNG;
}

static void count_space(struct mmu *m, enum mmu_space space, u64 *pages)
{
	u64 frame = 0;

	while (frame < EPT_MAX_FRAME) {
		spin_lock(&m->ept.lock);
		frame = ept01_count(&m->ept, space, frame, pages);
		spin_unlock(&m->ept.lock);
		cond_resched();
	}
}

/**
 * mmu_count() - the pages that a VM has mapped
 * @vm: the VM
 * @pages: out
 *
 * The VM goes on meanwhile: what is counted never was all there at one time.
 *
 * Context: process, may sleep; takes the mmu lock.
 */
void mmu_count(struct nvmx_vm *vm, struct mmu_pages *pages)
{
	struct mmu *m = vm->mmu;

	memset(pages, 0, sizeof(*pages));
	count_space(m, MMU_NORMAL, pages->ept01);
	count_space(m, MMU_SMM, pages->ept01);
	spin_lock(&m->ept.lock);
	ept02_count(&m->ept, pages->ept02);
	spin_unlock(&m->ept.lock);
}

void mmu_slot_range(struct mmu *m, const struct mmu_slot *slot, enum ept_op op)
{
	u64 end = slot->base_gfn + slot->npages;
	struct gfn_range r = { .first = slot->base_gfn, .op = op, .space = slot_space(slot) };

	for (; r.first < end; r.first = r.end) {
		r.end = min(end, (r.first | (PIECE - 1)) + 1);
		mmu_range(m, &r);
		cond_resched();
	}
}
