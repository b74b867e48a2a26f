/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/kref.h>. */
#ifndef SHIM_LINUX_KREF_H
#define SHIM_LINUX_KREF_H

struct kref {
	int refcount;
};

#endif /* SHIM_LINUX_KREF_H */
