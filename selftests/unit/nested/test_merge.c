// SPDX-License-Identifier: GPL-2.0-only
/*
 * What reaches hardware for L2: the merge rules, named for what went wrong elsewhere.
 */
#include <string.h>
#include "back.h"

#define PA_MSR	0x12000ull

/* Build vmcs02 from a vmcs12 that no check has seen. */
static void build(void)
{
	struct nvmx_vcpu *v = &m->v;
	struct l2_context *c = v->nested->current12;

	if (nested_context_ready(v, c) || nested_find_ept02(v, c))
		return;
	nested_mark_dirty(c, GROUPS_ALL);
	nested_save_l1(v);
	nested_switch_to_l2(v, c, L2_ENTERED);
}

static void back_to_l1(void)
{
	nested_leave(&m->v, false);
}

/* CVE-2017-12154: with CR8 exiting cleared, L2 wrote the hardware's CR8. */
static void cve_2017_12154(void)
{
	l1_vmcs12()->cpu_based_vm_exec_control &= ~(CTL_MASK(CTL_cr8_load_exiting) |
						    CTL_MASK(CTL_cr8_store_exiting));
	build();
	ok(peek02(cpu_based_vm_exec_control) & CTL_MASK(CTL_cr8_load_exiting) &&
	   peek02(cpu_based_vm_exec_control) & CTL_MASK(CTL_cr8_store_exiting),
	   "CVE-2017-12154: CR8 accesses exit whatever L1 wants");
	back_to_l1();
}

static bool is(const char *a, const char *b)
{
	return !strcmp(a, b);
}

/* What L0 needs is there and what is not offered is not, whatever L1's words say. */
static void check_words(const char *what)
{
	static const u32 encoding[] = {
		VMCS_pin_based_vm_exec_control, VMCS_cpu_based_vm_exec_control,
		VMCS_secondary_vm_exec_control, VMCS_vm_exit_controls,
		VMCS_vm_entry_controls,
	};
	const struct vmcs *vmcs02 = m->v.nested->current12->vmcs02;
	const struct control *c;
	bool set;

	for (c = hardware_controls; c->name; c++) {
		set = vmcs_peek(vmcs02, encoding[c->word]) & BIT(c->bit);
		if (is(c->l0, "NEED") && is(c->merge, "OR"))
			ok(set, "%s: L0 keeps %s", what, c->name);
		if (is(c->offer, "NO") && is(c->l0, "OFF"))
			ok(!set, "%s: %s is not L1's", what, c->name);
		if (is(c->merge, "EMUL"))
			ok(!set, "%s: %s is emulated", what, c->name);
	}
}

static void fill_words(u32 val)
{
	struct vmcs12 *s = l1_vmcs12();

	s->pin_based_vm_exec_control = val;
	s->cpu_based_vm_exec_control = val | CTL_MASK(CTL_activate_secondary);
	s->secondary_vm_exec_control = val;
	s->vm_exit_controls = val;
	s->vm_entry_controls = val;
}

/* CVE-2021-3653, CVE-2021-3656: control bits copied from L1 without a mask. */
static void cve_2021_3653(void)
{
	fill_words(~0u);
	build();
	check_words("CVE-2021-3653, all ones");
	back_to_l1();
	fill_words(0);
	build();
	check_words("CVE-2021-3653, all zeros");
	back_to_l1();
}

static bool open_in(const u8 *map, u32 bit)
{
	return !(map[bit / 8] & 1 << bit % 8);
}

/* CVE-2019-3887: the hardware's x2APIC MSRs were open to L2. All others, too: both must agree. */
static void cve_2019_3887(void)
{
	struct vmcs12 *s = l1_vmcs12();
	u8 *l0 = (u8 *)m->v.msr_bitmap, *l1 = model_memory(PA_MSR), *merged;
	u32 bit, wrong = 0, x2apic = 0, opened = 0;

	memset(l0, 0, PAGE_SIZE);
	for (bit = 0; bit < 4096; bit++)
		l1[bit] = bit * 37;
	s->cpu_based_vm_exec_control |= CTL_MASK(CTL_use_msr_bitmaps);
	s->msr_bitmap = PA_MSR;
	nested_msr_policy_changed(&m->v);
	build();
	merged = (u8 *)m->v.nested->current12->msr_bitmap;
	for (bit = 0; bit < 32768; bit++) {
		wrong += open_in(merged, bit) && !open_in(l1, bit);
		opened += open_in(merged, bit);
		x2apic += open_in(merged, bit) && bit % 0x4000 >= 0x800 && bit % 0x4000 < 0x900;
	}
	ok(!wrong, "no MSR is open that L1 intercepts");
	ok(opened, "but some are");
	ok(!x2apic, "CVE-2019-3887: the x2APIC range never is");
	ok(peek02(msr_bitmap) == (u64)(unsigned long)merged, "hardware has the merged bitmap");
	back_to_l1();
	memset(l0, 0xff, PAGE_SIZE);
	nested_msr_policy_changed(&m->v);
	build();
	for (bit = 0, opened = 0; bit < 32768; bit++)
		opened += open_in(merged, bit);
	ok(!opened, "L0's policy changed: merged again");
	back_to_l1();
}

/* The merge notices what L1 writes into the page, which the CPU reads at any time. */
static void msr_bitmap_is_read_again(void)
{
	u8 *l1 = model_memory(PA_MSR), *merged;

	m->v.msr_bitmap[0] = 0;
	nested_msr_policy_changed(&m->v);
	memset(l1, 0, PAGE_SIZE);
	build();
	merged = (u8 *)m->v.nested->current12->msr_bitmap;
	ok(open_in(merged, 0x10), "open for both");
	back_to_l1();
	l1[2] = 1;
	build();
	ok(!open_in(merged, 0x10) && open_in(merged, 0x11), "L1 closed one bit");
	back_to_l1();
	l1_vmcs12()->msr_bitmap = PA_NOWHERE;
	build();
	ok(!open_in(merged, 0x11), "a bitmap without memory closes all");
	back_to_l1();
}

/* Xen 3643bb53a0: a shutdown state that reached hardware reset the platform. */
static void activity(void)
{
	struct vmcs12 *s = l1_vmcs12();

	s->guest_activity_state = ACTIVITY_SHUTDOWN;
	build();
	ok(peek02(guest_activity_state) == ACTIVITY_ACTIVE, "shutdown stays out of hardware");
	back_to_l1();
	s->guest_activity_state = ACTIVITY_WAIT_SIPI;
	build();
	ok(peek02(guest_activity_state) == ACTIVITY_ACTIVE, "wait-for-SIPI, too");
	back_to_l1();
	s->guest_activity_state = ACTIVITY_HLT;
	build();
	ok(peek02(guest_activity_state) == ACTIVITY_HLT, "HLT is harmless");
	back_to_l1();
	s->guest_activity_state = 0;
}

static void control_registers(void)
{
	struct vmcs12 *s = l1_vmcs12();

	s->guest_cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_NE | X86_CR0_ET | X86_CR0_WP;
	s->cr0_guest_host_mask = X86_CR0_WP | X86_CR0_TS;
	s->cr0_read_shadow = X86_CR0_TS;
	s->cr4_guest_host_mask = 0;
	s->guest_cr4 = X86_CR4_PAE | X86_CR4_VMXE;
	build();
	ok(!(~peek02(cr0_guest_host_mask) & s->cr0_guest_host_mask), "CR0: L1's bits are kept");
	ok(!(~peek02(cr0_guest_host_mask) & ~(u64)X86_CR0_TS), "CR0: and L0's");
	ok(peek02(cr0_read_shadow) ==
	   (X86_CR0_PE | X86_CR0_PG | X86_CR0_NE | X86_CR0_ET | X86_CR0_TS),
	   "CR0 reads as L1 says where L1 keeps a bit, and as it is elsewhere");
	ok(~peek02(cr4_guest_host_mask) == X86_CR4_PGE, "CR4: L2 owns what both leave to it");
	ok(nested_read_cr0(&m->v) == peek02(cr0_read_shadow), "L0 reads what hardware would");
	ok(nested_merge_cr0(&m->v, X86_CR0_PE) == (X86_CR0_PE | X86_CR0_WP),
	   "a write of L2 leaves L1's bits as L1 set them");
	back_to_l1();
}

static void tsc(void)
{
	struct vmcs12 *s = l1_vmcs12();
	struct nvmx_vcpu *v = &m->v;

	v->tsc_offset = -1000ull;
	s->tsc_offset = 300;
	s->cpu_based_vm_exec_control &= ~CTL_MASK(CTL_use_tsc_offsetting);
	build();
	ok(peek02(tsc_offset) == -1000ull, "without TSC offsetting L2 has L1's TSC");
	back_to_l1();
	s->cpu_based_vm_exec_control |= CTL_MASK(CTL_use_tsc_offsetting);
	build();
	ok(peek02(tsc_offset) == -700ull, "offsets add up");
	v->tsc_offset = 0;
	nested_tsc_changed(v);
	ok(peek02(tsc_offset) == 300, "L0 moves L1's TSC while L2 runs");
	back_to_l1();
	v->tsc_offset = -1000ull;
	s->secondary_vm_exec_control |= CTL_MASK(CTL_tsc_scaling);
	s->tsc_multiplier = 3ull << 47;
	build();
	ok(peek02(tsc_offset) == -1200ull && peek02(tsc_multiplier) == 3ull << 47,
	   "L1's ratio scales L1's offset");
	ok(peek02(secondary_vm_exec_control) & CTL_MASK(CTL_tsc_scaling), "scaling is on");
	back_to_l1();
	v->tsc_ratio = 1ull << 47;
	build();
	ok(peek02(tsc_multiplier) == 3ull << 46, "ratios multiply");
	back_to_l1();
	v->tsc_ratio = 0;
	v->tsc_offset = 0;
}

static void exceptions(void)
{
	struct vmcs12 *s = l1_vmcs12();

	s->exception_bitmap = BIT(VEC_PF) | BIT(VEC_UD);
	s->page_fault_error_code_mask = 7;
	s->page_fault_error_code_match = 3;
	build();
	ok((peek02(exception_bitmap) & (BIT(VEC_DB) | BIT(VEC_AC) | BIT(VEC_MC))) ==
	   (BIT(VEC_DB) | BIT(VEC_AC) | BIT(VEC_MC)), "what L0 wants exits");
	ok(peek02(exception_bitmap) & BIT(VEC_UD), "L1's, too");
	ok(peek02(page_fault_error_code_mask) == 7 && peek02(page_fault_error_code_match) == 3,
	   "L0 wants no page faults: L1's selection counts");
	back_to_l1();
}

/* The state of L1, and only of L1, decides about L0's side. */
static void momentary_bits_of_l1(void)
{
	struct nvmx_vcpu *v = &m->v;

	vmcs_ctl_set(v, v->vmcs01, CTL_interrupt_window_exiting);
	vmcs_ctl_set(v, v->vmcs01, CTL_pml);
	fill_words(0);
	build();
	ok(!(peek02(cpu_based_vm_exec_control) & CTL_MASK(CTL_interrupt_window_exiting)),
	   "a window that L0 wants for L1 is not opened for L2");
	ok(!(peek02(secondary_vm_exec_control) &
	     (CTL_MASK(CTL_vmcs_shadowing) | CTL_MASK(CTL_pml))), "nor what is for L1 alone");
	back_to_l1();
}

void test_merge(void)
{
	hardware_new();
	cve_2017_12154();
	cve_2019_3887();
	msr_bitmap_is_read_again();
	activity();
	control_registers();
	tsc();
	exceptions();
	cve_2021_3653();
	momentary_bits_of_l1();
	ok(!m->bugs, "nothing impossible happened");
	hardware_end();
}
