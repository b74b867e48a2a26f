// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM ioctls: what is set once, capabilities, vCPU numbers, the clock.
 */
#include "api.h"

TEST(unknown_vm_ioctl_is_no_tty)
{
	EXPECT_ERR(ioctl(bare_vm()->fd, UNKNOWN_IOCTL, 0), ENOTTY);
}

TEST(tss_has_room_below_4g)
{
	struct vmm *vmm = bare_vm();

	EXPECT_ERR(ioctl(vmm->fd, KVM_SET_TSS_ADDR, 0xffffe000ul), EINVAL);
	EXPECT_OK(ioctl(vmm->fd, KVM_SET_TSS_ADDR, 0xfffbd000ul));
}

TEST(identity_map_comes_before_vcpus)
{
	struct vmm *vmm = bare_vm();
	u64 addr = 0xfeffc000;

	EXPECT_ERR(ioctl(vmm->fd, KVM_SET_IDENTITY_MAP_ADDR, BAD_POINTER), EFAULT);
	EXPECT_OK(ioctl(vmm->fd, KVM_SET_IDENTITY_MAP_ADDR, &addr));
	vmm_add_vcpu(vmm);
	EXPECT_ERR(ioctl(vmm->fd, KVM_SET_IDENTITY_MAP_ADDR, &addr), EINVAL);
}

TEST(mmu_pages_have_a_minimum)
{
	struct vmm *vmm = bare_vm();

	EXPECT_ERR(ioctl(vmm->fd, KVM_SET_NR_MMU_PAGES, 10), EINVAL);
	EXPECT_OK(ioctl(vmm->fd, KVM_SET_NR_MMU_PAGES, 1000));
	if (vmm_check(vmm->dev, NVMX_CAP_VERSION))	/* KVM 6.12 has it no more */
		EXPECT_EQ(ioctl(vmm->fd, KVM_GET_NR_MMU_PAGES, 0), 1000);
}

TEST(gsi_routes_need_an_irqchip)
{
	struct kvm_irq_routing table = { .nr = 0 };
	struct vmm *vmm = bare_vm();

	EXPECT(vmm_check(vmm->fd, KVM_CAP_IRQ_ROUTING) > 0);
	EXPECT_ERR(ioctl(vmm->fd, KVM_SET_GSI_ROUTING, BAD_POINTER), EFAULT);
	EXPECT_ERR(ioctl(vmm->fd, KVM_SET_GSI_ROUTING, &table), EINVAL);
}

TEST(enable_cap_refuses_what_it_does_not_know)
{
	struct kvm_enable_cap c = { .cap = KVM_CAP_EXCEPTION_PAYLOAD, .flags = 1 };
	struct vmm *vmm = bare_vm();

	EXPECT_ERR(ioctl(vmm->fd, KVM_ENABLE_CAP, BAD_POINTER), EFAULT);
	EXPECT_ERR(ioctl(vmm->fd, KVM_ENABLE_CAP, &c), EINVAL);
	EXPECT_ERR(enable_cap(vmm, 0x7fffffff, 0), EINVAL);
	EXPECT_ERR(enable_cap(vmm, KVM_CAP_USER_MEMORY, 0), EINVAL);
	EXPECT_OK(enable_cap(vmm, KVM_CAP_EXCEPTION_PAYLOAD, 1));
	EXPECT_OK(enable_cap(vmm, KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1));
}

TEST(enable_cap_checks_its_argument)
{
	struct vmm *vmm = bare_vm();
	u64 quirks = vmm_check(vmm->fd, KVM_CAP_DISABLE_QUIRKS2);

	EXPECT_ERR(enable_cap(vmm, KVM_CAP_X86_USER_SPACE_MSR, 8), EINVAL);
	EXPECT_OK(enable_cap(vmm, KVM_CAP_X86_USER_SPACE_MSR, 7));
	EXPECT_ERR(enable_cap(vmm, KVM_CAP_DISABLE_QUIRKS2, BIT_ULL(62)), EINVAL);
	EXPECT_OK(enable_cap(vmm, KVM_CAP_DISABLE_QUIRKS2, quirks));
	EXPECT_ERR(enable_cap(vmm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 2), EINVAL);
	EXPECT_ERR(enable_cap(vmm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 4), EINVAL);
	EXPECT_OK(enable_cap(vmm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 3));
}

TEST(vcpu_enable_cap_refuses_what_it_does_not_know)
{
	struct kvm_enable_cap c = { .cap = 0x7fffffff };

	EXPECT_ERR(ioctl(idle_vcpu()->fd, KVM_ENABLE_CAP, &c), EINVAL);
}

TEST(max_vcpu_id_is_set_once)
{
	struct vmm *vmm = bare_vm();
	int max = vmm_check(vmm->fd, KVM_CAP_MAX_VCPU_ID);

	EXPECT_ERR(enable_cap(vmm, KVM_CAP_MAX_VCPU_ID, max + 1), EINVAL);
	EXPECT_ERR(enable_cap(vmm, KVM_CAP_MAX_VCPU_ID, ~0ull), EINVAL);
	EXPECT_OK(enable_cap(vmm, KVM_CAP_MAX_VCPU_ID, 2));
	EXPECT_ERR(enable_cap(vmm, KVM_CAP_MAX_VCPU_ID, 3), EINVAL);
	EXPECT_OK(enable_cap(vmm, KVM_CAP_MAX_VCPU_ID, 2));
	EXPECT_ERR(ioctl(vmm->fd, KVM_CREATE_VCPU, 2), EINVAL);
	EXPECT_OK(ioctl(vmm->fd, KVM_CREATE_VCPU, 1));
}

TEST(vcpu_ids_are_unique_and_bounded)
{
	struct vmm *vmm = bare_vm();
	int max = vmm_check(vmm->fd, KVM_CAP_MAX_VCPU_ID);

	EXPECT_ERR(ioctl(vmm->fd, KVM_CREATE_VCPU, (long)max), EINVAL);
	EXPECT_OK(ioctl(vmm->fd, KVM_CREATE_VCPU, (long)max - 1));
	EXPECT_ERR(ioctl(vmm->fd, KVM_CREATE_VCPU, (long)max - 1), EEXIST);
	EXPECT_OK(ioctl(vmm->fd, KVM_CREATE_VCPU, 0));
}

TEST(all_vcpus_can_be_created)
{
	struct vmm *vmm = bare_vm();
	int i, max = vmm_check(vmm->fd, KVM_CAP_MAX_VCPUS);

	ONLY_NVMX();		/* KVM has a thousand, and files are limited to as many */
	for (i = 0; i < max; i++)
		EXPECT_OK(ioctl(vmm->fd, KVM_CREATE_VCPU, (long)i));
	EXPECT_ERR(ioctl(vmm->fd, KVM_CREATE_VCPU, (long)max), EINVAL);
}

TEST(clock_can_be_set)
{
	struct kvm_clock_data c = { .clock = 123456789000ull };
	struct vmm *vmm = bare_vm();
	u64 first;

	EXPECT_OK(ioctl(vmm->fd, KVM_SET_CLOCK, &c));
	memset(&c, 0xff, sizeof(c));
	EXPECT_OK(ioctl(vmm->fd, KVM_GET_CLOCK, &c));
	first = c.clock;
	EXPECT(first >= 123456789000ull && first < 133456789000ull);
	EXPECT_OK(ioctl(vmm->fd, KVM_GET_CLOCK, &c));
	EXPECT(c.clock >= first);
	EXPECT_EQ(c.pad[0], 0);
	c.flags = BIT_ULL(31);
	EXPECT_ERR(ioctl(vmm->fd, KVM_SET_CLOCK, &c), EINVAL);
	EXPECT_ERR(ioctl(vmm->fd, KVM_GET_CLOCK, BAD_POINTER), EFAULT);
}

TEST(vm_tsc_frequency_is_that_of_new_vcpus)
{
	struct vmm *vmm = vmm_create(0);
	struct vmm_vcpu *v;
	int khz = ioctl(vmm->fd, KVM_GET_TSC_KHZ, 0);

	EXPECT(khz > 0);
	v = vmm_add_vcpu(vmm);
	EXPECT_EQ(ioctl(v->fd, KVM_GET_TSC_KHZ, 0), khz);
}

TEST(vcpu_tsc_frequency_follows_scaling)
{
	struct vmm_vcpu *v = idle_vcpu();
	int khz = ioctl(v->fd, KVM_GET_TSC_KHZ, 0);

	EXPECT_OK(ioctl(v->fd, KVM_SET_TSC_KHZ, (long)khz));
	if (vmm_check(v->vmm->fd, KVM_CAP_TSC_CONTROL) < 1)
		SKIP("no KVM_CAP_TSC_CONTROL");
	EXPECT_OK(ioctl(v->fd, KVM_SET_TSC_KHZ, (long)khz / 2));
	EXPECT_EQ(ioctl(v->fd, KVM_GET_TSC_KHZ, 0), khz / 2);
	EXPECT_OK(ioctl(v->fd, KVM_SET_TSC_KHZ, 0));
	EXPECT_EQ(ioctl(v->fd, KVM_GET_TSC_KHZ, 0), khz);
}

TEST(kvmclock_ctrl_needs_a_kvmclock)
{
	EXPECT_ERR(ioctl(idle_vcpu()->fd, KVM_KVMCLOCK_CTRL, 0), EINVAL);
}
