// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions that software found, or that were intercepted: how they come to wait for the guest.
 */
#include <linux/bits.h>
#include <linux/types.h>

#include <nvmx/arch.h>
#include <nvmx/nested.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "exit.h"

#define CONTRIBUTORY	(BIT(VEC_DE) | BIT(VEC_TS) | BIT(VEC_NP) | BIT(VEC_SS) | BIT(VEC_GP))
#define HAS_ERROR_CODE	(BIT(VEC_DF) | BIT(VEC_TS) | BIT(VEC_NP) | BIT(VEC_SS) | BIT(VEC_GP) | \
			 BIT(VEC_PF) | BIT(VEC_AC) | BIT(VEC_CP))

struct new_exception {
	u8 vector;
	bool has_code;
	u32 code;
	bool has_payload;
	u64 payload;
};

/*
 * What a pending debug exception does to DR6.  BS, BD, BT and B0-3 are set; RTM is active low.
 * SDM "Debug Status Register (DR6)" [sdm:dr6]
 */
static void deliver_db_payload(struct nvmx_vcpu *v, u64 payload)
{
	v->dr6 &= ~(u64)PDE_B0_B3;
	v->dr6 |= payload & 0xffff & ~(u64)PDE_ENABLED_BP;
	v->dr6 |= DR6_ONES;
	v->dr6 ^= payload & PDE_RTM;
}

void vmx_deliver_payload(struct nvmx_vcpu *v)
{
	if (!v->ev.exception.has_payload)
		return;
	v->ev.exception.has_payload = false;
	switch (v->ev.exception.vector) {
	case VEC_DB:
		deliver_db_payload(v, v->ev.exception.payload);
		break;
	case VEC_PF:
		v->cr2 = v->ev.exception.payload;
		break;
	}
}

static bool is_contributory(u8 vector)
{
	return vector < 32 && (CONTRIBUTORY & BIT(vector));
}

/* SDM "Interrupt 8—Double Fault Exception (#DF)" [sdm:df] */
static bool makes_double_fault(u8 first, u8 second)
{
	if (first == VEC_PF)
		return second == VEC_PF || is_contributory(second);
	return is_contributory(first) && is_contributory(second);
}

static bool is_soft(u8 vector)
{
	return vector == VEC_BP || vector == VEC_OF;
}

/*
 * One exception on top of another.  A benign pair keeps the second: the first comes back when
 * its instruction runs again.
 */
static void queue(struct nvmx_vcpu *v, struct new_exception new)
{
	bool second = v->ev.exception.pending || v->ev.exception.injected;
	u8 first = v->ev.exception.vector;

	if (second && first == VEC_DF) {
		vmx_triple_fault(v);
		return;
	}
	if (second && makes_double_fault(first, new.vector))
		new = (struct new_exception){ .vector = VEC_DF, .has_code = true };

	v->ev.exception.pending = true;
	v->ev.exception.injected = false;
	v->ev.exception.vector = new.vector;
	v->ev.exception.has_code = new.has_code;
	v->ev.exception.code = new.code;
	v->ev.exception.has_payload = new.has_payload;
	v->ev.exception.payload = new.payload;
	v->ev.exception.soft = is_soft(new.vector);
	v->ev.exception.insn_len = 1;

	/* CR2 and DR6 must not change before L1, or a debugger, has had its chance to intercept. */
	if (!is_guest_mode(v) && !(new.vector == VEC_DB && vmx_debug_wants_db(v)))
		vmx_deliver_payload(v);
}

/* Without a code from the caller the architecture's own, which is 0, is pushed. */
void vmx_queue_exception(struct nvmx_vcpu *v, u8 vector)
{
	queue(v, (struct new_exception){
		.vector = vector,
		.has_code = vector < 32 && (HAS_ERROR_CODE & BIT(vector)),
	});
}

void vmx_queue_exception_code(struct nvmx_vcpu *v, u8 vector, u32 code)
{
	queue(v, (struct new_exception){ .vector = vector, .has_code = true, .code = code });
}

void vmx_queue_db(struct nvmx_vcpu *v, u64 payload)
{
	queue(v, (struct new_exception){
		.vector = VEC_DB, .has_payload = true, .payload = payload,
	});
}

void vmx_queue_fault(struct nvmx_vcpu *v, const struct nvmx_fault *f)
{
	queue(v, (struct new_exception){
		.vector = f->vector, .has_code = f->has_code, .code = f->code,
		.has_payload = f->vector == VEC_PF, .payload = f->address,
	});
}

enum nvmx_action vmx_deliver_fault(struct nvmx_vcpu *v, const struct nvmx_fault *f)
{
	if (!f->nested) {
		vmx_queue_fault(v, f);
		return NVMX_RESUME;
	}
	/* The exit that hardware would have made, had it walked L1's tables itself. */
	v->exit.gpa = f->nested_gpa;
	v->exit.gla = f->address;
	return nested_reflect_synthetic(v, f->nested_reason, f->nested_qual, 0, 0);
}
