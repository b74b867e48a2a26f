/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What nvmx adds to the KVM API; everything else is <linux/kvm.h>.
 */
#ifndef _UAPI_LINUX_NVMX_H
#define _UAPI_LINUX_NVMX_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define NVMX_DEVICE	"/dev/nvmx"

/*
 * KVM_CHECK_EXTENSION: the version of what this header adds, at least 1.  Where another KVM answers
 * (on any file called kvm) the result is 0.  2: NVMX_CHECK_NESTED_STATE, NVMX_GET_NESTED_VERDICT.
 */
#define NVMX_CAP_VERSION	0x6e766d78

/* Why KVM_SET_NESTED_STATE refused a state: the first rule that does not hold, in KVM's order. */
enum nvmx_nested_rule {
	NVMX_NESTED_ACCEPTED,
	NVMX_NESTED_UNREADABLE,		/* the header or an image is not where the size says */
	NVMX_NESTED_SIZE,		/* shorter than the header */
	NVMX_NESTED_FLAGS,		/* unknown, or "run pending" without guest mode */
	NVMX_NESTED_FORMAT,		/* not VMX's */
	NVMX_NESTED_NOT_VMXON,		/* VMX operation off, but flags or addresses that need it */
	NVMX_NESTED_CPUID,		/* the vCPU's CPUID has no VMX */
	NVMX_NESTED_VMXON_PA,		/* not a page below MAXPHYADDR */
	NVMX_NESTED_SMM,		/* does not fit the vCPU's system-management mode */
	NVMX_NESTED_VMX_FLAGS,		/* unknown bits in hdr.vmx.flags */
	NVMX_NESTED_EVMCS,		/* needs an enlightened VMCS */
	NVMX_NESTED_NO_IMAGE,		/* a current VMCS or L2, but too short for a vmcs12 */
	NVMX_NESTED_VMCS12_PA,		/* not a page below MAXPHYADDR, or the VMXON region */
	NVMX_NESTED_REVISION,		/* of the vmcs12 */
	NVMX_NESTED_CHECK,		/* a check of VM entry: "what" is its name */
	NVMX_NESTED_MEMORY,		/* the host has no memory for it */
	NVMX_NESTED_SHADOW,		/* too short for L2's shadow vmcs12, or its revision */
};

/*
 * @error: what KVM_SET_NESTED_STATE returns, 0 or a negative errno
 * @rule: enum nvmx_nested_rule
 * @stage: of NVMX_NESTED_CHECK: 0 control fields, 1 host state, 2 guest state
 * @what: the name of the check or of the rule, ends with a 0
 */
struct nvmx_nested_verdict {
	__s32 error;
	__u32 rule;
	__u32 stage;
	__u32 reserved;
	char what[48];
};

/* @state: address of a struct kvm_nested_state; @verdict is the answer */
struct nvmx_nested_check {
	__u64 state;
	struct nvmx_nested_verdict verdict;
};

/* On a vCPU: would KVM_SET_NESTED_STATE take this state now?  Changes nothing, and returns 0. */
#define NVMX_CHECK_NESTED_STATE	_IOWR(0xae, 0xf0, struct nvmx_nested_check)
/* On a vCPU: the verdict on the last KVM_SET_NESTED_STATE. */
#define NVMX_GET_NESTED_VERDICT	_IOR(0xae, 0xf1, struct nvmx_nested_verdict)

#endif
