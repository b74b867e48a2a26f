/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * L1's memory for tests: pages at gpa 0 and up, with what src/mmu calls to reach them.
 */
#ifndef TEST_MEMORY_H
#define TEST_MEMORY_H

#include <linux/kernel.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/fields.h>
#include <nvmx/mmu.h>
#include "../tap.h"

#define MEM_PAGES	1024u
#define PAGE(n)		((u64)(n) << 12)

void mem_clear(void);
u64 *mem_entry(u64 table, unsigned int index);	/* 8-byte entry of the table page at this gpa */
u32 *mem_entry32(u64 table, unsigned int index);
u64 *mem_page(u64 gpa);

extern u64 mem_readonly_from;		/* pages from here on cannot be written */
extern unsigned int mem_reads;
extern unsigned int mem_swaps;		/* successful compare-and-exchange operations */
/* Called before each compare-and-exchange: another CPU of L1. */
extern void (*mem_other_cpu)(u64 gpa);

u32 random_u32(void);
u64 random_u64(void);
u32 random_below(u32 n);
bool one_in(u32 n);

void test_walk(void);
void test_ept12(void);
void test_ept01(void);
void test_ept02(void);
void test_fuzz02(void);

#endif
