// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-level faults: ask mmu/ (for L2, nested/), and act on the verdict.
 */
#include <linux/errno.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/types.h>
#include <asm/apicdef.h>

#include <nvmx/arch.h>
#include <nvmx/mmu.h>
#include <nvmx/nested.h>
#include <nvmx/pv.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "exit.h"

static u32 fault_access(u64 qual)
{
	u32 access = 0;

	if (qual & EPTQ_READ)
		access |= ACC_READ;
	if (qual & EPTQ_WRITE)
		access |= ACC_WRITE;
	if (qual & EPTQ_EXEC)
		access |= ACC_EXEC;
	return access;
}

/*
 * The CPU touched a device while it delivered an event: the instruction at RIP did not do it, so
 * there is nothing to emulate.
 */
static enum nvmx_action device_in_delivery(struct nvmx_vcpu *v, u64 gpa)
{
	const u64 data[] = { v->exit.idt_info, v->exit.reason, v->exit.qual, gpa };

	return vmx_internal_error(v, KVM_INTERNAL_ERROR_DELIVERY_EV, ARRAY_SIZE(data), data);
}

static enum nvmx_action device_access(struct nvmx_vcpu *v, u64 gpa)
{
	v->stat.mmio_exits++;
	if (v->exit.idt_info & EVT_VALID)
		return device_in_delivery(v, gpa);
	return vmx_emulate_mmio(v, gpa);
}

/* While the host fetches the page, the guest may have something else to do. */
static enum mmu_verdict resolve(struct nvmx_vcpu *v, u64 gpa, u32 access)
{
	enum mmu_verdict verdict = MMU_LATER;
	struct nvmx_fault fault = { .vector = VEC_PF, .has_code = true };
	struct mmu_absent absent;
	u32 token;

	if (unlikely(pv_apf_ready(v))) {
		verdict = mmu_try_fault01(v, gpa, access, &absent);
		if (verdict == MMU_LATER && pv_apf_begin(v, &absent, &token)) {
			fault.address = token;
			vmx_queue_fault(v, &fault);
			return MMU_RETRY;
		}
	}
	return verdict == MMU_LATER ? mmu_fault01(v, gpa, access) : verdict;
}

static enum nvmx_action fault_of_l1(struct nvmx_vcpu *v)
{
	u64 gpa = v->exit.gpa;

	switch (resolve(v, gpa, fault_access(v->exit.qual))) {
	case MMU_FIXED:
	case MMU_RETRY:
		return NVMX_RESUME;
	case MMU_MMIO:
		if (!(v->exit.qual & EPTQ_EXEC) && vmx_map_apic_page(v, gpa))
			return NVMX_RESUME;
		return device_access(v, gpa);
	case MMU_ERROR:
		return vmx_user_error(v, -EFAULT);
	case MMU_REPORT:
	case MMU_LATER:
		break;
	}
	return VMX_IMPOSSIBLE(v, "a violation to report to L0's own guest");
}

/* What the CPU does not virtualize there. */
enum nvmx_action exit_apic_access(struct nvmx_vcpu *v)
{
	return device_access(v, APIC_DEFAULT_PHYS_BASE | (v->exit.qual & ~PAGE_MASK));
}

static enum nvmx_action fault_of_l2(struct nvmx_vcpu *v)
{
	bool is_mmio = false;
	u64 gpa = 0;
	enum nvmx_action action = nested_ept_fault(v, &is_mmio, &gpa);

	return is_mmio ? device_access(v, gpa) : action;
}

enum nvmx_action exit_ept_violation(struct nvmx_vcpu *v)
{
	v->stat.ept_faults++;
	return is_guest_mode(v) ? fault_of_l2(v) : fault_of_l1(v);
}

/* L0 makes no such entries for itself. */
enum nvmx_action exit_ept_misconfig(struct nvmx_vcpu *v)
{
	return is_guest_mode(v) ? fault_of_l2(v) : exit_unexpected(v);
}

/* Dirty pages are logged by write protection; no VMCS has the log. */
enum nvmx_action exit_pml_full(struct nvmx_vcpu *v)
{
	return exit_unexpected(v);
}
