/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC of a payload: registers by their number, in both modes.
 */
#ifndef L1_APIC_H
#define L1_APIC_H

#include "l1.h"

#define MSR_APIC_BASE 0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define APIC_MMIO 0xfee00000ull

enum apic_reg {
	APIC_ID = 0x02, APIC_VERSION = 0x03, APIC_TPR = 0x08, APIC_PPR = 0x0a, APIC_EOI = 0x0b,
	APIC_LDR = 0x0d, APIC_DFR = 0x0e, APIC_SVR = 0x0f, APIC_ISR = 0x10, APIC_TMR = 0x18,
	APIC_IRR = 0x20, APIC_ESR = 0x28, APIC_ICR = 0x30, APIC_ICR2 = 0x31, APIC_LVTT = 0x32,
	APIC_LVT0 = 0x35, APIC_LVT1 = 0x36, APIC_LVTERR = 0x37, APIC_TMICT = 0x38,
	APIC_TMCCT = 0x39, APIC_TDCR = 0x3e, APIC_SELF_IPI = 0x3f,
};

#define LVT_MASKED BIT(16)
#define LVT_PERIODIC (1ull << 17)
#define LVT_DEADLINE (2ull << 17)
#define ICR_NMI (4ull << 8)
#define ICR_INIT (5ull << 8)
#define ICR_SIPI (6ull << 8)
#define ICR_LOGICAL BIT(11)
#define ICR_ASSERT BIT(14)
#define ICR_SELF (1ull << 18)
#define ICR_ALL (2ull << 18)
#define ICR_OTHERS (3ull << 18)

static inline u32 xapic_read(enum apic_reg r)
{
	return *(volatile u32 *)(APIC_MMIO + r * 16);
}

static inline void xapic_write(enum apic_reg r, u32 v)
{
	*(volatile u32 *)(APIC_MMIO + r * 16) = v;
}

static inline u64 x2apic_read(enum apic_reg r)
{
	return rdmsr(0x800 + r);
}

static inline void x2apic_write(enum apic_reg r, u64 v)
{
	wrmsr(0x800 + r, v);
}

static inline void x2apic_on(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | BIT(11) | BIT(10));
	x2apic_write(APIC_SVR, BIT(8) | 0xff);
}

/* Back to xAPIC goes through disabled. */
static inline void xapic_on(void)
{
	u64 base = rdmsr(MSR_APIC_BASE) & ~(BIT(11) | BIT(10));

	wrmsr(MSR_APIC_BASE, base);
	wrmsr(MSR_APIC_BASE, base | BIT(11));
	xapic_write(APIC_SVR, BIT(8) | 0xff);
}

/* The second vCPU starts again in real mode, with what ends its run. */
static inline void end_second_vcpu(void)
{
	static const u8 code[] = {
		0xba, 0x01, 0x05,	/* mov $0x501, %dx */
		0x30, 0xc0,		/* xor %al, %al */
		0xee,			/* out %al, %dx */
	};
	u8 *page = (u8 *)0x7000;
	u32 i;

	for (i = 0; i < sizeof(code); i++)
		page[i] = code[i];
	x2apic_write(APIC_ICR, 1ull << 32 | ICR_INIT | ICR_ASSERT);
	x2apic_write(APIC_ICR, 1ull << 32 | ICR_SIPI | ICR_ASSERT | 7);
}

#define CLI() asm volatile("cli" : : : "memory")
#define STI() asm volatile("sti\n\tnop" : : : "memory")

#endif
