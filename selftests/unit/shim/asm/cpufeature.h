/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User-space stand-in for <asm/cpufeature.h>: a CPU without any of what is asked for.
 */
#ifndef SHIM_ASM_CPUFEATURE_H
#define SHIM_ASM_CPUFEATURE_H

#define X86_FEATURE_MCE			0
#define X86_FEATURE_SPLIT_LOCK_DETECT	0
#define boot_cpu_has(feature)		0
#define cpu_feature_enabled(feature)	0

#endif /* SHIM_ASM_CPUFEATURE_H */
