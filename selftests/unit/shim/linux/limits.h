/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/limits.h>. */
#ifndef SHIM_LINUX_LIMITS_H
#define SHIM_LINUX_LIMITS_H

#include_next <linux/limits.h>

#define U16_MAX		((u16)~0u)
#define U32_MAX		((u32)~0u)
#define U64_MAX		((u64)~0ull)
#define S64_MAX		((s64)(U64_MAX >> 1))

#endif /* SHIM_LINUX_LIMITS_H */
