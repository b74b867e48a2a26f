// SPDX-License-Identifier: GPL-2.0-only
/*
 * From IRR over ISR to EOI: priorities, hints, and who hears of the end.
 */
#include "model.h"

static struct nvmx_vcpu *const v = cpu;

static void arrive(u8 vector, bool level)
{
	const struct irq_msg msg = { .vector = vector, .level = level, .assert = true };

	irq_send(&vm, NULL, &msg);
}

static void synic(void)
{
	world(IRQ_KERNEL);
	auto_eoi_vector = 0x62;
	arrive(0x62, false);
	ok(irq_ack(v) == 0x62 && in_isr(0, 0x62), "without a SynIC no EOI is left out");
	irq_eoi(v);
	ok(!synic_eois, "and nobody else hears of it");
	v->synic = true;
	arrive(0x62, false);
	ok(irq_ack(v) == 0x62 && irq_isr_max(v) == -1 && v->irq_hint,
	   "a vector with automatic EOI is never in service");
	arrive(0x63, false);
	irq_ack(v);
	irq_eoi(v);
	ok(synic_eois == 1, "the SynIC hears of the end of others");
	v->synic = false;
}

static void order(void)
{
	world(IRQ_KERNEL);
	arrive(0x31, false);
	arrive(0x62, false);
	arrive(0x68, false);
	ok(irq_waits(v) && irq_highest(v) == 0x68, "the highest vector comes first");
	ok(irq_ack(v) == 0x68 && in_isr(0, 0x68) && !in_irr(0, 0x68), "from IRR to ISR");
	ok(rd(0, APIC_PROCPRI) == 0x60, "the PPR is the class in service");
	ok(!irq_waits(v) && irq_ack(v) == -1 && irq_irr_max(v) == 0x62,
	   "another one of the class waits");
	arrive(0x71, false);
	ok(irq_waits(v) && irq_ack(v) == 0x71 && irq_isr_max(v) == 0x71, "a higher class nests");
	irq_eoi(v);
	ok(!in_isr(0, 0x71) && in_isr(0, 0x68) && irq_isr_max(v) == 0x68,
	   "EOI ends the highest in service");
	irq_eoi(v);
	ok(v->irq_hint && irq_waits(v) && irq_ack(v) == 0x62, "then the one that waited");
	irq_eoi(v);
	ok(irq_ack(v) == 0x31, "and the lowest last");
	irq_eoi(v);
	irq_eoi(v);
	ok(irq_isr_max(v) == -1 && !rd(0, APIC_PROCPRI), "an EOI of nothing is nothing");
}

static void task_priority(void)
{
	world(IRQ_KERNEL);
	irq_set_tpr(v, 0x5f);
	arrive(0x5f, false);
	ok(!irq_waits(v) && !v->irq_hint, "a vector of the TPR's class waits; the hint is gone");
	ok(rd(0, APIC_PROCPRI) == 0x5f, "the PPR is the TPR where that is higher");
	wr(0, APIC_TASKPRI, 0x4f);
	ok(v->irq_hint && irq_waits(v), "a lower TPR sets the hint again");
	ok(irq_ack(v) == 0x5f && rd(0, APIC_PROCPRI) == 0x50, "TPR 0x4f, ISR 0x5f: PPR 0x50");
	irq_set_tpr(v, 0x52);
	ok(rd(0, APIC_PROCPRI) == 0x52, "equal classes: the whole TPR");
}

static void hardware_sets_tpr(u8 tpr)
{
	*(u32 *)(irq_apic_page(v) + APIC_TASKPRI) = tpr;
}

/* The guest changes the TPR in the page; only a write below the threshold is an exit. */
static void tpr_in_the_page(void)
{
	world(IRQ_KERNEL);
	hardware_sets_tpr(0x40);
	ok(!irq_waits(v) && !v->tpr_threshold, "nothing waits for the TPR: no threshold");
	arrive(0x51, false);
	ok(irq_waits(v) && !v->tpr_threshold, "nor for what is above it");
	hardware_sets_tpr(0x50);
	ok(!irq_waits(v) && v->tpr_threshold == 5, "what it holds back is the threshold");
	arrive(0x71, false);
	ok(irq_waits(v) && irq_ack(v) == 0x71, "a higher one comes through");
	v->irq_hint = true;
	ok(!irq_waits(v) && !v->tpr_threshold, "behind one in service the EOI comes first");
	irq_eoi(v);
	ok(v->irq_hint && !irq_waits(v) && v->tpr_threshold == 5, "and sets the threshold again");
	hardware_sets_tpr(0x20);
	v->irq_hint = true;
	ok(irq_waits(v) && !v->tpr_threshold && rd(0, APIC_PROCPRI) == 0x20,
	   "the exit: PPR follows, and it comes");
	hardware_sets_tpr(0x90);
	ok(rd(0, APIC_PROCPRI) == 0x90, "the PPR that is read is that of now");
	v->irq_hint = false;
	irq_set_tpr(v, 0x80);
	ok(v->irq_hint, "a TPR set by L0 has the threshold looked at");
}

static void plain_reads(void)
{
	world(IRQ_KERNEL);
	ok(irq_x2apic_read_is_plain(v, 0x802) && irq_x2apic_read_is_plain(v, 0x808) &&
	   irq_x2apic_read_is_plain(v, 0x827) && irq_x2apic_read_is_plain(v, 0x832) &&
	   irq_x2apic_read_is_plain(v, 0x838), "registers that hardware may read");
	ok(!irq_x2apic_read_is_plain(v, 0x803) && !irq_x2apic_read_is_plain(v, 0x80a) &&
	   !irq_x2apic_read_is_plain(v, 0x830) && !irq_x2apic_read_is_plain(v, 0x839),
	   "not what is made when it is read");
	ok(!irq_x2apic_read_is_plain(v, 0x80b) && !irq_x2apic_read_is_plain(v, 0x80e) &&
	   !irq_x2apic_read_is_plain(v, 0x83f) && !irq_x2apic_read_is_plain(v, 0x831) &&
	   !irq_x2apic_read_is_plain(v, 0x840) && !irq_x2apic_read_is_plain(v, 0x8ff),
	   "nor what is no register, or not for reading");
}

static void hints(void)
{
	world(IRQ_KERNEL);
	v->irq_hint = true;
	ok(!irq_waits(v) && !v->irq_hint, "nothing waits: the hint is cleared");
	arrive(0x40, false);
	ok(v->irq_hint && got[0].irqs == 1, "who sends sets it and kicks");
	arrive(0x40, false);
	ok(got[0].irqs == 1, "a vector that waits already needs no kick");
	ok(irq_waits(v) && v->irq_hint, "and it stays while something waits");
}

static void trigger_modes(void)
{
	const struct irq_msg off = { .vector = 0x45, .level = true };

	world(IRQ_KERNEL);
	arrive(0x41, true);
	ok(in_tmr(0, 0x41), "level: the TMR bit is set");
	irq_ack(v);
	irq_eoi(v);
	ok(ioapic_eois == 1 && last_eoi == 0x41, "its EOI is broadcast");
	arrive(0x41, false);
	ok(!in_tmr(0, 0x41), "edge: the TMR bit is cleared");
	irq_ack(v);
	wr(0, APIC_EOI, 0);
	ok(ioapic_eois == 1 && ioapic_edge_eois == 1, "no broadcast, but word of the EOI");
	ok(!irq_send(&vm, NULL, &off) && !in_irr(0, 0x45), "the end of a level brings nothing");
}

static void split_eoi(void)
{
	u8 vector = 0;

	world(IRQ_SPLIT);
	user_wants_eoi = true;
	arrive(0x41, false);
	irq_ack(v);
	irq_eoi(v);
	ok(!irq_take_eoi_exit(v, &vector), "split: an edge does not concern user space");
	arrive(0x41, true);
	arrive(0xa1, true);
	irq_ack(v);
	irq_eoi(v);
	ok(vcpu_take_request(v, REQ_EOI_EXIT), "a level does: there is a request");
	irq_ack(v);
	irq_eoi(v);
	ok(irq_take_eoi_exit(v, &vector) && vector == 0x41 && irq_take_eoi_exit(v, &vector) &&
	   vector == 0xa1 && !irq_take_eoi_exit(v, &vector), "none of several is lost");
	wr(0, APIC_SPIV, 0x11ff);
	arrive(0x41, true);
	irq_ack(v);
	irq_eoi(v);
	ok(!irq_take_eoi_exit(v, &vector), "nor told where the guest directs its EOIs");
	wr(0, APIC_SPIV, 0x1ff);
	user_wants_eoi = false;
	arrive(0x41, true);
	irq_ack(v);
	irq_eoi(v);
	ok(!irq_take_eoi_exit(v, &vector), "nor where no route has the vector");
}

static void pic(void)
{
	world(IRQ_KERNEL);
	wr(0, APIC_LVT0, APIC_LVT_MASKED | 0x700);
	irq_waits(v);
	pic_high = true;
	ok(!irq_accepts_extint(v) && !irq_waits(v), "LINT0 masked: the PIC is not heard");
	wr(0, APIC_LVT0, 0x700);
	ok(v->irq_hint && irq_waits(v) && irq_highest(v) == -1, "open: it has no priority");
	arrive(0x90, false);
	ok(irq_ack(v) == 0x20 && !pic_high && irq_isr_max(v) == -1, "and no ISR bit");
	ok(irq_ack(v) == 0x90, "the APIC's own comes after it");
	lapic_extint_raised(&vm);
	ok(got[0].irqs == 2 && !got[1].irqs, "who listens is woken");
	wr(1, APIC_LVT0, 0x400);
	lapic_pit_tick(&vm);
	ok(got[1].nmis == 1 && !got[0].nmis, "the NMI watchdog by LINT0");
	world(IRQ_SPLIT);
	pic_high = true;
	wr(0, APIC_LVT0, 0x700);
	ok(!irq_waits(v) && irq_accepts_extint(v), "split: the PIC is user space's");
}

static void no_loss(void)
{
	world(IRQ_KERNEL);
	ok(irq_irr_max(v) == -1 && !v->lapic->irr_hint, "IRR is known to be empty");
	arrive(0x10, false);
	ok(v->lapic->irr_hint && irq_irr_max(v) == 0x10, "the lowest legal vector");
	ok(irq_ack(v) == 0x10, "is delivered: class 1 is above 0");
	v->apic_base = 0;
	arrive(0x44, false);
	ok(!in_irr(0, 0x44), "a disabled APIC gets no message");
}

void test_accept(void)
{
	synic();
	order();
	task_priority();
	tpr_in_the_page();
	plain_reads();
	hints();
	trigger_modes();
	split_eoi();
	pic();
	no_loss();
}
