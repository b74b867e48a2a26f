// SPDX-License-Identifier: GPL-2.0-only
/*
 * What both programs have below them: the kernel's memory, and the guest's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/slab.h>
#include "model.h"

static u32 live;

/* ---- kernel ---- */

static bool alloc_fails(void)
{
	return m && m->fail_alloc && !--m->fail_alloc;
}

void *kcalloc(size_t n, size_t size, gfp_t flags)
{
	void *p = alloc_fails() ? NULL : calloc(n, size);

	live += !!p;
	return p;
}

void *kzalloc(size_t size, gfp_t flags)
{
	return kcalloc(1, size, flags);
}

void *kmalloc(size_t size, gfp_t flags)
{
	return kcalloc(1, size, flags);
}

void kfree(const void *p)
{
	live -= !!p;
	free((void *)p);
}

unsigned long get_zeroed_page(gfp_t flags)
{
	void *p = alloc_fails() ? NULL : aligned_alloc(PAGE_SIZE, PAGE_SIZE);

	if (!p)
		return 0;
	live++;
	memset(p, 0, PAGE_SIZE);
	return (unsigned long)p;
}

unsigned long __get_free_page(gfp_t flags)
{
	return get_zeroed_page(flags);
}

void free_page(unsigned long addr)
{
	kfree((void *)addr);
}

u32 model_allocations(void)
{
	return live;
}

void vm_bug(struct nvmx_vm *vm, const char *what, const char *file, int line)
{
	vm->dead = true;
	m->bugs++;
}

/* ---- memory ---- */

void *model_memory(u64 gpa)
{
	if (gpa >= MODEL_BYTES)
		abort();
	return m->memory + gpa;
}

bool model_backed(u64 gpa, u32 len)
{
	return gpa < MODEL_BYTES && len <= MODEL_BYTES - gpa;
}

int mmu_read(struct nvmx_vm *vm, u64 gpa, void *buf, u32 len)
{
	m->reads++;
	if (!model_backed(gpa, len))
		return -EFAULT;
	memcpy(buf, m->memory + gpa, len);
	if (m->after_read)
		m->after_read(gpa);
	return 0;
}

int mmu_reread_words(struct nvmx_vm *vm, u64 page, const u16 *at, u64 *word, u32 nr)
{
	u64 now, diff = 0;
	u32 i;

	for (i = 0; i < nr; i++) {
		if (mmu_read(vm, page + at[i] * sizeof(u64), &now, sizeof(now)))
			return -EFAULT;
		diff |= now ^ word[i];
		word[i] = now;
	}
	return !!diff;
}

int mmu_write(struct nvmx_vm *vm, u64 gpa, const void *buf, u32 len)
{
	m->writes++;
	if (!model_backed(gpa, len))
		return -EFAULT;
	memcpy(m->memory + gpa, buf, len);
	return 0;
}
