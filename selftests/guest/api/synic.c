// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Hyper-V interface: the SynIC and its timers.
 */
#include "hyperv.h"

#define VECTOR		0x40
#define SIMP		0x40000083u
#define SINT2		0x40000092u
#define STIMER0		0x400000b0u

/* With the APIC on, say so, and HLT until an interrupt has come; then read the page at 2 MiB. */
PAYLOAD(hv_wait, "mov $0xfee000f0, %ebx; movl $0x1ff, (%rbx)\n"
	"mov $0x500, %dx; out %al, %dx; sti; hlt; cli; hlt\n"
	".org hv_wait + 0x100\n"
	"mov $0xfee000b0, %ebx; movl $0, (%rbx); mov 0x200200, %ebx\n" PAYLOAD_DONE);

/* VMCALL with the control in RSI and the input in RDI. */
PAYLOAD(hv_post, "mov %rsi, %rcx; mov %rdi, %rdx; xor %r8, %r8; vmcall; mov %rax, %rbx\n"
	PAYLOAD_DONE);

static struct vmm_vcpu *synic_vcpu(const u8 *code, size_t size)
{
	struct kvm_enable_cap c = { .cap = KVM_CAP_HYPERV_SYNIC2 };
	struct vmm_vcpu *v = boot_with_chips(code, size);

	set_gate(v->vmm, VECTOR, VMM_LOAD_GPA + 0x100);
	show_hyperv(v);
	EXPECT_OK(ioctl(v->fd, KVM_ENABLE_CAP, &c));
	return v;
}

#define SYNIC(name)	synic_vcpu(name, name##_end - (name))

TEST(synic_needs_an_apic)
{
	struct kvm_enable_cap c = { .cap = KVM_CAP_HYPERV_SYNIC };
	struct vmm_vcpu *v = idle_vcpu();

	EXPECT_ERR(ioctl(v->fd, KVM_ENABLE_CAP, &c), EINVAL);
	EXPECT_EQ(set_msr(v, SINT2, VECTOR), 0);
	EXPECT_EQ(set_msr(v, SINT2, 0), 1);
}

TEST(messages_are_user_spaces_to_post)
{
	struct vmm_vcpu *v = SYNIC(hv_post);
	struct kvm_regs r;

	EXPECT_EQ(set_msr(v, GUEST_OS_ID, LINUX_ID), 1);
	EXPECT_OK(ioctl(v->fd, KVM_GET_REGS, &r));
	r.rsi = POST_MESSAGE;
	r.rdi = PAGE_GPA;
	EXPECT_OK(ioctl(v->fd, KVM_SET_REGS, &r));
	EXPECT_EQ(run(v), KVM_EXIT_HYPERV);
	EXPECT_EQ(v->run->hyperv.type, KVM_EXIT_HYPERV_HCALL);
	EXPECT_EQ(v->run->hyperv.u.hcall.input, POST_MESSAGE);
	EXPECT_EQ(v->run->hyperv.u.hcall.params[0], PAGE_GPA);
	v->run->hyperv.u.hcall.result = INVALID_PORT;
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_OK(ioctl(v->fd, KVM_GET_REGS, &r));
	EXPECT_EQ(r.rbx, INVALID_PORT);
}

TEST(stimer_posts_a_message)
{
	struct vmm_vcpu *v = SYNIC(hv_wait);
	struct kvm_regs r;

	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_EQ(set_msr(v, SIMP, PAGE_GPA | 1), 1);
	EXPECT_EQ(set_msr(v, SINT2, VECTOR), 1);
	EXPECT_EQ(set_msr(v, STIMER0 + 1, 1), 1);		/* long past */
	EXPECT_EQ(set_msr(v, STIMER0, 2 << 16 | 1), 1);
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_OK(ioctl(v->fd, KVM_GET_REGS, &r));
	EXPECT_EQ(r.rbx, 0x80000010);
}

TEST(stimer_raises_a_vector)
{
	struct vmm_vcpu *v = SYNIC(hv_wait);
	u64 now, config;

	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_EQ(get_msr(v, TIME_REF, &now), 1);
	EXPECT_EQ(set_msr(v, STIMER0 + 1, now + 50000), 1);
	EXPECT_EQ(set_msr(v, STIMER0, 1 << 12 | VECTOR << 4 | 1), 1);
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_EQ(get_msr(v, STIMER0, &config), 1);
	EXPECT_EQ(config & 1, 0);				/* once */
}
