// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of MSRs, by number, and the accessors of those that are more than a value.
 *
 * QEMU writes many of them at every reset, whatever CPUID says, and gives up if one is refused:
 * exists() therefore binds the guest only.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <asm/apicdef.h>
#include <asm/cpufeature.h>
#include <asm/mce.h>
#include <asm/msr.h>

#include <nvmx/arch.h>
#include <nvmx/hyperv.h>
#include <nvmx/irq.h>
#include <nvmx/nested.h>
#include <nvmx/pv.h>

#include "exit.h"
#include "msr.h"

#define APIC_BASE_RESERVED	0x2ffull	/* bits 7:0 and 9 */
#define DEBUGCTL_IGNORED	(BIT(0) | BIT(1))	/* LBR, BTF */

/* ---- which of them the guest can see ---- */

static bool has_tsc_adjust(const struct nvmx_vcpu *v)
{
	return vmx_cpuid_has(v, 7, CPUID_EBX, 1);
}

static bool has_spec_ctrl(const struct nvmx_vcpu *v)
{
	return vmx_cpuid_has(v, 7, CPUID_EDX, 26);
}

static bool has_arch_capabilities(const struct nvmx_vcpu *v)
{
	return vmx_cpuid_has(v, 7, CPUID_EDX, 29);
}

static bool has_flush_cmd(const struct nvmx_vcpu *v)
{
	return vmx_cpuid_has(v, 7, CPUID_EDX, 28);
}

static bool has_tsc_aux(const struct nvmx_vcpu *v)
{
	return vmx_cpuid_has(v, 0x80000001, CPUID_EDX, 27) || vmx_cpuid_has(v, 7, CPUID_ECX, 22);
}

static bool has_xss(const struct nvmx_vcpu *v)
{
	const struct kvm_cpuid_entry2 *e = vmx_find_cpuid(v, 0xd, 1);

	return e && (e->eax & BIT(3));
}

static bool has_mcg_ext_ctl(const struct nvmx_vcpu *v)
{
	return v->feature_control & FEAT_CTL_LMCE_ENABLED;
}

static bool shows_platform_info(const struct nvmx_vcpu *v)
{
	return !v->vm->hide_platform_info;
}

/* ---- time ---- */

/* The host saves and restores L1's; the guest reads that of its level. */
static int get_tsc(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = by == MSR_BY_HOST ? vmx_l1_tsc(v, rdtsc()) : vmx_guest_tsc(v);
	return 0;
}

/*
 * L2 that L1 does not intercept writes the real counter, as in hardware: L1's.
 * SDM "Time-Stamp Counter Adjustment" [sdm:tsc-adjust]
 */
static int set_tsc(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	u64 delta;

	if (by == MSR_BY_HOST) {
		vmx_sync_tsc(v, val);
		return 0;
	}
	delta = val - vmx_l1_tsc(v, rdtsc());
	vmx_adjust_tsc(v, delta);
	v->tsc_adjust += delta;
	return 0;
}

/* The host restores the value; the offset that goes with it comes by the TSC itself. */
static int set_tsc_adjust(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (by == MSR_BY_GUEST)
		vmx_adjust_tsc(v, val - v->tsc_adjust);
	v->tsc_adjust = val;
	return 0;
}

/* ---- in the VMCS ---- */

static const struct {
	u32 msr;
	u32 encoding;
} in_vmcs[] = {
	{ MSR_IA32_SYSENTER_CS, VMCS_guest_sysenter_cs },
	{ MSR_IA32_SYSENTER_ESP, VMCS_guest_sysenter_esp },
	{ MSR_IA32_SYSENTER_EIP, VMCS_guest_sysenter_eip },
	{ MSR_IA32_DEBUGCTLMSR, VMCS_guest_ia32_debugctl },
	{ MSR_FS_BASE, VMCS_guest_fs_base },
	{ MSR_GS_BASE, VMCS_guest_gs_base },
};

static int vmcs_encoding_of(u32 msr, u32 *encoding)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(in_vmcs); i++) {
		if (in_vmcs[i].msr == msr) {
			*encoding = in_vmcs[i].encoding;
			return 0;
		}
	}
	return -ENOENT;
}

static int get_vmcs(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	u32 encoding;
	int err = vmcs_encoding_of(msr, &encoding);

	if (!err)
		*val = vmcs_hw_read(v, encoding);
	return err;
}

static int set_vmcs(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	u32 encoding;
	int err = vmcs_encoding_of(msr, &encoding);

	if (!err)
		vmcs_hw_write(v, encoding, val);
	return err;
}

/* Last-branch records and block stepping are not offered; Linux writes the bits all the same. */
static int set_debugctl(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	return set_vmcs(v, msr, val & ~(u64)DEBUGCTL_IGNORED, by);
}

/* ---- in hardware while the vCPU runs ---- */

static int get_kernel_gs_base(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = vmx_kernel_gs_base(v);
	return 0;
}

static int set_kernel_gs_base(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	vmx_set_kernel_gs_base(v, val);
	return 0;
}

static int set_syscall(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	switch (msr) {
	case MSR_STAR:
		v->star = val;
		break;
	case MSR_LSTAR:
		v->lstar = val;
		break;
	case MSR_SYSCALL_MASK:
		v->sfmask = val;
		break;
	default:
		v->tsc_aux = val;
	}
	vmx_user_msrs_changed(v);
	return 0;
}

static int set_spec_ctrl(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	u64 valid = SPEC_CTRL_IBRS;

	if (vmx_cpuid_has(v, 7, CPUID_EDX, 27))
		valid |= SPEC_CTRL_STIBP;
	if (vmx_cpuid_has(v, 7, CPUID_EDX, 31))
		valid |= SPEC_CTRL_SSBD;
	if (by == MSR_BY_HOST)
		valid |= SPEC_CTRL_STIBP | SPEC_CTRL_SSBD;
	if (val & ~valid)
		return -EINVAL;
	/* The CPU gets it before the next entry: it must have it. */
	if (val && !boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL))
		return -EINVAL;
	v->spec_ctrl = val;
	/* Who uses it writes it often: from now on without an exit. */
	if (val && !v->spec_ctrl_passthrough) {
		v->spec_ctrl_passthrough = true;
		vmx_update_msr_bitmap(v);
	}
	return 0;
}

static int set_pred_cmd(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (val & ~(u64)PRED_CMD_IBPB)
		return -EINVAL;
	if (val && by == MSR_BY_GUEST && boot_cpu_has(X86_FEATURE_IBPB))
		wrmsrl(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
	return 0;
}

static int set_flush_cmd(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (val & ~(u64)L1D_FLUSH)
		return -EINVAL;
	if (val && by == MSR_BY_GUEST && boot_cpu_has(X86_FEATURE_FLUSH_L1D))
		wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
	return 0;
}

static int set_xss(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (val & ~v->cpuid->xss_valid)
		return -EINVAL;
	v->xss = val;
	vmx_cpuid_runtime(v);
	return 0;
}

/* ---- modes and features ---- */

/* SDM "Extended Feature Enable Register": LME cannot change while paging [sdm:efer] */
static int set_efer(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	u64 changed = val ^ v->efer;

	if (!vmx_efer_valid(v, val))
		return -EINVAL;
	if (by == MSR_BY_GUEST && (changed & EFER_LME) && (vmx_cr0(v) & X86_CR0_PG))
		return -EINVAL;
	vmx_set_efer(v, (val & ~(u64)EFER_LMA) | (v->efer & EFER_LMA));
	/* NX changes what cached translations mean. */
	if (changed & EFER_NX)
		vmx_flush_linear(v);
	return 0;
}

static bool has_tsc_deadline(const struct nvmx_vcpu *v)
{
	return vmx_cpuid_has(v, 1, CPUID_ECX, 24);
}

static int get_tsc_deadline(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = irq_in_kernel(v) ? irq_tsc_deadline(v) : 0;
	return 0;
}

static int set_tsc_deadline(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (irq_in_kernel(v))
		irq_set_tsc_deadline(v, val);
	return 0;
}

static int get_x2apic(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	return irq_in_kernel(v) ? irq_read_x2apic(v, msr, val) : -EINVAL;
}

static int set_x2apic(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	return irq_in_kernel(v) ? irq_write_x2apic(v, msr, val) : -EINVAL;
}

static int set_apic_base(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	u64 old = v->apic_base;
	u64 reserved = APIC_BASE_RESERVED | GENMASK_ULL(63, v->cpuid->maxphyaddr);

	if (!vmx_cpuid_has(v, 1, CPUID_ECX, 21))
		reserved |= X2APIC_ENABLE;
	if (val & reserved)
		return -EINVAL;
	if ((val & X2APIC_ENABLE) && !(val & MSR_IA32_APICBASE_ENABLE))
		return -EINVAL;
	if (by == MSR_BY_GUEST && !irq_apic_base_valid(v, old, val))
		return -EINVAL;
	v->apic_base = val;
	vmx_cpuid_runtime(v);
	if (irq_in_kernel(v)) {
		irq_apic_base_changed(v, old);
		vmx_apicv_update(v);
	}
	return 0;
}

/* CPUID may follow it: KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT. */
static int set_misc_enable(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	v->misc_enable = val;
	vmx_cpuid_runtime(v);
	return 0;
}

static int set_feature_control(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	return by == MSR_BY_HOST ? nested_host_feature_control(v, val) :
				   nested_wrmsr_feature_control(v, val);
}

static int set_platform_info(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	bool faulting = v->misc_features & MSR_MISC_FEATURES_ENABLES_CPUID_FAULT;

	if (faulting && !(val & MSR_PLATFORM_INFO_CPUID_FAULT))
		return -EINVAL;
	v->platform_info = val;
	return 0;
}

static int set_misc_features(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (val & ~(u64)MSR_MISC_FEATURES_ENABLES_CPUID_FAULT)
		return -EINVAL;
	if (val && !(v->platform_info & MSR_PLATFORM_INFO_CPUID_FAULT))
		return -EINVAL;
	v->misc_features = val;
	return 0;
}

/* A paravirtual feature that is not offered: the host may say that it is off. */
static int set_absent(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	return val ? -EINVAL : 0;
}

#define HYPERV(a, b, how) \
	{ .first = (a), .last = (b), .flags = (how), .exists = hv_enabled, .get = hv_get_msr, \
	  .set = hv_set_msr }
#define FIELD(name)	offsetof(struct nvmx_vcpu, name)
#define ONE(msr)	.first = (msr), .last = (msr)
#define RANGE(a, b)	.first = (a), .last = (b)

/* clang-format off */
const struct msr_row msr_rows[] = {
	{ RANGE(MSR_IA32_P5_MC_ADDR, MSR_IA32_P5_MC_TYPE), .flags = MSR_RO },
	{ ONE(MSR_IA32_TSC), .flags = MSR_LISTED, .get = get_tsc, .set = set_tsc },
	{ RANGE(MSR_KVM_WALL_CLOCK, MSR_KVM_SYSTEM_TIME), .flags = MSR_LISTED, .get = pv_get_msr,
	  .set = pv_set_msr },
	{ ONE(MSR_IA32_PLATFORM_ID), .flags = MSR_RO },
	{ ONE(MSR_IA32_APICBASE), .field = FIELD(apic_base), .set = set_apic_base },
	{ ONE(MSR_IA32_EBL_CR_POWERON), .flags = MSR_RO },
	{ ONE(MSR_EBC_FREQUENCY_ID), .flags = MSR_RO, .value = BIT(24) },
	{ ONE(MSR_SMI_COUNT), .flags = MSR_LISTED | MSR_GUEST_RO, .field = FIELD(smi_count) },
	{ ONE(MSR_IA32_FEAT_CTL), .flags = MSR_LISTED, .field = FIELD(feature_control),
	  .set = set_feature_control },
	{ ONE(MSR_IA32_TSC_ADJUST), .flags = MSR_LISTED, .field = FIELD(tsc_adjust),
	  .exists = has_tsc_adjust, .set = set_tsc_adjust },
	{ ONE(MSR_IA32_SPEC_CTRL), .flags = MSR_LISTED, .field = FIELD(spec_ctrl),
	  .exists = has_spec_ctrl, .set = set_spec_ctrl },
	{ ONE(MSR_IA32_PRED_CMD), .flags = MSR_WO, .exists = has_spec_ctrl, .set = set_pred_cmd },
	{ ONE(MSR_IA32_UCODE_WRITE), .flags = MSR_WO | MSR_DROPPED },
	{ ONE(MSR_IA32_UCODE_REV), .flags = MSR_LISTED | MSR_DROPPED, .field = FIELD(ucode_rev) },
	{ ONE(MSR_IA32_SMBASE), .flags = MSR_LISTED | MSR_HOST, .field = FIELD(smbase) },
	{ RANGE(MSR_P6_PERFCTR0, MSR_P6_PERFCTR1), .flags = MSR_DROPPED },
	{ ONE(MSR_FSB_FREQ), .flags = MSR_RO, .value = 3 },
	{ ONE(MSR_PLATFORM_INFO), .flags = MSR_LISTED | MSR_GUEST_RO, .field = FIELD(platform_info),
	  .exists = shows_platform_info, .set = set_platform_info },
	{ ONE(MTRR_CAP), .flags = MSR_RO, .value = 0x508 },	/* 8 variable, fixed, WC */
	{ ONE(MSR_IA32_ARCH_CAPABILITIES), .flags = MSR_LISTED | MSR_GUEST_RO,
	  .field = FIELD(arch_capabilities), .exists = has_arch_capabilities },
	{ ONE(MSR_IA32_FLUSH_CMD), .flags = MSR_WO, .exists = has_flush_cmd, .set = set_flush_cmd },
	{ ONE(MSR_IA32_BBL_CR_CTL3), .flags = MSR_RO, .value = 0xbe702111 },
	{ ONE(MSR_MISC_FEATURES_ENABLES), .flags = MSR_LISTED, .field = FIELD(misc_features),
	  .set = set_misc_features },
	{ ONE(MSR_IA32_SYSENTER_CS), .flags = MSR_LISTED, .get = get_vmcs, .set = set_vmcs },
	{ RANGE(MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP), .flags = MSR_LISTED | MSR_CANONICAL,
	  .get = get_vmcs, .set = set_vmcs },
	{ ONE(MSR_IA32_MCG_CAP), .flags = MSR_RO, .field = FIELD(mcg_cap) },
	{ ONE(MSR_IA32_MCG_STATUS), .flags = MSR_LISTED, .field = FIELD(mcg_status) },
	{ ONE(MSR_IA32_MCG_CTL), .flags = MSR_LISTED, .get = msr_get_mcg_ctl,
	  .set = msr_set_mcg_ctl },
	{ RANGE(MSR_P6_EVNTSEL0, MSR_P6_EVNTSEL1), .flags = MSR_DROPPED },
	{ ONE(MSR_IA32_PERF_STATUS), .flags = MSR_RO, .value = 1000 | 4ull << 40 },
	{ ONE(MSR_IA32_MISC_ENABLE), .flags = MSR_LISTED, .field = FIELD(misc_enable),
	  .set = set_misc_enable },
	{ ONE(MSR_IA32_DEBUGCTLMSR), .reserved = ~(u64)DEBUGCTL_IGNORED, .get = get_vmcs,
	  .set = set_debugctl },
	{ RANGE(MSR_IA32_LASTBRANCHFROMIP, MSR_IA32_LASTINTTOIP), .flags = MSR_RO },
	{ ONE(MSR_IA32_POWER_CTL), .flags = MSR_LISTED, .field = FIELD(power_ctl) },
	{ RANGE(MTRR_VAR, MTRR_VAR + 15), .get = msr_get_mtrr_var, .set = msr_set_mtrr_var },
	{ ONE(MTRR_FIX64K), .get = msr_get_mtrr_fixed, .set = msr_set_mtrr_fixed },
	{ RANGE(MTRR_FIX16K, MTRR_FIX16K + 1), .get = msr_get_mtrr_fixed,
	  .set = msr_set_mtrr_fixed },
	{ RANGE(MTRR_FIX4K, MTRR_FIX4K + 7), .get = msr_get_mtrr_fixed,
	  .set = msr_set_mtrr_fixed },
	{ ONE(MSR_IA32_CR_PAT), .flags = MSR_LISTED, .get = msr_get_pat, .set = msr_set_pat },
	{ RANGE(MC_CTL2, MC_CTL2 + NVMX_MCE_BANKS - 1),
	  .reserved = ~(MCI_CTL2_CMCI_EN | MCI_CTL2_CMCI_THRESHOLD_MASK),
	  .get = msr_get_mc_ctl2, .set = msr_set_mc_ctl2 },
	{ ONE(MTRR_DEF_TYPE), .field = FIELD(mtrr_def), .set = msr_set_mtrr_def },
	{ RANGE(MC_BANKS, MC_BANKS + 4 * NVMX_MCE_BANKS - 1), .get = msr_get_mc_bank,
	  .set = msr_set_mc_bank },
	{ ONE(MSR_IA32_MCG_EXT_CTL), .field = FIELD(mcg_ext_ctl), .exists = has_mcg_ext_ctl,
	  .set = msr_set_mcg_ext_ctl },
	{ ONE(MSR_RAPL_POWER_UNIT), .flags = MSR_RO },
	{ ONE(MSR_PKG_ENERGY_STATUS), .flags = MSR_RO },
	{ ONE(MSR_DRAM_ENERGY_STATUS), .flags = MSR_RO },
	{ ONE(MSR_PP0_ENERGY_STATUS), .flags = MSR_RO },
	{ ONE(MSR_PP1_ENERGY_STATUS), .flags = MSR_RO },
	{ ONE(MSR_IA32_TSC_DEADLINE), .flags = MSR_LISTED, .exists = has_tsc_deadline,
	  .get = get_tsc_deadline, .set = set_tsc_deadline },
	{ RANGE(APIC_BASE_MSR, APIC_BASE_MSR + 0xff), .get = get_x2apic, .set = set_x2apic },
	{ ONE(MSR_IA32_XSS), .flags = MSR_LISTED, .field = FIELD(xss), .exists = has_xss,
	  .set = set_xss },
	HYPERV(0x40000000, 0x40000003, MSR_LISTED),	/* guest, hypercall page, VP index, reset */
	HYPERV(0x40000010, 0x40000010, MSR_LISTED),	/* runtime */
	HYPERV(0x40000020, 0x40000023, MSR_LISTED),	/* time, frequencies */
	HYPERV(0x40000070, 0x40000072, 0),		/* APIC: EOI, ICR, TPR */
	HYPERV(0x40000073, 0x40000073, MSR_LISTED),	/* VP assist page */
	HYPERV(0x40000080, 0x40000080, MSR_LISTED),	/* synthetic interrupt controller */
	HYPERV(0x40000081, 0x4000009f, 0),
	HYPERV(0x400000b0, 0x400000b0, MSR_LISTED),	/* synthetic timers */
	HYPERV(0x400000b1, 0x400000b7, 0),
	HYPERV(0x400000f1, 0x400000f5, MSR_LISTED),	/* debugger */
	HYPERV(0x400000ff, 0x400000ff, MSR_LISTED),
	HYPERV(0x40000100, 0x40000108, MSR_LISTED),	/* crash, reenlightenment */
	{ RANGE(MSR_KVM_WALL_CLOCK_NEW, MSR_KVM_SYSTEM_TIME_NEW), .flags = MSR_LISTED,
	  .get = pv_get_msr, .set = pv_set_msr },
	{ ONE(MSR_KVM_ASYNC_PF_EN), .flags = MSR_LISTED, .get = pv_get_msr, .set = pv_set_msr },
	{ ONE(MSR_KVM_STEAL_TIME), .flags = MSR_LISTED, .get = pv_get_msr, .set = pv_set_msr },
	{ ONE(MSR_KVM_PV_EOI_EN), .flags = MSR_LISTED, .get = pv_get_msr, .set = pv_set_msr },
	{ ONE(MSR_KVM_POLL_CONTROL), .flags = MSR_LISTED, .get = pv_get_msr, .set = pv_set_msr },
	{ RANGE(MSR_KVM_ASYNC_PF_INT, MSR_KVM_ASYNC_PF_ACK), .flags = MSR_LISTED,
	  .get = pv_get_msr, .set = pv_set_msr },
	{ ONE(MSR_KVM_MIGRATION_CONTROL), .flags = MSR_HOST, .set = set_absent },
	{ ONE(MSR_EFER), .field = FIELD(efer), .set = set_efer },
	{ ONE(MSR_STAR), .flags = MSR_LISTED, .field = FIELD(star), .set = set_syscall },
	{ ONE(MSR_LSTAR), .flags = MSR_LISTED | MSR_CANONICAL, .field = FIELD(lstar),
	  .set = set_syscall },
	{ ONE(MSR_CSTAR), .flags = MSR_LISTED | MSR_CANONICAL, .field = FIELD(cstar) },
	{ ONE(MSR_SYSCALL_MASK), .flags = MSR_LISTED, .field = FIELD(sfmask), .set = set_syscall },
	{ RANGE(MSR_FS_BASE, MSR_GS_BASE), .flags = MSR_CANONICAL, .get = get_vmcs,
	  .set = set_vmcs },
	{ ONE(MSR_KERNEL_GS_BASE), .flags = MSR_LISTED | MSR_CANONICAL, .get = get_kernel_gs_base,
	  .set = set_kernel_gs_base },
	{ ONE(MSR_TSC_AUX), .flags = MSR_LISTED, .field = FIELD(tsc_aux),
	  .reserved = ~0xffffffffull, .exists = has_tsc_aux, .set = set_syscall },
};

const u32 msr_nr_rows = ARRAY_SIZE(msr_rows);
