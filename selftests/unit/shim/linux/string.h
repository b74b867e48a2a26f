/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User-space stand-in for <linux/string.h>.
 */
#ifndef SHIM_LINUX_STRING_H
#define SHIM_LINUX_STRING_H

#include <errno.h>
#include <string.h>
#include <linux/err.h>
#include <linux/slab.h>

static inline void *memdup_user(const void *from, size_t len)
{
	void *p;

	if (!from)
		return ERR_PTR(-EFAULT);
	p = kmalloc(len, GFP_KERNEL);
	if (!p)
		return ERR_PTR(-ENOMEM);
	return memcpy(p, from, len);
}

/* @size is not 0. */
static inline long strscpy(char *to, const char *from, size_t size)
{
	size_t len = strnlen(from, size - 1);

	memcpy(to, from, len);
	to[len] = 0;
	return len;
}

#endif /* SHIM_LINUX_STRING_H */
