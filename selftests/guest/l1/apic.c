// SPDX-License-Identifier: GPL-2.0-only
/*
 * The APIC in the kernel as L1 sees it, and what its messages do while L2 runs (runner -i -c 2).
 *
 * The second vCPU is a servant: it sends the message that the first one asks it for.
 */
#include "apic.h"

#define LOW 0x41
#define HIGH 0x91
#define TIMER 0x61
#define SPURIOUS 0xff

#define INT_WINDOW BIT(2)
#define HLT_EXITING BIT(7)
#define PIN_EXTINT BIT(0)
#define PIN_NMI BIT(3)
#define EXIT_ACK BIT(15)
#define ACTIVITY_WAIT_SIPI 3
#define EXIT_INIT 3
#define EXIT_SIPI 4

static volatile u64 servant_icr, servant_icr_in_l2;
static volatile bool l2_runs, again;
static volatile u32 order[8], nr_order;
static volatile bool no_eoi;

void irq_hook(u32 vector)
{
	if (nr_order < ARRAY_SIZE(order))
		order[nr_order++] = vector;
	if (vector >= 32 && vector != SPURIOUS && !no_eoi)
		x2apic_write(APIC_EOI, 0);
}

void other_vcpu(u32 index)
{
	(void)index;
	x2apic_on();
	for (;;) {
		u64 icr = servant_icr;

		if (icr) {
			x2apic_write(APIC_ICR, icr);
			if (!again)
				servant_icr = 0;
		}
		if (servant_icr_in_l2 && l2_runs) {
			x2apic_write(APIC_ICR, servant_icr_in_l2);
			servant_icr_in_l2 = 0;
		}
		asm volatile("pause");
	}
}

/* The servant sends it to this vCPU. */
static void ask_for(u64 icr)
{
	servant_icr = icr | ICR_ASSERT;
}

/* The same as soon as L2 runs: one that comes before the entry is L1's. */
static void ask_for_in_l2(u64 icr)
{
	l2_runs = false;
	servant_icr_in_l2 = icr | ICR_ASSERT;
}

/* It clears the request behind the message: a new one before that would be lost. */
static void servant_done(void)
{
	while (servant_icr || servant_icr_in_l2)
		asm volatile("pause");
}

static void begin(void)
{
	servant_done();
	CLI();
	x2apic_on();
	x2apic_write(APIC_TPR, 0);
	x2apic_write(APIC_LVTT, LVT_MASKED);
	no_eoi = false;
	nr_order = 0;
}

static void wait_count(u32 vector, u32 count)
{
	u64 end = rdtsc() + 50000000;

	while (irq_count[vector] < count && rdtsc() < end)
		asm volatile("pause");
}

static void self(u32 vector)
{
	x2apic_write(APIC_SELF_IPI, vector);
}

static bool bit_of(enum apic_reg bank, u32 vector)
{
	return x2apic_read(bank + vector / 32) >> vector % 32 & 1;
}

/* ---- modes ---- */

/* Flags that are no VMfail's. */
#define CLEAN "or $-1, %%ebx\n\t"

static struct outcome_of try_wrmsr(u32 msr, u64 v)
{
	return TRY(CLEAN "mov %[lo], %%eax\n\twrmsr", "c" (msr), [lo] "r" ((u32)v),
		   "d" ((u32)(v >> 32)));
}

static struct outcome_of try_rdmsr(u32 msr)
{
	return TRY(CLEAN "rdmsr", "c" (msr), "d" (0));	/* RDX is dead behind it */
}

static void state_transitions(void)
{
	u64 base = rdmsr(MSR_APIC_BASE) & ~(BIT(10) | BIT(11));

	begin();
	expect_fault("x2APIC to xAPIC", try_wrmsr(MSR_APIC_BASE, base | BIT(11)), 13, 0);
	expect_fault("x2APIC bit alone", try_wrmsr(MSR_APIC_BASE, base | BIT(10)), 13, 0);
	expect_ok("disabled", try_wrmsr(MSR_APIC_BASE, base));
	expect_fault("disabled to x2APIC", try_wrmsr(MSR_APIC_BASE, base | 3 << 10), 13, 0);
	expect_ok("xAPIC", try_wrmsr(MSR_APIC_BASE, base | BIT(11)));
	expect_fault("an x2APIC register in xAPIC mode", try_rdmsr(0x802), 13, 0);
	expect_ok("x2APIC", try_wrmsr(MSR_APIC_BASE, base | 3 << 10));
}

static void xapic_registers(void)
{
	begin();
	xapic_on();
	EXPECT_EQ(xapic_read(APIC_ID) >> 24, 0);
	EXPECT_EQ(xapic_read(APIC_VERSION) & 0xff, 0x14);
	xapic_write(APIC_TPR, 0x35);
	EXPECT_EQ(xapic_read(APIC_TPR), 0x35);
	EXPECT_EQ(READ_CR(8), 3);
	WRITE_CR(8, 5);
	EXPECT_EQ(xapic_read(APIC_TPR), 0x50);
	xapic_write(APIC_LDR, 0x5a000000);
	EXPECT_EQ(xapic_read(APIC_LDR), 0x5a000000);
	xapic_write(APIC_VERSION, 0);
	EXPECT_EQ(xapic_read(APIC_VERSION) & 0xff, 0x14);
	x2apic_on();
	EXPECT_EQ(x2apic_read(APIC_ID), 0);
	EXPECT_EQ(x2apic_read(APIC_LDR), 1);
}

static void reserved_bits_fault(void)
{
	begin();
	expect_fault("TPR", try_wrmsr(0x808, 0x100), 13, 0);
	expect_fault("EOI", try_wrmsr(0x80b, 1), 13, 0);
	expect_fault("ID", try_wrmsr(0x802, 0), 13, 0);
	expect_fault("SELF_IPI", try_wrmsr(0x83f, 0x100), 13, 0);
	expect_fault("read of SELF_IPI", try_rdmsr(0x83f), 13, 0);
	expect_fault("read of EOI", try_rdmsr(0x80b), 13, 0);
	expect_fault("DFR", try_rdmsr(0x80e), 13, 0);
	expect_fault("ICR2", try_rdmsr(0x831), 13, 0);
	expect_fault("no register", try_rdmsr(0x8fe), 13, 0);
	expect_fault("ESR", try_wrmsr(0x828, 1), 13, 0);
}

/* ---- interrupts ---- */

static void self_ipi_arrives_once(void)
{
	u32 before = irq_count[LOW];

	begin();
	self(LOW);
	EXPECT(bit_of(APIC_IRR, LOW));
	EXPECT_EQ(irq_count[LOW], before);
	STI();
	CLI();
	EXPECT_EQ(irq_count[LOW], before + 1);
	EXPECT(!bit_of(APIC_IRR, LOW));
	EXPECT(!bit_of(APIC_ISR, LOW));
}

static void highest_vector_first(void)
{
	begin();
	self(LOW);
	self(HIGH);
	STI();
	CLI();
	EXPECT_EQ(nr_order, 2);
	EXPECT_EQ(order[0], HIGH);
	EXPECT_EQ(order[1], LOW);
}

static void tpr_holds_back(void)
{
	u32 before = irq_count[LOW];

	begin();
	WRITE_CR(8, LOW >> 4);
	self(LOW);
	STI();
	EXPECT_EQ(irq_count[LOW], before);
	WRITE_CR(8, (LOW >> 4) - 1);
	asm volatile("nop");
	CLI();
	EXPECT_EQ(irq_count[LOW], before + 1);
}

static void in_service_holds_back(void)
{
	u32 before = irq_count[LOW];

	begin();
	no_eoi = true;
	self(HIGH);
	STI();
	CLI();
	EXPECT(bit_of(APIC_ISR, HIGH));
	EXPECT_EQ(x2apic_read(APIC_PPR), HIGH & 0xf0);
	no_eoi = false;
	self(LOW);
	STI();
	EXPECT_EQ(irq_count[LOW], before);
	x2apic_write(APIC_EOI, 0);
	asm volatile("nop");
	CLI();
	EXPECT_EQ(irq_count[LOW], before + 1);
}

static void illegal_vector_is_an_error(void)
{
	begin();
	x2apic_write(APIC_ESR, 0);
	x2apic_write(APIC_ICR, ICR_SELF | ICR_ASSERT | 5);
	x2apic_write(APIC_ESR, 0);
	EXPECT(x2apic_read(APIC_ESR) & (BIT(5) | BIT(6)));
	x2apic_write(APIC_ESR, 0);
	x2apic_write(APIC_ESR, 0);
	EXPECT_EQ(x2apic_read(APIC_ESR), 0);
}

static void soft_disable_masks(void)
{
	u32 before = irq_count[LOW];

	begin();
	x2apic_write(APIC_LVTT, TIMER);
	x2apic_write(APIC_SVR, 0xff);
	EXPECT(x2apic_read(APIC_LVTT) & LVT_MASKED);
	ask_for(LOW);
	servant_done();
	STI();
	CLI();
	EXPECT_EQ(irq_count[LOW], before);
	x2apic_on();
}

static void nmi_by_ipi(void)
{
	u32 before = irq_count[2];

	begin();
	ask_for(ICR_NMI);
	wait_count(2, before + 1);
	EXPECT_EQ(irq_count[2], before + 1);
}

static void logical_and_others(void)
{
	u32 before = irq_count[LOW];

	begin();
	STI();
	ask_for(ICR_LOGICAL | 1ull << 32 | LOW);
	wait_count(LOW, before + 1);
	EXPECT_EQ(irq_count[LOW], before + 1);
	servant_done();
	ask_for(ICR_OTHERS | LOW);
	wait_count(LOW, before + 2);
	EXPECT_EQ(irq_count[LOW], before + 2);
	CLI();
}

/* ---- the timer ---- */

static void timer_one_shot(void)
{
	u32 before = irq_count[TIMER];

	begin();
	x2apic_write(APIC_TDCR, 0xb);
	x2apic_write(APIC_LVTT, TIMER);
	x2apic_write(APIC_TMICT, 100000);
	EXPECT(x2apic_read(APIC_TMCCT) <= 100000);
	STI();
	wait_count(TIMER, before + 1);
	EXPECT_EQ(irq_count[TIMER], before + 1);
	EXPECT_EQ(x2apic_read(APIC_TMCCT), 0);
	CLI();
}

static void timer_periodic(void)
{
	u32 before = irq_count[TIMER];

	begin();
	x2apic_write(APIC_TDCR, 0xb);
	x2apic_write(APIC_LVTT, LVT_PERIODIC | TIMER);
	x2apic_write(APIC_TMICT, 1000000);
	STI();
	wait_count(TIMER, before + 3);
	EXPECT(irq_count[TIMER] >= before + 3);
	x2apic_write(APIC_TMICT, 0);
	CLI();
}

static void timer_deadline(void)
{
	u32 before = irq_count[TIMER];

	begin();
	x2apic_write(APIC_LVTT, LVT_DEADLINE | TIMER);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 300000);
	EXPECT(rdmsr(MSR_TSC_DEADLINE) != 0);
	STI();
	wait_count(TIMER, before + 1);
	EXPECT_EQ(irq_count[TIMER], before + 1);
	EXPECT_EQ(rdmsr(MSR_TSC_DEADLINE), 0);
	wrmsr(MSR_TSC_DEADLINE, 1);
	wait_count(TIMER, before + 2);
	EXPECT_EQ(irq_count[TIMER], before + 2);
	CLI();
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 200000000);
	wrmsr(MSR_TSC_DEADLINE, 0);
	x2apic_write(APIC_LVTT, LVT_MASKED | TIMER);
}

static void hlt_is_woken(void)
{
	u32 before = irq_count[TIMER];

	begin();
	x2apic_write(APIC_LVTT, LVT_DEADLINE | TIMER);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 300000);
	asm volatile("sti\n\thlt\n\tcli" : : : "memory");
	EXPECT_EQ(irq_count[TIMER], before + 1);
}

/* ---- the old controllers ---- */

static void pit_through_pic(void)
{
	u32 before = irq_count[0x20];

	begin();
	x2apic_write(APIC_LVT0, 7 << 8);	/* ExtINT */
	outb(0x20, 0x11);
	outb(0x21, 0x20);
	outb(0x21, 0x04);
	outb(0x21, 0x01);
	outb(0x21, 0xfe);
	outb(0x43, 0x30);			/* channel 0, mode 0: one-shot */
	outb(0x40, 0x00);
	outb(0x40, 0x04);
	no_eoi = true;				/* ExtINT is not in service at the APIC */
	STI();
	wait_count(0x20, before + 1);
	CLI();
	EXPECT_EQ(irq_count[0x20], before + 1);
	outb(0x20, 0x20);
	outb(0x21, 0xff);
	x2apic_write(APIC_LVT0, LVT_MASKED | 7 << 8);
}

static void ioapic_write(u32 reg, u32 v)
{
	*(volatile u32 *)0xfec00000ull = reg;
	*(volatile u32 *)0xfec00010ull = v;
}

static void pit_through_ioapic(void)
{
	u32 before = irq_count[LOW];

	begin();
	ioapic_write(0x11, 0);
	ioapic_write(0x10, LOW);		/* pin 0: fixed, edge, physical 0 */
	outb(0x43, 0x30);
	outb(0x40, 0x00);
	outb(0x40, 0x04);
	STI();
	wait_count(LOW, before + 1);
	CLI();
	EXPECT_EQ(irq_count[LOW], before + 1);
	ioapic_write(0x10, LVT_MASKED);
}

/* ---- while L2 runs ---- */

static void l2_spin(void)
{
	l2_runs = true;
	for (;;)
		asm volatile("pause");
}

static void l2_spin_enabled(void)
{
	asm volatile("sti");
	l2_spin();
}

static void l2_with(void (*fn)(void), u32 pin, u32 exit)
{
	begin();
	l2_setup(fn);
	WR(pin_based_vm_exec_control, RD(pin_based_vm_exec_control) | pin);
	WR(vm_exit_controls, RD(vm_exit_controls) | exit);
}

static void interrupt_exits_acknowledged(void)
{
	l2_with(l2_spin, PIN_EXTINT, EXIT_ACK);
	ask_for_in_l2(LOW);
	EXPECT_EQ(l2_run(), EXIT_EXTINT);
	EXPECT_EQ(RD(vm_exit_intr_info), BIT(31) | LOW);
	EXPECT(bit_of(APIC_ISR, LOW));
	x2apic_write(APIC_EOI, 0);
}

static void interrupt_exits_pending(void)
{
	u32 before = irq_count[LOW];

	l2_with(l2_spin_enabled, PIN_EXTINT, 0);
	ask_for_in_l2(LOW);
	EXPECT_EQ(l2_run(), EXIT_EXTINT);
	EXPECT_EQ(RD(vm_exit_intr_info), 0);
	EXPECT(bit_of(APIC_IRR, LOW));
	STI();
	CLI();
	EXPECT_EQ(irq_count[LOW], before + 1);
}

static void l2_take_and_leave(void)
{
	asm volatile("sti\n\thlt\n\tcli");
	vmcall();
}

/* Without the intercept the interrupt is L2's, and ends its HLT. */
static void interrupt_of_l2_itself(void)
{
	u32 before = irq_count[TIMER];

	l2_with(l2_take_and_leave, 0, 0);
	WR(cpu_based_vm_exec_control, RD(cpu_based_vm_exec_control) & ~HLT_EXITING);
	x2apic_write(APIC_LVTT, LVT_DEADLINE | TIMER);
	no_eoi = true;		/* its WRMSR would exit */
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 400000);
	EXPECT_EQ(l2_run(), EXIT_VMCALL);
	EXPECT_EQ(irq_count[TIMER], before + 1);
	x2apic_write(APIC_EOI, 0);
}

static void nmi_exits(void)
{
	l2_with(l2_spin, PIN_NMI, 0);
	ask_for_in_l2(ICR_NMI);
	EXPECT_EQ(l2_run(), EXIT_EXCEPTION);
	EXPECT_EQ(RD(vm_exit_intr_info) & 0xffffffff, BIT(31) | 2 << 8 | 2);
	/* It counts as taken: NMIs stay blocked until an IRET, which this one is. */
	asm volatile("mov %%ss, %%eax\n\tpush %%rax\n\tlea 8(%%rsp), %%rax\n\tpush %%rax\n\t"
		     "pushf\n\tmov %%cs, %%eax\n\tpush %%rax\n\tlea 1f(%%rip), %%rax\n\t"
		     "push %%rax\n\tiretq\n1:" : : : "rax", "memory");
}

static void init_exits(void)
{
	l2_with(l2_spin, 0, 0);
	ask_for_in_l2(ICR_INIT);
	EXPECT_EQ(l2_run(), EXIT_INIT);
}

/* An L2 that waits cannot tell: SIPIs are sent until one ends it.  The others are dropped. */
static void sipi_ends_the_wait(void)
{
	l2_with(l2_spin, 0, 0);
	WR(guest_activity_state, ACTIVITY_WAIT_SIPI);
	again = true;
	ask_for(ICR_SIPI | 0x9a);
	EXPECT_EQ(l2_run(), EXIT_SIPI);
	again = false;
	EXPECT_EQ(RD(exit_qualification), 0x9a);
	EXPECT_EQ(RD(guest_activity_state), ACTIVITY_WAIT_SIPI);
}

/* L2 has work before the interrupt that L1 gave it: the exit comes right after, not never. */
static void interrupt_waits_for_the_entry(void)
{
	l2_with(l2_spin_enabled, PIN_EXTINT, EXIT_ACK);
	self(LOW);
	EXPECT_EQ(l2_run(), EXIT_EXTINT);
	EXPECT_EQ(RD(guest_rip), (u64)l2_spin_enabled);
	x2apic_write(APIC_EOI, 0);
}

/* ---- the last test takes the servant away ---- */

static void init_and_sipi_start_a_vcpu(void)
{
	begin();
	end_second_vcpu();
}

const struct test tests[] = {
	T(state_transitions), T(xapic_registers), T(reserved_bits_fault),
	T(self_ipi_arrives_once), T(highest_vector_first), T(tpr_holds_back),
	T(in_service_holds_back), T(illegal_vector_is_an_error), T(soft_disable_masks),
	T(nmi_by_ipi), T(logical_and_others),
	T(timer_one_shot), T(timer_periodic), T(timer_deadline), T(hlt_is_woken),
	T(pit_through_pic), T(pit_through_ioapic),
	T(interrupt_exits_acknowledged), T(interrupt_exits_pending), T(interrupt_of_l2_itself),
	T(nmi_exits), T(init_exits), T(sipi_ends_the_wait), T(interrupt_waits_for_the_entry),
	T(init_and_sipi_start_a_vcpu),
};

const u32 nr_tests = ARRAY_SIZE(tests);
