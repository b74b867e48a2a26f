// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interface in CPUID: what is offered, and what a guest was shown.
 */
#include <linux/cpu.h>
#include <linux/kvm.h>
#include <linux/string.h>
#include <linux/types.h>

#include <nvmx/irq.h>

#include "hv_int.h"

#define FEATURES_EAX	(TLFS_VP_RUNTIME | TLFS_TIME_REF | TLFS_SYNIC | TLFS_STIMER | TLFS_APIC | \
			 TLFS_HYPERCALL | TLFS_VP_INDEX | TLFS_RESET | TLFS_REF_TSC | \
			 TLFS_FREQUENCIES | TLFS_REENLIGHTENMENT)
#define FEATURES_EBX	(TLFS_POST_MESSAGES | TLFS_SIGNAL_EVENTS | TLFS_DEBUGGING)
#define FEATURES_EDX	(TLFS_GUEST_DEBUGGING | TLFS_XMM_INPUT | TLFS_FREQUENCY_MSRS | \
			 TLFS_CRASH_MSRS | TLFS_DEBUG_MSRS)
#define ADVICE_EAX	(TLFS_USE_REMOTE_FLUSH | TLFS_USE_APIC_MSRS | TLFS_RELAXED_TIMING | \
			 TLFS_NO_AUTO_EOI | TLFS_USE_EX_MASKS)

/* The name that KVM has here is how user space and guests know the interface. */
#define VENDOR		.ebx = 0x756e694c, .ecx = 0x564b2078, .edx = 0x7648204d /* Linux KVM Hv */

/* The version is that of Windows Server 2016. The MSR bitmap is advice to users of the VMCS. */
static const struct kvm_cpuid_entry2 leaves[HV_NR_LEAVES] = {
	{ .function = TLFS_LEAF_VENDOR, .eax = TLFS_LEAF_DEBUG, VENDOR },
	{ .function = TLFS_LEAF_INTERFACE, .eax = TLFS_INTERFACE },
	{ .function = TLFS_LEAF_VERSION, .eax = 0x3839, .ebx = 0xa0000 },
	{ .function = TLFS_LEAF_FEATURES, .eax = FEATURES_EAX, .ebx = FEATURES_EBX,
	  .edx = FEATURES_EDX },
	{ .function = TLFS_LEAF_ADVICE, .eax = ADVICE_EAX, .ebx = TLFS_SPIN_TRIES },
	{ .function = TLFS_LEAF_LIMITS, .eax = NVMX_MAX_VCPUS, .ebx = NVMX_MAX_VCPUS },
	{ .function = TLFS_LEAF_NESTED, .eax = TLFS_NESTED_MSR_BITMAP },
	{ .function = TLFS_LEAF_DEBUG_VENDOR, VENDOR },
	{ .function = TLFS_LEAF_DEBUG_INTERFACE, .eax = TLFS_DEBUG_INTERFACE },
	{ .function = TLFS_LEAF_DEBUG, .eax = TLFS_ALLOW_DEBUGGING },
};

static void adjust(struct kvm_cpuid_entry2 *e, bool apic, u16 evmcs)
{
	if (e->function == TLFS_LEAF_FEATURES && apic)
		e->edx |= TLFS_DIRECT_STIMER;
	if (e->function == TLFS_LEAF_NESTED)
		e->eax |= evmcs;
	if (e->function != TLFS_LEAF_ADVICE)
		return;
	if (apic)
		e->eax |= TLFS_USE_CLUSTER_IPI;
	if (evmcs)
		e->eax |= TLFS_USE_EVMCS;
	if (!cpu_smt_possible())
		e->eax |= TLFS_NO_CORE_SHARING;
}

void hv_supported_cpuid(const struct nvmx_vcpu *v, struct kvm_cpuid_entry2 e[HV_NR_LEAVES])
{
	u32 i;

	memcpy(e, leaves, sizeof(leaves));
	for (i = 0; i < HV_NR_LEAVES; i++)
		adjust(&e[i], !v || irq_in_kernel(v), hv_evmcs_versions(v));
}

void hv_cpuid_changed(struct nvmx_vcpu *v)
{
	static const struct kvm_cpuid_entry2 nothing;
	const struct kvm_cpuid_entry2 *e;
	struct hv_vcpu *hv = v->hv;

	e = vmx_find_cpuid(v, TLFS_LEAF_INTERFACE, 0) ?: &nothing;
	hv->cpuid.on = e->eax == TLFS_INTERFACE;
	e = vmx_find_cpuid(v, TLFS_LEAF_FEATURES, 0) ?: &nothing;
	hv->cpuid.features_eax = e->eax;
	hv->cpuid.features_ebx = e->ebx;
	hv->cpuid.features_edx = e->edx;
	e = vmx_find_cpuid(v, TLFS_LEAF_ADVICE, 0) ?: &nothing;
	hv->cpuid.advice_eax = e->eax;
	hv->cpuid.advice_ebx = e->ebx;
	e = vmx_find_cpuid(v, TLFS_LEAF_DEBUG, 0) ?: &nothing;
	hv->cpuid.debug_eax = e->eax;
	hv_update_evmcs(v);
}

bool hv_enabled(const struct nvmx_vcpu *v)
{
	return v->hv->cpuid.on;
}

void hv_enforce_cpuid(struct nvmx_vcpu *v, bool on)
{
	v->hv->enforce = on;
}
