// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers, guest debugging by user space, and the exceptions that L0 looks at.
 *
 * MOV DR always exits, so v->dr, v->dr6 and v->dr7 are never stale and hardware needs DR0-3 only
 * while a breakpoint is enabled in the DR7 of the VMCS.  #DB always exits, too: with #AC, it is an
 * exception whose delivery can raise itself again for ever.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kvm.h>
#include <linux/types.h>
#include <asm/cpu.h>
#include <asm/debugreg.h>

#include <nvmx/arch.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "exit.h"

#define DR7_VALID	0xffff2bffull	/* RTM (bit 11) is not offered */

u32 vmx_exception_bitmap(const struct nvmx_vcpu *v)
{
	u32 bitmap = BIT(VEC_DB) | BIT(VEC_UD) | BIT(VEC_AC) | BIT(VEC_MC);

	if (v->guest_debug & KVM_GUESTDBG_USE_SW_BP)
		bitmap |= BIT(VEC_BP);
	return bitmap;
}

static bool user_owns_breakpoints(const struct nvmx_vcpu *v)
{
	return v->guest_debug & KVM_GUESTDBG_USE_HW_BP;
}

void vmx_update_dr7(struct nvmx_vcpu *v)
{
	vmcs_write(v, guest_dr7, user_owns_breakpoints(v) ? v->guest_debug_dr7 : v->dr7);
}

void vmx_set_dr7(struct nvmx_vcpu *v, u64 val)
{
	v->dr7 = (val & DR7_VALID) | DR7_ONES;
	vmx_update_dr7(v);
}

bool vmx_debug_wants_db(const struct nvmx_vcpu *v)
{
	return v->guest_debug & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP);
}

enum nvmx_action vmx_debug_exit(struct nvmx_vcpu *v, u8 vector, u64 dr6)
{
	struct kvm_run *run = v->run;

	run->exit_reason = KVM_EXIT_DEBUG;
	run->debug.arch.exception = vector;
	run->debug.arch.pc = vmx_linear_rip(v);
	run->debug.arch.dr6 = dr6;
	run->debug.arch.dr7 = vmcs_read(v, guest_dr7);
	return NVMX_USER;
}

static int inject_for_user(struct nvmx_vcpu *v, u32 control)
{
	if (!(control & (KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)))
		return 0;
	if (v->ev.exception.pending || v->ev.exception.injected)
		return -EBUSY;
	vmx_queue_exception(v, control & KVM_GUESTDBG_INJECT_DB ? VEC_DB : VEC_BP);
	return 0;
}

/* TF is hidden from the guest while user space steps: show the old RFLAGS to the new setting. */
static void apply_guest_debug(struct nvmx_vcpu *v, const struct kvm_guest_debug *dbg)
{
	u64 rflags = vmx_rflags(v);
	int i;

	v->guest_debug = dbg->control & KVM_GUESTDBG_ENABLE ? dbg->control : 0;
	for (i = 0; i < 4; i++)
		v->guest_debug_dr[i] = user_owns_breakpoints(v) ? dbg->arch.debugreg[i] : 0;
	v->guest_debug_dr7 = user_owns_breakpoints(v) ?
			     (dbg->arch.debugreg[7] & DR7_VALID) | DR7_ONES : DR7_ONES;
	vmx_set_rflags(v, rflags);
	vmx_update_dr7(v);
	if (!is_guest_mode(v))
		vmcs_write(v, exception_bitmap, vmx_exception_bitmap(v));
	vmx_vid_reconsider(v);
}

int vmx_set_guest_debug(struct nvmx_vcpu *v, const struct kvm_guest_debug *dbg)
{
	int err = inject_for_user(v, dbg->control);

	if (!err)
		apply_guest_debug(v, dbg);
	return err;
}

static u64 read_dr(struct nvmx_vcpu *v, u32 dr)
{
	switch (dr) {
	case 0 ... 3:
		return v->dr[dr];
	case 4:
	case 6:
		return v->dr6;
	default:
		return v->dr7;
	}
}

/* false: #GP, reserved upper bits */
static bool write_dr(struct nvmx_vcpu *v, u32 dr, u64 val)
{
	if (dr >= 4 && val >> 32)
		return false;
	switch (dr) {
	case 0 ... 3:
		v->dr[dr] = val;
		break;
	case 4:
	case 6:
		/* RTM and bus-lock bits are not offered: they read as 1. */
		v->dr6 = (val & (DR_TRAP_BITS | DR_STEP | DR_SWITCH | DR6_BD)) | DR6_ONES;
		break;
	default:
		vmx_set_dr7(v, val);
	}
	return true;
}

/* General detect: #DB before the access, with DR7.GD still set. */
static enum nvmx_action general_detect(struct nvmx_vcpu *v)
{
	vmx_queue_db(v, DR6_BD);
	return NVMX_RESUME;
}

/*
 * The exit comes before every check but that of CPL, which the CPU has done.
 * SDM "Instructions That Cause VM Exits Conditionally" [sdm:conditional-exits]
 */
enum nvmx_action exit_mov_dr(struct nvmx_vcpu *v)
{
	u64 qual = v->exit.qual;
	u32 dr = DRQ_NUM(qual);
	u64 val;

	if (vmx_cpl(v))
		return vmx_gp(v);
	if ((dr == 4 || dr == 5) && (vmx_cr4(v) & X86_CR4_DE))
		return vmx_fault(v, VEC_UD);
	if (v->dr7 & DR7_GD)
		return general_detect(v);
	if (qual & DRQ_FROM) {
		vmx_set_gpr(v, DRQ_REG(qual), read_dr(v, dr));
		return vmx_skip(v);
	}
	val = vmx_gpr(v, DRQ_REG(qual));
	if (!vmx_long_mode64(v))
		val = (u32)val;
	return write_dr(v, dr, val) ? vmx_skip(v) : vmx_gp(v);
}

/*
 * An entry with blocking by STI or MOV SS and RFLAGS.TF must have BS pending, even where the
 * #DB that was intercepted stands for it.
 * SDM "Checks on Guest Non-Register State" [sdm:entry-nonreg]
 */
static void keep_single_step_pending(struct nvmx_vcpu *v, u64 dr6)
{
	if (!(dr6 & PDE_BS) || !(vmx_rflags_raw(v) & X86_EFLAGS_TF))
		return;
	if (vmcs_read(v, guest_interruptibility_info) & (INTS_STI | INTS_MOVSS))
		vmcs_write(v, guest_pending_dbg_exceptions,
			   vmcs_read(v, guest_pending_dbg_exceptions) | PDE_BS);
}

static enum nvmx_action debug_exception(struct nvmx_vcpu *v)
{
	u64 dr6 = v->exit.qual;

	if (vmx_debug_wants_db(v))
		return vmx_debug_exit(v, VEC_DB, dr6 | DR6_ONES);
	/* INT1 is trap-like: the exit left RIP at it. */
	if ((v->exit.intr_info & EVT_TYPE) == EVT_TYPE_PRIVSW)
		vmx_advance_rip(v, v->exit.insn_len);
	else
		keep_single_step_pending(v, dr6);
	vmx_queue_db(v, dr6);
	return NVMX_RESUME;
}

/*
 * #AC is either what the guest asked for (AM, AC and CPL 3) or the host's split-lock detection,
 * which the guest knows nothing about.
 */
static enum nvmx_action alignment_check(struct nvmx_vcpu *v)
{
	bool own = (vmx_cr0(v) & X86_CR0_AM) && (vmx_rflags(v) & X86_EFLAGS_AC) &&
		   vmx_cpl(v) == 3;

	if (!own && boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT)) {
		if (handle_guest_split_lock(vmx_rip(v)))
			return NVMX_RESUME;
		v->run->exit_reason = KVM_EXIT_EXCEPTION;
		v->run->ex.exception = VEC_AC;
		v->run->ex.error_code = v->exit.intr_error;
		return NVMX_USER;
	}
	vmx_queue_exception_code(v, VEC_AC, v->exit.intr_error);
	return NVMX_RESUME;
}

/* NMI and machine check were handed to the host right after the exit, by run.c. */
enum nvmx_action exit_exception(struct nvmx_vcpu *v)
{
	u32 info = v->exit.intr_info;

	if ((info & EVT_TYPE) == EVT_TYPE_NMI)
		return NVMX_RESUME;

	switch (info & EVT_VECTOR) {
	case VEC_MC:
		return NVMX_RESUME;
	case VEC_DB:
		return debug_exception(v);
	case VEC_BP:
		return vmx_debug_exit(v, VEC_BP, 0);
	case VEC_UD:
		return vmx_undefined(v);
	case VEC_AC:
		return alignment_check(v);
	default:
		return exit_unexpected(v);
	}
}
