// SPDX-License-Identifier: GPL-2.0-only
/*
 * String instructions beyond what the native comparison reaches: bounds, faults, wraps.
 */
#include <string.h>

#include "../../../src/emulate/decode.h"
#include "world.h"

static void test_bound(struct world *w)
{
	CODE(w, 0xf3, 0xaa);
	w->gpr[EMU_RDI] = 0x4000;
	w->gpr[EMU_RCX] = 1500;
	w->gpr[EMU_RAX] = 0x77;
	ok(world_step(w) == EMU_CONTINUE && w->gpr[EMU_RCX] == 1500 - EMU_REP_LIMIT &&
	   w->gpr[EMU_RDI] == 0x4000 + EMU_REP_LIMIT && w->e.rip == WORLD_RIP,
	   "REP stops at the bound");
	ok(world_step(w) == EMU_OK && !w->gpr[EMU_RCX] && w->mem[0x4000 + 1499] == 0x77 &&
	   !w->mem[0x4000 + 1500] && w->e.rip == WORLD_RIP + 2, "and continues to its end");
	w->gpr[EMU_RCX] = 2;
	w->e.rip = WORLD_RIP;
	w->e.rflags |= FLAG_TF;
	ok(world_step(w) == EMU_CONTINUE && w->gpr[EMU_RCX] == 1, "TF: one iteration at a time");
	ok(world_step(w) == EMU_OK, "TF: the last iteration ends it");
	w->e.rflags &= ~(u64)FLAG_TF;
	w->e.rflags |= FLAG_RF;
	w->e.rip = WORLD_RIP;
	ok(world_step(w) == EMU_OK && !(w->e.rflags & FLAG_RF), "RCX = 0 ends at once, clears RF");
}

static void test_fault_inside(struct world *w)
{
	u64 rflags;

	CODE(w, 0xf3, 0xa6);
	w->page[6] = PAGE_ABSENT;
	w->gpr[EMU_RSI] = 0x5ffe;
	w->gpr[EMU_RDI] = 0x8ffe;
	w->gpr[EMU_RCX] = 4;
	w->e.rflags |= FLAG_CF;
	rflags = w->e.rflags;
	ok(world_step(w) == EMU_FAULT && w->e.exception.address == 0x6000 &&
	   w->gpr[EMU_RCX] == 2 && w->gpr[EMU_RSI] == 0x6000 && w->e.rflags == rflags,
	   "a fault in REP CMPS keeps what was done and the flags from before");
	w->page[6] = PAGE_RAM;
	ok(world_step(w) == EMU_OK && (w->e.rflags & FLAG_ZF) && !(w->e.rflags & FLAG_CF),
	   "and the rest follows");
}

static void test_wrap(struct world *w)
{
	world_mode(w, EMU_REAL);
	CODE(w, 0xf3, 0xab);
	w->gpr[EMU_RDI] = 0xabcdfffe;
	w->gpr[EMU_RCX] = 0x10002;
	w->e.seg[EMU_ES].base = 0x20000;
	ok(world_step(w) == EMU_OK && w->gpr[EMU_RDI] == 0xabcd0002 && w->gpr[EMU_RCX] == 0x10000 &&
	   world_peek(w, 0x2fffe, 2) && world_peek(w, 0x20000, 2), "16-bit registers wrap");
	CODE(w, 0x2e, 0xac);
	w->e.seg[EMU_CS].base = 0x30000;
	w->gpr[EMU_RSI] = 5;
	w->mem[0x30005] = 0x99;
	ok(world_step(w) == EMU_OK && (w->gpr[EMU_RAX] & 0xff) == 0x99, "LODS takes a prefix");
	w->e.seg[EMU_CS].base = 0;
	CODE(w, 0x2e, 0xaa);
	w->gpr[EMU_RDI] = 7;
	ok(world_step(w) == EMU_OK && w->mem[0x20007] == 0x99, "STOS ignores it");
	world_mode(w, EMU_LONG64);
	CODE(w, 0x67, 0xf3, 0xaa);
	w->gpr[EMU_RDI] = 0xffffffff00005000;
	w->gpr[EMU_RCX] = 0xffffffff00000001;
	ok(world_step(w) == EMU_OK && w->gpr[EMU_RDI] == 0x5001 && !w->gpr[EMU_RCX],
	   "67 in 64-bit mode: pointers are 32 bits");
}

void test_string(void)
{
	struct world *w = world_new();

	test_bound(w);
	test_fault_inside(w);
	test_wrap(w);
	world_free(w);
}
