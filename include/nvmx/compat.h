/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the supported kernels (6.1 to 6.12): the only place that asks which one.
 */
#ifndef NVMX_COMPAT_H
#define NVMX_COMPAT_H

#include <linux/version.h>

#endif
