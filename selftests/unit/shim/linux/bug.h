/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User-space stand-in for <linux/bug.h>: what would be a warning ends the test.
 */
#ifndef SHIM_LINUX_BUG_H
#define SHIM_LINUX_BUG_H

#include <stdlib.h>

#define WARN_ON_ONCE(cond)	({ if (cond) abort(); 0; })

#endif /* SHIM_LINUX_BUG_H */
