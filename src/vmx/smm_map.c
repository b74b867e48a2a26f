// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state save map in SMRAM, in its two layouts.
 *
 * Without long mode it is the one of the manual.  With long mode the manual says little; firmware
 * and other hypervisors know one map, which has offsets of its own, and the revision that says so.
 * Both are a table here: where a member of struct smm_state is, and in how many bytes.
 * SDM "SMRAM State Save Map" [sdm:smram-map]
 */
#include <linux/kernel.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <nvmx/arch.h>
#include <nvmx/smm.h>

#define MAP_BEGIN	0x7e00u		/* offsets are those of the manual: from SMBASE + 0x8000 */
/* Neither I/O restart; SMBASE may be moved.  Bit 6 of the low byte: the map of long mode. */
#define REVISION_32	0x00020000u
#define REVISION_64	0x00020064u

struct place {
	u16 at;				/* 0: not in this map */
	u8 size;
};

struct member {
	u16 offset;			/* in struct smm_state */
	u8 size;
	struct place in[2];		/* by enum smm_map */
};

#define MEMBER(name, at32, size32, at64, size64) {			\
	.offset = offsetof(struct smm_state, name),			\
	.size = sizeof(((struct smm_state *)0)->name),			\
	.in = { { at32, size32 }, { at64, size64 } },			\
}

static const struct member members[] = {
	MEMBER(gpr[GPR_RAX], 0x7fd0, 4, 0x7ff8, 8),
	MEMBER(gpr[GPR_RCX], 0x7fd4, 4, 0x7ff0, 8),
	MEMBER(gpr[GPR_RDX], 0x7fd8, 4, 0x7fe8, 8),
	MEMBER(gpr[GPR_RBX], 0x7fdc, 4, 0x7fe0, 8),
	MEMBER(gpr[GPR_RSP], 0x7fe0, 4, 0x7fd8, 8),
	MEMBER(gpr[GPR_RBP], 0x7fe4, 4, 0x7fd0, 8),
	MEMBER(gpr[GPR_RSI], 0x7fe8, 4, 0x7fc8, 8),
	MEMBER(gpr[GPR_RDI], 0x7fec, 4, 0x7fc0, 8),
	MEMBER(gpr[GPR_R8], 0, 0, 0x7fb8, 8),
	MEMBER(gpr[GPR_R9], 0, 0, 0x7fb0, 8),
	MEMBER(gpr[GPR_R10], 0, 0, 0x7fa8, 8),
	MEMBER(gpr[GPR_R11], 0, 0, 0x7fa0, 8),
	MEMBER(gpr[GPR_R12], 0, 0, 0x7f98, 8),
	MEMBER(gpr[GPR_R13], 0, 0, 0x7f90, 8),
	MEMBER(gpr[GPR_R14], 0, 0, 0x7f88, 8),
	MEMBER(gpr[GPR_R15], 0, 0, 0x7f80, 8),
	MEMBER(rip, 0x7ff0, 4, 0x7f78, 8),
	MEMBER(rflags, 0x7ff4, 4, 0x7f70, 8),
	MEMBER(dr6, 0x7fcc, 4, 0x7f68, 8),
	MEMBER(dr7, 0x7fc8, 4, 0x7f60, 8),
	MEMBER(cr0, 0x7ffc, 4, 0x7f58, 8),
	MEMBER(cr3, 0x7ff8, 4, 0x7f50, 8),
	MEMBER(cr4, 0x7f14, 4, 0x7f48, 8),
	MEMBER(efer, 0, 0, 0x7ed0, 8),
	MEMBER(gdt_base, 0x7f74, 4, 0x7e68, 8),
	MEMBER(gdt_limit, 0x7f70, 4, 0x7e64, 4),
	MEMBER(idt_base, 0x7f58, 4, 0x7e88, 8),
	MEMBER(idt_limit, 0x7f54, 4, 0x7e84, 4),
	MEMBER(smbase, 0x7ef8, 4, 0x7f00, 4),
	MEMBER(revision, 0x7efc, 4, 0x7efc, 4),
	MEMBER(auto_halt, 0x7f02, 2, 0x7ec9, 1),
	MEMBER(shadow, 0x7f1a, 1, 0x7ecb, 1),
};

/* Without long mode a selector stands apart from its descriptor: attributes, limit, base. */
static const struct {
	u16 selector32, descriptor32, at64;
} segments[NR_SEGS] = {
	[SEG_ES] = { 0x7fa8, 0x7f84, 0x7e00 },
	[SEG_CS] = { 0x7fac, 0x7f90, 0x7e10 },
	[SEG_SS] = { 0x7fb0, 0x7f9c, 0x7e20 },
	[SEG_DS] = { 0x7fb4, 0x7f2c, 0x7e30 },
	[SEG_FS] = { 0x7fb8, 0x7f38, 0x7e40 },
	[SEG_GS] = { 0x7fbc, 0x7f44, 0x7e50 },
	[SEG_LDTR] = { 0x7fc0, 0x7f78, 0x7e70 },
	[SEG_TR] = { 0x7fc4, 0x7f5c, 0x7e90 },
};

/* The attributes are those of a descriptor: bits 7:0 and 15:12 of the access rights. */
#define ATTRIBUTES	0xf0ffu

static void put(u8 *map, u32 at, u32 size, u64 val)
{
	memcpy(map + at - MAP_BEGIN, &val, size);
}

static u64 get(const u8 *map, u32 at, u32 size)
{
	u64 val = 0;

	memcpy(&val, map + at - MAP_BEGIN, size);
	return val;
}

/* What is unusable is not present; RSM makes it so again. */
static u32 to_attributes(u32 ar)
{
	return ar & SEGAR_UNUSABLE ? ar & ATTRIBUTES & ~SEGAR_P : ar & ATTRIBUTES;
}

static u32 to_rights(u32 attributes)
{
	attributes &= ATTRIBUTES;
	return attributes & SEGAR_P ? attributes : attributes | SEGAR_UNUSABLE;
}

static void put_segment(u8 *map, enum nvmx_seg_reg r, const struct nvmx_segment *seg,
			enum smm_map kind)
{
	u32 at = kind == SMM_MAP_64 ? segments[r].at64 : segments[r].descriptor32;

	if (kind == SMM_MAP_64) {
		put(map, at, 2, seg->selector);
		put(map, at + 2, 2, to_attributes(seg->ar));
		put(map, at + 4, 4, seg->limit);
		put(map, at + 8, 8, seg->base);
		return;
	}
	put(map, segments[r].selector32, 4, seg->selector);
	put(map, at, 4, to_attributes(seg->ar) << 8);
	put(map, at + 4, 4, seg->limit);
	put(map, at + 8, 4, seg->base);
}

static void get_segment(const u8 *map, enum nvmx_seg_reg r, struct nvmx_segment *seg,
			enum smm_map kind)
{
	u32 at = kind == SMM_MAP_64 ? segments[r].at64 : segments[r].descriptor32;

	if (kind == SMM_MAP_64) {
		seg->selector = get(map, at, 2);
		seg->ar = to_rights(get(map, at + 2, 2));
		seg->limit = get(map, at + 4, 4);
		seg->base = get(map, at + 8, 8);
		return;
	}
	seg->selector = get(map, segments[r].selector32, 2);
	seg->ar = to_rights(get(map, at, 4) >> 8);
	seg->limit = get(map, at + 4, 4);
	seg->base = get(map, at + 8, 4);
}

/* The map's revision is written whatever @s->revision is. */
void smm_pack(u8 map[SMM_MAP_SIZE], const struct smm_state *s, enum smm_map kind)
{
	const struct member *m;
	u64 val;
	u32 i;

	memset(map, 0, SMM_MAP_SIZE);
	for (i = 0; i < ARRAY_SIZE(members); i++) {
		m = &members[i];
		val = 0;
		memcpy(&val, (const u8 *)s + m->offset, m->size);
		if (m->in[kind].at)
			put(map, m->in[kind].at, m->in[kind].size, val);
	}
	for (i = 0; i < NR_SEGS; i++)
		put_segment(map, i, &s->seg[i], kind);
	put(map, 0x7efc, 4, kind == SMM_MAP_64 ? REVISION_64 : REVISION_32);
}

void smm_unpack(const u8 map[SMM_MAP_SIZE], struct smm_state *s, enum smm_map kind)
{
	const struct member *m;
	u64 val;
	u32 i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < ARRAY_SIZE(members); i++) {
		m = &members[i];
		if (!m->in[kind].at)
			continue;
		val = get(map, m->in[kind].at, m->in[kind].size);
		memcpy((u8 *)s + m->offset, &val, m->size);
	}
	for (i = 0; i < NR_SEGS; i++)
		get_segment(map, i, &s->seg[i], kind);
}
