// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM's side of the wires: which model it has, its chips' life, and who answers at an address.
 */
#include <linux/atomic.h>
#include <linux/lockdep.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "irq_int.h"

int irq_vm_create(struct nvmx_vm *vm)
{
	struct irq_vm *irq = kzalloc(sizeof(*irq), GFP_KERNEL_ACCOUNT);

	if (!irq)
		return -ENOMEM;
	mutex_init(&irq->lock);
	vm->irq = irq;
	irqfd_start(vm);
	return 0;
}

void irq_vm_stop(struct nvmx_vm *vm)
{
	irqfd_stop(vm);
	pit_stop(vm);
	ioapic_stop(vm);
}

void irq_vm_destroy(struct nvmx_vm *vm)
{
	pit_destroy(vm);
	ioapic_destroy(vm);
	pic_destroy(vm);
	route_destroy(vm);
	kfree(vm->irq);
	vm->irq = NULL;
}

/* ---- which model ---- */

static void set_mode(struct nvmx_vm *vm, enum irq_mode mode)
{
	smp_store_release(&vm->irq_mode, mode);		/* pairs with irq_mode() */
}

static int create_chips(struct nvmx_vm *vm)
{
	int err = pic_create(vm);

	if (err)
		return err;
	err = ioapic_create(vm);
	if (err)
		goto destroy_pic;
	err = route_default(vm);
	if (!err)
		return 0;

	ioapic_destroy(vm);
destroy_pic:
	pic_destroy(vm);
	return err;
}

static int create_locked(struct nvmx_vm *vm)
{
	int err;

	if (irq_mode(vm) != IRQ_USER)
		return -EEXIST;
	if (atomic_read(&vm->nr_vcpus))
		return -EINVAL;
	err = create_chips(vm);
	if (!err)
		set_mode(vm, IRQ_KERNEL);
	return err;
}

int irq_create_chip(struct nvmx_vm *vm)
{
	int err;

	mutex_lock(&vm->lock);
	err = create_locked(vm);
	mutex_unlock(&vm->lock);
	return err;
}

int irq_enable_split(struct nvmx_vm *vm, u64 pins)
{
	int err;

	lockdep_assert_held(&vm->lock);
	if (pins > IRQ_MAX_ROUTES)
		return -EINVAL;
	if (irq_mode(vm) != IRQ_USER || atomic_read(&vm->nr_vcpus))
		return -EEXIST;
	err = route_empty(vm);
	if (err)
		return err;
	vm->irq->split_pins = pins;
	set_mode(vm, IRQ_SPLIT);
	return 0;
}

int irq_enable_x2apic_api(struct nvmx_vm *vm, u64 flags)
{
	lockdep_assert_held(&vm->lock);
	if (flags & ~(KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK))
		return -EINVAL;
	WRITE_ONCE(vm->irq->x2apic_flags, vm->irq->x2apic_flags | flags);
	return 0;
}

int irq_set_boot_cpu_id(struct nvmx_vm *vm, u32 id)
{
	int err = -EBUSY;

	mutex_lock(&vm->lock);
	if (!atomic_read(&vm->nr_vcpus)) {
		vm->bsp_id = id;
		err = 0;
	}
	mutex_unlock(&vm->lock);
	return err;
}

/* ---- the chips' state and lines, for user space ---- */

int irq_chip_get(struct nvmx_vm *vm, struct kvm_irqchip *chip)
{
	if (irq_mode(vm) != IRQ_KERNEL)
		return -ENXIO;
	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		pic_get(vm, chip->chip_id, &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		ioapic_get(vm, &chip->chip.ioapic);
		return 0;
	}
	return -EINVAL;
}

int irq_chip_set(struct nvmx_vm *vm, const struct kvm_irqchip *chip)
{
	if (irq_mode(vm) != IRQ_KERNEL)
		return -ENXIO;
	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		pic_put(vm, chip->chip_id, &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		ioapic_put(vm, &chip->chip.ioapic);
		return 0;
	}
	return -EINVAL;
}

int irq_line(struct nvmx_vm *vm, struct kvm_irq_level *line)
{
	if (irq_mode(vm) == IRQ_USER)
		return -ENXIO;
	line->status = route_set(vm, SOURCE_USER, line->irq, line->level);
	return 0;
}

/* ---- who answers at an address ---- */

bool irq_mmio_read(struct nvmx_vcpu *v, u64 gpa, u32 len, void *data)
{
	if (!irq_in_kernel(v))
		return false;
	if (lapic_mmio_read(v, gpa, len, data))
		return true;
	return v->vm->irq->ioapic && ioapic_mmio_read(v->vm, gpa, len, data);
}

bool irq_mmio_write(struct nvmx_vcpu *v, u64 gpa, u32 len, const void *data)
{
	if (!irq_in_kernel(v))
		return false;
	if (lapic_mmio_write(v, gpa, len, data))
		return true;
	return v->vm->irq->ioapic && ioapic_mmio_write(v->vm, gpa, len, data);
}

/* The chips have registers of one byte. */
bool irq_pio_read(struct nvmx_vcpu *v, u16 port, u32 len, void *data)
{
	if (!v->vm->irq->pic || len != 1)
		return false;
	return pic_pio_read(v->vm, port, data) || pit_pio_read(v->vm, port, data);
}

bool irq_pio_write(struct nvmx_vcpu *v, u16 port, u32 len, const void *data)
{
	const u8 *val = data;

	if (!v->vm->irq->pic || len != 1)
		return false;
	return pic_pio_write(v->vm, port, *val) || pit_pio_write(v->vm, port, *val);
}
