// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pair of 8259A interrupt controllers of a PC, with the ELCR of the PIIX.
 *
 * The state is the one that KVM_GET_IRQCHIP shows.  Whatever changes it ends in update(), which
 * works out the cascade and INTR.  What others are to be told waits in the pair until its lock is
 * dropped: that INTR rose, which pins were acknowledged, which were unmasked.
 */
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "irq_int.h"

#define MASTER		KVM_IRQCHIP_PIC_MASTER
#define SLAVE		KVM_IRQCHIP_PIC_SLAVE
#define NR_PICS		2
#define PINS		8
#define CASCADE		2	/* the master's pin that the slave's INT drives */
#define SPURIOUS	7	/* the pin whose vector is given when the request went away */

#define PORT_MASTER	0x20
#define PORT_SLAVE	0xa0
#define PORT_ELCR	0x4d0	/* the slave's is the next */

#define ICW1		BIT(4)	/* command port: begin initialization */
#define ICW1_ICW4	BIT(0)
#define ICW4_AEOI	BIT(1)
#define ICW4_SFNM	BIT(4)
#define OCW3		BIT(3)	/* command port, without ICW1: not OCW2 */
#define OCW3_RIS	BIT(0)
#define OCW3_RR		BIT(1)
#define OCW3_POLL	BIT(2)
#define OCW3_SMM	BIT(5)
#define OCW3_ESMM	BIT(6)
#define POLL_REQUEST	BIT(7)

/* Bits 7 to 5 of OCW2 */
enum ocw2 {
	OCW2_NO_AUTO_ROTATE,
	OCW2_EOI,
	OCW2_NOP,
	OCW2_EOI_PIN,
	OCW2_AUTO_ROTATE,
	OCW2_EOI_ROTATE,
	OCW2_PRIORITY,
	OCW2_EOI_PIN_ROTATE,
};

/* init_state: the word that the data port takes next */
enum { READY, WANT_ICW2, WANT_ICW3, WANT_ICW4 };

/* Timer, keyboard, cascade, RTC and FPU are edge-triggered for good. */
static const u8 elcr_mask[NR_PICS] = { 0xf8, 0xde };

/*
 * Locking: [p] ->lock  [a] read without
 */
struct pic_pair {
	raw_spinlock_t lock;			/* irqs off */
	struct kvm_pic_state s[NR_PICS];	/* [p] */
	u8 lines[PIC_PINS];			/* [p] who drives the pin: a bit by source */
	bool output;				/* [p][a] INTR */
	bool raised;				/* [p] to be told */
	u16 acked, unmasked;			/* [p] to be told */
};

static unsigned long pic_lock(struct pic_pair *p)
	__acquires(&p->lock)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&p->lock, flags);
	return flags;
}

static void tell_pins(struct nvmx_vm *vm, unsigned long pins,
		      void (*tell)(struct nvmx_vm *vm, u32 chip, u32 pin))
{
	u32 pin;

	for_each_set_bit(pin, &pins, PIC_PINS)
		tell(vm, pin / PINS, pin);
}

static void pic_unlock(struct nvmx_vm *vm, unsigned long flags)
	__releases(&vm->irq->pic->lock)
{
	struct pic_pair *p = vm->irq->pic;
	u16 acked = p->acked, unmasked = p->unmasked;
	bool raised = p->raised;

	p->acked = 0;
	p->unmasked = 0;
	p->raised = false;
	raw_spin_unlock_irqrestore(&p->lock, flags);

	if (raised)
		lapic_extint_raised(vm);
	if (acked)
		tell_pins(vm, acked, route_acked);
	if (unmasked)
		tell_pins(vm, unmasked, route_unmasked);
}

static u16 pins_of(u32 chip, u8 pins)
{
	return chip == SLAVE ? pins << PINS : pins;
}

/* ---- priority ---- */

/* 0 is the highest; PINS: no pin at all */
static u32 highest_rank(const struct kvm_pic_state *s, u8 pins)
{
	u8 turned = ror8(pins, s->priority_add);

	return turned ? __ffs(turned) : PINS;
}

static u32 pin_of_rank(const struct kvm_pic_state *s, u32 rank)
{
	return (rank + s->priority_add) % PINS;
}

/* The pins whose service keeps requests of the same and lower rank from being heard. */
static u8 blocking(const struct pic_pair *p, u32 chip)
{
	const struct kvm_pic_state *s = &p->s[chip];
	u8 pins = s->isr;

	if (s->special_mask)
		pins &= ~s->imr;
	if (s->special_fully_nested_mode && chip == MASTER)
		pins &= ~BIT(CASCADE);
	return pins;
}

/* The pin that INT is about; -1: INT is low. */
static int requested(const struct pic_pair *p, u32 chip)
{
	const struct kvm_pic_state *s = &p->s[chip];
	u32 rank = highest_rank(s, s->irr & ~s->imr);

	return rank < highest_rank(s, blocking(p, chip)) ? pin_of_rank(s, rank) : -1;
}

static void update(struct pic_pair *p)
{
	bool high;

	if (requested(p, SLAVE) >= 0)
		p->s[MASTER].irr |= BIT(CASCADE);
	else
		p->s[MASTER].irr &= ~BIT(CASCADE);
	high = requested(p, MASTER) >= 0;
	if (high && !p->output)
		p->raised = true;
	WRITE_ONCE(p->output, high);
}

/* ---- lines ---- */

/* 1: a new request, 0: it waits already, -1: masked */
static int set_level(struct kvm_pic_state *s, u8 bit, bool level)
{
	bool edge = level && !(s->last_irr & bit);
	bool waits = s->irr & bit;

	if (level)
		s->last_irr |= bit;
	else
		s->last_irr &= ~bit;
	if (s->elcr & bit)
		s->irr = level ? s->irr | bit : s->irr & ~bit;
	else if (edge)
		s->irr |= bit;
	if (s->imr & bit)
		return -1;
	return !(level && waits);
}

int pic_set(struct nvmx_vm *vm, enum irq_source source, u32 pin, int level)
{
	struct pic_pair *p = vm->irq->pic;
	unsigned long flags = pic_lock(p);
	int ret;

	p->lines[pin] &= ~BIT(source);
	if (level)
		p->lines[pin] |= BIT(source);
	ret = set_level(&p->s[pin / PINS], BIT(pin % PINS), p->lines[pin]);
	update(p);
	pic_unlock(vm, flags);
	return ret;
}

bool pic_output(const struct nvmx_vm *vm)
{
	return vm->irq->pic && READ_ONCE(vm->irq->pic->output);
}

/* ---- acknowledgment and end ---- */

static void end_service(struct pic_pair *p, u32 chip, u32 pin)
{
	p->acked |= pins_of(chip, p->s[chip].isr & BIT(pin));
	p->s[chip].isr &= ~BIT(pin);
}

static void begin_service(struct pic_pair *p, u32 chip, u32 pin)
{
	struct kvm_pic_state *s = &p->s[chip];

	s->isr |= BIT(pin);
	if (!(s->elcr & BIT(pin)))
		s->irr &= ~BIT(pin);
	if (!s->auto_eoi)
		return;
	end_service(p, chip, pin);
	if (s->rotate_on_auto_eoi)
		s->priority_add = (pin + 1) % PINS;
}

static u8 acknowledge(struct pic_pair *p, u32 chip)
{
	int pin = requested(p, chip);

	if (pin < 0)
		return p->s[chip].irq_base + SPURIOUS;
	begin_service(p, chip, pin);
	if (chip == MASTER && pin == CASCADE)
		return acknowledge(p, SLAVE);
	return p->s[chip].irq_base + pin;
}

int pic_ack(struct nvmx_vm *vm)
{
	struct pic_pair *p = vm->irq->pic;
	unsigned long flags = pic_lock(p);
	u8 vector = acknowledge(p, MASTER);

	WRITE_ONCE(p->output, false);	/* INTA ends the request; another one is a new edge */
	update(p);
	pic_unlock(vm, flags);
	return vector;
}

/* ---- ports ---- */

/* The manual leaves ISR alone, but nobody could end these services any more. */
static void icw1(struct pic_pair *p, u32 chip, u8 val)
{
	struct kvm_pic_state *s = &p->s[chip];

	p->acked |= pins_of(chip, s->isr | (s->irr & ~s->elcr));
	s->last_irr = 0;
	s->irr &= s->elcr;
	s->isr = 0;
	s->imr = 0;
	s->priority_add = 0;
	s->special_mask = 0;
	s->read_reg_select = 0;
	s->poll = 0;
	s->rotate_on_auto_eoi = 0;
	s->init4 = val & ICW1_ICW4;
	if (!s->init4) {
		s->special_fully_nested_mode = 0;
		s->auto_eoi = 0;
	}
	s->init_state = WANT_ICW2;
}

static void end_highest(struct pic_pair *p, u32 chip, bool rotate)
{
	struct kvm_pic_state *s = &p->s[chip];
	u8 masked = s->special_mask ? s->imr : 0;
	u32 rank = highest_rank(s, s->isr & ~masked), pin;

	if (rank == PINS)
		return;
	pin = pin_of_rank(s, rank);
	end_service(p, chip, pin);
	if (rotate)
		s->priority_add = (pin + 1) % PINS;
}

static void ocw2(struct pic_pair *p, u32 chip, u8 val)
{
	struct kvm_pic_state *s = &p->s[chip];
	enum ocw2 cmd = val >> 5;
	u32 pin = val % PINS;

	switch (cmd) {
	case OCW2_NO_AUTO_ROTATE:
	case OCW2_AUTO_ROTATE:
		s->rotate_on_auto_eoi = cmd == OCW2_AUTO_ROTATE;
		break;
	case OCW2_EOI:
	case OCW2_EOI_ROTATE:
		end_highest(p, chip, cmd == OCW2_EOI_ROTATE);
		break;
	case OCW2_EOI_PIN:
		end_service(p, chip, pin);
		break;
	case OCW2_EOI_PIN_ROTATE:
		end_service(p, chip, pin);
		s->priority_add = (pin + 1) % PINS;
		break;
	case OCW2_PRIORITY:
		s->priority_add = (pin + 1) % PINS;
		break;
	case OCW2_NOP:
		break;
	}
}

static void ocw3(struct kvm_pic_state *s, u8 val)
{
	if (val & OCW3_POLL)
		s->poll = 1;
	if (val & OCW3_RR)
		s->read_reg_select = val & OCW3_RIS;
	if (val & OCW3_ESMM)
		s->special_mask = !!(val & OCW3_SMM);
}

static void write_command(struct pic_pair *p, u32 chip, u8 val)
{
	if (val & ICW1)
		icw1(p, chip, val);
	else if (val & OCW3)
		ocw3(&p->s[chip], val);
	else
		ocw2(p, chip, val);
}

static void write_data(struct pic_pair *p, u32 chip, u8 val)
{
	struct kvm_pic_state *s = &p->s[chip];

	switch (s->init_state) {
	case READY:
		p->unmasked |= pins_of(chip, s->imr & ~val);
		s->imr = val;
		break;
	case WANT_ICW2:
		s->irq_base = val & ~(PINS - 1);
		s->init_state = WANT_ICW3;
		break;
	case WANT_ICW3:
		s->init_state = s->init4 ? WANT_ICW4 : READY;
		break;
	case WANT_ICW4:
		s->special_fully_nested_mode = !!(val & ICW4_SFNM);
		s->auto_eoi = !!(val & ICW4_AEOI);
		s->init_state = READY;
		break;
	}
}

/* The read after a poll command is an INTA without a vector. */
static u8 poll(struct pic_pair *p, u32 chip)
{
	int pin = requested(p, chip);

	p->s[chip].poll = 0;
	if (pin < 0)
		return 0;
	begin_service(p, chip, pin);
	return POLL_REQUEST | pin;
}

static u8 read_port(struct pic_pair *p, u32 chip, bool data)
{
	const struct kvm_pic_state *s = &p->s[chip];

	if (s->poll)
		return poll(p, chip);
	if (data)
		return s->imr;
	return s->read_reg_select ? s->isr : s->irr;
}

struct pic_port {
	u8 chip;
	bool data;
	bool elcr;
};

static bool decode_port(u16 port, struct pic_port *d)
{
	*d = (struct pic_port){ .data = port & 1 };
	switch (port & ~1) {
	case PORT_MASTER:
		d->chip = MASTER;
		return true;
	case PORT_SLAVE:
		d->chip = SLAVE;
		return true;
	case PORT_ELCR:
		d->chip = port & 1 ? SLAVE : MASTER;
		d->elcr = true;
		return true;
	}
	return false;
}

bool pic_pio_read(struct nvmx_vm *vm, u16 port, u8 *val)
{
	struct pic_pair *p = vm->irq->pic;
	struct pic_port d;
	unsigned long flags;

	if (!decode_port(port, &d))
		return false;
	flags = pic_lock(p);
	if (d.elcr)
		*val = p->s[d.chip].elcr;
	else
		*val = read_port(p, d.chip, d.data);
	update(p);
	pic_unlock(vm, flags);
	return true;
}

bool pic_pio_write(struct nvmx_vm *vm, u16 port, u8 val)
{
	struct pic_pair *p = vm->irq->pic;
	struct pic_port d;
	unsigned long flags;

	if (!decode_port(port, &d))
		return false;
	flags = pic_lock(p);
	if (d.elcr)
		p->s[d.chip].elcr = val & elcr_mask[d.chip];
	else if (d.data)
		write_data(p, d.chip, val);
	else
		write_command(p, d.chip, val);
	update(p);
	pic_unlock(vm, flags);
	return true;
}

/* ---- life and state ---- */

void pic_get(struct nvmx_vm *vm, u32 chip, struct kvm_pic_state *s)
{
	unsigned long flags = pic_lock(vm->irq->pic);

	*s = vm->irq->pic->s[chip];
	pic_unlock(vm, flags);
}

/* Whatever user space says becomes a state that the chip can be in. */
void pic_put(struct nvmx_vm *vm, u32 chip, const struct kvm_pic_state *s)
{
	struct kvm_pic_state new = *s;
	struct pic_pair *p = vm->irq->pic;
	unsigned long flags;

	new.priority_add %= PINS;
	new.irq_base &= ~(PINS - 1);
	new.init_state &= WANT_ICW4;
	new.elcr_mask = elcr_mask[chip];
	new.elcr &= new.elcr_mask;
	new.read_reg_select = !!new.read_reg_select;
	new.poll = !!new.poll;
	new.special_mask = !!new.special_mask;
	new.auto_eoi = !!new.auto_eoi;
	new.rotate_on_auto_eoi = !!new.rotate_on_auto_eoi;
	new.special_fully_nested_mode = !!new.special_fully_nested_mode;
	new.init4 = !!new.init4;

	flags = pic_lock(p);
	p->s[chip] = new;
	update(p);
	pic_unlock(vm, flags);
}

int pic_create(struct nvmx_vm *vm)
{
	struct pic_pair *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);

	if (!p)
		return -ENOMEM;
	raw_spin_lock_init(&p->lock);
	p->s[MASTER].elcr_mask = elcr_mask[MASTER];
	p->s[SLAVE].elcr_mask = elcr_mask[SLAVE];
	vm->irq->pic = p;
	return 0;
}

void pic_destroy(struct nvmx_vm *vm)
{
	kfree(vm->irq->pic);
	vm->irq->pic = NULL;
}
