/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the files of src/emulate only: the shape of an opcode row, and the helpers for
 * registers, segments and memory operands.
 */
#ifndef EMULATE_DECODE_H
#define EMULATE_DECODE_H

#include <linux/types.h>

#include <nvmx/emulate.h>

#define EMU_PAGE_SIZE	4096u

#define FLAG_CF		0x0001u
#define FLAG_PF		0x0004u
#define FLAG_AF		0x0010u
#define FLAG_ZF		0x0040u
#define FLAG_SF		0x0080u
#define FLAG_TF		0x0100u
#define FLAG_DF		0x0400u
#define FLAG_OF		0x0800u
#define FLAG_RF		0x10000u
#define FLAGS_ARITH	(FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

#define VECTOR_UD	6
#define VECTOR_SS	12
#define VECTOR_GP	13

/* Segment access rights, in the format of the VMCS. */
#define AR_ACCESSIBLE	0x0002u		/* data: writable; code: readable */
#define AR_EXPAND_DOWN	0x0004u		/* data only */
#define AR_CODE		0x0008u
#define AR_PRESENT	0x0080u
#define AR_BIG		0x4000u
#define AR_UNUSABLE	0x10000u

#define NO_OVERRIDE	EMU_NR_SEGS

#define REX_B		0x1u
#define REX_X		0x2u
#define REX_R		0x4u
#define REX_W		0x8u

/* Where an operand is.  From F_G on ModRM says so; from F_E on in memory, or (F_E) a register. */
enum operand_form {
	F_NONE,
	F_ACC,		/* AL, AX, EAX, RAX */
	F_IMM8,		/* byte, sign-extended to the operand size */
	F_IMM,		/* byte, word or dword by operand size, sign-extended */
	F_STRING,	/* rSI and rDI */
	F_MOFFS,	/* memory at an address that is an immediate */
	F_G,		/* general register, ModRM.reg */
	F_V,		/* XMM register, ModRM.reg */
	F_E,		/* general register or memory, ModRM.rm */
	F_M,		/* memory of operand size */
	F_M2,
	F_M4,
	F_M8,
	F_M16,
	F_MY,		/* 8 bytes with REX.W, else 4 */
	F_MTABLE,	/* limit and base of a descriptor table */
};

/* Flags of an opcode row. */
#define ROW_LOCK	0x01	/* LOCK is legal with a memory destination */
#define ROW_BYTE	0x02	/* operand size is 1 */
#define ROW_D64		0x04	/* operand size defaults to 8 in 64-bit mode */
#define ROW_ONLY64	0x08	/* something else outside 64-bit mode */
#define ROW_NOREXW	0x10	/* something else with REX.W */
#define ROW_ALIGN	0x20	/* #GP if the memory operand is not aligned */
#define ROW_SRC8	0x40	/* source of MOVZX and MOVSX */
#define ROW_SRC16	0x80

#define EXT_ANY		8	/* the row does not care for ModRM.reg */
#define PFX_ANY		1	/* the row does not care for mandatory prefixes */
#define PFX_NONE	0	/* neither 66 nor F2 nor F3 */

struct opcode {
	u16 code;	/* as emu_insn.opcode */
	u8 ext;		/* ModRM.reg, or EXT_ANY */
	u8 pfx;		/* PFX_NONE, 0x66, 0xf2, 0xf3 or PFX_ANY */
	u8 kind;	/* enum emu_kind */
	u8 dst;		/* enum operand_form */
	u8 src;
	u8 flags;
};

/* The decoder at work. */
struct decoder {
	struct emu *e;
	enum emu_result result;		/* the first failure, else EMU_OK */
	const struct opcode *row;
	bool opsize_prefix;		/* 66 */
	bool addrsize_prefix;		/* 67 */
	bool rip_relative;
	bool sp_based;			/* RSP is the base of the address */
	u8 repeat;			/* the last of F2 and F3 */
	u8 override;			/* segment prefix, or NO_OVERRIDE */
};

/* A memory operand after all checks: every page of it has been translated. */
struct span {
	u64 lin;
	u64 gpa[2];
	u8 len;		/* 1..16 */
	u8 first;	/* bytes in the first page */
};

/* A memory operand before the checks. */
struct operand {
	u8 seg;
	u8 len;
	u8 access;
	u64 off;
};

static inline u64 size_mask(unsigned int size)
{
	return size >= 8 ? ~0ull : (1ull << (size * 8)) - 1;
}

static inline u64 sign_extend(u64 val, unsigned int size)
{
	unsigned int shift = 64 - size * 8;

	return (u64)((s64)(val << shift) >> shift);
}

static inline bool emu_is_long(const struct emu *e)
{
	return e->mode == EMU_LONG64;
}

/* fetch.c */
u8 emu_next_byte(struct decoder *d);
u64 emu_next_bytes(struct decoder *d, unsigned int len);
u64 emu_next_signed(struct decoder *d, unsigned int len);

/* address.c */
u64 emu_modrm_address(struct decoder *d);
void emu_complete_address(struct decoder *d);

/* operand.c */
enum emu_result emu_raise(struct emu *e, u8 vector);
u64 emu_gpr_read(const struct emu *e, unsigned int reg, unsigned int size);
void emu_gpr_write(struct emu *e, unsigned int reg, unsigned int size, u64 val);
u64 emu_byte_read(const struct emu *e, unsigned int reg);
void emu_byte_write(struct emu *e, unsigned int reg, u64 val);
u64 emu_linear(const struct emu *e, unsigned int seg, u64 off);
bool emu_is_canonical(const struct emu *e, u64 lin);
enum emu_result emu_segment_check(struct emu *e, const struct operand *op, u32 bytes);
enum emu_result emu_mem_result(enum emu_mem r);
enum emu_result emu_span_prepare(struct emu *e, struct span *s, const struct operand *op);
enum emu_result emu_span_read(struct emu *e, const struct span *s, void *buf);
enum emu_result emu_span_write(struct emu *e, const struct span *s, const void *buf);
enum emu_result emu_span_replace(struct emu *e, const struct span *s, u64 old_val, u64 new_val);
void emu_finish(struct emu *e);

/* log.c */
enum emu_result emu_piece_read(struct emu *e, struct emu_piece *p);
enum emu_result emu_piece_write(struct emu *e, struct emu_piece *p, const u64 *expected);

/* alu.c */
u64 emu_alu(const struct emu_insn *insn, u64 a, u64 b, u64 *rflags);
u64 emu_alu_sub(unsigned int size, u64 a, u64 b, u64 *rflags);
u64 emu_alu_add(unsigned int size, u64 a, u64 b, u64 *rflags);

/* execute.c */
enum emu_result emu_prepare_memory(struct emu *e, struct span *mem);
enum emu_result emu_load(struct emu *e, unsigned int form, const struct span *mem, u64 *val);
enum emu_result emu_store(struct emu *e, unsigned int form, const struct span *mem, u64 val);
void emu_register_write(struct emu *e, unsigned int reg, u64 val);

/* stack.c and system.c */
enum emu_result emu_execute_push(struct emu *e);
enum emu_result emu_execute_pop(struct emu *e);
enum emu_result emu_execute_table_store(struct emu *e);
enum emu_result emu_execute_word_store(struct emu *e);

/* string.c */
enum emu_result emu_execute_string(struct emu *e);
void emu_string_advance(struct emu *e, unsigned int reg);
bool emu_rep_exhausted(const struct emu *e);
bool emu_string_count_down(struct emu *e);

#endif /* EMULATE_DECODE_H */
