/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User-space stand-in for <asm/mce.h>: the kernel's names, with the SDM's numbers.
 */
#ifndef SHIM_ASM_MCE_H
#define SHIM_ASM_MCE_H

#include <linux/bits.h>

#define MCG_CMCI_P		BIT_ULL(10)

#endif
