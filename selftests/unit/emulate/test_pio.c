// SPDX-License-Identifier: GPL-2.0-only
/*
 * INS and OUTS in batches.
 */
#include <string.h>

#include "../../../src/emulate/decode.h"
#include "world.h"

static u8 buffer[4096];

static enum emu_result begin(struct world *w, struct emu_pio *pio, u32 max)
{
	enum emu_result r = emu_decode(&w->e);

	return r == EMU_OK ? emu_pio_begin(&w->e, pio, buffer, max) : r;
}

static enum emu_result end(struct world *w, struct emu_pio *pio)
{
	enum emu_result r = emu_decode(&w->e);

	return r == EMU_OK ? emu_pio_end(&w->e, pio, buffer) : r;
}

static void fill(struct world *w, u32 from, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		w->mem[from + i] = i * 7 + 1;
}

static void test_outs(struct world *w)
{
	struct emu_pio pio;

	CODE(w, 0xf3, 0x6e);
	fill(w, 0x4000, 8192);
	w->gpr[EMU_RDX] = 0xdead0402;
	w->gpr[EMU_RSI] = 0x4ff0;
	w->gpr[EMU_RCX] = 20;
	ok(begin(w, &pio, 4096) == EMU_PIO && pio.count == 16 && pio.port == 0x402 && !pio.in &&
	   pio.size == 1 && !memcmp(buffer, w->mem + 0x4ff0, 16), "OUTS batch ends at the page");
	ok(w->gpr[EMU_RCX] == 20 && w->e.rip == WORLD_RIP, "planning changes nothing");
	ok(end(w, &pio) == EMU_CONTINUE && w->gpr[EMU_RCX] == 4 && w->gpr[EMU_RSI] == 0x5000 &&
	   w->e.rip == WORLD_RIP, "end of the first batch");
	ok(begin(w, &pio, 4096) == EMU_PIO && pio.count == 4 && end(w, &pio) == EMU_OK &&
	   w->e.rip == WORLD_RIP + 2 && !w->gpr[EMU_RCX], "second batch ends the instruction");
	w->e.rip = WORLD_RIP;
	ok(begin(w, &pio, 4096) == EMU_OK && w->e.rip == WORLD_RIP + 2, "RCX = 0 is done at once");

	CODE(w, 0x6f);
	w->gpr[EMU_RSI] = 0x4ffe;
	ok(begin(w, &pio, 4096) == EMU_PIO && pio.count == 1 && pio.size == 4 &&
	   !memcmp(buffer, w->mem + 0x4ffe, 4) && end(w, &pio) == EMU_OK &&
	   w->gpr[EMU_RSI] == 0x5002, "one element across a page");

	CODE(w, 0xf3, 0x6f);
	w->gpr[EMU_RSI] = 0x4ffe;
	w->gpr[EMU_RCX] = 9;
	ok(begin(w, &pio, 4096) == EMU_PIO && pio.count == 1, "with REP, too");

	CODE(w, 0xf3, 0x66, 0x6f);
	w->e.rflags |= FLAG_DF;
	w->gpr[EMU_RSI] = 0x5006;
	w->gpr[EMU_RCX] = 10;
	ok(begin(w, &pio, 4096) == EMU_PIO && pio.count == 4 &&
	   !memcmp(buffer, w->mem + 0x5006, 2) && !memcmp(buffer + 6, w->mem + 0x5000, 2),
	   "downward batch ends at the page, in order of transfer");
	ok(end(w, &pio) == EMU_CONTINUE && w->gpr[EMU_RSI] == 0x4ffe, "downward end");
	w->e.rflags &= ~(u64)FLAG_DF;
	CODE(w, 0xf3, 0x48, 0x6f);
	w->gpr[EMU_RSI] = 0x4000;
	w->gpr[EMU_RCX] = 100;
	ok(begin(w, &pio, 30) == EMU_PIO && pio.size == 4 && pio.count == 7,
	   "REX.W has no effect, the buffer's size has");
	w->gpr[EMU_RCX] = 3;
	ok(end(w, &pio) == EMU_OK && !w->gpr[EMU_RCX] && w->gpr[EMU_RSI] == 0x400c,
	   "never past a count that user space lowered");
	w->e.rip = WORLD_RIP;
	ok(end(w, &pio) == EMU_OK && !w->gpr[EMU_RCX] && w->gpr[EMU_RSI] == 0x400c &&
	   w->e.rip == WORLD_RIP + 3, "not even to 0");
}

static void test_ins(struct world *w)
{
	struct emu_pio pio;
	u32 i;

	CODE(w, 0xf3, 0x6d);
	w->gpr[EMU_RDI] = 0x7ff8;
	w->gpr[EMU_RCX] = 3;
	w->page[8] = PAGE_ABSENT;
	ok(begin(w, &pio, 4096) == EMU_PIO && pio.in && pio.count == 2 && pio.size == 4, "INS");
	for (i = 0; i < 8; i++)
		buffer[i] = 0xa0 + i;
	ok(end(w, &pio) == EMU_CONTINUE && !memcmp(w->mem + 0x7ff8, buffer, 8) &&
	   w->gpr[EMU_RDI] == 0x8000, "INS stores");
	ok(begin(w, &pio, 4096) == EMU_FAULT && w->e.exception.vector == 14 &&
	   w->e.exception.error_code == 2 && w->gpr[EMU_RCX] == 1,
	   "INS faults before the port is read");
	w->page[8] = PAGE_DEVICE;
	ok(begin(w, &pio, 4096) == EMU_PIO && end(w, &pio) == EMU_USER &&
	   emu_log_pending(&w->log)->gpa == 0x8000 && pio.done == 0, "INS to a device waits");
	emu_log_answer(&w->log, NULL);
	ok(end(w, &pio) == EMU_OK && pio.done == 1 && w->e.rip == WORLD_RIP + 2, "and completes");
	w->page[8] = PAGE_RAM;

	world_mode(w, EMU_REAL);
	CODE(w, 0xf3, 0x6c);
	w->gpr[EMU_RDI] = 0xfffe;
	w->gpr[EMU_RCX] = 9;
	ok(begin(w, &pio, 4096) == EMU_PIO && pio.count == 2 && end(w, &pio) == EMU_CONTINUE &&
	   (w->gpr[EMU_RDI] & 0xffff) == 0, "a batch ends where DI wraps");
	w->e.seg[EMU_ES].base = 0x20800;
	w->gpr[EMU_RDI] = 0xfffe;
	ok(begin(w, &pio, 4096) == EMU_PIO && pio.count == 2, "in the middle of a page, too");
	w->gpr[EMU_RDI] = 0;
	w->e.seg[EMU_ES].base = 0;
	w->e.seg[EMU_ES].limit = 1;
	ok(begin(w, &pio, 4096) == EMU_PIO && pio.count == 1, "one at a time at the limit");
	w->gpr[EMU_RDI] = 2;
	ok(begin(w, &pio, 4096) == EMU_FAULT && w->e.exception.vector == VECTOR_GP, "beyond #GP");
	CODE(w, 0xf3, 0x6f);
	w->e.seg[EMU_DS].limit = 7;
	w->gpr[EMU_RSI] = 6;
	w->gpr[EMU_RCX] = 9;
	w->e.rflags |= FLAG_DF;
	ok(begin(w, &pio, 4096) == EMU_PIO && pio.count == 4, "downwards from the limit");
	w->e.rflags &= ~(u64)FLAG_DF;
	world_mode(w, EMU_LONG64);
}

static void test_set(struct world *w)
{
	const struct emu_pio_desc out = {
		.rep = true, .size = 2, .addrsize = 8, .seg = EMU_FS, .len = 4,
	};
	struct emu_pio pio;

	w->e.rip = WORLD_RIP;
	w->e.seg[EMU_FS].base = 0x3000;
	w->gpr[EMU_RSI] = 0x1000;
	w->gpr[EMU_RCX] = 5;
	w->fetches = 0;
	fill(w, 0x4000, 10);
	emu_pio_set(&w->e, &out);
	ok(emu_pio_begin(&w->e, &pio, buffer, 4096) == EMU_PIO && pio.count == 5 &&
	   !memcmp(buffer, w->mem + 0x4000, 10) && w->e.insn.lin == 0x4000 && !w->fetches,
	   "OUTS from exit information, without a fetch");
	emu_pio_set(&w->e, &out);
	ok(emu_pio_end(&w->e, &pio, buffer) == EMU_OK && w->e.rip == WORLD_RIP + 4, "and its end");

	w->page[4] = PAGE_DEVICE;
	w->e.rip = WORLD_RIP;
	w->gpr[EMU_RSI] = 0x1000;
	w->gpr[EMU_RCX] = 5;
	emu_pio_set(&w->e, &out);
	ok(emu_pio_begin(&w->e, &pio, buffer, 4096) == EMU_USER, "OUTS from a device waits");
	emu_log_answer(&w->log, "\x34\x12");
	emu_pio_set(&w->e, &out);
	ok(emu_pio_begin(&w->e, &pio, buffer, 4096) == EMU_PIO && pio.count == 1 &&
	   buffer[0] == 0x34 && buffer[1] == 0x12, "then sends that element");
	w->e.insn.kind = EMU_K_MOV;
	ok(emu_pio_begin(&w->e, &pio, buffer, 4096) == EMU_UNHANDLED &&
	   emu_pio_end(&w->e, &pio, buffer) == EMU_UNHANDLED, "other instructions are refused");
	emu_pio_set(&w->e, &out);
	ok(emu_execute(&w->e) == EMU_UNHANDLED, "emu_execute() refuses OUTS");
}

void test_pio(void)
{
	struct world *w = world_new();

	test_outs(w);
	test_ins(w);
	test_set(w);
	world_free(w);
}
