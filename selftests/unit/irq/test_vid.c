// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-interrupt delivery: what is posted, what the CPU is told, whose end is heard.
 */
#include <string.h>
#include <linux/bitops.h>
#include "model.h"

static struct nvmx_vcpu *const v = cpu;
static struct kvm_lapic_state state;

static void begin(enum irq_mode mode)
{
	static_branch_enable(&irq_vid_possible);
	world(mode);
	irq_set_vid(v, true);
	v->vid_stale = false;
	v->irq_hint = false;
}

static void end(void)
{
	irq_vid_possible.on = false;
	world(IRQ_KERNEL);
}

static void arrive(u8 vector, bool level)
{
	const struct irq_msg msg = { .vector = vector, .level = level, .assert = true };

	irq_send(&vm, NULL, &msg);
}

static void set_word(u32 bank, u8 vector, bool on)
{
	unsigned long *word = lapic_word(v->lapic, bank, vector);

	if (on)
		__set_bit(vector & 31, word);
	else
		__clear_bit(vector & 31, word);
}

/* What the CPU does in the guest: take what is posted, deliver the highest, end the service. */
static void cpu_delivers(u8 vector)
{
	if (irq_posted(v))
		irq_take_posted(v);
	set_word(APIC_IRR, vector, false);
	set_word(APIC_ISR, vector, true);
	irq_vid_after_run(v, irq_intr_status(v));
}

static void cpu_ends(u8 vector)
{
	set_word(APIC_ISR, vector, false);
	irq_vid_after_run(v, irq_intr_status(v));
	irq_eoi_done(v, vector);
}

static void posting(void)
{
	begin(IRQ_KERNEL);
	arrive(0x51, false);
	ok(!in_irr(0, 0x51) && irq_posted(v) && got[0].posted == 1,
	   "a vector is posted: IRR is the CPU's");
	arrive(0x51, false);
	arrive(0xff, false);
	arrive(0x10, false);
	ok(got[0].posted == 1, "one notification, until it was taken");
	irq_take_posted(v);
	ok(in_irr(0, 0x51) && in_irr(0, 0xff) && in_irr(0, 0x10) && !irq_posted(v),
	   "all that was posted goes to IRR at once");
	ok(v->vid_stale && v->irq_hint && irq_irr_max(v) == 0xff, "and is to be looked at");
	arrive(0x51, false);
	ok(irq_posted(v) && got[0].posted == 2, "the next one notifies again");
	irq_take_posted(v);
	arrive(0x42, true);
	ok(in_tmr(0, 0x42) && !in_irr(0, 0x42), "the trigger mode needs nobody");
	end();
}

static void status(void)
{
	begin(IRQ_KERNEL);
	ok(!irq_intr_status(v), "nothing: RVI and SVI are 0");
	arrive(0x51, false);
	arrive(0x62, false);
	irq_take_posted(v);
	ok(irq_intr_status(v) == 0x0062, "RVI is the highest request");
	cpu_delivers(0x62);
	ok(irq_intr_status(v) == 0x6251, "SVI is the highest in service");
	ok(irq_isr_max(v) == 0x62 && rd(0, APIC_PROCPRI) == 0x60,
	   "what the CPU has moved is seen at once");
	ok(!irq_waits(v) && !v->irq_hint, "it needs no help with vectors");
	v->vid_stale = false;
	irq_eoi(v);
	ok(v->vid_stale && irq_intr_status(v) == 0x0051, "an EOI in software changes SVI");
	irq_set_tpr(v, 0x60);
	ok(irq_highest(v) == -1, "a halted vCPU sleeps on what its TPR blocks");
	irq_set_tpr(v, 0x40);
	ok(irq_highest(v) == 0x51, "and wakes up for RVI above its PPR");
	end();
}

static void self_ipi(void)
{
	begin(IRQ_KERNEL);
	ok(irq_irr_max(v) == -1, "IRR is empty");
	set_word(APIC_IRR, 0x77, true);
	irq_vid_after_run(v, irq_intr_status(v));
	ok(irq_irr_max(v) == 0x77, "the CPU may set a bit behind every hint");
	end();
}

static void extint(void)
{
	begin(IRQ_KERNEL);
	arrive(0x51, false);
	irq_take_posted(v);
	pic_high = true;
	ok(irq_waits(v) && irq_ack(v) == 0x20 && in_irr(0, 0x51), "ExtINT is still software's");
	end();
}

static void in_l2(void)
{
	struct vmcs *vmcs02 = (void *)&state;

	begin(IRQ_KERNEL);
	arrive(0x51, false);
	irq_take_posted(v);
	v->cur = vmcs02;
	ok(irq_waits(v), "while L2 runs, L1's vectors are software's");
	v->vid_stale = false;
	ok(irq_ack(v) == 0x51 && in_isr(0, 0x51) && v->vid_stale && irq_intr_status(v) == 0x5100,
	   "what is acknowledged then is in service at the CPU, too");
	v->cur = NULL;
	end();
}

static void listeners(void)
{
	unsigned long vectors[4];

	begin(IRQ_KERNEL);
	v->synic = true;
	irq_eoi_exits(v, vectors);
	ok(test_bit(0x42, vectors) && test_bit(0x99, vectors) && !test_bit(0x43, vectors),
	   "EOIs exit for the I/O APIC and the SynIC");
	v->synic = false;
	irq_eoi_exits(v, vectors);
	ok(test_bit(0x42, vectors) && !test_bit(0x99, vectors), "without a SynIC not for it");
	arrive(0x42, true);
	cpu_delivers(0x42);
	cpu_ends(0x42);
	ok(irq_isr_max(v) == -1, "nothing is in service when the CPU has ended the last");
	ok(ioapic_eois == 1 && last_eoi == 0x42, "the end of a level is broadcast");
	begin(IRQ_SPLIT);
	irq_eoi_exits(v, vectors);
	ok(test_bit(0xee, vectors) && !test_bit(0x42, vectors), "split: for routes");
	user_wants_eoi = true;
	arrive(0xee, true);
	cpu_delivers(0xee);
	cpu_ends(0xee);
	ok(v->requests.counter & BIT(REQ_EOI_EXIT), "and user space is told");
	end();
}

static void migration(void)
{
	begin(IRQ_KERNEL);
	arrive(0x51, false);
	irq_get_lapic(v, &state);
	ok(in_irr(0, 0x51) && !irq_posted(v), "GET_LAPIC has what was posted");
	arrive(0x62, false);
	irq_set_lapic(v, &state);
	ok(!irq_posted(v) && v->vid_stale && irq_intr_status(v) == 0x0051,
	   "SET_LAPIC: RVI is that of the state, and nothing else waits");
	arrive(0x62, false);
	irq_vcpu_reset(v, true);
	ok(!irq_posted(v) && !irq_intr_status(v), "a reset forgets what was posted");
	end();
}

static void on_and_off(void)
{
	begin(IRQ_KERNEL);
	arrive(0x51, false);
	arrive(0x62, false);
	cpu_delivers(0x62);
	irq_set_vid(v, false);
	ok(irq_isr_max(v) == 0x62 && !irq_waits(v), "off: the service goes on in software");
	irq_eoi(v);
	ok(irq_waits(v) && irq_ack(v) == 0x51, "and so does delivery");
	arrive(0x71, false);
	ok(irq_posted(v), "senders do not ask which it is");
	irq_take_posted(v);
	ok(irq_waits(v), "the vector is found");
	v->vid_stale = false;
	irq_set_vid(v, true);
	ok(v->vid_stale && v->eoi_exits_stale && irq_intr_status(v) == 0x5171, "on again");
	end();
}

static void pv_eoi(void)
{
	begin(IRQ_KERNEL);
	v->pv.eoi = VAPIC_GPA | 1;
	vapic_word = 0;
	arrive(0x51, false);
	cpu_delivers(0x51);
	irq_vapic_before_entry(v);
	ok(!vapic_word, "no EOI is left out: none of them exits");
	end();
}

void test_vid(void)
{
	posting();
	status();
	self_ipi();
	extint();
	in_l2();
	listeners();
	migration();
	on_and_off();
	pv_eoi();
}
