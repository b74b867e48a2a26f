// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1-physical memory as the kernel reads and writes it.
 *
 * Copies go through the user address of the slot, so that everything the host does with its memory
 * (swap, userfaultfd, copy on write) just happens, and a page that is gone is -EFAULT.  The same
 * for compare and exchange: never through a frame number.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "space.h"

enum direction { READ_GUEST, WRITE_GUEST };

static int copy_piece(struct mmu_slot *slot, u64 gpa, void *buf, u32 len, enum direction dir)
{
	void __user *user;

	user = (void __user *)(slot_hva(slot, gpa >> PAGE_SHIFT) + offset_in_page(gpa));
	if (dir == READ_GUEST)
		return copy_from_user(buf, user, len) ? -EFAULT : 0;
	return copy_to_user(user, buf, len) ? -EFAULT : 0;
}

static void mark_range(struct mmu_slot *slot, u64 gpa, u32 len)
{
	u64 gfn = gpa >> PAGE_SHIFT, last = (gpa + len - 1) >> PAGE_SHIFT;

	for (; slot_is_logged(slot) && gfn <= last; gfn++)
		dirty_mark(slot, gfn);
}

/* Slot by slot; each lookup is for the part that is left. */
static int copy_slots(struct mmu *m, u64 gpa, void *buf, u32 len, enum direction dir)
{
	struct mmu_slot *slot;
	u64 left;
	u32 part;
	int ret;

	for (; len; len -= part, gpa += part, buf += part) {
		slot = slot_find(m, gpa >> PAGE_SHIFT);
		if (!slot || (dir == WRITE_GUEST && !slot_is_writable(slot)))
			return -EFAULT;
		left = ((slot->base_gfn + slot->npages) << PAGE_SHIFT) - gpa;
		part = min_t(u64, len, left);
		ret = copy_piece(slot, gpa, buf, part, dir);
		/* What was written before a fault counts. */
		if (dir == WRITE_GUEST)
			mark_range(slot, gpa, part);
		if (ret)
			return ret;
	}
	return 0;
}

static int copy_guest(struct nvmx_vm *vm, u64 gpa, void *buf, u32 len, enum direction dir)
{
	int idx, ret;

	if (current->mm != vm->mm || gpa + len < gpa)
		return -EFAULT;
	idx = srcu_read_lock(&vm->srcu);
	ret = copy_slots(vm->mmu, gpa, buf, len, dir);
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}

int mmu_read(struct nvmx_vm *vm, u64 gpa, void *buf, u32 len)
{
	return copy_guest(vm, gpa, buf, len, READ_GUEST);
}

int mmu_write(struct nvmx_vm *vm, u64 gpa, const void *buf, u32 len)
{
	return copy_guest(vm, gpa, (void *)buf, len, WRITE_GUEST);
}

/* 0, 1 (differs) or -EFAULT. */
static int cmpxchg_user(unsigned long hva, u32 len, u64 old, u64 new)
{
	u32 old32 = old;

	if (len == sizeof(u32))
		return __try_cmpxchg_user((u32 __user *)hva, &old32, (u32)new, efault32);
	return __try_cmpxchg_user((u64 __user *)hva, &old, new, efault64);
}

int mmu_cmpxchg(struct nvmx_vm *vm, u64 gpa, u32 len, u64 old, u64 new)
{
	u64 gfn = gpa >> PAGE_SHIFT;
	int idx, ret = -EFAULT;
	struct mmu_slot *slot;

	if (current->mm != vm->mm || (len != sizeof(u32) && len != sizeof(u64)) ||
	    (gpa & (len - 1)))
		return -EFAULT;
	idx = srcu_read_lock(&vm->srcu);
	slot = slot_find(vm->mmu, gfn);
	if (slot && slot_is_writable(slot)) {
		ret = cmpxchg_user(slot_hva(slot, gfn) + offset_in_page(gpa), len, old, new);
		if (!ret)
			dirty_mark(slot, gfn);
	}
	srcu_read_unlock(&vm->srcu, idx);
	return ret > 0 ? -EAGAIN : ret;
}

void *mmu_map_page(struct nvmx_vm *vm, u64 gpa, bool write)
{
	u64 gfn = gpa >> PAGE_SHIFT;
	struct mmu_slot *slot;
	struct page *page;
	int idx, ret = 0;

	if (current->mm != vm->mm)
		return NULL;
	idx = srcu_read_lock(&vm->srcu);
	slot = slot_find(vm->mmu, gfn);
	if (slot && (!write || slot_is_writable(slot)))
		ret = get_user_pages_fast(slot_hva(slot, gfn), 1, write ? FOLL_WRITE : 0, &page);
	srcu_read_unlock(&vm->srcu, idx);
	return ret == 1 ? page_address(page) : NULL;
}

void mmu_unmap_page(struct nvmx_vm *vm, void *mapped, u64 gpa, bool dirty)
{
	struct page *page = virt_to_page(mapped);

	if (dirty) {
		set_page_dirty_lock(page);
		mmu_mark_dirty(vm, gpa);
	}
	put_page(page);
}
