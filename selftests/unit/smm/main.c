// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state save map there and back, where firmware expects its members, and what RSM refuses.
 */
#define TAP_MAIN
#include <string.h>

#include <nvmx/arch.h>
#include <nvmx/smm.h>
#include "../tap.h"

#define NOISE_ROUNDS	100000
#define MAXPHYADDR	40
#define LINEAR_BITS	48

static u64 seed = 0x9e3779b97f4a7c15;

static u64 noise(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* A processor in 64-bit mode. */
static struct smm_state long_mode(void)
{
	struct smm_state s = {
		.rip = 0xffffffff81000000, .rflags = 0x202, .dr6 = 0xffff0ff0, .dr7 = 0x400,
		.cr0 = 0x80050033, .cr3 = 0x1000, .cr4 = 0x620, .efer = 0xd01,
		.gdt_base = 0xfffffe0000001000, .idt_base = 0xfffffe0000000000,
		.gdt_limit = 0x7f, .idt_limit = 0xfff, .smbase = 0x30000, .revision = 0x20064,
	};
	unsigned int r;

	for (r = SEG_ES; r <= SEG_GS; r++)
		s.seg[r] = (struct nvmx_segment){ .limit = 0xffffffff, .ar = 0xc093,
						  .selector = 0x18 };
	for (r = 0; r < NR_GPRS; r++)
		s.gpr[r] = 0x1111111111111111ull * r;
	s.seg[SEG_CS].ar = 0xa09b;
	s.seg[SEG_CS].selector = 0x10;
	s.seg[SEG_GS].base = 0xffff888000000000;
	s.seg[SEG_LDTR].ar = SEGAR_UNUSABLE;
	s.seg[SEG_TR] = (struct nvmx_segment){ .base = 0xfffffe0000003000, .limit = 0x206f,
					       .ar = 0x8b, .selector = 0x40 };
	return s;
}

/* One in protected mode without paging: all of it fits into the map without long mode. */
static struct smm_state protected_mode(void)
{
	struct smm_state s = long_mode();
	unsigned int r;

	for (r = 0; r < NR_GPRS; r++)
		s.gpr[r] = r < GPR_R8 ? 0x11111111u * r : 0;
	s.rip = 0x100000;
	s.cr0 = 0x11;
	s.cr4 = 0;
	s.efer = 0;
	s.gdt_base = 0x8000;
	s.idt_base = 0;
	s.revision = 0x20000;
	s.seg[SEG_CS].ar = 0xc09b;
	s.seg[SEG_GS].base = 0x1000;
	s.seg[SEG_TR].base = 0x9000;
	return s;
}

static struct smm_state again(const struct smm_state *s, enum smm_map kind)
{
	u8 map[SMM_MAP_SIZE];
	struct smm_state out;

	smm_pack(map, s, kind);
	smm_unpack(map, &out, kind);
	return out;
}

static bool accepted(const struct smm_state *s)
{
	return smm_state_ok(s, MAXPHYADDR, LINEAR_BITS);
}

static void test_round_trip(void)
{
	struct smm_state s = long_mode(), t = again(&s, SMM_MAP_64);

	ok(!memcmp(&s, &t, sizeof(s)), "64-bit mode, map of long mode");
	s = protected_mode();
	t = again(&s, SMM_MAP_32);
	ok(!memcmp(&s, &t, sizeof(s)), "protected mode, map without long mode");
	s.auto_halt = SMM_HALTED;
	s.shadow = INTS_STI;
	t = again(&s, SMM_MAP_32);
	ok(t.auto_halt == SMM_HALTED && t.shadow == INTS_STI, "HLT and shadow, without long mode");
	s.revision = 0x20064;
	t = again(&s, SMM_MAP_64);
	ok(!memcmp(&s, &t, sizeof(s)), "protected mode, map of long mode");
}

static u64 at(const u8 *map, u32 offset, u32 size)
{
	u64 val = 0;

	memcpy(&val, map + offset - 0x7e00, size);
	return val;
}

static void test_places(void)
{
	struct smm_state s = long_mode();
	u8 map[SMM_MAP_SIZE];

	smm_pack(map, &s, SMM_MAP_64);
	ok(at(map, 0x7efc, 4) == 0x20064 && at(map, 0x7f00, 4) == 0x30000 &&
	   at(map, 0x7f78, 8) == s.rip && at(map, 0x7f80, 8) == s.gpr[GPR_R15] &&
	   at(map, 0x7fd8, 8) == s.gpr[GPR_RSP] && at(map, 0x7e12, 2) == 0xa09b &&
	   at(map, 0x7e98, 8) == s.seg[SEG_TR].base && at(map, 0x7ed0, 8) == 0xd01,
	   "members of the map of long mode");
	s = protected_mode();
	smm_pack(map, &s, SMM_MAP_32);
	ok(at(map, 0x7efc, 4) == 0x20000 && at(map, 0x7ef8, 4) == 0x30000 &&
	   at(map, 0x7ff0, 4) == s.rip && at(map, 0x7fec, 4) == s.gpr[GPR_RDI] &&
	   at(map, 0x7fac, 4) == 0x10 && at(map, 0x7f90, 4) == 0xc09b00 &&
	   at(map, 0x7f4c, 4) == 0x1000 && at(map, 0x7f14, 4) == 0,
	   "members of the map without");
}

#define REFUSED(change, what) do {			\
	struct smm_state s = long_mode();		\
	change;						\
	ok(!accepted(&s), "refused: " what);		\
} while (0)

static void test_refused(void)
{
	struct smm_state s = long_mode();

	ok(accepted(&s), "64-bit mode");
	s = protected_mode();
	ok(accepted(&s), "protected mode");
	REFUSED(s.cr0 &= ~1ull, "paging without protection");
	REFUSED(s.cr0 |= 1u << 29, "NW without CD");
	REFUSED(s.cr0 |= 1ull << 32, "upper half of CR0");
	REFUSED(s.cr4 &= ~0x20ull, "IA-32e mode without PAE");
	REFUSED(s.efer &= ~0x400ull, "LME and paging without LMA");
	REFUSED(s.cr3 |= 1ull << MAXPHYADDR, "CR3 beyond the physical address");
	REFUSED(s.rip = 1ull << 47, "RIP that is not canonical");
	REFUSED(s.rflags |= 8, "reserved bit of RFLAGS");
	REFUSED(s.rflags |= 1 << 17, "virtual-8086 mode in IA-32e mode");
	REFUSED(s.dr7 |= 1ull << 32, "upper half of DR7");
	REFUSED(s.seg[SEG_GS].base = 1ull << 47, "GS base that is not canonical");
	REFUSED(s.seg[SEG_DS].base = 1ull << 32, "DS base above 4G");
	REFUSED(s.gdt_limit = 0x10000, "GDT of more than 64K");
	REFUSED(s.idt_base = 1ull << 47, "IDT base that is not canonical");
	REFUSED(s.seg[SEG_CS].ar |= SEGAR_UNUSABLE, "CS not present");
	REFUSED(s.seg[SEG_CS].ar |= SEGAR_DB, "64-bit code of 32 bits");
	REFUSED(s.seg[SEG_CS].ar |= 3 << 5, "CS of another privilege level than SS");
	REFUSED(s.seg[SEG_SS].ar = 0xc09b, "stack in a code segment");
	REFUSED(s.seg[SEG_FS].ar = 0xc099, "data in code that cannot be read");
	REFUSED(s.seg[SEG_ES].limit = 0xfffff000, "limit in pages that ends within one");
	REFUSED(s.seg[SEG_TR].ar = 0x83, "16-bit TSS in IA-32e mode");
	REFUSED(s.seg[SEG_TR].ar = SEGAR_UNUSABLE, "no TSS");
	REFUSED(s.seg[SEG_TR].selector |= 4, "TSS in the LDT");
	REFUSED(s.seg[SEG_LDTR].ar = 0x83, "an LDT that is none");
}

/* The sanitizers watch; what is accepted can be packed again. */
static void test_noise(void)
{
	u32 round, i, taken = 0, bad = 0;
	struct smm_state s, t;
	u8 map[SMM_MAP_SIZE];

	for (round = 0; round < NOISE_ROUNDS; round++) {
		enum smm_map kind = round & 1 ? SMM_MAP_64 : SMM_MAP_32;

		s = kind == SMM_MAP_64 ? long_mode() : protected_mode();
		smm_pack(map, &s, kind);
		for (i = noise() % 4; i; i--)
			map[noise() % SMM_MAP_SIZE] = noise();
		smm_unpack(map, &s, kind);
		if (!accepted(&s))
			continue;
		taken++;
		t = again(&s, kind);
		t.revision = s.revision;
		bad += !accepted(&t);
	}
	ok(taken && taken < NOISE_ROUNDS, "noise is refused, or harmless");
	ok(!bad, "what was accepted once is accepted again");
}

int main(void)
{
	test_round_trip();
	test_places();
	test_refused();
	test_noise();
	return tap_done();
}
