// SPDX-License-Identifier: GPL-2.0-only
/*
 * The I/O APIC: registers, edges, levels, ends.
 */
#include <linux/bitops.h>
#include "model.h"

#define LEVEL		0x8000
#define MASKED		0x10000
#define REMOTE_IRR	0x4000
#define STATUS		0x1000
#define STORM		10000

static u32 entry(u32 pin)
{
	return io_read(0x10 + 2 * pin);
}

static int line(u32 pin, int level)
{
	return ioapic_set(&vm, SOURCE_USER, pin, level);
}

static void test_registers(void)
{
	u8 byte = 0x24;
	u64 wide = ~0ull;
	u32 val;

	vm_new();
	ok(io_read(1) == 0x170011, "24 pins, version 0x11");
	io_write(0, 0xf5000000);
	ok(io_read(0) == 0x05000000 && io_read(2) == 0x05000000, "four bits of id");
	io_write(1, 0);
	ok(io_read(1) == 0x170011, "the version is read-only");
	ok(entry(23) == MASKED && io_read(0x40) == ~0u && io_read(0xff) == ~0u,
	   "the table ends at pin 23");
	io_write(0x40, 0);
	io_write(0x11 + 46, 0xffffffff);
	ok(io_read(0x11 + 46) == 0xff000000, "a destination has eight bits");
	io_write(0x10 + 46, 0xffffffff);
	ok(entry(23) == (0x1ffff & ~(STATUS | REMOTE_IRR)), "the read-only bits are read-only");
	ok(ioapic_mmio_write(&vm, IOAPIC_BASE, 1, &byte) &&
	   ioapic_mmio_read(&vm, IOAPIC_BASE, 8, &wide) && wide == 0x24, "1 and 8 bytes");
	ok(!ioapic_mmio_read(&vm, IOAPIC_BASE + 0x100, 4, &val) &&
	   !ioapic_mmio_read(&vm, IOAPIC_BASE - 4, 4, &val), "256 bytes are its own");
	ok(ioapic_mmio_read(&vm, IOAPIC_BASE + 0x20, 4, &val) && !val, "most are nothing");
	vm_free();
}

static void test_message(void)
{
	vm_new();
	io_write(0x11 + 10, 0x0f000000);
	io_write(0x10 + 10, 0x0900 | 0x51);	/* logical, lowest priority */
	ok(line(5, 1) == 1 && nr_sent == 1, "an edge sends a message");
	ok(sent.vector == 0x51 && sent.dest == 0x0f && sent.logical && sent.mode == 1 &&
	   !sent.level && sent.assert && !sent.shorthand && !sent.ext_dest,
	   "as the entry says");
	vm_free();
}

static void test_edge(void)
{
	vm_new();
	set_pin(4, 0, 0x40);
	line(4, 1);
	ok(line(4, 1) == 0 && nr_sent == 1, "a line that stays up is no second edge");
	line(4, 0);
	ok(line(4, 1) == 1 && nr_sent == 2, "one that fell and rises is");
	ok(!(entry(4) & REMOTE_IRR), "an edge sets no remote IRR");
	set_pin(4, MASKED, 0x40);
	line(4, 0);
	ok(line(4, 1) == -1 && nr_sent == 2, "a masked pin sends nothing");
	set_pin(4, 0, 0x40);
	ok(nr_sent == 2, "and an edge is not made up for");
	ioapic_eoi_edge(&vm, 0x40);
	ok(nr_acked == 1 && acked_gsi == 4, "the end of an edge is told to who listens");
	ioapic_eoi_edge(&vm, 0x41);
	ok(nr_acked == 1, "but not that of a vector of nobody");
	vm_free();
}

static void test_level(void)
{
	vm_new();
	set_pin(10, LEVEL, 0x60);
	ok(line(10, 1) == 1 && sent.level, "a level sends a message");
	ok(entry(10) & REMOTE_IRR, "and sets remote IRR");
	line(10, 0);
	ok(line(10, 1) == 0 && nr_sent == 1, "no second one before the EOI");
	ioapic_eoi(&vm, 0x61);
	ok(nr_sent == 1, "an EOI of another vector is none");
	ioapic_eoi(&vm, 0x60);
	ok(nr_sent == 2 && entry(10) & REMOTE_IRR, "with the line up, the EOI sends again");
	line(10, 0);
	ioapic_eoi(&vm, 0x60);
	ok(nr_sent == 2 && !(entry(10) & REMOTE_IRR), "with the line down it ends");
	ok(nr_acked == 2 && acked_gsi == 10, "each is told");
	line(10, 1);
	set_pin(10, 0, 0x60);
	ok(!(entry(10) & REMOTE_IRR), "a turn to edge-triggered clears remote IRR");
	set_pin(10, LEVEL, 0x60);
	ok(nr_sent == 4, "and back: the line is up");
	vm_free();
}

static void test_level_corners(void)
{
	vm_new();
	set_pin(10, LEVEL | MASKED, 0x60);
	ok(line(10, 1) == -1 && nr_sent == 0, "masked");
	set_pin(10, LEVEL, 0x60);
	ok(nr_sent == 1, "a level that is up is sent when the pin is unmasked");
	ioapic_set(&vm, SOURCE_IRQFD_RESAMPLE, 10, 1);
	line(10, 0);
	ioapic_eoi(&vm, 0x60);
	ok(nr_sent == 2, "two drivers: one still holds the line");
	ioapic_set(&vm, SOURCE_IRQFD_RESAMPLE, 10, 0);
	ioapic_eoi(&vm, 0x60);
	send_returns = 0;
	line(10, 1);
	ok(!(entry(10) & REMOTE_IRR), "one that was coalesced waits for no EOI of its own");
	send_returns = 1;
	ioapic_eoi(&vm, 0x60);
	ok(nr_sent == 4 && entry(10) & REMOTE_IRR, "it follows at the vector's EOI");
	line(10, 0);
	ioapic_eoi(&vm, 0x60);
	set_pin(10, LEVEL | 0x400, 0);
	line(10, 1);
	ok(sent.mode == 4 && !(entry(10) & REMOTE_IRR), "an NMI has no EOI to wait for");
	vm_free();
}

static void test_storm(void)
{
	int i;

	vm_new();
	set_pin(10, LEVEL, 0x60);
	line(10, 1);
	for (i = 1; i < STORM; i++)
		ioapic_eoi(&vm, 0x60);
	ok(nr_sent == STORM, "each EOI sends again");
	ioapic_eoi(&vm, 0x60);
	ok(nr_sent == STORM && !(entry(10) & REMOTE_IRR), "but not for ever at once");
	line(10, 1);
	ok(nr_sent == STORM + 1, "a line that is driven is sent");
	vm_free();
}

static void test_state(void)
{
	struct kvm_irqchip a, b;

	vm_new();
	set_pin(10, LEVEL, 0x60);
	set_pin(11, 0, 0x61);
	set_pin(12, MASKED, 0x62);
	line(10, 1);
	line(11, 1);
	line(12, 1);
	a.chip_id = 2;
	irq_chip_get(&vm, &a);
	ok(a.chip.ioapic.base_address == IOAPIC_BASE, "it is where it is");
	ok(a.chip.ioapic.irr == 0x1400, "what is up, less the edges that were sent");
	vm_free();

	vm_new();
	a.chip.ioapic.base_address = 0x1000;
	a.chip.ioapic.redirtbl[10].bits &= ~(u64)REMOTE_IRR;
	ok(!irq_chip_set(&vm, &a) && nr_sent == 1 && sent.vector == 0x60,
	   "requests are made again");
	b.chip_id = 2;
	irq_chip_get(&vm, &b);
	ok(b.chip.ioapic.redirtbl[10].bits == (LEVEL | REMOTE_IRR | 0x60) &&
	   b.chip.ioapic.redirtbl[12].bits == (MASKED | 0x62), "the table is the same");
	a.chip_id = 3;
	ok(irq_chip_get(&vm, &a) == -EINVAL && irq_chip_set(&vm, &a) == -EINVAL,
	   "there are three chips");
	vm_free();
}

static void test_hostile(void)
{
	struct kvm_irqchip chip;
	u32 i, pin;

	vm_new();
	for (i = 0; i < 256; i++) {
		memset(&chip, i, sizeof(chip));
		chip.chip_id = 2;
		irq_chip_set(&vm, &chip);
		irq_chip_get(&vm, &chip);
		for (pin = 0; pin < 24; pin++) {
			line(pin, 1);
			ioapic_eoi(&vm, i);
			line(pin, 0);
		}
		io_write(i, ~0u);
		io_read(i);
	}
	ok(!vm.srcu.readers, "no state from outside breaks it");
	vm_free();
}

static bool exits(u8 vector)
{
	unsigned long vectors[4] = { 0 };

	ioapic_eoi_exits(&vm, vectors);
	return test_bit(vector, vectors);
}

static void test_listeners(void)
{
	int told;

	vm_new();
	told = nr_eoi_exits;
	set_pin(4, 0, 0x44);
	ok(nr_eoi_exits > told && !exits(0x44), "nobody listens to the end of an edge");
	told = nr_eoi_exits;
	set_pin(4, LEVEL, 0x44);
	ok(nr_eoi_exits > told && exits(0x44), "that of a level exits, and processors hear of it");
	told = nr_eoi_exits;
	set_pin(4, LEVEL | MASKED, 0x44);
	ok(nr_eoi_exits == told && exits(0x44), "a mask changes nothing: it may be in service");
	set_pin(4, LEVEL | MASKED, 0x45);
	ok(exits(0x45) && !exits(0x44), "another vector does");
	set_pin(7, 0, 0x47);
	listened_gsi = 7;
	ok(exits(0x47), "with a resampler behind the pin an edge exits, too");
	listened_gsi = ~0u;
	set_pin(0, 0, 0x40);
	ok(exits(0x40), "and the PIT's");
	vm_free();
}

void test_ioapic(void)
{
	test_registers();
	test_message();
	test_edge();
	test_level();
	test_level_corners();
	test_storm();
	test_listeners();
	test_state();
	test_hostile();
}
