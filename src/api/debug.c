// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debugging a guest from outside: guest debug, debug registers, address translation.
 */
#include <linux/string.h>
#include <nvmx/vmx.h>

#include "ioctl.h"

#define DEBUG_FLAGS	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP | \
			 KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_INJECT_BP | \
			 KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_BLOCKIRQ)

int vcpu_set_guest_debug(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	const struct kvm_guest_debug *dbg = arg.buf;

	return dbg->control & ~DEBUG_FLAGS ? -EINVAL : vmx_set_guest_debug(v, dbg);
}

int vcpu_get_debugregs(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	struct kvm_debugregs *d = arg.buf;

	memcpy(d->db, v->dr, sizeof(d->db));
	d->dr6 = v->dr6;
	d->dr7 = v->dr7;
	return 0;
}

int vcpu_set_debugregs(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	const struct kvm_debugregs *d = arg.buf;

	if (d->flags || d->dr6 >> 32 || d->dr7 >> 32)
		return -EINVAL;
	memcpy(v->dr, d->db, sizeof(v->dr));
	v->dr6 = d->dr6;
	vmx_set_dr7(v, d->dr7);
	return 0;
}

/* As the current level translates; an address that does not is answered, not refused. */
int vcpu_translate(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	struct kvm_translation *tr = arg.buf;
	struct nvmx_fault fault;
	u64 gpa = 0;
	bool valid = !vmx_translate(v, tr->linear_address, ACC_READ, &gpa, &fault);

	tr->physical_address = valid ? gpa : ~0ull;
	tr->valid = valid;
	tr->writeable = 1;
	tr->usermode = 0;
	return 0;
}
