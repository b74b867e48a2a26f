// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instruction that touched a guest-physical address without memory behind it.
 *
 * What can arrive here from L2 is a plain access to memory: none of the instructions that the
 * emulator executes is one that L1 could intercept.  Port I/O has exited before, and stores of
 * descriptor tables are not executed without struct emu_sysregs.
 */
#include <linux/mm.h>
#include <linux/types.h>

#include <nvmx/arch.h>
#include <nvmx/compat.h>
#include <nvmx/emulate.h>
#include <nvmx/mmu.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "exit.h"

static enum nvmx_action complete_mmio(struct nvmx_vcpu *v);

static enum nvmx_action run_insn(struct nvmx_vcpu *v)
{
	struct emu_task t;
	enum emu_result r;

	vmx_emu_begin(v, &t);
	t.known = &v->emu_known;
	/* A string's next iteration would be an exit of its own, and the kick never be heard. */
	if (NVMX_IMMEDIATE_EXIT(v->run))
		v->emu.rep_limit = 1;
	r = emu_decode(&v->emu);
	if (r == EMU_OK)
		r = emu_execute(&v->emu);
	return vmx_emu_end(&t, r, complete_mmio);
}

static enum nvmx_action complete_mmio(struct nvmx_vcpu *v)
{
	return vmx_emu_answered(v) ? run_insn(v) : NVMX_RESUME;
}

/*
 * The CPU has translated the operand and judged the access to it: no need to walk once more.  A
 * write may belong to an instruction that reads first, which the same right allows; in read-only
 * memory that read finds something.
 */
static void note_known(struct nvmx_vcpu *v, u64 gpa)
{
	const u64 both = EPTQ_GVA_VALID | EPTQ_TRANSLATED;
	const struct exit_info *x = &v->exit;

	v->emu_known.access = 0;
	if (x->reason != EXIT_ept_violation || is_guest_mode(v) || (x->qual & both) != both ||
	    offset_in_page(x->gla) != offset_in_page(gpa))
		return;
	v->emu_known.lin = x->gla;
	v->emu_known.gpa = gpa;
	v->emu_known.access = x->qual & EPTQ_WRITE ? ACC_WRITE : ACC_READ;
}

enum nvmx_action vmx_emulate_mmio(struct nvmx_vcpu *v, u64 gpa)
{
	note_known(v, gpa);
	emu_log_reset(&v->emu_log);
	return run_insn(v);
}
