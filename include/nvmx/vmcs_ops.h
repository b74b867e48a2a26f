/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMREAD and VMWRITE of the current VMCS, inline; part of vmx.h in the kernel.
 *
 * A field that does not exist, and VMX operation that an emergency has ended, are both found by
 * the out-of-line function: the first is a bug of nvmx and ends the VM, the second is silent.
 */
#ifndef NVMX_VMCS_OPS_H
#define NVMX_VMCS_OPS_H

#include <linux/compiler.h>
#include <asm/asm.h>
#include <nvmx/types.h>

/* Cold. A read that failed has the value 0. */
void vmcs_access_failed(struct nvmx_vcpu *v, u32 encoding, const char *insn);

static __always_inline u64 vmcs_read_inline(struct nvmx_vcpu *v, unsigned long encoding)
{
	unsigned long value;
	bool failed;

	/*
	 * A fault leaves 0 and the flags of whatever came before: 0 it is either way.  No asm goto:
	 * compilers that the supported kernels use lose its outputs.
	 */
	asm volatile("1:	vmread %[encoding], %[value]\n"
		     "2:\n"
		     _ASM_EXTABLE_TYPE_REG(1b, 2b, EX_TYPE_ZERO_REG, %[value])
		     : [value] "=r" (value), "=@ccbe" (failed)
		     : [encoding] "r" (encoding));
	if (likely(!failed))
		return value;
	vmcs_access_failed(v, encoding, "VMREAD");
	return 0;
}

static __always_inline void vmcs_write_inline(struct nvmx_vcpu *v, unsigned long encoding,
					      unsigned long value)
{
	bool failed;

	/* Here, too, a fault leaves the flags of whatever came before. */
	asm volatile("1:	vmwrite %[value], %[encoding]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "=@ccbe" (failed)
		     : [encoding] "r" (encoding), [value] "rm" (value));
	if (unlikely(failed))
		vmcs_access_failed(v, encoding, "VMWRITE");
}

#endif
