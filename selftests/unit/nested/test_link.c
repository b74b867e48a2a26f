// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMCS shadowing for L1: VMREAD and VMWRITE of an L2 that has a shadow VMCS.
 */
#include <errno.h>
#include <string.h>
#include <nvmx/smm.h>
#include <uapi/linux/nvmx.h>
#include "back.h"
#include "test.h"

#define PA_SHADOW	PA_VMCS(1)
#define PA_READS	0x10000ull
#define PA_WRITES	0x11000ull
#define NO_FIELD	0x6008u
#define SHADOW_RIP	0xc0ffeeull

static struct nvmx_vcpu *v;
static union {
	struct kvm_nested_state s;
	u8 raw[128 + 2 * 4096];
} blob, again;

static struct vmcs12 *in_memory(void)
{
	return model_memory(PA_SHADOW);
}

static u8 *bitmap(u32 reason)
{
	return model_memory(reason == EXIT_vmwrite ? PA_WRITES : PA_READS);
}

/* A vmcs12 whose L2 may read and write all of the shadow VMCS. */
static void link_it(void)
{
	struct vmcs12 *s = l1_vmcs12();

	s->secondary_vm_exec_control |= CTL_MASK(CTL_vmcs_shadowing);
	s->vmcs_link_pointer = PA_SHADOW;
	s->vmread_bitmap = PA_READS;
	s->vmwrite_bitmap = PA_WRITES;
	l1_wrote();
	in_memory()->revision = VMCS12_REVISION | VMCS12_SHADOW;
	in_memory()->guest_rip = SHADOW_RIP;
}

static void enter(void)
{
	l1_enters();
	nested_after_entry(v);
	poke02(guest_cs_ar_bytes, 0xa09b);
	poke02(guest_ss_ar_bytes, 0xc093);
	v->regs_avail = 0;
}

static void begin(void)
{
	hardware_new();
	v = &m->v;
	link_it();
	enter();
}

static void end(void)
{
	ok(!m->bugs, "nothing impossible happened");
	hardware_end();
	ok(!model_allocations() && !hw.trees, "nothing is left");
}

static void cpuid_exit(void)
{
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
}

static enum nested_owner owner(u32 reason, u64 encoding)
{
	v->gpr[GPR_RCX] = encoding;
	v->exit = (struct exit_info){ .reason = reason, .insn_info = IINFO_IS_REG |
				      (u32)GPR_RCX << 28 };
	return nested_route(v);
}

/* ---- who owns the exit. SDM "Instructions That Cause VM Exits Conditionally" ---- */

/* Each bit for itself, in the bitmap of the instruction and in no other. */
static void each_bit(u32 reason, u32 other)
{
	u32 enc, wrong = 0;

	for (enc = 0; enc < 0x8000; enc++) {
		wrong += owner(reason, enc) != OWNER_L0;
		bitmap(reason)[enc / 8] = 1 << enc % 8;
		wrong += owner(reason, enc) != OWNER_L1 || owner(other, enc) != OWNER_L0;
		bitmap(reason)[enc / 8] = 0;
	}
	ok(!wrong, "exit %u: each bit of its bitmap, and no other", reason);
}

static void high_bits(u32 reason)
{
	u32 bit, wrong = 0;

	for (bit = 15; bit < 64; bit++)
		wrong += owner(reason, VMCS_guest_rip | 1ull << bit) != OWNER_L1;
	ok(!wrong, "exit %u: bits 63:15 of the register operand exit to L1", reason);
	poke02(guest_cs_ar_bytes, 0xc09b);
	v->regs_avail = 0;
	v->efer = 0;
	ok(owner(reason, VMCS_guest_rip | 1ull << 32) == OWNER_L0 &&
	   owner(reason, VMCS_guest_rip | 1ull << 31) == OWNER_L1,
	   "exit %u: bits 31:15 outside 64-bit mode", reason);
	v->efer = EFER_LME | EFER_LMA;
	poke02(guest_cs_ar_bytes, 0xa09b);
	v->regs_avail = 0;
}

static void owners(void)
{
	struct vmcs12 *s;

	begin();
	s = l1_vmcs12();
	each_bit(EXIT_vmread, EXIT_vmwrite);
	each_bit(EXIT_vmwrite, EXIT_vmread);
	high_bits(EXIT_vmread);
	high_bits(EXIT_vmwrite);
	s->vmread_bitmap = PA_NOWHERE;
	s->vmwrite_bitmap = PA_NOWHERE;
	ok(owner(EXIT_vmread, VMCS_guest_rip) == OWNER_L1 &&
	   owner(EXIT_vmwrite, VMCS_guest_rip) == OWNER_L1, "bitmaps without memory intercept");
	s->vmread_bitmap = PA_READS;
	s->vmwrite_bitmap = PA_WRITES;
	s->secondary_vm_exec_control &= ~CTL_MASK(CTL_vmcs_shadowing);
	ok(owner(EXIT_vmread, VMCS_guest_rip) == OWNER_L1 &&
	   owner(EXIT_vmwrite, VMCS_guest_rip) == OWNER_L1, "without the control all exit");
	s->secondary_vm_exec_control |= CTL_MASK(CTL_vmcs_shadowing);
	s->cpu_based_vm_exec_control &= ~CTL_MASK(CTL_activate_secondary);
	ok(owner(EXIT_vmread, VMCS_guest_rip) == OWNER_L1, "nor where it is not activated");
	s->cpu_based_vm_exec_control |= CTL_MASK(CTL_activate_secondary);
	cpuid_exit();
	end();
}

/* ---- what the instructions do. SDM "VMREAD", "VMWRITE" ---- */

static void refused(void)
{
	u64 val;

	begin();
	expect_fail(model_vmread(NO_FIELD, &val), VMXERR_FIELD_UNSUPPORTED, "vmread, no field");
	expect_fail(model_vmwrite(NO_FIELD, 1), VMXERR_FIELD_UNSUPPORTED, "vmwrite, no field");
	ok(l1_vmcs12()->vm_instruction_error == VMXERR_FIELD_UNSUPPORTED &&
	   !v->nested->linked12->vmcs12->vm_instruction_error,
	   "the error is in the current VMCS, not in the shadow VMCS");
	v->nested->caps.misc &= ~VMXM_VMWRITE_ALL;
	expect_fail(model_vmwrite(VMCS_vm_exit_reason, 1), VMXERR_FIELD_READ_ONLY,
		    "vmwrite of a read-only field");
	poke02(guest_ss_ar_bytes, 0xc0f3);
	v->regs_avail = 0;
	expect_gp(model_vmread(VMCS_guest_rip, &val), "vmread at CPL 3");
	expect_gp(model_vmwrite(VMCS_guest_rip, 1), "vmwrite at CPL 3");
	ok(v->nested->linked12->vmcs12->guest_rip == SHADOW_RIP, "nothing was written");
	poke02(guest_ss_ar_bytes, 0xc093);
	cpuid_exit();
	ok(in_memory()->guest_rip == SHADOW_RIP && !in_memory()->vm_exit_reason, "nor in memory");
	end();
}

static void without_a_pointer(void)
{
	u64 val;

	hardware_new();
	v = &m->v;
	link_it();
	l1_vmcs12()->vmcs_link_pointer = ~0ull;
	l1_wrote();
	enter();
	ok(owner(EXIT_vmread, VMCS_guest_rip) == OWNER_L0, "no link pointer: the bitmap decides");
	expect_fail_invalid(model_vmread(VMCS_guest_rip, &val), "and vmread has no VMCS");
	expect_fail_invalid(model_vmwrite(VMCS_guest_rip, 1), "nor has vmwrite");
	ok(!l1_vmcs12()->vm_instruction_error, "there is no error number");
	cpuid_exit();
	end();
}

static u64 shadow_reads(u64 encoding)
{
	u64 val;

	return model_vmread(encoding, &val).kind == VMX_DONE ? val : 0x0badbadbadbadbad;
}

static void accesses(void)
{
	u64 rip;

	begin();
	rip = l1_vmcs12()->guest_rip;
	ok(shadow_reads(VMCS_guest_rip) == SHADOW_RIP, "vmread finds the shadow VMCS");
	expect_done(model_vmwrite(VMCS_guest_rip, 0xc0ffffee), "vmwrite");
	expect_done(model_vmwrite(VMCS_vm_exit_reason, 48), "vmwrite of exit information");
	expect_done(model_vmwrite(VMCS_tsc_offset | 1, 7), "vmwrite of a high half");
	expect_done(model_vmwrite(VMCS_guest_es_selector, 0x12345678), "vmwrite of 16 bits");
	ok(shadow_reads(VMCS_guest_rip) == 0xc0ffffee &&
	   shadow_reads(VMCS_vm_exit_reason) == 48 &&
	   shadow_reads(VMCS_tsc_offset) == 7ull << 32 &&
	   shadow_reads(VMCS_guest_es_selector) == 0x5678, "vmread: what was written");
	ok(l1_vmcs12()->guest_rip == rip && l1_vmcs12()->vm_exit_reason != 48,
	   "the current VMCS is another");
	ok(in_memory()->guest_rip == SHADOW_RIP, "memory waits for the exit");
	cpuid_exit();
	ok(in_memory()->guest_rip == 0xc0ffffee && in_memory()->vm_exit_reason == 48 &&
	   in_memory()->revision == (VMCS12_REVISION | VMCS12_SHADOW), "then it has all");
	ok(!v->nested->linked12, "and L2's hold on it ends");
	enter();
	ok(shadow_reads(VMCS_guest_rip) == 0xc0ffffee, "the next entry finds it");
	cpuid_exit();
	end();
}

static void memory_operands(void)
{
	u64 *at;

	begin();
	at = model_memory(PA_OPERAND);
	*at = 0x1122334455667788;
	v->gpr[GPR_RCX] = VMCS_guest_rip;
	expect_done(model_insn(EXIT_vmwrite), "vmwrite from memory");
	*at = 0;
	expect_done(model_insn(EXIT_vmread), "vmread to memory");
	ok(*at == 0x1122334455667788, "of L2");
	cpuid_exit();
	end();
}

/* Walks in software meet ept12 as hardware's would: L1 gets an EPT violation. */
static void operand_of_ept12(u32 reason)
{
	begin();
	v->gpr[GPR_RCX] = VMCS_guest_rip;
	hw.operand_faults = true;
	hw.fault = (struct nvmx_fault){
		.nested = true, .nested_reason = EXIT_ept_violation, .address = PA_OPERAND,
		.nested_qual = EPTQ_READ | EPTQ_GVA_VALID | EPTQ_TRANSLATED, .nested_gpa = 0x99000,
	};
	ok(model_insn(reason).kind == VMX_EXITED && !is_guest_mode(v), "exit %u: to L1", reason);
	ok(l1_reads(VMCS_vm_exit_reason) == EXIT_ept_violation &&
	   l1_reads(VMCS_exit_qualification) == hw.fault.nested_qual &&
	   l1_reads(VMCS_guest_physical_address) == 0x99000 &&
	   l1_reads(VMCS_guest_linear_address) == PA_OPERAND, "an EPT violation");
	ok(in_memory()->guest_rip == SHADOW_RIP, "and nothing else");
	hw.operand_faults = false;
	end();
}

/* ---- L1's side ---- */

/* SDM "Software Use of Virtual-Machine Control Structures": it is one more active VMCS. */
static void loaded_by_l1(void)
{
	u64 val;

	hardware_new();
	v = &m->v;
	link_it();
	expect_done(model_insn_pa(EXIT_vmptrld, PA_SHADOW), "vmptrld of a shadow VMCS");
	l1_writes(VMCS_guest_rip, 0x1111);
	l1_writes(VMCS_guest_gdtr_base, 0x2222);
	expect_fail_invalid(model_insn(EXIT_vmlaunch), "vmlaunch of it");
	expect_done(model_insn_pa(EXIT_vmptrld, PA_VMCS(0)), "vmptrld of the ordinary one");
	enter();
	ok(shadow_reads(VMCS_guest_rip) == 0x1111 && shadow_reads(VMCS_guest_gdtr_base) == 0x2222,
	   "L2 reads what L1 wrote");
	model_vmwrite(VMCS_guest_rip, 0x3333);
	cpuid_exit();
	expect_done(model_insn_pa(EXIT_vmptrld, PA_SHADOW), "vmptrld after the exit");
	ok(l1_reads(VMCS_guest_rip) == 0x3333, "L1 reads what L2 wrote");
	expect_done(model_insn_pa(EXIT_vmclear, PA_SHADOW), "vmclear");
	ok(!nested_context_find(v, PA_SHADOW), "ends its context");
	in_memory()->guest_rip = 0x4444;
	expect_done(model_insn_pa(EXIT_vmptrld, PA_VMCS(0)), "vmptrld of the ordinary one");
	enter();
	ok(model_vmread(VMCS_guest_rip, &val).kind == VMX_DONE && val == 0x4444,
	   "an entry after vmclear reads memory");
	cpuid_exit();
	end();
}

static u32 entry_fails(void)
{
	struct vmx_result r = l1_enter();

	return r.kind == VMX_ENTRY_FAILED && r.code == EXIT_invalid_guest_state ? r.qual : ~0u;
}

/* Memory says "shadow", but what was copied when it was loaded is an ordinary VMCS. */
static void copy_decides(void)
{
	hardware_new();
	v = &m->v;
	link_it();
	in_memory()->revision = VMCS12_REVISION;
	ok(entry_fails() == ENTRY_FAIL_LINK, "an ordinary VMCS at the link pointer");
	expect_done(model_insn_pa(EXIT_vmptrld, PA_SHADOW), "loaded as an ordinary VMCS");
	expect_done(model_insn_pa(EXIT_vmptrld, PA_VMCS(0)), "and not current any more");
	in_memory()->revision |= VMCS12_SHADOW;
	ok(entry_fails() == ENTRY_FAIL_LINK, "the indicator set in memory behind its back");
	ok(nested_context_find(v, PA_SHADOW) && !v->nested->linked12 && !is_guest_mode(v),
	   "nothing has changed");
	l1_vmcs12()->secondary_vm_exec_control &= ~CTL_MASK(CTL_vmcs_shadowing);
	l1_wrote();
	ok(entry_fails() == ENTRY_FAIL_LINK, "a shadow VMCS without the control");
	end();
}

/* An L2 that is entered keeps its shadow VMCS, however many others there are. */
static void bounded(void)
{
	u32 i, live;

	hardware_new();
	v = &m->v;
	link_it();
	for (i = 2; i < 2 + NESTED_CONTEXTS; i++)
		model_load(i);
	model_load(0);
	enter();
	ok(v->nested->nr_contexts == NESTED_CONTEXTS && v->nested->linked12 &&
	   nested_context_find(v, PA_VMCS(0)), "no more contexts than ever");
	ok(shadow_reads(VMCS_guest_rip) == SHADOW_RIP, "both VMCSs are there");
	cpuid_exit();
	model_insn_pa(EXIT_vmclear, PA_SHADOW);
	live = model_allocations();
	m->fail_alloc = 1;
	ok(l1_enter().kind == VMX_HANDED_OVER && m->internal_errors == 1 &&
	   model_allocations() == live, "no memory for it: user space is told");
	enter();
	nested_leave(v, true);
	ok(!v->nested->linked12 && !v->nested->nr_contexts, "the one unwind lets go of it");
	end();
}

/* As src/vmx/smm.c saves it. */
static struct smm_state registers(void)
{
	struct smm_state s = {
		.rip = vmx_rip(v), .rflags = vmx_rflags(v), .cr0 = vmx_cr0(v), .cr3 = vmx_cr3(v),
		.cr4 = vmx_cr4(v), .efer = v->efer, .dr7 = v->dr7,
	};
	enum nvmx_seg_reg r;

	s.gpr[GPR_RSP] = vmx_rsp(v);
	for (r = SEG_ES; r < NR_SEGS; r++)
		vmx_get_seg(v, r, &s.seg[r]);
	return s;
}

/* SDM "Default Treatment of SMI Delivery": RSM brings VMX non-root operation back as it was. */
static void smi(void)
{
	struct smm_state s;

	begin();
	model_vmwrite(VMCS_guest_rip, 0x8888);
	s = registers();
	nested_enter_smm(v);
	v->smm.active = true;
	ok(!v->nested->linked12, "an SMI leaves L2");
	v->smm.active = false;
	ok(!nested_leave_smm(v, &s) && is_guest_mode(v), "RSM enters it");
	poke02(guest_cs_ar_bytes, 0xa09b);
	ok(shadow_reads(VMCS_guest_rip) == 0x8888, "with what it has written");
	nested_enter_smm(v);
	in_memory()->revision = 0;
	ok(nested_leave_smm(v, &s) == -EINVAL && !is_guest_mode(v) && !v->nested->linked12,
	   "RSM checks the link pointer");
	end();
}

/* ---- KVM_GET_NESTED_STATE, KVM_SET_NESTED_STATE ---- */

static int get(void *to)
{
	struct kvm_nested_state *s = to;

	s->size = sizeof(blob);
	return nested_get_state(v, s);
}

static int set(void)
{
	return nested_set_state(v, &blob.s);
}

static void save_and_restore(void)
{
	struct vmcs12 *image = (void *)(blob.raw + 4224);

	begin();
	model_vmwrite(VMCS_guest_rip, 0x5555);
	blob.s.size = 4224;
	ok(nested_get_state(v, &blob.s) == -E2BIG && blob.s.size == 8320, "GET: two images");
	ok(!get(&blob) && blob.s.size == 8320 && image->guest_rip == 0x5555 &&
	   image->revision == (VMCS12_REVISION | VMCS12_SHADOW), "the second is the shadow VMCS");
	in_memory()->guest_rip = 0x6666;
	ok(!set() && is_guest_mode(v), "SET");
	ok(shadow_reads(VMCS_guest_rip) == 0x5555, "what was saved counts, not what memory holds");
	ok(!get(&again) && !memcmp(&blob, &again, sizeof(blob)), "GET: the same");
	cpuid_exit();
	ok(in_memory()->guest_rip == 0x5555, "the exit writes it to memory");
	ok(!get(&blob) && blob.s.size == 4224, "in L1 there is one image");
	end();
}

static bool refused_as(u32 rule)
{
	struct nvmx_nested_verdict dry, verdict;
	int err;

	nested_try_state(v, &blob.s, &dry);
	err = set();
	nested_last_verdict(v, &verdict);
	return err == -EINVAL && verdict.rule == rule && dry.rule == rule && v->nested->vmxon &&
	       !is_guest_mode(v);
}

static void refused_states(void)
{
	struct vmcs12 *image = (void *)(blob.raw + 4224);

	begin();
	get(&blob);
	blob.s.size = 4224 + 997;
	ok(refused_as(NVMX_NESTED_SHADOW), "too short for the shadow vmcs12");
	blob.s.size = 4224 + 998;
	image->revision = VMCS12_REVISION;
	ok(refused_as(NVMX_NESTED_SHADOW), "no shadow indicator");
	image->revision = (VMCS12_REVISION + 1) | VMCS12_SHADOW;
	ok(refused_as(NVMX_NESTED_SHADOW), "another revision");
	image->revision = VMCS12_REVISION | VMCS12_SHADOW;
	in_memory()->revision = VMCS12_REVISION;
	ok(refused_as(NVMX_NESTED_CHECK), "no shadow VMCS in L1's memory");
	in_memory()->revision |= VMCS12_SHADOW;
	((struct vmcs12 *)(blob.raw + 128))->revision |= VMCS12_SHADOW;
	ok(refused_as(NVMX_NESTED_REVISION), "an L2 of a shadow VMCS");
	((struct vmcs12 *)(blob.raw + 128))->revision &= ~VMCS12_SHADOW;
	ok(!set() && is_guest_mode(v), "a short image is enough");
	((struct vmcs12 *)(blob.raw + 128))->vmcs_link_pointer = ~0ull;
	blob.s.size = 4224;
	ok(!set() && is_guest_mode(v) && !v->nested->linked12, "none is needed without a pointer");
	cpuid_exit();
	end();
}

/* L1 was about to fill the shadow VMCS. */
static void saved_current(void)
{
	hardware_new();
	v = &m->v;
	link_it();
	model_insn_pa(EXIT_vmptrld, PA_SHADOW);
	l1_writes(VMCS_guest_rip, 0x7777);
	ok(!get(&blob) && blob.s.size == 4224 && blob.s.hdr.vmx.vmcs12_pa == PA_SHADOW,
	   "GET with a shadow VMCS current");
	ok(!set() && l1_reads(VMCS_guest_rip) == 0x7777, "SET");
	expect_fail_invalid(model_insn(EXIT_vmlaunch), "vmlaunch of it");
	nested_leave(v, true);
	v->nested->caps.allowed1[CTLW_PROC2] &= ~CTL_MASK(CTL_vmcs_shadowing);
	ok(set() == -EINVAL, "SET where VMCS shadowing is not offered");
	end();
}

void test_link(void)
{
	owners();
	refused();
	without_a_pointer();
	accesses();
	memory_operands();
	operand_of_ept12(EXIT_vmread);
	operand_of_ept12(EXIT_vmwrite);
	loaded_by_l1();
	copy_decides();
	bounded();
	smi();
	save_and_restore();
	refused_states();
	saved_current();
}
