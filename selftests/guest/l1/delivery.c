// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-interrupt delivery: what L1 requests in L2's virtual APIC, and its end of service.
 */
#include "apicv.h"

/* Bochs 2.7 forgets the vector if the first push is an EPT violation: touch the stack before. */
#define TOUCH_STACK "push %%rax; pop %%rax;"
L2(l2_sti, asm volatile(TOUCH_STACK "sti; nop; nop" : : : "memory"))
L2(l2_sti_cr8, asm volatile("sti; nop"); seen = irq_count[0x55]; WRITE_CR(8, 0);
	asm volatile("nop"))
L2(l2_eoi, AREG(REG_EOI) = 0)
L2(l2_self_ipi, asm volatile("sti"); AREG(REG_ICR) = 0x40000 | 0x56; asm volatile("nop"))

static void request(u8 vector)
{
	VREG(REG_IRR + (vector >> 5) * 16) |= 1u << (vector & 31);
	WR(guest_intr_status, vector);
}

static void requested_interrupt_is_delivered(void)
{
	u32 before = irq_count[0x55];

	if (!setup(l2_sti, TPR_SHADOW, APIC_ACCESSES | INT_DELIVERY))
		return;
	request(0x55);
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(irq_count[0x55], before + 1);
	EXPECT_EQ(RD(guest_intr_status), 0x5500);
	EXPECT_EQ(VREG(REG_IRR + 0x20), 0);
}

static void interrupt_waits_for_if(void)
{
	u32 before = irq_count[0x55];

	if (!setup(l2_nothing, TPR_SHADOW, APIC_ACCESSES | INT_DELIVERY))
		return;
	request(0x55);
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(irq_count[0x55], before);
	EXPECT_EQ(RD(guest_intr_status), 0x55);
}

static void interrupt_waits_for_the_tpr(void)
{
	u32 before = irq_count[0x55];

	if (!setup(l2_sti_cr8, TPR_SHADOW, APIC_ACCESSES | INT_DELIVERY))
		return;
	VREG(REG_TPR) = 0x50;
	request(0x55);
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(seen, before);
	EXPECT_EQ(irq_count[0x55], before + 1);
}

static void eoi_ends_the_service(void)
{
	if (!setup(l2_eoi, TPR_SHADOW, APIC_ACCESSES | INT_DELIVERY))
		return;
	VREG(0x100 + 0x20) = 1u << 0x15;
	WR(guest_intr_status, 0x5500);
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(RD(guest_intr_status), 0);
	EXPECT_EQ(VREG(0x100 + 0x20), 0);
}

static void eoi_exits_where_l1_asked(void)
{
	if (!setup(l2_eoi, TPR_SHADOW, APIC_ACCESSES | INT_DELIVERY))
		return;
	VREG(0x100 + 0x20) = 1u << 0x15;
	WR(guest_intr_status, 0x5500);
	WR(eoi_exit_bitmap1, BIT(0x15));
	EXPECT_EXIT(EXIT_EOI);
	EXPECT_EQ(RD(exit_qualification), 0x55);
	EXPECT_EXIT(EXIT_VMCALL);
}

static void self_ipi_needs_no_exit(void)
{
	u32 before = irq_count[0x56];

	if (!setup(l2_self_ipi, TPR_SHADOW, APIC_ACCESSES | APIC_REGISTERS | INT_DELIVERY))
		return;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(irq_count[0x56], before + 1);
	EXPECT_EQ(RD(guest_intr_status), 0x5600);
}

static void delivery_needs_shadow_and_exits(void)
{
	if (!setup(l2_nothing, TPR_SHADOW, INT_DELIVERY))
		return;
	WR(pin_based_vm_exec_control, ctl(MSR_VMX_PIN, 0));
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
	WR(pin_based_vm_exec_control, ctl(MSR_VMX_PIN, EXT_INT));
	WR(cpu_based_vm_exec_control, ctl(MSR_VMX_PROC, ACTIVATE_SECONDARY));
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
}

const struct test tests[] = {
	T(requested_interrupt_is_delivered), T(interrupt_waits_for_if),
	T(interrupt_waits_for_the_tpr), T(eoi_ends_the_service),
	T(eoi_exits_where_l1_asked), T(self_ipi_needs_no_exit),
	T(delivery_needs_shadow_and_exits),
};

const u32 nr_tests = ARRAY_SIZE(tests);
