// SPDX-License-Identifier: GPL-2.0-only
/*
 * Machine-check MSRs: as many banks as user space asked for, filled by KVM_X86_SET_MCE.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/types.h>
#include <asm/mce.h>

#include "msr.h"

#define MC_IS_CTL(msr)	(((msr) & 3) == 0)
#define MC_IS_STATUS(msr) (((msr) & 3) == 1)

static u32 nr_banks(const struct nvmx_vcpu *v)
{
	return min_t(u32, v->mcg_cap & MCG_BANKCNT_MASK, NVMX_MCE_BANKS);
}

static u64 *bank_slot(struct nvmx_vcpu *v, u32 msr)
{
	u32 i = msr - MC_BANKS;

	if (i >= nr_banks(v) * 4)
		return NULL;
	return &v->mc_bank[array_index_nospec(i, ARRAY_SIZE(v->mc_bank))];
}

int msr_get_mc_bank(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	const u64 *slot = bank_slot(v, msr);

	if (!slot)
		return -ENOENT;
	*val = *slot;
	return 0;
}

/*
 * CTL is all or nothing; Linux clears bit 10 of bank 4 and bit 0 of others, for errata.
 * STATUS: software can only clear it. SDM "IA32_MCi_STATUS MSRS" [sdm:mci-status]
 */
int msr_set_mc_bank(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	u64 *slot = bank_slot(v, msr);

	if (!slot)
		return -ENOENT;
	if (MC_IS_CTL(msr) && val && (val | BIT(10) | BIT(0)) != ~0ull)
		return -EINVAL;
	if (MC_IS_STATUS(msr) && val && by == MSR_BY_GUEST)
		return -EINVAL;
	*slot = val;
	return 0;
}

/* SDM "IA32_MCi_CTL2 MSRs" [sdm:mci-ctl2]; the host may read and clear what is not there. */
static u64 *ctl2_slot(struct nvmx_vcpu *v, u32 msr)
{
	u32 i = msr - MC_CTL2;

	return i < nr_banks(v) ? &v->mc_ctl2[array_index_nospec(i, NVMX_MCE_BANKS)] : NULL;
}

int msr_get_mc_ctl2(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	const u64 *slot = ctl2_slot(v, msr);

	if (!slot || (!(v->mcg_cap & MCG_CMCI_P) && by == MSR_BY_GUEST))
		return -ENOENT;
	*val = *slot;
	return 0;
}

int msr_set_mc_ctl2(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	u64 *slot = ctl2_slot(v, msr);

	if (!slot || (!(v->mcg_cap & MCG_CMCI_P) && (by == MSR_BY_GUEST || val)))
		return -ENOENT;
	*slot = val;
	return 0;
}

static bool has_mcg_ctl(const struct nvmx_vcpu *v, enum msr_by by)
{
	return (v->mcg_cap & MCG_CTL_P) || by == MSR_BY_HOST;
}

int msr_get_mcg_ctl(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = v->mcg_ctl;
	return has_mcg_ctl(v, by) ? 0 : -ENOENT;
}

int msr_set_mcg_ctl(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (!has_mcg_ctl(v, by))
		return -ENOENT;
	if (val && val != ~0ull)
		return -EINVAL;
	v->mcg_ctl = val;
	return 0;
}

int msr_set_mcg_ext_ctl(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (!(v->mcg_cap & MCG_LMCE_P) || val & ~(u64)MCG_EXT_CTL_LMCE_EN)
		return -EINVAL;
	v->mcg_ext_ctl = val;
	return 0;
}
