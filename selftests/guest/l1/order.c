// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of events at an entry to L2, pair by pair (runner -i).
 *
 * L1 has IF=0, is in VMX root operation, which blocks INIT, and in its NMI handler: so it can make
 * all of them pending, and then enter.
 */
#include "apic.h"

#define VECTOR 0x41
#define PIN_EXTINT BIT(0)
#define PIN_NMI BIT(3)
#define PIN_VNMI BIT(5)
#define PIN_TIMER BIT(6)
#define PROC_INT_WINDOW BIT(2)
#define PROC_NMI_WINDOW BIT(22)
#define RFLAGS_IF BIT(9)
#define PENDING_BS BIT(14)
#define INFO_DB (BIT(31) | 3 << 8 | 1)
#define INFO_NMI (BIT(31) | 2 << 8 | 2)
#define EXIT_INIT 3

/* From first to last. */
enum event { INIT, TRAP, TIMER, NMI_WINDOW, NMI, INT_WINDOW, INTERRUPT, NR_EVENTS };

static const struct {
	const char *first;	/* what a test says where another came before it */
	u32 reason, info;
} events[NR_EVENTS] = {
	{ "INIT first", EXIT_INIT, 0 },
	{ "debug trap first", EXIT_EXCEPTION, INFO_DB },
	{ "preemption timer first", EXIT_TIMER, 0 },
	{ "NMI window first", EXIT_NMI_WINDOW, 0 },
	{ "NMI first", EXIT_EXCEPTION, INFO_NMI },
	{ "interrupt window first", EXIT_INTR_WINDOW, 0 },
	{ "interrupt first", EXIT_EXTINT, 0 },
};

/* Between pair() and the NMI handler that it calls by an IPI. */
static volatile struct {
	enum event upper, lower;
	bool in_handler, came;
	u32 reason, info;
} now;

static u64 myself(void)
{
	return x2apic_read(APIC_ID) << 32 | ICR_ASSERT;
}

static void arm(enum event e)
{
	switch (e) {
	case INIT:
		x2apic_write(APIC_ICR, myself() | ICR_INIT);
		break;
	case TRAP:
		WR(guest_pending_dbg_exceptions, PENDING_BS);
		break;
	case TIMER:
		WR(vmx_preemption_timer_value, 0);
		WR(pin_based_vm_exec_control, RD(pin_based_vm_exec_control) | PIN_TIMER);
		break;
	case NMI_WINDOW:
		WR(cpu_based_vm_exec_control, RD(cpu_based_vm_exec_control) | PROC_NMI_WINDOW);
		break;
	case NMI:
		x2apic_write(APIC_ICR, myself() | ICR_NMI);
		break;
	case INT_WINDOW:
		WR(cpu_based_vm_exec_control, RD(cpu_based_vm_exec_control) | PROC_INT_WINDOW);
		break;
	default:
		x2apic_write(APIC_SELF_IPI, VECTOR);
	}
}

static void l2_code(void)
{
	for (;;)
		vmcall();
}

static void enter_with_both(void)
{
	l2_setup(l2_code);
	WR(pin_based_vm_exec_control,
	   RD(pin_based_vm_exec_control) | PIN_EXTINT | PIN_NMI | PIN_VNMI);
	WR(exception_bitmap, BIT(1));
	WR(guest_rflags, RFLAGS_IF | 2);
	arm(now.lower);
	arm(now.upper);
	now.reason = l2_run();
	now.info = RD(vm_exit_intr_info);
	now.came = true;
}

/* The NMI that was not first comes when the handler returns: once more, and only counted. */
void irq_hook(u32 vector)
{
	if (vector != 2) {
		x2apic_write(APIC_EOI, 0);
		return;
	}
	if (now.in_handler || now.came)
		return;
	now.in_handler = true;
	enter_with_both();
	now.in_handler = false;
}

static void pair(enum event a, enum event b)
{
	now.upper = a;
	now.lower = b;
	now.came = false;
	x2apic_write(APIC_ICR, myself() | ICR_NMI);
	while (!now.came)
		asm volatile("pause");
	STI();		/* what is left goes to L1 */
	CLI();
	vmx_off();
	if (now.reason != events[a].reason)
		fail(events[a].first, now.reason << 8 | b, events[a].reason << 8 | b);
	else if (now.info != (u32)events[a].info)
		fail(events[a].first, now.info, (u32)events[a].info);
}

static void before_all_below(enum event a)
{
	enum event b;

	CLI();
	x2apic_on();
	for (b = a + 1; b < NR_EVENTS; b++)
		pair(a, b);
}

static void init_first(void)
{
	before_all_below(INIT);
}

static void trap_then_timer_and_windows(void)
{
	before_all_below(TRAP);
}

static void timer_then_windows(void)
{
	before_all_below(TIMER);
}

static void nmi_window_then_nmi(void)
{
	before_all_below(NMI_WINDOW);
}

static void nmi_then_interrupt_window(void)
{
	before_all_below(NMI);
}

static void interrupt_window_then_interrupt(void)
{
	before_all_below(INT_WINDOW);
}

/* ---- L2's own event, then an exit of L1's ---- */

/*
 * A #DB that L1 does not want is L2's, and the interrupt that L1 wants an exit before the first
 * instruction of L2's handler.
 */
static void own_trap_then_interrupt(void)
{
	u64 handler = (u64)exc_stubs + 16;

	x2apic_on();
	CLI();
	l2_setup(l2_code);
	WR(pin_based_vm_exec_control, RD(pin_based_vm_exec_control) | PIN_EXTINT);
	WR(guest_rflags, RFLAGS_IF | 2);
	arm(TRAP);
	arm(INTERRUPT);
	EXPECT_EQ(l2_run(), EXIT_EXTINT);
	EXPECT_EQ(RD(guest_rip), handler);
	STI();
	CLI();
}

const struct test tests[] = {
	T(init_first), T(trap_then_timer_and_windows), T(timer_then_windows),
	T(nmi_window_then_nmi), T(nmi_then_interrupt_window),
	T(interrupt_window_then_interrupt), T(own_trap_then_interrupt),
};

const u32 nr_tests = ARRAY_SIZE(tests);
