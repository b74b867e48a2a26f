// SPDX-License-Identifier: GPL-2.0-only
/*
 * Execute a decoded instruction.
 *
 * All handlers have one shape, which makes them repeatable: prepare the memory operand (all
 * faults), read, compute, write memory, and only then change registers, flags and RIP.  A
 * result other than EMU_OK from any step leaves the registers alone.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/swab.h>

#include <nvmx/emulate.h>

#include "decode.h"

enum emu_result emu_prepare_memory(struct emu *e, struct span *mem)
{
	const struct emu_insn *insn = &e->insn;
	const struct operand op = {
		.seg = insn->seg,
		.len = insn->memsize,
		.access = insn->access,
		.off = insn->ea,
	};

	if (!insn->mem)
		return EMU_OK;
	if ((insn->flags & ROW_ALIGN) && (insn->lin & (insn->memsize - 1)))
		return emu_raise(e, VECTOR_GP);
	return emu_span_prepare(e, mem, &op);
}

static u64 register_read(const struct emu *e, unsigned int reg, unsigned int size)
{
	return size == 1 ? emu_byte_read(e, reg) : emu_gpr_read(e, reg, size);
}

void emu_register_write(struct emu *e, unsigned int reg, u64 val)
{
	if (e->insn.opsize == 1)
		emu_byte_write(e, reg, val);
	else
		emu_gpr_write(e, reg, e->insn.opsize, val);
}

enum emu_result emu_load(struct emu *e, unsigned int form, const struct span *mem, u64 *val)
{
	const struct emu_insn *insn = &e->insn;

	*val = 0;
	switch (form) {
	case F_NONE:
		break;
	case F_ACC:
		*val = emu_gpr_read(e, EMU_RAX, insn->opsize);
		break;
	case F_IMM8:
	case F_IMM:
		*val = insn->imm & size_mask(insn->opsize);
		break;
	case F_G:
		*val = register_read(e, insn->reg, insn->opsize);
		break;
	default:
		if (insn->mem)
			return emu_span_read(e, mem, val);
		*val = register_read(e, insn->rm, insn->srcsize);
	}
	return EMU_OK;
}

enum emu_result emu_store(struct emu *e, unsigned int form, const struct span *mem, u64 val)
{
	switch (form) {
	case F_ACC:
		emu_gpr_write(e, EMU_RAX, e->insn.opsize, val);
		return EMU_OK;
	case F_G:
		emu_register_write(e, e->insn.reg, val);
		return EMU_OK;
	}
	if (e->insn.mem)
		return emu_span_write(e, mem, &val);
	emu_register_write(e, e->insn.rm, val);
	return EMU_OK;
}

/* As emu_store(), for a destination that was read as @old_val before. */
static enum emu_result modify(struct emu *e, const struct span *mem, u64 old_val, u64 new_val)
{
	bool locked = e->insn.lock || e->insn.kind == EMU_K_XCHG;

	if (e->insn.mem && locked)
		return emu_span_replace(e, mem, old_val, new_val);
	return emu_store(e, e->insn.dst, mem, new_val);
}

static u64 move_value(const struct emu_insn *insn, u64 val)
{
	switch (insn->kind) {
	case EMU_K_MOVSX:
		return sign_extend(val, insn->srcsize);
	case EMU_K_MOVBE:
		return __swab64(val) >> (64 - insn->opsize * 8);
	default:
		return val;
	}
}

static enum emu_result execute_move(struct emu *e)
{
	struct span mem;
	enum emu_result r;
	u64 val;

	r = emu_prepare_memory(e, &mem);
	if (r == EMU_OK)
		r = emu_load(e, e->insn.src, &mem, &val);
	if (r == EMU_OK)
		r = emu_store(e, e->insn.dst, &mem, move_value(&e->insn, val));
	if (r == EMU_OK)
		emu_finish(e);
	return r;
}

/* Prepare and read both operands. */
static enum emu_result load_both(struct emu *e, struct span *mem, u64 *a, u64 *b)
{
	enum emu_result r = emu_prepare_memory(e, mem);

	if (r == EMU_OK)
		r = emu_load(e, e->insn.dst, mem, a);
	if (r == EMU_OK)
		r = emu_load(e, e->insn.src, mem, b);
	return r;
}

static bool discards_result(enum emu_kind kind)
{
	return kind == EMU_K_CMP || kind == EMU_K_TEST || kind == EMU_K_BT;
}

static enum emu_result execute_alu(struct emu *e)
{
	u64 rflags = e->rflags;
	struct span mem;
	enum emu_result r;
	u64 a, b;

	r = load_both(e, &mem, &a, &b);
	if (r != EMU_OK)
		return r;

	b = emu_alu(&e->insn, a, b, &rflags);
	if (!discards_result(e->insn.kind))
		r = e->insn.dst == F_E ? modify(e, &mem, a, b) : emu_store(e, e->insn.dst, &mem, b);
	if (r == EMU_OK) {
		e->rflags = rflags;
		emu_finish(e);
	}
	return r;
}

/* XCHG and XADD: the register receives the old destination. */
static enum emu_result execute_exchange(struct emu *e)
{
	u64 rflags = e->rflags;
	struct span mem;
	enum emu_result r;
	u64 a, b;

	r = load_both(e, &mem, &a, &b);
	if (r != EMU_OK)
		return r;

	if (e->insn.kind == EMU_K_XADD)
		b = emu_alu_add(e->insn.opsize, a, b, &rflags);
	if (e->insn.mem)
		r = modify(e, &mem, a, b);
	if (r != EMU_OK)
		return r;
	emu_register_write(e, e->insn.reg, a);
	if (!e->insn.mem)
		emu_register_write(e, e->insn.rm, b);	/* last: it wins if both are the same */
	e->rflags = rflags;
	emu_finish(e);
	return EMU_OK;
}

/* Memory is written in any case, with its own value if the comparison fails; a register is not. */
static enum emu_result execute_cmpxchg(struct emu *e)
{
	u64 acc = emu_gpr_read(e, EMU_RAX, e->insn.opsize);
	u64 rflags = e->rflags;
	struct span mem;
	enum emu_result r;
	u64 a, b;

	r = load_both(e, &mem, &a, &b);
	if (r != EMU_OK)
		return r;

	emu_alu_sub(e->insn.opsize, acc, a, &rflags);
	if (e->insn.mem || acc == a)
		r = modify(e, &mem, a, acc == a ? b : a);
	if (r != EMU_OK)
		return r;
	if (acc != a)
		emu_gpr_write(e, EMU_RAX, e->insn.opsize, a);
	e->rflags = rflags;
	emu_finish(e);
	return EMU_OK;
}

static u64 register_pair(const struct emu *e, unsigned int high, unsigned int low)
{
	return emu_gpr_read(e, high, 4) << 32 | emu_gpr_read(e, low, 4);
}

static enum emu_result execute_cmpxchg8b(struct emu *e)
{
	u64 expected = register_pair(e, EMU_RDX, EMU_RAX);
	u64 desired = register_pair(e, EMU_RCX, EMU_RBX);
	struct span mem;
	enum emu_result r;
	u64 old_val;

	r = emu_prepare_memory(e, &mem);
	if (r == EMU_OK)
		r = emu_span_read(e, &mem, &old_val);
	if (r == EMU_OK)
		r = modify(e, &mem, old_val, old_val == expected ? desired : old_val);
	if (r != EMU_OK)
		return r;

	if (old_val == expected) {
		e->rflags |= FLAG_ZF;
	} else {
		e->rflags &= ~(u64)FLAG_ZF;
		emu_gpr_write(e, EMU_RDX, 4, old_val >> 32);
		emu_gpr_write(e, EMU_RAX, 4, old_val);
	}
	emu_finish(e);
	return EMU_OK;
}

static enum emu_result execute_xmm(struct emu *e)
{
	bool is_load = e->insn.dst == F_V;
	u8 val[16] = {};
	struct span mem;
	enum emu_result r;

	if (!e->ops->xmm_read || !e->ops->xmm_write)
		return EMU_UNHANDLED;

	r = emu_prepare_memory(e, &mem);
	if (r == EMU_OK)
		r = is_load ? emu_span_read(e, &mem, val) :
			      emu_mem_result(e->ops->xmm_read(e, e->insn.reg, val));
	if (r == EMU_OK)
		r = is_load ? emu_mem_result(e->ops->xmm_write(e, e->insn.reg, val)) :
			      emu_span_write(e, &mem, val);
	if (r == EMU_OK)
		emu_finish(e);
	return r;
}

static enum emu_result (*const handlers[])(struct emu *e) = {
	[EMU_K_MOV] = execute_move,
	[EMU_K_MOVZX] = execute_move,
	[EMU_K_MOVSX] = execute_move,
	[EMU_K_MOVBE] = execute_move,
	[EMU_K_XMM] = execute_xmm,
	[EMU_K_ADD] = execute_alu,
	[EMU_K_OR] = execute_alu,
	[EMU_K_ADC] = execute_alu,
	[EMU_K_SBB] = execute_alu,
	[EMU_K_AND] = execute_alu,
	[EMU_K_SUB] = execute_alu,
	[EMU_K_XOR] = execute_alu,
	[EMU_K_CMP] = execute_alu,
	[EMU_K_TEST] = execute_alu,
	[EMU_K_NOT] = execute_alu,
	[EMU_K_NEG] = execute_alu,
	[EMU_K_INC] = execute_alu,
	[EMU_K_DEC] = execute_alu,
	[EMU_K_XCHG] = execute_exchange,
	[EMU_K_XADD] = execute_exchange,
	[EMU_K_CMPXCHG] = execute_cmpxchg,
	[EMU_K_CMPXCHG8B] = execute_cmpxchg8b,
	[EMU_K_BT] = execute_alu,
	[EMU_K_BTS] = execute_alu,
	[EMU_K_BTR] = execute_alu,
	[EMU_K_BTC] = execute_alu,
	[EMU_K_PUSH] = emu_execute_push,
	[EMU_K_POP] = emu_execute_pop,
	[EMU_K_STOS] = emu_execute_string,
	[EMU_K_MOVS] = emu_execute_string,
	[EMU_K_LODS] = emu_execute_string,
	[EMU_K_CMPS] = emu_execute_string,
	[EMU_K_SCAS] = emu_execute_string,
	[EMU_K_SGDT] = emu_execute_table_store,
	[EMU_K_SIDT] = emu_execute_table_store,
	[EMU_K_SLDT] = emu_execute_word_store,
	[EMU_K_STR] = emu_execute_word_store,
	[EMU_K_SMSW] = emu_execute_word_store,
};

enum emu_result emu_execute(struct emu *e)
{
	enum emu_result r = EMU_UNHANDLED;

	e->log_pos = 0;
	if (e->insn.kind < ARRAY_SIZE(handlers) && handlers[e->insn.kind])
		r = handlers[e->insn.kind](e);
	if (r != EMU_USER)
		emu_log_reset(e->log);
	return r;
}
