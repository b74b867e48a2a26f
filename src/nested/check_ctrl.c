// SPDX-License-Identifier: GPL-2.0-only
/*
 * Predicates of table 4's CTRL stage: VM-execution, VM-exit and VM-entry control fields.
 *
 * SDM "Checks on VMX Controls" [sdm:check-ctrl]
 */
#include <linux/types.h>
#include <asm/apicdef.h>
#include <nvmx/arch.h>
#include <nvmx/mmu.h>
#include <nvmx/vmx.h>
#include "check_int.h"

#define MSR_ENTRY_SIZE	16

#define EPTP_MEMTYPE	0x7ull
#define EPTP_WALK	0x38ull
#define EPTP_RESERVED	0xf80ull

bool ctl_allowed(const struct check *c, enum vmx_ctl_word w)
{
	u32 val = vmcs12_ctl_word(c->s, w);

	/* Secondary controls that are not activated are all 0, which may be less than must be. */
	if (w == CTLW_PROC2 && !has(c, CTL_activate_secondary))
		return true;
	return !(c->n->caps.allowed0[w] & ~val) && !(val & ~nested_allowed1(c->v, w));
}

bool cr3_target_count_ok(const struct check *c)
{
	return c->s->cr3_target_count <= VMXM_CR3_TARGETS(c->n->caps.misc);
}

/* With virtual-interrupt delivery the threshold is not used. */
bool tpr_threshold_bits_ok(const struct check *c)
{
	if (!has(c, CTL_tpr_shadow) || has(c, CTL_virtual_interrupt_delivery))
		return true;
	return !(c->s->tpr_threshold >> 4);
}

/*
 * Bits 3:0 of the threshold against the task-priority class in the virtual-APIC page: at an entry
 * only, the page goes on changing.
 */
bool tpr_threshold_ok(const struct check *c)
{
	u32 vtpr = 0;

	/* A page that is not memory reads as all ones. */
	if (mmu_read(c->v->vm, c->s->virtual_apic_page_addr + APIC_TASKPRI, &vtpr, sizeof(vtpr)))
		return true;
	return (c->s->tpr_threshold & 15) <= ((vtpr >> 4) & 15);
}

bool eptp_memtype_ok(const struct nvmx_vcpu *v, u64 eptp)
{
	switch (eptp & EPTP_MEMTYPE) {
	case EPTP_UC:
		return v->nested->caps.ept_vpid & EVC_UC;
	case EPTP_WB:
		return v->nested->caps.ept_vpid & EVC_WB;
	default:
		return false;
	}
}

bool eptp_levels_ok(const struct nvmx_vcpu *v, u64 eptp)
{
	switch (eptp & EPTP_WALK) {
	case EPTP_LEVELS(4):
		return v->nested->caps.ept_vpid & EVC_WALK4;
	case EPTP_LEVELS(5):
		return v->nested->caps.ept_vpid & EVC_WALK5;
	default:
		return false;
	}
}

bool eptp_ad_ok(const struct nvmx_vcpu *v, u64 eptp)
{
	return !(eptp & EPTP_AD) || v->nested->caps.ept_vpid & EVC_AD;
}

bool eptp_reserved_ok(const struct nvmx_vcpu *v, u64 eptp)
{
	return !(eptp & EPTP_RESERVED) && !(eptp >> nested_maxphyaddr(v));
}

bool nested_eptp_ok(const struct nvmx_vcpu *v, u64 eptp)
{
	return eptp_memtype_ok(v, eptp) && eptp_levels_ok(v, eptp) && eptp_ad_ok(v, eptp) &&
	       eptp_reserved_ok(v, eptp);
}

bool vm_functions_ok(const struct check *c)
{
	return !(c->s->vm_function_control & ~c->n->caps.vmfunc);
}

/* MSR lists: nothing is checked where the count is 0. */
bool list_aligned(u64 addr, u32 count)
{
	return !count || !(addr & (MSR_ENTRY_SIZE - 1));
}

bool list_fits(const struct check *c, u64 addr, u32 count)
{
	u64 last = addr + (u64)count * MSR_ENTRY_SIZE - 1;

	return !count || (pa_fits(c, addr) && pa_fits(c, last) && last >= addr);
}

/* ---- event injection. SDM "VM-Entry Control Fields" [sdm:check-entry] ---- */

bool event_type_ok(const struct check *c)
{
	if (!c->event)
		return true;
	if (c->event_type == 1u << 8)
		return false;
	return c->event_type != EVT_TYPE_OTHER || nested_offers(c->v, CTL_monitor_trap_flag);
}

bool event_vector_ok(const struct check *c)
{
	u32 vector = c->s->vm_entry_intr_info_field & EVT_VECTOR;

	if (!c->event)
		return true;
	switch (c->event_type) {
	case EVT_TYPE_NMI:
		return vector == VEC_NMI;
	case EVT_TYPE_HWEXC:
		return vector < 32;
	case EVT_TYPE_OTHER:
		return vector == 0;
	default:
		return true;
	}
}

static bool vector_has_code(u32 vector)
{
	switch (vector) {
	case VEC_DF:
	case VEC_TS:
	case VEC_NP:
	case VEC_SS:
	case VEC_GP:
	case VEC_PF:
	case VEC_AC:
		return true;
	default:
		return false;
	}
}

/* The bit is wrong when set where no error code is pushed, and when clear where one is. */
bool event_has_code_ok(const struct check *c)
{
	u32 info = c->s->vm_entry_intr_info_field;
	bool protected_mode = !c->urg || c->s->guest_cr0 & X86_CR0_PE;
	bool due = c->event_type == EVT_TYPE_HWEXC && protected_mode &&
		   vector_has_code(info & EVT_VECTOR);

	return !c->event || due == !!(info & EVT_HAS_CODE);
}

#define EVENT_RESERVED	0x7ffff000u	/* bits 30:12 */

bool event_reserved_ok(const struct check *c)
{
	return !c->event || !(c->s->vm_entry_intr_info_field & EVENT_RESERVED);
}

/* An error code has 16 bits. */
bool event_code_ok(const struct check *c)
{
	if (!c->event || !(c->s->vm_entry_intr_info_field & EVT_HAS_CODE))
		return true;
	return !(c->s->vm_entry_exception_error_code >> 16);
}

bool event_length_ok(const struct check *c)
{
	u32 len = c->s->vm_entry_instruction_len;

	if (!injects(c, EVT_TYPE_SOFTINT) && !injects(c, EVT_TYPE_PRIVSW) &&
	    !injects(c, EVT_TYPE_SWEXC))
		return true;
	if (!len)
		return c->n->caps.misc & VMXM_ZERO_LEN;
	return len <= 15;
}
