// SPDX-License-Identifier: GPL-2.0-only
/*
 * What others send to a vCPU, and what becomes of it in its own thread: NMIs, SMIs, INIT and SIPI,
 * EOIs that user space waits for.
 *
 * A sender leaves a request and kicks.  Requests are served before each entry and while the vCPU
 * sleeps; INIT and SIPI then wait in v->ev until nothing blocks them.
 * SDM "Multiple-Processor (MP) Initialization" [sdm:mp-init]
 */
#include <linux/atomic.h>
#include <linux/kvm.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include <nvmx/arch.h>
#include <nvmx/irq.h>
#include <nvmx/nested.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "exit.h"

static void post(struct nvmx_vcpu *v, enum nvmx_request r)
{
	vcpu_request(v, r);
	vmx_kick(v);
}

void vmx_post_irq(struct nvmx_vcpu *v)
{
	WRITE_ONCE(v->irq_hint, true);
	post(v, REQ_EVENT);
}

/*
 * A CPU that runs L1 takes the requests itself, if it is told; whoever runs there instead by now
 * has an interrupt more to count.  Else the vCPU's own thread does, also where a timer has come a
 * little early, since only irq_wait_timer() waits for the rest.
 */
void vmx_post_posted(struct nvmx_vcpu *v)
{
	if (atomic_read(&v->in_guest) == NVMX_INSIDE_POSTS && !READ_ONCE(v->timer_due))
		vmx_notify(v);
	else
		post(v, REQ_EVENT);
}

/* Who is told before anything is sent to it hears of the first EOI. */
void vmx_post_eoi_exits(struct nvmx_vm *vm)
{
	struct nvmx_vcpu *v;
	u32 i;

	if (!vmx_caps.vid)
		return;
	vm_for_each_vcpu(vm, v, i)
		post(v, REQ_EOI_EXITS);
}

void vmx_post_nmi(struct nvmx_vcpu *v)
{
	atomic_inc(&v->posted_nmis);
	post(v, REQ_NMI);
}

void vmx_post_smi(struct nvmx_vcpu *v)
{
	post(v, REQ_SMI);
}

void vmx_post_init(struct nvmx_vcpu *v)
{
	post(v, REQ_INIT);
}

/* The last vector counts; it is read after the request was taken. */
void vmx_post_sipi(struct nvmx_vcpu *v, u8 vector)
{
	WRITE_ONCE(v->sipi_vector, vector);
	post(v, REQ_SIPI);
}

/* A SIPI means something only to a processor that waits for it; INIT makes an older one void. */
void vmx_take_posted(struct nvmx_vcpu *v)
{
	int nmis;

	if (vcpu_take_request(v, REQ_NMI))
		for (nmis = min(atomic_xchg(&v->posted_nmis, 0), 2); nmis; nmis--)
			vmx_queue_nmi(v);
	if (vcpu_take_request(v, REQ_SMI))
		v->smm.pending = true;
	if (vcpu_take_request(v, REQ_INIT))
		v->ev.init = true;
	if (vcpu_take_request(v, REQ_SIPI))
		v->ev.sipi = true;
}

/* ---- INIT and SIPI outside L2; in L2 they are exits, see nested/events.c ---- */

/* The order of table 5; a processor that waits for a SIPI takes none. */
static bool smi_goes_first(const struct nvmx_vcpu *v)
{
	return vmx_smi_waits(v) && (v->mp_state == KVM_MP_STATE_RUNNABLE ||
				    v->mp_state == KVM_MP_STATE_HALTED);
}

/* SDM "Restrictions on VMX Operation": blocked in VMX root operation, and in SMM [sdm:vmx-init] */
static bool init_blocked(const struct nvmx_vcpu *v)
{
	return nested_vmxon(v) || v->smm.active || smi_goes_first(v);
}

static void take_init(struct nvmx_vcpu *v)
{
	bool sipi = v->ev.sipi;		/* sent behind the INIT */

	vmx_init_reset(v);		/* which forgets all that waits */
	v->ev.sipi = sipi;
	irq_vcpu_reset(v, true);
	v->mp_state = v->id == v->vm->bsp_id ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_INIT_RECEIVED;
}

static void take_sipi(struct nvmx_vcpu *v)
{
	u8 vector = READ_ONCE(v->sipi_vector);
	struct nvmx_segment cs;

	vmx_get_seg(v, SEG_CS, &cs);
	cs.selector = vector << 8;
	cs.base = vector << 12;
	vmx_set_seg(v, SEG_CS, &cs);
	vmx_set_rip(v, 0);
	v->mp_state = KVM_MP_STATE_RUNNABLE;
}

/* An exit to L1 will take either; only an L2 that waits for a SIPI is told of one. */
static void accept_in_l2(struct nvmx_vcpu *v)
{
	if (v->mp_state == KVM_MP_STATE_INIT_RECEIVED && v->ev.sipi)
		v->mp_state = KVM_MP_STATE_RUNNABLE;
	else
		v->ev.sipi = false;
}

void vmx_accept_init_sipi(struct nvmx_vcpu *v)
{
	if (is_guest_mode(v)) {
		accept_in_l2(v);
		return;
	}
	if (v->ev.init && !init_blocked(v))
		take_init(v);
	if (!v->ev.sipi)
		return;
	v->ev.sipi = false;
	if (v->mp_state == KVM_MP_STATE_INIT_RECEIVED)
		take_sipi(v);
}

/* ---- EOI of user space's I/O APIC ---- */

/* There may be more: the request stays until there is none. */
enum nvmx_action vmx_eoi_exit(struct nvmx_vcpu *v)
{
	u8 vector;

	if (!irq_take_eoi_exit(v, &vector))
		return NVMX_RESUME;
	vcpu_request(v, REQ_EOI_EXIT);
	v->run->exit_reason = KVM_EXIT_IOAPIC_EOI;
	v->run->eoi.vector = vector;
	return NVMX_USER;
}
