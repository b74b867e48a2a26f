// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN: the loop around entries and exits.
 *
 *	requests -> events -> (in L2: nested) -> entry -> exit -> L1's? reflect : handle
 *
 * Each step before the entry may be repeated without an entry in between, when work turned up
 * after it: all of them only bring the VMCS to a state, and doing so again changes nothing.
 */
#include <linux/entry-kvm.h>
#include <linux/kvm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include <nvmx/compat.h>
#include <nvmx/hyperv.h>
#include <nvmx/irq.h>
#include <nvmx/mmu.h>
#include <nvmx/nested.h>
#include <nvmx/pv.h>
#include <nvmx/trace.h>

#include "exit.h"
#include "vmx_int.h"

/* All of one instruction is done, and nothing of the next. */
static void give_way(struct nvmx_vcpu *v)
{
	v->pv.between = true;
	schedule();
	v->pv.between = false;
}

/*
 * What must be done in the thread's name: a signal ends KVM_RUN; other work that waits for the
 * return to user mode (task work, NUMA, rseq) is reachable for modules only by that return.  The
 * system call is then restarted by itself, which nobody notices: the vCPU is between two entries.
 * Unless a signal has come meanwhile and its handler was called: then it is an -EINTR after all.
 */
static int thread_work(struct nvmx_vcpu *v)
{
	if (signal_pending(current)) {
		v->run->exit_reason = KVM_EXIT_INTR;
		v->stat.signal_exits++;
		return -EINTR;
	}
	if (test_thread_flag(TIF_NOTIFY_RESUME)) {
		set_thread_flag(TIF_SIGPENDING);
		return -ERESTARTNOHAND;
	}
	if (need_resched())
		give_way(v);
	return 0;
}

static void new_ept01(struct nvmx_vcpu *v)
{
	u64 eptp = mmu_eptp01(v->vm, vcpu_space(v));

	if (is_guest_mode(v))
		vmcs_write_other(v, v->vmcs01, VMCS_ept_pointer, eptp);
	else
		vmcs_write(v, ept_pointer, eptp);
}

/* As long as it is full, the vCPU goes nowhere. */
static enum nvmx_action ring_full(struct nvmx_vcpu *v)
{
	if (!mmu_ring_nearly_full(v))
		return NVMX_RESUME;
	vcpu_request(v, REQ_DIRTY_RING);
	v->run->exit_reason = KVM_EXIT_DIRTY_RING_FULL;
	return NVMX_USER;
}

static enum nvmx_action serve_requests(struct nvmx_vcpu *v)
{
	enum nvmx_action action = NVMX_RESUME;

	if (atomic_long_read(&v->requests) & BIT(REQ_DEAD))
		return NVMX_DEAD;
	if (vcpu_take_request(v, REQ_EPT01))
		new_ept01(v);
	if (vcpu_take_request(v, REQ_MSR_BITMAP))
		vmx_update_msr_bitmap(v);
	if (vcpu_take_request(v, REQ_STEAL))
		pv_serve_steal(v);
	if (vcpu_take_request(v, REQ_TLB_FLUSH)) {
		preempt_disable();
		vmx_flush_own_tags(v);
		preempt_enable();
	}
	vmx_take_posted(v);
	if (vcpu_take_request(v, REQ_CLOCK)) {
		pv_serve_clock(v);
		hv_serve_clock(v);
	}
	if (vcpu_take_request(v, REQ_APF))
		pv_serve_apf(v);
	if (vcpu_take_request(v, REQ_EOI_EXITS))
		v->eoi_exits_stale = true;
	/* Events are looked at before each entry. */
	vcpu_take_request(v, REQ_EVENT);
	if (vcpu_take_request(v, REQ_EOI_EXIT))
		action = vmx_eoi_exit(v);
	if (action == NVMX_RESUME && vcpu_take_request(v, REQ_DIRTY_RING))
		action = ring_full(v);
	if (action == NVMX_RESUME && vcpu_take_request(v, REQ_HV))
		action = hv_serve(v);
	if (action == NVMX_RESUME && vcpu_take_request(v, REQ_EVMCS))
		action = nested_serve_evmcs(v);
	return action;
}

/* The pages are L1's, and of no use to L2. */
static bool shares_vapic(const struct nvmx_vcpu *v)
{
	return unlikely(v->vapic) && !is_guest_mode(v);
}

static enum nvmx_action prepare(struct nvmx_vcpu *v)
{
	enum nvmx_action action = NVMX_RESUME;

	if (unlikely(atomic_long_read(&v->requests)))
		action = serve_requests(v);
	if (irq_posted(v))
		irq_take_posted(v);
	if (unlikely(v->ev.init || v->ev.sipi))
		vmx_accept_init_sipi(v);
	if (unlikely(v->mp_state != KVM_MP_STATE_RUNNABLE))
		return action;
	if (action == NVMX_RESUME)
		action = vmx_events_before_entry(v);
	if (action == NVMX_RESUME && is_guest_mode(v))
		action = nested_before_entry(v);
	if (shares_vapic(v) && action == NVMX_RESUME)
		irq_vapic_before_entry(v);
	return action;
}

/*
 * Handlers that read much of the host's memory on the guest's behalf leave it in the L1D cache.
 */
static bool leaves_secrets(u32 reason)
{
	return reason == EXIT_ept_violation || reason == EXIT_ept_misconfig || reason == EXIT_io ||
	       reason == EXIT_vmlaunch || reason == EXIT_vmresume;
}

/*
 * User space has given a running L2 registers that no guest can have.  L1 did not ask for this
 * entry: what it learns is that L2 could not go on.
 */
static bool user_broke_l2(struct nvmx_vcpu *v)
{
	return v->exit.reason & EXIT_ENTRY_FAILURE && !nested_run_pending(v);
}

static enum nvmx_action handle_l2_exit(struct nvmx_vcpu *v)
{
	enum nested_owner owner;

	if (unlikely(user_broke_l2(v)))
		return nested_reflect_synthetic(v, EXIT_triple_fault, 0, 0, 0);
	if (likely(!(v->exit.reason & EXIT_ENTRY_FAILURE)))
		nested_after_entry(v);
	vmx_events_after_exit(v);
	owner = nested_route(v);
	trace_nvmx_reflect(v->id, v->exit.reason, owner == OWNER_L1);
	if (owner == OWNER_L1)
		return nested_reflect(v);
	return vmx_handle_exit(v);
}

static enum nvmx_action handle(struct nvmx_vcpu *v)
{
	v->stat.exits++;
	if (unlikely(v->exit.reason == EXIT_NOT_ENTERED))
		return vmx_entry_refused(v);
	if (shares_vapic(v))
		irq_vapic_after_run(v);
	if (unlikely(leaves_secrets(v->exit.reason)))
		v->l1d_flush = true;
	if (is_guest_mode(v))
		return handle_l2_exit(v);
	if (irq_vid(v))
		irq_vid_after_run(v, vmcs_read(v, guest_intr_status));
	vmx_events_after_exit(v);
	return vmx_handle_exit(v);
}

static int result(struct nvmx_vcpu *v, enum nvmx_action action)
{
	int r = v->run_errno;

	v->run_errno = 0;
	if (action == NVMX_DEAD)
		return -EIO;
	v->stat.user_exits++;
	return r;
}

static int loop(struct nvmx_vcpu *v)
{
	enum nvmx_action action;
	int r;

	for (;;) {
		action = prepare(v);
		if (unlikely(action != NVMX_RESUME))
			return result(v, action);
		if (unlikely(v->mp_state != KVM_MP_STATE_RUNNABLE)) {
			vmx_wait_halted(v);
		} else if (!vmx_enter(v)) {
			v->stat.entries++;
			action = handle(v);
			if (action != NVMX_RESUME)
				return result(v, action);
		} else if (shares_vapic(v)) {
			irq_vapic_after_run(v);
		}
		if (unlikely(__xfer_to_guest_mode_work_pending())) {
			r = thread_work(v);
			if (r)
				return r;
		}
	}
}

/*
 * User space that does not let the vCPU run may want to save it, and the ABI has no place for an
 * interrupt that waits for L1 while L2 runs: L1 gets its exit now.
 */
static enum nvmx_action settle(struct nvmx_vcpu *v)
{
	bool blocked;

	if (!is_guest_mode(v) || !v->ev.irq.pending || v->mp_state != KVM_MP_STATE_RUNNABLE)
		return NVMX_RESUME;
	return nested_check_events(v, &blocked);
}

static int complete_and_loop(struct nvmx_vcpu *v)
{
	enum nvmx_action (*complete)(struct nvmx_vcpu *v) = v->complete;
	enum nvmx_action action;

	if (complete) {
		v->complete = NULL;
		action = complete(v);
		if (action != NVMX_RESUME)
			return result(v, action);
	}
	if (NVMX_IMMEDIATE_EXIT(v->run)) {
		action = settle(v);
		return action == NVMX_RESUME ? -EINTR : result(v, action);
	}
	v->run->exit_reason = KVM_EXIT_UNKNOWN;
	return loop(v);
}

/* The TPR is user space's to set while the APIC is there. */
static int take_user_fields(struct nvmx_vcpu *v)
{
	u64 cr8 = READ_ONCE(v->run->cr8);

	if (irq_in_kernel(v))
		return 0;
	if (cr8 > 15)
		return -EINVAL;
	v->cr8 = cr8;
	return 0;
}

static void leave_user_fields(struct nvmx_vcpu *v)
{
	v->run->flags = v->smm.active ? KVM_RUN_X86_SMM : 0;
	v->run->if_flag = vmx_if_flag_user(v);
	v->run->ready_for_interrupt_injection = vmx_irq_ready_user(v);
	v->run->cr8 = vmx_cr8(v);
	v->run->apic_base = v->apic_base;
}

int vmx_run(struct nvmx_vcpu *v)
{
	int r;

	lockdep_assert_held(&v->mutex);

	r = take_user_fields(v);
	if (r)
		return r;
	v->has_run = true;
	pv_run_begins(v);
	vmx_fpu_enter(v);
	r = complete_and_loop(v);
	vmx_fpu_leave(v);
	leave_user_fields(v);
	return r;
}
