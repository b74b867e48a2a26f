// SPDX-License-Identifier: GPL-2.0-only
/*
 * A message arrives at one local APIC.  From any context, also with irqs off: no lock is taken.
 *
 * Who accepts a vector:			The vCPU, irq_waits():
 *
 *	set the bit in IRR			irq_hint = false
 *	irr_hint = true				smp_mb()
 *	irq_hint = true, kick			read irr_hint, IRR
 *
 * Either the vCPU sees the bit, or it finds irq_hint set afterwards.  Where the CPU can deliver by
 * itself, vectors are posted instead: vid.c.
 * SDM "Interrupt Acceptance for Fixed Interrupts" [sdm:apic-accept]
 */
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/types.h>
#include <asm/barrier.h>
#include <nvmx/trace.h>
#include <nvmx/vmx.h>
#include "irq_int.h"
#include "lapic.h"

static bool set_irr(struct lapic *l, u8 vector, bool level)
{
	unsigned long *tmr = lapic_word(l, APIC_TMR, vector);

	if (level)
		set_bit(vector & 31, tmr);
	else
		clear_bit(vector & 31, tmr);
	if (static_branch_unlikely(&irq_vid_possible))
		return lapic_post(l, vector);
	if (test_and_set_bit(vector & 31, lapic_word(l, APIC_IRR, vector)))
		return false;
	WRITE_ONCE(l->irr_hint, true);
	smp_wmb();	/* irr_hint before irq_hint; see above */
	vmx_post_irq(l->v);
	return true;
}

/*
 * Errors that add to one that was not read yet make no second interrupt; nor does the error
 * entry's own illegal vector, which would never end.
 */
void lapic_error(struct lapic *l, u32 bit)
{
	u32 lvt = lapic_get(l, APIC_LVTERR);
	u8 vector = lvt;

	if (test_and_set_bit(ffs(bit) - 1, &l->errors) || lvt & APIC_LVT_MASKED)
		return;
	if (vector < LAPIC_FIRST_VECTOR)
		set_bit(ffs(APIC_ESR_RECVILL) - 1, &l->errors);
	else
		set_irr(l, vector, false);
}

static int accept_vector(struct lapic *l, u8 vector, bool level)
{
	int new;

	if (!lapic_software_on(l))
		return 0;
	if (vector < LAPIC_FIRST_VECTOR) {
		lapic_error(l, APIC_ESR_RECVILL);
		return 0;
	}
	new = set_irr(l, vector, level);
	trace_nvmx_apic_accept(l->v->id, vector, level, new);
	return new;
}

static int accept_init(struct nvmx_vcpu *v)
{
	vmx_post_init(v);
	return 1;
}

static int accept_sipi(struct nvmx_vcpu *v, u8 vector)
{
	vmx_post_sipi(v, vector);
	return 1;
}

static int accept_nmi(struct nvmx_vcpu *v)
{
	vmx_post_nmi(v);
	return 1;
}

static int accept_smi(struct nvmx_vcpu *v)
{
	vmx_post_smi(v);
	return 1;
}

int lapic_accept(struct nvmx_vcpu *v, const struct irq_msg *msg)
{
	/* The end of a level: for INIT it once synchronized arbitration, and now means nothing. */
	if (msg->level && !msg->assert)
		return 0;

	switch (msg->mode) {
	case DELIVER_FIXED:
	case DELIVER_LOWEST:
		return accept_vector(v->lapic, msg->vector, msg->level);
	case DELIVER_SMI:
		return accept_smi(v);
	case DELIVER_NMI:
		return accept_nmi(v);
	case DELIVER_INIT:
		return accept_init(v);
	case DELIVER_SIPI:
		return accept_sipi(v, msg->vector);
	default:
		return 0;	/* ExtINT comes over LINT0 only */
	}
}

int lapic_accept_lvt(struct lapic *l, u32 reg)
{
	u32 lvt = lapic_get(l, reg);
	bool fixed_only = reg == APIC_LVTT || reg == APIC_LVTERR;

	if (lvt & APIC_LVT_MASKED || !lapic_on(l->v))
		return 0;
	switch (fixed_only ? DELIVER_FIXED : GET_APIC_DELIVERY_MODE(lvt)) {
	case DELIVER_FIXED:
		return accept_vector(l, lvt, reg == APIC_LVT0 && lvt & APIC_LVT_LEVEL_TRIGGER);
	case DELIVER_SMI:
		return accept_smi(l->v);
	case DELIVER_NMI:
		return accept_nmi(l->v);
	case DELIVER_INIT:
		return accept_init(l->v);
	default:
		return 0;
	}
}

void irq_inject_vector(struct nvmx_vcpu *v, u8 vector)
{
	if (v->lapic)
		accept_vector(v->lapic, vector, false);
}

void lapic_extint_raised(struct nvmx_vm *vm)
{
	struct nvmx_vcpu *v;
	u32 i;

	vm_for_each_vcpu(vm, v, i)
		if (v->lapic && irq_accepts_extint(v))
			vmx_post_irq(v);
}

void lapic_pit_tick(struct nvmx_vm *vm)
{
	struct nvmx_vcpu *v;
	u32 i;

	vm_for_each_vcpu(vm, v, i) {
		if (!v->lapic)
			continue;
		if (GET_APIC_DELIVERY_MODE(lapic_get(v->lapic, APIC_LVT0)) == DELIVER_NMI)
			lapic_accept_lvt(v->lapic, APIC_LVT0);
	}
}
