// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_NESTED_STATE and KVM_SET_NESTED_STATE of a vCPU that is not in L2: sizes and refusals, in
 * the order in which KVM checks.
 */
#include "api.h"

#define NO_PA		(~0ull)
#define VMXON_PA	0x200000ull
#define VMCS12_PA	0x201000ull
#define REVISION	0x11e57ed0u
#define ROOM		(128 + 2 * 4096)

union blob {
	struct kvm_nested_state s;
	u8 bytes[ROOM + 16];
};

static union blob *fresh(void)
{
	static union blob b;

	memset(&b, 0, sizeof(b));
	b.s.size = ROOM;
	b.s.hdr.vmx.vmxon_pa = NO_PA;
	b.s.hdr.vmx.vmcs12_pa = NO_PA;
	return &b;
}

static union blob *in_vmx(void)
{
	union blob *b = fresh();

	b->s.hdr.vmx.vmxon_pa = VMXON_PA;
	b->s.hdr.vmx.vmcs12_pa = VMCS12_PA;
	memcpy(b->s.data.vmx[0].vmcs12, &(u32){ REVISION }, sizeof(u32));
	return b;
}

static struct vmm_vcpu *vmx_vcpu(void)
{
	struct vmm_vcpu *v = idle_vcpu();
	u64 val;

	if (vmm_check(v->vmm->dev, KVM_CAP_NESTED_STATE) < 1 || get_msr(v, 0x480, &val) != 1)
		SKIP("no nested VMX");
	return v;
}

static int set_state(struct vmm_vcpu *v, union blob *b)
{
	return ioctl(v->fd, KVM_SET_NESTED_STATE, b);
}

#define REFUSED(v, make, change) do {					\
	union blob *b = make();						\
	change;								\
	EXPECT_ERR(set_state(v, b), EINVAL);				\
} while (0)

TEST(nested_state_says_its_size)
{
	struct vmm_vcpu *v = vmx_vcpu();
	union blob *b = fresh();

	EXPECT_EQ(vmm_check(v->vmm->dev, KVM_CAP_NESTED_STATE), ROOM);
	b->s.size = 8;
	EXPECT_ERR(ioctl(v->fd, KVM_GET_NESTED_STATE, b), E2BIG);
	EXPECT_EQ(b->s.size, 128);
	EXPECT_OK(ioctl(v->fd, KVM_GET_NESTED_STATE, b));
	EXPECT_EQ(b->s.size, 128);
	EXPECT_EQ(b->s.flags, 0);
	EXPECT_EQ(b->s.format, 0);
	EXPECT_EQ(b->s.hdr.vmx.vmxon_pa, NO_PA);
	EXPECT_EQ(b->s.hdr.vmx.vmcs12_pa, NO_PA);
	EXPECT_ERR(ioctl(v->fd, KVM_GET_NESTED_STATE, BAD_POINTER), EFAULT);
	EXPECT_ERR(ioctl(v->fd, KVM_SET_NESTED_STATE, BAD_POINTER), EFAULT);
}

TEST(empty_nested_state_is_taken)
{
	struct vmm_vcpu *v = vmx_vcpu();

	EXPECT_OK(set_state(v, fresh()));
	EXPECT_EQ(run(v), KVM_EXIT_HLT);
}

TEST(nested_state_headers_that_cannot_be)
{
	struct vmm_vcpu *v = vmx_vcpu();

	REFUSED(v, fresh, b->s.size = 127);
	REFUSED(v, fresh, b->s.flags = 0x10);
	REFUSED(v, in_vmx, b->s.flags = KVM_STATE_NESTED_RUN_PENDING);
	REFUSED(v, fresh, b->s.format = 1);
	REFUSED(v, fresh, b->s.hdr.vmx.smm.flags = 1);
	REFUSED(v, fresh, b->s.hdr.vmx.vmcs12_pa = VMCS12_PA);
	REFUSED(v, fresh, b->s.flags = KVM_STATE_NESTED_GUEST_MODE);
	REFUSED(v, in_vmx, b->s.hdr.vmx.vmxon_pa = 1);
	REFUSED(v, in_vmx, b->s.hdr.vmx.vmxon_pa = 1ull << 63);
	REFUSED(v, in_vmx, b->s.hdr.vmx.smm.flags = 4);
	REFUSED(v, in_vmx, b->s.hdr.vmx.smm.flags = 2);
	REFUSED(v, in_vmx, b->s.hdr.vmx.flags = 2);
}

TEST(nested_state_bodies_that_cannot_be)
{
	struct vmm_vcpu *v = vmx_vcpu();

	REFUSED(v, in_vmx, b->s.size = 128);
	REFUSED(v, in_vmx, b->s.hdr.vmx.vmcs12_pa = VMXON_PA);
	REFUSED(v, in_vmx, b->s.hdr.vmx.vmcs12_pa = VMCS12_PA + 1);
	REFUSED(v, in_vmx, b->s.hdr.vmx.vmcs12_pa = NO_PA);
	REFUSED(v, in_vmx, b->s.data.vmx[0].vmcs12[0] ^= 1);
	REFUSED(v, in_vmx, b->s.flags = KVM_STATE_NESTED_GUEST_MODE);	/* an empty vmcs12 */
}

TEST(nested_state_round_trip)
{
	struct vmm_vcpu *v = vmx_vcpu();
	union blob *b = in_vmx();
	struct kvm_sregs s;

	get_sregs(v, &s);
	s.cr4 |= BIT_ULL(13);			/* VMXE */
	EXPECT_OK(ioctl(v->fd, KVM_SET_SREGS, &s));
	EXPECT_OK(set_state(v, b));
	memset(b, 0xff, sizeof(*b));
	b->s.size = ROOM;
	EXPECT_OK(ioctl(v->fd, KVM_GET_NESTED_STATE, b));
	EXPECT(b->s.size >= 128 + 4096);
	EXPECT_EQ(b->s.hdr.vmx.vmxon_pa, VMXON_PA);
	EXPECT_EQ(b->s.hdr.vmx.vmcs12_pa, VMCS12_PA);
	EXPECT(!memcmp(b->s.data.vmx[0].vmcs12, &(u32){ REVISION }, sizeof(u32)));
	EXPECT_EQ(b->bytes[ROOM], 0xff);

	/* While in VMX operation, CR4.VMXE stays. */
	s.cr4 &= ~BIT_ULL(13);
	EXPECT_ERR(ioctl(v->fd, KVM_SET_SREGS, &s), EINVAL);
	EXPECT_OK(set_state(v, fresh()));
	EXPECT_OK(ioctl(v->fd, KVM_SET_SREGS, &s));
}

/* The rule that a refused state breaks is told, and asking changes nothing. */
TEST(nested_state_verdicts)
{
	struct vmm_vcpu *v = vmx_vcpu();
	union blob *b = in_vmx();
	struct nvmx_nested_check c = { .state = (uintptr_t)b };
	struct nvmx_nested_verdict last;

	ONLY_NVMX();
	EXPECT_OK(ioctl(v->fd, NVMX_CHECK_NESTED_STATE, &c));
	EXPECT_EQ(c.verdict.error, 0);
	b->s.hdr.vmx.vmcs12_pa = VMXON_PA;
	EXPECT_OK(ioctl(v->fd, NVMX_CHECK_NESTED_STATE, &c));
	EXPECT_EQ(c.verdict.error, -EINVAL);
	EXPECT_EQ(c.verdict.rule, NVMX_NESTED_VMCS12_PA);
	EXPECT(!strcmp(c.verdict.what, "vmcs12_pa"));
	EXPECT_OK(ioctl(v->fd, NVMX_GET_NESTED_VERDICT, &last));
	EXPECT_EQ(last.rule, NVMX_NESTED_ACCEPTED);

	b = in_vmx();
	b->s.flags = KVM_STATE_NESTED_GUEST_MODE;	/* an empty vmcs12 */
	EXPECT_ERR(set_state(v, b), EINVAL);
	EXPECT_OK(ioctl(v->fd, NVMX_GET_NESTED_VERDICT, &last));
	EXPECT_EQ(last.rule, NVMX_NESTED_CHECK);
	EXPECT(!strcmp(last.what, "pin_based_controls"));
	c.state = 8;
	EXPECT_OK(ioctl(v->fd, NVMX_CHECK_NESTED_STATE, &c));
	EXPECT_EQ(c.verdict.error, -EFAULT);
	EXPECT_ERR(ioctl(v->fd, NVMX_CHECK_NESTED_STATE, BAD_POINTER), EFAULT);
}
