// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts: the vmcs12s that L1 has loaded, each with its one copy, in least-recently-used order.
 *
 * A context lives from VMPTRLD to VMCLEAR, VMXOFF or eviction.  L1's memory is read when it is made
 * and written when it ends; in between the page in memory is stale, as the SDM allows for an
 * active VMCS.  SDM "Software Use of Virtual-Machine Control Structures" [sdm:vmcs-use]
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>
#include <nvmx/mmu.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"

struct l2_context *nested_context_find(struct nvmx_vcpu *v, u64 pa)
{
	struct l2_context *c;

	list_for_each_entry(c, &v->nested->contexts, node)
		if (c->pa == pa && !c->evmcs)
			return c;
	return NULL;
}

int nested_context_flush(struct nvmx_vcpu *v, struct l2_context *c)
{
	int err;

	/* An exit has written all that there is to write. */
	if (c->evmcs)
		return 0;
	if (c == v->nested->current12)
		nested_shadow_pull(v, c);
	if (c->rare_stale)
		nested_sync_rare(v, c);
	if (!c->stale)
		return 0;
	err = mmu_write(v->vm, c->pa, c->vmcs12, VMCS12_SIZE);
	if (!err)
		c->stale = false;
	return err;
}

static void context_remove(struct nvmx_vcpu *v, struct l2_context *c)
{
	struct nested_vcpu *n = v->nested;

	if (c == n->current12)
		nested_make_current(v, NULL);
	if (c == n->linked12)
		n->linked12 = NULL;
	list_del(&c->node);
	n->nr_contexts--;
}

static void context_end(struct nvmx_vcpu *v, struct l2_context *c)
{
	nested_context_drop(v, c);
	free_page((unsigned long)c->vmcs12);
	kfree(c->evmcs);
	kfree(c);
}

void nested_context_free(struct nvmx_vcpu *v, struct l2_context *c)
{
	context_remove(v, c);
	context_end(v, c);
}

void nested_context_park(struct nvmx_vcpu *v)
{
	struct nested_vcpu *n = v->nested;

	if (!n->current12)
		return;
	n->spare = n->current12;
	context_remove(v, n->spare);
	nested_context_forget(v, n->spare);
	kfree(n->spare->evmcs);
	n->spare->evmcs = NULL;
}

void nested_spare_free(struct nvmx_vcpu *v)
{
	if (v->nested->spare)
		context_end(v, v->nested->spare);
	v->nested->spare = NULL;
}

static struct l2_context *context_alloc(u64 pa)
{
	struct l2_context *c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);

	if (!c)
		return NULL;
	c->vmcs12 = (struct vmcs12 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!c->vmcs12) {
		kfree(c);
		return NULL;
	}
	c->pa = pa;
	c->dirty = GROUPS_ALL;
	c->unchecked = GROUPS_ALL;
	return c;
}

static struct l2_context *take_spare(struct nvmx_vcpu *v, u64 pa)
{
	struct l2_context *c = v->nested->spare;

	v->nested->spare = NULL;
	if (c)
		c->pa = pa;
	return c;
}

static void context_insert(struct nvmx_vcpu *v, struct l2_context *c)
{
	list_add(&c->node, &v->nested->contexts);
	v->nested->nr_contexts++;
}

/*
 * Make room for one more.  What L1's memory does not take is lost: the region of an active VMCS
 * is no longer memory, which is L1's mistake and L1's loss.
 */
static void evict_one(struct nvmx_vcpu *v)
{
	struct nested_vcpu *n = v->nested;
	struct l2_context *c;

	if (n->nr_contexts < NESTED_CONTEXTS)
		return;
	list_for_each_entry_reverse(c, &n->contexts, node) {
		if (c == n->current12 || c == n->linked12)
			continue;
		nested_context_flush(v, c);
		nested_context_free(v, c);
		return;
	}
}

int nested_context_get(struct nvmx_vcpu *v, u64 pa, struct l2_context **out)
{
	struct l2_context *c = nested_context_find(v, pa);
	int err;

	if (c) {
		list_move(&c->node, &v->nested->contexts);
		*out = c;
		return 0;
	}
	c = context_alloc(pa);
	if (!c)
		return -ENOMEM;
	err = mmu_read(v->vm, pa, c->vmcs12, VMCS12_SIZE);
	if (err) {
		free_page((unsigned long)c->vmcs12);
		kfree(c);
		return err;
	}
	evict_one(v);
	context_insert(v, c);
	*out = c;
	return 0;
}

struct l2_context *nested_context_new(struct nvmx_vcpu *v, u64 pa)
{
	struct l2_context *c = take_spare(v, pa) ?: context_alloc(pa);

	if (!c)
		return NULL;
	evict_one(v);
	context_insert(v, c);
	return c;
}

int nested_context_from(struct nvmx_vcpu *v, u64 pa, const void *image, u32 size,
			struct l2_context **out)
{
	struct l2_context *c = nested_context_find(v, pa);

	if (!c)
		c = nested_context_new(v, pa);
	if (!c)
		return -ENOMEM;
	memcpy(c->vmcs12, image, min_t(u32, size, VMCS12_SIZE));
	nested_mark_dirty(c, GROUPS_ALL);
	*out = c;
	return 0;
}

void nested_make_current(struct nvmx_vcpu *v, struct l2_context *c)
{
	struct nested_vcpu *n = v->nested;

	if (c == n->current12)
		return;
	if (n->current12)
		nested_shadow_detach(v);
	n->current12 = c;
	if (c)
		nested_shadow_attach(v, c);
}

void nested_contexts_flush_all(struct nvmx_vcpu *v)
{
	struct l2_context *c;

	list_for_each_entry(c, &v->nested->contexts, node)
		nested_context_flush(v, c);
}

void nested_contexts_flush_others(struct nvmx_vcpu *v)
{
	struct l2_context *c;

	list_for_each_entry(c, &v->nested->contexts, node)
		if (c != v->nested->current12)
			nested_context_flush(v, c);
}

void nested_contexts_free_all(struct nvmx_vcpu *v)
{
	struct l2_context *c, *next;

	nested_make_current(v, NULL);
	list_for_each_entry_safe(c, next, &v->nested->contexts, node)
		nested_context_free(v, c);
}

void nested_contexts_uncheck(struct nvmx_vcpu *v)
{
	struct l2_context *c;

	list_for_each_entry(c, &v->nested->contexts, node) {
		c->unchecked = GROUPS_ALL;
		c->dirty |= GROUP(GRP1);
	}
}
