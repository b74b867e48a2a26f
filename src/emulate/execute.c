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

static enum emu_result prepare_memory(struct emu *e, struct span *mem)
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

static void register_write(struct emu *e, unsigned int reg, u64 val)
{
	if (e->insn.opsize == 1)
		emu_byte_write(e, reg, val);
	else
		emu_gpr_write(e, reg, e->insn.opsize, val);
}

static enum emu_result load(struct emu *e, unsigned int form, const struct span *mem, u64 *val)
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

static enum emu_result store(struct emu *e, unsigned int form, const struct span *mem, u64 val)
{
	switch (form) {
	case F_ACC:
		emu_gpr_write(e, EMU_RAX, e->insn.opsize, val);
		return EMU_OK;
	case F_G:
		register_write(e, e->insn.reg, val);
		return EMU_OK;
	}
	if (e->insn.mem)
		return emu_span_write(e, mem, &val);
	register_write(e, e->insn.rm, val);
	return EMU_OK;
}

/* As store(), for a destination that was read as @old_val before. */
static enum emu_result modify(struct emu *e, const struct span *mem, u64 old_val, u64 new_val)
{
	bool locked = e->insn.lock || e->insn.kind == EMU_K_XCHG;

	if (e->insn.mem && locked)
		return emu_span_replace(e, mem, old_val, new_val);
	return store(e, e->insn.dst, mem, new_val);
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

	r = prepare_memory(e, &mem);
	if (r == EMU_OK)
		r = load(e, e->insn.src, &mem, &val);
	if (r == EMU_OK)
		r = store(e, e->insn.dst, &mem, move_value(&e->insn, val));
	if (r == EMU_OK)
		emu_finish(e);
	return r;
}

/* Prepare and read both operands. */
static enum emu_result load_both(struct emu *e, struct span *mem, u64 *a, u64 *b)
{
	enum emu_result r = prepare_memory(e, mem);

	if (r == EMU_OK)
		r = load(e, e->insn.dst, mem, a);
	if (r == EMU_OK)
		r = load(e, e->insn.src, mem, b);
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
		r = e->insn.dst == F_E ? modify(e, &mem, a, b) : store(e, e->insn.dst, &mem, b);
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
	register_write(e, e->insn.reg, a);
	if (!e->insn.mem)
		register_write(e, e->insn.rm, b);	/* last: it wins if both are the same */
	e->rflags = rflags;
	emu_finish(e);
	return EMU_OK;
}

/* The destination is written in any case, with its own value if the comparison fails. */
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

	r = prepare_memory(e, &mem);
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

static unsigned int stack_size(const struct emu *e)
{
	if (e->mode == EMU_LONG64)
		return 8;
	return e->seg[EMU_SS].ar & AR_BIG ? 4 : 2;
}

static enum emu_result prepare_stack(struct emu *e, struct span *stack, u64 sp, u8 access)
{
	const struct operand op = {
		.seg = EMU_SS,
		.len = e->insn.opsize,
		.access = access,
		.off = sp & size_mask(stack_size(e)),
	};

	return emu_span_prepare(e, stack, &op);
}

static enum emu_result execute_push(struct emu *e)
{
	u64 sp = e->gpr[EMU_RSP] - e->insn.opsize;
	struct span mem, stack;
	enum emu_result r;
	u64 val;

	r = prepare_memory(e, &mem);
	if (r == EMU_OK)
		r = prepare_stack(e, &stack, sp, EMU_ACCESS_WRITE);
	if (r == EMU_OK)
		r = load(e, e->insn.src, &mem, &val);
	if (r == EMU_OK)
		r = emu_span_write(e, &stack, &val);
	if (r == EMU_OK) {
		emu_gpr_write(e, EMU_RSP, stack_size(e), sp);
		emu_finish(e);
	}
	return r;
}

static enum emu_result execute_pop(struct emu *e)
{
	u64 sp = e->gpr[EMU_RSP];
	struct span mem, stack;
	enum emu_result r;
	u64 val = 0;

	r = prepare_stack(e, &stack, sp, EMU_ACCESS_READ);
	if (r == EMU_OK)
		r = prepare_memory(e, &mem);
	if (r == EMU_OK)
		r = emu_span_read(e, &stack, &val);
	if (r == EMU_OK && e->insn.mem)
		r = emu_span_write(e, &mem, &val);
	if (r != EMU_OK)
		return r;

	emu_gpr_write(e, EMU_RSP, stack_size(e), sp + e->insn.opsize);
	if (!e->insn.mem)
		register_write(e, e->insn.rm, val);	/* after RSP: POP RSP loads it */
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

	r = prepare_memory(e, &mem);
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

/* With a 16-bit operand size the base has 24 bits. */
static enum emu_result execute_table_store(struct emu *e)
{
	bool gdt = e->insn.kind == EMU_K_SGDT;
	u8 image[10];
	struct span mem;
	enum emu_result r;
	u16 limit;
	u64 base;

	if (!e->sysregs)
		return EMU_UNHANDLED;
	limit = gdt ? e->sysregs->gdtr_limit : e->sysregs->idtr_limit;
	base = gdt ? e->sysregs->gdtr_base : e->sysregs->idtr_base;
	if (e->mode != EMU_LONG64 && e->insn.opsize == 2)
		base &= 0xffffff;
	memcpy(image, &limit, sizeof(limit));
	memcpy(image + 2, &base, sizeof(base));

	r = prepare_memory(e, &mem);
	if (r == EMU_OK)
		r = emu_span_write(e, &mem, image);
	if (r == EMU_OK)
		emu_finish(e);
	return r;
}

/* SLDT, STR and SMSW store 16 bits to memory, and the operand size to a register. */
static enum emu_result execute_word_store(struct emu *e)
{
	const struct emu_sysregs *sys = e->sysregs;
	struct span mem;
	enum emu_result r;
	u64 val;

	if (!sys)
		return EMU_UNHANDLED;
	if (e->insn.kind == EMU_K_SMSW)
		val = sys->cr0;
	else
		val = e->insn.kind == EMU_K_SLDT ? sys->ldtr : sys->tr;

	r = prepare_memory(e, &mem);
	if (r == EMU_OK)
		r = store(e, e->insn.dst, &mem, val);
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
	[EMU_K_PUSH] = execute_push,
	[EMU_K_POP] = execute_pop,
	[EMU_K_STOS] = emu_execute_string,
	[EMU_K_MOVS] = emu_execute_string,
	[EMU_K_LODS] = emu_execute_string,
	[EMU_K_CMPS] = emu_execute_string,
	[EMU_K_SCAS] = emu_execute_string,
	[EMU_K_SGDT] = execute_table_store,
	[EMU_K_SIDT] = execute_table_store,
	[EMU_K_SLDT] = execute_word_store,
	[EMU_K_STR] = execute_word_store,
	[EMU_K_SMSW] = execute_word_store,
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
