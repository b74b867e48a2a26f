// SPDX-License-Identifier: GPL-2.0-only
/*
 * An EOI without an exit: MSR_KVM_PV_EOI_EN names a byte of the guest's memory, in which L0 says,
 * before an entry, that the interrupt in service needs no EOI.  A guest that finds the bit clears
 * it and writes no register.
 *
 * At the next exit the bit is taken back: if the guest has cleared it, the EOI is made here.  So
 * outside of a stay in the guest the APIC is in a state like any other.  Whoever sends an interrupt
 * kicks the vCPU out, so that none waits for an EOI that nobody hears of.
 *
 * Where the CPU delivers interrupts itself, an EOI needs no exit anyway.
 *
 * SDM "Signaling Interrupt Servicing Completion" [sdm:eoi]
 */
#include <linux/bitops.h>
#include <linux/kvm_para.h>
#include <linux/types.h>
#include <nvmx/mmu.h>
#include <nvmx/vmx.h>
#include "irq_int.h"
#include "lapic.h"

#define NO_EOI_NEEDED	BIT(0)

static bool is_alone(const struct lapic *l, u8 vector)
{
	u32 i;

	for (i = 0; i < 8; i++)
		if (lapic_get(l, APIC_ISR + i * 0x10) != (i == vector >> 5 ? BIT(vector & 31) : 0))
			return false;
	return true;
}

/* Nobody else wants to hear of the end, and nothing waits for it. */
static bool is_needless(struct lapic *l)
{
	struct nvmx_vcpu *v = l->v;
	int vector = irq_isr_max(v);

	if (vector < 0 || irq_irr_max(v) >= 0 || !is_alone(l, vector) || v->synic)
		return false;
	if (test_bit(vector & 31, lapic_word(l, APIC_TMR, vector)))
		return false;
	return v->vm->irq_mode != IRQ_KERNEL || !ioapic_uses(v->vm, vector);
}

static u64 gpa_of(const struct nvmx_vcpu *v)
{
	return v->pv.eoi & ~(u64)KVM_MSR_ENABLED;
}

void lapic_pv_eoi_offer(struct lapic *l)
{
	struct nvmx_vcpu *v = l->v;
	const u8 byte = NO_EOI_NEEDED;

	if (!(v->pv.eoi & KVM_MSR_ENABLED) || l->pv_eoi || irq_vid(v))
		return;
	if (!is_needless(l))
		return;
	l->pv_eoi = !mmu_write(v->vm, gpa_of(v), &byte, sizeof(byte));
}

void lapic_pv_eoi_take_back(struct lapic *l)
{
	struct nvmx_vcpu *v = l->v;
	u8 byte;

	l->pv_eoi = false;
	/* Where the page is gone, the guest has only itself to blame. */
	if (mmu_read(v->vm, gpa_of(v), &byte, sizeof(byte)))
		return;
	if (!(byte & NO_EOI_NEEDED)) {
		irq_eoi(v);
		return;
	}
	byte &= ~NO_EOI_NEEDED;
	mmu_write(v->vm, gpa_of(v), &byte, sizeof(byte));
}
