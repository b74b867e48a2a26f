// SPDX-License-Identifier: GPL-2.0-only
/*
 * L2's APIC in L1's virtual-APIC page: TPR shadow, APIC accesses, x2APIC mode, register
 * virtualization, virtual-interrupt delivery.
 */
#include "l1.h"

#define EXIT_TPR 43
#define EXIT_APIC_ACCESS 44
#define EXIT_EOI 45
#define EXIT_APIC_WRITE 56

#define EXT_INT BIT(0)		/* pin-based */
#define CR8_LOAD BIT(19)	/* processor-based */
#define CR8_STORE BIT(20)
#define TPR_SHADOW BIT(21)
#define MSR_BITMAPS BIT(28)
#define APIC_ACCESSES BIT(0)	/* secondary */
#define X2APIC_MODE BIT(4)
#define APIC_REGISTERS BIT(8)
#define INT_DELIVERY BIT(9)

#define REG_ID 0x20
#define REG_TPR 0x80
#define REG_EOI 0xb0
#define REG_SVR 0xf0
#define REG_IRR 0x200
#define REG_ICR 0x300
#define REG_NONE 0x400

static u8 virtual_apic[PAGE] __aligned(4096), access_page[PAGE] __aligned(4096),
	elsewhere[PAGE] __aligned(4096);
static volatile u64 seen, wanted;
static volatile u32 l2_vector;

static volatile u32 *reg_of(u8 *page, u32 offset)
{
	return (volatile u32 *)(page + offset);
}

#define VREG(offset) (*reg_of(virtual_apic, offset))
#define AREG(offset) (*reg_of(access_page, offset))
#define DONE() for (;;) vmcall()
#define L2(name, ...) static void name(void) { __VA_ARGS__; DONE(); }

L2(l2_cr8, WRITE_CR(8, wanted); seen = READ_CR(8))
L2(l2_read_cr8, seen = READ_CR(8))
L2(l2_nothing, vmcall())
L2(l2_read_id, seen = AREG(REG_ID))
L2(l2_read_none, seen = AREG(REG_NONE))
L2(l2_write_svr, AREG(REG_SVR) = wanted; seen = AREG(REG_SVR))
L2(l2_tpr, AREG(REG_TPR) = wanted; seen = AREG(REG_TPR))
L2(l2_elsewhere, seen = *reg_of(elsewhere, REG_ID); seen = *reg_of(elsewhere, REG_ID))
/* Bochs 2.7 forgets the vector if the first push is an EPT violation: touch the stack before. */
#define TOUCH_STACK "push %%rax; pop %%rax;"
L2(l2_sti, asm volatile(TOUCH_STACK "sti; nop; nop" : : : "memory"))
L2(l2_sti_cr8, asm volatile("sti; nop"); seen = irq_count[0x55]; WRITE_CR(8, 0);
	asm volatile("nop"))
L2(l2_eoi, AREG(REG_EOI) = 0)
L2(l2_self_ipi, asm volatile("sti"); AREG(REG_ICR) = 0x40000 | 0x56; asm volatile("nop"))
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

static void clear(u8 *page)
{
	u32 i;

	for (i = 0; i < PAGE; i++)
		page[i] = 0;
}

/* false: the CPU below has not all of these, and so L1 is not offered them. */
static bool setup(void (*fn)(void), u32 proc, u32 secondary)
{
	u32 missing;

	missing = proc & ~(rdmsr(MSR_VMX_PROC) >> 32);
	missing |= secondary & ~(rdmsr(MSR_VMX_PROC2) >> 32);
	if (missing) {
		skip("control not offered");
		return false;
	}
	clear(virtual_apic);
	clear(access_page);
	clear(msr_bitmap);
	seen = ~0ull;
	l2_setup(fn);
	WR(cpu_based_vm_exec_control,
	   ctl(MSR_VMX_PROC, proc | (secondary ? ACTIVATE_SECONDARY : 0)));
	WR(secondary_vm_exec_control, secondary);
	if (secondary & INT_DELIVERY)
		WR(pin_based_vm_exec_control, ctl(MSR_VMX_PIN, EXT_INT));
	WR(virtual_apic_page_addr, (u64)virtual_apic);
	WR(apic_access_addr, (u64)access_page);
	WR(msr_bitmap, (u64)msr_bitmap);
	return true;
}

#define EXPECT_EXIT(reason) EXPECT_EQ(l2_run(), reason)

/* ---- TPR shadow ---- */

static void cr8_is_in_the_page(void)
{
	if (!setup(l2_cr8, TPR_SHADOW, 0))
		return;
	wanted = 5;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(seen, 5);
	EXPECT_EQ(VREG(REG_TPR), 0x50);
}

static void cr8_reads_the_page(void)
{
	if (!setup(l2_read_cr8, TPR_SHADOW, 0))
		return;
	VREG(REG_TPR) = 0x9f;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(seen, 9);
}

static void cr8_exits_if_l1_wants_it(void)
{
	if (!setup(l2_cr8, TPR_SHADOW | CR8_LOAD, 0))
		return;
	wanted = 5;
	EXPECT_EXIT(EXIT_CR);
	EXPECT_EQ(RD(exit_qualification) & 0xff, 8);
	l2_skip();
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(VREG(REG_TPR), 0);
}

static void cr8_without_shadow_leaves_the_page_alone(void)
{
	l2_setup(l2_cr8);
	clear(virtual_apic);
	WR(virtual_apic_page_addr, (u64)virtual_apic);
	wanted = 5;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(VREG(REG_TPR), 0);
	EXPECT_EQ(READ_CR(8), 5);
}

static void tpr_below_threshold_exits_behind_the_write(void)
{
	if (!setup(l2_cr8, TPR_SHADOW, 0))
		return;
	VREG(REG_TPR) = 0x70;
	WR(tpr_threshold, 4);
	wanted = 3;
	EXPECT_EXIT(EXIT_TPR);
	EXPECT_EQ(VREG(REG_TPR), 0x30);
	EXPECT(RD(guest_rip) != (u64)l2_cr8);
	WR(tpr_threshold, 3);
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(seen, 3);
}

static void tpr_at_threshold_does_not_exit(void)
{
	if (!setup(l2_cr8, TPR_SHADOW, 0))
		return;
	VREG(REG_TPR) = 0x70;
	WR(tpr_threshold, 4);
	wanted = 4;
	EXPECT_EXIT(EXIT_VMCALL);
}

static void threshold_above_tpr_fails(void)
{
	if (!setup(l2_nothing, TPR_SHADOW, 0))
		return;
	VREG(REG_TPR) = 0x2f;
	WR(tpr_threshold, 3);
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
	WR(tpr_threshold, 0x10);
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
	WR(tpr_threshold, 2);
	EXPECT_EXIT(EXIT_VMCALL);
}

static void threshold_above_tpr_exits_with_apic_accesses(void)
{
	if (!setup(l2_nothing, TPR_SHADOW, APIC_ACCESSES))
		return;
	VREG(REG_TPR) = 0x2f;
	WR(tpr_threshold, 3);
	EXPECT_EXIT(EXIT_TPR);
	EXPECT_EQ(RD(guest_rip), (u64)l2_nothing);
}

static void virtual_apic_address_is_checked(void)
{
	if (!setup(l2_nothing, TPR_SHADOW, 0))
		return;
	WR(virtual_apic_page_addr, (u64)virtual_apic + 0x10);
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
	WR(virtual_apic_page_addr, 1ull << 52);
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
}

static void shadow_is_not_needed_where_cr8_exits(void)
{
	if (!setup(l2_cr8, TPR_SHADOW | CR8_LOAD | CR8_STORE, 0))
		return;
	WR(virtual_apic_page_addr, 0xfec00000);
	EXPECT_EXIT(EXIT_CR);
}

/* ---- APIC accesses ---- */

static void apic_read_exits(void)
{
	if (!setup(l2_read_id, 0, APIC_ACCESSES))
		return;
	EXPECT_EXIT(EXIT_APIC_ACCESS);
	EXPECT_EQ(RD(exit_qualification), REG_ID);
	l2_skip();
	EXPECT_EXIT(EXIT_VMCALL);
}

static void apic_write_exits(void)
{
	if (!setup(l2_write_svr, 0, APIC_ACCESSES))
		return;
	wanted = 0x1ff;
	EXPECT_EXIT(EXIT_APIC_ACCESS);
	EXPECT_EQ(RD(exit_qualification), 1 << 12 | REG_SVR);
	EXPECT_EQ(AREG(REG_SVR), 0);
}

static void apic_tpr_is_in_the_page(void)
{
	if (!setup(l2_tpr, TPR_SHADOW, APIC_ACCESSES))
		return;
	wanted = 0x45;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(seen, 0x45);
	EXPECT_EQ(VREG(REG_TPR), 0x45);
	EXPECT_EQ(AREG(REG_TPR), 0);
}

static void without_the_control_it_is_memory(void)
{
	if (!setup(l2_write_svr, TPR_SHADOW, 0))
		return;
	wanted = 0x1ff;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(AREG(REG_SVR), 0x1ff);
}

/* The page is found by where ept12 leads to. */
static void apic_page_of_ept12(void)
{
	u64 eptp = ept_build();

	if (!setup(l2_elsewhere, 0, APIC_ACCESSES))
		return;
	ept_split((u64)elsewhere);
	*ept_entry_4k((u64)elsewhere) = (u64)access_page | 0x37;
	ept_on(eptp);
	EXPECT_EXIT(EXIT_APIC_ACCESS);
	EXPECT_EQ(RD(exit_qualification), REG_ID);
	*ept_entry_4k((u64)elsewhere) = (u64)elsewhere | 0x37;
	expect_ok("invept", invept(1, eptp, 0));
	EXPECT_EXIT(EXIT_VMCALL);
}

static void apic_access_address_is_checked(void)
{
	if (!setup(l2_nothing, 0, APIC_ACCESSES))
		return;
	WR(apic_access_addr, (u64)access_page + 0x800);
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
}

/* ---- register virtualization ---- */

static void registers_read_from_the_page(void)
{
	if (!setup(l2_read_id, TPR_SHADOW, APIC_ACCESSES | APIC_REGISTERS))
		return;
	VREG(REG_ID) = 0x12000000;
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(seen, 0x12000000);
}

static void what_is_no_register_exits(void)
{
	if (!setup(l2_read_none, TPR_SHADOW, APIC_ACCESSES | APIC_REGISTERS))
		return;
	EXPECT_EXIT(EXIT_APIC_ACCESS);
	EXPECT_EQ(RD(exit_qualification), REG_NONE);
}

static void register_write_exits_afterwards(void)
{
	if (!setup(l2_write_svr, TPR_SHADOW, APIC_ACCESSES | APIC_REGISTERS))
		return;
	wanted = 0x1ff;
	EXPECT_EXIT(EXIT_APIC_WRITE);
	EXPECT_EQ(RD(exit_qualification), REG_SVR);
	EXPECT_EQ(VREG(REG_SVR), 0x1ff);
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(seen, 0x1ff);
}

static void registers_need_the_shadow(void)
{
	if (!setup(l2_nothing, 0, APIC_REGISTERS))
		return;
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
}

/* ---- virtual-interrupt delivery ---- */

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

/* ---- x2APIC mode ---- */

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
	T(cr8_is_in_the_page), T(cr8_reads_the_page), T(cr8_exits_if_l1_wants_it),
	T(cr8_without_shadow_leaves_the_page_alone),
	T(tpr_below_threshold_exits_behind_the_write), T(tpr_at_threshold_does_not_exit),
	T(threshold_above_tpr_fails), T(threshold_above_tpr_exits_with_apic_accesses),
	T(virtual_apic_address_is_checked), T(shadow_is_not_needed_where_cr8_exits),
	T(apic_read_exits), T(apic_write_exits), T(apic_tpr_is_in_the_page),
	T(without_the_control_it_is_memory), T(apic_page_of_ept12),
	T(apic_access_address_is_checked), T(registers_read_from_the_page),
	T(what_is_no_register_exits), T(register_write_exits_afterwards),
	T(registers_need_the_shadow), T(requested_interrupt_is_delivered),
	T(interrupt_waits_for_if), T(interrupt_waits_for_the_tpr), T(eoi_ends_the_service),
	T(eoi_exits_where_l1_asked), T(self_ipi_needs_no_exit),
	T(delivery_needs_shadow_and_exits), T(x2apic_tpr_is_in_the_page),
	T(x2apic_tpr_exits_if_l1_wants_it), T(x2apic_msrs_without_the_mode),
	T(x2apic_version_is_not_virtualized), T(x2apic_registers_read_from_the_page),
	T(x2apic_self_ipi), T(x2apic_mode_excludes_apic_accesses),
};

const u32 nr_tests = ARRAY_SIZE(tests);
