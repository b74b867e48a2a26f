// SPDX-License-Identifier: GPL-2.0-only
/*
 * The synthetic interrupt controller of a VP: sixteen sources (SINTs), each with a vector at the
 * local APIC and a slot for messages in a page of the guest's.
 *
 * The pages are user space's business, which learns of them by an exit; but the messages of
 * synthetic timers are written here.
 */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include <nvmx/irq.h>
#include <nvmx/mmu.h>

#include "hv_int.h"

void hv_synic_init(struct hv_vcpu *hv)
{
	u32 i;

	hv->synic.version = TLFS_SYNIC_VERSION;
	for (i = 0; i < TLFS_NR_SINTS; i++)
		hv->synic.sint[i] = TLFS_SINT_MASKED;
}

int hv_enable_synic(struct nvmx_vcpu *v, bool keep_pages)
{
	struct hv_vcpu *hv = v->hv;

	if (!irq_in_kernel(v))
		return -EINVAL;
	hv->synic.keep_pages = keep_pages;
	hv->synic.control = TLFS_ENABLE;
	v->synic = true;
	WRITE_ONCE(hv->synic.active, true);
	return 0;
}

/* ---- vectors ---- */

static bool uses(u64 sint, u8 vector)
{
	return !(sint & TLFS_SINT_MASKED) && (sint & TLFS_SINT_VECTOR) == vector;
}

/* Several sources may share a vector. */
static void note_vector(struct hv_vcpu *hv, u8 vector)
{
	bool used = false, auto_eoi = false;
	u32 i;

	for (i = 0; i < TLFS_NR_SINTS; i++) {
		if (!uses(hv->synic.sint[i], vector))
			continue;
		used = true;
		auto_eoi |= !!(hv->synic.sint[i] & TLFS_SINT_AUTO_EOI);
	}
	__assign_bit(vector, hv->synic.vectors, used);
	__assign_bit(vector, hv->synic.auto_eoi, auto_eoi);
}

/* Hyper-V as a guest masks its sources with vector 0; user space restores what there was. */
static int set_sint(struct nvmx_vcpu *v, u32 i, u64 val, enum msr_by by)
{
	struct hv_vcpu *hv = v->hv;
	u64 old = hv->synic.sint[i];

	if ((val & TLFS_SINT_VECTOR) < TLFS_FIRST_VECTOR && !(val & TLFS_SINT_MASKED) &&
	    by == MSR_BY_GUEST)
		return -EINVAL;
	WRITE_ONCE(hv->synic.sint[i], val);
	note_vector(hv, old & TLFS_SINT_VECTOR);
	note_vector(hv, val & TLFS_SINT_VECTOR);
	vmx_vid_reconsider(v);
	return 0;
}

static int raise(struct nvmx_vcpu *v, u32 sint)
{
	u64 val = READ_ONCE(v->hv->synic.sint[array_index_nospec(sint, TLFS_NR_SINTS)]);
	struct irq_msg msg = {
		.vector = val & TLFS_SINT_VECTOR, .assert = true, .shorthand = IRQ_TO_SELF,
	};

	return val & TLFS_SINT_MASKED ? -1 : irq_send(v->vm, v, &msg);
}

int hv_raise_sint(struct nvmx_vm *vm, u32 vp_index, u32 sint)
{
	struct nvmx_vcpu *v = hv_find_vp(vm, vp_index);

	if (!v || !READ_ONCE(v->hv->synic.active) || sint >= TLFS_NR_SINTS)
		return -1;
	return raise(v, sint);
}

bool hv_auto_eoi(const struct nvmx_vcpu *v, u8 vector)
{
	return test_bit(vector, v->hv->synic.auto_eoi);
}

/* ---- the end of an interrupt, or of a message ---- */

bool hv_uses_auto_eoi(const struct nvmx_vcpu *v)
{
	return !bitmap_empty(v->hv->synic.auto_eoi, HV_NR_VECTORS);
}

void hv_eoi_exits(const struct nvmx_vcpu *v, unsigned long *vectors)
{
	bitmap_or(vectors, vectors, v->hv->synic.vectors, HV_NR_VECTORS);
}

static void source_served(struct nvmx_vcpu *v, u32 sint)
{
	hv_stimer_slot_free(v, sint);
	irq_sint_acked(v->vm, v->hv->vp_index, sint);
}

void hv_eoi(struct nvmx_vcpu *v, u8 vector)
{
	u32 i;

	if (!test_bit(vector, v->hv->synic.vectors))
		return;
	for (i = 0; i < TLFS_NR_SINTS; i++)
		if (uses(v->hv->synic.sint[i], vector))
			source_served(v, i);
}

static int end_of_message(struct nvmx_vcpu *v)
{
	u32 i;

	for (i = 0; v->hv->synic.active && i < TLFS_NR_SINTS; i++)
		source_served(v, i);
	return 0;
}

/* ---- messages ---- */

int hv_post_timer(struct nvmx_vcpu *v, u32 sint, const struct tlfs_timer_message *m, bool retry)
{
	u64 slot = (v->hv->synic.message_page & TLFS_PAGE) + sint * TLFS_MESSAGE_SIZE;
	static const u8 pending = TLFS_MESSAGE_PENDING;
	u32 type;

	if (!(v->hv->synic.message_page & TLFS_ENABLE) ||
	    mmu_vcpu_read(v, slot, &type, sizeof(type)))
		return -ENOENT;
	if (type && !retry)
		return 0;
	if (type)
		return mmu_vcpu_write(v, slot + offsetof(struct tlfs_timer_message, flags),
				      &pending, sizeof(pending)) ? -ENOENT : -EAGAIN;
	if (mmu_vcpu_write(v, slot, m, sizeof(*m)))
		return -ENOENT;
	raise(v, sint);
	return 0;
}

/* ---- MSRs ---- */

static void tell_user(struct nvmx_vcpu *v, u32 msr)
{
	struct hv_vcpu *hv = v->hv;

	hv->exit = (struct kvm_hyperv_exit){
		.type = KVM_EXIT_HYPERV_SYNIC,
		.u.synic = {
			.msr = msr, .control = hv->synic.control,
			.evt_page = hv->synic.event_page, .msg_page = hv->synic.message_page,
		},
	};
	hv_request(v, WORK_EXIT);
}

static int set_page(struct nvmx_vcpu *v, u64 *page, u64 val, enum msr_by by)
{
	const void *zeros = page_address(ZERO_PAGE(0));

	if (val & TLFS_ENABLE && by == MSR_BY_GUEST && !v->hv->synic.keep_pages &&
	    mmu_vcpu_write(v, val & TLFS_PAGE, zeros, PAGE_SIZE))
		return -EINVAL;
	*page = val;
	return 0;
}

static int set_and_tell(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	struct hv_vcpu *hv = v->hv;
	int err = 0;

	if (msr == TLFS_MSR_SCONTROL)
		hv->synic.control = val;
	else if (msr == TLFS_MSR_SIEFP)
		err = set_page(v, &hv->synic.event_page, val, by);
	else
		err = set_page(v, &hv->synic.message_page, val, by);
	if (!err && by == MSR_BY_GUEST)
		tell_user(v, msr);
	return err;
}

/* While it is off, user space may write back the zeros that a reset leaves. */
int hv_set_synic(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (!v->hv->synic.active && (by == MSR_BY_GUEST || val))
		return -EINVAL;
	switch (msr) {
	case TLFS_MSR_SCONTROL:
	case TLFS_MSR_SIEFP:
	case TLFS_MSR_SIMP:
		return set_and_tell(v, msr, val, by);
	case TLFS_MSR_SVERSION:
		if (by == MSR_BY_GUEST)
			return -EINVAL;
		v->hv->synic.version = val;
		return 0;
	case TLFS_MSR_EOM:
		return end_of_message(v);
	default:
		return set_sint(v, array_index_nospec(msr - TLFS_MSR_SINT0, TLFS_NR_SINTS), val,
				by);
	}
}

int hv_get_synic(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	const struct hv_vcpu *hv = v->hv;

	if (!hv->synic.active && by == MSR_BY_GUEST)
		return -EINVAL;
	switch (msr) {
	case TLFS_MSR_SCONTROL:
		*val = hv->synic.control;
		break;
	case TLFS_MSR_SVERSION:
		*val = hv->synic.version;
		break;
	case TLFS_MSR_SIEFP:
		*val = hv->synic.event_page;
		break;
	case TLFS_MSR_SIMP:
		*val = hv->synic.message_page;
		break;
	case TLFS_MSR_EOM:
		*val = 0;
		break;
	default:
		*val = hv->synic.sint[array_index_nospec(msr - TLFS_MSR_SINT0, TLFS_NR_SINTS)];
	}
	return 0;
}
