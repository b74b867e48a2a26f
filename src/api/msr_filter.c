// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_X86_SET_MSR_FILTER: which MSRs the guest may access without user space.
 *
 * A filter is built aside, published whole and freed when the last reader has left vm->srcu.
 */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <nvmx/api.h>
#include <nvmx/vmx.h>

#include "face.h"
#include "ioctl.h"

/* The x2APIC has a page of MSRs that no filter applies to. */
#define X2APIC_FIRST	0x800u
#define X2APIC_LAST	0x8ffu

#define RANGE_FLAGS	(KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE)

struct msr_range {
	u32 flags;
	u32 base;
	u32 nmsrs;
	unsigned long *bitmap;
};

struct msr_filter {
	bool allow;			/* what is in no range */
	u32 nr;
	struct msr_range range[KVM_MSR_FILTER_MAX_RANGES];
};

/* The first range that has the MSR and the direction decides. */
static bool filter_allows(const struct msr_filter *f, u32 msr, u32 flag)
{
	const struct msr_range *r;
	u32 i;

	for (i = 0; i < f->nr; i++) {
		r = &f->range[i];
		if (r->flags & flag && msr - r->base < r->nmsrs)
			return test_bit(array_index_nospec(msr - r->base, r->nmsrs), r->bitmap);
	}
	return f->allow;
}

bool api_msr_allowed(struct nvmx_vm *vm, u32 msr, bool write)
{
	const struct msr_filter *f;
	bool allowed = true;
	int idx;

	if (msr >= X2APIC_FIRST && msr <= X2APIC_LAST)
		return true;
	if (!rcu_access_pointer(vm->msr_filter))
		return true;
	idx = srcu_read_lock(&vm->srcu);
	f = srcu_dereference(vm->msr_filter, &vm->srcu);
	if (f)
		allowed = filter_allows(f, msr, write ? KVM_MSR_FILTER_WRITE : KVM_MSR_FILTER_READ);
	srcu_read_unlock(&vm->srcu, idx);
	return allowed;
}

static void filter_free(struct msr_filter *f)
{
	u32 i;

	if (!f)
		return;
	for (i = 0; i < f->nr; i++)
		kfree(f->range[i].bitmap);
	kfree(f);
}

static int filter_add(struct msr_filter *f, const struct kvm_msr_filter_range *user)
{
	struct msr_range *r = &f->range[f->nr];
	size_t size = BITS_TO_LONGS((u64)user->nmsrs) * sizeof(long);

	if (!user->nmsrs)
		return 0;
	if (user->flags & ~RANGE_FLAGS || !user->flags)
		return -EINVAL;
	if (size > KVM_MSR_FILTER_MAX_BITMAP_SIZE)
		return -EINVAL;
	r->bitmap = memdup_user((void __user *)user->bitmap, size);
	if (IS_ERR(r->bitmap))
		return PTR_ERR(r->bitmap);
	r->flags = user->flags;
	r->base = user->base;
	r->nmsrs = user->nmsrs;
	f->nr++;
	return 0;
}

static struct msr_filter *filter_new(const struct kvm_msr_filter *user)
{
	bool allow = !(user->flags & KVM_MSR_FILTER_DEFAULT_DENY);
	struct msr_filter *f;
	int err = 0;
	u32 i;

	if (user->flags & ~KVM_MSR_FILTER_DEFAULT_DENY)
		return ERR_PTR(-EINVAL);
	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		return ERR_PTR(-ENOMEM);
	f->allow = allow;
	for (i = 0; i < KVM_MSR_FILTER_MAX_RANGES && !err; i++)
		err = filter_add(f, &user->ranges[i]);
	/* A filter that denies everything is a mistake. */
	if (!err && !f->nr && !allow)
		err = -EINVAL;
	if (!err)
		return f;
	filter_free(f);
	return ERR_PTR(err);
}

static void tell_vcpus(struct nvmx_vm *vm)
{
	struct nvmx_vcpu *v;
	u32 i;

	vm_for_each_vcpu(vm, v, i) {
		vcpu_request(v, REQ_MSR_BITMAP);
		vmx_kick(v);
	}
}

int vm_set_msr_filter(struct nvmx_vm *vm, union ioctl_arg arg)
{
	struct msr_filter *new = filter_new(arg.buf), *old;

	if (IS_ERR(new))
		return PTR_ERR(new);
	mutex_lock(&vm->lock);
	old = rcu_dereference_protected(vm->msr_filter, lockdep_is_held(&vm->lock));
	rcu_assign_pointer(vm->msr_filter, new);
	synchronize_srcu(&vm->srcu);
	tell_vcpus(vm);
	mutex_unlock(&vm->lock);
	filter_free(old);
	return 0;
}

#ifdef CONFIG_COMPAT
int vm_set_msr_filter_compat(struct nvmx_vm *vm, union ioctl_arg arg)
{
	const struct msr_filter_compat *from = arg.buf;
	struct kvm_msr_filter *to;
	int ret;
	u32 i;

	to = kzalloc(sizeof(*to), GFP_KERNEL);
	if (!to)
		return -ENOMEM;
	to->flags = from->flags;
	for (i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++) {
		to->ranges[i].flags = from->ranges[i].flags;
		to->ranges[i].nmsrs = from->ranges[i].nmsrs;
		to->ranges[i].base = from->ranges[i].base;
		to->ranges[i].bitmap = (__force __u8 *)compat_ptr(from->ranges[i].bitmap);
	}
	ret = vm_set_msr_filter(vm, (union ioctl_arg){ .buf = to });
	kfree(to);
	return ret;
}
#endif

/* Nobody reads any more. */
void msr_filter_destroy(struct nvmx_vm *vm)
{
	filter_free(rcu_dereference_protected(vm->msr_filter, 1));
}
