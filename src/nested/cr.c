// SPDX-License-Identifier: GPL-2.0-only
/*
 * CR0 and CR4 of L2, as L2 sees them and as its writes change them.
 *
 * A bit belongs to L1 (vmcs12's mask), else to L0, else to L2.  v->cr0 and v->cr4 are the values as
 * L1 sees them.  SDM "Guest/Host Masks and Read Shadows for CR0 and CR4" [sdm:cr-masks]
 */
#include <linux/types.h>
#include <nvmx/nested.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"

static u64 choose(u64 mask, u64 set, u64 clear)
{
	return (set & mask) | (clear & ~mask);
}

u64 nested_read_cr0(struct nvmx_vcpu *v)
{
	const struct vmcs12 *vmcs12 = nested_vmcs12(v);

	return choose(vmcs12->cr0_guest_host_mask, vmcs12->cr0_read_shadow, vmx_cr0(v));
}

u64 nested_read_cr4(struct nvmx_vcpu *v)
{
	const struct vmcs12 *vmcs12 = nested_vmcs12(v);

	return choose(vmcs12->cr4_guest_host_mask, vmcs12->cr4_read_shadow, vmx_cr4(v));
}

u64 nested_merge_cr0(struct nvmx_vcpu *v, u64 val)
{
	return choose(nested_vmcs12(v)->cr0_guest_host_mask, vmx_cr0(v), val);
}

u64 nested_merge_cr4(struct nvmx_vcpu *v, u64 val)
{
	return choose(nested_vmcs12(v)->cr4_guest_host_mask, vmx_cr4(v), val);
}
