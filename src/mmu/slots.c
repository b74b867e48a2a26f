// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots: which host address is behind an L1-physical one.  Life of the room.
 *
 * Readers see a version of all slots, an immutable sorted array, under vm->srcu.  A change builds a
 * new version, publishes it, and waits for the readers of the old one; who maps a page holds
 * vm->srcu from looking up the slot until the mapping is installed.  So after the wait nobody can
 * install what the old version said, and emptying the range finds all there is.
 *
 * A move is a removal and an addition: between the two there is no memory in either place.
 *
 * Each address space has its own versions; a slot belongs to one for life, by its number.
 */
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <nvmx/vmx.h>

#include "ept02.h"
#include "space.h"

#define MAX_SLOTS	32764u			/* as many as KVM has for users */
#define MAX_SLOT_PAGES	((1ull << 31) - 1)	/* a bitmap's bits are counted in an int */
#define SLOT_FLAGS	(KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)

/* ---- readers ---- */

static bool covers(const struct mmu_slot *slot, u64 gfn)
{
	return gfn >= slot->base_gfn && gfn - slot->base_gfn < slot->npages;
}

/* Index of the last slot that begins at or below @gfn; nr if there is none. */
static u32 index_below(const struct mmu_slots *slots, u64 gfn)
{
	u32 lo = 0, hi = slots->nr, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (slots->at[mid]->base_gfn <= gfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? lo - 1 : slots->nr;
}

struct mmu_slot *slot_find(struct mmu *m, enum mmu_space space, u64 gfn)
{
	struct mmu_slots *slots = srcu_dereference(m->slots[space], &m->vm->srcu);
	u32 i = READ_ONCE(slots->hint);

	if (i < slots->nr && covers(slots->at[i], gfn))
		return slots->at[i];
	i = index_below(slots, gfn);
	if (i == slots->nr || !covers(slots->at[i], gfn))
		return NULL;
	WRITE_ONCE(slots->hint, i);
	return slots->at[i];
}

bool mmu_gpa_backed(struct nvmx_vm *vm, u64 gpa)
{
	int idx = srcu_read_lock(&vm->srcu);
	bool backed = slot_find(vm->mmu, MMU_NORMAL, gpa >> PAGE_SHIFT);

	srcu_read_unlock(&vm->srcu, idx);
	return backed;
}

u32 mmu_max_slots(void)
{
	return MAX_SLOTS;
}

/* ---- versions ---- */

static struct mmu_slots *current_slots(struct mmu *m, enum mmu_space space)
{
	return rcu_dereference_protected(m->slots[space], lockdep_is_held(&m->slots_lock));
}

static struct mmu_slots *version_alloc(u32 nr)
{
	return kvzalloc(struct_size((struct mmu_slots *)NULL, at, nr), GFP_KERNEL_ACCOUNT);
}

/*
 * The current version of their space without @out and with @in; either may be NULL.  NULL: no
 * memory.
 */
static struct mmu_slots *version_with(struct mmu *m, const struct mmu_slot *out,
				      struct mmu_slot *in)
{
	struct mmu_slots *old = current_slots(m, slot_space(in ?: out)), *new;
	u32 i;

	new = version_alloc(old->nr + !!in);
	if (!new)
		return NULL;
	memcpy(new->at, old->at, old->nr * sizeof(old->at[0]));
	new->nr = old->nr;
	if (out) {
		i = index_below(new, out->base_gfn);
		new->nr--;
		memmove(&new->at[i], &new->at[i + 1], (new->nr - i) * sizeof(new->at[0]));
	}
	if (in) {
		/* One beyond the last that begins below. */
		i = index_below(new, in->base_gfn);
		i = i == new->nr ? 0 : i + 1;
		memmove(&new->at[i + 1], &new->at[i], (new->nr - i) * sizeof(new->at[0]));
		new->at[i] = in;
		new->nr++;
	}
	return new;
}

static void publish(struct mmu *m, enum mmu_space space, struct mmu_slots *new)
{
	struct mmu_slots *old = current_slots(m, space);

	rcu_assign_pointer(m->slots[space], new);
	synchronize_srcu_expedited(&m->vm->srcu);
	kvfree(old);
	lend_slots_changed(m);
}

static void count_pages(struct mmu *m, const struct mmu_slot *slot, s64 pages)
{
	if (slot_space(slot) != MMU_NORMAL)
		return;
	spin_lock(&m->ept.lock);
	m->ept.slot_pages += pages;
	spin_unlock(&m->ept.lock);
}

/* ---- changes ---- */

static void slot_free(struct mmu_slot *slot)
{
	kvfree(slot->dirty);
	kfree(slot);
}

static bool overlaps(struct mmu *m, const struct mmu_slot *slot, const struct mmu_slot *except)
{
	struct mmu_slots *slots = current_slots(m, slot_space(slot));
	u64 end = slot->base_gfn + slot->npages;
	u32 i = index_below(slots, slot->base_gfn);

	for (i = i == slots->nr ? 0 : i; i < slots->nr; i++) {
		const struct mmu_slot *o = slots->at[i];

		if (o->base_gfn >= end)
			break;
		if (o != except && o->base_gfn + o->npages > slot->base_gfn)
			return true;
	}
	return false;
}

static u64 max_frame(void)
{
	u64 bits = boot_cpu_data.x86_phys_bits;

	return min(BIT_ULL(bits - PAGE_SHIFT), EPT_MAX_FRAME);
}

static int slot_check_place(struct mmu *m, const struct mmu_slot *slot,
			    const struct mmu_slot *except)
{
	if (overlaps(m, slot, except))
		return -EEXIST;
	if (slot->base_gfn + slot->npages > max_frame())
		return -EINVAL;
	return 0;
}

static struct mmu_slot *slot_alloc(struct mmu *m, const struct kvm_userspace_memory_region *r)
{
	struct mmu_slot *slot = kzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);

	if (!slot)
		return NULL;
	slot->id = r->slot;
	slot->flags = r->flags;
	slot->mmu = m;
	slot->base_gfn = r->guest_phys_addr >> PAGE_SHIFT;
	slot->npages = r->memory_size >> PAGE_SHIFT;
	slot->hva = r->userspace_addr;
	return slot;
}

/* Give the new slot its log, the old slot's where it has one already. */
static int slot_set_log(struct mmu *m, struct mmu_slot *slot, const struct mmu_slot *old)
{
	if (!(slot->flags & KVM_MEM_LOG_DIRTY_PAGES))
		return 0;
	slot->dirty = old && old->dirty ? old->dirty : dirty_alloc(m->vm, slot->npages);
	return slot->dirty ? 0 : -ENOMEM;
}

static int slot_delete(struct mmu *m, struct mmu_slot *slot)
{
	struct mmu_slots *without = version_with(m, slot, NULL);

	if (!without)
		return -ENOMEM;
	publish(m, slot_space(slot), without);
	mmu_slot_range(m, slot, EPT_OP_ZAP);
	count_pages(m, slot, -(s64)slot->npages);
	xa_erase(&m->by_id, slot->id);
	slot_free(slot);
	return 0;
}

static int slot_create(struct mmu *m, struct mmu_slot *slot)
{
	struct mmu_slots *with;
	int ret;

	ret = slot_check_place(m, slot, NULL);
	if (ret)
		return ret;
	ret = slot_set_log(m, slot, NULL);
	if (ret)
		return ret;
	with = version_with(m, NULL, slot);
	if (!with)
		return -ENOMEM;
	ret = xa_insert(&m->by_id, slot->id, slot, GFP_KERNEL_ACCOUNT);
	if (ret) {
		kvfree(with);
		return ret;
	}
	count_pages(m, slot, slot->npages);
	publish(m, slot_space(slot), with);
	return 0;
}

/* The old slot is out of the versions; forget it, keeping a log that moved on. */
static void slot_replaced(struct mmu *m, struct mmu_slot *old, struct mmu_slot *new)
{
	/* Storing over an entry allocates nothing. */
	xa_store(&m->by_id, new->id, new, GFP_KERNEL_ACCOUNT);
	if (old->dirty == new->dirty)
		old->dirty = NULL;
	slot_free(old);
}

static int slot_move(struct mmu *m, struct mmu_slot *old, struct mmu_slot *new)
{
	struct mmu_slots *without, *with;
	int ret;

	ret = slot_check_place(m, new, old);
	if (ret)
		return ret;
	without = version_with(m, old, NULL);
	with = version_with(m, old, new);
	ret = without && with ? slot_set_log(m, new, old) : -ENOMEM;
	if (ret) {
		kvfree(without);
		kvfree(with);
		return ret;
	}
	publish(m, slot_space(old), without);
	mmu_slot_range(m, old, EPT_OP_ZAP);
	publish(m, slot_space(new), with);
	slot_replaced(m, old, new);
	return 0;
}

/*
 * Logging begins: what can be written must fault once, unless all bits are set already.  Logging
 * ends: let large pages come back.
 */
static void apply_flags(struct mmu *m, const struct mmu_slot *old, const struct mmu_slot *new)
{
	bool all_set = m->vm->manual_dirty_protect &&
		       (m->vm->manual_dirty_flags & KVM_DIRTY_LOG_INITIALLY_SET);

	if (slot_is_logged(old) && !slot_is_logged(new))
		mmu_slot_range(m, new, EPT_OP_ZAP);
	else if (!slot_is_logged(old) && slot_is_logged(new) && !all_set)
		mmu_slot_range(m, new, EPT_OP_WRPROT);
}

static int slot_set_flags(struct mmu *m, struct mmu_slot *old, struct mmu_slot *new)
{
	struct mmu_slots *with;
	int ret;

	with = version_with(m, old, new);
	if (!with)
		return -ENOMEM;
	ret = slot_set_log(m, new, old);
	if (ret) {
		kvfree(with);
		return ret;
	}
	publish(m, slot_space(new), with);
	apply_flags(m, old, new);
	slot_replaced(m, old, new);
	return 0;
}

/* What may change of a slot: its place and its log.  Consumes nothing. */
static int slot_change(struct mmu *m, struct mmu_slot *old, struct mmu_slot *new)
{
	if (new->hva != old->hva || new->npages != old->npages ||
	    ((new->flags ^ old->flags) & KVM_MEM_READONLY))
		return -EINVAL;
	if (new->base_gfn != old->base_gfn)
		return slot_move(m, old, new);
	return slot_set_flags(m, old, new);
}

static bool same(const struct mmu_slot *a, const struct mmu_slot *b)
{
	return a->base_gfn == b->base_gfn && a->npages == b->npages && a->hva == b->hva &&
	       a->flags == b->flags;
}

bool slot_id_ok(u32 id)
{
	return slot_id_space(id) < NR_MMU_SPACES && (id & SLOT_ID_MASK) < MAX_SLOTS;
}

/* KVM's checks of the argument alone, which apply to deletions too. */
static int check_region(const struct kvm_userspace_memory_region *r)
{
	if (r->flags & ~SLOT_FLAGS)
		return -EINVAL;
	if ((r->memory_size | r->guest_phys_addr | r->userspace_addr) & ~PAGE_MASK)
		return -EINVAL;
	if (!slot_id_ok(r->slot))
		return -EINVAL;
	if (r->guest_phys_addr + r->memory_size < r->guest_phys_addr)
		return -EINVAL;
	if (r->memory_size >> PAGE_SHIFT > MAX_SLOT_PAGES)
		return -EINVAL;
	/*
	 * Stricter than access_ok(), which may look at the sign bit only: the notifier compares
	 * these addresses with canonical ones without tags.
	 */
	if (r->userspace_addr > TASK_SIZE_MAX ||
	    r->memory_size > TASK_SIZE_MAX - r->userspace_addr)
		return -EINVAL;
	return 0;
}

static int set_slot(struct mmu *m, const struct kvm_userspace_memory_region *r)
{
	struct mmu_slot *old, *new;
	int ret;

	lockdep_assert_held(&m->slots_lock);
	old = xa_load(&m->by_id, r->slot);
	if (!r->memory_size)
		return old ? slot_delete(m, old) : -EINVAL;
	new = slot_alloc(m, r);
	if (!new)
		return -ENOMEM;
	if (old && same(old, new)) {
		kfree(new);
		return 0;
	}
	ret = old ? slot_change(m, old, new) : slot_create(m, new);
	if (ret) {
		if (old && new->dirty == old->dirty)
			new->dirty = NULL;
		slot_free(new);
	}
	return ret;
}

int mmu_set_slot(struct nvmx_vm *vm, const struct kvm_userspace_memory_region *r)
{
	struct mmu *m = vm->mmu;
	int ret;

	ret = check_region(r);
	if (ret)
		return ret;
	mutex_lock(&m->slots_lock);
	ret = set_slot(m, r);
	mutex_unlock(&m->slots_lock);
	return ret;
}

/* ---- life ---- */

void ept_flush(struct ept_space *s)
{
	struct mmu *m = container_of(s, struct mmu, ept);

	/* A tag that is used again later is flushed by its new user. */
	if (!READ_ONCE(m->stopped))
		vmx_flush_tlbs(m->vm);
}

bool ept_bug(struct ept_space *s, bool cond, const char *what)
{
	if (unlikely(cond))
		vm_bug(container_of(s, struct mmu, ept)->vm, what, __FILE__, __LINE__);
	return cond;
}

static void versions_free(struct mmu *m)
{
	u32 space;

	for (space = 0; space < NR_MMU_SPACES; space++)
		kvfree(rcu_access_pointer(m->slots[space]));
}

static int versions_init(struct mmu *m)
{
	struct mmu_slots *none;
	u32 space;

	for (space = 0; space < NR_MMU_SPACES; space++) {
		none = version_alloc(0);
		if (!none)
			return -ENOMEM;
		RCU_INIT_POINTER(m->slots[space], none);
	}
	return 0;
}

int mmu_vm_init(struct nvmx_vm *vm)
{
	struct mmu *m;
	int ret;

	m = kvzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);
	if (!m)
		return -ENOMEM;
	m->vm = vm;
	mutex_init(&m->slots_lock);
	xa_init(&m->by_id);
	ept_space_init(&m->ept);
	m->ept.ad = vmx_caps.ept_ad;
	m->ept.small_exec = boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT);
	ret = versions_init(m);
	if (ret)
		goto free_slots;
	ret = ept01_init(&m->ept);
	if (ret)
		goto free_slots;
	ret = notifier_start(m);
	if (ret)
		goto free_roots;
	vm->mmu = m;
	return 0;

free_roots:
	ept01_exit(&m->ept);
free_slots:
	ept_space_exit(&m->ept);
	versions_free(m);
	kvfree(m);
	return ret;
}

void mmu_vm_stop(struct nvmx_vm *vm)
{
	struct mmu *m = vm->mmu;

	notifier_stop(m);
	WRITE_ONCE(m->stopped, true);
}

void mmu_vm_destroy(struct nvmx_vm *vm)
{
	struct mmu *m = vm->mmu;
	struct mmu_slot *slot;
	unsigned long id;

	vm->mmu = NULL;
	ept02_free_all(&m->ept);
	ept01_exit(&m->ept);
	ept_space_exit(&m->ept);
	xa_for_each(&m->by_id, id, slot)
		slot_free(slot);
	xa_destroy(&m->by_id);
	versions_free(m);
	mutex_destroy(&m->slots_lock);
	kvfree(m);
}

u64 mmu_eptp01(struct nvmx_vm *vm, enum mmu_space space)
{
	const struct ept_space *s = &vm->mmu->ept;

	return __pa(s->root01[space]->e) | EPTP_WB | EPTP_LEVELS(EPT_TOP) | (s->ad ? EPTP_AD : 0);
}
