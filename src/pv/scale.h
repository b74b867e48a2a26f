/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ticks of a TSC as nanoseconds, in the form that the guest's page has.
 */
#ifndef NVMX_PV_SCALE_H
#define NVMX_PV_SCALE_H

#include <linux/types.h>

/* ns = (ticks << shift) * mul / 2^32; a negative shift is one to the right */
struct pv_scale {
	u32 mul;
	s8 shift;
};

struct pv_scale pv_scale_of(u64 hz);		/* of at most 2^53 Hz */
u64 pv_ticks_to_ns(struct pv_scale s, u64 ticks);

#endif
