// SPDX-License-Identifier: GPL-2.0-only
/*
 * Routes: what user space may ask for, and where a line leads then.
 */
#include <stdlib.h>
#include <linux/bitops.h>

#include "model.h"

#define MSI		0xfee00000u
#define LEVEL		0x8000
#define REDIRECT	8
#define LOGICAL		4

static struct kvm_irq_routing_entry pin_entry(u32 gsi, u32 chip, u32 pin)
{
	return (struct kvm_irq_routing_entry){ .gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP,
			  .u.irqchip = { .irqchip = chip, .pin = pin } };
}

static struct kvm_irq_routing_entry msi_entry(u32 gsi, u32 address, u32 data)
{
	return (struct kvm_irq_routing_entry){ .gsi = gsi, .type = KVM_IRQ_ROUTING_MSI,
			  .u.msi = { .address_lo = address, .data = data } };
}

static struct kvm_irq_routing_entry sint_entry(u32 gsi, u32 vp, u32 sint)
{
	return (struct kvm_irq_routing_entry){ .gsi = gsi, .type = KVM_IRQ_ROUTING_HV_SINT,
			  .u.hv_sint = { .vcpu = vp, .sint = sint } };
}

static int set(const struct kvm_irq_routing_entry *e, u32 nr)
{
	return irq_set_routing(&vm, e, nr);
}

static int line(u32 gsi, int level)
{
	struct kvm_irq_level l = { .irq = gsi, .level = level };

	return irq_line(&vm, &l) ?: (int)l.status;
}

static void bare(void)
{
	memset(&vm, 0, sizeof(vm));
	nr_sent = 0;
	send_returns = 1;
	irq_vm_create(&vm);
}

static void split(u32 pins)
{
	bare();
	irq_enable_split(&vm, pins);
}

static void test_model(void)
{
	struct kvm_msi msi = { .address_lo = MSI, .data = 0x40 };
	struct kvm_irqchip chip = { .chip_id = 0 };

	bare();
	ok(line(1, 1) == -ENXIO && set(NULL, 0) == -EINVAL &&
	   irq_signal_msi(&vm, &msi) == -EINVAL && irq_chip_get(&vm, &chip) == -ENXIO &&
	   irq_chip_set(&vm, &chip) == -ENXIO,
	   "nothing works without a controller");
	ok(irq_enable_split(&vm, IRQ_MAX_ROUTES + 1) == -EINVAL, "no more pins than GSIs");
	atomic_set(&vm.nr_vcpus, 1);
	ok(irq_create_chip(&vm) == -EINVAL && irq_enable_split(&vm, 1) == -EEXIST &&
	   irq_set_boot_cpu_id(&vm, 1) == -EBUSY, "the model is chosen before the first vCPU");
	atomic_set(&vm.nr_vcpus, 0);
	ok(!irq_set_boot_cpu_id(&vm, 3) && vm.bsp_id == 3, "so is who boots");
	ok(!irq_create_chip(&vm) && irq_create_chip(&vm) == -EEXIST &&
	   irq_enable_split(&vm, 1) == -EEXIST, "once");
	vm_free();
	split(24);
	ok(irq_create_chip(&vm) == -EEXIST && irq_chip_get(&vm, &chip) == -ENXIO, "or split");
	ok(irq_enable_x2apic_api(&vm, 4) == -EINVAL && !irq_enable_x2apic_api(&vm, 2) &&
	   !irq_enable_x2apic_api(&vm, 1) && vm.irq->x2apic_flags == 3, "flags of x2APIC add up");
	vm_free();
}

static void test_eoi_exits(void)
{
	const struct kvm_irq_routing_entry e[] = {
		msi_entry(1, MSI, LEVEL | 0x51), msi_entry(2, MSI, 0x52),
		msi_entry(30, MSI, LEVEL | 0x53),
	};
	unsigned long vectors[4] = { 0 };
	int told;

	split(24);
	told = nr_eoi_exits;
	ok(!set(e, 3) && nr_eoi_exits == told + 1, "new routes: other EOIs are listened to");
	route_eoi_exits(&vm, vectors);
	ok(test_bit(0x51, vectors) && !test_bit(0x52, vectors) && !test_bit(0x53, vectors),
	   "those of levels, at user space's pins");
	vm_free();
}

static void test_default(void)
{
	int gsi, both = 0, io = 0;

	vm_new();
	for (gsi = 0; gsi < 24; gsi++)
		set_pin(gsi, 0, 0x30 + gsi);
	for (gsi = 0; gsi < 24; gsi++) {
		nr_sent = 0;
		both += line(gsi, 1) == 2;
		io += nr_sent == 1 && sent.vector == 0x30 + gsi;
	}
	ok(io == 24, "by default GSI n is pin n of the I/O APIC");
	ok(both == 16, "and to 15 also of the PICs");
	ok(line(24, 1) == -1 && line(4095, 1) == -1 && line(~0u, 1) == -1, "others lead nowhere");
	vm_free();
}

static void test_limits(void)
{
	struct kvm_irq_routing_entry *many = calloc(IRQ_MAX_ROUTES + 1, sizeof(*many));
	u32 i;

	vm_new();
	for (i = 0; i <= IRQ_MAX_ROUTES; i++)
		many[i] = msi_entry(IRQ_MAX_ROUTES - 1 - i, MSI, i & 0xff);
	many[IRQ_MAX_ROUTES].gsi = 0;
	ok(!set(many, IRQ_MAX_ROUTES), "as many routes as there are GSIs, in any order");
	line(0, 1);
	ok(sent.vector == 0xff, "the first is the first");
	line(4095, 1);
	ok(sent.vector == 0, "and the last the last");
	ok(set(many, IRQ_MAX_ROUTES + 1) == -EINVAL, "one more is too many");
	many[0].gsi = IRQ_MAX_ROUTES;
	ok(set(many, 1) == -EINVAL, "so is a GSI above");
	many[0].gsi = ~0u;
	ok(set(many, 1) == -EINVAL, "far above");
	line(0, 1);
	ok(sent.vector == 0xff, "what failed has changed nothing");
	ok(!set(NULL, 0) && line(0, 1) == -1, "none at all");
	free(many);
	vm_free();
}

static void test_entries(void)
{
	struct kvm_irq_routing_entry e[4];

	vm_new();
	e[0] = pin_entry(3, 0, 8);
	ok(set(e, 1) == -EINVAL, "a PIC has eight pins");
	e[0] = pin_entry(3, 2, 24);
	ok(set(e, 1) == -EINVAL, "the I/O APIC 24");
	e[0] = pin_entry(3, 3, 0);
	ok(set(e, 1) == -EINVAL, "there are three chips");
	e[0] = pin_entry(3, 0, 1);
	e[0].flags = 1;
	ok(set(e, 1) == -EINVAL, "a pin has no flags");
	e[0] = msi_entry(3, MSI, 0x40);
	e[0].flags = KVM_MSI_VALID_DEVID;
	ok(!set(e, 1), "a message may have a device's id");
	e[0].flags = 2;
	ok(set(e, 1) == -EINVAL, "and nothing else");
	e[0].flags = 0;
	e[0].type = KVM_IRQ_ROUTING_XEN_EVTCHN;
	ok(set(e, 1) == -EINVAL, "other types are not here");
	e[0] = pin_entry(9, 0, 1);
	e[1] = pin_entry(9, 1, 1);
	e[2] = pin_entry(9, 2, 1);
	ok(!set(e, 3), "a GSI leads to each chip");
	e[3] = pin_entry(9, 2, 2);
	ok(set(e, 4) == -EINVAL, "once");
	e[3] = msi_entry(9, MSI, 0x40);
	ok(set(e, 4) == -EINVAL, "or to a message, not both");
	e[0] = msi_entry(9, MSI, 0x41);
	ok(set(&e[0], 1) == 0 && (e[1] = e[3], set(e, 2)) == -EINVAL, "and to one only");
	e[1] = sint_entry(9, 5, 2);
	ok(set(e, 2) == -EINVAL, "nor to a SynIC source beside it");
	vm_free();

	split(24);
	e[0] = pin_entry(1, 2, 1);
	ok(set(e, 1) == -EINVAL, "in the split model there are messages only");
	vm_free();
}

static void test_sint(void)
{
	struct kvm_irq_routing_entry e[2] = { sint_entry(7, 5, 2), sint_entry(8, 5, 3) };

	split(24);
	ok(!set(e, 2), "a GSI may lead to a SynIC source");
	ok(line(7, 1) == 1 && raised_vp == 5 && raised_sint == 2, "which a line raises");
	raised_vp = 0;
	ok(line(7, 0) == -1 || !raised_vp, "and does not lower");
	vm_free();
}

static void test_message(void)
{
	struct kvm_msi msi = { .address_lo = MSI | 0x5a << 12 | LOGICAL, .data = 0x0441 | LEVEL };

	split(24);
	ok(irq_signal_msi(&vm, &msi) == 1 && sent.dest == 0x5a && sent.logical && sent.mode == 4 &&
	   sent.vector == 0x41 && sent.level && sent.assert && !sent.ext_dest,
	   "address and data make the message");
	msi.address_lo = MSI | REDIRECT;
	msi.data = 0x41;
	irq_signal_msi(&vm, &msi);
	ok(sent.mode == 1 && !sent.logical, "the hint of redirection is lowest priority");
	msi.address_hi = 0x12345600;
	irq_signal_msi(&vm, &msi);
	ok(sent.dest == 0, "the upper half counts for nothing");
	irq_enable_x2apic_api(&vm, KVM_X2APIC_API_USE_32BIT_IDS);
	ok(irq_signal_msi(&vm, &msi) == 1 && sent.dest == 0x12345600 && sent.ext_dest,
	   "but with ids of 32 bits");
	msi.address_hi = 1;
	ok(irq_signal_msi(&vm, &msi) == -EINVAL, "whose low byte is not there");
	msi.address_hi = 0;
	msi.flags = 2;
	ok(irq_signal_msi(&vm, &msi) == -EINVAL, "unknown flags");
	msi.flags = 0;
	send_returns = -1;
	ok(irq_signal_msi(&vm, &msi) == -1, "nobody there");
	send_returns = 0;
	ok(irq_signal_msi(&vm, &msi) == 0, "coalesced");
	vm_free();
}

static void test_line(void)
{
	struct kvm_irq_routing_entry e = msi_entry(7, MSI, 0x40);

	split(24);
	set(&e, 1);
	ok(line(7, 1) == 1 && nr_sent == 1, "a line that is a message sends it");
	ok(line(7, 0) == -1 && nr_sent == 1, "when it rises");
	vm_free();
}

static void test_eoi(void)
{
	struct nvmx_vcpu v = { .vm = &vm };
	struct kvm_irq_routing_entry e[] = {
		msi_entry(3, MSI, 0x40 | LEVEL), msi_entry(4, MSI, 0x41),
		msi_entry(5, MSI | 9 << 12, 0x42 | LEVEL), msi_entry(30, MSI, 0x43 | LEVEL),
	};

	split(24);
	set(e, ARRAY_SIZE(e));
	ok(route_wants_eoi(&v, 0x40), "user space waits for the EOI of a level");
	ok(!route_wants_eoi(&v, 0x41), "not of an edge");
	ok(!route_wants_eoi(&v, 0x42), "nor of another processor");
	ok(!route_wants_eoi(&v, 0x43), "nor of a GSI that is no pin of its I/O APIC");
	vm_free();
	split(0);
	set(e, ARRAY_SIZE(e));
	ok(!route_wants_eoi(&v, 0x40), "it may have no I/O APIC at all");
	vm_free();
}

static void test_acks(void)
{
	struct kvm_irq_routing_entry e[] = { pin_entry(40, 2, 5), pin_entry(41, 1, 5) };

	vm_new();
	set(e, 2);
	route_acked(&vm, 2, 5);
	ok(acked_gsi == 40, "an acknowledged pin is told by its GSI");
	route_acked(&vm, 1, 13);
	ok(acked_gsi == 41, "pins of the slave are 8 to 15");
	nr_acked = 0;
	route_acked(&vm, 2, 6);
	ok(!nr_acked, "a pin without a GSI is not");
	vm_free();
}

void test_route(void)
{
	test_model();
	test_eoi_exits();
	test_default();
	test_limits();
	test_entries();
	test_sint();
	test_message();
	test_line();
	test_eoi();
	test_acks();
}
