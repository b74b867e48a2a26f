// SPDX-License-Identifier: GPL-2.0-only
/*
 * The callbacks of the test guest.
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

static u64 random_state;

void random_seed(u64 seed)
{
	random_state = seed;
}

u64 random64(void)
{
	u64 z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static struct world *world_of(struct emu *e)
{
	return e->ctx;
}

static enum emu_mem page_fault(struct emu *e, u64 lin, u32 code)
{
	e->exception = (struct emu_exception) {
		.vector = 14, .has_error = true, .error_code = code, .address = lin,
	};
	return EMU_MEM_FAULT;
}

static enum emu_mem fetch(struct emu *e, u64 lin, u8 *buf, unsigned int len)
{
	struct world *w = world_of(e);
	u64 off = lin - (e->mode == EMU_LONG64 ? 0 : e->seg[EMU_CS].base) - w->e.rip;
	unsigned int i;

	w->fetches++;
	if ((lin & 4095) + len > 4096 || !len)
		return EMU_MEM_FAIL;
	if (w->page[(lin & (WORLD_MEM - 1)) / 4096] == PAGE_ABSENT)
		return page_fault(e, lin, 0x10);
	for (i = 0; i < len; i++)
		buf[i] = off + i < w->code_len ? w->code[off + i] : 0x90;
	return EMU_MEM_OK;
}

static enum emu_mem translate(struct emu *e, u64 lin, unsigned int access, u64 *gpa)
{
	struct world *w = world_of(e);
	bool write = access & EMU_ACCESS_WRITE;
	u8 kind;

	w->translates++;
	*gpa = lin & (WORLD_MEM - 1);
	kind = w->page[*gpa / 4096];
	if (kind == PAGE_ABSENT)
		return page_fault(e, lin, write ? 2 : 0);
	if (kind == PAGE_READONLY && write)
		return page_fault(e, lin, 3);
	return EMU_MEM_OK;
}

static bool piece_ok(u64 gpa, unsigned int len)
{
	return len && len <= 8 && gpa < WORLD_MEM && (gpa & 4095) + len <= 4096;
}

static enum emu_mem read_piece(struct emu *e, u64 gpa, void *buf, unsigned int len)
{
	struct world *w = world_of(e);

	w->reads++;
	if (!piece_ok(gpa, len))
		abort();
	if (w->page[gpa / 4096] == PAGE_DEVICE)
		return EMU_MEM_USER;
	memcpy(buf, w->mem + gpa, len);
	return EMU_MEM_OK;
}

static enum emu_mem write_piece(struct emu *e, u64 gpa, const void *buf, unsigned int len)
{
	struct world *w = world_of(e);

	w->writes++;
	if (!piece_ok(gpa, len))
		abort();
	if (w->page[gpa / 4096] == PAGE_DEVICE)
		return EMU_MEM_USER;
	memcpy(w->mem + gpa, buf, len);
	return EMU_MEM_OK;
}

static enum emu_mem cmpxchg_piece(struct emu *e, u64 gpa, const void *old_val,
				  const void *new_val, unsigned int len)
{
	struct world *w = world_of(e);

	if (w->retries) {
		w->retries--;
		return EMU_MEM_RETRY;
	}
	if (w->page[gpa / 4096] == PAGE_RAM && memcmp(w->mem + gpa, old_val, len))
		return EMU_MEM_RETRY;
	return write_piece(e, gpa, new_val, len);
}

static enum emu_mem xmm_read(struct emu *e, unsigned int reg, u8 val[16])
{
	memcpy(val, world_of(e)->xmm[reg], 16);
	return EMU_MEM_OK;
}

static enum emu_mem xmm_write(struct emu *e, unsigned int reg, const u8 val[16])
{
	memcpy(world_of(e)->xmm[reg], val, 16);
	return EMU_MEM_OK;
}

/* Flat segments of the size that goes with the mode. */
void world_mode(struct world *w, enum emu_mode mode)
{
	bool wide = mode == EMU_PROT32 || mode == EMU_LONG64;
	unsigned int i;

	w->e.mode = mode;
	for (i = 0; i < EMU_NR_SEGS; i++)
		w->e.seg[i] = (struct emu_segment) {
			.limit = wide ? 0xffffffff : 0xffff,
			.ar = (i == EMU_CS ? 0x9b : 0x93) | (wide ? 0x4000 : 0),
		};
}

struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	w->mem = calloc(1, WORLD_MEM);
	w->ops = (struct emu_ops) {
		.fetch = fetch, .translate = translate, .read = read_piece, .write = write_piece,
		.cmpxchg = cmpxchg_piece, .xmm_read = xmm_read, .xmm_write = xmm_write,
	};
	w->e.gpr = w->gpr;
	w->e.ops = &w->ops;
	w->e.ctx = w;
	w->e.log = &w->log;
	w->e.sysregs = &w->sysregs;
	w->e.rip = WORLD_RIP;
	w->e.rflags = 2;
	world_mode(w, EMU_LONG64);
	return w;
}

void world_free(struct world *w)
{
	free(w->mem);
	free(w);
}

void world_code(struct world *w, const u8 *code, unsigned int len)
{
	memcpy(w->code, code, len);
	w->code_len = len;
	w->e.rip = WORLD_RIP;
}

enum emu_result world_step(struct world *w)
{
	enum emu_result r = emu_decode(&w->e);

	return r == EMU_OK ? emu_execute(&w->e) : r;
}

u64 world_peek(const struct world *w, u64 gpa, unsigned int len)
{
	u64 val = 0;

	memcpy(&val, w->mem + gpa, len);
	return val;
}

void world_poke(struct world *w, u64 gpa, u64 val, unsigned int len)
{
	memcpy(w->mem + gpa, &val, len);
}
