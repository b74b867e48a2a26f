// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls of KVM's: RAX is the number and the result, RBX, RCX, RDX and RSI are the arguments.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/kvm_para.h>
#include <linux/types.h>
#include <asm/apicdef.h>

#include <nvmx/irq.h>
#include <nvmx/pv.h>

#include "pv_int.h"

#define NO_FEATURE	~0u

struct pv_call {
	u64 nr, arg[4];
	bool wide;		/* made in 64-bit mode */
};

static s64 poll_irq(struct nvmx_vcpu *v, const struct pv_call *c)
{
	return 0;
}

static struct nvmx_vcpu *find_vcpu(struct nvmx_vm *vm, u64 id)
{
	struct nvmx_vcpu *v;
	u32 i;

	vm_for_each_vcpu(vm, v, i)
		if (v->id == id)
			return v;
	return NULL;
}

/* Wakes one that halted in a lock, even with its interrupts off; or that is about to. */
static s64 kick_cpu(struct nvmx_vcpu *v, const struct pv_call *c)
{
	struct nvmx_vcpu *to = find_vcpu(v->vm, c->arg[1]);

	if (!to)
		return 0;
	WRITE_ONCE(to->pv.kicked, true);
	vcpu_request(to, REQ_EVENT);
	vmx_kick(to);
	return 0;
}

/* To one that is ready and does not run. The caller waits for it. */
static s64 sched_yield_to(struct nvmx_vcpu *v, const struct pv_call *c)
{
	struct nvmx_vcpu *to = find_vcpu(v->vm, c->arg[0]);

	if (to && to != v)
		pv_yield_to(to);
	return 0;
}

/* To the APICs of @map, of which the first is @base: how many there are. */
static s64 send_to(struct nvmx_vcpu *v, unsigned long map, u64 base, struct irq_msg *msg)
{
	unsigned int bit;
	s64 n = 0;

	for_each_set_bit(bit, &map, BITS_PER_LONG) {
		if (base + bit > U32_MAX)
			break;
		msg->dest = base + bit;
		n += irq_send(v->vm, v, msg) > 0;
	}
	return n;
}

static s64 send_ipi(struct nvmx_vcpu *v, const struct pv_call *c)
{
	u64 icr = c->arg[3], base = (u32)c->arg[2];
	struct irq_msg msg = {
		.vector = icr & APIC_VECTOR_MASK,
		.mode = (icr & APIC_MODE_MASK) >> 8,
		.level = icr & APIC_INT_LEVELTRIG,
		.assert = icr & APIC_INT_ASSERT,
		.ext_dest = true,
	};

	if (icr & (APIC_DEST_LOGICAL | APIC_DEST_ALLBUT))
		return -KVM_EINVAL;
	if (!irq_in_kernel(v))
		return -KVM_EOPNOTSUPP;
	return send_to(v, c->arg[0], base, &msg) +
	       send_to(v, c->arg[1], base + (c->wide ? 64 : 32), &msg);
}

static const struct {
	u32 nr;
	u32 feature;
	s64 (*call)(struct nvmx_vcpu *v, const struct pv_call *c);
} calls[] = {
	{ KVM_HC_VAPIC_POLL_IRQ, NO_FEATURE, poll_irq },
	{ KVM_HC_KICK_CPU, KVM_FEATURE_PV_UNHALT, kick_cpu },
	{ KVM_HC_SEND_IPI, KVM_FEATURE_PV_SEND_IPI, send_ipi },
	{ KVM_HC_SCHED_YIELD, KVM_FEATURE_PV_SCHED_YIELD, sched_yield_to },
};

static s64 dispatch(struct nvmx_vcpu *v, const struct pv_call *c)
{
	u32 i;

	if (vmx_cpl(v))
		return -KVM_EPERM;
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].nr == c->nr &&
		    (calls[i].feature == NO_FEATURE || pv_guest_has(v, calls[i].feature)))
			return calls[i].call(v, c);
	return -KVM_ENOSYS;
}

bool pv_take_kick(struct nvmx_vcpu *v)
{
	return READ_ONCE(v->pv.kicked) && xchg(&v->pv.kicked, false);
}

static u64 narrow(const struct pv_call *c, u64 val)
{
	return c->wide ? val : (u32)val;
}

void pv_hypercall(struct nvmx_vcpu *v)
{
	struct pv_call c = { .wide = vmx_long_mode64(v) };

	c.nr = narrow(&c, v->gpr[GPR_RAX]);
	c.arg[0] = narrow(&c, v->gpr[GPR_RBX]);
	c.arg[1] = narrow(&c, v->gpr[GPR_RCX]);
	c.arg[2] = narrow(&c, v->gpr[GPR_RDX]);
	c.arg[3] = narrow(&c, v->gpr[GPR_RSI]);
	v->gpr[GPR_RAX] = narrow(&c, dispatch(v, &c));
}
