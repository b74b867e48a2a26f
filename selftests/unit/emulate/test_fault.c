// SPDX-License-Identifier: GPL-2.0-only
/*
 * What faults, with which exception, and that a fault changes nothing.
 */
#include <string.h>

#include "../../../src/emulate/decode.h"
#include "world.h"

static bool faults(struct world *w, u8 vector, bool has_error)
{
	u64 gpr[EMU_NR_REGS], rip = w->e.rip, rflags = w->e.rflags;
	unsigned int writes = w->writes;
	enum emu_result r;

	memcpy(gpr, w->gpr, sizeof(gpr));
	r = world_step(w);
	return r == EMU_FAULT && w->e.exception.vector == vector &&
	       w->e.exception.has_error == has_error && !memcmp(gpr, w->gpr, sizeof(gpr)) &&
	       w->e.rip == rip && w->e.rflags == rflags && w->writes == writes && !w->log.nr;
}

static void test_lock(struct world *w)
{
	CODE(w, 0xf0, 0x89, 0x03);
	ok(faults(w, VECTOR_UD, false), "LOCK MOV is #UD");
	CODE(w, 0xf0, 0x01, 0xc3);
	ok(faults(w, VECTOR_UD, false), "LOCK ADD to a register is #UD");
	CODE(w, 0xf0, 0x03, 0x03);
	ok(faults(w, VECTOR_UD, false), "LOCK ADD from memory is #UD");
	CODE(w, 0xf0, 0x39, 0x03);
	ok(faults(w, VECTOR_UD, false), "LOCK CMP is #UD");
	CODE(w, 0xf0, 0xa4);
	ok(faults(w, VECTOR_UD, false), "LOCK MOVS is #UD");
}

static void test_fetch(struct world *w)
{
	CODE(w, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	     0x66, 0x66, 0x89, 0x03);
	ok(world_step(w) == EMU_OK, "15 bytes are an instruction");
	CODE(w, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	     0x66, 0x66, 0x66, 0x89, 0x03);
	ok(faults(w, VECTOR_GP, true), "16 bytes are #GP");

	CODE(w, 0x89, 0x83, 0, 0, 1, 0);
	w->e.rip = 0x1ffd;
	w->page[2] = PAGE_ABSENT;
	ok(faults(w, 14, true) && w->e.exception.address == 0x2000, "#PF of the second code page");
	w->page[2] = PAGE_RAM;
	ok(world_step(w) == EMU_OK && w->e.rip == 0x2003, "fetch across a page");
	CODE(w, 0x89, 0x03);
	w->e.rip = 0x1ffe;
	w->page[2] = PAGE_ABSENT;
	ok(world_step(w) == EMU_OK, "no fetch beyond the instruction");
	w->page[2] = PAGE_RAM;

	CODE(w, 0x89, 0x03);
	w->e.rip = 0x0000800000000000;
	ok(faults(w, VECTOR_GP, true), "non-canonical RIP is #GP");
	world_mode(w, EMU_PROT32);
	w->e.seg[EMU_CS].limit = WORLD_RIP;
	CODE(w, 0x89, 0x03);
	ok(faults(w, VECTOR_GP, true), "fetch beyond the limit of CS is #GP");
	w->e.seg[EMU_CS].limit = WORLD_RIP / 2;
	ok(faults(w, VECTOR_GP, true), "RIP beyond the limit of CS is #GP");
	CODE(w, 0x0f, 0x0b);
	world_mode(w, EMU_LONG64);
	ok(world_step(w) == EMU_UNHANDLED && w->e.nr_bytes == 15, "unknown opcode is unhandled");
}

static void test_canonical(struct world *w)
{
	world_mode(w, EMU_LONG64);
	CODE(w, 0x8b, 0x03);
	w->gpr[EMU_RBX] = 0x0000800000000000;
	ok(faults(w, VECTOR_GP, true), "non-canonical address is #GP");
	w->gpr[EMU_RBX] = 0x00007ffffffffffe;
	ok(faults(w, VECTOR_GP, true), "operand that leaves the canonical half is #GP");
	w->e.linear_bits = 57;
	ok(world_step(w) == EMU_OK, "canonical with 57 bits");
	w->e.linear_bits = 0;
	CODE(w, 0x8b, 0x45, 0x00);
	w->gpr[EMU_RBP] = 0x8000000000000000;
	ok(faults(w, VECTOR_SS, true), "non-canonical stack address is #SS");
	CODE(w, 0x64, 0x8b, 0x45, 0x00);
	ok(faults(w, VECTOR_GP, true), "with FS it is #GP");
	w->gpr[EMU_RBP] = 0x10000;
	w->e.seg[EMU_FS].base = 0xffff888000000000;
	ok(world_step(w) == EMU_OK && w->e.insn.lin == 0xffff888000010000, "FS base is 64 bits");
}

static void test_segments(struct world *w)
{
	struct emu_segment *ds = &w->e.seg[EMU_DS];

	world_mode(w, EMU_PROT32);
	CODE(w, 0x8b, 0x03);
	ds->limit = 0xffff;
	w->gpr[EMU_RBX] = 0xfffc;
	ok(world_step(w) == EMU_OK, "last dword below the limit");
	w->gpr[EMU_RBX] = 0xfffd;
	CODE(w, 0x8b, 0x03);
	ok(faults(w, VECTOR_GP, true), "dword across the limit is #GP");

	ds->ar = 0x4097;	/* expand-down, big */
	ok(faults(w, VECTOR_GP, true), "expand-down: first byte within the limit is #GP");
	CODE(w, 0x8a, 0x03);
	w->gpr[EMU_RBX] = 0xffff;
	ok(faults(w, VECTOR_GP, true), "expand-down: the byte at the limit is #GP");
	CODE(w, 0x8b, 0x03);
	w->gpr[EMU_RBX] = 0x10000;
	ok(world_step(w) == EMU_OK, "expand-down: above the limit");
	CODE(w, 0x8b, 0x03);
	ds->ar = 0x0097;
	ok(faults(w, VECTOR_GP, true), "expand-down, small: above 64 KiB is #GP");

	w->gpr[EMU_RBX] = 0x5000;
	*ds = (struct emu_segment) { .limit = 0xffffffff, .ar = 0x4091 };
	CODE(w, 0x8b, 0x03);
	ok(world_step(w) == EMU_OK, "read-only data can be read");
	CODE(w, 0x89, 0x03);
	ok(faults(w, VECTOR_GP, true), "write to read-only data is #GP");
	CODE(w, 0x83, 0x0b, 0x01);
	w->reads = 0;
	ok(faults(w, VECTOR_GP, true) && !w->reads, "read-modify-write of it is #GP");
	CODE(w, 0x2e, 0x89, 0x03);
	ok(faults(w, VECTOR_GP, true), "write to code is #GP");
	CODE(w, 0x2e, 0x8b, 0x03);
	w->e.seg[EMU_CS].ar = 0x4099;
	ok(faults(w, VECTOR_GP, true), "read of execute-only code is #GP");
	CODE(w, 0x36, 0x8b, 0x03);
	w->e.seg[EMU_SS].ar = 0x10000;
	ok(faults(w, VECTOR_SS, true), "unusable SS is #SS");

	world_mode(w, EMU_REAL);
	CODE(w, 0x8b, 0x07);
	w->gpr[EMU_RBX] = 0xffff;
	ok(faults(w, VECTOR_GP, false), "word at 0xffff in real mode is #GP without error code");
	w->e.mode = EMU_VM86;
	CODE(w, 0x36, 0x8b, 0x07);
	ok(faults(w, VECTOR_SS, true), "in VM86 mode it has one");
}

static void test_paging(struct world *w)
{
	world_mode(w, EMU_LONG64);
	w->page[6] = PAGE_ABSENT;
	w->page[7] = PAGE_READONLY;
	w->gpr[EMU_RBX] = 0x5ffe;
	CODE(w, 0x89, 0x03);
	ok(faults(w, 14, true) && w->e.exception.address == 0x6000 &&
	   w->e.exception.error_code == 2, "store into an absent second page writes nothing");
	w->gpr[EMU_RBX] = 0x7ffe;
	CODE(w, 0x83, 0x0b, 0x01);
	w->reads = 0;
	ok(faults(w, 14, true) && w->e.exception.error_code == 3 && !w->reads,
	   "read-modify-write faults as a write, before the read");
	CODE(w, 0xff, 0x33);
	w->gpr[EMU_RBX] = 0x5000;
	w->gpr[EMU_RSP] = 0x7008;
	ok(faults(w, 14, true), "PUSH onto a read-only stack");
	CODE(w, 0x66, 0x0f, 0x7f, 0x03);
	w->gpr[EMU_RBX] = 0x5008;
	ok(faults(w, VECTOR_GP, true), "MOVDQA to an odd address is #GP");
	w->ops.xmm_read = NULL;
	w->gpr[EMU_RBX] = 0x5000;
	ok(world_step(w) == EMU_UNHANDLED, "XMM without callbacks is unhandled");
	CODE(w, 0x0f, 0x01, 0x03);
	w->e.sysregs = NULL;
	ok(world_step(w) == EMU_UNHANDLED, "SGDT without registers is unhandled");
}

static void test_stack_size(struct world *w)
{
	world_mode(w, EMU_PROT16);
	CODE(w, 0xff, 0x37);
	w->gpr[EMU_RBX] = 0x5000;
	w->gpr[EMU_RSP] = 0x12340000;
	world_poke(w, 0x5000, 0xbeef, 2);
	ok(world_step(w) == EMU_OK && w->gpr[EMU_RSP] == 0x1234fffe &&
	   world_peek(w, 0xfffe, 2) == 0xbeef, "PUSH on a 16-bit stack wraps SP");
	CODE(w, 0x8f, 0x47, 0x08);
	ok(world_step(w) == EMU_OK && w->gpr[EMU_RSP] == 0x12340000 &&
	   world_peek(w, 0x5008, 2) == 0xbeef, "POP too");
	CODE(w, 0xff, 0x37);
	w->e.seg[EMU_SS].ar |= AR_BIG;
	w->e.seg[EMU_SS].limit = 0xffffffff;
	ok(world_step(w) == EMU_OK && w->gpr[EMU_RSP] == 0x1233fffe,
	   "PUSH from 16-bit code on a 32-bit stack uses ESP");
}

static void test_system(struct world *w)
{
	world_mode(w, EMU_LONG64);
	w->sysregs = (struct emu_sysregs) {
		.gdtr_base = 0x1122334455667788, .gdtr_limit = 0x99aa, .idtr_base = 0xfffefdfc,
		.idtr_limit = 0x7f, .ldtr = 0x28, .tr = 0x40, .cr0 = 0x80050033,
	};
	w->gpr[EMU_RBX] = 0x5000;
	CODE(w, 0x0f, 0x01, 0x03);
	ok(world_step(w) == EMU_OK && world_peek(w, 0x5000, 2) == 0x99aa &&
	   world_peek(w, 0x5002, 8) == 0x1122334455667788, "SGDT stores ten bytes");
	CODE(w, 0x0f, 0x00, 0x0b);
	ok(world_step(w) == EMU_OK && world_peek(w, 0x5000, 4) == 0x77880040,
	   "STR stores two bytes");
	CODE(w, 0x0f, 0x01, 0xe0);
	w->gpr[EMU_RAX] = ~0ull;
	ok(world_step(w) == EMU_OK && w->gpr[EMU_RAX] == 0x80050033, "SMSW to a register");
	world_mode(w, EMU_PROT16);
	CODE(w, 0x67, 0x0f, 0x01, 0x0b);
	ok(world_step(w) == EMU_OK && world_peek(w, 0x5000, 6) == 0x00fefdfc007f,
	   "SIDT with 16-bit operand size has a base of 24 bits");
}

void test_fault(void)
{
	struct world *w = world_new();

	test_lock(w);
	test_fetch(w);
	test_canonical(w);
	test_segments(w);
	test_stack_size(w);
	test_system(w);
	test_paging(w);
	world_free(w);
}
