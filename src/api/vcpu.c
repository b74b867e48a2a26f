// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU: its life, its mapping, and the rows of its ioctls.
 *
 * It is reachable only when it is complete, and lives as long as its VM, which its file holds.
 * Each ioctl runs with v->mutex held and the vCPU loaded.
 */
#include <linux/anon_inodes.h>
#include <linux/compat.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <nvmx/mmu.h>
#include <nvmx/nested.h>
#include <nvmx/vmx.h>
#include <uapi/linux/nvmx.h>

#include "face.h"
#include "ioctl.h"

static int vcpu_get_nested_state(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	return nested_state_size() ? nested_get_state(v, arg.user) : -EINVAL;
}

static int vcpu_set_nested_state(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	return nested_state_size() ? nested_set_state(v, arg.user) : -EINVAL;
}

static int vcpu_check_nested_state(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	struct nvmx_nested_check *c = arg.buf;

	nested_try_state(v, u64_to_user_ptr(c->state), &c->verdict);
	return 0;
}

static int vcpu_get_nested_verdict(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	nested_last_verdict(v, arg.buf);
	return 0;
}

#define ROW(cmd_, how_, fn) { .cmd = (cmd_), .how = (how_), .vcpu = (fn) }

static const struct ioctl_row vcpu_rows[] = {
	ROW(KVM_RUN, ARG_VALUE, vcpu_run),
	ROW(KVM_INTERRUPT, ARG_IN, vcpu_interrupt),
	ROW(KVM_NMI, ARG_VALUE, vcpu_nmi),
	ROW(KVM_SMI, ARG_VALUE, vcpu_smi),
	ROW(KVM_GET_NESTED_STATE, ARG_USER, vcpu_get_nested_state),
	ROW(KVM_SET_NESTED_STATE, ARG_USER, vcpu_set_nested_state),
	ROW(KVM_GET_REGS, ARG_OUT, vcpu_get_regs),
	ROW(KVM_SET_REGS, ARG_IN, vcpu_set_regs),
	ROW(KVM_GET_SREGS, ARG_OUT, vcpu_get_sregs),
	ROW(KVM_SET_SREGS, ARG_IN, vcpu_set_sregs),
	ROW(KVM_GET_SREGS2, ARG_OUT, vcpu_get_sregs2),
	ROW(KVM_SET_SREGS2, ARG_IN, vcpu_set_sregs2),
	ROW(KVM_GET_FPU, ARG_OUT, vcpu_get_fpu),
	ROW(KVM_SET_FPU, ARG_IN, vcpu_set_fpu),
	ROW(KVM_GET_XSAVE, ARG_USER, vcpu_get_xsave),
	ROW(KVM_GET_XSAVE2, ARG_USER, vcpu_get_xsave),
	ROW(KVM_SET_XSAVE, ARG_USER, vcpu_set_xsave),
	ROW(KVM_GET_XCRS, ARG_OUT, vcpu_get_xcrs),
	ROW(KVM_SET_XCRS, ARG_IN, vcpu_set_xcrs),
	ROW(KVM_GET_MSRS, ARG_USER, vcpu_get_msrs),
	ROW(KVM_SET_MSRS, ARG_USER, vcpu_set_msrs),
	ROW(KVM_GET_CPUID2, ARG_USER, vcpu_get_cpuid2),
	ROW(KVM_SET_CPUID2, ARG_USER, vcpu_set_cpuid2),
	ROW(KVM_GET_SUPPORTED_HV_CPUID, ARG_USER, vcpu_get_supported_hv_cpuid),
	ROW(KVM_GET_VCPU_EVENTS, ARG_OUT, vcpu_get_events),
	ROW(KVM_SET_VCPU_EVENTS, ARG_IN, vcpu_set_events),
	ROW(KVM_GET_MP_STATE, ARG_OUT, vcpu_get_mp_state),
	ROW(KVM_SET_MP_STATE, ARG_IN, vcpu_set_mp_state),
	ROW(KVM_GET_LAPIC, ARG_OUT, vcpu_get_lapic),
	ROW(KVM_SET_LAPIC, ARG_IN, vcpu_set_lapic),
	ROW(KVM_SET_VAPIC_ADDR, ARG_IN, vcpu_set_vapic_addr),
	ROW(KVM_TPR_ACCESS_REPORTING, ARG_INOUT, vcpu_tpr_access_reporting),
	ROW(KVM_GET_DEBUGREGS, ARG_OUT, vcpu_get_debugregs),
	ROW(KVM_SET_DEBUGREGS, ARG_IN, vcpu_set_debugregs),
	ROW(KVM_SET_GUEST_DEBUG, ARG_IN, vcpu_set_guest_debug),
	ROW(KVM_TRANSLATE, ARG_INOUT, vcpu_translate),
	ROW(KVM_SET_SIGNAL_MASK, ARG_USER, vcpu_set_signal_mask),
	ROW(KVM_GET_TSC_KHZ, ARG_VALUE, vcpu_get_tsc_khz),
	ROW(KVM_SET_TSC_KHZ, ARG_VALUE, vcpu_set_tsc_khz),
	ROW(KVM_HAS_DEVICE_ATTR, ARG_IN, vcpu_has_attr),
	ROW(KVM_GET_DEVICE_ATTR, ARG_IN, vcpu_get_attr),
	ROW(KVM_SET_DEVICE_ATTR, ARG_IN, vcpu_set_attr),
	ROW(KVM_X86_SETUP_MCE, ARG_IN, vcpu_setup_mce),
	ROW(KVM_X86_SET_MCE, ARG_IN, vcpu_set_mce),
	ROW(KVM_KVMCLOCK_CTRL, ARG_VALUE, vcpu_kvmclock_ctrl),
	ROW(KVM_ENABLE_CAP, ARG_IN, vcpu_enable_cap),
	ROW(NVMX_CHECK_NESTED_STATE, ARG_INOUT, vcpu_check_nested_state),
	ROW(NVMX_GET_NESTED_VERDICT, ARG_OUT, vcpu_get_nested_verdict),
	ROW(KVM_GET_STATS_FD, ARG_VALUE, vcpu_get_stats_fd),
};

#undef ROW

static long locked_call(struct nvmx_vcpu *v, const struct ioctl_row *row, union ioctl_arg arg)
{
	long ret;

	if (mutex_lock_killable(&v->mutex))
		return -EINTR;
	WRITE_ONCE(v->user, current);
	vmx_load(v);
	ret = row->vcpu(v, arg);
	vmx_put(v);
	WRITE_ONCE(v->user, NULL);
	mutex_unlock(&v->mutex);
	return ret;
}

/* Apart: kernels that clear what is on the stack clear all of the frame, and KVM_RUN has none. */
static noinline long copied_call(struct nvmx_vcpu *v, const struct ioctl_row *row,
				 unsigned long arg)
{
	struct ioctl_frame frame;
	int ret = ioctl_begin(row, arg, &frame);

	return ret ?: ioctl_end(row, &frame, locked_call(v, row, frame.arg));
}

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct nvmx_vcpu *v = file->private_data;
	union ioctl_arg bare = { .value = arg };
	const struct ioctl_row *row;

	if (v->vm->mm != current->mm || READ_ONCE(v->vm->dead))
		return -EIO;
	row = ioctl_find(vcpu_rows, ARRAY_SIZE(vcpu_rows), cmd);
	if (!row)
		return -EINVAL;
	return ioctl_is_bare(row) ? locked_call(v, row, bare) : copied_call(v, row, arg);
}

/* Structs and commands are the same; only pointers are shorter. */
static long vcpu_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct ioctl_row *row = ioctl_find(vcpu_rows, ARRAY_SIZE(vcpu_rows), cmd);

	if (row && row->how != ARG_VALUE)
		arg = (unsigned long)compat_ptr(arg);
	return vcpu_ioctl(file, cmd, arg);
}

static struct page *page_at(struct nvmx_vcpu *v, unsigned long pgoff)
{
	switch (pgoff) {
	case 0:
		return virt_to_page(v->run);
	case KVM_PIO_PAGE_OFFSET:
		return virt_to_page(v->pio_data);
	case KVM_COALESCED_MMIO_PAGE_OFFSET:
		return bus_ring_page(v->vm);
	}
	if (pgoff < KVM_DIRTY_LOG_PAGE_OFFSET)
		return NULL;
	return mmu_ring_page(v, pgoff - KVM_DIRTY_LOG_PAGE_OFFSET);
}

static vm_fault_t vcpu_fault(struct vm_fault *vmf)
{
	struct page *page = page_at(vmf->vma->vm_file->private_data, vmf->pgoff);

	if (!page)
		return VM_FAULT_SIGBUS;
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct vcpu_vm_ops = {
	.fault = vcpu_fault,
};

/* A dirty ring is for reading and writing, by all who have it. */
static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct nvmx_vcpu *v = file->private_data;
	bool ring = vma->vm_pgoff + vma_pages(vma) > KVM_DIRTY_LOG_PAGE_OFFSET;

	if (ring && v->vm->dirty_ring_bytes &&
	    (vma->vm_flags & VM_EXEC || !(vma->vm_flags & VM_SHARED)))
		return -EINVAL;
	vma->vm_ops = &vcpu_vm_ops;
	return 0;
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct nvmx_vcpu *v = file->private_data;

	vm_put(v->vm);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.release = vcpu_release,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = vcpu_compat_ioctl,
	.mmap = vcpu_mmap,
	.llseek = noop_llseek,
};

static void vcpu_free(struct nvmx_vcpu *v)
{
	mmu_ring_free(v);
	free_page((unsigned long)v->run);
	free_page((unsigned long)v->pio_data);
	kfree(v);
}

static struct nvmx_vcpu *vcpu_alloc(struct nvmx_vm *vm, u32 id)
{
	struct nvmx_vcpu *v = kzalloc(sizeof(*v), GFP_KERNEL_ACCOUNT);

	if (!v)
		return NULL;
	v->vm = vm;
	v->id = id;
	v->idx = atomic_read(&vm->nr_vcpus);
	mutex_init(&v->mutex);
	v->mp_state = KVM_MP_STATE_RUNNABLE;
	v->run = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	v->pio_data = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (v->run && v->pio_data && !mmu_ring_create(v))
		return v;
	vcpu_free(v);
	return NULL;
}

static int check_id(const struct nvmx_vm *vm, unsigned long id)
{
	u32 i, n = atomic_read(&vm->nr_vcpus);

	if (id >= (vm->max_vcpu_id ?: API_MAX_VCPU_IDS) || n >= NVMX_MAX_VCPUS)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if (vm->vcpus[i]->id == id)
			return -EEXIST;
	}
	return 0;
}

static struct nvmx_vcpu *vcpu_new(struct nvmx_vm *vm, u32 id)
{
	struct nvmx_vcpu *v = vcpu_alloc(vm, id);
	int err;

	if (!v)
		return ERR_PTR(-ENOMEM);
	err = vmx_vcpu_create(v);
	if (!err)
		return v;
	vcpu_free(v);
	return ERR_PTR(err);
}

/* Whoever finds the pointer finds a complete vCPU: pairs with smp_load_acquire() of vcpus[]. */
static void publish(struct nvmx_vcpu *v)
{
	smp_store_release(&v->vm->vcpus[v->idx], v);	/* all of it is visible before */
	atomic_inc(&v->vm->nr_vcpus);
	debugfs_add_vcpu(v);
}

/* The last thing that can fail is the file; its release would drop a reference it has not yet. */
static int create_locked(struct nvmx_vm *vm, unsigned long id, int fd)
{
	struct nvmx_vcpu *v;
	struct file *file;
	char name[sizeof("kvm-vcpu:") + 10];
	int err = check_id(vm, id);

	if (err)
		return err;
	v = vcpu_new(vm, id);
	if (IS_ERR(v))
		return PTR_ERR(v);
	snprintf(name, sizeof(name), "kvm-vcpu:%u", v->id);
	file = anon_inode_getfile(name, &vcpu_fops, v, O_RDWR);
	if (IS_ERR(file)) {
		vmx_vcpu_destroy(v);
		vcpu_free(v);
		return PTR_ERR(file);
	}
	vm_get(vm);
	publish(v);
	fd_install(fd, file);
	return fd;
}

int vm_create_vcpu(struct nvmx_vm *vm, union ioctl_arg arg)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);
	int ret;

	if (fd < 0)
		return fd;
	mutex_lock(&vm->lock);
	ret = create_locked(vm, arg.value, fd);
	mutex_unlock(&vm->lock);
	if (ret < 0)
		put_unused_fd(fd);
	return ret;
}

void vcpus_destroy(struct nvmx_vm *vm)
{
	struct nvmx_vcpu *v;
	u32 i;

	for (i = 0; i < NVMX_MAX_VCPUS; i++) {
		v = vm->vcpus[i];
		if (!v)
			continue;
		vm->vcpus[i] = NULL;
		vmx_vcpu_destroy(v);
		vcpu_free(v);
	}
	atomic_set(&vm->nr_vcpus, 0);
}
