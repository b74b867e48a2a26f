// SPDX-License-Identifier: GPL-2.0-only
/*
 * The half of src/nested that runs L2, as the tests of the other half see it: calls are counted.
 */
#include "model.h"

struct vmx_result nested_enter(struct nvmx_vcpu *v, bool launch)
{
	m->enters++;
	m->last_launch = launch;
	v->nested->current12->vmcs12->launch_state = 1;
	return (struct vmx_result){ .kind = VMX_ENTERED };
}

enum nvmx_action nested_reflect_synthetic(struct nvmx_vcpu *v, u32 reason, u64 qual,
					  u32 intr_info, u32 intr_error)
{
	m->reflections++;
	return NVMX_RESUME;
}

void nested_leave(struct nvmx_vcpu *v, bool off)
{
	m->leaves++;
	if (off && v->nested->vmxon)
		nested_vmxon_end(v);
}

void nested_context_drop(struct nvmx_vcpu *v, struct l2_context *c)
{
	m->drops++;
}

void nested_context_forget(struct nvmx_vcpu *v, struct l2_context *c)
{
}

void nested_flush_vpid02(struct nvmx_vcpu *v, u32 type, u16 vpid, u64 gla)
{
	m->flushes++;
	m->last_type = type;
	m->last_vpid = vpid;
	m->last_gla = gla;
}

void nested_ept02_changed(struct nvmx_vcpu *v, u64 eptp, bool all)
{
}

void nested_shadow_attach(struct nvmx_vcpu *v, struct l2_context *c)
{
	m->attaches++;
}

void nested_shadow_detach(struct nvmx_vcpu *v)
{
	m->detaches++;
}

void nested_shadow_pull(struct nvmx_vcpu *v, struct l2_context *c)
{
	m->pulls++;
}

void nested_shadow_touch(struct nvmx_vcpu *v, struct l2_context *c)
{
	m->touches++;
}

/* L2 has moved on in vmcs02: its RIP is what the copy does not have yet. */
void nested_sync_rare(struct nvmx_vcpu *v, struct l2_context *c)
{
	c->rare_stale = false;
	c->vmcs12->guest_gdtr_limit = 0x7f;
	c->stale = true;
}
