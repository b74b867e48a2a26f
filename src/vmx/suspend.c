// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reboot, suspend and hibernation: VMX operation is off on every CPU meanwhile.
 *
 * Suspend goes by the noirq phase of a platform device that exists for nothing else: it comes
 * after all user threads are frozen (no vCPU runs or is loaded) and before the other CPUs go
 * down, and its kernel interface has not changed as that of the syscore operations has.
 */
#include <linux/err.h>
#include <linux/notifier.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/reboot.h>

#include <nvmx/pv.h>

#include "vmx_int.h"

static int power_suspend(struct device *dev)
{
	vmx_tsc_suspend();
	vmx_cpus_suspend();
	return 0;
}

static int power_resume(struct device *dev)
{
	vmx_cpus_resume();
	vmx_tsc_resume();
	pv_host_resumed();
	return 0;
}

static const struct dev_pm_ops power_ops = {
	NOIRQ_SYSTEM_SLEEP_PM_OPS(power_suspend, power_resume)
};

static struct platform_driver power_driver = {
	.driver = {
		.name = "nvmx",
		.pm = pm_sleep_ptr(&power_ops),
		.suppress_bind_attrs = true,
	},
};

static struct platform_device *power_device;

/* Some firmware hangs on a reset in VMX operation. Guests may still run when this comes. */
static int power_reboot(struct notifier_block *nb, unsigned long event, void *data)
{
	vmx_rebooting = true;
	vmx_cpus_suspend();
	return NOTIFY_OK;
}

static struct notifier_block power_nb = { .notifier_call = power_reboot };

int __init vmx_power_init(void)
{
	int r = platform_driver_register(&power_driver);

	if (r)
		return r;
	power_device = platform_device_register_simple("nvmx", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(power_device)) {
		r = PTR_ERR(power_device);
		goto unregister_driver;
	}
	r = register_reboot_notifier(&power_nb);
	if (r)
		goto unregister_device;
	return 0;

unregister_device:
	platform_device_unregister(power_device);
unregister_driver:
	platform_driver_unregister(&power_driver);
	return r;
}

void vmx_power_exit(void)
{
	unregister_reboot_notifier(&power_nb);
	platform_device_unregister(power_device);
	platform_driver_unregister(&power_driver);
}
