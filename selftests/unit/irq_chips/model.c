// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rest of the machine: memory, local APICs that only count, and a clock.
 */
#include <stdlib.h>

#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "model.h"

struct nvmx_vm vm;
struct irq_msg sent;
u32 raised_vp, raised_sint;
int nr_sent, send_returns;
int nr_extint, nr_pit_ticks;
int acked_gsi, nr_acked;
int nr_eoi_exits;
u32 listened_gsi = ~0u;
s64 model_now;

struct hrtimer *model_timer;		/* the PIT's */

void *kzalloc(size_t size, gfp_t flags)
{
	return calloc(1, size);
}

void *kcalloc(size_t n, size_t size, gfp_t flags)
{
	return calloc(n, size);
}

void kfree(const void *p)
{
	free((void *)p);
}

int irq_send(struct nvmx_vm *v, struct nvmx_vcpu *src, const struct irq_msg *msg)
{
	sent = *msg;
	nr_sent++;
	return send_returns;
}

int hv_raise_sint(struct nvmx_vm *v, u32 vp_index, u32 sint)
{
	raised_vp = vp_index;
	raised_sint = sint;
	return 1;
}

void lapic_extint_raised(struct nvmx_vm *v)
{
	nr_extint++;
}

void lapic_pit_tick(struct nvmx_vm *v)
{
	nr_pit_ticks++;
}

/* Whoever is at APIC id 0. */
bool lapic_matches(struct nvmx_vcpu *v, const struct irq_msg *msg)
{
	return !msg->logical && (!msg->dest || msg->dest == 0xff);
}

bool lapic_mmio_read(struct nvmx_vcpu *v, u64 gpa, u32 len, void *data)
{
	return false;
}

bool lapic_mmio_write(struct nvmx_vcpu *v, u64 gpa, u32 len, const void *data)
{
	return false;
}

void irqfd_start(struct nvmx_vm *v)
{
}

void irqfd_stop(struct nvmx_vm *v)
{
}

bool irqfd_listens(struct nvmx_vm *v, u32 gsi)
{
	return gsi == listened_gsi;
}

void vmx_post_eoi_exits(struct nvmx_vm *v)
{
	nr_eoi_exits++;
}

void irqfd_acked(struct nvmx_vm *v, u32 gsi)
{
	acked_gsi = gsi;
	nr_acked++;
}

void vm_new(void)
{
	const struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };

	memset(&vm, 0, sizeof(vm));
	nr_sent = 0;
	send_returns = 1;
	nr_extint = 0;
	nr_pit_ticks = 0;
	nr_acked = 0;
	acked_gsi = -1;
	model_now = 1000000000;
	if (irq_vm_create(&vm) || irq_create_chip(&vm) || irq_create_pit(&vm, &config))
		abort();
}

void vm_free(void)
{
	irq_vm_stop(&vm);
	irq_vm_destroy(&vm);
}

u8 in(u16 port)
{
	u8 val = 0xee;

	if (!pic_pio_read(&vm, port, &val))
		pit_pio_read(&vm, port, &val);
	return val;
}

void out(u16 port, u8 val)
{
	if (!pic_pio_write(&vm, port, val))
		pit_pio_write(&vm, port, val);
}

u32 io_read(u32 reg)
{
	u32 val;

	ioapic_mmio_write(&vm, IOAPIC_BASE, 4, &reg);
	ioapic_mmio_read(&vm, IOAPIC_BASE + 0x10, 4, &val);
	return val;
}

void io_write(u32 reg, u32 val)
{
	ioapic_mmio_write(&vm, IOAPIC_BASE, 4, &reg);
	ioapic_mmio_write(&vm, IOAPIC_BASE + 0x10, 4, &val);
}

void set_pin(u32 pin, u32 bits, u32 vector)
{
	io_write(0x11 + 2 * pin, 0);
	io_write(0x10 + 2 * pin, bits | vector);
}

bool timer_armed(void)
{
	return model_timer->armed;
}

void pass(s64 ns)
{
	s64 end = model_now + ns;

	while (model_timer->armed && model_timer->expires <= end) {
		model_now = model_timer->expires;
		model_timer->armed = model_timer->function(model_timer) == HRTIMER_RESTART;
	}
	model_now = end;
}
