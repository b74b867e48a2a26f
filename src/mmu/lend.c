// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page of the machine's own, where L1 has no memory: what APIC-access virtualization needs to
 * recognize accesses by.
 *
 * It is mapped in ept01 of the normal space by the faults of those who want it, and taken back for
 * good, by its lender or when a slot comes to that place.  Whoever maps holds vm->srcu from looking
 * for a slot until the page is mapped or refused, so after publish() has waited none is on its way.
 */
#include <linux/errno.h>
#include <linux/spinlock.h>
#include <nvmx/mmu.h>
#include <nvmx/vcpu.h>

#include "space.h"

static int map(struct mmu *m, u64 gfn, u64 pfn)
{
	struct ept01_map map = {
		.space = MMU_NORMAL, .gfn = gfn, .pfn = pfn, .level = 1, .small = true,
		.perm = EPTE_R | EPTE_W,
	};
	int ret = -EBUSY;
	bool debt = false;

	spin_lock(&m->ept.lock);
	if (!m->lent_back) {
		WRITE_ONCE(m->lent_gfn, gfn);
		ret = ept01_map(&m->ept, &map, &debt) == EPT_DONE ? 0 : -EAGAIN;
	}
	ept_unlock_pay(&m->ept, debt);
	return ret;
}

int mmu_lend_page(struct nvmx_vm *vm, u64 gpa, u64 hpa)
{
	u64 gfn = gpa >> PAGE_SHIFT;
	struct mmu *m = vm->mmu;
	int idx, ret = -EBUSY;

	if (READ_ONCE(m->lent_back))
		return ret;
	idx = srcu_read_lock(&vm->srcu);
	if (!slot_find(m, MMU_NORMAL, gfn))
		ret = ept_prepare(&m->ept, EPT_01) ?: map(m, gfn, hpa >> PAGE_SHIFT);
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}

void mmu_take_back(struct nvmx_vm *vm)
{
	struct mmu *m = vm->mmu;
	struct gfn_range r = { .op = EPT_OP_ZAP, .space = MMU_NORMAL };
	unsigned int ret = 0;

	spin_lock(&m->ept.lock);
	if (!m->lent_back && m->lent_gfn) {
		r.first = m->lent_gfn;
		r.end = r.first + 1;
		ret = mmu_range_locked(m, &r);
	}
	WRITE_ONCE(m->lent_back, true);
	ept_unlock_pay(&m->ept, ret & EPT_DEBT);
}

void lend_slots_changed(struct mmu *m)
{
	u64 gfn = READ_ONCE(m->lent_gfn);

	if (gfn && mmu_gpa_backed(m->vm, gfn << PAGE_SHIFT))
		mmu_take_back(m->vm);
}
