// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest asks of KVM: its clock, its stolen time, hypercalls.
 */
#include <linux/kvm_para.h>
#include <time.h>

#include "api.h"

#define PAGE_GPA	0x200000ull
#define WALL_GPA	0x201000ull
#define OFF_MEMORY	0x100000000ull
#define TSC		0x10
#define STABLE		1
#define STOPPED		2
#define SECOND		1000000000ull

struct time_page {
	u32 version;
	u32 pad0;
	u64 tsc;
	u64 ns;
	u32 mul;
	signed char shift;
	u8 flags;
	u8 pad[2];
};

struct wall_page {
	u32 version, sec, nsec;
};

/* The TSC in RBX, again and again. */
PAYLOAD(read_tsc, "1: rdtsc; shl $32, %rdx; mov %eax, %ebx; or %rdx, %rbx\n"
	"mov $0x501, %dx; out %al, %dx; jmp 1b\n");

/* RDMSR, then WRMSR of 0, of the number in RSI; at offset 0x100 the handler of #GP. */
PAYLOAD(touch_msr, "mov %esi, %ecx; xor %eax, %eax; xor %edx, %edx; rdmsr\n"
	"xor %eax, %eax; xor %edx, %edx; mov %esi, %ecx; wrmsr\n"
	PAYLOAD_DONE ".org touch_msr + 0x100\n"
	"mov $0x501, %dx; mov $13, %al; out %al, %dx\n1: hlt; jmp 1b\n");

/* VMCALL with RAX = RSI. */
PAYLOAD(hypercall, "mov %rsi, %rax; vmcall; mov %rax, %rbx\n" PAYLOAD_DONE);

static volatile struct time_page *page_of(struct vmm *vmm, u64 gpa)
{
	return (void *)(vmm->mem + gpa);
}

static u64 rbx_after_run(struct vmm_vcpu *v)
{
	struct kvm_regs r;

	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_OK(ioctl(v->fd, KVM_GET_REGS, &r));
	return r.rbx;
}

static u64 guest_time(const volatile struct time_page *p, u64 tsc)
{
	u64 ticks = tsc - p->tsc;

	ticks = p->shift < 0 ? ticks >> -p->shift : ticks << p->shift;
	return p->ns + (u64)((__uint128_t)ticks * p->mul >> 32);
}

static struct kvm_clock_data get_clock(struct vmm *vmm)
{
	struct kvm_clock_data c;

	EXPECT_OK(ioctl(vmm->fd, KVM_GET_CLOCK, &c));
	return c;
}

static struct vmm_vcpu *with_clock(void)
{
	struct vmm_vcpu *v = BOOT(read_tsc);

	EXPECT_EQ(set_msr(v, MSR_KVM_SYSTEM_TIME_NEW, PAGE_GPA | 1), 1);
	return v;
}

static struct vmm_vcpu *second_vcpu(struct vmm *vmm)
{
	struct vmm_vcpu *v = vmm_add_vcpu(vmm);

	vmm_long_mode(v, VMM_LOAD_GPA);
	return v;
}

TEST(kvmclock_is_off_without_bit_0)
{
	struct vmm_vcpu *v = BOOT(read_tsc);

	EXPECT_EQ(set_msr(v, MSR_KVM_SYSTEM_TIME_NEW, PAGE_GPA), 1);
	rbx_after_run(v);
	EXPECT_EQ(page_of(v->vmm, PAGE_GPA)->version, 0);
}

TEST(kvmclock_page_that_is_not_memory_harms_nobody)
{
	struct vmm_vcpu *v = BOOT(read_tsc);

	EXPECT_EQ(set_msr(v, MSR_KVM_WALL_CLOCK_NEW, OFF_MEMORY), 1);
	EXPECT_EQ(set_msr(v, MSR_KVM_SYSTEM_TIME_NEW, OFF_MEMORY | 1), 1);
	rbx_after_run(v);
	EXPECT_EQ(set_msr(v, MSR_KVM_SYSTEM_TIME_NEW, ~0ull), 1);
	rbx_after_run(v);
}

TEST(kvmclock_has_two_numbers_for_each_msr)
{
	struct vmm_vcpu *v = idle_vcpu();
	u64 val;

	EXPECT_EQ(set_msr(v, MSR_KVM_SYSTEM_TIME, PAGE_GPA | 1), 1);
	EXPECT_EQ(get_msr(v, MSR_KVM_SYSTEM_TIME_NEW, &val), 1);
	EXPECT_EQ(val, PAGE_GPA | 1);
	EXPECT_EQ(set_msr(v, MSR_KVM_WALL_CLOCK_NEW, WALL_GPA), 1);
	EXPECT_EQ(get_msr(v, MSR_KVM_WALL_CLOCK, &val), 1);
	EXPECT_EQ(val, WALL_GPA);
}

TEST(kvmclock_lies_between_two_readings_of_the_vm_clock)
{
	struct vmm_vcpu *v = with_clock();
	volatile struct time_page *p = page_of(v->vmm, PAGE_GPA);
	u64 first, time, last;
	int i;

	p->version = 7;
	for (i = 0; i < 4; i++) {
		first = get_clock(v->vmm).clock;
		time = guest_time(p, rbx_after_run(v));
		last = get_clock(v->vmm).clock;
		EXPECT(first <= time && time <= last);
	}
	EXPECT(p->version > 7 && !(p->version & 1));
}

TEST(kvmclock_follows_set_clock)
{
	struct kvm_clock_data c = { .clock = 1000 * SECOND };
	struct vmm_vcpu *v = with_clock();
	u64 time;

	rbx_after_run(v);
	EXPECT_OK(ioctl(v->vmm->fd, KVM_SET_CLOCK, &c));
	time = rbx_after_run(v);
	time = guest_time(page_of(v->vmm, PAGE_GPA), time);
	EXPECT(time >= 1000 * SECOND && time < 1010 * SECOND);
}

TEST(set_clock_adds_the_time_that_passed_by_the_calendar)
{
	struct kvm_clock_data c = { .clock = 5 * SECOND, .flags = KVM_CLOCK_REALTIME };
	struct vmm *vmm = idle_vcpu()->vmm;
	struct timespec now;
	u64 real;

	clock_gettime(CLOCK_REALTIME, &now);
	real = now.tv_sec * SECOND + now.tv_nsec;
	c.realtime = real - 100 * SECOND;
	EXPECT_OK(ioctl(vmm->fd, KVM_SET_CLOCK, &c));
	EXPECT(get_clock(vmm).clock >= 105 * SECOND);
	c.realtime = real + 100 * SECOND;
	EXPECT_OK(ioctl(vmm->fd, KVM_SET_CLOCK, &c));
	EXPECT(get_clock(vmm).clock < 15 * SECOND);
}

TEST(get_clock_may_be_given_back_whole)
{
	struct vmm *vmm = idle_vcpu()->vmm;
	struct kvm_clock_data c = get_clock(vmm);

	NEEDS(KVM_CAP_ADJUST_CLOCK);
	EXPECT_EQ(vmm_check(vmm->fd, KVM_CAP_ADJUST_CLOCK),
		  KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC);
	EXPECT_OK(ioctl(vmm->fd, KVM_SET_CLOCK, &c));
	c.flags |= 1;
	EXPECT_ERR(ioctl(vmm->fd, KVM_SET_CLOCK, &c), EINVAL);
}

TEST(kvmclock_of_equal_tscs_is_stable)
{
	struct vmm_vcpu *v = with_clock(), *w = second_vcpu(v->vmm);
	volatile struct time_page *p = page_of(v->vmm, PAGE_GPA);
	u64 tsc;

	if (!(get_clock(v->vmm).flags & KVM_CLOCK_TSC_STABLE))
		SKIP("the host keeps time by another clock");
	rbx_after_run(v);
	EXPECT_EQ(p->flags, STABLE);
	EXPECT_EQ(get_msr(w, TSC, &tsc), 1);
	EXPECT_EQ(set_msr(w, TSC, tsc + (1ull << 50)), 1);
	rbx_after_run(v);
	EXPECT_EQ(p->flags, 0);
	EXPECT(!(get_clock(v->vmm).flags & KVM_CLOCK_TSC_STABLE));
}

TEST(kvmclock_of_different_tscs_never_goes_back)
{
	struct vmm_vcpu *v[2] = { with_clock() };
	volatile struct time_page *p[2];
	u64 time, last = 0, tsc;
	int i;

	v[1] = second_vcpu(v[0]->vmm);
	for (i = 0; i < 2; i++) {
		p[i] = page_of(v[0]->vmm, PAGE_GPA + i * 64);
		EXPECT_EQ(set_msr(v[i], MSR_KVM_SYSTEM_TIME_NEW, (PAGE_GPA + i * 64) | 1), 1);
		EXPECT_EQ(get_msr(v[i], TSC, &tsc), 1);
		EXPECT_EQ(set_msr(v[i], TSC, tsc + ((u64)i << 50)), 1);
		rbx_after_run(v[i]);
	}
	for (i = 0; i < 8; i++) {
		tsc = rbx_after_run(v[i & 1]);
		time = guest_time(p[i & 1], tsc);
		EXPECT(time > last);
		last = time;
	}
}

TEST(kvmclock_ctrl_marks_the_page_until_the_guest_clears_it)
{
	struct vmm_vcpu *v = with_clock();
	volatile struct time_page *p = page_of(v->vmm, PAGE_GPA);

	rbx_after_run(v);
	EXPECT(!(p->flags & STOPPED));
	EXPECT_OK(ioctl(v->fd, KVM_KVMCLOCK_CTRL, 0));
	rbx_after_run(v);
	EXPECT(p->flags & STOPPED);
	EXPECT_EQ(set_msr(v, MSR_KVM_SYSTEM_TIME_NEW, PAGE_GPA | 1), 1);
	rbx_after_run(v);
	EXPECT(p->flags & STOPPED);
	p->flags &= ~STOPPED;
	EXPECT_EQ(set_msr(v, MSR_KVM_SYSTEM_TIME_NEW, PAGE_GPA | 1), 1);
	rbx_after_run(v);
	EXPECT(!(p->flags & STOPPED));
}

TEST(wall_clock_is_when_the_vm_clock_was_0)
{
	struct vmm_vcpu *v = idle_vcpu();
	volatile struct wall_page *w = (void *)(v->vmm->mem + WALL_GPA);
	struct timespec now;

	EXPECT_EQ(set_msr(v, MSR_KVM_WALL_CLOCK_NEW, WALL_GPA), 1);
	/* Not time(): that is the second of the last tick. */
	clock_gettime(CLOCK_REALTIME, &now);
	EXPECT(w->version && !(w->version & 1));
	EXPECT(w->sec <= (u64)now.tv_sec && w->sec + 60 >= (u64)now.tv_sec);
	EXPECT(w->nsec < SECOND);
}

/* ---- stolen time ---- */

static volatile struct kvm_steal_time *with_steal_time(struct vmm_vcpu *v)
{
	EXPECT_EQ(set_msr(v, MSR_KVM_STEAL_TIME, PAGE_GPA | 1), 1);
	return (void *)(v->vmm->mem + PAGE_GPA);
}

TEST(steal_time_page_has_64_bytes_for_itself)
{
	struct vmm_vcpu *v = idle_vcpu();
	u64 val;

	EXPECT_EQ(set_msr(v, MSR_KVM_STEAL_TIME, PAGE_GPA | 2), 0);
	EXPECT_EQ(set_msr(v, MSR_KVM_STEAL_TIME, PAGE_GPA | 0x20), 0);
	with_steal_time(v);
	EXPECT_EQ(get_msr(v, MSR_KVM_STEAL_TIME, &val), 1);
	EXPECT_EQ(val, PAGE_GPA | 1);
}

TEST(steal_time_is_told_at_each_run)
{
	struct vmm_vcpu *v = BOOT(read_tsc);
	volatile struct kvm_steal_time *st = with_steal_time(v);
	u32 version;
	u64 steal;

	st->version = 3;
	rbx_after_run(v);
	version = st->version;
	steal = st->steal;
	EXPECT(version > 3 && !(version & 1));
	rbx_after_run(v);
	EXPECT(st->version > version && !(st->version & 1));
	EXPECT(st->steal >= steal);
	EXPECT_EQ(st->preempted, 0);
}

TEST(steal_time_is_off_without_bit_0)
{
	struct vmm_vcpu *v = BOOT(read_tsc);
	volatile struct kvm_steal_time *st = with_steal_time(v);

	EXPECT_EQ(set_msr(v, MSR_KVM_STEAL_TIME, PAGE_GPA), 1);
	rbx_after_run(v);
	EXPECT_EQ(st->version, 0);
	EXPECT_EQ(set_msr(v, MSR_KVM_STEAL_TIME, OFF_MEMORY | 1), 1);
	rbx_after_run(v);
}

/* Nobody may ask a vCPU that runs to flush in its absence. */
TEST(running_guest_is_not_preempted)
{
	struct vmm_vcpu *v = BOOT(read_tsc);
	volatile struct kvm_steal_time *st = with_steal_time(v);

	st->preempted = KVM_VCPU_PREEMPTED | KVM_VCPU_FLUSH_TLB;
	st->u8_pad[0] = 0x55;
	rbx_after_run(v);
	EXPECT_EQ(st->preempted, 0);
	EXPECT_EQ(st->u8_pad[0], 0x55);
}

TEST(poll_control_is_one_bit)
{
	struct vmm_vcpu *v = idle_vcpu();
	u64 val;

	EXPECT_EQ(get_msr(v, MSR_KVM_POLL_CONTROL, &val), 1);
	EXPECT_EQ(val, 1);
	EXPECT_EQ(set_msr(v, MSR_KVM_POLL_CONTROL, 2), 0);
	EXPECT_EQ(set_msr(v, MSR_KVM_POLL_CONTROL, 0), 1);
}

/* ---- what CPUID shows ---- */

static void enforce(struct vmm_vcpu *v)
{
	struct kvm_enable_cap c = { .cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID, .args = { 1 } };

	EXPECT_OK(ioctl(v->fd, KVM_ENABLE_CAP, &c));
}

/* KVM's leaves at @base, with these features and no others. */
static void show_features(struct vmm_vcpu *v, u32 base, u32 features)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 e[2];
	} c = {
		.head.nent = 2,
		.e = { { .function = base, .eax = base + 1, .ebx = 0x4b4d564b, .ecx = 0x564b4d56,
			 .edx = 0x4d }, { .function = base + 1, .eax = features } },
	};

	EXPECT_OK(ioctl(v->fd, KVM_SET_CPUID2, &c));
}

static u64 rbx_of(struct vmm_vcpu *v, u64 rsi)
{
	struct kvm_regs r;

	EXPECT_OK(ioctl(v->fd, KVM_GET_REGS, &r));
	r.rip = VMM_LOAD_GPA;
	r.rsi = rsi;
	EXPECT_OK(ioctl(v->fd, KVM_SET_REGS, &r));
	return rbx_after_run(v);
}

static int touch(struct vmm_vcpu *v, u32 msr)
{
	rbx_of(v, msr);
	return *(u8 *)io_data(v);
}

static const u32 pv_msrs[] = { MSR_KVM_WALL_CLOCK, MSR_KVM_SYSTEM_TIME, MSR_KVM_WALL_CLOCK_NEW,
			       MSR_KVM_SYSTEM_TIME_NEW, MSR_KVM_STEAL_TIME, MSR_KVM_POLL_CONTROL };

static struct vmm_vcpu *boot_touch(void)
{
	struct vmm_vcpu *v = BOOT(touch_msr);

	set_gate(v->vmm, 13, VMM_LOAD_GPA + 0x100);
	return v;
}

TEST(pv_msrs_need_no_cpuid_unless_it_is_enforced)
{
	struct vmm_vcpu *v = boot_touch();
	u32 i;

	show_features(v, 0x40000000, 0);
	for (i = 0; i < ARRAY_SIZE(pv_msrs); i++)
		EXPECT_EQ(touch(v, pv_msrs[i]), 0);
}

TEST(enforced_pv_msrs_fault_without_their_feature)
{
	struct vmm_vcpu *v = boot_touch();
	u32 i;

	NEEDS(KVM_CAP_ENFORCE_PV_FEATURE_CPUID);
	show_features(v, 0x40000000, 0);
	enforce(v);
	for (i = 0; i < ARRAY_SIZE(pv_msrs); i++)
		EXPECT_EQ(touch(v, pv_msrs[i]), 13);
}

TEST(enforced_features_are_found_above_another_hypervisor)
{
	struct vmm_vcpu *v = boot_touch();

	NEEDS(KVM_CAP_ENFORCE_PV_FEATURE_CPUID);
	show_features(v, 0x40000100, 1 << KVM_FEATURE_CLOCKSOURCE2);
	enforce(v);
	EXPECT_EQ(touch(v, MSR_KVM_SYSTEM_TIME_NEW), 0);
	EXPECT_EQ(touch(v, MSR_KVM_SYSTEM_TIME), 13);
}

TEST(enforcing_is_a_capability_of_a_vcpu)
{
	struct kvm_enable_cap c = { .cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID, .args = { 1 } };
	struct vmm_vcpu *v = idle_vcpu();

	EXPECT_ERR(ioctl(v->vmm->fd, KVM_ENABLE_CAP, &c), EINVAL);
	c.flags = 1;
	EXPECT_ERR(ioctl(v->fd, KVM_ENABLE_CAP, &c), EINVAL);
}

TEST(hypercalls_need_their_feature_where_it_is_enforced)
{
	static const u32 nr[] = { KVM_HC_KICK_CPU, KVM_HC_SEND_IPI, KVM_HC_SCHED_YIELD };
	struct vmm_vcpu *v = BOOT(hypercall);
	u32 i;

	NEEDS(KVM_CAP_ENFORCE_PV_FEATURE_CPUID);
	show_features(v, 0x40000000, 0);
	enforce(v);
	for (i = 0; i < ARRAY_SIZE(nr); i++)
		EXPECT_EQ(rbx_of(v, nr[i]), -1000ull);
}

TEST(unknown_hypercall_is_refused)
{
	EXPECT_EQ(rbx_of(BOOT(hypercall), 9999), -1000ull);
}

/* CVE-2018-19406: there are no APICs to send it to. */
TEST(ipi_hypercall_without_an_apic)
{
	EXPECT_EQ(rbx_of(BOOT(hypercall), KVM_HC_SEND_IPI), -95ull);	/* KVM_EOPNOTSUPP */
}
