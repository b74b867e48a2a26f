// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_LAPIC and KVM_SET_LAPIC, and the TPR in memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "model.h"

static struct kvm_lapic_state a, b;

static u32 word(const struct kvm_lapic_state *s, u32 reg)
{
	u32 val;

	memcpy(&val, s->regs + reg, sizeof(val));
	return val;
}

static void set_word(struct kvm_lapic_state *s, u32 reg, u32 val)
{
	memcpy(s->regs + reg, &val, sizeof(val));
}

static void move(u32 from, u32 to)
{
	irq_get_lapic(&cpu[from], &a);
	irq_set_lapic(&cpu[to], &a);
	irq_get_lapic(&cpu[to], &b);
}

static void round_trip(void)
{
	world(IRQ_KERNEL);
	irq_inject_vector(&cpu[0], 0x55);
	irq_inject_vector(&cpu[0], 0x99);
	irq_ack(&cpu[0]);
	irq_set_tpr(&cpu[0], 0x21);
	wr(0, APIC_LDR, 1u << 24);
	wr(0, APIC_LVTT, APIC_LVT_TIMER_PERIODIC | 0xec);
	wr(0, APIC_TMICT, 1000000);
	pass(1234);
	move(0, 1);
	ok(!memcmp(&a, &b, sizeof(a)), "GET, SET, GET: the same bytes");
	ok(cpu[1].irq_hint && irq_isr_max(&cpu[1]) == 0x99 && !irq_waits(&cpu[1]),
	   "what is cached is made again");
	irq_eoi(&cpu[1]);
	ok(irq_ack(&cpu[1]) == 0x55, "and what waited is delivered");
	ok(timer_armed(1) && word(&a, APIC_TMCCT) < 1000000, "the timer goes on where it was");
}

static void timers(void)
{
	world(IRQ_KERNEL);
	wr(0, APIC_TDCR, 0xb);
	wr(0, APIC_LVTT, 0xec);
	wr(0, APIC_TMICT, 1000);
	pass(400);
	move(0, 1);
	pass(599);
	ok(!in_irr(1, 0xec) && (pass(1), in_irr(1, 0xec)), "one-shot: what was left");
	move(0, 2);
	ok(!timer_armed(2) && in_irr(2, 0xec), "one that has ended does not end again");
	set_word(&a, APIC_TMCCT, ~0u);
	irq_set_lapic(&cpu[3], &a);
	ok(rd(3, APIC_TMCCT) == 1000, "no count is above the initial one");
	world(IRQ_KERNEL);
	wr(0, APIC_LVTT, APIC_LVT_TIMER_TSCDEADLINE | 0xec);
	irq_set_tsc_deadline(&cpu[0], model_tsc + 1000);
	move(0, 0);
	ok(irq_tsc_deadline(&cpu[0]) == model_tsc + 1000 && timer_armed(0),
	   "a deadline is an MSR of its own");
	move(0, 1);
	irq_set_tsc_deadline(&cpu[1], model_tsc + 10);
	pass(20);
	ok(in_irr(1, 0xec), "which can be set afterwards");
}

static void x2apic_ids(void)
{
	world(IRQ_KERNEL);
	renumber(2, 0x122);
	x2apic_all();
	irq_get_lapic(&cpu[1], &a);
	ok(word(&a, APIC_ID) == 1u << 24 && word(&a, APIC_LDR) == 2, "an x2APIC id, as of old");
	ok(!irq_set_lapic(&cpu[1], &a) && lapic_get(cpu[1].lapic, APIC_ID) == 1, "goes back");
	ok(irq_set_lapic(&cpu[3], &a) == -EINVAL, "but to no other vCPU");
	vm.irq->x2apic_flags = KVM_X2APIC_API_USE_32BIT_IDS;
	irq_get_lapic(&cpu[2], &a);
	ok(word(&a, APIC_ID) == 0x122 && !irq_set_lapic(&cpu[2], &a), "all 32 bits if asked for");
	set_word(&a, APIC_LDR, 0x1234);
	irq_set_lapic(&cpu[2], &a);
	ok(lapic_get(cpu[2].lapic, APIC_LDR) == (0x12 << 16 | 4), "the logical id follows from it");
	set_word(&a, APIC_ID, 0x22);
	ok(irq_set_lapic(&cpu[2], &a) == -EINVAL, "a wrong one is refused");
	world(IRQ_USER);
	ok(irq_get_lapic(&cpu[0], &a) == -EINVAL && irq_set_lapic(&cpu[0], &a) == -EINVAL,
	   "no state where user space has the APIC");
}

/* User space may set any page; then the guest does anything. */
static void any_page(void)
{
	u8 val[8];
	u32 n, i;

	srandom(1);
	for (n = 0; n < 2000; n++) {
		world(n & 1 ? IRQ_KERNEL : IRQ_SPLIT);
		for (i = 0; i < sizeof(a.regs); i++)
			a.regs[i] = random() & random();
		user_wants_eoi = true;
		irq_set_lapic(&cpu[n & 3], &a);
		for (i = 0; i < 50; i++) {
			wr(n & 3, random() & 0xff0, random());
			rd(n & 3, random() & 0xff0);
			lapic_mmio_read(&cpu[n & 3], APIC_PAGE + (random() & 0xfff), 8, val);
			irq_set_tsc_deadline(&cpu[n & 3], random());
			if (irq_ack(&cpu[n & 3]) >= 0 && random() & 1)
				irq_eoi(&cpu[n & 3]);
		}
		timer_fired = 0;
		pass(1000000);
		if (timer_fired > 100)
			break;
	}
	ok(n == 2000, "2000 pages of noise do no harm");
}

static void vapic(void)
{
	struct kvm_tpr_access_ctl on = { .enabled = 1 };
	struct nvmx_vcpu *v = &cpu[0];
	bool write;

	world(IRQ_KERNEL);
	ok(irq_set_vapic_addr(v, 0x5000) == -EINVAL && !irq_set_vapic_addr(v, VAPIC_GPA),
	   "the page has to be memory");
	irq_inject_vector(v, 0x83);
	irq_ack(v);
	irq_inject_vector(v, 0x45);
	irq_set_tpr(v, 0x31);
	irq_vapic_before_entry(v);
	ok(vapic_word == 0x45008031, "TPR, class in service and vector waiting");
	vapic_word = 0x20;
	irq_vapic_after_run(v);
	ok(irq_tpr(v) == 0x20, "the guest's TPR comes back");
	irq_set_vapic_addr(v, 0);
	vapic_word = 0x77;
	irq_vapic_after_run(v);
	ok(irq_tpr(v) == 0x20, "without an address nothing is read");
	rd(0, APIC_TASKPRI);
	ok(!irq_take_tpr_exit(v, &write), "TPR accesses are reported when asked for");
	irq_set_tpr_reporting(v, &on);
	wr(0, APIC_TASKPRI, 0);
	ok(irq_take_tpr_exit(v, &write) && write, "a write");
	rd(0, APIC_TASKPRI);
	ok(irq_take_tpr_exit(v, &write) && !write && !irq_take_tpr_exit(v, &write), "a read, once");
}

/* One vector is in service, and L0 is about to enter. */
static void offer(u8 vector)
{
	irq_inject_vector(cpu, vector);
	irq_ack(cpu);
	irq_vapic_before_entry(cpu);
}

static void eoi_in_memory(void)
{
	world(IRQ_KERNEL);
	cpu->pv.eoi = VAPIC_GPA | 1;
	irq_pv_eoi_changed(cpu);
	vapic_word = 0;
	offer(0x41);
	ok(cpu->vapic && vapic_word == 1, "the guest is told that an EOI is needless");
	irq_vapic_after_run(cpu);
	ok(!vapic_word && in_isr(0, 0x41), "until the next exit");
	irq_vapic_before_entry(cpu);
	vapic_word = 0;
	irq_vapic_after_run(cpu);
	ok(!in_isr(0, 0x41), "what it has cleared was an EOI");
	ioapic_vector = 0x42;
	offer(0x42);
	ok(!vapic_word, "the I/O APIC wants to hear of its own");
	irq_eoi(cpu);
	offer(0x43);
	irq_vapic_after_run(cpu);
	offer(0x53);
	ok(!vapic_word, "of two in service the lower one must come again");
	irq_eoi(cpu);
	irq_inject_vector(cpu, 0x31);
	irq_vapic_before_entry(cpu);
	ok(!vapic_word, "and so must one that waits");
	irq_eoi(cpu);
	irq_ack(cpu);
	cpu->pv.eoi = 0;
	irq_pv_eoi_changed(cpu);
	irq_vapic_before_entry(cpu);
	ok(!cpu->vapic && !vapic_word, "nothing is said to who did not ask");
}

void test_state(void)
{
	round_trip();
	timers();
	x2apic_ids();
	any_page();
	vapic();
	eoi_in_memory();
}
