/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/build_bug.h>. */
#ifndef SHIM_LINUX_BUILD_BUG_H
#define SHIM_LINUX_BUILD_BUG_H

#include <assert.h>

#define BUILD_BUG_ON_ZERO(e)	((int)(sizeof(struct { int:(-!!(e)); })))
#define BUILD_BUG_ON(cond)	static_assert(!(cond), #cond)

#endif /* SHIM_LINUX_BUILD_BUG_H */
