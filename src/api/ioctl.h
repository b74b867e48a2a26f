/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One ioctl is one row: its command, how its argument travels, and a handler.
 *
 * The dispatcher copies: a handler sees a kernel buffer, as long as the command's number says, that
 * user space cannot change any more.  What goes out was zeroed before the handler filled it, and
 * goes out only with a result that is not an error.  Commands of variable length get the user
 * pointer.
 */
#ifndef NVMX_API_IOCTL_H
#define NVMX_API_IOCTL_H

#include <linux/compat.h>
#include <linux/kvm.h>
#include <nvmx/types.h>

union ioctl_arg {
	unsigned long value;	/* ARG_VALUE */
	void *buf;		/* ARG_IN, ARG_OUT, ARG_INOUT */
	void __user *user;	/* ARG_USER */
};

enum ioctl_how {
	ARG_VALUE = 0,
	ARG_IN = 1,
	ARG_OUT = 2,
	ARG_INOUT = ARG_IN | ARG_OUT,
	ARG_USER = 4,
};

struct ioctl_row {
	u32 cmd;
	u8 how;
	union {
		int (*dev)(union ioctl_arg arg);
		int (*vm)(struct nvmx_vm *vm, union ioctl_arg arg);
		int (*vcpu)(struct nvmx_vcpu *v, union ioctl_arg arg);
	};
};

/* Large enough for all but FPU, XSAVE, XCRS and the MSR filter, which are rare. */
#define IOCTL_SMALL	320

struct ioctl_frame {
	union ioctl_arg arg;
	void __user *user;
	void *heap;
	u64 small[IOCTL_SMALL / sizeof(u64)];
};

/* Nothing is copied. */
static inline bool ioctl_is_bare(const struct ioctl_row *row)
{
	return !(row->how & ARG_INOUT);
}

const struct ioctl_row *ioctl_find(const struct ioctl_row *rows, u32 nr, u32 cmd);
int ioctl_begin(const struct ioctl_row *row, unsigned long arg, struct ioctl_frame *f);
long ioctl_end(const struct ioctl_row *row, struct ioctl_frame *f, long ret);

/* dev.c, vm.c, vcpu.c, clock.c */
int dev_create_vm(union ioctl_arg arg);
int vm_create_vcpu(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_get_clock(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_set_clock(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_get_tsc_khz(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_set_tsc_khz(struct nvmx_vm *vm, union ioctl_arg arg);
int vcpu_get_tsc_khz(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_set_tsc_khz(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_kvmclock_ctrl(struct nvmx_vcpu *v, union ioctl_arg arg);

/* caps.c */
int dev_check_extension(union ioctl_arg arg);
int vm_check_extension(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_enable_cap(struct nvmx_vm *vm, union ioctl_arg arg);
int vcpu_enable_cap(struct nvmx_vcpu *v, union ioctl_arg arg);

/* bus.c, msr_filter.c */
int vm_ioeventfd(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_register_coalesced(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_unregister_coalesced(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_set_msr_filter(struct nvmx_vm *vm, union ioctl_arg arg);

/* irqchip.c */
int vm_create_irqchip(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_get_irqchip(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_set_irqchip(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_irq_line(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_signal_msi(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_irqfd(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_set_boot_cpu_id(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_set_gsi_routing(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_create_pit(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_create_pit2(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_get_pit(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_set_pit(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_get_pit2(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_set_pit2(struct nvmx_vm *vm, union ioctl_arg arg);
int vm_reinject_control(struct nvmx_vm *vm, union ioctl_arg arg);
int vcpu_get_lapic(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_set_lapic(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_set_vapic_addr(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_tpr_access_reporting(struct nvmx_vcpu *v, union ioctl_arg arg);

#ifdef CONFIG_COMPAT
/* The pointers in struct kvm_msr_filter make it another struct, and so another command. */
struct msr_filter_range_compat {
	u32 flags;
	u32 nmsrs;
	u32 base;
	compat_uptr_t bitmap;
};

struct msr_filter_compat {
	u32 flags;
	struct msr_filter_range_compat ranges[KVM_MSR_FILTER_MAX_RANGES];
};

#define API_SET_MSR_FILTER_COMPAT	_IOW(KVMIO, 0xc6, struct msr_filter_compat)

int vm_set_msr_filter_compat(struct nvmx_vm *vm, union ioctl_arg arg);
#endif

/* cpuid.c, msrs.c, mce.c */
int dev_get_supported_cpuid(union ioctl_arg arg);
int dev_get_emulated_cpuid(union ioctl_arg arg);
int dev_get_supported_hv_cpuid(union ioctl_arg arg);
int vcpu_get_supported_hv_cpuid(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_set_cpuid2(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_get_cpuid2(struct nvmx_vcpu *v, union ioctl_arg arg);
int dev_get_msr_index_list(union ioctl_arg arg);
int dev_get_msr_feature_index_list(union ioctl_arg arg);
int dev_get_msrs(union ioctl_arg arg);
int vcpu_get_msrs(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_set_msrs(struct nvmx_vcpu *v, union ioctl_arg arg);
int dev_get_mce_cap(union ioctl_arg arg);
int vcpu_setup_mce(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_set_mce(struct nvmx_vcpu *v, union ioctl_arg arg);

/* run.c, regs.c, sregs.c, fpu.c, events.c, debug.c */
int vcpu_run(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_set_signal_mask(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_get_regs(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_set_regs(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_get_sregs(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_set_sregs(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_get_sregs2(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_set_sregs2(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_get_fpu(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_set_fpu(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_get_xsave(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_set_xsave(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_get_xcrs(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_set_xcrs(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_interrupt(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_smi(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_nmi(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_get_events(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_set_events(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_get_mp_state(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_set_mp_state(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_set_guest_debug(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_get_debugregs(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_set_debugregs(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_translate(struct nvmx_vcpu *v, union ioctl_arg arg);

/* attr.c */
int vcpu_has_attr(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_get_attr(struct nvmx_vcpu *v, union ioctl_arg arg);
int vcpu_set_attr(struct nvmx_vcpu *v, union ioctl_arg arg);

/* stats.c */
int vm_get_stats_fd(struct nvmx_vm *vm, union ioctl_arg arg);
int vcpu_get_stats_fd(struct nvmx_vcpu *v, union ioctl_arg arg);

#endif
