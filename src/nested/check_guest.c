// SPDX-License-Identifier: GPL-2.0-only
/*
 * Predicates of table 4's GUEST stage that are more than an expression, but for segments.
 *
 * SDM "Checking and Loading Guest State" [sdm:check-guest]
 */
#include <linux/gfp.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/mmu.h>
#include <nvmx/vmx.h>
#include "check_int.h"

#define DEBUGCTL_KNOWN	0xffc3ull	/* bits 0, 1, 6 to 15 */
#define BNDCFGS_RESERVED 0xffcull
#define PDPTE_PRESENT	1ull
#define PDPTE_RESERVED	0x1e6ull	/* bits 1, 2, 5 to 8 */

bool debugctl_ok(const struct check *c)
{
	return !(c->s->guest_ia32_debugctl & ~DEBUGCTL_KNOWN);
}

/* Bits 11:2 are reserved; the base is that of a page. */
bool bndcfgs_bits_ok(const struct check *c)
{
	return !(c->s->guest_bndcfgs & BNDCFGS_RESERVED);
}

bool bndcfgs_base_ok(const struct check *c)
{
	return canonical(c, c->s->guest_bndcfgs & PAGE_MASK);
}

/* 64-bit code has 64-bit addresses that sign-extend; all other code has 32 bits. */
bool rip_ok(const struct check *c)
{
	u64 rip = c->s->guest_rip;

	if (!c->ia32e || !(c->s->guest_cs_ar_bytes & SEGAR_L))
		return !(rip >> 32);
	return canonical(c, rip);
}

/* ---- activity state. SDM "Checks on Guest Non-Register State" [sdm:check-nonreg] ---- */

bool activity_supported(const struct check *c)
{
	switch (c->s->guest_activity_state) {
	case ACTIVITY_ACTIVE:
		return true;
	case ACTIVITY_HLT:
		return c->n->caps.misc & VMXM_HLT;
	case ACTIVITY_SHUTDOWN:
		return c->n->caps.misc & VMXM_SHUTDOWN;
	case ACTIVITY_WAIT_SIPI:
		return c->n->caps.misc & VMXM_WAIT_SIPI;
	default:
		return false;
	}
}

static bool halted_takes_event(const struct check *c)
{
	u32 vector = c->s->vm_entry_intr_info_field & EVT_VECTOR;

	switch (c->event_type) {
	case EVT_TYPE_EXTINT:
	case EVT_TYPE_NMI:
		return true;
	case EVT_TYPE_HWEXC:
		return vector == VEC_DB || vector == VEC_MC;
	case EVT_TYPE_OTHER:
		return vector == 0;
	default:
		return false;
	}
}

static bool shutdown_takes_event(const struct check *c)
{
	u32 vector = c->s->vm_entry_intr_info_field & EVT_VECTOR;

	return injects(c, EVT_TYPE_NMI) || (injects(c, EVT_TYPE_HWEXC) && vector == VEC_MC);
}

bool activity_takes_event(const struct check *c)
{
	if (!c->event)
		return true;
	switch (c->s->guest_activity_state) {
	case ACTIVITY_HLT:
		return halted_takes_event(c);
	case ACTIVITY_SHUTDOWN:
		return shutdown_takes_event(c);
	case ACTIVITY_WAIT_SIPI:
		return false;
	default:
		return true;
	}
}

/* ---- pending debug exceptions ---- */

#define DEBUGCTL_BTF	BIT(1)
#define PENDING_KNOWN	((u64)(PDE_B0_B3 | PDE_ENABLED_BP | PDE_BS | PDE_RTM))

bool pending_debug_reserved_ok(const struct check *c)
{
	return !(c->s->guest_pending_dbg_exceptions & ~PENDING_KNOWN);
}

/* Where a single-step trap may be waiting, BS says what TF and BTF say. */
bool pending_debug_bs_ok(const struct check *c)
{
	bool waits = c->s->guest_interruptibility_info & INTS_STI_MOVSS ||
		     c->s->guest_activity_state == ACTIVITY_HLT;
	bool steps = c->s->guest_rflags & X86_EFLAGS_TF &&
		     !(c->s->guest_ia32_debugctl & DEBUGCTL_BTF);

	return !waits || steps == !!(c->s->guest_pending_dbg_exceptions & PDE_BS);
}

/* A debug exception inside a transactional region comes alone. */
bool pending_debug_rtm_ok(const struct check *c)
{
	u64 pending = c->s->guest_pending_dbg_exceptions;
	const struct kvm_cpuid_entry2 *leaf7;

	if (!(pending & PDE_RTM))
		return true;
	leaf7 = vmx_find_cpuid(c->v, 7, 0);
	if (!leaf7 || !(leaf7->ebx & BIT(11)))
		return false;
	return pending == (PDE_RTM | PDE_ENABLED_BP) &&
	       !(c->s->guest_interruptibility_info & INTS_MOVSS);
}

/* ---- VMCS link pointer ---- */

static bool link_pointer_word(const struct check *c, u32 *word)
{
	return !mmu_read(c->v->vm, c->s->vmcs_link_pointer, word, sizeof(*word));
}

bool link_pointer_revision_ok(const struct check *c)
{
	u32 word;

	return link_pointer_word(c, &word) && (word & ~VMCS12_SHADOW) == VMCS12_REVISION;
}

bool link_pointer_shadow_ok(const struct check *c)
{
	u32 word;

	return link_pointer_word(c, &word) &&
	       !!(word & VMCS12_SHADOW) == has(c, CTL_vmcs_shadowing);
}

bool link_pointer_current_ok(const struct check *c)
{
	return c->s->vmcs_link_pointer != c->pa;
}

/* ---- page-directory-pointer-table entries ---- */

static bool pdpte_ok(const struct check *c, u64 pdpte)
{
	if (!(pdpte & PDPTE_PRESENT))
		return true;
	return !(pdpte & PDPTE_RESERVED) && pa_fits(c, pdpte);
}

/* With EPT the entries are fields of vmcs12; without they are where CR3 points. */
bool pdptes_ok(const struct check *c)
{
	u64 *pdpte = c->v->nested->checked_pdpte;
	u32 i;

	if (has(c, CTL_ept)) {
		pdpte[0] = c->s->guest_pdptr0;
		pdpte[1] = c->s->guest_pdptr1;
		pdpte[2] = c->s->guest_pdptr2;
		pdpte[3] = c->s->guest_pdptr3;
	} else if (mmu_read(c->v->vm, c->s->guest_cr3 & 0xffffffe0, pdpte, 4 * sizeof(*pdpte))) {
		return false;
	}
	for (i = 0; i < 4; i++)
		if (!pdpte_ok(c, pdpte[i]))
			return false;
	return true;
}
