/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the wires share: the VM's controllers, and who calls whom.
 *
 *	route -> pic, ioapic, msi	ioapic, msi -> irq_send() -> lapic_accept()
 *	pit -> route (GSI 0)		lapic's EOI -> ioapic_eoi(), or an exit (split)
 *
 * Locks, outermost first: vm->lock; irq_vm.lock (a mutex: routes and irqfds change); the raw
 * spinlocks of PIC and I/O APIC, of which at most one is held.  Who sends a message may hold one
 * of these and have irqs off, so lapic_accept() takes no lock.
 */
#ifndef NVMX_IRQ_INT_H
#define NVMX_IRQ_INT_H

#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <nvmx/irq.h>
#include <nvmx/vcpu.h>

#define IOAPIC_PINS		KVM_IOAPIC_NUM_PINS
#define IOAPIC_BASE		0xfec00000ull
#define IOAPIC_SIZE		0x100
#define PIC_PINS		16	/* of both together */

struct pic_pair;		/* pic.c */
struct ioapic;			/* ioapic.c */
struct pit;			/* pit.c */
struct route_table;		/* route.c */

/*
 * Locking: [L] vm->lock, and constant after the first vCPU  [m] ->lock  [s] vm->srcu
 *          [h] ->irqfd_lock
 */
struct irq_vm {
	struct mutex lock;			/* changes of routes and irqfds; sleeps */
	struct pic_pair *pic;			/* [L] with IRQ_KERNEL */
	struct ioapic *ioapic;			/* [L] with IRQ_KERNEL */
	struct pit *pit;			/* [L] after KVM_CREATE_PIT(2); release/acquire */
	struct route_table __rcu *routes;	/* [m][s] */
	spinlock_t irqfd_lock;			/* innermost but for the chips'; irqs off */
	struct list_head irqfds;		/* [h] */
	struct list_head dying;			/* [h] irqfds that irqfd_cleanup takes down */
	struct work_struct irqfd_cleanup;
	struct list_head resamplers;		/* [m][s] */
	u32 split_pins;				/* [L] I/O APIC pins of user space */
	u64 x2apic_flags;			/* [L] KVM_X2APIC_API_* */
	u8 by_id[256];				/* ipi.c: where an APIC id was found last */
};

static inline u8 irq_mode(const struct nvmx_vm *vm)
{
	/* Pairs with set_mode() of irqchip.c: who sees the model sees its chips and routes. */
	return smp_load_acquire(&vm->irq_mode);
}

/* Who drives a line: the levels of all are ORed. */
enum irq_source { SOURCE_USER, SOURCE_PIT, SOURCE_IRQFD_RESAMPLE, NR_SOURCES };

/* ---- route.c ---- */
/* Raise or lower a GSI. Context: process or irqs off. > 0 delivered, 0 coalesced, -1 nowhere */
int route_set(struct nvmx_vm *vm, enum irq_source source, u32 gsi, int level);
int route_default(struct nvmx_vm *vm);		/* at KVM_CREATE_IRQCHIP */
int route_empty(struct nvmx_vm *vm);		/* split */
void route_destroy(struct nvmx_vm *vm);
/*
 * What a guest did at a pin, for who drives the GSI behind it.  chip is KVM_IRQCHIP_*; pins of the
 * slave are 8 to 15. Context: any, with no chip's lock held.
 */
void route_acked(struct nvmx_vm *vm, u32 chip, u32 pin);
void route_unmasked(struct nvmx_vm *vm, u32 chip, u32 pin);
bool route_listens(struct nvmx_vm *vm, u32 chip, u32 pin);	/* does anybody hear of it? */
/* Is the vector at this APIC one of user space's level-triggered routes (split)? Takes vm->srcu */
bool route_wants_eoi(struct nvmx_vcpu *v, u8 vector);
/* All vectors for which that could be so, at any APIC; adds to 256 bits */
void route_eoi_exits(struct nvmx_vm *vm, unsigned long *vectors);

/* ---- irqfd.c ---- */
void irqfd_start(struct nvmx_vm *vm);
void irqfd_stop(struct nvmx_vm *vm);
void irqfd_acked(struct nvmx_vm *vm, u32 gsi);	/* resamplers are told */
bool irqfd_listens(struct nvmx_vm *vm, u32 gsi);	/* there is one; under vm->srcu */

/* ---- pic.c ---- */
int pic_create(struct nvmx_vm *vm);
void pic_destroy(struct nvmx_vm *vm);
int pic_set(struct nvmx_vm *vm, enum irq_source source, u32 pin, int level);
bool pic_output(const struct nvmx_vm *vm);	/* INTR is high: lock-free */
int pic_ack(struct nvmx_vm *vm);		/* INTA: a vector, always */
bool pic_pio_read(struct nvmx_vm *vm, u16 port, u8 *val);
bool pic_pio_write(struct nvmx_vm *vm, u16 port, u8 val);
void pic_get(struct nvmx_vm *vm, u32 chip, struct kvm_pic_state *s);
void pic_put(struct nvmx_vm *vm, u32 chip, const struct kvm_pic_state *s);

/* ---- ioapic.c ---- */
int ioapic_create(struct nvmx_vm *vm);
void ioapic_stop(struct nvmx_vm *vm);
void ioapic_destroy(struct nvmx_vm *vm);
int ioapic_set(struct nvmx_vm *vm, enum irq_source source, u32 pin, int level);
bool ioapic_mmio_read(struct nvmx_vm *vm, u64 gpa, u32 len, void *data);
bool ioapic_mmio_write(struct nvmx_vm *vm, u64 gpa, u32 len, const void *data);
/*
 * A local APIC ends the service of a vector: every EOI, with IRQ_KERNEL; cheap where no pin has the
 * vector.  The edge-triggered ones tell the PIT and irqfds of the acknowledgment.
 */
void ioapic_eoi(struct nvmx_vm *vm, u8 vector);		/* level-triggered: broadcast */
void ioapic_eoi_edge(struct nvmx_vm *vm, u8 vector);
bool ioapic_uses(struct nvmx_vm *vm, u8 vector);	/* somebody may wait for its EOI */
void ioapic_eoi_exits(struct nvmx_vm *vm, unsigned long *vectors);	/* somebody does; adds */
void ioapic_get(struct nvmx_vm *vm, struct kvm_ioapic_state *s);
void ioapic_put(struct nvmx_vm *vm, const struct kvm_ioapic_state *s);

/* ---- pit.c ---- */
bool pit_pio_read(struct nvmx_vm *vm, u16 port, u8 *val);
bool pit_pio_write(struct nvmx_vm *vm, u16 port, u8 val);
void pit_stop(struct nvmx_vm *vm);
void pit_destroy(struct nvmx_vm *vm);
void pit_acked(struct nvmx_vm *vm);		/* IRQ 0 was acknowledged: the next tick may come */
void pit_unmasked(struct nvmx_vm *vm);		/* whoever listens now has missed no tick */

/* ---- lapic.c, ipi.c, lapic_timer.c ---- */
struct lapic;
/* An access at v->apic_base, in xAPIC mode. false: elsewhere, or not enabled. Own thread */
bool lapic_mmio_read(struct nvmx_vcpu *v, u64 gpa, u32 len, void *data);
bool lapic_mmio_write(struct nvmx_vcpu *v, u64 gpa, u32 len, const void *data);
/* One message arrives at one APIC. Context: any. > 0 accepted, 0 coalesced or refused */
int lapic_accept(struct nvmx_vcpu *v, const struct irq_msg *msg);
bool lapic_matches(struct nvmx_vcpu *v, const struct irq_msg *msg);
/* The PIC's INTR went up: wake the vCPUs whose LINT0 listens. Context: any. */
void lapic_extint_raised(struct nvmx_vm *vm);
/* The PIT's tick goes also to LINT0 of vCPUs in virtual-wire NMI mode (the NMI watchdog). */
void lapic_pit_tick(struct nvmx_vm *vm);

#endif
