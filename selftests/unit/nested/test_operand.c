// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory operand: which bytes the instruction information names, and who may touch them.
 */
#include <string.h>
#include "test.h"

static struct vmx_result locate(u32 info, u64 disp, bool write, u64 *gla)
{
	m->v.exit = (struct exit_info){ .insn_info = info, .qual = disp };
	return nested_operand_addr(&m->v, 8, write, gla);
}

static void expect_at(u32 info, u64 disp, u64 address, const char *what)
{
	u64 gla;
	struct vmx_result r = locate(info, disp, false, &gla);

	ok(r.kind == VMX_DONE && gla == address, "%s: 0x%llx", what, (unsigned long long)gla);
}

#define INFO(addr_size, seg, flags)	((addr_size) << 7 | (seg) << 15 | (flags))
#define PLAIN				(IINFO_NO_INDEX | IINFO_NO_BASE)
#define BASE(r)				((u32)(r) << 23)
#define INDEX(r)			((u32)(r) << 18)

/* Worked out by hand in the XMHF notes: disp(%rbp), through SS, address size 32 and 64. */
static void vectors(void)
{
	m->v.gpr[GPR_RBP] = 0x1234567800001000;
	m->v.gpr[GPR_R8] = 0x4000;
	expect_at(0x62e148ac, -8ull, 0xff8, "0x62e148ac");
	m->v.gpr[GPR_RBP] = 0x7000;
	expect_at(0x62e1492c, -8ull, 0x6ff8, "0x62e1492c");
	expect_at(0x62e1492c & ~IINFO_NO_INDEX, 0, 0xb000, "the same with its index");
	ok(IINFO_REG2(0x62e1492c) == GPR_RSI && IINFO_SEG(0x62e1492c) == SEG_SS,
	   "register, segment");
}

static void forms_64(void)
{
	u64 gla;

	m->v.gpr[GPR_RAX] = 0x100;
	m->v.gpr[GPR_R15] = 0x20;
	expect_at(INFO(2, SEG_DS, PLAIN), 0x1000, 0x1000, "displacement");
	expect_at(INFO(2, SEG_DS, BASE(GPR_RAX) | IINFO_NO_INDEX), 8, 0x108, "base");
	expect_at(INFO(2, SEG_DS, IINFO_NO_BASE | INDEX(GPR_R15) | 3), 8, 0x108, "index * 8");
	expect_at(INFO(2, SEG_DS, BASE(GPR_RAX) | INDEX(GPR_R15) | 1), -4ull, 0x13c, "all");
	m->seg[SEG_DS].base = 0x5000;
	m->seg[SEG_SS].base = 0x5000;
	m->seg[SEG_FS].base = 0x6000;
	m->seg[SEG_GS].base = 0xffff880000000000;
	expect_at(INFO(2, SEG_DS, PLAIN), 0x10, 0x10, "DS has no base in 64-bit mode");
	expect_at(INFO(2, SEG_FS, PLAIN), 0x10, 0x6010, "FS has");
	expect_at(INFO(2, SEG_GS, PLAIN), 0x10, 0xffff880000000010, "GS has");
	m->v.gpr[GPR_RAX] = 0xffffffffffffff00;
	expect_at(INFO(1, SEG_DS, BASE(GPR_RAX) | IINFO_NO_INDEX), 0x104, 4, "32 bits wrap");
	expect_at(INFO(1, SEG_FS, BASE(GPR_RAX) | IINFO_NO_INDEX), 0, 0x100005f00,
		  "the sum of base and offset does not");
	expect_gp(locate(INFO(2, SEG_DS, PLAIN), 0x800000000000, false, &gla), "non-canonical");
	expect_ss(locate(INFO(2, SEG_SS, PLAIN), 0x800000000000, false, &gla), "non-canonical SS");
	expect_gp(locate(INFO(2, SEG_DS, PLAIN), 0x7ffffffffffc, false, &gla), "its end is");
	expect_at(INFO(2, SEG_DS, PLAIN), 0x7ffffffffff8, 0x7ffffffffff8, "the last good one");
	m->v.cr4 |= X86_CR4_LA57;
	expect_at(INFO(2, SEG_DS, PLAIN), 0xfffffffffffff8, 0xfffffffffffff8, "57 bits");
	expect_gp(locate(INFO(2, SEG_DS, PLAIN), BIT_ULL(56), false, &gla), "bit 56 of 57");
	m->v.cr4 &= ~X86_CR4_LA57;
	expect_ud(locate(INFO(2, 7, PLAIN), 0, false, &gla), "no such segment");
	m->seg[SEG_DS].ar = SEGAR_UNUSABLE;
	expect_at(INFO(2, SEG_DS, PLAIN), 0x10, 0x10, "a null DS is fine in 64-bit mode");
}

static struct vmx_result protected(u32 ar, u32 limit, u64 offset, bool write)
{
	u64 gla;

	m->seg[SEG_ES] = (struct nvmx_segment){ .base = 0x1000, .ar = ar, .limit = limit };
	return locate(INFO(1, SEG_ES, PLAIN), offset, write, &gla);
}

static void forms_32(void)
{
	u64 gla;

	m->v.efer = 0;
	m->seg[SEG_CS].ar = 0xc09b;
	m->seg[SEG_ES] = (struct nvmx_segment){ .base = 0xfffff000, .ar = 0xc093, .limit = ~0u };
	expect_at(INFO(1, SEG_ES, PLAIN), 0x2000, 0x1000, "base plus offset wraps at 4 GiB");
	m->v.gpr[GPR_RBX] = 0xfff0;
	m->v.gpr[GPR_RSI] = 0x20;
	m->seg[SEG_ES].base = 0;
	expect_at(INFO(0, SEG_ES, BASE(GPR_RBX) | INDEX(GPR_RSI)), 0, 0x10, "16 bits wrap");
	expect_done(protected(0xc093, 0xff, 0xf8, true), "up to the limit");
	expect_gp(protected(0xc093, 0xff, 0xf9, false), "over the limit");
	expect_gp(protected(0xc093, ~0u, 0xfffffffc, false), "over 4 GiB");
	expect_gp(protected(SEGAR_UNUSABLE, ~0u, 0, false), "null selector");
	expect_gp(protected(0xc091, ~0u, 0, true), "write to read-only data");
	expect_done(protected(0xc091, ~0u, 0, false), "read of read-only data");
	expect_gp(protected(0xc09b, ~0u, 0, true), "write to code");
	expect_done(protected(0xc09b, ~0u, 0, false), "read of readable code");
	expect_gp(protected(0xc099, ~0u, 0, false), "read of execute-only code");
	expect_gp(protected(0xc097, 0xfff, 0xff8, false), "expand-down: inside the limit");
	expect_done(protected(0xc097, 0xfff, 0x1000, true), "expand-down: above the limit");
	expect_done(protected(0xc097, 0xfff, 0xfffffff8, true), "expand-down: the last bytes");
	expect_gp(protected(0x8097, 0xfff, 0xfffc, true), "expand-down, 16 bits: over 64 KiB");
	m->seg[SEG_SS] = (struct nvmx_segment){ .ar = 0x4093, .limit = 0xff };
	expect_ss(locate(INFO(1, SEG_SS, PLAIN), 0x100, false, &gla), "SS: #SS");
}

void test_operand(void)
{
	model_new();
	vectors();
	forms_64();
	forms_32();
	model_end();
}
