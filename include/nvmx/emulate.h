/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Door of src/emulate: decode and execute the few instructions that L0 must run by hand.
 *
 * They are the instructions that touch a guest-physical address without memory behind it
 * (MMIO), string port I/O, and stores of descriptor-table registers.  Pure logic: the room
 * knows no VMCS, no memory slot and no lock; everything comes through struct emu_ops.
 *
 * Use
 *
 *	fill struct emu (all of it; zero what does not apply)
 *	emu_decode()		what is it?  e->insn may be inspected, nothing has happened
 *	emu_execute()		run it, one REP bounded chunk at most
 *	write e->gpr, e->rip and e->rflags back, whatever the result was
 *
 * After every result the registers are an architectural state between two instructions (or
 * two REP iterations): nothing is half done.  RIP moves only with EMU_OK.
 *
 * Completion by user space
 *
 * KVM_EXIT_MMIO moves at most eight bytes in one direction, but one instruction can need up
 * to four such transfers (read-modify-write, MMIO to MMIO, page crossings).  So execution is
 * repeatable: it is cut into pieces of at most eight bytes within one page, and each piece
 * that was carried out, on memory or on a device, is entered in struct emu_log in program
 * order.  A second run takes the pieces of the log instead of doing them again, and
 * registers change only after the last piece.  The rules:
 *
 *  1. ops->read or ops->write returns EMU_MEM_USER: the piece is appended to the log as
 *     pending and emu_execute() returns EMU_USER.
 *  2. The caller copies emu_log_pending() to kvm_run->mmio and leaves to user space.
 *  3. At the next KVM_RUN the caller calls emu_log_answer() with the data (for a write:
 *     without), then fills struct emu again and calls emu_decode() and emu_execute().  The
 *     instruction bytes come from the log: other vCPUs cannot exchange them half way.
 *  4. That may end in EMU_USER again, for the next piece.  Any other result empties the log.
 *  5. A run with a piece still pending returns EMU_USER for that same piece.
 *  6. A log of a different RIP, or whose next piece is at a different address, is stale (user
 *     space changed registers) and is dropped; the instruction then starts afresh.  A caller
 *     that gives up on an instruction (reset, KVM_SET_REGS, nested leave) calls
 *     emu_log_reset().
 *
 * A REP string instruction commits RCX, RSI and RDI and empties the log after each
 * iteration, so that rules 1 to 5 hold for one iteration at a time.
 *
 * All pages of an operand are translated before its first byte is accessed, and for
 * read-modify-write they are translated for writing before the read: a fault comes before
 * the first side effect.
 *
 * String port I/O has its own pair of functions, emu_pio_begin() and emu_pio_end(), because
 * one KVM_EXIT_IO carries many elements.
 */
#ifndef NVMX_EMULATE_H
#define NVMX_EMULATE_H

#include <linux/types.h>

#define EMU_INSN_MAX	15	/* architectural limit of an instruction's length */
#define EMU_PIECE_MAX	8	/* what KVM_EXIT_MMIO can carry */
#define EMU_LOG_MAX	8	/* pieces of one instruction or iteration; at most 4 are used */
#define EMU_REP_LIMIT	1024	/* iterations of one emu_execute() when rep_limit is 0 */

struct emu;

/* Index of struct emu's gpr[]: the numbers of the instruction encoding. */
enum emu_reg {
	EMU_RAX, EMU_RCX, EMU_RDX, EMU_RBX, EMU_RSP, EMU_RBP, EMU_RSI, EMU_RDI,
	EMU_R8, EMU_R9, EMU_R10, EMU_R11, EMU_R12, EMU_R13, EMU_R14, EMU_R15,
	EMU_NR_REGS
};

/* Index of struct emu's seg[]: the numbers of the instruction encoding. */
enum emu_segreg {
	EMU_ES, EMU_CS, EMU_SS, EMU_DS, EMU_FS, EMU_GS, EMU_NR_SEGS
};

/*
 * Mode of the code segment.  Compatibility mode is EMU_PROT16 or EMU_PROT32 by CS.D; protected
 * mode differs from real mode in segment types, in error codes and by having #GP for them.
 */
enum emu_mode {
	EMU_REAL,	/* CR0.PE = 0 */
	EMU_VM86,	/* RFLAGS.VM = 1 */
	EMU_PROT16,
	EMU_PROT32,
	EMU_LONG64,	/* EFER.LMA = 1 and CS.L = 1 */
};

/* The answer of emu_decode(), emu_execute() and the emu_pio functions. */
enum emu_result {
	EMU_OK,		/* done; rip is that of the next instruction */
	EMU_CONTINUE,	/* progress was made or must be retried; rip is unchanged: enter again */
	EMU_FAULT,	/* inject e->exception; rip is unchanged */
	EMU_USER,	/* emu_log_pending() must be carried out by user space, then run again */
	EMU_PIO,	/* emu_pio_begin() only: carry out struct emu_pio, then emu_pio_end() */
	EMU_UNHANDLED,	/* not an instruction of this room: KVM_EXIT_INTERNAL_ERROR */
};

/* The answer of a callback of struct emu_ops. */
enum emu_mem {
	EMU_MEM_OK,
	EMU_MEM_FAULT,	/* the callback has filled e->exception */
	EMU_MEM_USER,	/* a device in user space; from read, write, cmpxchg */
	EMU_MEM_RETRY,	/* cmpxchg: memory did not hold the old value; becomes EMU_CONTINUE */
	EMU_MEM_FAIL,	/* cannot be done; becomes EMU_UNHANDLED */
};

/* What an access is for: an argument of translate() and a property of an operand. */
#define EMU_ACCESS_READ		0x1
#define EMU_ACCESS_WRITE	0x2
#define EMU_ACCESS_FETCH	0x4

/**
 * struct emu_segment - one segment register
 * @base: as in the VMCS
 * @limit: in bytes, as in the VMCS (the granularity bit is already applied)
 * @ar: access rights in the format of the VMCS (bit 16: unusable)
 * @selector: the visible part
 */
struct emu_segment {
	u64 base;
	u32 limit;
	u32 ar;
	u16 selector;
};

/**
 * struct emu_exception - what EMU_FAULT asks to inject
 * @vector: 6 #UD, 12 #SS, 13 #GP, 14 #PF, 0 #DE
 * @has_error: an error code is to be pushed (never in real mode)
 * @error_code: the error code
 * @address: for #PF, the value of CR2
 * @nested: free for the callbacks, e.g. "fault of L1's EPT, reflect an exit instead"
 * @nested_info: free for the callbacks, e.g. the exit qualification that belongs to @nested
 *
 * Faults that the room finds itself leave @nested and @nested_info 0.
 */
struct emu_exception {
	u8 vector;
	bool has_error;
	u32 error_code;
	u64 address;
	u32 nested;
	u64 nested_info;
};

/* System registers, for SGDT, SIDT, SLDT, STR and SMSW. */
struct emu_sysregs {
	u64 gdtr_base;
	u64 idtr_base;
	u16 gdtr_limit;
	u16 idtr_limit;
	u16 ldtr;
	u16 tr;
	u64 cr0;	/* as the guest reads it */
};

/**
 * struct emu_ops - what the room asks of its caller
 * @fetch: read @len instruction bytes at linear address @lin, within one page; checks paging
 *	permissions for execution
 * @translate: linear address to guest-physical address, for @access (EMU_ACCESS_READ or _WRITE
 *	or both, then with the fault of a write) at e->cpl; sets accessed and dirty bits
 * @read: read @len (1..8) bytes at @gpa, within one page, from memory or a device
 * @write: the same for writing
 * @cmpxchg: optional; atomically replace @old_val by @new_val in memory for a LOCKed
 *	instruction; on a device behaves as @write of @new_val.  Without it LOCK is not atomic.
 * @xmm_read: optional; copy XMM register @reg (0..15) to @val
 * @xmm_write: optional; set bits 127:0 of XMM register @reg and leave the rest alone
 *
 * Memory operands are little-endian bytes.  A callback finds its own context through e->ctx.
 * A page is 4096 bytes.  Context of the callbacks: that of the caller of the room.
 */
struct emu_ops {
	enum emu_mem (*fetch)(struct emu *e, u64 lin, u8 *buf, unsigned int len);
	enum emu_mem (*translate)(struct emu *e, u64 lin, unsigned int access, u64 *gpa);
	enum emu_mem (*read)(struct emu *e, u64 gpa, void *buf, unsigned int len);
	enum emu_mem (*write)(struct emu *e, u64 gpa, const void *buf, unsigned int len);
	enum emu_mem (*cmpxchg)(struct emu *e, u64 gpa, const void *old_val,
				const void *new_val, unsigned int len);
	enum emu_mem (*xmm_read)(struct emu *e, unsigned int reg, u8 val[16]);
	enum emu_mem (*xmm_write)(struct emu *e, unsigned int reg, const u8 val[16]);
};

/**
 * struct emu_piece - one access that was carried out, or that user space has to carry out
 * @lin: linear address
 * @gpa: guest-physical address
 * @data: what was read, or what is written
 * @len: 1..8, never across a page
 * @write: direction
 * @pending: user space has not carried it out yet
 */
struct emu_piece {
	u64 lin;
	u64 gpa;
	u8 data[EMU_PIECE_MAX];
	u8 len;
	bool write;
	bool pending;
};

/**
 * struct emu_log - the accesses of an instruction that waits for user space
 * @rip: linear address of the instruction
 * @nr: number of pieces; 0 means that the log is empty
 * @insn_len: number of valid bytes in @insn
 * @insn: the instruction's bytes
 * @piece: the accesses in program order; only the last can be pending
 *
 * The caller keeps it in the vCPU; zeroed is empty.
 */
struct emu_log {
	u64 rip;
	u8 nr;
	u8 insn_len;
	u8 insn[EMU_INSN_MAX];
	struct emu_piece piece[EMU_LOG_MAX];
};

/* What an instruction does, for the caller's decisions and for the executor. */
enum emu_kind {
	EMU_K_NONE,
	EMU_K_MOV, EMU_K_MOVZX, EMU_K_MOVSX, EMU_K_MOVBE, EMU_K_XMM,
	EMU_K_ADD, EMU_K_OR, EMU_K_ADC, EMU_K_SBB, EMU_K_AND, EMU_K_SUB, EMU_K_XOR, EMU_K_CMP,
	EMU_K_TEST, EMU_K_NOT, EMU_K_NEG, EMU_K_INC, EMU_K_DEC,
	EMU_K_XCHG, EMU_K_XADD, EMU_K_CMPXCHG, EMU_K_CMPXCHG8B,
	EMU_K_BT, EMU_K_BTS, EMU_K_BTR, EMU_K_BTC,
	EMU_K_PUSH, EMU_K_POP,
	EMU_K_STOS, EMU_K_MOVS, EMU_K_LODS, EMU_K_CMPS, EMU_K_SCAS,	/* emu_execute() */
	EMU_K_INS, EMU_K_OUTS,						/* emu_pio_begin() */
	EMU_K_SGDT, EMU_K_SIDT, EMU_K_SLDT, EMU_K_STR, EMU_K_SMSW,
	EMU_K_RSM,	/* recognized only: it is the caller's */
};

/**
 * struct emu_insn - a decoded instruction
 * @kind: what it does
 * @len: its length in bytes
 * @opsize: operand size in bytes: 1, 2, 4, 8 (16 for XMM)
 * @addrsize: address size in bytes: 2, 4, 8
 * @mem: an explicit (ModRM or moffs) or string memory operand exists
 * @access: EMU_ACCESS_READ, _WRITE, or both, of the memory operand at @lin
 * @lin: linear address of the memory operand, unchecked.  For string instructions the
 *	destination if there is one, else the source; for a bit string (BT r/m,r) that of the
 *	word that is accessed
 * @memsize: bytes accessed at @lin (of one element for strings)
 * @rep: has REP, REPE or REPNE and is a string instruction
 * @lock: has LOCK
 *
 * The members from @opcode on belong to the room.
 */
struct emu_insn {
	enum emu_kind kind;
	u8 len;
	u8 opsize;
	u8 addrsize;
	bool mem;
	u8 access;
	u8 memsize;
	bool rep;
	bool lock;
	u64 lin;

	/* private: */
	u16 opcode;		/* 0x0fxx for two bytes, 0x38xx for 0f 38 xx */
	u8 dst, src;		/* enum operand_form of decode.h */
	u16 flags;		/* of the opcode's row */
	u8 modrm;
	u8 reg;			/* with REX.R */
	u8 rm;			/* with REX.B; a register if !mem */
	u8 rex;
	u8 prefix;		/* mandatory prefix: 0, 0x66, 0xf2, 0xf3 */
	u8 seg;			/* of the memory operand or of the string's source */
	u8 srcsize;		/* of MOVZX and MOVSX */
	u64 ea;			/* offset within seg */
	u64 imm;		/* sign-extended */
};

/**
 * struct emu - one instruction on its way
 * @mode: see enum emu_mode
 * @cpl: current privilege level, for translate() to use; 3 in EMU_VM86
 * @linear_bits: 48, or 57 with CR4.LA57; 0 means 48
 * @rep_limit: bound of REP iterations per call; 0 means EMU_REP_LIMIT
 * @gpr: EMU_NR_REGS general registers; changed in place when an instruction commits
 * @rip: instruction pointer (offset in CS)
 * @rflags: all of RFLAGS; EMU_OK clears RF
 * @seg: segment registers, indexed by enum emu_segreg
 * @sysregs: for descriptor-table stores; NULL makes those EMU_UNHANDLED
 * @ops: callbacks
 * @ctx: of the caller, for its callbacks
 * @log: kept by the caller between runs; must not be NULL
 * @exception: valid with EMU_FAULT
 * @insn: valid after emu_decode() returned EMU_OK
 * @bytes: the instruction bytes that were fetched
 * @nr_bytes: their number; may exceed insn.len.  On EMU_UNHANDLED these are the bytes for
 *	KVM_INTERNAL_ERROR_EMULATION
 * @log_pos: of the room
 *
 * With RFLAGS.TF set, a REP string instruction stops after one iteration, so that the caller
 * can deliver the single-step trap after EMU_OK and after EMU_CONTINUE.
 * After EMU_OK the caller also clears the interrupt shadow (STI, MOV SS).
 */
struct emu {
	enum emu_mode mode;
	u8 cpl;
	u8 linear_bits;
	u32 rep_limit;
	u64 *gpr;
	u64 rip;
	u64 rflags;
	struct emu_segment seg[EMU_NR_SEGS];
	const struct emu_sysregs *sysregs;
	const struct emu_ops *ops;
	void *ctx;
	struct emu_log *log;

	struct emu_exception exception;
	struct emu_insn insn;
	u8 bytes[EMU_INSN_MAX];
	u8 nr_bytes;
	u8 log_pos;
};

/**
 * emu_decode() - fetch and decode the instruction at CS:RIP
 * @e: filled by the caller; @e->insn is set
 *
 * Changes no guest state other than what ops->fetch does.  With a log in progress for this
 * RIP the bytes come from the log.
 *
 * Context: that of the callbacks.
 * Return: EMU_OK (decoded), EMU_FAULT (#UD for a wrong LOCK, #GP for more than 15 bytes or a
 * bad RIP, #PF of the fetch), or EMU_UNHANDLED.
 */
enum emu_result __must_check emu_decode(struct emu *e);

/**
 * emu_execute() - execute the decoded instruction, or some iterations of it
 * @e: as emu_decode() left it
 *
 * INS and OUTS are not for this function and are EMU_UNHANDLED; see emu_pio_begin().
 *
 * Context: that of the callbacks.
 * Return: any result but EMU_PIO.  @e->gpr, @e->rip and @e->rflags are valid after each.
 */
enum emu_result __must_check emu_execute(struct emu *e);

/**
 * emu_log_pending() - the access that user space has to carry out
 * @log: of the run that returned EMU_USER
 *
 * Return: the pending piece, or NULL if there is none.
 */
const struct emu_piece *emu_log_pending(const struct emu_log *log);

/**
 * emu_log_answer() - user space has carried out the pending piece
 * @log: of the run that returned EMU_USER
 * @data: what a read returned, as many bytes as the piece is long; ignored for a write
 */
void emu_log_answer(struct emu_log *log, const void *data);

/**
 * emu_log_reset() - forget an instruction in progress
 * @log: to be emptied
 */
void emu_log_reset(struct emu_log *log);

/**
 * struct emu_pio_desc - string port I/O as a VM exit describes it
 * @in: INS, else OUTS
 * @rep: REP prefix
 * @size: 1, 2, 4
 * @addrsize: 2, 4, 8
 * @seg: enum emu_segreg, of OUTS; INS always uses ES
 * @len: instruction length
 */
struct emu_pio_desc {
	bool in;
	bool rep;
	u8 size;
	u8 addrsize;
	u8 seg;
	u8 len;
};

/**
 * struct emu_pio - one batch of string port I/O
 * @in: from port to memory
 * @size: of an element: 1, 2, 4
 * @port: DX at the start
 * @count: elements in the batch
 * @done: elements of INS that memory has received
 *
 * The caller keeps it, and the data, in the vCPU between emu_pio_begin() and emu_pio_end().
 */
struct emu_pio {
	bool in;
	u8 size;
	u16 port;
	u32 count;
	u32 done;
};

/**
 * emu_pio_set() - set up INS or OUTS from exit information, instead of emu_decode()
 * @e: filled by the caller; @e->insn is set
 * @desc: from the exit qualification and the VM-exit instruction information
 *
 * To be preferred where the CPU reports that information: no fetch, and no chance for another
 * vCPU to exchange the instruction.  After emu_decode() the caller must compare size and
 * direction with the exit qualification instead.
 */
void emu_pio_set(struct emu *e, const struct emu_pio_desc *desc);

/**
 * emu_pio_begin() - plan one batch of INS or OUTS and collect what OUTS sends
 * @e: decoded, or set up by emu_pio_set(); @e->insn.kind is EMU_K_INS or EMU_K_OUTS
 * @pio: filled on EMU_PIO
 * @data: for OUTS receives the elements, in order of transfer
 * @max: size of @data in bytes; at least 8
 *
 * A batch ends at the page boundary of guest memory, at RCX, at the segment limit, at @max and
 * after one element without REP.  Going down (RFLAGS.DF) batches too; elements are in the
 * order of transfer.  For INS the destination is checked and translated here, before the port
 * is read.
 *
 * No register changes here.  I/O privilege is not checked: the CPU did that before the exit.
 *
 * Context: that of the callbacks.
 * Return: EMU_PIO (transfer @pio, then call emu_pio_end()), EMU_OK (REP with RCX = 0: done),
 * EMU_FAULT, EMU_USER (OUTS from MMIO; answer and begin again), EMU_UNHANDLED.
 */
enum emu_result __must_check emu_pio_begin(struct emu *e, struct emu_pio *pio, void *data, u32 max);

/**
 * emu_pio_end() - complete a batch: store what INS received, advance RCX, RSI or RDI, and RIP
 * @e: set up for the same instruction again
 * @pio: as emu_pio_begin() left it
 * @data: for INS the elements that were read from the port
 *
 * @pio is used up by every result but EMU_USER.  The elements behind one that faults are lost,
 * as the guest has unmapped its buffer during the transfer.
 *
 * Context: that of the callbacks.
 * Return: EMU_OK (instruction done), EMU_CONTINUE (REP is not at its end; begin again, or enter
 * the guest, which exits again), EMU_FAULT, EMU_USER (INS to MMIO; answer and end again with
 * the same @pio), EMU_UNHANDLED.
 */
enum emu_result __must_check emu_pio_end(struct emu *e, struct emu_pio *pio, const void *data);

#endif /* NVMX_EMULATE_H */
