// SPDX-License-Identifier: GPL-2.0-only
/*
 * An L2 that is busy in every way while its VMM saves and restores it: it mixes memory, registers,
 * x87 and SSE into a sum, and does something that exits in each round, to L1, to L0 or to the VMM.
 *
 * L1 knows what the sum has to be.  It injects an interrupt at every VMCALL, keeps a counter in a
 * second VMCS that is not current while L2 runs, and takes a page of L2's memory away and gives it
 * back.
 */
#include "l1.h"
#include "migrate.h"

#define WORDS		1024
#define WORDS_PER_ROUND	48
#define INJECTED	0x43
#define SOFTWARE	0x42
#define TIMER_VALUE	0x4000
#define STEPS		16
#define GUEST_IF	0x202

/* Bits of shared->strange. */
#define BAD_EXIT	BIT(0)
#define BAD_VMCS_B	BIT(1)
#define BAD_MSR		BIT(2)
#define BAD_READ	BIT(3)
#define BAD_FLOAT	BIT(4)
#define BAD_INTERRUPTS	BIT(5)

static volatile struct migrate *const shared = (void *)MIGRATE_SHARED;
static u64 words[WORDS], reference[WORDS];
static u8 lost_page[PAGE] __aligned(PAGE);
static u64 vmcs_b_count, injected, finished;

struct mixer {
	u64 a, b, c, d;
};

static u64 rotate(u64 x, u32 n)
{
	return x << n | x >> (64 - n);
}

static void mix(struct mixer *m, u64 *array, u64 round)
{
	u64 a = m->a, b = m->b, c = m->c, d = m->d;
	u32 i, at = round * WORDS_PER_ROUND;

	for (i = 0; i < WORDS_PER_ROUND; i++) {
		u64 *p = &array[(at + i) % WORDS];

		a = rotate(a, 7) ^ *p;
		b += a * 0x9e3779b97f4a7c15ull;
		c = rotate(c ^ b, 29) + round;
		d ^= c - a;
		*p = d + i;
	}
	*m = (struct mixer){ a, b, c, d };
}

static void start_sum(struct mixer *m, u64 *array)
{
	u32 i;

	for (i = 0; i < WORDS; i++)
		array[i] = i * 0x0123456789abcdefull;
	*m = (struct mixer){ 1, 2, 3, 4 };
}

static u64 sum(const struct mixer *m)
{
	return m->a ^ rotate(m->b, 11) ^ rotate(m->c, 23) ^ rotate(m->d, 47);
}

/* ---- L2 ---- */

static void device_access(u32 step)
{
	volatile u32 *device = (u32 *)MIGRATE_DEVICE;

	if (step == 0)
		outb(MIGRATE_PORT, 0x5a);
	else if (step == 1 && inb(MIGRATE_PORT) != 0xff)
		shared->strange |= BAD_READ;
	else if (step == 2)
		*device = 0x5a5a5a5a;
	else if (step == 3 && *device != ~0u)
		shared->strange |= BAD_READ;
}

static void string_output(void)
{
	const u8 *from = (u8 *)words;
	u64 n = 5;

	asm volatile("rep outsb" : "+S" (from), "+c" (n) : "d" (MIGRATE_PORT) : "memory");
}

static void msr_access(u64 round)
{
	wrmsr(MSR_KERNEL_GS_BASE, round);
	wrmsr(MSR_SYSENTER_CS, round & 0xffff);
	if (rdmsr(MSR_KERNEL_GS_BASE) != round || rdmsr(MSR_SYSENTER_CS) != (round & 0xffff))
		shared->strange |= BAD_MSR;
}

/* ST(0) and XMM7 count along. */
static void float_start(void)
{
	asm volatile("fninit; fldz; pxor %xmm7, %xmm7");
}

static void float_step(void)
{
	const u64 one[2] = { 1, 3 };

	asm volatile("fld1; faddp; movdqu %0, %%xmm6; paddq %%xmm6, %%xmm7" : : "m" (one));
}

static void float_check(u64 steps)
{
	u64 x87, xmm[2];

	asm volatile("fistpll %0; movdqu %%xmm7, %1" : "=m" (x87), "=m" (xmm));
	if (x87 != steps || xmm[0] != steps || xmm[1] != 3 * steps)
		shared->strange |= BAD_FLOAT;
}

static void do_step(u64 round)
{
	u32 step = round % STEPS;

	if (step < 4)
		device_access(step);
	else if (step == 4)
		cpuid();
	else if (step == 5)
		vmcall();
	else if (step == 6)
		msr_access(round);
	else if (step == 7)
		*(volatile u8 *)lost_page = round;
	else if (step == 8)
		asm volatile("int %0" : : "i" (SOFTWARE));
	else if (step == 9)
		asm volatile("ud2");
	else if (step == 10)
		asm volatile("hlt");
	else if (step == 11)
		WRITE_CR(0, READ_CR(0) ^ BIT(18));
	else if (step == 12)
		string_output();
	else if (step == 13)
		asm volatile("pause");
}

static void l2_work(void)
{
	u64 round, steps = 0;
	struct mixer m;

	start_sum(&m, words);
	float_start();
	for (round = 0; round < shared->iterations; round++) {
		mix(&m, words, round);
		do_step(round);
		float_step();
		steps++;
		shared->done = round + 1;
	}
	float_check(steps);
	shared->sum = sum(&m);
	finished = 1;
	vmcall();
}

/* ---- L1 ---- */

/* A VMCS that is not current lives in L1's memory, or in a cache of it. */
static void use_other_vmcs(void)
{
	vmptrld((u64)vmcs_b);
	if (RD(guest_rip) != vmcs_b_count)
		shared->strange |= BAD_VMCS_B;
	WR(guest_rip, ++vmcs_b_count);
	vmptrld((u64)vmcs_a);
}

static void handle_vmcall(void)
{
	use_other_vmcs();
	l2_skip();
	if (finished)
		return;
	WR(vm_entry_intr_info_field, BIT(31) | INJECTED);
	injected++;
	*ept_entry_4k((u64)lost_page) &= ~7ull;
	invept(2, 0, 0);
}

static void handle_exception(void)
{
	if ((RD(vm_exit_intr_info) & 0xff) != 6)
		shared->strange |= BAD_EXIT;
	WR(guest_rip, RD(guest_rip) + 2);
}

static void handle(u32 reason)
{
	if (reason == EXIT_VMCALL)
		handle_vmcall();
	else if (reason == EXIT_EPT_VIOLATION)
		*ept_entry_4k((u64)lost_page) |= 7;
	else if (reason == EXIT_EXCEPTION)
		handle_exception();
	else if (reason == EXIT_EXTINT)
		shared->interrupts += (RD(vm_exit_intr_info) & 0xff) == MIGRATE_VECTOR;
	else if (reason == EXIT_TIMER)
		shared->timers++;
	else if (reason == EXIT_CPUID || reason == EXIT_HLT)
		l2_skip();
	else
		shared->strange |= BAD_EXIT | (u64)reason << 32;
}

static void set_controls(void)
{
	WR(pin_based_vm_exec_control, ctl(MSR_VMX_PIN, BIT(0) | BIT(6)));
	WR(cpu_based_vm_exec_control, ctl(MSR_VMX_PROC, BIT(7) | BIT(28) | ACTIVATE_SECONDARY));
	WR(secondary_vm_exec_control, ctl(MSR_VMX_PROC2, BIT(5)));
	WR(vm_exit_controls, RD(vm_exit_controls) | ctl(MSR_VMX_EXIT, BIT(15)));
	WR(vmx_preemption_timer_value, TIMER_VALUE);
	WR(virtual_processor_id, 1);
	WR(msr_bitmap, (u64)msr_bitmap);
	WR(exception_bitmap, BIT(6));
	WR(guest_rflags, GUEST_IF);
	ept_on(ept_build());
	ept_split((u64)lost_page);
}

static void prepare(void)
{
	l2_setup(l2_work);
	set_controls();
	vmclear((u64)vmcs_b);
	vmptrld((u64)vmcs_b);
	WR(guest_rip, 0);
	vmptrld((u64)vmcs_a);
}

static u64 expected(void)
{
	struct mixer m;
	u64 round;

	start_sum(&m, reference);
	for (round = 0; round < shared->iterations; round++)
		mix(&m, reference, round);
	return sum(&m);
}

static void sum_is_right(void)
{
	shared->want = expected();
	prepare();
	while (!finished && !shared->strange)
		handle(l2_run());
	if (irq_count[INJECTED] != injected ||
	    irq_count[SOFTWARE] != (shared->iterations + STEPS - 9) / STEPS)
		shared->strange |= BAD_INTERRUPTS;
	EXPECT_EQ(shared->strange, 0);
	EXPECT_EQ(shared->done, shared->iterations);
	EXPECT_EQ(shared->sum, shared->want);
}

const struct test tests[] = { T(sum_is_right) };
const u32 nr_tests = ARRAY_SIZE(tests);
