// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's MSRs: one row each.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kvm_para.h>
#include <linux/list.h>
#include <linux/types.h>

#include <nvmx/irq.h>
#include <nvmx/pv.h>

#include "pv_int.h"

struct pv_msr {
	u32 msr;
	u32 feature;
	u64 reserved;
	bool (*ok)(struct nvmx_vcpu *v, u64 val);	/* NULL: any value is */
	u64 (*get)(const struct nvmx_vcpu *v);
	void (*set)(struct nvmx_vcpu *v, u64 val);
};

/* It is the VM's: whichever vCPU wrote it last. */
static u64 get_wall_clock(const struct nvmx_vcpu *v)
{
	return READ_ONCE(v->vm->pv.wall_clock);
}

static void set_wall_clock(struct nvmx_vcpu *v, u64 val)
{
	WRITE_ONCE(v->vm->pv.wall_clock, val);
	pv_write_wall_clock(v->vm, val);
}

static u64 get_system_time(const struct nvmx_vcpu *v)
{
	return v->pv.system_time;
}

static void set_system_time(struct nvmx_vcpu *v, u64 val)
{
	v->pv.system_time = val;
	vcpu_request(v, REQ_CLOCK);
}

static u64 get_steal_time(const struct nvmx_vcpu *v)
{
	return v->pv.steal_time;
}

static u64 get_eoi(const struct nvmx_vcpu *v)
{
	return v->pv.eoi;
}

static void set_eoi(struct nvmx_vcpu *v, u64 val)
{
	v->pv.eoi = val;
	irq_pv_eoi_changed(v);
}

static u64 get_poll_control(const struct nvmx_vcpu *v)
{
	return v->pv.poll_control;
}

static void set_poll_control(struct nvmx_vcpu *v, u64 val)
{
	v->pv.poll_control = val;
}

static u64 get_apf(const struct nvmx_vcpu *v)
{
	return v->pv.apf.msr;
}

static u64 get_apf_vector(const struct nvmx_vcpu *v)
{
	return v->pv.apf.vector;
}

static void set_apf_vector(struct nvmx_vcpu *v, u64 val)
{
	v->pv.apf.vector = val;
}

static u64 get_nothing(const struct nvmx_vcpu *v)
{
	return 0;
}

#define ROW(msr, feature, reserved, ...)		\
	{ msr, KVM_FEATURE_##feature, reserved, __VA_ARGS__ }

static const struct pv_msr msrs[] = {
	ROW(MSR_KVM_WALL_CLOCK, CLOCKSOURCE, 0, NULL, get_wall_clock, set_wall_clock),
	ROW(MSR_KVM_SYSTEM_TIME, CLOCKSOURCE, 0, NULL, get_system_time, set_system_time),
	ROW(MSR_KVM_WALL_CLOCK_NEW, CLOCKSOURCE2, 0, NULL, get_wall_clock, set_wall_clock),
	ROW(MSR_KVM_SYSTEM_TIME_NEW, CLOCKSOURCE2, 0, NULL, get_system_time, set_system_time),
	ROW(MSR_KVM_ASYNC_PF_EN, ASYNC_PF, 0x30, pv_apf_enable_ok, get_apf, pv_apf_enable),
	ROW(MSR_KVM_STEAL_TIME, STEAL_TIME, KVM_STEAL_RESERVED_MASK, NULL, get_steal_time,
	    pv_set_steal_time),
	ROW(MSR_KVM_PV_EOI_EN, PV_EOI, BIT(1), NULL, get_eoi, set_eoi),
	ROW(MSR_KVM_POLL_CONTROL, POLL_CONTROL, ~1ull, NULL, get_poll_control, set_poll_control),
	ROW(MSR_KVM_ASYNC_PF_INT, ASYNC_PF_INT, ~0xffull, pv_apf_vector_ok, get_apf_vector,
	    set_apf_vector),
	ROW(MSR_KVM_ASYNC_PF_ACK, ASYNC_PF_INT, 0, NULL, get_nothing, pv_apf_ack),
};

#undef ROW

/* User space saves and restores whatever it shows; only the guest is bound by it. */
static const struct pv_msr *find(const struct nvmx_vcpu *v, u32 msr, enum msr_by by)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		if (msrs[i].msr == msr)
			return by == MSR_BY_HOST || pv_guest_has(v, msrs[i].feature) ? &msrs[i] :
										       NULL;
	return NULL;
}

int pv_get_msr(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	const struct pv_msr *row = find(v, msr, by);

	if (!row)
		return -ENOENT;
	*val = row->get(v);
	return 0;
}

int pv_set_msr(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	const struct pv_msr *row = find(v, msr, by);

	if (!row)
		return -ENOENT;
	if (val & row->reserved || (row->ok && !row->ok(v, val)))
		return -EINVAL;
	row->set(v, val);
	return 0;
}

void pv_vcpu_init(struct nvmx_vcpu *v)
{
	v->pv.poll_control = 1;
	INIT_LIST_HEAD(&v->pv.apf.jobs);
}

/* Context: preemption off, as the notifier has it. */
void pv_arrive(struct nvmx_vcpu *v)
{
	if (v->pv.system_time & KVM_MSR_ENABLED && pv_clock_wants_update(v))
		vcpu_request(v, REQ_CLOCK);
	if (pv_steal_wants_update(v))
		vcpu_request(v, REQ_STEAL);
}
