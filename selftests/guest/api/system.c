// SPDX-License-Identifier: GPL-2.0-only
/*
 * System ioctls: versions, capabilities, what a guest can be offered.
 */
#include "api.h"

#define MAX_LIST	512

struct msr_list {
	struct kvm_msr_list head;
	u32 index[MAX_LIST];
};

struct cpuid_list {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[256];
};

TEST(api_version_is_12)
{
	int dev = vmm_open();

	EXPECT_ERR(ioctl(dev, KVM_GET_API_VERSION, 1), EINVAL);
	EXPECT_EQ(ioctl(dev, KVM_GET_API_VERSION, 0), 12);
}

TEST(vcpu_mapping_is_three_pages)
{
	int dev = vmm_open();

	EXPECT_ERR(ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 1), EINVAL);
	EXPECT_EQ(ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0), 3 * getpagesize());
}

TEST(unknown_system_ioctl_is_invalid)
{
	EXPECT_ERR(ioctl(vmm_open(), UNKNOWN_IOCTL, 0), EINVAL);
	EXPECT_ERR(ioctl(vmm_open(), KVM_RUN, 0), EINVAL);
}

TEST(vm_type_is_0)
{
	int dev = vmm_open();

	EXPECT_ERR(ioctl(dev, KVM_CREATE_VM, 99), EINVAL);
	EXPECT_OK(ioctl(dev, KVM_CREATE_VM, 0));
}

TEST(qemu_finds_the_capabilities_it_needs)
{
	static const int caps[] = {
		KVM_CAP_USER_MEMORY, KVM_CAP_DESTROY_MEMORY_REGION_WORKS,
		KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, KVM_CAP_SET_TSS_ADDR, KVM_CAP_EXT_CPUID,
		KVM_CAP_MP_STATE, KVM_CAP_IRQ_ROUTING, KVM_CAP_MCE, KVM_CAP_IMMEDIATE_EXIT,
		KVM_CAP_READONLY_MEM, KVM_CAP_GET_MSR_FEATURES,
	};
	struct vmm *vmm = bare_vm();
	u32 i;

	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		EXPECT(vmm_check(vmm->dev, caps[i]) > 0);
		EXPECT_EQ(vmm_check(vmm->fd, caps[i]), vmm_check(vmm->dev, caps[i]));
	}
}

TEST(unknown_capability_is_0)
{
	EXPECT_EQ(vmm_check(vmm_open(), 0x7fffffff), 0);
}

TEST(capability_values)
{
	int dev = vmm_open();

	EXPECT_EQ(vmm_check(dev, KVM_CAP_COALESCED_MMIO), 2);
	EXPECT_EQ(vmm_check(dev, KVM_CAP_SYNC_REGS), KVM_SYNC_X86_VALID_FIELDS);
	EXPECT(vmm_check(dev, KVM_CAP_NR_VCPUS) <= vmm_check(dev, KVM_CAP_MAX_VCPUS));
	EXPECT(vmm_check(dev, KVM_CAP_MAX_VCPUS) <= vmm_check(dev, KVM_CAP_MAX_VCPU_ID));
	EXPECT(vmm_check(dev, KVM_CAP_NR_MEMSLOTS) >= 32);
	EXPECT_EQ(vmm_check(dev, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2), 3);
}

static void check_msr_list(unsigned long cmd)
{
	struct msr_list l = { .head.nmsrs = 0 };
	int dev = vmm_open();
	u32 i, j, n;

	EXPECT_ERR(ioctl(dev, cmd, BAD_POINTER), EFAULT);
	EXPECT_ERR(ioctl(dev, cmd, &l), E2BIG);
	n = l.head.nmsrs;
	EXPECT(n > 0 && n < MAX_LIST);
	l.head.nmsrs = n - 1;
	EXPECT_ERR(ioctl(dev, cmd, &l), E2BIG);
	EXPECT_EQ(l.head.nmsrs, n);
	EXPECT_OK(ioctl(dev, cmd, &l));
	EXPECT_EQ(l.head.nmsrs, n);
	for (i = 0; i < n; i++) {
		for (j = 0; j < i; j++)
			EXPECT(l.index[i] != l.index[j]);
	}
}

TEST(msr_index_list_says_how_long_it_is)
{
	check_msr_list(KVM_GET_MSR_INDEX_LIST);
}

TEST(msr_feature_index_list_says_how_long_it_is)
{
	check_msr_list(KVM_GET_MSR_FEATURE_INDEX_LIST);
}

static int read_feature(int dev, u32 index)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[2];
	} m = { .head.nmsrs = 2, .entry = { { .index = index }, { .index = 0xdeadbeef } } };

	return ioctl(dev, KVM_GET_MSRS, &m);
}

/* One good, one bad: the count stops at the bad one. */
TEST(every_feature_msr_can_be_read)
{
	struct msr_list l = { .head.nmsrs = MAX_LIST };
	int dev = vmm_open();
	u32 i;

	EXPECT_OK(ioctl(dev, KVM_GET_MSR_FEATURE_INDEX_LIST, &l));
	for (i = 0; i < l.head.nmsrs; i++)
		EXPECT_EQ(read_feature(dev, l.index[i]), 1);
}

TEST(supported_cpuid_says_when_it_does_not_fit)
{
	static struct cpuid_list c;
	int dev = vmm_open();
	u32 i, n;

	EXPECT_ERR(ioctl(dev, KVM_GET_SUPPORTED_CPUID, BAD_POINTER), EFAULT);
	EXPECT_ERR(ioctl(dev, KVM_GET_SUPPORTED_CPUID, &c), E2BIG);
	c.head.nent = 1;
	EXPECT_ERR(ioctl(dev, KVM_GET_SUPPORTED_CPUID, &c), E2BIG);
	c.head.nent = ARRAY_SIZE(c.entry);
	EXPECT_OK(ioctl(dev, KVM_GET_SUPPORTED_CPUID, &c));
	n = c.head.nent;
	EXPECT(n > 2 && n < ARRAY_SIZE(c.entry));
	EXPECT_EQ(c.entry[0].function, 0);
	for (i = 0; i < n; i++) {
		EXPECT_EQ(c.entry[i].padding[0], 0);
		EXPECT_EQ(c.entry[i].padding[2], 0);
	}
	c.head.nent = n;
	EXPECT_OK(ioctl(dev, KVM_GET_SUPPORTED_CPUID, &c));
	c.head.nent = n - 1;
	EXPECT_ERR(ioctl(dev, KVM_GET_SUPPORTED_CPUID, &c), E2BIG);
}

TEST(emulated_cpuid_can_be_asked_for)
{
	static struct cpuid_list c;
	int dev = vmm_open();

	EXPECT_ERR(ioctl(dev, KVM_GET_EMULATED_CPUID, &c), E2BIG);
	c.head.nent = ARRAY_SIZE(c.entry);
	EXPECT_OK(ioctl(dev, KVM_GET_EMULATED_CPUID, &c));
	EXPECT(c.head.nent < ARRAY_SIZE(c.entry));
}

TEST(mce_has_a_control_msr)
{
	int dev = vmm_open();
	u64 cap = 0;

	EXPECT_EQ(vmm_check(dev, KVM_CAP_MCE), 32);
	EXPECT_OK(ioctl(dev, KVM_X86_GET_MCE_CAP_SUPPORTED, &cap));
	EXPECT(cap & BIT_ULL(8));
	EXPECT_ERR(ioctl(dev, KVM_X86_GET_MCE_CAP_SUPPORTED, BAD_POINTER), EFAULT);
}
