// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID of the guest: what user space may show, what it did show, and the bits that follow the
 * guest's state.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/processor.h>

#include <nvmx/arch.h>
#include <nvmx/hyperv.h>
#include <nvmx/nested.h>
#include <nvmx/pv.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "cpuid.h"
#include "exit.h"

#define DEFAULT_MAXPHYADDR	36

static const struct kvm_cpuid_entry2 *find(const struct nvmx_cpuid *c, u32 fn, u32 idx)
{
	u32 i;

	for (i = 0; i < c->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &c->e[i];

		if (e->function != fn)
			continue;
		if (!(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || e->index == idx)
			return e;
	}
	return NULL;
}

static u32 reg_of(const struct kvm_cpuid_entry2 *e, u32 reg)
{
	switch (reg) {
	case CPUID_EAX:
		return e->eax;
	case CPUID_EBX:
		return e->ebx;
	case CPUID_ECX:
		return e->ecx;
	default:
		return e->edx;
	}
}

static bool has(const struct nvmx_cpuid *c, u32 fn, u32 reg, u32 bit)
{
	const struct kvm_cpuid_entry2 *e = find(c, fn, 0);

	return e && (reg_of(e, reg) & BIT(bit));
}

const struct kvm_cpuid_entry2 *vmx_find_cpuid(const struct nvmx_vcpu *v, u32 fn, u32 idx)
{
	return find(v->cpuid, fn, idx);
}

bool vmx_cpuid_has(const struct nvmx_vcpu *v, u32 fn, u32 reg, u32 bit)
{
	return has(v->cpuid, fn, reg, bit);
}

/* ---- what follows from it ---- */

#define CR4_ALWAYS	(X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | \
			 X86_CR4_PAE | X86_CR4_MCE | X86_CR4_PGE | X86_CR4_PCE | \
			 X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT)

static const struct {
	u32 fn;
	u8 reg, bit;
	u64 cr4;
} cr4_features[] = {
	{ 1, CPUID_ECX, 5, X86_CR4_VMXE },
	{ 1, CPUID_ECX, 17, X86_CR4_PCIDE },
	{ 1, CPUID_ECX, 26, X86_CR4_OSXSAVE },
	{ 7, CPUID_EBX, 0, X86_CR4_FSGSBASE },
	{ 7, CPUID_EBX, 7, X86_CR4_SMEP },
	{ 7, CPUID_EBX, 20, X86_CR4_SMAP },
	{ 7, CPUID_ECX, 2, X86_CR4_UMIP },
};

static u64 cr4_valid(const struct nvmx_cpuid *c)
{
	u64 valid = CR4_ALWAYS;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cr4_features); i++)
		if (has(c, cr4_features[i].fn, cr4_features[i].reg, cr4_features[i].bit))
			valid |= cr4_features[i].cr4;
	return valid & vmx_caps.cr4_fixed1;
}

static u64 efer_valid(const struct nvmx_cpuid *c)
{
	u64 valid = 0;

	if (has(c, 0x80000001, CPUID_EDX, 11))
		valid |= EFER_SCE;
	if (has(c, 0x80000001, CPUID_EDX, 20))
		valid |= EFER_NX;
	if (has(c, 0x80000001, CPUID_EDX, 29))
		valid |= EFER_LME | EFER_LMA;
	return valid;
}

static u8 maxphyaddr(const struct nvmx_cpuid *c)
{
	const struct kvm_cpuid_entry2 *e = find(c, 0x80000008, 0);

	return e ? clamp_t(u32, e->eax & 0xff, 32, 52) : DEFAULT_MAXPHYADDR;
}

static u64 xcr0_valid(const struct nvmx_cpuid *c)
{
	const struct kvm_cpuid_entry2 *e = find(c, 0xd, 0);

	return e ? (e->eax | (u64)e->edx << 32) & cpuid_host_xcr0() : 0;
}

static void derive(struct nvmx_cpuid *c)
{
	c->maxphyaddr = maxphyaddr(c);
	c->cr4_valid = cr4_valid(c);
	c->efer_valid = efer_valid(c);
	c->xcr0_valid = xcr0_valid(c);
	c->xss_valid = 0;		/* no supervisor state is switched for guests */
	c->vmx = has(c, 1, CPUID_ECX, 5);
	c->pv_features = pv_features_of(c);
	c->sized_xcr0 = ~0ull;
}

/* ---- bits that follow the guest's state ---- */

static void set_bit_to(u32 *reg, u32 bit, bool on)
{
	*reg = on ? *reg | BIT(bit) : *reg & ~BIT(bit);
}

static struct kvm_cpuid_entry2 *find_own(struct nvmx_cpuid *c, u32 fn, u32 idx)
{
	return (struct kvm_cpuid_entry2 *)find(c, fn, idx);
}

static void follow_xstate(struct nvmx_vcpu *v, struct nvmx_cpuid *c)
{
	struct kvm_cpuid_entry2 *e;

	if (c->sized_xcr0 == v->xcr0 && c->sized_xss == v->xss)
		return;
	c->sized_xcr0 = v->xcr0;
	c->sized_xss = v->xss;
	e = find_own(c, 0xd, 0);
	if (e)
		e->ebx = cpuid_xstate_size(v->xcr0);
	e = find_own(c, 0xd, 1);
	if (e && (e->eax & (BIT(1) | BIT(3))))
		e->ebx = cpuid_xstate_size_compact(v->xcr0 | v->xss);
}

static bool mwait_follows(const struct nvmx_vcpu *v)
{
	return v->vm->disabled_quirks & KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT;
}

static void follow_state(struct nvmx_vcpu *v, struct nvmx_cpuid *c)
{
	struct kvm_cpuid_entry2 *e = find_own(c, 1, 0);

	if (e) {
		if (e->ecx & BIT(26))
			set_bit_to(&e->ecx, 27, v->cr4 & X86_CR4_OSXSAVE);
		set_bit_to(&e->edx, 9, v->apic_base & MSR_IA32_APICBASE_ENABLE);
		if (mwait_follows(v))
			set_bit_to(&e->ecx, 3, v->misc_enable & MSR_IA32_MISC_ENABLE_MWAIT);
	}
	follow_xstate(v, c);
}

void vmx_cpuid_runtime(struct nvmx_vcpu *v)
{
	follow_state(v, v->cpuid);
}

/* SDM "XSETBV—Set Extended Control Register" [sdm:xsetbv] */
static bool xcr0_consistent(u64 val)
{
	u64 avx512 = XFEATURE_MASK_OPMASK | XFEATURE_MASK_ZMM_Hi256 | XFEATURE_MASK_Hi16_ZMM;

	if (!(val & XFEATURE_MASK_FP))
		return false;
	if ((val & XFEATURE_MASK_YMM) && !(val & XFEATURE_MASK_SSE))
		return false;
	if (!(val & avx512))
		return true;
	return (val & avx512) == avx512 && (val & XFEATURE_MASK_YMM);
}

int vmx_set_xcr0(struct nvmx_vcpu *v, u64 val)
{
	if (val & ~v->cpuid->xcr0_valid || !xcr0_consistent(val))
		return -EINVAL;
	v->xcr0 = val;
	vmx_cpuid_runtime(v);
	return 0;
}

/* ---- what user space sets ---- */

/* Before the first KVM_SET_CPUID nothing is forbidden that could be shown. */
int vmx_cpuid_init(struct nvmx_vcpu *v)
{
	struct nvmx_cpuid *c = kvzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);
	int err;

	if (!c)
		return -ENOMEM;
	err = vmx_supported_cpuid(c->e, NVMX_MAX_CPUID, &c->nent);
	if (err) {
		kvfree(c);
		return err;
	}
	derive(c);
	c->nent = 0;
	v->cpuid = c;
	return 0;
}

static void allow(struct nvmx_vcpu *v, enum vmx_ctl ctl, bool shown)
{
	if (shown && vmx_cpu_has(ctl))
		vmcs_ctl_set(v, v->vmcs01, ctl);
	else
		vmcs_ctl_clear(v, v->vmcs01, ctl);
}

/* Instructions that a control has to enable. */
static void allow_instructions(struct nvmx_vcpu *v)
{
	const struct kvm_cpuid_entry2 *xsave = vmx_find_cpuid(v, 0xd, 1);

	bool tsc_aux = vmx_cpuid_has(v, 0x80000001, CPUID_EDX, 27) ||
		       vmx_cpuid_has(v, 7, CPUID_ECX, 22);

	allow(v, CTL_rdtscp, tsc_aux);
	allow(v, CTL_invpcid, vmx_cpuid_has(v, 7, CPUID_EBX, 10));
	allow(v, CTL_xsaves, xsave && (xsave->eax & BIT(3)));
}

static bool widths_valid(const struct nvmx_cpuid *c)
{
	const struct kvm_cpuid_entry2 *e = find(c, 0x80000008, 0);
	u32 linear = e ? (e->eax >> 8) & 0xff : 0;

	return !linear || linear == 48 || linear == 57;
}

static bool same(const struct nvmx_cpuid *a, const struct nvmx_cpuid *b)
{
	return a->nent == b->nent && !memcmp(a->e, b->e, a->nent * sizeof(*a->e));
}

static struct nvmx_cpuid *make(struct nvmx_vcpu *v, const struct kvm_cpuid_entry2 *e, u32 n)
{
	struct nvmx_cpuid *c = kvzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);

	if (!c)
		return NULL;
	memcpy(c->e, e, n * sizeof(*e));
	c->nent = n;
	derive(c);
	follow_state(v, c);
	return c;
}

static int check_new(const struct nvmx_vcpu *v, const struct nvmx_cpuid *c)
{
	if (!widths_valid(c))
		return -EINVAL;
	/* What has run relies on what it saw. */
	return v->has_run && !same(v->cpuid, c) ? -EINVAL : 0;
}

int vmx_set_cpuid(struct nvmx_vcpu *v, const struct kvm_cpuid_entry2 *e, u32 n)
{
	struct nvmx_cpuid *c;
	int err;

	if (n > NVMX_MAX_CPUID)
		return -E2BIG;
	c = make(v, e, n);
	if (!c)
		return -ENOMEM;
	err = check_new(v, c);
	if (err || v->has_run) {
		kvfree(c);
		return err;
	}
	kvfree(v->cpuid);
	v->cpuid = c;
	hv_cpuid_changed(v);
	allow_instructions(v);
	vmx_update_cr_masks(v);
	nested_cpuid_changed(v);
	return 0;
}

/* ---- the instruction ---- */

/*
 * A leaf above the last of its class answers with the data of the highest basic leaf.
 * SDM "CPUID—CPU Identification" [sdm:cpuid]
 */
static const struct kvm_cpuid_entry2 *out_of_range(const struct nvmx_vcpu *v, u32 fn, u32 idx)
{
	const struct kvm_cpuid_entry2 *class, *basic = vmx_find_cpuid(v, 0, 0);
	u32 base = fn & 0xc0000000;

	if (!basic)
		return NULL;
	class = base == 0x40000000 ? vmx_find_cpuid(v, fn & 0xffffff00, 0) :
				     vmx_find_cpuid(v, base, 0);
	if (class && fn <= class->eax)
		return NULL;
	return vmx_find_cpuid(v, basic->eax, idx);
}

/* Topology: a level that there is not repeats the level number and the APIC id. */
static void missing_level(const struct nvmx_vcpu *v, u32 fn, u32 idx, struct kvm_cpuid_entry2 *out)
{
	const struct kvm_cpuid_entry2 *e = vmx_find_cpuid(v, fn, 1);

	if ((fn != 0xb && fn != 0x1f) || !e)
		return;
	out->ecx = idx & 0xff;
	out->edx = e->edx;
}

static void lookup(const struct nvmx_vcpu *v, u32 fn, u32 idx, struct kvm_cpuid_entry2 *out)
{
	const struct kvm_cpuid_entry2 *e = vmx_find_cpuid(v, fn, idx);

	memset(out, 0, sizeof(*out));
	if (!e)
		e = out_of_range(v, fn, idx);
	if (e)
		*out = *e;
	else
		missing_level(v, fn, idx, out);
}

enum nvmx_action exit_cpuid(struct nvmx_vcpu *v)
{
	struct kvm_cpuid_entry2 e;

	if ((v->misc_features & MSR_MISC_FEATURES_ENABLES_CPUID_FAULT) && vmx_cpl(v))
		return vmx_gp(v);
	lookup(v, v->gpr[GPR_RAX], v->gpr[GPR_RCX], &e);
	v->gpr[GPR_RAX] = e.eax;
	v->gpr[GPR_RBX] = e.ebx;
	v->gpr[GPR_RCX] = e.ecx;
	v->gpr[GPR_RDX] = e.edx;
	return vmx_skip(v);
}
