// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM entries that fail, MSR lists, and events: injected, reflected, re-injected.
 */
#include "l1.h"

static volatile u64 l2_value;
static volatile u32 l2_vector;

#define L2(name, ...) static void name(void) { __VA_ARGS__; for (;;) vmcall(); }
L2(l2_vmcall, vmcall())
L2(l2_sti, asm volatile("sti; nop; nop"))
L2(l2_ud, asm volatile("ud2"))
L2(l2_touch, l2_value = *(volatile u64 *)(1ull << 46))
L2(l2_msr, l2_value = rdmsr(MSR_KERNEL_GS_BASE))
L2(l2_spin, { u64 end = rdtsc() + 100000000; while (rdtsc() < end) ; })

#define EXPECT_EXIT(reason) EXPECT_EQ(l2_run(), reason)
#define VALID BIT(31)

/* A payload that shares L1's IDT: an exception in L2 resumes behind it and is counted here. */
static void l2_catch(void)
{
	struct outcome_of o = TRY("ud2");

	l2_vector = o.vector;
	for (;;)
		vmcall();
}

static void fails_control(void (*spoil)(void))
{
	l2_setup(l2_vmcall);
	spoil();
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 7);
	EXPECT_EQ(RD(vm_instruction_error), 7);
}

static void spoil_pin(void) { WR(pin_based_vm_exec_control, 0); }
static void spoil_proc(void) { WR(cpu_based_vm_exec_control, 0); }
static void spoil_exit(void) { WR(vm_exit_controls, 0); }
static void spoil_entry(void) { WR(vm_entry_controls, 0); }
static void spoil_cr3_count(void) { WR(cr3_target_count, 5); }
static void spoil_msr_list(void) { WR(vm_entry_msr_load_count, 1); WR(vm_entry_msr_load_addr, 8); }
static void spoil_event(void) { WR(vm_entry_intr_info_field, VALID | 1 << 8); }
static void spoil_nmi(void) { WR(pin_based_vm_exec_control, ctl(MSR_VMX_PIN, BIT(5))); }

#define CONTROL(name) static void name##_fails(void) { fails_control(spoil_##name); }
CONTROL(pin) CONTROL(proc) CONTROL(exit) CONTROL(entry) CONTROL(cr3_count) CONTROL(msr_list)
CONTROL(event) CONTROL(nmi)

static void fails_host(u32 field, u64 value)
{
	l2_setup(l2_vmcall);
	vmwrite(field, value);
	EXPECT_EQ(l2_run(), ENTRY_FAILED + 8);
}

static void host_cr0_fails(void) { fails_host(VMCS_host_cr0, 0); }
static void host_cr4_fails(void) { fails_host(VMCS_host_cr4, READ_CR(4) & ~BIT(5)); }
static void host_cs_fails(void) { fails_host(VMCS_host_cs_selector, 0); }
static void host_tr_fails(void) { fails_host(VMCS_host_tr_selector, 0); }
static void host_base_fails(void) { fails_host(VMCS_host_gdtr_base, 1ull << 63); }
static void host_efer_fails(void) { fails_host(VMCS_host_ia32_efer, BIT(1)); }

static void fails_guest(u32 field, u64 value)
{
	l2_setup(l2_vmcall);
	WR(exception_bitmap, 0xffffffff);	/* a check that is missed ends here, not in L1 */
	vmwrite(field, value);
	EXPECT_EQ(l2_run(), EXIT_BAD_GUEST);
	EXPECT_EQ(RD(vm_exit_reason), 0x80000000 | EXIT_BAD_GUEST);
	EXPECT(!l2_launched);
	EXPECT_EQ(RD(guest_rip), field == VMCS_guest_rip ? value : (u64)l2_vmcall);
}

static void guest_cr0_fails(void) { fails_guest(VMCS_guest_cr0, READ_CR(0) & ~BIT(0)); }
static void guest_cr4_fails(void) { fails_guest(VMCS_guest_cr4, READ_CR(4) & ~BIT(13)); }
static void guest_rflags_fails(void) { fails_guest(VMCS_guest_rflags, 0); }
static void guest_rip_fails(void) { fails_guest(VMCS_guest_rip, 1ull << 63); }
static void guest_tr_fails(void) { fails_guest(VMCS_guest_tr_ar_bytes, 0x82); }
static void guest_cs_fails(void) { fails_guest(VMCS_guest_cs_ar_bytes, 0xa092); }
static void guest_activity_fails(void) { fails_guest(VMCS_guest_activity_state, 4); }
static void guest_interruptibility_fails(void) { fails_guest(VMCS_guest_interruptibility_info, 3); }
static void guest_link_fails(void)
{
	fails_guest(VMCS_vmcs_link_pointer, 0xfff);
	EXPECT_EQ(RD(exit_qualification), 4);
}

static void mov_ss_blocks_vmlaunch(void)
{
	struct outcome_of o;

	l2_setup(l2_vmcall);
	o = TRY("mov %[s], %%ss\n\tvmlaunch", [s] "r" (0x10ull));
	expect_vmfail("vmlaunch under MOV SS", o, 26);
}

static struct { u32 index, reserved; u64 value; } list[4] __aligned(16);

static void msr_lists_load_and_store(void)
{
	u64 old = rdmsr(MSR_KERNEL_GS_BASE);

	l2_setup(l2_msr);
	WR(cpu_based_vm_exec_control, RD(cpu_based_vm_exec_control) | BIT(28));
	WR(msr_bitmap, (u64)msr_bitmap);
	for (u32 i = 0; i < PAGE; i++)
		msr_bitmap[i] = 0;
	list[0] = (typeof(list[0])){ MSR_KERNEL_GS_BASE, 0, 0x1111 };
	list[1] = (typeof(list[0])){ MSR_KERNEL_GS_BASE, 0, 0 };
	list[2] = (typeof(list[0])){ MSR_KERNEL_GS_BASE, 0, 0x3333 };
	WR(vm_entry_msr_load_addr, (u64)&list[0]);
	WR(vm_entry_msr_load_count, 1);
	WR(vm_exit_msr_store_addr, (u64)&list[1]);
	WR(vm_exit_msr_store_count, 1);
	WR(vm_exit_msr_load_addr, (u64)&list[2]);
	WR(vm_exit_msr_load_count, 1);
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(l2_value, 0x1111);
	EXPECT_EQ(list[1].value, 0x1111);
	EXPECT_EQ(rdmsr(MSR_KERNEL_GS_BASE), 0x3333);
	wrmsr(MSR_KERNEL_GS_BASE, old);
}

static void bad_msr_fails_with_its_index(void)
{
	l2_setup(l2_vmcall);
	list[0] = (typeof(list[0])){ MSR_KERNEL_GS_BASE, 0, 0x1111 };
	list[1] = (typeof(list[0])){ MSR_FS_BASE, 0, 0 };
	WR(vm_entry_msr_load_addr, (u64)&list[0]);
	WR(vm_entry_msr_load_count, 2);
	EXPECT_EQ(l2_run(), EXIT_BAD_MSR);
	EXPECT_EQ(RD(exit_qualification), 2);
}

static void injected_exception_is_delivered(void)
{
	l2_vector = 0;
	l2_setup(l2_catch);
	WR(guest_rip, (u64)l2_vmcall);
	exc.resume = (u64)l2_catch;
	exc.vector = NO_VECTOR;
	WR(vm_entry_intr_info_field, VALID | BIT(11) | 3 << 8 | 13);
	WR(vm_entry_exception_error_code, 0x18);
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(l2_vector, 6);
	EXPECT_EQ(RD(vm_entry_intr_info_field) & VALID, 0);
}

static void injected_interrupt_is_delivered(void)
{
	u32 before = irq_count[0x55];

	l2_setup(l2_vmcall);
	WR(guest_rflags, 0x202);
	WR(vm_entry_intr_info_field, VALID | 0x55);
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(irq_count[0x55], before + 1);
}

static void soft_interrupt_skips_its_length(void)
{
	u32 before = irq_count[0x56];

	l2_setup(l2_vmcall);
	WR(guest_rip, (u64)l2_vmcall - 2);
	WR(vm_entry_intr_info_field, VALID | 4 << 8 | 0x56);
	WR(vm_entry_instruction_len, 2);
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(irq_count[0x56], before + 1);
}

static void exception_without_intercept_stays_in_l2(void)
{
	l2_vector = 0;
	l2_setup(l2_catch);
	EXPECT_EXIT(EXIT_VMCALL);
	EXPECT_EQ(l2_vector, 6);
}

static void page_fault_mask_and_match(void)
{
	l2_setup(l2_touch);
	WR(exception_bitmap, BIT(14));
	EXPECT_EXIT(EXIT_EXCEPTION);
	EXPECT_EQ(RD(vm_exit_intr_info) & 0xff, 14);
	EXPECT_EQ(RD(exit_qualification), 1ull << 46);
	EXPECT_EQ(RD(vm_exit_intr_error_code), 0);
	vmx_off();
	l2_setup(l2_touch);
	WR(exception_bitmap, BIT(14));
	WR(page_fault_error_code_mask, 2);
	WR(page_fault_error_code_match, 2);
	WR(guest_idtr_limit, 0);
	EXPECT_EXIT(EXIT_TRIPLE);
}

static void exception_during_delivery_shows_vectoring(void)
{
	l2_setup(l2_ud);
	WR(exception_bitmap, BIT(13) | BIT(8));
	WR(guest_idtr_limit, 0);
	EXPECT_EXIT(EXIT_EXCEPTION);
	EXPECT_EQ(RD(vm_exit_intr_info) & 0xff, 13);
	EXPECT_EQ(RD(idt_vectoring_info_field) & 0x800007ff, VALID | 3 << 8 | 6);
}

static void interrupt_window(void)
{
	l2_setup(l2_sti);
	WR(cpu_based_vm_exec_control, RD(cpu_based_vm_exec_control) | BIT(2));
	EXPECT_EXIT(EXIT_INTR_WINDOW);
	EXPECT(RD(guest_rflags) & BIT(9));
	vmx_off();
	l2_setup(l2_vmcall);
	WR(cpu_based_vm_exec_control, RD(cpu_based_vm_exec_control) | BIT(2));
	EXPECT_EXIT(EXIT_VMCALL);
}

static void preemption_timer(void)
{
	if (!ctl_allowed(MSR_VMX_PIN, 6)) {
		skip("control not offered");
		return;
	}
	l2_setup(l2_spin);
	WR(guest_rflags, 0x202);
	WR(pin_based_vm_exec_control, RD(pin_based_vm_exec_control) | BIT(6));
	WR(vmx_preemption_timer_value, 1000);
	EXPECT_EXIT(EXIT_TIMER);
	WR(vmx_preemption_timer_value, 0);
	EXPECT_EXIT(EXIT_TIMER);
}

static void pending_mtf_is_taken_first(void)
{
	if (!ctl_allowed(MSR_VMX_PROC, 27)) {
		skip("MTF not offered");
		return;
	}
	l2_setup(l2_vmcall);
	WR(vm_entry_intr_info_field, VALID | 7 << 8);
	EXPECT_EXIT(EXIT_MTF);
	EXPECT_EQ(RD(guest_rip), (u64)l2_vmcall);
}

const struct test tests[] = {
	T(pin_fails), T(proc_fails), T(exit_fails), T(entry_fails), T(cr3_count_fails),
	T(msr_list_fails), T(event_fails), T(nmi_fails), T(host_cr0_fails), T(host_cr4_fails),
	T(host_cs_fails), T(host_tr_fails), T(host_base_fails), T(host_efer_fails),
	T(guest_cr0_fails), T(guest_cr4_fails), T(guest_rflags_fails), T(guest_rip_fails),
	T(guest_tr_fails), T(guest_cs_fails), T(guest_activity_fails),
	T(guest_interruptibility_fails), T(guest_link_fails), T(mov_ss_blocks_vmlaunch),
	T(msr_lists_load_and_store), T(bad_msr_fails_with_its_index),
	T(injected_exception_is_delivered), T(injected_interrupt_is_delivered),
	T(soft_interrupt_skips_its_length), T(exception_without_intercept_stays_in_l2),
	T(page_fault_mask_and_match), T(exception_during_delivery_shows_vectoring),
	T(interrupt_window), T(preemption_timer), T(pending_mtf_is_taken_first),
};

const u32 nr_tests = ARRAY_SIZE(tests);
