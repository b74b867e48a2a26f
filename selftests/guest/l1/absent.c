// SPDX-License-Identifier: GPL-2.0-only
/*
 * L2 touches pages that user space has not given yet, and L1 may hear of it: see ../absent.c.
 */
#include "apic.h"
#include "absent.h"

#define MSR_APF_EN 0x4b564d02
#define MSR_APF_INT 0x4b564d06
#define MSR_APF_ACK 0x4b564d07
#define APF_ON (BIT(0) | BIT(3))	/* "ready" is an interrupt */
#define APF_ALWAYS BIT(1)		/* also of code with CPL 0 */
#define APF_EXIT BIT(2)			/* of L2 */
#define REASON_ABSENT 1

#define PIN_EXTINT BIT(0)
#define RFLAGS_IF BIT(9)
#define EVENT_VALID BIT(31)
#define INFO_PF (EVENT_VALID | BIT(11) | 3 << 8 | 14)
#define READY 0x51
#define INJECTED 0x60

static volatile struct { u32 flags, token; } words __aligned(64);
static volatile u32 ready_token;
static volatile u64 seen;
static u32 pages_used;
static volatile u64 *next_page;

void irq_hook(u32 vector)
{
	if (vector != READY)
		return;
	ready_token = words.token;
	words.token = 0;
	x2apic_write(APIC_EOI, 0);
	wrmsr(MSR_APF_ACK, 1);
}

static void l2_reads(void)
{
	seen = *next_page;
	vmcall();
}

static void l2_leaves(void)
{
	vmcall();
}

/* Until the interrupt comes.  Switched on, there is one for all that was missed before. */
static void wait_for(u32 token)
{
	while (ready_token != token)
		asm volatile("sti; hlt; cli" : : : "memory");
}

static void begin(void (*fn)(void), u64 flags)
{
	next_page = (u64 *)(ABSENT_DATA + pages_used++ * PAGE);
	seen = 0;
	ready_token = 0;
	words.flags = 0;
	words.token = 0;
	x2apic_on();
	wrmsr(MSR_APF_INT, READY);
	wrmsr(MSR_APF_EN, (u64)&words | APF_ON | flags);
	wait_for(~0u);
	l2_setup(fn);
	WR(pin_based_vm_exec_control, RD(pin_based_vm_exec_control) | PIN_EXTINT);
}

static void told(void)
{
	u64 token;

	outb(PORT_HOLD, 0);
	EXPECT_EQ(l2_run(), EXIT_EXCEPTION);
	EXPECT_EQ(RD(vm_exit_intr_info), INFO_PF);
	EXPECT_EQ(RD(vm_exit_intr_error_code), 0);
	EXPECT_EQ(RD(idt_vectoring_info_field) & EVENT_VALID, 0);
	EXPECT_EQ(words.flags, REASON_ABSENT);
	EXPECT_EQ(seen, 0);
	token = RD(exit_qualification);
	EXPECT(token);
	words.flags = 0;
	outb(PORT_GIVE, 0);
	wait_for(token);
	EXPECT_EQ(l2_run(), EXIT_VMCALL);
	EXPECT_EQ(seen, ABSENT_WORD);
}

static void absent_page_of_l2_is_an_exit(void)
{
	begin(l2_reads, APF_EXIT | APF_ALWAYS);
	ept_on(ept_build());
	told();
}

static void absent_page_of_l2_without_ept_is_an_exit(void)
{
	begin(l2_reads, APF_EXIT | APF_ALWAYS);
	told();
}

/* L2 goes on when the page is there, and nobody was told. */
static void waits(void)
{
	ept_on(ept_build());
	EXPECT_EQ(l2_run(), EXIT_VMCALL);
	EXPECT_EQ(words.flags, 0);
}

static void l2_waits_if_l1_wants_no_exit(void)
{
	begin(l2_reads, APF_ALWAYS);
	waits();
	EXPECT_EQ(seen, ABSENT_WORD);
}

static void l2_waits_in_its_kernel(void)
{
	begin(l2_reads, APF_EXIT);
	waits();
	EXPECT_EQ(seen, ABSENT_WORD);
}

/* Its stack is the page. */
static void l2_waits_in_a_delivery(void)
{
	begin(l2_leaves, APF_EXIT | APF_ALWAYS);
	WR(guest_rsp, (u64)next_page + PAGE / 2);
	WR(guest_rflags, 2 | RFLAGS_IF);
	WR(vm_entry_intr_info_field, EVENT_VALID | INJECTED);
	waits();
	EXPECT_EQ(irq_count[INJECTED], 1);
	EXPECT_EQ(*next_page, ABSENT_WORD);
}

const struct test tests[] = {
	T(absent_page_of_l2_is_an_exit), T(absent_page_of_l2_without_ept_is_an_exit),
	T(l2_waits_if_l1_wants_no_exit), T(l2_waits_in_its_kernel), T(l2_waits_in_a_delivery),
};

const u32 nr_tests = ARRAY_SIZE(tests);
