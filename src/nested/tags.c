// SPDX-License-Identifier: GPL-2.0-only
/*
 * Translations of L2 in the TLB: which tables it uses, under which tags, and when they are flushed.
 *
 * Each context has a VPID of its own, vpid02, so that L1 can go from one L2 to the other without a
 * flush.  It stands for one vpid12 at a time.  A flush is owed by the context (->flush) and paid at
 * its next entry, on the CPU where that happens; a vCPU that comes to another CPU drops all tags
 * there, so that what it flushed elsewhere is no danger [CVE-2026-89929].  Tags are never trusted
 * when they are new [CVE-2026-89932].
 * SDM "Operations that Invalidate Cached Mappings" [sdm:invalidate]
 */
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/types.h>
#include <nvmx/mmu.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

void nested_ept12(struct nvmx_vcpu *v, struct mmu_ept12 *e)
{
	const struct nested_vcpu *n = v->nested;

	*e = (struct mmu_ept12){
		.vm = v->vm,
		.eptp = nested_vmcs12(v)->ept_pointer,
		.maxphyaddr = nested_maxphyaddr(v),
		.exec_only = n->caps.ept_vpid & EVC_XO,
		.ad = n->caps.ept_vpid & EVC_AD,
		.page_1g = n->caps.ept_vpid & EVC_1G,
	};
}

static void drop_ept02(struct nvmx_vcpu *v, struct l2_context *c)
{
	if (c->ept02)
		mmu_ept02_put(v->vm, c->ept02);
	c->ept02 = NULL;
}

/*
 * User space that restores a state restores L1's memory as well, ept12 included, before it or
 * after; the trees of ept02 may be those of another past of the same L1.
 */
void nested_doubt_tables(struct nvmx_vcpu *v)
{
	if (!v->nested->restored)
		return;
	v->nested->restored = false;
	mmu_ept02_invalidate(v->vm, 0, true);
	nested_ept02_changed(v, 0, true);
}

int nested_find_ept02(struct nvmx_vcpu *v, struct l2_context *c)
{
	struct mmu_ept12 e;

	if (!vmcs12_has(c->vmcs12, CTL_ept)) {
		drop_ept02(v, c);
		/* L2 will run on ept01, and without L1's APIC accesses. */
		mmu_take_back(v->vm);
		return 0;
	}
	if (c->ept02 && c->ept02_key == c->vmcs12->ept_pointer)
		return 0;
	drop_ept02(v, c);
	nested_doubt_tables(v);
	nested_ept12(v, &e);
	c->ept02 = mmu_ept02_get(v->vm, &e);
	if (!c->ept02)
		return -ENOMEM;
	c->ept02_key = e.eptp;
	c->flush = true;
	return 0;
}

static u64 eptp02(struct nvmx_vcpu *v, const struct l2_context *c)
{
	return c->ept02 ? mmu_ept02_eptp(c->ept02) : mmu_eptp01(v->vm, MMU_NORMAL);
}

void nested_update_eptp02(struct nvmx_vcpu *v, struct l2_context *c)
{
	u64 eptp = eptp02(v, c);

	if (!hw_holds(c, HW_ept_pointer, eptp))
		c->flush = true;
	hw_put(v, c, ept_pointer, eptp);
}

static u16 wanted_vpid12(const struct l2_context *c)
{
	return vmcs12_has(c->vmcs12, CTL_vpid) ? c->vmcs12->virtual_processor_id : 0;
}

/*
 * Another context may have run with the same vpid12: to L1 both filled one set of translations,
 * and what an INVLPG of one L2 removed must be gone for the other.
 */
static void take_vpid12(struct nvmx_vcpu *v, struct l2_context *c, u16 vpid12)
{
	struct l2_context *other;

	list_for_each_entry(other, &v->nested->contexts, node)
		if (other != c && other->vpid02_for == vpid12)
			other->vpid02_for = 0;
	if (c->vpid02_for != vpid12)
		c->flush = true;
	c->vpid02_for = vpid12;
}

/*
 * Without VPID in vmcs12 each entry and each exit flushes the linear mappings of VPID 0; here only
 * those are flushed that this tag can have.
 */
void nested_flush_at_entry(struct nvmx_vcpu *v, struct l2_context *c)
{
	u16 vpid12 = wanted_vpid12(c);

	if (vpid12 && (v->nested->running != c || c->vpid02_for != vpid12))
		take_vpid12(v, c, vpid12);
	v->nested->running = c;
	if (c->vpid02 && (c->flush || !vpid12))
		vmx_flush_vpid(v, c->vpid02);
	if (c->flush)
		vmx_flush_ept(v, eptp02(v, c));
	c->flush = false;
}

void nested_flush_at_exit(struct nvmx_vcpu *v, struct l2_context *c)
{
	if (!wanted_vpid12(c) && v->vpid)
		vmx_flush_vpid(v, v->vpid);
}

/* All types flush the whole tag: more than asked for is allowed, and L1 pays at its next entry. */
void nested_flush_vpid02(struct nvmx_vcpu *v, u32 type, u16 vpid, u64 gla)
{
	const u32 all = 2;
	struct l2_context *c;

	list_for_each_entry(c, &v->nested->contexts, node)
		if (type == all || c->vpid02_for == vpid)
			c->flush = true;
}

void nested_ept02_changed(struct nvmx_vcpu *v, u64 eptp, bool all)
{
	struct l2_context *c;

	list_for_each_entry(c, &v->nested->contexts, node)
		if (c->ept02 && (all || c->ept02_key == eptp))
			c->flush = true;
}
