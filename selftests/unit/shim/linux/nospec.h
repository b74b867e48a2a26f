/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/nospec.h>. */
#ifndef SHIM_LINUX_NOSPEC_H
#define SHIM_LINUX_NOSPEC_H

#define array_index_nospec(index, size)	((index) < (size) ? (index) : 0)

#endif /* SHIM_LINUX_NOSPEC_H */
