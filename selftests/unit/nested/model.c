// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine of the unit tests: memory, registers, VMCSs.  See model.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/slab.h>
#include "model.h"

struct model *m;
const char *model_failed_check;
struct vmx_caps vmx_caps;
bool vmx_nested_posted = true;

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

static bool backed(u64 gpa, u32 len)
{
	return gpa < MODEL_BYTES && len <= MODEL_BYTES - gpa;
}

int mmu_read(struct nvmx_vm *vm, u64 gpa, void *buf, u32 len)
{
	m->reads++;
	if (!backed(gpa, len))
		return -EFAULT;
	memcpy(buf, m->memory + gpa, len);
	if (m->after_read)
		m->after_read(gpa);
	return 0;
}

int mmu_write(struct nvmx_vm *vm, u64 gpa, const void *buf, u32 len)
{
	m->writes++;
	if (!backed(gpa, len))
		return -EFAULT;
	memcpy(m->memory + gpa, buf, len);
	return 0;
}

static int linear(u64 gva, u32 access, struct nvmx_fault *f)
{
	if ((gva & PAGE_MASK) != m->pf_page)
		return 0;
	f->vector = VEC_PF;
	f->has_code = true;
	f->code = access & ACC_WRITE ? PFEC_W : 0;
	f->address = gva;
	return -EFAULT;
}

int vmx_read_linear(struct nvmx_vcpu *v, u64 gva, void *buf, u32 len, u32 access,
		    struct nvmx_fault *f)
{
	if (linear(gva, access, f) || linear(gva + len - 1, access, f))
		return -EFAULT;
	if (mmu_read(v->vm, gva, buf, len))
		memset(buf, 0xff, len);
	return 0;
}

int vmx_write_linear(struct nvmx_vcpu *v, u64 gva, const void *buf, u32 len, u32 access,
		     struct nvmx_fault *f)
{
	if (linear(gva, access, f) || linear(gva + len - 1, access, f))
		return -EFAULT;
	mmu_write(v->vm, gva, buf, len);
	return 0;
}

/* ---- registers ---- */

u64 vmx_rip(struct nvmx_vcpu *v)
{
	return v->rip;
}

u64 vmx_rsp(struct nvmx_vcpu *v)
{
	return v->gpr[GPR_RSP];
}

u64 vmx_rflags(struct nvmx_vcpu *v)
{
	return v->rflags;
}

u64 vmx_cr0(struct nvmx_vcpu *v)
{
	return v->cr0;
}

u64 vmx_cr3(struct nvmx_vcpu *v)
{
	return v->cr3;
}

u64 vmx_cr4(struct nvmx_vcpu *v)
{
	return v->cr4;
}

u64 vmx_gpr(struct nvmx_vcpu *v, enum nvmx_gpr r)
{
	return v->gpr[r];
}

void vmx_set_gpr(struct nvmx_vcpu *v, enum nvmx_gpr r, u64 val)
{
	v->gpr[r] = val;
}

void vmx_get_seg(struct nvmx_vcpu *v, enum nvmx_seg_reg s, struct nvmx_segment *out)
{
	*out = m->seg[s];
}

u8 vmx_cpl(struct nvmx_vcpu *v)
{
	return SEGAR_DPL(m->seg[SEG_SS].ar);
}

bool vmx_long_mode64(struct nvmx_vcpu *v)
{
	return v->efer & EFER_LMA && m->seg[SEG_CS].ar & SEGAR_L;
}

const struct kvm_cpuid_entry2 *vmx_find_cpuid(const struct nvmx_vcpu *v, u32 fn, u32 idx)
{
	u32 i;

	for (i = 0; i < v->cpuid->nent; i++)
		if (v->cpuid->e[i].function == fn && v->cpuid->e[i].index == idx)
			return &v->cpuid->e[i];
	return NULL;
}

enum nvmx_action vmx_internal_error(struct nvmx_vcpu *v, u32 suberror, u32 ndata, const u64 *data)
{
	m->internal_errors++;
	return NVMX_USER;
}

/* ---- VMCSs: a value per encoding ---- */

#define NR_ENCODINGS	0x8000

struct vmcs *vmcs_alloc(struct nvmx_vcpu *v, enum vmcs_kind kind)
{
	struct vmcs *vmcs = kzalloc(sizeof(*vmcs), GFP_KERNEL);

	if (!vmcs)
		return NULL;
	vmcs->kind = kind;
	vmcs->cpu = -1;
	vmcs->region = calloc(NR_ENCODINGS, sizeof(u64));
	return vmcs;
}

void vmcs_free(struct vmcs *vmcs)
{
	if (!vmcs)
		return;
	free(vmcs->region);
	kfree(vmcs);
}

u64 vmcs_hw_read(struct nvmx_vcpu *v, u32 encoding)
{
	return ((u64 *)v->cur->region)[encoding];
}

void vmcs_hw_write(struct nvmx_vcpu *v, u32 encoding, u64 value)
{
	((u64 *)v->cur->region)[encoding] = value;
}

void vmcs_switch(struct nvmx_vcpu *v, struct vmcs *to)
{
	v->cur = to;
}

/* ---- mmu ---- */

void mmu_ept02_invalidate(struct nvmx_vm *vm, u64 eptp12, bool all)
{
	m->ept_flushes++;
	m->last_eptp = eptp12;
	m->last_all = all;
}
