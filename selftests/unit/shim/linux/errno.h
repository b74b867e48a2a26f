/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/errno.h>. */
#ifndef SHIM_LINUX_ERRNO_H
#define SHIM_LINUX_ERRNO_H

#include <errno.h>

#endif /* SHIM_LINUX_ERRNO_H */
