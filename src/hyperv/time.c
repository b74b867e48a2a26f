// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reference time: units of 100 ns since the VM began, by MSR or, without an exit, by the guest
 * itself from a page with a factor and an offset for its TSC.
 *
 * It is the VM's clock (src/pv) in other units.  While the page is filled and the clock's line is
 * that which it was made from, MSR and page are computed the same way and cannot disagree.  When
 * the line moves, REQ_CLOCK has the page filled again.
 *
 * A guest that migrated can ask to have its page left alone until it has told its own guests
 * (TSC_EMULATION_CONTROL): then page and MSR go on as they are.
 *
 * Locking: hv_vm.lock.
 */
#include <linux/compiler.h>
#include <linux/lockdep.h>
#include <linux/math64.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <asm/barrier.h>
#include <asm/msr.h>

#include <nvmx/mmu.h>
#include <nvmx/pv.h>

#include "hv_int.h"

#define UNITS_PER_SECOND	10000000ull
#define NS_PER_UNIT		100

/* false: the clock is not the TSC's, or not that of all vCPUs, or the TSC is too slow */
static bool compute(struct nvmx_vcpu *v, struct tlfs_tsc_page *data)
{
	u64 hz = vmx_tsc_hz(v), base_tsc, base_ns;

	if (!pv_clock_line(v->vm, &base_tsc, &base_ns) || hz <= UNITS_PER_SECOND)
		return false;
	data->scale = mul_u64_u64_div_u64(UNITS_PER_SECOND << 32, BIT_ULL(32), hz);
	data->offset = div_u64(base_ns, NS_PER_UNIT) -
		       mul_u64_u64_shr(vmx_l1_tsc(v, base_tsc), data->scale, 64);
	return true;
}

static bool is_current(struct nvmx_vcpu *v, const struct hv_tsc_page *page)
{
	struct tlfs_tsc_page now;

	return page->filled && compute(v, &now) && now.scale == page->data.scale &&
	       now.offset == page->data.offset;
}

static bool is_frozen(const struct hv_vm *hv)
{
	return hv->emulation_control && hv->tsc.filled && !hv->tsc.guest_wrote;
}

u64 hv_read_reference_time(struct nvmx_vcpu *v)
{
	struct hv_vm *hv = v->vm->hv;
	struct kvm_clock_data clock;

	lockdep_assert_held(&hv->lock);
	if (is_frozen(hv) || is_current(v, &hv->tsc))
		return mul_u64_u64_shr(vmx_l1_tsc(v, rdtsc_ordered()), hv->tsc.data.scale, 64) +
		       hv->tsc.data.offset;
	pv_get_clock(v->vm, &clock);
	return div_u64(clock.clock, NS_PER_UNIT);
}

u64 hv_reference_time(struct nvmx_vcpu *v)
{
	u64 time;

	mutex_lock(&v->vm->hv->lock);
	time = hv_read_reference_time(v);
	mutex_unlock(&v->vm->hv->lock);
	return time;
}

static u32 next_sequence(u32 sequence)
{
	sequence++;
	return sequence == 0 || sequence == ~0u ? 1 : sequence;
}

/* The guest reads the MSR while the sequence is 0. */
static int write_page(struct nvmx_vcpu *v, u64 gpa, struct tlfs_tsc_page *data, u32 sequence)
{
	int err;

	data->sequence = 0;
	err = mmu_write(v->vm, gpa, &data->sequence, sizeof(data->sequence));
	smp_wmb();	/* whoever sees the new contents sees the 0 */
	err = err ?: mmu_write(v->vm, gpa, data, sizeof(*data));
	smp_wmb();	/* whoever sees the sequence sees the new contents */
	data->sequence = next_sequence(sequence);
	return err ?: mmu_write(v->vm, gpa, &data->sequence, sizeof(data->sequence));
}

/* A new vCPU of a migrated VM finds the page as it was. */
static bool adopt(struct nvmx_vcpu *v, struct hv_tsc_page *page)
{
	if (page->guest_wrote || !v->vm->hv->emulation_control)
		return false;
	if (mmu_read(v->vm, page->msr & TLFS_PAGE, &page->data, sizeof(page->data)))
		return false;
	page->filled = page->data.sequence;
	return page->filled;
}

static void fill(struct nvmx_vcpu *v, struct hv_tsc_page *page)
{
	u64 gpa = page->msr & TLFS_PAGE;
	struct tlfs_tsc_page data = {};
	u32 sequence;

	page->filled = false;
	if (adopt(v, page) || mmu_read(v->vm, gpa, &sequence, sizeof(sequence)))
		return;
	if (!compute(v, &data)) {
		mmu_write(v->vm, gpa, &data.sequence, sizeof(data.sequence));
		return;
	}
	if (write_page(v, gpa, &data, sequence))
		return;
	page->data = data;
	page->guest_wrote = false;
	page->filled = true;
}

void hv_serve_clock(struct nvmx_vcpu *v)
{
	struct hv_vm *hv = v->vm->hv;

	/* Whoever sets it asks for a clock request itself. */
	if (likely(!(READ_ONCE(hv->tsc.msr) & TLFS_ENABLE)))
		return;
	mutex_lock(&hv->lock);
	if (hv->tsc.msr & TLFS_ENABLE && !is_frozen(hv) && !is_current(v, &hv->tsc))
		fill(v, &hv->tsc);
	mutex_unlock(&hv->lock);
}

void hv_set_tsc_page(struct nvmx_vcpu *v, u64 val, enum msr_by by)
{
	struct hv_vm *hv = v->vm->hv;

	lockdep_assert_held(&hv->lock);
	WRITE_ONCE(hv->tsc.msr, val);
	hv->tsc.guest_wrote = by == MSR_BY_GUEST;
	hv->tsc.filled = false;
	if (val & TLFS_ENABLE)
		vcpu_request(v, REQ_CLOCK);
}
