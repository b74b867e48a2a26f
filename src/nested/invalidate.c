// SPDX-License-Identifier: GPL-2.0-only
/*
 * INVEPT and INVVPID of L1: check the operands, then say what is to be forgotten.
 *
 * SDM "Operations that Invalidate Cached Mappings" [sdm:invalidate]
 */
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/mmu.h>
#include <nvmx/vmx.h>
#include "nested_int.h"

enum invept_type { INVEPT_SINGLE = 1, INVEPT_ALL = 2 };
enum invvpid_type { INVVPID_ADDR, INVVPID_SINGLE, INVVPID_ALL, INVVPID_GLOBALS };

/* The 128-bit descriptor in memory. */
struct descriptor {
	u64 low, high;
};

struct vmx_result nested_invept(struct nvmx_vcpu *v)
{
	u64 caps = v->nested->caps.ept_vpid, type = nested_reg2(v);
	struct descriptor d;
	struct vmx_result r;

	if (!nested_offers(v, CTL_ept) || !(caps & EVC_INVEPT))
		return vm_raise(VEC_UD);
	if (!(type == INVEPT_SINGLE && caps & EVC_INVEPT_SINGLE) &&
	    !(type == INVEPT_ALL && caps & EVC_INVEPT_ALL))
		return nested_fail(v, VMXERR_INV_OPERAND);
	r = nested_operand_read(v, &d, sizeof(d));
	if (r.kind != VMX_DONE)
		return r;
	if (type == INVEPT_SINGLE && !nested_eptp_ok(v, d.low))
		return nested_fail(v, VMXERR_INV_OPERAND);
	mmu_ept02_invalidate(v->vm, d.low, type == INVEPT_ALL);
	nested_ept02_changed(v, d.low, type == INVEPT_ALL);
	return vm_succeed();
}

static u64 invvpid_cap(u64 type)
{
	switch (type) {
	case INVVPID_ADDR:
		return EVC_INVVPID_ADDR;
	case INVVPID_SINGLE:
		return EVC_INVVPID_SINGLE;
	case INVVPID_ALL:
		return EVC_INVVPID_ALL;
	case INVVPID_GLOBALS:
		return EVC_INVVPID_GLOBALS;
	default:
		return 0;
	}
}

static bool invvpid_operand_ok(const struct nvmx_vcpu *v, u64 type, const struct descriptor *d)
{
	if (d->low >> 16)
		return false;
	if (type != INVVPID_ALL && !d->low)
		return false;
	return type != INVVPID_ADDR || !is_noncanonical(d->high, nested_linear_bits(v));
}

struct vmx_result nested_invvpid(struct nvmx_vcpu *v)
{
	u64 caps = v->nested->caps.ept_vpid, type = nested_reg2(v);
	struct descriptor d;
	struct vmx_result r;

	if (!nested_offers(v, CTL_vpid) || !(caps & EVC_INVVPID))
		return vm_raise(VEC_UD);
	if (!(caps & invvpid_cap(type)))
		return nested_fail(v, VMXERR_INV_OPERAND);
	r = nested_operand_read(v, &d, sizeof(d));
	if (r.kind != VMX_DONE)
		return r;
	if (!invvpid_operand_ok(v, type, &d))
		return nested_fail(v, VMXERR_INV_OPERAND);
	nested_flush_vpid02(v, type, d.low, d.high);
	return vm_succeed();
}
