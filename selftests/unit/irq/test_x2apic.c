// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MSRs of the x2APIC: which raise #GP, and when.
 */
#include <errno.h>
#include "model.h"

#define GP	(-EINVAL)

/* Every MSR of the range: what RDMSR and WRMSR of zero do. */
static void existence(void)
{
	static const u32 readable[] = {
		APIC_ID, APIC_LVR, APIC_TASKPRI, APIC_PROCPRI, APIC_LDR, APIC_SPIV, APIC_ESR,
		APIC_ICR, APIC_LVTT, APIC_LVTTHMR, APIC_LVTPC, APIC_LVT0, APIC_LVT1, APIC_LVTERR,
		APIC_TMICT, APIC_TMCCT, APIC_TDCR,
	};
	static const u32 writable[] = {
		APIC_TASKPRI, APIC_EOI, APIC_SPIV, APIC_ESR, APIC_ICR, APIC_LVTT, APIC_LVTTHMR,
		APIC_LVTPC, APIC_LVT0, APIC_LVT1, APIC_LVTERR, APIC_TMICT, APIC_TDCR,
		APIC_SELF_IPI,
	};
	bool can_read[0x100] = { 0 }, can_write[0x100] = { 0 };
	u32 i, wrong = 0;
	u64 val;

	for (i = 0; i < ARRAY_SIZE(readable); i++)
		can_read[readable[i] >> 4] = true;
	for (i = APIC_ISR >> 4; i < APIC_ESR >> 4; i++)
		can_read[i] = true;
	for (i = 0; i < ARRAY_SIZE(writable); i++)
		can_write[writable[i] >> 4] = true;
	world(IRQ_KERNEL);
	x2apic_all();
	for (i = 0; i < 0x100; i++) {
		if (x2_read(0, i << 4, &val) != (can_read[i] ? 0 : GP))
			wrong = 0x800 + i;
		if (x2_write(0, i << 4, 0) != (can_write[i] ? 0 : GP))
			wrong = 0x800 + i;
	}
	ok(!wrong, "all 256 MSRs: absent, read-only and write-only ones (0x%x)", wrong);
}

static void reserved_bits(void)
{
	static const struct { u32 reg; u64 valid; } rows[] = {
		{ APIC_TASKPRI, 0xff }, { APIC_EOI, 0 }, { APIC_SPIV, 0x3ff }, { APIC_ESR, 0 },
		{ APIC_ICR, 0xffffffff000cdfff }, { APIC_LVTT, 0x710ff },
		{ APIC_LVTTHMR, 0x117ff }, { APIC_LVTPC, 0x117ff }, { APIC_LVT0, 0x1f7ff },
		{ APIC_LVT1, 0x1f7ff }, { APIC_LVTERR, 0x110ff }, { APIC_TMICT, 0xffffffff },
		{ APIC_TDCR, 0xb }, { APIC_SELF_IPI, 0xff },
	};
	u32 i, bit, wrong = 0;

	world(IRQ_KERNEL);
	x2apic_all();
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		for (bit = 0; bit < 64; bit++)
			if (x2_write(0, rows[i].reg, 1ull << bit) !=
			    (rows[i].valid >> bit & 1 ? 0 : GP))
				wrong = rows[i].reg << 8 | bit;
	ok(!wrong, "each reserved bit of each MSR raises #GP (register.bit 0x%x)", wrong);
	has_tsc_deadline = false;
	ok(x2_write(0, APIC_LVTT, APIC_LVT_TIMER_TSCDEADLINE) == GP,
	   "so does a timer mode that CPUID does not tell of");
}

static void other_modes(void)
{
	u64 val, old;

	world(IRQ_KERNEL);
	ok(x2_read(0, APIC_ID, &val) == GP && x2_write(0, APIC_TASKPRI, 0) == GP,
	   "no x2APIC MSR in xAPIC mode");
	x2apic_all();
	old = cpu[0].apic_base;
	cpu[0].apic_base = APIC_PAGE;
	irq_apic_base_changed(&cpu[0], old);
	ok(x2_read(0, APIC_ID, &val) == GP, "nor with the APIC disabled");
	world(IRQ_USER);
	ok(x2_read(0, APIC_ID, &val) == GP && x2_write(0, APIC_EOI, 0) == GP,
	   "nor where the APIC is user space's");
}

static void commands(void)
{
	u64 val;

	world(IRQ_KERNEL);
	x2apic_all();
	x2_write(0, APIC_ICR, 2ull << 32 | APIC_ICR_BUSY | 0x41);
	ok(who_has(0x41) == 1 << 2, "one WRMSR of 64 bits sends");
	ok(!x2_read(0, APIC_ICR, &val) && val == (2ull << 32 | 0x41),
	   "and reads back without a delivery status");
	x2_write(3, APIC_SELF_IPI, 0x51);
	ok(who_has(0x51) == 1 << 3, "SELF IPI");
	x2_write(3, APIC_SELF_IPI, 0x01);
	x2_write(3, APIC_ESR, 0);
	ok(!x2_read(3, APIC_ESR, &val) && val == APIC_ESR_SENDILL, "with an illegal vector");
}

void test_x2apic(void)
{
	existence();
	reserved_bits();
	other_modes();
	commands();
}
