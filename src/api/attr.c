// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes of a vCPU, KVM_CAP_VCPU_ATTRIBUTES: the offset of L1's TSC, as a number.
 *
 * User space that migrates a VM computes offsets itself, so that no time is lost between reading
 * the counter and writing it.
 */
#include <linux/uaccess.h>
#include <nvmx/vmx.h>

#include "face.h"
#include "ioctl.h"

static bool is_tsc_offset(const struct kvm_device_attr *attr)
{
	return attr->group == KVM_VCPU_TSC_CTRL && attr->attr == KVM_VCPU_TSC_OFFSET;
}

int vcpu_has_attr(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	return is_tsc_offset(arg.buf) ? 0 : -ENXIO;
}

int vcpu_get_attr(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	const struct kvm_device_attr *attr = arg.buf;

	if (!is_tsc_offset(attr))
		return -ENXIO;
	return put_user(v->tsc_offset, (u64 __user *)u64_to_user_ptr(attr->addr));
}

int vcpu_set_attr(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	const struct kvm_device_attr *attr = arg.buf;
	u64 offset;

	if (!is_tsc_offset(attr))
		return -ENXIO;
	if (get_user(offset, (u64 __user *)u64_to_user_ptr(attr->addr)))
		return -EFAULT;
	vmx_sync_tsc_offset(v, offset);
	return 0;
}
