// SPDX-License-Identifier: GPL-2.0-only
/*
 * An SMI in L2, and in VMX root operation; RSM into either.
 */
#include <string.h>

#include <nvmx/smm.h>

#include "back.h"

#define L2_RIP	0x4321
#define NEW_RIP	0x8765

static struct nvmx_vcpu *v;
static union {
	struct kvm_nested_state s;
	u8 raw[8320];
} blob, again;

static void get_blob(void *to)
{
	struct kvm_nested_state *s = to;

	memset(s, 0, sizeof(blob));
	s->size = sizeof(blob);
	ok(!nested_get_state(v, s), "GET");
}

/* As src/vmx/smm.c saves it. */
static struct smm_state saved(void)
{
	struct smm_state s = {
		.rip = vmx_rip(v), .rflags = vmx_rflags(v), .cr0 = vmx_cr0(v), .cr3 = vmx_cr3(v),
		.cr4 = vmx_cr4(v), .efer = v->efer, .dr7 = v->dr7,
		.gdt_base = peek02(guest_gdtr_base), .gdt_limit = peek02(guest_gdtr_limit),
		.idt_base = peek02(guest_idtr_base), .idt_limit = peek02(guest_idtr_limit),
	};
	enum nvmx_seg_reg r;

	s.gpr[GPR_RSP] = vmx_rsp(v);
	for (r = SEG_ES; r < NR_SEGS; r++)
		vmx_get_seg(v, r, &s.seg[r]);
	return s;
}

static struct smm_state smi_in_l2(void)
{
	struct smm_state s;

	l1_enters();
	nested_after_entry(v);
	poke02(guest_rip, L2_RIP);
	v->regs_avail = 0;
	s = saved();
	nested_enter_smm(v);
	v->smm.active = true;
	return s;
}

static void resumes_l2(void)
{
	struct smm_state s = smi_in_l2();

	ok(!is_guest_mode(v) && !v->nested->vmxon && hw.current == v->vmcs01 &&
	   nested_smm_vmxon(v) && nested_smm_has_l2(v), "an SMI leaves L2 and VMX operation");
	v->exit = (struct exit_info){ .reason = EXIT_vmlaunch };
	ok(nested_handle_insn(v).vector == VEC_UD, "VMX instructions are undefined in SMM");
	get_blob(&blob);
	ok(blob.s.hdr.vmx.smm.flags == 3 && !blob.s.flags && blob.s.hdr.vmx.vmxon_pa == PA_VMXON,
	   "the nested state says where RSM goes");
	s.rip = NEW_RIP;
	v->smm.active = false;
	ok(!nested_leave_smm(v, &s) && is_guest_mode(v) && v->nested->vmxon, "RSM enters L2");
	ok(vmx_rip(v) == NEW_RIP && !nested_smm_vmxon(v), "with what SMRAM says");
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
	ok(!is_guest_mode(v) && l1_reads(VMCS_vm_exit_reason) == EXIT_cpuid, "which exits to L1");
}

/* CVE-2021-47230: what RSM enters has passed the checks of an entry. */
static void refuses(void)
{
	struct smm_state s = smi_in_l2();

	s.cr0 &= ~(u64)X86_CR0_NE;
	v->smm.active = false;
	ok(nested_leave_smm(v, &s) == -EINVAL && !is_guest_mode(v) && hw.current == v->vmcs01,
	   "RSM of a state that VM entry would refuse does not enter L2");
	ok(!nested_smm_has_l2(v) && !v->stat.guest_mode, "and leaves nothing behind");
}

static void survives_restore(void)
{
	struct smm_state s = smi_in_l2();

	get_blob(&blob);
	ok(!nested_set_state(v, &blob.s), "SET in SMM");
	get_blob(&again);
	ok(!memcmp(&blob, &again, sizeof(blob)), "GET: the same");
	v->smm.active = false;
	ok(!nested_leave_smm(v, &s) && vmx_rip(v) == L2_RIP, "RSM enters the restored L2");
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
}

static void flags_of_smm(void)
{
	get_blob(&blob);
	blob.s.hdr.vmx.smm.flags = 2;
	ok(nested_set_state(v, &blob.s) == -EINVAL, "SMM flags without SMM");
	v->smm.active = true;
	blob.s.hdr.vmx.smm.flags = 1;
	ok(nested_set_state(v, &blob.s) == -EINVAL, "an L2 to resume without VMX operation");
	blob.s.hdr.vmx.smm.flags = 4;
	ok(nested_set_state(v, &blob.s) == -EINVAL, "unknown flags");
	blob.s.hdr.vmx.smm.flags = 2;
	blob.s.flags = 1;
	ok(nested_set_state(v, &blob.s) == -EINVAL, "L2 in SMM");
	blob.s.flags = 0;
	ok(!nested_set_state(v, &blob.s) && !v->nested->vmxon && nested_smm_vmxon(v),
	   "VMX operation that RSM brings back");
	/* CVE-2022-48763 */
	nested_leave(v, true);
	ok(!nested_smm_vmxon(v) && !v->nested->nr_contexts, "the one unwind forgets it");
	v->smm.active = false;
}

void test_smm(void)
{
	hardware_new();
	v = &m->v;
	resumes_l2();
	survives_restore();
	flags_of_smm();
	ok(!m->bugs, "nothing impossible happened");
	hardware_end();
	hardware_new();
	v = &m->v;
	refuses();
	hardware_end();
	ok(!model_allocations() && !hw.trees, "nothing is left");
}
