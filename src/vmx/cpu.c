// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX operation of the physical CPUs: on while a VM exists, on every online CPU.
 *
 * CR4.VMXE is the flag by which users of VMX see each other.  Where it is set already, somebody
 * else (kvm_intel) has the CPU, and nvmx keeps away and never clears it.
 *
 * Locking: users_lock serializes the first and the last user; the hotplug lock keeps CPUs from
 * coming and going meanwhile.  vmx_on belongs to its CPU and changes with irqs off.
 *
 * The hotplug state is a dynamic one, whose teardown comes before the scheduler has moved the
 * last thread away.  So a vCPU's thread may yet be switched in on a CPU whose VMX is off, only to
 * be pushed away: the preempt notifier looks at vmx_on.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <asm/io.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/tlbflush.h>

#include "vmx_int.h"

bool vmx_rebooting;
DEFINE_PER_CPU(bool, vmx_on);
static DEFINE_PER_CPU(struct page *, vmxon_region);

static DEFINE_MUTEX(users_lock);
static u32 users;			/* under users_lock; changed with the hotplug lock held */
static bool suspended;
static int hotplug_state;

/* Firmware that leaves IA32_FEATURE_CONTROL unlocked leaves the choice to the first who cares. */
static int enable_by_feature_control(void)
{
	u64 fc;

	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &fc))
		return 0;
	if (fc & FEATC_LOCK)
		return fc & (FEATC_VMX | FEATC_VMX_SMX) ? 0 : -EIO;
	return wrmsrl_safe(MSR_IA32_FEAT_CTL, fc | FEATC_LOCK | FEATC_VMX) ? -EIO : 0;
}

/* Context: irqs off. */
static int enable_this_cpu(void)
{
	u64 basic;
	u64 pa;
	int r;

	if (__this_cpu_read(vmx_on))
		return 0;
	if (cr4_read_shadow() & X86_CR4_VMXE)
		return -EBUSY;
	if (rdmsrl_safe(MSR_IA32_VMX_BASIC, &basic) || basic != vmx_caps.basic)
		return -EIO;
	r = enable_by_feature_control();
	if (r)
		return r;

	intel_pt_handle_vmx(1);
	cr4_set_bits(X86_CR4_VMXE);
	pa = page_to_phys(__this_cpu_read(vmxon_region));
	if (VMX_INSN("vmxon %[pa]", [pa] "m" (pa))) {
		cr4_clear_bits(X86_CR4_VMXE);
		intel_pt_handle_vmx(0);
		return -EIO;
	}
	__this_cpu_write(vmx_on, true);
	vmx_user_msrs_cpu_init();
	/* Another user may have left mappings under any tag. */
	vmx_flush_all_tags();
	return 0;
}

/* Context: irqs off. */
static void disable_this_cpu(void)
{
	if (!__this_cpu_read(vmx_on))
		return;
	vmcs_clear_loaded();
	vmx_user_msrs_drop();
	__this_cpu_write(vmx_on, false);
	asm volatile("1:	vmxoff\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : : "cc", "memory");
	cr4_clear_bits(X86_CR4_VMXE);
	intel_pt_handle_vmx(0);
}

static void enable_ipi(void *data)
{
	atomic_t *error = data;
	int r = enable_this_cpu();

	/* -EBUSY explains more than -EIO does; else the last one wins. */
	if (r && atomic_read(error) != -EBUSY)
		atomic_set(error, r);
}

static void disable_ipi(void *data)
{
	disable_this_cpu();
}

static int enable_all_cpus(void)
{
	atomic_t error = ATOMIC_INIT(0);

	on_each_cpu(enable_ipi, &error, 1);
	if (atomic_read(&error))
		on_each_cpu(disable_ipi, NULL, 1);
	return atomic_read(&error);
}

int vmx_cpus_get(void)
{
	int r = 0;

	mutex_lock(&users_lock);
	cpus_read_lock();
	if (vmx_rebooting)
		r = -EIO;
	else if (!users)
		r = enable_all_cpus();
	if (!r)
		users++;
	cpus_read_unlock();
	if (!r && users == 1)
		vmx_emergency_owner(true);
	mutex_unlock(&users_lock);

	if (r == -EBUSY)
		pr_err_ratelimited("nvmx: another module (kvm_intel?) uses VMX; unload it first\n");
	else if (r)
		pr_err_ratelimited("nvmx: VMX operation cannot be entered\n");
	return r;
}

void vmx_cpus_put(void)
{
	mutex_lock(&users_lock);
	if (users == 1)
		vmx_emergency_owner(false);
	cpus_read_lock();
	if (!--users)
		on_each_cpu(disable_ipi, NULL, 1);
	cpus_read_unlock();
	mutex_unlock(&users_lock);
}

/*
 * At a reboot guests may run: they leave by the IPI and find VMX off. Before a suspend their
 * threads are frozen.
 */
void vmx_cpus_suspend(void)
{
	cpus_read_lock();
	suspended = true;
	on_each_cpu(disable_ipi, NULL, 1);
	cpus_read_unlock();
}

void vmx_cpus_resume(void)
{
	cpus_read_lock();
	suspended = false;
	if (users && enable_all_cpus()) {
		pr_crit("nvmx: VMX operation cannot be entered again; its VMs are lost\n");
		vmx_rebooting = true;
	}
	cpus_read_unlock();
}

static int cpu_comes(unsigned int cpu)
{
	unsigned long flags;
	int r = 0;

	local_irq_save(flags);
	if (users && !suspended && !vmx_rebooting)
		r = enable_this_cpu();
	local_irq_restore(flags);
	if (r)
		pr_err("nvmx: VMX operation cannot be entered on CPU %u\n", cpu);
	return r;
}

static int cpu_goes(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	disable_this_cpu();
	local_irq_restore(flags);
	return 0;
}

static void free_regions(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		if (per_cpu(vmxon_region, cpu))
			__free_page(per_cpu(vmxon_region, cpu));
		per_cpu(vmxon_region, cpu) = NULL;
	}
}

static int __init alloc_regions(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct page *page = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);

		if (!page) {
			free_regions();
			return -ENOMEM;
		}
		*(u32 *)page_address(page) = vmx_caps.revision;
		per_cpu(vmxon_region, cpu) = page;
		vmcs_cpu_init(cpu);
	}
	return 0;
}

int __init vmx_cpus_init(void)
{
	int r;

	vmx_host_init();
	vmx_fpu_init();
	r = alloc_regions();
	if (r)
		return r;
	r = vmx_hostmsr_init();
	if (r)
		goto free_regions;
	r = vmx_kick_init();
	if (r)
		goto exit_hostmsr;
	r = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "virt/nvmx:online", cpu_comes, cpu_goes);
	if (r < 0)
		goto exit_kick;
	hotplug_state = r;
	r = vmx_power_init();
	if (r)
		goto remove_state;
	r = vmx_emergency_init();
	if (r)
		goto exit_power;
	return 0;

exit_power:
	vmx_power_exit();
remove_state:
	cpuhp_remove_state(hotplug_state);
exit_kick:
	vmx_kick_exit();
exit_hostmsr:
	vmx_hostmsr_exit();
free_regions:
	free_regions();
	return r;
}

void vmx_cpus_exit(void)
{
	vmx_emergency_exit();
	vmx_power_exit();
	cpuhp_remove_state(hotplug_state);
	vmx_kick_exit();
	vmx_hostmsr_exit();
	free_regions();
}
