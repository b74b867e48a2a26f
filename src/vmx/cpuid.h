/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Extended state, as CPUID leaf 0xd tells it.
 */
#ifndef NVMX_CPUID_H
#define NVMX_CPUID_H

#include <linux/types.h>
#include <asm/page.h>
#include <asm/fpu/types.h>

u64 cpuid_host_xcr0(void);	/* user state that a guest may have */
u32 cpuid_xstate_size(u64 features);
u32 cpuid_xstate_size_compact(u64 features);

#endif
