/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A posted-interrupt descriptor: where others leave interrupts for a processor that is busy with
 * its guest.  The CPU reads the requests and ON; the rest is for an IOMMU that posts.
 * SDM "Posted-Interrupt Processing" [sdm:posted]
 */
#ifndef NVMX_POSTED_H
#define NVMX_POSTED_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/types.h>

#define PI_WORDS	(256 / BITS_PER_LONG)
#define PI_ON		0	/* bits of control: a notification is on its way */
#define PI_SN		1	/* none is to be sent */
#define PI_NV_SHIFT	16	/* with what vector */
#define PI_NDST_SHIFT	32	/* to which APIC */

/* Everybody sets bits: atomically, the request before ON. */
struct nvmx_pi {
	unsigned long requests[PI_WORDS];
	unsigned long control;
	unsigned long reserved[3];
} __aligned(64);

static_assert(sizeof(struct nvmx_pi) == 64);

#endif
