// SPDX-License-Identifier: GPL-2.0-only
/*
 * L2 spins, and something comes from outside; see ../outside.c, which says what by ports.
 */
#include "l1.h"

#define PORT_PROGRAM	0x510
#define PORT_VALUE	0x512		/* of the VMX-preemption timer, a byte at a time */
#define PORT_RUNS	0x511		/* L2 is there */
#define VECTOR		0x41
#define IF		BIT(9)
#define EXIT_ACK	BIT(15)
#define PIN_EXTINT	BIT(0)
#define PIN_TIMER	BIT(6)
#define INFO_EXTINT	(BIT(31) | VECTOR)

static void l2_spin(void)
{
	for (;;)
		asm volatile("pause");
}

static void l2_says_and_spins(void)
{
	outb(PORT_RUNS, 0);
	l2_spin();
}

static void l2_leaves(void)
{
	vmcall();
}

static void setup(void (*fn)(void), u64 pin, u64 rflags)
{
	l2_setup(fn);
	WR(pin_based_vm_exec_control, RD(pin_based_vm_exec_control) | pin);
	WR(guest_rflags, 2 | rflags);
}

static void take_it(void)
{
	u32 before = irq_count[VECTOR];

	asm volatile("sti; nop; nop; cli" : : : "memory");
	EXPECT_EQ(irq_count[VECTOR], before + 1);
}

static void interrupt_with_if(void)
{
	setup(l2_says_and_spins, PIN_EXTINT, IF);
	EXPECT_EQ(l2_run(), EXIT_EXTINT);
	EXPECT_EQ(RD(vm_exit_intr_info) & BIT(31), 0);
	take_it();
}

static void interrupt_without_if(void)
{
	setup(l2_says_and_spins, PIN_EXTINT, 0);
	EXPECT_EQ(l2_run(), EXIT_EXTINT);
	take_it();
}

static void interrupt_acknowledged(void)
{
	setup(l2_says_and_spins, PIN_EXTINT, 0);
	WR(vm_exit_controls, RD(vm_exit_controls) | EXIT_ACK);
	EXPECT_EQ(l2_run(), EXIT_EXTINT);
	EXPECT_EQ(RD(vm_exit_intr_info), INFO_EXTINT);
	/* It has been taken. */
	asm volatile("sti; nop; nop; cli" : : : "memory");
	EXPECT_EQ(irq_count[VECTOR], 0);
}

static void triple_fault(void)
{
	setup(l2_says_and_spins, 0, IF);
	EXPECT_EQ(l2_run(), EXIT_TRIPLE);
}

static u32 value(void)
{
	u32 v = 0, i;

	for (i = 0; i < 4; i++)
		v |= (u32)inb(PORT_VALUE + i) << i * 8;
	return v;
}

/* A short time ends again and again; a long one does not. */
static void timer(void)
{
	u32 v = value();

	setup(l2_spin, PIN_TIMER, IF);
	WR(vmx_preemption_timer_value, v);
	outb(PORT_RUNS, 0);
	for (;;) {
		EXPECT_EQ(l2_run(), EXIT_TIMER);
		EXPECT(v < 2);
	}
}

/* VMXOFF with time left; then it all starts again. */
static void timer_vmxoff(void)
{
	u32 v = value(), i;

	for (i = 0; i < 50; i++) {
		setup(v < 2 ? l2_spin : l2_leaves, PIN_TIMER, IF);
		WR(vmx_preemption_timer_value, v);
		EXPECT_EQ(l2_run(), v < 2 ? EXIT_TIMER : EXIT_VMCALL);
		vmx_off();
	}
}

static void (*const programs[])(void) = {
	interrupt_with_if, interrupt_without_if, interrupt_acknowledged, timer, timer_vmxoff,
	triple_fault,
};

static void one_program(void)
{
	programs[inb(PORT_PROGRAM) % ARRAY_SIZE(programs)]();
}

const struct test tests[] = { T(one_program) };
const u32 nr_tests = ARRAY_SIZE(tests);
