// SPDX-License-Identifier: GPL-2.0-only
/*
 * The I/O APIC: 24 pins, each with an entry of the redirection table, as in the 82093AA.
 *
 * A level-triggered interrupt sets its entry's remote IRR until a local APIC broadcasts the EOI; if
 * the line is up then, it is sent again.  Messages leave with the lock held.  Whoever listens to
 * acknowledgments is told without it, and before remote IRR falls, so that a device that lowers its
 * line then does not interrupt twice.
 */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <nvmx/vmx.h>

#include "irq_int.h"

/* The two registers in memory, and what the first selects */
#define REG_SELECT	0x00
#define REG_WINDOW	0x10
#define SEL_ID		0x00
#define SEL_VERSION	0x01
#define SEL_ARB		0x02
#define SEL_TABLE	0x10
#define VERSION		((IOAPIC_PINS - 1) << 16 | 0x11)
#define ID_MASK		0xf
#define ID_SHIFT	24

/* An entry of the redirection table */
#define RED_VECTOR	GENMASK_ULL(7, 0)
#define RED_MODE	GENMASK_ULL(10, 8)
#define RED_LOGICAL	BIT_ULL(11)
#define RED_STATUS	BIT_ULL(12)	/* read-only */
#define RED_POLARITY	BIT_ULL(13)
#define RED_REMOTE_IRR	BIT_ULL(14)	/* read-only */
#define RED_LEVEL	BIT_ULL(15)
#define RED_MASKED	BIT_ULL(16)
#define RED_DEST	GENMASK_ULL(63, 56)
#define RED_READ_ONLY	(RED_STATUS | RED_REMOTE_IRR)
#define RED_WRITABLE	(RED_VECTOR | RED_MODE | RED_LOGICAL | RED_POLARITY | RED_LEVEL | \
			 RED_MASKED | RED_DEST)
#define MODE_FIXED	0
#define MODE_LOWEST	1

#define NR_VECTORS	256

/*
 * A guest that ends a level-triggered interrupt without making the device lower its line would
 * never do anything else: after so many in a row it gets time in between, as it would on a bus.
 */
#define STORM_LIMIT	10000
#define STORM_DELAY	msecs_to_jiffies(10)

/*
 * Locking: [p] ->lock  [a] read without
 */
struct ioapic {
	raw_spinlock_t lock;		/* irqs off */
	struct nvmx_vm *vm;
	u64 entry[IOAPIC_PINS];		/* [p] */
	u8 lines[IOAPIC_PINS];		/* [p] who drives the pin: a bit by source */
	u32 up;				/* [p] pins whose line is up */
	u32 sent;			/* [p] of these: edges that went out */
	u32 select, id;			/* [p] */
	u32 unmasked;			/* [p] to be told */
	u32 storm[IOAPIC_PINS];		/* [p] sent again at once, in a row */
	struct delayed_work calm;
	DECLARE_BITMAP(vectors, NR_VECTORS);	/* [p][a] that are in the table */
	DECLARE_BITMAP(levels, NR_VECTORS);	/* [p] of these: level-triggered */
};

static unsigned long ioapic_lock(struct ioapic *io)
	__acquires(&io->lock)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&io->lock, flags);
	return flags;
}

static void ioapic_unlock(struct ioapic *io, unsigned long flags)
	__releases(&io->lock)
{
	unsigned long unmasked = io->unmasked;
	u32 pin;

	io->unmasked = 0;
	raw_spin_unlock_irqrestore(&io->lock, flags);
	for_each_set_bit(pin, &unmasked, IOAPIC_PINS)
		route_unmasked(io->vm, KVM_IRQCHIP_IOAPIC, pin);
}

/* ---- messages ---- */

static struct irq_msg message(u64 entry)
{
	return (struct irq_msg){
		.dest = (entry & RED_DEST) >> 56,
		.vector = entry & RED_VECTOR,
		.mode = (entry & RED_MODE) >> 8,
		.logical = entry & RED_LOGICAL,
		.level = entry & RED_LEVEL,
		.assert = true,
	};
}

/* Only these are ended by an EOI. */
static bool has_eoi(const struct irq_msg *msg)
{
	return msg->mode == MODE_FIXED || msg->mode == MODE_LOWEST;
}

static int send(struct ioapic *io, u32 pin)
{
	u64 entry = io->entry[pin];
	struct irq_msg msg = message(entry);
	int ret;

	if (entry & RED_MASKED)
		return -1;
	if (msg.level && entry & RED_REMOTE_IRR)
		return 0;
	ret = irq_send(io->vm, NULL, &msg);
	if (!msg.level)
		io->sent |= BIT(pin);
	else if (ret > 0 && has_eoi(&msg))
		io->entry[pin] |= RED_REMOTE_IRR;
	return ret;
}

static bool level_waits(const struct ioapic *io, u32 pin)
{
	return io->up & BIT(pin) && (io->entry[pin] & (RED_LEVEL | RED_REMOTE_IRR)) == RED_LEVEL;
}

static int set_line(struct ioapic *io, u32 pin, bool level)
{
	bool was_up = io->up & BIT(pin);

	if (!level) {
		io->up &= ~BIT(pin);
		io->sent &= ~BIT(pin);
		return 1;
	}
	io->up |= BIT(pin);
	if (was_up && !(io->entry[pin] & RED_LEVEL))
		return 0;
	return send(io, pin);
}

int ioapic_set(struct nvmx_vm *vm, enum irq_source source, u32 pin, int level)
{
	struct ioapic *io = vm->irq->ioapic;
	unsigned long flags = ioapic_lock(io);
	int ret;

	io->lines[pin] &= ~BIT(source);
	if (level)
		io->lines[pin] |= BIT(source);
	ret = set_line(io, pin, io->lines[pin]);
	ioapic_unlock(io, flags);
	return ret;
}

/* ---- end of interrupt ---- */

static u32 pins_with(struct ioapic *io, u8 vector)
{
	unsigned long flags;
	u32 pin, pins = 0;

	if (!io || !test_bit(vector, io->vectors))
		return 0;
	flags = ioapic_lock(io);
	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		if ((io->entry[pin] & RED_VECTOR) == vector)
			pins |= BIT(pin);
	}
	ioapic_unlock(io, flags);
	return pins;
}

static void tell_acked(struct nvmx_vm *vm, unsigned long pins)
{
	u32 pin;

	for_each_set_bit(pin, &pins, IOAPIC_PINS)
		route_acked(vm, KVM_IRQCHIP_IOAPIC, pin);
}

static void end_level(struct ioapic *io, u32 pin, u8 vector)
{
	if ((io->entry[pin] & RED_VECTOR) != vector || !(io->entry[pin] & RED_LEVEL))
		return;
	io->entry[pin] &= ~RED_REMOTE_IRR;
	if (!level_waits(io, pin) || io->entry[pin] & RED_MASKED) {
		io->storm[pin] = 0;
	} else if (++io->storm[pin] < STORM_LIMIT) {
		send(io, pin);
	} else {
		io->storm[pin] = 0;
		schedule_delayed_work(&io->calm, STORM_DELAY);
	}
}

void ioapic_eoi(struct nvmx_vm *vm, u8 vector)
{
	struct ioapic *io = vm->irq->ioapic;
	unsigned long pins = pins_with(io, vector), flags;
	u32 pin;

	if (!pins)
		return;
	tell_acked(vm, pins);
	flags = ioapic_lock(io);
	for_each_set_bit(pin, &pins, IOAPIC_PINS)
		end_level(io, pin, vector);
	ioapic_unlock(io, flags);
}

void ioapic_eoi_edge(struct nvmx_vm *vm, u8 vector)
{
	tell_acked(vm, pins_with(vm->irq->ioapic, vector));
}

bool ioapic_uses(struct nvmx_vm *vm, u8 vector)
{
	return pins_with(vm->irq->ioapic, vector);
}

static bool is_ended(struct nvmx_vm *vm, u32 pin, u64 entry)
{
	return entry & RED_LEVEL || route_listens(vm, KVM_IRQCHIP_IOAPIC, pin);
}

void ioapic_eoi_exits(struct nvmx_vm *vm, unsigned long *vectors)
{
	struct ioapic *io = vm->irq->ioapic;
	u64 entry[IOAPIC_PINS];
	unsigned long flags;
	u32 pin;

	flags = ioapic_lock(io);
	memcpy(entry, io->entry, sizeof(entry));
	ioapic_unlock(io, flags);
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		if (is_ended(vm, pin, entry[pin]))
			__set_bit(entry[pin] & RED_VECTOR, vectors);
}

/* Time has passed: what a storm kept back goes out. */
static void calm(struct work_struct *work)
{
	struct ioapic *io = container_of(to_delayed_work(work), struct ioapic, calm);
	unsigned long flags = ioapic_lock(io);
	u32 pin;

	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		if (level_waits(io, pin))
			send(io, pin);
	}
	ioapic_unlock(io, flags);
}

/* ---- registers ---- */

/* A word at a time: those that stay are never seen missing. */
static bool set_map(unsigned long *map, const unsigned long *by)
{
	bool changed = false;
	u32 i;

	for (i = 0; i < BITS_TO_LONGS(NR_VECTORS); i++) {
		changed |= map[i] != by[i];
		WRITE_ONCE(map[i], by[i]);
	}
	return changed;
}

static void find_vectors(struct ioapic *io)
{
	DECLARE_BITMAP(vectors, NR_VECTORS);
	DECLARE_BITMAP(levels, NR_VECTORS);
	bool changed;
	u32 i;

	bitmap_zero(vectors, NR_VECTORS);
	bitmap_zero(levels, NR_VECTORS);
	for (i = 0; i < IOAPIC_PINS; i++) {
		__set_bit(io->entry[i] & RED_VECTOR, vectors);
		if (io->entry[i] & RED_LEVEL)
			__set_bit(io->entry[i] & RED_VECTOR, levels);
	}
	changed = set_map(io->vectors, vectors);
	changed |= set_map(io->levels, levels);
	if (changed)
		vmx_post_eoi_exits(io->vm);
}

static u64 pin_entry(const struct ioapic *io)
{
	u32 pin = (io->select - SEL_TABLE) / 2;

	return pin < IOAPIC_PINS ? io->entry[array_index_nospec(pin, IOAPIC_PINS)] : ~0ull;
}

static u32 read_window(const struct ioapic *io)
{
	switch (io->select) {
	case SEL_VERSION:
		return VERSION;
	case SEL_ID:
	case SEL_ARB:
		return io->id << ID_SHIFT;
	default:
		return io->select & 1 ? pin_entry(io) >> 32 : pin_entry(io);
	}
}

/* Software that knows no EOI register clears remote IRR by a turn to edge-triggered and back. */
static void write_entry(struct ioapic *io, u32 pin, u64 val)
{
	u64 old = io->entry[pin];
	u64 new = (val & RED_WRITABLE) | (old & RED_READ_ONLY);

	if (!(new & RED_LEVEL))
		new &= ~RED_REMOTE_IRR;
	if (old & ~new & RED_MASKED)
		io->unmasked |= BIT(pin);
	io->entry[pin] = new;
	find_vectors(io);
	if (level_waits(io, pin))
		send(io, pin);
}

static void write_window(struct ioapic *io, u32 val)
{
	u32 pin = (io->select - SEL_TABLE) / 2;
	u64 entry;

	if (io->select == SEL_ID)
		io->id = val >> ID_SHIFT & ID_MASK;
	if (pin >= IOAPIC_PINS)
		return;
	pin = array_index_nospec(pin, IOAPIC_PINS);
	entry = io->entry[pin];
	if (io->select & 1)
		entry = (entry & U32_MAX) | (u64)val << 32;
	else
		entry = (entry & ~(u64)U32_MAX) | val;
	write_entry(io, pin, entry);
}

static bool is_here(u64 gpa, u32 len)
{
	return gpa >= IOAPIC_BASE && gpa - IOAPIC_BASE < IOAPIC_SIZE && len <= sizeof(u64);
}

bool ioapic_mmio_read(struct nvmx_vm *vm, u64 gpa, u32 len, void *data)
{
	struct ioapic *io = vm->irq->ioapic;
	unsigned long flags;
	u64 val = 0;

	if (!is_here(gpa, len))
		return false;
	flags = ioapic_lock(io);
	if (gpa == IOAPIC_BASE + REG_SELECT)
		val = io->select;
	else if (gpa == IOAPIC_BASE + REG_WINDOW)
		val = read_window(io);
	ioapic_unlock(io, flags);
	memcpy(data, &val, len);
	return true;
}

bool ioapic_mmio_write(struct nvmx_vm *vm, u64 gpa, u32 len, const void *data)
{
	struct ioapic *io = vm->irq->ioapic;
	unsigned long flags;
	u32 val = 0;

	if (!is_here(gpa, len))
		return false;
	memcpy(&val, data, min_t(u32, len, sizeof(val)));
	flags = ioapic_lock(io);
	if (gpa == IOAPIC_BASE + REG_SELECT)
		io->select = val & 0xff;
	else if (gpa == IOAPIC_BASE + REG_WINDOW)
		write_window(io, val);
	ioapic_unlock(io, flags);
	return true;
}

/* ---- life and state ---- */

void ioapic_get(struct nvmx_vm *vm, struct kvm_ioapic_state *s)
{
	struct ioapic *io = vm->irq->ioapic;
	unsigned long flags = ioapic_lock(io);
	u32 i;

	*s = (struct kvm_ioapic_state){
		.base_address = IOAPIC_BASE,
		.ioregsel = io->select,
		.id = io->id,
		.irr = io->up & ~io->sent,
	};
	for (i = 0; i < IOAPIC_PINS; i++)
		s->redirtbl[i].bits = io->entry[i];
	ioapic_unlock(io, flags);
}

/* The requests of the saved state are made again: their messages may not have been saved. */
void ioapic_put(struct nvmx_vm *vm, const struct kvm_ioapic_state *s)
{
	struct ioapic *io = vm->irq->ioapic;
	unsigned long flags = ioapic_lock(io), irr = s->irr;
	u32 i;

	io->select = s->ioregsel & 0xff;
	io->id = s->id & ID_MASK;
	io->up = 0;
	io->sent = 0;
	for (i = 0; i < IOAPIC_PINS; i++) {
		io->entry[i] = s->redirtbl[i].bits & (RED_WRITABLE | RED_READ_ONLY);
		io->storm[i] = 0;
	}
	find_vectors(io);
	for_each_set_bit(i, &irr, IOAPIC_PINS)
		set_line(io, i, true);
	ioapic_unlock(io, flags);
}

int ioapic_create(struct nvmx_vm *vm)
{
	struct ioapic *io = kzalloc(sizeof(*io), GFP_KERNEL_ACCOUNT);
	u32 i;

	if (!io)
		return -ENOMEM;
	raw_spin_lock_init(&io->lock);
	INIT_DELAYED_WORK(&io->calm, calm);
	io->vm = vm;
	for (i = 0; i < IOAPIC_PINS; i++)
		io->entry[i] = RED_MASKED;
	find_vectors(io);
	vm->irq->ioapic = io;
	return 0;
}

/* Nothing ends an interrupt or changes the table any more. */
void ioapic_stop(struct nvmx_vm *vm)
{
	if (vm->irq->ioapic)
		cancel_delayed_work_sync(&vm->irq->ioapic->calm);
}

void ioapic_destroy(struct nvmx_vm *vm)
{
	kfree(vm->irq->ioapic);
	vm->irq->ioapic = NULL;
}
