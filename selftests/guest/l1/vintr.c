// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual-interrupt delivery at its edges: what cuts it short, and what it has to wait for.
 *
 * Bochs 2.7 breaks both rules by itself, so that stock KVM fails here; nvmx mends both with
 * bochs_vid_erratum.  See Documentation/testing.rst.
 */
#include "l1.h"

#define EXT_INT BIT(0)		/* pin-based */
#define TPR_SHADOW BIT(21)	/* processor-based */
#define MSR_BITMAPS BIT(28)
#define X2APIC_MODE BIT(4)	/* secondary */
#define INT_DELIVERY BIT(9)

#define VIRR 0x200
#define VECTOR 0x55
#define EVT_EXTERNAL (BIT(31) | VECTOR)

/* A wait with interrupts off, long enough for a tick of the host in one of them. */
#define WAIT 500000
#define WAITS 24

static u8 virtual_apic[PAGE] __aligned(4096);
static volatile u32 early;

static bool setup(void (*fn)(void))
{
	u32 i;

	if (!(rdmsr(MSR_VMX_PROC2) >> 32 & INT_DELIVERY)) {
		skip("control not offered");
		return false;
	}
	for (i = 0; i < PAGE; i++) {
		virtual_apic[i] = 0;
		msr_bitmap[i] = 0;
	}
	irq_count[VECTOR] = 0;
	l2_setup(fn);
	WR(pin_based_vm_exec_control, ctl(MSR_VMX_PIN, EXT_INT));
	WR(cpu_based_vm_exec_control,
	   ctl(MSR_VMX_PROC, TPR_SHADOW | MSR_BITMAPS | ACTIVATE_SECONDARY));
	WR(secondary_vm_exec_control, X2APIC_MODE | INT_DELIVERY);
	WR(virtual_apic_page_addr, (u64)virtual_apic);
	WR(msr_bitmap, (u64)msr_bitmap);
	return true;
}

static void request(u8 vector)
{
	*(volatile u32 *)(virtual_apic + VIRR + (vector >> 5) * 16) |= 1u << (vector & 31);
	WR(guest_intr_status, vector);
}

static void l2_sti(void)
{
	asm volatile("sti; nop; nop" : : : "memory");
	for (;;)
		vmcall();
}

static void no_stack(void)
{
	u64 stack = RD(guest_rsp) - 8, eptp = ept_build();

	ept_split(stack);
	*ept_entry_4k(stack) = 0;
	ept_on(eptp);
}

/* SDM "Information for VM Exits That Occur During Event Delivery" */
static void violation_during_delivery_has_the_vector(void)
{
	u64 stack;

	if (!setup(l2_sti))
		return;
	no_stack();
	request(VECTOR);
	EXPECT_EQ(l2_run(), EXIT_EPT_VIOLATION);
	EXPECT_EQ(RD(guest_intr_status), VECTOR << 8);
	EXPECT_EQ(RD(idt_vectoring_info_field), EVT_EXTERNAL);
	stack = RD(guest_rsp) - 8;
	*ept_entry_4k(stack) = (stack & ~(PAGE - 1)) | 0x37;
	WR(vm_entry_intr_info_field, EVT_EXTERNAL);
	EXPECT_EQ(l2_run(), EXIT_VMCALL);
	EXPECT_EQ(irq_count[VECTOR], 1);
}

static void wait(void)
{
	u64 end = rdtsc() + WAIT;

	while (rdtsc() < end)
		asm volatile("pause");
}

/* In STI's shadow nothing comes, and Bochs lets the host's interrupts in from then on. */
static void l2_pending_with_if_0(void)
{
	u32 i;

	asm volatile("push %%rax; pop %%rax" : : : "memory");
	for (i = 0; i < WAITS; i++) {
		asm volatile("sti; cli");
		wait();
		early += irq_count[VECTOR];
	}
	asm volatile("sti; nop; nop" : : : "memory");
	for (;;)
		vmcall();
}

/* SDM "Evaluation of Pending Virtual Interrupts": RFLAGS.IF = 1 */
static void host_interrupt_does_not_deliver_with_if_0(void)
{
	u32 reason;

	if (!setup(l2_pending_with_if_0))
		return;
	early = 0;
	request(VECTOR);
	do {
		reason = l2_run();
	} while (reason == EXIT_EXTINT);
	EXPECT_EQ(reason, EXIT_VMCALL);
	EXPECT_EQ(early, 0);
	EXPECT_EQ(irq_count[VECTOR], 1);
}

const struct test tests[] = {
	T(host_interrupt_does_not_deliver_with_if_0),
	T(violation_during_delivery_has_the_vector),
};

const u32 nr_tests = ARRAY_SIZE(tests);
