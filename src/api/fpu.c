// SPDX-License-Identifier: GPL-2.0-only
/*
 * FPU, XSAVE and XCR state.  The guest's registers are in v->fpu while KVM_RUN is not under way.
 *
 * The only way in and out is the kernel's XSAVE image in its user-space form: it knows which
 * components are in their initial state, and which bits of MXCSR there are.
 */
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#include <nvmx/vmx.h>

#include "ioctl.h"

/* A copy of all components the guest can have; to be freed. */
static struct xregs_state *image_get(struct nvmx_vcpu *v)
{
	struct xregs_state *x = kzalloc(v->fpu.uabi_size, GFP_KERNEL_ACCOUNT);

	if (x)
		fpu_copy_guest_fpstate_to_uabi(&v->fpu, x, v->fpu.uabi_size,
					       v->cpuid->xcr0_valid | XFEATURE_MASK_FPSSE,
					       v->pkru);
	return x;
}

/* -EINVAL for reserved bits, components the host lacks and bits of MXCSR it lacks. */
static int image_set(struct nvmx_vcpu *v, const struct xregs_state *x)
{
	return fpu_copy_uabi_to_guest_fpstate(&v->fpu, x, v->fpu.fpstate->user_xfeatures,
					      &v->pkru);
}

int vcpu_get_fpu(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	struct xregs_state *x = image_get(v);
	struct kvm_fpu *fpu = arg.buf;

	if (!x)
		return -ENOMEM;
	memcpy(fpu->fpr, x->i387.st_space, sizeof(fpu->fpr));
	fpu->fcw = x->i387.cwd;
	fpu->fsw = x->i387.swd;
	fpu->ftwx = x->i387.twd;
	fpu->last_opcode = x->i387.fop;
	fpu->last_ip = x->i387.rip;
	fpu->last_dp = x->i387.rdp;
	memcpy(fpu->xmm, x->i387.xmm_space, sizeof(fpu->xmm));
	fpu->mxcsr = x->i387.mxcsr;
	kfree(x);
	return 0;
}

int vcpu_set_fpu(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	struct xregs_state *x = image_get(v);
	const struct kvm_fpu *fpu = arg.buf;
	int ret;

	if (!x)
		return -ENOMEM;
	memcpy(x->i387.st_space, fpu->fpr, sizeof(fpu->fpr));
	x->i387.cwd = fpu->fcw;
	x->i387.swd = fpu->fsw;
	x->i387.twd = fpu->ftwx;
	x->i387.fop = fpu->last_opcode;
	x->i387.rip = fpu->last_ip;
	x->i387.rdp = fpu->last_dp;
	memcpy(x->i387.xmm_space, fpu->xmm, sizeof(fpu->xmm));
	x->i387.mxcsr = fpu->mxcsr;
	x->header.xfeatures |= XFEATURE_MASK_FPSSE;
	ret = image_set(v, x);
	kfree(x);
	return ret;
}

/* KVM_GET_XSAVE and KVM_GET_XSAVE2: without dynamic components both are 4096 bytes. */
int vcpu_get_xsave(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	struct xregs_state *x;
	int ret = 0;

	if (v->fpu.uabi_size > sizeof(struct kvm_xsave))
		return -EINVAL;
	x = image_get(v);
	if (!x)
		return -ENOMEM;
	if (copy_to_user(arg.user, x, v->fpu.uabi_size))
		ret = -EFAULT;
	kfree(x);
	return ret;
}

int vcpu_set_xsave(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	struct xregs_state *x = memdup_user(arg.user, v->fpu.uabi_size);
	int ret;

	if (IS_ERR(x))
		return PTR_ERR(x);
	ret = image_set(v, x);
	kfree(x);
	return ret;
}

int vcpu_get_xcrs(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	struct kvm_xcrs *xcrs = arg.buf;

	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return -EINVAL;
	xcrs->nr_xcrs = 1;
	xcrs->xcrs[0].xcr = 0;
	xcrs->xcrs[0].value = v->xcr0;
	return 0;
}

/* XCR0 is the only one there is; others in the list are ignored, as KVM does. */
int vcpu_set_xcrs(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	const struct kvm_xcrs *xcrs = arg.buf;
	u32 i;

	if (!boot_cpu_has(X86_FEATURE_XSAVE) || xcrs->flags || xcrs->nr_xcrs > KVM_MAX_XCRS)
		return -EINVAL;
	for (i = 0; i < xcrs->nr_xcrs; i++) {
		if (!xcrs->xcrs[i].xcr)
			return vmx_set_xcr0(v, xcrs->xcrs[i].value);
	}
	return 0;
}
