// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walk of x86 page tables in software: linear to physical, for each paging mode.
 *
 * A walk runs in three steps.  Down: read one entry per level, end at one that is not present or
 * has reserved bits set.  Judge: compare the access with the rights collected on the way.  Mark:
 * set accessed and dirty flags with compare-and-exchange; if an entry changed since it was read,
 * the walk starts again.  Nothing is written for an access that faults.
 *
 * With nested paging each address found in a table is an L2-physical one, and ->translate() turns
 * it into L1-physical, or ends the walk.
 *
 * Protection keys and shadow stacks are not offered to L1 and are not judged here.
 * SDM "Paging".
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <nvmx/arch.h>
#include <nvmx/mmu.h>

#define PTE_P		BIT_ULL(0)
#define PTE_W		BIT_ULL(1)
#define PTE_U		BIT_ULL(2)
#define PTE_A		BIT_ULL(5)
#define PTE_D		BIT_ULL(6)
#define PTE_PS		BIT_ULL(7)
#define PTE_XD		BIT_ULL(63)
#define MAX_LEVELS	5
#define WALK_RETRIES	8

/* One way to lay tables out. */
struct paging_mode {
	u8 levels;
	u8 index_bits;
	u8 entry_size;
};

static const struct paging_mode mode_32bit = { 2, 10, 4 };
static const struct paging_mode mode_pae = { 3, 9, 8 };
static const struct paging_mode mode_4level = { 4, 9, 8 };
static const struct paging_mode mode_5level = { 5, 9, 8 };

struct walk {
	const struct mmu_paging *p;
	const struct paging_mode *mode;
	struct nvmx_fault *f;
	u64 gva;
	u32 access;
	u64 reserved;			/* bits that are reserved at each level */
	u64 address[MAX_LEVELS + 1];	/* gpa of the entry of each level; 0: PDPTE register */
	u64 ngpa[MAX_LEVELS + 1];	/* the same before ->translate() */
	u64 entry[MAX_LEVELS + 1];
	int level;			/* of the leaf */
	bool writable, user, noexec;	/* over all levels */
};

static bool is_long_mode(const struct mmu_paging *p)
{
	return p->efer & EFER_LMA;
}

static bool nx_enabled(const struct walk *w)
{
	return w->mode->entry_size == 8 && (w->p->efer & EFER_NX);
}

static const struct paging_mode *paging_mode(const struct mmu_paging *p)
{
	if (is_long_mode(p))
		return p->cr4 & X86_CR4_LA57 ? &mode_5level : &mode_4level;
	return p->cr4 & X86_CR4_PAE ? &mode_pae : &mode_32bit;
}

/* ---- faults ---- */

static int page_fault(struct walk *w, u32 code)
{
	if (w->access & ACC_WRITE)
		code |= PFEC_W;
	if ((w->access & ACC_USER) && !(w->access & ACC_IMPLICIT))
		code |= PFEC_U;
	/* I/D exists only where instruction fetches are told apart; SDM "Page-Fault Exceptions" */
	if ((w->access & ACC_EXEC) && ((w->p->cr4 & X86_CR4_SMEP) || nx_enabled(w)))
		code |= PFEC_I;
	*w->f = (struct nvmx_fault){
		.vector = VEC_PF, .has_code = true, .code = code, .address = w->gva,
	};
	return -EFAULT;
}

static int to_gpa(const struct walk *w, u64 ngpa, u32 access, bool is_table, u64 *gpa)
{
	int ret;

	if (!w->p->translate) {
		*gpa = ngpa;
		return 0;
	}
	ret = w->p->translate(w->p->ctx, ngpa, access, is_table, gpa, w->f);
	if (ret)
		w->f->address = w->gva;
	return ret;
}

/* ---- down ---- */

static unsigned int shift_of(const struct walk *w, int level)
{
	return 12 + w->mode->index_bits * (level - 1);
}

static bool is_leaf(const struct walk *w, u64 entry, int level)
{
	if (level == 1)
		return true;
	if (!(entry & PTE_PS))
		return false;
	if (w->mode == &mode_32bit)
		return w->p->cr4 & X86_CR4_PSE;
	return level == 2 || (level == 3 && is_long_mode(w->p));
}

/* 32-bit paging: only the PSE-36 part of a 4M page's entry can be wrong. */
static u64 reserved_32bit(const struct walk *w, u64 entry, int level)
{
	unsigned int bits = min_t(unsigned int, w->p->maxphyaddr, 40);
	u64 reserved = BIT_ULL(21);

	if (level == 1 || !is_leaf(w, entry, level))
		return 0;
	if (bits < 40)
		reserved |= GENMASK_ULL(20, 13 + bits - 32);
	return reserved;
}

static u64 reserved_everywhere(const struct walk *w)
{
	u64 reserved = 0;

	if (w->p->maxphyaddr < 52)
		reserved = GENMASK_ULL(51, w->p->maxphyaddr);
	if (w->mode == &mode_pae)
		reserved |= GENMASK_ULL(62, 52);
	if (!nx_enabled(w))
		reserved |= PTE_XD;
	return reserved;
}

static u64 reserved_bits(const struct walk *w, u64 entry, int level, bool leaf)
{
	u64 reserved = w->reserved;

	if (w->mode == &mode_32bit)
		return reserved_32bit(w, entry, level);
	if (level > 3)
		reserved |= PTE_PS;
	else if (level > 1 && leaf)
		reserved |= GENMASK_ULL(shift_of(w, level) - 1, 13);
	return reserved;
}

/* The next table, or a 4K page. */
static u64 address_in(const struct walk *w, u64 entry)
{
	return entry & (w->mode == &mode_32bit ? GENMASK_ULL(31, 12) : GENMASK_ULL(51, 12));
}

static u64 page_of(const struct walk *w, u64 entry, int level)
{
	u64 address = address_in(w, entry);

	if (level == 1)
		return address;
	address &= ~(BIT_ULL(shift_of(w, level)) - 1);
	/* PSE-36: bits 20:13 are address bits 39:32. */
	if (w->mode == &mode_32bit)
		address |= (entry & GENMASK_ULL(20, 13)) << 19;
	return address;
}

static int read_entry(struct walk *w, int level, u64 table)
{
	const struct paging_mode *mode = w->mode;
	u64 index = (w->gva >> shift_of(w, level)) & (BIT_ULL(mode->index_bits) - 1);
	u64 entry = 0;
	int ret;

	w->ngpa[level] = table + index * mode->entry_size;
	ret = to_gpa(w, w->ngpa[level], ACC_READ, true, &w->address[level]);
	if (ret)
		return ret;
	/* Little-endian: a 4-byte entry fills the low half. */
	if (mmu_vcpu_read(w->p->v, w->address[level], &entry, mode->entry_size))
		return page_fault(w, 0);
	w->entry[level] = entry;
	return 0;
}

/* PAE keeps its top level in registers, which were checked when they were loaded. */
static u64 top_table(struct walk *w, int *level)
{
	const struct mmu_paging *p = w->p;

	*level = w->mode->levels;
	if (w->mode == &mode_32bit)
		return p->cr3 & GENMASK_ULL(31, 12);
	return p->cr3 & GENMASK_ULL(51, 12);
}

static int walk_down(struct walk *w)
{
	int level, ret;
	u64 table, entry;
	bool leaf;

	table = top_table(w, &level);
	w->reserved = reserved_everywhere(w);
	w->writable = true;
	w->user = true;
	w->noexec = false;
	if (w->mode == &mode_pae) {
		entry = w->p->pdptr[(w->gva >> 30) & 3];
		if (!(entry & PTE_P))
			return page_fault(w, 0);
		table = entry & GENMASK_ULL(51, 12);
		level = 2;
	}
	for (; ; level--) {
		ret = read_entry(w, level, table);
		if (ret)
			return ret;
		entry = w->entry[level];
		if (!(entry & PTE_P))
			return page_fault(w, 0);
		leaf = is_leaf(w, entry, level);
		if (entry & reserved_bits(w, entry, level, leaf))
			return page_fault(w, PFEC_P | PFEC_RSVD);
		w->writable &= !!(entry & PTE_W);
		w->user &= !!(entry & PTE_U);
		w->noexec |= nx_enabled(w) && (entry & PTE_XD);
		if (leaf)
			break;
		table = address_in(w, entry);
	}
	w->level = level;
	return 0;
}

/* ---- judge ---- */

static bool user_may(const struct walk *w)
{
	if (!w->user)
		return false;
	if (w->access & ACC_WRITE)
		return w->writable;
	return !(w->access & ACC_EXEC) || !w->noexec;
}

static bool smap_blocks(const struct walk *w)
{
	if (!w->user || !(w->p->cr4 & X86_CR4_SMAP))
		return false;
	return (w->access & ACC_IMPLICIT) || !(w->p->rflags & X86_EFLAGS_AC);
}

static bool supervisor_may(const struct walk *w)
{
	if (w->access & ACC_EXEC)
		return !w->noexec && !(w->user && (w->p->cr4 & X86_CR4_SMEP));
	if (smap_blocks(w))
		return false;
	return !(w->access & ACC_WRITE) || w->writable || !(w->p->cr0 & X86_CR0_WP);
}

/* SDM "Determination of Access Rights" */
static bool may_access(const struct walk *w)
{
	if ((w->access & ACC_USER) && !(w->access & ACC_IMPLICIT))
		return user_may(w);
	return supervisor_may(w);
}

/* ---- mark ---- */

/*
 * -EAGAIN: the entry changed.  A table in read-only memory is left as it is.
 */
static int mark_entry(struct walk *w, int level)
{
	u64 old = w->entry[level], new = old | PTE_A, gpa;
	int ret;

	if (level == w->level && (w->access & ACC_WRITE))
		new |= PTE_D;
	if (new == old)
		return 0;
	/* For ept12 this is a write, unlike the read before. */
	ret = to_gpa(w, w->ngpa[level], ACC_READ | ACC_WRITE, true, &gpa);
	if (ret)
		return ret;
	ret = mmu_vcpu_cmpxchg(w->p->v, gpa, w->mode->entry_size, old, new);
	return ret == -EAGAIN ? ret : 0;
}

static int walk_mark(struct walk *w)
{
	int level, ret;
	int top = w->mode == &mode_pae ? 2 : w->mode->levels;

	for (level = top; level >= w->level; level--) {
		ret = mark_entry(w, level);
		if (ret)
			return ret;
	}
	return 0;
}

static int walk_once(struct walk *w, u64 *ngpa)
{
	u64 offset;
	int ret;

	ret = walk_down(w);
	if (ret)
		return ret;
	if (!may_access(w))
		return page_fault(w, PFEC_P);
	ret = walk_mark(w);
	if (ret)
		return ret;
	offset = w->gva & (BIT_ULL(shift_of(w, w->level)) - 1);
	*ngpa = page_of(w, w->entry[w->level], w->level) | offset;
	return 0;
}

/* ---- the door ---- */

int mmu_walk_linear(const struct mmu_paging *p, u64 gva, u32 access, u64 *gpa,
		    struct nvmx_fault *f)
{
	int tries, ret = 0;
	u64 ngpa = gva;
	struct walk w;

	*f = (struct nvmx_fault){ 0 };
	/* What the way down fills in is not cleared first. */
	w.p = p;
	w.f = f;
	w.gva = gva;
	w.access = access;
	w.mode = paging_mode(p);
	if (p->cr0 & X86_CR0_PG) {
		for (tries = 0; tries < WALK_RETRIES; tries++) {
			ret = walk_once(&w, &ngpa);
			if (ret != -EAGAIN)
				break;
		}
		/* Entries that never stand still: the fault lets the guest try again. */
		if (ret == -EAGAIN)
			return page_fault(&w, 0);
		if (ret)
			return ret;
	}
	return to_gpa(&w, ngpa, access, false, gpa);
}
