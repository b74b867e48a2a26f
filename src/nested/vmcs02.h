/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files that run L2 share.
 *
 * vmcs02 holds L2's state between exits.  What nvmx knows of its contents is kept beside it, so
 * that a field is written only when it changes and read only when hardware may have changed it.
 */
#ifndef NESTED_VMCS02_H
#define NESTED_VMCS02_H

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/types.h>
#include <nvmx/fields.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"

/* Rows of table 1, as indices of what is known about vmcs02 and the shadow VMCS. */
enum hw_row {
#define NVMX_FIELD(name, enc, type, offset, flow, shadow, group, when) HW_##name,
#include <nvmx/vmcs_fields.h>
#undef NVMX_FIELD
	NR_HW_ROWS,
};

/*
 * The merged MSR bitmap is closed but for two windows of MSRs, 0 and 0xc0000000 upward, each for
 * reads and for writes; that is where every MSR lies that the CPU holds for a guest.  The x2APIC
 * range is outside, and open only where vmcs02 virtualizes the register [CVE-2019-3887].
 */
#define MSR_WINDOWS		4
#define MSR_WINDOW_WORDS	16	/* of 64 */
#define X2APIC_WORDS		5	/* 4 for reads, 1 for writes */
#define MSR_WORDS		(MSR_WINDOWS * MSR_WINDOW_WORDS + X2APIC_WORDS)

/* The words of an MSR bitmap in which L0 opens a bit. */
struct msr_words {
	u32 nr;
	u16 at[MSR_WORDS];	/* of the 512 */
	u64 l0[MSR_WORDS];
	u64 l1[MSR_WORDS];
};

/* What L0 wanted when the steady rows of vmcs02 were merged, and what became of it. */
struct l0_needs {
	bool valid;
	u32 pin, proc, proc2, exit, entry;
	u32 merged_proc, merged_entry;
	u32 exception_bitmap;
	u64 tsc_offset, tsc_ratio;
	u64 cr0_owned, cr4_owned;
};

struct l2_hardware {
	bool built;			/* vmcs02 was written in full */
	bool all_eois_exit;		/* virtual.c wants to see them */
	u64 cr0, cr4;			/* of L2, as L1 sees them, at its entry */
	bool msr_merged;
	u8 msr_x2apic;			/* what of the x2APIC was virtualized in the merge */
	u32 msr_policy;			/* generation of vmcs01's bitmap in the merge */
	u64 msr_bitmap12;		/* of an evmcs: L1's, of the last merge, or NESTED_NO_PA */
	struct l0_needs l0;
	struct msr_words msr;
	DECLARE_BITMAP(known, NR_HW_ROWS);		/* value[] is what vmcs02 holds */
	u64 value[NR_HW_ROWS];
	u64 shadow[NR_HW_ROWS];		/* what the shadow VMCS holds */
};

static inline void hw_set(struct l2_context *c, enum hw_row row, u64 val)
{
	c->hw->value[row] = val;
	c->hw->known[BIT_WORD(row)] |= BIT_MASK(row);
}

static inline void hw_forget(struct l2_context *c, enum hw_row row)
{
	c->hw->known[BIT_WORD(row)] &= ~BIT_MASK(row);
}

static inline bool hw_holds(const struct l2_context *c, enum hw_row row, u64 val)
{
	return test_bit(row, c->hw->known) && c->hw->value[row] == val;
}

/* One VMREAD or VMWRITE of the current VMCS in the kernel, the seam in user space. */
#ifdef __KERNEL__
#define hw_read(v, enc)		vmcs_read_inline(v, enc)
#define hw_write(v, enc, val)	vmcs_write_inline(v, enc, val)
#else
#define hw_read(v, enc)		vmcs_hw_read(v, enc)
#define hw_write(v, enc, val)	vmcs_hw_write(v, enc, val)
#endif

/* Write a field of vmcs02, the current VMCS, unless it holds the value already. */
static __always_inline void hw_put_row(struct nvmx_vcpu *v, struct l2_context *c, enum hw_row row,
				       u32 enc, u64 val)
{
	if (hw_holds(c, row, val))
		return;
	hw_write(v, enc, val);
	hw_set(c, row, val);
}

/* Read it where hardware may have changed it. */
static __always_inline u64 hw_get_row(struct nvmx_vcpu *v, struct l2_context *c, enum hw_row row,
				      u32 enc)
{
	u64 val = hw_read(v, enc);

	hw_set(c, row, val);
	return val;
}

#define hw_put(v, c, name, val)	hw_put_row(v, c, HW_##name, VMCS_##name, val)
#define hw_get(v, c, name)	hw_get_row(v, c, HW_##name, VMCS_##name)

/* A row of vmcs12 by its place; offset and size are constants. */
static __always_inline u64 get12(const struct vmcs12 *vmcs12, u32 offset, u32 size)
{
	const void *at = vmcs12->raw + offset;

	if (size == sizeof(u16))
		return *(const u16 *)at;
	return size == sizeof(u32) ? *(const u32 *)at : *(const u64 *)at;
}

static __always_inline void set12(struct vmcs12 *vmcs12, u32 offset, u32 size, u64 val)
{
	void *at = vmcs12->raw + offset;

	if (size == sizeof(u16))
		*(u16 *)at = val;
	else if (size == sizeof(u32))
		*(u32 *)at = val;
	else
		*(u64 *)at = val;
}

#define SIZE12(type)	sizeof(VMCS12_TYPE_##type)

/* Does the field exist on this CPU? */
static inline bool hw_has_field(u32 when)
{
	return when == CTL_always || vmx_cpu_has((enum vmx_ctl)when);
}

/*
 * A SYNC row that an exit to L1 always captures: what nearly every exit handler of a hypervisor
 * looks at, and what it can read from the shadow VMCS behind our back.  The others wait in vmcs02.
 */
#define IS_HOT(shadow, group)	\
	(SHADOW_##shadow != SHADOW_NO || GROUP_NR_##group != GROUP_NR_GRP2)

/* ---- vmcs02.c ---- */
int nested_context_ready(struct nvmx_vcpu *v, struct l2_context *c);	/* 0, -ENOMEM */
static inline bool nested_injects(const struct vmcs12 *vmcs12)
{
	return vmcs12->vm_entry_intr_info_field & EVT_VALID;
}

/* The cached CR0 and CR4 are up to date. */
static inline bool nested_pae_paging(const struct nvmx_vcpu *v)
{
	return (v->cr0 & X86_CR0_PG) && (v->cr4 & X86_CR4_PAE) && !(v->efer & EFER_LMA);
}

/* User space that debugs the guest has breakpoints of its own there. */
static inline u64 nested_hardware_dr7(const struct nvmx_vcpu *v)
{
	return v->guest_debug & KVM_GUESTDBG_USE_HW_BP ? v->guest_debug_dr7 : v->dr7;
}

/* c's vmcs02 becomes current and holds what the vmcs12 and the cached registers say. */
void nested_prepare_vmcs02(struct nvmx_vcpu *v, struct l2_context *c, enum l2_cause cause);
void nested_update_l0_rows(struct nvmx_vcpu *v, struct l2_context *c);

/* ---- tags.c ---- */
/* vmcs02's EPT pointer: ept02 of L1's tables, or ept01. -ENOMEM: user space is to be told. */
int nested_find_ept02(struct nvmx_vcpu *v, struct l2_context *c);
void nested_doubt_tables(struct nvmx_vcpu *v);	/* after KVM_SET_NESTED_STATE */
void nested_update_eptp02(struct nvmx_vcpu *v, struct l2_context *c);
/* What the architecture or L1 wants forgotten at an entry to, or an exit from L2. */
void nested_flush_at_entry(struct nvmx_vcpu *v, struct l2_context *c);
void nested_flush_at_exit(struct nvmx_vcpu *v, struct l2_context *c);

/* ---- enter.c ---- */
/* The state of L1 that vmcs01, still current, holds; before nested_switch_to_l2(). */
void nested_save_l1(struct nvmx_vcpu *v);
/* From L1 to L2: vmcs02, registers, timer. */
void nested_switch_to_l2(struct nvmx_vcpu *v, struct l2_context *c, enum l2_cause cause);

/* ---- exit.c ---- */
void nested_capture(struct nvmx_vcpu *v, struct l2_context *c);	/* L2's state into the copy */
/* Before an exit that hardware did not make. */
void nested_withdraw_event(struct nvmx_vcpu *v);
/* L1's state, of the HOST rows, on vmcs01. 0, or enum vmx_abort. */
u32 nested_return_to_l1(struct nvmx_vcpu *v, struct l2_context *c);

/* ---- load_l1.c ---- */
/* HOST rows become L1's state; vmcs01 is current. 0, or ABORT_PDPTE. */
u32 nested_load_l1(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12);

/* ---- bitmaps.c ---- */
void nested_merge_msr_bitmap(struct nvmx_vcpu *v, struct l2_context *c);
bool nested_intercepts_msr(struct nvmx_vcpu *v, u32 msr, bool write);
/* L2's VMREAD or VMWRITE of a field; @bitmap: gpa of L1's bitmap for the instruction */
bool nested_intercepts_field(struct nvmx_vcpu *v, u64 bitmap, u64 encoding);

/* ---- link.c: the shadow VMCS that L1 gives to L2 ---- */
/*
 * Before an entry, checked by table 4: find or load what the link pointer names, if L2 may use it.
 * 0; -ENOMEM; -EINVAL: what was loaded is no shadow VMCS, although memory said so before.
 */
int nested_link(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12);
void nested_unlink(struct nvmx_vcpu *v);	/* L2 is left */
void nested_flush_link(struct nvmx_vcpu *v);	/* before that, where L1 goes on */
bool nested_links(const struct vmcs12 *vmcs12);	/* it gives L2 a shadow VMCS */

/* ---- pages.c ---- */
#define NESTED_NO_GEN	(~0ull)
/* Frames of L1's pages, for hardware.  RESUME: found, or the entry will be refused. */
enum nvmx_action nested_find_pages(struct nvmx_vcpu *v, struct l2_context *c);

/* RVI, where hardware says @status: what virtual.c holds back of it is in vmcs12. */
static inline u8 nested_rvi(const struct l2_context *c, u16 status)
{
	u8 held = c->vmcs12->guest_intr_status & GUEST_INTR_RVI;

	return max_t(u8, status & GUEST_INTR_RVI, vmx_vid_erratum ? held : 0);
}

/* ---- posted.c ---- */
bool nested_is_notification(struct nvmx_vcpu *v, int vector);
/* After that: requests of the descriptor become L2's, and the notification is over. */
enum nvmx_action nested_take_posted(struct nvmx_vcpu *v);
bool nested_virtual_irq_waits(struct nvmx_vcpu *v);

/* ---- msrlist.c ---- */
u32 nested_load_msrs(struct nvmx_vcpu *v, u64 gpa, u32 count);	/* 0, or 1 + index that failed */
u32 nested_store_msrs(struct nvmx_vcpu *v, u64 gpa, u32 count);

/* ---- vectoring.c ---- */
u16 nested_exception_code(const struct nvmx_vcpu *v);	/* of ev.exception, as exit information */
/* Events that L0 had not delivered to L2 yet, as IDT-vectoring information of vmcs12. */
void nested_save_vectoring(struct nvmx_vcpu *v, struct vmcs12 *vmcs12);

/* ---- ept.c ---- */
struct mmu_ept12;
void nested_ept12(struct nvmx_vcpu *v, struct mmu_ept12 *e);

/* ---- timer.c ---- */
void nested_timer_start(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12);
void nested_timer_resume(struct nvmx_vcpu *v, u64 deadline);	/* of a restored L2 */
void nested_timer_restored(struct nvmx_vcpu *v);
void nested_timer_recheck(struct nvmx_vcpu *v);
void nested_timer_stop(struct nvmx_vcpu *v);	/* L2 is left: nothing fires any more for it */
void nested_timer_cancel(struct nvmx_vcpu *v);	/* for good, waits for the callback */
bool nested_timer_is_over(struct nvmx_vcpu *v);	/* it has fired: was that the end? */
static inline bool nested_timer_expired(struct nvmx_vcpu *v)
{
	return READ_ONCE(v->nested->timer_fired) && nested_timer_is_over(v);
}

u32 nested_timer_remaining(struct nvmx_vcpu *v);

/* ---- shadow.c ---- */
/* L1's writes into the copy; vmcs02 becomes current where it is built already. */
void nested_shadow_pull_for_entry(struct nvmx_vcpu *v, struct l2_context *c);
/* After an exit to L1: the shadow follows the copy, and vmcs01 becomes current. */
void nested_shadow_push(struct nvmx_vcpu *v, struct l2_context *c);

#endif
