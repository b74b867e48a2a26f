// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of a vCPU's VMX operation, and the small questions the machine asks about it.
 */
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/nested.h>
#include <nvmx/vmx.h>
#include "nested_int.h"

int nested_module_init(void)
{
	nested_caps_init();
	return nested_fields_init();
}

void nested_module_exit(void)
{
	nested_fields_exit();
}

int nested_vcpu_init(struct nvmx_vcpu *v)
{
	struct nested_vcpu *n = kzalloc(sizeof(*n), GFP_KERNEL_ACCOUNT);

	if (!n)
		return -ENOMEM;
	INIT_LIST_HEAD(&n->contexts);
	n->vmxon_pa = NESTED_NO_PA;
	n->caps = nested_caps;
	v->nested = n;
	return 0;
}

/*
 * Nothing is written back: nobody can run this VM again, and the process whose memory it was may
 * be gone.
 */
void nested_vcpu_free(struct nvmx_vcpu *v)
{
	if (!v->nested)
		return;
	nested_leave(v, false);
	nested_contexts_free_all(v);
	kfree(v->nested);
	v->nested = NULL;
}

bool nested_vmxon(const struct nvmx_vcpu *v)
{
	return v->nested->vmxon;
}

void nested_vmxon_begin(struct nvmx_vcpu *v, u64 vmxon_pa)
{
	struct nested_vcpu *n = v->nested;

	n->vmxon = true;
	n->vmxon_pa = vmxon_pa;
}

/*
 * Nothing is written to L1's memory: VMXOFF has done that.  After a reset or a new nested state
 * that memory is somebody else's, who may have loaded a kernel there.
 */
void nested_vmxon_end(struct nvmx_vcpu *v)
{
	struct nested_vcpu *n = v->nested;

	nested_contexts_free_all(v);
	n->vmxon = false;
	n->vmxon_pa = NESTED_NO_PA;
}

bool nested_pa_ok(const struct nvmx_vcpu *v, u64 pa)
{
	return !(pa & ~PAGE_MASK) && !(pa >> nested_maxphyaddr(v));
}

/*
 * The VM-instruction error is a field of the current VMCS; without one there is only the flag.
 * SDM "Conventions" of the VMX instruction reference [sdm:vmx-conventions]
 */
struct vmx_result nested_fail(struct nvmx_vcpu *v, u32 error)
{
	struct l2_context *c = v->nested->current12;

	if (!c)
		return vm_fail_invalid();
	if (c->vmcs12->vm_instruction_error != error) {
		c->vmcs12->vm_instruction_error = error;
		c->stale = true;
		nested_shadow_touch(v, c);
	}
	if (c->evmcs)
		nested_evmcs_put_error(v, c);
	return vm_fail(error);
}

/*
 * Bits that are fixed in VMX operation.  In L2, unrestricted guest lets go of PE and PG.
 * SDM "Restrictions on VMX Operation" [sdm:vmx-restrictions]
 */
bool nested_cr0_valid(const struct nvmx_vcpu *v, u64 cr0)
{
	const struct nested_vcpu *n = v->nested;
	u64 fixed0 = n->caps.cr0_fixed0;

	if (!n->vmxon)
		return true;
	if (is_guest_mode(v) && n->current12 &&
	    vmcs12_has(n->current12->vmcs12, CTL_unrestricted_guest))
		fixed0 &= ~(u64)(X86_CR0_PE | X86_CR0_PG);
	return !(fixed0 & ~cr0) && !(cr0 & ~n->caps.cr0_fixed1);
}

bool nested_cr4_valid(const struct nvmx_vcpu *v, u64 cr4)
{
	const struct nested_vcpu *n = v->nested;

	if (!n->vmxon)
		return true;
	return !(n->caps.cr4_fixed0 & ~cr4) && !(cr4 & ~nested_cr4_fixed1(v));
}

/* What CPUID shows bounds what may be offered, and every width that a check looks at. */
void nested_cpuid_changed(struct nvmx_vcpu *v)
{
	if (!v->cpuid->vmx)
		nested_leave(v, true);
	if (!v->evmcs && !is_guest_mode(v) && nested_evmcs_current(v))
		nested_make_current(v, NULL);
	nested_caps_follow_cpuid(v);
	nested_contexts_uncheck(v);
}
