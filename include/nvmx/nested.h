/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Door of src/nested, the architecture: what L1 believes is its CPU.
 *
 * Context: process, v->mutex held, vCPU loaded, unless it says otherwise.
 */
#ifndef NVMX_NESTED_H
#define NVMX_NESTED_H

#include <linux/kvm.h>
#include <nvmx/fields.h>
#include <nvmx/types.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

struct nvmx_nested_verdict;

enum nested_owner { OWNER_L0, OWNER_L1 };

int nested_module_init(void);			/* shadow bitmaps, field lookup; after vmx_caps */
void nested_module_exit(void);
int nested_vcpu_init(struct nvmx_vcpu *v);	/* sets v->nested; 0, -ENOMEM */
void nested_vcpu_free(struct nvmx_vcpu *v);	/* leaves L2, frees every VMCS */

/* One VMX instruction of L1 (table 3's vmx_insn rows): v->exit says which. */
struct vmx_result nested_handle_insn(struct nvmx_vcpu *v);

/* Who owns the exit in v->exit, taken from L2? Changes nothing. */
enum nested_owner nested_route(struct nvmx_vcpu *v);

/* The exit in v->exit goes to L1: vmcs12 is filled, vmcs01 is current again. */
enum nvmx_action nested_reflect(struct nvmx_vcpu *v);

/* The same for an exit that hardware did not make (an event L1 intercepts, an EPT fault). */
enum nvmx_action nested_reflect_synthetic(struct nvmx_vcpu *v, u32 reason, u64 qual,
					  u32 intr_info, u32 intr_error);

/* EPT violation or misconfiguration while L2 runs, from v->exit.  May reflect. Also tells which
 * L1-physical address to emulate: returns MMIO in *mmio_gpa with *is_mmio.
 */
enum nvmx_action nested_ept_fault(struct nvmx_vcpu *v, bool *is_mmio, u64 *mmio_gpa);

/* L2's second translation for software walks; plugs into struct mmu_paging (ctx = v). */
int nested_translate(void *ctx, u64 ngpa, u32 access, bool is_table, u64 *gpa,
		     struct nvmx_fault *f);
bool nested_has_ept(struct nvmx_vcpu *v);	/* current vmcs12 uses EPT */

/*
 * Events while in L2, in the order of table 5: called by vmx_events_before_entry() first.
 * *blocked is set where an entry or a re-injection is in flight and nothing may be taken now.
 * Reflects at most one exit; after that is_guest_mode() is false.
 */
enum nvmx_action nested_check_events(struct nvmx_vcpu *v, bool *blocked);
bool nested_run_pending(struct nvmx_vcpu *v);	/* VMLAUNCH accepted, L2 not entered yet */
void nested_timer_ended(struct nvmx_vcpu *v);	/* v->timer_end.l1 was reached */
void nested_timer_to_host(struct nvmx_vcpu *v);	/* the thread is about to sleep in L2 */
bool nested_wakes(struct nvmx_vcpu *v);	/* L2 is halted: something ends that */
/* An exit to L1 was blocked: the next entry is to end before L2's first instruction. */
bool nested_exit_waits(struct nvmx_vcpu *v);
bool nested_exit_is_due(struct nvmx_vcpu *v);	/* or would be, if nothing was in delivery */
void nested_insn_done(struct nvmx_vcpu *v);	/* L0 finished an instruction of L2 */
/* Would L1 take this away from L2?  (exception bitmap and #PF mask; pin-based controls) */
bool nested_intercepts_exception(struct nvmx_vcpu *v, u8 vector, u32 code);
bool nested_intercepts_irq(struct nvmx_vcpu *v);
bool nested_intercepts_nmi(struct nvmx_vcpu *v);
/* Before an instruction of L2 is emulated by L0: port I/O of L2 that L1 intercepts */
bool nested_intercepts_io(struct nvmx_vcpu *v, u16 port, u32 size);

/* Last thing before an entry with irqs on: L1's pages for hardware, timers, MSR bitmap. */
enum nvmx_action nested_before_entry(struct nvmx_vcpu *v);
/* vmx_vid_erratum only. Irqs are off, and the frames in vmcs02 are L1's until they are on again. */
void nested_deliver_by_hand(struct nvmx_vcpu *v);
/* Hardware VMfailed the entry to L2 for a cause that is no bug, and that is gone now: try again. */
bool nested_entry_may_be_refused(struct nvmx_vcpu *v);
void nested_after_entry(struct nvmx_vcpu *v);	/* first thing after a successful entry to L2 */

/* Leave L2 and, with off, VMX operation: the one unwind. No exit information reaches L1. */
void nested_leave(struct nvmx_vcpu *v, bool off);

/* ---- what L1 writes and reads outside VMX instructions ---- */
bool nested_is_vmx_msr(u32 msr);
int nested_get_msr(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by);
int nested_set_msr(struct nvmx_vcpu *v, u32 msr, u64 val);	/* by the host only */
int nested_get_feature_msr(u32 msr, u64 *val);
/*
 * IA32_FEATURE_CONTROL, kept in v->feature_control: WRMSR by L1 (locked or reserved bits: -EINVAL),
 * and a write by the host, where 0 is a reset and leaves VMX operation.
 */
int nested_wrmsr_feature_control(struct nvmx_vcpu *v, u64 val);
int nested_host_feature_control(struct nvmx_vcpu *v, u64 val);
bool nested_vmxon(const struct nvmx_vcpu *v);		/* L1 is in VMX operation */
/* CR bits L1 may set while in VMX operation (fixed bits); true: legal */
bool nested_cr0_valid(const struct nvmx_vcpu *v, u64 cr0);
bool nested_cr4_valid(const struct nvmx_vcpu *v, u64 cr4);
/* MOV to CR0/CR4/CLTS/LMSW by L2 that L1 does not intercept: the value L2's real register gets */
u64 nested_merge_cr0(struct nvmx_vcpu *v, u64 val);
u64 nested_merge_cr4(struct nvmx_vcpu *v, u64 val);
u64 nested_read_cr0(struct nvmx_vcpu *v);	/* what MOV from CR0 shows L2 */
u64 nested_read_cr4(struct nvmx_vcpu *v);
void nested_tsc_changed(struct nvmx_vcpu *v);	/* L1's offset or ratio moved: redo vmcs02's */
void nested_msr_policy_changed(struct nvmx_vcpu *v);	/* vmcs01's bitmap changed: merge again */
void nested_cpuid_changed(struct nvmx_vcpu *v);	/* or v->evmcs */
/* REQ_EVMCS: the page of an enlightened VMCS that user space has restored */
enum nvmx_action nested_serve_evmcs(struct nvmx_vcpu *v);

/* ---- smm.c ---- */
struct smm_state;
void nested_enter_smm(struct nvmx_vcpu *v);	/* leaves L2 and VMX operation, to come back */
int nested_leave_smm(struct nvmx_vcpu *v, const struct smm_state *s);
bool nested_smm_vmxon(const struct nvmx_vcpu *v);	/* RSM returns to VMX operation */
bool nested_smm_has_l2(const struct nvmx_vcpu *v);	/* RSM returns to L2 */

/* ---- KVM_GET/SET_NESTED_STATE ---- */
u32 nested_state_size(void);			/* KVM_CHECK_EXTENSION; 0 until it is finished */
int nested_get_state(struct nvmx_vcpu *v, struct kvm_nested_state __user *user);
int nested_set_state(struct nvmx_vcpu *v, const struct kvm_nested_state __user *user);
/* Would it be taken now?  And what was wrong with the last one: NVMX_CHECK_NESTED_STATE etc. */
void nested_try_state(struct nvmx_vcpu *v, const struct kvm_nested_state __user *user,
		      struct nvmx_nested_verdict *verdict);
void nested_last_verdict(const struct nvmx_vcpu *v, struct nvmx_nested_verdict *verdict);

#endif
