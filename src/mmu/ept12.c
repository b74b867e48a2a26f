// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walk of ept12, L1's EPT, in software.
 *
 * The tables are guest memory: each entry is read once, checked and used from the copy.  The order
 * is the CPU's: an entry that is not present, or is misconfigured, ends the walk where it is met;
 * rights are judged after the leaf; flags are set only when the access is allowed.
 * SDM "EPT Translation Mechanism", "EPT Misconfigurations", "EPT Violations", "Accessed and Dirty
 * Flags for EPT".
 */
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <nvmx/arch.h>
#include <nvmx/fields.h>

#include "ept12.h"

#define LEVEL_SHIFT(level)	(12 + 9 * ((level) - 1))
#define FLAG_RETRIES		8

static_assert(ACC_READ == EPTE_R && ACC_WRITE == EPTE_W && ACC_EXEC == EPTE_X);
static_assert(EPTQ_READ == EPTE_R && EPTQ_WRITE == EPTE_W && EPTQ_EXEC == EPTE_X);
static_assert(EPTQ_READABLE == EPTE_R << 3 && EPTQ_EXECUTABLE == EPTE_X << 3);

static bool is_leaf(u64 entry, int level)
{
	return level == 1 || (level < EPT12_LEVELS && (entry & EPTE_LARGE));
}

static bool memtype_reserved(u64 entry)
{
	unsigned int type = (entry >> 3) & 7;

	return type == 2 || type == 3 || type == 7;
}

/* Bits that must be 0 in a present entry. */
static u64 reserved_bits(const struct mmu_ept12 *e, u64 entry, int level)
{
	u64 beyond = e->maxphyaddr < 52 ? GENMASK_ULL(51, e->maxphyaddr) : 0;

	if (level == 4)
		return beyond | GENMASK_ULL(7, 3);
	if (!is_leaf(entry, level))
		return beyond | GENMASK_ULL(6, 3);
	if (level == 3 && !e->page_1g)
		return beyond | EPTE_LARGE;
	if (level == 1)
		return beyond;
	return beyond | GENMASK_ULL(LEVEL_SHIFT(level) - 1, 12);
}

static bool misconfigured(const struct mmu_ept12 *e, u64 entry, int level)
{
	if (!(entry & EPTE_R) && ((entry & EPTE_W) || !e->exec_only))
		return true;
	if (entry & reserved_bits(e, entry, level))
		return true;
	return is_leaf(entry, level) && memtype_reserved(entry);
}

u32 ept12_leaf_grants(const struct mmu_ept12 *e, u64 entry)
{
	if (!(entry & EPTE_RWX) || misconfigured(e, entry, 1))
		return 0;
	if ((e->eptp & EPTP_AD) && !(entry & EPTE_A))
		return 0;
	return ept12_granted(e, entry, entry & EPTE_RWX);
}

static int violation(struct nvmx_fault *f, u32 access, u32 perm)
{
	f->nested_reason = EXIT_ept_violation;
	f->nested_qual = (access & EPTE_RWX) | (u64)perm << 3;
	return -EFAULT;
}

static int misconfig(struct nvmx_fault *f)
{
	f->nested_reason = EXIT_ept_misconfig;
	f->nested_qual = 0;
	return -EFAULT;
}

/*
 * Set A in the entry, and D in a leaf that is written.  -EAGAIN: it changed, walk again.  Tables in
 * memory that L1 cannot write are left as they are: there is nobody to tell.
 */
static int set_flags(const struct mmu_ept12 *e, u64 gpa, u64 *entry, bool dirty)
{
	u64 new = *entry | EPTE_A | (dirty ? EPTE_D : 0);
	int ret;

	if (new == *entry)
		return 0;
	ret = mmu_cmpxchg(e->vm, gpa, sizeof(new), *entry, new);
	if (ret == -EAGAIN)
		return ret;
	*entry = new;
	return 0;
}

static int mark_path(const struct mmu_ept12 *e, u64 ngpa, u32 access, struct ept12_path *p,
		     u64 *entries)
{
	int level, ret;
	u64 gpa;

	for (level = EPT12_LEVELS; level >= p->level; level--) {
		gpa = p->table[level] + ((ngpa >> LEVEL_SHIFT(level)) & 511) * sizeof(u64);
		ret = set_flags(e, gpa, &entries[level],
				level == p->level && (access & ACC_WRITE));
		if (ret)
			return ret;
	}
	p->leaf = entries[p->level];
	return 0;
}

static int walk_once(const struct mmu_ept12 *e, u64 ngpa, u32 access, struct ept12_path *p,
		     struct nvmx_fault *f)
{
	u64 table = e->eptp & GENMASK_ULL(51, 12);
	u64 entries[EPT12_LEVELS + 1];
	u32 perm = EPTE_RWX;
	int level;
	u64 entry;

	for (level = EPT12_LEVELS; ; level--) {
		p->table[level] = table;
		/* Where there is no memory, the bus answers with ones. */
		if (mmu_read(e->vm, table + ((ngpa >> LEVEL_SHIFT(level)) & 511) * sizeof(u64),
			     &entry, sizeof(entry)))
			entry = ~0ull;
		if (!(entry & EPTE_RWX))
			return violation(f, access, 0);
		if (misconfigured(e, entry, level))
			return misconfig(f);
		entries[level] = entry;
		p->above = perm;
		perm &= entry & EPTE_RWX;
		if (is_leaf(entry, level))
			break;
		table = entry & GENMASK_ULL(51, 12);
	}
	if (access & EPTE_RWX & ~perm)
		return violation(f, access, perm);
	p->level = level;
	p->leaf = entry;
	p->perm = perm;
	p->gpa = (entry & GENMASK_ULL(51, 12)) | (ngpa & GENMASK_ULL(LEVEL_SHIFT(level) - 1, 0));
	return e->eptp & EPTP_AD ? mark_path(e, ngpa, access, p, entries) : 0;
}

/*
 * 0 with *@path; -EFAULT with *@f; -EAGAIN: other vCPUs keep changing the entries, enter the guest
 * again.
 */
int ept12_walk(const struct mmu_ept12 *e, u64 ngpa, u32 access, struct ept12_path *path,
	       struct nvmx_fault *f)
{
	int tries, ret;

	*f = (struct nvmx_fault){ .nested = true, .nested_gpa = ngpa };
	/* Four levels translate 48 bits; SDM "EPT Translation Mechanism" */
	if (ngpa >> LEVEL_SHIFT(EPT12_LEVELS + 1))
		return violation(f, access, 0);
	for (tries = 0; tries < FLAG_RETRIES; tries++) {
		ret = walk_once(e, ngpa, access, path, f);
		if (ret != -EAGAIN)
			break;
	}
	return ret;
}

int mmu_walk_ept12(const struct mmu_ept12 *e, u64 ngpa, u32 access, struct mmu_ept12_leaf *leaf,
		   struct nvmx_fault *f)
{
	struct ept12_path p;
	int ret;

	ret = ept12_walk(e, ngpa, access, &p, f);
	/*
	 * Who races with himself this long may see a violation for his access: the entry is
	 * changing, and a CPU may have used any of its values.
	 */
	if (ret == -EAGAIN)
		return violation(f, access, 0);
	if (ret)
		return ret;
	leaf->gpa = p.gpa;
	leaf->page_mask = BIT_ULL(LEVEL_SHIFT(p.level)) - 1;
	leaf->perm = p.perm;
	leaf->memtype = (p.leaf >> 3) & 7;
	return 0;
}
