// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-linear memory of the current level, read and written by copy.
 *
 * mmu/ walks the tables; here they get this level's registers, and for an L2 with ept12 the second
 * translation behind each address.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/types.h>

#include <nvmx/mmu.h>
#include <nvmx/nested.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "exit.h"

static void fill_paging(struct nvmx_vcpu *v, struct mmu_paging *p)
{
	*p = (struct mmu_paging){
		.v = v,
		.cr0 = vmx_cr0(v),
		.cr3 = vmx_cr3(v),
		.cr4 = vmx_cr4(v),
		.efer = v->efer,
		.rflags = vmx_rflags(v),
		.maxphyaddr = v->cpuid->maxphyaddr,
		.ctx = v,
	};
	if (vmx_is_pae_paging(v))
		memcpy(p->pdptr, vmx_pdptrs(v), sizeof(p->pdptr));
	if (is_guest_mode(v) && nested_has_ept(v))
		p->translate = nested_translate;
}

int vmx_translate(struct nvmx_vcpu *v, u64 gva, u32 access, u64 *gpa, struct nvmx_fault *f)
{
	struct mmu_paging p;
	int err;

	fill_paging(v, &p);
	err = mmu_walk_linear(&p, gva, access, gpa, f);
	/* L1 gets the linear address with its violation. */
	if (err && f->nested)
		f->address = gva;
	return err;
}

/* The bus: where nothing answers, reads are all ones and writes are lost. */
static void read_bus(struct nvmx_vcpu *v, u64 gpa, void *buf, u32 len)
{
	if (mmu_vcpu_read(v, gpa, buf, len))
		memset(buf, 0xff, len);
}

static u32 left_in_page(u64 addr, u32 len)
{
	return min_t(u32, len, PAGE_SIZE - offset_in_page(addr));
}

int vmx_read_linear(struct nvmx_vcpu *v, u64 gva, void *buf, u32 len, u32 access,
		    struct nvmx_fault *f)
{
	while (len) {
		u32 n = left_in_page(gva, len);
		u64 gpa;

		if (vmx_translate(v, gva, access | ACC_READ, &gpa, f))
			return -EFAULT;
		read_bus(v, gpa, buf, n);
		gva += n;
		buf += n;
		len -= n;
	}
	return 0;
}

/* No byte is written before the last page is known to be writable. */
static int probe_write(struct nvmx_vcpu *v, u64 gva, u32 len, u32 access, struct nvmx_fault *f)
{
	while (len) {
		u32 n = left_in_page(gva, len);
		u64 gpa;

		if (vmx_translate(v, gva, access | ACC_WRITE, &gpa, f))
			return -EFAULT;
		gva += n;
		len -= n;
	}
	return 0;
}

int vmx_write_linear(struct nvmx_vcpu *v, u64 gva, const void *buf, u32 len, u32 access,
		     struct nvmx_fault *f)
{
	if (left_in_page(gva, len) < len && probe_write(v, gva, len, access, f))
		return -EFAULT;
	while (len) {
		u32 n = left_in_page(gva, len);
		u64 gpa;

		if (vmx_translate(v, gva, access | ACC_WRITE, &gpa, f))
			return -EFAULT;
		mmu_vcpu_write(v, gpa, buf, n);
		gva += n;
		buf += n;
		len -= n;
	}
	return 0;
}
