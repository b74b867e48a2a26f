// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM's clock and the frequency of its TSC.
 *
 * There is no kvmclock: KVM_GET_CLOCK and KVM_SET_CLOCK move a number that starts at 0 with the VM
 * and runs with the host's boot time.  Its flags are all KVM_CAP_ADJUST_CLOCK offers: none.
 */
#include <linux/ktime.h>
#include <asm/tsc.h>
#include <nvmx/vmx.h>

#include "ioctl.h"

int vm_get_clock(struct nvmx_vm *vm, union ioctl_arg arg)
{
	struct kvm_clock_data *data = arg.buf;

	data->clock = ktime_get_boottime_ns() + (u64)READ_ONCE(vm->clock_offset);
	return 0;
}

int vm_set_clock(struct nvmx_vm *vm, union ioctl_arg arg)
{
	const struct kvm_clock_data *data = arg.buf;

	if (data->flags)
		return -EINVAL;
	WRITE_ONCE(vm->clock_offset, (s64)(data->clock - ktime_get_boottime_ns()));
	return 0;
}

/* The multiplier has 16 integer bits; without it guests run at the host's frequency, almost. */
static bool khz_possible(u32 khz)
{
	u32 slack = tsc_khz / 4000;	/* 250 ppm, as KVM tolerates */

	if (vmx_caps.tsc_scaling)
		return khz / tsc_khz < 1u << 16;
	return khz >= tsc_khz - slack && khz <= tsc_khz + slack;
}

int vm_get_tsc_khz(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return READ_ONCE(vm->default_tsc_khz);
}

/* What vCPUs that are created from now on start with. */
int vm_set_tsc_khz(struct nvmx_vm *vm, union ioctl_arg arg)
{
	u32 khz = arg.value ?: tsc_khz;

	if (!khz_possible(khz))
		return -EINVAL;
	WRITE_ONCE(vm->default_tsc_khz, khz);
	return 0;
}

int vcpu_get_tsc_khz(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	return v->tsc_khz;
}

int vcpu_set_tsc_khz(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	return vmx_set_tsc_khz(v, arg.value);
}

/* "The host stopped the guest": a mark in the kvmclock page, and no guest has one. */
int vcpu_kvmclock_ctrl(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	return -EINVAL;
}
