/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/errno.h>. */
#ifndef SHIM_LINUX_ERRNO_H
#define SHIM_LINUX_ERRNO_H

#include_next <linux/errno.h>

#endif /* SHIM_LINUX_ERRNO_H */
