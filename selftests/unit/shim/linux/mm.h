/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User-space stand-in for <linux/mm.h>: physical addresses are user addresses.
 *
 * A page's descriptor lies behind the page, so get_zeroed_page() has to allocate two.
 */
#ifndef SHIM_LINUX_MM_H
#define SHIM_LINUX_MM_H

#include <linux/gfp.h>
#include <linux/types.h>

struct page {
	unsigned long private;
};

#define __pa(p)			((u64)(unsigned long)(p))
#define virt_to_page(p)		((struct page *)((unsigned long)(p) + PAGE_SIZE))
#define pfn_to_page(pfn)	virt_to_page((pfn) << PAGE_SHIFT)
#define page_private(page)	((page)->private)
#define set_page_private(page, v)	((page)->private = (v))
#define offset_in_page(p)	((unsigned long)(p) & ~PAGE_MASK)

#endif /* SHIM_LINUX_MM_H */
