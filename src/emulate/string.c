// SPDX-License-Identifier: GPL-2.0-only
/*
 * String instructions on memory: STOS, MOVS, LODS, CMPS, SCAS.
 *
 * Each iteration is an instruction of its own for the log: it commits its registers and empties
 * the log, so that an interrupt, a fault or a wait for user space can come between two.  The
 * flags of CMPS and SCAS are written only when the whole instruction ends, because a fault must
 * leave those from before it.  SDM "REP/REPE/REPZ/REPNE/REPNZ" [sdm:rep]
 */
#include <linux/kernel.h>

#include <nvmx/emulate.h>

#include "decode.h"

/* Move RSI or RDI by one element. */
void emu_string_advance(struct emu *e, unsigned int reg)
{
	u64 step = e->insn.opsize;

	if (e->rflags & FLAG_DF)
		step = -step;
	emu_gpr_write(e, reg, e->insn.addrsize, e->gpr[reg] + step);
}

bool emu_rep_exhausted(const struct emu *e)
{
	return e->insn.rep && !emu_gpr_read(e, EMU_RCX, e->insn.addrsize);
}

/* Count one iteration; true if it was the last. */
bool emu_string_count_down(struct emu *e)
{
	if (!e->insn.rep)
		return true;
	emu_gpr_write(e, EMU_RCX, e->insn.addrsize, e->gpr[EMU_RCX] - 1);
	return emu_rep_exhausted(e);
}

static enum emu_result prepare(struct emu *e, struct span *s, unsigned int reg, u8 access)
{
	const struct operand op = {
		.seg = reg == EMU_RDI ? EMU_ES : e->insn.seg,
		.len = e->insn.opsize,
		.access = access,
		.off = emu_gpr_read(e, reg, e->insn.addrsize),
	};

	return emu_span_prepare(e, s, &op);
}

static enum emu_result stos(struct emu *e)
{
	struct span dst;
	enum emu_result r;

	r = prepare(e, &dst, EMU_RDI, EMU_ACCESS_WRITE);
	if (r == EMU_OK)
		r = emu_span_write(e, &dst, &e->gpr[EMU_RAX]);
	if (r == EMU_OK)
		emu_string_advance(e, EMU_RDI);
	return r;
}

static enum emu_result movs(struct emu *e)
{
	struct span src, dst;
	enum emu_result r;
	u64 val;

	r = prepare(e, &src, EMU_RSI, EMU_ACCESS_READ);
	if (r == EMU_OK)
		r = prepare(e, &dst, EMU_RDI, EMU_ACCESS_WRITE);
	if (r == EMU_OK)
		r = emu_span_read(e, &src, &val);
	if (r == EMU_OK)
		r = emu_span_write(e, &dst, &val);
	if (r != EMU_OK)
		return r;
	emu_string_advance(e, EMU_RSI);
	emu_string_advance(e, EMU_RDI);
	return EMU_OK;
}

static enum emu_result lods(struct emu *e)
{
	struct span src;
	enum emu_result r;
	u64 val = 0;

	r = prepare(e, &src, EMU_RSI, EMU_ACCESS_READ);
	if (r == EMU_OK)
		r = emu_span_read(e, &src, &val);
	if (r != EMU_OK)
		return r;
	emu_gpr_write(e, EMU_RAX, e->insn.opsize, val);
	emu_string_advance(e, EMU_RSI);
	return EMU_OK;
}

static enum emu_result scas(struct emu *e, u64 *rflags)
{
	struct span dst;
	enum emu_result r;
	u64 val = 0;

	r = prepare(e, &dst, EMU_RDI, EMU_ACCESS_READ);
	if (r == EMU_OK)
		r = emu_span_read(e, &dst, &val);
	if (r != EMU_OK)
		return r;
	emu_alu_sub(e->insn.opsize, emu_gpr_read(e, EMU_RAX, e->insn.opsize), val, rflags);
	emu_string_advance(e, EMU_RDI);
	return EMU_OK;
}

static enum emu_result cmps(struct emu *e, u64 *rflags)
{
	struct span src, dst;
	enum emu_result r;
	u64 a = 0, b = 0;

	r = prepare(e, &src, EMU_RSI, EMU_ACCESS_READ);
	if (r == EMU_OK)
		r = prepare(e, &dst, EMU_RDI, EMU_ACCESS_READ);
	if (r == EMU_OK)
		r = emu_span_read(e, &src, &a);
	if (r == EMU_OK)
		r = emu_span_read(e, &dst, &b);
	if (r != EMU_OK)
		return r;
	emu_alu_sub(e->insn.opsize, a, b, rflags);
	emu_string_advance(e, EMU_RSI);
	emu_string_advance(e, EMU_RDI);
	return EMU_OK;
}

static enum emu_result iterate(struct emu *e, u64 *rflags)
{
	e->log_pos = 0;
	switch (e->insn.kind) {
	case EMU_K_STOS:
		return stos(e);
	case EMU_K_MOVS:
		return movs(e);
	case EMU_K_LODS:
		return lods(e);
	case EMU_K_SCAS:
		return scas(e, rflags);
	default:
		return cmps(e, rflags);
	}
}

/* REPE stops at a difference, REPNE at equality. */
static bool condition_ends(const struct emu *e, u64 rflags)
{
	bool equal = rflags & FLAG_ZF;

	if (!e->insn.rep || (e->insn.kind != EMU_K_CMPS && e->insn.kind != EMU_K_SCAS))
		return false;
	return equal == (e->insn.prefix == 0xf2);
}

static u32 iteration_limit(const struct emu *e)
{
	if (e->rflags & FLAG_TF)
		return 1;
	return e->rep_limit ? e->rep_limit : EMU_REP_LIMIT;
}

enum emu_result emu_execute_string(struct emu *e)
{
	u32 left = iteration_limit(e);
	u64 rflags = e->rflags;
	enum emu_result r;
	bool last;

	if (emu_rep_exhausted(e)) {
		emu_finish(e);
		return EMU_OK;
	}
	while (left--) {
		r = iterate(e, &rflags);
		if (r != EMU_OK)
			return r;
		emu_log_reset(e->log);
		last = emu_string_count_down(e);
		if (last || condition_ends(e, rflags)) {
			e->rflags = rflags;
			emu_finish(e);
			return EMU_OK;
		}
	}
	return EMU_CONTINUE;
}
