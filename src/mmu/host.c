// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host side of a mapping: which page is behind a host address, may it be written, and how
 * large does the host map it?
 *
 * host_get() takes a reference for a short time; it is dropped when the mapping is installed, and
 * from then on the notifier keeps the mapping true.  Memory without a struct page that counts
 * references (VM_IO, VM_PFNMAP) fails in get_user_pages and is refused: nothing would tell when it
 * is given to somebody else.
 *
 * host_measure() reads the host's page tables under ept.lock, after the notifier's sequence was
 * checked: so they cannot change from under the mapping that is about to be installed without the
 * notifier taking it out again.  Interrupts are off meanwhile, which keeps the table pages from
 * being freed, as for get_user_pages_fast().
 */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <nvmx/compat.h>
#include <nvmx/mmu.h>

#include "space.h"

/* Bits that let the user write at once: no fault, no copy, no dirty bit to be set. */
#define HOST_WRITABLE	(_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_DIRTY)

static unsigned int get_flags(bool write)
{
	return NVMX_FOLL_NUMA | (write ? FOLL_WRITE : 0);
}

/* There is a reference to h->page. */
static void got(struct host_page *h, bool write)
{
	/*
	 * The guest's writes set no dirty bit of the host.  Mark the page now, while it is known to
	 * be writable; whoever cleans it tells the notifier first.
	 */
	if (write && !PageDirty(h->page))
		set_page_dirty_lock(h->page);
	h->pfn = page_to_pfn(h->page);
	h->writable = write;
	h->level = 1;
}

int host_get(unsigned long hva, bool write, struct host_page *h)
{
	int ret = get_user_pages_fast(hva, 1, get_flags(write), &h->page);

	if (ret != 1)
		return ret < 0 ? ret : -EAGAIN;
	got(h, write);
	return 0;
}

/* What has to be read from somewhere begins to be read. */
int host_try(unsigned long hva, bool write, struct host_page *h)
{
	int ret = get_user_pages_fast_only(hva, 1, get_flags(write), &h->page);

	if (ret != 1)
		ret = get_user_pages_unlocked(hva, 1, &h->page, get_flags(write) | FOLL_NOWAIT);
	if (ret != 1)
		return ret < 0 ? ret : -EBUSY;
	got(h, write);
	return 0;
}

/* Nothing is said where it fails: who wants the page tries again, and is told then. */
void mmu_fetch(const struct mmu_absent *absent)
{
	struct page *page;

	if (get_user_pages_unlocked(absent->hva, 1, &page, get_flags(absent->write)) == 1)
		put_page(page);
}

void host_put(struct host_page *h)
{
	put_page(h->page);
}

static void found(struct host_page *h, u8 level, u64 pfn, u64 flags)
{
	/* A walk that does not agree with get_user_pages() only loses the large page. */
	if (pfn != (h->pfn & ~(ept_span(level) - 1)))
		return;
	if (level > 1 && h->writable && !(flags & _PAGE_RW))
		return;
	h->level = level;
	if ((flags & HOST_WRITABLE) == HOST_WRITABLE)
		h->writable = true;
}

static void walk(struct mm_struct *mm, unsigned long hva, struct host_page *h)
{
	pgd_t pgd = READ_ONCE(*pgd_offset(mm, hva));
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;
	pte_t pte;

	if (pgd_none(pgd))
		return;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (p4d_none(p4d) || !p4d_present(p4d))
		return;
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (pud_none(pud) || !pud_present(pud))
		return;
	if (pud_leaf(pud)) {
		found(h, 3, pud_pfn(pud), pud_flags(pud));
		return;
	}
	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	if (pmd_none(pmd) || !pmd_present(pmd))
		return;
	if (pmd_leaf(pmd)) {
		found(h, 2, pmd_pfn(pmd), pmd_flags(pmd));
		return;
	}
	pte = READ_ONCE(*pte_offset_kernel(&pmd, hva));
	if (pte_present(pte))
		found(h, 1, pte_pfn(pte), pte_flags(pte));
}

/* A large page that the host is about to take apart: only the part asked for is known good. */
static bool is_torn(const struct mmu *m, unsigned long hva, u8 level)
{
	unsigned long size = ept_span(level) << PAGE_SHIFT;
	unsigned long start = hva & ~(size - 1);

	return m->invalidating && start < m->inv_end && start + size > m->inv_start;
}

void host_measure(const struct mmu *m, unsigned long hva, struct host_page *h)
{
	unsigned long flags;

	lockdep_assert_held(&m->ept.lock);
	local_irq_save(flags);
	walk(m->vm->mm, hva, h);
	local_irq_restore(flags);
	if (h->level > 1 && is_torn(m, hva, h->level))
		h->level = 1;
}
