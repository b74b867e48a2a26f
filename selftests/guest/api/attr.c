// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes of a vCPU, and what KVM_CAP_MSR_PLATFORM_INFO hides.
 */
#include "api.h"

#define MSR_TSC			0x10
#define MSR_PLATFORM_INFO	0xce

PAYLOAD(read_platform_info, "mov $0xce, %ecx; rdmsr\n" PAYLOAD_DONE);

static struct kvm_device_attr tsc_offset(u64 *val)
{
	return (struct kvm_device_attr){
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET, .addr = (u64)val,
	};
}

TEST(attributes_that_do_not_exist)
{
	struct vmm_vcpu *v = idle_vcpu();
	u64 val = 0;
	struct kvm_device_attr attr = tsc_offset(&val);

	NEEDS(KVM_CAP_VCPU_ATTRIBUTES);
	EXPECT_OK(ioctl(v->fd, KVM_HAS_DEVICE_ATTR, &attr));
	attr.attr = 1;
	EXPECT_ERR(ioctl(v->fd, KVM_HAS_DEVICE_ATTR, &attr), ENXIO);
	EXPECT_ERR(ioctl(v->fd, KVM_GET_DEVICE_ATTR, &attr), ENXIO);
	EXPECT_ERR(ioctl(v->fd, KVM_SET_DEVICE_ATTR, &attr), ENXIO);
	attr = tsc_offset(&val);
	attr.group = 1;
	EXPECT_ERR(ioctl(v->fd, KVM_HAS_DEVICE_ATTR, &attr), ENXIO);
	EXPECT_ERR(ioctl(v->fd, KVM_SET_DEVICE_ATTR, BAD_POINTER), EFAULT);
	attr = tsc_offset(BAD_POINTER);
	EXPECT_ERR(ioctl(v->fd, KVM_GET_DEVICE_ATTR, &attr), EFAULT);
	EXPECT_ERR(ioctl(v->fd, KVM_SET_DEVICE_ATTR, &attr), EFAULT);
}

TEST(tsc_offset_moves_the_tsc)
{
	struct vmm_vcpu *v = idle_vcpu();
	u64 first, second, val = 0;
	struct kvm_device_attr attr = tsc_offset(&val);

	NEEDS(KVM_CAP_VCPU_ATTRIBUTES);
	EXPECT_OK(ioctl(v->fd, KVM_SET_DEVICE_ATTR, &attr));
	EXPECT_EQ(get_msr(v, MSR_TSC, &first), 1);
	val = 1ull << 60;
	EXPECT_OK(ioctl(v->fd, KVM_SET_DEVICE_ATTR, &attr));
	EXPECT_EQ(get_msr(v, MSR_TSC, &second), 1);
	EXPECT(second - first >= val && second - first < val + (1ull << 40));
	val = 0;
	EXPECT_OK(ioctl(v->fd, KVM_GET_DEVICE_ATTR, &attr));
	EXPECT_EQ(val, 1ull << 60);
}

TEST(platform_info_may_be_hidden)
{
	struct vmm_vcpu *v = BOOT(read_platform_info);
	u64 val;

	NEEDS(KVM_CAP_MSR_PLATFORM_INFO);
	EXPECT_OK(enable_cap(v->vmm, KVM_CAP_MSR_PLATFORM_INFO, 0));
	EXPECT_EQ(get_msr(v, MSR_PLATFORM_INFO, &val), 1);
	EXPECT_EQ(run(v), KVM_EXIT_SHUTDOWN);		/* #GP without a handler */
}

TEST(platform_info_is_shown)
{
	struct vmm_vcpu *v = BOOT(read_platform_info);

	NEEDS(KVM_CAP_MSR_PLATFORM_INFO);
	EXPECT_OK(enable_cap(v->vmm, KVM_CAP_MSR_PLATFORM_INFO, 0));
	EXPECT_OK(enable_cap(v->vmm, KVM_CAP_MSR_PLATFORM_INFO, 1));
	EXPECT_EQ(run(v), KVM_EXIT_IO);
}
