/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All of a VM with one vCPU, as a VMM saves it: into memory, into a file, into another VM.
 *
 * The same file is read on nvmx and on stock KVM.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include "vmm.h"

#define SNAPSHOT_MSRS		200
#define NESTED_ROOM		(128 + 2 * 4096)
#define NESTED_NO_PA		(~0ull)

struct msr_set {
	struct kvm_msrs head;
	struct kvm_msr_entry entry[SNAPSHOT_MSRS];
};

struct cpuid_set {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[VMM_MAX_CPUID];
};

union nested_blob {
	struct kvm_nested_state s;
	u8 bytes[NESTED_ROOM];
};

struct vcpu_state {
	struct cpuid_set cpuid;
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp;
	struct kvm_regs regs;
	struct kvm_xsave xsave;
	struct kvm_xcrs xcrs;
	struct kvm_sregs2 sregs;
	struct msr_set msrs;
	struct kvm_debugregs debug;
	union nested_blob nested;
};

struct snapshot {
	struct vcpu_state vcpu;
	size_t mem_size;
	u8 *mem;
	u8 *used;		/* a byte a page: its lowest bit is clear where there is nothing */
};

/* What is restored, one ioctl each; the values are QEMU's order. */
enum restore_step {
	STEP_SREGS, STEP_NESTED, STEP_REGS, STEP_XSAVE, STEP_XCRS, STEP_MSRS, STEP_EVENTS, STEP_MP,
	STEP_DEBUG, NR_STEPS,
};

extern const enum restore_step order_of_qemu[NR_STEPS], order_of_selftests[NR_STEPS],
	order_of_cloud_hypervisor[NR_STEPS], order_of_crosvm[NR_STEPS];

void state_get(struct vmm_vcpu *v, struct vcpu_state *s);
/* NULL, or the ioctl that failed. */
const char *state_set(struct vmm_vcpu *v, const struct vcpu_state *s,
		      const enum restore_step order[NR_STEPS]);
const char *nested_get(struct vmm_vcpu *v, union nested_blob *b);
/* NULL, or the part that differs; time goes on and is not compared. */
const char *state_differs(const struct vcpu_state *a, const struct vcpu_state *b);

void snapshot_take(struct vmm_vcpu *v, struct snapshot *s);	/* state, then memory */
/* A new VM; *why: the ioctl that failed, or NULL. */
struct vmm *snapshot_build(const struct snapshot *s, const enum restore_step order[NR_STEPS],
			   const char **why);
void snapshot_memory(struct vmm *vmm, const struct snapshot *s);	/* as it was when taken */
void snapshot_write(const struct snapshot *s, const char *path);
void snapshot_read(struct snapshot *s, const char *path);

/* What a device offers a VM that is to move between two devices. */
struct cpu_offer {
	struct cpuid_set cpuid;
	struct msr_set vmx;
};

void offer_get(struct cpu_offer *o);
void offer_write(const struct cpu_offer *o, const char *path);
void offer_read(struct cpu_offer *o, const char *path);
/* A new vCPU gets no more than both have. */
void offer_limit(struct vmm_vcpu *v, const struct cpu_offer *mine, const struct cpu_offer *other);

#endif
