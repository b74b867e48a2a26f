// SPDX-License-Identifier: GPL-2.0-only
/*
 * The enlightened VMCS: L1 gives its VMCS as plain memory, and says what it has changed.
 *
 * To the rest of the room it is a context like any other.  VMLAUNCH and VMRESUME copy the page that
 * the VP assist page names, once, and take the fields of groups that are not clean into the copy,
 * which then is checked and used; an exit to L1 writes back what it has changed.  In between the
 * page is L1's, and VMREAD reads there.  Nothing of it is ever flushed to L1's memory as a vmcs12.
 *
 * After KVM_SET_NESTED_STATE nobody knows yet where the page is: the context has no address until
 * the vCPU runs.  TLFS "Enlightened VMCS" [tlfs:evmcs]
 */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/evmcs.h>
#include <nvmx/hyperv.h>
#include <nvmx/mmu.h>
#include <nvmx/nested.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

/* ---- table 6 ---- */

enum evmcs_row_nr {
#define NVMX_EVMCS(name, offset, clean, flow) EVMCS_ROW_##name,
#include <nvmx/evmcs_fields.h>
#undef NVMX_EVMCS
	NR_EVMCS_ROWS,
};

enum evmcs_flow { EVMCS_FLOW_IN, EVMCS_FLOW_OUT, EVMCS_FLOW_BOTH };

static const struct evmcs_row {
	u32 clean;
	u16 offset;
	u8 field;		/* in nested_fields[] */
	u8 flow;		/* enum evmcs_flow */
} rows[] = {
#define NVMX_EVMCS(name, offset_, clean_, flow_)				\
	[EVMCS_ROW_##name] = {							\
		.clean = EVMCS_##clean_,					\
		.offset = (offset_),						\
		.field = HW_##name,						\
		.flow = EVMCS_FLOW_##flow_,					\
	},
#include <nvmx/evmcs_fields.h>
#undef NVMX_EVMCS
};

/* Row + 1 by row of table 1; 0: not in an enlightened VMCS. */
static const u8 row_of_field[NR_HW_ROWS] = {
#define NVMX_EVMCS(name, offset, clean, flow)					\
	[HW_##name] = EVMCS_ROW_##name + 1,
#include <nvmx/evmcs_fields.h>
#undef NVMX_EVMCS
};

#define SIZE_OF(name)	sizeof_field(struct vmcs12, name)

enum evmcs_row_ok {
#define NVMX_EVMCS(name, offset, clean, flow)					\
	EVMCS_OK_##name = BUILD_BUG_ON_ZERO((offset) % SIZE_OF(name) ||		\
					    (offset) + SIZE_OF(name) > EVMCS_SIZE),
#include <nvmx/evmcs_fields.h>
#undef NVMX_EVMCS
};

static u8 row_size(const struct evmcs_row *row)
{
	return nested_fields[row->field].size;
}

static const struct evmcs_row *find_row(const struct nested_field *f)
{
	u32 row = row_of_field[array_index_nospec(f - nested_fields, NR_HW_ROWS)];

	return row ? &rows[row - 1] : NULL;
}

/*
 * Controls whose fields are missing; and those that belong to them.  TSC scaling has a field only
 * in later editions of version 1, and hypervisors that do not know it may use the control.
 */
u32 nested_evmcs_lacks(enum vmx_ctl_word w)
{
	static const u16 more[] = { CTL_apic_register_virtualization, CTL_tsc_scaling,
				    CTL_exit_save_preemption_timer };
	const struct nested_field *f;
	u32 i, lacks = 0;

	for (f = nested_fields; f < nested_fields + nested_nr_fields; f++)
		if (f->when != CTL_always && CTL_WORD(f->when) == w && !find_row(f))
			lacks |= CTL_MASK(f->when);
	for (i = 0; i < ARRAY_SIZE(more); i++)
		if (CTL_WORD(more[i]) == w)
			lacks |= CTL_MASK(more[i]);
	return lacks;
}

/* ---- the page ---- */

/* Hyper-V itself gives the revision of IA32_VMX_BASIC instead of the version. */
static bool revision_ok(u32 revision)
{
	return revision == EVMCS_VERSION || revision == VMCS12_REVISION;
}

static u32 word_at(const struct nested_evmcs *e, u32 offset)
{
	u32 word;

	memcpy(&word, e->page + offset, sizeof(word));
	return word;
}

/* -EFAULT: no memory there. -EINVAL: not of this version. */
static int read_page(struct nvmx_vcpu *v, struct l2_context *c)
{
	struct nested_evmcs *e = c->evmcs;

	if (!nested_pa_ok(v, c->pa) || mmu_read(v->vm, c->pa, e->page, EVMCS_SIZE))
		return -EFAULT;
	return revision_ok(word_at(e, 0)) ? 0 : -EINVAL;
}

static void take_row(struct l2_context *c, const struct evmcs_row *row)
{
	const struct nested_field *f = &nested_fields[row->field];
	u64 val = 0;

	memcpy(&val, c->evmcs->page + row->offset, f->size);
	if (val == vmcs12_get(c->vmcs12, f))
		return;
	vmcs12_set(c->vmcs12, f, val);
	nested_mark_dirty(c, 1u << f->group);
}

/* Fields of these groups, from the page that was read. */
static void take(struct nvmx_vcpu *v, struct l2_context *c, u32 groups)
{
	const struct evmcs_row *row;

	if (c->rare_stale)
		nested_sync_rare(v, c);
	for (row = rows; row < rows + NR_EVMCS_ROWS; row++)
		if (row->clean & groups)
			take_row(c, row);
}

static void put_rows(struct l2_context *c)
{
	const struct evmcs_row *row;
	u64 val;

	for (row = rows; row < rows + NR_EVMCS_ROWS; row++) {
		if (row->flow == EVMCS_FLOW_IN)
			continue;
		val = vmcs12_get(c->vmcs12, &nested_fields[row->field]);
		memcpy(c->evmcs->page + row->offset, &val, row_size(row));
	}
}

/* What L1's memory does not take is L1's loss. */
static void write_range(struct nvmx_vcpu *v, const struct l2_context *c, u32 from, u32 to)
{
	mmu_write(v->vm, c->pa + from, c->evmcs->page + from, to - from);
}

/* Rows that lie side by side go together; what lies between them is L1's. */
static void write_rows(struct nvmx_vcpu *v, const struct l2_context *c)
{
	const struct evmcs_row *row = rows;
	u32 from, to;

	while (row < rows + NR_EVMCS_ROWS) {
		if (row->flow == EVMCS_FLOW_IN) {
			row++;
			continue;
		}
		from = row->offset;
		to = from;
		for (; row < rows + NR_EVMCS_ROWS; row++) {
			if (row->flow == EVMCS_FLOW_IN || row->offset != to)
				break;
			to += row_size(row);
		}
		write_range(v, c, from, to);
	}
}

static void store(struct nvmx_vcpu *v, struct l2_context *c)
{
	if (c->rare_stale)
		nested_sync_rare(v, c);
	/* L2 is being left: nothing of it changes any more. */
	c->rare_stale = false;
	put_rows(c);
	write_rows(v, c);
}

/* ---- contexts ---- */

static struct l2_context *find(struct nvmx_vcpu *v, u64 pa)
{
	struct l2_context *c;

	list_for_each_entry(c, &v->nested->contexts, node)
		if (c->evmcs && c->pa == pa)
			return c;
	return NULL;
}

/* A new context is for an enlightened VMCS. */
static int adopt(struct nvmx_vcpu *v, struct l2_context *c)
{
	c->evmcs = kzalloc(sizeof(*c->evmcs), GFP_KERNEL_ACCOUNT);
	if (!c->evmcs) {
		nested_context_free(v, c);
		return -ENOMEM;
	}
	c->evmcs->fresh = true;
	return 0;
}

static int find_or_make(struct nvmx_vcpu *v, u64 pa, struct l2_context **out)
{
	struct l2_context *c = find(v, pa);

	*out = c;
	if (c) {
		list_move(&c->node, &v->nested->contexts);
		return 0;
	}
	c = nested_context_new(v, pa);
	if (!c || adopt(v, c))
		return -ENOMEM;
	c->vmcs12->revision = VMCS12_REVISION;
	*out = c;
	return 0;
}

/* L1 changes its vmcs12 by entering with another address: nothing of another one is clean. */
static void begin_entry(struct nvmx_vcpu *v, struct l2_context *c, bool launch)
{
	struct nested_evmcs *e = c->evmcs;
	bool all = launch || e->fresh || c != v->nested->current12;
	u32 clean = all ? 0 : word_at(e, EVMCS_AT_CLEAN);

	nested_make_current(v, c);
	take(v, c, EVMCS_ALWAYS | (EVMCS_ANY & ~clean));
	e->fresh = false;
	e->same_bitmap = clean & EVMCS_MSR_BITMAP &&
			 word_at(e, EVMCS_AT_ENLIGHTENMENTS) & EVMCS_MSR_BITMAP_CLEAN;
	/* There is no launch state: either instruction will do. */
	c->vmcs12->launch_state = !launch;
}

static int load(struct nvmx_vcpu *v, u64 pa, bool launch)
{
	struct l2_context *c;
	int err = find_or_make(v, pa, &c);

	if (err)
		return err;
	err = read_page(v, c);
	if (err) {
		nested_context_free(v, c);
		nested_make_current(v, NULL);
		return err;
	}
	begin_entry(v, c, launch);
	return 0;
}

bool nested_evmcs_current(const struct nvmx_vcpu *v)
{
	const struct l2_context *c = v->nested->current12;

	return c && c->evmcs;
}

/* Only if v->evmcs: what VMLAUNCH and VMRESUME do first. */
struct vmx_result nested_evmcs_load(struct nvmx_vcpu *v, bool launch)
{
	u64 pa;

	if (!hv_enlightened_entry(v, &pa)) {
		if (nested_evmcs_current(v))
			nested_make_current(v, NULL);
		return vm_succeed();
	}
	switch (load(v, pa, launch)) {
	case 0:
		return vm_succeed();
	case -ENOMEM:
		vmx_internal_error(v, KVM_INTERNAL_ERROR_EMULATION, 0, NULL);
		return (struct vmx_result){ .kind = VMX_HANDED_OVER };
	case -EFAULT:
		return vm_raise(VEC_UD);
	default:
		return vm_fail_invalid();
	}
}

/*
 * Only if v->evmcs.  While L1 enters the enlightened way every region is taken for such a page:
 * true, and nothing is written there.
 */
bool nested_evmcs_clear(struct nvmx_vcpu *v, u64 pa)
{
	struct l2_context *c = find(v, pa);
	u64 active;

	if (!hv_enlightened_entry(v, &active))
		return false;
	if (c)
		nested_context_free(v, c);
	return true;
}

/* Only if v->evmcs: VMPTRLD is for those who have gone back to it. */
bool nested_evmcs_bars_vmptrld(struct nvmx_vcpu *v)
{
	u64 pa;

	return nested_evmcs_current(v) && hv_enlightened_entry(v, &pa);
}

int nested_evmcs_vmread(struct nvmx_vcpu *v, const struct l2_context *c,
			const struct nested_field *f, u64 *val)
{
	const struct evmcs_row *row = find_row(f);

	if (!row)
		return -ENOENT;
	*val = 0;
	if (c->pa == NESTED_NO_PA)
		return -EFAULT;
	return mmu_read(v->vm, c->pa + row->offset, val, f->size);
}

void nested_evmcs_put_error(struct nvmx_vcpu *v, const struct l2_context *c)
{
	u32 error = c->vmcs12->vm_instruction_error;

	if (c->pa != NESTED_NO_PA)
		mmu_write(v->vm, c->pa + rows[EVMCS_ROW_vm_instruction_error].offset, &error,
			  sizeof(error));
}

/* ---- exits ---- */

/* Where user space has restored it: 0, and c->pa is known; -ENOENT: L1 has turned it off. */
static int find_page(struct nvmx_vcpu *v, struct l2_context *c)
{
	int err;

	if (!hv_enlightened_entry(v, &c->pa)) {
		c->pa = NESTED_NO_PA;
		return -ENOENT;
	}
	err = read_page(v, c);
	if (err)
		c->pa = NESTED_NO_PA;
	return err;
}

/* To L1, or an entry failure: all that L1 sees after that is in the page. */
void nested_evmcs_exit(struct nvmx_vcpu *v, struct l2_context *c)
{
	u32 clean;

	if (c->pa == NESTED_NO_PA && find_page(v, c))
		return;
	store(v, c);
	clean = word_at(c->evmcs, EVMCS_AT_CLEAN) | EVMCS_ANY;
	memcpy(c->evmcs->page + EVMCS_AT_CLEAN, &clean, sizeof(clean));
	write_range(v, c, EVMCS_AT_CLEAN, EVMCS_AT_CLEAN + sizeof(clean));
}

/* ---- nested state ---- */

/* The copy becomes what the page says, whatever is clean: L1 tells that at an entry only. */
void nested_evmcs_refresh(struct nvmx_vcpu *v, struct l2_context *c)
{
	if (c->pa == NESTED_NO_PA || v->nested->smm.guest_mode || read_page(v, c))
		return;
	take(v, c, EVMCS_ALWAYS | EVMCS_ANY);
}

int nested_evmcs_restore(struct nvmx_vcpu *v, const struct vmcs12 *image)
{
	struct l2_context *c;

	if (nested_context_from(v, NESTED_NO_PA, image, VMCS12_SIZE, &c) || adopt(v, c))
		return -ENOMEM;
	nested_make_current(v, c);
	vcpu_request(v, REQ_EVMCS);
	return 0;
}

/* What was restored is newer than the page, if L1 is to go on with it. */
static enum nvmx_action page_found(struct nvmx_vcpu *v, struct l2_context *c)
{
	if (!is_guest_mode(v) && !v->nested->smm.guest_mode)
		store(v, c);
	return NVMX_RESUME;
}

static enum nvmx_action page_off(struct nvmx_vcpu *v, struct l2_context *c)
{
	if (!is_guest_mode(v) && !v->nested->smm.guest_mode)
		nested_context_free(v, c);
	return NVMX_RESUME;
}

/**
 * nested_serve_evmcs() - REQ_EVMCS: find the page of a restored enlightened VMCS
 * @v: the vCPU, about to run with all its state restored
 *
 * Return: NVMX_USER, with an internal error, as long as it is not there.
 */
enum nvmx_action nested_serve_evmcs(struct nvmx_vcpu *v)
{
	struct l2_context *c = v->nested->current12;

	if (!c || !c->evmcs || c->pa != NESTED_NO_PA)
		return NVMX_RESUME;
	switch (find_page(v, c)) {
	case 0:
		return page_found(v, c);
	case -ENOENT:
		return page_off(v, c);
	default:
		vcpu_request(v, REQ_EVMCS);
		return vmx_internal_error(v, KVM_INTERNAL_ERROR_EMULATION, 0, NULL);
	}
}
