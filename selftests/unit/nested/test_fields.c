// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMREAD and VMWRITE: every row of table 1, every operand form.
 */
#include <string.h>
#include <linux/bitops.h>
#include "test.h"

static u64 mask_of(const struct nested_field *f)
{
	return f->size == 8 ? ~0ull : (1ull << 8 * f->size) - 1;
}

static u64 read_back(u64 encoding)
{
	u64 val;

	return model_vmread(encoding, &val).kind == VMX_DONE ? val : 0x0badbadbadbadbad;
}

/* Written to the full encoding: truncated, group dirty; the same again: nothing dirty. */
static void round_trip(const struct nested_field *f)
{
	struct l2_context *c = m->v.nested->current12;
	u64 pattern = 0xa5a5a5a5a5a5a5a5 & mask_of(f);

	c->dirty = 0;
	c->unchecked = 0;
	c->stale = false;
	m->touches = 0;
	ok(model_vmwrite(f->enc, 0xa5a5a5a5a5a5a5a5).kind == VMX_DONE &&
	   read_back(f->enc) == pattern && c->dirty == 1u << f->group &&
	   c->unchecked == c->dirty && c->stale && m->touches == (f->shadow != SHADOW_NO),
	   "%s: round trip, width", f->name);
	c->dirty = 0;
	c->stale = false;
	ok(model_vmwrite(f->enc, 0xa5a5a5a5a5a5a5a5).kind == VMX_DONE && !c->dirty && !c->stale,
	   "%s: an equal value marks nothing", f->name);
}

static void high_half(const struct nested_field *f)
{
	if (f->width != VMCS_WIDTH_U64) {
		expect_fail(model_vmwrite(f->enc | 1, 0), VMXERR_FIELD_UNSUPPORTED, f->name);
		return;
	}
	model_vmwrite(f->enc, 0x1111111122222222);
	ok(model_vmwrite(f->enc | 1, 0xffffffff33333333).kind == VMX_DONE &&
	   read_back(f->enc) == 0x3333333322222222 && read_back(f->enc | 1) == 0x33333333,
	   "%s: high half", f->name);
}

static void read_only(const struct nested_field *f)
{
	m->v.nested->caps.misc &= ~VMXM_VMWRITE_ALL;
	vmcs12_set(nested_vmcs12(&m->v), f, 0x1234);
	expect_fail(model_vmwrite(f->enc, 1), VMXERR_FIELD_READ_ONLY, f->name);
	ok(f->enc == VMCS_vm_instruction_error || read_back(f->enc) == 0x1234,
	   "%s: unchanged", f->name);
	m->v.nested->caps.misc |= VMXM_VMWRITE_ALL;
	m->touches = 0;
	ok(model_vmwrite(f->enc, 0x4321).kind == VMX_DONE && read_back(f->enc) == 0x4321 &&
	   m->touches == (f->shadow != SHADOW_NO), "%s: writable where MISC says so", f->name);
}

static void no_overlap(void)
{
	static u8 used[VMCS12_SIZE];
	u32 i, j;
	bool clash = false;

	for (i = 0; i < nested_nr_fields; i++)
		for (j = 0; j < nested_fields[i].size; j++)
			clash |= used[nested_fields[i].offset + j]++;
	ok(!clash, "no two rows share a byte of vmcs12");
}

/* Exactly the rows: every encoding of the 32-bit space that matters. */
static void unknown_encodings(void)
{
	u32 enc, found = 0, i, expected = 0;

	for (enc = 0; enc < 0x20000; enc++)
		found += !!nested_find_field(enc);
	for (i = 0; i < nested_nr_fields; i++)
		expected += nested_fields[i].width == VMCS_WIDTH_U64 ? 2 : 1;
	ok(found == expected, "%u encodings name a field, all others none", found);
	ok(!nested_find_field(1ull << 32 | VMCS_guest_rip) && !nested_find_field(~0ull) &&
	   !nested_find_field(0x80000000 | VMCS_guest_rip), "high bits are part of the encoding");
	expect_fail(model_vmwrite(1ull << 32 | VMCS_guest_rip, 1), VMXERR_FIELD_UNSUPPORTED,
		    "vmwrite, bit 32 of the encoding");
	expect_fail(model_vmwrite(0x6008, 1), VMXERR_FIELD_UNSUPPORTED, "CR3-target value");
}

static void shadow_bitmaps(void)
{
	u32 enc, wrong = 0;

	for (enc = 0; enc < 0x8000; enc++) {
		const struct nested_field *f = nested_find_field(enc);
		enum nested_shadow kind = f ? nested_field_shadow(f) : SHADOW_NO;

		wrong += test_bit(enc, nested_vmread_bitmap) != (kind == SHADOW_NO);
		wrong += test_bit(enc, nested_vmwrite_bitmap) != (kind != SHADOW_RW);
	}
	ok(!wrong, "shadow bitmaps let through what table 1 says, and nothing else");
	vmx_caps.allowed1[CTLW_PIN] &= ~CTL_MASK(CTL_preemption_timer);
	ok(nested_field_shadow(nested_find_field(VMCS_vmx_preemption_timer_value)) == SHADOW_NO,
	   "a field that this CPU lacks is not shadowed");
}

void test_fields(void)
{
	u64 val;
	u32 i;

	model_new();
	model_vmxon();
	expect_fail_invalid(model_vmread(VMCS_guest_rip, &val), "vmread, no current VMCS");
	expect_fail_invalid(model_vmwrite(VMCS_guest_rip, 1), "vmwrite, no current VMCS");
	model_load(0);
	for (i = 0; i < nested_nr_fields; i++) {
		const struct nested_field *f = &nested_fields[i];

		if (f->flow == FLOW_INFO) {
			read_only(f);
		} else {
			round_trip(f);
			high_half(f);
		}
	}
	no_overlap();
	unknown_encodings();
	shadow_bitmaps();
	ok(nested_vmcs_enum() == 0x32, "VMCS_ENUM is the highest index");
	model_end();
}

/* ---- operand forms ---- */

static void memory_forms_64(void)
{
	u64 *at = model_memory(PA_OPERAND);

	*at = 0x1122334455667788;
	m->v.gpr[GPR_RCX] = VMCS_guest_rip;
	expect_done(model_insn(EXIT_vmwrite), "vmwrite from memory");
	ok(nested_vmcs12(&m->v)->guest_rip == 0x1122334455667788, "64 bits");
	*at = ~0ull;
	m->v.gpr[GPR_RCX] = VMCS_guest_cs_selector;
	nested_vmcs12(&m->v)->guest_cs_selector = 0x1234;
	expect_done(model_insn(EXIT_vmread), "vmread to memory");
	ok(*at == 0x1234, "zero-extended to 64 bits");
	m->pf_page = PA_OPERAND;
	expect_pf(model_insn(EXIT_vmread), PA_OPERAND, PFEC_W, "vmread, operand absent");
	expect_pf(model_insn(EXIT_vmwrite), PA_OPERAND, 0, "vmwrite, operand absent");
	m->v.gpr[GPR_RCX] = 0x6008;
	expect_fail(model_insn(EXIT_vmread), VMXERR_FIELD_UNSUPPORTED,
		    "vmread, the field is looked at before the operand");
	m->pf_page = ~0ull;
}

static void forms_32(void)
{
	u64 *at = model_memory(PA_OPERAND), val;

	m->v.efer = 0;
	m->seg[SEG_CS].ar = 0xc09b;
	m->v.gpr[GPR_RCX] = 0xffffffff00000000 | VMCS_tsc_offset;
	*at = 0x1122334455667788;
	nested_vmcs12(&m->v)->tsc_offset = ~0ull;
	expect_done(model_insn(EXIT_vmwrite), "vmwrite, 32-bit mode");
	ok(nested_vmcs12(&m->v)->tsc_offset == 0x55667788, "32 bits, zero-extended");
	nested_vmcs12(&m->v)->tsc_offset = 0xaaaaaaaabbbbbbbb;
	expect_done(model_insn(EXIT_vmread), "vmread, 32-bit mode");
	ok(*at == 0x11223344bbbbbbbb, "four bytes of memory, no more");
	ok(model_vmread(VMCS_tsc_offset | 1, &val).kind == VMX_DONE && val == 0xaaaaaaaa,
	   "high half");
	expect_done(model_vmwrite(VMCS_tsc_offset | 1, 0x1ffffffffull), "vmwrite of the high half");
	ok(nested_vmcs12(&m->v)->tsc_offset == 0xffffffffbbbbbbbb, "low half is kept");
}

static void each_register(void)
{
	u32 r;
	bool good = true;

	for (r = 0; r < NR_GPRS; r++) {
		nested_vmcs12(&m->v)->guest_cr3 = 0x1000 + r;
		m->v.gpr[GPR_RDX] = VMCS_guest_cr3;
		m->v.exit = (struct exit_info){
			.reason = EXIT_vmread,
			.insn_info = IINFO_IS_REG | r << 3 | (u32)GPR_RDX << 28,
		};
		good &= nested_handle_insn(&m->v).kind == VMX_DONE && m->v.gpr[r] == 0x1000 + r;
	}
	ok(good, "vmread to each of 16 registers");
}

void test_field_forms(void)
{
	u64 val;

	model_new();
	model_vmxon();
	model_load(0);
	memory_forms_64();
	each_register();
	m->v.nested->current12->rare_stale = true;
	ok(model_vmread(VMCS_guest_gdtr_limit, &val).kind == VMX_DONE && val == 0x7f,
	   "guest state that is still in vmcs02 is fetched first");
	forms_32();
	model_end();
}
