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

static const u64 *l0_window(const struct nvmx_vcpu *v, u32 window)
{
	return (const u64 *)v->msr_bitmap + window * QUARTER_WORDS;
}

static u8 open_words(const struct nvmx_vcpu *v, u32 window)
{
	const u64 *l0 = l0_window(v, window);
	u8 n = MSR_WINDOW_WORDS;

	while (n && l0[n - 1] == ~0ull)
		n--;
	return n;
}

static bool words_differ(const u64 *a, const u64 *b, u32 n)
{
	u64 diff = 0;
	u32 i;

	for (i = 0; i < n; i++)
		diff |= a[i] ^ b[i];
	return diff;
}

static void merge_window(const struct nvmx_vcpu *v, struct l2_context *c, u32 window)
{
	u64 *merged = (u64 *)c->msr_bitmap + window * QUARTER_WORDS;
	const u64 *l1 = c->hw->msr_words[window];
	const u64 *l0 = l0_window(v, window);
	u32 i;

	for (i = 0; i < MSR_WINDOW_WORDS; i++)
		merged[i] = i < c->hw->msr_open[window] ? l0[i] | l1[i] : ~0ull;
}

/*
 * RDMSR and WRMSR of the x2APIC that the CPU takes to the virtual-APIC page.  The others would
 * reach the APIC of the host.  SDM "Virtualizing MSR-Based APIC Accesses" [sdm:virtual-x2apic]
 */
#define X2APIC_WORD	(0x800 / 64)
#define X2APIC_WORDS	4
#define X2APIC_TPR	BIT_ULL(0x08)
#define X2APIC_EOI	BIT_ULL(0x0b)
#define X2APIC_SELF_IPI	BIT_ULL(0x3f)

struct x2apic_words {
	u64 read[X2APIC_WORDS];
	u64 write;		/* the only word with registers whose writes are virtualized */
};

/* What vmcs02 really has counts, not what L1 asked for. */
static void close_x2apic(const struct vmcs *vmcs02, struct x2apic_words *w)
{
	u64 writes = X2APIC_TPR;
	u32 i;

	if (!vmcs_ctl_test(vmcs02, CTL_apic_register_virtualization)) {
		w->read[0] |= ~X2APIC_TPR;
		for (i = 1; i < X2APIC_WORDS; i++)
			w->read[i] = ~0ull;
	}
	if (vmcs_ctl_test(vmcs02, CTL_virtual_interrupt_delivery))
		writes |= X2APIC_EOI | X2APIC_SELF_IPI;
	w->write |= ~writes;
}

static void merge_x2apic(struct l2_context *c, struct x2apic_words *w)
{
	bool open = vmcs_ctl_test(c->vmcs02, CTL_virtualize_x2apic);
	u64 *merged = (u64 *)c->msr_bitmap + X2APIC_WORD;

	if (likely(!open && !c->hw->x2apic_open))
		return;
	if (open)
		close_x2apic(c->vmcs02, w);
	else
		memset(w, 0xff, sizeof(*w));
	memcpy(merged, w->read, sizeof(w->read));
	merged[2 * QUARTER_WORDS] = w->write;
	c->hw->x2apic_open = open;
}

/* The words of L1's bitmap that can matter. */
struct l1_words {
	u64 window[MSR_WINDOWS][MSR_WINDOW_WORDS];
	struct x2apic_words x2apic;
};

/* All ones where L1 has no bitmap, or none that can be read. */
static void read_l1(struct nvmx_vcpu *v, const struct l2_context *c, struct l1_words *l1)
{
	struct mmu_words runs[MSR_WINDOWS + 2];
	u32 i, nr = 0;

	for (i = 0; i < MSR_WINDOWS; i++)
		if (c->hw->msr_open[i])
			runs[nr++] = (struct mmu_words){ i * QUARTER_WORDS, c->hw->msr_open[i],
							 l1->window[i] };
	if (vmcs_ctl_test(c->vmcs02, CTL_virtualize_x2apic)) {
		runs[nr++] = (struct mmu_words){ X2APIC_WORD, X2APIC_WORDS, l1->x2apic.read };
		runs[nr++] = (struct mmu_words){ X2APIC_WORD + 2 * QUARTER_WORDS, 1,
						 &l1->x2apic.write };
	}
	if (!vmcs12_has(c->vmcs12, CTL_use_msr_bitmaps) ||
	    mmu_read_words(v->vm, c->vmcs12->msr_bitmap, runs, nr))
		memset(l1, 0xff, sizeof(*l1));
}

static void begin_anew(struct nvmx_vcpu *v, struct l2_context *c)
{
	u32 i;

	memset(c->msr_bitmap, 0xff, PAGE_SIZE);
	for (i = 0; i < MSR_WINDOWS; i++)
		c->hw->msr_open[i] = open_words(v, i);
}

static u64 bitmap12(const struct vmcs12 *vmcs12)
{
	return vmcs12_has(vmcs12, CTL_use_msr_bitmaps) ? vmcs12->msr_bitmap : NESTED_NO_PA;
}

/* L1 says so, for this entry; all else that the merge depends on is looked at. */
static bool is_same(const struct l2_context *c)
{
	return c->evmcs->same_bitmap && c->hw->msr_bitmap12 == bitmap12(c->vmcs12) &&
	       !c->hw->x2apic_open && !vmcs_ctl_test(c->vmcs02, CTL_virtualize_x2apic);
}

void nested_merge_msr_bitmap(struct nvmx_vcpu *v, struct l2_context *c)
{
	struct l2_hardware *hw = c->hw;
	bool stale = !hw->msr_merged || hw->msr_policy != v->nested->msr_policy;
	struct l1_words l1;
	u32 i, n;

	if (unlikely(c->evmcs)) {
		if (!stale && is_same(c))
			return;
		hw->msr_bitmap12 = bitmap12(c->vmcs12);
	}
	if (stale)
		begin_anew(v, c);
	read_l1(v, c, &l1);
	for (i = 0; i < MSR_WINDOWS; i++) {
		n = hw->msr_open[i];
		if (!stale && !words_differ(l1.window[i], hw->msr_words[i], n))
			continue;
		memcpy(hw->msr_words[i], l1.window[i], n * sizeof(u64));
		merge_window(v, c, i);
	}
	hw->msr_merged = true;
	hw->msr_policy = v->nested->msr_policy;
	merge_x2apic(c, &l1.x2apic);
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
