// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers, segmentation, and memory operands.
 *
 * A memory operand becomes a struct span: checked against its segment, and translated page by
 * page, before any of its bytes is touched.  emu_span_read() and emu_span_write() then cut it into
 * the pieces that log.c carries out.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <nvmx/emulate.h>

#include "decode.h"

/* Error codes are 0 throughout: no selector is loaded here.  Real mode has none. */
enum emu_result emu_raise(struct emu *e, u8 vector)
{
	memset(&e->exception, 0, sizeof(e->exception));
	e->exception.vector = vector;
	e->exception.has_error = vector != VECTOR_UD && e->mode != EMU_REAL;
	return EMU_FAULT;
}

enum emu_result emu_mem_result(enum emu_mem r)
{
	switch (r) {
	case EMU_MEM_OK:
		return EMU_OK;
	case EMU_MEM_FAULT:
		return EMU_FAULT;
	case EMU_MEM_USER:
		return EMU_USER;
	case EMU_MEM_RETRY:
		return EMU_CONTINUE;
	case EMU_MEM_FAIL:
		break;
	}
	return EMU_UNHANDLED;
}

u64 emu_gpr_read(const struct emu *e, unsigned int reg, unsigned int size)
{
	return e->gpr[reg] & size_mask(size);
}

/* 32-bit results clear the upper half, smaller ones leave the rest alone. */
void emu_gpr_write(struct emu *e, unsigned int reg, unsigned int size, u64 val)
{
	u64 mask = size_mask(size);

	if (size >= 4)
		e->gpr[reg] = val & mask;
	else
		e->gpr[reg] = (e->gpr[reg] & ~mask) | (val & mask);
}

/* Without REX, numbers 4 to 7 are AH, CH, DH and BH. */
static bool is_high_byte(const struct emu *e, unsigned int reg)
{
	return !e->insn.rex && reg >= 4 && reg < 8;
}

u64 emu_byte_read(const struct emu *e, unsigned int reg)
{
	if (is_high_byte(e, reg))
		return (e->gpr[reg - 4] >> 8) & 0xff;
	return e->gpr[reg] & 0xff;
}

void emu_byte_write(struct emu *e, unsigned int reg, u64 val)
{
	if (is_high_byte(e, reg))
		e->gpr[reg - 4] = (e->gpr[reg - 4] & ~0xff00ull) | ((val & 0xff) << 8);
	else
		emu_gpr_write(e, reg, 1, val);
}

/* Linear addresses are 32 bits wide outside 64-bit mode. */
static u64 linear_wrap(const struct emu *e, u64 lin)
{
	return e->mode == EMU_LONG64 ? lin : lin & 0xffffffff;
}

u64 emu_linear(const struct emu *e, unsigned int seg, u64 off)
{
	if (e->mode == EMU_LONG64 && seg < EMU_FS)
		return off;
	return linear_wrap(e, e->seg[seg].base + off);
}

bool emu_is_canonical(const struct emu *e, u64 lin)
{
	unsigned int shift = 64 - (e->linear_bits ? e->linear_bits : 48);

	return (u64)((s64)(lin << shift) >> shift) == lin;
}

/* May @access be made through the segment at all? */
static bool type_allows(const struct emu_segment *seg, unsigned int access)
{
	if ((seg->ar & AR_UNUSABLE) || !(seg->ar & AR_PRESENT))
		return false;
	if (access & EMU_ACCESS_WRITE)
		return (seg->ar & AR_ACCESSIBLE) && !(seg->ar & AR_CODE);
	return (seg->ar & AR_ACCESSIBLE) || !(seg->ar & AR_CODE);
}

static bool limit_allows(const struct emu *e, const struct emu_segment *seg, u64 first, u64 last)
{
	bool protected_mode = e->mode == EMU_PROT16 || e->mode == EMU_PROT32;
	u32 type = seg->ar & (AR_CODE | AR_EXPAND_DOWN);

	if (protected_mode && type == AR_EXPAND_DOWN)
		return first > seg->limit && last <= (seg->ar & AR_BIG ? 0xffffffff : 0xffff);
	return last <= seg->limit;
}

/* Check @bytes from op->off on: #SS through the stack segment, else #GP. */
enum emu_result emu_segment_check(struct emu *e, const struct operand *op, u32 bytes)
{
	const struct emu_segment *seg = &e->seg[op->seg];
	u64 lin = emu_linear(e, op->seg, op->off);
	bool ok;

	if (e->mode == EMU_LONG64)
		ok = emu_is_canonical(e, lin) && emu_is_canonical(e, lin + bytes - 1);
	else
		ok = limit_allows(e, seg, op->off, op->off + bytes - 1);
	if (e->mode == EMU_PROT16 || e->mode == EMU_PROT32)
		ok = ok && type_allows(seg, op->access);
	if (ok)
		return EMU_OK;
	return emu_raise(e, op->seg == EMU_SS ? VECTOR_SS : VECTOR_GP);
}

enum emu_result emu_span_prepare(struct emu *e, struct span *s, const struct operand *op)
{
	u64 lin = emu_linear(e, op->seg, op->off);
	unsigned int to_page_end = EMU_PAGE_SIZE - (lin & (EMU_PAGE_SIZE - 1));
	enum emu_result r;

	r = emu_segment_check(e, op, op->len);
	if (r != EMU_OK)
		return r;

	s->lin = lin;
	s->len = op->len;
	s->first = min_t(unsigned int, op->len, to_page_end);
	r = emu_mem_result(e->ops->translate(e, lin, op->access, &s->gpa[0]));
	if (r != EMU_OK || s->first == s->len)
		return r;
	lin = linear_wrap(e, lin + s->first);
	return emu_mem_result(e->ops->translate(e, lin, op->access, &s->gpa[1]));
}

/* Describe the piece of @s that begins at its byte @pos. */
static void cut_piece(const struct emu *e, const struct span *s, unsigned int pos,
		      struct emu_piece *p)
{
	bool second = pos >= s->first;
	unsigned int end = second ? s->len : s->first;

	p->lin = linear_wrap(e, s->lin + pos);
	p->gpa = second ? s->gpa[1] + pos - s->first : s->gpa[0] + pos;
	p->len = min_t(unsigned int, end - pos, EMU_PIECE_MAX);
}

enum emu_result emu_span_read(struct emu *e, const struct span *s, void *buf)
{
	unsigned int pos = 0;

	while (pos < s->len) {
		struct emu_piece p = { .write = false };
		enum emu_result r;

		cut_piece(e, s, pos, &p);
		r = emu_piece_read(e, &p);
		if (r != EMU_OK)
			return r;
		memcpy((u8 *)buf + pos, p.data, p.len);
		pos += p.len;
	}
	return EMU_OK;
}

enum emu_result emu_span_write(struct emu *e, const struct span *s, const void *buf)
{
	unsigned int pos = 0;

	while (pos < s->len) {
		struct emu_piece p = { .write = true };
		enum emu_result r;

		cut_piece(e, s, pos, &p);
		memcpy(p.data, (const u8 *)buf + pos, p.len);
		r = emu_piece_write(e, &p, NULL);
		if (r != EMU_OK)
			return r;
		pos += p.len;
	}
	return EMU_OK;
}

/* The write of a LOCKed instruction.  Across a page boundary it is not atomic. */
enum emu_result emu_span_replace(struct emu *e, const struct span *s, u64 old_val, u64 new_val)
{
	struct emu_piece p = { .write = true };

	if (s->first != s->len || s->len > EMU_PIECE_MAX)
		return emu_span_write(e, s, &new_val);

	cut_piece(e, s, 0, &p);
	memcpy(p.data, &new_val, p.len);
	return emu_piece_write(e, &p, &old_val);
}

/* Retire the instruction. */
void emu_finish(struct emu *e)
{
	e->rip = linear_wrap(e, e->rip + e->insn.len);
	e->rflags &= ~(u64)FLAG_RF;
}
