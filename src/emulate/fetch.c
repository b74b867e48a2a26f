// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instruction's bytes, from CS:RIP or from the log.
 *
 * emu_next_byte() keeps the first failure in d->result and delivers zeros from then on, so that
 * the parsers need no error paths; together they consume at most EMU_INSN_MAX bytes.
 */
#include <linux/kernel.h>

#include <nvmx/emulate.h>

#include "decode.h"

/* How many bytes from the current position CS allows to fetch, at most @want; 0 is a fault. */
static unsigned int fetchable(const struct emu *e, unsigned int want)
{
	u64 off = e->rip + e->nr_bytes;
	u64 left;

	if (emu_is_long(e))
		return emu_is_canonical(e, off) ? want : 0;

	off &= 0xffffffff;
	if (off > e->seg[EMU_CS].limit)
		return 0;
	left = e->seg[EMU_CS].limit - off + 1;
	return left < want ? left : want;
}

/* Append what is left of the page, as far as an instruction can be long; #GP beyond that. */
static enum emu_result refill(struct emu *e)
{
	u64 lin = emu_linear(e, EMU_CS, e->rip + e->nr_bytes);
	unsigned int len = EMU_PAGE_SIZE - (lin & (EMU_PAGE_SIZE - 1));
	enum emu_result r;

	len = fetchable(e, min_t(unsigned int, len, EMU_INSN_MAX - e->nr_bytes));
	if (!len)
		return emu_raise(e, VECTOR_GP);

	r = emu_mem_result(e->ops->fetch(e, lin, e->bytes + e->nr_bytes, len));
	if (r == EMU_OK)
		e->nr_bytes += len;
	else if (r != EMU_FAULT)
		r = EMU_UNHANDLED;
	return r;
}

u8 emu_next_byte(struct decoder *d)
{
	struct emu *e = d->e;

	if (d->result == EMU_OK && e->insn.len == e->nr_bytes)
		d->result = refill(e);
	if (d->result != EMU_OK)
		return 0;
	return e->bytes[e->insn.len++];
}

u64 emu_next_bytes(struct decoder *d, unsigned int len)
{
	u64 val = 0;
	unsigned int i;

	for (i = 0; i < len; i++)
		val |= (u64)emu_next_byte(d) << (i * 8);
	return val;
}

u64 emu_next_signed(struct decoder *d, unsigned int len)
{
	return sign_extend(emu_next_bytes(d, len), len);
}
