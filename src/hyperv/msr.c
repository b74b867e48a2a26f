// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interface's MSRs: one row for each, or for some that are alike.
 *
 * A row says which bit of CPUID gives them to the guest, where that is enforced.  Those of the
 * partition are read and written under the VM's lock.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/nospec.h>
#include <linux/sched/cputime.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/apicdef.h>

#include <nvmx/irq.h>
#include <nvmx/mmu.h>

#include "hv_int.h"

#define APIC_BUS_HZ	1000000000ull	/* see lapic_timer.c */

static const u8 hypercall_code[] = { 0x0f, 0x01, 0xc1, 0xc3 };	/* vmcall; ret */

/* ---- the partition ---- */

static int get_guest_os_id(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = v->vm->hv->guest_os_id;
	return 0;
}

/* Without a guest there is no hypercall page. */
static int set_guest_os_id(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	struct hv_vm *hv = v->vm->hv;

	WRITE_ONCE(hv->guest_os_id, val);
	if (!val)
		hv->hypercall &= ~TLFS_ENABLE;
	return 0;
}

static int get_hypercall(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = v->vm->hv->hypercall;
	return 0;
}

static int set_hypercall(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	struct hv_vm *hv = v->vm->hv;

	if (!hv->guest_os_id)
		return 0;
	if (val & TLFS_ENABLE &&
	    mmu_vcpu_write(v, val & TLFS_PAGE, hypercall_code, sizeof(hypercall_code)))
		return -EINVAL;
	hv->hypercall = val;
	return 0;
}

static int get_time_ref(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = hv_read_reference_time(v);
	return 0;
}

static int get_ref_tsc(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = v->vm->hv->tsc.msr;
	return 0;
}

static int set_ref_tsc(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	hv_set_tsc_page(v, val, by);
	return 0;
}

static int set_reset(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (val == 1)
		hv_request(v, WORK_RESET);
	return 0;
}

static u64 *crash_param(struct nvmx_vcpu *v, u32 msr)
{
	u32 i = msr - TLFS_MSR_CRASH_P0;

	return &v->vm->hv->crash[array_index_nospec(i, TLFS_NR_CRASH_PARAMS)];
}

static int get_crash(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = *crash_param(v, msr);
	return 0;
}

static int set_crash(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	*crash_param(v, msr) = val;
	return 0;
}

static int get_crash_ctl(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = v->vm->hv->crash_ctl;
	return 0;
}

/* User space says what there is; the guest tells of a crash. */
static int set_crash_ctl(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (by == MSR_BY_HOST)
		v->vm->hv->crash_ctl = val & TLFS_CRASH_NOTIFY;
	else if (val & TLFS_CRASH_NOTIFY)
		hv_request(v, WORK_CRASH);
	return 0;
}

/* After a migration: kept for the guest, which turns them off again. */
static u64 *reenlightenment(struct nvmx_vcpu *v, u32 msr)
{
	struct hv_vm *hv = v->vm->hv;

	switch (msr) {
	case TLFS_MSR_REENLIGHTENMENT:
		return &hv->reenlightenment;
	case TLFS_MSR_EMULATION_CONTROL:
		return &hv->emulation_control;
	default:
		return &hv->emulation_status;
	}
}

static int get_reenlightenment(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = *reenlightenment(v, msr);
	return 0;
}

static int set_reenlightenment(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (msr == TLFS_MSR_EMULATION_STATUS && val && by == MSR_BY_GUEST)
		return -EINVAL;
	*reenlightenment(v, msr) = val;
	return 0;
}

/* ---- a VP ---- */

static int get_vp_index(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = v->hv->vp_index;
	return 0;
}

static int set_vp_index(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (by == MSR_BY_GUEST || val >= NVMX_MAX_VCPUS)
		return -EINVAL;
	WRITE_ONCE(v->hv->vp_index, val);
	return 0;
}

static u64 thread_runtime(void)
{
	u64 user, system;

	task_cputime_adjusted(current, &user, &system);
	return div_u64(user + system, 100);
}

static int get_runtime(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = thread_runtime() + v->hv->runtime_offset;
	return 0;
}

static int set_runtime(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (by == MSR_BY_GUEST)
		return -EINVAL;
	v->hv->runtime_offset = val - thread_runtime();
	return 0;
}

static int get_frequency(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = msr == TLFS_MSR_APIC_FREQUENCY ? APIC_BUS_HZ : v->tsc_khz * 1000ull;
	return 0;
}

/* What cannot be written: user space may give back what it has read. */
static int set_constant(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	return by == MSR_BY_HOST ? 0 : -EINVAL;
}

static int get_zero(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = 0;
	return 0;
}

static int get_apic(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	if (!irq_in_kernel(v))
		return -EINVAL;
	*val = 0;
	if (msr == TLFS_MSR_TPR)
		*val = irq_tpr(v);
	if (msr == TLFS_MSR_ICR)
		*val = irq_read_reg(v, APIC_ICR) | (u64)irq_read_reg(v, APIC_ICR2) << 32;
	return 0;
}

static int set_apic(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (!irq_in_kernel(v))
		return -EINVAL;
	if (msr == TLFS_MSR_EOI)
		irq_eoi(v);
	else if (msr == TLFS_MSR_TPR)
		irq_set_tpr(v, val);
	else
		irq_write_icr(v, val);
	return 0;
}

static int get_vp_assist(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = v->hv->vp_assist;
	return 0;
}

/* The first word says which EOIs may be left out: none. The rest is the guest's. */
static int set_vp_assist(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	static const u32 none;

	if (val & TLFS_ENABLE && mmu_vcpu_write(v, val & TLFS_PAGE, &none, sizeof(none)))
		return -EINVAL;
	v->hv->vp_assist = val;
	return 0;
}

/* ---- the table ---- */

enum hv_leaf { BY_EAX, BY_EDX };

struct hv_msr {
	u32 first, last;
	u32 bit;
	u8 leaf;		/* enum hv_leaf: where the bit is */
	bool partition;		/* hv_vm.lock is held */
	int (*get)(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by);
	int (*set)(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by);
};

#define ONE(msr)	(msr), (msr)
#define VP(bit)		(bit), BY_EAX, false
#define ALL(bit)	(bit), BY_EAX, true
#define ALL_EDX(bit)	(bit), BY_EDX, true

static const struct hv_msr msrs[] = {
	{ ONE(TLFS_MSR_GUEST_OS_ID), ALL(TLFS_HYPERCALL), get_guest_os_id, set_guest_os_id },
	{ ONE(TLFS_MSR_HYPERCALL), ALL(TLFS_HYPERCALL), get_hypercall, set_hypercall },
	{ ONE(TLFS_MSR_VP_INDEX), VP(TLFS_VP_INDEX), get_vp_index, set_vp_index },
	{ ONE(TLFS_MSR_RESET), ALL(TLFS_RESET), get_zero, set_reset },
	{ ONE(TLFS_MSR_VP_RUNTIME), VP(TLFS_VP_RUNTIME), get_runtime, set_runtime },
	{ ONE(TLFS_MSR_TIME_REF), ALL(TLFS_TIME_REF), get_time_ref, set_constant },
	{ ONE(TLFS_MSR_REF_TSC), ALL(TLFS_REF_TSC), get_ref_tsc, set_ref_tsc },
	{ TLFS_MSR_TSC_FREQUENCY, TLFS_MSR_APIC_FREQUENCY, VP(TLFS_FREQUENCIES), get_frequency,
	  set_constant },
	{ TLFS_MSR_EOI, TLFS_MSR_TPR, VP(TLFS_APIC), get_apic, set_apic },
	{ ONE(TLFS_MSR_VP_ASSIST), VP(TLFS_APIC), get_vp_assist, set_vp_assist },
	{ TLFS_MSR_SCONTROL, TLFS_MSR_EOM, VP(TLFS_SYNIC), hv_get_synic, hv_set_synic },
	{ TLFS_MSR_SINT0, TLFS_MSR_SINT0 + TLFS_NR_SINTS - 1, VP(TLFS_SYNIC), hv_get_synic,
	  hv_set_synic },
	{ TLFS_MSR_STIMER0, TLFS_MSR_STIMER0 + 2 * TLFS_NR_STIMERS - 1, VP(TLFS_STIMER),
	  hv_get_stimer, hv_set_stimer },
	{ TLFS_MSR_DEBUG_CONTROL, TLFS_MSR_DEBUG_PENDING, ALL_EDX(TLFS_DEBUG_MSRS),
	  hv_get_debugger, hv_set_debugger },
	{ ONE(TLFS_MSR_DEBUG_OPTIONS), ALL_EDX(TLFS_DEBUG_MSRS), hv_get_debugger,
	  hv_set_debugger },
	{ TLFS_MSR_CRASH_P0, TLFS_MSR_CRASH_P0 + TLFS_NR_CRASH_PARAMS - 1,
	  ALL_EDX(TLFS_CRASH_MSRS), get_crash, set_crash },
	{ ONE(TLFS_MSR_CRASH_CTL), ALL_EDX(TLFS_CRASH_MSRS), get_crash_ctl, set_crash_ctl },
	{ TLFS_MSR_REENLIGHTENMENT, TLFS_MSR_EMULATION_STATUS, ALL(TLFS_REENLIGHTENMENT),
	  get_reenlightenment, set_reenlightenment },
};

static bool may_access(const struct hv_vcpu *hv, const struct hv_msr *row, enum msr_by by)
{
	if (by == MSR_BY_HOST || !hv->enforce)
		return true;
	return row->bit & (row->leaf == BY_EAX ? hv->cpuid.features_eax : hv->cpuid.features_edx);
}

static const struct hv_msr *find(const struct nvmx_vcpu *v, u32 msr, enum msr_by by)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		if (msr >= msrs[i].first && msr <= msrs[i].last)
			return may_access(v->hv, &msrs[i], by) ? &msrs[i] : NULL;
	return NULL;
}

static void lock_row(struct hv_vm *hv, const struct hv_msr *row)
{
	if (row->partition)
		mutex_lock(&hv->lock);
}

static void unlock_row(struct hv_vm *hv, const struct hv_msr *row)
{
	if (row->partition)
		mutex_unlock(&hv->lock);
}

int hv_get_msr(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	const struct hv_msr *row = find(v, msr, by);
	int err;

	if (!row)
		return -ENOENT;
	lock_row(v->vm->hv, row);
	err = row->get(v, msr, val, by);
	unlock_row(v->vm->hv, row);
	return err;
}

int hv_set_msr(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	const struct hv_msr *row = find(v, msr, by);
	int err;

	if (!row)
		return -ENOENT;
	lock_row(v->vm->hv, row);
	err = row->set(v, msr, val, by);
	unlock_row(v->vm->hv, row);
	return err;
}
