/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/minmax.h>. */
#ifndef SHIM_LINUX_MINMAX_H
#define SHIM_LINUX_MINMAX_H

#include <linux/kernel.h>

#define min(a, b)	({		\
	__typeof__(a) _min_a = (a);	\
	__typeof__(b) _min_b = (b);	\
	_min_a < _min_b ? _min_a : _min_b; })
#define max(a, b)	({		\
	__typeof__(a) _max_a = (a);	\
	__typeof__(b) _max_b = (b);	\
	_max_a > _max_b ? _max_a : _max_b; })
#ifndef max_t
#define max_t(type, a, b)	max((type)(a), (type)(b))
#endif

#ifndef min3
#define min3(a, b, c)	min(min(a, b), c)
#endif

#endif /* SHIM_LINUX_MINMAX_H */
