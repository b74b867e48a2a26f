// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmclock: nanoseconds since the VM began, computed by the guest from its TSC.
 *
 * While the host keeps time by the TSC, a VM has one line, a pair of host TSC and nanoseconds, that
 * all pages are made from.  The line is moved by KVM_SET_CLOCK and by a jump of the host's TSC,
 * and by nothing else: not with the load of a vCPU, not at a write of a TSC.  Pages that are made
 * at different times, on different CPUs, with different offsets, then tell the same time, and no
 * correction of the host's clock can make it go back.  A guest whose TSCs are all equal may also
 * read the page of one vCPU on another; the flag "stable" says so.
 *
 * Without that there is no line, and a page is made from the host's clock wherever the vCPU
 * arrives on a CPU.
 *
 * Locking: vm->pv.lock guards the line.  A page is written by the vCPU's own thread.
 */
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <linux/lockdep.h>
#include <linux/math64.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/types.h>
#include <asm/msr.h>
#include <asm/pvclock-abi.h>
#include <asm/tsc.h>

#include <nvmx/mmu.h>
#include <nvmx/pv.h>

#include "pv_int.h"
#include "scale.h"

/* Counts jumps of the host's TSC; a line is good while it is of this epoch. */
static u32 host_epoch;

/* ---- the host's clock ---- */

struct instant {
	u64 tsc;		/* the host's */
	u64 boot_ns;		/* since boot, by the raw clock, sleep included */
	u64 real_ns;
	bool by_tsc;		/* all three are one reading of the TSC */
};

/*
 * Which clock the host keeps time by is nothing that modules can ask of every kernel; but a
 * counter between two readings of the TSC is the TSC.
 */
static void now(struct instant *t)
{
	struct system_time_snapshot snap;
	u64 before, after;

	before = rdtsc_ordered();
	ktime_get_snapshot(&snap);
	after = rdtsc_ordered();

	t->by_tsc = snap.cycles - before <= after - before && !check_tsc_unstable();
	t->tsc = t->by_tsc ? snap.cycles : after;
	t->boot_ns = ktime_to_ns(ktime_add(snap.raw, ktime_mono_to_any(0, TK_OFFS_BOOT)));
	t->real_ns = ktime_to_ns(snap.real);
}

/* ---- the VM's line ---- */

static void move_line(struct nvmx_vm *vm, const struct instant *t, u64 clock)
{
	lockdep_assert_held(&vm->pv.lock);
	vm->pv.by_tsc = t->by_tsc;
	vm->pv.base_tsc = t->tsc;
	vm->pv.base_ns = clock;
	vm->pv.offset = clock - t->boot_ns;
	WRITE_ONCE(vm->pv.epoch, READ_ONCE(host_epoch));
}

static u64 clock_at(const struct nvmx_vm *vm, const struct instant *t)
{
	struct pv_scale scale;

	lockdep_assert_held(&vm->pv.lock);
	if (!vm->pv.by_tsc)
		return t->boot_ns + vm->pv.offset;
	scale = pv_scale_of(tsc_khz * 1000ull);
	/* CPUs agree about the TSC but for some cycles. */
	return vm->pv.base_ns +
	       pv_ticks_to_ns(scale, t->tsc > vm->pv.base_tsc ? t->tsc - vm->pv.base_tsc : 0);
}

static bool line_is_good(const struct nvmx_vm *vm)
{
	return READ_ONCE(vm->pv.epoch) == READ_ONCE(host_epoch) &&
	       !(READ_ONCE(vm->pv.by_tsc) && check_tsc_unstable());
}

static void request_all(struct nvmx_vm *vm)
{
	struct nvmx_vcpu *v;
	u32 i;

	vm_for_each_vcpu(vm, v, i) {
		vcpu_request(v, REQ_CLOCK);
		vmx_kick(v);
	}
}

/* The host's clock goes on from where the offset puts it: what was slept through has passed. */
static void renew_line(struct nvmx_vm *vm)
{
	struct instant t;
	bool renewed = false;

	now(&t);
	spin_lock(&vm->pv.lock);
	if (!line_is_good(vm)) {
		move_line(vm, &t, t.boot_ns + vm->pv.offset);
		renewed = true;
	}
	spin_unlock(&vm->pv.lock);
	if (renewed)
		request_all(vm);
}

void pv_host_resumed(void)
{
	WRITE_ONCE(host_epoch, host_epoch + 1);
}

void pv_vm_init(struct nvmx_vm *vm)
{
	struct instant t;

	spin_lock_init(&vm->pv.lock);
	vm->pv.tsc_matched = true;
	now(&t);
	spin_lock(&vm->pv.lock);
	move_line(vm, &t, 0);
	spin_unlock(&vm->pv.lock);
}

/* ---- equal TSCs ---- */

static bool all_tscs_match(struct nvmx_vm *vm)
{
	const struct nvmx_vcpu *v, *first = NULL;
	u32 i;

	vm_for_each_vcpu(vm, v, i) {
		if (!first)
			first = v;
		if (READ_ONCE(v->tsc_offset) != READ_ONCE(first->tsc_offset) ||
		    READ_ONCE(v->tsc_ratio) != READ_ONCE(first->tsc_ratio))
			return false;
	}
	return true;
}

/* Of several that have written a TSC, the last one here has seen all. true: it has changed */
static bool update_match(struct nvmx_vm *vm)
{
	bool was;

	spin_lock(&vm->pv.lock);
	was = vm->pv.tsc_matched;
	vm->pv.tsc_matched = all_tscs_match(vm);
	was ^= vm->pv.tsc_matched;
	spin_unlock(&vm->pv.lock);
	return was;
}

void pv_tsc_changed(struct nvmx_vcpu *v)
{
	vcpu_request(v, REQ_CLOCK);
	if (update_match(v->vm))
		request_all(v->vm);
}

/* ---- the page ---- */

static void fill(struct nvmx_vcpu *v, struct pvclock_vcpu_time_info *page)
{
	struct pv_scale scale = pv_scale_of(vmx_tsc_hz(v));
	struct nvmx_vm *vm = v->vm;
	struct instant t;

	now(&t);
	page->flags &= PVCLOCK_GUEST_STOPPED;
	if (v->pv.stopped)
		page->flags |= PVCLOCK_GUEST_STOPPED;
	v->pv.stopped = false;

	spin_lock(&vm->pv.lock);
	if (vm->pv.by_tsc) {
		page->tsc_timestamp = vmx_l1_tsc(v, vm->pv.base_tsc);
		page->system_time = vm->pv.base_ns;
		if (vm->pv.tsc_matched)
			page->flags |= PVCLOCK_TSC_STABLE_BIT;
	} else {
		page->tsc_timestamp = vmx_l1_tsc(v, t.tsc);
		page->system_time = clock_at(vm, &t);
	}
	spin_unlock(&vm->pv.lock);

	page->tsc_to_system_mul = scale.mul;
	page->tsc_shift = scale.shift;
	page->pad0 = 0;
	page->pad[0] = 0;
	page->pad[1] = 0;
}

/* A page that is not there, or no longer, is the guest's own affair. */
static void write_page(struct nvmx_vcpu *v)
{
	u64 gpa = v->pv.system_time & ~(u64)KVM_MSR_ENABLED;
	struct pvclock_vcpu_time_info page;

	if (mmu_read(v->vm, gpa, &page, sizeof(page)))
		return;
	fill(v, &page);
	if (pv_version_begin(v->vm, gpa, &page.version))
		return;
	mmu_write(v->vm, gpa, &page, sizeof(page));
	pv_version_end(v->vm, gpa, &page.version);
}

void pv_serve_clock(struct nvmx_vcpu *v)
{
	if (!line_is_good(v->vm))
		renew_line(v->vm);
	if (update_match(v->vm))
		request_all(v->vm);
	if (v->pv.system_time & KVM_MSR_ENABLED)
		write_page(v);
}

int pv_guest_stopped(struct nvmx_vcpu *v)
{
	if (!(v->pv.system_time & KVM_MSR_ENABLED))
		return -EINVAL;
	v->pv.stopped = true;
	vcpu_request(v, REQ_CLOCK);
	return 0;
}

/* Without a line each CPU has a clock of its own. */
bool pv_clock_wants_update(const struct nvmx_vcpu *v)
{
	return !READ_ONCE(v->vm->pv.by_tsc) || !line_is_good(v->vm);
}

/* ---- the wall clock: when, by the calendar, the VM's clock was 0 ---- */

void pv_write_wall_clock(struct nvmx_vm *vm, u64 gpa)
{
	struct pvclock_wall_clock wall;
	struct instant t;
	u64 ns;

	if (!gpa || mmu_read(vm, gpa, &wall, sizeof(wall)))
		return;
	now(&t);
	spin_lock(&vm->pv.lock);
	ns = t.real_ns - clock_at(vm, &t);
	spin_unlock(&vm->pv.lock);
	wall.sec = div_u64_rem(ns, NSEC_PER_SEC, &wall.nsec);	/* until 2106 */
	if (pv_version_begin(vm, gpa, &wall.version))
		return;
	mmu_write(vm, gpa, &wall, sizeof(wall));
	pv_version_end(vm, gpa, &wall.version);
}

/* ---- user space ---- */

void pv_get_clock(struct nvmx_vm *vm, struct kvm_clock_data *data)
{
	struct instant t;

	if (!line_is_good(vm))
		renew_line(vm);
	update_match(vm);
	now(&t);
	spin_lock(&vm->pv.lock);
	data->clock = clock_at(vm, &t);
	data->flags = 0;
	if (vm->pv.by_tsc && vm->pv.tsc_matched)
		data->flags |= KVM_CLOCK_TSC_STABLE;
	spin_unlock(&vm->pv.lock);
	if (t.by_tsc) {
		data->flags |= KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;
		data->realtime = t.real_ns;
		data->host_tsc = t.tsc;
	}
}

bool pv_clock_line(struct nvmx_vm *vm, u64 *tsc, u64 *ns)
{
	bool good;

	spin_lock(&vm->pv.lock);
	good = vm->pv.by_tsc && vm->pv.tsc_matched && line_is_good(vm);
	*tsc = vm->pv.base_tsc;
	*ns = vm->pv.base_ns;
	spin_unlock(&vm->pv.lock);
	return good;
}

/* What KVM_GET_CLOCK gave may come back whole; the host's TSC then means nothing. */
int pv_set_clock(struct nvmx_vm *vm, const struct kvm_clock_data *data)
{
	u64 clock = data->clock;
	struct instant t;

	if (data->flags & ~PV_CLOCK_FLAGS)
		return -EINVAL;
	now(&t);
	/* Time that has passed since it was read; a calendar that went back adds none. */
	if (data->flags & KVM_CLOCK_REALTIME && t.real_ns > data->realtime)
		clock += t.real_ns - data->realtime;
	spin_lock(&vm->pv.lock);
	move_line(vm, &t, clock);
	spin_unlock(&vm->pv.lock);
	request_all(vm);
	return 0;
}
