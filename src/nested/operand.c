// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory operand of a VMX instruction: where it is, whether the segment lets the guest reach
 * it, and one copy of it.
 *
 * The gate has already refused real mode, virtual-8086 mode and compatibility mode, so that there
 * are two cases: 64-bit mode and 32-bit protected mode, both at CPL 0.
 * SDM "Information for VM Exits Due to Instruction Execution" [sdm:insn-info]
 */
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/nested.h>
#include <nvmx/vmx.h>
#include "nested_int.h"

enum addr_size { ADDR_16, ADDR_32, ADDR_64 };

static u64 truncate(u64 val, enum addr_size size)
{
	switch (size) {
	case ADDR_16:
		return (u16)val;
	case ADDR_32:
		return (u32)val;
	default:
		return val;
	}
}

/* The offset in the segment: displacement (which has RIP in it where it counts), base, index. */
static u64 effective_address(struct nvmx_vcpu *v)
{
	u32 info = v->exit.insn_info;
	u64 offset = v->exit.qual;

	if (!(info & IINFO_NO_BASE))
		offset += vmx_gpr(v, IINFO_BASE(info));
	if (!(info & IINFO_NO_INDEX))
		offset += vmx_gpr(v, IINFO_INDEX(info)) << IINFO_SCALE(info);
	return truncate(offset, IINFO_ADDR_SIZE(info));
}

static struct vmx_result segment_fault(enum nvmx_seg_reg s)
{
	return vm_raise_code(s == SEG_SS ? VEC_SS : VEC_GP, 0);
}

static bool outside_limit(const struct nvmx_segment *seg, u64 offset, u32 len)
{
	u32 type = seg->ar & SEGAR_TYPE;
	u64 last = offset + len - 1;
	u32 top;

	/* Data segments with bit 2 expand down: what is at or below the limit is outside. */
	if (!(type & 8) && type & 4) {
		top = seg->ar & SEGAR_DB ? 0xffffffff : 0xffff;
		return offset <= seg->limit || last > top;
	}
	return last > seg->limit;
}

/* Code is never written, execute-only code is never read, read-only data is never written. */
static bool wrong_type(const struct nvmx_segment *seg, bool write)
{
	bool code = seg->ar & 8, bit1 = seg->ar & 2;

	return write ? code || !bit1 : code && !bit1;
}

/* 64-bit mode has no limits and no types; only FS and GS have a base. */
static u64 linear_64(struct nvmx_vcpu *v, enum nvmx_seg_reg s, u64 offset)
{
	struct nvmx_segment seg;

	if (s != SEG_FS && s != SEG_GS)
		return offset;
	vmx_get_seg(v, s, &seg);
	return offset + seg.base;
}

static bool noncanonical_range(struct nvmx_vcpu *v, u64 gla, u32 len)
{
	u8 bits = vmx_cr4(v) & X86_CR4_LA57 ? 57 : 48;

	return is_noncanonical(gla, bits) || is_noncanonical(gla + len - 1, bits);
}

struct vmx_result nested_operand_addr(struct nvmx_vcpu *v, u32 len, bool write, u64 *gla)
{
	enum nvmx_seg_reg s = IINFO_SEG(v->exit.insn_info);
	u64 offset = effective_address(v);
	struct nvmx_segment seg;

	*gla = 0;
	if (s > SEG_GS)		/* no such encoding */
		return vm_raise(VEC_UD);
	if (vmx_long_mode64(v)) {
		*gla = linear_64(v, s, offset);
		return noncanonical_range(v, *gla, len) ? segment_fault(s) : vm_succeed();
	}
	vmx_get_seg(v, s, &seg);
	if (seg.ar & SEGAR_UNUSABLE || outside_limit(&seg, offset, len))
		return segment_fault(s);
	if (wrong_type(&seg, write))
		return vm_raise_code(VEC_GP, 0);
	*gla = (u32)(seg.base + offset);
	return vm_succeed();
}

/*
 * Only a walk fails: where no memory is, the bus reads as all ones and loses what is written.  What
 * ept12 refuses to L2 is the exit that hardware would have made.
 */
static struct vmx_result access_fault(struct nvmx_vcpu *v, const struct nvmx_fault *f)
{
	if (f->nested) {
		v->exit.gpa = f->nested_gpa;
		v->exit.gla = f->address;
		nested_reflect_synthetic(v, f->nested_reason, f->nested_qual, 0, 0);
		return (struct vmx_result){ .kind = VMX_EXITED };
	}
	return (struct vmx_result){
		.kind = VMX_RAISE,
		.vector = f->vector,
		.has_code = f->has_code,
		.code = f->code,
		.qual = f->address,
	};
}

struct vmx_result nested_operand_read(struct nvmx_vcpu *v, void *buf, u32 len)
{
	struct nvmx_fault f = { 0 };
	struct vmx_result r;
	u64 gla;

	r = nested_operand_addr(v, len, false, &gla);
	if (r.kind == VMX_DONE && vmx_read_linear(v, gla, buf, len, ACC_READ, &f))
		return access_fault(v, &f);
	return r;
}

struct vmx_result nested_operand_write(struct nvmx_vcpu *v, const void *buf, u32 len)
{
	struct nvmx_fault f = { 0 };
	struct vmx_result r;
	u64 gla;

	r = nested_operand_addr(v, len, true, &gla);
	if (r.kind == VMX_DONE && vmx_write_linear(v, gla, buf, len, ACC_WRITE, &f))
		return access_fault(v, &f);
	return r;
}
