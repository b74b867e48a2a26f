// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-interrupt delivery by hand, where the CPU has it and it cannot be trusted.
 *
 * Bochs 2.7 forgets the vector if an EPT violation cuts the delivery short, and it delivers with
 * RFLAGS.IF = 0 when an interrupt of the host arrives: see Documentation/testing.rst.  With
 * bochs_vid_erratum what is due is injected like any other interrupt.  While it waits for that, RVI
 * is in vmcs12 and hardware knows of no request.  One that waits for a lower PPR is hardware's, and
 * each EOI exits; what a lower TPR lets in remains at the mercy of Bochs, as do self-IPIs.
 * SDM "Virtual-Interrupt Delivery" [sdm:virtual-intr-delivery]
 */
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/types.h>
#include <asm/apicdef.h>
#include <nvmx/arch.h>
#include <nvmx/mmu.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

/* IRR and ISR: 32 bits every 16 bytes */
static u32 *word_of(u8 *page, u32 bank, u8 vector)
{
	return (u32 *)(page + bank + (vector >> 5) * 16);
}

static bool is_set(u8 *page, u32 bank, u8 vector)
{
	return READ_ONCE(*word_of(page, bank, vector)) & BIT(vector & 31);
}

static u8 highest_request(u8 *page)
{
	int i;

	for (i = 7; i >= 0; i--) {
		u32 word = READ_ONCE(*(u32 *)(page + APIC_IRR + i * 16));

		if (word)
			return i * 32 + __fls(word);
	}
	return 0;
}

static u8 valid_request(u8 *page, u8 rvi)
{
	return is_set(page, APIC_IRR, rvi) ? rvi : highest_request(page);
}

/* 0: as L1 has it, and as every entry writes it; ~0: all, besides */
static void set_eoi_exits(struct nvmx_vcpu *v, struct l2_context *c, u64 all)
{
	if (!all && !c->hw->all_eois_exit)
		return;
	c->hw->all_eois_exit = all;
	hw_put(v, c, eoi_exit_bitmap0, c->vmcs12->eoi_exit_bitmap0 | all);
	hw_put(v, c, eoi_exit_bitmap1, c->vmcs12->eoi_exit_bitmap1 | all);
	hw_put(v, c, eoi_exit_bitmap2, c->vmcs12->eoi_exit_bitmap2 | all);
	hw_put(v, c, eoi_exit_bitmap3, c->vmcs12->eoi_exit_bitmap3 | all);
}

/* The PPR is in the way of what is requested, or nothing is. */
static void leave_to_hardware(struct nvmx_vcpu *v, struct l2_context *c, u16 status)
{
	c->vmcs12->guest_intr_status = status & ~GUEST_INTR_RVI;
	hw_put(v, c, guest_intr_status, status);
	set_eoi_exits(v, c, status & GUEST_INTR_RVI ? ~0ull : 0);
}

/* All that is requested waits in vmcs12. */
static void hold_back(struct nvmx_vcpu *v, struct l2_context *c, u16 status)
{
	c->vmcs12->guest_intr_status = status;
	hw_put(v, c, guest_intr_status, status & ~GUEST_INTR_RVI);
	vmcs_ctl_set(v, c->vmcs02, CTL_interrupt_window_exiting);
}

static void deliver(struct nvmx_vcpu *v, struct l2_context *c, u8 *page, u8 vector)
{
	u32 *isr = word_of(page, APIC_ISR, vector), *irr = word_of(page, APIC_IRR, vector);

	WRITE_ONCE(*isr, READ_ONCE(*isr) | BIT(vector & 31));
	WRITE_ONCE(*irr, READ_ONCE(*irr) & ~BIT(vector & 31));
	WRITE_ONCE(*(u32 *)(page + APIC_PROCPRI), vector & 0xf0);
	leave_to_hardware(v, c, vector << 8 | highest_request(page));
	v->ev.irq.injected = true;
	v->ev.irq.soft = false;
	v->ev.irq.vector = vector;
	vmx_inject(v, EVT_VALID | EVT_TYPE_EXTINT | vector, 0, 0);
}

static bool entry_is_taken(const struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	return v->ev.written || v->ev.exception.injected || v->ev.exception.pending ||
	       v->ev.nmi.injected || v->ev.irq.injected ||
	       (v->nested->run_pending && nested_injects(vmcs12));
}

static bool can_interrupt(struct nvmx_vcpu *v)
{
	return vmx_open_to_irqs(v) && !vmx_trap_in_hardware(v);
}

static void evaluate(struct nvmx_vcpu *v, struct l2_context *c, u8 *page, u8 svi, u8 rvi)
{
	u8 vector = valid_request(page, rvi), vtpr = READ_ONCE(page[APIC_TASKPRI]);
	u16 status = svi << 8 | vector;

	if (vector >> 4 <= max(vtpr, svi) >> 4)
		leave_to_hardware(v, c, status);
	else if (!can_interrupt(v) || entry_is_taken(v, c->vmcs12))
		hold_back(v, c, status);
	else
		deliver(v, c, page, vector);
}

static void look_for_requests(struct nvmx_vcpu *v, struct l2_context *c)
{
	u16 status = hw_get(v, c, guest_intr_status);
	u8 rvi = nested_rvi(c, status);

	if (!rvi)
		leave_to_hardware(v, c, status);
	else if (c->pages.kernel_apic)
		evaluate(v, c, c->pages.kernel_apic, status >> 8, rvi);
}

/* While L1 wants a window exit, that comes in place of the interrupt. */
void nested_deliver_by_hand(struct nvmx_vcpu *v)
{
	struct l2_context *c = v->nested->current12;

	if (is_guest_mode(v) && vmcs12_has(c->vmcs12, CTL_virtual_interrupt_delivery) &&
	    !vmcs12_has(c->vmcs12, CTL_interrupt_window_exiting))
		look_for_requests(v, c);
}
