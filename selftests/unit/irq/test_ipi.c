// SPDX-License-Identifier: GPL-2.0-only
/*
 * Destinations and interprocessor interrupts.
 */
#include <string.h>
#include "model.h"

#define ALL	0xfu

static void message(u32 dest, bool logical, u8 vector)
{
	const struct irq_msg msg = { .dest = dest, .vector = vector, .logical = logical };

	irq_send(&vm, NULL, &msg);
}

static void physical_mode(void)
{
	const struct irq_msg nobody = { .dest = 7, .vector = 0x30 };
	const struct irq_msg again = { .dest = 2, .vector = 0x31 };

	world(IRQ_KERNEL);
	message(2, false, 0x31);
	ok(who_has(0x31) == 1 << 2, "a physical destination is one APIC");
	ok(irq_send(&vm, NULL, &again) == 0, "a vector that waits already: coalesced");
	ok(irq_send(&vm, NULL, &nobody) == -1, "an id that nobody has");
	message(0xff, false, 0x32);
	ok(who_has(0x32) == ALL, "0xff is everybody");
	wr(1, APIC_ID, 0x21u << 24);
	message(0x21, false, 0x33);
	message(1, false, 0x34);
	ok(who_has(0x33) == 1 << 1 && !who_has(0x34), "an id that was written is found");
	wr(1, APIC_ID, 0x22u << 24);
	message(0x21, false, 0x35);
	message(0x22, false, 0x36);
	ok(!who_has(0x35) && who_has(0x36) == 1 << 1, "and not where it was before");
	renumber(3, 0x102);
	message(2, false, 0x37);
	ok(who_has(0x37) == 1 << 2, "eight bits of a long id are nobody's name");
}

static void flat_model(void)
{
	u32 i;

	world(IRQ_KERNEL);
	for (i = 0; i < NR_APICS; i++)
		wr(i, APIC_LDR, 1u << (24 + i));
	message(0x5, true, 0x40);
	ok(who_has(0x40) == 0x5, "flat: a bit for each");
	message(0xff, true, 0x41);
	ok(who_has(0x41) == ALL, "all bits: everybody");
	message(0, true, 0x42);
	ok(!who_has(0x42), "no bit: nobody");
}

static void cluster_model(void)
{
	static const u8 ldr[] = { 0x11, 0x12, 0x21, 0x24 };
	u32 i;

	world(IRQ_KERNEL);
	for (i = 0; i < NR_APICS; i++) {
		wr(i, APIC_DFR, 0);
		wr(i, APIC_LDR, ldr[i] << 24);
	}
	message(0x13, true, 0x43);
	ok(who_has(0x43) == 0x3, "cluster 1, members 0 and 1");
	message(0x2c, true, 0x44);
	ok(who_has(0x44) == 0x8, "cluster 2, member 2");
	message(0x31, true, 0x45);
	ok(!who_has(0x45), "no such cluster");
	message(0xff, true, 0x46);
	ok(who_has(0x46) == ALL, "0xff is everybody there, too");
}

static void x2apic_message(u32 dest, bool logical, u8 vector)
{
	const struct irq_msg msg = { .dest = dest, .vector = vector, .logical = logical,
				     .ext_dest = true };

	irq_send(&vm, NULL, &msg);
}

static void x2apic(void)
{
	world(IRQ_KERNEL);
	renumber(3, 0x125);
	x2apic_all();
	x2apic_message(0x125, false, 0x50);
	ok(who_has(0x50) == 1 << 3, "an x2APIC id of nine bits");
	x2apic_message(0x12 << 16 | 0x20, true, 0x51);
	ok(who_has(0x51) == 1 << 3, "cluster 0x12, member 5");
	x2apic_message(0x5, true, 0x52);
	ok(who_has(0x52) == 0x5, "cluster 0, members 0 and 2");
	x2apic_message(~0u, false, 0x53);
	x2apic_message(~0u, true, 0x54);
	ok(who_has(0x53) == ALL && who_has(0x54) == ALL, "32 ones are everybody, both ways");
	x2apic_message(0xff, false, 0x55);
	ok(!who_has(0x55), "eight ones of 32 bits are one id");
	message(0xff, false, 0x56);
	ok(who_has(0x56) == ALL, "of a message of 8 bits, everybody");
	vm.irq->x2apic_flags = KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK;
	message(0xff, false, 0x57);
	ok(!who_has(0x57), "unless user space disabled that");
}

static void lowest_priority(void)
{
	const struct irq_msg msg = { .dest = 0xff, .vector = 0x60, .mode = DELIVER_LOWEST,
				     .logical = true };
	struct irq_msg next = msg;
	u32 i, set = 0;

	world(IRQ_KERNEL);
	irq_set_tpr(&cpu[0], 0x20);
	irq_set_tpr(&cpu[1], 0x30);
	irq_set_tpr(&cpu[3], 0x20);
	irq_send(&vm, NULL, &msg);
	ok(who_has(0x60) == 1 << 2, "lowest priority: the lowest PPR gets it");
	world(IRQ_KERNEL);
	for (i = 0; i < NR_APICS; i++) {
		next.vector = 0x60 + i;
		irq_send(&vm, NULL, &next);
		set |= who_has(0x60 + i);
	}
	ok(set == ALL, "among equals they take turns");
	world(IRQ_KERNEL);
	wr(0, APIC_SPIV, 0xff);
	irq_send(&vm, NULL, &msg);
	ok(who_has(0x60) == 1 << 1, "one that is software-disabled is no candidate");
	for (i = 1; i < NR_APICS; i++)
		wr(i, APIC_SPIV, 0xff);
	ok(irq_send(&vm, NULL, &msg) == -1, "no candidate at all");
}

static void shorthands(void)
{
	world(IRQ_KERNEL);
	send(1, 0, APIC_DEST_SELF | 0x70);
	ok(who_has(0x70) == 1 << 1, "self");
	send(1, 0, APIC_DEST_ALLINC | 0x71);
	ok(who_has(0x71) == ALL, "all including self");
	send(1, 0, APIC_DEST_ALLBUT | 0x72);
	ok(who_has(0x72) == (ALL & ~(1 << 1)), "all but self");
	ok(rd(1, APIC_ICR) == (APIC_DEST_ALLBUT | 0x72), "the ICR reads back");
	send(1, 3, APIC_ICR_BUSY | APIC_INT_LEVELTRIG | APIC_INT_ASSERT | 0x73);
	ok(who_has(0x73) == 1 << 3 && !in_tmr(3, 0x73), "a fixed IPI is an edge, whatever it says");
	ok(!(rd(1, APIC_ICR) & APIC_ICR_BUSY), "and is idle again at once");
	send(1, 3, 0x0f);
	ok(!who_has(0x0f), "an illegal vector is not sent");
}

static void events(void)
{
	world(IRQ_KERNEL);
	wr(2, APIC_SPIV, 0xff);
	send(0, 2, 0x400);
	send(0, 2, 0x200);
	send(0, 2, APIC_INT_ASSERT | 0x500);
	send(0, 2, 0x69a);
	ok(got[2].nmis == 1 && got[2].smis == 1 && got[2].inits == 1 && got[2].sipis == 1 &&
	   got[2].sipi_vector == 0x9a, "NMI, SMI, INIT and SIPI, to a software-disabled APIC, too");
	send(0, 2, APIC_INT_LEVELTRIG | 0x500);
	ok(got[2].inits == 1, "INIT level de-assert is ignored");
	send(0, 2, APIC_INT_LEVELTRIG | APIC_INT_ASSERT | 0x500);
	ok(got[2].inits == 2, "INIT with a level asserted is INIT");
	send(0, 0, APIC_DEST_ALLBUT | APIC_INT_ASSERT | 0x500);
	ok(!got[0].inits && got[1].inits == 1 && got[3].inits == 1, "to all but self");
	send(0, 2, 0x720);
	send(0, 2, 0x320);
	ok(!got[2].irqs, "ExtINT and the reserved mode are no messages");
	cpu[2].apic_base = 0;
	send(0, 2, 0x400);
	ok(got[2].nmis == 1, "a disabled APIC hears nothing");
}

static void mixed(void)
{
	u64 old = APIC_PAGE | XAPIC_ENABLE;

	world(IRQ_KERNEL);
	renumber(3, 0x103);
	cpu[0].apic_base |= X2APIC_ENABLE;
	irq_apic_base_changed(&cpu[0], old);
	x2_write(0, APIC_ICR, 2ull << 32 | 0x80);
	ok(who_has(0x80) == 1 << 2, "an x2APIC sends to an xAPIC");
	x2_write(0, APIC_ICR, 0x103ull << 32 | 0x610);
	ok(got[3].sipis == 1, "also a SIPI to one whose id is too long for it");
	x2_write(0, APIC_ICR, 0xffffffffull << 32 | 0x81);
	ok(who_has(0x81) == ALL, "a broadcast reaches both kinds");
	send(1, 0xff, 0x82);
	ok(who_has(0x82) == ALL, "from an xAPIC, too");
}

void test_ipi(void)
{
	physical_mode();
	flat_model();
	cluster_model();
	x2apic();
	lowest_priority();
	shorthands();
	events();
	mixed();
}
