// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_NESTED_STATE: VMX operation, and L2, in KVM's own format.
 *
 * The copies are brought up to date and the current one is handed out; the others go to L1's
 * memory, where a migration finds them: whoever saves a VM asks for this before its memory.
 */
#include <linux/errno.h>
#include <linux/kvm.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <nvmx/nested.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

#define HEADER_SIZE	sizeof(struct kvm_nested_state)
#define IMAGE_SIZE	VMCS12_SIZE

static_assert(sizeof(struct kvm_nested_state) == 128);

/* With the shadow vmcs12 of L2. */
u32 nested_state_size(void)
{
	return HEADER_SIZE + 2 * IMAGE_SIZE;
}

static void fill_l2(struct nvmx_vcpu *v, struct kvm_nested_state *s)
{
	const struct nested_vcpu *n = v->nested;

	if (n->linked12)
		s->size += IMAGE_SIZE;
	s->flags |= KVM_STATE_NESTED_GUEST_MODE;
	if (n->run_pending)
		s->flags |= KVM_STATE_NESTED_RUN_PENDING;
	if (n->mtf_pending)
		s->flags |= KVM_STATE_NESTED_MTF_PENDING;
	if (READ_ONCE(n->timer_on) || n->timer_start == TIMER_AT_DEADLINE) {
		s->hdr.vmx.flags |= KVM_STATE_VMX_PREEMPTION_TIMER_DEADLINE;
		s->hdr.vmx.preemption_timer_deadline = n->timer_deadline;
	}
}

static void fill_header(struct nvmx_vcpu *v, struct kvm_nested_state *s)
{
	const struct nested_vcpu *n = v->nested;

	s->format = KVM_STATE_NESTED_FORMAT_VMX;
	s->size = HEADER_SIZE;
	s->hdr.vmx.vmxon_pa = NESTED_NO_PA;
	s->hdr.vmx.vmcs12_pa = NESTED_NO_PA;
	if (!n->vmxon && !n->smm.vmxon)
		return;
	if (n->smm.vmxon)
		s->hdr.vmx.smm.flags |= KVM_STATE_NESTED_SMM_VMXON;
	if (n->smm.guest_mode)
		s->hdr.vmx.smm.flags |= KVM_STATE_NESTED_SMM_GUEST_MODE;
	s->hdr.vmx.vmxon_pa = n->vmxon_pa;
	if (!n->current12)
		return;
	if (nested_evmcs_current(v))
		s->flags |= KVM_STATE_NESTED_EVMCS;
	else
		s->hdr.vmx.vmcs12_pa = n->current12->pa;
	s->size += IMAGE_SIZE;
	if (is_guest_mode(v))
		fill_l2(v, s);
}

/*
 * The current copy is handed out; L1's memory gets it when L1 asks for that.  The shadow vmcs12 of
 * L2 goes both ways, as it is not current.
 */
static void update_copies(struct nvmx_vcpu *v)
{
	struct l2_context *c = v->nested->current12;

	if (is_guest_mode(v))
		nested_capture(v, c);
	else if (c && c->evmcs)
		nested_evmcs_refresh(v, c);
	else if (c)
		nested_shadow_pull(v, c);
	if (c)
		nested_sync_rare(v, c);
	/* What L1's memory does not take is L1's loss, as at an eviction. */
	nested_contexts_flush_others(v);
}

static int copy_images(struct nvmx_vcpu *v, u8 __user *to, const struct kvm_nested_state *s)
{
	const struct nested_vcpu *n = v->nested;

	if (s->size > HEADER_SIZE && copy_to_user(to, n->current12->vmcs12, IMAGE_SIZE))
		return -EFAULT;
	if (s->size > HEADER_SIZE + IMAGE_SIZE &&
	    copy_to_user(to + IMAGE_SIZE, n->linked12->vmcs12, IMAGE_SIZE))
		return -EFAULT;
	return 0;
}

int nested_get_state(struct nvmx_vcpu *v, struct kvm_nested_state __user *user)
{
	struct kvm_nested_state s = {};
	u32 room;

	if (get_user(room, &user->size))
		return -EFAULT;
	fill_header(v, &s);
	if (room < s.size)
		return put_user(s.size, &user->size) ? -EFAULT : -E2BIG;
	update_copies(v);
	if (copy_to_user(user, &s, sizeof(s)))
		return -EFAULT;
	return copy_images(v, (u8 __user *)user + HEADER_SIZE, &s);
}
