/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A CPU with VMX, as far as VMCSs go: what is current, what each holds, what was done.
 *
 * Linked in place of model.c: here all of src/nested is real, and so are the registers and the
 * events of src/vmx.  A test plays L1 and L2: it writes the state that L2 would have reached into
 * the current VMCS and says what the exit was.
 */
#ifndef UNIT_NESTED_HARDWARE_H
#define UNIT_NESTED_HARDWARE_H

#include "model.h"
#include "vmcs02.h"

struct hardware {
	struct vmcs *current;
	u32 reads, writes, loads;	/* VMREAD, VMWRITE, VMPTRLD */
	u32 vpid_flushes, ept_flushes;
	u16 last_vpid;
	u32 bad_msr;			/* RDMSR and WRMSR of it fault */
	u32 last_msr;
	u64 last_msr_value;
	u32 kicks, debug_exits, user_errors;
	/* the verdict of mmu/ for the next fault of L2 */
	enum mmu_verdict verdict;
	struct nvmx_fault fault;
	u64 mmio_gpa;
	bool absent;			/* the host has to fetch the page first */
	bool tells_absence;		/* and L1 wants to hear of that */
	bool operand_faults;		/* linear memory: ->fault */
	u32 last_access;
	u32 trees;			/* ept02 trees held */
	enum mmu_verdict frame_verdict;	/* of mmu_frame() for what is memory */
	u32 mapped;			/* pages of L1 mapped now */
	u32 lookups;			/* calls of mmu_frame() */
	enum mmu_frame_size frame_size;	/* of the last one */
	u64 moved;			/* host address of frame 0 of L1 */
};

#define HW_TOKEN	0x1240u		/* of a page that is absent */

/* Table 2, to the letter. */
struct control {
	enum vmx_ctl_word word;
	u32 bit;
	const char *name, *l0, *offer, *merge;
};

extern const struct control hardware_controls[];	/* ends with a row without a name */
extern struct hardware hw;
extern u64 model_tsc;

/* In VMX operation with PA_VMCS(0) current and valid. */
void hardware_new(void);
void hardware_end(void);
struct vmcs12 *l1_vmcs12(void);		/* the copy: write it, then call l1_wrote() */
void l1_wrote(void);			/* all groups */
struct vmx_result l1_enter(void);	/* VMLAUNCH or VMRESUME, whichever is due */
void l1_enters(void);			/* the same, must succeed; up to hardware's entry */
u64 l1_reads(u32 encoding);		/* VMREAD: of the shadow VMCS, or by an exit */
void l1_writes(u32 encoding, u64 val);

/* What hardware does between an entry and the exit @x; then the exit is routed, and reflected. */
enum nested_owner l2_exits(struct exit_info x);
u64 vmcs_peek(const struct vmcs *vmcs, u32 encoding);
void vmcs_poke(struct vmcs *vmcs, u32 encoding, u64 val);

#define peek01(field)		vmcs_peek(m->v.vmcs01, VMCS_##field)
#define peek02(field)		vmcs_peek(m->v.nested->current12->vmcs02, VMCS_##field)
#define poke02(field, val)	vmcs_poke(m->v.nested->current12->vmcs02, VMCS_##field, val)

#endif
