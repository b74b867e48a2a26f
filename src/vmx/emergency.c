// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX operation off in a crash, when the kernel stops each CPU by NMI.
 *
 * INIT is blocked in VMX operation, and a VMCS that is active may be written back over the next
 * kernel, so a kexec into a crash kernel needs every CPU out of it.  The kernel has one callback
 * for this, and warns when a second user registers.  kvm_intel registers at load (6.1) or at its
 * first VM (6.12) without asking, so nvmx holds the callback only while nvmx owns VMX operation
 * and kvm_intel is not there: a module notifier gives way before kvm_intel's init runs and takes
 * the callback back after its exit.  On 6.1 kvm_intel's own callback then turns VMX off for nvmx,
 * too; on 6.12 with kvm_intel loaded but idle, a crash leaves VMX operation on.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/reboot.h>
#include <asm/tlbflush.h>

#include "vmx_int.h"

static DEFINE_MUTEX(slot_lock);
static bool slot_wanted;		/* nvmx owns VMX operation */
static bool slot_kvm_is_here;
static bool slot_taken;

/*
 * Context: NMI, or irqs off.  No lock is of use here: the CPU that might hold one is stopped.
 * The list of this CPU is changed by this CPU only.
 */
static void emergency_off(void)
{
	vmx_rebooting = true;
	if (!__this_cpu_read(vmx_on))
		return;
	vmcs_clear_loaded();
	asm volatile("1:	vmxoff\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : : : "cc", "memory");
	cr4_clear_bits(X86_CR4_VMXE);
}

static void update_slot(void)
{
	bool want = slot_wanted && !slot_kvm_is_here;

	lockdep_assert_held(&slot_lock);
	if (want == slot_taken)
		return;
	slot_taken = want;
	if (want)
		cpu_emergency_register_virt_callback(emergency_off);
	else
		cpu_emergency_unregister_virt_callback(emergency_off);
}

void vmx_emergency_owner(bool owner)
{
	mutex_lock(&slot_lock);
	slot_wanted = owner;
	update_slot();
	mutex_unlock(&slot_lock);
}

static int module_event(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct module *mod = data;

	if (strcmp(mod->name, "kvm_intel"))
		return NOTIFY_DONE;
	mutex_lock(&slot_lock);
	if (event == MODULE_STATE_COMING)
		slot_kvm_is_here = true;
	else if (event == MODULE_STATE_GOING)
		slot_kvm_is_here = false;
	update_slot();
	mutex_unlock(&slot_lock);
	return NOTIFY_OK;
}

static struct notifier_block module_nb = { .notifier_call = module_event };

int __init vmx_emergency_init(void)
{
	int r = register_module_notifier(&module_nb);

	if (r)
		return r;
	/* Modules may not ask for a module by name; kvm.ko is taken as a sign of kvm_intel. */
	if (__symbol_get("kvm_rebooting")) {
		__symbol_put("kvm_rebooting");
		mutex_lock(&slot_lock);
		slot_kvm_is_here = true;
		mutex_unlock(&slot_lock);
	}
	return 0;
}

void vmx_emergency_exit(void)
{
	unregister_module_notifier(&module_nb);
}
