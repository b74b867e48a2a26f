// SPDX-License-Identifier: GPL-2.0-only
/*
 * #UD in L1: RSM in system-management mode, and the hypercall instruction of another vendor.
 *
 * A guest that was made for AMD's processors calls by VMMCALL, which is undefined on Intel's.  As
 * KVM does, it becomes VMCALL in the guest's own memory and is run again, so that it costs an
 * exception once: KVM_X86_QUIRK_FIX_HYPERCALL_INSN.  The two differ in their last byte, and one
 * byte changes at once for all processors.
 */
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/string.h>
#include <linux/types.h>

#include <nvmx/arch.h>
#include <nvmx/types.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "exit.h"

static const u8 vmmcall[] = { 0x0f, 0x01, 0xd9 };
static const u8 vmcall_end = 0xc1;

static u32 user_access(struct nvmx_vcpu *v)
{
	return vmx_cpl(v) == 3 ? ACC_USER : 0;
}

static bool is_vmmcall(struct nvmx_vcpu *v, u64 rip)
{
	struct nvmx_fault ignored;
	u8 insn[sizeof(vmmcall)];

	return !vmx_read_linear(v, rip, insn, sizeof(insn), ACC_EXEC | user_access(v), &ignored) &&
	       !memcmp(insn, vmmcall, sizeof(insn));
}

/* Where the guest has protected its code, it learns of the write that failed. */
static enum nvmx_action make_vmcall(struct nvmx_vcpu *v, u64 rip)
{
	struct nvmx_fault f;

	if (vmx_write_linear(v, rip + sizeof(vmmcall) - 1, &vmcall_end, sizeof(vmcall_end),
			     user_access(v), &f))
		return vmx_deliver_fault(v, &f);
	return NVMX_RESUME;
}

static bool fixes_hypercalls(const struct nvmx_vcpu *v)
{
	return !is_guest_mode(v) &&
	       !(v->vm->disabled_quirks & KVM_X86_QUIRK_FIX_HYPERCALL_INSN);
}

enum nvmx_action vmx_undefined(struct nvmx_vcpu *v)
{
	u64 rip = vmx_linear_rip(v);

	if (v->smm.active)
		return vmx_ud_in_smm(v);
	if (fixes_hypercalls(v) && is_vmmcall(v, rip))
		return make_vmcall(v, rip);
	return vmx_fault(v, VEC_UD);
}
