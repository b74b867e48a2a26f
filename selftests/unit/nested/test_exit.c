// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits to L1: what L1 reads, what its registers are, and what it costs.
 */
#include <string.h>
#include "back.h"

#define PA_LIST	0x14000ull

static u64 pattern(const struct nested_field *f)
{
	u64 val = 0x0123456789abcdefull * (f->enc + 1);

	return f->size == 8 ? val : val & ((1ull << 8 * f->size) - 1);
}

/* Rows that a test may fill with anything. */
static bool is_free(const struct nested_field *f)
{
	return f->flow == FLOW_SYNC && f->enc != VMCS_guest_rflags &&
	       f->enc != VMCS_guest_interruptibility_info && f->enc != VMCS_guest_cs_ar_bytes &&
	       f->enc != VMCS_guest_ss_ar_bytes;
}

/* What L2 has changed is what L1 reads, hot or rare, once or after another entry. */
static void every_field_comes_back(void)
{
	struct vmcs *vmcs02;
	u32 i, wrong = 0;

	l1_enters();
	vmcs02 = m->v.nested->current12->vmcs02;
	for (i = 0; i < nested_nr_fields; i++)
		if (is_free(&nested_fields[i]))
			vmcs_poke(vmcs02, nested_fields[i].enc, pattern(&nested_fields[i]));
	poke02(guest_rflags, 0x246);
	l2_exits((struct exit_info){ .reason = EXIT_cpuid, .insn_len = 2, .valid = EXIT_VALID_L });
	ok(m->v.nested->current12->rare_stale, "the rare ones wait in vmcs02");
	for (i = 0; i < nested_nr_fields; i++)
		if (is_free(&nested_fields[i]) &&
		    l1_reads(nested_fields[i].enc) != pattern(&nested_fields[i]))
			wrong += !ok(false, "%s", nested_fields[i].name);
	ok(!wrong, "each SYNC row is what L2 left");
	ok(l1_reads(VMCS_guest_rflags) == 0x246, "RFLAGS, too");
	ok(!m->v.nested->current12->rare_stale, "they were fetched once");
	ok(hw.current == m->v.vmcs01 && !is_guest_mode(&m->v), "vmcs01 is current again");
}

static void the_page_in_memory(void)
{
	struct vmcs12 *s = model_memory(PA_VMCS(0));

	poke02(guest_gdtr_limit, 0x1234);
	m->v.nested->current12->rare_stale = true;
	model_insn_pa(EXIT_vmclear, PA_VMCS(0));
	ok(s->guest_gdtr_limit == 0x1234, "VMCLEAR writes what was still in vmcs02");
	ok(!s->launch_state, "and clears the launch state");
}

static void exit_information(void)
{
	struct vmcs12 *s = l1_vmcs12();

	l1_enters();
	l2_exits((struct exit_info){
		.reason = EXIT_io, .qual = 0x3f80003, .insn_len = 2, .insn_info = 0x99,
		.valid = EXIT_VALID_Q | EXIT_VALID_L,
	});
	ok(!is_guest_mode(&m->v), "unconditional I/O exiting is L1's");
	ok(l1_reads(VMCS_vm_exit_reason) == EXIT_io && l1_reads(VMCS_exit_qualification) ==
	   0x3f80003 && l1_reads(VMCS_vm_exit_instruction_len) == 2, "reason, qual, length");
	ok(!l1_reads(VMCS_vm_exit_intr_info) && !l1_reads(VMCS_idt_vectoring_info_field),
	   "no event");
	ok(s->launch_state == 1, "launched");
	l1_enters();
	l2_exits((struct exit_info){
		.reason = EXIT_exception_nmi,
		.intr_info = EVT_VALID | EVT_TYPE_HWEXC | EVT_HAS_CODE | 14,
		.intr_error = 6, .qual = 0xdead000,
		.valid = EXIT_VALID_Q | EXIT_VALID_E | EXIT_VALID_V,
		.idt_info = EVT_VALID | EVT_TYPE_HWEXC | EVT_HAS_CODE | 13, .idt_error = 0x18,
	});
	ok(l1_reads(VMCS_vm_exit_intr_info) == (EVT_VALID | EVT_TYPE_HWEXC | EVT_HAS_CODE | 14) &&
	   l1_reads(VMCS_vm_exit_intr_error_code) == 6 &&
	   l1_reads(VMCS_exit_qualification) == 0xdead000, "a page fault that L1 wants");
	ok(l1_reads(VMCS_idt_vectoring_info_field) ==
	   (EVT_VALID | EVT_TYPE_HWEXC | EVT_HAS_CODE | 13) &&
	   l1_reads(VMCS_idt_vectoring_error_code) == 0x18, "during the delivery of another");
	ok(!m->v.ev.exception.injected, "which is L1's to inject again, not L0's");
}

static void host_state(void)
{
	struct vmcs12 *s = l1_vmcs12();

	s->host_rip = 0xffffffff81002000;
	s->host_rsp = 0xffffc90000004000;
	s->host_cr3 = 0x6000;
	s->host_fs_base = 0x7000;
	s->host_fs_selector = 0;
	s->host_gs_selector = 0x18;
	s->host_gs_base = 0xffff888000000000;
	s->host_gdtr_base = 0xfffffe0000001000;
	s->vm_exit_controls |= CTL_MASK(CTL_exit_load_pat) | CTL_MASK(CTL_exit_load_efer) |
			       CTL_MASK(CTL_exit_save_efer);
	s->host_ia32_efer = EFER_LME | EFER_LMA | EFER_SCE;
	s->host_ia32_pat = 0x0606060606060606;
	l1_wrote();
	l1_enters();
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
	vmx_regs_flush(&m->v);
	ok(peek01(guest_rip) == s->host_rip && peek01(guest_rsp) == s->host_rsp &&
	   peek01(guest_rflags) == X86_EFLAGS_FIXED, "RIP, RSP, RFLAGS");
	ok(peek01(guest_cr3) == 0x6000, "CR3");
	ok(peek01(guest_fs_base) == 0x7000 && peek01(guest_fs_ar_bytes) & SEGAR_UNUSABLE,
	   "a null selector: unusable, with its base");
	ok(peek01(guest_gs_selector) == 0x18 && peek01(guest_gs_ar_bytes) == 0xc093, "GS");
	ok(peek01(guest_cs_ar_bytes) == 0xa09b && peek01(guest_cs_limit) == 0xffffffff, "CS.L");
	ok(peek01(guest_tr_ar_bytes) == 0x8b && peek01(guest_tr_limit) == 0x67, "TR");
	ok(peek01(guest_ldtr_ar_bytes) & SEGAR_UNUSABLE, "LDTR");
	ok(peek01(guest_gdtr_limit) == 0xffff && peek01(guest_gdtr_base) == s->host_gdtr_base,
	   "GDTR");
	ok(m->v.efer == s->host_ia32_efer && peek01(guest_ia32_efer) == m->v.efer, "EFER");
	ok(m->v.pat == s->host_ia32_pat && peek01(guest_ia32_pat) == m->v.pat, "PAT");
	ok(m->v.dr7 == 0x400, "DR7");
	ok(s->guest_ia32_efer == (EFER_LME | EFER_LMA), "L2's EFER was saved");
	ok(m->v.cr0_owned == X86_CR0_TS && m->v.cr4_owned == X86_CR4_PGE, "L1 owns what it did");
}

/* L0 handled a write of L2 to CR0: the next entry must not trust its memory of the shadow. */
static void control_registers_that_l0_wrote(void)
{
	struct vmcs12 *s = l1_vmcs12();

	s->cr0_guest_host_mask = X86_CR0_PE;
	s->cr0_read_shadow = X86_CR0_PE;
	l1_wrote();
	l1_enters();
	vmx_set_cr0(&m->v, m->v.cr0 | X86_CR0_MP);
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
	ok(l1_reads(VMCS_guest_cr0) & X86_CR0_MP, "L1 reads what L2 wrote");
	l1_enters();
	ok(peek02(guest_cr0) & X86_CR0_MP && peek02(cr0_read_shadow) & X86_CR0_MP &&
	   peek02(cr0_read_shadow) & X86_CR0_PE, "and it is still so after the next entry");
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
	l1_writes(VMCS_guest_cr0, s->guest_cr0 & ~(u64)X86_CR0_MP);
	l1_enters();
	ok(!(peek02(guest_cr0) & X86_CR0_MP) && !(peek02(cr0_read_shadow) & X86_CR0_MP),
	   "until L1 changes it");
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
}

static void msr_store_list(void)
{
	struct { u32 index, reserved; u64 value; } *e = model_memory(PA_LIST);
	struct vmcs12 *s = l1_vmcs12();

	e[0].index = 0xc0000102;
	e[0].reserved = 0;
	s->vm_exit_msr_store_addr = PA_LIST;
	s->vm_exit_msr_store_count = 1;
	l1_wrote();
	l1_enters();
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
	ok(e[0].value == 0xc0000102 * 3ull, "the MSR-store area");
	e[0].reserved = 1;
	l1_enters();
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
	ok(m->v.ev.triple_fault && !is_guest_mode(&m->v), "a bad entry: L1 shuts down");
	ok(*(u32 *)model_memory(PA_VMCS(0) + 4) == ABORT_MSR_STORE, "with the reason in memory");
	m->v.ev.triple_fault = false;
	s->vm_exit_msr_store_count = 0;
	s->vm_exit_msr_load_addr = PA_LIST;
	s->vm_exit_msr_load_count = 1;
	l1_wrote();
	l1_enters();
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
	ok(m->v.ev.triple_fault &&
	   *(u32 *)model_memory(PA_VMCS(0) + 4) == ABORT_MSR_LOAD, "the MSR-load area, too");
	m->v.ev.triple_fault = false;
	s->vm_exit_msr_load_count = 0;
	l1_wrote();
}

/* What stock kvm-intel does for a port write of L2: a few VMREADs, a new RIP, VMRESUME. */
static void port_write(void)
{
	l2_exits((struct exit_info){
		.reason = EXIT_io, .qual = 0x800000, .insn_len = 2,
		.valid = EXIT_VALID_Q | EXIT_VALID_L,
	});
	l1_reads(VMCS_vm_exit_reason);
	l1_writes(VMCS_guest_rip, l1_reads(VMCS_guest_rip) + 2);
	l1_enters();
}

static void cost(void)
{
	u32 accesses, loads;

	l1_enters();
	port_write();
	port_write();
	accesses = hw.reads + hw.writes;
	loads = hw.loads;
	port_write();
	accesses = hw.reads + hw.writes - accesses;
	loads = hw.loads - loads;
	ok(accesses <= 100, "L2 -> L1 -> L2: %u VMREADs and VMWRITEs", accesses);
	ok(loads <= 4, "%u VMPTRLDs", loads);
	nested_leave(&m->v, false);
}

static void without_shadowing(void)
{
	vmx_caps.shadow_vmcs = false;
	l1_wrote();
	ok(!vmcs_ctl_test(m->v.vmcs01, CTL_vmcs_shadowing), "no shadowing on this CPU");
	l1_enters();
	poke02(guest_rip, 0x4242);
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
	ok(l1_reads(VMCS_guest_rip) == 0x4242, "VMREAD by exit");
	l1_writes(VMCS_guest_rip, 0x4244);
	l1_enters();
	ok(peek02(guest_rip) == 0x4244, "VMWRITE by exit");
	nested_leave(&m->v, false);
}

/* CVE-2022-3344, CVE-2019-7221: a vCPU that ends in L2, its timer running. */
static void the_end_in_l2(void)
{
	struct vmcs12 *s = l1_vmcs12();
	u32 writes;

	s->pin_based_vm_exec_control |= CTL_MASK(CTL_preemption_timer);
	s->vmx_preemption_timer_value = 1000;
	l1_wrote();
	l1_enters();
	ok(m->v.nested->timer.armed, "the timer runs");
	writes = m->writes;
	nested_leave(&m->v, true);
	ok(!is_guest_mode(&m->v) && !m->v.nested->vmxon && !m->v.nested->nr_contexts,
	   "CVE-2022-3344: everything is left");
	ok(m->writes == writes, "and memory, which a reset may have filled, is let alone");
	ok(!m->v.nested->timer.armed, "CVE-2019-7221: the timer is cancelled");
	nested_leave(&m->v, true);
	ok(!m->bugs, "twice is once");
}

void test_exit(void)
{
	hardware_new();
	every_field_comes_back();
	the_page_in_memory();
	hardware_end();

	hardware_new();
	l1_vmcs12()->cpu_based_vm_exec_control |= CTL_MASK(CTL_unconditional_io_exiting);
	l1_vmcs12()->exception_bitmap = BIT(VEC_PF);
	l1_wrote();
	exit_information();
	host_state();
	control_registers_that_l0_wrote();
	cost();
	msr_store_list();
	without_shadowing();
	the_end_in_l2();
	hardware_end();
	ok(!model_allocations() && !hw.trees, "nothing is left");
}
