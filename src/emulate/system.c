// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stores of system registers: SGDT, SIDT, SLDT, STR, SMSW, for descriptor-table exits.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <nvmx/emulate.h>

#include "decode.h"

/* With a 16-bit operand size the base has 24 bits. */
enum emu_result emu_execute_table_store(struct emu *e)
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

	r = emu_prepare_memory(e, &mem);
	if (r == EMU_OK)
		r = emu_span_write(e, &mem, image);
	if (r == EMU_OK)
		emu_finish(e);
	return r;
}

/* SLDT, STR and SMSW store 16 bits to memory, and the operand size to a register. */
enum emu_result emu_execute_word_store(struct emu *e)
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

	r = emu_prepare_memory(e, &mem);
	if (r == EMU_OK)
		r = emu_store(e, e->insn.dst, &mem, val);
	if (r == EMU_OK)
		emu_finish(e);
	return r;
}
