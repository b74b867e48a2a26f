// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_SUPPORTED_CPUID: the host's CPUID, masked to what nvmx does for guests.
 *
 * A bit needs three to agree: the CPU, the host's kernel (which turns off what it found broken or
 * was told to), and the mask here.  Features of an APIC in the kernel are not offered.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/kvm_para.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/cpufeature.h>
#include <asm/fpu/xcr.h>
#include <asm/processor.h>

#include <nvmx/pv.h>
#include <nvmx/vmx.h>

#include "cpuid.h"

#define MAX_BASIC	0xdu
#define MAX_EXTENDED	0x80000008u
#define MAX_CACHES	8		/* subleaves of leaf 4; the CPU ends the list itself */

#define F(name)		BIT(X86_FEATURE_##name & 31)
#define NO_WORD		(-1)

/* Registers that are not here are 0, but for the leaves that fill() knows. */
static const struct {
	u32 fn;
	u8 idx, reg;
	s8 word;		/* of boot_cpu_data.x86_capability */
	u32 mask;
} masks[] = {
	{ 1, 0, CPUID_ECX, CPUID_1_ECX,
	  F(XMM3) | F(PCLMULQDQ) | F(SSSE3) | F(FMA) | F(CX16) | F(PCID) | F(XMM4_1) |
	  F(XMM4_2) | F(MOVBE) | F(POPCNT) | F(AES) | F(XSAVE) | F(AVX) | F(F16C) | F(RDRAND) },
	{ 1, 0, CPUID_EDX, CPUID_1_EDX,
	  F(FPU) | F(VME) | F(DE) | F(PSE) | F(TSC) | F(MSR) | F(PAE) | F(MCE) | F(CX8) |
	  F(APIC) | F(SEP) | F(MTRR) | F(PGE) | F(MCA) | F(CMOV) | F(PAT) | F(PSE36) |
	  F(CLFLUSH) | F(MMX) | F(FXSR) | F(XMM) | F(XMM2) | F(SELFSNOOP) },
	{ 7, 0, CPUID_EBX, CPUID_7_0_EBX,
	  F(FSGSBASE) | F(BMI1) | F(HLE) | F(AVX2) | F(FDP_EXCPTN_ONLY) | F(SMEP) | F(BMI2) |
	  F(ERMS) | F(INVPCID) | F(RTM) | F(ZERO_FCS_FDS) | F(AVX512F) | F(AVX512DQ) |
	  F(RDSEED) | F(ADX) | F(SMAP) | F(AVX512IFMA) | F(CLFLUSHOPT) | F(CLWB) |
	  F(AVX512PF) | F(AVX512ER) | F(AVX512CD) | F(SHA_NI) | F(AVX512BW) | F(AVX512VL) },
	{ 7, 0, CPUID_ECX, CPUID_7_ECX,
	  F(AVX512VBMI) | F(UMIP) | F(AVX512_VBMI2) | F(GFNI) | F(VAES) | F(VPCLMULQDQ) |
	  F(AVX512_VNNI) | F(AVX512_BITALG) | F(AVX512_VPOPCNTDQ) | F(RDPID) | F(CLDEMOTE) |
	  F(MOVDIRI) | F(MOVDIR64B) },
	{ 7, 0, CPUID_EDX, CPUID_7_EDX,
	  F(AVX512_4VNNIW) | F(AVX512_4FMAPS) | F(FSRM) | F(AVX512_VP2INTERSECT) |
	  F(MD_CLEAR) | F(SERIALIZE) | F(TSXLDTRK) | F(AVX512_FP16) | F(SPEC_CTRL) |
	  F(INTEL_STIBP) | F(FLUSH_L1D) | F(SPEC_CTRL_SSBD) },
	{ 7, 1, CPUID_EAX, CPUID_7_1_EAX, F(AVX_VNNI) | F(AVX512_BF16) },
	{ 0xd, 1, CPUID_EAX, CPUID_D_1_EAX, F(XSAVEOPT) | F(XSAVEC) | F(XGETBV1) | F(XSAVES) },
	{ 0x80000001, 0, CPUID_ECX, CPUID_8000_0001_ECX, F(LAHF_LM) | F(ABM) | F(3DNOWPREFETCH) },
	{ 0x80000001, 0, CPUID_EDX, CPUID_8000_0001_EDX,
	  F(SYSCALL) | F(NX) | F(GBPAGES) | F(RDTSCP) | F(LM) },
	{ 0x80000007, 0, CPUID_EDX, NO_WORD, BIT(8) },		/* invariant TSC */
};

/* What follows a mask: features that depend on a VMX control, or are done in software. */
static u32 adjust(u32 fn, u32 reg, u32 val)
{
	if (fn == 1 && reg == CPUID_ECX)
		val |= F(VMX) | F(X2APIC);
	if (fn == 7 && reg == CPUID_EBX)
		val = (val | F(TSC_ADJUST)) & ~(vmx_caps.invpcid ? 0 : F(INVPCID));
	if (fn == 7 && reg == CPUID_ECX && !vmx_caps.rdtscp)
		val &= ~F(RDPID);
	if (fn == 7 && reg == CPUID_EDX)
		val |= F(ARCH_CAPABILITIES);
	if (fn == 0xd && !vmx_caps.xsaves)
		val &= ~F(XSAVES);
	if (fn == 0x80000001 && reg == CPUID_EDX && !vmx_caps.rdtscp)
		val &= ~F(RDTSCP);
	return val;
}

static u32 *reg_of(struct kvm_cpuid_entry2 *e, u32 reg)
{
	u32 *regs[] = { &e->eax, &e->ebx, &e->ecx, &e->edx };

	return regs[reg];
}

static void apply_masks(struct kvm_cpuid_entry2 *e, u32 keep)
{
	struct kvm_cpuid_entry2 raw = *e;
	u32 i, val;

	for (i = 0; i < 4; i++)
		if (!(keep & BIT(i)))
			*reg_of(e, i) = 0;
	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		if (masks[i].fn != e->function || masks[i].idx != e->index)
			continue;
		val = *reg_of(&raw, masks[i].reg) & masks[i].mask;
		if (masks[i].word != NO_WORD)
			val &= boot_cpu_data.x86_capability[masks[i].word];
		*reg_of(e, masks[i].reg) = masks[i].idx && e->function == 7 ? val :
					   adjust(e->function, masks[i].reg, val);
	}
}

/* ---- extended state ---- */

#define GUEST_XFEATURES	(XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM | \
			 XFEATURE_MASK_OPMASK | XFEATURE_MASK_ZMM_Hi256 | \
			 XFEATURE_MASK_Hi16_ZMM)
#define XSAVE_LEGACY	(512 + 64)	/* legacy region and header */

u64 cpuid_host_xcr0(void)
{
	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return 0;
	return xgetbv(XCR_XFEATURE_ENABLED_MASK) & GUEST_XFEATURES;
}

static u32 component_end(u32 i, u32 end, bool compact)
{
	u32 size, offset, ecx, edx;

	cpuid_count(0xd, i, &size, &offset, &ecx, &edx);
	if (compact)
		offset = ecx & BIT(1) ? ALIGN(end, 64) : end;
	return max(end, offset + size);
}

static u32 xstate_size(u64 features, bool compact)
{
	u32 i, end = XSAVE_LEGACY;

	for (i = 2; i < 63; i++)
		if (features & BIT_ULL(i))
			end = component_end(i, end, compact);
	return end;
}

u32 cpuid_xstate_size(u64 features)
{
	return xstate_size(features, false);
}

u32 cpuid_xstate_size_compact(u64 features)
{
	return xstate_size(features, true);
}

/* ---- leaves ---- */

/* Subleaf 0: user features and sizes; 1: instructions; the others: one component each. */
static void fill_xstate(struct kvm_cpuid_entry2 *e)
{
	u64 xcr0 = cpuid_host_xcr0();

	switch (e->index) {
	case 0:
		e->eax = lower_32_bits(xcr0);
		e->edx = upper_32_bits(xcr0);
		e->ebx = cpuid_xstate_size(xcr0);
		e->ecx = e->ebx;
		break;
	case 1:
		apply_masks(e, 0);
		if (e->eax & (F(XSAVEC) | F(XSAVES)))
			e->ebx = cpuid_xstate_size_compact(xcr0);
		break;
	}
}

static void fill_widths(struct kvm_cpuid_entry2 *e)
{
	u32 guest_physical = (e->eax >> 16) & 0xff;
	u32 physical = guest_physical ?: e->eax & 0xff;

	/* LA57 is not offered. */
	e->eax = min_t(u32, physical, 52) | 48 << 8;
	e->ebx = 0;
	e->ecx = 0;
	e->edx = 0;
}

static void fill_paravirt(struct kvm_cpuid_entry2 *e)
{
	static const u32 signature[3] = { 0x4b4d564b, 0x564b4d56, 0x0000004d };
	bool is_first = e->function == KVM_CPUID_SIGNATURE;

	e->eax = is_first ? KVM_CPUID_FEATURES : pv_supported_features();
	e->ebx = is_first ? signature[0] : 0;
	e->ecx = is_first ? signature[1] : 0;
	e->edx = is_first ? signature[2] : 0;
}

static void fill(struct kvm_cpuid_entry2 *e)
{
	switch (e->function) {
	case 0:
		e->eax = min(e->eax, MAX_BASIC);
		break;
	case 1:
		apply_masks(e, BIT(CPUID_EAX) | BIT(CPUID_EBX));
		break;
	case 6:
		*e = (struct kvm_cpuid_entry2){ .function = 6, .eax = F(ARAT) };
		break;
	case 7:
		e->eax = e->index ? e->eax : min(e->eax, 1u);
		apply_masks(e, e->index ? 0 : BIT(CPUID_EAX));
		break;
	case 0xd:
		fill_xstate(e);
		break;
	case KVM_CPUID_SIGNATURE:
	case KVM_CPUID_FEATURES:
		fill_paravirt(e);
		break;
	case 0x80000000:
		e->eax = min(e->eax, MAX_EXTENDED);
		break;
	case 0x80000001:
		apply_masks(e, BIT(CPUID_EAX));
		break;
	case 0x80000007:
		apply_masks(e, 0);
		break;
	case 0x80000008:
		fill_widths(e);
		break;
	}
}

struct cursor {
	struct kvm_cpuid_entry2 *e;
	u32 max, n;
	bool full;
};

static struct kvm_cpuid_entry2 *emit(struct cursor *c, u32 fn, u32 idx, u32 flags)
{
	struct kvm_cpuid_entry2 *e;

	if (c->n >= c->max) {
		c->full = true;
		return NULL;
	}
	e = &c->e[c->n++];
	memset(e, 0, sizeof(*e));
	e->function = fn;
	e->index = idx;
	e->flags = flags;
	cpuid_count(fn, idx, &e->eax, &e->ebx, &e->ecx, &e->edx);
	fill(e);
	return e;
}

static void emit_caches(struct cursor *c)
{
	const struct kvm_cpuid_entry2 *e;
	u32 i;

	for (i = 0; i < MAX_CACHES; i++) {
		e = emit(c, 4, i, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
		if (!e || !(e->eax & 0x1f))
			return;
	}
}

static void emit_features(struct cursor *c)
{
	const struct kvm_cpuid_entry2 *e = emit(c, 7, 0, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);

	if (e && e->eax)
		emit(c, 7, 1, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
}

static void emit_xstate(struct cursor *c)
{
	u64 xcr0 = cpuid_host_xcr0();
	u32 i;

	if (!xcr0)
		return;
	emit(c, 0xd, 0, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	emit(c, 0xd, 1, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	for (i = 2; i < 63; i++)
		if (xcr0 & BIT_ULL(i))
			emit(c, 0xd, i, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
}

static void emit_range(struct cursor *c, u32 first, u32 last)
{
	u32 fn;

	for (fn = first; fn <= last; fn++)
		emit(c, fn, 0, 0);
}

int vmx_supported_cpuid(struct kvm_cpuid_entry2 *e, u32 max, u32 *n)
{
	struct cursor c = { .e = e, .max = max };
	u32 basic = cpuid_eax(0);

	emit_range(&c, 0, 2);
	emit_caches(&c);
	if (basic >= 6)
		emit(&c, 6, 0, 0);
	if (basic >= 7)
		emit_features(&c);
	if (basic >= 0xd)
		emit_xstate(&c);
	emit_range(&c, KVM_CPUID_SIGNATURE, KVM_CPUID_FEATURES);
	emit_range(&c, 0x80000000, min(cpuid_eax(0x80000000), MAX_EXTENDED));
	*n = c.n;
	return c.full ? -E2BIG : 0;
}
