// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turn instruction bytes into struct emu_insn.
 *
 * In: struct emu.  Out: e->insn, with the effective address computed.  Nothing of the guest is
 * changed.  Bytes are taken one at a time through emu_next_byte(), which keeps the first failure
 * in d->result and delivers zeros from then on, so that the parsers need no error paths; each
 * of them consumes at most EMU_INSN_MAX bytes.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <nvmx/emulate.h>

#include "decode.h"
#include "opcodes.h"

/* ES, CS, SS and DS prefixes have no effect in 64-bit mode. */
static void override_segment(struct decoder *d, u8 seg)
{
	if (!emu_is_long(d->e) || seg >= EMU_FS)
		d->override = seg;
}

static bool legacy_prefix(struct decoder *d, u8 byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
		override_segment(d, (byte >> 3) & 3);
		return true;
	case 0x64:
	case 0x65:
		override_segment(d, EMU_FS + (byte & 1));
		return true;
	case 0x66:
		d->opsize_prefix = true;
		return true;
	case 0x67:
		d->addrsize_prefix = true;
		return true;
	case 0xf0:
		d->e->insn.lock = true;
		return true;
	case 0xf2:
	case 0xf3:
		d->repeat = byte;
		return true;
	}
	return false;
}

/* Consume the prefixes; return the byte after them.  REX counts only if it is the last. */
static u8 parse_prefixes(struct decoder *d)
{
	u8 byte;

	while (d->result == EMU_OK) {
		byte = emu_next_byte(d);
		if (legacy_prefix(d, byte))
			d->e->insn.rex = 0;
		else if (emu_is_long(d->e) && (byte & 0xf0) == 0x40)
			d->e->insn.rex = byte;
		else
			return byte;
	}
	return 0;
}

static u16 parse_opcode(struct decoder *d)
{
	u8 byte = parse_prefixes(d);

	if (byte != 0x0f)
		return byte;
	byte = emu_next_byte(d);
	if (byte != 0x38)
		return 0x0f00 | byte;
	return 0x3800 | emu_next_byte(d);
}

/* The first row of @code, or NULL. */
static const struct opcode *first_row(u16 code)
{
	size_t low = 0, high = ARRAY_SIZE(opcodes);

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (opcodes[mid].code < code)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < ARRAY_SIZE(opcodes) && opcodes[low].code == code)
		return &opcodes[low];
	return NULL;
}

static bool row_matches(const struct decoder *d, const struct opcode *row)
{
	const struct emu_insn *insn = &d->e->insn;

	if (row->ext != EXT_ANY && row->ext != ((insn->modrm >> 3) & 7))
		return false;
	if (row->pfx != PFX_ANY && row->pfx != insn->prefix)
		return false;
	if ((row->flags & ROW_ONLY64) && !emu_is_long(d->e))
		return false;
	return !(row->flags & ROW_NOREXW) || !(insn->rex & REX_W);
}

static bool has_modrm(const struct opcode *row)
{
	return row->dst >= F_G || row->src >= F_G;
}

/* Find the row of the instruction; reads ModRM, which is part of some opcodes. */
static void find_row(struct decoder *d)
{
	struct emu_insn *insn = &d->e->insn;
	const struct opcode *end = opcodes + ARRAY_SIZE(opcodes);
	const struct opcode *row = first_row(insn->opcode);

	if (row && has_modrm(row))
		insn->modrm = emu_next_byte(d);

	for (; row && row < end && row->code == insn->opcode; row++) {
		if (row_matches(d, row)) {
			d->row = row;
			return;
		}
	}
	if (d->result == EMU_OK)
		d->result = EMU_UNHANDLED;
}

static unsigned int operand_size(const struct decoder *d)
{
	const struct emu *e = d->e;
	bool wide = e->mode == EMU_PROT32 || emu_is_long(e);

	if (d->row->flags & ROW_BYTE)
		return 1;
	if (e->insn.rex & REX_W)
		return 8;
	if ((d->row->flags & ROW_D64) && emu_is_long(e))
		return d->opsize_prefix ? 2 : 8;
	return wide != d->opsize_prefix ? 4 : 2;
}

static unsigned int address_size(const struct decoder *d)
{
	if (emu_is_long(d->e))
		return d->addrsize_prefix ? 4 : 8;
	return (d->e->mode == EMU_PROT32) != d->addrsize_prefix ? 4 : 2;
}

static void apply_row(struct decoder *d)
{
	struct emu_insn *insn = &d->e->insn;
	const struct opcode *row = d->row;

	insn->kind = row->kind;
	insn->dst = row->dst;
	insn->src = row->src;
	insn->flags = row->flags;
	insn->opsize = operand_size(d);
	insn->addrsize = address_size(d);
	insn->reg = ((insn->modrm >> 3) & 7) | (insn->rex & REX_R ? 8 : 0);
	insn->rm = (insn->modrm & 7) | (insn->rex & REX_B ? 8 : 0);
}

static void parse_address(struct decoder *d)
{
	struct emu_insn *insn = &d->e->insn;

	insn->seg = EMU_DS;
	if (d->row->dst == F_MOFFS || d->row->src == F_MOFFS) {
		insn->mem = true;
		insn->ea = emu_next_bytes(d, insn->addrsize);
	} else if (has_modrm(d->row) && insn->modrm < 0xc0) {
		insn->mem = true;
		insn->ea = emu_modrm_address(d);
	}
	if (d->override != NO_OVERRIDE)
		insn->seg = d->override;
}

static void parse_immediate(struct decoder *d)
{
	struct emu_insn *insn = &d->e->insn;

	if (insn->src == F_IMM8)
		insn->imm = emu_next_signed(d, 1);
	else if (insn->src == F_IMM)
		insn->imm = emu_next_signed(d, min_t(u8, insn->opsize, 4));
}

static u8 form_size(const struct emu *e, unsigned int form)
{
	switch (form) {
	case F_M2:
		return 2;
	case F_M4:
		return 4;
	case F_M8:
		return 8;
	case F_M16:
		return 16;
	case F_MY:
		return e->insn.rex & REX_W ? 8 : 4;
	case F_MTABLE:
		return emu_is_long(e) ? 10 : 6;
	}
	return e->insn.opsize;
}

static u8 destination_access(enum emu_kind kind)
{
	switch (kind) {
	case EMU_K_MOV:
	case EMU_K_MOVBE:
	case EMU_K_XMM:
	case EMU_K_POP:
	case EMU_K_SGDT:
	case EMU_K_SIDT:
	case EMU_K_SLDT:
	case EMU_K_STR:
	case EMU_K_SMSW:
		return EMU_ACCESS_WRITE;
	case EMU_K_CMP:
	case EMU_K_TEST:
	case EMU_K_BT:
		return EMU_ACCESS_READ;
	default:
		return EMU_ACCESS_READ | EMU_ACCESS_WRITE;
	}
}

static bool is_memory_form(unsigned int form)
{
	return form == F_MOFFS || form >= F_E;
}

static void classify_memory(struct emu *e)
{
	struct emu_insn *insn = &e->insn;
	bool to_mem = is_memory_form(insn->dst);

	insn->srcsize = insn->opsize;
	if (insn->flags & ROW_SRC8)
		insn->srcsize = 1;
	else if (insn->flags & ROW_SRC16)
		insn->srcsize = 2;
	else if (insn->flags & ROW_ONLY64)	/* MOVSXD */
		insn->srcsize = min_t(u8, insn->opsize, 4);

	if (!insn->mem)
		return;
	insn->memsize = to_mem ? form_size(e, insn->dst) : form_size(e, insn->src);
	if (insn->srcsize != insn->opsize)
		insn->memsize = insn->srcsize;
	if (insn->kind >= EMU_K_SLDT)
		insn->memsize = 2;
	if (insn->kind == EMU_K_XMM)
		insn->opsize = insn->memsize;
	insn->access = to_mem ? destination_access(insn->kind) : EMU_ACCESS_READ;
}

static void classify_string(struct decoder *d)
{
	static const u8 access[] = {
		[EMU_K_STOS] = EMU_ACCESS_WRITE,
		[EMU_K_MOVS] = EMU_ACCESS_WRITE,
		[EMU_K_SCAS] = EMU_ACCESS_READ,
		[EMU_K_CMPS] = EMU_ACCESS_READ,
		[EMU_K_INS] = EMU_ACCESS_WRITE,
		[EMU_K_LODS] = EMU_ACCESS_READ,
		[EMU_K_OUTS] = EMU_ACCESS_READ,
	};
	struct emu *e = d->e;
	struct emu_insn *insn = &e->insn;
	bool source = insn->kind == EMU_K_LODS || insn->kind == EMU_K_OUTS;

	if (insn->kind == EMU_K_INS || insn->kind == EMU_K_OUTS)
		insn->opsize = min_t(u8, insn->opsize, 4);
	insn->rep = d->repeat;
	insn->mem = true;
	insn->memsize = insn->opsize;
	insn->access = access[insn->kind];
	insn->ea = emu_gpr_read(e, source ? EMU_RSI : EMU_RDI, insn->addrsize);
	insn->lin = emu_linear(e, source ? insn->seg : EMU_ES, insn->ea);
}

/* Reject what the row does not allow. */
static enum emu_result check_form(struct emu *e)
{
	const struct emu_insn *insn = &e->insn;

	if (insn->lock && (!(insn->flags & ROW_LOCK) || !insn->mem))
		return emu_raise(e, VECTOR_UD);
	if (!insn->mem && (insn->dst >= F_M || insn->src >= F_M))
		return EMU_UNHANDLED;
	return EMU_OK;
}

/* An instruction that waits for user space keeps its bytes; a log of another one is stale. */
static void take_bytes_from_log(struct emu *e)
{
	struct emu_log *log = e->log;

	if (!log->nr || log->rip != emu_linear(e, EMU_CS, e->rip)) {
		emu_log_reset(log);
		return;
	}
	e->nr_bytes = min_t(u8, log->insn_len, EMU_INSN_MAX);
	memcpy(e->bytes, log->insn, e->nr_bytes);
}

static void parse_operands(struct decoder *d)
{
	apply_row(d);
	parse_address(d);
	parse_immediate(d);
	if (d->row->dst == F_STRING) {
		classify_string(d);
	} else {
		emu_complete_address(d);
		classify_memory(d->e);
	}
}

enum emu_result emu_decode(struct emu *e)
{
	struct decoder d = { .e = e, .result = EMU_OK, .override = NO_OVERRIDE };

	memset(&e->insn, 0, sizeof(e->insn));
	memset(&e->exception, 0, sizeof(e->exception));
	e->nr_bytes = 0;
	e->log_pos = 0;
	take_bytes_from_log(e);

	e->insn.opcode = parse_opcode(&d);
	e->insn.prefix = d.repeat;
	if (!d.repeat && d.opsize_prefix)
		e->insn.prefix = 0x66;
	find_row(&d);
	if (d.result == EMU_OK)
		parse_operands(&d);
	if (d.result == EMU_OK)
		d.result = check_form(e);
	if (d.result != EMU_OK)
		e->insn.kind = EMU_K_NONE;
	return d.result;
}
