// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty logs, by write protection.
 *
 * A page of a logged slot is writable in ept01 or any ept02 only while its bit is set: whoever
 * makes it writable sets the bit, and whoever takes the bit takes the right away, both under
 * ept.lock.
 * A log is handed out after the flush, so what is written later faults and is logged again.  What
 * L2 writes is logged under L1's address, by the same rule.  The kernel's own writes (mmu_write())
 * set the bit after the write, without the lock: a bit taken in between is set again.
 *
 * Page-modification logging is not used: it would log ngpas while L2 runs, and those have to be
 * translated back through tables that L1 may have changed.
 */
#include <linux/bitops.h>
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ept02.h"
#include "space.h"

#define WORDS_PER_HOLD	16	/* of the bitmap, under one hold of the lock */

/* Whole longs, as the ABI copies them. */
static size_t log_longs(u64 npages)
{
	return BITS_TO_LONGS(npages);
}

/* The bitmap, and as much again to hand out from. */
unsigned long *dirty_alloc(struct nvmx_vm *vm, u64 npages)
{
	unsigned long *map = kvcalloc(2 * log_longs(npages), sizeof(long), GFP_KERNEL_ACCOUNT);

	if (map && vm->manual_dirty_protect && !vm->dirty_ring_bytes &&
	    (vm->manual_dirty_flags & KVM_DIRTY_LOG_INITIALLY_SET))
		bitmap_set(map, 0, npages);
	return map;
}

static unsigned long *scratch(const struct mmu_slot *slot)
{
	return slot->dirty + log_longs(slot->npages);
}

/* Context: vm->srcu or slots_lock held. */
void dirty_mark(struct mmu_slot *slot, u64 gfn)
{
	u64 bit;

	if (!slot_is_logged(slot))
		return;
	bit = slot_offset(slot, gfn);
	if (test_bit(bit, slot->dirty) || test_and_set_bit(bit, slot->dirty))
		return;
	if (slot->mmu->vm->dirty_ring_bytes)
		ring_push(slot, bit);
}

void mmu_mark_dirty(struct nvmx_vm *vm, u64 gpa)
{
	u64 gfn = gpa >> PAGE_SHIFT;
	struct mmu_slot *slot;
	int idx;

	idx = srcu_read_lock(&vm->srcu);
	slot = slot_find(vm->mmu, MMU_NORMAL, gfn);
	if (slot)
		dirty_mark(slot, gfn);
	srcu_read_unlock(&vm->srcu, idx);
}

/* ---- taking bits ---- */

/* [first, end) as pages of the slot. */
static void protect(struct mmu *m, const struct mmu_slot *slot, u64 first, u64 end)
{
	struct gfn_range r = {
		.first = slot->base_gfn + first, .end = slot->base_gfn + end,
		.op = EPT_OP_WRPROT, .space = slot_space(slot),
	};

	lockdep_assert_held(&m->ept.lock);
	/* Paid for all words together, by dirty_taken(). */
	if (mmu_range_locked(m, &r))
		return;
}

/* Take the bits of @mask that are set in word @i; write-protect their pages, run by run. */
static unsigned long take_word(struct mmu *m, struct mmu_slot *slot, size_t i, unsigned long mask)
{
	u64 base = i * BITS_PER_LONG;
	unsigned long taken, start, end;
	long *word = (long *)&slot->dirty[i];

	if (!(READ_ONCE(*word) & mask))
		return 0;
	taken = atomic_long_fetch_andnot(mask, (atomic_long_t *)word) & mask;
	for_each_set_bitrange(start, end, &taken, BITS_PER_LONG)
		protect(m, slot, base + start, base + end);
	return taken;
}

/*
 * Take @n words from @first on, each with the mask that @masks has for it, or all.  The words taken
 * are left in the scratch copy.
 */
static bool take_words(struct mmu *m, struct mmu_slot *slot, size_t first, size_t n, bool all)
{
	unsigned long *masks = scratch(slot);
	size_t i, stop;
	bool any = false;

	lockdep_assert_held(&m->slots_lock);
	for (i = 0; i < n; ) {
		stop = min_t(size_t, n, i + WORDS_PER_HOLD);
		spin_lock(&m->ept.lock);
		for (; i < stop; i++) {
			masks[i] = take_word(m, slot, first + i, all ? ~0ul : masks[i]);
			any |= !!masks[i];
		}
		spin_unlock(&m->ept.lock);
		cond_resched();
	}
	return any;
}

/* Before the log is handed out: nobody writes any more without a fault. */
void dirty_taken(struct mmu *m)
{
	spin_lock(&m->ept.lock);
	ept_unlock_pay(&m->ept, true);
}

/* ---- the ioctls ---- */

static struct mmu_slot *logged_slot(struct mmu *m, u32 id, int *ret)
{
	struct mmu_slot *slot;

	lockdep_assert_held(&m->slots_lock);
	*ret = -EINVAL;
	if (!slot_id_ok(id))
		return NULL;
	*ret = -ENOENT;
	slot = xa_load(&m->by_id, id);
	if (!slot || !slot_is_logged(slot))
		return NULL;
	*ret = 0;
	return slot;
}

static int get_log(struct mmu *m, const struct kvm_dirty_log *log)
{
	struct mmu_slot *slot;
	unsigned long *from;
	size_t longs;
	int ret;

	slot = logged_slot(m, log->slot, &ret);
	if (!slot)
		return ret;
	longs = log_longs(slot->npages);
	from = slot->dirty;
	/* With manual protection only KVM_CLEAR_DIRTY_LOG takes bits. */
	if (!m->vm->manual_dirty_protect) {
		if (take_words(m, slot, 0, longs, true))
			dirty_taken(m);
		from = scratch(slot);
	}
	return copy_to_user(log->dirty_bitmap, from, longs * sizeof(long)) ? -EFAULT : 0;
}

/* Numbers from a ring: wrong ones are without effect.  Context: dirty_taken() is due. */
void dirty_take_page(struct mmu *m, u32 id, u64 offset)
{
	struct mmu_slot *slot;
	int ret;

	slot = logged_slot(m, id, &ret);
	if (!slot || offset >= slot->npages)
		return;
	offset = array_index_nospec(offset, slot->npages);
	spin_lock(&m->ept.lock);
	take_word(m, slot, BIT_WORD(offset), BIT_MASK(offset));
	spin_unlock(&m->ept.lock);
}

int mmu_get_dirty_log(struct nvmx_vm *vm, const struct kvm_dirty_log *log)
{
	struct mmu *m = vm->mmu;
	int ret;

	if (vm->dirty_ring_bytes)
		return -ENXIO;
	mutex_lock(&m->slots_lock);
	ret = get_log(m, log);
	mutex_unlock(&m->slots_lock);
	return ret;
}

/* Multiples of 64 pages, but for the end of the slot. */
static bool clear_range_ok(const struct mmu_slot *slot, const struct kvm_clear_dirty_log *log)
{
	u64 left;

	if (log->first_page > slot->npages)
		return false;
	left = slot->npages - log->first_page;
	return log->num_pages <= left && (log->num_pages == left || !(log->num_pages & 63));
}

static int clear_log(struct mmu *m, const struct kvm_clear_dirty_log *log)
{
	struct mmu_slot *slot;
	size_t longs;
	int ret;

	if (log->first_page & 63)
		return -EINVAL;
	slot = logged_slot(m, log->slot, &ret);
	if (!slot)
		return ret;
	if (!clear_range_ok(slot, log))
		return -EINVAL;
	longs = log_longs(log->num_pages);
	if (copy_from_user(scratch(slot), log->dirty_bitmap, longs * sizeof(long)))
		return -EFAULT;
	if (take_words(m, slot, log->first_page / BITS_PER_LONG, longs, false))
		dirty_taken(m);
	return 0;
}

int mmu_clear_dirty_log(struct nvmx_vm *vm, const struct kvm_clear_dirty_log *log)
{
	struct mmu *m = vm->mmu;
	int ret;

	if (vm->dirty_ring_bytes)
		return -ENXIO;
	mutex_lock(&m->slots_lock);
	ret = clear_log(m, log);
	mutex_unlock(&m->slots_lock);
	return ret;
}
