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
 * version.c: around a change of a struct that the guest may read at any time.  The version, at
 * @gpa, is odd while it changes, and even and another after that.  *@version is what was there.
 */
int pv_version_begin(struct nvmx_vm *vm, u64 gpa, u32 *version);	/* -EFAULT: not writable */
void pv_version_end(struct nvmx_vm *vm, u64 gpa, u32 *version);

/* clock.c */
bool pv_clock_wants_update(const struct nvmx_vcpu *v);	/* any context */
void pv_write_wall_clock(struct nvmx_vm *vm, u64 gpa);	/* own thread */

/* apf.c: MSRs; own thread */
bool pv_apf_enable_ok(struct nvmx_vcpu *v, u64 val);
void pv_apf_enable(struct nvmx_vcpu *v, u64 val);
bool pv_apf_vector_ok(struct nvmx_vcpu *v, u64 val);
void pv_apf_ack(struct nvmx_vcpu *v, u64 val);
void pv_apf_forget(struct nvmx_vcpu *v);	/* the vCPU ends */

/* thread.c: the CPU goes to the thread of this vCPU, if it waits for one; may sleep */
bool pv_yield_to(struct nvmx_vcpu *to);

/* steal.c */
bool pv_steal_wants_update(const struct nvmx_vcpu *v);	/* any context */
void pv_set_steal_time(struct nvmx_vcpu *v, u64 val);	/* own thread */

#endif
