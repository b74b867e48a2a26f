// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TPR of old guests: accesses that are told, and the copy that they keep in memory.
 */
#include "api.h"

#define VECTOR		0x40
#define WORD		0x8000u		/* KVM_SET_VAPIC_ADDR */
#define SEEN		0x9000u		/* what the guest has read there */
#define TPR		0x80u

#define APIC_ON		"mov $0xfee000f0, %ebx; movl $0x1ff, (%rbx)\n"
#define OUT(port)	"mov $" #port ", %edx; xor %eax, %eax; out %al, %dx\n"

PAYLOAD(tpr_code,
	APIC_ON "mov $0xfee00080, %ebx\n"
	"tpr_write: movl $0x30, (%rbx)\n"
	"tpr_read: mov (%rbx), %eax\n"
	"out %al, $0x80\n" PAYLOAD_DONE);
PAYLOAD_LABEL(tpr_write);
PAYLOAD_LABEL(tpr_read);

PAYLOAD(word_code,
	APIC_ON OUT(0x500)
	"mov 0x8000, %eax; mov %eax, 0x9000; movb $0x20, 0x8000\n" OUT(0x500)
	"movb $0x90, 0x8000\n" PAYLOAD_DONE);

static int report(struct vmm_vcpu *v, u32 enabled)
{
	struct kvm_tpr_access_ctl ctl = { .enabled = enabled };

	return ioctl(v->fd, KVM_TPR_ACCESS_REPORTING, &ctl);
}

static u8 get_tpr(struct vmm_vcpu *v)
{
	struct kvm_lapic_state s;

	EXPECT_OK(ioctl(v->fd, KVM_GET_LAPIC, &s));
	return s.regs[TPR];
}

static void set_tpr(struct vmm_vcpu *v, u8 val)
{
	struct kvm_lapic_state s;

	EXPECT_OK(ioctl(v->fd, KVM_GET_LAPIC, &s));
	s.regs[TPR] = val;
	EXPECT_OK(ioctl(v->fd, KVM_SET_LAPIC, &s));
}

static void expect_access(struct vmm_vcpu *v, const u8 *insn, u32 is_write)
{
	EXPECT_EQ(run(v), KVM_EXIT_TPR_ACCESS);
	EXPECT_EQ(v->run->tpr_access.rip, VMM_LOAD_GPA + (insn - tpr_code));
	EXPECT_EQ(v->run->tpr_access.is_write, is_write);
}

TEST(tpr_accesses_are_told)
{
	struct vmm_vcpu *v = BOOT_CHIPS(tpr_code);

	EXPECT_OK(report(v, 1));
	expect_access(v, tpr_write, 1);
	EXPECT_EQ(get_tpr(v), 0x30);
	expect_access(v, tpr_read, 0);
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_EQ(*(u8 *)io_data(v), 0x30);
}

TEST(tpr_accesses_are_not_told_unasked)
{
	struct vmm_vcpu *v = BOOT_CHIPS(tpr_code);

	EXPECT_OK(report(v, 1));
	EXPECT_OK(report(v, 0));
	EXPECT_EQ(run(v), KVM_EXIT_IO);
}

TEST(tpr_in_memory)
{
	struct kvm_vapic_addr addr = { .vapic_addr = WORD };
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR };
	struct vmm_vcpu *v = BOOT_CHIPS(word_code);

	EXPECT_OK(ioctl(v->fd, KVM_SET_VAPIC_ADDR, &addr));
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	set_tpr(v, 0x70);
	EXPECT_EQ(ioctl(v->vmm->fd, KVM_SIGNAL_MSI, &msi), 1);
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	/* TPR, nothing in service, the vector that waits */
	EXPECT_EQ(*(u32 *)(v->vmm->mem + SEEN), 0x40000070);
	EXPECT_EQ(get_tpr(v), 0x20);
	addr.vapic_addr = 0;
	EXPECT_OK(ioctl(v->fd, KVM_SET_VAPIC_ADDR, &addr));
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_EQ(get_tpr(v), 0x20);
}

TEST(tpr_word_must_be_memory)
{
	struct kvm_vapic_addr addr = { .vapic_addr = 0xd0000000 };
	struct vmm_vcpu *v = BOOT_CHIPS(word_code);

	EXPECT_ERR(ioctl(v->fd, KVM_SET_VAPIC_ADDR, &addr), EINVAL);
	EXPECT_ERR(ioctl(v->fd, KVM_SET_VAPIC_ADDR, BAD_POINTER), EFAULT);
}
