// SPDX-License-Identifier: GPL-2.0-only
/*
 * State of a processor after power-on, and which control-register bits its guest owns.
 *
 * SDM "Processor State After Reset" [sdm:reset-state]
 */
#include <linux/string.h>
#include <linux/types.h>
#include <asm/apicdef.h>
#include <asm/page.h>
#include <asm/fpu/types.h>

#include <nvmx/arch.h>
#include <nvmx/pv.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "exit.h"

#define CR0_AT_RESET	(X86_CR0_CD | X86_CR0_NW | X86_CR0_ET)
#define PAT_AT_RESET	0x0007040600070406ull
#define RDX_AT_RESET	0x600		/* family 6; user space sets the true signature */

/*
 * Bits that matter only to the guest itself.  Not NE, which is fixed, nor PE, PG, CD and NW, which
 * L0 follows.
 */
#define CR0_OWNED	(X86_CR0_TS | X86_CR0_MP | X86_CR0_EM | X86_CR0_AM | X86_CR0_WP)
#define CR4_OWNED	(X86_CR4_PVI | X86_CR4_DE | X86_CR4_TSD | X86_CR4_PGE | X86_CR4_PCE | \
			 X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_FSGSBASE)

/* A bit that CPUID does not show must fault, so it exits. In L2, nested/ narrows them. */
void vmx_update_cr_masks(struct nvmx_vcpu *v)
{
	if (is_guest_mode(v))
		return;
	/* Read through the old masks before they change. */
	vmx_cr0(v);
	vmx_cr4(v);
	v->cr0_owned = CR0_OWNED;
	v->cr4_owned = CR4_OWNED & v->cpuid->cr4_valid;
	vmcs_write(v, cr0_guest_host_mask, ~v->cr0_owned);
	vmcs_write(v, cr4_guest_host_mask, ~v->cr4_owned);
}

static void reset_segments(struct nvmx_vcpu *v)
{
	struct nvmx_segment seg = { .limit = 0xffff, .ar = 0x93 };
	enum nvmx_seg_reg s;

	for (s = SEG_ES; s <= SEG_GS; s++)
		if (s != SEG_CS)
			vmx_set_seg(v, s, &seg);
	seg.ar = 0x82;
	vmx_set_seg(v, SEG_LDTR, &seg);
	seg.ar = 0x8b;
	vmx_set_seg(v, SEG_TR, &seg);
	seg = (struct nvmx_segment){ .selector = 0xf000, .base = 0xffff0000, .limit = 0xffff,
				     .ar = 0x9b };
	vmx_set_seg(v, SEG_CS, &seg);
	vmcs_write(v, guest_gdtr_base, 0);
	vmcs_write(v, guest_gdtr_limit, 0xffff);
	vmcs_write(v, guest_idtr_base, 0);
	vmcs_write(v, guest_idtr_limit, 0xffff);
}

static void reset_msrs(struct nvmx_vcpu *v)
{
	vmcs_write(v, guest_sysenter_cs, 0);
	vmcs_write(v, guest_sysenter_esp, 0);
	vmcs_write(v, guest_sysenter_eip, 0);
	vmcs_write(v, guest_ia32_debugctl, 0);
	vmcs_write(v, guest_ia32_pat, PAT_AT_RESET);
	v->pat = PAT_AT_RESET;
	v->apic_base = APIC_DEFAULT_PHYS_BASE | MSR_IA32_APICBASE_ENABLE;
	if (v->id == v->vm->bsp_id)
		v->apic_base |= MSR_IA32_APICBASE_BSP;
	v->misc_enable = MSR_IA32_MISC_ENABLE_BTS_UNAVAIL | MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL;
	v->platform_info = MSR_PLATFORM_INFO_CPUID_FAULT;
	vmx_get_feature_msr(MSR_IA32_ARCH_CAPABILITIES, &v->arch_capabilities);
	v->ucode_rev = 1ull << 32;
	v->smbase = 0x30000;
}

/* All MCE banks until KVM_X86_SETUP_MCE says how many: QEMU may write them before. */
static void reset_mce(struct nvmx_vcpu *v)
{
	v->mcg_cap = NVMX_MCE_BANKS;
	memset(v->mc_bank, 0, sizeof(v->mc_bank));
}

static void reset_debug(struct nvmx_vcpu *v)
{
	memset(v->dr, 0, sizeof(v->dr));
	v->dr6 = DR6_ONES;
	v->dr7 = DR7_ONES;
	vmx_update_dr7(v);
	vmcs_write(v, guest_pending_dbg_exceptions, 0);
	vmcs_write(v, guest_interruptibility_info, 0);
	vmcs_write(v, guest_activity_state, ACTIVITY_ACTIVE);
}

static void reset_registers(struct nvmx_vcpu *v)
{
	memset(v->gpr, 0, sizeof(v->gpr));
	v->gpr[GPR_RDX] = RDX_AT_RESET;
	vmx_regs_forget(v);
	vmx_set_rip(v, 0xfff0);
	vmx_set_rsp(v, 0);
	vmx_set_rflags(v, X86_EFLAGS_FIXED);
	v->cr2 = 0;
	v->cr8 = 0;
}

/* What a reset and an INIT have in common: the mode, and all that waits is gone. */
static void reset_mode(struct nvmx_vcpu *v, u64 cr0)
{
	static const u64 no_pdptrs[4];

	reset_registers(v);
	vmx_set_efer(v, 0);
	vmx_set_cr0(v, cr0);
	vmx_set_cr3(v, 0);
	vmx_set_cr4(v, 0);
	vmx_set_pdptrs(v, no_pdptrs);
	vmx_update_cr_masks(v);
	reset_segments(v);
	reset_debug(v);
	memset(&v->ev, 0, sizeof(v->ev));
	pv_apf_reset(v);
	vmcs_write(v, vm_entry_intr_info_field, 0);
	emu_log_reset(&v->emu_log);
}

void vmx_power_on(struct nvmx_vcpu *v)
{
	reset_mode(v, CR0_AT_RESET);
	v->xcr0 = XFEATURE_MASK_FP;
	v->xss = 0;
	reset_msrs(v);
	reset_mce(v);
	vmx_time_init(v);
}

/* CD and NW, MSRs, the FPU and the TSC are as they were; what waits for user space is given up. */
void vmx_init_reset(struct nvmx_vcpu *v)
{
	reset_mode(v, (vmx_cr0(v) & (X86_CR0_CD | X86_CR0_NW)) | X86_CR0_ET);
	v->complete = NULL;
	vmx_flush_linear(v);
	vmx_cpuid_runtime(v);
}
