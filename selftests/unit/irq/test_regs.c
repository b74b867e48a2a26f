// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers of the xAPIC, by MMIO.
 */
#include <string.h>
#include "model.h"

static void reset_values(void)
{
	static const struct { u32 reg, val; } at_reset[] = {
		{ APIC_ID, 1u << 24 }, { APIC_LVR, 0x50014 }, { APIC_TASKPRI, 0 },
		{ APIC_PROCPRI, 0 }, { APIC_LDR, 0 }, { APIC_DFR, ~0u }, { APIC_SPIV, 0xff },
		{ APIC_ESR, 0 }, { APIC_ICR, 0 }, { APIC_ICR2, 0 }, { APIC_LVTT, 0x10000 },
		{ APIC_LVTTHMR, 0x10000 }, { APIC_LVTPC, 0x10000 }, { APIC_LVT0, 0x10000 },
		{ APIC_LVT1, 0x10000 }, { APIC_LVTERR, 0x10000 }, { APIC_TMICT, 0 },
		{ APIC_TMCCT, 0 }, { APIC_TDCR, 0 },
	};
	u32 i, bad = 0;

	world(IRQ_KERNEL);
	irq_vcpu_reset(&cpu[1], false);
	for (i = 0; i < ARRAY_SIZE(at_reset); i++)
		if (rd(1, at_reset[i].reg) != at_reset[i].val)
			bad = at_reset[i].reg;
	ok(!bad, "reset gives each register its value (0x%x)", bad);
	ok(rd(0, APIC_LVT0) == 0x700, "LINT0 of the boot processor is open for ExtINT");
	vm.disabled_quirks = KVM_X86_QUIRK_LINT0_REENABLED;
	irq_vcpu_reset(&cpu[0], false);
	ok(rd(0, APIC_LVT0) == 0x10000, "but not where the quirk was disabled");
}

/* What all ones leave behind, and what all zeros. */
static void written_bits(void)
{
	static const struct { u32 reg, ones, zeros; } rows[] = {
		{ APIC_ID, 0xff000000, 0 }, { APIC_TASKPRI, 0xff, 0 },
		{ APIC_LDR, 0xff000000, 0 }, { APIC_DFR, ~0u, 0x0fffffff },
		{ APIC_LVTTHMR, 0x107ff, 0 }, { APIC_LVTPC, 0x107ff, 0 },
		{ APIC_LVT0, 0x1a7ff, 0 }, { APIC_LVT1, 0x1a7ff, 0 }, { APIC_LVTERR, 0x100ff, 0 },
		{ APIC_LVTT, 0x700ff, 0 }, { APIC_ICR2, 0xff000000, 0 }, { APIC_TDCR, 0xb, 0 },
		{ APIC_LVR, 0x50014, 0x50014 }, { APIC_PROCPRI, 0xf0, 0xf0 },
		{ APIC_ISR, 0, 0 }, { APIC_TMR + 0x70, 0, 0 }, { APIC_IRR + 0x30, 0, 0 },
		{ APIC_TMCCT, 0, 0 },
	};
	u32 i, ones, zeros;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		world(IRQ_KERNEL);
		irq_set_tpr(&cpu[0], 0xf0);
		wr(0, rows[i].reg, ~0u);
		ones = rd(0, rows[i].reg);
		wr(0, rows[i].reg, 0);
		zeros = rd(0, rows[i].reg);
		if (ones != rows[i].ones || zeros != rows[i].zeros)
			ok(false, "0x%x: ones give 0x%x, zeros 0x%x", rows[i].reg, ones, zeros);
	}
	ok(i, "reserved and read-only bits of each register stay");
	world(IRQ_KERNEL);
	has_tsc_deadline = false;
	wr(0, APIC_LVTT, ~0u);
	ok(rd(0, APIC_LVTT) == 0x300ff, "no TSC-deadline mode without its CPUID bit");
}

/* SDM "CMCI Local APIC Interface" */
static void corrected_machine_checks(void)
{
	world(IRQ_KERNEL);
	wr(0, APIC_LVTCMCI, 0x44);
	irq_deliver_cmci(&cpu[0]);
	ok(!rd(0, APIC_LVTCMCI) && !in_irr(0, 0x44), "no CMCI entry without its capability");
	ok(x2_write(0, APIC_LVTCMCI, 0x44), "nor as an MSR");
	world(IRQ_KERNEL);
	cpu[0].mcg_cap = MCG_CMCI_P;
	irq_mcg_cap_changed(&cpu[0]);
	ok(rd(0, APIC_LVR) == 0x60014, "with it there is one entry more");
	ok(rd(0, APIC_LVTCMCI) == 0x10000, "which is masked");
	wr(0, APIC_LVTCMCI, ~0u);
	ok(rd(0, APIC_LVTCMCI) == 0x107ff, "and has a vector, a mode and a mask");
	irq_deliver_cmci(&cpu[0]);
	ok(!got[0].nmis && !got[0].irqs, "masked, it delivers nothing");
	wr(0, APIC_LVTCMCI, 0x44);
	irq_deliver_cmci(&cpu[0]);
	ok(in_irr(0, 0x44), "open, it delivers its vector");
	wr(0, APIC_LVTCMCI, 0x400);
	irq_deliver_cmci(&cpu[0]);
	ok(got[0].nmis == 1, "or an NMI");
	wr(0, APIC_SPIV, 0xff);
	ok(rd(0, APIC_LVTCMCI) == 0x10400, "software disable masks it, too");
	cpu[0].mcg_cap = 0;
}

static void software_disable(void)
{
	world(IRQ_KERNEL);
	wr(0, APIC_LVT1, 0x400);
	wr(0, APIC_SPIV, 0xff);
	ok(rd(0, APIC_LVT1) == 0x10400, "software disable masks the local vector table");
	wr(0, APIC_LVT1, 0x400);
	ok(rd(0, APIC_LVT1) == 0x10400, "and no entry can be unmasked then");
	irq_inject_vector(&cpu[0], 0x40);
	ok(!in_irr(0, 0x40), "nothing is accepted");
	wr(0, APIC_SPIV, ~0u);
	ok(rd(0, APIC_SPIV) == 0x3ff, "an in-kernel I/O APIC gets all its EOIs");
	world(IRQ_SPLIT);
	wr(0, APIC_SPIV, ~0u);
	ok(rd(0, APIC_SPIV) == 0x13ff && rd(0, APIC_LVR) == 0x1050014,
	   "with user space's, EOIs can be directed");
	has_x2apic = false;
	ok(rd(0, APIC_LVR) == 0x50014, "but only beside x2APIC");
}

static void error_status(void)
{
	world(IRQ_KERNEL);
	wr(0, APIC_LVTERR, 0xfe);
	send(0, 0, 0x0f);
	ok(!rd(0, APIC_ESR), "the ESR shows errors after it was written");
	ok(in_irr(0, 0xfe), "the error makes its interrupt");
	wr(0, APIC_ESR, 0);
	ok(rd(0, APIC_ESR) == APIC_ESR_SENDILL, "an IPI with vector 15: send illegal vector");
	wr(0, APIC_ESR, 0);
	ok(!rd(0, APIC_ESR), "the next write shows what is new since: nothing");
	irq_inject_vector(&cpu[0], 3);
	wr(0, APIC_ESR, 0);
	ok(rd(0, APIC_ESR) == APIC_ESR_RECVILL && !in_irr(0, 3), "a message with vector 3");
	rd(0, 0x400);
	wr(0, 0x2f0, 0);
	wr(0, APIC_ESR, 0);
	ok(rd(0, APIC_ESR) == APIC_ESR_ILLREGA, "reserved registers: illegal register address");
	wr(0, APIC_LVTERR, 0x02);
	send(0, 0, 0x0f);
	wr(0, APIC_ESR, 0);
	ok(rd(0, APIC_ESR) == (APIC_ESR_SENDILL | APIC_ESR_RECVILL),
	   "an illegal vector of the error entry itself ends there");
}

static void access_sizes(void)
{
	u64 eight = 0;
	u8 byte = 0, many[16];

	world(IRQ_KERNEL);
	ok(lapic_mmio_read(&cpu[2], APIC_PAGE + APIC_ID + 3, 1, &byte) && byte == 2,
	   "one byte of a register");
	ok(lapic_mmio_read(&cpu[2], APIC_PAGE + APIC_LVR, 8, &eight) && eight == 0x50014,
	   "eight bytes: what lies behind a register is zero");
	memset(many, 0xaa, sizeof(many));
	ok(lapic_mmio_read(&cpu[2], APIC_PAGE + APIC_LVR + 12, 8, many) && !many[0] && !many[7],
	   "no read crosses to the next register");
	byte = 0x55;
	ok(lapic_mmio_write(&cpu[2], APIC_PAGE + APIC_TASKPRI, 1, &byte) && !irq_tpr(&cpu[2]),
	   "a write of one byte is dropped");
	memset(many, 0x55, sizeof(many));
	ok(lapic_mmio_write(&cpu[2], APIC_PAGE + APIC_TASKPRI + 4, 4, many) && !irq_tpr(&cpu[2]),
	   "so is one that is not aligned");
	ok(!lapic_mmio_read(&cpu[2], APIC_PAGE - 4, 4, many) &&
	   !lapic_mmio_read(&cpu[2], APIC_PAGE + 0x1000, 4, many) &&
	   !lapic_mmio_read(&cpu[2], APIC_PAGE + 0xffe, 4, many), "beside the page is nothing");
}

static void set_base(u32 i, u64 base)
{
	u64 old = cpu[i].apic_base;

	cpu[i].apic_base = base;
	irq_apic_base_changed(&cpu[i], old);
}

static void modes(void)
{
	static const u64 off, on = XAPIC_ENABLE, x2 = LAPIC_MODES, bad = X2APIC_ENABLE;
	const struct nvmx_vcpu *v = &cpu[0];
	u32 val = 0;

	world(IRQ_KERNEL);
	ok(irq_apic_base_valid(v, off, on) && irq_apic_base_valid(v, on, x2) &&
	   irq_apic_base_valid(v, x2, off) && irq_apic_base_valid(v, on, off) &&
	   irq_apic_base_valid(v, x2, x2), "the transitions of the state diagram");
	ok(!irq_apic_base_valid(v, off, x2) && !irq_apic_base_valid(v, x2, on) &&
	   !irq_apic_base_valid(v, on, bad) && !irq_apic_base_valid(v, off, bad) &&
	   !irq_apic_base_valid(v, x2, bad), "and none beside them");
	set_base(3, 0x12345000 | XAPIC_ENABLE);
	ok(lapic_mmio_read(&cpu[3], 0x12345020, 4, &val) && val == 3u << 24 &&
	   !lapic_mmio_read(&cpu[3], APIC_PAGE + 0x20, 4, &val), "the page moves with the base");
	irq_set_tpr(&cpu[3], 0x70);
	irq_inject_vector(&cpu[3], 0x80);
	set_base(3, APIC_PAGE);
	ok(irq_tpr(&cpu[3]) == 0x70 && !in_irr(3, 0x80), "global disable forgets all but CR8");
	ok(lapic_mmio_read(&cpu[3], APIC_PAGE + 0x20, 4, &val) && val == ~0u,
	   "and leaves a hole");
	vm.disabled_quirks = KVM_X86_QUIRK_LAPIC_MMIO_HOLE;
	ok(!lapic_mmio_read(&cpu[3], APIC_PAGE + 0x20, 4, &val),
	   "which is user space's without the quirk");
	ok(irq_accepts_extint(&cpu[3]), "LINT0 is INTR without the APIC");
}

static void identity(void)
{
	u64 val;

	world(IRQ_KERNEL);
	wr(2, APIC_ID, 9u << 24);
	wr(2, APIC_LDR, 4u << 24);
	irq_vcpu_reset(&cpu[2], true);
	ok(rd(2, APIC_ID) == 9u << 24 && !rd(2, APIC_LDR), "INIT keeps the id and nothing else");
	x2apic_all();
	ok(!x2_read(2, APIC_ID, &val) && val == 2, "an x2APIC has the id it was made with");
	ok(!x2_read(2, APIC_LDR, &val) && val == 4, "and a logical id made from it");
	irq_vcpu_reset(&cpu[2], true);
	ok(!x2_read(2, APIC_LDR, &val) && val == 4, "also after INIT, in x2APIC mode still");
}

void test_regs(void)
{
	reset_values();
	written_bits();
	corrected_machine_checks();
	software_disable();
	error_status();
	access_sizes();
	modes();
	identity();
}
