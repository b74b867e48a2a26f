// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's state: the host-state area of the VMCSs, and what a VM exit does not bring back.
 *
 * Three groups, by how often they change:
 *
 *   constant	written once in each VMCS: vmx_host_constant()
 *   per CPU	TR, GDTR, SYSENTER_ESP, GS base: when the VMCS comes to another CPU
 *   per thread	FS, GS, LDT, DS, ES, KERNEL_GS_BASE: while v->host.away is set, hardware does not
 *		have what user mode of this thread needs.  Saved before the first entry and put
 *		back when the vCPU is put or its thread is switched out, not at each exit: the
 *		kernel itself uses none of them.
 *
 * CR3 and CR4 may change between any two entries (PCIDs, lazy TLB, CR4.PCE), so they are compared
 * before each.
 *
 * STAR, LSTAR, SFMASK and TSC_AUX matter in user mode only, of whatever thread comes next on this
 * CPU.  They stay the guest's until a thread returns to user mode here: the user-return notifier
 * of the CPU puts them back, and only those that differ are written.
 */
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/user-return-notifier.h>
#include <asm/cpu_entry_area.h>
#include <asm/desc.h>
#include <asm/mmu_context.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/segment.h>
#include <asm/tlbflush.h>

#include "vmx_int.h"

enum { USER_STAR, USER_LSTAR, USER_SFMASK, USER_TSC_AUX, NR_USER_MSRS };

struct user_msrs {
	struct user_return_notifier urn;
	bool registered;
	u64 host[NR_USER_MSRS];
	u64 cur[NR_USER_MSRS];
};

static const u32 user_msr[NR_USER_MSRS] = {
	[USER_STAR] = MSR_STAR,
	[USER_LSTAR] = MSR_LSTAR,
	[USER_SFMASK] = MSR_SYSCALL_MASK,
	[USER_TSC_AUX] = MSR_TSC_AUX,
};

static DEFINE_PER_CPU(struct user_msrs, user_msrs);
static struct desc_ptr host_idt __ro_after_init;
static u64 host_efer __ro_after_init;

void __init vmx_host_init(void)
{
	store_idt(&host_idt);
	rdmsrl(MSR_EFER, host_efer);
}

/* A selector that the host-state area may not have: RPL or TI set. */
static bool is_odd_selector(u16 sel)
{
	return sel & (SEGMENT_RPL_MASK | SEGMENT_TI_MASK);
}

static void write_fs_gs(struct nvmx_vcpu *v, struct vmcs *vmcs)
{
	u16 fs_sel = is_odd_selector(v->host.fs_sel) ? 0 : v->host.fs_sel;
	u16 gs_sel = is_odd_selector(v->host.gs_sel) ? 0 : v->host.gs_sel;

	if (vmcs->host.fs_sel != fs_sel) {
		vmcs->host.fs_sel = fs_sel;
		vmcs_write(v, host_fs_selector, fs_sel);
	}
	if (vmcs->host.gs_sel != gs_sel) {
		vmcs->host.gs_sel = gs_sel;
		vmcs_write(v, host_gs_selector, gs_sel);
	}
	if (vmcs->host.fs_base != v->host.fs_base) {
		vmcs->host.fs_base = v->host.fs_base;
		vmcs_write(v, host_fs_base, v->host.fs_base);
	}
	if (vmcs->host.gs_base != v->host.gs_base) {
		vmcs->host.gs_base = v->host.gs_base;
		vmcs_write(v, host_gs_base, v->host.gs_base);
	}
}

/* A fresh VMCS holds anything: from here on it holds what ->host says. */
static void init_fs_gs(struct nvmx_vcpu *v, struct vmcs *vmcs)
{
	vmcs_write(v, host_fs_selector, 0);
	vmcs_write(v, host_gs_selector, 0);
	vmcs_write(v, host_fs_base, 0);
	vmcs_write(v, host_gs_base, 0);
	vmcs->host.fs_sel = 0;
	vmcs->host.gs_sel = 0;
	vmcs->host.fs_base = 0;
	vmcs->host.gs_base = 0;
	if (v->host.away)
		write_fs_gs(v, vmcs);
}

void vmx_host_constant(struct nvmx_vcpu *v)
{
	u64 val;

	vmcs_write(v, host_cr0, read_cr0());
	vmcs_write(v, host_cs_selector, __KERNEL_CS);
	vmcs_write(v, host_ss_selector, __KERNEL_DS);
	/* Null is what 64-bit user mode nearly always has, too: see vmx_host_restore(). */
	vmcs_write(v, host_ds_selector, 0);
	vmcs_write(v, host_es_selector, 0);
	vmcs_write(v, host_tr_selector, GDT_ENTRY_TSS * 8);
	vmcs_write(v, host_idtr_base, host_idt.address);

	rdmsrl(MSR_IA32_SYSENTER_CS, val);
	vmcs_write(v, host_ia32_sysenter_cs, lower_32_bits(val));
	rdmsrl(MSR_IA32_SYSENTER_EIP, val);
	vmcs_write(v, host_ia32_sysenter_eip, val);
	rdmsrl(MSR_IA32_CR_PAT, val);
	vmcs_write(v, host_ia32_pat, val);
	vmcs_write(v, host_ia32_efer, host_efer);
	vmcs_write(v, host_rip, (unsigned long)vmx_exit_point);
	init_fs_gs(v, v->cur);
}

static void write_per_cpu(struct nvmx_vcpu *v, struct vmcs *vmcs, int cpu)
{
	vmcs->host.cpu = cpu;
	vmcs_write(v, host_tr_base, (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss);
	vmcs_write(v, host_gdtr_base, (unsigned long)get_current_gdt_ro());
	/* As the kernel sets it for 32-bit system calls; 0 without them. */
	vmcs_write(v, host_ia32_sysenter_esp, IS_ENABLED(CONFIG_IA32_EMULATION) ?
		   (unsigned long)(cpu_entry_stack(cpu) + 1) : 0);
}

void vmx_host_sync(struct nvmx_vcpu *v, struct vmcs *vmcs)
{
	int cpu = smp_processor_id();

	if (unlikely(vmcs->host.cpu != cpu))
		write_per_cpu(v, vmcs, cpu);
	if (v->host.away)
		write_fs_gs(v, vmcs);
}

/*
 * The bases come from hardware, whatever descriptors say: with FSGSBASE by the kernel's own
 * function, otherwise from the MSRs, since the copies in thread_struct are then 0 for a base that
 * a descriptor gave.
 */
static void save_fs_gs(struct nvmx_vcpu *v)
{
	if (cpu_feature_enabled(X86_FEATURE_FSGSBASE)) {
		current_save_fsgs();
		v->host.fs_sel = current->thread.fsindex;
		v->host.gs_sel = current->thread.gsindex;
		v->host.fs_base = current->thread.fsbase;
		v->host.kernel_gs_base = current->thread.gsbase;
		return;
	}
	savesegment(fs, v->host.fs_sel);
	savesegment(gs, v->host.gs_sel);
	rdmsrl(MSR_FS_BASE, v->host.fs_base);
	rdmsrl(MSR_KERNEL_GS_BASE, v->host.kernel_gs_base);
}

static void load_user_msrs(struct nvmx_vcpu *v);

static void leave(struct nvmx_vcpu *v)
{
	savesegment(ds, v->host.ds_sel);
	savesegment(es, v->host.es_sel);
	store_ldt(v->host.ldt_sel);
	save_fs_gs(v);
	v->host.gs_base = cpu_kernelmode_gs_base(smp_processor_id());
	v->host.away = true;
	wrmsrl(MSR_KERNEL_GS_BASE, v->kernel_gs_base);
	write_fs_gs(v, v->cur);
	/* A return to user mode may have put the host's back since. */
	v->user_msrs_loaded = false;
}

void vmx_host_leave(struct nvmx_vcpu *v)
{
	if (unlikely(!v->host.away))
		leave(v);
	if (unlikely(!v->user_msrs_loaded))
		load_user_msrs(v);
}

void vmx_host_restore(struct nvmx_vcpu *v)
{
	if (!v->host.away)
		return;
	v->host.away = false;
	rdmsrl(MSR_KERNEL_GS_BASE, v->kernel_gs_base);

	if (v->host.ldt_sel)
		asm volatile("lldt %0" : : "r" (v->host.ldt_sel));
	if (is_odd_selector(v->host.gs_sel))
		load_gs_index(v->host.gs_sel);
	if (is_odd_selector(v->host.fs_sel)) {
		/* The descriptor's base, and then the one that WRFSBASE may have set. */
		loadsegment(fs, v->host.fs_sel);
		wrmsrl(MSR_FS_BASE, v->host.fs_base);
	}
	if (unlikely(v->host.ds_sel | v->host.es_sel)) {
		loadsegment(ds, v->host.ds_sel);
		loadsegment(es, v->host.es_sel);
	}
	wrmsrl(MSR_KERNEL_GS_BASE, v->host.kernel_gs_base);

	/*
	 * An exit leaves the limits of GDTR and IDTR at 0xffff, and the limit of TR without the
	 * I/O bitmap.  SDM "Loading Host Segment and Descriptor-Table Registers" [sdm:host-seg]
	 */
	invalidate_tss_limit();
	load_fixmap_gdt(smp_processor_id());
	load_idt(&host_idt);
}

void vmx_host_irq(u8 vector)
{
	const gate_desc *gate = (const gate_desc *)host_idt.address + vector;

	vmx_handle_irq(gate_offset(gate));
}

void vmx_host_refresh(struct nvmx_vcpu *v)
{
	struct vmcs *vmcs = v->cur;
	unsigned long val;

	val = __get_current_cr3_fast();
	if (unlikely(vmcs->host.cr3 != val)) {
		vmcs->host.cr3 = val;
		vmcs_write(v, host_cr3, val);
	}
	val = cr4_read_shadow();
	if (unlikely(vmcs->host.cr4 != val)) {
		vmcs->host.cr4 = val;
		vmcs_write(v, host_cr4, val);
	}
}

u64 vmx_kernel_gs_base(struct nvmx_vcpu *v)
{
	preempt_disable();
	if (v->host.away)
		rdmsrl(MSR_KERNEL_GS_BASE, v->kernel_gs_base);
	preempt_enable();
	return v->kernel_gs_base;
}

void vmx_set_kernel_gs_base(struct nvmx_vcpu *v, u64 base)
{
	preempt_disable();
	v->kernel_gs_base = base;
	if (v->host.away)
		wrmsrl(MSR_KERNEL_GS_BASE, base);
	preempt_enable();
}

void vmx_user_msrs_changed(struct nvmx_vcpu *v)
{
	v->user_msrs_loaded = false;
}

static bool has_user_msr(int i)
{
	return i != USER_TSC_AUX || vmx_caps.rdtscp;
}

void vmx_user_msrs_cpu_init(void)
{
	struct user_msrs *m = this_cpu_ptr(&user_msrs);
	int i;

	for (i = 0; i < NR_USER_MSRS; i++) {
		if (!has_user_msr(i))
			continue;
		rdmsrl(user_msr[i], m->host[i]);
		m->cur[i] = m->host[i];
	}
}

static void write_user_msr(struct user_msrs *m, int i, u64 val)
{
	if (m->cur[i] == val || !has_user_msr(i))
		return;
	wrmsrl(user_msr[i], val);
	m->cur[i] = val;
}

/* Context: irqs off; also from an IPI that turns VMX off, which the notifier must not outlive. */
static void put_back_user_msrs(struct user_msrs *m)
{
	int i;

	if (!m->registered)
		return;
	m->registered = false;
	user_return_notifier_unregister(&m->urn);
	for (i = 0; i < NR_USER_MSRS; i++)
		write_user_msr(m, i, m->host[i]);
}

static void on_user_return(struct user_return_notifier *urn)
{
	unsigned long flags;

	local_irq_save(flags);
	put_back_user_msrs(container_of(urn, struct user_msrs, urn));
	local_irq_restore(flags);
}

void vmx_user_msrs_drop(void)
{
	put_back_user_msrs(this_cpu_ptr(&user_msrs));
}

static void load_user_msrs(struct nvmx_vcpu *v)
{
	struct user_msrs *m;
	unsigned long flags;

	local_irq_save(flags);
	m = this_cpu_ptr(&user_msrs);
	if (!m->registered) {
		m->registered = true;
		m->urn.on_user_return = on_user_return;
		user_return_notifier_register(&m->urn);
	}
	write_user_msr(m, USER_STAR, v->star);
	write_user_msr(m, USER_LSTAR, v->lstar);
	write_user_msr(m, USER_SFMASK, v->sfmask);
	write_user_msr(m, USER_TSC_AUX, v->tsc_aux);
	v->user_msrs_loaded = true;
	local_irq_restore(flags);
}
