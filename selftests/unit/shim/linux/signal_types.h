/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <linux/signal_types.h>. */
#ifndef SHIM_LINUX_SIGNAL_TYPES_H
#define SHIM_LINUX_SIGNAL_TYPES_H

#include <signal.h>

#endif /* SHIM_LINUX_SIGNAL_TYPES_H */
