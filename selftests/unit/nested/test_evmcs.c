// SPDX-License-Identifier: GPL-2.0-only
/*
 * The enlightened VMCS: its fields, entries and exits, and the other instructions.
 */
#include <stdlib.h>
#include <string.h>
#include "back.h"
#include "evmcs_page.h"
#include "test.h"

#define PA_BITMAP	0x10000ull

static struct nvmx_vcpu *v;

static void begin(void)
{
	v = evmcs_begin();
}

static u64 in_page(const u8 *p, const struct evmcs_field *row)
{
	u64 val = 0;

	memcpy(&val, p + row->offset, row->size);
	return val;
}

static u64 in_copy(const struct evmcs_field *row)
{
	return vmcs12_get(l1_vmcs12(), nested_find_field(row->enc));
}

/* ---- table 6 ---- */

static void table(void)
{
	const struct evmcs_field *row;
	u32 wrong = 0;

	for (row = evmcs_rows + 1; row < end_of_evmcs; row++)
		wrong += row->offset < row[-1].offset + row[-1].size;
	ok(!wrong, "rows are in order, and none overlaps the next");
	for (wrong = 0, row = evmcs_rows; row < end_of_evmcs; row++)
		wrong += !row->in != !row->clean || row->clean > EVMCS_ALWAYS;
	ok(!wrong, "what comes from L1 has a clean bit, or none to ask");
}

/* TLFS: a group that is not clean is loaded, another is not. */
static void all_fields(void)
{
	const struct evmcs_field *row;
	u32 i, wrong = 0;

	begin();
	for (i = 4; i < EVMCS_SIZE; i++)
		l1_page(0)[i] = rand();
	*l1_word(EVMCS_AT_CLEAN) = ~0u;
	l1_entry(EXIT_vmlaunch);
	for (row = evmcs_rows; row < end_of_evmcs; row++)
		wrong += row->in && in_copy(row) != in_page(l1_page(0), row);
	ok(!wrong, "VMLAUNCH takes every field, clean or not");
	for (wrong = 0, row = evmcs_rows; row < end_of_evmcs; row++)
		wrong += !row->in && row->enc != VMCS_vm_instruction_error && in_copy(row);
	ok(!wrong, "but no exit information");
	evmcs_end();
}

static bool is_taken(const struct evmcs_field *row, u32 group)
{
	return row->clean & (group | EVMCS_ALWAYS);
}

static void one_group(u32 bit)
{
	struct vmcs12 old = *l1_vmcs12();
	const struct evmcs_field *row;
	u32 i, wrong = 0;
	u64 want;

	for (i = 4; i < EVMCS_SIZE; i++)
		l1_page(0)[i] ^= 0x11;
	*l1_word(EVMCS_AT_CLEAN) = EVMCS_ANY & ~BIT(bit);
	l1_entry(EXIT_vmresume);
	for (row = evmcs_rows; row < end_of_evmcs; row++) {
		want = is_taken(row, bit < 16 ? BIT(bit) : 0) ? in_page(l1_page(0), row) :
		       vmcs12_get(&old, nested_find_field(row->enc));
		wrong += row->in && in_copy(row) != want;
	}
	ok(!wrong, "of all groups but %u clean, that one is taken", bit);
}

static void clean_groups(void)
{
	u32 bit;

	begin();
	*l1_word(92) = 0;			/* no entry succeeds */
	l1_entry(EXIT_vmlaunch);
	for (bit = 0; bit <= 16; bit++)
		one_group(bit);
	evmcs_end();
}

/* Groups of table 1 are dirty only for what has changed. */
static void dirty_groups(void)
{
	u32 clean;

	begin();
	evmcs_enters(EXIT_vmlaunch);
	cpuid_exit();
	hw.writes = 0;
	evmcs_enters(EXIT_vmresume);
	cpuid_exit();
	clean = hw.writes;
	*l1_word(EVMCS_AT_CLEAN) = 0;
	hw.writes = 0;
	evmcs_enters(EXIT_vmresume);
	cpuid_exit();
	ok(hw.writes == clean, "equal values cost no VMWRITE: %u", clean);
	evmcs_end();
}

static u8 before[EVMCS_SIZE];

/* What L2 may change goes back, and nothing else is touched. */
static void exits(void)
{
	const struct evmcs_field *row;
	u32 i, wrong = 0;

	begin();
	evmcs_enters(EXIT_vmlaunch);
	for (i = 832; i < EVMCS_SIZE; i++)
		l1_page(0)[i] = i;
	memcpy(before, l1_page(0), EVMCS_SIZE);
	poke02(guest_rip, 0x4321);
	poke02(guest_gdtr_base, 0xffff1000);
	poke02(guest_fs_selector, 0x33);
	cpuid_exit();
	ok(*l1_word(692) == EXIT_cpuid && *(u64 *)(l1_page(0) + 816) == 0x4321, "reason and RIP");
	ok(*(u64 *)(l1_page(0) + 280) == 0xffff1000 && *(u16 *)(l1_page(0) + 136) == 0x33,
	   "and what vmcs02 keeps of a vmcs12");
	ok(*l1_word(EVMCS_AT_CLEAN) == EVMCS_ANY, "all is clean");
	*l1_word(EVMCS_AT_CLEAN) = *(u32 *)(before + EVMCS_AT_CLEAN);
	for (row = evmcs_rows; row < end_of_evmcs; row++) {
		wrong += row->out && in_page(l1_page(0), row) != in_copy(row);
		if (row->out)
			memcpy(before + row->offset, l1_page(0) + row->offset, row->size);
	}
	ok(!wrong, "each field that goes back");
	ok(!memcmp(before, l1_page(0), EVMCS_SIZE), "no other byte has changed");
	ok(!v->nested->current12->rare_stale, "nothing waits in vmcs02");
	evmcs_end();
}

/* ---- entries ---- */

static void revisions(void)
{
	begin();
	*l1_word(0) = 2;
	expect_fail_invalid(l1_entry(EXIT_vmlaunch), "version 2");
	ok(!v->nested->current12 && v->nested->nr_contexts == 1, "which leaves no current VMCS");
	*l1_word(0) = VMCS12_REVISION;
	evmcs_enters(EXIT_vmlaunch);
	ok(is_guest_mode(v), "the revision of IA32_VMX_BASIC does");
	cpuid_exit();
	*l1_word(0) = ~0u;
	expect_fail_invalid(l1_entry(EXIT_vmresume), "L1 has written another one");
	evmcs_end();
}

static void addresses(void)
{
	begin();
	m->evmcs_gpa = PA_NOWHERE;
	expect_ud(l1_entry(EXIT_vmlaunch), "no memory");
	m->evmcs_gpa = PA_PAGE(0) + 8;
	expect_ud(l1_entry(EXIT_vmlaunch), "not a page");
	m->evmcs_gpa = 1ull << 50;
	expect_ud(l1_entry(EXIT_vmlaunch), "beyond MAXPHYADDR");
	ok(v->nested->nr_contexts == 1 && !v->nested->current12, "no context is kept");
	m->enlightened = false;
	expect_fail_invalid(l1_entry(EXIT_vmlaunch), "no VMCS at all");
	model_load(0);
	l1_enters();
	nested_after_entry(v);
	cpuid_exit();
	ok(l1_reads(VMCS_vm_exit_reason) == EXIT_cpuid, "VMPTRLD is back to where it was");
	evmcs_end();
}

/* There is no launch state. */
static void launch_state(void)
{
	begin();
	evmcs_enters(EXIT_vmresume);
	cpuid_exit();
	evmcs_enters(EXIT_vmresume);
	cpuid_exit();
	evmcs_enters(EXIT_vmlaunch);
	cpuid_exit();
	ok(*l1_word(692) == EXIT_cpuid, "VMLAUNCH and VMRESUME in any order");
	*(u64 *)(l1_page(0) + 768) = 0x2468;
	*l1_word(EVMCS_AT_CLEAN) = ~0u;
	evmcs_enters(EXIT_vmlaunch);
	ok(peek02(guest_rsp) == 0x2468, "VMLAUNCH of the active one takes all, clean or not");
	cpuid_exit();
	evmcs_end();
}

static void refused_entries(void)
{
	begin();
	*l1_word(92) = 0;
	expect_fail(l1_entry(EXIT_vmlaunch), VMXERR_ENTRY_CONTROL, "pin-based controls 0");
	ok(*l1_word(688) == VMXERR_ENTRY_CONTROL, "the error is in the page");
	l1_fill(0, model_memory(PA_PAGE(0)));
	evmcs_end();

	begin();
	*(u64 *)(l1_page(0) + 544) = 0;
	l1_entry(EXIT_vmlaunch);
	ok(v->nested->current12 && !is_guest_mode(v), "CR0 of L2 is refused");
	nested_reflect_synthetic(v, EXIT_invalid_guest_state | EXIT_ENTRY_FAILURE, 0, 0, 0);
	ok(*l1_word(692) == (EXIT_invalid_guest_state | EXIT_ENTRY_FAILURE),
	   "an entry failure is told in the page");
	evmcs_end();
}

static u32 hits;

static void change_after_read(u64 gpa)
{
	if (gpa != PA_PAGE(0))
		return;
	hits++;
	*(u64 *)(l1_page(0) + 544) = 0;
	*l1_word(92) = 0;
}

static void copied_once(void)
{
	begin();
	hits = 0;
	m->after_read = change_after_read;
	evmcs_enters(EXIT_vmlaunch);
	ok(hits == 1 && is_guest_mode(v), "the page is read once, and the copy is checked");
	m->after_read = NULL;
	cpuid_exit();
	evmcs_end();
}

/* ---- several pages ---- */

static void two_pages(void)
{
	const struct vmcs *first;

	begin();
	evmcs_enters(EXIT_vmlaunch);
	first = v->nested->current12->vmcs02;
	cpuid_exit();
	m->evmcs_gpa = PA_PAGE(1);
	*(u64 *)(l1_page(1) + 816) = 0x1111;
	evmcs_enters(EXIT_vmresume);
	ok(peek02(guest_rip) == 0x1111 && v->nested->current12->vmcs02 != first, "another L2");
	cpuid_exit();
	m->evmcs_gpa = PA_PAGE(0);
	*(u64 *)(l1_page(0) + 768) = 0x2222;
	*l1_word(EVMCS_AT_CLEAN) = ~0u;
	evmcs_enters(EXIT_vmresume);
	ok(peek02(guest_rsp) == 0x2222 && v->nested->current12->vmcs02 == first,
	   "back again nothing is clean, but vmcs02 is kept");
	cpuid_exit();
	evmcs_end();
}

static void many_pages(void)
{
	struct vmcs12 image;
	u32 i;

	begin();
	image = *l1_vmcs12();
	for (i = 0; i < 2 * NESTED_CONTEXTS; i++) {
		l1_fill(i, &image);
		l1_page(i)[EVMCS_SIZE] = 0x77;
		m->evmcs_gpa = PA_PAGE(i);
		evmcs_enters(EXIT_vmlaunch);
		cpuid_exit();
	}
	ok(v->nested->nr_contexts == NESTED_CONTEXTS, "no more contexts than ever");
	for (i = 0; i < 2 * NESTED_CONTEXTS; i++)
		ok(*(u32 *)l1_page(i) == EVMCS_VERSION && l1_page(i)[EVMCS_SIZE] == 0x77,
		   "page %u is none of a vmcs12", i);
	model_insn(EXIT_vmxoff);
	ok(*(u32 *)l1_page(1) == EVMCS_VERSION, "nor does VMXOFF write one");
	evmcs_end();
}

/* ---- the other instructions ---- */

static void instructions(void)
{
	u64 val;

	begin();
	evmcs_enters(EXIT_vmlaunch);
	cpuid_exit();
	*(u64 *)(l1_page(0) + 816) = 0x123456789abc;
	expect_done(model_vmread(VMCS_guest_rip, &val), "VMREAD");
	ok(val == 0x123456789abc, "reads L1's memory");
	*(u64 *)(l1_page(0) + 400) = 0x1111111122222222;
	expect_done(model_vmread(VMCS_tsc_offset | VMCS_ENC_HIGH, &val), "VMREAD of a high half");
	ok(val == 0x11111111, "reads that");
	expect_fail(model_vmread(VMCS_posted_intr_nv, &val), VMXERR_FIELD_UNSUPPORTED,
		    "VMREAD of what the page does not have");
	expect_fail_invalid(model_vmwrite(VMCS_guest_rip, 0), "VMWRITE");
	expect_fail_invalid(model_insn_pa(EXIT_vmptrld, PA_VMCS(0)), "VMPTRLD");
	expect_done(model_insn(EXIT_vmptrst), "VMPTRST");
	ok(*(u64 *)model_memory(PA_OPERAND) == ~0ull, "there is no current VMCS");
	m->enlightened = false;
	expect_done(model_insn_pa(EXIT_vmptrld, PA_VMCS(0)), "VMPTRLD, when L1 has turned it off");
	ok(!nested_evmcs_current(v), "loads a vmcs12");
	evmcs_end();
}

static void clears(void)
{
	struct l2_context *c;

	begin();
	evmcs_enters(EXIT_vmlaunch);
	cpuid_exit();
	memcpy(before, l1_page(0), EVMCS_SIZE);
	expect_done(model_insn_pa(EXIT_vmclear, PA_PAGE(1)), "VMCLEAR of another page");
	c = v->nested->current12;
	ok(c && c->evmcs, "changes nothing");
	expect_done(model_insn_pa(EXIT_vmclear, PA_PAGE(0)), "VMCLEAR of the current one");
	ok(!v->nested->current12 && !memcmp(before, l1_page(0), EVMCS_SIZE),
	   "makes it not current, and writes nothing");
	expect_fail_invalid(model_insn_pa(EXIT_vmclear, PA_VMXON), "without a VMCS");
	evmcs_end();
}

/* ---- what it cannot express ---- */

static u32 allowed1(u32 msr, enum msr_by by)
{
	u64 val = 0;

	ok(!nested_get_msr(v, msr, &val, by), "MSR 0x%x", msr);
	return val >> 32;
}

static void capabilities(void)
{
	const u32 lacks = CTL_MASK(CTL_virtualize_apic_accesses) |
			  CTL_MASK(CTL_apic_register_virtualization) |
			  CTL_MASK(CTL_virtual_interrupt_delivery) | CTL_MASK(CTL_vmcs_shadowing) |
			  CTL_MASK(CTL_tsc_scaling);
	u32 host, guest;

	begin();
	host = allowed1(MSR_IA32_VMX_PROCBASED_CTLS2, MSR_BY_HOST);
	guest = allowed1(MSR_IA32_VMX_PROCBASED_CTLS2, MSR_BY_GUEST);
	ok((host & lacks) == lacks && guest == (host & ~lacks), "secondary controls");
	host = allowed1(MSR_IA32_VMX_TRUE_PINBASED_CTLS, MSR_BY_HOST);
	guest = allowed1(MSR_IA32_VMX_TRUE_PINBASED_CTLS, MSR_BY_GUEST);
	ok((host ^ guest) == (CTL_MASK(CTL_posted_interrupts) | CTL_MASK(CTL_preemption_timer)),
	   "pin-based controls");
	host = allowed1(MSR_IA32_VMX_EXIT_CTLS, MSR_BY_HOST);
	guest = allowed1(MSR_IA32_VMX_EXIT_CTLS, MSR_BY_GUEST);
	ok((host ^ guest) == CTL_MASK(CTL_exit_save_preemption_timer), "exit controls");
	ok(allowed1(MSR_IA32_VMX_ENTRY_CTLS, MSR_BY_GUEST) ==
	   allowed1(MSR_IA32_VMX_ENTRY_CTLS, MSR_BY_HOST) &&
	   allowed1(MSR_IA32_VMX_PROCBASED_CTLS, MSR_BY_GUEST) ==
	   allowed1(MSR_IA32_VMX_PROCBASED_CTLS, MSR_BY_HOST), "and no others");
	*l1_word(92) |= CTL_MASK(CTL_preemption_timer);
	expect_fail(l1_entry(EXIT_vmlaunch), VMXERR_ENTRY_CONTROL, "a control without its field");
	evmcs_allow(false);
	guest = allowed1(MSR_IA32_VMX_PROCBASED_CTLS2, MSR_BY_GUEST);
	ok((guest & lacks) == lacks, "where L1 does not know of it all is there");
	ok(!v->nested->current12, "and the page is none");
	evmcs_end();
}

/* ---- enlightened MSR bitmap ---- */

static bool reads_exit(u32 msr)
{
	u8 *merged = (u8 *)v->nested->current12->msr_bitmap;

	return merged[msr / 8] & BIT(msr % 8);
}

static void intercept(u32 msr, bool yes)
{
	u8 *p = (u8 *)model_memory(PA_BITMAP) + msr / 8;

	*p = yes ? *p | BIT(msr % 8) : *p & ~BIT(msr % 8);
}

static void bitmap_round(u32 clean)
{
	cpuid_exit();
	*l1_word(EVMCS_AT_CLEAN) = clean;
	evmcs_enters(EXIT_vmresume);
}

static void msr_bitmap(void)
{
	const u32 msr = 0x174;		/* IA32_SYSENTER_CS */

	begin();
	*l1_word(788) |= CTL_MASK(CTL_use_msr_bitmaps);
	*(u64 *)(l1_page(0) + 120) = PA_BITMAP;
	((u8 *)v->msr_bitmap)[msr / 8] &= ~BIT(msr % 8);
	nested_msr_policy_changed(v);
	evmcs_enters(EXIT_vmlaunch);
	ok(!reads_exit(msr), "L1 does not intercept it");
	intercept(msr, true);
	bitmap_round(EVMCS_ANY);
	ok(reads_exit(msr), "its bitmap is looked at, unless L1 says that it will tell");
	intercept(msr, false);
	*l1_word(EVMCS_AT_ENLIGHTENMENTS) = EVMCS_MSR_BITMAP_CLEAN;
	bitmap_round(EVMCS_ANY);
	ok(reads_exit(msr), "L1 has not told");
	bitmap_round(EVMCS_ANY & ~EVMCS_MSR_BITMAP);
	ok(!reads_exit(msr), "L1 has told");
	intercept(msr, true);
	nested_msr_policy_changed(v);
	bitmap_round(EVMCS_ANY);
	ok(reads_exit(msr), "L0 has changed its own");
	cpuid_exit();
	*l1_word(788) &= ~CTL_MASK(CTL_use_msr_bitmaps);
	*l1_word(EVMCS_AT_CLEAN) = EVMCS_ANY & ~EVMCS_PROC;
	intercept(msr, false);
	evmcs_enters(EXIT_vmresume);
	ok(reads_exit(msr), "L1 has no bitmap any more");
	cpuid_exit();
	evmcs_end();
}

/* CVE-2019-3887: what L1 says of its bitmap is no reason to leave the host's APIC open. */
static void x2apic_bitmap(void)
{
	const u32 tpr = 0x808;

	begin();
	*l1_word(788) |= CTL_MASK(CTL_use_msr_bitmaps) | CTL_MASK(CTL_tpr_shadow);
	*l1_word(100) |= CTL_MASK(CTL_virtualize_x2apic);
	*(u64 *)(l1_page(0) + 120) = PA_BITMAP;
	*(u64 *)(l1_page(0) + 408) = PA_BITMAP + 0x1000;
	*l1_word(EVMCS_AT_ENLIGHTENMENTS) = EVMCS_MSR_BITMAP_CLEAN;
	evmcs_enters(EXIT_vmlaunch);
	ok(!reads_exit(tpr), "a TPR of L2's own");
	cpuid_exit();
	*l1_word(100) &= ~CTL_MASK(CTL_virtualize_x2apic);
	*l1_word(EVMCS_AT_CLEAN) = EVMCS_ANY & ~EVMCS_CTL_GRP1;
	evmcs_enters(EXIT_vmresume);
	ok(reads_exit(tpr), "is closed with its virtualization");
	cpuid_exit();
	evmcs_end();
}

/* ---- L1 at its worst ---- */

static void any_page(void)
{
	u32 i, n;

	begin();
	memcpy(before, l1_page(0), EVMCS_SIZE);
	for (n = 0; n < 20000; n++) {
		memcpy(l1_page(n % 2), before, EVMCS_SIZE);
		for (i = rand() % 4; i; i--)
			l1_page(n % 2)[4 + rand() % (EVMCS_SIZE - 4)] = rand();
		m->evmcs_gpa = PA_PAGE(n % 2);
		if (l1_entry(n % 3 ? EXIT_vmresume : EXIT_vmlaunch).kind == VMX_ENTERED)
			cpuid_exit();
		if (is_guest_mode(v))
			nested_leave(v, false);
	}
	ok(!m->bugs, "pages of anything");
	evmcs_end();
}

static void no_memory(void)
{
	u32 i;

	for (i = 1; i < 12; i++) {
		begin();
		m->fail_alloc = i;
		if (l1_entry(EXIT_vmlaunch).kind == VMX_ENTERED)
			cpuid_exit();
		m->fail_alloc = 0;
		evmcs_end();
	}
}

void test_evmcs(void)
{
	table();
	all_fields();
	clean_groups();
	dirty_groups();
	exits();
	revisions();
	addresses();
	launch_state();
	refused_entries();
	copied_once();
	two_pages();
	many_pages();
	instructions();
	clears();
	capabilities();
	msr_bitmap();
	x2apic_bitmap();
	any_page();
	no_memory();
}
