// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic with its flags.  Values in and out are confined to the operand size.
 *
 * Flags that the manual leaves undefined: AF of logic operations becomes 0, and BT and its kin
 * change CF only.
 */
#include <linux/kernel.h>

#include <nvmx/emulate.h>

#include "decode.h"

static void set_flags(u64 *rflags, u64 mask, u64 val)
{
	*rflags = (*rflags & ~mask) | (val & mask);
}

static u64 sign_bit(unsigned int size)
{
	return 1ull << (size * 8 - 1);
}

/* SF, ZF and PF of a result. */
static u64 result_flags(unsigned int size, u64 r)
{
	u64 flags = 0;
	u8 parity = r;

	if (r & sign_bit(size))
		flags |= FLAG_SF;
	if (!r)
		flags |= FLAG_ZF;
	parity ^= parity >> 4;
	parity ^= parity >> 2;
	parity ^= parity >> 1;
	if (!(parity & 1))
		flags |= FLAG_PF;
	return flags;
}

/* @carries: for each bit, whether there was a carry (borrow) out of it; @overflow: by sign. */
static u64 carry_flags(unsigned int size, u64 carries, u64 overflow)
{
	u64 flags = 0;

	if (carries & sign_bit(size))
		flags |= FLAG_CF;
	if (carries & 0x8)
		flags |= FLAG_AF;
	if (overflow & sign_bit(size))
		flags |= FLAG_OF;
	return flags;
}

static u64 add_carry(unsigned int size, u64 a, u64 b, u64 *rflags, unsigned int carry)
{
	u64 r = (a + b + carry) & size_mask(size);
	u64 carries = (a & b) | ((a | b) & ~r);

	set_flags(rflags, FLAGS_ARITH,
		  result_flags(size, r) | carry_flags(size, carries, (a ^ r) & (b ^ r)));
	return r;
}

static u64 sub_borrow(unsigned int size, u64 a, u64 b, u64 *rflags, unsigned int borrow)
{
	u64 r = (a - b - borrow) & size_mask(size);
	u64 borrows = (~a & b) | ((~a | b) & r);

	set_flags(rflags, FLAGS_ARITH,
		  result_flags(size, r) | carry_flags(size, borrows, (a ^ b) & (a ^ r)));
	return r;
}

u64 emu_alu_add(unsigned int size, u64 a, u64 b, u64 *rflags)
{
	return add_carry(size, a, b, rflags, 0);
}

u64 emu_alu_sub(unsigned int size, u64 a, u64 b, u64 *rflags)
{
	return sub_borrow(size, a, b, rflags, 0);
}

static u64 logic(unsigned int size, u64 r, u64 *rflags)
{
	set_flags(rflags, FLAGS_ARITH, result_flags(size, r));
	return r;
}

static u64 keep_carry(u64 r, u64 *rflags, u64 before)
{
	set_flags(rflags, FLAG_CF, before);
	return r;
}

static u64 bit_test(enum emu_kind kind, u64 a, u64 bit, u64 *rflags)
{
	set_flags(rflags, FLAG_CF, a & bit ? FLAG_CF : 0);
	switch (kind) {
	case EMU_K_BTS:
		return a | bit;
	case EMU_K_BTR:
		return a & ~bit;
	case EMU_K_BTC:
		return a ^ bit;
	default:
		return a;
	}
}

/* The new value of the destination @a; for CMP and TEST the caller drops it. */
u64 emu_alu(const struct emu_insn *insn, u64 a, u64 b, u64 *rflags)
{
	unsigned int size = insn->opsize;
	u64 before = *rflags;

	switch (insn->kind) {
	case EMU_K_ADD:
		return emu_alu_add(size, a, b, rflags);
	case EMU_K_ADC:
		return add_carry(size, a, b, rflags, before & FLAG_CF);
	case EMU_K_SBB:
		return sub_borrow(size, a, b, rflags, before & FLAG_CF);
	case EMU_K_SUB:
	case EMU_K_CMP:
		return emu_alu_sub(size, a, b, rflags);
	case EMU_K_NEG:
		return emu_alu_sub(size, 0, a, rflags);
	case EMU_K_INC:
		return keep_carry(emu_alu_add(size, a, 1, rflags), rflags, before);
	case EMU_K_DEC:
		return keep_carry(emu_alu_sub(size, a, 1, rflags), rflags, before);
	case EMU_K_OR:
		return logic(size, a | b, rflags);
	case EMU_K_AND:
	case EMU_K_TEST:
		return logic(size, a & b, rflags);
	case EMU_K_XOR:
		return logic(size, a ^ b, rflags);
	case EMU_K_NOT:
		return ~a & size_mask(size);
	default:
		return bit_test(insn->kind, a, 1ull << (b & (size * 8 - 1)), rflags);
	}
}
