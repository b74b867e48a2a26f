/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bits of the architecture that the kernel's own headers do not name, or name for KVM.
 *
 * CR, RFLAGS and EFER bits come from <asm/processor-flags.h>, MSR numbers from <asm/msr-index.h>.
 */
#ifndef NVMX_ARCH_H
#define NVMX_ARCH_H

#include <linux/bits.h>
#include <linux/types.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

/* Vectors. */
#define VEC_DE		0
#define VEC_DB		1
#define VEC_NMI		2
#define VEC_BP		3
#define VEC_OF		4
#define VEC_BR		5
#define VEC_UD		6
#define VEC_NM		7
#define VEC_DF		8
#define VEC_TS		10
#define VEC_NP		11
#define VEC_SS		12
#define VEC_GP		13
#define VEC_PF		14
#define VEC_MF		16
#define VEC_AC		17
#define VEC_MC		18
#define VEC_XM		19
#define VEC_VE		20
#define VEC_CP		21

/* #PF error code. */
#define PFEC_P		BIT(0)
#define PFEC_W		BIT(1)
#define PFEC_U		BIT(2)
#define PFEC_RSVD	BIT(3)
#define PFEC_I		BIT(4)
#define PFEC_PK		BIT(5)

/* Interruption information: VM-entry, VM-exit and IDT-vectoring share the format. */
#define EVT_VECTOR	0xffu
#define EVT_TYPE	0x700u
#define EVT_TYPE_EXTINT	(0u << 8)
#define EVT_TYPE_NMI	(2u << 8)
#define EVT_TYPE_HWEXC	(3u << 8)
#define EVT_TYPE_SOFTINT (4u << 8)
#define EVT_TYPE_PRIVSW	(5u << 8)	/* INT1 */
#define EVT_TYPE_SWEXC	(6u << 8)	/* INT3, INTO */
#define EVT_TYPE_OTHER	(7u << 8)	/* pending MTF */
#define EVT_HAS_CODE	BIT(11)
#define EVT_NMI_UNBLOCK	BIT(12)		/* exit: NMI unblocking due to IRET */
#define EVT_VALID	BIT(31)

/* Guest interruptibility state and activity state. */
#define INTS_STI	BIT(0)
#define INTS_MOVSS	BIT(1)
#define INTS_SMI	BIT(2)
#define INTS_NMI	BIT(3)
#define INTS_ENCLAVE	BIT(4)
enum vmx_activity { ACTIVITY_ACTIVE, ACTIVITY_HLT, ACTIVITY_SHUTDOWN, ACTIVITY_WAIT_SIPI };

/* Pending debug exceptions. */
#define PDE_B0_B3	0xfu
#define PDE_ENABLED_BP	BIT(12)
#define PDE_BS		BIT(14)
#define PDE_RTM		BIT(16)

/* Segment access rights, VMX format. */
#define SEGAR_TYPE		0xfu
#define SEGAR_S		BIT(4)
#define SEGAR_DPL(ar)	(((ar) >> 5) & 3)
#define SEGAR_P		BIT(7)
#define SEGAR_L		BIT(13)
#define SEGAR_DB		BIT(14)
#define SEGAR_G		BIT(15)
#define SEGAR_UNUSABLE	BIT(16)
#define SEGAR_RESERVED	0xfffe0f00u

/* Exit qualification of CR accesses. */
#define CRQ_NUM(q)	((q) & 15)
#define CRQ_TYPE(q)	(((q) >> 4) & 3)
#define CRQ_TYPE_TO_CR	0
#define CRQ_TYPE_FROM_CR 1
#define CRQ_TYPE_CLTS	2
#define CRQ_TYPE_LMSW	3
#define CRQ_LMSW_MEM	BIT(6)
#define CRQ_REG(q)	(((q) >> 8) & 15)
#define CRQ_LMSW_DATA(q) (((q) >> 16) & 0xffff)

/* Exit qualification of MOV DR. */
#define DRQ_NUM(q)	((q) & 7)
#define DRQ_FROM	BIT(4)
#define DRQ_REG(q)	(((q) >> 8) & 15)

/* Exit qualification of I/O instructions. */
#define IOQ_SIZE(q)	(((q) & 7) + 1)
#define IOQ_IN		BIT(3)
#define IOQ_STRING	BIT(4)
#define IOQ_REP		BIT(5)
#define IOQ_PORT(q)	(((q) >> 16) & 0xffff)

/* Exit qualification of EPT violations. */
#define EPTQ_READ	BIT(0)
#define EPTQ_WRITE	BIT(1)
#define EPTQ_EXEC	BIT(2)
#define EPTQ_READABLE	BIT(3)
#define EPTQ_WRITABLE	BIT(4)
#define EPTQ_EXECUTABLE	BIT(5)
#define EPTQ_GVA_VALID	BIT(7)
#define EPTQ_TRANSLATED	BIT(8)
#define EPTQ_NMI_UNBLOCK BIT(12)

/* VM-exit instruction information of the VMX instructions. */
#define IINFO_SCALE(i)	((i) & 3)
#define IINFO_REG1(i)	(((i) >> 3) & 15)
#define IINFO_ADDR_SIZE(i) (((i) >> 7) & 7)	/* 0: 16 bits, 1: 32, 2: 64 */
#define IINFO_IS_REG	BIT(10)
#define IINFO_SEG(i)	(((i) >> 15) & 7)
#define IINFO_INDEX(i)	(((i) >> 18) & 15)
#define IINFO_NO_INDEX	BIT(22)
#define IINFO_BASE(i)	(((i) >> 23) & 15)
#define IINFO_NO_BASE	BIT(27)
#define IINFO_REG2(i)	(((i) >> 28) & 15)

/* EPT pointer and entries. */
#define EPTP_WB		6u
#define EPTP_UC		0u
#define EPTP_LEVELS(l)	((u64)((l) - 1) << 3)
#define EPTP_AD		BIT(6)
#define EPTE_R		BIT_ULL(0)
#define EPTE_W		BIT_ULL(1)
#define EPTE_X		BIT_ULL(2)
#define EPTE_RWX	7ull
#define EPTE_MEMTYPE(t)	((u64)(t) << 3)
#define EPTE_IPAT	BIT_ULL(6)
#define EPTE_LARGE	BIT_ULL(7)
#define EPTE_A		BIT_ULL(8)
#define EPTE_D		BIT_ULL(9)

/* IA32_VMX_EPT_VPID_CAP. */
#define EVC_XO		BIT_ULL(0)
#define EVC_WALK4	BIT_ULL(6)
#define EVC_WALK5	BIT_ULL(7)
#define EVC_UC		BIT_ULL(8)
#define EVC_WB		BIT_ULL(14)
#define EVC_2M		BIT_ULL(16)
#define EVC_1G		BIT_ULL(17)
#define EVC_INVEPT	BIT_ULL(20)
#define EVC_AD		BIT_ULL(21)
#define EVC_INVEPT_SINGLE BIT_ULL(25)
#define EVC_INVEPT_ALL	BIT_ULL(26)
#define EVC_INVVPID	BIT_ULL(32)
#define EVC_INVVPID_ADDR BIT_ULL(40)
#define EVC_INVVPID_SINGLE BIT_ULL(41)
#define EVC_INVVPID_ALL	BIT_ULL(42)
#define EVC_INVVPID_GLOBALS BIT_ULL(43)

/* IA32_VMX_BASIC, IA32_VMX_MISC, IA32_FEATURE_CONTROL. */
#define VMXB_TRUE_CTLS	BIT_ULL(55)
#define VMXB_INOUT	BIT_ULL(54)
#define VMXB_WB		(6ull << 50)
#define VMXM_SAVE_LMA	BIT_ULL(5)
#define VMXM_HLT	BIT_ULL(6)
#define VMXM_SHUTDOWN	BIT_ULL(7)
#define VMXM_WAIT_SIPI	BIT_ULL(8)
#define VMXM_CR3_TARGETS(m) (((m) >> 16) & 0x1ff)
#define VMXM_VMWRITE_ALL BIT_ULL(29)	/* VMWRITE to exit-information fields */
#define VMXM_ZERO_LEN	BIT_ULL(30)	/* injection with instruction length 0 */
#define FEATC_LOCK	BIT_ULL(0)
#define FEATC_VMX_SMX	BIT_ULL(1)
#define FEATC_VMX	BIT_ULL(2)

/* VM-instruction error numbers, by the SDM's order. */
enum vmx_insn_error {
	VMXERR_VMCALL_IN_ROOT = 1,
	VMXERR_VMCLEAR_ADDRESS = 2,
	VMXERR_VMCLEAR_VMXON = 3,
	VMXERR_VMLAUNCH_NONCLEAR = 4,
	VMXERR_VMRESUME_NONLAUNCHED = 5,
	VMXERR_VMRESUME_AFTER_VMXOFF = 6,
	VMXERR_ENTRY_CONTROL = 7,
	VMXERR_ENTRY_HOST = 8,
	VMXERR_VMPTRLD_ADDRESS = 9,
	VMXERR_VMPTRLD_VMXON = 10,
	VMXERR_VMPTRLD_REVISION = 11,
	VMXERR_FIELD_UNSUPPORTED = 12,
	VMXERR_FIELD_READ_ONLY = 13,
	VMXERR_VMXON_IN_ROOT = 15,
	VMXERR_ENTRY_MOVSS = 26,
	VMXERR_INV_OPERAND = 28,
};

/* Qualification of VM-entry failure 33. */
enum vmx_entry_fail { ENTRY_FAIL_DEFAULT = 0, ENTRY_FAIL_PDPTE = 2, ENTRY_FAIL_NMI = 3,
		      ENTRY_FAIL_LINK = 4 };

/* Guest interrupt status: requesting and servicing virtual interrupt. */
#define GUEST_INTR_RVI	0x00ffu
#define GUEST_INTR_SVI	0xff00u

/* VM-abort indicators. */
enum vmx_abort { ABORT_MSR_STORE = 1, ABORT_PDPTE = 2, ABORT_MSR_LOAD = 4 };

static inline bool is_noncanonical(u64 addr, u8 bits)
{
	return (u64)((s64)(addr << (64 - bits)) >> (64 - bits)) != addr;
}

#endif
