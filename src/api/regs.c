// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_REGS and KVM_SET_REGS: general registers, RIP and RFLAGS of the current level.
 */
#include <nvmx/vmx.h>

#include "face.h"
#include "ioctl.h"

void regs_get(struct nvmx_vcpu *v, struct kvm_regs *r)
{
	r->rax = vmx_gpr(v, GPR_RAX);
	r->rbx = vmx_gpr(v, GPR_RBX);
	r->rcx = vmx_gpr(v, GPR_RCX);
	r->rdx = vmx_gpr(v, GPR_RDX);
	r->rsi = vmx_gpr(v, GPR_RSI);
	r->rdi = vmx_gpr(v, GPR_RDI);
	r->rsp = vmx_rsp(v);
	r->rbp = vmx_gpr(v, GPR_RBP);
	r->r8 = vmx_gpr(v, GPR_R8);
	r->r9 = vmx_gpr(v, GPR_R9);
	r->r10 = vmx_gpr(v, GPR_R10);
	r->r11 = vmx_gpr(v, GPR_R11);
	r->r12 = vmx_gpr(v, GPR_R12);
	r->r13 = vmx_gpr(v, GPR_R13);
	r->r14 = vmx_gpr(v, GPR_R14);
	r->r15 = vmx_gpr(v, GPR_R15);
	r->rip = vmx_rip(v);
	r->rflags = vmx_rflags(v);
}

/* A new RIP means a new instruction: the fault of the old one is forgotten. */
void regs_set(struct nvmx_vcpu *v, const struct kvm_regs *r)
{
	vmx_set_gpr(v, GPR_RAX, r->rax);
	vmx_set_gpr(v, GPR_RBX, r->rbx);
	vmx_set_gpr(v, GPR_RCX, r->rcx);
	vmx_set_gpr(v, GPR_RDX, r->rdx);
	vmx_set_gpr(v, GPR_RSI, r->rsi);
	vmx_set_gpr(v, GPR_RDI, r->rdi);
	vmx_set_rsp(v, r->rsp);
	vmx_set_gpr(v, GPR_RBP, r->rbp);
	vmx_set_gpr(v, GPR_R8, r->r8);
	vmx_set_gpr(v, GPR_R9, r->r9);
	vmx_set_gpr(v, GPR_R10, r->r10);
	vmx_set_gpr(v, GPR_R11, r->r11);
	vmx_set_gpr(v, GPR_R12, r->r12);
	vmx_set_gpr(v, GPR_R13, r->r13);
	vmx_set_gpr(v, GPR_R14, r->r14);
	vmx_set_gpr(v, GPR_R15, r->r15);
	vmx_set_rip(v, r->rip);
	vmx_set_rflags(v, r->rflags | X86_EFLAGS_FIXED);
	v->ev.exception.pending = false;
	vcpu_request(v, REQ_EVENT);
}

int vcpu_get_regs(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	regs_get(v, arg.buf);
	return 0;
}

int vcpu_set_regs(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	regs_set(v, arg.buf);
	return 0;
}
