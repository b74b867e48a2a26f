// SPDX-License-Identifier: GPL-2.0-only
/*
 * Effective addresses: ModRM, SIB, displacement, and what some instructions add to them.
 */
#include <linux/kernel.h>

#include <nvmx/emulate.h>

#include "decode.h"

static u64 base_register(struct decoder *d, unsigned int reg)
{
	if (reg == EMU_RSP || reg == EMU_RBP)
		d->e->insn.seg = EMU_SS;
	d->sp_based = reg == EMU_RSP;
	return d->e->gpr[reg];
}

static u64 address16(struct decoder *d)
{
	static const u8 base[8] = {
		EMU_RBX, EMU_RBX, EMU_RBP, EMU_RBP, EMU_RSI, EMU_RDI, EMU_RBP, EMU_RBX,
	};
	struct emu_insn *insn = &d->e->insn;
	unsigned int mod = insn->modrm >> 6, rm = insn->modrm & 7;
	u64 ea;

	if (mod == 0 && rm == 6)
		return emu_next_bytes(d, 2);

	ea = base_register(d, base[rm]);
	if (rm < 4)
		ea += d->e->gpr[rm & 1 ? EMU_RDI : EMU_RSI];
	if (mod)
		ea += emu_next_signed(d, mod);
	return ea;
}

static u64 scaled_index(struct decoder *d)
{
	struct emu_insn *insn = &d->e->insn;
	unsigned int mod = insn->modrm >> 6;
	u8 sib = emu_next_byte(d);
	unsigned int base = sib & 7;
	unsigned int index = ((sib >> 3) & 7) | (insn->rex & REX_X ? 8 : 0);
	u64 ea;

	if (base == EMU_RBP && mod == 0)
		ea = emu_next_signed(d, 4);
	else
		ea = base_register(d, base | (insn->rex & REX_B ? 8 : 0));
	if (index != EMU_RSP)
		ea += d->e->gpr[index] << (sib >> 6);
	return ea;
}

static u64 address32(struct decoder *d)
{
	struct emu_insn *insn = &d->e->insn;
	unsigned int mod = insn->modrm >> 6, rm = insn->modrm & 7;
	u64 ea;

	if (mod == 0 && rm == EMU_RBP) {
		d->rip_relative = emu_is_long(d->e);
		return emu_next_signed(d, 4);
	}
	ea = rm == EMU_RSP ? scaled_index(d) : base_register(d, insn->rm);
	if (mod)
		ea += emu_next_signed(d, mod == 1 ? 1 : 4);
	return ea;
}

u64 emu_modrm_address(struct decoder *d)
{
	return d->e->insn.addrsize == 2 ? address16(d) : address32(d);
}

/* BT and its kin with a register select a word of a bit string around the address. */
static u64 bit_string_offset(const struct emu *e)
{
	const struct emu_insn *insn = &e->insn;
	s64 bit = (s64)sign_extend(e->gpr[insn->reg], insn->opsize);

	if (insn->kind < EMU_K_BT || insn->kind > EMU_K_BTC || insn->src != F_G)
		return 0;
	return (u64)(bit >> (insn->opsize == 8 ? 6 : insn->opsize == 4 ? 5 : 4)) * insn->opsize;
}

/* What the address needs from the rest of the instruction. */
void emu_complete_address(struct decoder *d)
{
	struct emu *e = d->e;
	struct emu_insn *insn = &e->insn;

	if (!insn->mem)
		return;
	if (d->rip_relative)
		insn->ea += e->rip + insn->len;
	if (insn->kind == EMU_K_POP && d->sp_based)
		insn->ea += insn->opsize;	/* POP computes the address after the increment */
	insn->ea += bit_string_offset(e);
	insn->ea &= size_mask(insn->addrsize);
	insn->lin = emu_linear(e, insn->seg, insn->ea);
}
