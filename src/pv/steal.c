// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stolen time: how long the vCPU's thread was ready and did not run, and whether it runs now.
 *
 * "Preempted" is told when the thread leaves its CPU between two instructions of the guest, and is
 * taken back before the next one.  Meanwhile another vCPU may ask in the same byte for a TLB flush
 * and not wait for it.  So it must not be told in the middle of an instruction that L0 carries out
 * with a translation it already has: v->pv.between is set around few calls of schedule() only.
 */
#include <linux/errno.h>
#include <linux/kvm_para.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include <nvmx/compat.h>
#include <nvmx/mmu.h>
#include <nvmx/pv.h>

#include "pv_int.h"

#define PREEMPTED_BYTE	0xffu	/* of the word at ->preempted */
#define TRIES		8

static u64 page_of(const struct nvmx_vcpu *v)
{
	return v->pv.steal_time & KVM_STEAL_VALID_BITS;
}

static bool is_enabled(const struct nvmx_vcpu *v)
{
	return v->pv.steal_time & KVM_MSR_ENABLED;
}

static void flush(struct nvmx_vcpu *v)
{
	vcpu_request(v, REQ_TLB_FLUSH);
}

/* -EAGAIN: other vCPUs write faster. A page that is gone may have held a wish. */
static int take_preempted(struct nvmx_vcpu *v)
{
	u64 gpa = page_of(v) + offsetof(struct kvm_steal_time, preempted);
	int i, err = -EAGAIN;
	u32 word;

	for (i = 0; i < TRIES && err == -EAGAIN; i++) {
		err = mmu_read(v->vm, gpa, &word, sizeof(word));
		if (!err && word & PREEMPTED_BYTE)
			err = mmu_cmpxchg(v->vm, gpa, sizeof(word), word, word & ~PREEMPTED_BYTE);
	}
	if (err == -EAGAIN)
		return err;
	if (err ? v->pv.preempted : word & KVM_VCPU_FLUSH_TLB)
		flush(v);
	v->pv.preempted = false;
	return err;
}

/* Since this thread was here last; a thread that is new here brings nothing along. */
static u64 newly_stolen(struct nvmx_vcpu *v)
{
	u64 delay = nvmx_run_delay(), stolen = 0;

	if (v->pv.steal_thread == current->pid)
		stolen = delay - v->pv.last_delay;
	v->pv.steal_thread = current->pid;
	v->pv.last_delay = delay;
	return stolen;
}

static void add_stolen(struct nvmx_vcpu *v)
{
	u64 gpa = page_of(v), at = gpa + offsetof(struct kvm_steal_time, version);
	struct kvm_steal_time st;

	if (mmu_read(v->vm, gpa, &st, sizeof(st)))
		return;
	if (pv_version_begin(v->vm, at, &st.version))
		return;
	st.steal += newly_stolen(v);
	mmu_write(v->vm, gpa, &st.steal, sizeof(st.steal));
	pv_version_end(v->vm, at, &st.version);
}

void pv_serve_steal(struct nvmx_vcpu *v)
{
	int err;

	if (!is_enabled(v))
		return;
	err = take_preempted(v);
	if (err == -EAGAIN)
		vcpu_request(v, REQ_STEAL);	/* the guest must not run before */
	else if (!err)
		add_stolen(v);
}

/* Nobody may go on believing that the vCPU of the old page is preempted. */
void pv_set_steal_time(struct nvmx_vcpu *v, u64 val)
{
	if (v->pv.preempted && is_enabled(v) && take_preempted(v))
		flush(v);
	v->pv.steal_time = val;
	vcpu_request(v, REQ_STEAL);
}

bool pv_steal_wants_update(const struct nvmx_vcpu *v)
{
	return is_enabled(v);
}

void pv_depart(struct nvmx_vcpu *v)
{
	static const u8 preempted = KVM_VCPU_PREEMPTED;
	u64 gpa = page_of(v) + offsetof(struct kvm_steal_time, preempted);

	if (!v->pv.between || !is_enabled(v) || v->pv.preempted)
		return;
	if (!mmu_write_nofault(v->vm, gpa, &preempted, sizeof(preempted)))
		v->pv.preempted = true;
}
