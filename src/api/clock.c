// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM's clock, which is src/pv's, and the frequency of its TSC.
 */
#include <asm/tsc.h>
#include <nvmx/pv.h>
#include <nvmx/vmx.h>

#include "ioctl.h"

int vm_get_clock(struct nvmx_vm *vm, union ioctl_arg arg)
{
	pv_get_clock(vm, arg.buf);
	return 0;
}

int vm_set_clock(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return pv_set_clock(vm, arg.buf);
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

int vcpu_kvmclock_ctrl(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	return pv_guest_stopped(v);
}
