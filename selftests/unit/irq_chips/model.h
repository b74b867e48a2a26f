/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM with chips and no processors: what would reach a local APIC is counted here.
 */
#ifndef MODEL_H
#define MODEL_H

#include <errno.h>
#include <string.h>

#include <linux/hrtimer.h>

#include "irq_int.h"
#include "../tap.h"

extern struct nvmx_vm vm;
extern struct irq_msg sent;		/* the last message */
extern u32 raised_vp, raised_sint;	/* the last SynIC source */
extern int nr_sent;
extern int send_returns;		/* 1: accepted */
extern int nr_extint, nr_pit_ticks;
extern int acked_gsi, nr_acked;		/* what irqfds were told */
extern int nr_eoi_exits;		/* times that other EOIs were listened to */
extern u32 listened_gsi;		/* by a resampler */
extern s64 model_now;
extern struct hrtimer *model_timer;

void vm_new(void);			/* with chips, routes and PIT */
void vm_free(void);

u8 in(u16 port);			/* 0xee where nobody answers */
void out(u16 port, u8 val);
u32 io_read(u32 reg);			/* the I/O APIC, by select and window */
void io_write(u32 reg, u32 val);
void set_pin(u32 pin, u32 bits, u32 vector);

/* Let time pass; the PIT's timer fires when it is due. */
void pass(s64 ns);
bool timer_armed(void);

void test_pic(void);
void test_ioapic(void);
void test_pit(void);
void test_route(void);

#endif
