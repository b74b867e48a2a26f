// SPDX-License-Identifier: GPL-2.0-only
/*
 * Structs in the guest's memory that carry a version, as a sequence lock for the guest.
 */
#include <linux/types.h>
#include <asm/barrier.h>

#include <nvmx/mmu.h>

#include "pv_int.h"

void pv_write_versioned(struct nvmx_vm *vm, u64 gpa, void *buf, u32 len)
{
	u32 *version = buf;

	/* What the guest left there first may be odd. */
	*version = (*version + 1) | 1;
	if (mmu_write(vm, gpa, version, sizeof(*version)))
		return;
	smp_wmb();	/* whoever sees the new contents sees the odd version */
	mmu_write(vm, gpa, buf, len);
	smp_wmb();	/* whoever sees the even version sees the new contents */
	++*version;
	mmu_write(vm, gpa, version, sizeof(*version));
}
