// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MSR filter, and MSR accesses that user space answers.
 */
#include "api.h"

#define MSR_TSC		0x10
#define MSR_UNKNOWN	0x4b564dff

PAYLOAD(tsc_code,
	"mov $0x10, %ecx; rdmsr; mov $0x40, %dx; out %eax, %dx\n"
	PAYLOAD_DONE);
PAYLOAD(unknown_code,
	"mov $0x4b564dff, %ecx; mov $0x11, %eax; xor %edx, %edx; wrmsr\n"
	"rdmsr; mov $0x40, %dx; out %eax, %dx\n"
	PAYLOAD_DONE);

static int filter(struct vmm *vmm, struct kvm_msr_filter f)
{
	return ioctl(vmm->fd, KVM_X86_SET_MSR_FILTER, &f);
}

static struct kvm_msr_filter deny_reads(u32 base, u8 *bitmap)
{
	return (struct kvm_msr_filter){
		.ranges[0] = { .flags = KVM_MSR_FILTER_READ, .nmsrs = 1, .base = base,
			       .bitmap = bitmap },
	};
}

TEST(filter_that_cannot_be)
{
	static u8 bitmap[0x700];
	struct vmm *vmm = bare_vm();
	struct kvm_msr_filter f = deny_reads(MSR_TSC, bitmap), bad;

	EXPECT_ERR(ioctl(vmm->fd, KVM_X86_SET_MSR_FILTER, BAD_POINTER), EFAULT);
	EXPECT_ERR(filter(vmm, (struct kvm_msr_filter){ .flags = 2 }), EINVAL);
	EXPECT_ERR(filter(vmm, (struct kvm_msr_filter){ .flags = 1 }), EINVAL);
	bad = f;
	bad.ranges[0].flags = 4;
	EXPECT_ERR(filter(vmm, bad), EINVAL);
	bad = f;
	bad.ranges[0].nmsrs = 0x600 * 8 + 1;
	EXPECT_ERR(filter(vmm, bad), EINVAL);
	bad = f;
	bad.ranges[0].bitmap = BAD_POINTER;
	EXPECT_ERR(filter(vmm, bad), EFAULT);
	EXPECT_OK(filter(vmm, f));
	EXPECT_OK(filter(vmm, (struct kvm_msr_filter){ .flags = 0 }));
}

TEST(denied_msr_is_a_fault)
{
	u8 bitmap[8] = { 0 };
	struct vmm_vcpu *v = BOOT(tsc_code);

	EXPECT_OK(filter(v->vmm, deny_reads(MSR_TSC, bitmap)));
	EXPECT_EQ(run(v), KVM_EXIT_SHUTDOWN);	/* #GP without an IDT */
}

TEST(allowed_msr_is_not)
{
	u8 bitmap[8] = { 1 };
	struct vmm_vcpu *v = BOOT(tsc_code);

	EXPECT_OK(filter(v->vmm, deny_reads(MSR_TSC, bitmap)));
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_EQ(vmm_run(v), 0);
}

TEST(denied_msr_goes_to_user_space)
{
	u8 bitmap[8] = { 0 };
	struct vmm_vcpu *v = BOOT(tsc_code);

	EXPECT_OK(enable_cap(v->vmm, KVM_CAP_X86_USER_SPACE_MSR, KVM_MSR_EXIT_REASON_FILTER));
	EXPECT_OK(filter(v->vmm, deny_reads(MSR_TSC, bitmap)));
	EXPECT_EQ(run(v), KVM_EXIT_X86_RDMSR);
	EXPECT_EQ(v->run->msr.index, MSR_TSC);
	EXPECT_EQ(v->run->msr.reason, KVM_MSR_EXIT_REASON_FILTER);
	v->run->msr.data = 0x12345678;
	v->run->msr.error = 0;
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_EQ(*(u32 *)io_data(v), 0x12345678);
	EXPECT_EQ(vmm_run(v), 0);
}

/* The last MSR that a guest has touched was open; the filter closes it while it runs. */
TEST(filter_applies_at_once)
{
	u8 bitmap[8] = { 0 };
	struct vmm_vcpu *v = BOOT(tsc_code);
	struct kvm_regs r;

	EXPECT_OK(enable_cap(v->vmm, KVM_CAP_X86_USER_SPACE_MSR, KVM_MSR_EXIT_REASON_FILTER));
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	v->run->immediate_exit = 1;
	EXPECT_EQ(run(v), -EINTR);
	v->run->immediate_exit = 0;
	EXPECT_OK(ioctl(v->fd, KVM_GET_REGS, &r));
	r.rip = VMM_LOAD_GPA;
	EXPECT_OK(ioctl(v->fd, KVM_SET_REGS, &r));
	EXPECT_OK(filter(v->vmm, deny_reads(MSR_TSC, bitmap)));
	EXPECT_EQ(run(v), KVM_EXIT_X86_RDMSR);
}

TEST(unknown_msr_goes_to_user_space)
{
	struct vmm_vcpu *v = BOOT(unknown_code);

	EXPECT_OK(enable_cap(v->vmm, KVM_CAP_X86_USER_SPACE_MSR, KVM_MSR_EXIT_REASON_UNKNOWN));
	EXPECT_EQ(run(v), KVM_EXIT_X86_WRMSR);
	EXPECT_EQ(v->run->msr.index, MSR_UNKNOWN);
	EXPECT_EQ(v->run->msr.data, 0x11);
	EXPECT_EQ(v->run->msr.reason, KVM_MSR_EXIT_REASON_UNKNOWN);
	v->run->msr.error = 0;
	EXPECT_EQ(run(v), KVM_EXIT_X86_RDMSR);
	v->run->msr.error = 1;			/* #GP */
	EXPECT_EQ(run(v), KVM_EXIT_SHUTDOWN);
}

TEST(unknown_msr_is_a_fault)
{
	EXPECT_EQ(run(BOOT(unknown_code)), KVM_EXIT_SHUTDOWN);
}
