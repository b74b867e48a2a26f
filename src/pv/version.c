// SPDX-License-Identifier: GPL-2.0-only
/*
 * Structs in the guest's memory that carry a version, as a sequence lock for the guest.
 */
#include <linux/types.h>
#include <asm/barrier.h>

#include <nvmx/mmu.h>

#include "pv_int.h"

int pv_version_begin(struct nvmx_vm *vm, u64 gpa, u32 *version)
{
	int err;

	/* What the guest left there first may be odd. */
	*version = (*version + 1) | 1;
	err = mmu_write(vm, gpa, version, sizeof(*version));
	smp_wmb();	/* whoever sees the new contents sees the odd version */
	return err;
}

void pv_version_end(struct nvmx_vm *vm, u64 gpa, u32 *version)
{
	smp_wmb();	/* whoever sees the even version sees the new contents */
	++*version;
	mmu_write(vm, gpa, version, sizeof(*version));
}
