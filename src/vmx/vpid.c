// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tags of the TLBs: VPIDs and EPT pointers, and their invalidation.
 *
 * A tag is flushed where it is taken into use, never trusted to have been flushed when it was
 * given up.  Three rules make that cover every CPU:
 *
 *  - a CPU that enters VMX operation drops all tags;
 *  - a vCPU that comes to another CPU than it ran on last drops all tags there: what it flushed
 *    elsewhere, and tags it got since, were not flushed here;
 *  - a VPID is flushed on the CPU where it is allocated, which is where its vCPU is loaded.
 *
 * So every other invalidation is local.
 */
#include <linux/bitmap.h>
#include <linux/spinlock.h>

#include <nvmx/mmu.h>
#include <nvmx/nested.h>

#include "vmx_int.h"

#define NR_VPIDS	65536		/* 0 is the host's */

enum invvpid_type { INVVPID_SINGLE = 1, INVVPID_ALL = 2 };
enum invept_type { INVEPT_SINGLE = 1, INVEPT_ALL = 2 };

static DEFINE_SPINLOCK(vpid_lock);
static DECLARE_BITMAP(vpids, NR_VPIDS);	/* under vpid_lock */

static void drop_linear(unsigned long type, u16 vpid)
{
	struct { u64 vpid, gla; } operand = { vpid, 0 };

	if (VMX_INSN("invvpid %[operand], %[type]", [operand] "m" (operand), [type] "r" (type)))
		WARN_ONCE(!READ_ONCE(vmx_rebooting), "nvmx: INVVPID failed\n");
}

static void drop_physical(unsigned long type, u64 eptp)
{
	struct { u64 eptp, gpa; } operand = { eptp, 0 };

	if (VMX_INSN("invept %[operand], %[type]", [operand] "m" (operand), [type] "r" (type)))
		WARN_ONCE(!READ_ONCE(vmx_rebooting), "nvmx: INVEPT failed\n");
}

static void flush_vpid(u16 vpid)
{
	/* Without a VPID every entry and exit flushes. */
	if (!vpid)
		return;
	if (vmx_caps.invvpid_single)
		drop_linear(INVVPID_SINGLE, vpid);
	else
		drop_linear(INVVPID_ALL, 0);
}

static void flush_ept(u64 eptp)
{
	if (vmx_caps.invept_single)
		drop_physical(INVEPT_SINGLE, eptp);
	else
		drop_physical(INVEPT_ALL, 0);
}

static void flush_all_vpids(void)
{
	if (vmx_caps.vpid)
		drop_linear(INVVPID_ALL, 0);
}

/*
 * INVEPT drops the combined mappings of every VPID, but not the linear ones; INVVPID drops both
 * of these, but not guest-physical ones.
 * SDM "Operations that Invalidate Cached Mappings" [sdm:invept]
 */
void vmx_flush_all_tags(void)
{
	drop_physical(INVEPT_ALL, 0);
	flush_all_vpids();
}

/* A vCPU that has been in system-management mode may have mappings of both trees cached. */
static void flush_ept01(struct nvmx_vcpu *v)
{
	flush_ept(mmu_eptp01(v->vm, MMU_NORMAL));
	if (unlikely(v->smm.used))
		flush_ept(mmu_eptp01(v->vm, MMU_SMM));
}

/* In VMX operation L1 has more EPT pointers than the current one. */
void vmx_flush_own_ept(struct nvmx_vcpu *v)
{
	v->stat.tlb_flush++;
	if (nested_vmxon(v))
		drop_physical(INVEPT_ALL, 0);
	else
		flush_ept01(v);
}

void vmx_flush_own_tags(struct nvmx_vcpu *v)
{
	vmx_flush_own_ept(v);
	if (nested_vmxon(v))
		flush_all_vpids();
	else
		flush_vpid(v->vpid);
}

u16 vmx_vpid_alloc(void)
{
	unsigned long vpid;

	if (!vmx_caps.vpid)
		return 0;
	spin_lock(&vpid_lock);
	vpid = find_next_zero_bit(vpids, NR_VPIDS, 1);
	if (vpid < NR_VPIDS)
		__set_bit(vpid, vpids);
	else
		vpid = 0;
	spin_unlock(&vpid_lock);

	preempt_disable();
	if (__this_cpu_read(vmx_on))
		flush_vpid(vpid);
	preempt_enable();
	return vpid;
}

void vmx_vpid_free(u16 vpid)
{
	if (!vpid)
		return;
	spin_lock(&vpid_lock);
	__clear_bit(vpid, vpids);
	spin_unlock(&vpid_lock);
}

void vmx_flush_vpid(struct nvmx_vcpu *v, u16 vpid)
{
	preempt_disable();
	flush_vpid(vpid);
	preempt_enable();
}

void vmx_flush_ept(struct nvmx_vcpu *v, u64 eptp)
{
	preempt_disable();
	flush_ept(eptp);
	preempt_enable();
}
