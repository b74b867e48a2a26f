/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSRs as rows: what the files that implement them share.
 */
#ifndef NVMX_MSR_H
#define NVMX_MSR_H

#include <linux/bits.h>
#include <linux/types.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#define MSR_LISTED	BIT(0)	/* in KVM_GET_MSR_INDEX_LIST: reads, and takes back what it read */
#define MSR_HOST	BIT(1)	/* does not exist for the guest */
#define MSR_GUEST_RO	BIT(2)	/* the guest's writes are #GP */
#define MSR_RO		BIT(3)	/* so are the host's */
#define MSR_WO		BIT(4)	/* reads are #GP */
#define MSR_DROPPED	BIT(5)	/* the guest's writes are ignored */
#define MSR_CANONICAL	BIT(6)	/* holds a linear address */

/*
 * One MSR, or some that are alike.  A read asks get(), else the u64 at @field of the vCPU, else it
 * is @value.  A write is checked against the flags and @reserved, then goes to set(), else to
 * @field, else nowhere.  With exists(), the guest's accesses need it to be true.
 */
struct msr_row {
	u32 first, last;
	u16 flags;
	u16 field;
	u64 reserved;
	u64 value;
	bool (*exists)(const struct nvmx_vcpu *v);
	int (*get)(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by);
	int (*set)(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by);
};

/* Names without capitals of the kernel's. */
#define MTRR_CAP	0xfe
#define MTRR_VAR	0x200	/* base and mask, 8 pairs */
#define MTRR_FIX64K	0x250
#define MTRR_FIX16K	0x258	/* 2 */
#define MTRR_FIX4K	0x268	/* 8 */
#define MTRR_DEF_TYPE	0x2ff
#define MC_CTL2		0x280	/* of each bank */
#define MC_BANKS	0x400	/* CTL, STATUS, ADDR, MISC of each bank */

extern const struct msr_row msr_rows[];	/* by number */
extern const u32 msr_nr_rows;

/* msr.c: as vmx_get_msr() and vmx_set_msr(), and -ENOENT for an MSR that there is not */
int msr_get(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by);
int msr_set(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by);

/* msr_mem.c: memory types */
int msr_set_mtrr_var(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by);
int msr_get_mtrr_var(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by);
int msr_set_mtrr_fixed(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by);
int msr_get_mtrr_fixed(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by);
int msr_set_mtrr_def(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by);
int msr_set_pat(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by);
int msr_get_pat(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by);

/* msr_mce.c: machine-check banks */
int msr_get_mc_bank(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by);
int msr_set_mc_bank(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by);
int msr_get_mc_ctl2(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by);
int msr_set_mc_ctl2(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by);
int msr_get_mcg_ctl(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by);
int msr_set_mcg_ctl(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by);
int msr_set_mcg_ext_ctl(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by);

#endif
