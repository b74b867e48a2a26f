// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMLAUNCH and VMRESUME: what fails leaves no trace, what succeeds writes what is needed.
 */
#include <string.h>
#include "back.h"

#define PA_LIST	0x14000ull

static bool in_l1(void)
{
	return !is_guest_mode(&m->v) && hw.current == m->v.vmcs01;
}

static void failures(void)
{
	struct vmcs12 *s = l1_vmcs12(), before;
	struct vmx_result r;
	u32 writes;

	s->cr3_target_count = 5;
	l1_wrote();
	writes = hw.writes;
	before = *s;
	r = l1_enter();
	before.vm_instruction_error = VMXERR_ENTRY_CONTROL;
	ok(r.kind == VMX_FAIL && r.code == VMXERR_ENTRY_CONTROL, "a wrong control: VMfail(7)");
	ok(in_l1() && hw.writes == writes && !memcmp(&before, s, sizeof(before)),
	   "and nothing has changed");
	s->cr3_target_count = 0;
	s->host_cr0 = 0;
	l1_wrote();
	r = l1_enter();
	ok(r.kind == VMX_FAIL && r.code == VMXERR_ENTRY_HOST && in_l1(), "host state: VMfail(8)");
	s->host_cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_NE | X86_CR0_ET;
	s->guest_rflags = 0;
	l1_wrote();
	r = l1_enter();
	ok(r.kind == VMX_ENTRY_FAILED && r.code == EXIT_invalid_guest_state && in_l1(),
	   "guest state: VM-entry failure");
	s->guest_rflags = X86_EFLAGS_FIXED;
	l1_wrote();
}

/* SDM: an entry failure is an exit that saves nothing. */
static void entry_failure_is_an_exit(void)
{
	struct vmcs12 *s = l1_vmcs12();
	struct nvmx_vcpu *v = &m->v;

	s->guest_rflags = 0;
	s->vm_entry_intr_info_field = EVT_VALID | EVT_TYPE_EXTINT | 0x30;
	s->guest_rip = 0x1234;
	s->vm_exit_intr_info = 0x77;
	s->host_rsp = 0x8888;
	l1_wrote();
	l1_enter();
	nested_reflect_synthetic(v, EXIT_invalid_guest_state | EXIT_ENTRY_FAILURE, 2, 0, 0);
	ok(l1_reads(VMCS_vm_exit_reason) == (EXIT_invalid_guest_state | EXIT_ENTRY_FAILURE) &&
	   l1_reads(VMCS_exit_qualification) == 2, "L1 reads the failure");
	ok(s->vm_exit_intr_info == 0x77 && s->guest_rip == 0x1234 && !s->launch_state &&
	   s->vm_entry_intr_info_field & EVT_VALID, "nothing else has changed");
	ok(vmx_rip(v) == s->host_rip && vmx_rsp(v) == 0x8888, "L1 goes on at its host state");
	s->guest_rflags = X86_EFLAGS_FIXED;
	s->vm_entry_intr_info_field = 0;
	l1_wrote();
}

static void list(u32 i, u32 index, u64 value)
{
	struct { u32 index, reserved; u64 value; } *e = model_memory(PA_LIST);

	e[i].index = index;
	e[i].reserved = 0;
	e[i].value = value;
}

/* XMHF64 halted the machine on an illegal entry; without a bound L0 loops for L1. */
static void msr_load_list(void)
{
	static const u32 refused[] = { MSR_FS_BASE, MSR_GS_BASE, 0x808, 0x79, 0x8b, 0x9b, 0x123 };
	struct vmcs12 *s = l1_vmcs12();
	struct vmx_result r;
	u32 i;

	hw.bad_msr = 0x123;
	s->vm_entry_msr_load_addr = PA_LIST;
	s->vm_entry_msr_load_count = 2;
	list(0, 0xc0000102, 0x55);
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		list(1, refused[i], 1);
		l1_wrote();
		r = l1_enter();
		ok(r.kind == VMX_ENTRY_FAILED && r.code == EXIT_msr_load_failure && r.qual == 2,
		   "MSR 0x%x may not be loaded: the second entry failed", refused[i]);
		nested_reflect_synthetic(&m->v, r.code | EXIT_ENTRY_FAILURE, r.qual, 0, 0);
		ok(in_l1(), "and L1 is back");
	}
	ok(hw.last_msr == 0xc0000102 && hw.last_msr_value == 0x55, "the first one was loaded");
	s->vm_entry_msr_load_addr = 0x1000;
	s->vm_entry_msr_load_count = 0xffffffff;
	memset(model_memory(0x1000), 0, 0x3000);
	for (i = 0; i < 600; i++)
		*(u32 *)model_memory(0x1000 + i * 16) = 0x10;
	nested_mark_dirty(m->v.nested->current12, GROUPS_ALL);
	i = nested_load_msrs(&m->v, 0x1000, 0xffffffff);
	ok(i == 513, "no more entries than MISC says are looked at");
	s->vm_entry_msr_load_count = 0;
	s->vm_entry_msr_load_addr = 0;
	hw.bad_msr = 0;
	l1_wrote();
}

static void no_memory(void)
{
	struct l2_context *c;
	struct vmx_result r;
	u32 n;

	model_load(1);
	c = m->v.nested->current12;
	model_valid_vmcs12(c->vmcs12);
	nested_mark_dirty(c, GROUPS_ALL);
	nested_context_drop(&m->v, c);
	for (n = 1; ; n++) {
		m->fail_alloc = n;
		r = l1_enter();
		if (r.kind == VMX_ENTERED)
			break;
		ok(r.kind == VMX_HANDED_OVER && in_l1(), "allocation %u fails: no entry", n);
	}
	m->fail_alloc = 0;
	ok(n > 2, "and then it goes on");
	nested_leave(&m->v, false);
	model_load(0);
}

/* Everything that L1 gives as it is reaches vmcs02. */
static void rows_reach_hardware(void)
{
	struct vmcs12 *s = l1_vmcs12();
	u32 i, wrong = 0;

	l1_wrote();
	l1_enters();
	for (i = 0; i < nested_nr_fields; i++) {
		const struct nested_field *f = &nested_fields[i];
		struct vmcs *vmcs02 = m->v.nested->current12->vmcs02;

		if (f->flow == FLOW_SYNC && vmcs_peek(vmcs02, f->enc) != vmcs12_get(s, f))
			wrong += ok(false, "%s", f->name) + 1;
		if (f->flow == FLOW_HOST && vmcs_peek(vmcs02, f->enc))
			wrong += ok(false, "%s", f->name) + 1;
	}
	ok(!wrong, "SYNC rows are vmcs12's, HOST rows are not");
	ok(peek02(ept_pointer) == (s->ept_pointer ^ 0x80000000), "ept02, not ept12");
	ok(m->v.rip == s->guest_rip && m->v.efer == (EFER_LMA | EFER_LME), "registers are L2's");
	nested_leave(&m->v, false);
}

/* A group that is not dirty is not written. */
static void second_entry_is_cheap(void)
{
	u32 writes;

	l1_enters();
	l2_exits((struct exit_info){ .reason = EXIT_cpuid, .insn_len = 2, .valid = EXIT_VALID_L });
	l1_writes(VMCS_guest_rip, 0x777);
	writes = hw.writes;
	l1_enters();
	ok(peek02(guest_rip) == 0x777, "RIP is new");
	writes = hw.writes - writes;
	ok(writes <= 4, "an entry with a new RIP costs %u VMWRITEs", writes);
	l2_exits((struct exit_info){ .reason = EXIT_cpuid, .insn_len = 2, .valid = EXIT_VALID_L });
	l1_writes(VMCS_guest_gdtr_limit, 0x7f);
	l1_enters();
	ok(peek02(guest_gdtr_limit) == 0x7f, "a rare field that L1 wrote");
	nested_leave(&m->v, false);
}

static void tags(void)
{
	struct vmcs12 *s = l1_vmcs12();
	u32 before;

	l1_enters();
	nested_leave(&m->v, false);
	before = hw.vpid_flushes;
	l1_enters();
	ok(hw.vpid_flushes > before, "without VPID each entry flushes");
	before = hw.vpid_flushes;
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
	ok(hw.vpid_flushes > before && hw.last_vpid == m->v.vpid, "and each exit L1's tag");
	s->secondary_vm_exec_control |= CTL_MASK(CTL_vpid);
	s->virtual_processor_id = 5;
	l1_wrote();
	before = hw.vpid_flushes;
	l1_enters();
	ok(hw.vpid_flushes == before + 1, "a VPID that is new is flushed");
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
	l1_enters();
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
	ok(hw.vpid_flushes == before + 1, "the same VPID again is not");
	nested_flush_vpid02(&m->v, 1, 6, 0);
	l1_enters();
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
	ok(hw.vpid_flushes == before + 1, "INVVPID of another one does not matter");
	nested_flush_vpid02(&m->v, 1, 5, 0);
	l1_enters();
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
	ok(hw.vpid_flushes == before + 2, "INVVPID of this one is paid at the next entry");
	s->virtual_processor_id = 7;
	l1_wrote();
	l1_enters();
	ok(hw.vpid_flushes == before + 3, "another VPID in the same context");
	nested_leave(&m->v, false);
}

/* Two contexts with one vpid12: to L1 they share their translations. */
static void shared_vpid(void)
{
	struct vmcs12 first = *l1_vmcs12();
	u32 before;

	model_load(2);
	*l1_vmcs12() = first;
	l1_vmcs12()->launch_state = 0;
	l1_wrote();
	l1_enters();
	nested_leave(&m->v, false);
	model_load(0);
	before = hw.vpid_flushes;
	l1_enters();
	ok(hw.vpid_flushes == before + 1, "the other context ran with this VPID meanwhile");
	nested_leave(&m->v, false);
}

void test_enter(void)
{
	hardware_new();
	failures();
	entry_failure_is_an_exit();
	msr_load_list();
	no_memory();
	rows_reach_hardware();
	second_entry_is_cheap();
	tags();
	shared_vpid();
	ok(!m->bugs, "nothing impossible happened");
	hardware_end();
	ok(!model_allocations() && !hw.trees, "nothing is left");
}
