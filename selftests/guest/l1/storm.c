// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts by the hundred thousand, timers and IPIs, to L1 and to an L2 of L1: each is counted
 * where it is sent and where it is taken, and none may be lost or come twice (runner -i -c 2).
 *
 * Sent is one at a time of each kind, as two of a vector may merge by right.
 */
#include "apic.h"

#define TIMER 0x61
#define IPI 0x72
#define EACH 50000u		/* of both kinds */
#define STEP 5000u		/* a line of progress, or the console would be silent too long */
#define AHEAD 500		/* ticks to the deadline: sometimes past already */

#define INT_WINDOW BIT(2)
#define PIN_EXTINT BIT(0)
#define EXIT_ACK BIT(15)
#define USE_MSR_BITMAPS BIT(28)
#define WRITES_OF_LOW 0x800	/* in the MSR bitmap */
#define RFLAGS_IF BIT(9)
#define EXTINT_VALID BIT(31)

static volatile u32 ipis_sent, ipis_wanted, timers_sent;
static volatile bool in_l2;

/* L2's handler has no APIC: L1 has given the EOI when it took the interrupt. */
void irq_hook(u32 vector)
{
	(void)vector;
	if (!in_l2)
		x2apic_write(APIC_EOI, 0);
}

/* Sends the next one when the last was taken. */
void other_vcpu(u32 index)
{
	(void)index;
	x2apic_on();
	for (;;) {
		if (ipis_sent < ipis_wanted && irq_count[IPI] == ipis_sent) {
			ipis_sent++;
			x2apic_write(APIC_ICR, ICR_ASSERT | IPI);
		}
		asm volatile("pause");
	}
}

static void progress(u32 count)
{
	if (count % STEP)
		return;
	print("# ");
	print_hex(count);
	print("\n");
}

static void begin(void)
{
	CLI();
	x2apic_on();
	x2apic_write(APIC_LVTT, LVT_DEADLINE | TIMER);
	irq_count[TIMER] = 0;
	irq_count[IPI] = 0;
	timers_sent = 0;
	ipis_sent = 0;
	ipis_wanted = EACH;
}

static void send_timers(void)
{
	while (irq_count[TIMER] < EACH || irq_count[IPI] < EACH) {
		if (timers_sent < EACH && irq_count[TIMER] == timers_sent) {
			timers_sent++;
			wrmsr(MSR_TSC_DEADLINE, rdtsc() + AHEAD);
			if (!in_l2)
				progress(timers_sent);
		}
		asm volatile("pause");
	}
}

static void storm_l1(void)
{
	begin();
	STI();
	send_timers();
	CLI();
	EXPECT_EQ(irq_count[TIMER], timers_sent);
	EXPECT_EQ(irq_count[IPI], ipis_sent);
	EXPECT_EQ(timers_sent + ipis_sent, 2 * EACH);
}

/* ---- the same in L2 ---- */

static u32 taken[256], given[256];
static u32 queue[8], nr_queue;

static void l2_storm(void)
{
	asm volatile("sti");
	send_timers();
	asm volatile("cli");
	vmcall();
}

static void take(void)
{
	u32 vector = RD(vm_exit_intr_info) & 0xff;

	x2apic_write(APIC_EOI, 0);
	taken[vector]++;
	progress(taken[vector]);
	queue[nr_queue++] = vector;
}

/* One by one, when L2 can take it; otherwise it says when. */
static void give(void)
{
	u64 proc = RD(cpu_based_vm_exec_control) & ~INT_WINDOW;

	if (nr_queue && (RD(guest_rflags) & RFLAGS_IF) && !RD(guest_interruptibility_info)) {
		given[queue[--nr_queue]]++;
		WR(vm_entry_intr_info_field, EXTINT_VALID | queue[nr_queue]);
	}
	if (nr_queue)
		proc |= INT_WINDOW;
	WR(cpu_based_vm_exec_control, proc);
}

/* An injection that was cut short is L1's to repeat. */
static void give_again(void)
{
	u64 info = RD(idt_vectoring_info_field);

	if (info & EXTINT_VALID)
		queue[nr_queue++] = info & 0xff, given[info & 0xff]--;
}

/* L2 sets L1's timer, and nothing else. */
static void let_l2_set_the_timer(void)
{
	u32 i;

	for (i = 0; i < PAGE; i++)
		msr_bitmap[i] = 0xff;
	msr_bitmap[WRITES_OF_LOW + MSR_TSC_DEADLINE / 8] &= ~BIT(MSR_TSC_DEADLINE % 8);
	WR(msr_bitmap, (u64)msr_bitmap);
	WR(cpu_based_vm_exec_control, RD(cpu_based_vm_exec_control) | USE_MSR_BITMAPS);
}

static void storm_l2(void)
{
	u32 reason;

	begin();
	l2_setup(l2_storm);
	WR(pin_based_vm_exec_control, RD(pin_based_vm_exec_control) | PIN_EXTINT);
	WR(vm_exit_controls, RD(vm_exit_controls) | EXIT_ACK);
	let_l2_set_the_timer();
	in_l2 = true;
	while ((reason = l2_run()) != EXIT_VMCALL) {
		give_again();
		if (reason == EXIT_EXTINT)
			take();
		else
			EXPECT_EQ(reason, EXIT_INTR_WINDOW);
		give();
	}
	in_l2 = false;
	EXPECT_EQ(irq_count[TIMER], timers_sent);
	EXPECT_EQ(irq_count[IPI], ipis_sent);
	EXPECT_EQ(taken[TIMER], timers_sent);
	EXPECT_EQ(taken[IPI], ipis_sent);
	EXPECT_EQ(given[TIMER], timers_sent);
	EXPECT_EQ(given[IPI], ipis_sent);
	EXPECT_EQ(timers_sent + ipis_sent, 2 * EACH);
}

const struct test tests[] = { T(storm_l1), T(storm_l2), T(end_second_vcpu) };
const u32 nr_tests = ARRAY_SIZE(tests);
