// SPDX-License-Identifier: GPL-2.0-only
/*
 * Posted interrupts, by two vCPUs with local APICs in the kernel: runner -i -c 2
 */
#include "apic.h"

#define EXT_INT BIT(0)		/* pin-based */
#define POSTED BIT(7)
#define TPR_SHADOW BIT(21)	/* processor-based */
#define INT_DELIVERY BIT(9)	/* secondary */
#define ACK_ON_EXIT BIT(15)	/* exit */

#define NOTIFICATION 0xf2
#define OTHER 0xf3
#define POSTED_VECTOR 0x55

static u8 virtual_apic[PAGE] __aligned(4096);
static struct {
	u64 requests[4];
	u64 outstanding;
	u64 rest[3];
} desc __aligned(64);
static volatile u32 post_now;

/* The stack is touched first: see Documentation/testing.rst on Bochs and virtual interrupts. */
static void l2_sti(void)
{
	asm volatile("push %%rax; pop %%rax; sti; nop; nop" : : : "memory");
	for (;;)
		vmcall();
}

static void l2_wait(void)
{
	asm volatile("push %%rax; pop %%rax; sti" : : : "memory");
	post_now = 1;
	while (irq_count[POSTED_VECTOR] == 0)
		asm volatile("pause");
	for (;;)
		vmcall();
}

static void post(void)
{
	__atomic_fetch_or(&desc.requests[POSTED_VECTOR / 64], BIT(POSTED_VECTOR % 64),
			  __ATOMIC_SEQ_CST);
	__atomic_fetch_or(&desc.outstanding, 1, __ATOMIC_SEQ_CST);
}

void other_vcpu(u32 index)
{
	(void)index;
	x2apic_on();
	while (!post_now)
		asm volatile("pause");
	post();
	x2apic_write(APIC_ICR, NOTIFICATION);
}

static bool setup(void (*fn)(void), u64 pin)
{
	u32 i;

	if (!ctl_allowed(MSR_VMX_PIN, 7)) {
		skip("control not offered");
		post_now = 1;
		return false;
	}
	x2apic_on();
	for (i = 0; i < PAGE; i++)
		virtual_apic[i] = 0;
	for (i = 0; i < 4; i++)
		desc.requests[i] = 0;
	desc.outstanding = 0;
	irq_count[POSTED_VECTOR] = 0;
	l2_setup(fn);
	WR(pin_based_vm_exec_control, ctl(MSR_VMX_PIN, EXT_INT | pin));
	WR(cpu_based_vm_exec_control, ctl(MSR_VMX_PROC, TPR_SHADOW | ACTIVATE_SECONDARY));
	WR(secondary_vm_exec_control, INT_DELIVERY);
	WR(vm_exit_controls, RD(vm_exit_controls) | ACK_ON_EXIT);
	WR(virtual_apic_page_addr, (u64)virtual_apic);
	WR(posted_intr_nv, NOTIFICATION);
	WR(posted_intr_desc_addr, (u64)&desc);
	return true;
}

static bool in_apic(enum apic_reg first, u32 vector)
{
	return x2apic_read(first + vector / 32) & BIT(vector % 32);
}

static void notification_is_no_exit(void)
{
	if (!setup(l2_sti, POSTED))
		return;
	post();
	x2apic_write(APIC_SELF_IPI, NOTIFICATION);
	EXPECT_EQ(l2_run(), EXIT_VMCALL);
	EXPECT_EQ(irq_count[POSTED_VECTOR], 1);
	EXPECT_EQ(desc.requests[POSTED_VECTOR / 64], 0);
	EXPECT_EQ(desc.outstanding, 0);
	EXPECT_EQ(RD(guest_intr_status), POSTED_VECTOR << 8);
	EXPECT(!in_apic(APIC_IRR, NOTIFICATION) && !in_apic(APIC_ISR, NOTIFICATION));
}

static void other_vector_exits(void)
{
	if (!setup(l2_sti, POSTED))
		return;
	post();
	x2apic_write(APIC_SELF_IPI, OTHER);
	EXPECT_EQ(l2_run(), EXIT_EXTINT);
	EXPECT_EQ(RD(vm_exit_intr_info) & 0xff, OTHER);
	EXPECT_EQ(desc.outstanding, 1);
	EXPECT_EQ(irq_count[POSTED_VECTOR], 0);
	x2apic_write(APIC_EOI, 0);
}

static void both_arrive(void)
{
	if (!setup(l2_sti, POSTED))
		return;
	post();
	x2apic_write(APIC_SELF_IPI, NOTIFICATION);
	x2apic_write(APIC_SELF_IPI, 0x40);
	EXPECT_EQ(l2_run(), EXIT_EXTINT);
	EXPECT_EQ(RD(vm_exit_intr_info) & 0xff, 0x40);
	EXPECT_EQ(RD(guest_intr_status), POSTED_VECTOR);
	x2apic_write(APIC_EOI, 0);
	EXPECT_EQ(l2_run(), EXIT_VMCALL);
	EXPECT_EQ(irq_count[POSTED_VECTOR], 1);
}

static void without_the_control_it_exits(void)
{
	if (!setup(l2_sti, 0))
		return;
	x2apic_write(APIC_SELF_IPI, NOTIFICATION);
	EXPECT_EQ(l2_run(), EXIT_EXTINT);
	EXPECT_EQ(RD(vm_exit_intr_info) & 0xff, NOTIFICATION);
	x2apic_write(APIC_EOI, 0);
}

static void from_another_vcpu_while_l2_runs(void)
{
	if (!setup(l2_wait, POSTED))
		return;
	EXPECT_EQ(l2_run(), EXIT_VMCALL);
	EXPECT_EQ(irq_count[POSTED_VECTOR], 1);
}

static void controls_are_checked(void)
{
	if (!setup(l2_sti, POSTED))
		return;
	WR(posted_intr_desc_addr, (u64)&desc + 32);
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
	WR(posted_intr_desc_addr, (u64)&desc);
	WR(posted_intr_nv, 256);
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
	WR(posted_intr_nv, NOTIFICATION);
	WR(vm_exit_controls, RD(vm_exit_controls) & ~ACK_ON_EXIT);
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
}

const struct test tests[] = {
	T(notification_is_no_exit), T(other_vector_exits), T(both_arrive),
	T(without_the_control_it_exits), T(from_another_vcpu_while_l2_runs),
	T(controls_are_checked),
};

const u32 nr_tests = ARRAY_SIZE(tests);
