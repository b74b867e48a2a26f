// SPDX-License-Identifier: GPL-2.0-only
/*
 * The enlightened VMCS: who is offered it, and the nested state of one.
 */
#include "hyperv.h"

#define USE_EVMCS	0x4000u
#define VERSIONS	0x101u
#define MSR_PROC2	0x48bu
#define NOT_IN_EVMCS	((1ull << 0 | 1ull << 14) << 32)	/* APIC accesses, shadowing */

static int enable(struct vmm_vcpu *v, void *versions)
{
	struct kvm_enable_cap c = {
		.cap = KVM_CAP_HYPERV_ENLIGHTENED_VMCS, .args = { (unsigned long)versions },
	};

	return ioctl(v->fd, KVM_ENABLE_CAP, &c);
}

static u32 leaf_eax(int fd, u32 function)
{
	struct { struct kvm_cpuid2 head; struct kvm_cpuid_entry2 e[12]; } c = { .head.nent = 12 };
	u32 i;

	EXPECT_OK(ioctl(fd, KVM_GET_SUPPORTED_HV_CPUID, &c));
	for (i = 0; i < c.head.nent; i++)
		if (c.e[i].function == function)
			return c.e[i].eax;
	return 0;
}

/* Documentation/virt/kvm/api.rst, KVM_GET_SUPPORTED_HV_CPUID: the two quirks of the vCPU's. */
TEST(evmcs_is_shown_to_who_has_enabled_it)
{
	struct vmm_vcpu *v = idle_vcpu();
	u16 versions = 0;

	NEEDS(KVM_CAP_HYPERV_ENLIGHTENED_VMCS);
	EXPECT_EQ(leaf_eax(v->fd, 0x4000000a) & 0xffff, 0);
	EXPECT_EQ(leaf_eax(v->fd, 0x40000004) & USE_EVMCS, 0);
	EXPECT_ERR(enable(v, BAD_POINTER), EFAULT);
	EXPECT_OK(enable(v, &versions));
	EXPECT_EQ(versions, VERSIONS);
	EXPECT_EQ(leaf_eax(v->fd, 0x4000000a) & 0xffff, VERSIONS);
	EXPECT_EQ(leaf_eax(v->fd, 0x40000004) & USE_EVMCS, USE_EVMCS);
}

TEST(evmcs_is_shown_by_the_device)
{
	NEEDS(KVM_CAP_SYS_HYPERV_CPUID);
	EXPECT_EQ(leaf_eax(vmm_open(), 0x4000000a) & 0xffff, VERSIONS);
	EXPECT_EQ(leaf_eax(vmm_open(), 0x40000004) & USE_EVMCS, USE_EVMCS);
}

TEST(evmcs_leaves_the_hosts_msrs_alone)
{
	struct vmm_vcpu *v = idle_vcpu();
	u64 before, after;
	u16 versions;

	NEEDS(KVM_CAP_HYPERV_ENLIGHTENED_VMCS);
	EXPECT_EQ(get_msr(v, MSR_PROC2, &before), 1);
	EXPECT_OK(enable(v, &versions));
	show_hyperv(v);
	EXPECT_EQ(get_msr(v, MSR_PROC2, &after), 1);
	EXPECT_EQ(after, before);
	EXPECT_EQ(set_msr(v, MSR_PROC2, after), 1);
}

/* RDMSR of RSI to RBX. */
PAYLOAD(read_msr, "mov %esi, %ecx; rdmsr; shl $32, %rdx; mov %eax, %ebx; or %rdx, %rbx\n"
	PAYLOAD_DONE);

TEST(evmcs_has_fewer_controls)
{
	struct vmm_vcpu *v = BOOT(read_msr);
	u64 without, with;
	u16 versions;

	NEEDS(KVM_CAP_HYPERV_ENLIGHTENED_VMCS);
	show_hyperv(v);
	EXPECT_EQ(call_guest(v, MSR_PROC2, 0, &without), 0);
	EXPECT_OK(enable(v, &versions));
	EXPECT_EQ(call_guest(v, MSR_PROC2, 0, &with), 0);
	EXPECT(without & NOT_IN_EVMCS);
	EXPECT_EQ(with & NOT_IN_EVMCS, 0);
}

TEST(evmcs_in_a_nested_state)
{
	struct { struct kvm_nested_state s; u8 data[4096]; } b = { };
	struct vmm_vcpu *v = idle_vcpu();
	u16 versions;

	NEEDS(KVM_CAP_HYPERV_ENLIGHTENED_VMCS);
	b.s.size = sizeof(b);
	b.s.flags = KVM_STATE_NESTED_EVMCS;
	b.s.hdr.vmx.vmxon_pa = 0x1000;
	b.s.hdr.vmx.vmcs12_pa = ~0ull;
	*(u32 *)b.data = 0x11e57ed0;
	EXPECT_ERR(ioctl(v->fd, KVM_SET_NESTED_STATE, &b), EINVAL);
	EXPECT_OK(enable(v, &versions));
	EXPECT_OK(ioctl(v->fd, KVM_SET_NESTED_STATE, &b));
	memset(&b, 0, sizeof(b));
	b.s.size = sizeof(b);
	EXPECT_OK(ioctl(v->fd, KVM_GET_NESTED_STATE, &b));
	EXPECT_EQ(b.s.flags, KVM_STATE_NESTED_EVMCS);
	EXPECT_EQ(b.s.hdr.vmx.vmcs12_pa, ~0ull);
	b.s.size = sizeof(b.s);
	EXPECT_ERR(ioctl(v->fd, KVM_SET_NESTED_STATE, &b), EINVAL);
}
