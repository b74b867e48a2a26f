// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMLAUNCH and VMRESUME: from L1 to L2.
 *
 * In this order: fetch what L1 wrote through the shadow VMCS, take memory, check vmcs12, and only
 * then commit.  So a VMfail leaves no trace but its error number, and an entry failure none but
 * the exit that tells it.  What can fail after the commit is the VM-entry MSR-load list, and for
 * that the architecture has an exit of its own.
 * SDM "VM Entries" [sdm:entry]
 */
#include <linux/errno.h>
#include <linux/kvm.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/trace.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

/* Checks of registers that only L2's execution has changed need what is still in vmcs02. */
#define GROUPS_READ_RARE	(GROUP(GRP2) | GROUP(CPL) | GROUP(MODE) | GROUP(GRP1))

void nested_save_l1(struct nvmx_vcpu *v)
{
	struct l1_state *l1 = &v->nested->l1;

	l1->cr0 = vmx_cr0(v);
	l1->cr4 = vmx_cr4(v);
	l1->cr0_owned = v->cr0_owned;
	l1->cr4_owned = v->cr4_owned;
	l1->efer = v->efer;
	l1->pat = v->pat;
	l1->dr7 = v->dr7;
	l1->interruptibility = vmcs_read(v, guest_interruptibility_info);
	l1->exception_bitmap = vmx_exception_bitmap(v);
}

/*
 * EFER without its load control: LMA follows the entry control, and LME, too, where there is
 * paging.  SDM "Loading Guest Control Registers, Debug Registers, and MSRs" [sdm:load-guest-cr]
 */
static u64 entry_efer(const struct nvmx_vcpu *v, const struct vmcs12 *vmcs12, bool load)
{
	if (load && vmcs12_has(vmcs12, CTL_entry_load_efer))
		return vmcs12->guest_ia32_efer;
	if (vmcs12_has(vmcs12, CTL_ia32e_mode_guest))
		return v->efer | EFER_LMA | EFER_LME;
	if (vmcs12->guest_cr0 & X86_CR0_PG)
		return v->efer & ~(u64)(EFER_LMA | EFER_LME);
	return v->efer & ~(u64)EFER_LMA;
}

/* VM entries leave ET, CD and NW alone. */
static u64 entry_cr0(const struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	u64 kept = X86_CR0_ET | X86_CR0_CD | X86_CR0_NW;

	return (vmcs12->guest_cr0 & ~kept) | (v->nested->l1.cr0 & kept);
}

/*
 * The cached registers become L2's, as L1 sees them; vmcs02 follows from them.  An L2 that user
 * space restored in the middle of its run has got DR7, PAT and EFER by other ioctls.
 */
static void take_l2_registers(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12,
			      enum l2_cause cause)
{
	const struct l1_state *l1 = &v->nested->l1;
	bool load = cause == L2_ENTERED;

	v->efer = entry_efer(v, vmcs12, load);
	v->cr0 = entry_cr0(v, vmcs12);
	v->cr4 = vmcs12->guest_cr4;
	v->cr3 = vmcs12->guest_cr3;
	v->cr0_owned = l1->cr0_owned & ~vmcs12->cr0_guest_host_mask;
	v->cr4_owned = l1->cr4_owned & ~vmcs12->cr4_guest_host_mask;
	if (load && vmcs12_has(vmcs12, CTL_entry_load_debug))
		v->dr7 = vmcs12->guest_dr7;
	if (load && vmcs12_has(vmcs12, CTL_entry_load_pat))
		v->pat = vmcs12->guest_ia32_pat;
}

static void registers_are_known(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	v->rip = vmcs12->guest_rip;
	v->gpr[GPR_RSP] = vmcs12->guest_rsp;
	v->rflags = vmcs12->guest_rflags;
	v->regs_avail = LAZY_RIP | LAZY_RSP | LAZY_RFLAGS | LAZY_CR0 | LAZY_CR3 | LAZY_CR4;
	/* Single-stepping by user space: TF is hidden from L2 and set in hardware. */
	if (v->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		vmx_set_rflags(v, v->rflags);
	if ((v->nested->l1.cr4 ^ v->cr4) & X86_CR4_OSXSAVE)
		vmx_cpuid_runtime(v);
}

void nested_switch_to_l2(struct nvmx_vcpu *v, struct l2_context *c, enum l2_cause cause)
{
	take_l2_registers(v, c->vmcs12, cause);
	nested_prepare_vmcs02(v, c, cause);
	registers_are_known(v, c->vmcs12);
	nested_flush_at_entry(v, c);
	/* L1 may have been told that its entries flush the L1 data cache. */
	v->l1d_flush = true;
	v->stat.guest_mode = 1;
}

/* Hardware is not entered at all: nothing but the SIPI ends this, and that is an exit. */
static void wait_for_sipi(struct nvmx_vcpu *v)
{
	v->nested->run_pending = false;
	v->mp_state = KVM_MP_STATE_INIT_RECEIVED;
}

static struct vmx_result commit(struct nvmx_vcpu *v, struct l2_context *c, bool launch)
{
	const struct vmcs12 *vmcs12 = c->vmcs12;
	u32 failed;

	nested_switch_to_l2(v, c, L2_ENTERED);
	v->nested->run_pending = true;
	failed = nested_load_msrs(v, vmcs12->vm_entry_msr_load_addr,
				  vmcs12->vm_entry_msr_load_count);
	if (failed)
		return entry_failed(EXIT_msr_load_failure, failed);
	nested_timer_start(v, vmcs12);
	if (vmcs12->guest_activity_state == ACTIVITY_WAIT_SIPI)
		wait_for_sipi(v);
	trace_nvmx_nested_entry(v->id, c->pa, vmcs12->guest_rip, launch);
	return (struct vmx_result){ .kind = VMX_ENTERED };
}

static struct vmx_result no_memory(struct nvmx_vcpu *v)
{
	vmx_internal_error(v, KVM_INTERNAL_ERROR_EMULATION, 0, NULL);
	return (struct vmx_result){ .kind = VMX_HANDED_OVER };
}

/* Nothing may fail after this and before the commit: the context is held for L2. */
static struct vmx_result take_shadow(struct nvmx_vcpu *v, const struct l2_context *c)
{
	switch (nested_link(v, c->vmcs12)) {
	case 0:
		return vm_succeed();
	case -ENOMEM:
		return no_memory(v);
	default:
		return entry_failed(EXIT_invalid_guest_state, ENTRY_FAIL_LINK);
	}
}

static struct vmx_result refuse(const struct nvmx_check *failed)
{
	switch (failed->stage) {
	case STAGE_CTRL:
		return vm_fail(VMXERR_ENTRY_CONTROL);
	case STAGE_HOST:
		return vm_fail(VMXERR_ENTRY_HOST);
	default:
		return entry_failed(EXIT_invalid_guest_state, failed->outcome);
	}
}

/* All that can fail before the commit.  It looks at the copy and at memory, never at a VMCS. */
static struct vmx_result judge(struct nvmx_vcpu *v, struct l2_context *c)
{
	u32 mode = nested_check_mode(c->vmcs12);
	u32 groups = nested_unchecked(c, mode);
	const struct nvmx_check *failed;

	if (groups & GROUPS_READ_RARE)
		nested_sync_rare(v, c);
	failed = nested_check_entry(v, c->vmcs12, groups);
	if (failed)
		return refuse(failed);
	nested_checked(c, mode);
	if (nested_context_ready(v, c) || nested_find_ept02(v, c))
		return no_memory(v);
	return take_shadow(v, c);
}

/*
 * nested_shadow_pull_for_entry() may have made vmcs02 current: it had to leave vmcs01 for the
 * shadow VMCS, and nearly every entry succeeds.  That is no commit: vmcs02 was not written.
 */
struct vmx_result nested_enter(struct nvmx_vcpu *v, bool launch)
{
	struct l2_context *c = v->nested->current12;
	struct vmx_result r;

	nested_save_l1(v);
	nested_shadow_pull_for_entry(v, c);
	r = judge(v, c);
	if (r.kind == VMX_DONE)
		return commit(v, c, launch);
	vmcs_switch(v, v->vmcs01);
	return r.kind == VMX_FAIL ? nested_fail(v, r.code) : r;
}

static void read_l1_again(struct nvmx_vcpu *v, struct l2_context *c)
{
	c->pages.gen = NESTED_NO_GEN;
	nested_merge_msr_bitmap(v, c);
	nested_doubt_tables(v);
}

/*
 * What may have changed between the entry that L1 asked for and hardware's: settings of the host,
 * or L0's own tables.
 */
enum nvmx_action nested_before_entry(struct nvmx_vcpu *v)
{
	struct l2_context *c = v->nested->current12;
	enum nvmx_action action;

	if (!is_guest_mode(v))
		return NVMX_RESUME;
	nested_update_eptp02(v, c);
	if (unlikely(v->nested->timer_start != TIMER_RUNS))
		nested_timer_restored(v);
	if (vcpu_take_request(v, REQ_NESTED_PAGES))
		read_l1_again(v, c);
	action = nested_find_pages(v, c);
	if (action != NVMX_RESUME)
		return action;
	if (vmx_exception_bitmap(v) != v->nested->l1.exception_bitmap)
		nested_update_l0_rows(v, c);
	if (c->hw->msr_policy != v->nested->msr_policy)
		nested_merge_msr_bitmap(v, c);
	if (c->flush)
		nested_flush_at_entry(v, c);
	return NVMX_RESUME;
}

/* The event of the entry was delivered, or its delivery was interrupted and run.c has it. */
void nested_after_entry(struct nvmx_vcpu *v)
{
	if (!v->nested->run_pending)
		return;
	v->nested->run_pending = false;
	v->stat.nested_run++;
}

void nested_tsc_changed(struct nvmx_vcpu *v)
{
	if (!is_guest_mode(v))
		return;
	nested_update_l0_rows(v, v->nested->current12);
	nested_timer_recheck(v);
}
