// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bitmaps of L1, for MSRs, ports and VMCS fields: merged for hardware, looked up for routing.
 *
 * Deny by default: what cannot be read is intercepted, and a bit of the merged bitmap is open only
 * where both L0's and L1's are.  L1 may change its bitmap at any time without telling, so that the
 * few words that can matter are read again at each entry; the merge is made anew when one differs.
 */
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/string.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/mmu.h>
#include <nvmx/nested.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

/*
 * Layout of an MSR bitmap: reads of low MSRs, reads of high ones, writes of low, writes of high.
 * SDM "MSR-Bitmap Address" [sdm:msr-bitmap]
 */
#define QUARTER_BYTES	1024u
#define QUARTER_WORDS	(QUARTER_BYTES / sizeof(u64))
#define MSR_HIGH	0xc0000000u
#define MSRS_PER_RANGE	0x2000u

#define IO_BITMAP_PORTS	0x8000u		/* in each of the two bitmaps */
#define FIELD_BITS	15		/* of an encoding: the VMREAD and VMWRITE bitmaps */

/* ---- the words in which L0 opens a bit ---- */

static void add_word(struct msr_words *w, u32 at, u64 l0)
{
	if (l0 == ~0ull)
		return;
	w->at[w->nr] = at;
	w->l0[w->nr++] = l0;
}

static void add_window(const struct nvmx_vcpu *v, struct msr_words *w, u32 window)
{
	const u64 *l0 = (const u64 *)v->msr_bitmap;
	u32 at = window * QUARTER_WORDS;
	u32 end = at + MSR_WINDOW_WORDS;

	for (; at < end; at++)
		add_word(w, at, l0[at]);
}

/*
 * RDMSR and WRMSR of the x2APIC that the CPU takes to the virtual-APIC page.  The others would
 * reach the APIC of the host.  SDM "Virtualizing MSR-Based APIC Accesses" [sdm:virtual-x2apic]
 */
#define X2APIC_READS	(0x800 / 64)
/* The word of all whose writes are virtual. */
#define X2APIC_WRITES	(X2APIC_READS + 2 * QUARTER_WORDS)
#define X2APIC_TPR	BIT_ULL(0x08)
#define X2APIC_EOI	BIT_ULL(0x0b)
#define X2APIC_SELF_IPI	BIT_ULL(0x3f)

#define X2APIC_ON	BIT(0)
#define X2APIC_READ_ALL	BIT(1)
#define X2APIC_DELIVER	BIT(2)

/* What vmcs02 really has counts, not what L1 asked for. */
static u8 x2apic_of(const struct vmcs *vmcs02)
{
	u8 x2apic = X2APIC_ON;

	if (likely(!vmcs_ctl_test(vmcs02, CTL_virtualize_x2apic)))
		return 0;
	if (vmcs_ctl_test(vmcs02, CTL_apic_register_virtualization))
		x2apic |= X2APIC_READ_ALL;
	if (vmcs_ctl_test(vmcs02, CTL_virtual_interrupt_delivery))
		x2apic |= X2APIC_DELIVER;
	return x2apic;
}

static void add_x2apic(struct msr_words *w, u8 x2apic)
{
	u64 others = x2apic & X2APIC_READ_ALL ? 0 : ~0ull;
	u64 writes = X2APIC_TPR;
	u32 i;

	if (!x2apic)
		return;
	if (x2apic & X2APIC_DELIVER)
		writes |= X2APIC_EOI | X2APIC_SELF_IPI;
	add_word(w, X2APIC_READS, others & ~X2APIC_TPR);
	for (i = 1; i < X2APIC_WORDS - 1; i++)
		add_word(w, X2APIC_READS + i, others);
	add_word(w, X2APIC_WRITES, ~writes);
}

/* ---- the merge ---- */

static void begin_anew(struct nvmx_vcpu *v, struct l2_context *c, u8 x2apic)
{
	struct l2_hardware *hw = c->hw;
	u32 i;

	memset(c->msr_bitmap, 0xff, PAGE_SIZE);
	hw->msr.nr = 0;
	for (i = 0; i < MSR_WINDOWS; i++)
		add_window(v, &hw->msr, i);
	add_x2apic(&hw->msr, x2apic);
	hw->msr_merged = true;
	hw->msr_policy = v->nested->msr_policy;
	hw->msr_x2apic = x2apic;
}

/* Are they others than in the last merge? All ones where L1 has no bitmap, or an unreadable one. */
static bool read_l1(struct nvmx_vcpu *v, struct l2_context *c)
{
	struct msr_words *w = &c->hw->msr;
	int changed = -EFAULT;

	if (vmcs12_has(c->vmcs12, CTL_use_msr_bitmaps))
		changed = mmu_reread_words(v->vm, c->vmcs12->msr_bitmap, w->at, w->l1, w->nr);
	if (changed < 0)
		memset(w->l1, 0xff, sizeof(w->l1));
	return changed;
}

static void merge_words(struct l2_context *c)
{
	const struct msr_words *w = &c->hw->msr;
	u64 *merged = (u64 *)c->msr_bitmap;
	u32 i;

	for (i = 0; i < w->nr; i++)
		merged[w->at[i]] = w->l0[i] | w->l1[i];
}

static u64 bitmap12(const struct vmcs12 *vmcs12)
{
	return vmcs12_has(vmcs12, CTL_use_msr_bitmaps) ? vmcs12->msr_bitmap : NESTED_NO_PA;
}

/* The L1 of an evmcs says so for this entry, unless it is about another bitmap. */
static bool l1_is_same(struct l2_context *c)
{
	u64 before = c->hw->msr_bitmap12;

	c->hw->msr_bitmap12 = bitmap12(c->vmcs12);
	return c->evmcs->same_bitmap && c->hw->msr_bitmap12 == before;
}

void nested_merge_msr_bitmap(struct nvmx_vcpu *v, struct l2_context *c)
{
	struct l2_hardware *hw = c->hw;
	u8 x2apic = x2apic_of(c->vmcs02);
	bool stale = !hw->msr_merged || hw->msr_policy != v->nested->msr_policy ||
		     hw->msr_x2apic != x2apic;

	if (unlikely(c->evmcs) && l1_is_same(c) && !stale)
		return;
	if (unlikely(stale))
		begin_anew(v, c, x2apic);
	if (read_l1(v, c) || stale)
		merge_words(c);
}

void nested_msr_policy_changed(struct nvmx_vcpu *v)
{
	if (v->nested)
		v->nested->msr_policy++;
}

/* ---- lookups for routing ---- */

static bool bit_of_page(struct nvmx_vcpu *v, u64 gpa, u32 bit)
{
	u8 byte;

	if (mmu_read(v->vm, gpa + bit / BITS_PER_BYTE, &byte, sizeof(byte)))
		return true;
	return byte & BIT(bit % BITS_PER_BYTE);
}

bool nested_intercepts_msr(struct nvmx_vcpu *v, u32 msr, bool write)
{
	const struct vmcs12 *vmcs12 = nested_vmcs12(v);
	u64 gpa = vmcs12->msr_bitmap + (write ? 2 * QUARTER_BYTES : 0);

	if (!vmcs12_has(vmcs12, CTL_use_msr_bitmaps))
		return true;
	if (msr < MSRS_PER_RANGE)
		return bit_of_page(v, gpa, msr);
	if (msr - MSR_HIGH < MSRS_PER_RANGE)
		return bit_of_page(v, gpa + QUARTER_BYTES, msr - MSR_HIGH);
	return true;
}

/*
 * A bit for each encoding of 15 bits; what has more, in the whole register, always exits.
 * SDM "Instructions That Cause VM Exits Conditionally" [sdm:conditional-exits]
 */
bool nested_intercepts_field(struct nvmx_vcpu *v, u64 bitmap, u64 encoding)
{
	if (!vmcs12_has(nested_vmcs12(v), CTL_vmcs_shadowing) || encoding >> FIELD_BITS)
		return true;
	return bit_of_page(v, bitmap, encoding);
}

static bool port_intercepted(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12, u32 port)
{
	u64 gpa = port < IO_BITMAP_PORTS ? vmcs12->io_bitmap_a : vmcs12->io_bitmap_b;

	return bit_of_page(v, gpa, port % IO_BITMAP_PORTS);
}

/*
 * Any port of the access counts, and an access that wraps around the end of the port space always
 * exits.  SDM "Instructions That Cause VM Exits Conditionally" [sdm:conditional-exits]
 */
bool nested_intercepts_io(struct nvmx_vcpu *v, u16 port, u32 size)
{
	const struct vmcs12 *vmcs12 = nested_vmcs12(v);
	u32 i;

	if (!vmcs12_has(vmcs12, CTL_use_io_bitmaps))
		return vmcs12_has(vmcs12, CTL_unconditional_io_exiting);
	if (size > 4 || port + size > 2 * IO_BITMAP_PORTS)
		return true;
	for (i = 0; i < size; i++)
		if (port_intercepted(v, vmcs12, port + i))
			return true;
	return false;
}
