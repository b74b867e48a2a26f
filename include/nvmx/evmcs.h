/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The enlightened VMCS, version 1: a page of L1's memory in place of VMREAD and VMWRITE.
 *
 * What is not a field of it; the fields are table 6.
 */
#ifndef NVMX_EVMCS_H
#define NVMX_EVMCS_H

#include <linux/bits.h>

#define EVMCS_VERSION		1u
#define EVMCS_SIZE		1024u
#define EVMCS_AT_CLEAN		824u	/* 32 bits: groups that L1 has not changed */
#define EVMCS_AT_ENLIGHTENMENTS	836u	/* 32 bits: what L1 makes use of */

/* Groups of fields, as bits of the clean fields. */
#define EVMCS_IO_BITMAP		BIT(0)
#define EVMCS_MSR_BITMAP	BIT(1)
#define EVMCS_CTL_GRP2		BIT(2)
#define EVMCS_CTL_GRP1		BIT(3)
#define EVMCS_PROC		BIT(4)
#define EVMCS_EVENT		BIT(5)
#define EVMCS_ENTRY		BIT(6)
#define EVMCS_EXCPN		BIT(7)
#define EVMCS_CRDR		BIT(8)
#define EVMCS_XLAT		BIT(9)
#define EVMCS_GUEST_BASIC	BIT(10)
#define EVMCS_GUEST_GRP1	BIT(11)
#define EVMCS_GUEST_GRP2	BIT(12)
#define EVMCS_HOST_POINTER	BIT(13)
#define EVMCS_HOST_GRP1		BIT(14)
#define EVMCS_ANY		0xffffu	/* the enlightenments are bit 15 */
#define EVMCS_ALWAYS		BIT(16)	/* no bit of the page */
#define EVMCS_NEVER		0u

/* Enlightenments */
#define EVMCS_MSR_BITMAP_CLEAN	BIT(1)	/* EVMCS_MSR_BITMAP is told of the bitmap's content, too */

#endif
