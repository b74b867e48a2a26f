// SPDX-License-Identifier: GPL-2.0-only
/*
 * MTRRs and PAT: kept for the guest, without effect.  EPT decides what memory really is.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/types.h>

#include "msr.h"

#define VAR_MASK_VALID	BIT(11)
#define DEF_RESERVED	(~0xcffull)

/* UC, WC, WT, WP, WB. SDM "Memory Types That Can Be Encoded in MTRRs" [sdm:mtrr-types] */
#define MTRR_TYPES	(BIT(0) | BIT(1) | BIT(4) | BIT(5) | BIT(6))
#define PAT_TYPES	(MTRR_TYPES | BIT(7))		/* and UC- */

static bool type_valid(u8 type, u32 types)
{
	return type < 8 && (types & BIT(type));
}

static bool types_valid(u64 val, u32 types)
{
	int i;

	for (i = 0; i < 64; i += 8)
		if (!type_valid(val >> i, types))
			return false;
	return true;
}

static u64 *var_slot(struct nvmx_vcpu *v, u32 msr)
{
	u32 i = array_index_nospec(msr - MTRR_VAR, ARRAY_SIZE(v->mtrr_var));

	return &v->mtrr_var[i];
}

int msr_get_mtrr_var(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = *var_slot(v, msr);
	return 0;
}

/* Even ones are bases, odd ones masks. */
int msr_set_mtrr_var(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	u64 reserved = GENMASK_ULL(63, v->cpuid->maxphyaddr);

	if (msr & 1)
		reserved |= GENMASK_ULL(10, 0);
	else
		reserved |= GENMASK_ULL(11, 8);
	if (val & reserved)
		return -EINVAL;
	if (!(msr & 1) && !type_valid(val, MTRR_TYPES))
		return -EINVAL;
	*var_slot(v, msr) = val;
	return 0;
}

/* In the array: 64K, 16K (2), 4K (8). */
static u64 *fixed_slot(struct nvmx_vcpu *v, u32 msr)
{
	u32 i = 0;

	if (msr >= MTRR_FIX4K)
		i = 3 + msr - MTRR_FIX4K;
	else if (msr >= MTRR_FIX16K)
		i = 1 + msr - MTRR_FIX16K;
	return &v->mtrr_fixed[array_index_nospec(i, ARRAY_SIZE(v->mtrr_fixed))];
}

int msr_get_mtrr_fixed(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = *fixed_slot(v, msr);
	return 0;
}

int msr_set_mtrr_fixed(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (!types_valid(val, MTRR_TYPES))
		return -EINVAL;
	*fixed_slot(v, msr) = val;
	return 0;
}

int msr_set_mtrr_def(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (val & DEF_RESERVED || !type_valid(val, MTRR_TYPES))
		return -EINVAL;
	v->mtrr_def = val;
	return 0;
}

/* Entries and exits switch it: the VMCS has the value of the current level. */
int msr_get_pat(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = vmcs_read(v, guest_ia32_pat);
	return 0;
}

int msr_set_pat(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (!types_valid(val, PAT_TYPES))
		return -EINVAL;
	v->pat = val;
	vmcs_write(v, guest_ia32_pat, val);
	return 0;
}
