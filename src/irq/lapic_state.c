// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC and user space: KVM_GET_LAPIC and KVM_SET_LAPIC, and the TPR that old guests keep
 * in memory (KVM_SET_VAPIC_ADDR, KVM_TPR_ACCESS_REPORTING).  Own thread.
 */
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <linux/string.h>
#include <linux/types.h>
#include <nvmx/mmu.h>
#include <nvmx/vmx.h>
#include "irq_int.h"
#include "lapic.h"

static u32 state_get(const struct kvm_lapic_state *s, u32 reg)
{
	u32 val;

	memcpy(&val, s->regs + reg, sizeof(val));
	return val;
}

static void state_set(struct kvm_lapic_state *s, u32 reg, u32 val)
{
	memcpy(s->regs + reg, &val, sizeof(val));
}

/* Before KVM_X2APIC_API_USE_32BIT_IDS, an x2APIC id lay where the xAPIC's does. */
static bool has_short_id(const struct nvmx_vcpu *v)
{
	return lapic_x2apic(v) && !(v->vm->irq->x2apic_flags & KVM_X2APIC_API_USE_32BIT_IDS);
}

/*
 * The count is read first: a timer that fires meanwhile is then pending twice, which is better
 * than never.
 */
int irq_get_lapic(struct nvmx_vcpu *v, struct kvm_lapic_state *s)
{
	struct lapic *l = v->lapic;
	u32 count;

	BUILD_BUG_ON(sizeof(s->regs) > PAGE_SIZE);
	if (!l)
		return -EINVAL;
	count = lapic_timer_count(l);
	if (irq_posted(v))
		irq_take_posted(v);
	lapic_update_version(l);
	lapic_update_ppr(l);
	memcpy(s->regs, l->regs, sizeof(s->regs));
	state_set(s, APIC_TMCCT, count);
	if (has_short_id(v))
		state_set(s, APIC_ID, v->id << 24);
	return 0;
}

/* The id of an x2APIC is the vCPU's, and nobody's to change. */
static bool id_valid(const struct nvmx_vcpu *v, u32 id)
{
	if (!lapic_x2apic(v))
		return true;
	return has_short_id(v) ? id >> 24 == (v->id & 0xff) : id == v->id;
}

int irq_set_lapic(struct nvmx_vcpu *v, const struct kvm_lapic_state *s)
{
	struct lapic *l = v->lapic;

	if (!l || !id_valid(v, state_get(s, APIC_ID)))
		return -EINVAL;
	lapic_timer_stop(l);
	lapic_drop_posted(l);
	memcpy(l->regs, s->regs, sizeof(s->regs));
	lapic_set(l, APIC_TMCCT, 0);
	if (lapic_x2apic(v))
		lapic_set_identity(l);
	lapic_update_version(l);
	WRITE_ONCE(l->errors, 0);
	lapic_recompute(l);
	lapic_timer_restore(l, state_get(s, APIC_TMCCT));
	return 0;
}

/* ---- a TPR in memory ---- */

int irq_set_vapic_addr(struct nvmx_vcpu *v, u64 gpa)
{
	u32 word;

	if (!v->lapic)
		return -EINVAL;
	if (gpa && mmu_read(v->vm, gpa, &word, sizeof(word)))
		return -EINVAL;
	v->lapic->vapic = gpa;
	irq_pv_eoi_changed(v);
	return 0;
}

void irq_pv_eoi_changed(struct nvmx_vcpu *v)
{
	v->vapic = v->lapic && (v->lapic->vapic || v->pv.eoi & KVM_MSR_ENABLED);
}

/* TPR, class in service, vector that waits: what the guest's patched code compares. */
void irq_vapic_before_entry(struct nvmx_vcpu *v)
{
	struct lapic *l = v->lapic;
	int irr, isr;
	u32 word;

	if (!l)
		return;
	lapic_pv_eoi_offer(l);
	if (!l->vapic)
		return;
	irr = irq_irr_max(v);
	isr = irq_isr_max(v);
	word = irq_tpr(v);
	if (isr >= 0)
		word |= (isr & 0xf0) << 8;
	if (irr >= 0)
		word |= (u32)irr << 24;
	/* Where the page is gone, the guest has only itself to blame. */
	mmu_write(v->vm, l->vapic, &word, sizeof(word));
}

void irq_vapic_after_run(struct nvmx_vcpu *v)
{
	struct lapic *l = v->lapic;
	u32 word;

	if (!l)
		return;
	if (l->pv_eoi)
		lapic_pv_eoi_take_back(l);
	if (l->vapic && !mmu_read(v->vm, l->vapic, &word, sizeof(word)))
		irq_set_tpr(v, word);
}

bool irq_tpr_in_memory(const struct nvmx_vcpu *v)
{
	return v->lapic && v->lapic->vapic;
}

bool irq_reports_tpr(const struct nvmx_vcpu *v)
{
	return v->lapic && v->lapic->tpr_report.on;
}

int irq_set_tpr_reporting(struct nvmx_vcpu *v, const struct kvm_tpr_access_ctl *ctl)
{
	if (!v->lapic)
		return -EINVAL;
	v->lapic->tpr_report.on = ctl->enabled;
	v->lapic->tpr_report.waiting = false;
	return 0;
}

bool irq_take_tpr_exit(struct nvmx_vcpu *v, bool *write)
{
	struct lapic *l = v->lapic;

	if (!l || !l->tpr_report.waiting)
		return false;
	l->tpr_report.waiting = false;
	*write = l->tpr_report.write;
	return true;
}
