/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small guest for the emulator's tests: one vCPU, a megabyte of memory, and per page an
 * attribute.  Linear addresses are folded into the megabyte.
 */
#ifndef EMULATE_WORLD_H
#define EMULATE_WORLD_H

#include <linux/kernel.h>

#include <nvmx/emulate.h>

#include "../tap.h"

#define WORLD_MEM	0x100000u
#define WORLD_RIP	0x1000u

enum page_kind { PAGE_RAM, PAGE_ABSENT, PAGE_READONLY, PAGE_DEVICE, PAGE_KERNEL_DEVICE };

struct world {
	struct emu e;
	struct emu_log log;
	struct emu_ops ops;
	struct emu_sysregs sysregs;
	u64 gpr[EMU_NR_REGS];
	u8 xmm[16][16];
	u8 *mem;
	u8 page[WORLD_MEM / 4096];
	u8 code[32];
	unsigned int code_len;
	unsigned int reads, writes, fetches, translates;
	unsigned int retries;		/* cmpxchg fails so many times */
};

struct world *world_new(void);
void world_free(struct world *w);
void world_mode(struct world *w, enum emu_mode mode);
void world_code(struct world *w, const u8 *code, unsigned int len);
enum emu_result world_step(struct world *w);
u64 world_peek(const struct world *w, u64 gpa, unsigned int len);
void world_poke(struct world *w, u64 gpa, u64 val, unsigned int len);
u64 random64(void);
void random_seed(u64 seed);

/* Put an instruction at WORLD_RIP. */
#define CODE(w, ...) do {						\
	static const u8 code_[] = { __VA_ARGS__ };			\
	world_code(w, code_, sizeof(code_));				\
} while (0)

void test_decode(void);
void test_native(void);
void test_fault(void);
void test_user(void);
void test_string(void);
void test_pio(void);
void test_fuzz(void);

#endif /* EMULATE_WORLD_H */
