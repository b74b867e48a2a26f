// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who a message is for: physical, logical and broadcast destinations, shorthands, the lowest
 * priority; and the interrupt command register, which makes such messages.
 *
 * SDM "Determining IPI Destination" [sdm:apic-destination]
 */
#include <linux/compiler.h>
#include <linux/kvm.h>
#include <linux/minmax.h>
#include <linux/types.h>
#include "irq_int.h"
#include "lapic.h"

/*
 * Eight bits of ones reach everybody.  To an x2APIC that sees 32 bits they are a number like any
 * other; user space can have it so for messages of devices, too.
 */
static bool is_broadcast(const struct nvmx_vcpu *v, const struct irq_msg *msg)
{
	if (msg->ext_dest && msg->dest == LAPIC_X2APIC_BROADCAST)
		return true;
	if (msg->dest != LAPIC_BROADCAST)
		return false;
	if (!lapic_x2apic(v))
		return true;
	return !msg->ext_dest &&
	       !(READ_ONCE(v->vm->irq->x2apic_flags) & KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK);
}

/* A vCPU beyond 8 bits has no name in the xAPIC: its x2APIC id has to reach it for its SIPI. */
static bool match_physical(const struct nvmx_vcpu *v, u32 dest)
{
	if (lapic_x2apic(v) || v->id > 0xff)
		return dest == v->id;
	return dest == lapic_get(v->lapic, APIC_ID) >> 24;
}

static bool match_logical(const struct nvmx_vcpu *v, u32 dest)
{
	u32 ldr = lapic_get(v->lapic, APIC_LDR);

	if (lapic_x2apic(v))
		return ldr >> 16 == dest >> 16 && ldr & dest & 0xffff;
	if (dest > 0xff)
		return false;
	ldr >>= 24;
	if (lapic_get(v->lapic, APIC_DFR) >> 28 == 0xf)		/* flat */
		return ldr & dest;
	return ldr >> 4 == dest >> 4 && ldr & dest & 0xf;
}

bool lapic_matches(struct nvmx_vcpu *v, const struct irq_msg *msg)
{
	if (!v->lapic || !lapic_on(v))
		return false;
	if (is_broadcast(v, msg))
		return true;
	return msg->logical ? match_logical(v, msg->dest) : match_physical(v, msg->dest);
}

static bool is_receiver(struct nvmx_vcpu *v, const struct nvmx_vcpu *src,
			const struct irq_msg *msg)
{
	if (!v->lapic)
		return false;
	switch (msg->shorthand) {
	case SHORTHAND_NONE:
		return lapic_matches(v, msg);
	case SHORTHAND_SELF:
		return v == src;
	case SHORTHAND_ALL:
		return lapic_on(v);
	default:
		return v != src && lapic_on(v);
	}
}

static int send_to_all(struct nvmx_vm *vm, struct nvmx_vcpu *src, const struct irq_msg *msg)
{
	struct nvmx_vcpu *v;
	int accepted = -1;
	u32 i;

	vm_for_each_vcpu(vm, v, i)
		if (is_receiver(v, src, msg))
			accepted = max(accepted, 0) + lapic_accept(v, msg);
	return accepted;
}

/* The lower processor priority; among equals, who has taken fewer of these so far. */
static bool is_lower(const struct lapic *l, const struct lapic *best)
{
	u32 mine = lapic_ppr(l) >> 4, other = lapic_ppr(best) >> 4;

	if (mine != other)
		return mine < other;
	return (int)((u32)atomic_read(&l->taken) - (u32)atomic_read(&best->taken)) < 0;
}

static int send_to_lowest(struct nvmx_vm *vm, struct nvmx_vcpu *src, const struct irq_msg *msg)
{
	struct nvmx_vcpu *v, *best = NULL;
	u32 i;

	vm_for_each_vcpu(vm, v, i) {
		if (!is_receiver(v, src, msg) || !lapic_software_on(v->lapic))
			continue;
		if (!best || is_lower(v->lapic, best->lapic))
			best = v;
	}
	if (!best)
		return -1;
	atomic_inc(&best->lapic->taken);
	return lapic_accept(best, msg);
}

/* One APIC is meant: where it was found last is tried first. */
static int send_to_one(struct nvmx_vm *vm, const struct irq_msg *msg)
{
	u8 *guess = &vm->irq->by_id[msg->dest & 0xff];
	struct nvmx_vcpu *v = vm_vcpu(vm, READ_ONCE(*guess));
	u32 i;

	if (v && lapic_matches(v, msg))
		return lapic_accept(v, msg);
	vm_for_each_vcpu(vm, v, i) {
		if (!lapic_matches(v, msg))
			continue;
		WRITE_ONCE(*guess, i);
		return lapic_accept(v, msg);
	}
	return -1;
}

int irq_send(struct nvmx_vm *vm, struct nvmx_vcpu *src, const struct irq_msg *msg)
{
	bool maybe_all = msg->dest == LAPIC_BROADCAST || msg->dest == LAPIC_X2APIC_BROADCAST;

	if (msg->shorthand == SHORTHAND_SELF)
		return src && src->lapic ? lapic_accept(src, msg) : -1;
	if (msg->shorthand == SHORTHAND_NONE && !msg->logical && !maybe_all)
		return send_to_one(vm, msg);
	if (msg->mode == DELIVER_LOWEST)
		return send_to_lowest(vm, src, msg);
	return send_to_all(vm, src, msg);
}

/* Trigger mode and level count for INIT only. SDM "Interrupt Command Register (ICR)" [sdm:icr] */
void lapic_send_ipi(struct lapic *l, u32 low, u32 dest)
{
	struct irq_msg msg = {
		.dest = dest,
		.vector = low & APIC_VECTOR_MASK,
		.mode = GET_APIC_DELIVERY_MODE(low),
		.logical = low & APIC_DEST_LOGICAL,
		.assert = low & APIC_INT_ASSERT,
		.shorthand = (low & APIC_DEST_ALLBUT) >> 18,
		.ext_dest = lapic_x2apic(l->v),
	};

	msg.level = msg.mode == DELIVER_INIT && low & APIC_INT_LEVELTRIG;
	if (msg.mode <= DELIVER_LOWEST && msg.vector < LAPIC_FIRST_VECTOR)
		lapic_error(l, APIC_ESR_SENDILL);
	else
		irq_send(l->v->vm, l->v, &msg);
}
