// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware's VMCS shadowing for L1: most VMREADs and VMWRITEs of L1 need no exit.
 *
 * Each context has a shadow VMCS; that of the current vmcs12 is named by vmcs01's link pointer.
 * What it holds is remembered, so that before an entry a row that L1 wrote is found by comparing,
 * and after an exit only rows that changed are written.  Pointers to L1's memory are not shadowed.
 * SDM "VMCS Types: Ordinary and Shadow" [sdm:vmcs-shadow]
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

/* L0 writes exit information into the shadow, which not every CPU with shadowing allows. */
static bool usable(void)
{
	return vmx_caps.shadow_vmcs && (vmx_caps.misc & VMXM_VMWRITE_ALL);
}

static bool attached(const struct nvmx_vcpu *v, const struct l2_context *c)
{
	return c && c->shadow && c == v->nested->current12 &&
	       vmcs_ctl_test(v->vmcs01, CTL_vmcs_shadowing);
}

/* ---- the generators; each is one expression, a list of what its rows do ---- */

#define KIND_NO		0u
#define KIND_RO		1u
#define KIND_RW		2u
#define KIND_ANY	(KIND_RO | KIND_RW)

/* true: L1 has written it. */
static __always_inline bool pull_row(struct nvmx_vcpu *v, struct l2_context *c, enum hw_row row,
				     u32 enc, u32 group)
{
	u64 val = hw_read(v, enc);

	if (likely(val == c->hw->shadow[row]))
		return false;
	c->hw->shadow[row] = val;
	nested_mark_dirty(c, group);
	return true;
}

static void pull_rows(struct nvmx_vcpu *v, struct l2_context *c)
{
	(void)0
#define NVMX_FIELD(name, enc, type, offset, flow, kind, group, when)	\
	, KIND_##kind == KIND_RW && hw_has_field(CTL_##when) &&		\
	  pull_row(v, c, HW_##name, VMCS_##name, GROUP(group)) ?	\
		set12(c->vmcs12, offset, SIZE12(type), c->hw->shadow[HW_##name]) : (void)0
#include <nvmx/vmcs_fields.h>
#undef NVMX_FIELD
	;
}

static __always_inline void push_row(struct nvmx_vcpu *v, struct l2_context *c, enum hw_row row,
				     u32 enc, u64 val)
{
	if (likely(c->hw->shadow[row] == val))
		return;
	c->hw->shadow[row] = val;
	hw_write(v, enc, val);
}

static __always_inline void push_rows(struct nvmx_vcpu *v, struct l2_context *c, u32 kinds)
{
	(void)0
#define NVMX_FIELD(name, enc, type, offset, flow, kind, group, when)	\
	, (KIND_##kind & kinds) && hw_has_field(CTL_##when) ?		\
		push_row(v, c, HW_##name, VMCS_##name,			\
			 get12(c->vmcs12, offset, SIZE12(type))) : (void)0
#include <nvmx/vmcs_fields.h>
#undef NVMX_FIELD
	;
}

/* What a new shadow VMCS holds is undefined: make every row differ from what is to come. */
static void expect_nothing(struct l2_context *c)
{
	(void)0
#define NVMX_FIELD(name, enc, type, offset, flow, kind, group, when)	\
	, (void)(c->hw->shadow[HW_##name] = ~get12(c->vmcs12, offset, SIZE12(type)))
#include <nvmx/vmcs_fields.h>
#undef NVMX_FIELD
	;
}

/* ---- attach and detach ---- */

static void link_shadow(struct nvmx_vcpu *v, const struct l2_context *c)
{
	vmcs_write(v, vmread_bitmap, __pa(nested_vmread_bitmap));
	vmcs_write(v, vmwrite_bitmap, __pa(nested_vmwrite_bitmap));
	vmcs_write(v, vmcs_link_pointer, c->shadow->pa);
	vmcs_ctl_set(v, v->vmcs01, CTL_vmcs_shadowing);
}

/*
 * Without memory for it, L1's accesses exit and all is well, only slower.  The rest of what L2
 * needs comes with the first entry: a shadow VMCS of L1 will never be entered.
 */
static bool shadow_ready(struct nvmx_vcpu *v, struct l2_context *c)
{
	if (!c->hw)
		c->hw = kzalloc(sizeof(*c->hw), GFP_KERNEL_ACCOUNT);
	if (!c->hw)
		return false;
	if (c->shadow)
		return true;
	c->shadow = vmcs_alloc(v, VMCS_SHADOW);
	expect_nothing(c);
	return c->shadow;
}

/* Context: vmcs01 is current. */
void nested_shadow_attach(struct nvmx_vcpu *v, struct l2_context *c)
{
	/* L1 reads and writes memory instead. */
	if (c->evmcs || !usable() || !shadow_ready(v, c))
		return;
	vmcs_shadow_begin(v, c->shadow);
	push_rows(v, c, KIND_ANY);
	vmcs_shadow_end(v, c->shadow);
	link_shadow(v, c);
}

void nested_shadow_detach(struct nvmx_vcpu *v)
{
	struct l2_context *c = v->nested->current12;

	if (!attached(v, c))
		return;
	nested_shadow_pull(v, c);
	vmcs_ctl_clear(v, v->vmcs01, CTL_vmcs_shadowing);
	vmcs_write(v, vmcs_link_pointer, ~0ull);
}

/* ---- at entries and exits ---- */

/* In L2 there is nothing to pull: L1 has not run since. */
void nested_shadow_pull(struct nvmx_vcpu *v, struct l2_context *c)
{
	if (!attached(v, c) || is_guest_mode(v))
		return;
	vmcs_shadow_begin(v, c->shadow);
	pull_rows(v, c);
	vmcs_shadow_end(v, c->shadow);
}

/*
 * The switches between vmcs01 and vmcs02 are made from the shadow, which saves one VMPTRLD each:
 * vmcs_shadow_end() finds the VMCS that it would load in place.
 */
void nested_shadow_pull_for_entry(struct nvmx_vcpu *v, struct l2_context *c)
{
	if (!attached(v, c))
		return;
	vmx_regs_flush(v);
	vmcs_shadow_begin(v, c->shadow);
	pull_rows(v, c);
	if (c->hw->built)
		vmcs_switch(v, c->vmcs02);
	vmcs_shadow_end(v, c->shadow);
}

void nested_shadow_push(struct nvmx_vcpu *v, struct l2_context *c)
{
	if (!attached(v, c)) {
		vmcs_switch(v, v->vmcs01);
		return;
	}
	vmx_regs_flush(v);
	vmcs_shadow_begin(v, c->shadow);
	push_rows(v, c, KIND_ANY);
	vmcs_switch(v, v->vmcs01);
	vmcs_shadow_end(v, c->shadow);
}

/*
 * RW rows are L1's to write meanwhile, so that only the others can be behind the copy.  In L2 the
 * exit will bring all of them.
 */
void nested_shadow_touch(struct nvmx_vcpu *v, struct l2_context *c)
{
	if (!attached(v, c) || is_guest_mode(v))
		return;
	vmcs_shadow_begin(v, c->shadow);
	push_rows(v, c, KIND_RO);
	vmcs_shadow_end(v, c->shadow);
}
