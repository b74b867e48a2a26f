/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/stddef.h>. */
#ifndef SHIM_LINUX_STDDEF_H
#define SHIM_LINUX_STDDEF_H

#include_next <linux/stddef.h>
#include <stddef.h>

#define sizeof_field(type, field)	sizeof(((type *)0)->field)

#endif /* SHIM_LINUX_STDDEF_H */
