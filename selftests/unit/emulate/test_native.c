// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every row of the opcode table against the CPU that runs this test.
 *
 * Random instructions of the row are run twice from the same registers, flags, XMM registers
 * and memory: by the emulator in a struct world, and natively between a prologue that loads the
 * state and an epilogue that stores it.  Everything must agree afterwards, faults included.
 * Memory, state and code are at fixed addresses below 2 GiB, so that a 32-bit address and an
 * absolute one reach them.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "../../../src/emulate/opcodes.h"
#include "world.h"

#define DATA	0x20000000u	/* folds to gpa 0 */
#define DATA_LEN 0x10000u
#define STATE	0x20100000u
#define TEXT	0x20200000u
#define ROUNDS	1500

struct state {
	u64 gpr[EMU_NR_REGS];
	u64 rflags;
	u8 xmm[16][16];
};

struct native {
	struct state in, out;
	u64 saved_rsp;
};

static struct native *const native = (struct native *)(unsigned long)STATE;
static u8 *const data = (u8 *)(unsigned long)DATA;
static u8 *const text = (u8 *)(unsigned long)TEXT;
static sigjmp_buf escape;
static u8 signal_stack[65536];

struct code {
	u8 byte[64];
	unsigned int len;
	bool opsize, addrsize;
	u8 rex;
};

static void put(struct code *c, u64 val, unsigned int len)
{
	memcpy(c->byte + c->len, &val, len);
	c->len += len;
}

/* ModRM and SIB for an absolute address. */
static void put_absolute(u8 **p, unsigned int reg, const void *at)
{
	u32 address = (unsigned long)at;

	*(*p)++ = (reg & 7) << 3 | 4;
	*(*p)++ = 0x25;
	memcpy(*p, &address, 4);
	*p += 4;
}

static void put_gpr_move(u8 **p, u8 opcode, unsigned int reg, const void *at)
{
	*(*p)++ = 0x48 | (reg >= 8 ? 4 : 0);
	*(*p)++ = opcode;
	put_absolute(p, reg, at);
}

static void put_xmm_move(u8 **p, u8 opcode, unsigned int reg, const void *at)
{
	*(*p)++ = 0xf3;
	*(*p)++ = 0x40 | (reg >= 8 ? 4 : 0);
	*(*p)++ = 0x0f;
	*(*p)++ = opcode;
	put_absolute(p, reg, at);
}

/* push [at] with reg 6, pop [at] with reg 0 */
static void put_stack_move(u8 **p, u8 opcode, unsigned int reg, const void *at)
{
	*(*p)++ = opcode;
	put_absolute(p, reg, at);
}

static u8 *put_prologue(u8 *p)
{
	static const u8 save[] = { 0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57 };
	unsigned int i;

	memcpy(p, save, sizeof(save));
	p += sizeof(save);
	put_gpr_move(&p, 0x89, EMU_RSP, &native->saved_rsp);
	put_stack_move(&p, 0xff, 6, &native->in.rflags);
	*p++ = 0x9d;
	for (i = 0; i < 16; i++) {
		put_xmm_move(&p, 0x6f, i, native->in.xmm[i]);
		put_gpr_move(&p, 0x8b, i, &native->in.gpr[i]);
	}
	return p;
}

static void put_epilogue(u8 *p)
{
	static const u8 restore[] = {
		0xfc, 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3,
	};
	unsigned int i;

	for (i = 0; i < 16; i++) {
		put_xmm_move(&p, 0x7f, i, native->out.xmm[i]);
		put_gpr_move(&p, 0x89, i, &native->out.gpr[i]);
	}
	put_gpr_move(&p, 0x8b, EMU_RSP, &native->saved_rsp);
	*p++ = 0x9c;
	put_stack_move(&p, 0x8f, 0, &native->out.rflags);
	memcpy(p, restore, sizeof(restore));
}

static void on_signal(int sig)
{
	siglongjmp(escape, sig);
}

/* The signal, or 0. */
static int run_native(const struct code *c, u8 *at)
{
	int sig;

	memcpy(at, c->byte, c->len);
	put_epilogue(at + c->len);
	sig = sigsetjmp(escape, 1);
	if (!sig)
		((void (*)(void))text)();
	return sig;
}

static bool is_long_instruction(const struct opcode *row)
{
	return row->kind == EMU_K_INS || row->kind == EMU_K_OUTS || row->kind >= EMU_K_SGDT;
}

static bool is_bit(const struct opcode *row)
{
	return row->kind >= EMU_K_BT && row->kind <= EMU_K_BTC;
}

static void put_prefixes(struct code *c, const struct opcode *row, u64 r)
{
	static const u8 ignored[] = { 0x26, 0x2e, 0x36, 0x3e };
	bool string = row->dst == F_STRING;

	if ((r & 0x70) == 0)
		put(c, ignored[(r >> 8) & 3], 1);
	c->addrsize = (r & 0x180000) == 0;
	if (c->addrsize)
		put(c, 0x67, 1);
	c->opsize = row->pfx == PFX_ANY && (r & 0x600000) == 0;
	if (row->pfx > PFX_ANY)
		put(c, row->pfx, 1);
	else if (c->opsize)
		put(c, 0x66, 1);
	if (string && (r & 0x3000000))
		put(c, r & 0x4000000 ? 0xf2 : 0xf3, 1);
	if (!string && ((row->flags & ROW_LOCK) ? (r & 0x30000) == 0 : (r & 0x3f0000) == 0))
		put(c, 0xf0, 1);
	c->rex = r & 0x40000000 ? 0x40 | ((r >> 32) & 15) : 0;
	if (row->flags & ROW_NOREXW)
		c->rex &= ~REX_W;
	if (c->rex)
		put(c, c->rex, 1);
}

static void put_opcode(struct code *c, u16 opcode)
{
	if (opcode >= 0x100)
		put(c, 0x0f, 1);
	if (opcode >= 0x3800)
		put(c, 0x38, 1);
	put(c, opcode & 0xff, 1);
}

/*
 * Bases are RBX, RSP, RBP, RSI, RDI and R11 to R15, which point to data; indices are RCX and R9,
 * which are small.  The position of a RIP-relative displacement is returned, else 0.
 */
static unsigned int put_modrm(struct code *c, const struct opcode *row, u64 r)
{
	static const u8 bases[] = { EMU_RBX, EMU_RBP, EMU_RSI, EMU_RDI, EMU_RSP };
	unsigned int reg = row->ext == EXT_ANY ? r & 7 : row->ext;
	unsigned int base = bases[(r >> 8) % 5], mod = (r >> 16) & 3;
	u32 disp = (u32)((r >> 32) & 0x1ff) - 0x100;

	if (is_bit(row) && row->src == F_G)
		reg %= 3;
	if (mod == 3 && row->dst < F_M && row->src < F_M) {
		put(c, 0xc0 | reg << 3 | ((r >> 24) & 7), 1);
		return 0;
	}
	mod %= 3;
	if ((r & 0x7000000) == 0) {
		put(c, 0x05 | reg << 3, 1);
		put(c, disp, 4);
		return c->len - 4;
	}
	if (mod == 0 && base == EMU_RBP)
		mod = 2;
	if (base == EMU_RSP || (r & 0x10000000)) {
		put(c, mod << 6 | reg << 3 | 4, 1);
		put(c, ((r >> 29) & 3) << 6 | EMU_RCX << 3 | base, 1);
	} else {
		put(c, mod << 6 | reg << 3 | base, 1);
	}
	put(c, disp, mod == 1 ? 1 : mod == 2 ? 4 : 0);
	return 0;
}

static void put_immediate(struct code *c, const struct opcode *row)
{
	bool word = c->opsize && !(c->rex & REX_W);
	u64 val = random64();

	if (row->src == F_IMM8 || (row->src == F_IMM && (row->flags & ROW_BYTE)))
		put(c, val, 1);
	else if (row->src == F_IMM)
		put(c, val, word ? 2 : 4);
	if (row->dst == F_MOFFS || row->src == F_MOFFS)
		put(c, DATA + 0x8000 + (val & 0xfff), c->addrsize ? 4 : 8);
}

/* @at: where the instruction will be. */
static void make_instruction(struct code *c, const struct opcode *row, u64 at)
{
	unsigned int fix = 0;
	u32 disp;

	memset(c, 0, sizeof(*c));
	put_prefixes(c, row, random64());
	put_opcode(c, row->code);
	if (row->dst >= F_G || row->src >= F_G)
		fix = put_modrm(c, row, random64());
	put_immediate(c, row);
	if (fix) {
		memcpy(&disp, c->byte + fix, 4);
		disp += DATA + 0x8000 - (at + c->len);
		memcpy(c->byte + fix, &disp, 4);
	}
}

static u64 random_value(void)
{
	static const u64 corner[] = {
		0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
		0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, ~0ull,
	};
	u64 r = random64();

	return r & 1 ? random64() : corner[(r >> 1) % ARRAY_SIZE(corner)];
}

static void make_state(struct state *s, const struct opcode *row)
{
	u64 r = random64();
	unsigned int i;

	for (i = 0; i < EMU_NR_REGS; i++)
		s->gpr[i] = random_value();
	for (i = EMU_RBX; i <= EMU_RDI; i++) {
		s->gpr[i] = DATA + 0x7ff0 + (random64() & 0x1f);
		s->gpr[i + 8] = DATA + 0x8000 + (random64() & 0xff0);
	}
	s->gpr[EMU_RCX] = r & 63;
	s->gpr[EMU_R9] = (r >> 8) & 63;
	if (is_bit(row) && row->src == F_G)
		for (i = 0; i < EMU_NR_REGS; i++)
			if (s->gpr[i] - DATA >= DATA_LEN && s->gpr[i] >= 64)
				s->gpr[i] = (random64() & 0x3fff) - 0x2000;
	for (i = 0; i < sizeof(s->xmm); i++)
		s->xmm[i / 16][i % 16] = random64();
	s->rflags = 0x202 | (random64() & FLAGS_ARITH);
	if (row->dst == F_STRING)
		s->rflags |= random64() & FLAG_DF;
}

/* Half of the time a constant, so that CMPXCHG, CMPS and SCAS find equal values. */
static void make_memory(struct state *s, bool constrained)
{
	u64 r = random64();
	u64 pattern = (r & 0xff) * 0x0101010101010101;
	unsigned int i;

	for (i = 0x7000; i < 0xa000; i += 8) {
		u64 val = r & 0x100 ? pattern : random64();

		memcpy(data + i, &val, 8);
	}
	if (constrained || !(r & 0x600))
		return;
	s->gpr[EMU_RAX] = pattern;
	if (r & 0x1000)
		s->gpr[EMU_RDX] = pattern;
	if (r & 0x2000)
		data[0x7000 + (r >> 32) % 0x3000] ^= 1;
}

static u64 defined_flags(enum emu_kind kind)
{
	switch (kind) {
	case EMU_K_AND:
	case EMU_K_OR:
	case EMU_K_XOR:
	case EMU_K_TEST:
		return FLAGS_ARITH & ~FLAG_AF;
	case EMU_K_BT:
	case EMU_K_BTS:
	case EMU_K_BTR:
	case EMU_K_BTC:
		return FLAG_CF | FLAG_ZF;
	default:
		return FLAGS_ARITH;
	}
}

static int expected_signal(const struct world *w, enum emu_result r)
{
	if (r != EMU_FAULT)
		return 0;
	return w->e.exception.vector == VECTOR_UD ? SIGILL : SIGSEGV;
}

static bool same_state(const struct world *w, const struct state *out, enum emu_kind kind)
{
	return !memcmp(w->gpr, out->gpr, sizeof(out->gpr)) &&
	       !memcmp(w->xmm, out->xmm, sizeof(out->xmm)) &&
	       !((w->e.rflags ^ out->rflags) & defined_flags(kind)) &&
	       !memcmp(w->mem, data, DATA_LEN);
}

static void explain(const struct world *w, const struct code *c, int sig, enum emu_result r)
{
	unsigned int i;

	printf("# result %d vector %d, signal %d, flags %llx native %llx, in %llx, bytes",
	       r, w->e.exception.vector, sig, w->e.rflags, native->out.rflags, native->in.rflags);
	for (i = 0; i < c->len; i++)
		printf(" %02x", c->byte[i]);
	putchar('\n');
	for (i = 0; i < EMU_NR_REGS; i++)
		if (w->gpr[i] != native->out.gpr[i])
			printf("# r%u: in %llx emulated %llx native %llx\n", i,
			       native->in.gpr[i], w->gpr[i], native->out.gpr[i]);
	for (i = 0; i < DATA_LEN; i++)
		if (w->mem[i] != data[i])
			printf("# data+%x: emulated %x native %x\n", i, w->mem[i], data[i]);
}

static enum emu_result run_emulated(struct world *w, const struct code *c, u64 at)
{
	world_code(w, c->byte, c->len);
	w->e.rip = at;
	memcpy(w->gpr, native->in.gpr, sizeof(w->gpr));
	memcpy(w->xmm, native->in.xmm, sizeof(w->xmm));
	w->e.rflags = native->in.rflags;
	memcpy(w->mem, data, DATA_LEN);
	return world_step(w);
}

/* One random instruction of @row; false if emulator and CPU differ. */
static bool compare(struct world *w, const struct opcode *row, u8 *at, unsigned int *executed)
{
	enum emu_result r;
	struct code c;
	int sig;

	make_instruction(&c, row, (unsigned long)at);
	make_state(&native->in, row);
	make_memory(&native->in, is_bit(row));
	r = run_emulated(w, &c, (unsigned long)at);
	if (r == EMU_UNHANDLED)
		return false;
	sig = run_native(&c, at);
	if (sig != expected_signal(w, r))
		goto differ;
	if (sig)
		return true;
	++*executed;
	if (r == EMU_OK && w->e.rip == (unsigned long)at + c.len &&
	    same_state(w, &native->out, w->e.insn.kind))
		return true;
differ:
	explain(w, &c, sig, r);
	return false;
}

static void *map_at(u32 address, unsigned int len, int prot)
{
	return mmap((void *)(unsigned long)address, len, PROT_READ | PROT_WRITE | prot,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

static bool set_up(void)
{
	stack_t stack = { .ss_sp = signal_stack, .ss_size = sizeof(signal_stack) };
	struct sigaction act = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };

	if (map_at(DATA, DATA_LEN, 0) != data || map_at(STATE, 4096, 0) != (void *)native ||
	    map_at(TEXT, 4096, PROT_EXEC) != text)
		return false;
	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
	sigaction(SIGILL, &act, NULL);
	return true;
}

static void test_row(struct world *w, const struct opcode *row, u8 *at)
{
	unsigned int i, executed = 0;
	bool same = true;

	random_seed(row->code * 16 + row->ext);
	for (i = 0; same && i < ROUNDS; i++)
		same = compare(w, row, at, &executed);
	if (executed < ROUNDS / 20)
		same = false;
	ok(same, "native opcode %02x /%u prefix %02x: %u instructions agree", row->code,
	   row->ext, row->pfx, executed);
}

void test_native(void)
{
	struct world *w = world_new();
	unsigned int i;
	u8 *at;

	if (!ok(set_up(), "native: memory at fixed addresses"))
		return;
	at = put_prologue(text);
	for (i = 0; i < ARRAY_SIZE(opcodes); i++)
		if (!is_long_instruction(&opcodes[i]))
			test_row(w, &opcodes[i], at);
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	signal(SIGILL, SIG_DFL);
	world_free(w);
}
