// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host tells about the memory of the VM: mmu_notifier.
 *
 * One mmu_notifier for the whole address space rather than mmu_interval_notifiers per slot: the
 * aging callbacks exist only here (without them KSM, NUMA balancing, idle tracking and reclaim
 * would take every page of a guest for idle), slots come and go at run time, and a VM has few.
 *
 * Protocol, as Documentation/mm/mmu_notifier.rst of the kernel asks for.  invalidate_range_start()
 * announces the range under ept.lock and then empties it; invalidate_range_end() counts seq up.  A
 * fault samples seq, finds the page, takes ept.lock, and installs only if no announced range covers
 * the address and seq is the same.  The announcement is by host address and does not depend on the
 * slots of the moment, so slots may change between start and end.
 */
#include <linux/minmax.h>
#include <linux/sched/mm.h>

#include "space.h"

static struct mmu *mmu_of(struct mmu_notifier *mn)
{
	return container_of(mn, struct mmu, notifier);
}

/* Host addresses [start, end), and what is done to that which they back. */
struct hva_range {
	unsigned long start, end;
	enum ept_op op;
};

static unsigned int slot_range(struct mmu *m, const struct mmu_slot *slot,
			       const struct hva_range *h)
{
	unsigned long lo = max(h->start, slot->hva);
	unsigned long hi = min(h->end, slot->hva + (slot->npages << PAGE_SHIFT));
	struct gfn_range r = {
		.first = slot->base_gfn + ((lo - slot->hva) >> PAGE_SHIFT),
		.end = slot->base_gfn + ((hi - slot->hva + PAGE_SIZE - 1) >> PAGE_SHIFT),
		.op = h->op, .space = slot_space(slot),
	};

	return lo < hi ? mmu_range(m, &r) : 0;
}

/* In both spaces: user space often puts the same memory into both. */
static unsigned int hva_range(struct mmu *m, unsigned long start, unsigned long end,
			      enum ept_op op)
{
	struct hva_range h = { .start = start, .end = end, .op = op };
	struct mmu_slots *slots;
	unsigned int ret = 0;
	u32 space, i;
	int idx;

	idx = srcu_read_lock(&m->vm->srcu);
	for (space = 0; space < NR_MMU_SPACES; space++) {
		slots = srcu_dereference(m->slots[space], &m->vm->srcu);
		for (i = 0; i < slots->nr; i++)
			ret |= slot_range(m, slots->at[i], &h);
	}
	srcu_read_unlock(&m->vm->srcu, idx);
	return ret;
}

static void announce(struct mmu *m, unsigned long start, unsigned long end)
{
	spin_lock(&m->ept.lock);
	if (!m->invalidating++) {
		m->inv_start = start;
		m->inv_end = end;
	} else {
		m->inv_start = min(m->inv_start, start);
		m->inv_end = max(m->inv_end, end);
	}
	spin_unlock(&m->ept.lock);
}

static int invalidate_range_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct mmu *m = mmu_of(mn);

	announce(m, range->start, range->end);
	hva_range(m, range->start, range->end, EPT_OP_ZAP);
	return 0;
}

static void invalidate_range_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	struct mmu *m = mmu_of(mn);

	spin_lock(&m->ept.lock);
	/* Pairs with notifier_begin(): who sees the new value sees the new page tables. */
	smp_store_release(&m->seq, m->seq + 1);
	if (!WARN_ON_ONCE(!m->invalidating))
		m->invalidating--;
	spin_unlock(&m->ept.lock);
}

/*
 * For both callbacks.  No flush where only the flag is taken: a page that is in a TLB may then look
 * idle for a while, as with the host's own ptep_clear_flush_young().  The host holds the lock of a
 * page table here.
 */
static int clear_young(struct mmu_notifier *mn, struct mm_struct *mm,
		       unsigned long start, unsigned long end)
{
	return !!hva_range(mmu_of(mn), start, end, EPT_OP_AGE);
}

static int test_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long address)
{
	return !!hva_range(mmu_of(mn), address, address + 1, EPT_OP_YOUNG);
}

/*
 * The address space dies, and all its threads with it; the files may live on in another process,
 * where every ioctl fails.
 */
static void release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	hva_range(mmu_of(mn), 0, ULONG_MAX, EPT_OP_ZAP);
}

static const struct mmu_notifier_ops ops = {
	.release = release,
	.clear_flush_young = clear_young,
	.clear_young = clear_young,
	.test_young = test_young,
	.invalidate_range_start = invalidate_range_start,
	.invalidate_range_end = invalidate_range_end,
};

int notifier_start(struct mmu *m)
{
	m->notifier.ops = &ops;
	return mmu_notifier_register(&m->notifier, m->vm->mm);
}

void notifier_stop(struct mmu *m)
{
	mmu_notifier_unregister(&m->notifier, m->vm->mm);
}
