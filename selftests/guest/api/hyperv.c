// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Hyper-V interface: what CPUID gives, MSRs, hypercalls and time.
 */
#include <sys/eventfd.h>

#include "hyperv.h"

#define OFF_MEMORY	0x100000000ull

#define HYPERCALL	0x40000001u
#define VP_INDEX	0x40000002u
#define RESET		0x40000003u
#define TSC_FREQUENCY	0x40000022u
#define CRASH_CTL	0x40000105u

#define LONG_SPIN	8
#define SEND_IPI	11
#define SIGNAL_EVENT	0x5d
#define FAST		0x10000

#define INVALID_CODE	2
#define INVALID_INPUT	3
#define INVALID_ALIGNMENT 4

/* WRMSR of RDI to the number in RSI, then RDMSR to RBX; at offset 0x100 the handler of #GP. */
PAYLOAD(hv_touch, "mov %esi, %ecx; mov %edi, %eax; mov %rdi, %rdx; shr $32, %rdx; wrmsr\n"
	"rdmsr; shl $32, %rdx; mov %eax, %ebx; or %rdx, %rbx\n"
	PAYLOAD_DONE ".org hv_touch + 0x100\n"
	"mov $0x501, %dx; mov $13, %al; out %al, %dx\n1: hlt; jmp 1b\n");

/* VMCALL with the control in RSI and the input in RDI. */
PAYLOAD(hv_call, "mov %rsi, %rcx; mov %rdi, %rdx; xor %r8, %r8; vmcall; mov %rax, %rbx\n"
	PAYLOAD_DONE);

static const struct kvm_cpuid_entry2 hv_leaves[] = {
	{ .function = 0x40000000, .eax = 0x40000005 },
	{ .function = 0x40000001, .eax = 0x31237648 },
};

/* Hyper-V's leaves beside what a vCPU has already. */
void show_hyperv(struct vmm_vcpu *v)
{
	struct { struct kvm_cpuid2 head; struct kvm_cpuid_entry2 e[100]; } c;

	c.head.nent = 98;
	EXPECT_OK(ioctl(vmm_open(), KVM_GET_SUPPORTED_CPUID, &c));
	EXPECT(c.head.nent < 98);
	memcpy(&c.e[c.head.nent], hv_leaves, sizeof(hv_leaves));
	/* KVM's own leaves have the same numbers. */
	for (u32 i = 0; i < c.head.nent; i++)
		if (c.e[i].function >> 16 == 0x4000)
			c.e[i].function |= 0x100;
	c.head.nent += 2;
	EXPECT_OK(ioctl(v->fd, KVM_SET_CPUID2, &c));
}

static struct vmm_vcpu *boot_touch(void)
{
	struct vmm_vcpu *v = BOOT(hv_touch);

	set_gate(v->vmm, 13, VMM_LOAD_GPA + 0x100);
	return v;
}

static struct vmm_vcpu *boot_call(void)
{
	struct vmm_vcpu *v = BOOT(hv_call);

	show_hyperv(v);
	EXPECT_EQ(set_msr(v, GUEST_OS_ID, LINUX_ID), 1);
	return v;
}

static u64 call(struct vmm_vcpu *v, u64 control, u64 input)
{
	u64 rbx;

	EXPECT_EQ(call_guest(v, control, input, &rbx), 0);
	return rbx;
}

TEST(hyperv_has_ten_leaves)
{
	struct { struct kvm_cpuid2 head; struct kvm_cpuid_entry2 e[12]; } c;
	struct vmm_vcpu *v = idle_vcpu();

	NEEDS(KVM_CAP_HYPERV_CPUID);
	c.head.nent = 9;
	EXPECT_ERR(ioctl(v->fd, KVM_GET_SUPPORTED_HV_CPUID, &c), E2BIG);
	EXPECT_ERR(ioctl(v->fd, KVM_GET_SUPPORTED_HV_CPUID, BAD_POINTER), EFAULT);
	c.head.nent = 12;
	EXPECT_OK(ioctl(v->fd, KVM_GET_SUPPORTED_HV_CPUID, &c));
	EXPECT_EQ(c.head.nent, 10);
	EXPECT_EQ(c.e[1].eax, hv_leaves[1].eax);
}

TEST(hyperv_msrs_need_their_leaf)
{
	struct vmm_vcpu *v = boot_touch();
	u64 val;

	EXPECT_EQ(call_guest(v, GUEST_OS_ID, LINUX_ID, &val), 13);
	v = boot_touch();
	show_hyperv(v);
	EXPECT_EQ(call_guest(v, GUEST_OS_ID, LINUX_ID, &val), 0);
	EXPECT_EQ(val, LINUX_ID);
}

TEST(hyperv_enforces_features_when_asked_to)
{
	struct kvm_enable_cap c = { .cap = KVM_CAP_HYPERV_ENFORCE_CPUID, .args = { 1 } };
	struct vmm_vcpu *v = boot_touch();
	u64 val;

	show_hyperv(v);
	EXPECT_OK(ioctl(v->fd, KVM_ENABLE_CAP, &c));
	EXPECT_EQ(call_guest(v, GUEST_OS_ID, LINUX_ID, &val), 13);
	EXPECT_EQ(set_msr(v, GUEST_OS_ID, LINUX_ID), 1);	/* user space is not bound */
}

TEST(hypercall_page_is_code)
{
	static const u8 code[] = { 0x0f, 0x01, 0xc1, 0xc3 };
	struct vmm_vcpu *v = boot_touch();
	u64 val;

	show_hyperv(v);
	EXPECT_EQ(call_guest(v, HYPERCALL, PAGE_GPA | 1, &val), 0);
	EXPECT_EQ(val, 0);					/* no guest has said its name */
	EXPECT_EQ(set_msr(v, GUEST_OS_ID, LINUX_ID), 1);
	EXPECT_EQ(call_guest(v, HYPERCALL, OFF_MEMORY | 1, &val), 13);
	EXPECT_EQ(call_guest(v, HYPERCALL, PAGE_GPA | 1, &val), 0);
	EXPECT(!memcmp(v->vmm->mem + PAGE_GPA, code, sizeof(code)));
}

TEST(vp_index_is_user_spaces)
{
	struct vmm_vcpu *v = boot_touch();
	u64 val;

	show_hyperv(v);
	EXPECT_EQ(call_guest(v, VP_INDEX, 1, &val), 13);
	EXPECT_EQ(set_msr(v, VP_INDEX, 1u << 20), 0);
	EXPECT_EQ(set_msr(v, VP_INDEX, 3), 1);
	EXPECT_EQ(get_msr(v, VP_INDEX, &val), 1);
	EXPECT_EQ(val, 3);
}

TEST(reset_and_crash_are_system_events)
{
	struct vmm_vcpu *v = boot_touch();
	struct kvm_regs r;

	show_hyperv(v);
	EXPECT_OK(ioctl(v->fd, KVM_GET_REGS, &r));
	r.rip = VMM_LOAD_GPA;
	r.rsi = RESET;
	r.rdi = 1;
	EXPECT_OK(ioctl(v->fd, KVM_SET_REGS, &r));
	EXPECT_EQ(run(v), KVM_EXIT_SYSTEM_EVENT);
	EXPECT_EQ(v->run->system_event.type, KVM_SYSTEM_EVENT_RESET);
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	r.rsi = CRASH_CTL;
	r.rdi = 1ull << 63;
	EXPECT_OK(ioctl(v->fd, KVM_SET_REGS, &r));
	EXPECT_EQ(run(v), KVM_EXIT_SYSTEM_EVENT);
	EXPECT_EQ(v->run->system_event.type, KVM_SYSTEM_EVENT_CRASH);
}

TEST(reference_time_is_the_clock)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_clock_data c;
	u64 val, hz;

	EXPECT_EQ(get_msr(v, TIME_REF, &val), 1);
	EXPECT_OK(ioctl(v->vmm->fd, KVM_GET_CLOCK, &c));
	EXPECT(val * 100 <= c.clock);
	EXPECT_EQ(get_msr(v, TSC_FREQUENCY, &hz), 1);
	EXPECT_EQ(hz, ioctl(v->fd, KVM_GET_TSC_KHZ, 0) * 1000ull);
}

TEST(unknown_and_malformed_calls)
{
	struct vmm_vcpu *v = boot_call();

	EXPECT_EQ(call(v, 0xbeef, 0), INVALID_CODE);
	EXPECT_EQ(call(v, LONG_SPIN | 1u << 27, 0), INVALID_INPUT);
	EXPECT_EQ(call(v, LONG_SPIN | 1ull << 32, 0), INVALID_INPUT);
	EXPECT_EQ(call(v, LONG_SPIN, 0), 0);
	EXPECT_EQ(call(v, SEND_IPI, 0), INVALID_INPUT);		/* no APIC here */
	EXPECT_EQ(call(v, POST_MESSAGE, PAGE_GPA), INVALID_INPUT);	/* no SynIC */
}

static int hv_event(struct vmm *vmm, u32 id, int fd, u32 flags)
{
	struct kvm_hyperv_eventfd args = { .conn_id = id, .fd = fd, .flags = flags };

	return ioctl(vmm->fd, KVM_HYPERV_EVENTFD, &args);
}

TEST(events_are_bound_to_connections)
{
	struct vmm *vmm = bare_vm();
	int fd = eventfd(0, EFD_NONBLOCK);

	EXPECT_ERR(hv_event(vmm, 1, fd, 2), EINVAL);
	EXPECT_ERR(hv_event(vmm, 0x1000000, fd, 0), EINVAL);
	EXPECT_ERR(hv_event(vmm, 1, -1, 0), EBADF);
	EXPECT_ERR(hv_event(vmm, 1, fd, KVM_HYPERV_EVENTFD_DEASSIGN), ENOENT);
	EXPECT_OK(hv_event(vmm, 1, fd, 0));
	EXPECT_ERR(hv_event(vmm, 1, fd, 0), EEXIST);
	EXPECT_OK(hv_event(vmm, 1, fd, KVM_HYPERV_EVENTFD_DEASSIGN));
	EXPECT_OK(hv_event(vmm, 1, fd, 0));
}

TEST(events_are_signalled_by_hypercall)
{
	struct vmm_vcpu *v = boot_call();
	int fd = eventfd(0, EFD_NONBLOCK);
	u64 n = 0;

	EXPECT_OK(hv_event(v->vmm, 5, fd, 0));
	EXPECT_EQ(call(v, SIGNAL_EVENT | FAST, 5), 0);
	*(u64 *)(v->vmm->mem + PAGE_GPA) = 5;
	EXPECT_EQ(call(v, SIGNAL_EVENT, PAGE_GPA), 0);
	EXPECT_EQ(read(fd, &n, sizeof(n)), sizeof(n));
	EXPECT_EQ(n, 2);
	EXPECT_EQ(call(v, SIGNAL_EVENT, PAGE_GPA + 4), INVALID_ALIGNMENT);
	EXPECT_EQ(call(v, SIGNAL_EVENT | FAST, 5ull << 48), INVALID_INPUT);
}
