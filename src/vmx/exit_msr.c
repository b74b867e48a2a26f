// SPDX-License-Identifier: GPL-2.0-only
/*
 * RDMSR and WRMSR: to the table, to user space where it asked for that, or past L0 by the bitmap.
 */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/processor.h>

#include <nvmx/api.h>
#include <nvmx/arch.h>
#include <nvmx/nested.h>

#include "exit.h"
#include "msr.h"

/* ---- exits to user space ---- */

/* What user space has to have asked for; 0: nothing, the guest gets #GP. */
static u64 user_reason(int err)
{
	switch (err) {
	case -EPERM:
		return KVM_MSR_EXIT_REASON_FILTER;
	case -ENOENT:
		return KVM_MSR_EXIT_REASON_UNKNOWN;
	default:
		return KVM_MSR_EXIT_REASON_INVAL;
	}
}

static bool user_wants(struct nvmx_vcpu *v, u32 msr, u64 reason,
		       enum nvmx_action (*complete)(struct nvmx_vcpu *v))
{
	if (!(v->vm->user_msr_mask & reason))
		return false;
	v->user_msr.msr = msr;
	v->user_msr.insn_len = v->exit.insn_len;
	v->complete = complete;
	v->run->msr.index = msr;
	v->run->msr.reason = reason;
	v->run->msr.error = 0;
	memset(v->run->msr.pad, 0, sizeof(v->run->msr.pad));
	return true;
}

static enum nvmx_action finish_user(struct nvmx_vcpu *v)
{
	if (READ_ONCE(v->run->msr.error))
		return vmx_gp(v);
	vmx_advance_rip(v, v->user_msr.insn_len);
	vmx_insn_done(v);
	return NVMX_RESUME;
}

static void set_edx_eax(struct nvmx_vcpu *v, u64 val)
{
	v->gpr[GPR_RAX] = lower_32_bits(val);
	v->gpr[GPR_RDX] = upper_32_bits(val);
}

static enum nvmx_action complete_rdmsr(struct nvmx_vcpu *v)
{
	if (!READ_ONCE(v->run->msr.error))
		set_edx_eax(v, READ_ONCE(v->run->msr.data));
	return finish_user(v);
}

/* ---- exits ---- */

enum nvmx_action exit_rdmsr(struct nvmx_vcpu *v)
{
	u32 msr = v->gpr[GPR_RCX];
	u64 val = 0;
	int err = -EPERM;

	if (api_msr_allowed(v->vm, msr, false))
		err = msr_get(v, msr, &val, MSR_BY_GUEST);
	if (!err) {
		set_edx_eax(v, val);
		return vmx_skip(v);
	}
	if (!user_wants(v, msr, user_reason(err), complete_rdmsr))
		return vmx_gp(v);
	v->run->exit_reason = KVM_EXIT_X86_RDMSR;
	v->run->msr.data = 0;
	return NVMX_USER;
}

enum nvmx_action exit_wrmsr(struct nvmx_vcpu *v)
{
	u32 msr = v->gpr[GPR_RCX];
	u64 val = (u32)v->gpr[GPR_RAX] | v->gpr[GPR_RDX] << 32;
	int err = -EPERM;

	if (api_msr_allowed(v->vm, msr, true))
		err = msr_set(v, msr, val, MSR_BY_GUEST);
	if (!err)
		return vmx_skip(v);
	if (!user_wants(v, msr, user_reason(err), finish_user))
		return vmx_gp(v);
	v->run->exit_reason = KVM_EXIT_X86_WRMSR;
	v->run->msr.data = val;
	return NVMX_USER;
}

/* ---- the bitmap of vmcs01 ---- */

#define PASS_READ	BIT(0)
#define PASS_WRITE	BIT(1)

/*
 * State that the VMCS or vmx/host.c switches, and whose every value is harmless to L0.  A value
 * that the guest may not write faults in hardware as it would here.
 */
static const struct {
	u32 msr;
	u8 access;
} passed[] = {
	{ MSR_IA32_TSC, PASS_READ },	/* offset and ratio apply to RDMSR, too */
	{ MSR_IA32_SYSENTER_CS, PASS_READ | PASS_WRITE },
	{ MSR_IA32_SYSENTER_ESP, PASS_READ | PASS_WRITE },
	{ MSR_IA32_SYSENTER_EIP, PASS_READ | PASS_WRITE },
	{ MSR_FS_BASE, PASS_READ | PASS_WRITE },
	{ MSR_GS_BASE, PASS_READ | PASS_WRITE },
	{ MSR_KERNEL_GS_BASE, PASS_READ | PASS_WRITE },
};

/*
 * Bit numbers in the page: reads of low and high MSRs, then writes of both.
 * SDM "MSR-Bitmap Address" [sdm:msr-bitmap]
 */
static bool bitmap_bit(u32 msr, bool write, u32 *bit)
{
	u32 base = 0;

	if (msr >= 0xc0000000) {
		msr -= 0xc0000000;
		base = 0x2000;
	}
	*bit = base + msr + (write ? 0x4000 : 0);
	return msr < 0x2000;
}

static void pass(struct nvmx_vcpu *v, u32 msr, bool write)
{
	u32 bit;

	if (bitmap_bit(msr, write, &bit) && api_msr_allowed(v->vm, msr, write))
		clear_bit(bit, v->msr_bitmap);
}

void vmx_update_msr_bitmap(struct nvmx_vcpu *v)
{
	u32 i;

	memset(v->msr_bitmap, 0xff, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(passed); i++) {
		if (passed[i].access & PASS_READ)
			pass(v, passed[i].msr, false);
		if (passed[i].access & PASS_WRITE)
			pass(v, passed[i].msr, true);
	}
	if (v->spec_ctrl_passthrough && vmx_cpuid_has(v, 7, CPUID_EDX, 26)) {
		pass(v, MSR_IA32_SPEC_CTRL, false);
		pass(v, MSR_IA32_SPEC_CTRL, true);
	}
	vmx_apicv_pass(v, pass);
	nested_msr_policy_changed(v);
}

bool vmx_msr_passthrough(struct nvmx_vcpu *v, u32 msr, bool write)
{
	u32 bit;

	return bitmap_bit(msr, write, &bit) && !test_bit(bit, v->msr_bitmap);
}
