// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs, CPUID, FPU, XSAVE and XCR0 of a vCPU, and machine checks.
 */
#include "api.h"

#define MSR_SYSENTER_CS	0x174
#define MSR_MC0_STATUS	0x401
#define MSR_UNKNOWN	0xdeadbeef

struct msrs {
	struct kvm_msrs head;
	struct kvm_msr_entry entry[256];
};

struct cpuid {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[VMM_MAX_CPUID];
};

TEST(msr_round_trip)
{
	struct vmm_vcpu *v = idle_vcpu();
	u64 val;

	EXPECT_EQ(set_msr(v, MSR_SYSENTER_CS, 0x10), 1);
	EXPECT_EQ(get_msr(v, MSR_SYSENTER_CS, &val), 1);
	EXPECT_EQ(val, 0x10);
}

TEST(msrs_stop_at_the_first_bad_one)
{
	struct msrs m = { .head.nmsrs = 3, .entry = {
		{ .index = MSR_SYSENTER_CS, .data = 8 }, { .index = MSR_UNKNOWN },
		{ .index = MSR_SYSENTER_CS, .data = 16 } } };
	struct vmm_vcpu *v = idle_vcpu();
	u64 val;

	EXPECT_EQ(ioctl(v->fd, KVM_SET_MSRS, &m), 1);
	EXPECT_EQ(get_msr(v, MSR_SYSENTER_CS, &val), 1);
	EXPECT_EQ(val, 8);
	EXPECT_EQ(ioctl(v->fd, KVM_GET_MSRS, &m), 1);
	EXPECT_EQ(m.entry[0].data, 8);
	EXPECT_EQ(get_msr(v, MSR_UNKNOWN, &val), 0);
}

TEST(msr_lists_have_a_limit)
{
	struct msrs m = { .head.nmsrs = 256 };
	struct vmm_vcpu *v = idle_vcpu();

	EXPECT_ERR(ioctl(v->fd, KVM_GET_MSRS, &m), E2BIG);
	m.head.nmsrs = 0;
	EXPECT_EQ(ioctl(v->fd, KVM_GET_MSRS, &m), 0);
	EXPECT_ERR(ioctl(v->fd, KVM_GET_MSRS, BAD_POINTER), EFAULT);
}

/* What QEMU and migration do: read everything, write everything to a new vCPU. */
TEST(every_listed_msr_reads_and_writes_back)
{
	struct {
		struct kvm_msr_list head;
		u32 index[512];
	} l = { .head.nmsrs = 512 };
	struct vmm_vcpu *v = idle_vcpu();
	u64 val;
	u32 i;

	EXPECT_OK(ioctl(v->vmm->dev, KVM_GET_MSR_INDEX_LIST, &l));
	for (i = 0; i < l.head.nmsrs; i++) {
		/* KVM's own: some can be written only with an APIC in the kernel. */
		if (l.index[i] >> 8 == 0x4b564d)
			continue;
		if (get_msr(v, l.index[i], &val) != 1 || set_msr(v, l.index[i], val) != 1)
			printf("# MSR 0x%x\n", l.index[i]);
		EXPECT_EQ(get_msr(v, l.index[i], &val), 1);
		EXPECT_EQ(set_msr(v, l.index[i], val), 1);
	}
}

/* What vmm_add_vcpu() has set; KVM before 6.2 does not say how many entries those are. */
static void get_cpuid(struct vmm_vcpu *v, struct cpuid *c)
{
	c->head.nent = VMM_MAX_CPUID;
	EXPECT_OK(ioctl(v->vmm->dev, KVM_GET_SUPPORTED_CPUID, c));
	EXPECT_OK(ioctl(v->fd, KVM_GET_CPUID2, c));
}

TEST(cpuid_round_trip)
{
	static struct cpuid in, out;
	struct vmm_vcpu *v = idle_vcpu();

	EXPECT_ERR(ioctl(v->fd, KVM_GET_CPUID2, &in), E2BIG);
	get_cpuid(v, &in);
	EXPECT_OK(ioctl(v->fd, KVM_SET_CPUID2, &in));
	out.head.nent = in.head.nent;
	EXPECT_OK(ioctl(v->fd, KVM_GET_CPUID2, &out));
	EXPECT(!memcmp(&in, &out, sizeof(in)));
	in.head.nent = 1000;
	EXPECT_ERR(ioctl(v->fd, KVM_SET_CPUID2, &in), E2BIG);
	EXPECT_ERR(ioctl(v->fd, KVM_SET_CPUID2, BAD_POINTER), EFAULT);
}

TEST(cpuid_is_frozen_by_the_first_run)
{
	static struct cpuid c;
	struct vmm_vcpu *v = idle_vcpu();

	get_cpuid(v, &c);
	EXPECT_EQ(run(v), KVM_EXIT_HLT);
	EXPECT_OK(ioctl(v->fd, KVM_SET_CPUID2, &c));
	c.entry[0].eax--;
	EXPECT_ERR(ioctl(v->fd, KVM_SET_CPUID2, &c), EINVAL);
}

TEST(fpu_round_trip)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_fpu in = { .fcw = 0x27f, .mxcsr = 0x1fa0 }, out;
	u32 i;

	for (i = 0; i < sizeof(in.xmm); i++)
		((u8 *)in.xmm)[i] = i;
	in.fpr[0][0] = 0x55;
	in.ftwx = 1;
	EXPECT_OK(ioctl(v->fd, KVM_SET_FPU, &in));
	memset(&out, 0xff, sizeof(out));
	EXPECT_OK(ioctl(v->fd, KVM_GET_FPU, &out));
	EXPECT_EQ(out.fcw, in.fcw);
	EXPECT_EQ(out.ftwx, in.ftwx);
	EXPECT_EQ(out.fpr[0][0], 0x55);
	EXPECT(!memcmp(in.xmm, out.xmm, sizeof(in.xmm)));
	EXPECT_EQ(run(v), KVM_EXIT_HLT);
	EXPECT_OK(ioctl(v->fd, KVM_GET_FPU, &out));
	EXPECT(!memcmp(in.xmm, out.xmm, sizeof(in.xmm)));
}

TEST(fresh_fpu)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_fpu f;

	EXPECT_OK(ioctl(v->fd, KVM_GET_FPU, &f));
	EXPECT_EQ(f.fcw, 0x37f);
}

#define XSAVE_MXCSR	(24 / 4)
#define XSAVE_XMM	(160 / 4)
#define XSAVE_HEADER	(512 / 4)

TEST(xsave_round_trip)
{
	static struct kvm_xsave in, out;
	struct vmm_vcpu *v = idle_vcpu();

	EXPECT_OK(ioctl(v->fd, KVM_GET_XSAVE, &in));
	in.region[XSAVE_XMM] = 0xabcdef;
	in.region[XSAVE_HEADER] |= 3;
	EXPECT_OK(ioctl(v->fd, KVM_SET_XSAVE, &in));
	memset(&out, 0xff, sizeof(out));
	EXPECT_OK(ioctl(v->fd, KVM_GET_XSAVE, &out));
	EXPECT_EQ(out.region[XSAVE_XMM], 0xabcdef);
	EXPECT_EQ(out.region[1023], 0);
	if (vmm_check(v->vmm->dev, KVM_CAP_XSAVE2) == sizeof(out)) {
		EXPECT_OK(ioctl(v->fd, KVM_GET_XSAVE2, &in));
		EXPECT(!memcmp(&in, &out, sizeof(in)));
	}
}

TEST(xsave_refuses_reserved_bits)
{
	static struct kvm_xsave x, bad;
	struct vmm_vcpu *v = idle_vcpu();

	EXPECT_OK(ioctl(v->fd, KVM_GET_XSAVE, &x));
	bad = x;
	bad.region[XSAVE_HEADER + 1] = 1u << 30;
	EXPECT_ERR(ioctl(v->fd, KVM_SET_XSAVE, &bad), EINVAL);
	bad = x;
	bad.region[XSAVE_HEADER] |= 3;
	bad.region[XSAVE_MXCSR] |= 1u << 31;
	EXPECT_ERR(ioctl(v->fd, KVM_SET_XSAVE, &bad), EINVAL);
	EXPECT_ERR(ioctl(v->fd, KVM_SET_XSAVE, BAD_POINTER), EFAULT);
}

/* KVM leaves MXCSR out of both ioctls. */
TEST(fpu_has_mxcsr)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_fpu f;

	ONLY_NVMX();
	EXPECT_OK(ioctl(v->fd, KVM_GET_FPU, &f));
	EXPECT_EQ(f.mxcsr, 0x1f80);
	f.mxcsr = 0x1fa0;
	EXPECT_OK(ioctl(v->fd, KVM_SET_FPU, &f));
	EXPECT_EQ(run(v), KVM_EXIT_HLT);
	EXPECT_OK(ioctl(v->fd, KVM_GET_FPU, &f));
	EXPECT_EQ(f.mxcsr, 0x1fa0);
	f.mxcsr = 1u << 31;
	EXPECT_ERR(ioctl(v->fd, KVM_SET_FPU, &f), EINVAL);
}

TEST(xcr0)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_xcrs x = { .nr_xcrs = 0 };

	NEEDS(KVM_CAP_XCRS);
	EXPECT_OK(ioctl(v->fd, KVM_GET_XCRS, &x));
	EXPECT_EQ(x.nr_xcrs, 1);
	EXPECT_EQ(x.xcrs[0].value, 1);
	x.xcrs[0].value = 3;
	EXPECT_OK(ioctl(v->fd, KVM_SET_XCRS, &x));
	x.xcrs[0].value = 2;		/* x87 is always on */
	EXPECT_ERR(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
	x.xcrs[0].value = BIT_ULL(62) | 3;
	EXPECT_ERR(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
	x.xcrs[0].value = 3;
	x.flags = 1;
	EXPECT_ERR(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
	x.flags = 0;
	x.nr_xcrs = KVM_MAX_XCRS + 1;
	EXPECT_ERR(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
	memset(&x, 0xff, sizeof(x));
	EXPECT_OK(ioctl(v->fd, KVM_GET_XCRS, &x));
	EXPECT_EQ(x.xcrs[0].value, 3);
}

static int setup_mce(struct vmm_vcpu *v, u64 cap)
{
	return ioctl(v->fd, KVM_X86_SETUP_MCE, &cap);
}

TEST(mce_banks_are_set_up)
{
	struct vmm_vcpu *v = idle_vcpu();

	EXPECT_ERR(setup_mce(v, 0x100), EINVAL);
	EXPECT_ERR(setup_mce(v, 0x100 | 33), EINVAL);
	EXPECT_ERR(setup_mce(v, BIT_ULL(40) | 10), EINVAL);
	EXPECT_OK(setup_mce(v, 0x100 | 10));
	EXPECT_EQ(set_msr(v, 0x17b, ~0ull), 1);
	EXPECT_EQ(set_msr(v, 0x400 + 4 * 9, ~0ull), 1);
}

TEST(bank_control_2_comes_with_cmci)
{
	struct vmm_vcpu *v = idle_vcpu();

	EXPECT_OK(setup_mce(v, 0x100 | 10));
	EXPECT_EQ(set_msr(v, 0x287, BIT_ULL(30)), 0);
	EXPECT_EQ(set_msr(v, 0x287, 0), 1);
	EXPECT_OK(setup_mce(v, 0x500 | 10));
	EXPECT_EQ(set_msr(v, 0x287, BIT_ULL(30) | 0x7fff), 1);
	EXPECT_EQ(set_msr(v, 0x287, BIT_ULL(29)), 0);
	EXPECT_EQ(set_msr(v, 0x280 + 10, 0), 0);
}

TEST(corrected_error_is_logged)
{
	struct kvm_x86_mce m = { .status = BIT_ULL(63) | 0x17, .addr = 0x5000, .bank = 3 };
	struct vmm_vcpu *v = idle_vcpu();
	u64 val;

	EXPECT_OK(setup_mce(v, 0x100 | 10));
	EXPECT_OK(ioctl(v->fd, KVM_X86_SET_MCE, &m));
	EXPECT_EQ(get_msr(v, MSR_MC0_STATUS + 4 * 3, &val), 1);
	EXPECT_EQ(val, m.status);
	EXPECT_OK(ioctl(v->fd, KVM_X86_SET_MCE, &m));
	EXPECT_EQ(get_msr(v, MSR_MC0_STATUS + 4 * 3, &val), 1);
	EXPECT_EQ(val, m.status | BIT_ULL(62));		/* overflow */
	m.bank = 10;
	EXPECT_ERR(ioctl(v->fd, KVM_X86_SET_MCE, &m), EINVAL);
	m.bank = 3;
	m.status = 0x17;
	EXPECT_ERR(ioctl(v->fd, KVM_X86_SET_MCE, &m), EINVAL);
}
