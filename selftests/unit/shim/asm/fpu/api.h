/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <asm/fpu/api.h>: nothing of it is used. */
#ifndef SHIM_ASM_FPU_API_H
#define SHIM_ASM_FPU_API_H


#endif /* SHIM_ASM_FPU_API_H */
