// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX instructions, each refused for every reason the SDM has, then accepted.
 */
#include <string.h>
#include "test.h"

static const struct {
	u32 reason;
	const char *name;
} insns[] = {
	{ EXIT_vmclear, "vmclear" }, { EXIT_vmlaunch, "vmlaunch" },
	{ EXIT_vmptrld, "vmptrld" }, { EXIT_vmptrst, "vmptrst" },
	{ EXIT_vmread, "vmread" }, { EXIT_vmresume, "vmresume" },
	{ EXIT_vmwrite, "vmwrite" }, { EXIT_vmxoff, "vmxoff" },
	{ EXIT_invept, "invept" }, { EXIT_invvpid, "invvpid" }, { EXIT_vmxon, "vmxon" },
};

/* #UD comes before #GP: all at CPL 3. */
static void gate_ud(u32 reason, const char *name)
{
	u64 efer = m->v.efer;

	m->seg[SEG_SS].ar |= 3 << 5;
	m->v.efer &= ~(u64)EFER_LMA;
	m->v.cr0 &= ~X86_CR0_PE;
	expect_ud(model_insn(reason), name);
	m->v.cr0 |= X86_CR0_PE;
	m->v.rflags |= X86_EFLAGS_VM;
	expect_ud(model_insn(reason), name);
	m->v.rflags &= ~X86_EFLAGS_VM;
	m->v.efer = efer;
	m->seg[SEG_CS].ar &= ~SEGAR_L;
	expect_ud(model_insn(reason), name);
	m->seg[SEG_CS].ar |= SEGAR_L;
}

void test_gate(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(insns); i++) {
		model_new();
		if (insns[i].reason != EXIT_vmxon) {
			expect_ud(model_insn(insns[i].reason), "outside VMX operation");
			model_vmxon();
		}
		gate_ud(insns[i].reason, insns[i].name);
		expect_gp(model_insn(insns[i].reason), "CPL 3");
		ok(!m->enters && !m->leaves && !m->flushes && !m->ept_flushes,
		   "%s: nothing happened", insns[i].name);
		model_end();
	}
}

static struct vmx_result vmxon_with(u64 *reg, u64 wrong)
{
	u64 right = *reg;
	struct vmx_result r;

	*reg = wrong;
	r = model_insn_pa(EXIT_vmxon, PA_VMXON);
	*reg = right;
	return r;
}

static void vmxon_registers(void)
{
	struct nvmx_vcpu *v = &m->v;

	m->cpuid.vmx = false;
	expect_ud(model_insn_pa(EXIT_vmxon, PA_VMXON), "vmxon, CPUID without VMX");
	m->cpuid.vmx = true;
	expect_ud(vmxon_with(&v->cr4, v->cr4 & ~X86_CR4_VMXE), "vmxon, CR4.VMXE clear");
	/* kernel bug 216033: not #UD, and not accepted */
	expect_gp(vmxon_with(&v->cr0, v->cr0 & ~X86_CR0_NE), "vmxon, CR0.NE clear");
	expect_gp(vmxon_with(&v->cr0, v->cr0 & ~X86_CR0_PG), "vmxon, CR0.PG clear");
	m->cpuid.cr4_valid &= ~X86_CR4_PCIDE;
	expect_gp(vmxon_with(&v->cr4, v->cr4 | X86_CR4_PCIDE), "vmxon, CR4 bit not in FIXED1");
	expect_gp(vmxon_with(&v->feature_control, 0), "vmxon, feature control clear");
	expect_gp(vmxon_with(&v->feature_control, FEATC_VMX), "vmxon, not locked");
	expect_gp(vmxon_with(&v->feature_control, FEATC_LOCK), "vmxon, locked off");
}

static void vmxon_operand(void)
{
	u32 *revision = model_memory(PA_VMXON);

	expect_fail_invalid(model_insn_pa(EXIT_vmxon, PA_VMXON), "vmxon, revision 0");
	*revision = VMCS12_REVISION | VMCS12_SHADOW;
	expect_fail_invalid(model_insn_pa(EXIT_vmxon, PA_VMXON), "vmxon, shadow indicator");
	*revision = VMCS12_REVISION;
	expect_fail_invalid(model_insn_pa(EXIT_vmxon, PA_VMXON + 8), "vmxon, not aligned");
	expect_fail_invalid(model_insn_pa(EXIT_vmxon, PA_VMXON | 1ull << 39), "vmxon, too wide");
	expect_fail_invalid(model_insn_pa(EXIT_vmxon, PA_NOWHERE), "vmxon, no memory");
	m->pf_page = PA_OPERAND;
	expect_pf(model_insn_pa(EXIT_vmxon, PA_VMXON), PA_OPERAND, 0, "vmxon, operand absent");
	m->pf_page = ~0ull;
	m->v.exit = (struct exit_info){ .reason = EXIT_vmxon, .qual = PA_NOWHERE,
					.insn_info = INFO_MEMORY };
	expect_fail_invalid(nested_handle_insn(&m->v), "vmxon, operand where no memory is");
	ok(!nested_vmxon(&m->v) && model_allocations() == 4,
	   "vmxon refused again and again: nothing kept");
}

void test_vmxon(void)
{
	model_new();
	vmxon_registers();
	vmxon_operand();
	expect_done(model_insn_pa(EXIT_vmxon, PA_VMXON), "vmxon");
	ok(nested_vmxon(&m->v) && m->v.nested->vmxon_pa == PA_VMXON, "in VMX operation");
	expect_fail_invalid(model_insn_pa(EXIT_vmxon, PA_VMXON), "vmxon in root, no current VMCS");
	model_load(0);
	expect_fail(model_insn_pa(EXIT_vmxon, PA_VMXON), VMXERR_VMXON_IN_ROOT, "vmxon in root");
	ok(!nested_cr0_valid(&m->v, m->v.cr0 & ~X86_CR0_PG) &&
	   !nested_cr0_valid(&m->v, m->v.cr0 | 1ull << 32) &&
	   nested_cr0_valid(&m->v, m->v.cr0 | X86_CR0_WP), "CR0 is fixed in VMX operation");
	ok(!nested_cr4_valid(&m->v, m->v.cr4 & ~X86_CR4_VMXE) &&
	   nested_cr4_valid(&m->v, m->v.cr4), "CR4 is fixed in VMX operation");
	expect_done(model_insn(EXIT_vmxoff), "vmxoff with an active VMCS");
	ok(!nested_vmxon(&m->v) && list_empty(&m->v.nested->contexts), "no context left");
	ok(nested_cr0_valid(&m->v, 0) && nested_cr4_valid(&m->v, 0), "CR0 and CR4 are free");
	expect_ud(model_insn(EXIT_vmxoff), "vmxoff outside VMX operation");
	expect_done(model_insn_pa(EXIT_vmxon, PA_VMXON), "vmxon again");
	model_end();
}

static void bad_pointer(u32 reason, u32 address, u32 vmxon, const char *name)
{
	expect_fail(model_insn_pa(reason, PA_VMCS(1) + 4), address, name);
	expect_fail(model_insn_pa(reason, PA_VMCS(1) | 1ull << 39), address, name);
	expect_fail(model_insn_pa(reason, 0xfffffffffffff000), address, name);
	expect_fail(model_insn_pa(reason, PA_VMXON), vmxon, name);
}

static u64 stored_pointer(void)
{
	u64 pa = 1;

	expect_done(model_insn(EXIT_vmptrst), "vmptrst");
	memcpy(&pa, model_memory(PA_OPERAND), sizeof(pa));
	return pa;
}

static void vmptrld_revision(void)
{
	u32 *revision = model_memory(PA_VMCS(1));

	*revision = VMCS12_REVISION + 1;
	expect_fail(model_insn_pa(EXIT_vmptrld, PA_VMCS(1)), VMXERR_VMPTRLD_REVISION,
		    "vmptrld, revision");
	*revision = VMCS12_REVISION | VMCS12_SHADOW;
	m->v.nested->caps.allowed1[CTLW_PROC2] &= ~CTL_MASK(CTL_vmcs_shadowing);
	expect_fail(model_insn_pa(EXIT_vmptrld, PA_VMCS(1)), VMXERR_VMPTRLD_REVISION,
		    "vmptrld, shadow VMCS without VMCS shadowing");
	expect_fail(model_insn_pa(EXIT_vmptrld, PA_NOWHERE), VMXERR_VMPTRLD_REVISION,
		    "vmptrld, no memory");
	ok(stored_pointer() == PA_VMCS(0), "the current VMCS is still what it was");
	m->v.nested->caps.allowed1[CTLW_PROC2] |= CTL_MASK(CTL_vmcs_shadowing);
	expect_done(model_insn_pa(EXIT_vmptrld, PA_VMCS(1)), "vmptrld, shadow VMCS");
	expect_fail_invalid(model_insn(EXIT_vmlaunch), "vmlaunch, shadow VMCS");
	ok(!m->enters, "not entered");
}

static void vmclear_memory(void)
{
	struct vmcs12 *s = model_memory(PA_VMCS(2));

	s->launch_state = 1;
	s->raw[4095] = 0x5a;
	expect_done(model_insn_pa(EXIT_vmclear, PA_VMCS(2)), "vmclear, never loaded");
	ok(!s->launch_state && s->raw[4095] == 0x5a, "launch state cleared, the rest kept");
	expect_done(model_insn_pa(EXIT_vmclear, PA_NOWHERE), "vmclear, no memory");
}

void test_pointers(void)
{
	model_new();
	model_vmxon();
	expect_fail_invalid(model_insn_pa(EXIT_vmptrld, 4), "vmptrld, no current VMCS");
	expect_fail_invalid(model_insn_pa(EXIT_vmclear, 4), "vmclear, no current VMCS");
	ok(stored_pointer() == ~0ull, "vmptrst without a current VMCS stores all ones");
	model_load(0);
	ok(stored_pointer() == PA_VMCS(0), "vmptrst stores the current VMCS");
	bad_pointer(EXIT_vmptrld, VMXERR_VMPTRLD_ADDRESS, VMXERR_VMPTRLD_VMXON, "vmptrld");
	bad_pointer(EXIT_vmclear, VMXERR_VMCLEAR_ADDRESS, VMXERR_VMCLEAR_VMXON, "vmclear");
	ok(nested_vmcs12(&m->v)->vm_instruction_error == VMXERR_VMCLEAR_VMXON,
	   "the error is in the VMCS");
	vmptrld_revision();
	vmclear_memory();
	m->pf_page = PA_OPERAND;
	expect_pf(model_insn(EXIT_vmptrst), PA_OPERAND, PFEC_W, "vmptrst, operand absent");
	expect_pf(model_insn(EXIT_vmptrld), PA_OPERAND, 0, "vmptrld, operand absent");
	expect_pf(model_insn(EXIT_vmclear), PA_OPERAND, 0, "vmclear, operand absent");
	m->pf_page = ~0ull;
	expect_done(model_insn_pa(EXIT_vmclear, PA_VMCS(1)), "vmclear of the current VMCS");
	ok(stored_pointer() == ~0ull, "and then there is none");
	model_end();
}

void test_entry(void)
{
	model_new();
	model_vmxon();
	expect_fail_invalid(model_insn(EXIT_vmlaunch), "vmlaunch, no current VMCS");
	expect_fail_invalid(model_insn(EXIT_vmresume), "vmresume, no current VMCS");
	model_load(0);
	vmcs_hw_write(&m->v, VMCS_guest_interruptibility_info, INTS_MOVSS);
	expect_fail(model_insn(EXIT_vmlaunch), VMXERR_ENTRY_MOVSS, "vmlaunch after MOV SS");
	expect_fail(model_insn(EXIT_vmresume), VMXERR_ENTRY_MOVSS, "vmresume after MOV SS");
	vmcs_hw_write(&m->v, VMCS_guest_interruptibility_info, INTS_STI);
	expect_fail(model_insn(EXIT_vmresume), VMXERR_VMRESUME_NONLAUNCHED, "vmresume, clear");
	ok(!m->enters, "not entered");
	ok(model_insn(EXIT_vmlaunch).kind == VMX_ENTERED && m->last_launch, "vmlaunch");
	expect_fail(model_insn(EXIT_vmlaunch), VMXERR_VMLAUNCH_NONCLEAR, "vmlaunch, launched");
	ok(model_insn(EXIT_vmresume).kind == VMX_ENTERED && !m->last_launch, "vmresume");
	model_insn_pa(EXIT_vmclear, PA_VMCS(0));
	model_load(0);
	expect_fail(model_insn(EXIT_vmresume), VMXERR_VMRESUME_NONLAUNCHED,
		    "vmresume after vmclear");
	m->v.cur = NULL;
	expect_fail_invalid(model_insn(EXIT_vmread), "vmread of an L2 without a shadow VMCS");
	expect_fail_invalid(model_insn(EXIT_vmwrite), "vmwrite of an L2 without a shadow VMCS");
	ok(model_insn(EXIT_vmresume).kind == VMX_RAISE && m->bugs == 1,
	   "any other VMX instruction of L2 is never L0's: the VM ends");
	m->v.cur = m->v.vmcs01;
	model_end();
}
