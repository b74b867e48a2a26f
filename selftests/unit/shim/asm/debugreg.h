/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User-space stand-in for <asm/debugreg.h>: from the ABI.
 */
#ifndef SHIM_ASM_DEBUGREG_H
#define SHIM_ASM_DEBUGREG_H

#define DR_TRAP_BITS		0xfu
#define DR_STEP			0x4000u
#define DR_SWITCH		0x8000u
#define DR_GLOBAL_DETECT	0x2000u

#endif /* SHIM_ASM_DEBUGREG_H */
