// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tiny L1: console and TAP, descriptor tables, exceptions.
 */
#include "l1.h"

#define PORT_CONSOLE 0xe9
#define PORT_EXIT 0x501

struct exc exc;
volatile u32 irq_count[256];

static bool failed, skipped;
static const char *skip_why;

struct gate {
	u16 lo, sel;
	u8 ist, type;
	u16 mid;
	u32 hi, zero;
} __packed;

struct dtr {
	u16 limit;
	u64 base;
} __packed;

static struct gate idt[256];
static u64 gdt[8];
static u8 tss[104] __aligned(16);

void print(const char *s)
{
	while (*s)
		outb(PORT_CONSOLE, *s++);
}

void print_hex(u64 v)
{
	int i;

	print("0x");
	for (i = 60; i > 0 && !(v >> i); i -= 4)
		;
	for (; i >= 0; i -= 4)
		outb(PORT_CONSOLE, "0123456789abcdef"[(v >> i) & 15]);
}

static void print_dec(u32 v)
{
	if (v >= 10)
		print_dec(v / 10);
	outb(PORT_CONSOLE, '0' + v % 10);
}

static void leave(u8 code)
{
	outb(PORT_EXIT, code);
	for (;;)
		asm volatile("hlt");
}

void fail(const char *what, u64 got, u64 want)
{
	failed = true;
	print("# ");
	print(what);
	print(": got ");
	print_hex(got);
	print(", want ");
	print_hex(want);
	print("\n");
}

void skip(const char *why)
{
	skipped = true;
	skip_why = why;
}

void expect_ok(const char *what, struct outcome_of o)
{
	if (o.kind != OK)
		fail(what, o.kind << 16 | o.code, OK);
}

void expect_fault(const char *what, struct outcome_of o, u32 vector, u64 code)
{
	if (o.kind != FAULT)
		fail(what, o.kind, FAULT);
	else if (o.vector != vector)
		fail(what, o.vector, vector);
	else if (o.code != code)
		fail(what, o.code, code);
}

void expect_vmfail(const char *what, struct outcome_of o, u64 error)
{
	if (o.kind != FAIL_VALID)
		fail(what, o.kind << 16 | o.vector, FAIL_VALID << 16);
	else if (o.code != error)
		fail(what, o.code, error);
}

void expect_invalid(const char *what, struct outcome_of o)
{
	if (o.kind != FAIL_INVALID)
		fail(what, o.kind << 16 | o.code, FAIL_INVALID << 16);
}

struct frame {
	u64 rax, rcx, rdx, rbx, rbp, rsi, rdi, r[8];
	u64 vector, code, rip, cs, rflags, rsp, ss;
};

void l1_exception(struct frame *f)
{
	if (f->vector >= 32 || (f->vector == 2 && !exc.resume)) {
		irq_count[f->vector]++;
		irq_hook(f->vector);
		return;
	}
	if (exc.resume) {
		exc.vector = f->vector;
		exc.code = f->code;
		exc.cr2 = READ_CR(2);
		exc.rflags = f->rflags;
		f->rip = exc.resume;
		exc.resume = 0;
		return;
	}
	print("Bail out! exception ");
	print_dec(f->vector);
	print(" code ");
	print_hex(f->code);
	print(" rip ");
	print_hex(f->rip);
	print(" cr2 ");
	print_hex(READ_CR(2));
	print("\n");
	leave(1);
}

struct outcome_of outcome(u64 rflags)
{
	struct outcome_of o = { .kind = OK };

	exc.resume = 0;
	if (exc.vector != NO_VECTOR) {
		o.kind = FAULT;
		o.vector = exc.vector;
		o.code = exc.code;
		o.cr2 = exc.cr2;
	} else if (rflags & 1) {
		o.kind = FAIL_INVALID;
	} else if (rflags & 0x40) {
		o.kind = FAIL_VALID;
		o.code = RD(vm_instruction_error);
	}
	return o;
}

static volatile bool idt_ready;

static void load_idt(void)
{
	struct dtr d = { sizeof(idt) - 1, (u64)idt };

	asm volatile("lidt %0" : : "m" (d));
}

static void tables_init(void)
{
	struct dtr d = { sizeof(gdt) - 1, (u64)gdt };
	u64 t = (u64)tss;
	int i;

	gdt[1] = 0x00af9b000000ffff;	/* 0x08: 64-bit code */
	gdt[2] = 0x00cf93000000ffff;	/* 0x10: data */
	gdt[3] = 0x00affb000000ffff;	/* 0x18: user code */
	gdt[4] = 0x00cff3000000ffff;	/* 0x20: user data */
	gdt[6] = (sizeof(tss) - 1) | (t & 0xffffff) << 16 | 0x89ull << 40 | (t >> 24 & 0xff) << 56;
	gdt[7] = t >> 32;
	asm volatile("lgdt %0" : : "m" (d));
	asm volatile("push $8\n\tlea 1f(%%rip), %%rax\n\tpush %%rax\n\tlretq\n1:\t"
		     "mov $0x10, %%eax\n\tmov %%eax, %%ds\n\tmov %%eax, %%es\n\t"
		     "mov %%eax, %%ss\n\tmov %%eax, %%fs\n\tmov %%eax, %%gs\n\t"
		     "mov $0x30, %%eax\n\tltr %%ax" : : : "rax", "memory");
	for (i = 0; i < 256; i++) {
		u64 h = (u64)exc_stubs + i * 16;

		idt[i] = (struct gate){ h, 8, 0, 0x8e, h >> 16, h >> 32, 0 };
	}
	load_idt();
	idt_ready = true;
}

void __weak irq_hook(u32 vector)
{
	(void)vector;
}

void __weak other_vcpu(u32 index)
{
	(void)index;
}

/* The GDT that the VMM gave it has the same selectors. */
void l1_other_start(u32 index)
{
	while (!idt_ready)
		asm volatile("pause");
	load_idt();
	other_vcpu(index);
	leave(0);
}

void l1_start(void)
{
	u32 i, bad = 0;

	tables_init();
	print("1..");
	print_dec(nr_tests);
	print("\n");
	for (i = 0; i < nr_tests; i++) {
		failed = false;
		skipped = false;
		exc.resume = 0;
		tests[i].run();
		vmx_off();
		bad += failed;
		print(failed ? "not ok " : "ok ");
		print_dec(i + 1);
		print(" - ");
		print(tests[i].name);
		if (skipped && !failed) {
			print(" # SKIP ");
			print(skip_why);
		}
		print("\n");
	}
	leave(bad ? 1 : 0);
}
