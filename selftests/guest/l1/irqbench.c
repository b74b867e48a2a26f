// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ticks of interrupts, as bench.c does it; needs the APIC in the kernel (runner -i -c 2).
 */
#include "apic.h"
#include "bench.h"

#define VECTOR 0x40
#define VECTOR_PING 0x41
#define VECTOR_WAKE 0x42
#define IN_A_WHILE 200000	/* ticks until the wake-up from HLT: everybody is asleep by then */

static volatile u32 pings, pongs;
static volatile u64 taken_at;
static volatile bool xapic_done;

/* EOI is a part of taking an interrupt. */
void irq_hook(u32 vector)
{
	taken_at = rdtsc();
	if (vector == VECTOR_WAKE)
		xapic_write(APIC_EOI, 0);
	else
		x2apic_write(APIC_EOI, 0);
	if (vector == VECTOR_PING)
		pongs = pings;
}

void other_vcpu(u32 index)
{
	(void)index;
	xapic_write(APIC_SVR, BIT(8) | 0xff);
	while (!xapic_done)
		asm volatile("sti\n\thlt\n\tcli" : : : "memory");
	x2apic_on();
	for (;;)
		asm volatile("sti\n\thlt\n\tcli" : : : "memory");
}

static void wait_for(u32 vector, u32 count)
{
	while (irq_count[vector] == count)
		asm volatile("pause");
}

static void deadline_past(void)
{
	u32 count = irq_count[VECTOR];

	wrmsr(MSR_TSC_DEADLINE, 1);
	wait_for(VECTOR, count);
}

static void self_ipi(void)
{
	u32 count = irq_count[VECTOR];

	x2apic_write(APIC_SELF_IPI, VECTOR);
	wait_for(VECTOR, count);
}

static void cross_ipi(void)
{
	pings++;
	x2apic_write(APIC_ICR, 1ull << 32 | ICR_ASSERT | VECTOR_PING);
	while (pongs != pings)
		asm volatile("pause");
}

/* From the deadline to the handler, through the sleep. */
static u64 hlt_wakeup(void)
{
	u64 deadline = rdtsc() + IN_A_WHILE;

	CLI();
	wrmsr(MSR_TSC_DEADLINE, deadline);
	asm volatile("sti\n\thlt" : : : "memory");
	return taken_at - deadline;
}

/* All processors are in one mode, as those of a real guest. */
static void xapic(void)
{
	MEASURE("apic_read_mmio", xapic_read(APIC_TPR));
	MEASURE("apic_write_mmio", xapic_write(APIC_TPR, 0));
	xapic_done = true;
	xapic_write(APIC_ICR2, 1u << 24);
	xapic_write(APIC_ICR, ICR_ASSERT | VECTOR_WAKE);
}

static void interrupts(void)
{
	u64 sample[ROUNDS];
	u32 i;

	x2apic_on();
	x2apic_write(APIC_LVTT, LVT_DEADLINE | VECTOR);
	STI();
	MEASURE("deadline_past", deadline_past());
	MEASURE("self_ipi", self_ipi());
	for (i = 0; i < ROUNDS; i++)
		sample[i] = hlt_wakeup();
	row("hlt_wakeup", median(sample));
	STI();
	MEASURE("ipi_cross", cross_ipi());
	CLI();
}

const struct test tests[] = { T(xapic), T(interrupts), T(end_second_vcpu) };
const u32 nr_tests = ARRAY_SIZE(tests);
