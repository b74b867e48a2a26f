// SPDX-License-Identifier: GPL-2.0-only
/*
 * One exit: which handler it gets, and what an architectural result does.
 *
 * The handler is a column of vmx_exits.h.  A reason that is not there, or that L0 never asked
 * for, ends in user space with an internal error: it is not guessed.
 */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/types.h>

#include <nvmx/arch.h>
#include <nvmx/hyperv.h>
#include <nvmx/irq.h>
#include <nvmx/mmu.h>
#include <nvmx/nested.h>
#include <nvmx/pv.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "exit.h"

#define FLAGS_OF_VMX	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | \
			 X86_EFLAGS_SF | X86_EFLAGS_OF)

struct exit_row {
	const char *name;
	enum nvmx_action (*handle)(struct nvmx_vcpu *v);
};

static const struct exit_row exit_rows[] = {
#define NVMX_EXIT(number, name, handler, owner, arg, valid) \
	[number] = { #name, exit_##handler },
#include <nvmx/vmx_exits.h>
#undef NVMX_EXIT
};

static const struct exit_row *find_row(u32 reason)
{
	u32 nr = reason & ~EXIT_ENTRY_FAILURE;

	if (nr >= ARRAY_SIZE(exit_rows))
		return NULL;
	nr = array_index_nospec(nr, ARRAY_SIZE(exit_rows));
	return exit_rows[nr].handle ? &exit_rows[nr] : NULL;
}

const char *vmx_exit_name(u32 reason)
{
	const struct exit_row *row = find_row(reason);

	return row ? row->name : "unknown";
}

enum nvmx_action vmx_skip(struct nvmx_vcpu *v)
{
	vmx_skip_insn(v);
	return NVMX_RESUME;
}

enum nvmx_action vmx_fault(struct nvmx_vcpu *v, u8 vector)
{
	vmx_queue_exception(v, vector);
	return NVMX_RESUME;
}

enum nvmx_action vmx_gp(struct nvmx_vcpu *v)
{
	vmx_queue_exception_code(v, VEC_GP, 0);
	return NVMX_RESUME;
}

enum nvmx_action vmx_user_error(struct nvmx_vcpu *v, int err)
{
	v->run_errno = err;
	return NVMX_USER;
}

enum nvmx_action vmx_internal_error(struct nvmx_vcpu *v, u32 suberror, u32 ndata, const u64 *data)
{
	struct kvm_run *run = v->run;

	ndata = min_t(u32, ndata, ARRAY_SIZE(run->internal.data));
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = suberror;
	run->internal.ndata = ndata;
	if (ndata)
		memcpy(run->internal.data, data, ndata * sizeof(*data));
	return NVMX_USER;
}

/*
 * The guest's kernel gets no answer that could be right, so user space is told, with the bytes.
 * Its programs, and L2, get #UD: they must not be able to stop the VM.
 */
enum nvmx_action vmx_emulation_failed(struct nvmx_vcpu *v)
{
	struct kvm_run *run = v->run;
	u8 n = min_t(u8, v->emu.nr_bytes, sizeof(run->emulation_failure.insn_bytes));

	v->stat.emulation_failed++;
	if (is_guest_mode(v) || vmx_cpl(v))
		return vmx_fault(v, VEC_UD);

	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	memset(&run->emulation_failure, 0, sizeof(run->emulation_failure));
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->emulation_failure.ndata = (sizeof(run->emulation_failure) -
		offsetof(typeof(run->emulation_failure), flags)) / sizeof(u64);
	run->emulation_failure.flags = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	run->emulation_failure.insn_size = n;
	memcpy(run->emulation_failure.insn_bytes, v->emu.bytes, n);
	return NVMX_USER;
}

static enum nvmx_action set_vmx_flags(struct nvmx_vcpu *v, u64 flags)
{
	vmx_set_rflags(v, (vmx_rflags(v) & ~(u64)FLAGS_OF_VMX) | flags);
	return vmx_skip(v);
}

static enum nvmx_action raise(struct nvmx_vcpu *v, struct vmx_result r)
{
	struct nvmx_fault f = {
		.vector = r.vector, .has_code = r.has_code, .code = r.code, .address = r.qual,
	};

	vmx_queue_fault(v, &f);
	return NVMX_RESUME;
}

/* SDM "Conventions" of the VMX instruction reference [sdm:vmx-conventions] */
enum nvmx_action vmx_apply(struct nvmx_vcpu *v, struct vmx_result r)
{
	switch (r.kind) {
	case VMX_DONE:
		return set_vmx_flags(v, 0);
	case VMX_FAIL:
		return set_vmx_flags(v, X86_EFLAGS_ZF);
	case VMX_FAIL_INVALID:
		return set_vmx_flags(v, X86_EFLAGS_CF);
	case VMX_RAISE:
		return raise(v, r);
	case VMX_ENTRY_FAILED:
		return nested_reflect_synthetic(v, r.code | EXIT_ENTRY_FAILURE, r.qual, 0, 0);
	case VMX_ENTERED:
	case VMX_EXITED:
		return NVMX_RESUME;
	case VMX_HANDED_OVER:
		return NVMX_USER;
	}
	return VMX_IMPOSSIBLE(v, "unknown result");
}

/* An exit that L0 owns: of L1, or of L2 where nested_route() said so. */
enum nvmx_action vmx_handle_exit(struct nvmx_vcpu *v)
{
	const struct exit_row *row = find_row(v->exit.reason);

	return row ? row->handle(v) : exit_unexpected(v);
}

/* ---- handlers of a few lines ---- */

enum nvmx_action exit_unexpected(struct nvmx_vcpu *v)
{
	const u64 data[] = { v->exit.reason, v->last_cpu, v->exit.qual, v->exit.intr_info };

	return vmx_internal_error(v, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON,
				  ARRAY_SIZE(data), data);
}

enum nvmx_action exit_entry_failure(struct nvmx_vcpu *v)
{
	return vmx_entry_refused(v);
}

/* The interrupt was taken when run.c turned interrupts on. */
enum nvmx_action exit_host_interrupt(struct nvmx_vcpu *v)
{
	return NVMX_RESUME;
}

enum nvmx_action exit_triple_fault(struct nvmx_vcpu *v)
{
	v->run->exit_reason = KVM_EXIT_SHUTDOWN;
	return NVMX_USER;
}

/* Nothing in L0 switches hardware tasks, and 64-bit guests cannot. */
enum nvmx_action exit_task_switch(struct nvmx_vcpu *v)
{
	v->emu.nr_bytes = 0;
	return vmx_emulation_failed(v);
}

enum nvmx_action exit_undefined(struct nvmx_vcpu *v)
{
	return vmx_fault(v, VEC_UD);
}

enum nvmx_action exit_vmx_insn(struct nvmx_vcpu *v)
{
	return vmx_apply(v, nested_handle_insn(v));
}

static bool event_waits(const struct nvmx_vcpu *v)
{
	return v->ev.exception.pending || v->ev.nmi.pending || v->ev.irq.pending;
}

/* With the interrupt controller in user space, only that knows when the wait is over. */
enum nvmx_action exit_hlt(struct nvmx_vcpu *v)
{
	v->stat.hlt_exits++;
	vmx_skip_insn(v);
	if (event_waits(v) || pv_take_kick(v) || (is_guest_mode(v) && nested_wakes(v)))
		return NVMX_RESUME;
	if (irq_in_kernel(v)) {
		v->mp_state = KVM_MP_STATE_HALTED;
		return NVMX_RESUME;
	}
	v->run->exit_reason = KVM_EXIT_HLT;
	return NVMX_USER;
}

/* Memory is coherent and no device is passed through: caches never need writing back. */
enum nvmx_action exit_invd(struct nvmx_vcpu *v)
{
	return vmx_skip(v);
}

enum nvmx_action exit_wbinvd(struct nvmx_vcpu *v)
{
	return vmx_skip(v);
}

enum nvmx_action exit_invlpg(struct nvmx_vcpu *v)
{
	vmx_flush_linear(v);
	return vmx_skip(v);
}

/* There is no PMU, and so no counter that ECX could select. */
enum nvmx_action exit_rdpmc(struct nvmx_vcpu *v)
{
	return vmx_gp(v);
}

static bool has_mwait(const struct nvmx_vcpu *v)
{
	const struct kvm_cpuid_entry2 *e = vmx_find_cpuid(v, 1, 0);

	return e && (e->ecx & BIT(3));
}

/* MONITOR and MWAIT: a wake-up that comes at once is allowed. */
enum nvmx_action exit_nop_insn(struct nvmx_vcpu *v)
{
	if ((v->vm->disabled_quirks & KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS) && !has_mwait(v))
		return vmx_fault(v, VEC_UD);
	return vmx_skip(v);
}

/* A vCPU that spins may wait for another one, which has no CPU to run on. */
enum nvmx_action exit_pause(struct nvmx_vcpu *v)
{
	v->stat.pause_exits++;
	pv_yield_to_any(v);
	return vmx_skip(v);
}

enum nvmx_action exit_mtf(struct nvmx_vcpu *v)
{
	vmcs_ctl_clear(v, v->cur, CTL_monitor_trap_flag);
	return NVMX_RESUME;
}

enum nvmx_action exit_vmcall(struct nvmx_vcpu *v)
{
	if (hv_takes_hypercalls(v))
		return hv_hypercall(v);
	pv_hypercall(v);
	return vmx_skip(v);
}

/* Of L2, for nested_before_entry() to look at what waits. */
enum nvmx_action exit_xsetbv(struct nvmx_vcpu *v)
{
	u64 val = (u32)v->gpr[GPR_RAX] | v->gpr[GPR_RDX] << 32;

	if (vmx_cpl(v) || (u32)v->gpr[GPR_RCX] || vmx_set_xcr0(v, val))
		return vmx_gp(v);
	return vmx_skip(v);
}
