/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers of the Hypervisor Top-Level Functional Specification.
 *
 * The kernel has them under names that change from release to release.
 */
#ifndef NVMX_TLFS_H
#define NVMX_TLFS_H

#include <linux/bits.h>
#include <linux/types.h>

/* ---- CPUID ---- */
#define TLFS_LEAF_VENDOR	0x40000000u
#define TLFS_LEAF_INTERFACE	0x40000001u
#define TLFS_LEAF_VERSION	0x40000002u
#define TLFS_LEAF_FEATURES	0x40000003u
#define TLFS_LEAF_ADVICE	0x40000004u
#define TLFS_LEAF_LIMITS	0x40000005u
#define TLFS_LEAF_NESTED	0x4000000au
#define TLFS_LEAF_DEBUG_VENDOR	0x40000080u
#define TLFS_LEAF_DEBUG_INTERFACE 0x40000081u
#define TLFS_LEAF_DEBUG		0x40000082u

#define TLFS_INTERFACE		0x31237648u	/* "Hv#1" */
#define TLFS_DEBUG_INTERFACE	0x31235356u	/* "VS#1" */

/* features, EAX: groups of MSRs */
#define TLFS_VP_RUNTIME		BIT(0)
#define TLFS_TIME_REF		BIT(1)
#define TLFS_SYNIC		BIT(2)
#define TLFS_STIMER		BIT(3)
#define TLFS_APIC		BIT(4)
#define TLFS_HYPERCALL		BIT(5)
#define TLFS_VP_INDEX		BIT(6)
#define TLFS_RESET		BIT(7)
#define TLFS_REF_TSC		BIT(9)
#define TLFS_FREQUENCIES	BIT(11)
#define TLFS_REENLIGHTENMENT	BIT(13)
/* EBX: hypercalls */
#define TLFS_POST_MESSAGES	BIT(4)
#define TLFS_SIGNAL_EVENTS	BIT(5)
#define TLFS_DEBUGGING		BIT(11)
/* EDX */
#define TLFS_GUEST_DEBUGGING	BIT(1)
#define TLFS_XMM_INPUT		BIT(4)
#define TLFS_FREQUENCY_MSRS	BIT(8)
#define TLFS_CRASH_MSRS		BIT(10)
#define TLFS_DEBUG_MSRS		BIT(11)
#define TLFS_DIRECT_STIMER	BIT(19)

/* advice, EAX */
#define TLFS_USE_REMOTE_FLUSH	BIT(2)
#define TLFS_USE_APIC_MSRS	BIT(3)
#define TLFS_RELAXED_TIMING	BIT(5)
#define TLFS_NO_AUTO_EOI	BIT(9)
#define TLFS_USE_CLUSTER_IPI	BIT(10)
#define TLFS_USE_EX_MASKS	BIT(11)
#define TLFS_USE_EVMCS		BIT(14)
#define TLFS_NO_CORE_SHARING	BIT(18)
/* EBX: tries of a spinlock before the hypervisor is told; all ones: never tell */
#define TLFS_SPIN_TRIES		0xfffu

#define TLFS_NESTED_MSR_BITMAP	BIT(19)		/* nested, EAX */
#define TLFS_ALLOW_DEBUGGING	BIT(1)		/* debug, EAX */

/* ---- MSRs ---- */
#define TLFS_MSR_GUEST_OS_ID	0x40000000u
#define TLFS_MSR_HYPERCALL	0x40000001u
#define TLFS_MSR_VP_INDEX	0x40000002u
#define TLFS_MSR_RESET		0x40000003u
#define TLFS_MSR_VP_RUNTIME	0x40000010u
#define TLFS_MSR_TIME_REF	0x40000020u
#define TLFS_MSR_REF_TSC	0x40000021u
#define TLFS_MSR_TSC_FREQUENCY	0x40000022u
#define TLFS_MSR_APIC_FREQUENCY	0x40000023u
#define TLFS_MSR_EOI		0x40000070u
#define TLFS_MSR_ICR		0x40000071u
#define TLFS_MSR_TPR		0x40000072u
#define TLFS_MSR_VP_ASSIST	0x40000073u
#define TLFS_MSR_SCONTROL	0x40000080u
#define TLFS_MSR_SVERSION	0x40000081u
#define TLFS_MSR_SIEFP		0x40000082u
#define TLFS_MSR_SIMP		0x40000083u
#define TLFS_MSR_EOM		0x40000084u
#define TLFS_MSR_SINT0		0x40000090u
#define TLFS_MSR_STIMER0	0x400000b0u	/* configuration and count, in turns */
#define TLFS_MSR_DEBUG_CONTROL	0x400000f1u
#define TLFS_MSR_DEBUG_STATUS	0x400000f2u
#define TLFS_MSR_DEBUG_SEND	0x400000f3u
#define TLFS_MSR_DEBUG_RECV	0x400000f4u
#define TLFS_MSR_DEBUG_PENDING	0x400000f5u
#define TLFS_MSR_DEBUG_OPTIONS	0x400000ffu
#define TLFS_MSR_CRASH_P0	0x40000100u
#define TLFS_MSR_CRASH_CTL	0x40000105u
#define TLFS_MSR_REENLIGHTENMENT 0x40000106u
#define TLFS_MSR_EMULATION_CONTROL 0x40000107u
#define TLFS_MSR_EMULATION_STATUS 0x40000108u

#define TLFS_NR_SINTS		16
#define TLFS_NR_STIMERS		4
#define TLFS_NR_CRASH_PARAMS	5

#define TLFS_ENABLE		BIT_ULL(0)	/* of each MSR that names a page */
#define TLFS_PAGE		(~0xfffull)
#define TLFS_CRASH_NOTIFY	BIT_ULL(63)
#define TLFS_DEBUG_BY_HYPERCALL	BIT_ULL(2)	/* DEBUG_OPTIONS */

#define TLFS_SYNIC_VERSION	1
#define TLFS_SINT_VECTOR	0xffull
#define TLFS_SINT_MASKED	BIT_ULL(16)
#define TLFS_SINT_AUTO_EOI	BIT_ULL(17)
#define TLFS_FIRST_VECTOR	16

#define TLFS_STIMER_ENABLE	BIT_ULL(0)
#define TLFS_STIMER_PERIODIC	BIT_ULL(1)
#define TLFS_STIMER_AUTO	BIT_ULL(3)
#define TLFS_STIMER_VECTOR(c)	((u8)((c) >> 4))
#define TLFS_STIMER_DIRECT	BIT_ULL(12)
#define TLFS_STIMER_SINT(c)	((c) >> 16 & 15)

/* ---- structs in the guest's memory ---- */
#define TLFS_MESSAGE_SIZE	256
#define TLFS_TIMER_EXPIRED	0x80000010u
#define TLFS_MESSAGE_PENDING	BIT(0)

struct tlfs_timer_message {
	u32 type;
	u8 size;		/* of what follows sender */
	u8 flags;
	u16 reserved;
	u64 sender;
	u32 timer;
	u32 reserved2;
	u64 expired, delivered;
};

struct tlfs_tsc_page {
	u32 sequence;		/* 0: read the MSR instead */
	u32 reserved;
	u64 scale;		/* of 2^64 */
	u64 offset;
};

struct tlfs_vp_assist {
	u32 apic, reserved;
	u64 vtl[3];
	u64 nested_control;
	u8 enlightened_entry;	/* VMLAUNCH and VMRESUME take the VMCS from: */
	u8 reserved2[7];
	u64 current_vmcs;
};

struct tlfs_vp_set {
	u64 format;		/* 0: banks of 64 VPs follow; else all */
	u64 banks;		/* which of them */
};

/* ---- hypercalls ---- */
#define TLFS_CALL_FLUSH_SPACE		0x0002
#define TLFS_CALL_FLUSH_LIST		0x0003
#define TLFS_CALL_LONG_SPIN		0x0008
#define TLFS_CALL_SEND_IPI		0x000b
#define TLFS_CALL_FLUSH_SPACE_EX	0x0013
#define TLFS_CALL_FLUSH_LIST_EX		0x0014
#define TLFS_CALL_SEND_IPI_EX		0x0015
#define TLFS_CALL_POST_MESSAGE		0x005c
#define TLFS_CALL_SIGNAL_EVENT		0x005d
#define TLFS_CALL_POST_DEBUG		0x0069
#define TLFS_CALL_RETRIEVE_DEBUG	0x006a
#define TLFS_CALL_RESET_DEBUG		0x006b

#define TLFS_CALL_CODE(c)	((u16)(c))
#define TLFS_CALL_FAST		BIT_ULL(16)
#define TLFS_CALL_VAR(c)	((c) >> 17 & 0x3ff)	/* variable header, in 8 bytes */
#define TLFS_CALL_REPS(c)	((c) >> 32 & 0xfff)
#define TLFS_CALL_FIRST_REP(c)	((c) >> 48 & 0xfff)
#define TLFS_CALL_RESERVED	(GENMASK_ULL(31, 27) | GENMASK_ULL(47, 44) | GENMASK_ULL(63, 60))
#define TLFS_REPS_DONE_SHIFT	32

#define TLFS_SUCCESS			0
#define TLFS_INVALID_CODE		2
#define TLFS_INVALID_INPUT		3
#define TLFS_INVALID_ALIGNMENT		4
#define TLFS_INVALID_PARAMETER		5
#define TLFS_ACCESS_DENIED		6
#define TLFS_OPERATION_DENIED		8
#define TLFS_INVALID_PORT		17

#define TLFS_NR_XMM		6	/* registers of a fast call */

#endif
