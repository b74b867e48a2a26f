// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registers of the local APIC: one table says who may read and write what, in both modes, and
 * the doors of MMIO and of the x2APIC MSRs apply it.  Own thread.
 *
 * SDM "Local APIC Register Address Map" [sdm:apic-map], "x2APIC Register Address Space"
 * [sdm:x2apic-map]
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/types.h>
#include <nvmx/vmx.h>
#include "irq_int.h"
#include "lapic.h"

#define CPUID_TSC_DEADLINE	24	/* leaf 1, ECX */
#define NR_REGS			0x40u	/* what lies behind is reserved */
#define ROW(reg)		((reg) >> 4)
#define X2APIC_ICR_VALID	(~0ull << 32 | 0xcdfff)	/* bit 12 is ignored, as KVM does */
#define APIC_BASE_ADDRESS	GENMASK_ULL(51, 12)

#define R1	BIT(0)		/* xAPIC: can be read */
#define W1	BIT(1)
#define R2	BIT(2)		/* x2APIC */
#define W2	BIT(3)
#define RD	(R1 | R2)
#define RW	(R1 | R2 | W1 | W2)

#define LVT_RO	(APIC_SEND_PENDING | APIC_LVT_REMOTE_IRR)
#define LVT_LINT (0xff | APIC_MODE_MASK | APIC_INPUT_POLARITY | APIC_LVT_LEVEL_TRIGGER | \
		  APIC_LVT_MASKED)

static void write_plain(struct lapic *l, u32 reg, u32 val)
{
	lapic_set(l, reg, val);
}

static void write_tpr(struct lapic *l, u32 reg, u32 val)
{
	irq_set_tpr(l->v, val);
}

static void write_eoi(struct lapic *l, u32 reg, u32 val)
{
	irq_eoi(l->v);
}

static void write_dfr(struct lapic *l, u32 reg, u32 val)
{
	lapic_set(l, reg, val | APIC_DFR_CLUSTER);
}

/* Software-disabled: all entries are masked, and stay so. */
static void write_svr(struct lapic *l, u32 reg, u32 val)
{
	u32 lvt;

	lapic_set(l, reg, val);
	if (val & APIC_SPIV_APIC_ENABLED)
		return;
	for (lvt = APIC_LVTT; lvt <= APIC_LVTERR; lvt += 0x10)
		lapic_set(l, lvt, lapic_get(l, lvt) | APIC_LVT_MASKED);
	if (lapic_has_cmci(l))
		lapic_set(l, APIC_LVTCMCI, lapic_get(l, APIC_LVTCMCI) | APIC_LVT_MASKED);
}

static void write_esr(struct lapic *l, u32 reg, u32 val)
{
	lapic_set(l, reg, xchg(&l->errors, 0));
}

static void write_icr(struct lapic *l, u32 reg, u32 val)
{
	u32 dest = lapic_get(l, APIC_ICR2);

	/* It is sent before the next instruction can read it. */
	lapic_set(l, reg, val & ~APIC_ICR_BUSY);
	lapic_send_ipi(l, val, lapic_x2apic(l->v) ? dest : dest >> 24);
}

static void write_self_ipi(struct lapic *l, u32 reg, u32 val)
{
	lapic_send_ipi(l, APIC_DEST_SELF | val, 0);
}

static void write_lvt(struct lapic *l, u32 reg, u32 val)
{
	if (!lapic_software_on(l))
		val |= APIC_LVT_MASKED;
	lapic_set(l, reg, val | (lapic_get(l, reg) & LVT_RO));
	WRITE_ONCE(l->v->irq_hint, true);	/* ExtINT may have waited for LINT0 */
}

static void write_timer(struct lapic *l, u32 reg, u32 val)
{
	u32 old = lapic_get(l, reg);

	write_lvt(l, reg, val);
	lapic_timer_mode_changed(l, old);
}

static void write_count(struct lapic *l, u32 reg, u32 val)
{
	lapic_timer_set_count(l, val);
}

static void write_divide(struct lapic *l, u32 reg, u32 val)
{
	lapic_timer_set_divide(l, val);
}

/* valid: bits that a write sets; ro: bits that it may hold, without effect */
struct apic_reg {
	u8 access;
	u32 valid, ro;
	void (*write)(struct lapic *l, u32 reg, u32 val);
};

static const struct apic_reg regs[NR_REGS] = {
	[ROW(APIC_ID)]		= { RD | W1, 0xffu << 24, 0, write_plain },
	[ROW(APIC_LVR)]		= { RD },
	[ROW(APIC_TASKPRI)]	= { RW, 0xff, 0, write_tpr },
	[ROW(APIC_ARBPRI)]	= { R1 },
	[ROW(APIC_PROCPRI)]	= { RD },
	[ROW(APIC_EOI)]		= { W1 | W2, 0, 0, write_eoi },
	[ROW(APIC_RRR)]		= { R1 },
	[ROW(APIC_LDR)]		= { RD | W1, 0xffu << 24, 0, write_plain },
	[ROW(APIC_DFR)]		= { R1 | W1, 0xfu << 28, 0, write_dfr },
	[ROW(APIC_SPIV)]	= { RW, 0x3ff, 0, write_svr },
	[ROW(APIC_ISR) ... ROW(APIC_ISR) + 7] = { RD },
	[ROW(APIC_TMR) ... ROW(APIC_TMR) + 7] = { RD },
	[ROW(APIC_IRR) ... ROW(APIC_IRR) + 7] = { RD },
	[ROW(APIC_ESR)]		= { RW, 0, 0, write_esr },
	[ROW(APIC_LVTCMCI)]	= { RW, 0x107ff, APIC_SEND_PENDING, write_lvt },
	[ROW(APIC_ICR)]		= { RW, ~0u, 0, write_icr },
	[ROW(APIC_ICR2)]	= { R1 | W1, 0xffu << 24, 0, write_plain },
	[ROW(APIC_LVTT)]	= { RW, 0x300ff, APIC_SEND_PENDING, write_timer },
	[ROW(APIC_LVTTHMR)]	= { RW, 0x107ff, APIC_SEND_PENDING, write_lvt },
	[ROW(APIC_LVTPC)]	= { RW, 0x107ff, APIC_SEND_PENDING, write_lvt },
	[ROW(APIC_LVT0)]	= { RW, LVT_LINT, LVT_RO, write_lvt },
	[ROW(APIC_LVT1)]	= { RW, LVT_LINT, LVT_RO, write_lvt },
	[ROW(APIC_LVTERR)]	= { RW, 0x100ff, APIC_SEND_PENDING, write_lvt },
	[ROW(APIC_TMICT)]	= { RW, ~0u, 0, write_count },
	[ROW(APIC_TMCCT)]	= { RD },
	[ROW(APIC_TDCR)]	= { RW, 0xb, 0, write_divide },
	[ROW(APIC_SELF_IPI)]	= { W2, 0xff, 0, write_self_ipi },
};

static const struct apic_reg *find_reg(const struct lapic *l, u32 offset)
{
	static const struct apic_reg reserved;
	u32 row = ROW(offset);

	if (row == ROW(APIC_LVTCMCI) && !lapic_has_cmci(l))
		return &reserved;
	return row < NR_REGS ? &regs[array_index_nospec(row, NR_REGS)] : &reserved;
}

/* Some bits exist with a feature only. */
static u32 valid_bits(struct lapic *l, u32 offset)
{
	u32 valid = find_reg(l, offset)->valid;

	if (offset == APIC_SPIV) {
		lapic_update_version(l);
		if (lapic_get(l, APIC_LVR) & APIC_LVR_DIRECTED_EOI)
			valid |= APIC_SPIV_DIRECTED_EOI;
	}
	if (offset == APIC_LVTT && lapic_cpuid(l->v, CPUID_TSC_DEADLINE))
		valid |= APIC_LVT_TIMER_TSCDEADLINE;
	return valid;
}

/**
 * irq_write_reg() - what a write of the guest to a register does, past all access checks
 * @v: the vCPU, own thread
 * @offset: of the register in the page; others than registers are ignored
 * @val: bits that the register does not have are dropped
 */
void irq_write_reg(struct nvmx_vcpu *v, u32 offset, u32 val)
{
	const struct apic_reg *r = find_reg(v->lapic, offset);

	offset &= ~0xfu;
	if (r->write)
		r->write(v->lapic, offset, val & valid_bits(v->lapic, offset));
}

u32 irq_read_reg(struct nvmx_vcpu *v, u32 offset)
{
	struct lapic *l = v->lapic;

	offset &= ~0xfu;
	if (!(find_reg(l, offset)->access & RD))
		return 0;
	if (offset == APIC_TMCCT)
		return lapic_timer_count(l);
	if (offset == APIC_LVR)
		lapic_update_version(l);
	if (offset == APIC_PROCPRI)
		lapic_update_ppr(l);
	return lapic_get(l, offset);
}

/* ---- x2APIC: MSRs ---- */

static u32 msr_offset(u32 msr)
{
	return (msr - APIC_BASE_MSR) << 4;
}

int irq_read_x2apic(struct nvmx_vcpu *v, u32 msr, u64 *val)
{
	u32 offset = msr_offset(msr);

	if (!v->lapic || !lapic_x2apic(v) || !(find_reg(v->lapic, offset)->access & R2))
		return -EINVAL;
	*val = irq_read_reg(v, offset);
	if (offset == APIC_ICR)
		*val |= (u64)lapic_get(v->lapic, APIC_ICR2) << 32;
	return 0;
}

void irq_write_icr(struct nvmx_vcpu *v, u64 val)
{
	lapic_set(v->lapic, APIC_ICR2, val >> 32);
	write_icr(v->lapic, APIC_ICR, val);
}

/* A read gives what the page holds: not what is made when it is asked for, nor ICR's halves. */
bool irq_x2apic_read_is_plain(const struct nvmx_vcpu *v, u32 msr)
{
	u32 offset = msr_offset(msr);

	switch (offset) {
	case APIC_LVR:
	case APIC_PROCPRI:
	case APIC_ICR:
	case APIC_TMCCT:
	case APIC_LVTCMCI:	/* comes with KVM_X86_SETUP_MCE */
		return false;
	default:
		return find_reg(v->lapic, offset)->access & R2;
	}
}

static int write_x2apic_icr(struct lapic *l, u64 val)
{
	if (val & ~X2APIC_ICR_VALID)
		return -EINVAL;
	irq_write_icr(l->v, val);
	return 0;
}

int irq_write_x2apic(struct nvmx_vcpu *v, u32 msr, u64 val)
{
	u32 offset = msr_offset(msr);
	const struct apic_reg *r;
	u64 allowed;

	if (!v->lapic || !lapic_x2apic(v))
		return -EINVAL;
	r = find_reg(v->lapic, offset);
	if (!(r->access & W2))
		return -EINVAL;
	if (offset == APIC_ICR)
		return write_x2apic_icr(v->lapic, val);
	allowed = valid_bits(v->lapic, offset) | r->ro;
	if (val & ~allowed)
		return -EINVAL;
	irq_write_reg(v, offset, val);
	return 0;
}

/* ---- xAPIC: MMIO ---- */

static bool in_page(const struct nvmx_vcpu *v, u64 gpa, u32 len)
{
	u64 offset = gpa - (v->apic_base & APIC_BASE_ADDRESS);

	return v->lapic && offset < PAGE_SIZE && len <= PAGE_SIZE - offset;
}

static bool xapic(const struct nvmx_vcpu *v)
{
	return (v->apic_base & LAPIC_MODES) == XAPIC_ENABLE;
}

/* KVM's quirk: where the xAPIC would be there is nothing, not user space's device. */
static bool is_hole(const struct nvmx_vcpu *v)
{
	return !(v->vm->disabled_quirks & KVM_X86_QUIRK_LAPIC_MMIO_HOLE);
}

static void check_reserved(struct lapic *l, u32 offset)
{
	if (!(find_reg(l, offset)->access & (R1 | W1)))
		lapic_error(l, APIC_ESR_ILLREGA);
}

static void report_tpr(struct lapic *l, u32 offset, bool write)
{
	if (offset >> 4 != ROW(APIC_TASKPRI) || !l->tpr_report.on)
		return;
	l->tpr_report.waiting = true;
	l->tpr_report.write = write;
}

bool lapic_mmio_read(struct nvmx_vcpu *v, u64 gpa, u32 len, void *data)
{
	u32 offset = gpa & ~PAGE_MASK, start = gpa & 15;
	u32 words[4] = { 0 };

	if (!in_page(v, gpa, len))
		return false;
	if (!xapic(v)) {
		if (is_hole(v))
			memset(data, 0xff, len);
		return is_hole(v);
	}
	memset(data, 0, len);
	if (len > sizeof(words) - start)
		return true;
	check_reserved(v->lapic, offset);
	report_tpr(v->lapic, offset, false);
	words[0] = irq_read_reg(v, offset);
	memcpy(data, (u8 *)words + start, len);
	return true;
}

bool lapic_mmio_write(struct nvmx_vcpu *v, u64 gpa, u32 len, const void *data)
{
	u32 offset = gpa & ~PAGE_MASK;
	u32 val;

	if (!in_page(v, gpa, len))
		return false;
	if (!xapic(v))
		return is_hole(v);
	if (len != sizeof(val) || offset & 15)
		return true;
	memcpy(&val, data, sizeof(val));
	check_reserved(v->lapic, offset);
	report_tpr(v->lapic, offset, true);
	if (find_reg(v->lapic, offset)->access & W1)
		irq_write_reg(v, offset, val);
	return true;
}
