// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMCSs: memory, the current one, control words, access by encoding.
 *
 * A VMCS is active on at most one CPU: vmcs->cpu, on whose list it is then.  Only that CPU changes
 * its list and sets ->cpu to -1, with irqs off; a thread that wants the VMCS elsewhere first has
 * it cleared there by IPI.  An emergency NMI walks the list of its own CPU: an entry is linked
 * before VMPTRLD and unlinked after VMCLEAR.
 *
 * Control words are written through vmcs->ctl[]: a word of a VMCS that is not current waits there
 * for vmcs_switch().
 */
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include <nvmx/irq.h>
#include <nvmx/trace.h>

#include "vmx_int.h"

static DEFINE_PER_CPU(struct list_head, loaded_list);
static DEFINE_PER_CPU(struct vmcs *, current_vmcs);

static const u32 ctl_encoding[NR_CTL_WORDS] = {
	[CTLW_PIN] = VMCS_pin_based_vm_exec_control,
	[CTLW_PROC] = VMCS_cpu_based_vm_exec_control,
	[CTLW_PROC2] = VMCS_secondary_vm_exec_control,
	[CTLW_EXIT] = VMCS_vm_exit_controls,
	[CTLW_ENTRY] = VMCS_vm_entry_controls,
};

/*
 * After an emergency or at a reboot VMX is off, and the instruction faulted: say nothing, the vCPU
 * finds out at its next entry.  A CPU that goes offline pushes vCPU threads away before they can
 * come here.
 */
noinline void vmcs_access_failed(struct nvmx_vcpu *v, u32 encoding, const char *insn)
{
	if (READ_ONCE(vmx_rebooting))
		return;
	WARN_ONCE(1, "nvmx: %s of field 0x%x failed\n", insn, encoding);
	vm_bug(v->vm, insn, __FILE__, __LINE__);
}

static void point_at(u64 pa)
{
	if (VMX_INSN("vmptrld %[pa]", [pa] "m" (pa)))
		WARN_ONCE(!READ_ONCE(vmx_rebooting), "nvmx: VMPTRLD failed\n");
}

static void write_back(u64 pa)
{
	if (VMX_INSN("vmclear %[pa]", [pa] "m" (pa)))
		WARN_ONCE(!READ_ONCE(vmx_rebooting), "nvmx: VMCLEAR failed\n");
}

void vmcs_cpu_init(int cpu)
{
	INIT_LIST_HEAD(&per_cpu(loaded_list, cpu));
	per_cpu(current_vmcs, cpu) = NULL;
}

/* Context: irqs off on vmcs->cpu. */
static void clear_here(struct vmcs *vmcs)
{
	if (__this_cpu_read(current_vmcs) == vmcs)
		__this_cpu_write(current_vmcs, NULL);
	write_back(vmcs->pa);
	list_del(&vmcs->node);
	vmcs->launched = false;
	/* Pairs with activate(): the list is left before another CPU's is joined. */
	smp_store_release(&vmcs->cpu, -1);
}

void vmcs_clear_loaded(void)
{
	struct list_head *list = this_cpu_ptr(&loaded_list);
	struct vmcs *vmcs, *next;

	list_for_each_entry_safe(vmcs, next, list, node)
		clear_here(vmcs);
}

static void clear_ipi(void *data)
{
	struct vmcs *vmcs = data;

	/* A CPU that went offline meanwhile has cleared it already. */
	if (vmcs->cpu == smp_processor_id())
		clear_here(vmcs);
}

static void clear_anywhere(struct vmcs *vmcs)
{
	int cpu = READ_ONCE(vmcs->cpu);

	if (cpu != -1)
		smp_call_function_single(cpu, clear_ipi, vmcs, 1);
}

/*
 * VMCLEAR once more on this CPU: the region may be new, and a new region's launch state is
 * undefined until then.  SDM "Software Use of Virtual-Machine Control Structures" [sdm:vmcs-use]
 *
 * Context: preemption off.
 */
static void activate(struct vmcs *vmcs)
{
	unsigned long flags;

	clear_anywhere(vmcs);
	local_irq_save(flags);
	/* Pairs with the release in clear_here(). */
	if (smp_load_acquire(&vmcs->cpu) == -1) {
		write_back(vmcs->pa);
		list_add(&vmcs->node, this_cpu_ptr(&loaded_list));
		vmcs->cpu = smp_processor_id();
	}
	local_irq_restore(flags);
}

static void make_active(struct vmcs *vmcs)
{
	if (vmcs->cpu != smp_processor_id())
		activate(vmcs);
}

void vmcs_make_current(struct vmcs *vmcs)
{
	make_active(vmcs);
	if (vmcs->link)
		make_active(vmcs->link);
	if (__this_cpu_read(current_vmcs) == vmcs)
		return;
	__this_cpu_write(current_vmcs, vmcs);
	point_at(vmcs->pa);
}

struct vmcs *vmcs_alloc(struct nvmx_vcpu *v, enum vmcs_kind kind)
{
	struct vmcs *vmcs = kzalloc(sizeof(*vmcs), GFP_KERNEL_ACCOUNT);
	u32 revision = vmx_caps.revision;

	if (!vmcs)
		return NULL;
	vmcs->region = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vmcs->region) {
		kfree(vmcs);
		return NULL;
	}
	if (kind == VMCS_SHADOW)
		revision |= 1u << 31;
	*(u32 *)vmcs->region = revision;
	vmcs->pa = __pa(vmcs->region);
	vmcs->kind = kind;
	vmcs->owner = v;
	vmcs->cpu = -1;
	vmcs->host.cpu = -1;
	vmcs->timer = VMCS_NO_TIMER;
	return vmcs;
}

void vmcs_free(struct vmcs *vmcs)
{
	struct vmcs *vmcs01;

	if (!vmcs)
		return;
	vmcs01 = vmcs->owner->vmcs01;
	if (vmcs01 && vmcs01->link == vmcs)
		vmcs01->link = NULL;
	clear_anywhere(vmcs);
	free_page((unsigned long)vmcs->region);
	kfree(vmcs);
}

void vmcs_flush_ctl(struct nvmx_vcpu *v, struct vmcs *vmcs)
{
	int w;

	if (likely(!vmcs->ctl_dirty))
		return;
	for (w = 0; w < NR_CTL_WORDS; w++)
		if (vmcs->ctl_dirty & BIT(w))
			vmcs_write_inline(v, ctl_encoding[w], vmcs->ctl[w]);
	vmcs->ctl_dirty = 0;
}

void vmcs_ctl_write(struct nvmx_vcpu *v, struct vmcs *vmcs, enum vmx_ctl_word w, u32 value)
{
	if (vmcs->ctl[w] == value)
		return;
	vmcs->ctl[w] = value;
	if (vmcs == v->cur)
		vmcs_write_inline(v, ctl_encoding[w], value);
	else
		vmcs->ctl_dirty |= BIT(w);
}

/*
 * L1 may have been told that it has IBRS, and then it takes L2 for another prediction domain; in
 * hardware both are one guest.
 */
static void protect_l1_predictions(struct nvmx_vcpu *v)
{
	const struct kvm_cpuid_entry2 *e;

	if (!cpu_feature_enabled(X86_FEATURE_USE_IBPB))
		return;
	e = vmx_find_cpuid(v, 7, 0);
	if (e && (e->edx & BIT(26)))
		indirect_branch_prediction_barrier();
}

void vmcs_switch(struct nvmx_vcpu *v, struct vmcs *to)
{
	struct vmcs *from = v->cur;

	if (from == to)
		return;
	trace_nvmx_vmcs_switch(v->id, from->pa, to->pa);
	/* Registers that are dirty belong to the VMCS that is left. */
	vmx_regs_flush(v);
	preempt_disable();
	v->cur = to;
	vmcs_make_current(to);
	vmcs_flush_ctl(v, to);
	vmx_host_sync(v, to);
	preempt_enable();
	vmx_regs_forget(v);
	if (irq_vid(v))
		vmx_vid_switched(v);
	if (to == v->vmcs01)
		protect_l1_predictions(v);
}

void vmcs_shadow_begin(struct nvmx_vcpu *v, struct vmcs *shadow)
{
	preempt_disable();
	v->vmcs01->link = shadow;
	vmcs_make_current(shadow);
}

/*
 * The shadow VMCS stays active on this CPU, which the accesses of L1 through the link pointer
 * need and which costs no VMCLEAR; it follows vmcs01 by ->link.
 */
void vmcs_shadow_end(struct nvmx_vcpu *v, struct vmcs *shadow)
{
	if (__this_cpu_read(current_vmcs) != v->cur)
		vmcs_make_current(v->cur);
	preempt_enable();
}

void vmcs_write_other(struct nvmx_vcpu *v, struct vmcs *vmcs, u32 encoding, u64 value)
{
	preempt_disable();
	vmcs_make_current(vmcs);
	vmcs_write_inline(v, encoding, value);
	vmcs_make_current(v->cur);
	preempt_enable();
}

u64 vmcs_hw_read(struct nvmx_vcpu *v, u32 encoding)
{
	return vmcs_read_inline(v, encoding);
}

void vmcs_hw_write(struct nvmx_vcpu *v, u32 encoding, u64 value)
{
	vmcs_write_inline(v, encoding, value);
}
