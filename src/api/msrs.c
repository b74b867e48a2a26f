// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs by list: which ones there are, and their values for the host.
 *
 * KVM_GET_MSRS and KVM_SET_MSRS stop at the first MSR that is refused and return how many were
 * done.
 */
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <nvmx/vmx.h>

#include "ioctl.h"

/* The longest list that one call may carry, as in KVM. */
#define MAX_MSRS	256

/* Too small a buffer: the count is written all the same. */
static int copy_list(struct kvm_msr_list __user *user, const u32 *list, u32 n)
{
	u32 room;

	if (get_user(room, &user->nmsrs) || put_user(n, &user->nmsrs))
		return -EFAULT;
	if (room < n)
		return -E2BIG;
	return copy_to_user(user->indices, list, n * sizeof(*list)) ? -EFAULT : 0;
}

int dev_get_msr_index_list(union ioctl_arg arg)
{
	u32 n;
	const u32 *list = vmx_msr_list(&n);

	return copy_list(arg.user, list, n);
}

int dev_get_msr_feature_index_list(union ioctl_arg arg)
{
	u32 n;
	const u32 *list = vmx_feature_msr_list(&n);

	return copy_list(arg.user, list, n);
}

enum msr_op { MSR_GET_FEATURE, MSR_GET, MSR_SET };

static bool one_msr(struct nvmx_vcpu *v, enum msr_op op, struct kvm_msr_entry *e)
{
	u64 val = 0;
	int err;

	if (op == MSR_SET)
		return !vmx_set_msr(v, e->index, e->data, MSR_BY_HOST);
	if (op == MSR_GET)
		err = vmx_get_msr(v, e->index, &val, MSR_BY_HOST);
	else
		err = vmx_get_feature_msr(e->index, &val);
	if (!err)
		e->data = val;
	return !err;
}

static int each_msr(struct nvmx_vcpu *v, enum msr_op op, struct kvm_msrs __user *user)
{
	struct kvm_msr_entry *entries;
	u32 n, done = 0;
	size_t size;

	if (get_user(n, &user->nmsrs))
		return -EFAULT;
	if (n >= MAX_MSRS)
		return -E2BIG;
	if (!n)
		return 0;
	size = n * sizeof(*entries);
	entries = memdup_user(user->entries, size);
	if (IS_ERR(entries))
		return PTR_ERR(entries);

	while (done < n && one_msr(v, op, &entries[done]))
		done++;
	if (op != MSR_SET && copy_to_user(user->entries, entries, size)) {
		kfree(entries);
		return -EFAULT;
	}
	kfree(entries);
	return done;
}

int dev_get_msrs(union ioctl_arg arg)
{
	return each_msr(NULL, MSR_GET_FEATURE, arg.user);
}

int vcpu_get_msrs(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	return each_msr(v, MSR_GET, arg.user);
}

int vcpu_set_msrs(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	return each_msr(v, MSR_SET, arg.user);
}
