// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shadow VMCS that L1 gives to L2, so that VMREAD and VMWRITE of L2 need no exit to L1.
 *
 * It is one more VMCS of L1: its copy is in a context like any other, which a VMPTRLD by L1 finds
 * as L2 has left it.  The context is held from the entry to the exit, which writes it to L1's
 * memory, as KVM does.  Hardware's own shadowing is not used for L2: L0 carries the instructions
 * out on the copy (insn.c).
 * SDM "VMCS Types: Ordinary and Shadow" [sdm:vmcs-shadow]
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/types.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

bool nested_links(const struct vmcs12 *vmcs12)
{
	return vmcs12_has(vmcs12, CTL_vmcs_shadowing) &&
	       vmcs12->vmcs_link_pointer != NESTED_NO_PA;
}

/* The check has looked at memory, which others may write: what was copied is judged again. */
int nested_link(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	u64 pa = vmcs12->vmcs_link_pointer;
	struct l2_context *c;
	bool active;
	int err;

	if (likely(!nested_links(vmcs12)))
		return 0;
	active = nested_context_find(v, pa);
	err = nested_context_get(v, pa, &c);
	if (err)
		return err == -ENOMEM ? err : -EINVAL;
	if (c->vmcs12->revision != (VMCS12_REVISION | VMCS12_SHADOW)) {
		if (!active)
			nested_context_free(v, c);
		return -EINVAL;
	}
	v->nested->linked12 = c;
	return 0;
}

void nested_unlink(struct nvmx_vcpu *v)
{
	v->nested->linked12 = NULL;
}

void nested_flush_link(struct nvmx_vcpu *v)
{
	struct l2_context *c = v->nested->linked12;

	/* What L1's memory does not take is L1's loss, as at an eviction. */
	if (c)
		nested_context_flush(v, c);
}
