// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_NESTED_STATE: VMX operation, and L2, as KVM_GET_NESTED_STATE has told them.
 *
 * What the header says is judged first, and changes nothing.  Then whatever there was is left,
 * completely, and built anew by the checks and the entry that VMLAUNCH takes.  What fails after
 * that point leaves VMX operation on and L2 not entered [CVE-2026-99176].  The order is KVM's, and
 * the first rule that does not hold is kept for whoever asks.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/kvm.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <nvmx/hyperv.h>
#include <nvmx/nested.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include <uapi/linux/nvmx.h>
#include "nested_int.h"
#include "vmcs02.h"

#define HEADER_SIZE	sizeof(struct kvm_nested_state)
/* Bytes of a vmcs12 that mean something: a shorter image is none. */
#define IMAGE_USED	998u
#define KNOWN_FLAGS	(KVM_STATE_NESTED_GUEST_MODE | KVM_STATE_NESTED_RUN_PENDING |	\
			 KVM_STATE_NESTED_EVMCS | KVM_STATE_NESTED_MTF_PENDING |	\
			 KVM_STATE_NESTED_GIF_SET)
#define SMM_FLAGS	(KVM_STATE_NESTED_SMM_GUEST_MODE | KVM_STATE_NESTED_SMM_VMXON)

/* A state that user space wants to have, copied once. */
struct restore {
	struct kvm_nested_state s;
	const struct kvm_nested_state __user *user;
	struct vmcs12 *image;			/* NULL: no current VMCS */
	struct vmcs12 *shadow;			/* NULL: L2 has no shadow VMCS */
	const struct nvmx_check *failed;	/* with NVMX_NESTED_CHECK */
};

static bool wants_l2(const struct restore *r)
{
	return r->s.flags & KVM_STATE_NESTED_GUEST_MODE;
}

/* The address is in the VP assist page, which may not be there yet. */
static bool wants_evmcs(const struct restore *r)
{
	return r->s.flags & KVM_STATE_NESTED_EVMCS && r->s.hdr.vmx.vmcs12_pa == NESTED_NO_PA;
}

static bool wants_vmxon(const struct restore *r)
{
	return r->s.hdr.vmx.vmxon_pa != NESTED_NO_PA;
}

/* ---- rules ---- */

static bool flags_ok(const struct kvm_nested_state *s)
{
	if (s->flags & ~KNOWN_FLAGS)
		return false;
	return !(s->flags & KVM_STATE_NESTED_RUN_PENDING) ||
	       s->flags & KVM_STATE_NESTED_GUEST_MODE;
}

static bool off_ok(const struct kvm_nested_state *s)
{
	return !s->hdr.vmx.smm.flags && s->hdr.vmx.vmcs12_pa == NESTED_NO_PA &&
	       !(s->flags & ~KVM_STATE_NESTED_EVMCS);
}

static bool smm_ok(const struct nvmx_vcpu *v, const struct kvm_nested_state *s)
{
	u16 smm = s->hdr.vmx.smm.flags;

	if ((smm & KVM_STATE_NESTED_SMM_GUEST_MODE) && (s->flags & KVM_STATE_NESTED_GUEST_MODE))
		return false;
	if (smm & ~SMM_FLAGS)
		return false;
	if (v->smm.active ? s->flags & KVM_STATE_NESTED_GUEST_MODE : smm)
		return false;
	return smm != KVM_STATE_NESTED_SMM_GUEST_MODE;
}

static enum nvmx_nested_rule judge_vmxon(const struct nvmx_vcpu *v, const struct restore *r)
{
	if (!wants_vmxon(r))
		return off_ok(&r->s) ? NVMX_NESTED_ACCEPTED : NVMX_NESTED_NOT_VMXON;
	if (!v->cpuid->vmx)
		return NVMX_NESTED_CPUID;
	return nested_pa_ok(v, r->s.hdr.vmx.vmxon_pa) ? NVMX_NESTED_ACCEPTED :
	       NVMX_NESTED_VMXON_PA;
}

static bool evmcs_ok(const struct nvmx_vcpu *v, const struct kvm_nested_state *s)
{
	return !(s->flags & KVM_STATE_NESTED_EVMCS) || (v->cpuid->vmx && hv_evmcs_enabled(v));
}

static enum nvmx_nested_rule judge_header(const struct nvmx_vcpu *v, struct restore *r)
{
	const struct kvm_nested_state *s = &r->s;
	enum nvmx_nested_rule rule;

	if (copy_from_user(&r->s, r->user, sizeof(r->s)))
		return NVMX_NESTED_UNREADABLE;
	if (s->size < HEADER_SIZE)
		return NVMX_NESTED_SIZE;
	if (!flags_ok(s))
		return NVMX_NESTED_FLAGS;
	if (s->format != KVM_STATE_NESTED_FORMAT_VMX)
		return NVMX_NESTED_FORMAT;
	rule = judge_vmxon(v, r);
	if (rule)
		return rule;
	if (!smm_ok(v, s))
		return NVMX_NESTED_SMM;
	if (s->hdr.vmx.flags & ~KVM_STATE_VMX_PREEMPTION_TIMER_DEADLINE)
		return NVMX_NESTED_VMX_FLAGS;
	return evmcs_ok(v, s) ? NVMX_NESTED_ACCEPTED : NVMX_NESTED_EVMCS;
}

/* A page with what there is of the image at @offset; the caller has judged the size. */
static enum nvmx_nested_rule read_image(const struct restore *r, u32 offset, struct vmcs12 **image)
{
	u32 size = min_t(u32, r->s.size - offset, VMCS12_SIZE);

	*image = (struct vmcs12 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!*image)
		return NVMX_NESTED_MEMORY;
	return copy_from_user(*image, (const u8 __user *)r->user + offset, size) ?
	       NVMX_NESTED_UNREADABLE : NVMX_NESTED_ACCEPTED;
}

/* L1 may have loaded a shadow VMCS, but it cannot enter L2 with that. */
static bool revision_ok(const struct nvmx_vcpu *v, const struct restore *r)
{
	if (wants_l2(r) || wants_evmcs(r))
		return r->image->revision == VMCS12_REVISION;
	return nested_revision_ok(v, r->image->revision);
}

static enum nvmx_nested_rule judge_image(const struct nvmx_vcpu *v, struct restore *r)
{
	u64 pa = r->s.hdr.vmx.vmcs12_pa;
	enum nvmx_nested_rule rule;

	if (r->s.size < HEADER_SIZE + IMAGE_USED)
		return wants_l2(r) || wants_evmcs(r) || pa != NESTED_NO_PA ?
		       NVMX_NESTED_NO_IMAGE : NVMX_NESTED_ACCEPTED;
	if (!wants_evmcs(r) && (pa == r->s.hdr.vmx.vmxon_pa || !nested_pa_ok(v, pa)))
		return NVMX_NESTED_VMCS12_PA;
	rule = read_image(r, HEADER_SIZE, &r->image);
	if (rule)
		return rule;
	return revision_ok(v, r) ? NVMX_NESTED_ACCEPTED : NVMX_NESTED_REVISION;
}

/* The copy that L2 has been writing; what is in L1's memory may be older. */
static enum nvmx_nested_rule judge_shadow(struct restore *r)
{
	enum nvmx_nested_rule rule;

	if (!nested_links(r->image))
		return NVMX_NESTED_ACCEPTED;
	if (r->s.size < HEADER_SIZE + VMCS12_SIZE + IMAGE_USED)
		return NVMX_NESTED_SHADOW;
	rule = read_image(r, HEADER_SIZE + VMCS12_SIZE, &r->shadow);
	if (rule)
		return rule;
	return r->shadow->revision == (VMCS12_REVISION | VMCS12_SHADOW) ? NVMX_NESTED_ACCEPTED :
	       NVMX_NESTED_SHADOW;
}

static enum nvmx_nested_rule judge_l2(struct nvmx_vcpu *v, struct restore *r)
{
	enum l2_cause cause = r->s.flags & KVM_STATE_NESTED_RUN_PENDING ? L2_ENTERED : L2_RESTORED;
	enum nvmx_nested_rule rule = judge_shadow(r);

	if (rule)
		return rule;
	r->failed = nested_check_restored(v, r->image, r->s.hdr.vmx.vmcs12_pa, cause);
	return r->failed ? NVMX_NESTED_CHECK : NVMX_NESTED_ACCEPTED;
}

/* ---- building ---- */

static int make_current(struct nvmx_vcpu *v, const struct restore *r)
{
	struct l2_context *c;

	if (wants_evmcs(r))
		return nested_evmcs_restore(v, r->image);
	if (nested_context_from(v, r->s.hdr.vmx.vmcs12_pa, r->image, VMCS12_SIZE, &c))
		return -ENOMEM;
	nested_make_current(v, c);
	return 0;
}

static int link_shadow(struct nvmx_vcpu *v, const struct restore *r)
{
	struct l2_context *c;

	if (r->shadow && nested_context_from(v, r->image->vmcs_link_pointer, r->shadow, VMCS12_SIZE,
					     &c))
		return -ENOMEM;
	return nested_link(v, r->image);
}

/*
 * User space may have restored the events before: then they are what L2 has to get.  What they say
 * of blocking is in the image, too, and of L1 nothing is known: an exit ends blocking by STI and
 * MOV SS, and with virtual NMIs what is blocked are L2's.
 */
static void take_events_over(struct nvmx_vcpu *v)
{
	vmcs_write(v, guest_interruptibility_info, 0);
	if (!v->ev.irq.pending)
		return;
	v->ev.irq.pending = false;
	v->ev.irq.injected = true;
	v->ev.irq.vector = v->ev.irq.waiting;
}

/* The time of L1 may be restored later: the timer starts with the first entry. */
static void restore_timer(struct nvmx_vcpu *v, const struct restore *r)
{
	struct nested_vcpu *n = v->nested;

	if (!vmcs12_has(r->image, CTL_preemption_timer))
		return;
	n->timer_start = TIMER_BY_VALUE;
	if (!(r->s.hdr.vmx.flags & KVM_STATE_VMX_PREEMPTION_TIMER_DEADLINE))
		return;
	n->timer_start = TIMER_AT_DEADLINE;
	n->timer_deadline = r->s.hdr.vmx.preemption_timer_deadline;
}

static enum nvmx_nested_rule enter_l2(struct nvmx_vcpu *v, const struct restore *r)
{
	bool pending = r->s.flags & KVM_STATE_NESTED_RUN_PENDING;
	struct nested_vcpu *n = v->nested;
	struct l2_context *c = n->current12;

	if (nested_context_ready(v, c) || nested_find_ept02(v, c) || link_shadow(v, r))
		return NVMX_NESTED_MEMORY;
	nested_checked(c, nested_check_mode(c->vmcs12));
	take_events_over(v);
	nested_save_l1(v);
	nested_switch_to_l2(v, c, pending ? L2_ENTERED : L2_RESTORED);
	n->run_pending = pending;
	n->mtf_pending = r->s.flags & KVM_STATE_NESTED_MTF_PENDING;
	restore_timer(v, r);
	/* Memory slots may come later: read L1's pages again before the entry. */
	vcpu_request(v, REQ_NESTED_PAGES);
	return NVMX_NESTED_ACCEPTED;
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

static enum nvmx_nested_rule build(struct nvmx_vcpu *v, struct restore *r)
{
	enum nvmx_nested_rule rule = judge_image(v, r);

	if (rule || !r->image)
		return rule;
	if (make_current(v, r))
		return NVMX_NESTED_MEMORY;
	if (!wants_l2(r))
		return NVMX_NESTED_ACCEPTED;
	return judge_l2(v, r) ?: enter_l2(v, r);
}

/* The VMCSs of hardware stay for the next VMX operation. */
static void begin_anew(struct nvmx_vcpu *v)
{
	nested_leave(v, false);
	nested_context_park(v);
	nested_leave(v, true);
}

static enum nvmx_nested_rule restore(struct nvmx_vcpu *v, struct restore *r)
{
	enum nvmx_nested_rule rule = judge_header(v, r);

	if (rule)
		return rule;
	begin_anew(v);
	if (!wants_vmxon(r))
		return NVMX_NESTED_ACCEPTED;
	nested_vmxon_begin(v, r->s.hdr.vmx.vmxon_pa);
	rule = build(v, r);
	suspend_for_smm(v, &r->s);
	return rule;
}

/* ---- the doors ---- */

static int error_of(enum nvmx_nested_rule rule)
{
	switch (rule) {
	case NVMX_NESTED_ACCEPTED:
		return 0;
	case NVMX_NESTED_UNREADABLE:
		return -EFAULT;
	case NVMX_NESTED_MEMORY:
		return -ENOMEM;
	default:
		return -EINVAL;
	}
}

static const char *rule_name(enum nvmx_nested_rule rule)
{
	static const char * const names[] = {
		[NVMX_NESTED_ACCEPTED] = "accepted",
		[NVMX_NESTED_UNREADABLE] = "unreadable",
		[NVMX_NESTED_SIZE] = "size",
		[NVMX_NESTED_FLAGS] = "flags",
		[NVMX_NESTED_FORMAT] = "format",
		[NVMX_NESTED_NOT_VMXON] = "not_vmxon",
		[NVMX_NESTED_CPUID] = "cpuid",
		[NVMX_NESTED_VMXON_PA] = "vmxon_pa",
		[NVMX_NESTED_SMM] = "smm",
		[NVMX_NESTED_VMX_FLAGS] = "vmx_flags",
		[NVMX_NESTED_EVMCS] = "evmcs",
		[NVMX_NESTED_NO_IMAGE] = "no_image",
		[NVMX_NESTED_VMCS12_PA] = "vmcs12_pa",
		[NVMX_NESTED_REVISION] = "revision",
		[NVMX_NESTED_CHECK] = "check",
		[NVMX_NESTED_MEMORY] = "memory",
		[NVMX_NESTED_SHADOW] = "shadow",
	};

	return names[rule];
}

/* struct nested_vcpu keeps rule and check; this is how user space sees them. */
static void tell(struct nvmx_nested_verdict *verdict, enum nvmx_nested_rule rule,
		 const struct nvmx_check *failed)
{
	memset(verdict, 0, sizeof(*verdict));
	verdict->error = error_of(rule);
	verdict->rule = rule;
	verdict->stage = failed ? failed->stage : 0;
	strscpy(verdict->what, failed ? failed->name : rule_name(rule), sizeof(verdict->what));
}

static void free_images(const struct restore *r)
{
	free_page((unsigned long)r->image);
	free_page((unsigned long)r->shadow);
}

int nested_set_state(struct nvmx_vcpu *v, const struct kvm_nested_state __user *user)
{
	struct restore r = { .user = user };
	enum nvmx_nested_rule rule = restore(v, &r);

	v->nested->verdict.rule = rule;
	v->nested->verdict.failed = r.failed;
	v->nested->restored = true;
	nested_spare_free(v);
	free_images(&r);
	return error_of(rule);
}

/**
 * nested_try_state() - would nested_set_state() take this state now?
 * @v: the vCPU, of which nothing changes
 * @user: the state
 * @verdict: the answer
 */
void nested_try_state(struct nvmx_vcpu *v, const struct kvm_nested_state __user *user,
		      struct nvmx_nested_verdict *verdict)
{
	struct restore r = { .user = user };
	enum nvmx_nested_rule rule = judge_header(v, &r);

	if (!rule && wants_vmxon(&r))
		rule = judge_image(v, &r);
	if (!rule && wants_l2(&r))
		rule = judge_l2(v, &r);
	tell(verdict, rule, r.failed);
	free_images(&r);
}

void nested_last_verdict(const struct nvmx_vcpu *v, struct nvmx_nested_verdict *verdict)
{
	tell(verdict, v->nested->verdict.rule, v->nested->verdict.failed);
}
