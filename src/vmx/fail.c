// SPDX-License-Identifier: GPL-2.0-only
/*
 * When hardware refuses an entry.
 *
 * On vmcs01 the cause is user space's registers (or a bug): KVM_EXIT_FAIL_ENTRY.  On vmcs02 our
 * own checks should have found whatever L1 did wrong, so it is a bug: the whole VMCS goes to the
 * log, and user space gets an internal error.
 */
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>

#include <nvmx/nested.h>

#include "vmx_int.h"

static const struct {
	const char *name;
	u32 encoding;
} fields[] = {
#define NVMX_FIELD(name, enc, type, offset, flow, shadow, group, when) { #name, enc },
#include <nvmx/vmcs_fields.h>
#undef NVMX_FIELD
};

/* Many fields of table 1 exist on some CPUs only; here that is no bug. */
static bool try_read(u32 encoding, u64 *value)
{
	unsigned long val;
	bool failed;

	asm volatile("stc\n"
		     "1:	vmread %[encoding], %[value]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : [value] "=r" (val), "=@ccbe" (failed)
		     : [encoding] "r" ((unsigned long)encoding));
	*value = val;
	return !failed;
}

static void dump(struct nvmx_vcpu *v)
{
	static DEFINE_RATELIMIT_STATE(limit, 60 * HZ, 1);
	u64 value;
	u32 i;

	if (!__ratelimit(&limit))
		return;
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (try_read(fields[i].encoding, &value))
			pr_err("nvmx:   %-30s 0x%llx\n", fields[i].name, value);
}

enum nvmx_action vmx_entry_refused(struct nvmx_vcpu *v)
{
	const struct exit_info *x = &v->exit;
	u64 data[] = { x->reason, x->qual, x->vm_error };

	/* VMX was turned off under the vCPU. */
	if (READ_ONCE(vmx_rebooting))
		return NVMX_DEAD;
	if (is_guest_mode(v) && nested_entry_may_be_refused(v))
		return NVMX_RESUME;
	pr_err_ratelimited("nvmx: vCPU %u: hardware refuses an entry to %s: error %u, reason 0x%x, qualification 0x%llx\n",
			   v->id, is_guest_mode(v) ? "L2" : "L1", x->vm_error, x->reason, x->qual);
	dump(v);
	if (is_guest_mode(v))
		return vmx_internal_error(v, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON,
					  ARRAY_SIZE(data), data);
	v->run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	v->run->fail_entry.hardware_entry_failure_reason = x->vm_error ?: x->reason;
	v->run->fail_entry.cpu = v->last_cpu;
	return NVMX_USER;
}
