// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of L1 that hardware uses while L2 runs: the virtual-APIC page and the APIC-access page.
 *
 * vmcs02 names them by host frame, and nothing is pinned.  A frame is L1's as long as ept01 maps
 * it; who takes the mapping out raises vm->tlb_gen before the frame can be somebody else's.  So
 * the generation is read first, then the frames are looked up, and vmx_enter() compares again with
 * irqs off: a frame that is no longer L1's never gets into the guest [CVE-2013-1797].  What is
 * remembered in a context is good for that generation and these addresses.
 *
 * Both are looked up for writing: if other pages shared the frame (the zero page, KSM), accesses
 * to those would be taken for the APIC's.
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/kvm.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/mmu.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

#define NO_PAGE		NESTED_NO_PA

static u64 virtual_apic(const struct vmcs12 *vmcs12)
{
	return vmcs12_has(vmcs12, CTL_tpr_shadow) ? vmcs12->virtual_apic_page_addr : NO_PAGE;
}

static u64 apic_access(const struct vmcs12 *vmcs12)
{
	return vmcs12_has(vmcs12, CTL_virtualize_apic_accesses) ? vmcs12->apic_access_addr :
								   NO_PAGE;
}

static enum mmu_verdict put_virtual_apic(struct nvmx_vcpu *v, struct l2_context *c, u64 gpa)
{
	enum mmu_verdict verdict;
	u64 hpa;

	if (gpa == NO_PAGE)
		return MMU_FIXED;
	verdict = mmu_frame(v, gpa, MMU_FRAME_ANY, &hpa);
	if (verdict != MMU_FIXED)
		return verdict;
	hw_put(v, c, virtual_apic_page_addr, hpa);
	c->pages.kernel_apic = mmu_frame_address(hpa);
	return MMU_FIXED;
}

/*
 * Hardware recognizes accesses by their final address, but not for sure within a larger page.
 * Translations made before the frame was known as the APIC's are no good.
 * SDM "Issues Pertaining to Page Size and TLB Management" [sdm:apic-access-tlb]
 */
static enum mmu_verdict put_apic_access(struct nvmx_vcpu *v, struct l2_context *c, u64 gpa)
{
	enum mmu_verdict verdict;
	u64 hpa;

	if (gpa == NO_PAGE)
		return MMU_FIXED;
	verdict = mmu_frame(v, gpa, c->ept02 ? MMU_FRAME_ANY : MMU_FRAME_4K, &hpa);
	if (verdict != MMU_FIXED)
		return verdict;
	if (!hw_holds(c, HW_apic_access_addr, hpa))
		c->flush = true;
	hw_put(v, c, apic_access_addr, hpa);
	return MMU_FIXED;
}

/* All that is left of it is CR8, and both ways of access to that are exits to L1. */
static bool needs_no_page(const struct vmcs12 *vmcs12)
{
	return vmcs12_has(vmcs12, CTL_cr8_load_exiting) &&
	       vmcs12_has(vmcs12, CTL_cr8_store_exiting) &&
	       !vmcs12_has(vmcs12, CTL_virtualize_apic_accesses) &&
	       !vmcs12_has(vmcs12, CTL_virtualize_x2apic) &&
	       !vmcs12_has(vmcs12, CTL_apic_register_virtualization) &&
	       !vmcs12_has(vmcs12, CTL_virtual_interrupt_delivery);
}

/* A device, or nothing: there is no frame that hardware could use. */
static enum nvmx_action no_memory_there(struct nvmx_vcpu *v, struct l2_context *c)
{
	if (!needs_no_page(c->vmcs12))
		return vmx_internal_error(v, KVM_INTERNAL_ERROR_EMULATION, 0, NULL);
	vmcs_ctl_clear(v, c->vmcs02, CTL_tpr_shadow);
	v->frames.used = false;
	return NVMX_RESUME;
}

static enum nvmx_action look_up(struct nvmx_vcpu *v, struct l2_context *c)
{
	/* Pairs with vmx_flush_tlbs(): what is taken out after this is noticed at the entry. */
	u64 gen = atomic64_read_acquire(&v->vm->tlb_gen);
	enum mmu_verdict verdict;

	c->pages.gen = NESTED_NO_GEN;
	c->pages.virtual_apic = virtual_apic(c->vmcs12);
	c->pages.apic_access = apic_access(c->vmcs12);
	/* Until both are found no generation will do: the entry is refused, and comes here. */
	v->frames.used = true;
	v->frames.gen = NESTED_NO_GEN;
	verdict = put_virtual_apic(v, c, c->pages.virtual_apic);
	if (verdict == MMU_FIXED)
		verdict = put_apic_access(v, c, c->pages.apic_access);
	switch (verdict) {
	case MMU_FIXED:
		c->pages.gen = gen;
		v->frames.gen = gen;
		return NVMX_RESUME;
	case MMU_RETRY:
		return NVMX_RESUME;
	case MMU_MMIO:
		return no_memory_there(v, c);
	default:
		v->run_errno = -EFAULT;
		return NVMX_USER;
	}
}

static bool is_found(struct nvmx_vcpu *v, const struct l2_context *c)
{
	return c->pages.gen == (u64)atomic64_read(&v->vm->tlb_gen) &&
	       c->pages.virtual_apic == virtual_apic(c->vmcs12) &&
	       c->pages.apic_access == apic_access(c->vmcs12);
}

enum nvmx_action nested_find_pages(struct nvmx_vcpu *v, struct l2_context *c)
{
	if (!vmcs12_has(c->vmcs12, CTL_tpr_shadow) &&
	    !vmcs12_has(c->vmcs12, CTL_virtualize_apic_accesses))
		return NVMX_RESUME;
	if (!is_found(v, c))
		return look_up(v, c);
	v->frames.used = true;
	v->frames.gen = c->pages.gen;
	return NVMX_RESUME;
}

/*
 * VTPR was not below the threshold when L1 entered L2, but it is memory and another processor may
 * have changed it, before the entry or since.  Hardware would judge each of L0's entries, where
 * the architecture has none: let the threshold go until L1's next entry.
 */
bool nested_entry_may_be_refused(struct nvmx_vcpu *v)
{
	struct l2_context *c = v->nested->current12;
	const struct vmcs12 *vmcs12 = c->vmcs12;

	if (v->exit.vm_error != VMXERR_ENTRY_CONTROL || hw_holds(c, HW_tpr_threshold, 0) ||
	    !vmcs12_has(vmcs12, CTL_tpr_shadow) ||
	    vmcs12_has(vmcs12, CTL_virtualize_apic_accesses) ||
	    vmcs12_has(vmcs12, CTL_virtual_interrupt_delivery))
		return false;
	hw_put(v, c, tpr_threshold, 0);
	c->dirty |= GROUP(APIC);
	return true;
}
