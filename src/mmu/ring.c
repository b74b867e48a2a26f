// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty rings: who writes a page for the first time since its bit was taken says so in a ring.
 *
 * The bitmap of the slot stays the truth, see dirty.c: a page is writable only while its bit is
 * set.  An entry is written when a bit goes from 0 to 1, and KVM_RESET_DIRTY_RINGS takes the bits
 * of the entries that user space has collected.  A vCPU writes into its own ring; what no vCPU's
 * thread does goes into the first one.  A vCPU whose ring is nearly full goes back to user space;
 * what is left of the ring is for writes of the kernel meanwhile.  Who does not collect at all
 * loses entries.
 *
 * User space can write the ring: its entries are read once, and mean no more than a request to take
 * a bit, which user space may make at any time.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kvm.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/barrier.h>

#include "space.h"

#define ENTRY		((u32)sizeof(struct kvm_dirty_gfn))
#define RESERVED	64u		/* entries that only the kernel's own writes may take */
#define MAX_ENTRIES	65536u

/* Locking: [l] lock, innermost  [I] constant after creation */
struct dirty_ring {
	spinlock_t lock;		/* of next, reset and who writes entries */
	struct kvm_dirty_gfn *gfn;	/* [I] shared with user space */
	u32 entries;			/* [I] a power of two */
	u32 next;			/* [l] written so far */
	u32 reset;			/* [l] taken back so far */
};

u32 mmu_ring_max_bytes(void)
{
	return MAX_ENTRIES * ENTRY;
}

/* Before the first vCPU, and once.  Context: vm->lock held. */
int mmu_ring_enable(struct nvmx_vm *vm, u64 bytes)
{
	if (!is_power_of_2(bytes) || bytes < PAGE_SIZE || bytes < RESERVED * ENTRY)
		return -EINVAL;
	if (bytes > mmu_ring_max_bytes())
		return -E2BIG;
	if (vm->dirty_ring_bytes || atomic_read(&vm->nr_vcpus))
		return -EINVAL;
	vm->dirty_ring_bytes = bytes;
	return 0;
}

int mmu_ring_create(struct nvmx_vcpu *v)
{
	u32 bytes = v->vm->dirty_ring_bytes;
	struct dirty_ring *ring;

	if (!bytes)
		return 0;
	ring = kzalloc(sizeof(*ring), GFP_KERNEL_ACCOUNT);
	if (!ring)
		return -ENOMEM;
	ring->gfn = __vmalloc(bytes, GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!ring->gfn) {
		kfree(ring);
		return -ENOMEM;
	}
	spin_lock_init(&ring->lock);
	ring->entries = bytes / ENTRY;
	v->dirty_ring = ring;
	return 0;
}

void mmu_ring_free(struct nvmx_vcpu *v)
{
	if (!v->dirty_ring)
		return;
	vfree(v->dirty_ring->gfn);
	kfree(v->dirty_ring);
	v->dirty_ring = NULL;
}

/* NULL: the ring has no such page. */
struct page *mmu_ring_page(struct nvmx_vcpu *v, unsigned long pgoff)
{
	if (pgoff >= v->vm->dirty_ring_bytes >> PAGE_SHIFT)
		return NULL;
	return vmalloc_to_page((void *)v->dirty_ring->gfn + (pgoff << PAGE_SHIFT));
}

static bool nearly_full(const struct dirty_ring *ring)
{
	return ring->next - ring->reset >= ring->entries - RESERVED;
}

bool mmu_ring_nearly_full(struct nvmx_vcpu *v)
{
	bool full;

	spin_lock(&v->dirty_ring->lock);
	full = nearly_full(v->dirty_ring);
	spin_unlock(&v->dirty_ring->lock);
	return full;
}

/* ---- writing ---- */

static struct nvmx_vcpu *vcpu_of_this_thread(struct nvmx_vm *vm)
{
	struct nvmx_vcpu *v;
	u32 i;

	vm_for_each_vcpu(vm, v, i)
		if (READ_ONCE(v->user) == current)
			return v;
	return vm_vcpu(vm, 0);
}

static void push(struct nvmx_vcpu *v, u32 slot, u64 offset)
{
	struct dirty_ring *ring = v->dirty_ring;
	struct kvm_dirty_gfn *e;

	spin_lock(&ring->lock);
	if (ring->next - ring->reset < ring->entries) {
		e = &ring->gfn[ring->next & (ring->entries - 1)];
		WRITE_ONCE(e->slot, slot);
		WRITE_ONCE(e->offset, offset);
		/* Pairs with user space's load: who sees the flag sees the entry. */
		smp_store_release(&e->flags, KVM_DIRTY_GFN_F_DIRTY);
		ring->next++;
	}
	if (nearly_full(ring))
		vcpu_request(v, REQ_DIRTY_RING);
	spin_unlock(&ring->lock);
}

/* The bit of the page has become 1.  Context: any that may write a page; ept.lock may be held. */
void ring_push(struct mmu_slot *slot, u64 offset)
{
	struct nvmx_vcpu *v = vcpu_of_this_thread(slot->mmu->vm);

	if (v && v->dirty_ring)
		push(v, slot->id, offset);
}

/* ---- taking back ---- */

/* The next entry that user space has collected. */
static bool pop(struct dirty_ring *ring, struct kvm_dirty_gfn *copy)
{
	struct kvm_dirty_gfn *e = &ring->gfn[ring->reset & (ring->entries - 1)];

	if (ring->reset == ring->next)
		return false;
	/* Pairs with user space's store: what it did before belongs to the time before. */
	if (!(smp_load_acquire(&e->flags) & KVM_DIRTY_GFN_F_RESET))
		return false;
	copy->slot = READ_ONCE(e->slot);
	copy->offset = READ_ONCE(e->offset);
	WRITE_ONCE(e->flags, 0);
	return true;
}

static int reset_ring(struct mmu *m, struct dirty_ring *ring)
{
	struct kvm_dirty_gfn e;
	int n = 0;
	bool more;

	do {
		spin_lock(&ring->lock);
		more = pop(ring, &e);
		if (more)
			ring->reset++;
		spin_unlock(&ring->lock);
		if (!more)
			break;
		dirty_take_page(m, e.slot, e.offset);
		n++;
		cond_resched();
	} while (n < MAX_ENTRIES);
	return n;
}

/* How many entries were taken back.  Nobody writes their pages any more without a new one. */
int mmu_reset_rings(struct nvmx_vm *vm)
{
	struct mmu *m = vm->mmu;
	struct nvmx_vcpu *v;
	int n = 0;
	u32 i;

	if (!vm->dirty_ring_bytes)
		return -EINVAL;
	mutex_lock(&m->slots_lock);
	vm_for_each_vcpu(vm, v, i)
		if (v->dirty_ring)
			n += reset_ring(m, v->dirty_ring);
	if (n)
		dirty_taken(m);
	mutex_unlock(&m->slots_lock);
	return n;
}
