// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asynchronous page faults: the guest is told that the host has to fetch a page, and does something
 * else meanwhile.
 *
 * "Not present" is a #PF whose CR2 is a token; the first word of the guest's 64 bytes tells it from
 * other #PFs.  For what L2 touches it is an exit to L1, the token its qualification.  A job then
 * fetches the page in a thread of the host.  "Ready" is an interrupt, with the token in the second
 * word, one at a time: the next one comes after the guest's ACK.
 *
 * The guest is told where it could take an interrupt, with paging on, in L2 if it wants such exits,
 * not in system-management mode; elsewhere the vCPU waits for the page as if there were nothing of
 * this.
 *
 * A job may take as long as it wants (userfaultfd), and nobody waits for it: it has a reference to
 * the memory, and if its vCPU is gone, it ends without telling anybody.  While the vCPU is there it
 * counts, wanted or not, so that a guest has only so many of them.
 *
 * Locking: [m] vcpu mutex  [l] apf_lock  [I] constant
 */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kthread.h>
#include <linux/kvm_para.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/stddef.h>
#include <linux/workqueue.h>
#include <asm/apicdef.h>

#include <nvmx/irq.h>
#include <nvmx/mmu.h>
#include <nvmx/pv.h>

#include "pv_int.h"

#define MAX_JOBS	64		/* of a vCPU */
#define TOKEN_ALL	(~0u)		/* wakes whoever waits, for whatever */
#define USED		(KVM_ASYNC_PF_ENABLED | KVM_ASYNC_PF_DELIVERY_AS_INT)

/* What the guest has at the address in the MSR. */
struct apf_words {
	u32 flags;			/* of "not present"; the guest clears it */
	u32 token;			/* of "ready"; the guest clears it */
};

struct apf_job {
	struct work_struct work;
	struct list_head node;		/* [m] v->pv.apf.jobs */
	struct nvmx_vcpu *v;		/* [l] NULL: it is gone */
	struct mm_struct *mm;		/* [I] a reference */
	struct mmu_absent absent;	/* [I] */
	u32 token;			/* [I] */
	bool silent;			/* [m] the guest is not to be told */
	bool done;			/* [l] */
};

static DEFINE_SPINLOCK(apf_lock);
static struct workqueue_struct *apf_queue;

int pv_init(void)
{
	apf_queue = alloc_workqueue("nvmx-apf", WQ_UNBOUND, 0);
	return apf_queue ? 0 : -ENOMEM;
}

/* Of VMs that are gone there may be jobs. */
void pv_exit(void)
{
	destroy_workqueue(apf_queue);
}

static u64 words_at(const struct nvmx_vcpu *v, size_t offset)
{
	return (v->pv.apf.msr & ~0x3full) + offset;
}

static bool is_used(const struct nvmx_vcpu *v)
{
	return (v->pv.apf.msr & USED) == USED;
}

/* ---- jobs ---- */

static void fetch(struct work_struct *work)
{
	struct apf_job *job = container_of(work, struct apf_job, work);
	struct nvmx_vcpu *v;

	kthread_use_mm(job->mm);
	mmu_fetch(&job->absent);
	kthread_unuse_mm(job->mm);
	mmput(job->mm);

	spin_lock(&apf_lock);
	job->done = true;
	v = job->v;
	if (v) {
		vcpu_request(v, REQ_APF);
		vmx_kick(v);
	}
	spin_unlock(&apf_lock);
	if (!v)
		kfree(job);
}

/* No two of a VM are the same for long, and none is 0 or TOKEN_ALL. */
static u32 new_token(struct nvmx_vcpu *v)
{
	u32 token;

	BUILD_BUG_ON(NVMX_MAX_VCPUS > 64);
	do {
		token = ++v->pv.apf.seq << 6 | v->idx;
	} while (!token || token == TOKEN_ALL);
	return token;
}

static void start_job(struct nvmx_vcpu *v, struct apf_job *job, const struct mmu_absent *a)
{
	INIT_WORK(&job->work, fetch);
	job->v = v;
	job->mm = v->vm->mm;
	mmget(job->mm);
	job->absent = *a;
	job->token = new_token(v);
	list_add_tail(&job->node, &v->pv.apf.jobs);
	v->pv.apf.nr++;
	queue_work(apf_queue, &job->work);
}

/* Whoever is last frees it. */
static void drop(struct nvmx_vcpu *v, struct apf_job *job)
{
	lockdep_assert_held(&apf_lock);
	list_del(&job->node);
	v->pv.apf.nr--;
	job->v = NULL;
	if (job->done)
		kfree(job);
}

void pv_apf_forget(struct nvmx_vcpu *v)
{
	struct apf_job *job, *next;

	spin_lock(&apf_lock);
	list_for_each_entry_safe(job, next, &v->pv.apf.jobs, node)
		drop(v, job);
	spin_unlock(&apf_lock);
}

static void silence(struct nvmx_vcpu *v)
{
	struct apf_job *job;

	list_for_each_entry(job, &v->pv.apf.jobs, node)
		job->silent = true;
}

/* The first that the guest is to be told of, or NULL.  Those that it is not end here. */
static struct apf_job *first_done(struct nvmx_vcpu *v)
{
	struct apf_job *job, *next, *first = NULL;

	spin_lock(&apf_lock);
	list_for_each_entry_safe(job, next, &v->pv.apf.jobs, node) {
		if (!job->done)
			continue;
		if (job->silent)
			drop(v, job);
		else if (!first)
			first = job;
	}
	spin_unlock(&apf_lock);
	return first;
}

/* ---- "not present" ---- */

/* Of programs only, unless the guest wants to hear of its kernel, too. */
static bool may_tell_cpl(struct nvmx_vcpu *v)
{
	return v->pv.apf.msr & KVM_ASYNC_PF_SEND_ALWAYS || vmx_cpl(v);
}

static bool event_waits(const struct nvmx_vcpu *v)
{
	return v->ev.exception.pending || v->ev.exception.injected || v->ev.nmi.injected ||
	       v->ev.irq.injected;
}

/* L1 in VMX operation has paging on. */
static bool may_tell_level(struct nvmx_vcpu *v)
{
	return is_guest_mode(v) ? v->pv.apf.msr & KVM_ASYNC_PF_DELIVERY_AS_PF_VMEXIT :
				  vmx_cr0(v) & X86_CR0_PG;
}

bool pv_apf_ready(struct nvmx_vcpu *v)
{
	return is_used(v) && !v->smm.active && !event_waits(v) && v->pv.apf.nr < MAX_JOBS &&
	       may_tell_level(v) && may_tell_cpl(v) && vmx_irq_allowed(v);
}

/* The guest has not looked at the last one yet: it would take this one for its own fault. */
static int mark_absent(struct nvmx_vcpu *v)
{
	u64 gpa = words_at(v, offsetof(struct apf_words, flags));
	static const u32 absent = KVM_PV_REASON_PAGE_NOT_PRESENT;
	u32 flags;
	int err = mmu_read(v->vm, gpa, &flags, sizeof(flags));

	if (err)
		return err;
	return flags ? -EBUSY : mmu_write(v->vm, gpa, &absent, sizeof(absent));
}

bool pv_apf_begin(struct nvmx_vcpu *v, const struct mmu_absent *a, u32 *token)
{
	struct apf_job *job = kzalloc(sizeof(*job), GFP_KERNEL_ACCOUNT);

	if (!job)
		return false;
	if (mark_absent(v)) {
		kfree(job);
		return false;
	}
	start_job(v, job, a);
	*token = job->token;
	return true;
}

/* ---- "ready" ---- */

static bool can_tell_ready(struct nvmx_vcpu *v)
{
	u64 gpa = words_at(v, offsetof(struct apf_words, token));
	u32 token;

	return is_used(v) && v->apic_base & XAPIC_ENABLE &&
	       irq_read_reg(v, APIC_SPIV) & APIC_SPIV_APIC_ENABLED &&
	       !mmu_read(v->vm, gpa, &token, sizeof(token)) && !token;
}

static void tell_ready(struct nvmx_vcpu *v, u32 token)
{
	u64 gpa = words_at(v, offsetof(struct apf_words, token));

	if (!mmu_write(v->vm, gpa, &token, sizeof(token)))
		irq_inject_vector(v, v->pv.apf.vector);
}

void pv_serve_apf(struct nvmx_vcpu *v)
{
	struct apf_job *job = first_done(v);

	if (!can_tell_ready(v))
		return;
	if (v->pv.apf.wake_all) {
		v->pv.apf.wake_all = false;
		tell_ready(v, TOKEN_ALL);
	} else if (job) {
		tell_ready(v, job->token);
		spin_lock(&apf_lock);
		drop(v, job);
		spin_unlock(&apf_lock);
	}
}

void pv_apf_ack(struct nvmx_vcpu *v, u64 val)
{
	if (val & 1)
		vcpu_request(v, REQ_APF);
}

/* ---- the switch ---- */

bool pv_apf_enable_ok(struct nvmx_vcpu *v, u64 val)
{
	if (!irq_in_kernel(v))
		return !val;
	if (val & KVM_ASYNC_PF_DELIVERY_AS_PF_VMEXIT &&
	    !pv_guest_has(v, KVM_FEATURE_ASYNC_PF_VMEXIT))
		return false;
	if (val & KVM_ASYNC_PF_DELIVERY_AS_INT && !pv_guest_has(v, KVM_FEATURE_ASYNC_PF_INT))
		return false;
	return (val & USED) != USED || mmu_gpa_backed(v->vm, val & ~0x3full);
}

bool pv_apf_vector_ok(struct nvmx_vcpu *v, u64 val)
{
	return irq_in_kernel(v) || !val;
}

/* A guest that was carried here waits for pages of another host: it is to look again. */
void pv_apf_enable(struct nvmx_vcpu *v, u64 val)
{
	silence(v);
	v->pv.apf.msr = val;
	v->pv.apf.wake_all = is_used(v);
	vcpu_request(v, REQ_APF);
}

void pv_apf_reset(struct nvmx_vcpu *v)
{
	silence(v);
	v->pv.apf.msr = 0;
	v->pv.apf.vector = 0;
	v->pv.apf.wake_all = false;
}
