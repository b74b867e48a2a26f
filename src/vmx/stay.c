// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a stay in the guest lasts at most: hardware's VMX-preemption timer, which is L0's own,
 * also in L2.
 *
 * A value of 0 ends the stay before its first instruction.  Otherwise the stay ends with the first
 * of the guest's timers that hardware watches: the deadline of L1's APIC timer and, in L2, L1's
 * VMX-preemption timer.  Their ends are times of the host's TSC, and only an end that is near costs
 * a VMWRITE at each entry.  A vCPU that does not run needs none of it, since the next entry finds
 * what has ended; only one that sleeps until then needs a timer of the host.
 *
 * Bochs 2.7 leaves host interrupts masked after an entry with RFLAGS.IF=0, so that a guest that
 * spins so would stop the host's clock, but not the timer: there each stay is bounded.
 *
 * As exits do not save its value, each entry starts it afresh from what was written last.
 */
#include <linux/bits.h>
#include <linux/minmax.h>
#include <linux/types.h>
#include <asm/msr.h>

#include <nvmx/irq.h>
#include <nvmx/nested.h>

#include "exit.h"
#include "vmx_int.h"

/* Less than a tick of the host's clock. */
#define BOUND_TICKS	BIT_ULL(20)
/* Ends that are further away come nearer without a write; an exit for nothing is rare. */
#define LONGEST_TICKS	BIT_ULL(26)

static u64 first_end(const struct nvmx_vcpu *v)
{
	u64 end = v->timer_end.apic;

	return is_guest_mode(v) ? min(end, v->timer_end.l1) : end;
}

/* The first of hardware's steps is shorter than the others. */
static u32 timer_value(u64 ticks)
{
	return (ticks >> vmx_caps.timer_shift) + 1;
}

static u32 value_until(u64 end, u64 longest)
{
	u64 now = rdtsc();

	return end <= now ? 0 : timer_value(min(end - now, longest));
}

static u32 timer_wanted(const struct nvmx_vcpu *v)
{
	u64 end = first_end(v);

	if (!vmx_caps.preemption_timer)
		return VMCS_NO_TIMER;
	if (unlikely(v->ev.immediate_exit))
		return 0;
	if (likely(end == VMX_NO_END))
		return vmx_if_erratum ? timer_value(BOUND_TICKS) : VMCS_NO_TIMER;
	return value_until(end, vmx_if_erratum ? BOUND_TICKS : LONGEST_TICKS);
}

void vmx_bound_stay(struct nvmx_vcpu *v)
{
	struct vmcs *cur = v->cur;
	u32 timer = timer_wanted(v);

	if (timer != VMCS_NO_TIMER)
		vmcs_ctl_set(v, cur, CTL_preemption_timer);
	if (likely(cur->timer == timer))
		return;
	cur->timer = timer;
	if (timer == VMCS_NO_TIMER)
		vmcs_ctl_clear(v, cur, CTL_preemption_timer);
	else
		vmcs_write(v, vmx_preemption_timer_value, timer);
}

/* Within a step of hardware it may be that an exit tells of the end. */
static u64 now_or_soon(void)
{
	return rdtsc() + BIT(vmx_caps.timer_shift);
}

bool vmx_timer_ended(const struct nvmx_vcpu *v)
{
	return first_end(v) <= now_or_soon();
}

void vmx_look_at_timers(struct nvmx_vcpu *v)
{
	u64 now = now_or_soon();

	if (v->timer_end.apic <= now)
		irq_timer_ended(v);
	if (is_guest_mode(v) && v->timer_end.l1 <= now)
		nested_timer_ended(v);
}

void vmx_timers_to_host(struct nvmx_vcpu *v)
{
	if (v->timer_end.apic != VMX_NO_END)
		irq_timer_to_host(v);
	if (is_guest_mode(v) && v->timer_end.l1 != VMX_NO_END)
		nested_timer_to_host(v);
}

enum nvmx_action exit_preemption_timer(struct nvmx_vcpu *v)
{
	vmx_look_at_timers(v);
	return NVMX_RESUME;
}
