// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ticks per operation, as the guest sees them: "bench NAME TICKS" on the console.
 *
 * Run directly on /dev/nvmx the rows are those of L1; run by the same VMM inside a Linux L1 they
 * are those of L2.  In Bochs a tick is one instruction and the figures repeat.
 */
#include "bench.h"

#define FRESH 0x1000000ull	/* memory that nothing has touched: 16 MiB up */
#define FRESH_PAGES 256
#define PORT_VMM 0x80		/* a port the VMM ignores */
#define MSR_TSC_ADJUST 0x3b

static void hypercall(void)
{
	u64 nr = 0x7777;

	asm volatile("vmcall" : "+a" (nr) : "b" (0), "c" (0), "d" (0), "S" (0) : "memory");
}

static void instructions(void)
{
	u64 adjust = rdmsr(MSR_TSC_ADJUST);

	MEASURE("cpuid", cpuid());
	MEASURE("vmcall", hypercall());
	MEASURE("port_write_vmm", outb(PORT_VMM, 0));
	MEASURE("port_read_vmm", inb(PORT_VMM));
	MEASURE("rdmsr_tsc_adjust", rdmsr(MSR_TSC_ADJUST));
	MEASURE("wrmsr_tsc_adjust", wrmsr(MSR_TSC_ADJUST, adjust));
}

static void fresh_memory(void)
{
	u64 start = rdtsc();
	u32 i;

	for (i = 0; i < FRESH_PAGES; i++)
		asm volatile("movb $1, (%0)" : : "r" (FRESH + i * PAGE) : "memory");
	row("page_fault_4k", (rdtsc() - start) / FRESH_PAGES);
}

const struct test tests[] = { T(instructions), T(fresh_memory) };
const u32 nr_tests = ARRAY_SIZE(tests);
