// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of a vCPU in the machine: made, loaded on a CPU, switched with its thread, taken apart.
 *
 * While loaded, the vCPU's VMCS is the current one of the CPU that its thread runs on: the preempt
 * notifier puts the host's state back when the thread is switched out, and makes the VMCS current
 * again where it is switched in.
 */
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/swait.h>
#include <asm/nospec-branch.h>

#include <nvmx/hyperv.h>
#include <nvmx/irq.h>
#include <nvmx/mmu.h>
#include <nvmx/nested.h>
#include <nvmx/pv.h>

#include "vmx_int.h"

static DEFINE_PER_CPU(u64, last_loaded);	/* serial number of the vCPU loaded last here */

static u64 next_serial(void)
{
	static atomic64_t serial;

	return atomic64_inc_return(&serial);
}

/* Context: preemption off. */
static void arrive(struct nvmx_vcpu *v)
{
	int cpu = smp_processor_id();

	WRITE_ONCE(v->cpu, cpu);
	/* On its way off a CPU that goes down; see cpu.c. */
	if (unlikely(!__this_cpu_read(vmx_on)))
		return;
	if (v->last_cpu != cpu) {
		v->last_cpu = cpu;
		vmx_flush_all_tags();
	}
	vmcs_make_current(v->cur);
	vmx_host_sync(v, v->cur);
	/* One guest must not steer the speculation of another. */
	if (__this_cpu_read(last_loaded) != v->serial) {
		__this_cpu_write(last_loaded, v->serial);
		indirect_branch_prediction_barrier();
	}
	v->l1d_flush = true;
	pv_arrive(v);
}

/* Context: preemption off. */
static void depart(struct nvmx_vcpu *v)
{
	vmx_host_restore(v);
	WRITE_ONCE(v->cpu, -1);
}

static void sched_in(struct preempt_notifier *pn, int cpu)
{
	arrive(container_of(pn, struct nvmx_vcpu, pn));
}

static void sched_out(struct preempt_notifier *pn, struct task_struct *next)
{
	struct nvmx_vcpu *v = container_of(pn, struct nvmx_vcpu, pn);

	pv_depart(v);
	depart(v);
}

static struct preempt_ops vcpu_preempt_ops = {
	.sched_in = sched_in,
	.sched_out = sched_out,
};

void vmx_load(struct nvmx_vcpu *v)
{
	if (v->loaded++)
		return;
	preempt_disable();
	preempt_notifier_register(&v->pn);
	arrive(v);
	preempt_enable();
	vmx_make_up_tsc(v);
}

void vmx_put(struct nvmx_vcpu *v)
{
	if (--v->loaded)
		return;
	preempt_disable();
	depart(v);
	preempt_notifier_unregister(&v->pn);
	preempt_enable();
}

/* What neither L0 nor any guest ever changes, in vmcs01 and in each vmcs02. */
void vmcs_init_l0(struct nvmx_vcpu *v, struct vmcs *vmcs)
{
	enum vmx_ctl_word w;

	for (w = 0; w < NR_CTL_WORDS; w++)
		vmcs->ctl[w] = vmx_caps.base[w];
	/* Until the guest is lent its debug registers; see debugreg.c. */
	vmcs->ctl[CTLW_PROC] |= CTL_MASK(CTL_mov_dr_exiting);
	vmcs->ctl_dirty = BIT(NR_CTL_WORDS) - 1;
	vmcs_flush_ctl(v, vmcs);

	vmcs_write(v, msr_bitmap, __pa(v->msr_bitmap));
	vmcs_write(v, vm_exit_msr_store_count, 0);
	vmcs_write(v, vm_exit_msr_load_count, 0);
	vmcs_write(v, vm_entry_msr_load_count, 0);
	vmcs_write(v, vm_entry_intr_info_field, 0);
	vmcs_write(v, cr3_target_count, 0);
	vmcs_write(v, page_fault_error_code_mask, 0);
	vmcs_write(v, page_fault_error_code_match, 0);
	vmcs_write(v, exception_bitmap, vmx_exception_bitmap(v));
	vmcs_write(v, vmcs_link_pointer, ~0ull);
	vmcs_write(v, guest_ia32_debugctl, 0);
	vmcs_write(v, tsc_offset, 0);
	vmcs_write(v, ept_pointer, mmu_eptp01(v->vm, MMU_NORMAL));
	if (vmx_caps.vpid)
		vmcs_write(v, virtual_processor_id, v->vpid);
	if (vmx_caps.xsaves)
		vmcs_write(v, xss_exit_bitmap, 0);
	if (vmcs_ctl_test(vmcs, CTL_pause_loop_exiting)) {
		vmcs_write(v, ple_gap, vmx_ple_gap);
		vmcs_write(v, ple_window, vmx_ple_window);
	}
	vmx_host_constant(v);
}

static int alloc_parts(struct nvmx_vcpu *v)
{
	v->msr_bitmap = (unsigned long *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!v->msr_bitmap)
		return -ENOMEM;
	memset(v->msr_bitmap, 0xff, PAGE_SIZE);
	v->vmcs01 = vmcs_alloc(v, VMCS_01);
	if (!v->vmcs01)
		return -ENOMEM;
	v->cur = v->vmcs01;
	v->vpid = vmx_vpid_alloc();
	return vmx_fpu_alloc(v) ?: vmx_cpuid_init(v);
}

static int bring_up(struct nvmx_vcpu *v)
{
	int r;

	vmx_load(v);
	vmcs_init_l0(v, v->vmcs01);
	vmx_apicv_init(v);
	/* Without a tag of its own it would share the host's, which an entry refuses. */
	if (vmx_caps.vpid && !v->vpid)
		vmcs_ctl_clear(v, v->vmcs01, CTL_vpid);
	r = nested_vcpu_init(v);
	if (!r) {
		vmx_power_on(v);
		vmx_apicv_update(v);
		vmx_update_msr_bitmap(v);
		vmx_sync_tsc(v, 0);
	}
	vmx_put(v);
	return r;
}

int vmx_vcpu_create(struct nvmx_vcpu *v)
{
	int r;

	v->cpu = -1;
	v->last_cpu = -1;
	v->serial = next_serial();
	v->mp_state = KVM_MP_STATE_RUNNABLE;
	init_swait_queue_head(&v->wait);
	preempt_notifier_init(&v->pn, &vcpu_preempt_ops);
	atomic_long_set(&v->requests, 0);
	atomic_set(&v->in_guest, 0);
	v->timer_end.apic = VMX_NO_END;
	v->timer_end.l1 = VMX_NO_END;
	v->tsc_lost = vmx_tsc_lost;
	pv_vcpu_init(v);
	/* Flushed for all that went before: arrive() does that. */
	v->tlb_gen = atomic64_read(&v->vm->tlb_gen);

	r = alloc_parts(v) ?: hv_vcpu_create(v) ?: irq_vcpu_create(v);
	if (irq_in_kernel(v) && v->id != v->vm->bsp_id)
		v->mp_state = KVM_MP_STATE_UNINITIALIZED;
	if (!r) {
		mutex_lock(&v->mutex);
		r = bring_up(v);
		mutex_unlock(&v->mutex);
	}
	if (r)
		vmx_vcpu_destroy(v);
	return r;
}

void vmx_vcpu_destroy(struct nvmx_vcpu *v)
{
	if (v->nested) {
		mutex_lock(&v->mutex);
		vmx_load(v);
		nested_vcpu_free(v);
		vmx_put(v);
		mutex_unlock(&v->mutex);
	}
	irq_vcpu_destroy(v);
	hv_vcpu_destroy(v);
	pv_vcpu_destroy(v);
	vmcs_free(v->vmcs01);
	v->vmcs01 = NULL;
	v->cur = NULL;
	vmx_vpid_free(v->vpid);
	v->vpid = 0;
	vmx_fpu_free(v);
	kvfree(v->cpuid);
	v->cpuid = NULL;
	free_page((unsigned long)v->msr_bitmap);
	v->msr_bitmap = NULL;
}
