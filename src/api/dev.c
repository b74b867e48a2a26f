// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device: /dev/nvmx, and /dev/kvm where it is asked for and free, with the system ioctls.
 */
#define pr_fmt(fmt) "nvmx: " fmt

#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <nvmx/api.h>
#include <nvmx/vmx.h>

#include "face.h"
#include "ioctl.h"

static int dev_get_api_version(union ioctl_arg arg)
{
	return arg.value ? -EINVAL : KVM_API_VERSION;
}

static int dev_get_vcpu_mmap_size(union ioctl_arg arg)
{
	return arg.value ? -EINVAL : API_VCPU_PAGES * PAGE_SIZE;
}

#define ROW(cmd_, how_, fn) { .cmd = (cmd_), .how = (how_), .dev = (fn) }

static const struct ioctl_row dev_rows[] = {
	ROW(KVM_CHECK_EXTENSION, ARG_VALUE, dev_check_extension),
	ROW(KVM_GET_API_VERSION, ARG_VALUE, dev_get_api_version),
	ROW(KVM_CREATE_VM, ARG_VALUE, dev_create_vm),
	ROW(KVM_GET_VCPU_MMAP_SIZE, ARG_VALUE, dev_get_vcpu_mmap_size),
	ROW(KVM_GET_MSR_INDEX_LIST, ARG_USER, dev_get_msr_index_list),
	ROW(KVM_GET_MSR_FEATURE_INDEX_LIST, ARG_USER, dev_get_msr_feature_index_list),
	ROW(KVM_GET_MSRS, ARG_USER, dev_get_msrs),
	ROW(KVM_GET_SUPPORTED_CPUID, ARG_USER, dev_get_supported_cpuid),
	ROW(KVM_GET_SUPPORTED_HV_CPUID, ARG_USER, dev_get_supported_hv_cpuid),
	ROW(KVM_GET_EMULATED_CPUID, ARG_USER, dev_get_emulated_cpuid),
	ROW(KVM_X86_GET_MCE_CAP_SUPPORTED, ARG_OUT, dev_get_mce_cap),
};

#undef ROW

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct ioctl_row *row = ioctl_find(dev_rows, ARRAY_SIZE(dev_rows), cmd);
	struct ioctl_frame frame;
	int ret;

	if (!row)
		return -EINVAL;
	ret = ioctl_begin(row, arg, &frame);
	if (ret)
		return ret;
	return ioctl_end(row, &frame, row->dev(frame.arg));
}

static const struct file_operations dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice nvmx_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "nvmx",
	.fops = &dev_fops,
	.mode = 0660,
};

static struct miscdevice kvm_device = {
	.minor = KVM_MINOR,
	.name = "kvm",
	.fops = &dev_fops,
	.mode = 0660,
};

static bool kvm_registered;

static void register_kvm_node(void)
{
	int err;

	if (!vmx_kvm_node)
		return;
	err = misc_register(&kvm_device);
	kvm_registered = !err;
	if (err == -EBUSY)
		pr_notice("kvm_node: /dev/kvm belongs to the kvm module; only /dev/nvmx is here\n");
	else if (err)
		pr_notice("kvm_node: no /dev/kvm (error %d); only /dev/nvmx is here\n", err);
}

/* The nodes come last: whoever opens one finds everything ready. */
int api_init(void)
{
	int err;

	debugfs_start();
	err = misc_register(&nvmx_device);
	if (err) {
		pr_err("cannot register /dev/nvmx (error %d)\n", err);
		debugfs_stop();
		return err;
	}
	register_kvm_node();
	return 0;
}

void api_exit(void)
{
	if (kvm_registered)
		misc_deregister(&kvm_device);
	misc_deregister(&nvmx_device);
	debugfs_stop();
}
