// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who owns an exit from L2: every row of table 3 against a list made by hand from the SDM.
 */
#include "back.h"

#define NONE	0xffff

/* Owner without the control, the control, owner with it. */
struct expectation {
	u32 reason;
	enum nested_owner without;
	u32 ctl;
	enum nested_owner with;
};

#define ALWAYS(reason, owner)	{ EXIT_##reason, owner, NONE, owner }
#define WITH(reason, ctl)	{ EXIT_##reason, OWNER_L0, CTL_##ctl, OWNER_L1 }

static const struct expectation expected[] = {
	ALWAYS(external_interrupt, OWNER_L0),
	ALWAYS(triple_fault, OWNER_L1),
	ALWAYS(init_signal, OWNER_L1),
	ALWAYS(sipi, OWNER_L1),
	ALWAYS(io_smi, OWNER_L0),
	ALWAYS(other_smi, OWNER_L0),
	WITH(interrupt_window, interrupt_window_exiting),
	WITH(nmi_window, nmi_window_exiting),
	ALWAYS(task_switch, OWNER_L1),
	ALWAYS(cpuid, OWNER_L1),
	ALWAYS(getsec, OWNER_L1),
	WITH(hlt, hlt_exiting),
	ALWAYS(invd, OWNER_L1),
	WITH(invlpg, invlpg_exiting),
	WITH(rdpmc, rdpmc_exiting),
	WITH(rdtsc, rdtsc_exiting),
	ALWAYS(rsm, OWNER_L1),
	ALWAYS(vmcall, OWNER_L1),
	ALWAYS(vmclear, OWNER_L1),
	ALWAYS(vmlaunch, OWNER_L1),
	ALWAYS(vmptrld, OWNER_L1),
	ALWAYS(vmptrst, OWNER_L1),
	ALWAYS(vmread, OWNER_L1),
	ALWAYS(vmresume, OWNER_L1),
	ALWAYS(vmwrite, OWNER_L1),
	ALWAYS(vmxoff, OWNER_L1),
	ALWAYS(vmxon, OWNER_L1),
	WITH(mov_dr, mov_dr_exiting),
	WITH(io, unconditional_io_exiting),
	ALWAYS(rdmsr, OWNER_L1),	/* without a bitmap all MSRs exit */
	ALWAYS(wrmsr, OWNER_L1),
	ALWAYS(invalid_guest_state, OWNER_L1),
	ALWAYS(msr_load_failure, OWNER_L1),
	WITH(mwait, mwait_exiting),
	ALWAYS(monitor_trap_flag, OWNER_L1),
	WITH(monitor, monitor_exiting),
	WITH(pause, pause_exiting),
	ALWAYS(mce_during_entry, OWNER_L0),
	WITH(tpr_below_threshold, tpr_shadow),
	ALWAYS(apic_access, OWNER_L1),
	ALWAYS(virtualized_eoi, OWNER_L1),
	WITH(gdtr_idtr, descriptor_table_exiting),
	WITH(ldtr_tr, descriptor_table_exiting),
	ALWAYS(ept_violation, OWNER_L0),
	ALWAYS(ept_misconfig, OWNER_L0),
	ALWAYS(invept, OWNER_L1),
	WITH(rdtscp, rdtsc_exiting),
	ALWAYS(preemption_timer, OWNER_L0),
	ALWAYS(invvpid, OWNER_L1),
	WITH(wbinvd, wbinvd_exiting),
	ALWAYS(xsetbv, OWNER_L1),
	ALWAYS(apic_write, OWNER_L1),
	WITH(rdrand, rdrand_exiting),
	ALWAYS(vmfunc, OWNER_L1),
	ALWAYS(encls, OWNER_L1),
	WITH(rdseed, rdseed_exiting),
	ALWAYS(pml_full, OWNER_L0),
	ALWAYS(umwait, OWNER_L1),
	ALWAYS(tpause, OWNER_L1),
};

/* Rows that depend on more than one control have tests of their own below. */
static const u32 elsewhere[] = {
	EXIT_exception_nmi, EXIT_cr_access, EXIT_invpcid, EXIT_xsaves, EXIT_xrstors,
};

static enum nested_owner route(u32 reason, u64 qual)
{
	m->v.exit = (struct exit_info){ .reason = reason, .qual = qual };
	return nested_route(&m->v);
}

static void clear_controls(struct vmcs12 *s)
{
	s->pin_based_vm_exec_control = 0;
	s->cpu_based_vm_exec_control = CTL_MASK(CTL_activate_secondary);
	s->secondary_vm_exec_control = 0;
	s->exception_bitmap = 0;
}

static void set_control(struct vmcs12 *s, u32 ctl)
{
	if (CTL_WORD(ctl) == CTLW_PIN)
		s->pin_based_vm_exec_control |= CTL_MASK(ctl);
	else if (CTL_WORD(ctl) == CTLW_PROC)
		s->cpu_based_vm_exec_control |= CTL_MASK(ctl);
	else
		s->secondary_vm_exec_control |= CTL_MASK(ctl);
}

static bool is_expected(u32 reason)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(expected); i++)
		if (expected[i].reason == reason)
			return true;
	for (i = 0; i < ARRAY_SIZE(elsewhere); i++)
		if (elsewhere[i] == reason)
			return true;
	return false;
}

static void rows(void)
{
	struct vmcs12 *s = l1_vmcs12();
	const struct expectation *e;

	for (e = expected; e < expected + ARRAY_SIZE(expected); e++) {
		clear_controls(s);
		ok(route(e->reason, 0) == e->without, "exit %u without its control", e->reason);
		if (e->ctl == NONE)
			continue;
		set_control(s, e->ctl);
		ok(route(e->reason, 0) == e->with, "exit %u with its control", e->reason);
		s->cpu_based_vm_exec_control &= ~CTL_MASK(CTL_activate_secondary);
		ok(route(e->reason, 0) == (CTL_WORD(e->ctl) == CTLW_PROC2 ? e->without : e->with),
		   "exit %u: secondary controls count only where activated", e->reason);
	}
#define NVMX_EXIT(number, name, handler, owner, arg, valid)	\
	ok(is_expected(number), "the row of " #name " is in the list");
#include <nvmx/vmx_exits.h>
#undef NVMX_EXIT
	ok(route(66, 0) == OWNER_L1, "a reason without a row is L1's");
	ok(route(0x3000, 0) == OWNER_L1, "a reason beyond the table is L1's");
}

static enum nested_owner exception(u32 type, u8 vector, u32 code)
{
	m->v.exit = (struct exit_info){
		.reason = EXIT_exception_nmi, .intr_error = code,
		.intr_info = EVT_VALID | type | vector,
	};
	return nested_route(&m->v);
}

/* CVE-2016-9588: L0 acted on L2's #BP and #OF, which L1 intercepted. */
static void exceptions(void)
{
	struct vmcs12 *s = l1_vmcs12();
	u32 vector;

	clear_controls(s);
	ok(exception(EVT_TYPE_NMI, VEC_NMI, 0) == OWNER_L0, "an NMI is the host's");
	s->pin_based_vm_exec_control |= CTL_MASK(CTL_nmi_exiting);
	ok(exception(EVT_TYPE_NMI, VEC_NMI, 0) == OWNER_L0, "also with NMI exiting");
	for (vector = 0; vector < 32; vector++) {
		if (vector == VEC_NMI || vector == VEC_PF)
			continue;
		s->exception_bitmap = 0;
		ok(exception(EVT_TYPE_HWEXC, vector, 0) == OWNER_L0, "vector %u: no bit", vector);
		s->exception_bitmap = BIT(vector);
		ok(exception(EVT_TYPE_HWEXC, vector, 0) ==
		   (vector == VEC_MC ? OWNER_L0 : OWNER_L1), "vector %u: its bit", vector);
	}
	s->exception_bitmap = ~0u;
	m->v.guest_debug = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP;
	ok(exception(EVT_TYPE_HWEXC, VEC_DB, 0) == OWNER_L0, "#DB while user space steps");
	ok(exception(EVT_TYPE_SWEXC, VEC_BP, 0) == OWNER_L0, "#BP while user space has some");
	m->v.guest_debug = 0;
}

static void page_faults(void)
{
	struct vmcs12 *s = l1_vmcs12();
	u32 bit, code;

	for (bit = 0; bit < 2; bit++)
		for (code = 0; code < 32; code++) {
			bool match = (code & 0x5) == 0x4;

			s->exception_bitmap = bit << VEC_PF;
			s->page_fault_error_code_mask = 0x5;
			s->page_fault_error_code_match = 0x4;
			ok((exception(EVT_TYPE_HWEXC, VEC_PF, code) == OWNER_L1) == (match == bit),
			   "#PF(%u), bit %u, mask 5, match 4", code, bit);
		}
	s->page_fault_error_code_mask = 0;
	s->page_fault_error_code_match = 1;
	s->exception_bitmap = BIT(VEC_PF);
	ok(exception(EVT_TYPE_HWEXC, VEC_PF, 2) == OWNER_L0, "bit 1 and no match possible: none");
}

#define CR_QUAL(num, type, reg)	((num) | (type) << 4 | (reg) << 8)

static enum nested_owner mov_to_cr(u32 num, u64 val)
{
	m->v.gpr[GPR_RBX] = val;
	return route(EXIT_cr_access, CR_QUAL(num, CRQ_TYPE_TO_CR, GPR_RBX));
}

static void control_registers(void)
{
	struct vmcs12 *s = l1_vmcs12();

	clear_controls(s);
	s->cr0_guest_host_mask = X86_CR0_PG | X86_CR0_TS;
	s->cr0_read_shadow = X86_CR0_PG;
	s->cr4_guest_host_mask = X86_CR4_VMXE;
	s->cr4_read_shadow = 0;
	ok(mov_to_cr(0, X86_CR0_PG | X86_CR0_WP) == OWNER_L0, "CR0: bits that L1 leaves alone");
	ok(mov_to_cr(0, 0) == OWNER_L1, "CR0: a bit that L1 keeps");
	ok(mov_to_cr(4, X86_CR4_PAE) == OWNER_L0, "CR4: bits that L1 leaves alone");
	ok(mov_to_cr(4, X86_CR4_VMXE) == OWNER_L1, "CR4: a bit that L1 keeps");
	ok(mov_to_cr(3, 0x1000) == OWNER_L0, "CR3 without its control");
	set_control(s, CTL_cr3_load_exiting);
	ok(mov_to_cr(3, 0x1000) == OWNER_L1, "CR3 with its control");
	ok(mov_to_cr(8, 1) == OWNER_L0, "CR8 without its control");
	set_control(s, CTL_cr8_load_exiting);
	ok(mov_to_cr(8, 1) == OWNER_L1, "CR8 with its control");
	ok(route(EXIT_cr_access, CR_QUAL(3, CRQ_TYPE_FROM_CR, 0)) == OWNER_L0, "from CR3");
	set_control(s, CTL_cr3_store_exiting);
	ok(route(EXIT_cr_access, CR_QUAL(3, CRQ_TYPE_FROM_CR, 0)) == OWNER_L1, "from CR3, asked");
	ok(route(EXIT_cr_access, CR_QUAL(8, CRQ_TYPE_FROM_CR, 0)) == OWNER_L0, "from CR8");
	set_control(s, CTL_cr8_store_exiting);
	ok(route(EXIT_cr_access, CR_QUAL(8, CRQ_TYPE_FROM_CR, 0)) == OWNER_L1, "from CR8, asked");
}

static void clts_and_lmsw(void)
{
	const u64 clts = CR_QUAL(0, CRQ_TYPE_CLTS, 0), lmsw = CR_QUAL(0, CRQ_TYPE_LMSW, 0);
	struct vmcs12 *s = l1_vmcs12();

	s->cr0_guest_host_mask = X86_CR0_TS;
	s->cr0_read_shadow = 0;
	ok(route(EXIT_cr_access, clts) == OWNER_L0, "CLTS: TS reads as 0 already");
	s->cr0_read_shadow = X86_CR0_TS;
	ok(route(EXIT_cr_access, clts) == OWNER_L1, "CLTS: TS reads as 1");
	s->cr0_guest_host_mask = 0;
	ok(route(EXIT_cr_access, clts) == OWNER_L0, "CLTS: L1 does not keep TS");
	s->cr0_guest_host_mask = X86_CR0_PE | X86_CR0_EM;
	s->cr0_read_shadow = X86_CR0_PE;
	ok(route(EXIT_cr_access, lmsw) == OWNER_L0, "LMSW cannot clear PE");
	s->cr0_read_shadow = 0;
	ok(route(EXIT_cr_access, lmsw | 1 << 16) == OWNER_L1, "LMSW sets PE");
	ok(route(EXIT_cr_access, lmsw | 4 << 16) == OWNER_L1, "LMSW sets EM");
	ok(route(EXIT_cr_access, lmsw | 8 << 16) == OWNER_L0, "LMSW of a bit that L1 leaves alone");
}

#define IO_QUAL(port, size)	((u64)(port) << 16 | ((size) - 1))
#define PA_IO_A			0x10000ull
#define PA_IO_B			0x11000ull
#define PA_MSR			0x12000ull

static void ports(void)
{
	struct vmcs12 *s = l1_vmcs12();
	u8 *a = model_memory(PA_IO_A), *b = model_memory(PA_IO_B);

	clear_controls(s);
	set_control(s, CTL_use_io_bitmaps);
	set_control(s, CTL_unconditional_io_exiting);
	s->io_bitmap_a = PA_IO_A;
	s->io_bitmap_b = PA_IO_B;
	a[0x80 / 8] = 1;
	b[0] = 1;
	b[0xfff] = 0x80;
	ok(route(EXIT_io, IO_QUAL(0x80, 1)) == OWNER_L1, "port 0x80: its bit");
	ok(route(EXIT_io, IO_QUAL(0x81, 1)) == OWNER_L0, "port 0x81: the bitmap decides alone");
	ok(route(EXIT_io, IO_QUAL(0x7d, 4)) == OWNER_L1, "a wide access that touches 0x80");
	ok(route(EXIT_io, IO_QUAL(0x7c, 4)) == OWNER_L0, "a wide access just below it");
	ok(route(EXIT_io, IO_QUAL(0x7fff, 2)) == OWNER_L1, "from the first bitmap into the second");
	ok(route(EXIT_io, IO_QUAL(0xffff, 1)) == OWNER_L1, "the last port");
	b[0xfff] = 0;
	ok(route(EXIT_io, IO_QUAL(0xffff, 1)) == OWNER_L0, "the last port, no bit");
	ok(route(EXIT_io, IO_QUAL(0xffff, 2)) == OWNER_L1, "wrapping around the end always exits");
	s->io_bitmap_a = PA_NOWHERE;
	ok(route(EXIT_io, IO_QUAL(0x81, 1)) == OWNER_L1, "a bitmap without memory intercepts");
}

static enum nested_owner msr(u32 reason, u32 index)
{
	m->v.gpr[GPR_RCX] = index;
	return route(reason, 0);
}

/* All that a bitmap has, each bit for itself. */
static void msrs(void)
{
	static const u32 first[] = { 0, 0xc0000000 };
	u8 *map = model_memory(PA_MSR);
	struct vmcs12 *s = l1_vmcs12();
	u32 range, write, i, wrong = 0;

	clear_controls(s);
	set_control(s, CTL_use_msr_bitmaps);
	s->msr_bitmap = PA_MSR;
	for (range = 0; range < 2; range++)
		for (write = 0; write < 2; write++)
			for (i = 0; i < 0x2000; i++) {
				u8 *byte = &map[write * 2048 + range * 1024 + i / 8];
				u32 reason = write ? EXIT_wrmsr : EXIT_rdmsr;

				wrong += msr(reason, first[range] + i) != OWNER_L0;
				*byte = 1 << i % 8;
				wrong += msr(reason, first[range] + i) != OWNER_L1;
				*byte = 0;
			}
	ok(!wrong, "each bit of the MSR bitmap, and no other");
	ok(msr(EXIT_rdmsr, 0x2000) == OWNER_L1, "beyond the low range");
	ok(msr(EXIT_rdmsr, 0xc0002000) == OWNER_L1, "beyond the high range");
	ok(msr(EXIT_wrmsr, 0xbfffffff) == OWNER_L1, "below the high range");
	s->msr_bitmap = PA_NOWHERE;
	ok(msr(EXIT_rdmsr, 0x10) == OWNER_L1, "a bitmap without memory intercepts");
}

static void two_controls(void)
{
	struct vmcs12 *s = l1_vmcs12();

	clear_controls(s);
	set_control(s, CTL_invlpg_exiting);
	ok(route(EXIT_invpcid, 0) == OWNER_L0, "INVPCID: INVLPG exiting alone");
	set_control(s, CTL_invpcid);
	ok(route(EXIT_invpcid, 0) == OWNER_L1, "INVPCID: both");
	s->xss_exit_bitmap = 1;
	ok(route(EXIT_xsaves, 0) == OWNER_L0, "XSAVES: the bitmap without the control");
	set_control(s, CTL_xsaves);
	ok(route(EXIT_xsaves, 0) == OWNER_L1 && route(EXIT_xrstors, 0) == OWNER_L1, "both");
	s->xss_exit_bitmap = 0;
	ok(route(EXIT_xsaves, 0) == OWNER_L0, "XSAVES: an empty bitmap");
}

void test_route(void)
{
	hardware_new();
	rows();
	exceptions();
	page_faults();
	control_registers();
	clts_and_lmsw();
	ports();
	msrs();
	two_controls();
	hardware_end();
}
