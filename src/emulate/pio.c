// SPDX-License-Identifier: GPL-2.0-only
/*
 * String port I/O: INS and OUTS, in batches, because one KVM_EXIT_IO carries up to a page.
 *
 * A batch stays within one page of guest memory and within the segment, so that one check and
 * one translation cover it.  An element that itself crosses a page is a batch of one.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <nvmx/emulate.h>

#include "decode.h"

static unsigned int memory_register(const struct emu *e)
{
	return e->insn.kind == EMU_K_INS ? EMU_RDI : EMU_RSI;
}

static struct operand memory_operand(const struct emu *e)
{
	const struct emu_insn *insn = &e->insn;
	bool in = insn->kind == EMU_K_INS;
	struct operand op = {
		.seg = in ? EMU_ES : insn->seg,
		.len = insn->opsize,
		.access = in ? EMU_ACCESS_WRITE : EMU_ACCESS_READ,
		.off = emu_gpr_read(e, memory_register(e), insn->addrsize),
	};

	return op;
}

void emu_pio_set(struct emu *e, const struct emu_pio_desc *desc)
{
	struct emu_insn *insn = &e->insn;
	struct operand op;

	memset(insn, 0, sizeof(*insn));
	memset(&e->exception, 0, sizeof(e->exception));
	e->nr_bytes = 0;
	if (e->log->rip != emu_linear(e, EMU_CS, e->rip))
		emu_log_reset(e->log);

	insn->kind = desc->in ? EMU_K_INS : EMU_K_OUTS;
	insn->len = desc->len;
	insn->opsize = desc->size;
	insn->memsize = desc->size;
	insn->addrsize = desc->addrsize;
	insn->mem = true;
	insn->rep = desc->rep;
	insn->seg = desc->seg < EMU_NR_SEGS ? desc->seg : EMU_DS;
	insn->dst = F_STRING;

	op = memory_operand(e);
	insn->access = op.access;
	insn->ea = op.off;
	insn->lin = emu_linear(e, op.seg, op.off);
}

static bool is_pio(const struct emu *e)
{
	return e->insn.kind == EMU_K_INS || e->insn.kind == EMU_K_OUTS;
}

/* Elements from @op on that lie in its page and do not wrap the address size; at least 1. */
static u64 elements_in_page(const struct emu *e, const struct operand *op)
{
	unsigned int in_page = emu_linear(e, op->seg, op->off) & (EMU_PAGE_SIZE - 1);
	u64 wrap, page;

	if (in_page + op->len > EMU_PAGE_SIZE)
		return 1;
	if (e->rflags & FLAG_DF) {
		wrap = op->off / op->len;
		page = in_page / op->len;
	} else {
		wrap = (size_mask(e->insn.addrsize) - op->off) / op->len;
		page = (EMU_PAGE_SIZE - in_page) / op->len - 1;
	}
	return min_t(u64, wrap, page) + 1;
}

/* The lowest byte of @count elements from @op on. */
static struct operand batch_operand(const struct emu *e, const struct operand *op, u32 count)
{
	struct operand batch = *op;

	if (e->rflags & FLAG_DF)
		batch.off -= (u64)(count - 1) * op->len;
	return batch;
}

/* The number of elements; segment limits reduce it to 1 rather than being met exactly. */
static u32 plan(struct emu *e, const struct operand *op, u32 max)
{
	u64 n = e->insn.rep ? emu_gpr_read(e, EMU_RCX, e->insn.addrsize) : 1;
	struct operand batch;

	n = min_t(u64, n, elements_in_page(e, op));
	n = min_t(u64, n, max / op->len);
	if (!n || (e->rflags & FLAG_TF))
		n = 1;

	batch = batch_operand(e, op, n);
	if (n > 1 && emu_segment_check(e, &batch, n * op->len) != EMU_OK)
		n = 1;
	return n;
}

static u64 element_gpa(const struct emu *e, const struct span *s, u32 index)
{
	u64 distance = (u64)index * s->len;

	return e->rflags & FLAG_DF ? s->gpa[0] - distance : s->gpa[0] + distance;
}

/*
 * Collect the elements of OUTS.  The first goes through the log and may wait for user space;
 * the others end the batch where they cannot be had at once.
 */
static enum emu_result gather(struct emu *e, const struct span *first, struct emu_pio *pio,
			      u8 *data)
{
	enum emu_result r;
	u32 i;

	e->log_pos = 0;
	r = emu_span_read(e, first, data);
	if (r != EMU_OK)
		return r;
	for (i = 1; i < pio->count; i++) {
		u64 gpa = element_gpa(e, first, i);

		if (e->ops->read(e, gpa, data + i * pio->size, pio->size) != EMU_MEM_OK)
			break;
	}
	pio->count = i;
	return EMU_OK;
}

static enum emu_result begin(struct emu *e, struct emu_pio *pio, void *data, u32 max)
{
	const struct operand op = memory_operand(e);
	struct span first;
	enum emu_result r;

	r = emu_span_prepare(e, &first, &op);
	if (r != EMU_OK)
		return r;
	pio->count = plan(e, &op, max);
	if (!pio->in)
		r = gather(e, &first, pio, data);
	return r == EMU_OK ? EMU_PIO : r;
}

enum emu_result emu_pio_begin(struct emu *e, struct emu_pio *pio, void *data, u32 max)
{
	enum emu_result r;

	if (!is_pio(e) || max < EMU_PIECE_MAX)
		return EMU_UNHANDLED;
	if (emu_rep_exhausted(e)) {
		emu_finish(e);
		emu_log_reset(e->log);
		return EMU_OK;
	}
	pio->in = e->insn.kind == EMU_K_INS;
	pio->size = e->insn.opsize;
	pio->port = e->gpr[EMU_RDX];
	pio->count = 0;
	pio->done = 0;

	r = begin(e, pio, data, max);
	if (r != EMU_USER)
		emu_log_reset(e->log);
	return r;
}

/* Store one element of INS; a fault leaves the registers at the element. */
static enum emu_result scatter(struct emu *e, const u8 *data)
{
	const struct operand op = memory_operand(e);
	struct span dst;
	enum emu_result r;

	e->log_pos = 0;
	r = emu_span_prepare(e, &dst, &op);
	if (r == EMU_OK)
		r = emu_span_write(e, &dst, data);
	if (r != EMU_USER)
		emu_log_reset(e->log);
	return r;
}

static bool same_instruction(const struct emu *e, const struct emu_pio *pio)
{
	enum emu_kind kind = pio->in ? EMU_K_INS : EMU_K_OUTS;

	return e->insn.kind == kind && e->insn.opsize == pio->size;
}

enum emu_result emu_pio_end(struct emu *e, struct emu_pio *pio, const void *data)
{
	const u8 *element = data;
	enum emu_result r;
	bool last = false;

	if (!same_instruction(e, pio))
		return EMU_UNHANDLED;

	/* User space may have changed RCX: never run past its end. */
	if (emu_rep_exhausted(e))
		last = true;
	while (!last && pio->done < pio->count) {
		r = pio->in ? scatter(e, element + pio->done * pio->size) : EMU_OK;
		if (r != EMU_OK)
			return r;
		pio->done++;
		emu_string_advance(e, memory_register(e));
		last = emu_string_count_down(e);
	}
	if (!last)
		return EMU_CONTINUE;
	emu_finish(e);
	return EMU_OK;
}
