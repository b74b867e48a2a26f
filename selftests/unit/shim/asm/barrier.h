/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User-space stand-in for <asm/barrier.h>.
 */
#ifndef SHIM_ASM_BARRIER_H
#define SHIM_ASM_BARRIER_H

#ifndef smp_mb
#define smp_mb()	__sync_synchronize()
#endif

#endif /* SHIM_ASM_BARRIER_H */
