/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Four processors with local APICs, a clock, and the rest of the machine as counters.
 */
#ifndef TEST_MODEL_H
#define TEST_MODEL_H

#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/types.h>
#include <irq_int.h>
#include <lapic.h>

#include "../tap.h"

#define NR_APICS		4
#define APIC_PAGE	0xfee00000ull
#define VAPIC_GPA	0x1000ull		/* the only memory there is */

/* What was posted to a vCPU. */
struct posted {
	int irqs, posted, nmis, smis, inits, sipis;
	u8 sipi_vector;
};

extern struct nvmx_vm vm;
extern struct nvmx_vcpu cpu[NR_APICS];
extern struct posted got[NR_APICS];
extern bool has_x2apic, has_tsc_deadline;	/* CPUID */
extern bool pic_high;
extern int ioapic_eois, ioapic_edge_eois, last_eoi;
extern u8 auto_eoi_vector, ioapic_vector;	/* of the SynIC; of some pin */
extern int synic_eois;
extern bool user_wants_eoi;
extern u32 vapic_word;
extern u64 timer_fired;				/* callbacks run so far */
extern u64 model_tsc;

void world(enum irq_mode mode);		/* ids 0 to 3, xAPIC, software-enabled */
void world_exit(void);
void x2apic_all(void);
void renumber(u32 i, u32 id);		/* before anything is sent */
void pass(u64 ns);			/* time passes; due timers fire */
bool timer_armed(u32 i);

u32 rd(u32 i, u32 reg);			/* by MMIO */
void wr(u32 i, u32 reg, u32 val);
void send(u32 i, u32 dest, u32 low);	/* xAPIC's ICR */
bool in_irr(u32 i, u8 vector);
bool in_isr(u32 i, u8 vector);
bool in_tmr(u32 i, u8 vector);
u32 who_has(u8 vector);			/* set of CPUs with the vector in IRR */
int x2_write(u32 i, u32 reg, u64 val);
int x2_read(u32 i, u32 reg, u64 *val);

void test_regs(void);
void test_x2apic(void);
void test_accept(void);
void test_ipi(void);
void test_timer(void);
void test_state(void);
void test_vid(void);

#endif
