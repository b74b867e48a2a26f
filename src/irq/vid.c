// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC as a CPU with virtual-interrupt delivery has it while L1 runs: it moves vectors
 * from IRR to ISR and ends their service, in the page of registers.  What is cached of these is
 * made again after each exit, and nobody but the vCPU's own thread and the CPU writes IRR.  All
 * others post:
 *
 *	Who sends, any context:			The vCPU, irqs off:
 *
 *	set the request				in_guest = 1 or 2
 *	set ON; was it set? done		smp_mb()
 *	read in_guest				read ON: out again, to take the requests
 *	IPI, notification or request		enter
 *
 * Either the sender finds the vCPU in the guest, or the vCPU finds ON.  Own thread and CPU clear ON
 * first and take the requests then, so that a request made later makes another notification.
 *
 * Each vector goes this way wherever the CPU can deliver, also while it does not, so that no sender
 * can be caught between two ways.
 * SDM "Posted-Interrupt Processing" [sdm:posted]
 */
#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/jump_label.h>
#include <linux/minmax.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/hyperv.h>
#include <nvmx/vmx.h>
#include "irq_int.h"
#include "lapic.h"

DEFINE_STATIC_KEY_FALSE(irq_vid_possible);

void irq_vid_allow(void)
{
	static_branch_enable(&irq_vid_possible);
}

/* ---- requests ---- */

/* The level of a trigger mode is everybody's: the CPU only reads TMR. */
bool lapic_post(struct lapic *l, u8 vector)
{
	struct nvmx_pi *pi = l->v->pi;

	if (test_and_set_bit(vector % BITS_PER_LONG, &pi->requests[vector / BITS_PER_LONG]))
		return false;
	if (!test_and_set_bit(PI_ON, &pi->control))
		vmx_post_posted(l->v);
	return true;
}

/* A word of the descriptor is two of IRR. */
static void add_requests(struct lapic *l, u32 i, unsigned long word)
{
	u32 reg = APIC_IRR + i * 0x20;

	lapic_set(l, reg, lapic_get(l, reg) | (u32)word);
	lapic_set(l, reg + 0x10, lapic_get(l, reg + 0x10) | word >> 32);
}

void irq_take_posted(struct nvmx_vcpu *v)
{
	struct nvmx_pi *pi = v->pi;
	u32 i;

	clear_bit(PI_ON, &pi->control);
	smp_mb__after_atomic();		/* see above */
	for (i = 0; i < PI_WORDS; i++)
		if (READ_ONCE(pi->requests[i]))
			add_requests(v->lapic, i, xchg(&pi->requests[i], 0));
	WRITE_ONCE(v->lapic->irr_hint, true);
	WRITE_ONCE(v->irq_hint, true);
	v->vid_stale = true;
}

void lapic_drop_posted(struct lapic *l)
{
	struct nvmx_pi *pi = l->v->pi;
	u32 i;

	if (!pi)
		return;
	clear_bit(PI_ON, &pi->control);
	smp_mb__after_atomic();		/* see above */
	for (i = 0; i < PI_WORDS; i++)
		xchg(&pi->requests[i], 0);
}

/* ---- what the CPU is told ---- */

void irq_set_vid(struct nvmx_vcpu *v, bool on)
{
	WRITE_ONCE(v->vid, on);
	v->eoi_exits_stale = true;
	lapic_recompute(v->lapic);
}

/* The guest's IPIs to itself go to IRR without a word. */
void irq_vid_after_run(struct nvmx_vcpu *v, u16 status)
{
	u8 requested = status & GUEST_INTR_RVI, in_service = status >> 8;

	v->lapic->isr_max = in_service ?: -1;
	if (requested)
		WRITE_ONCE(v->lapic->irr_hint, true);
}

u16 irq_intr_status(struct nvmx_vcpu *v)
{
	int requested = lapic_highest(v->lapic, APIC_IRR);
	int in_service = lapic_highest(v->lapic, APIC_ISR);

	return max(in_service, 0) << 8 | max(requested, 0);
}

void irq_eoi_exits(struct nvmx_vcpu *v, unsigned long *vectors)
{
	bitmap_zero(vectors, LAPIC_VECTORS);
	if (v->vm->irq_mode == IRQ_KERNEL)
		ioapic_eoi_exits(v->vm, vectors);
	else
		route_eoi_exits(v->vm, vectors);
	if (v->synic)
		hv_eoi_exits(v, vectors);
}
