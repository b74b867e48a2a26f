/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmcs12 in memory: table 1's offsets are the layout.
 *
 * It is KVM's published layout and revision, in L1's memory as well as in the nested-state blob.
 */
#ifndef NVMX_VMCS12_H
#define NVMX_VMCS12_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

#define VMCS12_REVISION		0x11e57ed0u
#define VMCS12_SIZE		4096u
#define VMCS12_SHADOW		BIT(31)	/* in the revision word: a shadow VMCS */

#define VMCS12_TYPE_U16		u16
#define VMCS12_TYPE_U32		u32
#define VMCS12_TYPE_U64		u64
#define VMCS12_TYPE_NAT		u64

struct vmcs12 {
	union {
		struct {
			u32 revision;
			u32 abort;
			u32 launch_state;	/* 0 clear, 1 launched */
		} __packed;
#define NVMX_FIELD(name, enc, type, offset, flow, shadow, group, when)	\
		struct {						\
			u8 pad_##name[offset];				\
			VMCS12_TYPE_##type name;			\
		} __packed;
#include <nvmx/vmcs_fields.h>
#undef NVMX_FIELD
		u8 raw[VMCS12_SIZE];
	};
} __packed __aligned(8);

static_assert(sizeof(struct vmcs12) == VMCS12_SIZE);

#endif
