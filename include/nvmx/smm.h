/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state that an SMI saves and RSM loads, apart from how SMRAM holds it.
 */
#ifndef NVMX_SMM_H
#define NVMX_SMM_H

#include <linux/types.h>
#include <nvmx/types.h>

/* The state save map is the last 512 bytes below SMBASE + 0x10000. */
#define SMM_MAP_SIZE	512u
#define SMM_MAP_GPA(smbase)	((u64)(smbase) + 0x10000 - SMM_MAP_SIZE)
#define SMM_ENTRY	0x8000u		/* of the handler, from SMBASE */
/* Of the auto-halt field: the SMI came in HLT, and RSM returns to it. */
#define SMM_HALTED	1u

struct smm_state {
	u64 gpr[NR_GPRS];
	u64 rip, rflags, dr6, dr7;
	u64 cr0, cr3, cr4, efer;
	struct nvmx_segment seg[NR_SEGS];
	u64 gdt_base, idt_base;
	u32 gdt_limit, idt_limit;
	u32 smbase, revision;
	u16 auto_halt;
	u8 shadow;			/* blocking by STI or MOV SS: INTS_* */
};

enum smm_map { SMM_MAP_32, SMM_MAP_64 };

/* ---- smm_map.c: pure ---- */
void smm_pack(u8 map[SMM_MAP_SIZE], const struct smm_state *s, enum smm_map kind);
void smm_unpack(const u8 map[SMM_MAP_SIZE], struct smm_state *s, enum smm_map kind);

/* ---- smm_check.c: pure ---- */
/* What RSM refuses by itself, before what this vCPU may have in CR0, CR4 and EFER. */
bool smm_state_ok(const struct smm_state *s, u8 maxphyaddr, u8 linear_bits);

#endif
