/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What nvmx adds to the KVM API; everything else is <linux/kvm.h>.
 */
#ifndef _UAPI_LINUX_NVMX_H
#define _UAPI_LINUX_NVMX_H

#define NVMX_DEVICE	"/dev/nvmx"

/*
 * KVM_CHECK_EXTENSION: the version of what this header adds, at least 1.  Where another KVM answers
 * (on any file called kvm) the result is 0.
 */
#define NVMX_CAP_VERSION	0x6e766d78

#endif
