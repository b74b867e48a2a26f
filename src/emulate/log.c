// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log of accesses that makes execution repeatable; the protocol is in nvmx/emulate.h.
 *
 * e->log_pos is the position of this run in the log: behind it everything has been taken from
 * the log or was just appended.  Memory is logged like a device: a second run must compute from
 * the values of the first, whatever other vCPUs have stored since.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <nvmx/emulate.h>

#include "decode.h"

const struct emu_piece *emu_log_pending(const struct emu_log *log)
{
	if (!log->nr || !log->piece[log->nr - 1].pending)
		return NULL;
	return &log->piece[log->nr - 1];
}

void emu_log_answer(struct emu_log *log, const void *data)
{
	struct emu_piece *p;

	if (!emu_log_pending(log))
		return;
	p = &log->piece[log->nr - 1];
	if (!p->write)
		memcpy(p->data, data, p->len);
	p->pending = false;
}

void emu_log_reset(struct emu_log *log)
{
	log->nr = 0;
}

static bool same_access(const struct emu_piece *a, const struct emu_piece *b)
{
	return a->lin == b->lin && a->len == b->len && a->write == b->write;
}

/* Take the next piece of the log for @p.  A log that does not fit is dropped: start afresh. */
static enum emu_result replay(struct emu *e, struct emu_piece *p)
{
	const struct emu_piece *old = &e->log->piece[e->log_pos];

	if (!same_access(old, p)) {
		emu_log_reset(e->log);
		return EMU_CONTINUE;
	}
	if (old->pending)
		return EMU_USER;
	memcpy(p->data, old->data, p->len);
	e->log_pos++;
	return EMU_OK;
}

static enum emu_result append(struct emu *e, struct emu_piece *p, enum emu_result r)
{
	struct emu_log *log = e->log;

	if (r != EMU_OK && r != EMU_USER)
		return r;
	if (!log->nr) {
		log->rip = emu_linear(e, EMU_CS, e->rip);
		log->insn_len = e->nr_bytes;
		memcpy(log->insn, e->bytes, e->nr_bytes);
	}
	p->pending = r == EMU_USER;
	log->piece[log->nr++] = *p;
	e->log_pos = log->nr;
	return r;
}

enum emu_result emu_piece_read(struct emu *e, struct emu_piece *p)
{
	if (e->log_pos < e->log->nr)
		return replay(e, p);
	if (e->log->nr >= EMU_LOG_MAX)
		return EMU_UNHANDLED;
	return append(e, p, emu_mem_result(e->ops->read(e, p->gpa, p->data, p->len)));
}

/* @expected: what memory must still hold, for a LOCKed instruction, else NULL. */
enum emu_result emu_piece_write(struct emu *e, struct emu_piece *p, const u64 *expected)
{
	enum emu_mem r;

	if (e->log_pos < e->log->nr)
		return replay(e, p);
	if (e->log->nr >= EMU_LOG_MAX)
		return EMU_UNHANDLED;
	if (expected && e->ops->cmpxchg)
		r = e->ops->cmpxchg(e, p->gpa, expected, p->data, p->len);
	else
		r = e->ops->write(e, p->gpa, p->data, p->len);
	return append(e, p, emu_mem_result(r));
}
