// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a GSI leads: to pins of the chips here, or to a message.
 *
 * The table is sorted by GSI and replaced as a whole; readers are whoever drives a line, in any
 * context, under vm->srcu.
 */
#include <linux/bitmap.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/srcu.h>

#include <nvmx/hyperv.h>
#include <nvmx/vmx.h>

#include "irq_int.h"

#define NR_VECTORS	256
#define NO_GSI		(-1)

/* A message: SDM "Message Address Register Format", "Message Data Register Format" */
#define MSI_LOGICAL	BIT(2)
#define MSI_REDIRECT	BIT(3)
#define MSI_DEST_SHIFT	12
#define MSI_DEST_HIGH	GENMASK(31, 8)	/* of the upper half, with 32-bit ids */
#define MSI_LEVEL	BIT(15)
#define MODE_FIXED	0
#define MODE_LOWEST	1

enum route_kind { ROUTE_PIC, ROUTE_IOAPIC, ROUTE_MSI, ROUTE_SINT };

struct route {
	u8 kind;
	u8 chip;		/* KVM_IRQCHIP_* */
	u8 pin;			/* PIC: 0 to 15 */
	union {
		struct {
			u32 address_lo, address_hi, data;
		};
		struct {
			u32 vp_index, sint;	/* SynIC */
		};
	};
};

struct route_table {
	u16 end[IRQ_MAX_ROUTES];		/* by GSI: where its routes end in e[] */
	s16 pic_gsi[PIC_PINS];			/* who may want to hear of a pin; or NO_GSI */
	s16 ioapic_gsi[IOAPIC_PINS];
	bool has_sints;
	DECLARE_BITMAP(level_vectors, NR_VECTORS);	/* of all level-triggered messages */
	struct route e[];
};

static u32 first_of(const struct route_table *t, u32 gsi)
{
	return gsi ? t->end[gsi - 1] : 0;
}

/* ---- messages ---- */

static bool wide_ids(const struct nvmx_vm *vm)
{
	return READ_ONCE(vm->irq->x2apic_flags) & KVM_X2APIC_API_USE_32BIT_IDS;
}

static bool msi_valid(const struct nvmx_vm *vm, u32 address_hi)
{
	return !wide_ids(vm) || !(address_hi & ~MSI_DEST_HIGH);
}

static struct irq_msg message(const struct nvmx_vm *vm, const struct route *r)
{
	struct irq_msg msg = {
		.dest = r->address_lo >> MSI_DEST_SHIFT & 0xff,
		.vector = r->data & 0xff,
		.mode = r->data >> 8 & 7,
		.logical = r->address_lo & MSI_LOGICAL,
		.level = r->data & MSI_LEVEL,
		.assert = true,
		.ext_dest = wide_ids(vm),
	};

	if (msg.ext_dest)
		msg.dest |= r->address_hi & MSI_DEST_HIGH;
	/* The hint asks for one of several, which is what lowest priority does. */
	if (r->address_lo & MSI_REDIRECT && msg.mode == MODE_FIXED)
		msg.mode = MODE_LOWEST;
	return msg;
}

static int send_msi(struct nvmx_vm *vm, const struct route *r)
{
	struct irq_msg msg = message(vm, r);

	return msi_valid(vm, r->address_hi) ? irq_send(vm, NULL, &msg) : -EINVAL;
}

int irq_signal_msi(struct nvmx_vm *vm, const struct kvm_msi *msi)
{
	struct route r = {
		.address_lo = msi->address_lo, .address_hi = msi->address_hi, .data = msi->data,
	};

	if (irq_mode(vm) == IRQ_USER || msi->flags & ~KVM_MSI_VALID_DEVID)
		return -EINVAL;
	return send_msi(vm, &r);
}

/* ---- use ---- */

static int set_one(struct nvmx_vm *vm, enum irq_source source, const struct route *r, int level)
{
	switch (r->kind) {
	case ROUTE_PIC:
		return pic_set(vm, source, r->pin, level);
	case ROUTE_IOAPIC:
		return ioapic_set(vm, source, r->pin, level);
	case ROUTE_SINT:
		return level ? hv_raise_sint(vm, r->vp_index, r->sint) : -1;
	default:
		return level ? send_msi(vm, r) : -1;
	}
}

/*
 * Nobody can tell whether the guest listens to the PIC or to the I/O APIC: both are driven, and the
 * guest masks the one that it does not use.
 */
int route_set(struct nvmx_vm *vm, enum irq_source source, u32 gsi, int level)
{
	const struct route_table *t;
	int ret = -1, one, idx;
	u32 i;

	if (gsi >= IRQ_MAX_ROUTES)
		return -1;
	gsi = array_index_nospec(gsi, IRQ_MAX_ROUTES);
	idx = srcu_read_lock(&vm->srcu);
	t = srcu_dereference(vm->irq->routes, &vm->srcu);
	for (i = t ? first_of(t, gsi) : 0; t && i < t->end[gsi]; i++) {
		one = set_one(vm, source, &t->e[i], level);
		if (one >= 0)
			ret = max(ret, 0) + one;
	}
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}

static int gsi_of(struct nvmx_vm *vm, u32 chip, u32 pin)
{
	const struct route_table *t = srcu_dereference(vm->irq->routes, &vm->srcu);

	if (!t)
		return NO_GSI;
	return chip == KVM_IRQCHIP_IOAPIC ? t->ioapic_gsi[pin] : t->pic_gsi[pin];
}

void route_acked(struct nvmx_vm *vm, u32 chip, u32 pin)
{
	int idx = srcu_read_lock(&vm->srcu);
	int gsi = gsi_of(vm, chip, pin);

	if (gsi == 0)
		pit_acked(vm);
	if (gsi >= 0)
		irqfd_acked(vm, gsi);
	srcu_read_unlock(&vm->srcu, idx);
}

void route_unmasked(struct nvmx_vm *vm, u32 chip, u32 pin)
{
	int idx = srcu_read_lock(&vm->srcu);

	if (gsi_of(vm, chip, pin) == 0)
		pit_unmasked(vm);
	srcu_read_unlock(&vm->srcu, idx);
}

bool route_listens(struct nvmx_vm *vm, u32 chip, u32 pin)
{
	int idx = srcu_read_lock(&vm->srcu);
	int gsi = gsi_of(vm, chip, pin);
	bool listens = gsi == 0 || (gsi > 0 && irqfd_listens(vm, gsi));

	srcu_read_unlock(&vm->srcu, idx);
	return listens;
}

static void sint_acked(struct nvmx_vm *vm, const struct route_table *t, u32 vp_index, u32 sint)
{
	const struct route *r;
	u32 gsi;

	for (gsi = 0; gsi < IRQ_MAX_ROUTES; gsi++) {
		r = &t->e[first_of(t, gsi)];
		if (first_of(t, gsi) < t->end[gsi] && r->kind == ROUTE_SINT &&
		    r->vp_index == vp_index && r->sint == sint)
			irqfd_acked(vm, gsi);
	}
}

void irq_sint_acked(struct nvmx_vm *vm, u32 vp_index, u32 sint)
{
	int idx = srcu_read_lock(&vm->srcu);
	const struct route_table *t = srcu_dereference(vm->irq->routes, &vm->srcu);

	if (t && t->has_sints)
		sint_acked(vm, t, vp_index, sint);
	srcu_read_unlock(&vm->srcu, idx);
}

static bool wants_eoi(struct nvmx_vcpu *v, const struct route *r, u8 vector)
{
	struct irq_msg msg = message(v->vm, r);

	return r->kind == ROUTE_MSI && msg.level && msg.vector == vector && lapic_matches(v, &msg);
}

bool route_wants_eoi(struct nvmx_vcpu *v, u8 vector)
{
	struct nvmx_vm *vm = v->vm;
	const struct route_table *t;
	bool found = false;
	u32 i, nr;
	int idx;

	idx = srcu_read_lock(&vm->srcu);
	t = srcu_dereference(vm->irq->routes, &vm->srcu);
	nr = t && vm->irq->split_pins ? t->end[vm->irq->split_pins - 1] : 0;
	if (nr && test_bit(vector, t->level_vectors)) {
		for (i = 0; i < nr && !found; i++)
			found = wants_eoi(v, &t->e[i], vector);
	}
	srcu_read_unlock(&vm->srcu, idx);
	return found;
}

void route_eoi_exits(struct nvmx_vm *vm, unsigned long *vectors)
{
	const struct route_table *t;
	u32 i, nr;
	int idx;

	idx = srcu_read_lock(&vm->srcu);
	t = srcu_dereference(vm->irq->routes, &vm->srcu);
	nr = t && vm->irq->split_pins ? t->end[vm->irq->split_pins - 1] : 0;
	for (i = 0; i < nr; i++)
		if (t->e[i].kind == ROUTE_MSI && t->e[i].data & MSI_LEVEL)
			__set_bit(t->e[i].data & 0xff, vectors);
	srcu_read_unlock(&vm->srcu, idx);
}

/* ---- change ---- */

static int make_pin(struct route_table *t, struct route *r, const struct kvm_irq_routing_entry *e)
{
	u32 pin = e->u.irqchip.pin;

	switch (e->u.irqchip.irqchip) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		if (pin >= PIC_PINS / 2)
			return -EINVAL;
		r->kind = ROUTE_PIC;
		r->chip = e->u.irqchip.irqchip;
		r->pin = array_index_nospec(pin, PIC_PINS / 2);
		if (r->chip == KVM_IRQCHIP_PIC_SLAVE)
			r->pin += PIC_PINS / 2;
		t->pic_gsi[r->pin] = e->gsi;
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		if (pin >= IOAPIC_PINS)
			return -EINVAL;
		r->kind = ROUTE_IOAPIC;
		r->chip = KVM_IRQCHIP_IOAPIC;
		r->pin = array_index_nospec(pin, IOAPIC_PINS);
		t->ioapic_gsi[r->pin] = e->gsi;
		return 0;
	}
	return -EINVAL;
}

static int make_msi(const struct nvmx_vm *vm, struct route_table *t, struct route *r,
		    const struct kvm_irq_routing_entry *e)
{
	if (e->flags & ~KVM_MSI_VALID_DEVID || !msi_valid(vm, e->u.msi.address_hi))
		return -EINVAL;
	r->kind = ROUTE_MSI;
	r->address_lo = e->u.msi.address_lo;
	r->address_hi = e->u.msi.address_hi;
	r->data = e->u.msi.data;
	if (r->data & MSI_LEVEL)
		__set_bit(r->data & 0xff, t->level_vectors);
	return 0;
}

static int make(const struct nvmx_vm *vm, struct route_table *t, struct route *r,
		const struct kvm_irq_routing_entry *e)
{
	switch (e->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		if (!vm->irq->pic || e->flags)		/* split: no chip is here */
			return -EINVAL;
		return make_pin(t, r, e);
	case KVM_IRQ_ROUTING_MSI:
		return make_msi(vm, t, r, e);
	case KVM_IRQ_ROUTING_HV_SINT:
		r->kind = ROUTE_SINT;
		r->vp_index = e->u.hv_sint.vcpu;
		r->sint = e->u.hv_sint.sint;
		t->has_sints = true;
		return 0;
	}
	return -EINVAL;
}

/* A GSI leads to each chip at most once, or to one message or source. */
static int check_gsi(const struct route_table *t, u32 gsi)
{
	u32 first = first_of(t, gsi), end = t->end[gsi], seen = 0, i;

	if (end - first <= 1)
		return 0;
	for (i = first; i < end; i++) {
		if (t->e[i].kind >= ROUTE_MSI || seen & BIT(t->e[i].chip))
			return -EINVAL;
		seen |= BIT(t->e[i].chip);
	}
	return 0;
}

/* Counting sort: end[] counts, then tells where each GSI starts, then where it ends. */
static int fill(const struct nvmx_vm *vm, struct route_table *t,
		const struct kvm_irq_routing_entry *entries, u32 nr)
{
	u32 gsi, i, at = 0, count;
	int err = 0;

	for (i = 0; i < nr; i++)
		t->end[entries[i].gsi]++;
	for (gsi = 0; gsi < IRQ_MAX_ROUTES; gsi++) {
		count = t->end[gsi];
		t->end[gsi] = at;
		at += count;
	}
	for (i = 0; i < nr && !err; i++)
		err = make(vm, t, &t->e[t->end[entries[i].gsi]++], &entries[i]);
	for (gsi = 0; gsi < IRQ_MAX_ROUTES && !err; gsi++)
		err = check_gsi(t, gsi);
	return err;
}

static int check_limits(const struct kvm_irq_routing_entry *entries, u32 nr)
{
	u32 i;

	if (nr > IRQ_MAX_ROUTES)
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		if (entries[i].gsi >= IRQ_MAX_ROUTES)
			return -EINVAL;
	}
	return 0;
}

static void publish(struct nvmx_vm *vm, struct route_table *new)
{
	struct irq_vm *irq = vm->irq;
	struct route_table *old;

	mutex_lock(&irq->lock);
	old = rcu_dereference_protected(irq->routes, lockdep_is_held(&irq->lock));
	rcu_assign_pointer(irq->routes, new);
	synchronize_srcu_expedited(&vm->srcu);
	mutex_unlock(&irq->lock);
	kvfree(old);
	vmx_post_eoi_exits(vm);
}

static int replace(struct nvmx_vm *vm, const struct kvm_irq_routing_entry *entries, u32 nr)
{
	struct route_table *t;
	int err = check_limits(entries, nr);

	if (err)
		return err;
	t = kvzalloc(struct_size(t, e, nr), GFP_KERNEL_ACCOUNT);
	if (!t)
		return -ENOMEM;
	memset(t->pic_gsi, NO_GSI, sizeof(t->pic_gsi));
	memset(t->ioapic_gsi, NO_GSI, sizeof(t->ioapic_gsi));
	err = fill(vm, t, entries, nr);
	if (err)
		kvfree(t);
	else
		publish(vm, t);
	return err;
}

int irq_set_routing(struct nvmx_vm *vm, const struct kvm_irq_routing_entry *entries, u32 nr)
{
	if (irq_mode(vm) == IRQ_USER)
		return -EINVAL;
	return replace(vm, entries, nr);
}

static struct kvm_irq_routing_entry default_route(u32 gsi, u32 chip, u32 pin)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

int route_default(struct nvmx_vm *vm)
{
	struct kvm_irq_routing_entry *e;
	u32 gsi, nr = 0;
	int err;

	e = kcalloc(IOAPIC_PINS + PIC_PINS, sizeof(*e), GFP_KERNEL_ACCOUNT);
	if (!e)
		return -ENOMEM;
	for (gsi = 0; gsi < IOAPIC_PINS; gsi++)
		e[nr++] = default_route(gsi, KVM_IRQCHIP_IOAPIC, gsi);
	for (gsi = 0; gsi < PIC_PINS; gsi++)
		e[nr++] = default_route(gsi, gsi / 8, gsi % 8);
	err = replace(vm, e, nr);
	kfree(e);
	return err;
}

int route_empty(struct nvmx_vm *vm)
{
	return replace(vm, NULL, 0);
}

void route_destroy(struct nvmx_vm *vm)
{
	kvfree(rcu_dereference_protected(vm->irq->routes, 1));
	RCU_INIT_POINTER(vm->irq->routes, NULL);
}
