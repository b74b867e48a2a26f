// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254: counters on a clock that the test moves, ticks and their acknowledgment.
 */
#include <linux/ktime.h>

#include "model.h"

#define MS		1000000ll
#define SECOND		(1000 * MS)
#define CLOCK_NS	838		/* of one count */
#define FULL_COUNT_NS	54925900	/* of 65536, and half a clock */
#define HZ1000		1193		/* counts of a millisecond */
#define CTRL(ch, rw, mode)	((ch) << 6 | (rw) << 4 | (mode) << 1)
#define LSB		1
#define MSB		2
#define WORD		3
#define LATCH(ch)	((ch) << 6)
#define READ_BACK	0xc0
#define NO_COUNT	0x20
#define NO_STATUS	0x10

static void load(u32 ch, u32 mode, u32 count)
{
	out(0x43, CTRL(ch, WORD, mode));
	out(0x40 + ch, count);
	out(0x40 + ch, count >> 8);
}

static u16 count(u32 ch)
{
	u8 low = in(0x40 + ch);

	return low | in(0x40 + ch) << 8;
}

static bool speaker_out(void)
{
	return in(0x61) & 0x20;
}

/* Ticks since the last call: edges that reach pin 0 of the I/O APIC. */
static int ticks(void)
{
	int n = nr_sent;

	nr_sent = 0;
	return n;
}

static void listen(void)
{
	set_pin(0, 0, 0x30);
}

static void ack(void)
{
	ioapic_eoi_edge(&vm, 0x30);
}

static void test_life(void)
{
	const struct kvm_pit_config config = { .flags = 0 };

	memset(&vm, 0, sizeof(vm));
	irq_vm_create(&vm);
	ok(irq_create_pit(&vm, &config) == -ENOENT, "no PIT without the PIC");
	irq_create_chip(&vm);
	ok(in(0x40) == 0xee, "no PIT, nobody at its ports");
	ok(!irq_create_pit(&vm, &config), "a PIT");
	ok(irq_create_pit(&vm, &config) == -EEXIST, "one only");
	ok(in(0x61) == 0xee, "the speaker's port only when asked for");
	ok(in(0x43) == 0, "the control word cannot be read");
	vm_free();
}

static void test_access(void)
{
	vm_new();
	load(2, 0, 0x1234);
	ok(count(2) == 0x1234, "low byte, then high byte");
	out(0x43, CTRL(2, LSB, 0));
	out(0x42, 0x56);
	ok(in(0x42) == 0x56 && in(0x42) == 0x56, "low byte only");
	out(0x43, CTRL(2, MSB, 0));
	out(0x42, 0x78);
	ok(in(0x42) == 0x78, "high byte only");
	load(2, 0, 0x1000);
	out(0x43, LATCH(2));
	pass(16 * CLOCK_NS + 10);
	ok(count(2) == 0x1000, "a latched count stands still");
	ok(count(2) == 0x0ff0, "and goes on when it was read");
	out(0x43, READ_BACK | 8);
	ok(in(0x42) == (WORD << 4), "read-back: status first");
	ok(count(2) == 0x0ff0, "then the count");
	out(0x43, READ_BACK | NO_COUNT | 8);
	in(0x42);
	pass(16 * CLOCK_NS);
	ok(count(2) == 0x0fe0, "read-back of the status alone");
	vm_free();
}

static void test_modes(void)
{
	vm_new();
	load(2, 0, 100);
	ok(!speaker_out(), "mode 0: OUT is low");
	pass(100 * CLOCK_NS + 100);
	ok(speaker_out(), "until the count is over");
	pass(CLOCK_NS);
	ok(count(2) == 0xffff, "and the counter goes on from the top");
	load(2, 1, 100);
	ok(speaker_out(), "mode 1: counting since it was loaded");
	pass(101 * CLOCK_NS);
	ok(!speaker_out(), "until it is over");
	out(0x61, 1);
	ok(speaker_out(), "a rising gate starts it again");
	load(2, 2, 100);
	pass(30 * CLOCK_NS + 100);
	ok(count(2) == 70, "mode 2 counts down");
	pass(100 * CLOCK_NS);
	ok(count(2) == 70, "again and again");
	load(2, 3, 100);
	ok(speaker_out(), "mode 3: high for one half");
	pass(60 * CLOCK_NS);
	ok(!speaker_out(), "low for the other");
	pass(50 * CLOCK_NS);
	ok(speaker_out(), "and so on");
	load(2, 7, 100);
	pass(60 * CLOCK_NS);
	ok(!speaker_out(), "mode 7 is mode 3");
	load(2, 4, 100);
	ok(!speaker_out(), "mode 4: low");
	pass(100 * CLOCK_NS + 100);
	ok(speaker_out(), "a strobe of one clock");
	pass(CLOCK_NS);
	ok(!speaker_out(), "and no longer");
	load(2, 5, 0);
	pass(FULL_COUNT_NS);
	ok(speaker_out(), "mode 5, and 0 is 65536");
	vm_free();
}

static void test_speaker(void)
{
	u8 before;

	vm_new();
	out(0x61, 0xff);
	ok((in(0x61) & 3) == 3, "gate and data read back");
	out(0x61, 0);
	ok((in(0x61) & 3) == 0, "both ways");
	before = in(0x61);
	pass(16384);
	ok((in(0x61) ^ before) & 0x10, "the refresh bit toggles");
	vm_free();
}

static void test_ticks(void)
{
	struct kvm_reinject_control no = { .pit_reinject = 0 };

	vm_new();
	listen();
	irq_pit_reinject(&vm, &no);
	pass(SECOND);
	ok(!ticks(), "no tick before it is programmed");
	load(0, 2, HZ1000);
	pass(10 * MS);
	ok(ticks() == 10, "mode 2 ticks for ever");
	ok(nr_pit_ticks == 10, "also for LINT0");
	load(0, 0, HZ1000);
	pass(SECOND);
	ok(ticks() == 1 && !timer_armed(), "mode 0 once");
	load(0, 4, HZ1000);
	pass(SECOND);
	ok(ticks() == 1, "mode 4 once");
	load(0, 3, HZ1000);
	load(0, 5, HZ1000);
	pass(SECOND);
	ok(ticks() == 0, "mode 5 waits for a gate that has no switch");
	load(0, 2, 2);
	pass(MS);
	ok(ticks() <= 6, "a guest cannot ask for more than 5000 in a second");
	irq_vm_stop(&vm);
	ok(!timer_armed(), "the timer stops with the VM");
	vm_free();
}

static void test_phase(void)
{
	vm_new();
	load(0, 2, HZ1000);
	pass(3600 * SECOND);
	pass(model_timer->expires - model_now);
	ok(count(0) >= HZ1000 - 1, "the counter starts over with the tick, an hour later, too");
	pass(500 * CLOCK_NS);
	ok(count(0) > 690 && count(0) < 696, "and counts down to the next");
	vm_free();
}

static void test_reinjection(void)
{
	struct kvm_reinject_control no = { .pit_reinject = 0 }, yes = { .pit_reinject = 1 };

	vm_new();
	listen();
	load(0, 2, HZ1000);
	pass(5 * MS);
	ok(ticks() == 1, "the next tick waits for the acknowledgment of the last");
	ack();
	ok(ticks() == 1, "which lets one go");
	ack();
	ack();
	ack();
	ok(ticks() == 3, "none is lost");
	ack();
	ok(ticks() == 0, "and none is made up");
	pass(MS);
	ok(ticks() == 1, "then time makes them again");
	pass(10 * MS);
	set_pin(0, 0x10000, 0x30);
	listen();
	pass(MS);
	ok(ticks() == 1, "who unmasks the pin has missed nothing");
	ack();
	ok(ticks() == 0, "so that no old tick comes");
	irq_pit_reinject(&vm, &no);
	pass(3 * MS);
	ok(ticks() == 3, "without reinjection each is sent");
	irq_pit_reinject(&vm, &yes);
	pass(3 * MS);
	ok(ticks() == 1, "and with it again one");
	vm_free();
}

static void test_by_pic(void)
{
	vm_new();
	out(0x20, 0x11);
	out(0x21, 0x20);
	out(0x21, 4);
	out(0x21, 1);
	load(0, 2, HZ1000);
	pass(3 * MS);
	ok(pic_ack(&vm) == 0x20 && !pic_output(&vm), "a tick by the PIC");
	out(0x20, 0x20);
	ok(pic_ack(&vm) == 0x20, "its EOI is an acknowledgment");
	vm_free();
}

static void test_state(void)
{
	struct kvm_pit_state2 ps, back;

	vm_new();
	listen();
	load(0, 2, HZ1000);
	load(2, 3, 1234);
	irq_get_pit(&vm, &ps);
	ok(ps.channels[0].count == HZ1000 && ps.channels[0].mode == 2 &&
	   ps.channels[2].count == 1234, "the state says what was programmed");
	vm_free();

	vm_new();
	listen();
	ok(!irq_set_pit(&vm, &ps) && timer_armed(), "it starts the timer of another VM");
	pass(MS);
	ok(ticks() == 1, "which ticks");
	irq_get_pit(&vm, &back);
	back.channels[0].count_load_time = ps.channels[0].count_load_time;
	back.channels[1].count_load_time = ps.channels[1].count_load_time;
	back.channels[2].count_load_time = ps.channels[2].count_load_time;
	ok(!memcmp(&ps, &back, sizeof(ps)), "and is the same there");
	ps.flags = KVM_PIT_FLAGS_HPET_LEGACY;
	irq_set_pit(&vm, &ps);
	ok(!timer_armed(), "the HPET takes the PIT's place");
	load(0, 2, HZ1000);
	ok(!timer_armed(), "whatever the guest writes");
	ps.flags = 0;
	irq_set_pit(&vm, &ps);
	ok(timer_armed(), "and gives it back");
	vm_free();
}

static void test_hostile(void)
{
	struct kvm_pit_state2 ps;
	u32 i, j;

	vm_new();
	listen();
	for (i = 0; i < 256; i++) {
		memset(&ps, i, sizeof(ps));
		irq_set_pit(&vm, &ps);
		for (j = 0; j < 3; j++) {
			out(0x43, LATCH(j));
			out(0x43, READ_BACK | 0xe);
			in(0x40 + j);
			in(0x40 + j);
			in(0x40 + j);
			out(0x40 + j, i);
			out(0x40 + j, i);
		}
		out(0x43, i);
		in(0x61);
		pass(MS);
		irq_get_pit(&vm, &ps);
	}
	ok(ps.channels[0].count && ps.channels[0].count <= 0x10000,
	   "no state from outside breaks it");
	vm_free();
}

void test_pit(void)
{
	test_life();
	test_access();
	test_modes();
	test_speaker();
	test_ticks();
	test_phase();
	test_reinjection();
	test_by_pic();
	test_state();
	test_hostile();
}
