// SPDX-License-Identifier: GPL-2.0-only
/*
 * Predicates of table 4 on control registers and MSRs, for the host-state and the guest-state area.
 *
 * SDM "Checks on Host Control Registers, MSRs, and SSP" [sdm:check-host_cr]
 */
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/vmx.h>
#include "check_int.h"

#define EFER_BITS	(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX)

/* @exempt: bits that unrestricted guest lets go of. Cache-disable bits are never checked. */
bool cr0_fixed_ok(const struct check *c, u64 cr0, u64 exempt)
{
	u64 fixed0 = c->n->caps.cr0_fixed0 & ~exempt;
	u64 unchecked = X86_CR0_NW | X86_CR0_CD;

	return !(fixed0 & ~cr0 & ~unchecked) && !(cr0 & ~c->n->caps.cr0_fixed1 & ~unchecked);
}

bool guest_cr0_fixed_ok(const struct check *c)
{
	return cr0_fixed_ok(c, c->s->guest_cr0, c->urg ? X86_CR0_PE | X86_CR0_PG : 0);
}

bool cr4_fixed_ok(const struct check *c, u64 cr4)
{
	return !(c->n->caps.cr4_fixed0 & ~cr4) && !(cr4 & ~nested_cr4_fixed1(c->v));
}

/* Each byte is a memory type: UC 0, WC 1, WT 4, WP 5, WB 6, UC- 7. */
bool pat_ok(u64 pat)
{
	u32 i;

	for (i = 0; i < 8; i++, pat >>= 8)
		if ((pat & 0xff) > 7 || (pat & 0xff) == 2 || (pat & 0xff) == 3)
			return false;
	return true;
}

bool efer_reserved_ok(const struct check *c, u64 efer)
{
	/* Long mode is part of every CPU that nvmx runs on, whatever CPUID shows of NX or SCE. */
	return !(efer & ~(EFER_BITS & (c->v->cpuid->efer_valid | EFER_LMA | EFER_LME)));
}

/* Without paging LME may be set before the guest turns long mode on. */
bool guest_efer_lme_ok(const struct check *c)
{
	if (!(c->s->guest_cr0 & X86_CR0_PG))
		return true;
	return !!(c->s->guest_ia32_efer & EFER_LME) == c->ia32e;
}
