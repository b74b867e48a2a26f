// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one file that makes the tracepoints.
 */
#include <linux/types.h>

#define CREATE_TRACE_POINTS
#include <nvmx/trace.h>
