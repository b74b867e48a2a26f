/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User-space stand-in for <linux/kernel.h>: only what the pure rooms use of it.
 */
#ifndef SHIM_LINUX_KERNEL_H
#define SHIM_LINUX_KERNEL_H

#include <linux/types.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

#ifndef min_t
#define min_t(type, a, b) ({		\
	type _min_a = (a);		\
	type _min_b = (b);		\
	_min_a < _min_b ? _min_a : _min_b; })
#endif

#endif /* SHIM_LINUX_KERNEL_H */
