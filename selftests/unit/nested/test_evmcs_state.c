// SPDX-License-Identifier: GPL-2.0-only
/*
 * The enlightened VMCS in a nested state, and in system-management mode.
 */
#include <errno.h>
#include <string.h>
#include <nvmx/smm.h>
#include "back.h"
#include "evmcs_page.h"

static struct nvmx_vcpu *v;
static u8 before[EVMCS_SIZE];
static union {
	struct kvm_nested_state s;
	u8 raw[128 + 2 * 4096];
} blob, again;

static void begin(void)
{
	v = evmcs_begin();
}

/* ---- nested state ---- */

static void get(void *to)
{
	struct kvm_nested_state *s = to;

	memset(s, 0, sizeof(blob));
	s->size = sizeof(blob);
	ok(!nested_get_state(v, s), "GET");
}

static enum nvmx_action serve(void)
{
	return vcpu_take_request(v, REQ_EVMCS) ? nested_serve_evmcs(v) : NVMX_DEAD;
}

static void state_of_l1(void)
{
	begin();
	evmcs_enters(EXIT_vmlaunch);
	cpuid_exit();
	*(u64 *)(l1_page(0) + 768) = 0x3333;	/* although RSP's group is clean */
	get(&blob);
	ok(blob.s.flags == KVM_STATE_NESTED_EVMCS && blob.s.hdr.vmx.vmcs12_pa == ~0ull &&
	   blob.s.size == 128 + 4096, "its address is not told");
	ok(((struct vmcs12 *)(blob.raw + 128))->guest_rsp == 0x3333, "the image is L1's page");
	memcpy(before, l1_page(0), EVMCS_SIZE);
	*(u64 *)(l1_page(0) + 768) = 0;
	ok(!nested_set_state(v, &blob.s), "SET");
	get(&again);
	ok(!memcmp(&blob, &again, sizeof(blob)), "GET before the vCPU runs: the same");
	ok(serve() == NVMX_RESUME && !memcmp(before, l1_page(0), EVMCS_SIZE),
	   "the page is as it was when it was saved");
	get(&again);
	ok(!memcmp(&blob, &again, sizeof(blob)), "GET: the same");
	*l1_word(EVMCS_AT_CLEAN) = ~0u;
	*(u64 *)(l1_page(0) + 400) = 77;
	evmcs_enters(EXIT_vmresume);
	ok(v->nested->current12->vmcs12->tsc_offset == 77, "the first entry takes all");
	cpuid_exit();
	evmcs_end();
}

static void state_of_l2(void)
{
	begin();
	evmcs_enters(EXIT_vmlaunch);
	poke02(guest_rip, 0x4321);
	v->regs_avail = 0;
	get(&blob);
	ok(blob.s.flags == (KVM_STATE_NESTED_EVMCS | KVM_STATE_NESTED_GUEST_MODE), "flags");
	ok(!nested_set_state(v, &blob.s) && is_guest_mode(v), "SET: in L2");
	get(&again);
	ok(!memcmp(&blob, &again, sizeof(blob)), "GET: the same");
	ok(!nested_set_state(v, &again.s), "and SET again");
	cpuid_exit();
	ok(*l1_word(692) == EXIT_cpuid && *(u64 *)(l1_page(0) + 816) == 0x4321,
	   "an exit before the first entry finds the page");
	ok(!nested_set_state(v, &blob.s) && serve() == NVMX_RESUME &&
	   v->nested->current12->pa == PA_PAGE(0), "so does the first run");
	cpuid_exit();
	evmcs_enters(EXIT_vmresume);
	cpuid_exit();
	evmcs_end();
}

static void lost_pages(void)
{
	begin();
	evmcs_enters(EXIT_vmlaunch);
	get(&blob);
	m->evmcs_gpa = PA_NOWHERE;
	ok(!nested_set_state(v, &blob.s) && serve() == NVMX_USER && m->internal_errors == 1,
	   "no memory at the first run: an internal error");
	ok(serve() == NVMX_USER, "and again");
	m->evmcs_gpa = PA_PAGE(0);
	ok(serve() == NVMX_RESUME && v->nested->current12->pa == PA_PAGE(0), "until it is there");
	m->evmcs_gpa = PA_NOWHERE;
	ok(!nested_set_state(v, &blob.s), "SET");
	cpuid_exit();
	ok(!is_guest_mode(v), "an exit without a page to tell it in");
	m->enlightened = false;
	ok(!nested_set_state(v, &blob.s) && serve() == NVMX_RESUME, "turned off, in L2");
	cpuid_exit();
	blob.s.flags = KVM_STATE_NESTED_EVMCS;
	ok(!nested_set_state(v, &blob.s) && serve() == NVMX_RESUME && !v->nested->current12,
	   "turned off, in L1: there is no VMCS");
	evmcs_end();
}

static int set_with(u16 flags, u64 vmcs12_pa, u32 size)
{
	blob.s.flags = flags;
	blob.s.size = size;
	blob.s.hdr.vmx.vmcs12_pa = vmcs12_pa;
	return nested_set_state(v, &blob.s);
}

static void state_rules(void)
{
	struct vmcs12 *image = (void *)(blob.raw + 128);

	begin();
	l1_entry(EXIT_vmlaunch);
	get(&blob);
	ok(set_with(4, ~0ull, 128) == -EINVAL, "an enlightened VMCS without an image");
	ok(!set_with(4, PA_VMCS(0), 128 + 4096) && !nested_evmcs_current(v),
	   "with an address it is a vmcs12");
	ok(set_with(0, ~0ull, 128 + 4096) == -EINVAL, "an image of nothing");
	image->revision |= VMCS12_SHADOW;
	ok(set_with(4, ~0ull, 128 + 4096) == -EINVAL, "a shadow VMCS");
	image->revision = VMCS12_REVISION;
	image->pin_based_vm_exec_control |= CTL_MASK(CTL_preemption_timer);
	ok(set_with(5, ~0ull, 128 + 4096) == -EINVAL, "L2 with a control that has no field");
	m->evmcs_enabled = false;
	ok(set_with(4, ~0ull, 128 + 4096) == -EINVAL, "not enabled by user space");
	m->evmcs_enabled = true;
	v->evmcs = false;
	ok(!set_with(4, ~0ull, 128 + 4096), "whatever CPUID shows");
	blob.s.hdr.vmx.vmxon_pa = ~0ull;
	ok(!set_with(4, ~0ull, 128), "the flag may be there without VMX operation");
	evmcs_end();
}

/* ---- system-management mode ---- */

static struct smm_state smi(void)
{
	struct smm_state s = {
		.rip = 0x8765, .rflags = X86_EFLAGS_FIXED, .cr0 = vmx_cr0(v), .cr4 = vmx_cr4(v),
		.efer = v->efer, .dr7 = v->dr7,
	};
	enum nvmx_seg_reg r;

	for (r = SEG_ES; r < NR_SEGS; r++)
		vmx_get_seg(v, r, &s.seg[r]);
	nested_enter_smm(v);
	v->smm.active = true;
	return s;
}

/* KVM 5a30e8aea079: what RSM enters has passed all checks of an entry, those of controls, too. */
static void smm(void)
{
	struct vmcs12 *image = (void *)(blob.raw + 128);
	struct smm_state s;

	begin();
	evmcs_enters(EXIT_vmlaunch);
	memcpy(before, l1_page(0), EVMCS_SIZE);
	s = smi();
	l1_page(0)[768] ^= 1;
	get(&blob);
	ok(blob.s.hdr.vmx.smm.flags == 3 && blob.s.flags == KVM_STATE_NESTED_EVMCS &&
	   image->guest_rsp == *(u64 *)(before + 768), "in SMM the image is L2's, not the page's");
	l1_page(0)[768] ^= 1;
	ok(!memcmp(before, l1_page(0), EVMCS_SIZE), "an SMI is no exit to L1");
	v->smm.active = false;
	ok(!nested_leave_smm(v, &s) && is_guest_mode(v), "RSM enters L2");
	cpuid_exit();
	ok(*l1_word(692) == EXIT_cpuid && *(u64 *)(l1_page(0) + 816) == 0x8765,
	   "which exits to L1");
	v->smm.active = true;
	image->secondary_vm_exec_control |= CTL_MASK(CTL_virtual_interrupt_delivery);
	ok(!nested_set_state(v, &blob.s), "a control without its field, restored in SMM");
	v->smm.active = false;
	ok(nested_leave_smm(v, &s) == -EINVAL && !is_guest_mode(v), "RSM refuses it");
	evmcs_end();
}

void test_evmcs_state(void)
{
	state_of_l1();
	state_of_l2();
	lost_pages();
	state_rules();
	smm();
}
