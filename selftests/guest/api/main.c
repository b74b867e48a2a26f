// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tests of the KVM API: api [TEST...]; the device is /dev/nvmx or $NVMX_DEV.
 */
#include "api.h"

PAYLOAD(halt_code, "1: hlt; jmp 1b\n");

struct gate {
	u16 low;
	u16 selector;
	u8 ist;
	u8 type;
	u16 middle;
	u32 high;
	u32 zero;
};

#define IDT	0xa000ull

static struct vmm_vcpu *add_vcpu(struct vmm *vmm, const u8 *code, size_t size)
{
	struct vmm_vcpu *v = vmm_add_vcpu(vmm);

	vmm_load(vmm, VMM_LOAD_GPA, code, size);
	vmm_long_mode(v, VMM_LOAD_GPA);
	return v;
}

struct vmm_vcpu *boot(const u8 *code, size_t size)
{
	return add_vcpu(vmm_create(4 * MB), code, size);
}

struct vmm_vcpu *boot_with_chips(const u8 *code, size_t size)
{
	struct vmm *vmm = vmm_create(4 * MB);

	EXPECT_OK(ioctl(vmm->fd, KVM_CREATE_IRQCHIP, 0));
	return add_vcpu(vmm, code, size);
}

struct vmm_vcpu *idle_vcpu(void)
{
	return BOOT(halt_code);
}

struct vmm *bare_vm(void)
{
	return vmm_create(0);
}

void set_gate(struct vmm *vmm, u8 vector, u64 handler)
{
	struct gate *g = (struct gate *)(vmm->mem + IDT) + vector;
	struct kvm_sregs s;
	u32 i;

	*g = (struct gate){
		.low = handler, .middle = handler >> 16, .high = handler >> 32,
		.selector = VMM_CODE64, .type = 0x8e,
	};
	for (i = 0; i < vmm->nr_vcpus; i++) {
		get_sregs(&vmm->vcpu[i], &s);
		s.idt = (struct kvm_dtable){ .base = IDT, .limit = 256 * sizeof(*g) - 1 };
		EXPECT_OK(ioctl(vmm->vcpu[i].fd, KVM_SET_SREGS, &s));
	}
}

int run(struct vmm_vcpu *v)
{
	return ioctl(v->fd, KVM_RUN, 0) ? -errno : (int)v->run->exit_reason;
}

u8 call_guest(struct vmm_vcpu *v, u64 rsi, u64 rdi, u64 *rbx)
{
	struct kvm_regs r;

	EXPECT_OK(ioctl(v->fd, KVM_GET_REGS, &r));
	r.rip = VMM_LOAD_GPA;
	r.rsi = rsi;
	r.rdi = rdi;
	EXPECT_OK(ioctl(v->fd, KVM_SET_REGS, &r));
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_OK(ioctl(v->fd, KVM_GET_REGS, &r));
	*rbx = r.rbx;
	return *(u8 *)io_data(v);
}

void *io_data(struct vmm_vcpu *v)
{
	return (u8 *)v->run + v->run->io.data_offset;
}

u64 get_rip(struct vmm_vcpu *v)
{
	struct kvm_regs r;

	EXPECT_OK(ioctl(v->fd, KVM_GET_REGS, &r));
	return r.rip;
}

void get_sregs(struct vmm_vcpu *v, struct kvm_sregs *s)
{
	EXPECT_OK(ioctl(v->fd, KVM_GET_SREGS, s));
}

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

int get_msr(struct vmm_vcpu *v, u32 index, u64 *val)
{
	struct one_msr m = { .head.nmsrs = 1, .entry.index = index };
	int ret = ioctl(v->fd, KVM_GET_MSRS, &m);

	*val = m.entry.data;
	return ret;
}

int set_msr(struct vmm_vcpu *v, u32 index, u64 val)
{
	struct one_msr m = { .head.nmsrs = 1, .entry.index = index, .entry.data = val };

	return ioctl(v->fd, KVM_SET_MSRS, &m);
}

int enable_cap(struct vmm *vmm, u32 cap, u64 arg)
{
	struct kvm_enable_cap c = { .cap = cap, .args = { arg } };

	return ioctl(vmm->fd, KVM_ENABLE_CAP, &c);
}

int main(int argc, char **argv)
{
	return tap_main(argc, argv);
}
