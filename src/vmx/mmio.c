// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instruction that touched a guest-physical address without memory behind it.
 *
 * What can arrive here from L2 is a plain access to memory: none of the instructions that the
 * emulator executes is one that L1 could intercept.  Port I/O has exited before, and stores of
 * descriptor tables are not executed without struct emu_sysregs.
 */
#include <linux/types.h>

#include <nvmx/compat.h>
#include <nvmx/emulate.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "exit.h"

static enum nvmx_action complete_mmio(struct nvmx_vcpu *v);

static enum nvmx_action run_insn(struct nvmx_vcpu *v)
{
	struct emu_task t;
	enum emu_result r;

	vmx_emu_begin(v, &t);
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

/* The operand's address is found again by the walk of the instruction, so @gpa is not needed. */
enum nvmx_action vmx_emulate_mmio(struct nvmx_vcpu *v, u64 gpa)
{
	emu_log_reset(&v->emu_log);
	return run_insn(v);
}
