// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM exit from L2 to L1.
 *
 * Capture L2's state and the exit's information in vmcs12, make vmcs01 current, and load L1's state
 * from the HOST rows.  What L1's exit handlers nearly always look at is captured at once; the rest
 * stays in vmcs02 (->rare_stale) until L1, or its memory, needs it, which is mostly never: at the
 * next entry vmcs02 still has it.
 * SDM "VM Exits" [sdm:exit]
 */
#include <linux/bitmap.h>
#include <linux/kvm.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/mmu.h>
#include <nvmx/trace.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

/* ---- capture ---- */

/* RIP, RSP and RFLAGS may have been read, or changed, since the exit. */
static __always_inline u64 read_hot(struct nvmx_vcpu *v, enum hw_row row, u32 enc)
{
	switch (row) {
	case HW_guest_rip:
		return vmx_rip(v);
	case HW_guest_rsp:
		return vmx_rsp(v);
	case HW_guest_rflags:
		return vmx_rflags(v);
	default:
		return hw_read(v, enc);
	}
}

/* Rows as ->known has them: constants, once the generators are expanded. */
struct row_set {
	unsigned long words[BITS_TO_LONGS(NR_HW_ROWS)];
};

static __always_inline void add_row(struct row_set *set, enum hw_row row)
{
	set->words[BIT_WORD(row)] |= BIT_MASK(row);
}

static_assert(BITS_TO_LONGS(NR_HW_ROWS) == 3);

static __always_inline void know_rows(struct l2_hardware *hw, const struct row_set *set)
{
	hw->known[0] |= set->words[0];
	hw->known[1] |= set->words[1];
	hw->known[2] |= set->words[2];
}

static __always_inline void forget_rows(struct l2_hardware *hw, const struct row_set *set)
{
	hw->known[0] &= ~set->words[0];
	hw->known[1] &= ~set->words[1];
	hw->known[2] &= ~set->words[2];
}

/* Each generator is one expression: a list of what its rows do. */
#define ROW_COPY(...)
#define ROW_INFO(...)
#define ROW_HOST(...)
#define ROW_ADDR(...)
#define ROW_MERGE(...)
#define ROW_L0(...)
#define ROW_SYNC(name, offset, size, hot)					\
	, (hot) ? (set12(vmcs12, offset, size, hw->value[HW_##name] =		\
			 read_hot(v, HW_##name, VMCS_##name)), add_row(&read, HW_##name)) : \
		  add_row(&left, HW_##name)

/* L2 may have changed any SYNC row: read the hot ones, know nothing of the others. */
static void capture_sync(struct nvmx_vcpu *v, struct l2_context *c)
{
	struct row_set read = {}, left = {};
	struct vmcs12 *vmcs12 = c->vmcs12;
	struct l2_hardware *hw = c->hw;

	(void)0
#define NVMX_FIELD(name, enc, type, offset, flow, shadow, group, when)		\
	ROW_##flow(name, offset, SIZE12(type), IS_HOT(shadow, group))
#include <nvmx/vmcs_fields.h>
#undef NVMX_FIELD
	;
	know_rows(hw, &read);
	forget_rows(hw, &left);
	c->rare_stale = true;
}

#undef ROW_SYNC
#define ROW_SYNC(name, offset, size, hot)					\
	, (hot) ? (void)0 :							\
		  (set12(vmcs12, offset, size,					\
			 read_one(v, hw, HW_##name, VMCS_##name)),		\
		   add_row(&read, HW_##name))

/* No @hw: L2 lives on, and what is read now will be known no longer at its next exit. */
static __always_inline u64 read_one(struct nvmx_vcpu *v, struct l2_hardware *hw, enum hw_row row,
				    u32 enc)
{
	u64 val = hw_read(v, enc);

	if (hw)
		hw->value[row] = val;
	return val;
}

static __always_inline void read_rare(struct nvmx_vcpu *v, struct vmcs12 *vmcs12,
				      struct l2_hardware *hw)
{
	struct row_set read = {};

	(void)0
#define NVMX_FIELD(name, enc, type, offset, flow, shadow, group, when)		\
	ROW_##flow(name, offset, SIZE12(type), IS_HOT(shadow, group))
#include <nvmx/vmcs_fields.h>
#undef NVMX_FIELD
	;
	if (hw)
		know_rows(hw, &read);
}

#undef ROW_COPY
#undef ROW_SYNC
#undef ROW_INFO
#undef ROW_HOST
#undef ROW_ADDR
#undef ROW_MERGE
#undef ROW_L0

void nested_sync_rare(struct nvmx_vcpu *v, struct l2_context *c)
{
	struct vmcs *back = v->cur;

	if (!c->rare_stale)
		return;
	if (back == c->vmcs02) {
		read_rare(v, c->vmcs12, NULL);
		return;		/* they go on changing */
	}
	vmcs_switch(v, c->vmcs02);
	read_rare(v, c->vmcs12, c->hw);
	vmcs_switch(v, back);
	c->rare_stale = false;
}

/* Bits that L0 wrote for L2 are in the read shadow, too, which is then not what entry wrote. */
static void capture_control_registers(struct nvmx_vcpu *v, struct l2_context *c)
{
	struct vmcs12 *vmcs12 = c->vmcs12;

	vmcs12->guest_cr0 = vmx_cr0(v);
	vmcs12->guest_cr3 = vmx_cr3(v);
	vmcs12->guest_cr4 = vmx_cr4(v);
	hw_set(c, HW_guest_cr0, vmx_hardware_cr0(v->cr0));
	hw_set(c, HW_guest_cr3, v->cr3);
	hw_set(c, HW_guest_cr4, vmx_hardware_cr4(v->cr4));
	if ((v->cr0 ^ c->hw->cr0) & ~v->cr0_owned)
		hw_forget(c, HW_cr0_read_shadow);
	if ((v->cr4 ^ c->hw->cr4) & ~v->cr4_owned)
		hw_forget(c, HW_cr4_read_shadow);
}

/* Without EPT in vmcs12 the fields do not exist for L1, and each entry loads them from memory. */
static void capture_pdptes(struct nvmx_vcpu *v, struct l2_context *c)
{
	struct row_set pdptes = {};

	if (nested_pae_paging(v) && vmcs12_has(c->vmcs12, CTL_ept)) {
		c->vmcs12->guest_pdptr0 = hw_get(v, c, guest_pdptr0);
		c->vmcs12->guest_pdptr1 = hw_get(v, c, guest_pdptr1);
		c->vmcs12->guest_pdptr2 = hw_get(v, c, guest_pdptr2);
		c->vmcs12->guest_pdptr3 = hw_get(v, c, guest_pdptr3);
		return;
	}
	add_row(&pdptes, HW_guest_pdptr0);
	add_row(&pdptes, HW_guest_pdptr1);
	add_row(&pdptes, HW_guest_pdptr2);
	add_row(&pdptes, HW_guest_pdptr3);
	forget_rows(c->hw, &pdptes);
}

/* L0 sees each write of these, and has put it where hardware takes it from. */
static void capture_debug_and_msrs(struct nvmx_vcpu *v, struct l2_context *c)
{
	struct vmcs12 *vmcs12 = c->vmcs12;

	if (vmcs12_has(vmcs12, CTL_exit_save_debug)) {
		vmcs12->guest_dr7 = v->dr7;
		vmcs12->guest_ia32_debugctl = 0;
	}
	hw_set(c, HW_guest_dr7, nested_hardware_dr7(v));
	if (vmcs12_has(vmcs12, CTL_exit_save_efer))
		vmcs12->guest_ia32_efer = v->efer;
	if (vmcs12_has(vmcs12, CTL_exit_save_pat))
		vmcs12->guest_ia32_pat = v->pat;
	hw_set(c, HW_guest_ia32_efer, v->efer);
	hw_set(c, HW_guest_ia32_pat, v->pat);
}

static void capture_intr_status(struct nvmx_vcpu *v, struct l2_context *c)
{
	u16 status = hw_get(v, c, guest_intr_status);

	c->vmcs12->guest_intr_status = (status & ~GUEST_INTR_RVI) | nested_rvi(c, status);
}

static void capture_rest(struct nvmx_vcpu *v, struct l2_context *c)
{
	const u32 ia32e = CTL_MASK(CTL_ia32e_mode_guest);
	struct vmcs12 *vmcs12 = c->vmcs12;

	/* HLT exits, so that L2 is in that state only if L1 put it there. Wait-for-SIPI stays. */
	if (vmcs12->guest_activity_state == ACTIVITY_HLT)
		vmcs12->guest_activity_state = hw_get(v, c, guest_activity_state);
	vmcs12->vm_entry_controls &= ~ia32e;
	vmcs12->vm_entry_controls |= c->vmcs02->ctl[CTLW_ENTRY] & ia32e;
	if (vmcs12_has(vmcs12, CTL_preemption_timer) &&
	    vmcs12_has(vmcs12, CTL_exit_save_preemption_timer))
		vmcs12->vmx_preemption_timer_value = nested_timer_remaining(v);
	if (vmcs12_has(vmcs12, CTL_virtual_interrupt_delivery))
		capture_intr_status(v, c);
}

/* An event that was written for an entry which did not happen must not wait in vmcs02. */
void nested_withdraw_event(struct nvmx_vcpu *v)
{
	if (!v->ev.written && !v->nested->run_pending)
		return;
	vmcs_write(v, vm_entry_intr_info_field, 0);
	v->ev.written = false;
}

void nested_capture(struct nvmx_vcpu *v, struct l2_context *c)
{
	vmx_regs_flush(v);
	capture_sync(v, c);
	if (v->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		hw_forget(c, HW_guest_rflags);
	capture_control_registers(v, c);
	capture_pdptes(v, c);
	capture_debug_and_msrs(v, c);
	capture_rest(v, c);
	/* Hardware ran with this state, so it is a legal one. */
	if (!c->unchecked)
		c->checked_mode = nested_check_mode(c->vmcs12);
	c->stale = true;
}

/* ---- the exit ---- */

u32 nested_return_to_l1(struct nvmx_vcpu *v, struct l2_context *c)
{
	struct nested_vcpu *n = v->nested;

	nested_timer_stop(v);
	n->run_pending = false;
	n->mtf_pending = false;
	v->frames.used = false;
	nested_unlink(v);
	nested_shadow_push(v, c);
	v->cr0_owned = n->l1.cr0_owned;
	v->cr4_owned = n->l1.cr4_owned;
	nested_flush_at_exit(v, c);
	v->stat.guest_mode = 0;
	return nested_load_l1(v, c->vmcs12);
}

/*
 * The end of L1: its processor shuts down, with the reason in the VMCS region in memory.
 * SDM "VMX Aborts" [sdm:abort]
 */
static void vmx_abort(struct nvmx_vcpu *v, struct l2_context *c, u32 indicator)
{
	c->vmcs12->abort = indicator;
	if (c->pa != NESTED_NO_PA)
		mmu_write(v->vm, c->pa + offsetof(struct vmcs12, abort), &indicator,
			  sizeof(indicator));
	vmx_triple_fault(v);
}

/* Load L1's state and then its MSRs; an error in either, or before, is an abort. */
static enum nvmx_action finish(struct nvmx_vcpu *v, struct l2_context *c, u32 abort)
{
	const struct vmcs12 *vmcs12 = c->vmcs12;
	u32 failed;

	nested_flush_link(v);
	if (unlikely(c->evmcs))
		nested_evmcs_exit(v, c);
	failed = nested_return_to_l1(v, c);
	if (!abort)
		abort = failed;
	if (!abort && nested_load_msrs(v, vmcs12->vm_exit_msr_load_addr,
				       vmcs12->vm_exit_msr_load_count))
		abort = ABORT_MSR_LOAD;
	if (abort)
		vmx_abort(v, c, abort);
	return NVMX_RESUME;
}

static enum nvmx_action complete_exit(struct nvmx_vcpu *v, struct l2_context *c)
{
	struct vmcs12 *vmcs12 = c->vmcs12;
	u32 abort = 0;

	nested_save_vectoring(v, vmcs12);
	vmcs12->vm_entry_intr_info_field &= ~EVT_VALID;
	vmcs12->launch_state = 1;
	v->stat.nested_exits++;
	trace_nvmx_nested_exit(v->id, vmcs12->vm_exit_reason, vmcs12->exit_qualification,
			       vmcs12->vm_exit_intr_info, vmcs12->guest_rip);
	if (nested_store_msrs(v, vmcs12->vm_exit_msr_store_addr, vmcs12->vm_exit_msr_store_count))
		abort = ABORT_MSR_STORE;
	return finish(v, c, abort);
}

/*
 * VM-entry failure: the exit that saves nothing.  Neither guest state nor the other exit
 * information changes, and the event to inject stays valid.
 * SDM "VM-Entry Failures During or After Loading Guest State" [sdm:entry-failure]
 */
static enum nvmx_action entry_failure(struct nvmx_vcpu *v, u32 reason, u64 qual)
{
	struct l2_context *c = v->nested->current12;

	c->vmcs12->vm_exit_reason = reason;
	c->vmcs12->exit_qualification = qual;
	c->stale = true;
	v->stat.nested_entry_failed++;
	trace_nvmx_nested_exit(v->id, reason, qual, 0, c->vmcs12->guest_rip);
	if (is_guest_mode(v))
		nested_withdraw_event(v);
	else
		nested_save_l1(v);
	return finish(v, c, 0);
}

/* Exit information of hardware; fields without a meaning for this exit keep what they had. */
static void store_info(struct vmcs12 *vmcs12, const struct exit_info *exit)
{
	vmcs12->vm_exit_reason = exit->reason;
	vmcs12->exit_qualification = exit->valid & EXIT_VALID_Q ? exit->qual : 0;
	vmcs12->vm_exit_intr_info = exit->valid & EXIT_VALID_E ? exit->intr_info : 0;
	if (vmcs12->vm_exit_intr_info & EVT_HAS_CODE)
		vmcs12->vm_exit_intr_error_code = exit->intr_error;
	if (exit->valid & EXIT_VALID_L)
		vmcs12->vm_exit_instruction_len = exit->insn_len;
	if (exit->valid & EXIT_VALID_I)
		vmcs12->vmx_instruction_info = exit->insn_info;
	if (exit->valid & EXIT_VALID_A)
		vmcs12->guest_linear_address = exit->gla;
	if (exit->valid & EXIT_VALID_G)
		vmcs12->guest_physical_address = exit->gpa;
}

enum nvmx_action nested_reflect(struct nvmx_vcpu *v)
{
	struct l2_context *c = v->nested->current12;

	if (v->exit.reason & EXIT_ENTRY_FAILURE)
		return entry_failure(v, v->exit.reason, v->exit.qual);
	nested_withdraw_event(v);
	nested_capture(v, c);
	store_info(c->vmcs12, &v->exit);
	return complete_exit(v, c);
}

enum nvmx_action nested_reflect_synthetic(struct nvmx_vcpu *v, u32 reason, u64 qual,
					  u32 intr_info, u32 intr_error)
{
	struct l2_context *c = v->nested->current12;
	struct vmcs12 *vmcs12 = c->vmcs12;

	if (reason & EXIT_ENTRY_FAILURE)
		return entry_failure(v, reason, qual);
	nested_withdraw_event(v);
	nested_capture(v, c);
	vmcs12->vm_exit_reason = reason;
	vmcs12->exit_qualification = qual;
	vmcs12->vm_exit_intr_info = intr_info;
	if (intr_info & EVT_HAS_CODE)
		vmcs12->vm_exit_intr_error_code = intr_error;
	if (reason == EXIT_ept_violation || reason == EXIT_ept_misconfig) {
		vmcs12->guest_physical_address = v->exit.gpa;
		if (qual & EPTQ_GVA_VALID)
			vmcs12->guest_linear_address = v->exit.gla;
	}
	return complete_exit(v, c);
}
