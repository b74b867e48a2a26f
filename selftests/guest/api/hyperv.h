/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the Hyper-V interface share.
 */
#ifndef API_HYPERV_H
#define API_HYPERV_H

#include "api.h"

#define PAGE_GPA	0x200000ull
#define LINUX_ID	0x8100000000000000ull
#define GUEST_OS_ID	0x40000000u
#define TIME_REF	0x40000020u
#define POST_MESSAGE	0x5c
#define INVALID_PORT	17

void show_hyperv(struct vmm_vcpu *v);	/* its leaves in CPUID, beside all others */

#endif
