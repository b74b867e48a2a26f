/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words every room speaks: results, segments, accesses.  No state, no functions with side effects.
 */
#ifndef NVMX_TYPES_H
#define NVMX_TYPES_H

#include <linux/types.h>

struct nvmx_vm;
struct nvmx_vcpu;
struct nested_vcpu;
struct vmcs;
struct vmcs12;
struct exit_info;

/*
 * What the run loop does next.  NVMX_USER means vcpu->run says why; NVMX_DEAD means the VM was
 * bugged with NVMX_BUG_ON() and KVM_RUN returns -EIO from now on.
 */
enum nvmx_action {
	NVMX_RESUME,
	NVMX_USER,
	NVMX_DEAD,
};

/* What the architecture tells the guest about one instruction. Applied by vmx_apply() only. */
enum vmx_result_kind {
	VMX_DONE,		/* VMsucceed: flags cleared, RIP moves on */
	VMX_FAIL,		/* VMfailValid(code), or VMfailInvalid without a current VMCS */
	VMX_FAIL_INVALID,	/* VMfailInvalid */
	VMX_RAISE,		/* fault: vector, maybe code; RIP stays */
	VMX_ENTRY_FAILED,	/* VM-entry failure exit: code = reason, qual = qualification */
	VMX_ENTERED,		/* now in L2: RIP is L2's, nothing to advance */
	VMX_EXITED,		/* an instruction of L2 became an exit: now in L1 */
	VMX_HANDED_OVER,	/* an access left to user space; vcpu->run is filled */
};

struct vmx_result {
	enum vmx_result_kind kind : 8;	/* all of it in two registers */
	u8 vector;
	bool has_code;
	u32 code;
	u64 qual;		/* for #PF: the faulting linear address */
};

static inline struct vmx_result vm_succeed(void)
{
	return (struct vmx_result){ .kind = VMX_DONE };
}

static inline struct vmx_result vm_fail(u32 error)
{
	return (struct vmx_result){ .kind = VMX_FAIL, .code = error };
}

static inline struct vmx_result vm_fail_invalid(void)
{
	return (struct vmx_result){ .kind = VMX_FAIL_INVALID };
}

static inline struct vmx_result vm_raise(u8 vector)
{
	return (struct vmx_result){ .kind = VMX_RAISE, .vector = vector };
}

static inline struct vmx_result vm_raise_code(u8 vector, u32 code)
{
	return (struct vmx_result){ .kind = VMX_RAISE, .vector = vector,
				    .has_code = true, .code = code };
}

static inline struct vmx_result entry_failed(u32 reason, u64 qual)
{
	return (struct vmx_result){ .kind = VMX_ENTRY_FAILED, .code = reason, .qual = qual };
}

/*
 * Address spaces: a VM has two sets of memory slots, as KVM numbers them.  A vCPU in
 * system-management mode sees the second one and nothing of the first.
 */
enum mmu_space { MMU_NORMAL, MMU_SMM, NR_MMU_SPACES };

/* Segment registers in the order of the VMCS encodings. */
enum nvmx_seg_reg {
	SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR,
	NR_SEGS,
};

/* @ar: access rights in VMX format (bit 16 = unusable). */
struct nvmx_segment {
	u64 base;
	u32 limit;
	u32 ar;
	u16 selector;
};

/* General-purpose registers in the order of instruction encodings. */
enum nvmx_gpr {
	GPR_RAX, GPR_RCX, GPR_RDX, GPR_RBX, GPR_RSP, GPR_RBP, GPR_RSI, GPR_RDI,
	GPR_R8, GPR_R9, GPR_R10, GPR_R11, GPR_R12, GPR_R13, GPR_R14, GPR_R15,
	NR_GPRS,
};

/* A memory access, for page walks and second-level faults. */
enum nvmx_access {
	ACC_READ = 1 << 0,
	ACC_WRITE = 1 << 1,
	ACC_EXEC = 1 << 2,
	ACC_USER = 1 << 3,	/* CPL 3 (linear walks) */
	ACC_IMPLICIT = 1 << 4,	/* supervisor access made by the CPU itself */
};

/* A fault found by a walk in software, ready to be queued. */
struct nvmx_fault {
	u8 vector;
	bool has_code;
	u32 code;
	u64 address;		/* CR2 for #PF */
	bool nested;		/* an EPT violation or misconfiguration in ept12, see below */
	u32 nested_reason;	/* EXIT_REASON_EPT_VIOLATION or _MISCONFIG */
	u64 nested_qual;
	u64 nested_gpa;		/* ngpa */
};

#endif
