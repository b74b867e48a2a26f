// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events on their way into the guest: exceptions, NMIs, interrupts.
 *
 * "pending" is a wish, "injected" was given to the CPU and must arrive.  Before each entry one
 * event is written to the VMCS; after the exit it is gone, unless IDT-vectoring information says
 * that its delivery was cut short: then it is injected again.  What cannot go in now asks for a
 * window exit.  The order is that of table 5.
 *
 * In L2, nested_check_events() goes first: it turns what L1 intercepts into exits.
 */
#include <linux/bits.h>
#include <linux/kvm.h>
#include <linux/types.h>

#include <nvmx/arch.h>
#include <nvmx/irq.h>
#include <nvmx/nested.h>
#include <nvmx/trace.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "exit.h"

#define TRAPS		(BIT(VEC_BP) | BIT(VEC_OF))

void vmx_queue_irq(struct nvmx_vcpu *v, u8 vector)
{
	v->ev.irq.pending = true;
	v->ev.irq.waiting = vector;
}

bool vmx_irq_waits(struct nvmx_vcpu *v)
{
	if (v->ev.irq.pending)
		return true;
	return irq_in_kernel(v) && READ_ONCE(v->irq_hint) && irq_waits(v);
}

/* With split controllers, what user space sends is ExtINT, and goes first. */
int vmx_ack_irq(struct nvmx_vcpu *v)
{
	if (!v->ev.irq.pending)
		return irq_ack(v);
	v->ev.irq.pending = false;
	return v->ev.irq.waiting;
}

u8 vmx_cr8(struct nvmx_vcpu *v)
{
	return irq_in_kernel(v) ? irq_tpr(v) >> 4 : v->cr8;
}

void vmx_set_cr8(struct nvmx_vcpu *v, u8 val)
{
	if (irq_in_kernel(v))
		irq_set_tpr(v, val << 4);
	else
		v->cr8 = val;
}

/* One can wait behind the one that is blocked or in delivery. */
void vmx_queue_nmi(struct nvmx_vcpu *v)
{
	u8 limit = v->ev.nmi.injected || vmx_nmi_blocked(v) ? 1 : 2;

	if (v->ev.nmi.pending < limit)
		v->ev.nmi.pending++;
}

void vmx_triple_fault(struct nvmx_vcpu *v)
{
	v->ev.triple_fault = true;
	v->ev.exception.pending = false;
	v->ev.exception.injected = false;
}

static u32 interruptibility(struct nvmx_vcpu *v)
{
	return vmcs_read(v, guest_interruptibility_info);
}

bool vmx_irq_allowed(struct nvmx_vcpu *v)
{
	if (is_guest_mode(v)) {
		if (nested_run_pending(v))
			return false;
		if (nested_intercepts_irq(v))
			return true;
	}
	return vmx_open_to_irqs(v);
}

bool vmx_nmi_allowed(struct nvmx_vcpu *v)
{
	if (is_guest_mode(v)) {
		if (nested_run_pending(v))
			return false;
		if (nested_intercepts_nmi(v))
			return true;
	}
	return vmx_open_to_nmis(v);
}

bool vmx_nmi_blocked(struct nvmx_vcpu *v)
{
	return interruptibility(v) & INTS_NMI;
}

void vmx_set_nmi_blocked(struct nvmx_vcpu *v, bool blocked)
{
	u32 old = interruptibility(v);
	u32 new = blocked ? old | INTS_NMI : old & ~INTS_NMI;

	if (new != old)
		vmcs_write(v, guest_interruptibility_info, new);
}

bool vmx_trap_in_hardware(struct nvmx_vcpu *v)
{
	u64 pending = vmcs_read(v, guest_pending_dbg_exceptions);

	return (pending & (PDE_BS | PDE_ENABLED_BP)) && !(interruptibility(v) & INTS_MOVSS);
}

/* Nothing of ours occupies the next entry. */
static bool entry_is_free(const struct nvmx_vcpu *v)
{
	return !v->ev.exception.injected && !v->ev.nmi.injected && !v->ev.irq.injected;
}

/* User space sends interrupts only where it has the PIC. */
bool vmx_irq_ready_user(struct nvmx_vcpu *v)
{
	if (v->vm->irq_mode == IRQ_KERNEL)
		return true;
	if (irq_in_kernel(v) && !irq_accepts_extint(v))
		return false;
	return entry_is_free(v) && !v->ev.exception.pending && !v->ev.irq.pending &&
	       vmx_irq_allowed(v);
}

/*
 * In L2, where L1 intercepts interrupts, L2's IF does not matter: user space that looks at the
 * flag before KVM_INTERRUPT must not wait for it.
 */
bool vmx_if_flag_user(struct nvmx_vcpu *v)
{
	if (is_guest_mode(v) && nested_intercepts_irq(v))
		return true;
	return vmx_rflags(v) & X86_EFLAGS_IF;
}

void vmx_inject(struct nvmx_vcpu *v, u32 intr_info, u32 error_code, u32 insn_len)
{
	trace_nvmx_inject(v->id, intr_info, error_code, is_guest_mode(v));
	if (intr_info & EVT_HAS_CODE)
		vmcs_write(v, vm_entry_exception_error_code, (u16)error_code);
	if (insn_len)
		vmcs_write(v, vm_entry_instruction_len, insn_len);
	vmcs_write(v, vm_entry_intr_info_field, intr_info);
	v->ev.written = true;
}

static void write_exception(struct nvmx_vcpu *v)
{
	vmx_inject(v, vmx_exception_info(v), v->ev.exception.code,
		   v->ev.exception.soft ? v->ev.exception.insn_len : 0);
}

static void write_irq(struct nvmx_vcpu *v)
{
	u32 type = v->ev.irq.soft ? EVT_TYPE_SOFTINT : EVT_TYPE_EXTINT;

	vmx_inject(v, EVT_VALID | type | v->ev.irq.vector, 0,
		   v->ev.irq.soft ? v->ev.irq.insn_len : 0);
}

static void write_nmi(struct nvmx_vcpu *v)
{
	vmx_inject(v, EVT_VALID | EVT_TYPE_NMI | VEC_NMI, 0, 0);
}

/* RFLAGS on the handler's stack: a fault has RF set; of #DB, only breakpoints on instructions. */
static bool pushes_rf(u8 vector)
{
	return vector != VEC_DB && !(vector < 32 && (TRAPS & BIT(vector)));
}

static enum nvmx_action take_exception(struct nvmx_vcpu *v)
{
	u8 vector = v->ev.exception.vector;

	if (vector == VEC_DB && vmx_debug_wants_db(v)) {
		v->ev.exception.pending = false;
		return vmx_debug_exit(v, VEC_DB, v->ev.exception.payload | DR6_ONES);
	}
	vmx_deliver_payload(v);
	if (vector == VEC_DB && (v->dr7 & DR7_GD))
		vmx_set_dr7(v, v->dr7 & ~(u64)DR7_GD);
	if (pushes_rf(vector))
		vmx_set_rflags(v, vmx_rflags(v) | X86_EFLAGS_RF);
	v->ev.exception.pending = false;
	v->ev.exception.injected = true;
	v->stat.exception_injected++;
	write_exception(v);
	return NVMX_RESUME;
}

static enum nvmx_action take_fault(struct nvmx_vcpu *v)
{
	return take_exception(v);
}

static enum nvmx_action take_debug_trap(struct nvmx_vcpu *v)
{
	return take_exception(v);
}

static enum nvmx_action take_nmi(struct nvmx_vcpu *v)
{
	v->ev.nmi.pending--;
	v->ev.nmi.injected = true;
	v->stat.nmi_injected++;
	write_nmi(v);
	return NVMX_RESUME;
}

static enum nvmx_action take_interrupt(struct nvmx_vcpu *v)
{
	int vector = vmx_ack_irq(v);

	if (vector < 0)
		return NVMX_RESUME;
	v->ev.irq.injected = true;
	v->ev.irq.soft = false;
	v->ev.irq.vector = vector;
	v->stat.irq_injected++;
	write_irq(v);
	return NVMX_RESUME;
}

static enum nvmx_action take_triple_fault(struct nvmx_vcpu *v)
{
	v->ev.triple_fault = false;
	v->run->exit_reason = KVM_EXIT_SHUTDOWN;
	return NVMX_USER;
}

static enum nvmx_action take_smi(struct nvmx_vcpu *v)
{
	vmx_take_smi(v);
	return NVMX_RESUME;
}

/*
 * An exception that is pending belongs to the instruction before the boundary at which the NMI
 * or the interrupt was taken, so it goes first and those wait, injected, for the next entry.
 */
static void inject_again(struct nvmx_vcpu *v)
{
	if (v->ev.exception.injected)
		write_exception(v);
	else if (v->ev.exception.pending)
		return;
	else if (v->ev.nmi.injected)
		write_nmi(v);
	else if (v->ev.irq.injected)
		write_irq(v);
}

/* Who steps through a guest does not want to find itself in a handler. */
static bool user_holds_irqs(const struct nvmx_vcpu *v)
{
	return v->guest_debug & KVM_GUESTDBG_BLOCKIRQ;
}

/* ---- table 5 for what runs now; what L1 takes from L2 is gone when this is asked ---- */

static bool due_triple_fault(const struct nvmx_vcpu *v)
{
	return v->ev.triple_fault && !is_guest_mode(v);
}

static bool due_debug_trap(const struct nvmx_vcpu *v)
{
	return v->ev.exception.pending && !v->ev.exception.injected;
}

/* Without VMX nothing of the table can come between a fault and a trap but what waits for both. */
static bool due_fault(const struct nvmx_vcpu *v)
{
	return due_debug_trap(v) && v->ev.exception.vector != VEC_DB;
}

/* It comes at the first instruction after what is on its way into the guest. */
static bool due_smi(const struct nvmx_vcpu *v)
{
	return unlikely(vmx_smi_waits(v)) && !is_guest_mode(v) && entry_is_free(v) &&
	       !v->ev.exception.pending;
}

/*
 * An entry that injects an NMI or an interrupt would lose the trap.
 * SDM "Delivery of Pending Debug Exceptions after VM Entry" [sdm:pending-debug]
 */
static bool entry_takes_new(struct nvmx_vcpu *v)
{
	return entry_is_free(v) && !user_holds_irqs(v) && !vmx_trap_in_hardware(v);
}

static bool due_nmi(struct nvmx_vcpu *v)
{
	return v->ev.nmi.pending && vmx_nmi_allowed(v) && entry_takes_new(v);
}

/* One that came since nested_check_events() looked, and ends L2, is no interrupt of L2's. */
static bool due_interrupt(struct nvmx_vcpu *v)
{
	if (is_guest_mode(v) && nested_intercepts_irq(v))
		return false;
	return vmx_irq_waits(v) && vmx_irq_allowed(v) && entry_takes_new(v);
}

#define TAKE_HERE(name)	due_##name(v) ? take_##name(v) :
#define TAKE_POST(name)
#define TAKE_NONE(name)

static enum nvmx_action take_first(struct nvmx_vcpu *v)
{
	return
#define NVMX_EVENT(name, class, l1, l2, what) TAKE_##l1(name)
#include <nvmx/vmx_events.h>
#undef NVMX_EVENT
		NVMX_RESUME;
}

/*
 * A window that is no longer wanted is closed here only for L1.  In vmcs02 the bit may be L1's
 * too, so there a spurious window exit closes it: it reaches L0 only if L1 has not set the bit.
 */
static void set_window(struct nvmx_vcpu *v, enum vmx_ctl ctl, bool wanted)
{
	if (wanted)
		vmcs_ctl_set(v, v->cur, ctl);
	else if (!is_guest_mode(v))
		vmcs_ctl_clear(v, v->cur, ctl);
}

/*
 * NMI-window exits look at NMI blocking only.  Where STI's shadow is what is in the way, they
 * could come before the guest has made a step; the interrupt window waits for the shadow's end.
 */
static void open_windows(struct nvmx_vcpu *v)
{
	bool hold = user_holds_irqs(v);
	bool nmi = v->ev.nmi.pending && !hold;
	bool irq = v->ev.user_irq_window || (vmx_irq_waits(v) && !hold);

	if (nmi && (interruptibility(v) & INTS_STI)) {
		nmi = false;
		irq = true;
	}
	v->ev.nmi_window = nmi;
	v->ev.irq_window = irq;
	set_window(v, CTL_nmi_window_exiting, nmi);
	set_window(v, CTL_interrupt_window_exiting, irq);
}

/* A window that LINT0 keeps shut must not be waited for: its exit would come again at once. */
static bool wants_user_window(struct nvmx_vcpu *v)
{
	return v->vm->irq_mode != IRQ_KERNEL && READ_ONCE(v->run->request_interrupt_window) &&
	       (!irq_in_kernel(v) || irq_accepts_extint(v));
}

/*
 * Something waits for the entry in flight, and is due before L2's next instruction.  Behind what
 * was L2's own there may be an exit of L1's.
 */
static bool entry_comes_first(struct nvmx_vcpu *v, bool blocked)
{
	if (nested_exit_waits(v) || (v->ev.written && nested_exit_is_due(v)))
		return true;
	if (!blocked && !nested_run_pending(v))
		return false;
	return v->ev.exception.pending || v->ev.nmi.pending || v->ev.user_irq_window ||
	       v->ev.triple_fault || v->ev.init || vmx_irq_waits(v);
}

static enum nvmx_action tell_user_window(struct nvmx_vcpu *v)
{
	v->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
	return NVMX_USER;
}

/*
 * Stepping over STI or MOV SS by user space: an entry with the shadow and TF would need BS
 * pending, which would be one #DB too many.
 */
static void drop_shadow_for_stepping(struct nvmx_vcpu *v)
{
	u32 ints;

	if (!(v->guest_debug & KVM_GUESTDBG_SINGLESTEP))
		return;
	ints = interruptibility(v);
	if (ints & (INTS_STI | INTS_MOVSS))
		vmcs_write(v, guest_interruptibility_info, ints & ~(INTS_STI | INTS_MOVSS));
}

/* An entry that was given up has left its event in the field; it is written again if still due. */
static void forget_written(struct nvmx_vcpu *v)
{
	if (!v->ev.written)
		return;
	vmcs_write(v, vm_entry_intr_info_field, 0);
	v->ev.written = false;
}

enum nvmx_action vmx_events_before_entry(struct nvmx_vcpu *v)
{
	enum nvmx_action action;
	bool blocked = false;

	if (is_guest_mode(v)) {
		action = nested_check_events(v, &blocked);
		if (action != NVMX_RESUME)
			return action;
	}
	v->ev.user_irq_window = wants_user_window(v);
	if (!(is_guest_mode(v) && nested_run_pending(v))) {
		forget_written(v);
		drop_shadow_for_stepping(v);
		inject_again(v);
	}
	if (!blocked) {
		action = take_first(v);
		if (action != NVMX_RESUME)
			return action;
		if (v->ev.user_irq_window && vmx_irq_ready_user(v))
			return tell_user_window(v);
	}
	v->smm.halted = false;
	v->ev.immediate_exit = (is_guest_mode(v) && entry_comes_first(v, blocked)) ||
			       vmx_smi_waits(v);
	open_windows(v);
	if (unlikely(v->tpr_threshold | v->tpr_threshold01) && !is_guest_mode(v))
		vmx_write_tpr_threshold(v);
	if (irq_vid(v) && !is_guest_mode(v))
		vmx_vid_before_entry(v);
	return NVMX_RESUME;
}

/* Both window exits reach L0 only if L1 has not asked for them. */
enum nvmx_action exit_interrupt_window(struct nvmx_vcpu *v)
{
	vmcs_ctl_clear(v, v->cur, CTL_interrupt_window_exiting);
	return NVMX_RESUME;
}

enum nvmx_action exit_nmi_window(struct nvmx_vcpu *v)
{
	vmcs_ctl_clear(v, v->cur, CTL_nmi_window_exiting);
	return NVMX_RESUME;
}
