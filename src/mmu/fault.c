// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-level faults, of L1 and of L2, and the door of ept02.
 *
 * A fault looks up the slot, finds the host's page, takes the lock, makes sure that nothing changed
 * since it looked, and installs.  Whatever raced ends in MMU_RETRY: the guest enters again and
 * faults again, and signals are seen on the way.  There are no loops here.
 *
 * vm->srcu is held from the lookup of the slot to the installed mapping, see slots.c.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <nvmx/mmu.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "ept02.h"
#include "space.h"

#define ACC_RWX		(ACC_READ | ACC_WRITE | ACC_EXEC)

/* The L1 page that is to be mapped. */
struct target {
	enum mmu_space space;
	struct mmu_slot *slot;
	u64 gfn;
	unsigned long hva;
	u32 access;		/* ACC_RWX */
	unsigned long seq;	/* the notifier's, from before the host was asked */
	bool small;		/* as a 4K page */
	struct mmu_absent *absent;	/* not NULL: do not wait for it, say which it is */
	struct host_page host;
};

/* @t->space is set. */
static enum mmu_verdict target_find(struct mmu *m, struct target *t, u64 gpa, u32 access)
{
	t->gfn = gpa >> PAGE_SHIFT;
	t->access = access & ACC_RWX;
	t->slot = slot_find(m, t->space, t->gfn);
	if (!t->slot)
		return MMU_MMIO;
	if ((access & ACC_WRITE) && !slot_is_writable(t->slot))
		return MMU_MMIO;
	t->hva = slot_hva(t->slot, t->gfn);
	return MMU_FIXED;
}

/* Take a reference to the page.  May sleep for long: swap, userfaultfd. */
static enum mmu_verdict target_get(struct mmu *m, struct target *t)
{
	int ret;

	t->seq = notifier_begin(m);
	if (t->absent)
		ret = host_try(t->hva, t->access & ACC_WRITE, &t->host);
	else
		ret = host_get(t->hva, t->access & ACC_WRITE, &t->host);
	if (ret == -EBUSY && t->absent) {
		*t->absent = (struct mmu_absent){ t->hva, t->access & ACC_WRITE };
		return MMU_LATER;
	}
	if (ret == -EINTR || ret == -EAGAIN)
		return MMU_RETRY;
	return ret ? MMU_ERROR : MMU_FIXED;
}

/* May the large page of @level around the target be mapped as one? */
static bool fits(const struct target *t, unsigned int level)
{
	const struct mmu_slot *slot = t->slot;
	u64 span = ept_span(level), first = t->gfn & ~(span - 1);

	if ((t->gfn ^ (t->hva >> PAGE_SHIFT)) & (span - 1))
		return false;
	return first >= slot->base_gfn && first + span <= slot->base_gfn + slot->npages;
}

static u8 target_level(const struct mmu *m, const struct target *t)
{
	u8 level = t->host.level;

	if (t->small || slot_is_logged(t->slot) || (m->ept.small_exec && (t->access & ACC_EXEC)))
		return 1;
	if (level == 3 && !(vmx_caps.ept_1g && fits(t, 3)))
		level = 2;
	if (level == 2 && !(vmx_caps.ept_2m && fits(t, 2)))
		level = 1;
	return level;
}

/* In a logged slot the right to write comes with the bit, see dirty.c. */
static u32 target_perm(const struct target *t)
{
	u32 perm = EPTE_R | EPTE_X;

	if (!slot_is_writable(t->slot) || !t->host.writable)
		return perm;
	if (slot_is_logged(t->slot) && !(t->access & ACC_WRITE))
		return perm;
	return perm | EPTE_W;
}

/* Under the lock: is it all still true?  Then size and rights are final. */
static bool target_confirm(struct mmu *m, struct target *t)
{
	if (notifier_raced(m, t->seq, t->hva))
		return false;
	host_measure(m, t->hva, &t->host);
	return true;
}

static void target_written(struct target *t)
{
	if (t->access & ACC_WRITE)
		dirty_mark(t->slot, t->gfn);
}

/* ---- ept01 ---- */

static enum mmu_verdict map01(struct mmu *m, struct target *t)
{
	enum mmu_verdict verdict = MMU_RETRY;
	struct ept01_map map = {
		.space = t->space, .gfn = t->gfn, .pfn = t->host.pfn, .access = t->access,
		.small = t->small,
	};
	bool debt = false;

	spin_lock(&m->ept.lock);
	if (target_confirm(m, t)) {
		map.level = target_level(m, t);
		map.perm = target_perm(t);
		target_written(t);
		if (ept01_map(&m->ept, &map, &debt) == EPT_DONE)
			verdict = MMU_FIXED;
	}
	ept_unlock_pay(&m->ept, debt);
	return verdict;
}

static enum mmu_verdict fault01(struct mmu *m, struct target *t, u64 gpa, u32 access)
{
	enum mmu_verdict verdict;

	verdict = target_find(m, t, gpa, access);
	if (verdict != MMU_FIXED)
		return verdict;
	if (ept_prepare(&m->ept, EPT_01))
		return MMU_ERROR;
	verdict = target_get(m, t);
	if (verdict != MMU_FIXED)
		return verdict;
	verdict = map01(m, t);
	host_put(&t->host);
	return verdict;
}

/**
 * mmu_fault01() - resolve a violation of ept01
 * @v: whose access it was, in the space that it sees
 * @gpa: L1-physical address
 * @access: ACC_*
 *
 * Context: process, current->mm is the VM's, may sleep; takes vm->srcu and the mmu lock.
 * Return: MMU_FIXED, MMU_MMIO, MMU_RETRY or MMU_ERROR.
 */
enum mmu_verdict mmu_fault01(struct nvmx_vcpu *v, u64 gpa, u32 access)
{
	return mmu_try_fault01(v, gpa, access, NULL);
}

enum mmu_verdict mmu_try_fault01(struct nvmx_vcpu *v, u64 gpa, u32 access,
				 struct mmu_absent *absent)
{
	struct target t = { .space = vcpu_space(v), .absent = absent };
	struct nvmx_vm *vm = v->vm;
	enum mmu_verdict verdict;
	int idx;

	idx = srcu_read_lock(&vm->srcu);
	verdict = fault01(vm->mmu, &t, gpa, access);
	srcu_read_unlock(&vm->srcu, idx);
	return verdict;
}

/*
 * The frame was in ept01 when the lock was dropped.  The reference is gone, as for any mapping:
 * from then on the notifier takes the mapping out first, and that raises vm->tlb_gen.
 */
enum mmu_verdict mmu_frame(struct nvmx_vcpu *v, u64 gpa, enum mmu_frame_size size, u64 *hpa)
{
	struct target t = { .space = MMU_NORMAL, .small = size == MMU_FRAME_4K };
	struct nvmx_vm *vm = v->vm;
	enum mmu_verdict verdict;
	int idx;

	idx = srcu_read_lock(&vm->srcu);
	verdict = fault01(vm->mmu, &t, gpa, ACC_READ | ACC_WRITE);
	srcu_read_unlock(&vm->srcu, idx);
	if (verdict == MMU_FIXED)
		*hpa = t.host.pfn << PAGE_SHIFT;
	return verdict;
}

void *mmu_frame_address(u64 hpa)
{
	return pfn_valid(hpa >> PAGE_SHIFT) ? __va(hpa) : NULL;
}

/* ---- ept02 ---- */

static enum ept02_found find02(struct mmu *m, struct ept02 *t, struct ept02_query *q)
{
	enum ept02_found found;

	q->debt = false;
	spin_lock(&m->ept.lock);
	found = ept02_find(&m->ept, t, q);
	ept_unlock_pay(&m->ept, q->debt);
	return found;
}

/* What the tree knows already; L1's table is shown to it if it asks. */
static enum ept02_found look02(struct mmu *m, struct ept02 *t, struct ept02_query *q)
{
	enum ept02_found found = find02(m, t, q);
	void *pt;

	if (found != EPT02_NEED_PT)
		return found;
	pt = mmu_map_page(m->vm, q->path->table[1], false);
	if (!pt)
		return EPT02_RACED;
	q->pt = pt;
	found = find02(m, t, q);
	q->pt = NULL;
	mmu_unmap_page(m->vm, pt, q->path->table[1], false);
	return found;
}

static enum mmu_verdict map02(struct mmu *m, struct ept02 *t, struct ept02_query *q,
			      struct target *target)
{
	enum mmu_verdict verdict = MMU_RETRY;
	struct ept02_page page = { .pfn = target->host.pfn };

	q->debt = false;
	spin_lock(&m->ept.lock);
	if (target_confirm(m, target)) {
		page.level = target_level(m, target);
		page.perm = target_perm(target);
		target_written(target);
		if (ept02_install(&m->ept, t, q, &page) == EPT_DONE)
			verdict = MMU_FIXED;
	}
	ept_unlock_pay(&m->ept, q->debt);
	return verdict;
}

static enum mmu_verdict resolve02(struct mmu *m, struct ept02 *t, struct ept02_query *q,
				  struct mmu_absent *absent)
{
	struct target target = { .space = MMU_NORMAL, .absent = absent };
	enum mmu_verdict verdict;

	verdict = target_find(m, &target, q->path->gpa, q->access);
	if (verdict != MMU_FIXED)
		return verdict;
	switch (look02(m, t, q)) {
	case EPT02_HIT:
		return MMU_FIXED;
	case EPT02_MISS:
		break;
	case EPT02_RACED:
	case EPT02_NEED_PT:
		return MMU_RETRY;
	}
	if (ept_prepare(&m->ept, EPT_02))
		return MMU_ERROR;
	verdict = target_get(m, &target);
	if (verdict != MMU_FIXED)
		return verdict;
	verdict = map02(m, t, q, &target);
	host_put(&target.host);
	return verdict;
}

/* Walk ept12 and map what it leads to.  *@path is valid unless the verdict is MMU_REPORT. */
static enum mmu_verdict fault02(struct nvmx_vcpu *v, struct ept02 *t, u64 ngpa, bool wait,
				struct ept02_query *q, struct mmu_result02 *r)
{
	struct mmu *m = v->vm->mmu;
	enum mmu_verdict verdict;
	int idx, ret;

	q->seq = ept02_seq(t);
	ret = ept12_walk(&t->ept12, ngpa, q->access, q->path, &r->f);
	if (ret)
		return ret == -EAGAIN ? MMU_RETRY : MMU_REPORT;
	idx = srcu_read_lock(&v->vm->srcu);
	verdict = resolve02(m, t, q, wait ? NULL : &r->absent);
	srcu_read_unlock(&v->vm->srcu, idx);
	v->stat.ept02_revalidated += q->revived;
	return verdict;
}

/**
 * mmu_fault02() - resolve a violation of ept02
 * @v: whose access it was, in L2
 * @t: the tree it runs on
 * @ngpa: L2-physical address
 * @access: ACC_*
 * @wait: for a page that the host has to fetch
 * @r: out
 *
 * Faults are counted and traced by the caller, which also has those of an L2 without ept12.
 *
 * Context: process, current->mm is the VM's, may sleep; takes vm->srcu and the mmu lock.
 * Return: any verdict.
 */
enum mmu_verdict mmu_fault02(struct nvmx_vcpu *v, struct ept02 *t, u64 ngpa, u32 access, bool wait,
			     struct mmu_result02 *r)
{
	struct ept12_path path = { .gpa = 0 };
	struct ept02_query q = {
		.path = &path, .frame = ngpa >> PAGE_SHIFT, .access = access & ACC_RWX,
	};
	enum mmu_verdict verdict = fault02(v, t, ngpa, wait, &q, r);

	r->gpa = path.gpa;
	return verdict;
}

struct ept02 *mmu_ept02_get(struct nvmx_vm *vm, const struct mmu_ept12 *e)
{
	return ept02_get(&vm->mmu->ept, e);
}

void mmu_ept02_put(struct nvmx_vm *vm, struct ept02 *t)
{
	ept02_put(&vm->mmu->ept, t);
}

u64 mmu_ept02_eptp(const struct ept02 *t)
{
	return __pa(t->root->e) | EPTP_WB | EPTP_LEVELS(EPT_TOP) | (t->ad ? EPTP_AD : 0);
}

void mmu_ept02_invalidate(struct nvmx_vm *vm, u64 eptp12, bool all)
{
	ept02_invalidate(&vm->mmu->ept, eptp12, all);
}
