// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8259A pair, command by command, as its data sheet has them.
 */
#include "model.h"

#define CMD	0x20
#define DATA	0x21
#define CMD2	0xa0
#define DATA2	0xa1

#define EOI		0x20
#define EOI_PIN(n)	(0x60 | (n))
#define EOI_ROTATE	0xa0
#define AUTO_ROTATE	0x80
#define NO_AUTO_ROTATE	0x00
#define EOI_PIN_ROTATE(n)	(0xe0 | (n))
#define PRIORITY(n)	(0xc0 | (n))	/* n becomes the lowest */
#define READ_IRR	0x0a
#define READ_ISR	0x0b
#define POLL		0x0c
#define SPECIAL_MASK	0x68
#define NO_SPECIAL_MASK	0x48

#define ICW4		1
#define ICW4_AEOI	2
#define ICW4_SFNM	0x10

/* Vectors 0x20 and 0x28, nothing masked. */
static void init(u8 icw4)
{
	vm_new();
	out(CMD, 0x11);
	out(DATA, 0x20);
	out(DATA, 4);
	out(DATA, ICW4 | icw4);
	out(CMD2, 0x11);
	out(DATA2, 0x28);
	out(DATA2, 2);
	out(DATA2, ICW4 | icw4);
}

static void up(u32 pin)
{
	pic_set(&vm, SOURCE_USER, pin, 1);
}

static void down(u32 pin)
{
	pic_set(&vm, SOURCE_USER, pin, 0);
}

static void pulse(u32 pin)
{
	up(pin);
	down(pin);
}

static u8 isr(u16 port)
{
	out(port, READ_ISR);
	return in(port);
}

static u8 irr(u16 port)
{
	out(port, READ_IRR);
	return in(port);
}

static void test_delivery(void)
{
	init(0);
	ok(!pic_output(&vm), "no request, no INTR");
	ok(pic_set(&vm, SOURCE_USER, 3, 1) == 1 && pic_output(&vm), "a rising edge raises INTR");
	ok(nr_extint == 1, "the local APICs hear of it once");
	ok(pic_set(&vm, SOURCE_USER, 3, 1) == 0, "a second one is coalesced");
	ok(irr(CMD) == 0x08 && isr(CMD) == 0, "the request is in IRR");
	ok(pic_ack(&vm) == 0x23, "INTA gives the vector");
	ok(irr(CMD) == 0 && isr(CMD) == 0x08, "and moves the request to ISR");
	ok(!pic_output(&vm), "INTR falls");
	down(3);
	out(CMD, EOI);
	ok(isr(CMD) == 0 && acked_gsi == 3, "EOI clears ISR, and the GSI is acknowledged");
	up(3);
	down(3);
	ok(pic_ack(&vm) == 0x23, "a line that fell before INTA was latched");
	vm_free();
}

static void test_cascade(void)
{
	init(0);
	pulse(12);
	ok(irr(CMD) == 0x04 && irr(CMD2) == 0x10, "the slave drives pin 2 of the master");
	ok(pic_ack(&vm) == 0x2c, "the vector is the slave's");
	ok(isr(CMD) == 0x04 && isr(CMD2) == 0x10, "both are in service");
	pulse(8);
	ok(!pic_output(&vm), "the master does not hear a second request of the slave");
	out(CMD2, EOI);
	ok(acked_gsi == 12, "the slave's pins are acknowledged as GSIs 8 to 15");
	out(CMD, EOI);
	ok(pic_output(&vm) && pic_ack(&vm) == 0x28, "after both EOIs it is heard");
	vm_free();

	init(ICW4_SFNM);
	pulse(12);
	pic_ack(&vm);
	pulse(8);
	ok(pic_output(&vm), "in special fully nested mode it is heard at once");
	vm_free();
}

static void test_spurious(void)
{
	init(0);
	out(0x4d0, 0x20);
	up(5);
	down(5);
	ok(!pic_output(&vm), "a level-triggered request goes with its line");
	ok(pic_ack(&vm) == 0x27 && isr(CMD) == 0, "an INTA without request gets pin 7 and no ISR");
	vm_free();
}

static void test_level(void)
{
	init(0);
	out(0x4d0, 0xff);
	out(0x4d1, 0xff);
	ok(in(0x4d0) == 0xf8 && in(0x4d1) == 0xde, "ELCR keeps the system's pins edge-triggered");
	up(5);
	pic_ack(&vm);
	ok(!pic_output(&vm) && irr(CMD) == 0x20, "a level stays in IRR while it is served");
	out(CMD, EOI);
	ok(pic_output(&vm), "and asks again after EOI");
	pic_set(&vm, SOURCE_PIT, 5, 1);
	down(5);
	ok(irr(CMD) == 0x20, "two drivers: one still holds the line");
	pic_set(&vm, SOURCE_PIT, 5, 0);
	ok(irr(CMD) == 0, "none does");
	vm_free();
}

static void test_priority(void)
{
	init(0);
	pulse(4);
	pic_ack(&vm);
	pulse(6);
	ok(!pic_output(&vm), "a lower one waits");
	pulse(1);
	ok(pic_output(&vm) && pic_ack(&vm) == 0x21, "a higher one nests");
	out(CMD, EOI);
	ok(isr(CMD) == 0x10, "EOI ends the highest");
	pulse(0);
	pic_ack(&vm);
	out(CMD, EOI_PIN(4));
	ok(isr(CMD) == 0x01, "a specific EOI ends its pin");
	out(CMD, EOI);
	ok(pic_ack(&vm) == 0x26, "then the lower one comes");
	vm_free();
}

static void test_rotation(void)
{
	init(0);
	pulse(4);
	pic_ack(&vm);
	out(CMD, EOI_ROTATE);
	pulse(4);
	pulse(6);
	ok(pic_ack(&vm) == 0x26, "after rotation on EOI the pin is the lowest");
	out(CMD, EOI_PIN_ROTATE(6));
	pulse(7);
	ok(pic_ack(&vm) == 0x27, "rotation on specific EOI");
	out(CMD, EOI);
	pic_ack(&vm);
	out(CMD, EOI);
	out(CMD, PRIORITY(2));
	pulse(0);
	pulse(3);
	ok(pic_ack(&vm) == 0x23, "set priority: pin 3 is above pin 0");
	out(CMD, 0x40);
	ok(isr(CMD) == 0x08, "OCW2 without a command changes nothing");
	vm_free();

	init(ICW4_AEOI);
	out(CMD, AUTO_ROTATE);
	pulse(1);
	ok(pic_ack(&vm) == 0x21 && isr(CMD) == 0 && acked_gsi == 1, "automatic EOI");
	pulse(1);
	pulse(5);
	ok(pic_ack(&vm) == 0x25, "with rotation");
	pic_ack(&vm);
	out(CMD, NO_AUTO_ROTATE);
	pulse(4);
	pic_ack(&vm);
	pulse(4);
	pulse(5);
	ok(pic_ack(&vm) == 0x24, "and without again");
	vm_free();
}

static void test_masks(void)
{
	init(0);
	out(DATA, 0x08);
	ok(pic_set(&vm, SOURCE_USER, 3, 1) == -1 && !pic_output(&vm), "a masked pin says so");
	ok(in(DATA) == 0x08, "IMR reads back");
	out(DATA, 0);
	ok(pic_ack(&vm) == 0x23, "what came while masked is delivered");
	pulse(5);
	ok(!pic_output(&vm), "pin 3 in service blocks pin 5");
	out(CMD, SPECIAL_MASK);
	ok(!pic_output(&vm), "special mask mode alone does not change that");
	out(DATA, 0x08);
	ok(pic_output(&vm), "masking pin 3 then does");
	out(CMD, EOI);
	ok(isr(CMD) == 0x08, "EOI does not see a service that is masked out");
	out(CMD, NO_SPECIAL_MASK);
	ok(!pic_output(&vm), "and without special mask mode it blocks again");
	vm_free();
}

static void test_polling(void)
{
	init(0);
	out(CMD, POLL);
	ok(in(CMD) == 0, "a poll without request");
	pulse(5);
	out(CMD, POLL);
	ok(in(DATA) == 0x85, "a poll reads the pin, at either port");
	ok(isr(CMD) == 0x20, "and is an INTA");
	ok(in(DATA) == 0, "for one read only");
	vm_free();
}

static void test_init(void)
{
	init(ICW4_AEOI);
	out(DATA, 0xff);
	pulse(2);
	pulse(3);
	out(0x4d0, 0x20);
	up(5);
	out(CMD, 0x10);		/* no ICW4 */
	ok(irr(CMD) == 0x20, "ICW1 forgets edges, but no level");
	out(DATA, 0x47);
	out(DATA, 4);
	ok(in(DATA) == 0, "two words later IMR is there, and clear");
	ok(pic_ack(&vm) == 0x45 && isr(CMD) == 0x20,
	   "bits 2 to 0 of ICW2 are ignored, AEOI is off");
	vm_free();
}

static void test_hostile(void)
{
	struct kvm_irqchip chip;
	u32 i, id, pin;

	init(0);
	for (i = 0; i < 256; i++) {
		for (id = 0; id < 2; id++) {
			memset(&chip, i, sizeof(chip));
			chip.chip_id = id;
			irq_chip_set(&vm, &chip);
		}
		for (pin = 0; pin < 16; pin++)
			pulse(pin);
		pic_ack(&vm);
		out(CMD, i);
		out(CMD2, i);
		out(DATA, i);
		in(CMD);
		in(DATA2);
		pic_ack(&vm);
	}
	chip.chip_id = 0;
	irq_chip_get(&vm, &chip);
	ok(chip.chip.pic.priority_add < 8 && !(chip.chip.pic.irq_base & 7) &&
	   chip.chip.pic.init_state < 4 && chip.chip.pic.elcr_mask == 0xf8,
	   "no state from outside breaks the chip");
	ok(!vm.srcu.readers, "and no lock is left behind");
	vm_free();
}

static void test_ports(void)
{
	struct nvmx_vcpu v = { .vm = &vm };
	u32 val;

	init(0);
	ok(!irq_pio_read(&v, 0x22, 1, &val), "nobody is at port 0x22");
	ok(!irq_pio_read(&v, 0x20, 2, &val) && !irq_pio_write(&v, 0x20, 4, &val),
	   "the registers are a byte wide");
	ok(irq_pio_write(&v, 0x21, 1, &val) && irq_pio_read(&v, 0x21, 1, &val), "IMR is at 0x21");
	vm_free();
}

void test_pic(void)
{
	test_delivery();
	test_cascade();
	test_spurious();
	test_level();
	test_priority();
	test_rotation();
	test_masks();
	test_polling();
	test_init();
	test_ports();
	test_hostile();
}
