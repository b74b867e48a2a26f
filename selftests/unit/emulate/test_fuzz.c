// SPDX-License-Identifier: GPL-2.0-only
/*
 * A million random instructions in random surroundings.
 *
 * The sanitizers watch; the callbacks abort on a piece that is too long or crosses a page; and
 * after each run the promises that hold for every result are checked.
 */
#include <string.h>

#include "../../../src/emulate/decode.h"
#include "../../../src/emulate/opcodes.h"
#include "world.h"

#define RUNS	1000000u

static const u8 prefixes[] = {
	0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x40, 0x48, 0x4f,
};

/* Random bytes; mostly prefixes and an opcode of the table first, or all would be unknown. */
static void random_code(struct world *w)
{
	const struct opcode *row = &opcodes[random64() % ARRAY_SIZE(opcodes)];
	u64 r = random64();
	unsigned int i, pos = 0;

	for (i = 0; i < sizeof(w->code); i++)
		w->code[i] = random64();
	w->code_len = sizeof(w->code);
	if ((r & 7) == 0)
		return;
	for (i = 0; i < ((r >> 8) & 3); i++)
		w->code[pos++] = prefixes[random64() % sizeof(prefixes)];
	if (row->pfx > PFX_ANY)
		w->code[pos++] = row->pfx;
	if (row->code >= 0x100)
		w->code[pos++] = 0x0f;
	if (row->code >= 0x3800)
		w->code[pos++] = 0x38;
	w->code[pos++] = row->code;
	if (row->ext != EXT_ANY)
		w->code[pos] = (w->code[pos] & 0xc7) | row->ext << 3;
}

static void random_world(struct world *w)
{
	unsigned int i;

	world_mode(w, random64() % (EMU_LONG64 + 1));
	for (i = 0; i < EMU_NR_REGS; i++) {
		u64 r = random64();

		w->gpr[i] = r & 1 ? random64() : (r >> 8) & (WORLD_MEM - 1);
	}
	if (random64() & 1)
		w->gpr[EMU_RCX] &= 0xf;
	for (i = 0; i < EMU_NR_SEGS; i++) {
		u64 r = random64();

		if ((r & 3) == 0)
			w->e.seg[i] = (struct emu_segment) {
				.base = r >> 20, .limit = random64(), .ar = random64() & 0x1ffff,
			};
	}
	w->e.rflags = random64() & 0x3fffff;
	w->e.rip = w->e.mode == EMU_LONG64 && (random64() & 15) ? WORLD_RIP : random64() & 0x1fff;
	w->e.rep_limit = 1 + (random64() & 7);
	w->retries = random64() & 1;
}

static enum emu_result answer_and_run(struct world *w, enum emu_result r)
{
	unsigned int left = 64;

	while (r == EMU_USER && left--) {
		u64 data = random64();

		if (!emu_log_pending(&w->log))
			return EMU_UNHANDLED;
		emu_log_answer(&w->log, &data);
		r = world_step(w);
	}
	return r;
}

static enum emu_result run_pio(struct world *w)
{
	static u8 buffer[64];
	struct emu_pio pio;
	enum emu_result r;

	r = emu_pio_begin(&w->e, &pio, buffer, sizeof(buffer));
	if (r == EMU_PIO && pio.count * pio.size > sizeof(buffer))
		return EMU_PIO;	/* breaks a promise */
	if (r == EMU_PIO)
		r = emu_pio_end(&w->e, &pio, buffer);
	emu_log_reset(&w->log);
	return r;
}

/* What holds after every result. */
static bool promises(const struct world *w, enum emu_result r, u64 rip)
{
	bool wide = w->e.mode == EMU_LONG64;
	u64 next = rip + w->e.insn.len;

	if (r == EMU_PIO || w->e.insn.len > EMU_INSN_MAX || w->e.nr_bytes > EMU_INSN_MAX)
		return false;
	if (r != EMU_USER && w->log.nr)
		return false;
	return w->e.rip == (r != EMU_OK ? rip : wide ? next : (u32)next);
}

void test_fuzz(void)
{
	struct world *w = world_new();
	unsigned int i, count[EMU_UNHANDLED + 1] = {};
	bool good = true;

	random_seed(1);
	for (i = 1; i < WORLD_MEM / 4096; i++)
		w->page[i] = random64() % 8 ? PAGE_RAM : random64() % 4;
	w->page[1] = PAGE_RAM;
	for (i = 0; good && i < RUNS; i++) {
		enum emu_result r;
		u64 rip;

		random_code(w);
		random_world(w);
		rip = w->e.rip;
		r = emu_decode(&w->e);
		if (r == EMU_OK && (w->e.insn.kind == EMU_K_INS || w->e.insn.kind == EMU_K_OUTS))
			r = run_pio(w);
		else if (r == EMU_OK)
			r = answer_and_run(w, emu_execute(&w->e));
		good = promises(w, r, rip);
		emu_log_reset(&w->log);
		count[r]++;
	}
	ok(good, "fuzz: promises hold for %u instructions", i);
	ok(count[EMU_OK] > RUNS / 10 && count[EMU_FAULT] > RUNS / 10 && count[EMU_CONTINUE] > 1000,
	   "fuzz: %u done, %u continue, %u fault, %u unhandled", count[EMU_OK],
	   count[EMU_CONTINUE], count[EMU_FAULT], count[EMU_UNHANDLED]);
	world_free(w);
}
