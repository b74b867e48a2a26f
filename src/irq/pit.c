// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254 interval timer: channel 0 drives GSI 0, channel 2 the speaker, channel 1 nothing.
 *
 * A counter is not counted: its value follows from the time since it was loaded.  The ticks of
 * channel 0 come from a timer whose callback takes no lock but those of the chips, so that it can
 * be cancelled under ->lock.  With reinjection no tick is lost: those that the guest has not
 * acknowledged yet are kept back, and each acknowledgment lets the next one go.
 *
 * As in KVM, a gate that is low does not stop a count, and BCD is noted but not counted in.
 */
#include <linux/atomic.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "irq_int.h"

#define PIT_HZ		1193182u
#define NR_CHANNELS	3
#define MAX_COUNT	0x10000u	/* which is written as 0 */
#define PORT_CHANNEL	0x40		/* and two more */
#define PORT_CONTROL	0x43
#define PORT_SPEAKER	0x61
#define NO_MODE		0xff		/* since reset */

/* The least between two ticks: guests do not pay for the host's timer interrupts. */
#define MIN_PERIOD_NS	200000
/* Ticks kept back are bounded, for a guest that never acknowledges. */
#define MAX_BACKLOG	1000000

/* Control word */
#define CTRL_BCD	BIT(0)
#define CTRL_NO_STATUS	BIT(4)	/* read-back */
#define CTRL_NO_COUNT	BIT(5)	/* read-back */
#define READ_BACK	3	/* the channel number that asks for it */

/* rw_mode, read_state, write_state, count_latched: which byte comes next */
enum { RW_NONE, RW_LSB, RW_MSB, RW_WORD0, RW_WORD1 };

/* Port 0x61 */
#define SPK_GATE	BIT(0)
#define SPK_DATA	BIT(1)
#define SPK_REFRESH	BIT(4)
#define SPK_OUT		BIT(5)
#define REFRESH_SHIFT	14	/* the refresh bit toggles every 15 us or so: 2^14 ns */

#define PIT_FLAGS	(KVM_PIT_FLAGS_HPET_LEGACY | KVM_PIT_FLAGS_SPEAKER_DATA_ON)

/*
 * Locking: [I] constant  [m] ->lock  [t] ->lock, written while the timer is off  [a] atomic
 */
struct pit {
	struct nvmx_vm *vm;				/* [I] */
	bool speaker;					/* [I] port 0x61 is here */
	struct mutex lock;
	struct kvm_pit_channel_state ch[NR_CHANNELS];	/* [m] */
	u32 flags;					/* [m] KVM_PIT_FLAGS_* */
	struct hrtimer timer;
	u64 interval;					/* [m] ns of one count of channel 0 */
	u64 period;					/* [t] ns; 0: one shot */
	bool reinject;					/* [a] */
	atomic_t backlog;				/* [a] ticks not acknowledged */
	atomic_t ready;					/* [a] the last one was */
};

/* ---- ticks ---- */

static void forget_ticks(struct pit *p)
{
	atomic_set(&p->backlog, 0);
	atomic_set(&p->ready, 1);
}

static void raise_gsi(struct pit *p)
{
	if (READ_ONCE(p->reinject) && !atomic_xchg(&p->ready, 0))
		return;
	route_set(p->vm, SOURCE_PIT, 0, 1);
	route_set(p->vm, SOURCE_PIT, 0, 0);
}

static enum hrtimer_restart on_timer(struct hrtimer *timer)
{
	struct pit *p = container_of(timer, struct pit, timer);
	u64 ticks = p->period ? hrtimer_forward_now(timer, ns_to_ktime(p->period)) : 1;

	if (READ_ONCE(p->reinject) && atomic_read(&p->backlog) < MAX_BACKLOG)
		atomic_add(min_t(u64, ticks, MAX_BACKLOG), &p->backlog);
	raise_gsi(p);		/* atomic_xchg() orders it after the backlog: see pit_acked() */
	lapic_pit_tick(p->vm);
	return p->period ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

static struct pit *pit_of(struct nvmx_vm *vm)
{
	return smp_load_acquire(&vm->irq->pit);		/* pairs with irq_create_pit() */
}

void pit_acked(struct nvmx_vm *vm)
{
	struct pit *p = pit_of(vm);

	if (!p || !READ_ONCE(p->reinject))
		return;
	atomic_set(&p->ready, 1);
	smp_mb();	/* ready before backlog; on_timer() has them the other way round */
	if (atomic_dec_if_positive(&p->backlog) > 0)
		raise_gsi(p);
}

void pit_unmasked(struct nvmx_vm *vm)
{
	struct pit *p = pit_of(vm);

	if (p && READ_ONCE(p->reinject))
		forget_ticks(p);
}

static void program_timer(struct pit *p)
{
	bool periodic = p->ch[0].mode == 2 || p->ch[0].mode == 3;

	hrtimer_cancel(&p->timer);
	forget_ticks(p);
	p->interval = 0;
	p->period = 0;
	if (p->flags & KVM_PIT_FLAGS_HPET_LEGACY || p->ch[0].mode > 4)
		return;
	p->interval = mul_u64_u32_div(p->ch[0].count, NSEC_PER_SEC, PIT_HZ);
	if (periodic)
		p->period = max_t(u64, p->interval, MIN_PERIOD_NS);
	hrtimer_start(&p->timer, ktime_add_ns(ktime_get(), p->interval), HRTIMER_MODE_ABS);
}

/* ---- counters ---- */

static void load_count(struct pit *p, u32 channel, u32 count)
{
	p->ch[channel].count = count && count <= MAX_COUNT ? count : MAX_COUNT;
	p->ch[channel].count_load_time = ktime_get_ns();
	if (channel == 0)
		program_timer(p);
}

/* Clocks since the channel was loaded; of a periodic channel 0, since its last tick. */
static u64 clocks(const struct pit *p, u32 channel)
{
	s64 ns = ktime_get_ns() - p->ch[channel].count_load_time;

	if (channel == 0) {
		if (!p->interval)
			return 0;
		ns = (p->period ?: p->interval) - ktime_to_ns(hrtimer_get_remaining(&p->timer));
	}
	return mul_u64_u32_div(max_t(s64, ns, 0), PIT_HZ, NSEC_PER_SEC);
}

static u64 rest_of(u64 n, u32 by)
{
	u64 rest;

	div64_u64_rem(n, by, &rest);
	return rest;
}

static u16 get_count(const struct pit *p, u32 channel)
{
	const struct kvm_pit_channel_state *c = &p->ch[channel];
	u64 d = clocks(p, channel);

	switch (c->mode) {
	case 0:
	case 1:
	case 4:
	case 5:
		return c->count - d;
	case 3:
		return c->count - rest_of(2 * d, c->count);
	default:
		return c->count - rest_of(d, c->count);
	}
}

static bool get_out(const struct pit *p, u32 channel)
{
	const struct kvm_pit_channel_state *c = &p->ch[channel];
	u64 d = clocks(p, channel);

	switch (c->mode) {
	case 1:
		return d < c->count;
	case 2:
		return d && !rest_of(d, c->count);
	case 3:
		return rest_of(d, c->count) < (c->count + 1) / 2;
	case 4:
	case 5:
		return d == c->count;
	default:
		return d >= c->count;
	}
}

static void latch_count(struct pit *p, u32 channel)
{
	struct kvm_pit_channel_state *c = &p->ch[channel];

	if (c->count_latched)
		return;
	c->latched_count = get_count(p, channel);
	c->count_latched = c->rw_mode;
}

static void latch_status(struct pit *p, u32 channel)
{
	struct kvm_pit_channel_state *c = &p->ch[channel];

	if (c->status_latched)
		return;
	c->status = get_out(p, channel) << 7 | c->rw_mode << 4 | (c->mode & 7) << 1 | c->bcd;
	c->status_latched = 1;
}

static void set_gate(struct pit *p, u32 channel, bool gate)
{
	struct kvm_pit_channel_state *c = &p->ch[channel];
	bool restarts = c->mode == 1 || c->mode == 2 || c->mode == 3 || c->mode == 5;

	if (restarts && gate && !c->gate)
		c->count_load_time = ktime_get_ns();
	c->gate = gate;
}

/* ---- ports ---- */

static void read_back(struct pit *p, u8 val)
{
	u32 i;

	for (i = 0; i < NR_CHANNELS; i++) {
		if (!(val & BIT(i + 1)))
			continue;
		if (!(val & CTRL_NO_COUNT))
			latch_count(p, i);
		if (!(val & CTRL_NO_STATUS))
			latch_status(p, i);
	}
}

static void write_control(struct pit *p, u8 val)
{
	u32 channel = val >> 6;
	struct kvm_pit_channel_state *c;
	u8 access = val >> 4 & 3;

	if (channel == READ_BACK) {
		read_back(p, val);
		return;
	}
	if (!access) {
		latch_count(p, channel);
		return;
	}
	c = &p->ch[channel];
	c->rw_mode = access;
	c->read_state = access;
	c->write_state = access;
	c->mode = val >> 1 & 7;
	if (c->mode > 5)
		c->mode -= 4;
	c->bcd = val & CTRL_BCD;
}

static void write_count(struct pit *p, u32 channel, u8 val)
{
	struct kvm_pit_channel_state *c = &p->ch[channel];

	switch (c->write_state) {
	case RW_MSB:
		load_count(p, channel, val << 8);
		break;
	case RW_WORD0:
		c->write_latch = val;
		c->write_state = RW_WORD1;
		break;
	case RW_WORD1:
		c->write_state = RW_WORD0;
		load_count(p, channel, val << 8 | c->write_latch);
		break;
	default:
		load_count(p, channel, val);
		break;
	}
}

static u8 read_latch(struct kvm_pit_channel_state *c)
{
	u8 which = c->count_latched;

	c->count_latched = which == RW_WORD0 ? RW_MSB : RW_NONE;
	return which == RW_MSB ? c->latched_count >> 8 : c->latched_count;
}

static u8 read_count(struct pit *p, u32 channel)
{
	struct kvm_pit_channel_state *c = &p->ch[channel];
	u16 count;

	if (c->status_latched) {
		c->status_latched = 0;
		return c->status;
	}
	if (c->count_latched)
		return read_latch(c);
	count = get_count(p, channel);
	switch (c->read_state) {
	case RW_MSB:
		return count >> 8;
	case RW_WORD0:
		c->read_state = RW_WORD1;
		return count;
	case RW_WORD1:
		c->read_state = RW_WORD0;
		return count >> 8;
	default:
		return count;
	}
}

static u8 read_speaker(const struct pit *p)
{
	return (p->ch[2].gate ? SPK_GATE : 0) |
	       (p->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON ? SPK_DATA : 0) |
	       (ktime_get_ns() >> REFRESH_SHIFT & 1 ? SPK_REFRESH : 0) |
	       (get_out(p, 2) ? SPK_OUT : 0);
}

static void write_speaker(struct pit *p, u8 val)
{
	p->flags &= ~KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	if (val & SPK_DATA)
		p->flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	set_gate(p, 2, val & SPK_GATE);
}

static bool has_port(const struct pit *p, u16 port)
{
	return p && ((port >= PORT_CHANNEL && port <= PORT_CONTROL) ||
		     (port == PORT_SPEAKER && p->speaker));
}

bool pit_pio_read(struct nvmx_vm *vm, u16 port, u8 *val)
{
	struct pit *p = pit_of(vm);

	if (!has_port(p, port))
		return false;
	mutex_lock(&p->lock);
	if (port == PORT_SPEAKER)
		*val = read_speaker(p);
	else
		*val = port == PORT_CONTROL ? 0 : read_count(p, port - PORT_CHANNEL);
	mutex_unlock(&p->lock);
	return true;
}

bool pit_pio_write(struct nvmx_vm *vm, u16 port, u8 val)
{
	struct pit *p = pit_of(vm);

	if (!has_port(p, port))
		return false;
	mutex_lock(&p->lock);
	if (port == PORT_SPEAKER)
		write_speaker(p, val);
	else if (port == PORT_CONTROL)
		write_control(p, val);
	else
		write_count(p, port - PORT_CHANNEL, val);
	mutex_unlock(&p->lock);
	return true;
}

/* ---- life and state ---- */

static struct pit *pit_new(struct nvmx_vm *vm, bool speaker)
{
	struct pit *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	u32 i;

	if (!p)
		return NULL;
	p->vm = vm;
	p->speaker = speaker;
	p->reinject = true;
	mutex_init(&p->lock);
	hrtimer_init(&p->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	p->timer.function = on_timer;
	for (i = 0; i < NR_CHANNELS; i++) {
		p->ch[i].mode = NO_MODE;
		p->ch[i].gate = i != 2;
		load_count(p, i, 0);
	}
	return p;
}

static int create_locked(struct nvmx_vm *vm, u32 flags)
{
	struct pit *p;

	if (vm->irq->pit)
		return -EEXIST;
	if (vm->irq_mode != IRQ_KERNEL)
		return -ENOENT;
	p = pit_new(vm, flags & KVM_PIT_SPEAKER_DUMMY);
	if (!p)
		return -ENOMEM;
	smp_store_release(&vm->irq->pit, p);	/* pairs with pit_of() */
	return 0;
}

int irq_create_pit(struct nvmx_vm *vm, const struct kvm_pit_config *config)
{
	int err;

	mutex_lock(&vm->lock);
	err = create_locked(vm, config->flags);
	mutex_unlock(&vm->lock);
	return err;
}

int irq_get_pit(struct nvmx_vm *vm, struct kvm_pit_state2 *ps)
{
	struct pit *p = pit_of(vm);

	if (!p)
		return -ENXIO;
	memset(ps, 0, sizeof(*ps));
	mutex_lock(&p->lock);
	memcpy(ps->channels, p->ch, sizeof(ps->channels));
	ps->flags = p->flags;
	mutex_unlock(&p->lock);
	return 0;
}

/* Whatever user space says becomes a state that the channel can be in. */
static void put_channel(struct pit *p, u32 i, const struct kvm_pit_channel_state *s)
{
	struct kvm_pit_channel_state *c = &p->ch[i];

	*c = *s;
	c->rw_mode &= 3;
	c->count_latched = min_t(u8, c->count_latched, RW_WORD0);
	c->read_state = min_t(u8, c->read_state, RW_WORD1);
	c->write_state = min_t(u8, c->write_state, RW_WORD1);
	c->bcd = !!c->bcd;
	c->gate = !!c->gate;
	c->status_latched = !!c->status_latched;
	if (c->mode > 5)
		c->mode = NO_MODE;
	load_count(p, i, c->count);
}

int irq_set_pit(struct nvmx_vm *vm, const struct kvm_pit_state2 *ps)
{
	struct pit *p = pit_of(vm);
	u32 i;

	if (!p)
		return -ENXIO;
	mutex_lock(&p->lock);
	p->flags = ps->flags & PIT_FLAGS;
	for (i = 0; i < NR_CHANNELS; i++)
		put_channel(p, i, &ps->channels[i]);
	mutex_unlock(&p->lock);
	return 0;
}

int irq_pit_reinject(struct nvmx_vm *vm, const struct kvm_reinject_control *control)
{
	struct pit *p = pit_of(vm);

	if (!p)
		return -ENXIO;
	mutex_lock(&p->lock);
	if (p->reinject != !!control->pit_reinject) {
		forget_ticks(p);
		WRITE_ONCE(p->reinject, !!control->pit_reinject);
	}
	mutex_unlock(&p->lock);
	return 0;
}

/* No vCPU runs and no ioctl comes any more: the timer is not started again. */
void pit_stop(struct nvmx_vm *vm)
{
	if (vm->irq->pit)
		hrtimer_cancel(&vm->irq->pit->timer);
}

void pit_destroy(struct nvmx_vm *vm)
{
	kfree(vm->irq->pit);
	vm->irq->pit = NULL;
}
