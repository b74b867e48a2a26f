// SPDX-License-Identifier: GPL-2.0-only
/*
 * What nvmx answers to KVM_CHECK_EXTENSION, and what KVM_ENABLE_CAP turns on: one row each.
 *
 * A capability is here when all it promises is done; what is not here is 0.
 */
#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <asm/cpufeature.h>
#include <nvmx/hyperv.h>
#include <nvmx/irq.h>
#include <nvmx/mmu.h>
#include <nvmx/nested.h>
#include <nvmx/pv.h>
#include <nvmx/vmx.h>
#include <uapi/linux/nvmx.h>

#include "face.h"
#include "ioctl.h"

#define GUEST_DEBUG		(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | \
				 KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_USE_SW_BP | \
				 KVM_GUESTDBG_INJECT_BP | KVM_GUESTDBG_INJECT_DB | \
				 KVM_GUESTDBG_BLOCKIRQ)
#define DIRTY_MANUAL		(KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | \
				 KVM_DIRTY_LOG_INITIALLY_SET)
#define MSR_EXITS		(KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | \
				 KVM_MSR_EXIT_REASON_FILTER)
#define X2APIC_API		(KVM_X2APIC_API_USE_32BIT_IDS | \
				 KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)
/* CD_NW_CLEARED describes what nvmx never did, which is how it is turned off. */
#define QUIRKS			(KVM_X86_QUIRK_LINT0_REENABLED | KVM_X86_QUIRK_CD_NW_CLEARED | \
				 KVM_X86_QUIRK_LAPIC_MMIO_HOLE | KVM_X86_QUIRK_OUT_7E_INC_RIP | \
				 KVM_X86_QUIRK_FIX_HYPERCALL_INSN | \
				 KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT | \
				 KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS)

static int ask_nr_vcpus(void)
{
	return min_t(u32, num_online_cpus(), NVMX_MAX_VCPUS);
}

static int ask_memslots(void)
{
	return mmu_max_slots();
}

static int ask_xcrs(void)
{
	return boot_cpu_has(X86_FEATURE_XSAVE);
}

static int ask_tsc_scaling(void)
{
	return vmx_caps.tsc_scaling;
}

static int ask_dirty_ring(void)
{
	return mmu_ring_max_bytes();
}

static int ask_nested_state(void)
{
	return nested_state_size();
}

static int enable_quirks(struct nvmx_vm *vm, u64 arg)
{
	vm->disabled_quirks = arg;
	return 0;
}

static int enable_quirks2(struct nvmx_vm *vm, u64 arg)
{
	return arg & ~QUIRKS ? -EINVAL : enable_quirks(vm, arg);
}

static int enable_exception_payload(struct nvmx_vm *vm, u64 arg)
{
	vm->exception_payload = arg;
	return 0;
}

static int enable_triple_fault(struct nvmx_vm *vm, u64 arg)
{
	vm->triple_fault_event = arg;
	return 0;
}

static int enable_user_msr(struct nvmx_vm *vm, u64 arg)
{
	if (arg & ~MSR_EXITS)
		return -EINVAL;
	vm->user_msr_mask = arg;
	return 0;
}

/* It is on in a new VM: this turns it off. */
static int enable_platform_info(struct nvmx_vm *vm, u64 arg)
{
	vm->hide_platform_info = !arg;
	return 0;
}

static int enable_halt_poll(struct nvmx_vm *vm, u64 arg)
{
	WRITE_ONCE(vm->halt_poll_ns, min_t(u64, arg, U32_MAX));
	vm->halt_poll_set = true;
	return 0;
}

/* INITIALLY_SET means nothing by itself. */
static int enable_manual_dirty(struct nvmx_vm *vm, u64 arg)
{
	if (arg & ~DIRTY_MANUAL || arg == KVM_DIRTY_LOG_INITIALLY_SET)
		return -EINVAL;
	vm->manual_dirty_protect = arg & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;
	vm->manual_dirty_flags = arg;
	return 0;
}

/* Once only. */
static int enable_max_vcpu_id(struct nvmx_vm *vm, u64 arg)
{
	if (arg > API_MAX_VCPU_IDS)
		return -EINVAL;
	if (vm->max_vcpu_id && vm->max_vcpu_id != arg)
		return -EINVAL;
	vm->max_vcpu_id = arg;
	return 0;
}

/* A TPR in memory is for guests whose accesses to the APIC's all exit. */
static int ask_vapic(void)
{
	return !vmx_has_accelerated_tpr();
}

struct cap_row {
	u32 cap;
	int value;
	int (*ask)(void);			/* where the value depends on the machine */
	int (*enable)(struct nvmx_vm *vm, u64 arg);	/* vm->lock is held */
};

static const struct cap_row caps[] = {
	/* the frame */
	{ KVM_CAP_USER_MEMORY, 1 },
	{ KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1 },
	{ KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1 },
	{ KVM_CAP_CHECK_EXTENSION_VM, 1 },
	{ KVM_CAP_ENABLE_CAP, 1 },
	{ KVM_CAP_ENABLE_CAP_VM, 1 },
	{ KVM_CAP_NR_VCPUS, 0, ask_nr_vcpus },
	{ KVM_CAP_MAX_VCPUS, NVMX_MAX_VCPUS },
	{ KVM_CAP_MAX_VCPU_ID, API_MAX_VCPU_IDS, NULL, enable_max_vcpu_id },
	{ KVM_CAP_BINARY_STATS_FD, 1 },
	{ NVMX_CAP_VERSION, 2 },

	/* memory */
	{ KVM_CAP_NR_MEMSLOTS, 0, ask_memslots },
	{ KVM_CAP_MULTI_ADDRESS_SPACE, NR_MMU_SPACES },
	{ KVM_CAP_READONLY_MEM, 1 },
	{ KVM_CAP_SYNC_MMU, 1 },
	{ KVM_CAP_MMU_SHADOW_CACHE_CONTROL, 1 },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, DIRTY_MANUAL, NULL, enable_manual_dirty },
	{ KVM_CAP_DIRTY_LOG_RING, 0, ask_dirty_ring, mmu_ring_enable },
	{ KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 0, ask_dirty_ring, mmu_ring_enable },
	{ KVM_CAP_SET_TSS_ADDR, 1 },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, 1 },

	/* devices */
	{ KVM_CAP_IRQCHIP, 1 },
	{ KVM_CAP_SPLIT_IRQCHIP, 1, NULL, irq_enable_split },
	{ KVM_CAP_IRQ_ROUTING, IRQ_MAX_ROUTES },
	{ KVM_CAP_IRQ_INJECT_STATUS, 1 },
	{ KVM_CAP_IOAPIC_POLARITY_IGNORED, 1 },
	{ KVM_CAP_SIGNAL_MSI, 1 },
	{ KVM_CAP_IRQFD, 1 },
	{ KVM_CAP_TSC_DEADLINE_TIMER, 1 },
	{ KVM_CAP_IRQFD_RESAMPLE, 1 },
	{ KVM_CAP_PIT2, 1 },
	{ KVM_CAP_PIT_STATE2, 1 },
	{ KVM_CAP_REINJECT_CONTROL, 1 },
	{ KVM_CAP_SET_BOOT_CPU_ID, 1 },
	{ KVM_CAP_X2APIC_API, X2APIC_API, NULL, irq_enable_x2apic_api },
	{ KVM_CAP_IOEVENTFD, 1 },
	{ KVM_CAP_IOEVENTFD_NO_LENGTH, 1 },
	{ KVM_CAP_IOEVENTFD_ANY_LENGTH, 1 },
	{ KVM_CAP_COALESCED_MMIO, KVM_COALESCED_MMIO_PAGE_OFFSET },
	{ KVM_CAP_COALESCED_PIO, 1 },
	{ KVM_CAP_NOP_IO_DELAY, 1 },

	/* a vCPU's run */
	{ KVM_CAP_HLT, 1 },
	{ KVM_CAP_HALT_POLL, 1, NULL, enable_halt_poll },
	{ KVM_CAP_MP_STATE, 1 },
	{ KVM_CAP_VAPIC, 0, ask_vapic },
	{ KVM_CAP_USER_NMI, 1 },
	{ KVM_CAP_X86_SMM, 1 },
	{ KVM_CAP_IMMEDIATE_EXIT, 1 },
	{ KVM_CAP_INTERNAL_ERROR_DATA, 1 },
	{ KVM_CAP_SYNC_REGS, KVM_SYNC_X86_VALID_FIELDS },
	{ KVM_CAP_DISABLE_QUIRKS, 1, NULL, enable_quirks },
	{ KVM_CAP_DISABLE_QUIRKS2, QUIRKS, NULL, enable_quirks2 },

	/* a vCPU's state */
	{ KVM_CAP_EXT_CPUID, 1 },
	{ KVM_CAP_EXT_EMUL_CPUID, 1 },
	{ KVM_CAP_SREGS2, 1 },
	{ KVM_CAP_XSAVE, 1 },
	{ KVM_CAP_XSAVE2, sizeof(struct kvm_xsave) },
	{ KVM_CAP_XCRS, 0, ask_xcrs },
	{ KVM_CAP_VCPU_EVENTS, 1 },
	{ KVM_CAP_EXCEPTION_PAYLOAD, 1, NULL, enable_exception_payload },
	{ KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1, NULL, enable_triple_fault },
	{ KVM_CAP_DEBUGREGS, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG2, GUEST_DEBUG },
	{ KVM_CAP_X86_ROBUST_SINGLESTEP, 1 },
	{ KVM_CAP_MCE, NVMX_MCE_BANKS },
	{ KVM_CAP_NESTED_STATE, 0, ask_nested_state },

	/* MSRs */
	{ KVM_CAP_GET_MSR_FEATURES, 1 },
	{ KVM_CAP_X86_USER_SPACE_MSR, 1, NULL, enable_user_msr },
	{ KVM_CAP_X86_MSR_FILTER, 1 },
	{ KVM_CAP_MSR_PLATFORM_INFO, 1, NULL, enable_platform_info },

	/* Hyper-V */
	{ KVM_CAP_HYPERV, 1 },
	{ KVM_CAP_HYPERV_VAPIC, 1 },
	{ KVM_CAP_HYPERV_SPIN, 1 },
	{ KVM_CAP_HYPERV_TIME, 1 },
	{ KVM_CAP_HYPERV_SYNIC, 1 },
	{ KVM_CAP_HYPERV_SYNIC2, 1 },
	{ KVM_CAP_HYPERV_VP_INDEX, 1 },
	{ KVM_CAP_HYPERV_EVENTFD, 1 },
	{ KVM_CAP_HYPERV_TLBFLUSH, 1 },
	{ KVM_CAP_HYPERV_SEND_IPI, 1 },
	{ KVM_CAP_HYPERV_CPUID, 1 },
	{ KVM_CAP_SYS_HYPERV_CPUID, 1 },
	{ KVM_CAP_HYPERV_ENLIGHTENED_VMCS, 1 },
	{ KVM_CAP_HYPERV_ENFORCE_CPUID, 1 },

	/* time */
	{ KVM_CAP_GET_TSC_KHZ, 1 },
	{ KVM_CAP_TSC_CONTROL, 0, ask_tsc_scaling },
	{ KVM_CAP_VM_TSC_CONTROL, 0, ask_tsc_scaling },
	{ KVM_CAP_ADJUST_CLOCK, PV_CLOCK_FLAGS },
	{ KVM_CAP_VCPU_ATTRIBUTES, 1 },
	{ KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1 },
	{ KVM_CAP_ASYNC_PF, 1 },
	{ KVM_CAP_ASYNC_PF_INT, 1 },
};

static const struct cap_row *find(unsigned long cap)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		if (caps[i].cap == cap)
			return &caps[i];
	}
	return NULL;
}

int dev_check_extension(union ioctl_arg arg)
{
	const struct cap_row *row = find(arg.value);

	if (!row)
		return 0;
	return row->ask ? row->ask() : row->value;
}

int vm_check_extension(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return dev_check_extension(arg);
}

int vm_enable_cap(struct nvmx_vm *vm, union ioctl_arg arg)
{
	const struct kvm_enable_cap *cap = arg.buf;
	const struct cap_row *row = find(cap->cap);
	int ret;

	if (cap->flags || !row || !row->enable)
		return -EINVAL;
	mutex_lock(&vm->lock);
	ret = row->enable(vm, cap->args[0]);
	mutex_unlock(&vm->lock);
	return ret;
}

static int enable_evmcs(struct nvmx_vcpu *v, u64 user)
{
	u16 versions = hv_enable_evmcs(v);

	return put_user(versions, (u16 __user *)u64_to_user_ptr(user)) ? -EFAULT : 0;
}

int vcpu_enable_cap(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	const struct kvm_enable_cap *cap = arg.buf;

	if (cap->flags)
		return -EINVAL;
	switch (cap->cap) {
	case KVM_CAP_ENFORCE_PV_FEATURE_CPUID:
		pv_enforce(v, cap->args[0]);
		return 0;
	case KVM_CAP_HYPERV_ENFORCE_CPUID:
		hv_enforce_cpuid(v, cap->args[0]);
		return 0;
	case KVM_CAP_HYPERV_SYNIC:
		return hv_enable_synic(v, false);
	case KVM_CAP_HYPERV_SYNIC2:
		return cap->args[0] ? -EINVAL : hv_enable_synic(v, true);
	case KVM_CAP_HYPERV_ENLIGHTENED_VMCS:
		return enable_evmcs(v, cap->args[0]);
	}
	return -EINVAL;
}
