// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM: its life, and the VM ioctls that are too small for a file of their own.
 *
 * Each file that leads to a VM (its own, those of its vCPUs and counters) holds a reference; the
 * last one takes it down: what user space can reach goes first, the memory map last.  vCPUs live
 * as long as their VM.  Files hold the module, so that it cannot go before them.
 */
#define pr_fmt(fmt) "nvmx: " fmt

#include <linux/anon_inodes.h>
#include <linux/compat.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <asm/tsc.h>
#include <nvmx/hyperv.h>
#include <nvmx/irq.h>
#include <nvmx/mmu.h>
#include <nvmx/pv.h>
#include <nvmx/vmx.h>

#include "face.h"
#include "ioctl.h"

/* KVM_SET_NR_MMU_PAGES: the least that KVM accepts */
#define MIN_MMU_PAGES	64

/* KVM_SET_TSS_ADDR: three pages must fit below 4 GiB */
#define MAX_TSS_ADDR	((unsigned int)(-3 * PAGE_SIZE))

static atomic_t next_debug_id = ATOMIC_INIT(0);

static struct nvmx_vm *vm_alloc(void)
{
	struct nvmx_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);

	if (!vm)
		return NULL;
	if (init_srcu_struct(&vm->srcu)) {
		kfree(vm);
		return NULL;
	}
	kref_init(&vm->kref);
	mutex_init(&vm->lock);
	raw_spin_lock_init(&vm->tsc_lock);
	vm->mm = current->mm;
	mmgrab(vm->mm);
	vm->default_tsc_khz = tsc_khz;
	pv_vm_init(vm);
	vm->pid = task_pid_nr(current);
	vm->debug_id = atomic_inc_return(&next_debug_id);
	return vm;
}

static void vm_free(struct nvmx_vm *vm)
{
	cleanup_srcu_struct(&vm->srcu);
	mmdrop(vm->mm);
	kfree(vm);
}

static struct nvmx_vm *vm_create(void)
{
	struct nvmx_vm *vm = vm_alloc();
	int err;

	if (!vm)
		return ERR_PTR(-ENOMEM);
	err = vmx_cpus_get();
	if (err)
		goto free_vm;
	err = bus_create(vm);
	if (err)
		goto put_cpus;
	err = irq_vm_create(vm);
	if (err)
		goto destroy_bus;
	err = hv_vm_create(vm);
	if (err)
		goto destroy_irq;
	err = mmu_vm_init(vm);
	if (err)
		goto destroy_hv;
	debugfs_add_vm(vm);
	return vm;

destroy_hv:
	hv_vm_destroy(vm);
destroy_irq:
	irq_vm_stop(vm);
	irq_vm_destroy(vm);
destroy_bus:
	bus_destroy(vm);
put_cpus:
	vmx_cpus_put();
free_vm:
	vm_free(vm);
	return ERR_PTR(err);
}

/* Nobody holds a file of this VM any more. */
static void vm_destroy(struct kref *kref)
{
	struct nvmx_vm *vm = container_of(kref, struct nvmx_vm, kref);

	debugfs_remove_vm(vm);
	mmu_vm_stop(vm);
	irq_vm_stop(vm);
	vcpus_destroy(vm);
	irq_vm_destroy(vm);
	hv_vm_destroy(vm);
	msr_filter_destroy(vm);
	bus_destroy(vm);
	mmu_vm_destroy(vm);
	vmx_apicv_vm_destroy(vm);
	vmx_cpus_put();
	vm_free(vm);
}

void vm_get(struct nvmx_vm *vm)
{
	kref_get(&vm->kref);
}

void vm_put(struct nvmx_vm *vm)
{
	kref_put(&vm->kref, vm_destroy);
}

static int vm_hyperv_eventfd(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return hv_eventfd(vm, arg.buf);
}

static int vm_set_memory_region(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return mmu_set_slot(vm, arg.buf);
}

static int vm_get_dirty_log(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return mmu_get_dirty_log(vm, arg.buf);
}

static int vm_clear_dirty_log(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return mmu_clear_dirty_log(vm, arg.buf);
}

/* Real mode runs as unrestricted guest: the address is kept, no TSS is needed there. */
static int vm_set_tss_addr(struct nvmx_vm *vm, union ioctl_arg arg)
{
	if (arg.value > MAX_TSS_ADDR)
		return -EINVAL;
	vm->tss_addr = arg.value;
	return 0;
}

static int vm_set_identity_map_addr(struct nvmx_vm *vm, union ioctl_arg arg)
{
	u64 *addr = arg.buf;
	int ret = -EINVAL;

	mutex_lock(&vm->lock);
	if (!atomic_read(&vm->nr_vcpus)) {
		vm->identity_map_addr = *addr;
		ret = 0;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

static int vm_set_nr_mmu_pages(struct nvmx_vm *vm, union ioctl_arg arg)
{
	if (arg.value < MIN_MMU_PAGES || arg.value > INT_MAX)
		return -EINVAL;
	WRITE_ONCE(vm->nr_mmu_pages, arg.value);
	return 0;
}

static int vm_get_nr_mmu_pages(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return READ_ONCE(vm->nr_mmu_pages);
}

static int vm_reset_dirty_rings(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return mmu_reset_rings(vm);
}

#define ROW(cmd_, how_, fn) { .cmd = (cmd_), .how = (how_), .vm = (fn) }

static const struct ioctl_row vm_rows[] = {
	ROW(KVM_SET_USER_MEMORY_REGION, ARG_IN, vm_set_memory_region),
	ROW(KVM_GET_DIRTY_LOG, ARG_IN, vm_get_dirty_log),
	ROW(KVM_CLEAR_DIRTY_LOG, ARG_IN, vm_clear_dirty_log),
	ROW(KVM_RESET_DIRTY_RINGS, ARG_VALUE, vm_reset_dirty_rings),
	ROW(KVM_CREATE_VCPU, ARG_VALUE, vm_create_vcpu),
	ROW(KVM_CHECK_EXTENSION, ARG_VALUE, vm_check_extension),
	ROW(KVM_ENABLE_CAP, ARG_IN, vm_enable_cap),
	ROW(KVM_IOEVENTFD, ARG_IN, vm_ioeventfd),
	ROW(KVM_REGISTER_COALESCED_MMIO, ARG_IN, vm_register_coalesced),
	ROW(KVM_UNREGISTER_COALESCED_MMIO, ARG_IN, vm_unregister_coalesced),
	ROW(KVM_CREATE_IRQCHIP, ARG_VALUE, vm_create_irqchip),
	ROW(KVM_GET_IRQCHIP, ARG_INOUT, vm_get_irqchip),
	ROW(KVM_SET_IRQCHIP, ARG_IN, vm_set_irqchip),
	ROW(KVM_SET_GSI_ROUTING, ARG_USER, vm_set_gsi_routing),
	ROW(KVM_IRQ_LINE, ARG_IN, vm_irq_line),
	ROW(KVM_IRQ_LINE_STATUS, ARG_INOUT, vm_irq_line),
	ROW(KVM_SIGNAL_MSI, ARG_IN, vm_signal_msi),
	ROW(KVM_IRQFD, ARG_IN, vm_irqfd),
	ROW(KVM_HYPERV_EVENTFD, ARG_IN, vm_hyperv_eventfd),
	ROW(KVM_SET_BOOT_CPU_ID, ARG_VALUE, vm_set_boot_cpu_id),
	ROW(KVM_CREATE_PIT, ARG_VALUE, vm_create_pit),
	ROW(KVM_CREATE_PIT2, ARG_IN, vm_create_pit2),
	ROW(KVM_GET_PIT, ARG_OUT, vm_get_pit),
	ROW(KVM_SET_PIT, ARG_IN, vm_set_pit),
	ROW(KVM_GET_PIT2, ARG_OUT, vm_get_pit2),
	ROW(KVM_SET_PIT2, ARG_IN, vm_set_pit2),
	ROW(KVM_REINJECT_CONTROL, ARG_USER, vm_reinject_control),
	ROW(KVM_SET_TSS_ADDR, ARG_VALUE, vm_set_tss_addr),
	ROW(KVM_SET_IDENTITY_MAP_ADDR, ARG_IN, vm_set_identity_map_addr),
	ROW(KVM_SET_NR_MMU_PAGES, ARG_VALUE, vm_set_nr_mmu_pages),
	ROW(KVM_GET_NR_MMU_PAGES, ARG_VALUE, vm_get_nr_mmu_pages),
	ROW(KVM_X86_SET_MSR_FILTER, ARG_IN, vm_set_msr_filter),
	ROW(KVM_GET_CLOCK, ARG_OUT, vm_get_clock),
	ROW(KVM_SET_CLOCK, ARG_IN, vm_set_clock),
	ROW(KVM_GET_TSC_KHZ, ARG_VALUE, vm_get_tsc_khz),
	ROW(KVM_SET_TSC_KHZ, ARG_VALUE, vm_set_tsc_khz),
	ROW(KVM_GET_STATS_FD, ARG_VALUE, vm_get_stats_fd),
};

static long vm_dispatch(struct nvmx_vm *vm, const struct ioctl_row *row, unsigned long arg)
{
	struct ioctl_frame frame;
	int ret;

	if (vm->mm != current->mm || READ_ONCE(vm->dead))
		return -EIO;
	if (!row)
		return -ENOTTY;
	ret = ioctl_begin(row, arg, &frame);
	if (ret)
		return ret;
	return ioctl_end(row, &frame, row->vm(vm, frame.arg));
}

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return vm_dispatch(file->private_data, ioctl_find(vm_rows, ARRAY_SIZE(vm_rows), cmd), arg);
}

#ifdef CONFIG_COMPAT
/* The upper half of the union is not the caller's: its pointer is four bytes long. */
static int vm_get_dirty_log_compat(struct nvmx_vm *vm, union ioctl_arg arg)
{
	struct kvm_dirty_log *log = arg.buf;

	log->dirty_bitmap = compat_ptr((compat_uptr_t)log->padding2);
	return mmu_get_dirty_log(vm, log);
}

static int vm_clear_dirty_log_compat(struct nvmx_vm *vm, union ioctl_arg arg)
{
	struct kvm_clear_dirty_log *log = arg.buf;

	log->dirty_bitmap = compat_ptr((compat_uptr_t)log->padding2);
	return mmu_clear_dirty_log(vm, log);
}

static const struct ioctl_row vm_compat_rows[] = {
	ROW(KVM_GET_DIRTY_LOG, ARG_IN, vm_get_dirty_log_compat),
	ROW(KVM_CLEAR_DIRTY_LOG, ARG_IN, vm_clear_dirty_log_compat),
	ROW(API_SET_MSR_FILTER_COMPAT, ARG_IN, vm_set_msr_filter_compat),
};

static long vm_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct ioctl_row *row;

	row = ioctl_find(vm_compat_rows, ARRAY_SIZE(vm_compat_rows), cmd);
	if (!row)
		row = ioctl_find(vm_rows, ARRAY_SIZE(vm_rows), cmd);
	if (row && row->how != ARG_VALUE)
		arg = (unsigned long)compat_ptr(arg);
	return vm_dispatch(file->private_data, row, arg);
}
#endif
#undef ROW

static int vm_release(struct inode *inode, struct file *file)
{
	vm_put(file->private_data);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.release = vm_release,
	.unlocked_ioctl = vm_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl = vm_compat_ioctl,
#endif
	.llseek = noop_llseek,
};

int dev_create_vm(union ioctl_arg arg)
{
	struct nvmx_vm *vm;
	struct file *file;
	int fd;

	if (arg.value)		/* a type of machine: there is one */
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	vm = vm_create();
	if (IS_ERR(vm)) {
		put_unused_fd(fd);
		return PTR_ERR(vm);
	}
	file = anon_inode_getfile("kvm-vm", &vm_fops, vm, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		vm_put(vm);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}
