/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Door of src/irq, the wires: local APICs, I/O APIC, PIC, PIT, routes and irqfds.
 *
 * A VM has one of three models, chosen before its first vCPU: all in user space (no v->lapic), the
 * local APICs here and the rest in user space (split), or everything here.
 *
 * "Own thread" means: process context, v->mutex held, vCPU loaded.
 */
#ifndef NVMX_IRQ_H
#define NVMX_IRQ_H

#include <linux/jump_label.h>
#include <linux/kvm.h>
#include <nvmx/posted.h>
#include <nvmx/types.h>
#include <nvmx/vcpu.h>

#define IRQ_MAX_ROUTES		4096	/* entries of the table, and GSIs */

/* vm->irq_mode */
enum irq_mode { IRQ_USER, IRQ_SPLIT, IRQ_KERNEL };

/* ---- life ---- */
int irq_vm_create(struct nvmx_vm *vm);		/* makes vm->irq; -ENOMEM */
/* First: no irqfd, timer or work item touches a vCPU any more. Second: all is freed. */
void irq_vm_stop(struct nvmx_vm *vm);
void irq_vm_destroy(struct nvmx_vm *vm);
/* Makes v->lapic if the model has one, in power-on state.  Before the vCPU is published. */
int irq_vcpu_create(struct nvmx_vcpu *v);
void irq_vcpu_destroy(struct nvmx_vcpu *v);	/* nobody reaches the vCPU any more */
void irq_vcpu_reset(struct nvmx_vcpu *v, bool init);	/* own thread; INIT keeps the id */

static inline bool irq_in_kernel(const struct nvmx_vcpu *v)
{
	return v->lapic;
}

/* ---- what waits for a vCPU: own thread ---- */
/*
 * v->irq_hint is set by whoever gives the vCPU something, before vmx_kick(): while it is clear,
 * these need not be asked.  irq_waits() clears it when there is nothing at all.
 */
bool irq_waits(struct nvmx_vcpu *v);		/* a vector above the PPR, or ExtINT from the PIC */
int irq_highest(struct nvmx_vcpu *v);		/* what irq_waits() is about: vector, or -1 */
/* The INTA cycle: the vector moves from IRR to ISR, or the PIC is acknowledged. -1: gone. */
int irq_ack(struct nvmx_vcpu *v);
/* Would an ExtINT (KVM_INTERRUPT of the split model) be taken by LINT0? */
bool irq_accepts_extint(struct nvmx_vcpu *v);
/* Highest vector in IRR whatever the priority, and highest in ISR; -1: none */
int irq_irr_max(struct nvmx_vcpu *v);
int irq_isr_max(struct nvmx_vcpu *v);

/*
 * ---- virtual-interrupt delivery (vid.c) ----
 *
 * The CPU may deliver from the page of registers while L1 runs; then nobody else writes IRR, and
 * all interrupts are posted, whether or not it does so just now.  Where that is never so, the key
 * is off, and this costs nothing.
 */
DECLARE_STATIC_KEY_FALSE(irq_vid_possible);
void irq_vid_allow(void);			/* once, before the first VM */

/* Does the CPU deliver while L1 runs? */
static inline bool irq_vid(const struct nvmx_vcpu *v)
{
	return static_branch_unlikely(&irq_vid_possible) && READ_ONCE(v->vid);
}

static inline bool irq_posted(const struct nvmx_vcpu *v)
{
	return static_branch_unlikely(&irq_vid_possible) && v->pi &&
	       READ_ONCE(v->pi->control) & BIT(PI_ON);
}

void irq_take_posted(struct nvmx_vcpu *v);	/* to IRR; own thread, not in the guest */
void irq_set_vid(struct nvmx_vcpu *v, bool on);	/* own thread */
u16 irq_intr_status(struct nvmx_vcpu *v);	/* RVI and SVI, as the page has them; own thread */
void irq_vid_after_run(struct nvmx_vcpu *v, u16 status);	/* L1 has run: as the CPU has it */
/* 256 bits: whose EOI somebody listens to; own thread.  Changes make a REQ_EOI_EXITS. */
void irq_eoi_exits(struct nvmx_vcpu *v, unsigned long *vectors);
void irq_eoi_done(struct nvmx_vcpu *v, u8 vector);	/* ISR has lost it: who listens is told */

/* ---- registers: own thread ---- */
u8 irq_tpr(struct nvmx_vcpu *v);		/* all eight bits */
void irq_set_tpr(struct nvmx_vcpu *v, u8 tpr);
/* RDMSR and WRMSR 0x800 to 0x8ff: -EINVAL is #GP */
int irq_read_x2apic(struct nvmx_vcpu *v, u32 msr, u64 *val);
/* May hardware read the register from the page? Own thread */
bool irq_x2apic_read_is_plain(const struct nvmx_vcpu *v, u32 msr);
int irq_write_x2apic(struct nvmx_vcpu *v, u32 msr, u64 val);
/* SDM "x2APIC State Transitions"; also for a vCPU whose APIC is user space's */
bool irq_apic_base_valid(const struct nvmx_vcpu *v, u64 old, u64 val);
/* IA32_APIC_BASE has been checked and is in v->apic_base; old is what it was. */
void irq_apic_base_changed(struct nvmx_vcpu *v, u64 old);
u64 irq_tsc_deadline(struct nvmx_vcpu *v);
void irq_set_tsc_deadline(struct nvmx_vcpu *v, u64 deadline);	/* L1's TSC; 0: off */
void irq_tsc_changed(struct nvmx_vcpu *v);	/* L1's TSC has jumped, or runs at another rate */
/*
 * v->timer_due is set: the timer may have come a little early.  The last thing before the entry,
 * with irqs off; takes microseconds at most, and clears it.
 */
void irq_wait_timer(struct nvmx_vcpu *v);
/* What hardware watches while the vCPU runs, v->timer_end.apic, was reached; a sleep begins */
void irq_timer_ended(struct nvmx_vcpu *v);
void irq_timer_to_host(struct nvmx_vcpu *v);
void irq_timer_to_cpu(struct nvmx_vcpu *v);	/* the sleep is over */
/* What hardware's register virtualization and a write behind its back need: see lapic.c */
void irq_write_reg(struct nvmx_vcpu *v, u32 offset, u32 val);
u32 irq_read_reg(struct nvmx_vcpu *v, u32 offset);
void irq_mcg_cap_changed(struct nvmx_vcpu *v);	/* v->mcg_cap: is there an entry for CMCI? */
void irq_deliver_cmci(struct nvmx_vcpu *v);	/* a machine check without action was logged */
void irq_write_icr(struct nvmx_vcpu *v, u64 val);	/* both halves, as an x2APIC has them */
void irq_eoi(struct nvmx_vcpu *v);		/* a write to EOI, whichever way it came */
void *irq_apic_page(struct nvmx_vcpu *v);	/* the 4K of registers, laid out as the xAPIC's */

/*
 * An access of the guest to a device here.  false: none is there, or not for this length.
 * gpa is L1-physical; the local APIC is found at v->apic_base, in xAPIC mode only.
 */
bool irq_mmio_read(struct nvmx_vcpu *v, u64 gpa, u32 len, void *data);
bool irq_mmio_write(struct nvmx_vcpu *v, u64 gpa, u32 len, const void *data);
bool irq_pio_read(struct nvmx_vcpu *v, u16 port, u32 len, void *data);
bool irq_pio_write(struct nvmx_vcpu *v, u16 port, u32 len, const void *data);

/*
 * Split: an EOI for a level-triggered vector that user space's I/O APIC waits for.  true: vector
 * is set, and KVM_RUN is to return with KVM_EXIT_IOAPIC_EOI.  Own thread.
 */
bool irq_take_eoi_exit(struct nvmx_vcpu *v, u8 *vector);

/* ---- messages ---- */
#define IRQ_TO_SELF	1

/* An interrupt message to the local APICs of a VM, as on the bus. */
struct irq_msg {
	u32 dest;		/* APIC id, or logical destination */
	u8 vector;
	u8 mode;		/* delivery mode: APIC_DM_* >> 8 */
	bool logical;
	bool level;		/* trigger mode */
	bool assert;
	u8 shorthand;		/* 0 none, IRQ_TO_SELF, 2 all, 3 all but self */
	bool ext_dest;		/* dest has 32 bits: x2APIC, or KVM_X2APIC_API_USE_32BIT_IDS */
};

/*
 * Context: any, irqs may be off.  @src: who sends, for the shorthands; NULL: not a local APIC.
 * Return: how many accepted it; 0: it was coalesced; -1: no such destination.
 */
int irq_send(struct nvmx_vm *vm, struct nvmx_vcpu *src, const struct irq_msg *msg);
void irq_inject_vector(struct nvmx_vcpu *v, u8 vector);	/* edge, from any context */
/* The guest has served a SynIC source: irqfds that resample a GSI routed to it are told. Process */
void irq_sint_acked(struct nvmx_vm *vm, u32 vp_index, u32 sint);

/*
 * ---- ioctls; each has the errno that Documentation/virt/kvm/api.rst of the kernel gives ----
 *
 * Those of a VM take vm->lock themselves, but for irq_enable_*(), whose caller holds it.
 */
int irq_create_chip(struct nvmx_vm *vm);			/* KVM_CREATE_IRQCHIP */
int irq_enable_split(struct nvmx_vm *vm, u64 pins);		/* KVM_CAP_SPLIT_IRQCHIP */
int irq_enable_x2apic_api(struct nvmx_vm *vm, u64 flags);	/* KVM_CAP_X2APIC_API */
int irq_chip_get(struct nvmx_vm *vm, struct kvm_irqchip *chip);
int irq_chip_set(struct nvmx_vm *vm, const struct kvm_irqchip *chip);
int irq_set_boot_cpu_id(struct nvmx_vm *vm, u32 id);
int irq_line(struct nvmx_vm *vm, struct kvm_irq_level *line);	/* fills ->status */
int irq_signal_msi(struct nvmx_vm *vm, const struct kvm_msi *msi); /* > 0, 0 or -errno */
int irq_set_routing(struct nvmx_vm *vm, const struct kvm_irq_routing_entry *entries, u32 nr);
int irq_irqfd(struct nvmx_vm *vm, const struct kvm_irqfd *args);
int irq_create_pit(struct nvmx_vm *vm, const struct kvm_pit_config *config);
int irq_get_pit(struct nvmx_vm *vm, struct kvm_pit_state2 *ps);
int irq_set_pit(struct nvmx_vm *vm, const struct kvm_pit_state2 *ps);
int irq_pit_reinject(struct nvmx_vm *vm, const struct kvm_reinject_control *control);
int irq_get_lapic(struct nvmx_vcpu *v, struct kvm_lapic_state *s);	/* own thread */
int irq_set_lapic(struct nvmx_vcpu *v, const struct kvm_lapic_state *s);	/* own thread */
int irq_set_vapic_addr(struct nvmx_vcpu *v, u64 gpa);			/* own thread */
/*
 * What the guest keeps in memory, TPR and EOI, out and in: only if v->vapic; own thread, may sleep.
 * The second one also after an entry that did not happen.
 */
void irq_vapic_before_entry(struct nvmx_vcpu *v);
void irq_vapic_after_run(struct nvmx_vcpu *v);
void irq_pv_eoi_changed(struct nvmx_vcpu *v);	/* v->pv.eoi was written */
bool irq_tpr_in_memory(const struct nvmx_vcpu *v);	/* KVM_SET_VAPIC_ADDR */
bool irq_reports_tpr(const struct nvmx_vcpu *v);
int irq_set_tpr_reporting(struct nvmx_vcpu *v, const struct kvm_tpr_access_ctl *ctl);
/*
 * After an access by MMIO, before RIP moves on: true asks for KVM_EXIT_TPR_ACCESS.  It is asked
 * once the instruction is finished; the RIP to report is that of the instruction.
 */
bool irq_take_tpr_exit(struct nvmx_vcpu *v, bool *write);

#endif
