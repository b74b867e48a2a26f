// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC as its processor sees it: life, modes, priorities, the cycle from IRR over ISR to
 * EOI.  Own thread, all of it.
 *
 * irq_waits() is asked before each entry.  It costs one look at IRR (none while it is known to be
 * empty): the highest vector in service is kept in ->isr_max.  The PPR in its register is that of
 * the last look: with a TPR shadow the guest changes the TPR behind our back.  When the PPR falls
 * below that, v->irq_hint is set, for what waits in IRR; where only the TPR is in the way,
 * v->tpr_threshold makes the guest's change an exit, which sets it, too.
 */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/barrier.h>
#include <nvmx/hyperv.h>
#include <nvmx/vmx.h>
#include "irq_int.h"
#include "lapic.h"

#define CPUID_X2APIC		21	/* leaf 1, ECX */

/* ---- priorities ---- */

static __always_inline int highest(const struct lapic *l, u32 bank)
{
	int i;

	for (i = 7; i >= 0; i--) {
		u32 word = lapic_get(l, bank + i * 0x10);

		if (word)
			return i * 32 + __fls(word);
	}
	return -1;
}

int lapic_highest(const struct lapic *l, u32 bank)
{
	return highest(l, bank);
}

static __always_inline int irr_max(struct lapic *l)
{
	int vector;

	if (!READ_ONCE(l->irr_hint))
		return -1;
	vector = highest(l, APIC_IRR);
	if (vector >= 0)
		return vector;
	WRITE_ONCE(l->irr_hint, false);
	smp_mb();	/* pairs with the locked set in set_irr(): a bit set before is seen */
	vector = highest(l, APIC_IRR);
	if (vector >= 0)
		WRITE_ONCE(l->irr_hint, true);
	return vector;
}

static void page_changed(struct lapic *l)
{
	if (static_branch_unlikely(&irq_vid_possible))
		l->v->vid_stale = true;
}

/* SDM "Task and Processor Priorities" [sdm:apic-priority] */
u32 lapic_ppr(const struct lapic *l)
{
	u32 tpr = lapic_get(l, APIC_TASKPRI) & 0xff;
	int isr_max = READ_ONCE(l->isr_max);
	u32 isr = isr_max < 0 ? 0 : isr_max;

	return tpr >> 4 >= isr >> 4 ? tpr : isr & 0xf0;
}

void lapic_update_ppr(struct lapic *l)
{
	u32 old = lapic_get(l, APIC_PROCPRI), ppr = lapic_ppr(l);

	if (ppr == old)
		return;
	lapic_set(l, APIC_PROCPRI, ppr);
	if (ppr >> 4 < old >> 4)
		WRITE_ONCE(l->v->irq_hint, true);
}

void lapic_recompute(struct lapic *l)
{
	l->isr_max = highest(l, APIC_ISR);
	page_changed(l);
	lapic_update_ppr(l);
	WRITE_ONCE(l->irr_hint, true);
	WRITE_ONCE(l->v->irq_hint, true);
}

/* It waits for the TPR, which the guest may lower without an exit: from here on with one. */
static u8 threshold(const struct lapic *l, int vector)
{
	if (l->isr_max >> 4 >= vector >> 4)
		return 0;
	return lapic_get(l, APIC_TASKPRI) >> 4 >= (u32)vector >> 4 ? vector >> 4 : 0;
}

/* A vector that may interrupt now, as far as the APIC is concerned. */
static int deliverable(struct lapic *l)
{
	int vector = lapic_on(l->v) ? irr_max(l) : -1;

	l->v->tpr_threshold = 0;
	if (vector < 0)
		return -1;
	lapic_update_ppr(l);
	if ((u32)vector >> 4 > lapic_get(l, APIC_PROCPRI) >> 4)
		return vector;
	l->v->tpr_threshold = threshold(l, vector);
	return -1;
}

bool irq_accepts_extint(struct nvmx_vcpu *v)
{
	u32 lvt;

	/* Without the APIC, LINT0 is the processor's INTR pin. */
	if (!v->lapic || !lapic_on(v))
		return true;
	lvt = lapic_get(v->lapic, APIC_LVT0);
	return !(lvt & APIC_LVT_MASKED) && GET_APIC_DELIVERY_MODE(lvt) == DELIVER_EXTINT;
}

static bool extint_waits(struct nvmx_vcpu *v)
{
	return v->vm->irq_mode == IRQ_KERNEL && pic_output(v->vm) && irq_accepts_extint(v);
}

static __always_inline bool waits(struct nvmx_vcpu *v)
{
	if (irq_vid(v) && !is_guest_mode(v))
		return extint_waits(v);
	return deliverable(v->lapic) >= 0 || extint_waits(v);
}

bool irq_waits(struct nvmx_vcpu *v)
{
	if (waits(v))
		return true;
	WRITE_ONCE(v->irq_hint, false);
	smp_mb();	/* see lapic_accept.c */
	if (!waits(v))
		return false;
	WRITE_ONCE(v->irq_hint, true);
	return true;
}

int irq_highest(struct nvmx_vcpu *v)
{
	return deliverable(v->lapic);
}

int irq_irr_max(struct nvmx_vcpu *v)
{
	return irr_max(v->lapic);
}

int irq_isr_max(struct nvmx_vcpu *v)
{
	return v->lapic->isr_max;
}

/* ExtINT goes first, as with KVM: the PIC's vector knows no priority of the APIC. */
int irq_ack(struct nvmx_vcpu *v)
{
	struct lapic *l = v->lapic;
	int vector;

	if (extint_waits(v))
		return pic_ack(v->vm);
	vector = deliverable(l);
	if (vector < 0)
		return -1;
	clear_bit(vector & 31, lapic_word(l, APIC_IRR, vector));
	page_changed(l);
	if (unlikely(v->synic) && hv_auto_eoi(v, vector)) {
		/* No EOI will ask whether more waits. */
		WRITE_ONCE(v->irq_hint, true);
		return vector;
	}
	__set_bit(vector & 31, lapic_word(l, APIC_ISR, vector));
	l->isr_max = vector;
	lapic_update_ppr(l);
	return vector;
}

u8 irq_tpr(struct nvmx_vcpu *v)
{
	return lapic_get(v->lapic, APIC_TASKPRI);
}

void irq_set_tpr(struct nvmx_vcpu *v, u8 tpr)
{
	if (tpr == irq_tpr(v))
		return;
	lapic_set(v->lapic, APIC_TASKPRI, tpr);
	lapic_update_ppr(v->lapic);
	/* The threshold is to be asked for again. */
	WRITE_ONCE(v->irq_hint, true);
}

/* ---- end of interrupt ---- */

static void tell_user_ioapic(struct lapic *l, u8 vector)
{
	if (lapic_get(l, APIC_SPIV) & APIC_SPIV_DIRECTED_EOI || !route_wants_eoi(l->v, vector))
		return;
	__set_bit(vector, l->eoi_exits);
	vcpu_request(l->v, REQ_EOI_EXIT);
}

static __always_inline void tell_ioapic(struct lapic *l, u8 vector)
{
	bool level = test_bit(vector & 31, lapic_word(l, APIC_TMR, vector));

	if (l->v->vm->irq_mode != IRQ_KERNEL) {
		if (level)
			tell_user_ioapic(l, vector);
	} else if (level) {
		ioapic_eoi(l->v->vm, vector);
	} else {
		ioapic_eoi_edge(l->v->vm, vector);
	}
}

static __always_inline void tell_listeners(struct lapic *l, u8 vector)
{
	if (unlikely(l->v->synic))
		hv_eoi(l->v, vector);
	tell_ioapic(l, vector);
}

void irq_eoi_done(struct nvmx_vcpu *v, u8 vector)
{
	tell_listeners(v->lapic, vector);
}

void irq_eoi(struct nvmx_vcpu *v)
{
	struct lapic *l = v->lapic;
	int vector = l->isr_max;

	if (vector < 0)
		return;
	__clear_bit(vector & 31, lapic_word(l, APIC_ISR, vector));
	l->isr_max = highest(l, APIC_ISR);
	page_changed(l);
	lapic_update_ppr(l);
	tell_listeners(l, vector);
}

bool irq_take_eoi_exit(struct nvmx_vcpu *v, u8 *vector)
{
	unsigned long bit;

	if (!v->lapic)
		return false;
	bit = find_first_bit(v->lapic->eoi_exits, LAPIC_VECTORS);
	if (bit >= LAPIC_VECTORS)
		return false;
	__clear_bit(bit, v->lapic->eoi_exits);
	*vector = bit;
	return true;
}

/* ---- modes and resets ---- */

bool lapic_cpuid(const struct nvmx_vcpu *v, u32 ecx_bit)
{
	const struct kvm_cpuid_entry2 *e = vmx_find_cpuid(v, 1, 0);

	return e && e->ecx & BIT(ecx_bit);
}

/* As KVM: EOIs are directed where the I/O APIC is user space's, and only beside x2APIC. */
void lapic_update_version(struct lapic *l)
{
	u32 max_lvt = LAPIC_MAX_LVT + lapic_has_cmci(l);
	u32 version = LAPIC_VERSION | max_lvt << 16;

	if (l->v->vm->irq_mode == IRQ_SPLIT && lapic_cpuid(l->v, CPUID_X2APIC))
		version |= APIC_LVR_DIRECTED_EOI;
	lapic_set(l, APIC_LVR, version);
}

void lapic_set_identity(struct lapic *l)
{
	u32 id = l->v->id;

	if (lapic_x2apic(l->v)) {
		lapic_set(l, APIC_ID, id);
		lapic_set(l, APIC_LDR, lapic_x2apic_ldr(id));
	} else {
		lapic_set(l, APIC_ID, id << 24);
		lapic_set(l, APIC_LDR, 0);
	}
}

static void reset_lvt(struct lapic *l)
{
	const struct nvmx_vm *vm = l->v->vm;
	u32 reg;

	for (reg = APIC_LVTT; reg <= APIC_LVTERR; reg += 0x10)
		lapic_set(l, reg, APIC_LVT_MASKED);
	lapic_set(l, APIC_LVTCMCI, lapic_has_cmci(l) ? APIC_LVT_MASKED : 0);
	/* No firmware of old expects to have to open LINT0 for the PIC. */
	if (l->v->id == vm->bsp_id && !(vm->disabled_quirks & KVM_X86_QUIRK_LINT0_REENABLED))
		lapic_set(l, APIC_LVT0, SET_APIC_DELIVERY_MODE(0, DELIVER_EXTINT));
}

void irq_mcg_cap_changed(struct nvmx_vcpu *v)
{
	struct lapic *l = v->lapic;

	if (!l)
		return;
	lapic_set(l, APIC_LVTCMCI, lapic_has_cmci(l) ? APIC_LVT_MASKED : 0);
	lapic_update_version(l);
}

void irq_deliver_cmci(struct nvmx_vcpu *v)
{
	if (v->lapic && lapic_has_cmci(v->lapic))
		lapic_accept_lvt(v->lapic, APIC_LVTCMCI);
}

/* SDM "Local APIC State After Power-Up or Reset" [sdm:apic-reset]; the id and its kin stay. */
static void reset_registers(struct lapic *l)
{
	static const u32 zero[] = {
		APIC_TASKPRI, APIC_ESR, APIC_ICR, APIC_ICR2, APIC_TMICT, APIC_TMCCT, APIC_TDCR,
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(zero); i++)
		lapic_set(l, zero[i], 0);
	for (i = 0; i < 8; i++) {
		lapic_set(l, APIC_ISR + i * 0x10, 0);
		lapic_set(l, APIC_TMR + i * 0x10, 0);
		lapic_set(l, APIC_IRR + i * 0x10, 0);
	}
	lapic_set(l, APIC_DFR, APIC_DFR_FLAT);
	lapic_set(l, APIC_SPIV, 0xff);
	reset_lvt(l);
	lapic_update_version(l);
	lapic_drop_posted(l);
	WRITE_ONCE(l->errors, 0);
	bitmap_zero(l->eoi_exits, LAPIC_VECTORS);
	lapic_timer_set_divide(l, 0);
	lapic_recompute(l);
}

/* INIT keeps the id that software may have written. */
void irq_vcpu_reset(struct nvmx_vcpu *v, bool init)
{
	struct lapic *l = v->lapic;
	u32 id;

	if (!l)
		return;
	id = lapic_get(l, APIC_ID);
	lapic_timer_cancel(l);
	reset_registers(l);
	lapic_set_identity(l);
	if (init)
		lapic_set(l, APIC_ID, id);
	l->tpr_report.waiting = false;
}

/* Invalid are: x2APIC without xAPIC, to x2APIC at once, and from x2APIC back to xAPIC. */
bool irq_apic_base_valid(const struct nvmx_vcpu *v, u64 old, u64 val)
{
	u64 from = old & LAPIC_MODES, to = val & LAPIC_MODES;

	if (to == X2APIC_ENABLE)
		return false;
	if (to == LAPIC_MODES)
		return from != 0;
	return to != XAPIC_ENABLE || from != LAPIC_MODES;
}

/* CR8 stays: it is the processor's, too. */
static void switched_off(struct lapic *l)
{
	u8 tpr = lapic_get(l, APIC_TASKPRI);

	lapic_timer_cancel(l);
	reset_registers(l);
	irq_set_tpr(l->v, tpr);
}

void irq_apic_base_changed(struct nvmx_vcpu *v, u64 old)
{
	u64 from = old & LAPIC_MODES, to = v->apic_base & LAPIC_MODES;

	if (from == to)
		return;
	if (!to)
		switched_off(v->lapic);
	if (to)
		lapic_set_identity(v->lapic);
	if (to == LAPIC_MODES)
		lapic_set(v->lapic, APIC_ICR2, 0);
	WRITE_ONCE(v->irq_hint, true);
}

/* ---- life ---- */

void *irq_apic_page(struct nvmx_vcpu *v)
{
	return v->lapic->regs;
}

int irq_vcpu_create(struct nvmx_vcpu *v)
{
	struct lapic *l;

	if (v->vm->irq_mode == IRQ_USER)
		return 0;
	l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);
	if (!l)
		return -ENOMEM;
	l->regs = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!l->regs) {
		kfree(l);
		return -ENOMEM;
	}
	l->v = v;
	if (static_branch_unlikely(&irq_vid_possible)) {
		v->pi = kzalloc(sizeof(*v->pi), GFP_KERNEL_ACCOUNT);
		if (!v->pi)
			goto free_page;
	}
	lapic_timer_init(l);
	v->lapic = l;
	irq_vcpu_reset(v, false);
	return 0;

free_page:
	free_page((unsigned long)l->regs);
	kfree(l);
	return -ENOMEM;
}

void irq_vcpu_destroy(struct nvmx_vcpu *v)
{
	struct lapic *l = v->lapic;

	if (!l)
		return;
	lapic_timer_cancel(l);
	v->lapic = NULL;
	kfree(v->pi);
	v->pi = NULL;
	free_page((unsigned long)l->regs);
	kfree(l);
}
