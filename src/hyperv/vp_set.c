// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls to a set of VPs: TLB flushes and interrupts.
 *
 * A set is a mask of 64 VPs or, in the newer calls, a list of such masks ("banks"), of which only
 * the first can have VPs here.  In memory it follows the fixed part of the call's input; in a fast
 * call it continues in the XMM registers.
 */
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/types.h>

#include <nvmx/irq.h>
#include <nvmx/mmu.h>

#include "hv_int.h"

#define FLUSH_ALL_PROCESSORS	BIT(0)
#define NOBODY			0ull
#define EVERYBODY		(~0ull)

struct fixed_flush {
	u64 space, flags, mask;
};

struct fixed_flush_ex {
	u64 space, flags;
	struct tlfs_vp_set set;
};

struct fixed_ipi {
	u32 vector, reserved;
	u64 mask;
};

struct fixed_ipi_ex {
	u32 vector, reserved;
	struct tlfs_vp_set set;
};

static int read_fixed(struct nvmx_vcpu *v, const struct hv_call *c, void *fixed, u32 size)
{
	return mmu_vcpu_read(v, c->in, fixed, size);
}

/*
 * The VPs of a set.  Its banks come @size bytes behind the input in memory, or from half @half of
 * the XMM registers on.  -errno: not a set
 */
static int read_set(struct nvmx_vcpu *v, const struct hv_call *c, const struct tlfs_vp_set *set,
		    u32 half, u32 size, u64 *vps)
{
	BUILD_BUG_ON(NVMX_MAX_VCPUS > 64);
	*vps = EVERYBODY;
	if (c->var != hweight64(set->banks))
		return -EINVAL;
	if (set->format)
		return 0;
	*vps = NOBODY;
	if (c->fast && c->var > ARRAY_SIZE(c->xmm) - half)
		return -EINVAL;
	if (!(set->banks & 1))
		return 0;
	if (!c->fast)
		return mmu_vcpu_read(v, c->in + size, vps, sizeof(*vps));
	*vps = c->xmm[half];
	return 0;
}

/*
 * All vCPUs, whoever was asked for: each is out of the guest once, and whoever is not in it now
 * drops its translations before it enters.
 */
static u64 flush(struct nvmx_vcpu *v, const struct hv_call *c, u64 vps)
{
	if (vps != NOBODY)
		vmx_flush_tlbs(v->vm);
	return TLFS_SUCCESS | (u64)c->reps << TLFS_REPS_DONE_SHIFT;
}

/* An old Windows asks for nobody and expects a flush. */
u64 hv_flush(struct nvmx_vcpu *v, struct hv_call *c)
{
	struct fixed_flush in;

	if (!c->fast && read_fixed(v, c, &in, sizeof(in)))
		return TLFS_INVALID_INPUT;
	return flush(v, c, EVERYBODY);
}

u64 hv_flush_ex(struct nvmx_vcpu *v, struct hv_call *c)
{
	struct fixed_flush_ex in = { .set = { .format = c->xmm[0], .banks = c->xmm[1] } };
	u64 vps;

	if (!c->fast && read_fixed(v, c, &in, sizeof(in)))
		return TLFS_INVALID_INPUT;
	if (read_set(v, c, &in.set, 2, sizeof(in), &vps))
		return TLFS_INVALID_INPUT;
	return flush(v, c, vps);
}

static u64 interrupt(struct nvmx_vcpu *v, u32 vector, u64 vps)
{
	struct nvmx_vcpu *to;
	u32 i;

	if (vector < TLFS_FIRST_VECTOR || vector > 0xff)
		return TLFS_INVALID_INPUT;
	vm_for_each_vcpu(v->vm, to, i)
		if (vps & BIT_ULL(READ_ONCE(to->hv->vp_index)))
			irq_inject_vector(to, vector);
	return TLFS_SUCCESS;
}

u64 hv_send_ipi(struct nvmx_vcpu *v, struct hv_call *c)
{
	struct fixed_ipi in = { .vector = c->in, .reserved = c->in >> 32, .mask = c->out };

	if (!irq_in_kernel(v))
		return TLFS_INVALID_INPUT;
	if (c->fast ? in.reserved : read_fixed(v, c, &in, sizeof(in)))
		return TLFS_INVALID_INPUT;
	return interrupt(v, in.vector, in.mask);
}

u64 hv_send_ipi_ex(struct nvmx_vcpu *v, struct hv_call *c)
{
	struct fixed_ipi_ex in = {
		.vector = c->in, .set = { .format = c->out, .banks = c->xmm[0] },
	};
	u64 vps;

	if (!irq_in_kernel(v))
		return TLFS_INVALID_INPUT;
	if (!c->fast && read_fixed(v, c, &in, sizeof(in)))
		return TLFS_INVALID_INPUT;
	if (read_set(v, c, &in.set, 1, sizeof(in), &vps))
		return TLFS_INVALID_INPUT;
	return vps == NOBODY ? TLFS_SUCCESS : interrupt(v, in.vector, vps);
}
