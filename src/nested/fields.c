// SPDX-License-Identifier: GPL-2.0-only
/*
 * Table 1 as data: find a field by the encoding that L1 made up, read and write it in vmcs12, and
 * say which accesses hardware's VMCS shadowing may finish without an exit.
 */
#include <linux/bits.h>
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/types.h>
#include <nvmx/fields.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"

/* Width (2 bits), class (2), index (5): dense, as no field has an index of 32 or more. */
#define SLOT_INDEX_BITS	5
#define NR_SLOTS	(1u << (4 + SLOT_INDEX_BITS))
#define SLOT(enc)	(VMCS_ENC_WIDTH(enc) << (2 + SLOT_INDEX_BITS) |	\
			 VMCS_ENC_CLASS(enc) << SLOT_INDEX_BITS |	\
			 (VMCS_ENC_INDEX(enc) & ((1u << SLOT_INDEX_BITS) - 1)))
#define ENC_RESERVED	(~0x6fffull)	/* bit 12 and everything above 14 */

enum field_row {
#define NVMX_FIELD(name, enc, type, offset, flow, shadow, group, when) ROW_##name,
#include <nvmx/vmcs_fields.h>
#undef NVMX_FIELD
	NR_ROWS,
};

#define WIDTH_OF(type)	VMCS_WIDTH_##type

const struct nested_field nested_fields[] = {
#define NVMX_FIELD(name_, enc_, type, offset_, flow_, shadow_, group_, when_)	\
	[ROW_##name_] = {							\
		.name = #name_,							\
		.enc = (enc_),							\
		.offset = (offset_),						\
		.width = WIDTH_OF(type),					\
		.size = sizeof(VMCS12_TYPE_##type),				\
		.flow = FLOW_##flow_,						\
		.shadow = SHADOW_##shadow_,					\
		.group = GROUP_NR_##group_,					\
		.when = CTL_##when_,						\
	},
#include <nvmx/vmcs_fields.h>
#undef NVMX_FIELD
};

const u32 nested_nr_fields = NR_ROWS;

/* Row + 1 by slot; 0: no field. Two rows with one encoding are a build error (W=1). */
static const u8 row_of_slot[NR_SLOTS] = {
#define NVMX_FIELD(name, enc, type, offset, flow, shadow, group, when)		\
	[SLOT(enc)] = ROW_##name + 1,
#include <nvmx/vmcs_fields.h>
#undef NVMX_FIELD
};

static_assert(NR_ROWS < 255);

/* The row's type agrees with the encoding, its offset is aligned, its index fits a slot. */
#define ROW_OK(enc, type, offset)						\
	(VMCS_ENC_WIDTH(enc) == WIDTH_OF(type) &&				\
	 VMCS_ENC_INDEX(enc) < (1u << SLOT_INDEX_BITS) &&			\
	 !((enc) & (ENC_RESERVED | VMCS_ENC_HIGH)) &&				\
	 (offset) % sizeof(VMCS12_TYPE_##type) == 0 && (offset) >= 40 && (offset) < 1000)

enum field_row_ok {
#define NVMX_FIELD(name, enc, type, offset, flow, shadow, group, when)		\
	ROW_OK_##name = BUILD_BUG_ON_ZERO(!ROW_OK(enc, type, offset)),
#include <nvmx/vmcs_fields.h>
#undef NVMX_FIELD
};

unsigned long *nested_vmread_bitmap, *nested_vmwrite_bitmap;

const struct nested_field *nested_find_field(u64 encoding)
{
	const struct nested_field *f;
	u32 slot, row;

	if (encoding & ENC_RESERVED || VMCS_ENC_INDEX(encoding) >> SLOT_INDEX_BITS)
		return NULL;
	slot = array_index_nospec(SLOT((u32)encoding), NR_SLOTS);
	row = row_of_slot[slot];
	if (!row)
		return NULL;
	f = &nested_fields[array_index_nospec(row - 1, NR_ROWS)];
	if (encoding & VMCS_ENC_HIGH && f->width != VMCS_WIDTH_U64)
		return NULL;
	return f;
}

u64 vmcs12_get(const struct vmcs12 *vmcs12, const struct nested_field *f)
{
	const void *at = vmcs12->raw + f->offset;

	switch (f->size) {
	case sizeof(u16):
		return *(const u16 *)at;
	case sizeof(u32):
		return *(const u32 *)at;
	default:
		return *(const u64 *)at;
	}
}

void vmcs12_set(struct vmcs12 *vmcs12, const struct nested_field *f, u64 val)
{
	void *at = vmcs12->raw + f->offset;

	switch (f->size) {
	case sizeof(u16):
		*(u16 *)at = val;
		break;
	case sizeof(u32):
		*(u32 *)at = val;
		break;
	default:
		*(u64 *)at = val;
		break;
	}
}

/* The highest index in use, in bits 9:1. SDM "VMCS Enumeration" [sdm:vmcs-enum] */
u32 nested_vmcs_enum(void)
{
	u32 row, highest = 0;

	for (row = 0; row < NR_ROWS; row++)
		if (VMCS_ENC_INDEX(nested_fields[row].enc) > highest)
			highest = VMCS_ENC_INDEX(nested_fields[row].enc);
	return highest << 1;
}

enum nested_shadow nested_field_shadow(const struct nested_field *f)
{
	if (f->when != CTL_always && !vmx_cpu_has(f->when))
		return SHADOW_NO;
	return f->shadow;
}

static void shadow_field(const struct nested_field *f)
{
	enum nested_shadow kind = nested_field_shadow(f);
	u32 enc, last = f->width == VMCS_WIDTH_U64 ? f->enc | VMCS_ENC_HIGH : f->enc;

	for (enc = f->enc; enc <= last; enc++) {
		if (kind != SHADOW_NO)
			__clear_bit(enc, nested_vmread_bitmap);
		if (kind == SHADOW_RW)
			__clear_bit(enc, nested_vmwrite_bitmap);
	}
}

int nested_fields_init(void)
{
	u32 row;

	nested_vmread_bitmap = (unsigned long *)__get_free_page(GFP_KERNEL);
	nested_vmwrite_bitmap = (unsigned long *)__get_free_page(GFP_KERNEL);
	if (!nested_vmread_bitmap || !nested_vmwrite_bitmap) {
		nested_fields_exit();
		return -ENOMEM;
	}
	/* A set bit is an exit: everything exits but what table 1 lets through. */
	memset(nested_vmread_bitmap, 0xff, PAGE_SIZE);
	memset(nested_vmwrite_bitmap, 0xff, PAGE_SIZE);
	for (row = 0; row < NR_ROWS; row++)
		shadow_field(&nested_fields[row]);
	return 0;
}

void nested_fields_exit(void)
{
	free_page((unsigned long)nested_vmread_bitmap);
	free_page((unsigned long)nested_vmwrite_bitmap);
	nested_vmread_bitmap = NULL;
	nested_vmwrite_bitmap = NULL;
}
