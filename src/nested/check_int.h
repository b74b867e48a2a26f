/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the predicates of table 4 work on: the cached vmcs12 and the facts that many of them need.
 */
#ifndef NESTED_CHECK_INT_H
#define NESTED_CHECK_INT_H

#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/fields.h>
#include <nvmx/vmcs12.h>
#include "nested_int.h"

#define INTS_STI_MOVSS	(INTS_STI | INTS_MOVSS)

/* Filled once per call; nothing in it changes. */
struct check {
	struct nvmx_vcpu *v;
	const struct nested_vcpu *n;
	const struct vmcs12 *s;
	u64 pa;			/* of the region of s */
	u8 maxphyaddr;
	u8 linear_bits;
	bool l1_lma;		/* L1 is in IA-32e mode */
	bool ia32e;		/* L2 will be in IA-32e mode */
	bool vm86;		/* L2 will be in virtual-8086 mode */
	bool urg;		/* unrestricted guest */
	bool entering;		/* it is entered, not restored in the middle of its run */
	bool event;		/* an event is injected, of this type */
	u32 event_type;		/* EVT_TYPE_* */
};

static inline bool has(const struct check *c, enum vmx_ctl ctl)
{
	return vmcs12_has(c->s, ctl);
}

/* The exit goes to 64-bit code of L1. */
static inline bool host64(const struct check *c)
{
	return has(c, CTL_host_address_space_size);
}

/* VM function 0, EPTP switching, is enabled. */
static inline bool eptp_switching(const struct check *c)
{
	return has(c, CTL_vm_functions) && c->s->vm_function_control & 1;
}

static inline bool linked(const struct check *c)
{
	return c->s->vmcs_link_pointer != NESTED_NO_PA;
}

/* The threshold is judged, against what is in the virtual-APIC page. */
static inline bool reads_vtpr(const struct check *c)
{
	return c->entering && has(c, CTL_tpr_shadow) && !has(c, CTL_virtualize_apic_accesses) &&
	       !has(c, CTL_virtual_interrupt_delivery);
}

static inline bool pae_paging(const struct check *c)
{
	return !c->ia32e && (c->s->guest_cr0 & X86_CR0_PG) && (c->s->guest_cr4 & X86_CR4_PAE);
}

/* @b may cost a look at memory: it is evaluated only if @a holds. */
#define implies(a, b)	(!(a) || (b))

static inline bool pa_fits(const struct check *c, u64 pa)
{
	return !(pa >> c->maxphyaddr);
}

static inline bool page_aligned(u64 pa)
{
	return !(pa & 0xfff);
}

static inline bool canonical(const struct check *c, u64 addr)
{
	return !is_noncanonical(addr, c->linear_bits);
}

static inline bool injects(const struct check *c, u32 type)
{
	return c->event && c->event_type == type;
}

static inline bool usable(u32 ar)
{
	return !(ar & SEGAR_UNUSABLE);
}

/* check_ctrl.c */
bool ctl_allowed(const struct check *c, enum vmx_ctl_word w);
bool cr3_target_count_ok(const struct check *c);
bool tpr_threshold_bits_ok(const struct check *c);
bool tpr_threshold_ok(const struct check *c);
bool vm_functions_ok(const struct check *c);
bool eptp_memtype_ok(const struct nvmx_vcpu *v, u64 eptp);
bool eptp_levels_ok(const struct nvmx_vcpu *v, u64 eptp);
bool eptp_ad_ok(const struct nvmx_vcpu *v, u64 eptp);
bool eptp_reserved_ok(const struct nvmx_vcpu *v, u64 eptp);
bool list_aligned(u64 addr, u32 count);
bool list_fits(const struct check *c, u64 addr, u32 count);
bool event_type_ok(const struct check *c);
bool event_vector_ok(const struct check *c);
bool event_has_code_ok(const struct check *c);
bool event_reserved_ok(const struct check *c);
bool event_code_ok(const struct check *c);
bool event_length_ok(const struct check *c);

/* check_host.c: control registers and MSRs of both host and guest */
bool cr0_fixed_ok(const struct check *c, u64 cr0, u64 exempt);
bool guest_cr0_fixed_ok(const struct check *c);
bool cr4_fixed_ok(const struct check *c, u64 cr4);
bool pat_ok(u64 pat);
bool efer_reserved_ok(const struct check *c, u64 efer);
bool guest_efer_lme_ok(const struct check *c);

/* check_guest.c */
bool debugctl_ok(const struct check *c);
bool bndcfgs_bits_ok(const struct check *c);
bool bndcfgs_base_ok(const struct check *c);
bool rip_ok(const struct check *c);
bool activity_supported(const struct check *c);
bool activity_takes_event(const struct check *c);
bool pending_debug_reserved_ok(const struct check *c);
bool pending_debug_bs_ok(const struct check *c);
bool pending_debug_rtm_ok(const struct check *c);
bool link_pointer_revision_ok(const struct check *c);
bool link_pointer_shadow_ok(const struct check *c);
bool link_pointer_current_ok(const struct check *c);
bool pdptes_ok(const struct check *c);

/* check_segment.c: @ar access rights, @limit limit of one register */
bool cs_type_ok(const struct check *c);
bool cs_dpl_ok(const struct check *c);
bool ss_dpl_ok(const struct check *c);
bool ss_type_ok(const struct check *c);
bool data_type_ok(u32 ar);
bool data_dpl_ok(const struct check *c, u32 ar, u16 selector);
bool granularity_ok(u32 ar, u32 limit);
bool tr_type_ok(const struct check *c);

#endif
