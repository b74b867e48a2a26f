// SPDX-License-Identifier: GPL-2.0-only
/*
 * L2's APIC in x2APIC mode: MSRs that are the virtual-APIC page.
 */
#include "apicv.h"

static volatile u32 l2_vector;

L2(l2_x2apic_tpr, wrmsr(0x808, wanted); seen = rdmsr(0x808))
L2(l2_x2apic_self_ipi, asm volatile("sti"); wrmsr(0x83f, 0x57); asm volatile("nop"))

/* Exceptions in L2 go through L1's table, and resume behind the instruction. */
static void l2_rdmsr(void)
{
	struct outcome_of o;

	o = TRY("mov %%rdx, %%rbx\n\trdmsr\n\tmov %%rbx, %%rdx\n\tmov %%rax, %[s]\n\t"
		"test %%rsp, %%rsp",
		[s] "m" (seen), "c" (wanted));
	l2_vector = o.kind == FAULT ? o.vector : 0;
	DONE();
}

static void x2apic_tpr_is_in_the_page(void)
{
	if (!setup(l2_x2apic_tpr, TPR_SHADOW | MSR_BITMAPS, X2APIC_MODE))
		return;
	wanted = 0x47;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(seen, 0x47);
	EXPECT_EQ(VREG(REG_TPR), 0x47);
}

static void x2apic_tpr_exits_if_l1_wants_it(void)
{
	if (!setup(l2_x2apic_tpr, TPR_SHADOW | MSR_BITMAPS, X2APIC_MODE))
		return;
	msr_bitmap[2048 + 0x808 / 8] = 1;
	EXPECT_EXIT(EXIT_WRMSR);
	EXPECT_EQ(VREG(REG_TPR), 0);
}

/* L1's own APIC is not in x2APIC mode, and the CPU's is nobody's business. */
static void x2apic_msrs_without_the_mode(void)
{
	if (!setup(l2_rdmsr, TPR_SHADOW | MSR_BITMAPS, 0))
		return;
	wanted = 0x808;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(l2_vector, 13);
}

static void x2apic_version_is_not_virtualized(void)
{
	if (!setup(l2_rdmsr, TPR_SHADOW | MSR_BITMAPS, X2APIC_MODE))
		return;
	wanted = 0x803;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(l2_vector, 13);
}

static void x2apic_registers_read_from_the_page(void)
{
	if (!setup(l2_rdmsr, TPR_SHADOW | MSR_BITMAPS, X2APIC_MODE | APIC_REGISTERS))
		return;
	wanted = 0x803;
	VREG(0x30) = 0x50014;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(l2_vector, 0);
	EXPECT_EQ(seen, 0x50014);
}

static void x2apic_self_ipi(void)
{
	u32 before = irq_count[0x57];

	if (!setup(l2_x2apic_self_ipi, TPR_SHADOW | MSR_BITMAPS, X2APIC_MODE | INT_DELIVERY))
		return;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(irq_count[0x57], before + 1);
}

static void x2apic_mode_excludes_apic_accesses(void)
{
	if (!setup(l2_nothing, TPR_SHADOW, X2APIC_MODE | APIC_ACCESSES))
		return;
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
	WR(secondary_vm_exec_control, X2APIC_MODE);
	EXPECT_EXIT(EXIT_VMCALL);
	WR(cpu_based_vm_exec_control, ctl(MSR_VMX_PROC, ACTIVATE_SECONDARY));
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
}

const struct test tests[] = {
	T(x2apic_tpr_is_in_the_page), T(x2apic_tpr_exits_if_l1_wants_it),
	T(x2apic_msrs_without_the_mode), T(x2apic_version_is_not_virtualized),
	T(x2apic_registers_read_from_the_page), T(x2apic_self_ipi),
	T(x2apic_mode_excludes_apic_accesses),
};

const u32 nr_tests = ARRAY_SIZE(tests);
