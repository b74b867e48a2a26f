/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User-space stand-in for <linux/err.h>.
 */
#ifndef SHIM_LINUX_ERR_H
#define SHIM_LINUX_ERR_H

#include <linux/types.h>

#define MAX_ERRNO	4095
#define IS_ERR(p)	((unsigned long)(p) >= (unsigned long)-MAX_ERRNO)
#define PTR_ERR(p)	((long)(p))
#define ERR_PTR(e)	((void *)(long)(e))

#endif /* SHIM_LINUX_ERR_H */
