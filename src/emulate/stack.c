// SPDX-License-Identifier: GPL-2.0-only
/*
 * PUSH and POP of memory: two memory operands, one of them on the stack.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <nvmx/emulate.h>

#include "decode.h"

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

enum emu_result emu_execute_push(struct emu *e)
{
	u64 sp = e->gpr[EMU_RSP] - e->insn.opsize;
	struct span mem, stack;
	enum emu_result r;
	u64 val;

	r = emu_prepare_memory(e, &mem);
	if (r == EMU_OK)
		r = prepare_stack(e, &stack, sp, EMU_ACCESS_WRITE);
	if (r == EMU_OK)
		r = emu_load(e, e->insn.src, &mem, &val);
	if (r == EMU_OK)
		r = emu_span_write(e, &stack, &val);
	if (r == EMU_OK) {
		emu_gpr_write(e, EMU_RSP, stack_size(e), sp);
		emu_finish(e);
	}
	return r;
}

enum emu_result emu_execute_pop(struct emu *e)
{
	u64 sp = e->gpr[EMU_RSP];
	struct span mem, stack;
	enum emu_result r;
	u64 val = 0;

	r = prepare_stack(e, &stack, sp, EMU_ACCESS_READ);
	if (r == EMU_OK)
		r = emu_prepare_memory(e, &mem);
	if (r == EMU_OK)
		r = emu_span_read(e, &stack, &val);
	if (r == EMU_OK && e->insn.mem)
		r = emu_span_write(e, &mem, &val);
	if (r != EMU_OK)
		return r;

	emu_gpr_write(e, EMU_RSP, stack_size(e), sp + e->insn.opsize);
	if (!e->insn.mem)
		emu_register_write(e, e->insn.rm, val);	/* after RSP: POP RSP loads it */
	emu_finish(e);
	return EMU_OK;
}
