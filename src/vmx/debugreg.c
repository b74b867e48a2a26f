// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers around an entry.
 *
 * DR7 is in the VMCS; DR0-3 and DR6 are not.  MOV DR exits, so the guest's values are in the vCPU,
 * and hardware has DR0-3 only while one of them is enabled in the DR7 of the VMCS.  #DB exits,
 * too, and reports what DR6 would get: hardware's DR6 is never the guest's.
 */
#include <linux/hw_breakpoint.h>
#include <asm/debugreg.h>

#include "vmx_int.h"

#define DR7_ENABLED	(DR_GLOBAL_ENABLE_MASK | DR_LOCAL_ENABLE_MASK)

/* DR0-3 that the entry needs; NULL: no breakpoint is enabled. */
static const u64 *breakpoints(const struct nvmx_vcpu *v)
{
	if (unlikely(v->guest_debug & KVM_GUESTDBG_USE_HW_BP))
		return v->guest_debug_dr7 & DR7_ENABLED ? v->guest_debug_dr : NULL;
	return v->dr7 & DR7_ENABLED ? v->dr : NULL;
}

void vmx_debugreg_load(struct nvmx_vcpu *v)
{
	const u64 *dr = breakpoints(v);

	if (likely(!dr))
		return;
	/* The host's enables must not meet the guest's addresses. */
	set_debugreg(0ul, 7);
	set_debugreg((unsigned long)dr[0], 0);
	set_debugreg((unsigned long)dr[1], 1);
	set_debugreg((unsigned long)dr[2], 2);
	set_debugreg((unsigned long)dr[3], 3);
}

/* Every exit turns DR7 off. */
void vmx_debugreg_after(void)
{
	if (unlikely(hw_breakpoint_active()))
		hw_breakpoint_restore();
}
