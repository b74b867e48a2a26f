// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading and writing MSRs by their rows, and the lists that user space asks for.
 */
#include <linux/bsearch.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/types.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include <nvmx/arch.h>
#include <nvmx/nested.h>

#include "exit.h"
#include "msr.h"

#define MAX_LISTED	128

static int compare(const void *key, const void *elt)
{
	const struct msr_row *row = elt;
	u32 msr = *(const u32 *)key;

	if (msr < row->first)
		return -1;
	return msr > row->last;
}

static const struct msr_row *find_row(u32 msr)
{
	return __inline_bsearch(&msr, msr_rows, msr_nr_rows, sizeof(*msr_rows), compare);
}

/* There is no such MSR for this one who asks. */
static bool is_hidden(const struct nvmx_vcpu *v, const struct msr_row *row, enum msr_by by)
{
	if (by == MSR_BY_HOST)
		return false;
	return (row->flags & MSR_HOST) || (row->exists && !row->exists(v));
}

static u64 *field_of(struct nvmx_vcpu *v, const struct msr_row *row)
{
	return (void *)v + row->field;
}

static int row_get(struct nvmx_vcpu *v, const struct msr_row *row, u32 msr, u64 *val,
		   enum msr_by by)
{
	if (row->flags & MSR_WO)
		return -EINVAL;
	if (row->get)
		return row->get(v, msr, val, by);
	*val = row->field ? *field_of(v, row) : row->value;
	return 0;
}

static bool may_write(struct nvmx_vcpu *v, const struct msr_row *row, u64 val, enum msr_by by)
{
	if (row->flags & MSR_RO || val & row->reserved)
		return false;
	if (row->flags & MSR_GUEST_RO && by == MSR_BY_GUEST)
		return false;
	if (row->flags & MSR_CANONICAL)
		return !is_noncanonical(val, vmx_cr4(v) & X86_CR4_LA57 ? 57 : 48);
	return true;
}

static int row_set(struct nvmx_vcpu *v, const struct msr_row *row, u32 msr, u64 val,
		   enum msr_by by)
{
	if (!may_write(v, row, val, by))
		return -EINVAL;
	if (row->flags & MSR_DROPPED && by == MSR_BY_GUEST)
		return 0;
	if (row->set)
		return row->set(v, msr, val, by);
	if (row->field)
		*field_of(v, row) = val;
	return 0;
}

static int vmx_msr_get(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	if (by == MSR_BY_GUEST && !v->cpuid->vmx)
		return -ENOENT;
	return nested_get_msr(v, msr, val, by);
}

int msr_get(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	const struct msr_row *row;

	*val = 0;
	if (nested_is_vmx_msr(msr))
		return vmx_msr_get(v, msr, val, by);
	row = find_row(msr);
	if (!row || is_hidden(v, row, by))
		return -ENOENT;
	return row_get(v, row, msr, val, by);
}

int msr_set(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	const struct msr_row *row;

	/* Capability MSRs are read-only; the host chooses what they say. */
	if (nested_is_vmx_msr(msr))
		return by == MSR_BY_HOST ? nested_set_msr(v, msr, val) : -EINVAL;
	row = find_row(msr);
	if (!row || is_hidden(v, row, by))
		return -ENOENT;
	return row_set(v, row, msr, val, by);
}

int vmx_get_msr(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	return msr_get(v, msr, val, by) ? -EINVAL : 0;
}

int vmx_set_msr(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	return msr_set(v, msr, val, by) ? -EINVAL : 0;
}

/* ---- lists ---- */

/* Those that the host may write back; the others follow from them. */
static const u32 listed_vmx_msrs[] = {
	MSR_IA32_VMX_BASIC, MSR_IA32_VMX_TRUE_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PROCBASED_CTLS,
	MSR_IA32_VMX_TRUE_EXIT_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS, MSR_IA32_VMX_MISC,
	MSR_IA32_VMX_CR0_FIXED0, MSR_IA32_VMX_CR4_FIXED0, MSR_IA32_VMX_VMCS_ENUM,
	MSR_IA32_VMX_PROCBASED_CTLS2, MSR_IA32_VMX_EPT_VPID_CAP,
};

static const u32 feature_msrs[] = {
	MSR_IA32_UCODE_REV, MSR_PLATFORM_INFO, MSR_IA32_ARCH_CAPABILITIES,
	MSR_IA32_PERF_CAPABILITIES,
};

struct msr_list {
	u32 n;
	u32 msr[MAX_LISTED];
};

static DEFINE_MUTEX(lists_lock);	/* both lists are made once */
static struct msr_list index_list, feature_list;

static void add(struct msr_list *list, u32 msr)
{
	if (!WARN_ON_ONCE(list->n >= MAX_LISTED))
		list->msr[list->n++] = msr;
}

/* MSRs that this CPU does not give to a guest are not worth saving. */
static bool is_useful(u32 msr)
{
	switch (msr) {
	case MSR_IA32_SPEC_CTRL:
		return boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL);
	case MSR_IA32_XSS:
		return vmx_caps.xsaves;
	case MSR_TSC_AUX:
		return vmx_caps.rdtscp;
	default:
		return true;
	}
}

static void make_index_list(struct msr_list *list)
{
	u32 i, msr;

	for (i = 0; i < msr_nr_rows; i++) {
		WARN_ON_ONCE(i && msr_rows[i].first <= msr_rows[i - 1].last);
		if (!(msr_rows[i].flags & MSR_LISTED))
			continue;
		for (msr = msr_rows[i].first; msr <= msr_rows[i].last; msr++)
			if (is_useful(msr))
				add(list, msr);
	}
	for (i = 0; i < ARRAY_SIZE(listed_vmx_msrs); i++)
		add(list, listed_vmx_msrs[i]);
}

static void make_feature_list(struct msr_list *list)
{
	u32 i, msr;
	u64 val;

	for (i = 0; i < ARRAY_SIZE(feature_msrs); i++)
		add(list, feature_msrs[i]);
	for (msr = MSR_IA32_VMX_BASIC; msr <= MSR_IA32_VMX_VMFUNC; msr++)
		if (!nested_get_feature_msr(msr, &val))
			add(list, msr);
}

static const u32 *get_list(struct msr_list *list, void (*make)(struct msr_list *), u32 *n)
{
	mutex_lock(&lists_lock);
	if (!list->n)
		make(list);
	mutex_unlock(&lists_lock);
	*n = list->n;
	return list->msr;
}

const u32 *vmx_msr_list(u32 *n)
{
	return get_list(&index_list, make_index_list, n);
}

const u32 *vmx_feature_msr_list(u32 *n)
{
	return get_list(&feature_list, make_feature_list, n);
}

/*
 * What the CPU says of itself and is as true for a guest.  Not SKIP_VMENTRY_L1DFLUSH: that is a
 * promise about L0's entries, and L0's L2 entries are not L1's.
 */
#define TRUE_FOR_GUESTS	(ARCH_CAP_RDCL_NO | ARCH_CAP_IBRS_ALL | ARCH_CAP_SSB_NO |	\
			 ARCH_CAP_MDS_NO | ARCH_CAP_PSCHANGE_MC_NO | ARCH_CAP_TAA_NO |	\
			 ARCH_CAP_SBDR_SSDP_NO | ARCH_CAP_FBSDP_NO | ARCH_CAP_PSDP_NO |	\
			 ARCH_CAP_FB_CLEAR | ARCH_CAP_RRSBA | ARCH_CAP_BHI_NO |		\
			 ARCH_CAP_PBRSB_NO | ARCH_CAP_GDS_NO)

static u64 arch_capabilities(void)
{
	u64 val;

	if (!boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		return 0;
	rdmsrl(MSR_IA32_ARCH_CAPABILITIES, val);
	return val & TRUE_FOR_GUESTS;
}

int vmx_get_feature_msr(u32 msr, u64 *val)
{
	switch (msr) {
	case MSR_IA32_ARCH_CAPABILITIES:
		*val = arch_capabilities();
		return 0;
	case MSR_IA32_UCODE_REV:
		*val = (u64)(boot_cpu_data.microcode ?: 1) << 32;
		return 0;
	case MSR_PLATFORM_INFO:
		*val = MSR_PLATFORM_INFO_CPUID_FAULT;
		return 0;
	case MSR_IA32_PERF_CAPABILITIES:
		*val = 0;	/* no PMU */
		return 0;
	default:
		return nested_get_feature_msr(msr, val) ? -EINVAL : 0;
	}
}
