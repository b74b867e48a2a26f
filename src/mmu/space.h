/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of one VM: slots, the notifier's state, and the tables.
 *
 * Order of locks: slots_lock, then vm->srcu (never waited for by its readers), then mmap_lock and
 * the other locks of the host's mm, then ept.lock, then a dirty ring's, which is innermost.  The
 * notifier runs below the host's locks: it takes vm->srcu for reading and ept.lock, allocates
 * nothing and never sleeps.
 */
#ifndef NVMX_MMU_SPACE_H
#define NVMX_MMU_SPACE_H

#include <linux/kvm.h>
#include <linux/lockdep.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/srcu.h>
#include <linux/xarray.h>
#include <nvmx/mmu.h>
#include <nvmx/vcpu.h>

#include "ept.h"

/*
 * Constant once it is published, but for the bits of @dirty: a change of a slot is a new object.
 * @dirty moves from the old to the new one, and is followed by a scratch copy of its own size.
 */
struct mmu_slot {
	struct mmu *mmu;
	u64 base_gfn;
	u64 npages;
	unsigned long hva;
	unsigned long *dirty;		/* NULL: no log */
	u32 flags;			/* KVM_MEM_* */
	u32 id;				/* as the user says it, with the space */
};

/* A version of the slots: sorted by base_gfn, without overlap. */
struct mmu_slots {
	u32 nr;
	u32 hint;			/* the last slot found; any value below nr is correct */
	struct mmu_slot *at[];
};

/*
 * Locking: [s] slots_lock  [r] read under vm->srcu, replaced under slots_lock  [l] ept.lock
 *          [I] constant after creation
 */
struct mmu {
	struct nvmx_vm *vm;		/* [I] */
	struct mutex slots_lock;
	struct mmu_slots __rcu *slots[NR_MMU_SPACES];	/* [r] */
	struct xarray by_id;		/* [s] struct mmu_slot */

	struct mmu_notifier notifier;	/* [I] */
	unsigned long seq;		/* [l] invalidations that ended; first read without lock */
	unsigned int invalidating;	/* [l] that have not ended */
	unsigned long inv_start, inv_end;	/* [l] their union */
	u64 lent_gfn;			/* [l] of mmu_lend_page(), 0: none; see lend.c */
	bool lent_back;			/* [l] for good */
	bool stopped;			/* no vCPU will enter again: nothing to flush for */

	struct ept_space ept;
};

/* The number of a slot: its space in bits 31:16, its number there below. */
#define SLOT_ID_MASK	0xffffu

static inline u32 slot_id_space(u32 id)
{
	return id >> 16;
}

static inline enum mmu_space slot_space(const struct mmu_slot *slot)
{
	return (enum mmu_space)slot_id_space(slot->id);
}

static inline bool slot_is_logged(const struct mmu_slot *slot)
{
	return slot->dirty;
}

static inline bool slot_is_writable(const struct mmu_slot *slot)
{
	return !(slot->flags & KVM_MEM_READONLY);
}

/* Offsets come from the guest: clamp what speculation may use. */
static inline u64 slot_offset(const struct mmu_slot *slot, u64 gfn)
{
	return array_index_nospec(gfn - slot->base_gfn, slot->npages);
}

static inline unsigned long slot_hva(const struct mmu_slot *slot, u64 gfn)
{
	return slot->hva + (slot_offset(slot, gfn) << PAGE_SHIFT);
}

/* ---- slots.c ---- */
/* The slot of a frame, or NULL.  vm->srcu is held, and as long as the result is used. */
struct mmu_slot *slot_find(struct mmu *m, enum mmu_space space, u64 gfn);
bool slot_id_ok(u32 id);

/* ---- range.c ---- */
/* Apply @op to all tables, a piece at a time, and pay the debts. Returns EPT_WAS_YOUNG or 0. */
unsigned int mmu_range(struct mmu *m, const struct gfn_range *r);
/* The same under one hold of the lock, without paying. */
unsigned int __must_check mmu_range_locked(struct mmu *m, const struct gfn_range *r);
void mmu_slot_range(struct mmu *m, const struct mmu_slot *slot, enum ept_op op);

/* ---- lend.c ---- */
void lend_slots_changed(struct mmu *m);	/* slots_lock is held */

/* ---- notifier.c ---- */
int notifier_start(struct mmu *m);
void notifier_stop(struct mmu *m);

/* Before the host's page tables are looked at. */
static inline unsigned long notifier_begin(const struct mmu *m)
{
	/* Pairs with the release in invalidate_range_end(). */
	return smp_load_acquire(&m->seq);
}

/* Did the host change, or begin to change, what is behind @hva since notifier_begin()? */
static inline bool notifier_raced(const struct mmu *m, unsigned long seq, unsigned long hva)
{
	lockdep_assert_held(&m->ept.lock);
	if (m->invalidating && hva >= m->inv_start && hva < m->inv_end)
		return true;
	return m->seq != seq;
}

/* ---- dirty.c ---- */
unsigned long *dirty_alloc(struct nvmx_vm *vm, u64 npages);
void dirty_mark(struct mmu_slot *slot, u64 gfn);
void dirty_take_page(struct mmu *m, u32 id, u64 offset);
void dirty_taken(struct mmu *m);

/* ---- ring.c ---- */
void ring_push(struct mmu_slot *slot, u64 offset);

/* ---- host.c ---- */
struct host_page {
	struct page *page;		/* a reference, until host_put() */
	u64 pfn;
	bool writable;
	u8 level;			/* size at which the host maps it */
};

int host_get(unsigned long hva, bool write, struct host_page *h);
int host_try(unsigned long hva, bool write, struct host_page *h);	/* -EBUSY: not at once */
void host_put(struct host_page *h);
void host_measure(const struct mmu *m, unsigned long hva, struct host_page *h);

#endif
