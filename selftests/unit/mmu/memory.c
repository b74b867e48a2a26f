// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1's memory for tests.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

static u8 memory[MEM_PAGES][4096] __aligned(4096);
static u64 seed = 0x9e3779b97f4a7c15;

u64 mem_readonly_from = ~0ull;
unsigned int mem_reads, mem_swaps;
void (*mem_other_cpu)(u64 gpa);

void mem_clear(void)
{
	memset(memory, 0, sizeof(memory));
	mem_readonly_from = ~0ull;
	mem_other_cpu = NULL;
	mem_reads = 0;
	mem_swaps = 0;
}

u64 *mem_page(u64 gpa)
{
	if (gpa >> 12 >= MEM_PAGES)
		abort();
	return (u64 *)memory[gpa >> 12];
}

u64 *mem_entry(u64 table, unsigned int index)
{
	return &mem_page(table)[index];
}

u32 *mem_entry32(u64 table, unsigned int index)
{
	return &((u32 *)mem_page(table))[index];
}

int mmu_read(struct nvmx_vm *vm, u64 gpa, void *buf, u32 len)
{
	mem_reads++;
	if (gpa >> 12 >= MEM_PAGES || (gpa & 4095) + len > 4096)
		return -EFAULT;
	memcpy(buf, (u8 *)mem_page(gpa) + (gpa & 4095), len);
	return 0;
}

int mmu_cmpxchg(struct nvmx_vm *vm, u64 gpa, u32 len, u64 old, u64 new)
{
	u64 now = 0;

	if (gpa >> 12 >= MEM_PAGES || gpa >= mem_readonly_from)
		return -EFAULT;
	if (mem_other_cpu)
		mem_other_cpu(gpa);
	memcpy(&now, (u8 *)mem_page(gpa) + (gpa & 4095), len);
	if (now != old)
		return -EAGAIN;
	memcpy((u8 *)mem_page(gpa) + (gpa & 4095), &new, len);
	mem_swaps++;
	return 0;
}

int mmu_vcpu_read(struct nvmx_vcpu *v, u64 gpa, void *buf, u32 len)
{
	return mmu_read(NULL, gpa, buf, len);
}

int mmu_vcpu_cmpxchg(struct nvmx_vcpu *v, u64 gpa, u32 len, u64 old, u64 new)
{
	return mmu_cmpxchg(NULL, gpa, len, old, new);
}

/* xorshift: the same run each time. */
u64 random_u64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

u32 random_u32(void)
{
	return random_u64() >> 32;
}

u32 random_below(u32 n)
{
	return random_u32() % n;
}

bool one_in(u32 n)
{
	return !random_below(n);
}
