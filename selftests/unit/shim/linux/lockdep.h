/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/lockdep.h>. */
#ifndef SHIM_LINUX_LOCKDEP_H
#define SHIM_LINUX_LOCKDEP_H

#define lockdep_assert_held(lock)	((void)(lock))

#endif /* SHIM_LINUX_LOCKDEP_H */
