// SPDX-License-Identifier: GPL-2.0-only
/*
 * The thread of a vCPU, for other vCPUs that wait for it.
 *
 * Locking: v->pv.thread is written by the thread that runs the vCPU, with v->mutex held, and read
 * under RCU: its reference to the old one is given back after the readers are gone.
 */
#include <linux/atomic.h>
#include <linux/lockdep.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include <nvmx/pv.h>

#include "pv_int.h"

void pv_run_begins(struct nvmx_vcpu *v)
{
	struct pid *old = rcu_dereference_protected(v->pv.thread, lockdep_is_held(&v->mutex));
	struct pid *mine = task_pid(current);

	if (likely(old == mine))
		return;
	rcu_assign_pointer(v->pv.thread, get_pid(mine));
	if (!old)
		return;
	synchronize_rcu();
	put_pid(old);
}

void pv_vcpu_destroy(struct nvmx_vcpu *v)
{
	pv_apf_forget(v);
	put_pid(rcu_dereference_protected(v->pv.thread, true));
	RCU_INIT_POINTER(v->pv.thread, NULL);
}

bool pv_yield_to(struct nvmx_vcpu *to)
{
	struct task_struct *task;
	int yielded;

	rcu_read_lock();
	task = get_pid_task(rcu_dereference(to->pv.thread), PIDTYPE_PID);
	rcu_read_unlock();
	if (!task)
		return false;
	yielded = yield_to(task, true);
	put_task_struct(task);
	return yielded > 0;
}

/* They take turns: the first one after the caller that can use the CPU. */
void pv_yield_to_any(struct nvmx_vcpu *v)
{
	u32 i, n = atomic_read(&v->vm->nr_vcpus);

	for (i = 1; i < n; i++) {
		struct nvmx_vcpu *to = vm_vcpu(v->vm, (v->idx + i) % n);

		if (to && pv_yield_to(to))
			return;
	}
}
