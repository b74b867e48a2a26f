// SPDX-License-Identifier: GPL-2.0-only
/*
 * Predicates of table 4 on the access rights of L2's segment registers.
 *
 * In virtual-8086 mode the rights are one constant and none of the other rules apply: the rows say
 * so.  A register that is unusable is excused from most.
 * SDM "Checks on Guest Segment Registers" [sdm:check-seg]
 */
#include <linux/types.h>
#include <nvmx/arch.h>
#include "check_int.h"

#define TYPE_ACCESSED	1u
#define TYPE_READABLE	2u	/* of code; "writable" of data */
#define TYPE_CODE	8u
#define TYPE_DATA_RW	3u	/* read/write data, accessed, expands up */
#define TYPE_DATA_DOWN	7u
#define TYPE_TSS16_BUSY	3u
#define TYPE_TSS32_BUSY	11u

static u32 type_of(u32 ar)
{
	return ar & SEGAR_TYPE;
}

static bool conforming(u32 type)
{
	return type == 13 || type == 15;
}

bool cs_type_ok(const struct check *c)
{
	u32 type = type_of(c->s->guest_cs_ar_bytes);

	if (type == TYPE_DATA_RW)
		return c->urg;
	return type & TYPE_CODE && type & TYPE_ACCESSED;
}

bool cs_dpl_ok(const struct check *c)
{
	u32 cs = c->s->guest_cs_ar_bytes, ss = c->s->guest_ss_ar_bytes;

	if (type_of(cs) == TYPE_DATA_RW)
		return SEGAR_DPL(cs) == 0;
	if (conforming(type_of(cs)))
		return SEGAR_DPL(cs) <= SEGAR_DPL(ss);
	/* Of a type that is not code at all, cs_type_ok() has spoken. */
	return SEGAR_DPL(cs) == SEGAR_DPL(ss);
}

bool ss_type_ok(const struct check *c)
{
	u32 type = type_of(c->s->guest_ss_ar_bytes);

	return !usable(c->s->guest_ss_ar_bytes) || type == TYPE_DATA_RW || type == TYPE_DATA_DOWN;
}

bool ss_dpl_ok(const struct check *c)
{
	u32 ss = c->s->guest_ss_ar_bytes;

	if (type_of(c->s->guest_cs_ar_bytes) == TYPE_DATA_RW ||
	    !(c->s->guest_cr0 & X86_CR0_PE))
		return SEGAR_DPL(ss) == 0;
	return true;
}

/* DS, ES, FS, GS: accessed; code must be readable. */
bool data_type_ok(u32 ar)
{
	u32 type = type_of(ar);

	if (!usable(ar))
		return true;
	return type & TYPE_ACCESSED && implies(type & TYPE_CODE, type & TYPE_READABLE);
}

bool data_dpl_ok(const struct check *c, u32 ar, u16 selector)
{
	if (c->urg || !usable(ar) || type_of(ar) > 11)
		return true;
	return SEGAR_DPL(ar) >= (selector & 3);
}

/* A limit that pages cannot express has G clear; one that bytes cannot express has G set. */
bool granularity_ok(u32 ar, u32 limit)
{
	if ((limit & 0xfff) != 0xfff && ar & SEGAR_G)
		return false;
	return !(limit & 0xfff00000) || ar & SEGAR_G;
}

bool tr_type_ok(const struct check *c)
{
	u32 type = type_of(c->s->guest_tr_ar_bytes);

	return type == TYPE_TSS32_BUSY || (!c->ia32e && type == TYPE_TSS16_BUSY);
}
