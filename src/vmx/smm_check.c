// SPDX-License-Identifier: GPL-2.0-only
/*
 * What RSM refuses: a handler may have written anything into SMRAM.
 *
 * The manual names reserved bits of CR4, combinations of CR0, and leaves the rest open; what VM
 * entry would refuse is refused here, so that a bad image shuts the guest's processor down, as the
 * manual says, and does not end in a failed entry of the host's.
 * SDM "Exiting From SMM" [sdm:rsm]
 */
#include <linux/bits.h>
#include <nvmx/arch.h>
#include <nvmx/smm.h>

#define LOW32		0xffffffffull
#define RFLAGS_KNOWN	0x3f7fd7ull	/* bits 3, 5, 15 and those above 21 are reserved */
#define SEL_TI		BIT(2)

static bool canonical(u64 addr, u8 bits)
{
	return (u64)((s64)(addr << (64 - bits)) >> (64 - bits)) == addr;
}

static bool is_long(const struct smm_state *s)
{
	return s->efer & EFER_LMA;
}

static bool is_code64(const struct smm_state *s)
{
	return is_long(s) && (s->seg[SEG_CS].ar & SEGAR_L);
}

/* Paging with LME is IA-32e mode, which needs PAE; LMA says so and nothing else. */
static bool mode_ok(const struct smm_state *s)
{
	bool paging = s->cr0 & X86_CR0_PG, lme = s->efer & EFER_LME;

	if ((s->cr0 & X86_CR0_PG) && !(s->cr0 & X86_CR0_PE))
		return false;
	if ((s->cr0 & X86_CR0_NW) && !(s->cr0 & X86_CR0_CD))
		return false;
	if (is_long(s) != (paging && lme))
		return false;
	if (is_long(s) && !(s->cr4 & X86_CR4_PAE))
		return false;
	return is_long(s) || !(s->cr4 & X86_CR4_PCIDE);
}

static bool limit_ok(const struct nvmx_segment *seg)
{
	if (seg->ar & SEGAR_G)
		return (seg->limit & 0xfff) == 0xfff;
	return !(seg->limit >> 20);
}

static bool usable(const struct nvmx_segment *seg)
{
	return !(seg->ar & SEGAR_UNUSABLE);
}

static u32 type(const struct nvmx_segment *seg)
{
	return seg->ar & SEGAR_TYPE;
}

/* Virtual-8086 mode: base, limit and rights of each follow from its selector. */
static bool v86_segment_ok(const struct nvmx_segment *seg)
{
	return seg->base == (u64)seg->selector << 4 && seg->limit == 0xffff && seg->ar == 0xf3;
}

static bool cs_ok(const struct smm_state *s)
{
	const struct nvmx_segment *cs = &s->seg[SEG_CS], *ss = &s->seg[SEG_SS];

	if (!usable(cs) || !(cs->ar & SEGAR_S) || !limit_ok(cs))
		return false;
	if (is_code64(s) && (cs->ar & SEGAR_DB))
		return false;
	if (type(cs) == 3)
		return !SEGAR_DPL(cs->ar);
	if (!(type(cs) & 8))
		return false;
	if (type(cs) & 4)
		return SEGAR_DPL(cs->ar) <= SEGAR_DPL(ss->ar);
	return SEGAR_DPL(cs->ar) == SEGAR_DPL(ss->ar);
}

static bool ss_ok(const struct smm_state *s)
{
	const struct nvmx_segment *cs = &s->seg[SEG_CS], *ss = &s->seg[SEG_SS];

	if ((!(s->cr0 & X86_CR0_PE) || type(cs) == 3) && SEGAR_DPL(ss->ar))
		return false;
	if (!usable(ss))
		return true;
	return (ss->ar & SEGAR_S) && (type(ss) & 0xa) == 2 && limit_ok(ss);
}

/* Code that is not readable is nothing for a data register. */
static bool data_ok(const struct nvmx_segment *seg)
{
	if (!usable(seg))
		return true;
	return (seg->ar & SEGAR_S) && (type(seg) & 0xa) != 8 && limit_ok(seg);
}

static bool system_ok(const struct smm_state *s)
{
	const struct nvmx_segment *tr = &s->seg[SEG_TR], *ldtr = &s->seg[SEG_LDTR];

	if (!usable(tr) || (tr->ar & SEGAR_S) || (tr->selector & SEL_TI) || !limit_ok(tr))
		return false;
	if (type(tr) != 11 && (is_long(s) || type(tr) != 3))
		return false;
	if (!usable(ldtr))
		return true;
	return type(ldtr) == 2 && !(ldtr->ar & SEGAR_S) && !(ldtr->selector & SEL_TI) &&
	       limit_ok(ldtr);
}

/* In 64-bit mode only FS, GS and the system segments have bases of more than 32 bits. */
static bool bases_ok(const struct smm_state *s, u8 linear_bits)
{
	const enum nvmx_seg_reg wide[] = { SEG_FS, SEG_GS, SEG_LDTR, SEG_TR };
	const enum nvmx_seg_reg flat[] = { SEG_ES, SEG_CS, SEG_SS, SEG_DS };
	unsigned int i;

	for (i = 0; i < 4; i++)
		if (!canonical(s->seg[wide[i]].base, linear_bits) || s->seg[flat[i]].base > LOW32)
			return false;
	return canonical(s->gdt_base, linear_bits) && canonical(s->idt_base, linear_bits) &&
	       s->gdt_limit <= 0xffff && s->idt_limit <= 0xffff;
}

static bool segments_ok(const struct smm_state *s)
{
	enum nvmx_seg_reg r;

	if (s->rflags & X86_EFLAGS_VM) {
		for (r = SEG_ES; r <= SEG_GS; r++)
			if (!v86_segment_ok(&s->seg[r]))
				return false;
		return !is_long(s) && (s->cr0 & X86_CR0_PE);
	}
	return cs_ok(s) && ss_ok(s) && data_ok(&s->seg[SEG_DS]) && data_ok(&s->seg[SEG_ES]) &&
	       data_ok(&s->seg[SEG_FS]) && data_ok(&s->seg[SEG_GS]);
}

static bool pointers_ok(const struct smm_state *s, u8 maxphyaddr, u8 linear_bits)
{
	if (s->cr3 & ~GENMASK_ULL(maxphyaddr - 1, 0) || (!is_long(s) && s->cr3 > LOW32))
		return false;
	return is_code64(s) ? canonical(s->rip, linear_bits) : s->rip <= LOW32;
}

bool smm_state_ok(const struct smm_state *s, u8 maxphyaddr, u8 linear_bits)
{
	if (s->rflags & ~RFLAGS_KNOWN || s->dr6 >> 32 || s->dr7 >> 32 || s->cr0 >> 32)
		return false;
	return mode_ok(s) && pointers_ok(s, maxphyaddr, linear_bits) &&
	       bases_ok(s, linear_bits) && segments_ok(s) && system_ok(s);
}
