/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of src/nested share: the state of L1's VMX operation and the L2 contexts.
 *
 * One context per vmcs12 that L1 loaded.  It owns the only copy that is ever checked and used:
 * L1's memory is read at VMPTRLD of a VMCS without a context, and written by VMCLEAR, VMXOFF,
 * eviction and KVM_GET_NESTED_STATE.  So nothing that another vCPU writes to the page between
 * two instructions has an effect, as the SDM allows.
 */
#ifndef NESTED_INT_H
#define NESTED_INT_H

#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/evmcs.h>
#include <nvmx/fields.h>
#include <nvmx/nested.h>
#include <nvmx/types.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>

#define NESTED_CONTEXTS		8	/* per vCPU; more than QEMU's L1 ever keeps per CPU */
#define NESTED_NO_PA		(~0ull)

/* Groups of table 1: what is dirty, what a check reads. */
enum nested_group_nr {
	GROUP_NR_XLAT, GROUP_NR_GRP1, GROUP_NR_GRP2, GROUP_NR_HOST1, GROUP_NR_HOST2,
	GROUP_NR_IOBM, GROUP_NR_MSRBM, GROUP_NR_TIME, GROUP_NR_INFO, GROUP_NR_CRDR,
	GROUP_NR_PROC, GROUP_NR_EXCPN, GROUP_NR_EVENT, GROUP_NR_CPL, GROUP_NR_BASIC,
	GROUP_NR_APIC, GROUP_NR_LIVE,
	NR_GROUPS,
	/* Inputs of checks that are not fields: */
	GROUP_NR_VTPR = 27,	/* the task priority in the virtual-APIC page */
	GROUP_NR_LINK = 28,	/* the VMCS that the link pointer names, and the pointer */
	GROUP_NR_PDPTE = 29,	/* the PDPTEs, in memory or not */
	GROUP_NR_MODE = 30,	/* derived: what L2's CR0, CR4, RFLAGS.VM and CS.L say together */
	GROUP_NR_ENV = 31,	/* L1's registers: always dirty */
};

#define GROUP(name)	(1u << GROUP_NR_##name)
#define GROUPS_ALL	((1u << NR_GROUPS) - 1)

/* How L2 comes to run. */
enum l2_cause {
	L2_ENTERED,	/* by L1, or that is pending: load controls and event count */
	L2_RESTORED,	/* in the middle of its run, by KVM_SET_NESTED_STATE or RSM */
};

/* The capability MSRs of one vCPU: L1 reads them, the host may narrow them. */
struct caps12 {
	u64 basic, misc, ept_vpid, vmcs_enum, vmfunc;
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	u32 allowed0[NR_CTL_WORDS];	/* must be 1, of the TRUE MSRs */
	u32 allowed1[NR_CTL_WORDS];	/* may be 1 */
};

/* Of a context whose VMCS is an enlightened one. */
struct nested_evmcs {
	bool fresh;			/* the next entry takes all fields, clean or not */
	bool same_bitmap;		/* L1's MSR bitmap is the one of the last entry */
	u8 page[EVMCS_SIZE];		/* what was last read of L1's memory, or written there */
};

/*
 * Locking: everything here is under the vCPU mutex.
 */
struct l2_context {
	struct list_head node;		/* nested_vcpu.contexts, most recently used first */
	u64 pa;				/* of the vmcs12 region, gpa; NESTED_NO_PA: not known yet */
	struct nested_evmcs *evmcs;	/* the region is an enlightened VMCS; NULL: a vmcs12 */
	struct vmcs12 *vmcs12;		/* a page */
	/* Groups that changed since ... Writers use nested_mark_dirty(). */
	u32 dirty;			/* ... vmcs02 was built: cleared by nested_enter() */
	u32 unchecked;			/* ... they were checked: cleared by nested_checked() */
	u32 checked_mode;		/* nested_check_mode() when they were checked */
	bool stale;			/* L1's memory is behind the copy: every writer sets it */

	/* part of nested/enter and below; allocated on first use, freed by nested_context_drop() */
	struct vmcs *vmcs02;
	struct vmcs *shadow;		/* hardware's shadow VMCS, NULL where there is none */
	unsigned long *msr_bitmap;	/* merged, one page */
	struct ept02 *ept02;
	u64 ept02_key;			/* the eptp12 that ept02 was made for */
	struct l2_hardware *hw;		/* what vmcs02 and the shadow hold, see vmcs02.h */
	bool rare_stale;		/* vmcs02 is newer than the copy: nested_sync_rare() */
	bool flush;			/* vpid02 and the EPT tag hold what L1 has invalidated */
	u16 vpid02;			/* L2's tag in hardware; 0: none */
	u16 vpid02_for;			/* the vpid12 whose mappings vpid02 may hold */
	struct {			/* frames of L1's pages in vmcs02, see pages.c */
		u64 gen;		/* vm->tlb_gen from before the lookup */
		u64 virtual_apic, apic_access;	/* gpas */
		u8 *kernel_apic;	/* the virtual-APIC page; NULL: no memory of the host's */
	} pages;
};

/*
 * L1's state at VMLAUNCH or VMRESUME that an exit brings back, or needs to know in order to skip
 * what vmcs01 still holds.
 */
struct l1_state {
	u64 cr0, cr4, cr0_owned, cr4_owned;
	u64 efer, pat, dr7;
	u32 interruptibility, exception_bitmap;
};

/* What RSM brings back; all 0 outside system-management mode. */
struct nested_smm {
	bool vmxon, guest_mode;		/* VMX operation, L2 */
	bool mtf_pending, timer_on;
	u64 timer_deadline;
	u64 pat;			/* L2's; 0: nobody knows */
};

struct nested_vcpu {
	/* VMX operation: explicit, never inferred from an address or a pointer */
	bool vmxon;
	u64 vmxon_pa;			/* valid with vmxon */
	struct l2_context *current12;	/* current VMCS; NULL: none */
	struct l2_context *linked12;	/* in L2: its shadow VMCS, not current12; NULL: none */
	struct list_head contexts;	/* struct l2_context, LRU */
	u32 nr_contexts;
	struct l2_context *spare;	/* within KVM_SET_NESTED_STATE; NULL: none */

	bool run_pending;		/* entry accepted, L2 not entered yet */
	bool mtf_pending;
	bool exit_waits;		/* behind an event in delivery */
	bool restored;			/* L1's tables in memory may be others: no INVEPT told */
	struct caps12 caps;		/* what the host left of nested_caps */
	u32 cpuid_denied;		/* secondary controls whose feature CPUID does not show */
	u32 denied[NR_CTL_WORDS];	/* that, and what an enlightened VMCS has no fields for */
	/*
	 * PAE paging without EPT: the page-directory-pointer-table entries that the guest stage
	 * read from L1's memory and checked.  nested_enter() uses these and reads no others.
	 */
	u64 checked_pdpte[4];

	struct l1_state l1;		/* valid while in L2 */
	struct nested_smm smm;
	struct {			/* on the last KVM_SET_NESTED_STATE */
		u32 rule;		/* enum nvmx_nested_rule */
		const struct nvmx_check *failed;
	} verdict;
	struct l2_context *running;	/* the context that ran last, maybe L2 right now; or NULL */
	u32 msr_policy;			/* generation of vmcs01's MSR bitmap */

	/* L1's VMX-preemption timer; see timer.c */
	struct hrtimer timer;
	struct nvmx_vcpu *timer_owner;	/* set with the timer's initialisation */
	enum { TIMER_RUNS, TIMER_BY_VALUE, TIMER_AT_DEADLINE } timer_start; /* L2 was restored */
	bool timer_on;			/* [a] L2 runs with it */
	bool timer_fired;		/* [a] look at the clock */
	u64 timer_deadline;		/* L1's TSC >> 5 */
};

/* ---- fields.c: table 1 as data ---- */
enum nested_flow { FLOW_COPY, FLOW_SYNC, FLOW_INFO, FLOW_HOST, FLOW_ADDR, FLOW_MERGE, FLOW_L0 };
enum nested_shadow { SHADOW_NO, SHADOW_RO, SHADOW_RW };

struct nested_field {
	const char *name;
	u16 enc;
	u16 offset;			/* in struct vmcs12 */
	u8 width;			/* enum vmcs_width */
	u8 size;			/* bytes in vmcs12: 2, 4, 8 */
	u8 flow;			/* enum nested_flow */
	u8 shadow;			/* enum nested_shadow */
	u8 group;			/* enum nested_group_nr */
	u16 when;			/* enum vmx_ctl that gives it a meaning, or CTL_always */
};

#define CTL_always	0xffff

extern const struct nested_field nested_fields[];
extern const u32 nested_nr_fields;
/* The bitmaps of hardware's VMCS shadowing: VMREAD and VMWRITE. One page each, shared by all. */
extern unsigned long *nested_vmread_bitmap, *nested_vmwrite_bitmap;

int nested_fields_init(void);
void nested_fields_exit(void);
/* NULL: no such field.  HIGH encodings find the row of their 64-bit field. */
const struct nested_field *nested_find_field(u64 encoding);
/* What hardware's VMCS shadowing does with the field on this CPU. */
enum nested_shadow nested_field_shadow(const struct nested_field *f);
u64 vmcs12_get(const struct vmcs12 *vmcs12, const struct nested_field *f);
void vmcs12_set(struct vmcs12 *vmcs12, const struct nested_field *f, u64 val); /* truncates */
u32 nested_vmcs_enum(void);		/* MSR 0x48a */

/* A row that an exit leaves in vmcs02 until it is asked for. */
static inline bool nested_field_is_rare(const struct nested_field *f)
{
	return f->flow == FLOW_SYNC && f->group == GROUP_NR_GRP2 && f->shadow == SHADOW_NO;
}

static inline void nested_mark_dirty(struct l2_context *c, u32 groups)
{
	c->dirty |= groups;
	c->unchecked |= groups;
	c->stale = true;
}

/* Control bits of vmcs12; secondary controls count only where they are activated. */
static inline u32 vmcs12_ctl_word(const struct vmcs12 *vmcs12, enum vmx_ctl_word w)
{
	switch (w) {
	case CTLW_PIN:
		return vmcs12->pin_based_vm_exec_control;
	case CTLW_PROC:
		return vmcs12->cpu_based_vm_exec_control;
	case CTLW_PROC2:
		if (!(vmcs12->cpu_based_vm_exec_control & CTL_MASK(CTL_activate_secondary)))
			return 0;
		return vmcs12->secondary_vm_exec_control;
	case CTLW_EXIT:
		return vmcs12->vm_exit_controls;
	case CTLW_ENTRY:
		return vmcs12->vm_entry_controls;
	default:
		return 0;
	}
}

static inline bool vmcs12_has(const struct vmcs12 *vmcs12, enum vmx_ctl ctl)
{
	return vmcs12_ctl_word(vmcs12, CTL_WORD(ctl)) & CTL_MASK(ctl);
}

/* ---- vmcs12.c: contexts ---- */
/* The cached vmcs12 of the current VMCS; NULL without one. */
static inline struct vmcs12 *nested_vmcs12(const struct nvmx_vcpu *v)
{
	return v->nested->current12 ? v->nested->current12->vmcs12 : NULL;
}

/* Of a vmcs12 in memory; NULL: not cached */
struct l2_context *nested_context_find(struct nvmx_vcpu *v, u64 pa);
/* An empty one; NULL: no memory.  May drop another as nested_context_get() does. */
struct l2_context *nested_context_new(struct nvmx_vcpu *v, u64 pa);
/*
 * Find, or make with L1's memory read once. *out set with 0; -ENOMEM; -EFAULT: pa is not memory.
 * May write back and drop the least recently used context, never the current one.
 */
int nested_context_get(struct nvmx_vcpu *v, u64 pa, struct l2_context **out);
/* As nested_context_get() but the copy is @image (KVM_SET_NESTED_STATE), and is dirty. */
int nested_context_from(struct nvmx_vcpu *v, u64 pa, const void *image, u32 size,
			struct l2_context **out);
/* Make c current; NULL: none. Calls nested_shadow_detach() and _attach(). */
void nested_make_current(struct nvmx_vcpu *v, struct l2_context *c);
int nested_context_flush(struct nvmx_vcpu *v, struct l2_context *c);	/* L1's memory := copy */
void nested_context_free(struct nvmx_vcpu *v, struct l2_context *c);	/* without flush */
/*
 * The current context leaves VMX operation: its VMCSs, which are dear to make, serve the next
 * nested_context_from().  What it knows of L1's memory is forgotten.
 */
void nested_context_park(struct nvmx_vcpu *v);
void nested_spare_free(struct nvmx_vcpu *v);	/* it was not needed */
void nested_contexts_flush_all(struct nvmx_vcpu *v);
void nested_contexts_flush_others(struct nvmx_vcpu *v);	/* all but the current one */
void nested_contexts_free_all(struct nvmx_vcpu *v);
/* What L1 may ask for has changed (CPUID, capability MSRs): check and merge everything again. */
void nested_contexts_uncheck(struct nvmx_vcpu *v);

/* ---- nested.c ---- */
void nested_vmxon_begin(struct nvmx_vcpu *v, u64 vmxon_pa);
/* Free every context, unflushed; not in L2. Called by nested_leave(v, true). */
void nested_vmxon_end(struct nvmx_vcpu *v);
static inline u8 nested_maxphyaddr(const struct nvmx_vcpu *v)
{
	return v->cpuid->maxphyaddr ?: 36;
}

/* The widest address that this CPU knows, whatever paging is in use. */
static inline u8 nested_linear_bits(const struct nvmx_vcpu *v)
{
	return v->cpuid->cr4_valid & X86_CR4_LA57 ? 57 : 48;
}

/* Page aligned and below L1's MAXPHYADDR. */
bool nested_pa_ok(const struct nvmx_vcpu *v, u64 pa);

/* VMfail(error): the error goes into the current vmcs12; without one it is VMfailInvalid. */
struct vmx_result nested_fail(struct nvmx_vcpu *v, u32 error);

/* ---- insn.c, invalidate.c ---- */
struct vmx_result nested_invept(struct nvmx_vcpu *v);
struct vmx_result nested_invvpid(struct nvmx_vcpu *v);
/* The revision word of a VMCS that L1 may load. */
bool nested_revision_ok(const struct nvmx_vcpu *v, u32 revision);
/* The register that bits 31:28 of the instruction information name; 32 bits outside 64-bit mode. */
u64 nested_reg2(struct nvmx_vcpu *v);

/* ---- caps12.c ---- */
extern struct caps12 nested_caps;	/* all that this CPU and nvmx offer */
void nested_caps_init(void);
/* May be 1, without what CPUID denies. */
u32 nested_allowed1(const struct nvmx_vcpu *v, enum vmx_ctl_word w);
bool nested_offers(const struct nvmx_vcpu *v, enum vmx_ctl ctl);
void nested_caps_follow_cpuid(struct nvmx_vcpu *v);
/* CR4 bits that may be 1 in VMX operation. */
u64 nested_cr4_fixed1(const struct nvmx_vcpu *v);

/* ---- evmcs.c ---- */
/* Controls that an enlightened VMCS cannot express. */
u32 nested_evmcs_lacks(enum vmx_ctl_word w);
bool nested_evmcs_current(const struct nvmx_vcpu *v);	/* the current VMCS is one */
/* Only if v->evmcs.  VMX_DONE: current12 is what L1 wants to enter. */
struct vmx_result nested_evmcs_load(struct nvmx_vcpu *v, bool launch);
bool nested_evmcs_clear(struct nvmx_vcpu *v, u64 pa);	/* VMCLEAR is done */
bool nested_evmcs_bars_vmptrld(struct nvmx_vcpu *v);
/* 0; -ENOENT: it has no such field; -EFAULT: it is no memory */
int nested_evmcs_vmread(struct nvmx_vcpu *v, const struct l2_context *c,
			const struct nested_field *f, u64 *val);
/* Only if c->evmcs: to L1's memory the error number of a VMfail; what an exit has changed. */
void nested_evmcs_put_error(struct nvmx_vcpu *v, const struct l2_context *c);
void nested_evmcs_exit(struct nvmx_vcpu *v, struct l2_context *c);
void nested_evmcs_refresh(struct nvmx_vcpu *v, struct l2_context *c);	/* before GET, in L1 */
int nested_evmcs_restore(struct nvmx_vcpu *v, const struct vmcs12 *image);	/* 0, -ENOMEM */

/* ---- operand.c ---- */
/* Linear address of the memory operand that v->exit describes; VMX_DONE, or the fault. */
struct vmx_result nested_operand_addr(struct nvmx_vcpu *v, u32 len, bool write, u64 *gla);
struct vmx_result nested_operand_read(struct nvmx_vcpu *v, void *buf, u32 len);
struct vmx_result nested_operand_write(struct nvmx_vcpu *v, const void *buf, u32 len);

/* ---- check.c ---- */
enum nested_stage { STAGE_CTRL, STAGE_HOST, STAGE_GUEST, NR_STAGES };

struct nvmx_check {
	u16 id;
	u8 stage;		/* enum nested_stage */
	u8 outcome;		/* GUEST: enum vmx_entry_fail; CTRL is VMfail 7, HOST VMfail 8 */
	const char *name;
	const char *tag;	/* of Documentation/sdm.rst */
};

/*
 * The first check that fails, in the SDM's order; NULL: all hold.  @groups: what changed since all
 * checks held, from nested_unchecked(); GROUPS_ALL | GROUP(MODE) checks all.
 * No side effect but the counter of the id, the tracepoint, and nested_vcpu.checked_pdpte.
 */
const struct nvmx_check *nested_check_entry(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12,
					    u32 groups);
/*
 * All of a vmcs12 whose L2 is being restored.  Of a running one, the event and the load controls of
 * the entry that was are not judged: L2 has moved on since.
 */
const struct nvmx_check *nested_check_restored(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12,
					       u64 pa, enum l2_cause cause);
u32 nested_check_mode(const struct vmcs12 *vmcs12);
/* Would VM entry accept this EPT pointer? */
bool nested_eptp_ok(const struct nvmx_vcpu *v, u64 eptp);
/* All rows (row 0 is none) and how often each failed, for tests and debugfs. */
const struct nvmx_check *nested_check_table(u32 *n);
u64 nested_check_failures(u32 id);

/* @mode: nested_check_mode() of its vmcs12 */
static inline u32 nested_unchecked(const struct l2_context *c, u32 mode)
{
	return c->unchecked | (mode == c->checked_mode ? 0 : GROUP(MODE));
}

/* All three stages held. */
static inline void nested_checked(struct l2_context *c, u32 mode)
{
	c->unchecked = 0;
	c->checked_mode = mode;
}

/* ---- enter.c ---- */
/* Current VMCS is there, MOV-SS and launch state were checked. */
struct vmx_result nested_enter(struct nvmx_vcpu *v, bool launch);

/* ---- vmcs02.c ---- */
/* Free what the context owns for hardware (vmcs02, shadow, bitmap, ept02). It is not v->cur. */
void nested_context_drop(struct nvmx_vcpu *v, struct l2_context *c);
/* It will be another vmcs12's: keep memory and vmcs02, and no translation. */
void nested_context_forget(struct nvmx_vcpu *v, struct l2_context *c);
/* INVVPID by L1, operands checked: flush what vpid02 holds for it. */
void nested_flush_vpid02(struct nvmx_vcpu *v, u32 type, u16 vpid, u64 gla);
/* INVEPT was done by mmu_ept02_invalidate(): the tags of contexts are to be flushed. */
void nested_ept02_changed(struct nvmx_vcpu *v, u64 eptp, bool all);

/* ---- exit.c ---- */
/*
 * Fetch from vmcs02 what an exit left there.  To be called before the copy is written to memory,
 * and before L1 reads or writes a SYNC field of it.
 */
void nested_sync_rare(struct nvmx_vcpu *v, struct l2_context *c);

/* ---- shadow.c: hardware's VMCS shadowing for L1; all are no-ops without it ---- */
void nested_shadow_attach(struct nvmx_vcpu *v, struct l2_context *c);	/* L1 made c current */
void nested_shadow_detach(struct nvmx_vcpu *v);				/* pulls first */
void nested_shadow_pull(struct nvmx_vcpu *v, struct l2_context *c); /* RW fields into the copy */
/* Field f of the copy was changed by an emulated VMWRITE or by VMfail: the shadow must follow. */
void nested_shadow_touch(struct nvmx_vcpu *v, struct l2_context *c);

#endif
