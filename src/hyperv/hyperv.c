// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of the Hyper-V interface, and what waits until the vCPU is between two instructions.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kvm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "hv_int.h"

int hv_vm_create(struct nvmx_vm *vm)
{
	vm->hv = kzalloc(sizeof(*vm->hv), GFP_KERNEL_ACCOUNT);
	if (!vm->hv)
		return -ENOMEM;
	mutex_init(&vm->hv->lock);
	idr_init(&vm->hv->events);
	return 0;
}

int hv_vcpu_create(struct nvmx_vcpu *v)
{
	struct hv_vcpu *hv = kzalloc(sizeof(*hv), GFP_KERNEL_ACCOUNT);

	if (!hv)
		return -ENOMEM;
	hv->v = v;
	hv->vp_index = v->idx;
	v->hv = hv;
	hv_synic_init(hv);
	hv_stimer_init(v);
	return 0;
}

void hv_vcpu_destroy(struct nvmx_vcpu *v)
{
	if (!v->hv)
		return;
	hv_stimer_stop(v);
	kfree(v->hv);
	v->hv = NULL;
}

/* User space can number the VPs anew. */
struct nvmx_vcpu *hv_find_vp(struct nvmx_vm *vm, u32 vp_index)
{
	struct nvmx_vcpu *v;
	u32 i;

	vm_for_each_vcpu(vm, v, i)
		if (READ_ONCE(v->hv->vp_index) == vp_index)
			return v;
	return NULL;
}

void hv_request(struct nvmx_vcpu *v, u32 work)
{
	set_bit(work, &v->hv->work);
	vcpu_request(v, REQ_HV);
}

/* ---- exits to user space ---- */

static enum nvmx_action system_event(struct nvmx_vcpu *v, u32 type)
{
	v->run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
	memset(&v->run->system_event, 0, sizeof(v->run->system_event));
	v->run->system_event.type = type;
	return NVMX_USER;
}

static enum nvmx_action debugger_answered(struct nvmx_vcpu *v)
{
	struct hv_vm *hv = v->vm->hv;

	if (v->hv->exit.u.syndbg.msr != TLFS_MSR_DEBUG_CONTROL)
		return NVMX_RESUME;
	mutex_lock(&hv->lock);
	hv->debugger.status = READ_ONCE(v->run->hyperv.u.syndbg.status);
	mutex_unlock(&hv->lock);
	return NVMX_RESUME;
}

static enum nvmx_action tell_user(struct nvmx_vcpu *v)
{
	v->run->exit_reason = KVM_EXIT_HYPERV;
	v->run->hyperv = v->hv->exit;
	if (v->hv->exit.type == KVM_EXIT_HYPERV_SYNDBG)
		v->complete = debugger_answered;
	return NVMX_USER;
}

static enum nvmx_action serve_exits(struct nvmx_vcpu *v)
{
	if (test_and_clear_bit(WORK_EXIT, &v->hv->work))
		return tell_user(v);
	if (test_and_clear_bit(WORK_CRASH, &v->hv->work))
		return system_event(v, KVM_SYSTEM_EVENT_CRASH);
	if (test_and_clear_bit(WORK_RESET, &v->hv->work))
		return system_event(v, KVM_SYSTEM_EVENT_RESET);
	return NVMX_RESUME;
}

enum nvmx_action hv_serve(struct nvmx_vcpu *v)
{
	enum nvmx_action action;
	u32 i;

	for (i = 0; i < TLFS_NR_STIMERS; i++)
		if (test_and_clear_bit(i, &v->hv->work))
			hv_stimer_expire(v, i);
	action = serve_exits(v);
	/* One exit at a time: the others come with the next KVM_RUN. */
	if (READ_ONCE(v->hv->work))
		vcpu_request(v, REQ_HV);
	return action;
}
