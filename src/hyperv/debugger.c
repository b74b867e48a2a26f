// SPDX-License-Identifier: GPL-2.0-only
/*
 * The synthetic debugger: MSRs that are user space's, which an exit tells of commands.
 */
#include <linux/errno.h>
#include <linux/kvm.h>
#include <linux/types.h>

#include "hv_int.h"

bool hv_debugger_allowed(const struct nvmx_vcpu *v)
{
	return v->hv->cpuid.debug_eax & TLFS_ALLOW_DEBUGGING;
}

static u64 *field_of(struct hv_debugger *d, u32 msr)
{
	switch (msr) {
	case TLFS_MSR_DEBUG_CONTROL:
		return &d->control;
	case TLFS_MSR_DEBUG_STATUS:
		return &d->status;
	case TLFS_MSR_DEBUG_SEND:
		return &d->send;
	case TLFS_MSR_DEBUG_RECV:
		return &d->recv;
	case TLFS_MSR_DEBUG_PENDING:
		return &d->pending;
	default:
		return &d->options;
	}
}

static bool may_access(const struct nvmx_vcpu *v, enum msr_by by)
{
	return by == MSR_BY_HOST || hv_debugger_allowed(v);
}

int hv_get_debugger(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	if (!may_access(v, by))
		return -EINVAL;
	*val = *field_of(&v->vm->hv->debugger, msr);
	return 0;
}

static void tell_user(struct nvmx_vcpu *v, u32 msr)
{
	const struct hv_debugger *d = &v->vm->hv->debugger;

	v->hv->exit = (struct kvm_hyperv_exit){
		.type = KVM_EXIT_HYPERV_SYNDBG,
		.u.syndbg = {
			.msr = msr, .control = d->control, .send_page = d->send,
			.recv_page = d->recv, .pending_page = d->pending,
		},
	};
	hv_request(v, WORK_EXIT);
}

int hv_set_debugger(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (!may_access(v, by))
		return -EINVAL;
	*field_of(&v->vm->hv->debugger, msr) = val;
	if (by == MSR_BY_GUEST &&
	    (msr == TLFS_MSR_DEBUG_CONTROL || msr == TLFS_MSR_DEBUG_PENDING))
		tell_user(v, msr);
	return 0;
}
