// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of interrupt controllers: what travels here, what it means is in src/irq.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <nvmx/irq.h>
#include <nvmx/vmx.h>

#include "face.h"
#include "ioctl.h"

/* ---- a VM's ---- */

int vm_create_irqchip(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return irq_create_chip(vm);
}

int vm_get_irqchip(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return irq_chip_get(vm, arg.buf);
}

int vm_set_irqchip(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return irq_chip_set(vm, arg.buf);
}

int vm_irq_line(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return irq_line(vm, arg.buf);
}

int vm_signal_msi(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return irq_signal_msi(vm, arg.buf);
}

int vm_irqfd(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return irq_irqfd(vm, arg.buf);
}

int vm_set_boot_cpu_id(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return irq_set_boot_cpu_id(vm, arg.value);
}

/* The table follows its head. */
int vm_set_gsi_routing(struct nvmx_vm *vm, union ioctl_arg arg)
{
	struct kvm_irq_routing __user *user = arg.user;
	struct kvm_irq_routing_entry *entries = NULL;
	struct kvm_irq_routing head;
	int ret;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (READ_ONCE(vm->irq_mode) == IRQ_USER || head.nr > IRQ_MAX_ROUTES || head.flags)
		return -EINVAL;
	if (head.nr) {
		entries = vmemdup_user(user->entries, array_size(head.nr, sizeof(*entries)));
		if (IS_ERR(entries))
			return PTR_ERR(entries);
	}
	ret = irq_set_routing(vm, entries, head.nr);
	kvfree(entries);
	return ret;
}

/* The first PIT always had the speaker's port. */
int vm_create_pit(struct nvmx_vm *vm, union ioctl_arg arg)
{
	const struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };

	return irq_create_pit(vm, &config);
}

int vm_create_pit2(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return irq_create_pit(vm, arg.buf);
}

int vm_get_pit2(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return irq_get_pit(vm, arg.buf);
}

int vm_set_pit2(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return irq_set_pit(vm, arg.buf);
}

/* The old state is the new one without flags, which stay as they are. */
int vm_get_pit(struct nvmx_vm *vm, union ioctl_arg arg)
{
	struct kvm_pit_state2 ps;
	int ret = irq_get_pit(vm, &ps);

	if (!ret)
		memcpy(arg.buf, ps.channels, sizeof(struct kvm_pit_state));
	return ret;
}

int vm_set_pit(struct nvmx_vm *vm, union ioctl_arg arg)
{
	struct kvm_pit_state2 ps;
	int ret = irq_get_pit(vm, &ps);

	if (ret)
		return ret;
	memcpy(ps.channels, arg.buf, sizeof(struct kvm_pit_state));
	return irq_set_pit(vm, &ps);
}

/* Its number does not say that it has an argument. */
int vm_reinject_control(struct nvmx_vm *vm, union ioctl_arg arg)
{
	struct kvm_reinject_control control;

	if (copy_from_user(&control, arg.user, sizeof(control)))
		return -EFAULT;
	return irq_pit_reinject(vm, &control);
}

/* ---- a vCPU's ---- */

int vcpu_get_lapic(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	return irq_in_kernel(v) ? irq_get_lapic(v, arg.buf) : -EINVAL;
}

int vcpu_set_lapic(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	return irq_in_kernel(v) ? irq_set_lapic(v, arg.buf) : -EINVAL;
}

int vcpu_set_vapic_addr(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	const struct kvm_vapic_addr *addr = arg.buf;
	int err;

	if (!irq_in_kernel(v))
		return -EINVAL;
	err = irq_set_vapic_addr(v, addr->vapic_addr);
	vmx_apicv_update(v);
	return err;
}

int vcpu_tpr_access_reporting(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	const struct kvm_tpr_access_ctl *ctl = arg.buf;
	int err;

	if (!irq_in_kernel(v) || ctl->flags)
		return -EINVAL;
	err = irq_set_tpr_reporting(v, ctl);
	vmx_apicv_update(v);
	return err;
}
