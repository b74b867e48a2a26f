/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC, for its own files.
 *
 * The registers live in one page, laid out as the xAPIC's, whatever the mode: so hardware can take
 * it for its virtual-APIC page, and KVM_GET_LAPIC copies it.
 *
 * Locking: IRR and TMR, ->errors and ->taken belong to everybody, with atomic bit operations.  All
 * else is written by the vCPU's own thread; others read registers one word at a time, and what
 * they see is as old as the bus would be slow.
 */
#ifndef NVMX_LAPIC_H
#define NVMX_LAPIC_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/hrtimer.h>
#include <linux/types.h>
#include <asm/apicdef.h>
#include <asm/mce.h>
#include <nvmx/arch.h>
#include <nvmx/irq.h>
#include <nvmx/vcpu.h>

#define LAPIC_VECTORS		256
#define LAPIC_FIRST_VECTOR	16	/* the lower ones are illegal in messages */
#define LAPIC_VERSION		0x14u
#define LAPIC_MAX_LVT		5u	/* timer, thermal, performance, LINT0, LINT1, error; CMCI */
#define LAPIC_BROADCAST		0xffu
#define LAPIC_X2APIC_BROADCAST	0xffffffffu
#define LAPIC_MODES		(XAPIC_ENABLE | X2APIC_ENABLE)

/* Delivery modes of irq_msg, ICR and LVT. */
enum lapic_delivery {
	DELIVER_FIXED, DELIVER_LOWEST, DELIVER_SMI, DELIVER_RESERVED,
	DELIVER_NMI, DELIVER_INIT, DELIVER_SIPI, DELIVER_EXTINT,
};

enum lapic_shorthand { SHORTHAND_NONE, SHORTHAND_SELF, SHORTHAND_ALL, SHORTHAND_OTHERS };

/*
 * Locking: [I] constant after creation  [m] vcpu mutex  [a] any context, atomically
 *          [t] the timer is cancelled, or its callback
 */
struct lapic {
	struct nvmx_vcpu *v;		/* [I] */
	void *regs;			/* [I] the page */
	int isr_max;			/* [m] highest vector in service, -1: none */
	bool irr_hint;			/* [a] clear: IRR is empty */
	unsigned long errors;		/* [a] ESR bits since its last write */
	atomic_t taken;			/* [a] lowest-priority messages, for turns */
	unsigned long eoi_exits[LAPIC_VECTORS / BITS_PER_LONG];	/* [m] user space waits for */
	struct {
		struct hrtimer hr;
		u64 tick;		/* [m] ns for each count */
		u64 period;		/* [t] ns; not 0: reload when periodic */
		bool running;		/* [a] cleared by the callback that is the last */
		u64 deadline;		/* [a] IA32_TSC_DEADLINE; cleared by the callback */
		u32 ahead;		/* [m] ns that the timer fires before it; learned */
		bool measure;		/* [a] the callback has set v->timer_due: learn from it */
	} timer;
	bool pv_eoi;			/* [m] the guest was told that it needs no EOI */
	u64 vapic;			/* [m] gpa of KVM_SET_VAPIC_ADDR; 0: none */
	struct {
		bool on;		/* [m] KVM_TPR_ACCESS_REPORTING */
		bool waiting;		/* [m] an access to report */
		bool write;		/* [m] what it was */
	} tpr_report;
};

static inline u32 lapic_get(const struct lapic *l, u32 reg)
{
	return READ_ONCE(*(u32 *)(l->regs + reg));
}

static inline void lapic_set(struct lapic *l, u32 reg, u32 val)
{
	WRITE_ONCE(*(u32 *)(l->regs + reg), val);
}

/* A bit of ISR, TMR or IRR lies at vector & 31 of the word that this gives. */
static inline unsigned long *lapic_word(const struct lapic *l, u32 bank, u8 vector)
{
	return l->regs + bank + (vector >> 5) * 0x10;
}

/* Any context: the mode may change at any time. */
static inline bool lapic_on(const struct nvmx_vcpu *v)
{
	return READ_ONCE(v->apic_base) & XAPIC_ENABLE;
}

static inline bool lapic_x2apic(const struct nvmx_vcpu *v)
{
	return (READ_ONCE(v->apic_base) & LAPIC_MODES) == LAPIC_MODES;
}

static inline bool lapic_software_on(const struct lapic *l)
{
	return lapic_get(l, APIC_SPIV) & APIC_SPIV_APIC_ENABLED;
}

static inline u32 lapic_x2apic_ldr(u32 id)
{
	return (id >> 4) << 16 | 1u << (id & 15);
}

/* The entry for corrected machine checks comes with the banks' capability. */
static inline bool lapic_has_cmci(const struct lapic *l)
{
	return l->v->mcg_cap & MCG_CMCI_P;
}

/* ---- vid.c: any context ---- */
bool lapic_post(struct lapic *l, u8 vector);	/* false: it was requested already */
void lapic_drop_posted(struct lapic *l);	/* own thread */

/* ---- lapic.c ---- */
int lapic_highest(const struct lapic *l, u32 bank);	/* of IRR or ISR, or -1 */
u32 lapic_ppr(const struct lapic *l);	/* as it is now; any context */
void lapic_update_ppr(struct lapic *l);	/* its register; own thread */
void lapic_recompute(struct lapic *l);	/* what is cached of IRR, ISR and TPR; own thread */
void lapic_set_identity(struct lapic *l);	/* ID and LDR in the format of the mode */
bool lapic_cpuid(const struct nvmx_vcpu *v, u32 ecx_bit);	/* of leaf 1 */
void lapic_update_version(struct lapic *l);

/* ---- lapic_accept.c: any context ---- */
void lapic_error(struct lapic *l, u32 bit);		/* an APIC_ESR_* */
int lapic_accept_lvt(struct lapic *l, u32 reg);		/* an event of the local vector table */

/* ---- pv_eoi.c: own thread; before an entry, and after the exit or where there was none ---- */
void lapic_pv_eoi_offer(struct lapic *l);
void lapic_pv_eoi_take_back(struct lapic *l);

/* ---- ipi.c: own thread ---- */
void lapic_send_ipi(struct lapic *l, u32 low, u32 dest);

/* ---- lapic_timer.c: own thread ---- */
void lapic_timer_init(struct lapic *l);
void lapic_timer_stop(struct lapic *l);			/* on return no callback runs */
void lapic_timer_cancel(struct lapic *l);		/* and forget what it was set to */
void lapic_timer_mode_changed(struct lapic *l, u32 old_lvtt);
void lapic_timer_set_count(struct lapic *l, u32 count);	/* a write to the initial count */
void lapic_timer_set_divide(struct lapic *l, u32 divide);
u32 lapic_timer_count(struct lapic *l);			/* the current count */
void lapic_timer_restore(struct lapic *l, u32 count);	/* registers were set: go on at count */

#endif
