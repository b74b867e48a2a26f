// SPDX-License-Identifier: GPL-2.0-only
/*
 * System-management mode around VMX operation: the default treatment of SMIs.
 *
 * In SMM there is no VMX operation, and so no L2: an SMI in L2 leaves it, with its state kept in
 * the vmcs12, and RSM enters it again.  What the SMI saved in SMRAM are L2's registers; what RSM
 * finds there goes into the vmcs12, and the whole of it passes the checks of an entry before L2
 * runs, since the handler may have written anything [CVE-2021-47230].
 * SDM "Default Treatment of SMI Delivery", "Default Treatment of RSM" [sdm:smi-default]
 */
#include <linux/errno.h>
#include <linux/types.h>
#include <nvmx/nested.h>
#include <nvmx/smm.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

bool nested_smm_vmxon(const struct nvmx_vcpu *v)
{
	return v->nested->smm.vmxon;
}

bool nested_smm_has_l2(const struct nvmx_vcpu *v)
{
	return v->nested->smm.guest_mode;
}

/* What a later nested_leave() would drop, and what no field of vmcs12 holds. */
static void leave_l2(struct nvmx_vcpu *v)
{
	struct nested_vcpu *n = v->nested;
	struct l2_context *c = n->current12;

	n->smm.guest_mode = true;
	n->smm.mtf_pending = n->mtf_pending;
	n->smm.timer_on = READ_ONCE(n->timer_on);
	n->smm.timer_deadline = n->timer_deadline;
	n->smm.pat = v->pat;
	nested_leave(v, false);
	/* All of L2's state is to be in the copy: RSM changes it there. */
	nested_sync_rare(v, c);
}

void nested_enter_smm(struct nvmx_vcpu *v)
{
	struct nested_vcpu *n = v->nested;

	if (is_guest_mode(v))
		leave_l2(v);
	if (!n->vmxon)
		return;
	/* Hardware would go on doing VMREAD and VMWRITE for the handler. */
	nested_shadow_detach(v);
	n->vmxon = false;
	n->smm.vmxon = true;
}

/* ---- RSM ---- */

#define SEGMENT_TO_VMCS12(vmcs12, name, seg) do {		\
	(vmcs12)->guest_##name##_selector = (seg).selector;	\
	(vmcs12)->guest_##name##_base = (seg).base;		\
	(vmcs12)->guest_##name##_limit = (seg).limit;		\
	(vmcs12)->guest_##name##_ar_bytes = (seg).ar;		\
} while (0)

static void put_segments(struct vmcs12 *vmcs12, const struct smm_state *s)
{
	SEGMENT_TO_VMCS12(vmcs12, es, s->seg[SEG_ES]);
	SEGMENT_TO_VMCS12(vmcs12, cs, s->seg[SEG_CS]);
	SEGMENT_TO_VMCS12(vmcs12, ss, s->seg[SEG_SS]);
	SEGMENT_TO_VMCS12(vmcs12, ds, s->seg[SEG_DS]);
	SEGMENT_TO_VMCS12(vmcs12, fs, s->seg[SEG_FS]);
	SEGMENT_TO_VMCS12(vmcs12, gs, s->seg[SEG_GS]);
	SEGMENT_TO_VMCS12(vmcs12, ldtr, s->seg[SEG_LDTR]);
	SEGMENT_TO_VMCS12(vmcs12, tr, s->seg[SEG_TR]);
}

static void put_registers(struct vmcs12 *vmcs12, const struct smm_state *s)
{
	vmcs12->guest_rip = s->rip;
	vmcs12->guest_rsp = s->gpr[GPR_RSP];
	vmcs12->guest_rflags = s->rflags | X86_EFLAGS_FIXED;
	vmcs12->guest_cr0 = s->cr0;
	vmcs12->guest_cr3 = s->cr3;
	vmcs12->guest_cr4 = s->cr4;
	vmcs12->guest_gdtr_base = s->gdt_base;
	vmcs12->guest_gdtr_limit = s->gdt_limit;
	vmcs12->guest_idtr_base = s->idt_base;
	vmcs12->guest_idtr_limit = s->idt_limit;
	put_segments(vmcs12, s);
}

/*
 * vmcs01 holds the handler's state.  It becomes that which L1 has after an exit, so that the next
 * exit from L2 finds what it expects.
 */
static int restore_l1(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	nested_save_l1(v);
	if (nested_load_l1(v, vmcs12))
		return -EINVAL;
	nested_save_l1(v);
	return 0;
}

static void resume_timer(struct nvmx_vcpu *v, const struct l2_context *c)
{
	struct nested_vcpu *n = v->nested;

	if (n->smm.timer_on && vmcs12_has(c->vmcs12, CTL_preemption_timer))
		nested_timer_resume(v, n->smm.timer_deadline);
	else
		nested_timer_start(v, c->vmcs12);
}

static int resume_l2(struct nvmx_vcpu *v, const struct smm_state *s)
{
	struct nested_vcpu *n = v->nested;
	struct l2_context *c = n->current12;
	int err;

	if (!c || restore_l1(v, c->vmcs12))
		return -EINVAL;
	put_registers(c->vmcs12, s);
	nested_mark_dirty(c, GROUPS_ALL);
	if (nested_check_restored(v, c->vmcs12, c->pa, L2_RESTORED))
		return -EINVAL;
	if (nested_context_ready(v, c) || nested_find_ept02(v, c))
		return -ENOMEM;
	err = nested_link(v, c->vmcs12);
	if (err)
		return err;
	nested_checked(c, nested_check_mode(c->vmcs12));
	v->efer = s->efer;
	v->dr7 = s->dr7;
	if (n->smm.pat)
		v->pat = n->smm.pat;
	nested_switch_to_l2(v, c, L2_RESTORED);
	n->mtf_pending = n->smm.mtf_pending;
	resume_timer(v, c);
	vcpu_request(v, REQ_NESTED_PAGES);
	return 0;
}

/**
 * nested_leave_smm() - RSM: VMX operation, and L2, where the SMI has left them
 * @v: the vCPU, no longer in SMM, in L1
 * @s: what SMRAM holds, checked; loaded here only for L2
 *
 * Return: 0; or an error: L2 cannot be entered, and the processor is to be shut down.
 */
int nested_leave_smm(struct nvmx_vcpu *v, const struct smm_state *s)
{
	struct nested_vcpu *n = v->nested;
	int err = 0;

	if (n->smm.vmxon) {
		n->vmxon = true;
		if (n->current12)
			nested_shadow_attach(v, n->current12);
	}
	if (n->smm.guest_mode)
		err = resume_l2(v, s);
	n->smm = (struct nested_smm){};
	return err;
}
