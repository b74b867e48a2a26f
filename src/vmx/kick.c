// SPDX-License-Identifier: GPL-2.0-only
/*
 * From outside to a running vCPU: kicks, TLB shootdown, and the end of a bugged VM.
 *
 * A vCPU, with irqs off:			Anybody else:
 *
 *	in_guest = 1 (or 2)			requests |= ..., or tlb_gen++
 *	smp_mb()				smp_mb()
 *	read requests, tlb_gen			read in_guest
 *	enter, exit				IPI if it was not 0
 *	in_guest = 0
 *
 * One of the two sees the other's write.  Irqs are off from before the read to the entry, so the
 * IPI cannot be taken in between: it ends the stay in the guest.  A shootdown waits for its IPI
 * to be answered, and by then the CPU is out of the guest; the next entry compares tlb_gen.
 */
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/swait.h>
#include <trace/events/ipi.h>

#include <nvmx/compat.h>

#include "exit.h"
#include "vmx_int.h"

static DEFINE_PER_CPU(cpumask_var_t, kick_mask);	/* [c] scratch of vmx_flush_tlbs() */

int __init vmx_kick_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		if (!zalloc_cpumask_var_node(&per_cpu(kick_mask, cpu), GFP_KERNEL,
					     cpu_to_node(cpu))) {
			vmx_kick_exit();
			return -ENOMEM;
		}
	}
	return 0;
}

void vmx_kick_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		free_cpumask_var(per_cpu(kick_mask, cpu));
}

void vmx_kick(struct nvmx_vcpu *v)
{
	int me, cpu;

	smp_mb();	/* see above */
	if (atomic_read(&v->in_guest)) {
		me = get_cpu();
		cpu = READ_ONCE(v->cpu);
		if (cpu >= 0 && cpu != me && cpu_online(cpu))
			smp_send_reschedule(cpu);
		put_cpu();
	}
	if (swq_has_sleeper(&v->wait))
		swake_up_one(&v->wait);
}

/* It may be out, and elsewhere, by now: it looks at ON before it enters or sleeps. */
void vmx_notify(struct nvmx_vcpu *v)
{
	int me = get_cpu(), cpu = READ_ONCE(v->cpu);

	if (cpu >= 0 && cpu != me && cpu_online(cpu))
		nvmx_send_posted(cpu);
	put_cpu();
}

/* The IPI itself is what counts. */
static void leave_guest(void *data)
{
}

void vmx_flush_tlbs(struct nvmx_vm *vm)
{
	struct cpumask *mask;
	struct nvmx_vcpu *v;
	u32 i;
	int cpu;

	/* A notifier may call with a lock of the host's page tables held. */
	lockdep_assert_irqs_enabled();
	atomic64_inc(&vm->tlb_gen);
	smp_mb__after_atomic();		/* see above */

	preempt_disable();
	mask = this_cpu_cpumask_var_ptr(kick_mask);
	cpumask_clear(mask);
	vm_for_each_vcpu(vm, v, i) {
		if (!atomic_read(&v->in_guest))
			continue;
		/* It may be out and elsewhere by now: then it has seen the new generation. */
		cpu = READ_ONCE(v->cpu);
		if (cpu >= 0)
			__cpumask_set_cpu(cpu, mask);
	}
	if (!cpumask_empty(mask))
		smp_call_function_many(mask, leave_guest, NULL, 1);
	preempt_enable();
}

void vm_bug(struct nvmx_vm *vm, const char *what, const char *file, int line)
{
	struct nvmx_vcpu *v;
	u32 i;

	if (xchg(&vm->dead, true))
		return;
	pr_err("nvmx: VM %u is ended by a bug of nvmx: %s at %s:%d\n", vm->debug_id, what, file,
	       line);
	vm_for_each_vcpu(vm, v, i) {
		vcpu_request(v, REQ_DEAD);
		vmx_kick(v);
	}
}
