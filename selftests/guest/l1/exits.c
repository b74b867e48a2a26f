// SPDX-License-Identifier: GPL-2.0-only
/*
 * L2 runs and exits: each control's exit is taken when L1 asks, and not when it does not.
 */
#include "l1.h"

static volatile u64 l2_value;

#define L2(name, ...) static void name(void) { __VA_ARGS__; for (;;) vmcall(); }
L2(l2_vmcall, vmcall())
L2(l2_cpuid, cpuid())
L2(l2_hlt, asm volatile("hlt"))
L2(l2_rdtsc, l2_value = rdtsc())
L2(l2_invlpg, asm volatile("invlpg (%0)" : : "r" (0x123000ull) : "memory"))
L2(l2_cr3, WRITE_CR(3, READ_CR(3)))
L2(l2_dr, asm volatile("mov %%dr7, %0" : "=r" (l2_value)))
L2(l2_pause, asm volatile("pause"))
L2(l2_wbinvd, asm volatile("wbinvd"))
L2(l2_out, { outb(0x80, 1); outb(0x84, 2); })
L2(l2_msr, { wrmsr(MSR_SYSENTER_CS, 0x55); l2_value = rdmsr(MSR_SYSENTER_CS); })
L2(l2_sgdt, { u8 d[10]; asm volatile("sgdt %0" : "=m" (d)); })
L2(l2_cr0_ts, { WRITE_CR(0, READ_CR(0) | BIT(3)); l2_value = READ_CR(0); asm volatile("clts"); })
L2(l2_ud, asm volatile("ud2"))
L2(l2_vmread, asm volatile("vmread %0, %0" : : "r" (0ull) : "cc"))

#define EXPECT_EXIT(reason) EXPECT_EQ(l2_run(), reason)

static void proc(u32 bit)
{
	WR(cpu_based_vm_exec_control, RD(cpu_based_vm_exec_control) | BIT(bit));
}

static bool proc2(u32 bit)
{
	if (!ctl_allowed(MSR_VMX_PROC2, bit)) {
		skip("control not offered");
		return false;
	}
	proc(31);
	WR(secondary_vm_exec_control, RD(secondary_vm_exec_control) | BIT(bit));
	return true;
}

static void launch_and_resume(void)
{
	l2_setup(l2_vmcall);
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(RD(vm_exit_instruction_len), 3);
	l2_skip();
	EXPECT_EXIT(EXIT_VMCALL);
	expect_vmfail("vmlaunch of a launched VMCS", TRY("vmlaunch"), 4);
	expect_ok("vmclear", vmclear((u64)vmcs_a));
	expect_ok("vmptrld", vmptrld((u64)vmcs_a));
	expect_vmfail("vmresume of a clear VMCS", TRY("vmresume"), 5);
}

static void registers_pass(void)
{
	l2_setup(l2_vmcall);
	l2_regs.rbx = 0x1122334455667788;
	l2_regs.r[7] = 0x99aabbccddeeff00;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(l2_regs.rbx, 0x1122334455667788);
	EXPECT_EQ(l2_regs.r[7], 0x99aabbccddeeff00);
}

static void cpuid_always_exits(void)
{
	l2_setup(l2_cpuid);
	EXPECT_EXIT(EXIT_CPUID);
	EXPECT_EQ(RD(vm_exit_instruction_len), 2);
	l2_skip();
	EXPECT_EXIT(EXIT_VMCALL);
}

static void vmx_insn_of_l2_exits(void)
{
	l2_setup(l2_vmread);
	EXPECT_EXIT(EXIT_VMREAD);
	EXPECT(RD(vmx_instruction_info) & BIT(10));
}

struct by_control {
	void (*fn)(void);
	u8 bit, word2;
	u32 reason;
};

/* With the control the exit comes; without it L2 reaches its VMCALL. */
static void exit_follows_control(const struct by_control *c)
{
	l2_setup(c->fn);
	if (c->word2 && !proc2(c->bit))
		return;
	if (!c->word2)
		proc(c->bit);
	EXPECT_EXIT(c->reason);
	vmx_off();
	l2_setup(c->fn);
	EXPECT_EXIT(EXIT_VMCALL);
}

#define BY_CONTROL(name, fn, bit, word2, reason) static void name(void) \
	{ exit_follows_control(&(const struct by_control){ fn, bit, word2, reason }); }
BY_CONTROL(rdtsc_exiting, l2_rdtsc, 12, 0, EXIT_RDTSC)
BY_CONTROL(invlpg_exiting, l2_invlpg, 9, 0, EXIT_INVLPG)
BY_CONTROL(mov_dr_exiting, l2_dr, 23, 0, EXIT_DR)
BY_CONTROL(pause_exiting, l2_pause, 30, 0, EXIT_PAUSE)
BY_CONTROL(unconditional_io_exiting, l2_out, 24, 0, EXIT_IO)
BY_CONTROL(wbinvd_exiting, l2_wbinvd, 6, 1, EXIT_WBINVD)
BY_CONTROL(descriptor_table_exiting, l2_sgdt, 2, 1, EXIT_GDTR)

static void hlt_exiting(void)
{
	l2_setup(l2_hlt);
	proc(7);
	EXPECT_EXIT(EXIT_HLT);
	EXPECT_EQ(RD(guest_activity_state), 0);
	l2_skip();
	EXPECT_EXIT(EXIT_VMCALL);
}

static void cr3_load_exiting(void)
{
	l2_setup(l2_cr3);
	proc(15);
	EXPECT_EXIT(EXIT_CR);
	EXPECT_EQ(RD(exit_qualification) & 0x3f, 3);
	vmx_off();
	l2_setup(l2_cr3);
	EXPECT_EXIT(EXIT_VMCALL);
}

static void io_bitmap_decides_per_port(void)
{
	u32 i;

	for (i = 0; i < PAGE; i++) {
		io_bitmap_a[i] = 0;
		io_bitmap_b[i] = 0;
	}
	io_bitmap_a[0x84 / 8] = BIT(0x84 % 8);
	l2_setup(l2_out);
	proc(25);
	WR(io_bitmap_a, (u64)io_bitmap_a);
	WR(io_bitmap_b, (u64)io_bitmap_b);
	EXPECT_EXIT(EXIT_IO);
	EXPECT_EQ(RD(exit_qualification) >> 16, 0x84);
}

static void msr_bitmap_decides_per_msr(void)
{
	u32 i;

	for (i = 0; i < PAGE; i++)
		msr_bitmap[i] = 0;
	msr_bitmap[2048 + MSR_SYSENTER_CS / 8] = BIT(MSR_SYSENTER_CS % 8);
	l2_setup(l2_msr);
	proc(28);
	WR(msr_bitmap, (u64)msr_bitmap);
	EXPECT_EXIT(EXIT_WRMSR);
	EXPECT_EQ((u32)l2_regs.rcx, MSR_SYSENTER_CS);
	msr_bitmap[2048 + MSR_SYSENTER_CS / 8] = 0;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(l2_value, 0x55);
	EXPECT_EQ(RD(guest_sysenter_cs), 0x55);
}

static void no_msr_bitmap_means_all_exit(void)
{
	l2_setup(l2_msr);
	EXPECT_EXIT(EXIT_WRMSR);
}

static void cr0_mask_and_shadow(void)
{
	l2_setup(l2_cr0_ts);
	WR(cr0_guest_host_mask, BIT(3));
	WR(cr0_read_shadow, READ_CR(0) & ~BIT(3));
	EXPECT_EXIT(EXIT_CR);
	EXPECT_EQ(RD(exit_qualification) & 0x3f, 0);
	vmx_off();
	l2_setup(l2_cr0_ts);
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT(l2_value & BIT(3));
	EXPECT(!(RD(guest_cr0) & BIT(3)));
	EXPECT(!(READ_CR(0) & BIT(3)));
}

static void exception_bitmap_decides(void)
{
	l2_setup(l2_ud);
	WR(exception_bitmap, BIT(6));
	EXPECT_EXIT(EXIT_EXCEPTION);
	EXPECT_EQ(RD(vm_exit_intr_info), 0x80000306);
}

static void triple_fault_exits(void)
{
	l2_setup(l2_ud);
	WR(guest_idtr_limit, 0);
	EXPECT_EXIT(EXIT_TRIPLE);
}

static void monitor_trap_flag(void)
{
	u64 rip;

	if (!ctl_allowed(MSR_VMX_PROC, 27)) {
		skip("control not offered");
		return;
	}
	l2_setup(l2_rdtsc);
	proc(27);
	EXPECT_EXIT(EXIT_MTF);
	rip = RD(guest_rip);
	EXPECT_EXIT(EXIT_MTF);
	EXPECT(RD(guest_rip) != rip);
}

static void tsc_offset_reaches_l2(void)
{
	u64 before;

	l2_setup(l2_rdtsc);
	proc(3);
	WR(tsc_offset, 1ull << 50);
	before = rdtsc();
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT(l2_value > before + (1ull << 50));
	EXPECT(l2_value < rdtsc() + (1ull << 50));
}

static void two_vmcs_keep_their_state(void)
{
	u32 i;

	l2_setup(l2_vmcall);
	EXPECT_EXIT(EXIT_VMCALL);
	for (i = 0; i < PAGE; i++)
		vmcs_b[i] = 0;
	*(u32 *)vmcs_b = rdmsr(MSR_VMX_BASIC);
	expect_ok("vmclear", vmclear((u64)vmcs_b));
	expect_ok("vmptrld", vmptrld((u64)vmcs_b));
	expect_vmfail("empty VMCS", TRY("vmlaunch"), 7);
	expect_ok("vmptrld", vmptrld((u64)vmcs_a));
	l2_skip();
	EXPECT_EXIT(EXIT_VMCALL);
}

const struct test tests[] = {
	T(launch_and_resume), T(registers_pass), T(cpuid_always_exits), T(vmx_insn_of_l2_exits),
	T(rdtsc_exiting), T(invlpg_exiting), T(mov_dr_exiting), T(pause_exiting),
	T(unconditional_io_exiting), T(wbinvd_exiting), T(descriptor_table_exiting),
	T(hlt_exiting), T(cr3_load_exiting), T(io_bitmap_decides_per_port),
	T(msr_bitmap_decides_per_msr), T(no_msr_bitmap_means_all_exit), T(cr0_mask_and_shadow),
	T(exception_bitmap_decides), T(triple_fault_exits), T(monitor_trap_flag),
	T(tsc_offset_reaches_l2), T(two_vmcs_keep_their_state),
};

const u32 nr_tests = ARRAY_SIZE(tests);
