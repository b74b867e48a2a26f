// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1-physical memory as the kernel reads and writes it.
 *
 * A place is an address in a space.  VMX structures and what user space or a device names are in
 * the normal one, even while the vCPU is in system-management mode; what an instruction touches is
 * in the space that its vCPU sees.
 *
 * Copies go through the user address of the slot, so that everything the host does with its memory
 * (swap, userfaultfd, copy on write) just happens, and a page that is gone is -EFAULT.  The same
 * for compare and exchange: never through a frame number.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "space.h"

enum direction { READ_GUEST, WRITE_GUEST };

struct place {
	struct nvmx_vm *vm;
	enum mmu_space space;
	u64 gpa;
};

static struct place normal(struct nvmx_vm *vm, u64 gpa)
{
	return (struct place){ .vm = vm, .space = MMU_NORMAL, .gpa = gpa };
}

static struct place seen_by(struct nvmx_vcpu *v, u64 gpa)
{
	return (struct place){ .vm = v->vm, .space = vcpu_space(v), .gpa = gpa };
}

static struct mmu_slot *slot_at(const struct place *p)
{
	return slot_find(p->vm->mmu, p->space, p->gpa >> PAGE_SHIFT);
}

/* NULL: no slot.  vm->srcu is held. */
static void __user *user_at(const struct place *p)
{
	struct mmu_slot *slot = slot_at(p);

	return slot ? (void __user *)(slot_hva(slot, p->gpa >> PAGE_SHIFT) +
				      offset_in_page(p->gpa)) : NULL;
}

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
static int copy_slots(struct place p, void *buf, u32 len, enum direction dir)
{
	struct mmu_slot *slot;
	u64 left;
	u32 part;
	int ret;

	for (; len; len -= part, p.gpa += part, buf += part) {
		slot = slot_at(&p);
		if (!slot || (dir == WRITE_GUEST && !slot_is_writable(slot)))
			return -EFAULT;
		left = ((slot->base_gfn + slot->npages) << PAGE_SHIFT) - p.gpa;
		part = min_t(u64, len, left);
		ret = copy_piece(slot, p.gpa, buf, part, dir);
		/* What was written before a fault counts. */
		if (dir == WRITE_GUEST)
			mark_range(slot, p.gpa, part);
		if (ret)
			return ret;
	}
	return 0;
}

static int copy_guest(struct place p, void *buf, u32 len, enum direction dir)
{
	int idx, ret;

	if (current->mm != p.vm->mm || p.gpa + len < p.gpa)
		return -EFAULT;
	idx = srcu_read_lock(&p.vm->srcu);
	ret = copy_slots(p, buf, len, dir);
	srcu_read_unlock(&p.vm->srcu, idx);
	return ret;
}

int mmu_read(struct nvmx_vm *vm, u64 gpa, void *buf, u32 len)
{
	return copy_guest(normal(vm, gpa), buf, len, READ_GUEST);
}

int mmu_write(struct nvmx_vm *vm, u64 gpa, const void *buf, u32 len)
{
	return copy_guest(normal(vm, gpa), (void *)buf, len, WRITE_GUEST);
}

int mmu_write_nofault(struct nvmx_vm *vm, u64 gpa, const void *buf, u32 len)
{
	int err;

	pagefault_disable();
	err = mmu_write(vm, gpa, buf, len);
	pagefault_enable();
	return err;
}

static int reread(const u64 __user *page, const u16 *at, u64 *word, u32 nr)
{
	u64 now, diff = 0;
	u32 i;

	if (!user_access_begin(page, PAGE_SIZE))
		return -EFAULT;
	for (i = 0; i < nr; i++) {
		unsafe_get_user(now, page + at[i], fault);
		diff |= now ^ word[i];
		word[i] = now;
	}
	user_access_end();
	return !!diff;
fault:
	user_access_end();
	return -EFAULT;
}

int mmu_reread_words(struct nvmx_vm *vm, u64 page, const u16 *at, u64 *word, u32 nr)
{
	struct place p = normal(vm, page);
	const u64 __user *user;
	int idx, ret = -EFAULT;

	if (current->mm != vm->mm)
		return -EFAULT;
	idx = srcu_read_lock(&vm->srcu);
	user = user_at(&p);
	if (user)
		ret = reread(user, at, word, nr);
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}

/* Eight to sixteen bytes, as two words that may overlap. */
static int get_words(const void __user *user, void *buf, u32 len)
{
	u32 behind = len - sizeof(u64);
	u64 first, last;

	if (get_user(first, (const u64 __user *)user) ||
	    (behind && get_user(last, (const u64 __user *)(user + behind))))
		return -EFAULT;
	memcpy(buf, &first, sizeof(first));
	if (behind)
		memcpy(buf + behind, &last, sizeof(last));
	return 0;
}

/* A table's entry or an instruction: the general copy costs three times as much. */
static int read_small(struct nvmx_vcpu *v, u64 gpa, void *buf, u32 len)
{
	struct place p = seen_by(v, gpa);
	struct nvmx_vm *vm = v->vm;
	const void __user *user;
	int idx, ret = -EFAULT;

	if (current->mm != vm->mm)
		return -EFAULT;
	idx = srcu_read_lock(&vm->srcu);
	user = user_at(&p);
	if (user)
		ret = get_words(user, buf, len);
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}

int mmu_vcpu_read(struct nvmx_vcpu *v, u64 gpa, void *buf, u32 len)
{
	if (len >= sizeof(u64) && len <= 2 * sizeof(u64) &&
	    offset_in_page(gpa) + len <= PAGE_SIZE)
		return read_small(v, gpa, buf, len);
	return copy_guest(seen_by(v, gpa), buf, len, READ_GUEST);
}

int mmu_vcpu_write(struct nvmx_vcpu *v, u64 gpa, const void *buf, u32 len)
{
	return copy_guest(seen_by(v, gpa), (void *)buf, len, WRITE_GUEST);
}

/* 0, 1 (differs) or -EFAULT. */
static int cmpxchg_user(unsigned long hva, u32 len, u64 old, u64 new)
{
	u32 old32 = old;

	if (len == sizeof(u32))
		return __try_cmpxchg_user((u32 __user *)hva, &old32, (u32)new, efault32);
	return __try_cmpxchg_user((u64 __user *)hva, &old, new, efault64);
}

static int cmpxchg_guest(const struct place *p, u32 len, u64 old, u64 new)
{
	u64 gfn = p->gpa >> PAGE_SHIFT;
	int idx, ret = -EFAULT;
	struct mmu_slot *slot;

	if (current->mm != p->vm->mm || (len != sizeof(u32) && len != sizeof(u64)) ||
	    (p->gpa & (len - 1)))
		return -EFAULT;
	idx = srcu_read_lock(&p->vm->srcu);
	slot = slot_at(p);
	if (slot && slot_is_writable(slot)) {
		ret = cmpxchg_user(slot_hva(slot, gfn) + offset_in_page(p->gpa), len, old, new);
		if (!ret)
			dirty_mark(slot, gfn);
	}
	srcu_read_unlock(&p->vm->srcu, idx);
	return ret > 0 ? -EAGAIN : ret;
}

int mmu_cmpxchg(struct nvmx_vm *vm, u64 gpa, u32 len, u64 old, u64 new)
{
	struct place p = normal(vm, gpa);

	return cmpxchg_guest(&p, len, old, new);
}

int mmu_vcpu_cmpxchg(struct nvmx_vcpu *v, u64 gpa, u32 len, u64 old, u64 new)
{
	struct place p = seen_by(v, gpa);

	return cmpxchg_guest(&p, len, old, new);
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
	slot = slot_find(vm->mmu, MMU_NORMAL, gfn);
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
