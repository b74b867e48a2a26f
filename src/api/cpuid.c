// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID: what can be offered to a guest, and what this guest has.
 */
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <nvmx/hyperv.h>
#include <nvmx/vmx.h>

#include "ioctl.h"

int dev_get_supported_cpuid(union ioctl_arg arg)
{
	struct kvm_cpuid2 __user *user = arg.user;
	struct kvm_cpuid_entry2 *e;
	u32 room, n = 0;
	int ret;

	if (get_user(room, &user->nent))
		return -EFAULT;
	if (!room)
		return -E2BIG;
	room = min_t(u32, room, NVMX_MAX_CPUID);
	e = kcalloc(room, sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	ret = vmx_supported_cpuid(e, room, &n);
	if (!ret && (copy_to_user(user->entries, e, n * sizeof(*e)) || put_user(n, &user->nent)))
		ret = -EFAULT;
	kfree(e);
	return ret;
}

/* No feature is offered by emulation alone. */
int dev_get_emulated_cpuid(union ioctl_arg arg)
{
	struct kvm_cpuid2 __user *user = arg.user;
	u32 room;

	if (get_user(room, &user->nent))
		return -EFAULT;
	if (!room)
		return -E2BIG;
	return put_user(0, &user->nent);
}

/* More room than leaves is told back; less is refused. */
static int give_hv_cpuid(const struct nvmx_vcpu *v, struct kvm_cpuid2 __user *user)
{
	struct kvm_cpuid_entry2 e[HV_NR_LEAVES];
	u32 room;

	if (get_user(room, &user->nent))
		return -EFAULT;
	if (room < HV_NR_LEAVES)
		return -E2BIG;
	hv_supported_cpuid(v, e);
	if (copy_to_user(user->entries, e, sizeof(e)))
		return -EFAULT;
	return put_user(HV_NR_LEAVES, &user->nent);
}

int vcpu_get_supported_hv_cpuid(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	return give_hv_cpuid(v, arg.user);
}

int dev_get_supported_hv_cpuid(union ioctl_arg arg)
{
	return give_hv_cpuid(NULL, arg.user);
}

int vcpu_set_cpuid2(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	struct kvm_cpuid2 __user *user = arg.user;
	struct kvm_cpuid_entry2 *e = NULL;
	u32 n;
	int ret;

	if (get_user(n, &user->nent))
		return -EFAULT;
	if (n > NVMX_MAX_CPUID)
		return -E2BIG;
	if (n) {
		e = memdup_user(user->entries, n * sizeof(*e));
		if (IS_ERR(e))
			return PTR_ERR(e);
	}
	ret = vmx_set_cpuid(v, e, n);
	kfree(e);
	return ret;
}

int vcpu_get_cpuid2(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	struct kvm_cpuid2 __user *user = arg.user;
	const struct nvmx_cpuid *c = v->cpuid;
	u32 room;

	if (get_user(room, &user->nent))
		return -EFAULT;
	if (room < c->nent)
		return -E2BIG;
	if (copy_to_user(user->entries, c->e, c->nent * sizeof(c->e[0])))
		return -EFAULT;
	return put_user(c->nent, &user->nent);
}
