// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_NESTED_STATE and KVM_SET_NESTED_STATE: VMX operation, and L2, in KVM's own format.
 *
 * GET brings the copies up to date and hands out the current one; the others go to L1's memory,
 * where a migration finds them.  SET leaves whatever there was, completely, and builds anew by the
 * checks and the entry that VMLAUNCH takes.  What fails after that point leaves VMX operation on
 * and L2 not entered [CVE-2026-99176].
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kvm.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <nvmx/nested.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

#define HEADER_SIZE	sizeof(struct kvm_nested_state)
#define IMAGE_SIZE	VMCS12_SIZE
/* Bytes of a vmcs12 that mean something: a shorter image is none. */
#define IMAGE_USED	998u
#define KNOWN_FLAGS	(KVM_STATE_NESTED_GUEST_MODE | KVM_STATE_NESTED_RUN_PENDING |	\
			 KVM_STATE_NESTED_EVMCS | KVM_STATE_NESTED_MTF_PENDING |	\
			 KVM_STATE_NESTED_GIF_SET)

static_assert(sizeof(struct kvm_nested_state) == 128);

/* Room for a shadow vmcs12, too, as KVM answers: user space moves its buffers between the two. */
u32 nested_state_size(void)
{
	return HEADER_SIZE + 2 * IMAGE_SIZE;
}

/* ---- GET ---- */

static void fill_l2(struct nvmx_vcpu *v, struct kvm_nested_state *s)
{
	const struct nested_vcpu *n = v->nested;

	s->flags |= KVM_STATE_NESTED_GUEST_MODE;
	if (n->run_pending)
		s->flags |= KVM_STATE_NESTED_RUN_PENDING;
	if (n->mtf_pending)
		s->flags |= KVM_STATE_NESTED_MTF_PENDING;
	if (READ_ONCE(n->timer_on)) {
		s->hdr.vmx.flags |= KVM_STATE_VMX_PREEMPTION_TIMER_DEADLINE;
		s->hdr.vmx.preemption_timer_deadline = n->timer_deadline;
	}
}

static void fill_header(struct nvmx_vcpu *v, struct kvm_nested_state *s)
{
	const struct nested_vcpu *n = v->nested;

	memset(s, 0, sizeof(*s));
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
	s->hdr.vmx.vmcs12_pa = n->current12->pa;
	s->size += IMAGE_SIZE;
	if (is_guest_mode(v))
		fill_l2(v, s);
}

static void update_copies(struct nvmx_vcpu *v)
{
	struct l2_context *c = v->nested->current12;

	if (is_guest_mode(v))
		nested_capture(v, c);
	else if (c)
		nested_shadow_pull(v, c);
	/* What L1's memory does not take is L1's loss, as at an eviction. */
	nested_contexts_flush_all(v);
}

int nested_get_state(struct nvmx_vcpu *v, struct kvm_nested_state __user *user)
{
	struct kvm_nested_state s;
	u32 room;

	if (get_user(room, &user->size))
		return -EFAULT;
	fill_header(v, &s);
	if (room < s.size)
		return put_user(s.size, &user->size) ? -EFAULT : -E2BIG;
	update_copies(v);
	if (copy_to_user(user, &s, sizeof(s)))
		return -EFAULT;
	if (s.size == HEADER_SIZE)
		return 0;
	return copy_to_user((u8 __user *)user + HEADER_SIZE, nested_vmcs12(v), IMAGE_SIZE) ?
	       -EFAULT : 0;
}

/* ---- SET: checks that change nothing ---- */

static int check_off(const struct kvm_nested_state *s)
{
	if (s->hdr.vmx.smm.flags || s->hdr.vmx.vmcs12_pa != NESTED_NO_PA)
		return -EINVAL;
	return s->flags & ~KVM_STATE_NESTED_EVMCS ? -EINVAL : 0;
}

static int check_smm(const struct nvmx_vcpu *v, const struct kvm_nested_state *s)
{
	u16 smm = s->hdr.vmx.smm.flags;

	if ((smm & KVM_STATE_NESTED_SMM_GUEST_MODE) && (s->flags & KVM_STATE_NESTED_GUEST_MODE))
		return -EINVAL;
	if (smm & ~(KVM_STATE_NESTED_SMM_GUEST_MODE | KVM_STATE_NESTED_SMM_VMXON))
		return -EINVAL;
	if (v->smm.active ? s->flags & KVM_STATE_NESTED_GUEST_MODE : smm)
		return -EINVAL;
	return smm == KVM_STATE_NESTED_SMM_GUEST_MODE ? -EINVAL : 0;
}

/* There is no enlightened VMCS: a state that needs one is refused. */
static int check_header(const struct nvmx_vcpu *v, const struct kvm_nested_state *s)
{
	bool pending = s->flags & KVM_STATE_NESTED_RUN_PENDING;
	bool guest = s->flags & KVM_STATE_NESTED_GUEST_MODE;

	if (s->size < HEADER_SIZE || s->flags & ~KNOWN_FLAGS || (pending && !guest))
		return -EINVAL;
	if (s->format != KVM_STATE_NESTED_FORMAT_VMX)
		return -EINVAL;
	if (s->hdr.vmx.vmxon_pa == NESTED_NO_PA && check_off(s))
		return -EINVAL;
	if (s->hdr.vmx.vmxon_pa != NESTED_NO_PA &&
	    (!v->cpuid->vmx || !nested_pa_ok(v, s->hdr.vmx.vmxon_pa)))
		return -EINVAL;
	if (check_smm(v, s) || s->hdr.vmx.flags & ~KVM_STATE_VMX_PREEMPTION_TIMER_DEADLINE)
		return -EINVAL;
	return s->flags & KVM_STATE_NESTED_EVMCS ? -EINVAL : 0;
}

static int check_vmcs12_pa(const struct nvmx_vcpu *v, const struct kvm_nested_state *s)
{
	u64 pa = s->hdr.vmx.vmcs12_pa;

	return pa == s->hdr.vmx.vmxon_pa || !nested_pa_ok(v, pa) ? -EINVAL : 0;
}

/* ---- SET: building ---- */

/* The image becomes the current context. */
static int load_image(struct nvmx_vcpu *v, const struct kvm_nested_state *s,
		      struct kvm_nested_state __user *user)
{
	u32 size = min_t(u32, s->size - HEADER_SIZE, IMAGE_SIZE);
	struct l2_context *c;
	u8 *image;
	int err;

	image = memdup_user((u8 __user *)user + HEADER_SIZE, size);
	if (IS_ERR(image))
		return PTR_ERR(image);
	err = -EINVAL;
	if (*(u32 *)image == VMCS12_REVISION)
		err = nested_context_from(v, s->hdr.vmx.vmcs12_pa, image, size, &c);
	kfree(image);
	if (!err)
		nested_make_current(v, c);
	return err;
}

static int enter_l2(struct nvmx_vcpu *v, const struct kvm_nested_state *s)
{
	bool pending = s->flags & KVM_STATE_NESTED_RUN_PENDING;
	struct nested_vcpu *n = v->nested;
	struct l2_context *c = n->current12;

	if (nested_check_restored(v, c->vmcs12))
		return -EINVAL;
	if (nested_context_ready(v, c) || nested_find_ept02(v, c))
		return -ENOMEM;
	nested_checked(c);
	nested_save_l1(v);
	nested_switch_to_l2(v, c, pending ? L2_ENTERED : L2_RESTORED);
	n->run_pending = pending;
	n->mtf_pending = s->flags & KVM_STATE_NESTED_MTF_PENDING;
	if (s->hdr.vmx.flags & KVM_STATE_VMX_PREEMPTION_TIMER_DEADLINE &&
	    vmcs12_has(c->vmcs12, CTL_preemption_timer))
		nested_timer_resume(v, s->hdr.vmx.preemption_timer_deadline);
	else
		nested_timer_start(v, c->vmcs12);
	/* Memory slots may come later: read L1's pages again before the entry. */
	vcpu_request(v, REQ_NESTED_PAGES);
	return 0;
}

/* In SMM, VMX operation and L2 are what RSM goes back to. */
static void suspend_for_smm(struct nvmx_vcpu *v, const struct kvm_nested_state *s)
{
	u16 smm = s->hdr.vmx.smm.flags;

	if (!(smm & KVM_STATE_NESTED_SMM_VMXON))
		return;
	nested_enter_smm(v);
	v->nested->smm.guest_mode = smm & KVM_STATE_NESTED_SMM_GUEST_MODE;
}

static int set_current(struct nvmx_vcpu *v, const struct kvm_nested_state *s,
		       struct kvm_nested_state __user *user)
{
	int err;

	if (s->size < HEADER_SIZE + IMAGE_USED)
		return s->flags & KVM_STATE_NESTED_GUEST_MODE ||
		       s->hdr.vmx.vmcs12_pa != NESTED_NO_PA ? -EINVAL : 0;
	err = check_vmcs12_pa(v, s);
	if (!err)
		err = load_image(v, s, user);
	if (err || !(s->flags & KVM_STATE_NESTED_GUEST_MODE))
		return err;
	return enter_l2(v, s);
}

int nested_set_state(struct nvmx_vcpu *v, struct kvm_nested_state __user *user)
{
	struct kvm_nested_state s;
	int err;

	if (copy_from_user(&s, user, sizeof(s)))
		return -EFAULT;
	err = check_header(v, &s);
	if (err)
		return err;
	nested_leave(v, true);
	if (s.hdr.vmx.vmxon_pa == NESTED_NO_PA)
		return 0;
	nested_vmxon_begin(v, s.hdr.vmx.vmxon_pa);
	err = set_current(v, &s, user);
	suspend_for_smm(v, &s);
	return err;
}
