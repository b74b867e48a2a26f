// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addressing forms and sizes, against vectors worked out by hand from the manual.
 */
#include <stdio.h>
#include <string.h>

#include "../../../src/emulate/opcodes.h"
#include "world.h"

struct vector {
	const char *name;
	enum emu_mode mode;
	u8 code[16];
	u8 len;
	enum emu_kind kind;
	u8 opsize, memsize;
	u8 seg;
	u64 ea;
	u64 imm;
};

/*
 * Register n holds 0x1000 * (n + 1), RSP included; R8 and up add 0x100000000.  DS, SS, ES, FS, GS
 * have bases 0x10000, 0x20000, 0x30000, 0x40000, 0x50000.
 */
#define W 0x1000ull
#define H 0x100000000ull

static const struct vector vectors[] = {
	{ "[bx+si]", EMU_REAL, { 0x8b, 0x00 }, 2, EMU_K_MOV, 2, 2, EMU_DS, 11 * W },
	{ "[bp+di+8]", EMU_REAL, { 0x8b, 0x43, 0x08 }, 3, EMU_K_MOV, 2, 2, EMU_SS, 14 * W + 8 },
	{ "[bp+si-1]", EMU_PROT16, { 0x8a, 0x42, 0xff }, 3, EMU_K_MOV, 1, 1, EMU_SS, 13 * W - 1 },
	{ "[bp]", EMU_REAL, { 0x8b, 0x46, 0x00 }, 3, EMU_K_MOV, 2, 2, EMU_SS, 6 * W },
	{ "[disp16]", EMU_REAL, { 0x8b, 0x06, 0x34, 0x12 }, 4, EMU_K_MOV, 2, 2, EMU_DS, 0x1234 },
	{ "[bx+disp16] wraps", EMU_VM86, { 0x8b, 0x87, 0x00, 0xf0 }, 4,
	  EMU_K_MOV, 2, 2, EMU_DS, 0x3000 },
	{ "16-bit, 66", EMU_REAL, { 0x66, 0x8b, 0x04 }, 3, EMU_K_MOV, 4, 4, EMU_DS, 7 * W },
	{ "16-bit, 67", EMU_REAL, { 0x67, 0x8b, 0x04, 0x24 }, 4, EMU_K_MOV, 2, 2, EMU_SS, 5 * W },
	{ "16-bit, es:[di]", EMU_REAL, { 0x26, 0x8b, 0x05 }, 3, EMU_K_MOV, 2, 2, EMU_ES, 8 * W },
	{ "16-bit moffs", EMU_REAL, { 0xa1, 0x22, 0x11 }, 3, EMU_K_MOV, 2, 2, EMU_DS, 0x1122 },
	{ "32-bit, 67 [bx+di]", EMU_PROT32, { 0x67, 0x8b, 0x01 }, 3,
	  EMU_K_MOV, 4, 4, EMU_DS, 12 * W },
	{ "[eax]", EMU_PROT32, { 0x89, 0x18 }, 2, EMU_K_MOV, 4, 4, EMU_DS, W },
	{ "[ebp+8]", EMU_PROT32, { 0x8b, 0x45, 0x08 }, 3, EMU_K_MOV, 4, 4, EMU_SS, 6 * W + 8 },
	{ "ds:[ebp+8]", EMU_PROT32, { 0x3e, 0x8b, 0x45, 0x08 }, 4,
	  EMU_K_MOV, 4, 4, EMU_DS, 6 * W + 8 },
	{ "[disp32]", EMU_PROT32, { 0x8b, 0x05, 0x00, 0x00, 0xe0, 0xfe }, 6,
	  EMU_K_MOV, 4, 4, EMU_DS, 0xfee00000 },
	{ "[esp+4]", EMU_PROT32, { 0x8b, 0x44, 0x24, 0x04 }, 4,
	  EMU_K_MOV, 4, 4, EMU_SS, 5 * W + 4 },
	{ "[eax+ebp*4]", EMU_PROT32, { 0x8b, 0x04, 0xa8 }, 3, EMU_K_MOV, 4, 4, EMU_DS, 25 * W },
	{ "[disp32+ebp*2]", EMU_PROT32, { 0x8b, 0x04, 0x6d, 0x10, 0, 0, 0 }, 7,
	  EMU_K_MOV, 4, 4, EMU_DS, 12 * W + 16 },
	{ "[ebp+ebp*2+1]", EMU_PROT32, { 0x8b, 0x44, 0x6d, 0x01 }, 4,
	  EMU_K_MOV, 4, 4, EMU_SS, 18 * W + 1 },
	{ "[eax-0x2000] wraps", EMU_PROT32, { 0x8b, 0x80, 0x00, 0xe0, 0xff, 0xff }, 6,
	  EMU_K_MOV, 4, 4, EMU_DS, 0xfffff000 },
	{ "32-bit moffs", EMU_PROT32, { 0xa3, 4, 3, 2, 1 }, 5,
	  EMU_K_MOV, 4, 4, EMU_DS, 0x01020304 },
	{ "32-bit inc is not REX", EMU_PROT32, { 0x66, 0x89, 0x18 }, 3,
	  EMU_K_MOV, 2, 2, EMU_DS, W },
	{ "[rax]", EMU_LONG64, { 0x8b, 0x00 }, 2, EMU_K_MOV, 4, 4, EMU_DS, W },
	{ "REX.W [r8]", EMU_LONG64, { 0x49, 0x8b, 0x00 }, 3, EMU_K_MOV, 8, 8, EMU_DS, H + 9 * W },
	{ "[r12]", EMU_LONG64, { 0x41, 0x8b, 0x04, 0x24 }, 4, EMU_K_MOV, 4, 4, EMU_DS, H + 13 * W },
	{ "[r13+0]", EMU_LONG64, { 0x41, 0x8b, 0x45, 0x00 }, 4,
	  EMU_K_MOV, 4, 4, EMU_DS, H + 14 * W },
	{ "[rax+r12*2]", EMU_LONG64, { 0x42, 0x8b, 0x04, 0x60 }, 4,
	  EMU_K_MOV, 4, 4, EMU_DS, 2 * H + 27 * W },
	{ "[r13+r13] SIB", EMU_LONG64, { 0x43, 0x8b, 0x44, 0x2d, 0x00 }, 5,
	  EMU_K_MOV, 4, 4, EMU_DS, 2 * H + 28 * W },
	{ "[rip+0x10]", EMU_LONG64, { 0x8b, 0x05, 0x10, 0, 0, 0 }, 6,
	  EMU_K_MOV, 4, 4, EMU_DS, WORLD_RIP + 0x16 },
	{ "[rip+0x10], imm32", EMU_LONG64, { 0xc7, 0x05, 0x10, 0, 0, 0, 1, 2, 3, 4 }, 10,
	  EMU_K_MOV, 4, 4, EMU_DS, WORLD_RIP + 0x1a, 0x04030201 },
	{ "[rip-0x2000], 67", EMU_LONG64, { 0x67, 0x8b, 0x05, 0, 0xe0, 0xff, 0xff }, 7,
	  EMU_K_MOV, 4, 4, EMU_DS, 0xfffff007 },
	{ "[disp32] by SIB", EMU_LONG64, { 0x8b, 0x04, 0x25, 0, 0, 0, 0x80 }, 7,
	  EMU_K_MOV, 4, 4, EMU_DS, 0xffffffff80000000 },
	{ "REX.B, SIB without base", EMU_LONG64, { 0x41, 0x8b, 0x04, 0x25, 0x10, 0, 0, 0 }, 8,
	  EMU_K_MOV, 4, 4, EMU_DS, 0x10 },
	{ "67 [r8d]", EMU_LONG64, { 0x67, 0x41, 0x8b, 0x00 }, 4, EMU_K_MOV, 4, 4, EMU_DS, 9 * W },
	{ "gs:[rax]", EMU_LONG64, { 0x65, 0x8b, 0x00 }, 3, EMU_K_MOV, 4, 4, EMU_GS, W },
	{ "es: is ignored", EMU_LONG64, { 0x26, 0x8b, 0x45, 0x00 }, 4,
	  EMU_K_MOV, 4, 4, EMU_SS, 6 * W },
	{ "fs: then ds:", EMU_LONG64, { 0x64, 0x3e, 0x8b, 0x00 }, 4, EMU_K_MOV, 4, 4, EMU_FS, W },
	{ "REX before 66 is void", EMU_LONG64, { 0x48, 0x66, 0x8b, 0x00 }, 4,
	  EMU_K_MOV, 2, 2, EMU_DS, W },
	{ "66 and REX.W", EMU_LONG64, { 0x66, 0x48, 0x8b, 0x00 }, 4, EMU_K_MOV, 8, 8, EMU_DS, W },
	{ "64-bit moffs", EMU_LONG64, { 0xa0, 1, 2, 3, 4, 5, 6, 7, 0 }, 9,
	  EMU_K_MOV, 1, 1, EMU_DS, 0x0007060504030201 },
	{ "67 moffs", EMU_LONG64, { 0x67, 0xa1, 1, 2, 3, 4 }, 6,
	  EMU_K_MOV, 4, 4, EMU_DS, 0x04030201 },
	{ "movzx r64, m8", EMU_LONG64, { 0x48, 0x0f, 0xb6, 0x03 }, 4,
	  EMU_K_MOVZX, 8, 1, EMU_DS, 4 * W },
	{ "movsx r32, m16", EMU_PROT32, { 0x0f, 0xbf, 0x03 }, 3, EMU_K_MOVSX, 4, 2, EMU_DS, 4 * W },
	{ "movsxd r64, m32", EMU_LONG64, { 0x48, 0x63, 0x03 }, 3,
	  EMU_K_MOVSX, 8, 4, EMU_DS, 4 * W },
	{ "or m32, imm8", EMU_PROT32, { 0x83, 0x0b, 0xff }, 3,
	  EMU_K_OR, 4, 4, EMU_DS, 4 * W, ~0ull },
	{ "and m16, imm16", EMU_PROT32, { 0x66, 0x81, 0x23, 0xfe, 0xff }, 5,
	  EMU_K_AND, 2, 2, EMU_DS, 4 * W, ~1ull },
	{ "mov m64, imm32", EMU_LONG64, { 0x48, 0xc7, 0x03, 0, 0, 0, 0x80 }, 7,
	  EMU_K_MOV, 8, 8, EMU_DS, 4 * W, 0xffffffff80000000 },
	{ "test m8, imm8", EMU_LONG64, { 0xf6, 0x03, 0x80 }, 3,
	  EMU_K_TEST, 1, 1, EMU_DS, 4 * W, 0xffffffffffffff80 },
	{ "push m64", EMU_LONG64, { 0xff, 0x33 }, 2, EMU_K_PUSH, 8, 8, EMU_DS, 4 * W },
	{ "push m16", EMU_LONG64, { 0x66, 0xff, 0x33 }, 3, EMU_K_PUSH, 2, 2, EMU_DS, 4 * W },
	{ "pop [rsp] after increment", EMU_LONG64, { 0x8f, 0x04, 0x24 }, 3,
	  EMU_K_POP, 8, 8, EMU_SS, 5 * W + 8 },
	{ "movdqa", EMU_LONG64, { 0x66, 0x44, 0x0f, 0x6f, 0x03 }, 5,
	  EMU_K_XMM, 16, 16, EMU_DS, 4 * W },
	{ "movq store", EMU_PROT32, { 0x66, 0x0f, 0xd6, 0x03 }, 4, EMU_K_XMM, 8, 8, EMU_DS, 4 * W },
	{ "movbe", EMU_PROT32, { 0x0f, 0x38, 0xf0, 0x03 }, 4, EMU_K_MOVBE, 4, 4, EMU_DS, 4 * W },
	{ "bt m32, r32", EMU_LONG64, { 0x0f, 0xa3, 0x03 }, 3,
	  EMU_K_BT, 4, 4, EMU_DS, 4 * W + W / 8 },
	{ "sgdt, 64 bits", EMU_LONG64, { 0x0f, 0x01, 0x03 }, 3, EMU_K_SGDT, 4, 10, EMU_DS, 4 * W },
	{ "str", EMU_PROT32, { 0x0f, 0x00, 0x0b }, 3, EMU_K_STR, 4, 2, EMU_DS, 4 * W },
	{ "cmpxchg8b", EMU_PROT32, { 0x0f, 0xc7, 0x0b }, 3, EMU_K_CMPXCHG8B, 4, 8, EMU_DS, 4 * W },
};

static void set_registers(struct world *w)
{
	static const u64 base[EMU_NR_SEGS] = {
		[EMU_DS] = 0x10000, [EMU_SS] = 0x20000, [EMU_ES] = 0x30000,
		[EMU_FS] = 0x40000, [EMU_GS] = 0x50000,
	};
	unsigned int i;

	for (i = 0; i < EMU_NR_REGS; i++)
		w->gpr[i] = W * (i + 1) + (i >= 8 ? H : 0);
	for (i = 0; i < EMU_NR_SEGS; i++)
		w->e.seg[i].base = base[i];
}

static u64 expected_lin(const struct world *w, const struct vector *v)
{
	if (v->mode == EMU_LONG64)
		return v->ea + (v->seg >= EMU_FS ? w->e.seg[v->seg].base : 0);
	return (u32)(v->ea + w->e.seg[v->seg].base);
}

static bool check_vector(struct world *w, const struct vector *v)
{
	const struct emu_insn *insn = &w->e.insn;
	enum emu_result r;

	world_mode(w, v->mode);
	set_registers(w);
	world_code(w, v->code, v->len);
	r = emu_decode(&w->e);
	if (r == EMU_OK && insn->kind == v->kind && insn->len == v->len && insn->mem &&
	    insn->opsize == v->opsize && insn->memsize == v->memsize && insn->seg == v->seg &&
	    insn->ea == v->ea && insn->imm == v->imm && insn->lin == expected_lin(w, v))
		return true;
	printf("# result %d kind %d len %d opsize %d memsize %d seg %d ea %llx lin %llx imm %llx\n",
	       r, insn->kind, insn->len, insn->opsize, insn->memsize, insn->seg, insn->ea,
	       insn->lin, insn->imm);
	return false;
}

static void test_table_order(void)
{
	bool sorted = true;
	unsigned int i;

	for (i = 1; i < ARRAY_SIZE(opcodes); i++) {
		const struct opcode *a = &opcodes[i - 1], *b = &opcodes[i];
		bool modrm_a = a->dst >= F_G || a->src >= F_G;
		bool modrm_b = b->dst >= F_G || b->src >= F_G;

		if (a->code > b->code || (a->code == b->code && modrm_a != modrm_b))
			sorted = false;
	}
	ok(sorted, "opcode table is sorted and consistent in ModRM");
}

void test_decode(void)
{
	struct world *w = world_new();
	unsigned int i;

	test_table_order();
	for (i = 0; i < ARRAY_SIZE(vectors); i++)
		ok(check_vector(w, &vectors[i]), "decode %s", vectors[i].name);
	world_free(w);
}
