/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The result of walking ept12, with all that ept02 needs of the way.
 */
#ifndef NVMX_MMU_EPT12_H
#define NVMX_MMU_EPT12_H

#include <nvmx/mmu.h>
#include <nvmx/types.h>

#define EPT12_LEVELS	4

struct ept12_path {
	u64 table[EPT12_LEVELS + 1];	/* gpa of the table of each level; from level 4 to @level */
	u64 gpa;			/* of the byte asked for */
	u64 leaf;			/* the entry */
	u32 above;			/* EPTE_RWX: AND over the levels above the leaf */
	u32 perm;			/* the same with the leaf */
	u8 level;			/* of the leaf */
};

int ept12_walk(const struct mmu_ept12 *e, u64 ngpa, u32 access, struct ept12_path *path,
	       struct nvmx_fault *f);

/*
 * What an entry of a level-1 table grants without another walk: EPTE_RWX, 0 where the CPU would
 * fault or would have to set a flag first.
 */
u32 ept12_leaf_grants(const struct mmu_ept12 *e, u64 entry);

/* Of @perm, what may be used before the leaf is written again: no W until D is set. */
static inline u32 ept12_granted(const struct mmu_ept12 *e, u64 leaf, u32 perm)
{
	if ((e->eptp & EPTP_AD) && !(leaf & EPTE_D))
		perm &= ~(u32)EPTE_W;
	return perm;
}

#endif
