/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of src/pv share.
 */
#ifndef NVMX_PV_INT_H
#define NVMX_PV_INT_H

#include <linux/types.h>
#include <nvmx/vcpu.h>

/* features.c: does the guest's CPUID show it, where that is enforced? */
bool pv_guest_has(const struct nvmx_vcpu *v, u32 feature);

/*
 * version.c: a struct that begins with its version, as the guest may read it at any time: odd
 * while it changes, even and another after that.  @buf has the version that was there before.
 */
void pv_write_versioned(struct nvmx_vm *vm, u64 gpa, void *buf, u32 len);

/* clock.c */
bool pv_clock_wants_update(const struct nvmx_vcpu *v);	/* any context */
void pv_write_wall_clock(struct nvmx_vm *vm, u64 gpa);	/* own thread */

#endif
