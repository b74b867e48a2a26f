// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine of the unit tests: memory, registers, VMCSs.  See model.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/slab.h>
#include "model.h"

/* ---- memory ---- */

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
