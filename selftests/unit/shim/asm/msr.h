/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User-space stand-in for <asm/msr.h>: the TSC of the model.
 */
#ifndef SHIM_ASM_MSR_H
#define SHIM_ASM_MSR_H

#include <linux/types.h>

extern u64 model_tsc;

static inline u64 rdtsc(void)
{
	return model_tsc;
}

#endif /* SHIM_ASM_MSR_H */
