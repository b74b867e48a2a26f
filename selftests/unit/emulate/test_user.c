// SPDX-License-Identifier: GPL-2.0-only
/*
 * Completion by user space: the protocol at the head of nvmx/emulate.h.
 *
 * run() plays the caller and user space: it answers each EMU_USER from the same memory that the
 * device pages hide, and records the transfers as text, like "r5000/4 w5000/4".  Before each
 * answer it damages the code and plain memory, which a second run must not look at again.
 */
#include <stdio.h>
#include <string.h>

#include "../../../src/emulate/decode.h"
#include "world.h"

static char trace[256];
static unsigned int user_exits;

static void note(const struct emu_piece *p)
{
	size_t used = strlen(trace);

	snprintf(trace + used, sizeof(trace) - used, "%s%c%llx/%u", used ? " " : "",
		 p->write ? 'w' : 'r', p->gpa, p->len);
}

static void user_space(struct world *w)
{
	const struct emu_piece *p = emu_log_pending(&w->log);
	u64 val;

	note(p);
	user_exits++;
	if (p->write) {
		memcpy(w->mem + p->gpa, p->data, p->len);
		emu_log_answer(&w->log, NULL);
	} else {
		val = world_peek(w, p->gpa, p->len);
		emu_log_answer(&w->log, &val);
	}
}

static enum emu_result run(struct world *w)
{
	enum emu_result r;

	trace[0] = 0;
	user_exits = 0;
	r = world_step(w);
	while (r == EMU_USER && user_exits < 1000) {
		if (world_step(w) != EMU_USER)	/* rule 5: pending is pending */
			return EMU_UNHANDLED;
		user_space(w);
		memset(w->code, 0x0f, sizeof(w->code));
		r = world_step(w);
	}
	return r;
}

static bool ran(struct world *w, const char *expected)
{
	u64 rip = w->e.rip;
	enum emu_result r = run(w);

	if (r == EMU_OK && !strcmp(trace, expected) && w->e.rip > rip && !w->log.nr)
		return true;
	printf("# result %d, transfers %s\n", r, trace);
	return false;
}

static void test_single(struct world *w)
{
	CODE(w, 0x8b, 0x03);
	world_poke(w, 0x5000, 0x12345678, 4);
	w->gpr[EMU_RAX] = ~0ull;
	ok(ran(w, "r5000/4") && w->gpr[EMU_RAX] == 0x12345678, "load from a device");
	CODE(w, 0x89, 0x03);
	w->gpr[EMU_RAX] = 0xabcdef01;
	ok(ran(w, "w5000/4") && world_peek(w, 0x5000, 4) == 0xabcdef01, "store to a device");
	CODE(w, 0x83, 0x0b, 0x10);
	world_poke(w, 0x5000, 0x80000001, 4);
	ok(ran(w, "r5000/4 w5000/4") && world_peek(w, 0x5000, 4) == 0x80000011 &&
	   (w->e.rflags & (FLAG_SF | FLAG_ZF)) == FLAG_SF, "OR to a device");
	CODE(w, 0x87, 0x03);
	w->gpr[EMU_RAX] = 7;
	ok(ran(w, "r5000/4 w5000/4") && w->gpr[EMU_RAX] == 0x80000011 &&
	   world_peek(w, 0x5000, 4) == 7, "XCHG with a device");
	CODE(w, 0xf0, 0x0f, 0xb1, 0x0b);
	w->gpr[EMU_RAX] = 7;
	w->gpr[EMU_RCX] = 9;
	ok(ran(w, "r5000/4 w5000/4") && world_peek(w, 0x5000, 4) == 9, "LOCK CMPXCHG, device");
	CODE(w, 0x0f, 0xb1, 0x0b);
	ok(ran(w, "r5000/4 w5000/4") && w->gpr[EMU_RAX] == 9, "a failing CMPXCHG writes, too");
	CODE(w, 0xff, 0x33);
	w->gpr[EMU_RSP] = 0x9000;
	ok(ran(w, "r5000/8") && world_peek(w, 0x8ff8, 8) == 9 && w->gpr[EMU_RSP] == 0x8ff8,
	   "PUSH from a device");
	CODE(w, 0x8f, 0x43, 0x10);
	ok(ran(w, "w5010/8") && world_peek(w, 0x5010, 8) == 9 && w->gpr[EMU_RSP] == 0x9000,
	   "POP to a device");
	CODE(w, 0x66, 0x0f, 0x6f, 0x03);
	ok(ran(w, "r5000/8 r5008/8") && !memcmp(w->xmm[0], w->mem + 0x5000, 16),
	   "MOVDQA from a device in two pieces");
}

static void test_crossing(struct world *w)
{
	CODE(w, 0x48, 0x01, 0x03);
	w->gpr[EMU_RBX] = 0x5ffd;
	w->gpr[EMU_RAX] = 1;
	world_poke(w, 0x5ffd, 0xffffff, 8);
	ok(ran(w, "r5ffd/3 r6000/5 w5ffd/3 w6000/5") && world_peek(w, 0x5ffd, 8) == 0x1000000,
	   "ADD across two device pages");
	CODE(w, 0x48, 0x01, 0x03);
	w->gpr[EMU_RBX] = 0x4ffe;
	world_poke(w, 0x4ffe, 0xffff, 8);
	w->writes = 0;
	ok(ran(w, "r5000/6 w5000/6") && world_peek(w, 0x4ffe, 8) == 0x10000,
	   "ADD across memory and a device");
	CODE(w, 0x0f, 0x11, 0x03);
	w->gpr[EMU_RBX] = 0x5ff5;
	memset(w->xmm[0], 0x5a, 16);
	ok(ran(w, "w5ff5/8 w5ffd/3 w6000/5"), "MOVUPS across two device pages");
	CODE(w, 0x48, 0xa5);
	w->gpr[EMU_RSI] = 0x5ffc;
	w->gpr[EMU_RDI] = 0x6ffe;
	ok(ran(w, "r5ffc/4 r6000/4 w6ffe/2"), "MOVS from two device pages to device and memory");
}

static void test_rep(struct world *w)
{
	unsigned int i;

	CODE(w, 0xf3, 0xa5);
	w->gpr[EMU_RSI] = 0x5ff8;
	w->gpr[EMU_RDI] = 0x9000;
	w->gpr[EMU_RCX] = 3;
	for (i = 0; i < 12; i++)
		w->mem[0x5ff8 + i] = i + 1;
	/* Each wait is for one iteration, and the code is damaged after the first. */
	w->e.rep_limit = 8;
	ok(world_step(w) == EMU_USER && w->gpr[EMU_RCX] == 3, "REP MOVS waits for its first");
	user_space(w);
	ok(world_step(w) == EMU_USER && w->gpr[EMU_RCX] == 2 && w->gpr[EMU_RSI] == 0x5ffc &&
	   w->e.rip == WORLD_RIP, "then for its second, with the first committed");
	user_space(w);
	ok(world_step(w) == EMU_USER && w->gpr[EMU_RCX] == 1, "and its third");
	user_space(w);
	ok(world_step(w) == EMU_OK && !memcmp(w->mem + 0x9000, w->mem + 0x5ff8, 12) &&
	   w->gpr[EMU_RCX] == 0 && w->e.rip == WORLD_RIP + 2, "REP MOVS from a device completes");

	CODE(w, 0xf3, 0xaa);
	w->gpr[EMU_RDI] = 0x5000;
	w->gpr[EMU_RCX] = 2;
	w->gpr[EMU_RAX] = 0xc3;
	ok(ran(w, "w5000/1 w5001/1") && world_peek(w, 0x5000, 2) == 0xc3c3, "REP STOS to a device");
	w->e.rep_limit = 0;
}

static void test_stale(struct world *w)
{
	CODE(w, 0x8b, 0x03);
	w->gpr[EMU_RBX] = 0x5000;
	ok(world_step(w) == EMU_USER && w->log.nr == 1, "load waits");
	w->e.rip += 0x10;
	CODE(w, 0x90, 0x90);
	w->e.rip = WORLD_RIP + 0x10;
	CODE(w, 0x8b, 0x0b);
	w->e.rip = WORLD_RIP + 0x20;
	ok(world_step(w) == EMU_USER && w->e.insn.reg == EMU_RCX, "another RIP drops the log");
	user_space(w);
	w->gpr[EMU_RBX] = 0x5008;
	ok(world_step(w) == EMU_CONTINUE && !w->log.nr, "another address drops the log");
	emu_log_answer(&w->log, NULL);
	ok(!emu_log_pending(&w->log), "answering an empty log does nothing");
}

static void test_lock_retry(struct world *w)
{
	CODE(w, 0xf0, 0x01, 0x03);
	w->gpr[EMU_RBX] = 0x9000;
	w->gpr[EMU_RAX] = 1;
	world_poke(w, 0x9000, 41, 4);
	w->retries = 1;
	ok(world_step(w) == EMU_CONTINUE && world_peek(w, 0x9000, 4) == 41, "lost race: try again");
	ok(world_step(w) == EMU_OK && world_peek(w, 0x9000, 4) == 42, "won race");
	CODE(w, 0x87, 0x03);
	w->retries = 1;
	ok(world_step(w) == EMU_CONTINUE && world_step(w) == EMU_OK, "XCHG is locked by itself");
	w->page[9] = PAGE_READONLY;
	CODE(w, 0xa5);
	w->gpr[EMU_RSI] = 0x5000;
	w->gpr[EMU_RDI] = 0x9000;
	ok(world_step(w) == EMU_FAULT && !w->log.nr, "MOVS faults before the device read");
	w->page[9] = PAGE_RAM;
}

void test_user(void)
{
	struct world *w = world_new();

	w->page[5] = PAGE_DEVICE;
	w->page[6] = PAGE_DEVICE;
	w->gpr[EMU_RBX] = 0x5000;
	test_single(w);
	test_crossing(w);
	test_rep(w);
	test_stale(w);
	test_lock_retry(w);
	world_free(w);
}
