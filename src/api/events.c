// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events as user space sees them: KVM_INTERRUPT, KVM_NMI, KVM_GET/SET_VCPU_EVENTS, MP_STATE.
 */
#include <linux/string.h>
#include <nvmx/irq.h>
#include <nvmx/nested.h>
#include <nvmx/vmx.h>

#include "face.h"
#include "ioctl.h"

#define EVENTS_FLAGS	(KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR | \
			 KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_SMM | \
			 KVM_VCPUEVENT_VALID_PAYLOAD | KVM_VCPUEVENT_VALID_TRIPLE_FAULT)
#define MAX_NMIS	2	/* one being delivered, one latched */

/* With the local APIC here, the interrupt is one of the PIC that user space has, by ExtINT. */
int vcpu_interrupt(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	const struct kvm_interrupt *irq = arg.buf;

	if (irq->irq >= KVM_NR_INTERRUPTS)
		return -EINVAL;
	if (v->vm->irq_mode == IRQ_KERNEL)
		return -ENXIO;
	if (irq_in_kernel(v) && v->ev.irq.pending)
		return -EEXIST;
	vmx_queue_irq(v, irq->irq);
	return 0;
}

int vcpu_smi(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	v->smm.pending = true;
	vcpu_request(v, REQ_EVENT);
	return 0;
}

int vcpu_nmi(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	vmx_queue_nmi(v);
	return 0;
}

/*
 * User space that does not know payloads would lose this one when it saves the exception: CR2 and
 * DR6 get theirs now, which is too early only where L1 intercepts the exception.
 */
static void get_exception(struct nvmx_vcpu *v, struct kvm_vcpu_events *e)
{
	bool payload = v->vm->exception_payload;

	if (!payload && v->ev.exception.pending)
		vmx_deliver_payload(v);

	/* INT3 and INTO run again: the ABI has no place for their length. */
	if (!v->ev.exception.soft) {
		e->exception.pending = v->ev.exception.pending;
		e->exception.injected = v->ev.exception.injected;
		if (!payload)
			e->exception.injected |= v->ev.exception.pending;
	}
	e->exception.nr = v->ev.exception.vector;
	e->exception.has_error_code = v->ev.exception.has_code;
	e->exception.error_code = v->ev.exception.code;
	e->exception_has_payload = v->ev.exception.has_payload;
	e->exception_payload = v->ev.exception.payload;
}

static u8 get_shadow(struct nvmx_vcpu *v)
{
	u32 ints = vmcs_read(v, guest_interruptibility_info);

	return (ints & INTS_STI ? KVM_X86_SHADOW_INT_STI : 0) |
	       (ints & INTS_MOVSS ? KVM_X86_SHADOW_INT_MOV_SS : 0);
}

static void set_shadow(struct nvmx_vcpu *v, u8 shadow)
{
	u32 ints = vmcs_read(v, guest_interruptibility_info) & ~(INTS_STI | INTS_MOVSS);

	if (shadow & KVM_X86_SHADOW_INT_MOV_SS)
		ints |= INTS_MOVSS;
	else if (shadow & KVM_X86_SHADOW_INT_STI)
		ints |= INTS_STI;
	vmcs_write(v, guest_interruptibility_info, ints);
}

bool events_irq(const struct nvmx_vcpu *v, u8 *vector)
{
	bool injected = v->ev.irq.injected && !v->ev.irq.soft;

	*vector = injected ? v->ev.irq.vector : v->ev.irq.pending ? v->ev.irq.waiting : 0;
	return injected || v->ev.irq.pending;
}

void events_get(struct nvmx_vcpu *v, struct kvm_vcpu_events *e)
{
	memset(e, 0, sizeof(*e));
	get_exception(v, e);
	e->interrupt.injected = events_irq(v, &e->interrupt.nr);
	e->interrupt.shadow = get_shadow(v);
	e->nmi.injected = v->ev.nmi.injected;
	e->nmi.pending = v->ev.nmi.pending;
	e->nmi.masked = vmx_nmi_blocked(v);
	e->flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
	e->smi.smm = v->smm.active;
	e->smi.pending = v->smm.pending;
	e->smi.smm_inside_nmi = v->smm.active && v->smm.inside_nmi;
	e->smi.latched_init = v->ev.init;
	e->flags |= KVM_VCPUEVENT_VALID_SMM;
	if (v->vm->exception_payload)
		e->flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
	if (v->vm->triple_fault_event) {
		e->triple_fault.pending = v->ev.triple_fault;
		e->flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	}
}

/* A processor that waits for a SIPI takes no SMI, and cannot be in one. */
static bool smi_valid(const struct nvmx_vcpu *v, const struct kvm_vcpu_events *e)
{
	return !(e->flags & KVM_VCPUEVENT_VALID_SMM) || !(e->smi.smm || e->smi.pending) ||
	       v->mp_state != KVM_MP_STATE_INIT_RECEIVED;
}

static bool events_valid(const struct nvmx_vcpu *v, const struct kvm_vcpu_events *e)
{
	bool pending = e->flags & KVM_VCPUEVENT_VALID_PAYLOAD && e->exception.pending;

	if (e->flags & ~EVENTS_FLAGS || !smi_valid(v, e))
		return false;
	if (e->flags & KVM_VCPUEVENT_VALID_PAYLOAD && !v->vm->exception_payload)
		return false;
	if (e->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT && !v->vm->triple_fault_event)
		return false;
	return !(pending || e->exception.injected) ||
	       (e->exception.nr <= 31 && e->exception.nr != VEC_NMI);
}

/* "pending" exists only together with payloads; without, everything saved is to be injected. */
static void set_exception(struct nvmx_vcpu *v, const struct kvm_vcpu_events *e)
{
	bool pending = e->flags & KVM_VCPUEVENT_VALID_PAYLOAD && e->exception.pending;

	v->ev.exception.pending = pending;
	v->ev.exception.injected = e->exception.injected && !pending;
	v->ev.exception.vector = e->exception.nr;
	v->ev.exception.has_code = e->exception.has_error_code;
	v->ev.exception.code = e->exception.error_code;
	v->ev.exception.has_payload = pending && e->exception_has_payload;
	v->ev.exception.payload = e->exception_payload;
	v->ev.exception.soft = false;
	v->ev.exception.insn_len = 0;
}

/*
 * The ABI has one bit for an interrupt that waits and one whose delivery was cut off.  In L1 both
 * may wait for the next chance; in L2 a waiting one would turn into an exit to L1, so that there
 * it is taken as cut off, which is what an EPT violation during delivery leaves behind.
 */
static void set_irq(struct nvmx_vcpu *v, const struct kvm_vcpu_events *e)
{
	bool injected = e->interrupt.injected;

	v->ev.irq.pending = injected && !is_guest_mode(v);
	v->ev.irq.injected = injected && is_guest_mode(v);
	v->ev.irq.waiting = e->interrupt.nr;
	v->ev.irq.vector = e->interrupt.nr;
	v->ev.irq.soft = false;
	v->ev.irq.insn_len = 0;
}

/* Before anything else: whoever changes the mode has left L2, and VMX operation. */
static void set_smi(struct nvmx_vcpu *v, const struct kvm_vcpu_events *e)
{
	if (v->smm.active != !!e->smi.smm) {
		nested_leave(v, true);
		vmx_set_smm(v, e->smi.smm);
	}
	v->smm.pending = e->smi.pending;
	v->smm.inside_nmi = e->smi.smm && e->smi.smm_inside_nmi;
	if (irq_in_kernel(v))
		v->ev.init = e->smi.latched_init;
}

int events_set(struct nvmx_vcpu *v, const struct kvm_vcpu_events *e)
{
	if (!events_valid(v, e))
		return -EINVAL;
	if (e->flags & KVM_VCPUEVENT_VALID_SMM)
		set_smi(v, e);
	set_exception(v, e);
	set_irq(v, e);
	if (e->flags & KVM_VCPUEVENT_VALID_SHADOW)
		set_shadow(v, e->interrupt.shadow);
	v->ev.nmi.injected = e->nmi.injected;
	if (e->flags & KVM_VCPUEVENT_VALID_NMI_PENDING)
		v->ev.nmi.pending = min_t(u8, e->nmi.pending, MAX_NMIS);
	vmx_set_nmi_blocked(v, e->nmi.masked);
	if (e->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT)
		v->ev.triple_fault = e->triple_fault.pending;
	vcpu_request(v, REQ_EVENT);
	return 0;
}

int vcpu_get_events(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	events_get(v, arg.buf);
	return 0;
}

int vcpu_set_events(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	return events_set(v, arg.buf);
}

int vcpu_get_mp_state(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	struct kvm_mp_state *mp = arg.buf;

	mp->mp_state = v->mp_state;
	return 0;
}

/* Without an APIC in the kernel, user space starts and halts processors by itself. */
static bool mp_state_valid(const struct nvmx_vcpu *v, u32 state)
{
	switch (state) {
	case KVM_MP_STATE_RUNNABLE:
		return true;
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_SIPI_RECEIVED:
	case KVM_MP_STATE_HALTED:
		return irq_in_kernel(v);
	default:
		return false;
	}
}

/* A SIPI that was received and not taken is one that waits. */
int vcpu_set_mp_state(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	const struct kvm_mp_state *mp = arg.buf;

	if (!mp_state_valid(v, mp->mp_state))
		return -EINVAL;
	v->mp_state = mp->mp_state;
	if (mp->mp_state == KVM_MP_STATE_SIPI_RECEIVED) {
		v->mp_state = KVM_MP_STATE_INIT_RECEIVED;
		v->ev.sipi = true;
	}
	vcpu_request(v, REQ_EVENT);
	return 0;
}
