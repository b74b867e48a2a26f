// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_NESTED_STATE and KVM_SET_NESTED_STATE.
 */
#include <errno.h>
#include <string.h>
#include <uapi/linux/nvmx.h>
#include "back.h"

static union {
	struct kvm_nested_state s;
	u8 raw[128 + 2 * 4096];
} blob, again;

static struct nvmx_vcpu *v;

static int get(void *to, u32 room)
{
	struct kvm_nested_state *s = to;

	s->size = room;
	return nested_get_state(v, s);
}

static void empty_blob(void)
{
	memset(&blob, 0, sizeof(blob));
	blob.s.size = sizeof(blob);
	blob.s.hdr.vmx.vmxon_pa = ~0ull;
	blob.s.hdr.vmx.vmcs12_pa = ~0ull;
}

static int set(void)
{
	return nested_set_state(v, &blob.s);
}

static void sizes(void)
{
	ok(nested_state_size() == 8320, "what KVM answers");
	ok(get(&blob, 100) == -E2BIG && blob.s.size == 128 + 4096, "too small");
	ok(!get(&blob, sizeof(blob)) && blob.s.size == 128 + 4096, "VMXON with a current VMCS");
	ok(blob.s.hdr.vmx.vmxon_pa == PA_VMXON && blob.s.hdr.vmx.vmcs12_pa == PA_VMCS(0) &&
	   !blob.s.flags && !blob.s.format, "its header");
	ok(*(u32 *)(blob.raw + 128) == VMCS12_REVISION, "its vmcs12");
	empty_blob();
	ok(!set() && !v->nested->vmxon, "QEMU's blob of a reset: off");
	ok(!get(&blob, sizeof(blob)) && blob.s.size == 128 && blob.s.hdr.vmx.vmxon_pa == ~0ull,
	   "off again reads so");
}

static int set_with(u16 flags, u64 vmxon_pa, u64 vmcs12_pa, u32 size)
{
	memset(&blob, 0, sizeof(blob));
	*(u32 *)(blob.raw + 128) = VMCS12_REVISION;
	blob.s.flags = flags;
	blob.s.size = size;
	blob.s.hdr.vmx.vmxon_pa = vmxon_pa;
	blob.s.hdr.vmx.vmcs12_pa = vmcs12_pa;
	return set();
}

static void refusals(void)
{
	const u32 all = sizeof(blob);

	ok(set_with(0, ~0ull, ~0ull, 127) == -EINVAL, "shorter than the header");
	ok(set_with(0x10, ~0ull, ~0ull, all) == -EINVAL, "an unknown flag");
	ok(set_with(2, PA_VMXON, PA_VMCS(0), all) == -EINVAL, "pending without guest mode");
	ok(set_with(1, ~0ull, ~0ull, all) == -EINVAL, "guest mode without VMXON");
	ok(set_with(0, ~0ull, PA_VMCS(0), all) == -EINVAL, "a VMCS without VMXON");
	ok(set_with(0, PA_VMXON + 1, ~0ull, all) == -EINVAL, "not a page");
	ok(set_with(0, 1ull << 50, ~0ull, all) == -EINVAL, "beyond MAXPHYADDR");
	ok(set_with(4, PA_VMXON, ~0ull, all) == -EINVAL, "enlightened VMCS");
	ok(set_with(0, PA_VMXON, PA_VMXON, all) == -EINVAL, "VMCS in the VMXON region");
	ok(set_with(0, PA_VMXON, ~0ull, all) == -EINVAL, "an image of no VMCS");
	ok(set_with(0, PA_VMXON, PA_VMCS(0), 128) == -EINVAL, "a VMCS without an image");
	ok(!set_with(0, PA_VMXON, ~0ull, 128) && v->nested->vmxon && !v->nested->current12,
	   "VMXON without a VMCS");
	ok(!set_with(0, PA_VMXON, PA_VMCS(0), 128 + 998) && v->nested->current12, "a short image");
	blob.s.format = 1;
	ok(set() == -EINVAL, "SVM's format");
	blob.s.format = 0;
	blob.s.hdr.vmx.smm.flags = 1;
	ok(set() == -EINVAL, "SMM");
	blob.s.hdr.vmx.smm.flags = 0;
	*(u32 *)(blob.raw + 128) = 1;
	ok(set() == -EINVAL && v->nested->vmxon && !is_guest_mode(v), "a wrong revision");
	ok(nested_set_state(v, NULL) == -EFAULT, "no memory");
	m->cpuid.vmx = false;
	ok(set_with(0, PA_VMXON, ~0ull, 128) == -EINVAL, "no VMX in CPUID");
	m->cpuid.vmx = true;
}

static void enter_l2_for_good(void)
{
	l1_enters();
	nested_after_entry(v);
	poke02(guest_rip, 0x4321);
	poke02(guest_gdtr_base, 0xffff0000);
	v->regs_avail = 0;
}

/* GET, SET, GET: the same bytes; and L2 goes on where it was. */
static void round_trip(bool pending)
{
	if (pending)
		l1_enter();
	else
		enter_l2_for_good();
	ok(!get(&blob, sizeof(blob)), "GET in L2");
	ok(blob.s.flags == (pending ? 3 : 1), "flags");
	ok(!set() && is_guest_mode(v), "SET: in L2 again");
	ok(nested_run_pending(v) == pending, "the entry is as pending as before");
	ok(!get(&again, sizeof(again)) && !memcmp(&again, &blob, blob.s.size), "GET: the same");
	if (!pending)
		ok(peek02(guest_rip) == 0x4321 && peek02(guest_gdtr_base) == 0xffff0000,
		   "vmcs02 has L2's state");
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
	ok(!is_guest_mode(v) && l1_reads(VMCS_vm_exit_reason) == EXIT_cpuid, "and exits to L1");
}

/* CVE-2026-99176: a restore that fails leaves L1 in order. */
static void failed_restore(void)
{
	struct vmcs12 *s = (void *)(blob.raw + 128);

	enter_l2_for_good();
	get(&blob, sizeof(blob));
	s->host_cr0 = 0;
	ok(set() == -EINVAL, "an image that no VMLAUNCH would take");
	ok(!is_guest_mode(v) && v->nested->vmxon && hw.current == v->vmcs01,
	   "CVE-2026-99176: L2 is left, VMX is on");
	ok(!v->nested->run_pending && !v->stat.guest_mode, "nothing is pending");
}

static void timer(void)
{
	struct vmcs12 *s = l1_vmcs12();

	s->pin_based_vm_exec_control |= CTL_MASK(CTL_preemption_timer);
	s->vmx_preemption_timer_value = 1000;
	l1_wrote();
	model_tsc = 0;
	l1_enters();
	nested_after_entry(v);
	ok(!get(&blob, sizeof(blob)) && blob.s.hdr.vmx.flags == 1 &&
	   blob.s.hdr.vmx.preemption_timer_deadline == 1000, "the deadline is told");
	model_tsc = 32 * 700;
	ok(!set() && v->nested->timer_deadline == 1000, "and kept");
	ok(!get(&again, sizeof(again)) && !memcmp(&again, &blob, blob.s.size), "and told again");
	nested_before_entry(v);
	ok(v->nested->timer_on && !nested_timer_expired(v), "it has not come yet");
	model_tsc = 32 * 1001;
	nested_tsc_changed(v);
	ok(nested_timer_expired(v), "L1's TSC is restored last: it has come now");

	vmx_watch_timers = true;
	model_tsc = 32 * 100;
	nested_tsc_changed(v);
	ok(!nested_timer_expired(v) && v->timer_end.l1 == 32 * 1000, "the CPU watches it");
	model_tsc = 32 * 1000 - 1;
	nested_timer_ended(v);
	ok(!nested_timer_expired(v) && v->timer_end.l1 > model_tsc, "an early exit is not the end");
	model_tsc = 32 * 1000;
	nested_timer_ended(v);
	ok(nested_timer_expired(v) && v->timer_end.l1 == VMX_NO_END, "but at the end it is");
	vmx_watch_timers = false;

	model_tsc = 0;
	blob.s.hdr.vmx.flags = 0;
	ok(!set() && !v->nested->timer_on, "without it the value counts from the first entry");
	model_tsc = 32 * 700;
	nested_before_entry(v);
	ok(v->nested->timer_deadline == 1700, "by the TSC that is restored before that");
	nested_leave(v, false);
}

/* An event that L1 injected long ago stays in its field until the exit. */
static void delivered_event(void)
{
	struct vmcs12 *s = l1_vmcs12();

	s->vm_entry_intr_info_field = EVT_VALID | EVT_TYPE_EXTINT | 0x30;
	s->guest_rflags = 0x202;
	l1_wrote();
	l1_enters();
	nested_after_entry(v);
	poke02(guest_rflags, 2);	/* L2 is in its handler */
	v->regs_avail = 0;
	ok(!get(&blob, sizeof(blob)) && blob.s.flags == 1, "GET in the handler of an interrupt");
	ok(!set() && is_guest_mode(v), "the entry's event is not judged again");
	ok(!(peek02(vm_entry_intr_info_field) & EVT_VALID), "and not injected again");
	blob.s.flags |= KVM_STATE_NESTED_RUN_PENDING;
	ok(set() == -EINVAL, "it is, for an entry that is pending");
	nested_leave(v, false);
}

/* L2 has left 64-bit mode, and L1 does not want to know its EFER. */
static void old_efer(void)
{
	struct vmcs12 *s = l1_vmcs12();

	s->vm_entry_controls |= CTL_MASK(CTL_entry_load_efer);
	s->guest_ia32_efer = EFER_LMA | EFER_LME;
	l1_wrote();
	enter_l2_for_good();
	get(&blob, sizeof(blob));
	((struct vmcs12 *)(blob.raw + 128))->guest_ia32_efer = 0;
	ok(!set() && is_guest_mode(v), "EFER in the image of a running L2 is not judged");
	blob.s.flags |= KVM_STATE_NESTED_RUN_PENDING;
	ok(set() == -EINVAL, "it is loaded by an entry that is pending");
	nested_leave(v, false);
}

static void read_vmcs02(u64 *values)
{
	u32 i;

	for (i = 0; i < nested_nr_fields; i++)
		values[i] = vmcs_peek(v->nested->current12->vmcs02, nested_fields[i].enc);
}

/* What L2 may change in hardware, and nobody has looked at. */
static void change_vmcs02(void)
{
	u32 i;

	for (i = 0; i < nested_nr_fields; i++)
		if (nested_fields[i].flow == FLOW_SYNC)
			vmcs_poke(v->nested->current12->vmcs02, nested_fields[i].enc, 0x5a5a);
	v->regs_avail = 0;
}

static bool vmcs02_has(const u64 *values)
{
	bool same = true;
	u32 i;

	for (i = 0; i < nested_nr_fields; i++) {
		if (vmcs_peek(v->nested->current12->vmcs02, nested_fields[i].enc) == values[i])
			continue;
		same = false;
		printf("# %s\n", nested_fields[i].name);
	}
	return same;
}

/* The VMCSs of the VMX operation that a SET ends serve the one that it begins. */
static void reused(void)
{
	u64 values[256];

	enter_l2_for_good();
	get(&blob, sizeof(blob));
	nested_leave(v, true);
	ok(!set() && nested_nr_fields <= ARRAY_SIZE(values), "SET where there is no VMX operation");
	read_vmcs02(values);
	change_vmcs02();
	ok(!set() && vmcs02_has(values), "SET in L2: vmcs02 is the same as a new one");
	blob.s.hdr.vmx.vmcs12_pa = PA_VMCS(1);
	change_vmcs02();
	ok(!set() && vmcs02_has(values) && v->nested->nr_contexts == 1,
	   "SET of another VMCS, too");
	change_vmcs02();
	blob.s.flags = 0;
	ok(!set() && !is_guest_mode(v), "SET of L1 leaves L2");
	ok(!v->nested->spare, "and nothing is kept for later");
	nested_leave(v, true);
}

/* L1's memory is another one, and so may be the tables of its L2. */
static void tables(void)
{
	u32 flushes;

	enter_l2_for_good();
	get(&blob, sizeof(blob));
	flushes = m->ept_flushes;
	ok(!set() && nested_before_entry(v) == NVMX_RESUME && m->ept_flushes == flushes + 1,
	   "the first entry after SET reads ept12 again");
	ok(nested_before_entry(v) == NVMX_RESUME && m->ept_flushes == flushes + 1, "the next not");
	blob.s.flags = 0;
	ok(!set() && m->ept_flushes == flushes + 1, "SET of L1");
	l1_enters();
	ok(m->ept_flushes == flushes + 2, "and the first entry that L1 makes");
	nested_leave(v, false);
}

/* The orders of the selftests and of crosvm: events before the nested state. */
static void events_first(void)
{
	struct vmcs12 *s = l1_vmcs12();

	s->pin_based_vm_exec_control |= CTL_MASK(CTL_nmi_exiting) | CTL_MASK(CTL_virtual_nmis);
	l1_wrote();
	enter_l2_for_good();
	get(&blob, sizeof(blob));
	nested_leave(v, true);
	v->ev.irq.pending = true;
	v->ev.irq.waiting = 0x55;
	vmx_set_nmi_blocked(v, true);
	ok(!set() && v->ev.irq.injected && v->ev.irq.vector == 0x55 && !v->ev.irq.pending,
	   "an interrupt of SET_VCPU_EVENTS is L2's");
	v->ev.irq.injected = false;
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
	ok(!vmx_nmi_blocked(v), "blocking of L2's virtual NMIs is not left to L1");
}

static void same_capability(void)
{
	u64 val = 0;

	ok(!nested_get_msr(v, MSR_IA32_VMX_MISC, &val, MSR_BY_GUEST) &&
	   !nested_set_msr(v, MSR_IA32_VMX_MISC, val),
	   "in VMX operation the host may say again what a capability MSR says");
	ok(nested_set_msr(v, MSR_IA32_VMX_MISC, val & ~0x40ull) == -EBUSY, "and nothing else");
}

static const char *why(u32 rule, int error)
{
	static struct nvmx_nested_verdict verdict;

	nested_last_verdict(v, &verdict);
	return verdict.rule == rule && verdict.error == error ? verdict.what : "?";
}

/* Verdicts: of a dry run, which changes nothing, and of the real one. */
static void verdicts(void)
{
	struct vmcs12 *s = (void *)(blob.raw + 128);
	struct nvmx_nested_verdict verdict;

	enter_l2_for_good();
	get(&blob, sizeof(blob));
	again = blob;
	nested_try_state(v, &blob.s, &verdict);
	ok(!verdict.error && !strcmp(verdict.what, "accepted"), "a dry run of a good state");
	s->host_cr0 = 0;
	nested_try_state(v, &blob.s, &verdict);
	ok(verdict.error == -EINVAL && verdict.rule == NVMX_NESTED_CHECK &&
	   verdict.stage == STAGE_HOST && !strcmp(verdict.what, "host_cr0_fixed"),
	   "of a bad one: %s", verdict.what);
	get(&blob, sizeof(blob));
	ok(is_guest_mode(v) && !memcmp(&blob, &again, again.s.size), "nothing has changed");
	s->host_cr0 = 0;
	set();
	ok(!strcmp(why(NVMX_NESTED_CHECK, -EINVAL), "host_cr0_fixed"), "the check that failed");
	s->revision = 1;
	set();
	ok(!strcmp(why(NVMX_NESTED_REVISION, -EINVAL), "revision"), "the rule that failed");
	nested_set_state(v, NULL);
	ok(!strcmp(why(NVMX_NESTED_UNREADABLE, -EFAULT), "unreadable"), "no memory at all");
	ok(!nested_set_state(v, &again.s) && !strcmp(why(NVMX_NESTED_ACCEPTED, 0), "accepted"),
	   "a good state after bad ones");
}

static void start_over(void)
{
	hardware_end();
	hardware_new();
	v = &m->v;
}

void test_state(void)
{
	hardware_new();
	v = &m->v;
	sizes();
	refusals();
	start_over();
	round_trip(false);
	round_trip(true);
	same_capability();
	failed_restore();
	nested_leave(v, false);
	start_over();
	timer();
	start_over();
	delivered_event();
	start_over();
	old_efer();
	start_over();
	events_first();
	verdicts();
	hardware_end();
	hardware_new();
	v = &m->v;
	reused();
	hardware_end();
	hardware_new();
	v = &m->v;
	tables();
	ok(!m->bugs, "nothing impossible happened");
	hardware_end();
	ok(!model_allocations() && !hw.trees, "nothing is left");
}
