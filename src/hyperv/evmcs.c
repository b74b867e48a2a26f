// SPDX-License-Identifier: GPL-2.0-only
/*
 * The enlightened VMCS: who may use it, and where the guest has put it.  What it is, src/nested
 * knows.
 */
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <asm/hyperv-tlfs.h>

#include <nvmx/evmcs.h>
#include <nvmx/mmu.h>
#include <nvmx/nested.h>
#include <nvmx/vmcs12.h>

#include "hv_int.h"

#define VERSIONS	(EVMCS_VERSION << 8 | EVMCS_VERSION)
#define NOWHERE		(~0ull)

/* Table 6 and the kernel, which uses such a VMCS itself, agree. */
#define NVMX_EVMCS(name, at, clean, flow)						\
	static_assert(offsetof(struct hv_enlightened_vmcs, name) == (at) &&		\
		      sizeof_field(struct hv_enlightened_vmcs, name) ==			\
		      sizeof_field(struct vmcs12, name));
#include <nvmx/evmcs_fields.h>
#undef NVMX_EVMCS
static_assert(sizeof(struct hv_enlightened_vmcs) == EVMCS_SIZE);
static_assert(offsetof(struct hv_enlightened_vmcs, hv_clean_fields) == EVMCS_AT_CLEAN);
static_assert(offsetof(struct hv_vp_assist_page, current_nested_vmcs) ==
	      offsetof(struct tlfs_vp_assist, current_vmcs));
static_assert(offsetof(struct hv_vp_assist_page, enlighten_vmentry) ==
	      offsetof(struct tlfs_vp_assist, enlightened_entry));

u16 hv_evmcs_versions(const struct nvmx_vcpu *v)
{
	return !v || v->hv->evmcs ? VERSIONS : 0;
}

void hv_update_evmcs(struct nvmx_vcpu *v)
{
	v->evmcs = v->hv->evmcs && v->hv->cpuid.on;
}

bool hv_evmcs_enabled(const struct nvmx_vcpu *v)
{
	return v->hv->evmcs;
}

u16 hv_enable_evmcs(struct nvmx_vcpu *v)
{
	v->hv->evmcs = true;
	hv_update_evmcs(v);
	/* Controls without a field are offered no longer. */
	nested_cpuid_changed(v);
	return VERSIONS;
}

bool hv_enlightened_entry(const struct nvmx_vcpu *v, u64 *gpa)
{
	u64 page = v->hv->vp_assist;
	struct tlfs_vp_assist assist;

	if (!v->evmcs || !(page & TLFS_ENABLE) ||
	    mmu_read(v->vm, page & TLFS_PAGE, &assist, sizeof(assist)))
		return false;
	*gpa = assist.current_vmcs;
	return assist.enlightened_entry && *gpa != NOWHERE;
}
