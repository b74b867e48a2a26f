// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that try to keep L0 busy, or to get lost in it: one per run, by the number at a port.
 */
#include "l1.h"

#define PORT_NUMBER	0x510
#define DEVICE		0xfed00000ull		/* no memory there */
#define ARENA		0x1000000ull		/* 16 MiB that nothing else uses */
#define ARENA_PAGES	4096ull
#define VALID		BIT(31)
#define VMM_TABLES	0x1000ull		/* the VMM's PML4, PDPT and PDs */
#define VMM_TABLES_END	0x7000ull

static struct { u32 index, reserved; u64 value; } list[512] __aligned(PAGE);
static u64 table[4][512] __aligned(PAGE);
static u8 page[PAGE] __aligned(PAGE);
static u8 other_stack[PAGE] __aligned(PAGE);

struct dtr {
	u16 limit;
	u64 base;
} __packed;

static void l2_vmcall(void)
{
	for (;;)
		vmcall();
}

static void l2_spin(void)
{
	for (;;)
		asm volatile("sti; pause");
}

static void l2_ud(void)
{
	asm volatile("ud2");
}

/* Without a step ahead: the same exit, again and again. */
static void run_forever(void)
{
	for (;;)
		l2_run();
}

static void proc(u32 bit)
{
	WR(cpu_based_vm_exec_control, RD(cpu_based_vm_exec_control) | BIT(bit));
}

static void entry_fails_on_controls(void)
{
	l2_setup(l2_vmcall);
	WR(cr3_target_count, 5);
	run_forever();
}

static void entry_fails_on_guest_state(void)
{
	l2_setup(l2_vmcall);
	WR(guest_rflags, 0);
	run_forever();
}

static void entry_fails_on_msr_list(void)
{
	l2_setup(l2_vmcall);
	list[0].index = MSR_FS_BASE;
	WR(vm_entry_msr_load_addr, (u64)list);
	WR(vm_entry_msr_load_count, 1);
	run_forever();
}

static void fill_lists(u32 count)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(list); i++)
		list[i].index = MSR_KERNEL_GS_BASE;
	WR(vm_entry_msr_load_addr, (u64)list);
	WR(vm_exit_msr_store_addr, (u64)list);
	WR(vm_exit_msr_load_addr, (u64)list);
	WR(vm_entry_msr_load_count, count);
}

static void msr_lists_are_full(void)
{
	l2_setup(l2_vmcall);
	fill_lists(512);
	WR(vm_exit_msr_store_count, 512);
	WR(vm_exit_msr_load_count, 512);
	run_forever();
}

static void msr_load_list_is_endless(void)
{
	l2_setup(l2_vmcall);
	fill_lists(~0u);
	run_forever();
}

static void msr_store_list_is_endless(void)
{
	l2_setup(l2_vmcall);
	fill_lists(0);
	WR(vm_exit_msr_store_count, ~0u);
	run_forever();
}

static void ept_points_at_itself(void)
{
	u32 i;

	for (i = 0; i < 512; i++)
		table[0][i] = (u64)table[0] | 7;
	l2_setup(l2_vmcall);
	ept_on((u64)table[0] | 3 << 3 | 6);
	run_forever();
}

/* 32-bit L2 without paging, which writes to one page after the other. */
static void l2_without_paging(void)
{
	static const u8 code[] = {
		0x05, 0x00, 0x10, 0x00, 0x00,			/* 1: add $0x1000, %eax */
		0xf0, 0xff, 0x80, 0x00, 0x08, 0x00, 0x00,	/* lock incl 0x800(%eax) */
		0xeb, 0xf2,					/* jmp 1b */
	};
	u32 i;

	for (i = 0; i < sizeof(code); i++)
		page[i] = code[i];
	l2_setup(l2_vmcall);
	WR(vm_entry_controls, RD(vm_entry_controls) & ~BIT(9));
	WR(guest_cr0, 0x31);
	WR(guest_cr4, BIT(13));
	WR(guest_ia32_efer, 0);
	WR(guest_cs_ar_bytes, 0xc09b);
	WR(guest_rip, 0);
	WR(guest_rflags, 2);
}

static void ept_maps_all_to_one_page(void)
{
	u32 i, level;

	for (i = 0; i < 512; i++) {
		for (level = 0; level < 3; level++)
			table[level][i] = (u64)table[level + 1] | 7;
		table[3][i] = (u64)page | 0x37;
	}
	l2_without_paging();
	ept_on((u64)table[0] | 3 << 3 | 6);
	WR(secondary_vm_exec_control, RD(secondary_vm_exec_control) | BIT(7));
	run_forever();
}

static void ept_rewritten_all_the_time(void)
{
	u64 eptp = ept_build();
	u64 n = 0;

	l2_setup(l2_vmcall);
	ept_on(eptp);
	for (;;) {
		/* Another leaf or a wrong one, rarely the right rights, mostly without INVEPT. */
		*ept_entry((n * 5 & 1023) << 21) ^= n & 1 ? 0x80 : 2;
		if (!(n++ & 7))
			invept(1, eptp, 0);
		*ept_entry((u64)l2_vmcall) = ((u64)l2_vmcall & ~(BIT(21) - 1)) | 0xb7;
		*ept_entry(0) = 0xb7;
		l2_run();
	}
}

static void invept_flood(void)
{
	u64 eptp = ept_build(), n = 0;

	l2_setup(l2_vmcall);
	ept_on(eptp);
	for (;;) {
		invept(1 + (n & 1), eptp + (n << 12 & 0xffff000), 0);
		if (!(n++ & 15))
			l2_run();
	}
}

static void invvpid_flood(void)
{
	u64 n;

	vmx_on();
	for (n = 0;; n++)
		invvpid(n & 3, n & 0xffff, n << 12);
}

static void vmxon_vmxoff_flood(void)
{
	vmx_enable();
	for (;;) {
		vmxon((u64)vmxon_region);
		vmclear((u64)vmcs_a);
		vmptrld((u64)vmcs_a);
		vmxoff();
	}
}

/* CVE-2017-2596: each failure kept a page. */
static void bad_vmxon_flood(void)
{
	u64 n;

	vmx_enable();
	for (n = 0;; n++)
		vmxon(ARENA + n % ARENA_PAGES * PAGE + (n & 1) * 8);
}

static void vmclear_flood(void)
{
	u64 n;

	vmx_on();
	for (n = 0;; n++)
		vmclear(ARENA + n % ARENA_PAGES * PAGE);
}

static void hundreds_of_vmcs(void)
{
	u64 n, i, *to;

	l2_setup(l2_vmcall);
	WR(host_rip, (u64)l2_exit);
	vmclear((u64)vmcs_a);
	for (n = 0;; n = (n + 1) % 512) {
		to = (u64 *)(ARENA + n * PAGE);
		if (*to == 0)
			for (i = 0; i < 512; i++)
				to[i] = ((u64 *)vmcs_a)[i];
		vmptrld((u64)to);
		l2_launched = false;
		l2_run();
		if (n & 1)
			vmclear((u64)to);
	}
}

static void unknown_fields_flood(void)
{
	u64 n, v = 0;

	l2_setup(l2_vmcall);
	for (n = 0;; n++) {
		asm volatile("vmread %1, %0" : "+r" (v) : "r" (n * 0x10003) : "cc");
		asm volatile("vmwrite %0, %1" : : "r" (v), "r" (n << 1 | BIT(15)) : "cc");
	}
}

static struct dtr get_idt(void)
{
	struct dtr d;

	asm volatile("sidt %0" : "=m" (d));
	return d;
}

static u8 *get_tss(void)
{
	struct dtr d;
	u64 low;

	asm volatile("sgdt %0" : "=m" (d));
	low = ((u64 *)d.base)[6];
	return (u8 *)((low >> 16 & 0xffffff) | (low >> 56) << 24);
}

static void set_gate(u32 vector, void *handler, u8 ist)
{
	volatile u16 *gate = (u16 *)(get_idt().base + vector * 16);

	gate[0] = (u64)handler;
	gate[2] = ist | 0x8e00;
	gate[3] = (u64)handler >> 16;
}

/* Return to where the exception was, with and without an error code. */
void again_with_code(void);
void again(void);
asm("again_with_code: add $8, %rsp\nagain: iretq");

/* CVE-2015-8104: the frame of a #DB is written where a breakpoint waits. */
static void debug_exception_in_delivery(void)
{
	u64 top = (u64)other_stack + PAGE;

	*(volatile u64 *)(get_tss() + 36) = top;
	set_gate(1, again, 1);
	asm volatile("mov %0, %%dr0" : : "r" (top - 8));
	asm volatile("mov %0, %%dr7" : : "r" (0x90402ull));
	for (;;)
		*(volatile u64 *)(top - 8) = 1;
}

static void idt_in_a_device(void)
{
	struct dtr d = { 0xfff, DEVICE };

	asm volatile("lidt %0; ud2" : : "m" (d));
}

static void idt_of_l2_in_a_device(void)
{
	l2_setup(l2_ud);
	WR(guest_idtr_base, DEVICE);
	run_forever();
}

static void page_tables_in_a_device(void)
{
	WRITE_CR(3, DEVICE);
}

static void code_in_a_device(void)
{
	((void (*)(void))DEVICE)();
}

static void store_to_a_device(void)
{
	void *to = (void *)DEVICE;
	u64 count = BIT(40);

	for (;;)
		asm volatile("rep stosb" : "+D" (to), "+c" (count) : "a" (0) : "memory");
}

static void string_to_a_device(void)
{
	store_to_a_device();
}

static void string_to_a_device_in_l2(void)
{
	l2_setup(store_to_a_device);
	run_forever();
}

static void string_to_a_device_behind_ept(void)
{
	u64 eptp = ept_build();

	*ept_entry(DEVICE) = *ept_entry(DEVICE + BIT(21));
	l2_setup(store_to_a_device);
	ept_on(eptp);
	run_forever();
}

static void string_to_a_port(void)
{
	void *from = (void *)ARENA;
	u64 count = BIT(40);

	for (;;)
		asm volatile("rep outsb" : "+S" (from), "+c" (count) : "d" (0x80) : "memory");
}

/* Go on with CPL 3 at fn; the handlers find a stack. */
static void enter_cpl3(void (*fn)(void))
{
	volatile u64 *e;

	for (e = (u64 *)VMM_TABLES; e < (u64 *)VMM_TABLES_END; e++)
		*e |= *e & 1 ? 4 : 0;
	WRITE_CR(3, VMM_TABLES);
	*(volatile u64 *)(get_tss() + 4) = (u64)other_stack + PAGE;
	asm volatile("push $0x23; push %0; push $0x202; push $0x1b; push %1; iretq"
		     : : "r" ((u64)page + PAGE - 8), "r" (fn) : "memory");
}

static void cpuid_forever(void)
{
	for (;;)
		cpuid();
}

static void cpuid_at_cpl3(void)
{
	enter_cpl3(cpuid_forever);
}

static void vmxoff_forever(void)
{
	for (;;)
		asm volatile("vmxoff" : : : "cc");
}

static void vmx_instructions_at_cpl3(void)
{
	set_gate(6, again, 0);
	set_gate(13, again_with_code, 0);
	vmx_on();
	enter_cpl3(vmxoff_forever);
}

static void l2_triple_faults(void)
{
	l2_setup(l2_ud);
	WR(guest_idtr_limit, 0);
	run_forever();
}

static void l2_entered_in_hlt(void)
{
	l2_setup(l2_spin);
	WR(guest_activity_state, 1);
	run_forever();
}

static void l2_entered_in_shutdown(void)
{
	l2_setup(l2_spin);
	WR(guest_activity_state, 2);
	run_forever();
}

static void timer_of_zero(void)
{
	l2_setup(l2_spin);
	WR(pin_based_vm_exec_control, RD(pin_based_vm_exec_control) | BIT(6));
	run_forever();
}

static void monitor_trap_storm(void)
{
	l2_setup(l2_spin);
	proc(27);
	run_forever();
}

static void interrupt_window_storm(void)
{
	l2_setup(l2_spin);
	proc(2);
	WR(guest_rflags, 0x202);
	run_forever();
}

static void injection_without_an_idt(void)
{
	l2_setup(l2_spin);
	WR(guest_idtr_limit, 0);
	for (;;) {
		WR(vm_entry_intr_info_field, VALID | 3 << 8 | 1 << 11 | 14);
		l2_run();
	}
}

static void control_register_flood(void)
{
	u64 cr0 = READ_CR(0), cr3 = READ_CR(3), cr4 = READ_CR(4), n;

	for (n = 0;; n++) {
		WRITE_CR(0, cr0 ^ (n & 1) << 30 ^ (n & 2) << 15);
		WRITE_CR(4, cr4 ^ (n & 1) << 7 ^ (n & 2) << 1);
		WRITE_CR(3, cr3);
	}
}

static void msr_flood(void)
{
	static const u32 msrs[] = { 0x10, 0x1b, 0x3a, 0x3b, 0x6e0, 0x79, 0x8b, 0x174, 0x1a0, 0x1d9,
		0x277, 0x2ff, 0x400, 0x40000000, 0x4b564d00, 0x800, 0xc0000080, 0xc0000103 };
	u64 n;

	for (n = 0;; n++) {
		u32 msr = msrs[n % ARRAY_SIZE(msrs)];

		TRY("wrmsr", "c" (msr), "d" ((u32)(n * 0x9e3779b9)));
		TRY("mov %%rdx, %%rbx\n\trdmsr\n\tmov %%rbx, %%rdx", "c" (msr));
	}
}

static void (*const programs[])(void) = {
#define HOSTILE(name, ending) name,
#include "hostile.h"
#undef HOSTILE
};

static void one_program(void)
{
	programs[inb(PORT_NUMBER) % ARRAY_SIZE(programs)]();
}

const struct test tests[] = { T(one_program) };
const u32 nr_tests = ARRAY_SIZE(tests);
