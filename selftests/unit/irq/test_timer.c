// SPDX-License-Identifier: GPL-2.0-only
/*
 * The APIC timer, on a clock that the test moves.
 */
#include <nvmx/vmx.h>

#include "model.h"

#define VECTOR		0xec
#define DIV_1		0xb
#define US		1000ull
#define MIN_PERIOD	(200 * US)

static struct nvmx_vcpu *const v = cpu;

static void setup(u32 mode)
{
	world(IRQ_KERNEL);
	wr(0, APIC_TDCR, DIV_1);
	wr(0, APIC_LVTT, mode | VECTOR);
	timer_fired = 0;
}

/* Was the vector delivered since? */
static bool fired(void)
{
	bool was = in_irr(0, VECTOR);

	while (irq_ack(v) >= 0)
		irq_eoi(v);
	return was;
}

static void one_shot(void)
{
	setup(APIC_LVT_TIMER_ONESHOT);
	wr(0, APIC_TMICT, 1000);
	pass(400);
	ok(rd(0, APIC_TMCCT) == 600 && !fired(), "the count goes down, a nanosecond each");
	pass(600);
	ok(fired() && !rd(0, APIC_TMCCT) && !timer_armed(0), "at zero: once");
	pass(5000);
	ok(!fired() && rd(0, APIC_TMICT) == 1000, "and no more");
	wr(0, APIC_TMICT, 1000);
	wr(0, APIC_TMICT, 0);
	pass(5000);
	ok(!fired() && !timer_armed(0), "an initial count of 0 stops it");
	wr(0, APIC_LVTT, APIC_LVT_MASKED | VECTOR);
	wr(0, APIC_TMICT, 1000);
	pass(500);
	ok(rd(0, APIC_TMCCT) == 500, "a masked timer counts");
	pass(500);
	ok(!fired(), "but does not interrupt");
	wr(0, APIC_LVTT, 0x0f);
	wr(0, APIC_TMICT, 10);
	pass(10);
	wr(0, APIC_ESR, 0);
	ok(rd(0, APIC_ESR) == APIC_ESR_RECVILL, "an illegal vector is an error");
}

static void divisors(void)
{
	static const struct { u32 divide, by; } rows[] = {
		{ 0, 2 }, { 1, 4 }, { 2, 8 }, { 3, 16 }, { 8, 32 }, { 9, 64 }, { 0xa, 128 },
		{ 0xb, 1 },
	};
	u32 i, bad = 0;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		setup(APIC_LVT_TIMER_ONESHOT);
		wr(0, APIC_TDCR, rows[i].divide);
		wr(0, APIC_TMICT, 100);
		pass(100 * rows[i].by - 1);
		bad += fired();
		pass(1);
		bad += !fired();
	}
	ok(!bad, "the divide register");
	setup(APIC_LVT_TIMER_ONESHOT);
	wr(0, APIC_TMICT, 1000);
	pass(500);
	wr(0, APIC_TDCR, 0);
	ok(rd(0, APIC_TMCCT) == 500, "a new divisor keeps the count");
	pass(999);
	ok(!fired() && (pass(1), fired()), "and slows it down");
	wr(0, APIC_TDCR, 3);
	pass(1000000);
	ok(!fired(), "a timer that ended stays so");
}

static void periodic_mode(void)
{
	u64 before;

	setup(APIC_LVT_TIMER_PERIODIC);
	wr(0, APIC_TMICT, 300 * US);
	pass(300 * US);
	ok(fired() && timer_armed(0), "periodic: at each end it starts again");
	pass(100 * US);
	ok(rd(0, APIC_TMCCT) == 200 * US && !fired(), "with the whole count");
	pass(200 * US);
	ok(fired(), "and interrupts again");
	before = timer_fired;
	model_now += 1000 * 300 * US;
	pass(0);
	ok(timer_fired == before + 1, "periods that were missed are not made up for");
	wr(0, APIC_LVTT, VECTOR);
	pass(300 * US);
	fired();
	pass(3000 * US);
	ok(!fired() && !timer_armed(0), "switched to one-shot it ends with this period");
	setup(APIC_LVT_TIMER_ONESHOT);
	wr(0, APIC_TMICT, 300 * US);
	wr(0, APIC_LVTT, APIC_LVT_TIMER_PERIODIC | VECTOR);
	pass(600 * US);
	ok(timer_fired == 2, "and to periodic it goes on");
}

static void shortest_period(void)
{
	static const u32 counts[] = { 1, 2, 1000 };
	u32 i;

	for (i = 0; i < 3; i++) {
		setup(APIC_LVT_TIMER_PERIODIC);
		wr(0, APIC_TMICT, counts[i]);
		pass(10 * MIN_PERIOD);
		ok(timer_fired == 10, "a period of %u ns is no storm", counts[i]);
		ok(rd(0, APIC_TMCCT) <= counts[i], "nor is its count above the initial one");
	}
	setup(APIC_LVT_TIMER_ONESHOT);
	wr(0, APIC_TMICT, 1);
	wr(0, APIC_LVTT, APIC_LVT_TIMER_PERIODIC | VECTOR);
	pass(10 * MIN_PERIOD);
	ok(timer_fired <= 11, "nor by way of one-shot");
	setup(APIC_LVT_TIMER_PERIODIC);
	wr(0, APIC_TDCR, 0xa);
	wr(0, APIC_TMICT, ~0u);
	pass(0xffffffffull * 128 - 1);
	ok(!fired() && (pass(1), fired()), "the longest period");
	wr(0, APIC_TMICT, 0);
	pass(1ull << 40);
	ok(!fired() && !timer_armed(0), "and none with a count of 0");
}

static void tsc_deadline(void)
{
	setup(APIC_LVT_TIMER_TSCDEADLINE);
	irq_set_tsc_deadline(v, model_tsc + 1000);
	ok(irq_tsc_deadline(v) == model_tsc + 1000, "a deadline reads back while it is armed");
	pass(999);
	ok(!fired(), "not before the deadline");
	pass(2);
	ok(fired() && !irq_tsc_deadline(v) && !timer_armed(0), "then once, and disarmed");
	irq_set_tsc_deadline(v, model_tsc);
	ok(fired() && !timer_armed(0) && !irq_tsc_deadline(v), "one in the past: without a timer");
	irq_set_tsc_deadline(v, 1);
	ok(fired() && !timer_armed(0), "long past, too");
	irq_set_tsc_deadline(v, model_tsc + 1000);
	irq_set_tsc_deadline(v, 0);
	pass(5000);
	ok(!fired(), "0 disarms");
	wr(0, APIC_TMICT, 1000);
	ok(!rd(0, APIC_TMICT) && !rd(0, APIC_TMCCT), "the counts are not used");
}

static void far_deadline(void)
{
	u64 year = 365ull * 86400 * 1000000000;

	setup(APIC_LVT_TIMER_TSCDEADLINE);
	irq_set_tsc_deadline(v, ~0ull);
	pass(year);
	ok(!fired() && timer_armed(0) && timer_fired < 20, "the last tick of all is far away");
	setup(APIC_LVT_TIMER_TSCDEADLINE);
	irq_set_tsc_deadline(v, model_tsc + year);
	pass(year - 1);
	ok(!fired() && (pass(2), fired()), "a year is a year");
	setup(APIC_LVT_TIMER_TSCDEADLINE);
	v->tsc_khz = 1;
	irq_set_tsc_deadline(v, ~0ull);
	v->tsc_khz = ~0u;
	irq_set_tsc_deadline(v, ~0ull);
	v->tsc_khz = 0;
	irq_set_tsc_deadline(v, ~0ull);
	ok(timer_armed(0), "no rate of the TSC makes the arithmetic overflow");
}

static void clocks(void)
{
	setup(APIC_LVT_TIMER_TSCDEADLINE);
	irq_set_tsc_deadline(v, model_tsc + 1000 * US);
	v->tsc_offset += 900 * US;
	irq_tsc_changed(v);
	pass(100 * US + 1);
	ok(fired(), "L1's TSC jumps ahead: sooner");
	irq_set_tsc_deadline(v, model_tsc + v->tsc_offset + 1000 * US);
	v->tsc_offset -= 500 * US;
	pass(1001 * US);
	ok(!fired() && timer_armed(0), "it went back unnoticed: the callback looks again");
	pass(500 * US);
	ok(fired(), "and is right then");
	irq_set_tsc_deadline(v, model_tsc + v->tsc_offset + 1000 * US);
	v->tsc_offset += 5000 * US;
	irq_tsc_changed(v);
	ok(fired() && !timer_armed(0), "beyond the deadline: at once");
	irq_tsc_changed(v);
	ok(!fired(), "and once");
}

/* Fire, arrive at the entry @late ns after the deadline, enter. */
static void late_entry(u64 late)
{
	irq_set_tsc_deadline(v, model_tsc + 100 * US);
	pass(100 * US + late);
	fired();
	irq_wait_timer(v);
}

static void ahead(void)
{
	u64 deadline;

	setup(APIC_LVT_TIMER_TSCDEADLINE);
	late_entry(2000);
	ok(!v->timer_due, "an interrupt that is late is not held");
	deadline = model_tsc + 100 * US;
	irq_set_tsc_deadline(v, deadline);
	pass(97999);
	ok(!fired() && !v->timer_due, "after one that was 2 us late: not sooner than that");
	pass(2);
	ok(fired() && v->timer_due == deadline, "but 2 us before the deadline");
	irq_wait_timer(v);
	ok(model_tsc >= deadline && model_tsc < deadline + 10, "and held until then");
	ok(!v->timer_due, "once");
	late_entry(9000);
	late_entry(9000);
	irq_set_tsc_deadline(v, model_tsc + 100 * US);
	pass(94999);
	ok(!fired(), "never more than 5 us");
	pass(5 * US);
	ok(fired(), "ahead");
	irq_wait_timer(v);
	deadline = model_tsc + 1000;
	irq_set_tsc_deadline(v, deadline);
	ok(fired() && !timer_armed(0), "a deadline within that: without a timer");
	irq_wait_timer(v);
	ok(model_tsc >= deadline, "but held, too");
	irq_set_tsc_deadline(v, model_tsc + 3000);
	v->tsc_offset -= 1000 * US;
	deadline = model_tsc;
	irq_wait_timer(v);
	ok(model_tsc <= deadline + 5 * US, "a TSC that goes back holds nobody for long");
	setup(APIC_LVT_TIMER_TSCDEADLINE);
	late_entry(20 * US);
	irq_set_tsc_deadline(v, model_tsc + 100 * US);
	pass(99 * US);
	ok(!fired(), "a thread that did not run teaches nothing");
	setup(APIC_LVT_TIMER_TSCDEADLINE);
	late_entry(2000);
	late_entry(0);
	irq_set_tsc_deadline(v, 0);
	ok(!v->timer_due, "disarmed: nothing is due");
}

/* What the end of a stay in the guest is, by the host's TSC. */
static bool watched(u64 end)
{
	return !timer_armed(0) && v->timer_end.apic - end <= 1;
}

static void hardware_watches(void)
{
	u64 deadline;

	setup(APIC_LVT_TIMER_TSCDEADLINE);
	vmx_watch_timers = true;
	v->tsc_offset = 7000 * US;
	deadline = model_tsc + v->tsc_offset + 1000 * US;
	irq_set_tsc_deadline(v, deadline);
	ok(watched(deadline - v->tsc_offset), "the CPU watches the deadline, without a timer");
	pass(1001 * US);
	ok(!fired() && irq_tsc_deadline(v) == deadline, "which comes by an exit");
	irq_timer_ended(v);
	ok(fired() && watched(VMX_NO_END) && !irq_tsc_deadline(v), "and once");
	irq_set_tsc_deadline(v, model_tsc);
	irq_set_tsc_deadline(v, model_tsc + v->tsc_offset + 1000 * US);
	fired();
	irq_timer_to_host(v);
	ok(timer_armed(0) && v->timer_end.apic == VMX_NO_END, "a sleep: a timer of the host");
	pass(400 * US);
	irq_timer_to_cpu(v);
	ok(watched(model_tsc + 600 * US), "awake: the rest is the CPU's again");
	irq_timer_to_host(v);
	pass(600 * US + 1);
	ok(fired() && (irq_timer_to_cpu(v), !fired()), "in the sleep: once, too");
	ok(watched(VMX_NO_END), "and nothing is left to watch");
	deadline = model_tsc + v->tsc_offset + 1000 * US;
	irq_set_tsc_deadline(v, deadline);
	irq_timer_ended(v);
	ok(!fired() && watched(model_tsc + 1000 * US), "an exit that comes early is not the end");
	v->tsc_offset -= 500 * US;
	irq_tsc_changed(v);
	ok(watched(model_tsc + 1500 * US), "L1's TSC jumps: another end");
	irq_set_tsc_deadline(v, 0);
	ok(watched(VMX_NO_END), "0 disarms");
	irq_set_tsc_deadline(v, ~0ull);
	ok(!timer_armed(0) && v->timer_end.apic < model_tsc + (1ull << 38), "the furthest is cut");
	irq_timer_ended(v);
	ok(!fired() && v->timer_end.apic != VMX_NO_END, "and goes on");
	wr(0, APIC_LVTT, APIC_LVT_TIMER_ONESHOT | VECTOR);
	ok(watched(VMX_NO_END), "another mode disarms");
	wr(0, APIC_TMICT, 1000);
	irq_timer_to_cpu(v);
	ok(timer_armed(0), "whose counts are the host's timer's");
	vmx_watch_timers = false;
	v->tsc_offset = 0;
}

static void mode_switches(void)
{
	setup(APIC_LVT_TIMER_ONESHOT);
	irq_set_tsc_deadline(v, model_tsc + 1000);
	ok(!irq_tsc_deadline(v) && !timer_armed(0), "no deadline outside of its mode");
	wr(0, APIC_TMICT, 1000);
	wr(0, APIC_LVTT, APIC_LVT_TIMER_TSCDEADLINE | VECTOR);
	pass(5000);
	ok(!fired() && !rd(0, APIC_TMICT), "to TSC-deadline: the count is disarmed");
	irq_set_tsc_deadline(v, model_tsc + 1000);
	wr(0, APIC_LVTT, APIC_LVT_TIMER_PERIODIC | VECTOR);
	wr(0, APIC_LVTT, APIC_LVT_TIMER_TSCDEADLINE | VECTOR);
	pass(5000);
	ok(!fired() && !irq_tsc_deadline(v), "and back: the deadline is");
	wr(0, APIC_LVTT, APIC_LVT_TIMER_PERIODIC | APIC_LVT_TIMER_TSCDEADLINE | VECTOR);
	wr(0, APIC_TMICT, 1);
	pass(10 * MIN_PERIOD);
	ok(!fired() && !timer_armed(0), "the reserved mode does nothing");
	setup(APIC_LVT_TIMER_PERIODIC);
	wr(0, APIC_TMICT, 300 * US);
	irq_vcpu_reset(v, true);
	ok(!timer_armed(0) && !rd(0, APIC_TMCCT), "INIT stops the timer");
	setup(APIC_LVT_TIMER_PERIODIC);
	wr(0, APIC_TMICT, 300 * US);
	wr(0, APIC_SPIV, 0xff);
	pass(300 * US);
	ok(!in_irr(0, VECTOR), "software disable silences it");
}

void test_timer(void)
{
	one_shot();
	divisors();
	periodic_mode();
	shortest_period();
	tsc_deadline();
	far_deadline();
	clocks();
	ahead();
	hardware_watches();
	mode_switches();
}
