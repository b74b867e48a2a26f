// SPDX-License-Identifier: GPL-2.0-only
/*
 * FPU and extended state.
 *
 * From the begin to the end of KVM_RUN the thread's FPU state is the guest's, as the kernel's own
 * interface does it: context switches and the kernel's use of the FPU then just work.  XCR0, XSS
 * and PKRU are the guest's only from just before an entry to just after the exit, because the
 * kernel saves and restores with its own.
 */
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>
#include <asm/pkru.h>

#include "vmx_int.h"

static u64 host_xcr0 __ro_after_init;
static u64 host_xss __ro_after_init;

void __init vmx_fpu_init(void)
{
	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return;
	host_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	if (boot_cpu_has(X86_FEATURE_XSAVES))
		rdmsrl(MSR_IA32_XSS, host_xss);
}

int vmx_fpu_alloc(struct nvmx_vcpu *v)
{
	return fpu_alloc_guest_fpstate(&v->fpu) ? 0 : -ENOMEM;
}

void vmx_fpu_free(struct nvmx_vcpu *v)
{
	fpu_free_guest_fpstate(&v->fpu);
}

void vmx_fpu_enter(struct nvmx_vcpu *v)
{
	v->host_pkru = read_pkru();
	fpu_swap_kvm_fpstate(&v->fpu, true);
}

void vmx_fpu_leave(struct nvmx_vcpu *v)
{
	fpu_swap_kvm_fpstate(&v->fpu, false);
}

/* May the guest's own PKRU be in use? */
static bool has_pkru(const struct nvmx_vcpu *v)
{
	return cpu_feature_enabled(X86_FEATURE_OSPKE) &&
	       ((v->xcr0 & XFEATURE_MASK_PKRU) || (v->cpuid->cr4_valid & X86_CR4_PKE));
}

void vmx_xstate_load(struct nvmx_vcpu *v)
{
	if (unlikely(v->xcr0 != host_xcr0) && host_xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, v->xcr0);
	if (unlikely(v->xss != host_xss) && vmx_caps.xsaves)
		wrmsrl(MSR_IA32_XSS, v->xss);
	if (has_pkru(v) && v->pkru != v->host_pkru)
		write_pkru(v->pkru);
}

void vmx_xstate_save(struct nvmx_vcpu *v)
{
	if (has_pkru(v)) {
		v->pkru = rdpkru();
		if (v->pkru != v->host_pkru)
			write_pkru(v->host_pkru);
	}
	if (unlikely(v->xcr0 != host_xcr0) && host_xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, host_xcr0);
	if (unlikely(v->xss != host_xss) && vmx_caps.xsaves)
		wrmsrl(MSR_IA32_XSS, host_xss);
}
