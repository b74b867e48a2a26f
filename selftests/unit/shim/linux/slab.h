/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/slab.h>. */
#ifndef SHIM_LINUX_SLAB_H
#define SHIM_LINUX_SLAB_H

#include <linux/gfp.h>

void *kzalloc(size_t size, gfp_t flags);
void *kmalloc(size_t size, gfp_t flags);
void *kcalloc(size_t n, size_t size, gfp_t flags);
void *kmalloc_array(size_t n, size_t size, gfp_t flags);
void kfree(const void *p);

#define kvzalloc(size, flags)	kzalloc(size, flags)
#define kvfree(p)		kfree(p)
#define struct_size(p, member, n)	\
	(sizeof(*(p)) + (n) * sizeof((p)->member[0]))

#endif /* SHIM_LINUX_SLAB_H */
