// SPDX-License-Identifier: GPL-2.0-only
/*
 * Build vmcs02, the VMCS that runs L2: vmcs12 where L1 decides, L0's needs where L0 does.
 *
 * Everything is generated from table 1 by flow.  COPY and SYNC rows are written when their group is
 * dirty.  A MERGE row is computed by merge_<name>(), from vmcs12 and from what L0 needs now, and
 * written when it differs from what vmcs02 holds: the rows of L2's state at each entry, the steady
 * ones when something has changed that they are made of.  Nothing is copied first and patched
 * later, so a bit that L0 needs cannot be lost on the way [CVE-2021-3653, CVE-2017-12154].
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/mmu.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

#define TSC_FRACTION_BITS	48
#define TSC_RATIO_ONE		BIT_ULL(TSC_FRACTION_BITS)

/* What a merge function looks at. */
struct merge {
	struct nvmx_vcpu *v;
	struct l2_context *c;
	const struct vmcs12 *vmcs12;
	const struct l1_state *l1;
	bool pae_paging;
};

/* ---- control words: table 2 ---- */

/* Bits of a word whose merge rule is this one. */
enum merge_rule { RULE_L0, RULE_L1, RULE_OR, RULE_EMUL, RULE_CODE };

static __always_inline u32 rule_mask(enum vmx_ctl_word w, enum merge_rule rule)
{
	return 0
#define NVMX_CTL(word, bit, name, l0, offer, merge)		\
	| (CTLW_##word == w && RULE_##merge == rule ? BIT(bit) : 0)
#include <nvmx/vmx_controls.h>
#undef NVMX_CTL
	;
}

/*
 * What L0 needs of any VMCS of this vCPU.  What it has switched on in vmcs01 for a moment, or for
 * L1's own use, is no need of vmcs02: windows are asked for anew after each switch.
 */
static __always_inline u32 l0_word(const struct merge *m, enum vmx_ctl_word w)
{
	u32 word = m->v->vmcs01->ctl[w];

	if (w == CTLW_PROC)
		word &= ~(CTL_MASK(CTL_interrupt_window_exiting) |
			  CTL_MASK(CTL_nmi_window_exiting) | CTL_MASK(CTL_monitor_trap_flag));
	if (w == CTLW_PROC2)
		word &= ~(CTL_MASK(CTL_vmcs_shadowing) | CTL_MASK(CTL_pml));
	return word;
}

/* From zero: the CPU's must-be-one bits, then each rule with its own bits. */
static __always_inline u32 merge_word(const struct merge *m, enum vmx_ctl_word w)
{
	u32 l0 = l0_word(m, w);
	u32 l1 = vmcs12_ctl_word(m->vmcs12, w) & nested_allowed1(m->v, w);

	return vmx_caps.allowed0[w] | (l0 & rule_mask(w, RULE_L0)) |
	       ((l0 | l1) & rule_mask(w, RULE_OR)) | (l1 & rule_mask(w, RULE_L1));
}

/* The control is vmx_bound_stay()'s, which watches L1's timer, too. */
static u64 merge_pin_based_vm_exec_control(const struct merge *m)
{
	return merge_word(m, CTLW_PIN) |
	       (m->c->vmcs02->ctl[CTLW_PIN] & CTL_MASK(CTL_preemption_timer));
}

/*
 * L0's offset always counts.  CR8 is L1's to decide about while L2's CR8 is in L1's virtual-APIC
 * page; without that page it would be the CPU's own [CVE-2017-12154].
 */
static u64 merge_cpu_based_vm_exec_control(const struct merge *m)
{
	const u32 cr8 = CTL_MASK(CTL_cr8_load_exiting) | CTL_MASK(CTL_cr8_store_exiting);
	u32 word = merge_word(m, CTLW_PROC) | CTL_MASK(CTL_use_tsc_offsetting);

	if (word & CTL_MASK(CTL_tpr_shadow))
		return word | (m->vmcs12->cpu_based_vm_exec_control & cr8);
	return word | cr8;
}

static u64 merge_tsc_multiplier(const struct merge *m);

/* Scaling is on where the two ratios do not cancel out; without a tag there is no VPID. */
static u64 merge_secondary_vm_exec_control(const struct merge *m)
{
	u32 word = merge_word(m, CTLW_PROC2);

	if (merge_tsc_multiplier(m) != TSC_RATIO_ONE)
		word |= CTL_MASK(CTL_tsc_scaling);
	if (!m->c->vpid02)
		word &= ~CTL_MASK(CTL_vpid);
	return word;
}

static u64 merge_vm_exit_controls(const struct merge *m)
{
	return merge_word(m, CTLW_EXIT);
}

static u64 merge_vm_entry_controls(const struct merge *m)
{
	return merge_word(m, CTLW_ENTRY) |
	       (m->vmcs12->vm_entry_controls & CTL_MASK(CTL_ia32e_mode_guest));
}

/* L2's virtual interrupts: requested, unless virtual.c does that, and in service. */
static u64 merge_guest_intr_status(const struct merge *m)
{
	u16 status = m->vmcs12->guest_intr_status;

	return vmx_vid_erratum ? status & ~GUEST_INTR_RVI : status;
}

/* ---- translation and time ---- */

static u64 merge_virtual_processor_id(const struct merge *m)
{
	return m->c->vpid02;
}

static u64 l0_ratio(const struct nvmx_vcpu *v)
{
	return v->tsc_ratio ?: TSC_RATIO_ONE;
}

/* L2's TSC is L1's TSC, which L0 scaled and moved, scaled and moved by L1. */
static u64 merge_tsc_multiplier(const struct merge *m)
{
	u64 ratio = l0_ratio(m->v);

	if (vmcs12_has(m->vmcs12, CTL_tsc_scaling) &&
	    vmcs12_has(m->vmcs12, CTL_use_tsc_offsetting))
		ratio = mul_u64_u64_shr(ratio, m->vmcs12->tsc_multiplier, TSC_FRACTION_BITS);
	return ratio;
}

/* Multiplication of a two's complement offset: by its magnitude, then the sign again. */
static u64 scale_offset(u64 offset, u64 ratio)
{
	if ((s64)offset < 0)
		return -mul_u64_u64_shr(-offset, ratio, TSC_FRACTION_BITS);
	return mul_u64_u64_shr(offset, ratio, TSC_FRACTION_BITS);
}

static u64 merge_tsc_offset(const struct merge *m)
{
	u64 offset = m->v->tsc_offset;

	if (!vmcs12_has(m->vmcs12, CTL_use_tsc_offsetting))
		return offset;
	if (vmcs12_has(m->vmcs12, CTL_tsc_scaling))
		offset = scale_offset(offset, m->vmcs12->tsc_multiplier);
	return offset + m->vmcs12->tsc_offset;
}

/* ---- exceptions ---- */

/* L0 repairs hypercalls of L1 only: what is undefined in L2 needs no exit to stay so. */
static u64 merge_exception_bitmap(const struct merge *m)
{
	return (vmx_exception_bitmap(m->v) & ~BIT(VEC_UD)) | m->vmcs12->exception_bitmap;
}

static bool l0_wants_page_faults(const struct merge *m)
{
	return vmx_exception_bitmap(m->v) & BIT(VEC_PF);
}

/* Where L0 wants page faults it wants all of them, and route.c asks L1's mask and match. */
static u64 merge_page_fault_error_code_mask(const struct merge *m)
{
	return l0_wants_page_faults(m) ? 0 : m->vmcs12->page_fault_error_code_mask;
}

static u64 merge_page_fault_error_code_match(const struct merge *m)
{
	return l0_wants_page_faults(m) ? 0 : m->vmcs12->page_fault_error_code_match;
}

/* The event that L1 injects; only an entry that L1 made has one. */
static u64 merge_vm_entry_intr_info_field(const struct merge *m)
{
	return m->vmcs12->vm_entry_intr_info_field;
}

static u64 merge_vm_entry_exception_error_code(const struct merge *m)
{
	return m->vmcs12->vm_entry_exception_error_code;
}

static u64 merge_vm_entry_instruction_len(const struct merge *m)
{
	return m->vmcs12->vm_entry_instruction_len;
}

/* Wait-for-SIPI never gets to hardware, and shutdown, which is not offered, would reset it. */
static u64 merge_guest_activity_state(const struct merge *m)
{
	return m->vmcs12->guest_activity_state == ACTIVITY_HLT ? ACTIVITY_HLT : ACTIVITY_ACTIVE;
}

/* ---- control and debug registers ---- */

/*
 * The guest owns what L0 and L1 both leave to it.  Where only L0 wants the bit, L2 reads the value
 * that L1 gave it; where L1 wants it, L2 reads L1's read shadow.
 */
static u64 merge_cr0_guest_host_mask(const struct merge *m)
{
	return ~(m->l1->cr0_owned & ~m->vmcs12->cr0_guest_host_mask);
}

static u64 merge_cr4_guest_host_mask(const struct merge *m)
{
	return ~(m->l1->cr4_owned & ~m->vmcs12->cr4_guest_host_mask);
}

static u64 merge_cr0_read_shadow(const struct merge *m)
{
	u64 mask = m->vmcs12->cr0_guest_host_mask;

	return (m->v->cr0 & ~mask) | (m->vmcs12->cr0_read_shadow & mask);
}

static u64 merge_cr4_read_shadow(const struct merge *m)
{
	u64 mask = m->vmcs12->cr4_guest_host_mask;

	return (m->v->cr4 & ~mask) | (m->vmcs12->cr4_read_shadow & mask);
}

static u64 merge_guest_cr0(const struct merge *m)
{
	return vmx_hardware_cr0(m->v->cr0);
}

/* With EPT on in vmcs02 it is the paging of L2 that it names: an ngpa with ept12, else a gpa. */
static u64 merge_guest_cr3(const struct merge *m)
{
	return m->vmcs12->guest_cr3;
}

static u64 merge_guest_cr4(const struct merge *m)
{
	return vmx_hardware_cr4(m->v->cr4);
}

static u64 merge_guest_dr7(const struct merge *m)
{
	return nested_hardware_dr7(m->v);
}

/* LBR and BTF are accepted and ignored, at every level: see DEBUGCTL in src/vmx. */
static u64 merge_guest_ia32_debugctl(const struct merge *m)
{
	return 0;
}

static u64 merge_guest_ia32_pat(const struct merge *m)
{
	return m->v->pat;
}

static u64 merge_guest_ia32_efer(const struct merge *m)
{
	return m->v->efer;
}

/*
 * Hardware takes the PDPTEs from these fields, as its EPT is on.  L1 without EPT expects them to
 * come from L1's memory: the guest stage of the checks has read and judged them.
 */
static u64 merge_pdpte(const struct merge *m, u64 field, u32 i)
{
	return vmcs12_has(m->vmcs12, CTL_ept) ? field : m->v->nested->checked_pdpte[i];
}

static u64 merge_guest_pdptr0(const struct merge *m)
{
	return merge_pdpte(m, m->vmcs12->guest_pdptr0, 0);
}

static u64 merge_guest_pdptr1(const struct merge *m)
{
	return merge_pdpte(m, m->vmcs12->guest_pdptr1, 1);
}

static u64 merge_guest_pdptr2(const struct merge *m)
{
	return merge_pdpte(m, m->vmcs12->guest_pdptr2, 2);
}

static u64 merge_guest_pdptr3(const struct merge *m)
{
	return merge_pdpte(m, m->vmcs12->guest_pdptr3, 3);
}

/* ---- what steady rows are made of ---- */

#define STEADY_INPUTS	(GROUP(GRP1) | GROUP(PROC) | GROUP(EXCPN) | GROUP(TIME) | GROUP(XLAT) | \
			 GROUP(CRDR))

/* They are the same from one entry to the next, as long as L1 and L0 want the same. */
static __always_inline bool is_steady(enum hw_row row)
{
	switch (row) {
	case HW_virtual_processor_id:
	case HW_tsc_offset:
	case HW_tsc_multiplier:
	case HW_guest_ia32_debugctl:
	case HW_pin_based_vm_exec_control:
	case HW_cpu_based_vm_exec_control:
	case HW_exception_bitmap:
	case HW_page_fault_error_code_mask:
	case HW_page_fault_error_code_match:
	case HW_vm_exit_controls:
	case HW_vm_entry_controls:
	case HW_secondary_vm_exec_control:
	case HW_cr0_guest_host_mask:
	case HW_cr4_guest_host_mask:
		return true;
	default:
		return false;
	}
}

/* What L0 contributes to a word. */
static __always_inline u32 l0_part(const struct merge *m, enum vmx_ctl_word w)
{
	return l0_word(m, w) & (rule_mask(w, RULE_L0) | rule_mask(w, RULE_OR));
}

/* L0's wishes; and what became of two words, in which L0 may open windows later. */
#define L0_NEEDS(NEED)								\
	NEED(pin, l0_part(m, CTLW_PIN))						\
	NEED(proc, l0_part(m, CTLW_PROC))					\
	NEED(proc2, l0_part(m, CTLW_PROC2))					\
	NEED(exit, l0_part(m, CTLW_EXIT))					\
	NEED(entry, l0_part(m, CTLW_ENTRY))					\
	NEED(merged_proc, m->c->vmcs02->ctl[CTLW_PROC])				\
	NEED(merged_entry, m->c->vmcs02->ctl[CTLW_ENTRY])			\
	NEED(exception_bitmap, m->l1->exception_bitmap)				\
	NEED(tsc_offset, m->v->tsc_offset)					\
	NEED(tsc_ratio, m->v->tsc_ratio)					\
	NEED(cr0_owned, m->l1->cr0_owned)					\
	NEED(cr4_owned, m->l1->cr4_owned)

#define SAME_NEED(name, val)	(old->name == (val)) &&
#define NEW_NEED(name, val)	.name = (val),

static bool l0_is_steady(const struct merge *m)
{
	const struct l0_needs *old = &m->c->hw->l0;

	return L0_NEEDS(SAME_NEED) old->valid;
}

static void remember_l0(const struct merge *m)
{
	m->c->hw->l0 = (struct l0_needs){ .valid = true, L0_NEEDS(NEW_NEED) };
}

/* ---- the generators ---- */

/* Rows that mean something only now and then. */
static __always_inline bool row_wanted(const struct merge *m, enum hw_row row, u32 group,
				       bool event)
{
	switch (row) {
	case HW_guest_pdptr0:
	case HW_guest_pdptr1:
	case HW_guest_pdptr2:
	case HW_guest_pdptr3:
		return m->pae_paging;
	case HW_guest_intr_status:
		return vmcs12_has(m->vmcs12, CTL_virtual_interrupt_delivery);
	default:
		return group != GROUP_NR_EVENT || event;
	}
}

/* Control words have a copy of their own in struct vmcs; -1: any other row. */
static __always_inline int word_of_row(enum hw_row row)
{
	switch (row) {
	case HW_pin_based_vm_exec_control:
		return CTLW_PIN;
	case HW_cpu_based_vm_exec_control:
		return CTLW_PROC;
	case HW_secondary_vm_exec_control:
		return CTLW_PROC2;
	case HW_vm_exit_controls:
		return CTLW_EXIT;
	case HW_vm_entry_controls:
		return CTLW_ENTRY;
	default:
		return -1;
	}
}

static __always_inline void put_merged_row(const struct merge *m, enum hw_row row, u32 enc,
					   u32 group, u64 val)
{
	int word = word_of_row(row);

	if (word >= 0)
		vmcs_ctl_write(m->v, m->c->vmcs02, word, val);
	else if (group == GROUP_NR_EVENT)
		hw_write(m->v, enc, val);
	else
		hw_put_row(m->v, m->c, row, enc, val);
}

/* Each generator is one expression: a list of what its rows do. */
#define ROW_COPY(...)
#define ROW_SYNC(...)
#define ROW_INFO(...)
#define ROW_HOST(...)
#define ROW_ADDR(...)
#define ROW_L0(...)
#define ROW_MERGE(name, group, when)						\
	, is_steady(HW_##name) == steady && hw_has_field(CTL_##when) &&		\
	  row_wanted(m, HW_##name, GROUP_NR_##group, event) ?			\
		put_merged_row(m, HW_##name, VMCS_##name, GROUP_NR_##group,	\
			       merge_##name(m)) : (void)0

static __always_inline void put_merged_rows(const struct merge *m, bool event, bool steady)
{
	(void)0
#define NVMX_FIELD(name, enc, type, offset, flow, shadow, group, when) ROW_##flow(name, group, when)
#include <nvmx/vmcs_fields.h>
#undef NVMX_FIELD
	;
}

static noinline void put_steady(const struct merge *m)
{
	put_merged_rows(m, false, true);
	remember_l0(m);
}

static void put_merged(const struct merge *m, u32 groups, bool event)
{
	if (groups & STEADY_INPUTS || !l0_is_steady(m))
		put_steady(m);
	put_merged_rows(m, event, false);
}

#undef ROW_COPY
#undef ROW_SYNC
#undef ROW_MERGE
#define ROW_MERGE(...)
#define ROW_COPY(name, group, when, hot)	ROW_SYNC(name, group, when, hot)
#define ROW_SYNC(name, group, when, hot)					\
	, (groups & GROUP(group)) && (hot) == want_hot && hw_has_field(CTL_##when) ? \
		hw_put(m->v, m->c, name, m->vmcs12->name) : (void)0

/* What L1 gave as it is: all of it, or the few rows that nearly every entry changes. */
static __always_inline void put_given_rows(const struct merge *m, u32 groups, bool want_hot)
{
	(void)0
#define NVMX_FIELD(name, enc, type, offset, flow, shadow, group, when)		\
	ROW_##flow(name, group, when, IS_HOT(shadow, group))
#include <nvmx/vmcs_fields.h>
#undef NVMX_FIELD
	;
}

#undef ROW_COPY
#undef ROW_SYNC
#undef ROW_INFO
#undef ROW_HOST
#undef ROW_ADDR
#undef ROW_L0
#undef ROW_MERGE

static void put_given(const struct merge *m, u32 groups)
{
	put_given_rows(m, groups, true);
	if (groups & (GROUP(GRP1) | GROUP(GRP2)))
		put_given_rows(m, groups, false);
}

/* ---- what belongs to a context ---- */

static int alloc_parts(struct nvmx_vcpu *v, struct l2_context *c)
{
	if (!c->hw)
		c->hw = kzalloc(sizeof(*c->hw), GFP_KERNEL_ACCOUNT);
	if (!c->msr_bitmap)
		c->msr_bitmap = (unsigned long *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!c->vmcs02)
		c->vmcs02 = vmcs_alloc(v, VMCS_02);
	return c->hw && c->msr_bitmap && c->vmcs02 ? 0 : -ENOMEM;
}

int nested_context_ready(struct nvmx_vcpu *v, struct l2_context *c)
{
	if (c->hw && c->hw->built)
		return 0;
	if (alloc_parts(v, c))
		return -ENOMEM;
	if (!c->vpid02 && v->vpid)
		c->vpid02 = vmx_vpid_alloc();
	return 0;
}

void nested_context_drop(struct nvmx_vcpu *v, struct l2_context *c)
{
	if (v->nested->running == c)
		v->nested->running = NULL;
	if (c->ept02)
		mmu_ept02_put(v->vm, c->ept02);
	if (c->vpid02)
		vmx_vpid_free(c->vpid02);
	vmcs_free(c->vmcs02);
	vmcs_free(c->shadow);
	free_page((unsigned long)c->msr_bitmap);
	kfree(c->hw);
	c->ept02 = NULL;
	c->vpid02 = 0;
	c->vmcs02 = NULL;
	c->shadow = NULL;
	c->msr_bitmap = NULL;
	c->hw = NULL;
}

void nested_context_forget(struct nvmx_vcpu *v, struct l2_context *c)
{
	if (v->nested->running == c)
		v->nested->running = NULL;
	if (c->ept02)
		mmu_ept02_put(v->vm, c->ept02);
	c->ept02 = NULL;
	c->vpid02_for = 0;
	c->flush = true;
	c->rare_stale = false;
	c->pages.gen = NESTED_NO_GEN;
}

static void build_constant(struct nvmx_vcpu *v, struct l2_context *c)
{
	vmcs_init_l0(v, c->vmcs02);
	vmcs_write(v, msr_bitmap, __pa(c->msr_bitmap));
	vmcs_write(v, vmcs_link_pointer, ~0ull);
	vmcs_write(v, vm_entry_intr_info_field, 0);
	bitmap_zero(c->hw->known, NR_HW_ROWS);
	c->dirty = GROUPS_ALL;
	c->pages.gen = NESTED_NO_GEN;
	c->hw->built = true;
}

void nested_prepare_vmcs02(struct nvmx_vcpu *v, struct l2_context *c, enum l2_cause cause)
{
	const struct merge m = {
		.v = v, .c = c, .vmcs12 = c->vmcs12, .l1 = &v->nested->l1,
		.pae_paging = nested_pae_paging(v),
	};
	bool event = cause == L2_ENTERED && nested_injects(c->vmcs12);

	vmcs_switch(v, c->vmcs02);
	if (!c->hw->built)
		build_constant(v, c);
	put_given(&m, c->dirty);
	put_merged(&m, c->dirty, event);
	/* What was delivered is not injected again. */
	if (cause == L2_RESTORED)
		vmcs_write(v, vm_entry_intr_info_field, 0);
	c->dirty = 0;
	c->hw->cr0 = v->cr0;
	c->hw->cr4 = v->cr4;
	nested_merge_msr_bitmap(v, c);
}

/* L0's side of time or of debugging has changed while L2 runs. */
void nested_update_l0_rows(struct nvmx_vcpu *v, struct l2_context *c)
{
	const struct merge m = {
		.v = v, .c = c, .vmcs12 = c->vmcs12, .l1 = &v->nested->l1,
	};

	hw_put(v, c, tsc_offset, merge_tsc_offset(&m));
	if (vmx_cpu_has(CTL_tsc_scaling))
		hw_put(v, c, tsc_multiplier, merge_tsc_multiplier(&m));
	vmcs_ctl_write(v, c->vmcs02, CTLW_PROC2, merge_secondary_vm_exec_control(&m));
	hw_put(v, c, exception_bitmap, merge_exception_bitmap(&m));
	c->hw->l0.valid = false;
}
