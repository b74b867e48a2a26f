// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1's local APIC in hardware, as far as the CPU has it.
 *
 * The page of registers is vmcs01's virtual-APIC page: there is one state, and nothing is copied at
 * an exit.  The TPR is always the guest's to change; while a vector waits for it, the threshold
 * makes that an exit.  In x2APIC mode the CPU reads registers, too.  In xAPIC mode it finds the TPR
 * by the APIC-access page, which is mapped in ept01 for that; what writes to other registers mean
 * depends on what they held before, so that there it does not virtualize them.
 *
 * Interrupts are vid.c's.  vmcs02 has nothing of this: an L2 that was given L1's APIC leaves for
 * each access.
 * SDM "Virtualizing MSR-Based APIC Accesses" [sdm:virtual-x2apic]
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/types.h>
#include <asm/apicdef.h>

#include <nvmx/arch.h>
#include <nvmx/irq.h>
#include <nvmx/mmu.h>
#include <nvmx/vmx.h>

#include "exit.h"
#include "vmx_int.h"

#define X2APIC_FIRST	0x800u
#define X2APIC_LAST	0x8ffu
#define X2APIC_TPR	0x808u
#define X2APIC_ON	(X2APIC_ENABLE | XAPIC_ENABLE)	/* of IA32_APIC_BASE */

/* One for the VM; whichever vCPU comes first makes it. */
static void find_access_page(struct nvmx_vcpu *v)
{
	unsigned long page = get_zeroed_page(GFP_KERNEL_ACCOUNT);

	if (page && cmpxchg(&v->vm->apic_page, 0, page))
		free_page(page);
	if (READ_ONCE(v->vm->apic_page))
		vmcs_write(v, apic_access_addr, __pa(v->vm->apic_page));
}

void vmx_apicv_vm_destroy(struct nvmx_vm *vm)
{
	free_page(vm->apic_page);
}

bool vmx_has_accelerated_tpr(void)
{
	return vmx_enable_apicv && vmx_cpu_has(CTL_tpr_shadow) &&
	       vmx_cpu_has(CTL_virtualize_apic_accesses);
}

static bool is_used(const struct nvmx_vcpu *v)
{
	return irq_in_kernel(v) && vmx_enable_apicv && vmx_cpu_has(CTL_tpr_shadow);
}

static void set_ctl(struct nvmx_vcpu *v, enum vmx_ctl ctl, bool on)
{
	if (on)
		vmcs_ctl_set(v, v->vmcs01, ctl);
	else
		vmcs_ctl_clear(v, v->vmcs01, ctl);
}

/* Where the guest keeps a TPR in memory, too, that is the one that counts. */
static bool wants_shadow(const struct nvmx_vcpu *v)
{
	return is_used(v) && !irq_tpr_in_memory(v);
}

/* xAPIC where it is after a reset, and nobody wants to hear of each access to the TPR. */
static bool wants_accesses(const struct nvmx_vcpu *v)
{
	u64 at = v->apic_base & (PAGE_MASK | X2APIC_ON);

	return v->vm->apic_page && vmx_cpu_has(CTL_virtualize_apic_accesses) &&
	       at == (APIC_DEFAULT_PHYS_BASE | XAPIC_ENABLE) && !irq_reports_tpr(v);
}

static bool wants_x2apic(const struct nvmx_vcpu *v)
{
	return vmx_cpu_has(CTL_virtualize_x2apic) && (v->apic_base & X2APIC_ON) == X2APIC_ON;
}

static void update_shadow(struct nvmx_vcpu *v, bool on)
{
	set_ctl(v, CTL_tpr_shadow, on);
	set_ctl(v, CTL_cr8_load_exiting, !on);
	set_ctl(v, CTL_cr8_store_exiting, !on);
}

/* A vCPU without the control would find the page itself there: then nobody is to. */
static void update_accesses(struct nvmx_vcpu *v, bool on)
{
	set_ctl(v, CTL_virtualize_apic_accesses, on);
	if (!on)
		mmu_take_back(v->vm);
}

/* Without the mode, register virtualization would open the CPU's own MSRs. */
static void update_x2apic(struct nvmx_vcpu *v, bool on)
{
	if (on == vmcs_ctl_test(v->vmcs01, CTL_virtualize_x2apic))
		return;
	set_ctl(v, CTL_virtualize_x2apic, on);
	set_ctl(v, CTL_apic_register_virtualization,
		on && vmx_cpu_has(CTL_apic_register_virtualization));
	vmx_update_msr_bitmap(v);
}

void vmx_apicv_update(struct nvmx_vcpu *v)
{
	bool shadow = wants_shadow(v);
	bool accesses = shadow && wants_accesses(v), x2apic = shadow && wants_x2apic(v);

	if (!is_used(v))
		return;
	update_shadow(v, shadow);
	update_accesses(v, accesses);
	update_x2apic(v, x2apic);
	vmx_vid_update(v, accesses || x2apic);
}

void vmx_apicv_init(struct nvmx_vcpu *v)
{
	if (!is_used(v))
		return;
	vmcs_write(v, virtual_apic_page_addr, __pa(irq_apic_page(v)));
	vmcs_write(v, tpr_threshold, 0);
	vmx_vid_vcpu_init(v);
	if (vmx_cpu_has(CTL_virtualize_apic_accesses))
		find_access_page(v);
}

/* The first access since the page was mapped last: true, it is there now. */
bool vmx_map_apic_page(struct nvmx_vcpu *v, u64 gpa)
{
	int ret;

	if (!vmcs_ctl_test(v->vmcs01, CTL_virtualize_apic_accesses) ||
	    vcpu_space(v) != MMU_NORMAL || (gpa & PAGE_MASK) != APIC_DEFAULT_PHYS_BASE)
		return false;
	ret = mmu_lend_page(v->vm, APIC_DEFAULT_PHYS_BASE, __pa(v->vm->apic_page));
	return !ret || ret == -EAGAIN;
}

/* Open in the bitmap what the CPU does not take for its own APIC. */
void vmx_apicv_pass(struct nvmx_vcpu *v, void (*pass)(struct nvmx_vcpu *v, u32 msr, bool write))
{
	u32 msr;

	if (!vmcs_ctl_test(v->vmcs01, CTL_virtualize_x2apic))
		return;
	pass(v, X2APIC_TPR, false);
	pass(v, X2APIC_TPR, true);
	vmx_vid_pass(v, pass);
	if (!vmcs_ctl_test(v->vmcs01, CTL_apic_register_virtualization))
		return;
	for (msr = X2APIC_FIRST; msr <= X2APIC_LAST; msr++)
		if (irq_x2apic_read_is_plain(v, msr))
			pass(v, msr, false);
}

/* Never above the TPR that is there, which an entry refuses. */
void vmx_write_tpr_threshold(struct nvmx_vcpu *v)
{
	u8 threshold = min_t(u8, v->tpr_threshold, irq_tpr(v) >> 4);

	if (threshold == v->tpr_threshold01 || !vmcs_ctl_test(v->vmcs01, CTL_tpr_shadow))
		return;
	vmcs_write(v, tpr_threshold, threshold);
	v->tpr_threshold01 = threshold;
}

/* It comes behind the instruction: what has waited for the TPR may be due. */
enum nvmx_action exit_tpr_below_threshold(struct nvmx_vcpu *v)
{
	WRITE_ONCE(v->irq_hint, true);
	return NVMX_RESUME;
}
