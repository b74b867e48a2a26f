// SPDX-License-Identifier: GPL-2.0-only
/*
 * XMM registers of the guest, for the emulator: they are in the CPU, or in this task's fpstate.
 *
 * All of them by FXSAVE and back by FXRSTOR, which leaves the upper halves of YMM registers alone:
 * an access to a device by SSE is rare.
 */
#include <linux/string.h>
#include <linux/thread_info.h>
#include <linux/types.h>
#include <asm/fpu/api.h>
#include <asm/page.h>
#include <asm/fpu/types.h>

#include "exit.h"

static void begin(struct fxregs_state *fx)
{
	fpregs_lock();
	fpregs_assert_state_consistent();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
	asm volatile("fxsaveq %0" : "=m" (*fx));
}

static u8 *xmm(struct fxregs_state *fx, unsigned int reg)
{
	return (u8 *)fx->xmm_space + (reg & 15) * 16;
}

void vmx_xmm_read(unsigned int reg, u8 val[16])
{
	struct fxregs_state fx __aligned(16);

	begin(&fx);
	memcpy(val, xmm(&fx, reg), 16);
	fpregs_unlock();
}

void vmx_xmm_write(unsigned int reg, const u8 val[16])
{
	struct fxregs_state fx __aligned(16);

	begin(&fx);
	memcpy(xmm(&fx, reg), val, 16);
	asm volatile("fxrstorq %0" : : "m" (fx));
	fpregs_unlock();
}
