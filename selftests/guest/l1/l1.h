/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A tiny L1: console, exceptions that a test can expect, VMX instructions whose outcome is a value,
 * and one L2.  One payload runs one suite and speaks TAP.
 */
#ifndef L1_H
#define L1_H

#include <stdbool.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __weak __attribute__((weak))

enum vmcs_field {
#define NVMX_FIELD(name, enc, type, offset, flow, shadow, group, when) VMCS_##name = (enc),
#include "../../../include/nvmx/vmcs_fields.h"
#undef NVMX_FIELD
};

#define BIT(n) (1ull << (n))
#define PAGE 4096ull
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* What one instruction did. */
enum outcome { OK, FAIL_INVALID, FAIL_VALID, FAULT };
struct outcome_of {
	enum outcome kind;
	u32 vector;		/* FAULT */
	u64 code;		/* FAULT: error code; FAIL_VALID: VM-instruction error */
	u64 cr2;
};

struct test {
	const char *name;
	void (*run)(void);
};

#define T(fn) { #fn, fn }

/* The suite: each payload defines both. */
extern const struct test tests[];
extern const u32 nr_tests;

/* Inside a test; the first failure of a test is what TAP reports. */
void fail(const char *what, u64 got, u64 want);
void skip(const char *why);
#define EXPECT_EQ(got, want) do { \
	u64 got_ = (got), want_ = (want); \
	if (got_ != want_) { \
		fail(#got " == " #want, got_, want_); \
		return; \
	} \
} while (0)
#define EXPECT(cond) EXPECT_EQ(!!(cond), 1)
void expect_ok(const char *what, struct outcome_of o);
void expect_fault(const char *what, struct outcome_of o, u32 vector, u64 code);
void expect_vmfail(const char *what, struct outcome_of o, u64 error);
void expect_invalid(const char *what, struct outcome_of o);

void print(const char *s);
void print_hex(u64 v);

/* What start.S calls, and the stubs that it has. */
struct frame;
void l1_start(void);
void l1_other_start(u32 index);
/* Vectors from 32 on, after they were counted; a payload that has an APIC defines it. */
void irq_hook(u32 vector);
void other_vcpu(u32 index);	/* what vCPUs but the first run; the same */

void l1_exception(struct frame *f);
extern u8 exc_stubs[];

/* Exceptions: the next fault at a TRY resumes behind it. */
struct exc {
	u64 resume;
	u32 vector;		/* NO_VECTOR: none came */
	u64 code, cr2;
	u64 rflags;
};

#define NO_VECTOR 0xffffffffu
extern struct exc exc;
extern volatile u32 irq_count[256];	/* external vectors >= 32, counted */

/* Run one instruction; flags (CF=ZF=0 before it) and exceptions become a value. */
#define TRY(insn, ...) ({						\
	u64 f_;								\
	exc.vector = NO_VECTOR;						\
	asm volatile("lea 1f(%%rip), %%rax\n\tmov %%rax, %[resume_]\n\t"	\
		     "test %%rax, %%rax\n\tmov $0, %%eax\n\t" insn "\n1:\tpushf\n\tpop %[flags_]" \
		     : [flags_] "=r" (f_), [resume_] "=m" (exc.resume)		\
		     : __VA_ARGS__ : "rax", "rbx", "cc", "memory");		\
	outcome(f_);							\
})
struct outcome_of outcome(u64 rflags);

static inline u64 vmread(u32 field)
{
	u64 v = 0;

	asm volatile("vmread %1, %0" : "+r" (v) : "r" ((u64)field) : "cc");
	return v;
}

static inline void vmwrite(u32 field, u64 v)
{
	asm volatile("vmwrite %0, %1" : : "r" (v), "r" ((u64)field) : "cc");
}

#define RD(name) vmread(VMCS_##name)
#define WR(name, v) vmwrite(VMCS_##name, v)

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a" (lo), "=d" (hi) : "c" (msr));
	return (u64)hi << 32 | lo;
}

static inline void wrmsr(u32 msr, u64 v)
{
	asm volatile("wrmsr" : : "c" (msr), "a" ((u32)v), "d" ((u32)(v >> 32)));
}

static inline void outb(u16 port, u8 v)
{
	asm volatile("outb %0, %1" : : "a" (v), "d" (port));
}

static inline u8 inb(u16 port)
{
	u8 v;

	asm volatile("inb %1, %0" : "=a" (v) : "d" (port));
	return v;
}

static inline u64 rdtsc(void)
{
	u32 lo, hi;

	asm volatile("rdtsc" : "=a" (lo), "=d" (hi));
	return (u64)hi << 32 | lo;
}

static inline void cpuid(void)
{
	u32 a = 0, b, c = 0, d;

	asm volatile("cpuid" : "+a" (a), "=b" (b), "+c" (c), "=d" (d));
}

#define READ_CR(n) ({ u64 v_; asm volatile("mov %%cr" #n ", %0" : "=r" (v_)); v_; })
#define WRITE_CR(n, v) asm volatile("mov %0, %%cr" #n : : "r" ((u64)(v)) : "memory")

/* VMX operation. */
extern u8 vmxon_region[PAGE], vmcs_a[PAGE], vmcs_b[PAGE], scratch[PAGE], msr_bitmap[PAGE],
	io_bitmap_a[PAGE], io_bitmap_b[PAGE];
struct outcome_of vmxon(u64 pa);
struct outcome_of vmxoff(void);
struct outcome_of vmclear(u64 pa);
struct outcome_of vmptrld(u64 pa);
struct outcome_of vmptrst(u64 *pa);
struct outcome_of invept(u64 type, u64 eptp, u64 reserved);
struct outcome_of invvpid(u64 type, u64 vpid, u64 addr);
void vmx_enable(void);			/* FEATURE_CONTROL, CR4.VMXE, revision in the regions */
void vmx_on(void);			/* vmx_enable, VMXON */
void vmx_off(void);			/* VMXOFF if it is on */
u32 ctl(u32 msr, u32 wanted);		/* capability MSR: wanted bits, adjusted */
bool ctl_allowed(u32 true_msr, u32 bit);

/* One L2 in vmcs_a: 64-bit, same tables as L1, starts at fn on a stack of its own. */
extern struct { u64 rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r[8]; } l2_regs;
u64 l2_enter(u64 launch);
extern u8 l2_exit[];
void l2_setup(void (*fn)(void));	/* VMX on, vmcs_a clear and current, all fields written */
/* VMLAUNCH or VMRESUME; basic exit reason, or 0x10000 + VM-instruction error */
#define ENTRY_FAILED 0x10000u
u32 l2_run(void);
void l2_skip(void);			/* RIP past the instruction that exited */
extern bool l2_launched;
extern u64 *l2_host_rsp;		/* where l2_enter() leaves its RSP, beside the VMCS */

/* 4-level EPT over all of L1's memory: 2M pages; returns the EPT pointer */
u64 ept_build(void);
u64 *ept_entry(u64 gpa);		/* the 2M leaf */
void ept_split(u64 gpa);		/* 2M leaf to 4K leaves */
u64 *ept_entry_4k(u64 gpa);
void ept_on(u64 eptp);

static inline void vmcall(void)
{
	asm volatile("vmcall" : : : "memory");
}

#define ACTIVATE_SECONDARY BIT(31)
#define MSR_VMX_BASIC 0x480
#define MSR_VMX_MISC 0x485
#define MSR_VMX_CR0_FIXED0 0x486
#define MSR_VMX_CR0_FIXED1 0x487
#define MSR_VMX_CR4_FIXED0 0x488
#define MSR_VMX_CR4_FIXED1 0x489
#define MSR_VMX_ENUM 0x48a
#define MSR_VMX_PROC2 0x48b
#define MSR_VMX_EPT_VPID 0x48c
#define MSR_VMX_PIN 0x48d
#define MSR_VMX_PROC 0x48e
#define MSR_VMX_EXIT 0x48f
#define MSR_VMX_ENTRY 0x490
#define MSR_EFER 0xc0000080
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_SYSENTER_CS 0x174
#define MSR_PAT 0x277

enum {
	EXIT_EXCEPTION = 0, EXIT_EXTINT = 1, EXIT_TRIPLE = 2, EXIT_INTR_WINDOW = 7,
	EXIT_NMI_WINDOW = 8, EXIT_TASK = 9, EXIT_CPUID = 10, EXIT_HLT = 12, EXIT_INVD = 13,
	EXIT_INVLPG = 14, EXIT_RDPMC = 15, EXIT_RDTSC = 16, EXIT_VMCALL = 18, EXIT_VMCLEAR = 19,
	EXIT_VMREAD = 23, EXIT_VMWRITE = 25, EXIT_CR = 28, EXIT_DR = 29, EXIT_IO = 30,
	EXIT_RDMSR = 31, EXIT_WRMSR = 32, EXIT_BAD_GUEST = 33, EXIT_BAD_MSR = 34, EXIT_MTF = 37,
	EXIT_PAUSE = 40, EXIT_GDTR = 46, EXIT_LDTR = 47, EXIT_EPT_VIOLATION = 48,
	EXIT_EPT_MISCONFIG = 49, EXIT_RDTSCP = 51, EXIT_TIMER = 52, EXIT_WBINVD = 54,
	EXIT_XSETBV = 55,
};

#endif
