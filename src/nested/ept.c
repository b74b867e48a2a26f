// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-level faults of L2, and L2's second translation in software.
 *
 * With EPT in vmcs12 the faulting address is an ngpa: mmu/ walks ept12 and either fills ept02, or
 * says what L1 is to see.  Without it L2's physical addresses are L1's, ept01 translates them, and
 * L1 sees nothing.
 */
#include <linux/errno.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/mmu.h>
#include <nvmx/nested.h>
#include <nvmx/pv.h>
#include <nvmx/trace.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

bool nested_has_ept(struct nvmx_vcpu *v)
{
	const struct vmcs12 *vmcs12 = nested_vmcs12(v);

	return vmcs12 && vmcs12_has(vmcs12, CTL_ept);
}

/*
 * A misconfiguration has no qualification.  None of ept12's entries makes hardware see one, as
 * ept02 is L0's own; to find out what L1's say, treat it as a read.
 */
static u32 access_of(const struct exit_info *exit)
{
	u32 access = 0;

	if (exit->reason == EXIT_ept_misconfig)
		return ACC_READ;
	if (exit->qual & EPTQ_READ)
		access |= ACC_READ;
	if (exit->qual & EPTQ_WRITE)
		access |= ACC_WRITE;
	if (exit->qual & EPTQ_EXEC)
		access |= ACC_EXEC;
	return access;
}

/*
 * What L1's tables say about the access, and what hardware said about how it came about.
 * SDM "Exit Qualification for EPT Violations" [sdm:ept-qual]
 */
static enum nvmx_action report(struct nvmx_vcpu *v, const struct nvmx_fault *f)
{
	const u64 from_hardware = EPTQ_GVA_VALID | EPTQ_TRANSLATED | EPTQ_NMI_UNBLOCK;
	u64 qual = 0;

	if (f->nested_reason == EXIT_ept_violation)
		qual = (f->nested_qual & ~from_hardware) | (v->exit.qual & from_hardware);
	return nested_reflect_synthetic(v, f->nested_reason, qual, 0, 0);
}

static enum mmu_verdict resolve(struct nvmx_vcpu *v, u32 access, bool wait, struct mmu_result02 *r)
{
	struct l2_context *c = v->nested->current12;
	u64 ngpa = v->exit.gpa;

	if (c->ept02)
		return mmu_fault02(v, c->ept02, ngpa, access, wait, r);
	r->gpa = ngpa;
	return mmu_try_fault01(v, ngpa, access, wait ? NULL : &r->absent);
}

/* Whatever L1's exception bitmap says: it has asked for this with its MSR. */
static enum nvmx_action page_is_absent(struct nvmx_vcpu *v, u32 token)
{
	return nested_reflect_synthetic(v, EXIT_exception_nmi, token,
					EVT_VALID | EVT_TYPE_HWEXC | EVT_HAS_CODE | VEC_PF, 0);
}

enum nvmx_action nested_ept_fault(struct nvmx_vcpu *v, bool *is_mmio, u64 *mmio_gpa)
{
	u32 access = access_of(&v->exit);
	struct mmu_result02 r = {};
	enum mmu_verdict verdict;
	u32 token;

	v->stat.ept02_faults++;
	verdict = resolve(v, access, !pv_apf_ready(v), &r);
	if (unlikely(verdict == MMU_LATER)) {
		if (pv_apf_begin(v, &r.absent, &token))
			return page_is_absent(v, token);
		verdict = resolve(v, access, true, &r);
	}
	trace_nvmx_ept02_fault(v->id, v->exit.gpa, r.gpa, access, verdict);
	switch (verdict) {
	case MMU_FIXED:
	case MMU_RETRY:
		return NVMX_RESUME;
	case MMU_MMIO:
		*is_mmio = true;
		*mmio_gpa = r.gpa;
		return NVMX_RESUME;
	case MMU_REPORT:
		return report(v, &r.f);
	case MMU_ERROR:
		v->run_errno = -EFAULT;
		return NVMX_USER;
	case MMU_LATER:
		break;
	}
	vm_bug(v->vm, "verdict of mmu", __FILE__, __LINE__);
	return NVMX_DEAD;
}

/* Both bits are known in a walk by software: there is a linear address, and this is its level. */
static u64 walk_qual(u64 qual, bool is_table)
{
	return qual | EPTQ_GVA_VALID | (is_table ? 0 : EPTQ_TRANSLATED);
}

int nested_translate(void *ctx, u64 ngpa, u32 access, bool is_table, u64 *gpa,
		     struct nvmx_fault *f)
{
	struct nvmx_vcpu *v = ctx;
	struct mmu_ept12_leaf leaf;
	struct mmu_ept12 e;
	int err;

	if (!nested_has_ept(v)) {
		*gpa = ngpa;
		return 0;
	}
	nested_ept12(v, &e);
	err = mmu_walk_ept12(&e, ngpa, access, &leaf, f);
	if (err) {
		f->nested = true;
		f->nested_gpa = ngpa;
		if (f->nested_reason == EXIT_ept_violation)
			f->nested_qual = walk_qual(f->nested_qual, is_table);
		return err;
	}
	*gpa = leaf.gpa;
	return 0;
}
