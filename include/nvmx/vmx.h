/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Door of src/vmx, the machine: VMCSs, registers, events, MSRs and the run loop.
 *
 * Context of everything that takes a vCPU, unless it says otherwise: process context, v->mutex
 * held.  "Loaded" means between vmx_load() and vmx_put(): the vCPU's VMCS is this CPU's current
 * one; the preempt notifier keeps that true across scheduling.
 */
#ifndef NVMX_VMX_H
#define NVMX_VMX_H

#include <linux/kvm.h>
#include <nvmx/arch.h>
#include <nvmx/fields.h>
#include <nvmx/types.h>
#include <nvmx/vcpu.h>

/* ---- main.c: module parameters that other rooms read ---- */
extern bool vmx_kvm_node;	/* the node is named "kvm", too */
extern bool vmx_vid_erratum;	/* virtual interrupts are delivered by hand */
extern bool vmx_nested_posted;	/* L1 is offered posted interrupts */
extern bool vmx_watch_timers;	/* hardware watches a guest's timers while it runs: stay.c */

/* ---- caps.c: what the CPU can do; read-only after init ---- */
struct vmx_caps {
	u32 revision;
	u64 basic, misc, ept_vpid;
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	u32 allowed0[NR_CTL_WORDS];	/* must be 1 (TRUE MSRs where there are) */
	u32 allowed1[NR_CTL_WORDS];	/* may be 1 */
	u32 base[NR_CTL_WORDS];		/* vmcs01's initial words */
	bool vpid, invvpid_single, invept_single, ept_ad, ept_2m, ept_1g, ept_xo, ept_5level;
	bool shadow_vmcs, preemption_timer, tsc_scaling, xsaves, rdtscp, invpcid, mtf;
	bool vid, posts;		/* virtual-interrupt delivery for L1; posted interrupts */
	u8 timer_shift;			/* preemption timer rate: TSC >> shift */
};

extern struct vmx_caps vmx_caps;

static inline bool vmx_cpu_has(enum vmx_ctl ctl)
{
	return vmx_caps.allowed1[CTL_WORD(ctl)] & CTL_MASK(ctl);
}

/* ---- cpu.c: VMX operation of the physical CPUs, held while a VM exists ---- */
int vmx_cpus_get(void);		/* 0, -EBUSY (another user of VMX), -EIO */
void vmx_cpus_put(void);

/* ---- vmcs.c ---- */
enum vmcs_kind { VMCS_01, VMCS_02, VMCS_SHADOW };

/*
 * ctl[] is what the VMCS holds or will hold at its next load: a word written while the VMCS is
 * not current is flushed by vmcs_switch().  Equal values are not written.
 */
struct vmcs {
	u64 pa;
	void *region;
	struct list_head node;		/* [i] on the loaded list of ->cpu */
	int cpu;			/* [i] where it is active, -1: nowhere */
	enum vmcs_kind kind;
	bool launched;
	u32 timer;			/* VMX-preemption timer value that L0 wrote; ~0: none */
	u8 ctl_dirty;			/* bit per word */
	u32 ctl[NR_CTL_WORDS];
	struct nvmx_vcpu *owner;
	struct vmcs *link;		/* shadow VMCS that its link pointer names, or NULL */
	struct {			/* what the host-state area holds, to skip equal writes */
		u64 fs_base, gs_base, cr3, cr4, rsp;
		u16 fs_sel, gs_sel;
		int cpu;		/* whose TR, GDTR and SYSENTER_ESP; -1: nobody's */
	} host;
};

struct vmcs *vmcs_alloc(struct nvmx_vcpu *v, enum vmcs_kind kind);
void vmcs_free(struct vmcs *vmcs);	/* VMCLEARs it wherever it is active; NULL is fine */
void vmcs_init_l0(struct nvmx_vcpu *v, struct vmcs *vmcs); /* current: L0's constant fields */
void vmcs_switch(struct nvmx_vcpu *v, struct vmcs *to);	/* makes it v->cur; loaded */

/*
 * Reach into a shadow VMCS. Preemption is off between the two; vmcs_hw_*() and vmcs_read/write()
 * work on it.  It becomes the one that follows vmcs01 across processors; link pointers that name
 * a shadow VMCS are to be written after a vmcs_shadow_begin() of it, and only in vmcs01.
 */
void vmcs_shadow_begin(struct nvmx_vcpu *v, struct vmcs *shadow);
void vmcs_shadow_end(struct nvmx_vcpu *v, struct vmcs *shadow);

/* By encoding, on the current VMCS; the seam that user space replaces. */
u64 vmcs_hw_read(struct nvmx_vcpu *v, u32 encoding);
void vmcs_hw_write(struct nvmx_vcpu *v, u32 encoding, u64 value);

/* By name, on v->cur: one VMREAD or VMWRITE in the kernel, the seam in user space. */
#ifdef __KERNEL__
#include <nvmx/vmcs_ops.h>
#define vmcs_read(v, field)		vmcs_read_inline(v, VMCS_##field)
#define vmcs_write(v, field, value)	vmcs_write_inline(v, VMCS_##field, value)
#else
#define vmcs_read(v, field)		vmcs_hw_read(v, VMCS_##field)
#define vmcs_write(v, field, value)	vmcs_hw_write(v, VMCS_##field, value)
#endif

void vmcs_ctl_write(struct nvmx_vcpu *v, struct vmcs *vmcs, enum vmx_ctl_word w, u32 value);

static inline bool vmcs_ctl_test(const struct vmcs *vmcs, enum vmx_ctl ctl)
{
	return vmcs->ctl[CTL_WORD(ctl)] & CTL_MASK(ctl);
}

static inline void vmcs_ctl_set(struct nvmx_vcpu *v, struct vmcs *vmcs, enum vmx_ctl ctl)
{
	vmcs_ctl_write(v, vmcs, CTL_WORD(ctl), vmcs->ctl[CTL_WORD(ctl)] | CTL_MASK(ctl));
}

static inline void vmcs_ctl_clear(struct nvmx_vcpu *v, struct vmcs *vmcs, enum vmx_ctl ctl)
{
	vmcs_ctl_write(v, vmcs, CTL_WORD(ctl), vmcs->ctl[CTL_WORD(ctl)] & ~CTL_MASK(ctl));
}

/* The one definition of "in L2". */
static inline bool is_guest_mode(const struct nvmx_vcpu *v)
{
	return v->cur != v->vmcs01;
}

/* ---- vcpu.c: life of a vCPU ---- */
/*
 * Power-on state of the SDM.  The caller has set vm, id, idx, run and pio_data of a zeroed object,
 * holds a vmx_cpus_get() for the VM, and has not published the vCPU.  Calls vmx_cpuid_init(); then,
 * loaded, vmcs_init_l0(), nested_vcpu_init(), vmx_power_on(), vmx_update_msr_bitmap(),
 * vmx_sync_tsc(v, 0).
 */
int vmx_vcpu_create(struct nvmx_vcpu *v);
void vmx_vcpu_destroy(struct nvmx_vcpu *v);
void vmx_load(struct nvmx_vcpu *v);		/* vmx_load/vmx_put nest around every vcpu ioctl */
void vmx_put(struct nvmx_vcpu *v);

/* ---- run.c ---- */
/*
 * KVM_RUN after the signal mask is in place; loaded.  Runs v->complete, honours immediate_exit,
 * takes cr8 from vcpu->run, and leaves if_flag, cr8, apic_base, flags and
 * ready_for_interrupt_injection there.
 * Return: 0 (exit_reason is set), -EINTR, -EAGAIN, -EIO, -EINVAL (cr8); -ERESTARTNOHAND passes
 * through to the system call's return as it is.
 */
int vmx_run(struct nvmx_vcpu *v);
/* Hardware refused an entry: exit.c's row entry_failure. Logs, and fills vcpu->run. */
enum nvmx_action vmx_entry_refused(struct nvmx_vcpu *v);

/* ---- host.c ---- */
/*
 * Of the MSRs that hardware holds while the vCPU runs, KERNEL_GS_BASE is the guest's to change
 * without an exit; read and write it here.  After v->star, lstar, sfmask or tsc_aux were changed,
 * vmx_user_msrs_changed() makes the next entry load them.
 */
u64 vmx_kernel_gs_base(struct nvmx_vcpu *v);
void vmx_set_kernel_gs_base(struct nvmx_vcpu *v, u64 base);
void vmx_user_msrs_changed(struct nvmx_vcpu *v);

/* ---- kick.c, vpid.c ---- */
void vmx_kick(struct nvmx_vcpu *v);		/* any context: out of the guest, or awake */
/*
 * On return no CPU uses a mapping reduced before.  Context: process, irqs on, may not sleep (a
 * notifier holds page-table locks), not under mmu_lock.
 */
void vmx_flush_tlbs(struct nvmx_vm *vm);
u16 vmx_vpid_alloc(void);			/* 0 when there is none left; flushed */
void vmx_vpid_free(u16 vpid);
void vmx_flush_vpid(struct nvmx_vcpu *v, u16 vpid);	/* INVVPID single context; loaded */
void vmx_flush_ept(struct nvmx_vcpu *v, u64 eptp);	/* INVEPT single context; loaded */

/* ---- regs.c: registers of the current level ---- */
u64 vmx_rip(struct nvmx_vcpu *v);
u64 vmx_rsp(struct nvmx_vcpu *v);
u64 vmx_rflags(struct nvmx_vcpu *v);
u64 vmx_cr0(struct nvmx_vcpu *v);
u64 vmx_cr3(struct nvmx_vcpu *v);
u64 vmx_cr4(struct nvmx_vcpu *v);
u64 vmx_gpr(struct nvmx_vcpu *v, enum nvmx_gpr r);
void vmx_set_rip(struct nvmx_vcpu *v, u64 val);
void vmx_set_rsp(struct nvmx_vcpu *v, u64 val);
void vmx_set_rflags(struct nvmx_vcpu *v, u64 val);
void vmx_set_gpr(struct nvmx_vcpu *v, enum nvmx_gpr r, u64 val);
/*
 * Plain setters: no check; they write the current VMCS (GUEST_CRn with L0's forced bits, the read
 * shadow, IA-32e mode) and the cached value.  nested/ rewrites masks and shadows for L2 after them.
 */
void vmx_set_cr0(struct nvmx_vcpu *v, u64 val);
void vmx_set_cr3(struct nvmx_vcpu *v, u64 val);
void vmx_set_cr4(struct nvmx_vcpu *v, u64 val);
void vmx_set_efer(struct nvmx_vcpu *v, u64 val);
/* What hardware's register holds for a guest's value: with L0's forced bits. */
u64 vmx_hardware_cr0(u64 val);
u64 vmx_hardware_cr4(u64 val);
void vmx_get_seg(struct nvmx_vcpu *v, enum nvmx_seg_reg s, struct nvmx_segment *out);
void vmx_set_seg(struct nvmx_vcpu *v, enum nvmx_seg_reg s, const struct nvmx_segment *in);
u8 vmx_cpl(struct nvmx_vcpu *v);
bool vmx_long_mode64(struct nvmx_vcpu *v);	/* CS.L in long mode */
void vmx_skip_insn(struct nvmx_vcpu *v);	/* by v->exit.insn_len; drops STI/MOV-SS shadow,
						 * raises the single-step trap that is due
						 */
void vmx_regs_forget(struct nvmx_vcpu *v);	/* after a VMCS switch: nothing lazy is available */
void vmx_regs_flush(struct nvmx_vcpu *v);	/* write dirty RIP/RSP/RFLAGS to the current VMCS */
int vmx_load_pdptrs(struct nvmx_vcpu *v, u64 cr3);	/* 0, or -EINVAL: #GP is due */
const u64 *vmx_pdptrs(struct nvmx_vcpu *v);	/* v->pdptr as the current VMCS holds them */
void vmx_set_pdptrs(struct nvmx_vcpu *v, const u64 pdptr[4]);	/* KVM_SET_SREGS2 */
void vmx_power_on(struct nvmx_vcpu *v);		/* state after reset; loaded, vmcs01 current */
u8 vmx_cr8(struct nvmx_vcpu *v);		/* the APIC's, wherever it is */
void vmx_set_cr8(struct nvmx_vcpu *v, u8 val);
int vmx_set_xcr0(struct nvmx_vcpu *v, u64 val);	/* checked; -EINVAL: #GP */
/* Architectural checks of MOV to CRn and of KVM_SET_SREGS. true: legal for this vCPU */
bool vmx_cr0_valid(struct nvmx_vcpu *v, u64 cr0);
bool vmx_cr4_valid(struct nvmx_vcpu *v, u64 cr4);
bool vmx_efer_valid(struct nvmx_vcpu *v, u64 efer);
void vmx_set_dr7(struct nvmx_vcpu *v, u64 val);

/* ---- debug.c ---- */
u32 vmx_exception_bitmap(const struct nvmx_vcpu *v);	/* what L0 needs; #UD: in L1 only */
int vmx_set_guest_debug(struct nvmx_vcpu *v, const struct kvm_guest_debug *dbg); /* -EBUSY */

/* ---- smm.c ---- */
void vmx_set_smm(struct nvmx_vcpu *v, bool active);
void vmx_take_smi(struct nvmx_vcpu *v);		/* nothing blocks it; leaves L2 */
static inline bool vmx_smi_waits(const struct nvmx_vcpu *v)
{
	return v->smm.pending && !v->smm.active;	/* what comes in SMM waits for RSM */
}

/* ---- cpuid.c ---- */
int vmx_cpuid_init(struct nvmx_vcpu *v);	/* v->cpuid before the first KVM_SET_CPUID */
int vmx_supported_cpuid(struct kvm_cpuid_entry2 *e, u32 max, u32 *n); /* -E2BIG */
int vmx_set_cpuid(struct nvmx_vcpu *v, const struct kvm_cpuid_entry2 *e, u32 n);
const struct kvm_cpuid_entry2 *vmx_find_cpuid(const struct nvmx_vcpu *v, u32 fn, u32 idx);
void vmx_cpuid_runtime(struct nvmx_vcpu *v);	/* OSXSAVE, OSPKE, APIC: CR4 or base changed */

/* ---- apicv.c ---- */
void vmx_apicv_update(struct nvmx_vcpu *v);	/* mode, reports or TPR in memory changed; loaded */
bool vmx_has_accelerated_tpr(void);		/* of an xAPIC, too; for any VM */
void vmx_apicv_vm_destroy(struct nvmx_vm *vm);	/* no vCPU is left */

/* ---- vid.c ---- */
void vmx_vid_reconsider(struct nvmx_vcpu *v);	/* guest_debug or the SynIC changed; loaded */

/* ---- exit_msr.c ---- */
enum msr_by { MSR_BY_GUEST, MSR_BY_HOST };

/* 0 or -EINVAL: #GP */
int vmx_get_msr(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by);
int vmx_set_msr(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by);
const u32 *vmx_msr_list(u32 *n);		/* KVM_GET_MSR_INDEX_LIST */
const u32 *vmx_feature_msr_list(u32 *n);	/* KVM_GET_MSR_FEATURE_INDEX_LIST */
int vmx_get_feature_msr(u32 msr, u64 *val);	/* system-scope KVM_GET_MSRS */
bool vmx_msr_passthrough(struct nvmx_vcpu *v, u32 msr, bool write); /* vmcs01's bitmap allows it */
void vmx_update_msr_bitmap(struct nvmx_vcpu *v);	/* CPUID or the MSR filter changed */

/* ---- time.c ---- */
u64 vmx_l1_tsc(struct nvmx_vcpu *v, u64 host_tsc);
u64 vmx_host_ticks(const struct nvmx_vcpu *v, u64 ticks);	/* of L1's TSC; less than 2^38 */
u64 vmx_tsc_hz(const struct nvmx_vcpu *v);	/* of L1's TSC, as it really runs */
void vmx_sync_tsc(struct nvmx_vcpu *v, u64 val);	/* the host writes L1's TSC */
void vmx_sync_tsc_offset(struct nvmx_vcpu *v, u64 offset);	/* the same, as its offset */
void vmx_write_tsc_offset(struct nvmx_vcpu *v, u64 l1_offset);	/* also tells vmcs02 */
int vmx_set_tsc_khz(struct nvmx_vcpu *v, u32 khz);

/* ---- events.c ---- */
void vmx_queue_exception(struct nvmx_vcpu *v, u8 vector);
void vmx_queue_exception_code(struct nvmx_vcpu *v, u8 vector, u32 code);
void vmx_queue_fault(struct nvmx_vcpu *v, const struct nvmx_fault *f); /* #PF sets the payload */
void vmx_queue_irq(struct nvmx_vcpu *v, u8 vector);	/* KVM_INTERRUPT */
void vmx_queue_nmi(struct nvmx_vcpu *v);
void vmx_triple_fault(struct nvmx_vcpu *v);
/* From any context, for any vCPU: it is kicked, and acts before its next entry. */
void vmx_post_nmi(struct nvmx_vcpu *v);
void vmx_post_smi(struct nvmx_vcpu *v);
void vmx_post_init(struct nvmx_vcpu *v);
void vmx_post_sipi(struct nvmx_vcpu *v, u8 vector);
void vmx_post_irq(struct nvmx_vcpu *v);		/* sets v->irq_hint and kicks */
void vmx_post_posted(struct nvmx_vcpu *v);	/* ON of v->pi was set, by a locked instruction */
void vmx_post_eoi_exits(struct nvmx_vm *vm);	/* irq_eoi_exits() has another answer */
void vmx_deliver_payload(struct nvmx_vcpu *v);	/* of the pending exception, to CR2 or DR6 */
/* Something for the interrupt pin: of KVM_INTERRUPT, or the APIC's above its priority. */
bool vmx_irq_waits(struct nvmx_vcpu *v);
int vmx_ack_irq(struct nvmx_vcpu *v);		/* its vector, which is taken; -1: gone */
bool vmx_irq_allowed(struct nvmx_vcpu *v);	/* IF and no blocking, current level */
bool vmx_nmi_allowed(struct nvmx_vcpu *v);
bool vmx_nmi_blocked(struct nvmx_vcpu *v);
/* The current VMCS holds a #DB, for the next entry to deliver unless it injects something. */
bool vmx_trap_in_hardware(struct nvmx_vcpu *v);
void vmx_set_nmi_blocked(struct nvmx_vcpu *v, bool blocked);
bool vmx_irq_ready_user(struct nvmx_vcpu *v);	/* run->ready_for_interrupt_injection */
bool vmx_if_flag_user(struct nvmx_vcpu *v);	/* run->if_flag */
/* What runs now, whoever the event would be for: IF, and no blocking. */
static inline bool vmx_open_to_irqs(struct nvmx_vcpu *v)
{
	return (vmx_rflags(v) & X86_EFLAGS_IF) &&
	       !(vmcs_read(v, guest_interruptibility_info) & (INTS_STI | INTS_MOVSS));
}

static inline bool vmx_open_to_nmis(struct nvmx_vcpu *v)
{
	return !(vmcs_read(v, guest_interruptibility_info) & (INTS_STI | INTS_MOVSS | INTS_NMI));
}

/*
 * v->ev.exception as interruption information.  Real mode has no error codes.
 * SDM "Checks on VMX Controls", event injection [sdm:entry-event]
 */
static inline u32 vmx_exception_info(struct nvmx_vcpu *v)
{
	u32 info = EVT_VALID | v->ev.exception.vector;

	if (!v->ev.exception.soft)
		info |= EVT_TYPE_HWEXC;
	else
		info |= v->ev.exception.vector == VEC_DB ? EVT_TYPE_PRIVSW : EVT_TYPE_SWEXC;
	if (v->ev.exception.has_code && (vmx_cr0(v) & X86_CR0_PE))
		info |= EVT_HAS_CODE;
	return info;
}

/* Write one event to the current VMCS (VM-entry interruption information). */
void vmx_inject(struct nvmx_vcpu *v, u32 intr_info, u32 error_code, u32 insn_len);
/* After an exit: what IDT-vectoring says was interrupted is injected again (or kept for vmcs12). */
void vmx_events_after_exit(struct nvmx_vcpu *v);
/* Before an entry, in the order of table 5; may reflect to L1. */
enum nvmx_action vmx_events_before_entry(struct nvmx_vcpu *v);

/* The only place where an architectural result changes a vCPU. */
enum nvmx_action vmx_apply(struct nvmx_vcpu *v, struct vmx_result r);

/* ---- linear.c: guest-linear memory of the current level ---- */
int vmx_translate(struct nvmx_vcpu *v, u64 gva, u32 access, u64 *gpa, struct nvmx_fault *f);
int vmx_read_linear(struct nvmx_vcpu *v, u64 gva, void *buf, u32 len, u32 access,
		    struct nvmx_fault *f);	/* 0, -EFAULT with *f filled */
int vmx_write_linear(struct nvmx_vcpu *v, u64 gva, const void *buf, u32 len, u32 access,
		     struct nvmx_fault *f);

/* ---- xmm.c: of the vCPU that runs in this thread ---- */
void vmx_xmm_read(unsigned int reg, u8 val[16]);

/* ---- exit.c ---- */
enum nvmx_action vmx_handle_exit(struct nvmx_vcpu *v);
const char *vmx_exit_name(u32 reason);
enum nvmx_action vmx_fault(struct nvmx_vcpu *v, u8 vector);	/* no error code, or 0 */
/* user exits */
enum nvmx_action vmx_internal_error(struct nvmx_vcpu *v, u32 suberror, u32 ndata, const u64 *data);
enum nvmx_action vmx_emulation_failed(struct nvmx_vcpu *v);	/* with instruction bytes */
/* mmio.c: emulate the instruction at RIP that touched gpa */
enum nvmx_action vmx_emulate_mmio(struct nvmx_vcpu *v, u64 gpa);

#endif
