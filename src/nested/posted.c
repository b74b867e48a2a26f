// SPDX-License-Identifier: GPL-2.0-only
/*
 * Posted interrupts, by hand.
 *
 * Another processor of L1 has written to the descriptor and sent the notification vector.  Where
 * that vector would be L1's exit, the requests go to L2's virtual APIC instead, and the CPU, which
 * has virtual-interrupt delivery in vmcs02, goes on from there at the entry.
 * SDM "Posted-Interrupt Processing" [sdm:posted]
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/kvm.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/types.h>
#include <asm/apicdef.h>
#include <nvmx/irq.h>
#include <nvmx/mmu.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

#define VECTOR_WORDS	8

/* Other processors of L1 set bits in it at any time. */
struct posted_desc {
	u32 requests[VECTOR_WORDS];
	unsigned long outstanding;	/* bit 0 */
};

/*
 * Is it the notification that L1's local APIC has just acknowledged?  With the APIC in user space
 * nobody could end its service, so there it is an exit, with which L1 loses nothing but time.
 */
bool nested_is_notification(struct nvmx_vcpu *v, int vector)
{
	const struct vmcs12 *vmcs12 = nested_vmcs12(v);

	return vmcs12_has(vmcs12, CTL_posted_interrupts) && vector == vmcs12->posted_intr_nv &&
	       irq_in_kernel(v) && irq_isr_max(v) == vector;
}

/*
 * Would the CPU deliver a virtual interrupt now?  An L2 that L0 has halted must not sleep on it.
 * SDM "Evaluation of Pending Virtual Interrupts" [sdm:virtual-intr]
 */
bool nested_virtual_irq_waits(struct nvmx_vcpu *v)
{
	const struct vmcs12 *vmcs12 = nested_vmcs12(v);
	u32 vppr = 0;
	u8 rvi;

	if (!vmcs12_has(vmcs12, CTL_virtual_interrupt_delivery) ||
	    !(vmx_rflags(v) & X86_EFLAGS_IF) ||
	    mmu_read(v->vm, vmcs12->virtual_apic_page_addr + APIC_PROCPRI, &vppr, sizeof(vppr)))
		return false;
	rvi = nested_rvi(v->nested->current12, vmcs_read(v, guest_intr_status));
	return rvi >> 4 > (vppr & 0xff) >> 4;
}

/* The highest vector that was requested, or -1. */
static int take_requests(struct posted_desc *desc, u8 *virtual_apic)
{
	int i, highest = -1;
	u32 word;

	clear_bit(0, &desc->outstanding);
	/* Pairs with the order of who posts: requests first. After this it notifies again. */
	smp_mb__after_atomic();
	for (i = 0; i < VECTOR_WORDS; i++) {
		word = xchg(&desc->requests[i], 0);
		if (!word)
			continue;
		*(u32 *)(virtual_apic + APIC_IRR + i * 16) |= word;
		highest = i * 32 + __fls(word);
	}
	return highest;
}

static void request(struct nvmx_vcpu *v, int vector)
{
	struct l2_context *c = v->nested->current12;
	u16 status = hw_get(v, c, guest_intr_status);

	if (vmx_vid_erratum)
		c->vmcs12->guest_intr_status = max_t(int, vector, nested_rvi(c, status));
	else if (vector > (status & GUEST_INTR_RVI))
		hw_put(v, c, guest_intr_status, (status & ~GUEST_INTR_RVI) | vector);
}

static enum nvmx_action move_requests(struct nvmx_vcpu *v, void *desc_page, void *virtual_apic)
{
	u32 offset = offset_in_page(nested_vmcs12(v)->posted_intr_desc_addr);

	if (!desc_page || !virtual_apic)
		return vmx_internal_error(v, KVM_INTERNAL_ERROR_EMULATION, 0, NULL);
	request(v, take_requests(desc_page + offset, virtual_apic));
	return NVMX_RESUME;
}

/* Pages are mapped for the moment only: no failure leaves one behind [CVE-2018-16882]. */
enum nvmx_action nested_take_posted(struct nvmx_vcpu *v)
{
	u64 desc = nested_vmcs12(v)->posted_intr_desc_addr & PAGE_MASK;
	u64 apic = nested_vmcs12(v)->virtual_apic_page_addr;
	void *desc_page, *virtual_apic;
	enum nvmx_action action;

	irq_eoi(v);
	desc_page = mmu_map_page(v->vm, desc, true);
	virtual_apic = mmu_map_page(v->vm, apic, true);
	action = move_requests(v, desc_page, virtual_apic);
	if (virtual_apic)
		mmu_unmap_page(v->vm, virtual_apic, apic, true);
	if (desc_page)
		mmu_unmap_page(v->vm, desc_page, desc, true);
	return action;
}
