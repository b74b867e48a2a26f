/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User-space stand-in for <linux/processor.h>: who spins lets the model's time pass.
 */
#ifndef SHIM_LINUX_PROCESSOR_H
#define SHIM_LINUX_PROCESSOR_H

#include <linux/types.h>

void pass(u64 ns);

static inline void cpu_relax(void)
{
	pass(1);
}

#endif /* SHIM_LINUX_PROCESSOR_H */
