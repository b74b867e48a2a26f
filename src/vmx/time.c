// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1's time-stamp counter: the host's, times v->tsc_ratio, plus v->tsc_offset.
 *
 * Locking: vm->tsc_lock guards the record by which TSC writes of several vCPUs are matched.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kvm.h>
#include <linux/math64.h>
#include <linux/spinlock.h>
#include <linux/ktime.h>
#include <linux/types.h>
#include <asm/tsc.h>

#include <nvmx/irq.h>
#include <nvmx/nested.h>
#include <nvmx/pv.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#include "exit.h"
#include "vmx_int.h"

#define RATIO_BITS	48		/* SDM "TSC-multiplier" has 48 fraction bits */
#define RATIO_ONE	BIT_ULL(RATIO_BITS)
#define RATIO_MAX	BIT(64 - RATIO_BITS)
#define TOLERANCE_PPM	250		/* as KVM: closer than this needs no scaling */

static u64 scale(u64 tsc, u64 ratio)
{
	return ratio ? mul_u64_u64_shr(tsc, ratio, RATIO_BITS) : tsc;
}

u64 vmx_l1_tsc(struct nvmx_vcpu *v, u64 host_tsc)
{
	return scale(host_tsc, v->tsc_ratio) + v->tsc_offset;
}

/*
 * Most CPUs begin at 0 again when they come back from a sleep to memory.  A guest's TSC goes on
 * where it was: what was lost is added to its offset when its vCPU is loaded for the next ioctl,
 * and none is in the middle of one, as its thread was frozen on its way back to user space.
 */
u64 vmx_tsc_lost;
static u64 tsc_at_suspend;

void vmx_tsc_suspend(void)
{
	tsc_at_suspend = rdtsc();
}

void vmx_tsc_resume(void)
{
	u64 now = rdtsc();

	if (now < tsc_at_suspend)
		vmx_tsc_lost += tsc_at_suspend - now;
}

/* What was lost since @known, in L1's ticks. */
static u64 newly_lost(u64 *known, u64 ratio)
{
	u64 lost = vmx_tsc_lost - *known;

	*known += lost;
	return scale(lost, ratio);
}

void vmx_make_up_tsc(struct nvmx_vcpu *v)
{
	if (unlikely(v->tsc_lost != vmx_tsc_lost))
		vmx_adjust_tsc(v, newly_lost(&v->tsc_lost, v->tsc_ratio));
}

u64 vmx_host_ticks(const struct nvmx_vcpu *v, u64 ticks)
{
	return v->tsc_ratio ? div64_u64(ticks * tsc_khz, v->tsc_khz) : ticks;
}

u64 vmx_tsc_hz(const struct nvmx_vcpu *v)
{
	return scale(tsc_khz * 1000ull, v->tsc_ratio);
}

/* What the current VMCS makes of it; in L2 that is L1's and L2's transformation in one. */
u64 vmx_guest_tsc(struct nvmx_vcpu *v)
{
	u64 tsc = rdtsc();

	if (vmcs_ctl_test(v->cur, CTL_tsc_scaling))
		tsc = scale(tsc, vmcs_read(v, tsc_multiplier));
	if (vmcs_ctl_test(v->cur, CTL_use_tsc_offsetting))
		tsc += vmcs_read(v, tsc_offset);
	return tsc;
}

/* Who computes with L1's TSC is told that it is another one. */
static void tsc_changed(struct nvmx_vcpu *v)
{
	if (is_guest_mode(v))
		nested_tsc_changed(v);
	if (irq_in_kernel(v))
		irq_tsc_changed(v);
	pv_tsc_changed(v);
}

static void write_vmcs01(struct nvmx_vcpu *v, u32 encoding, u64 val)
{
	if (is_guest_mode(v))
		vmcs_write_other(v, v->vmcs01, encoding, val);
	else
		vmcs_hw_write(v, encoding, val);
}

void vmx_write_tsc_offset(struct nvmx_vcpu *v, u64 l1_offset)
{
	WRITE_ONCE(v->tsc_offset, l1_offset);
	write_vmcs01(v, VMCS_tsc_offset, l1_offset);
	tsc_changed(v);
}

void vmx_adjust_tsc(struct nvmx_vcpu *v, u64 delta)
{
	vmx_write_tsc_offset(v, v->tsc_offset + delta);
}

static void write_ratio(struct nvmx_vcpu *v, u64 ratio)
{
	WRITE_ONCE(v->tsc_ratio, ratio);
	if (!vmx_caps.tsc_scaling)
		return;
	write_vmcs01(v, VMCS_tsc_multiplier, ratio ?: RATIO_ONE);
	if (ratio)
		vmcs_ctl_set(v, v->vmcs01, CTL_tsc_scaling);
	else
		vmcs_ctl_clear(v, v->vmcs01, CTL_tsc_scaling);
	tsc_changed(v);
}

static bool within_tolerance(u32 khz)
{
	u64 slack = div_u64((u64)tsc_khz * TOLERANCE_PPM, 1000000);

	return khz >= tsc_khz - slack && khz <= tsc_khz + slack;
}

int vmx_set_tsc_khz(struct nvmx_vcpu *v, u32 khz)
{
	u64 ratio = 0;

	if (khz && !within_tolerance(khz)) {
		if (!vmx_caps.tsc_scaling || khz / tsc_khz >= RATIO_MAX)
			return -EINVAL;
		ratio = mul_u64_u32_div(RATIO_ONE, khz, tsc_khz);
		if (!ratio)
			return -EINVAL;
	}
	v->tsc_khz = khz ?: tsc_khz;
	write_ratio(v, ratio);
	return 0;
}

/*
 * User space that restores or resets several vCPUs writes almost the same value to each in turn.
 * A write that lies within a second of where the last one would be by now is taken to mean the
 * same clock; so is 0, which a vCPU that is plugged in gets.  All vCPUs then share one offset.
 */
static bool continues_last_write(const struct nvmx_vcpu *v, u64 val, u64 now)
{
	const struct nvmx_vm *vm = v->vm;
	u64 hz = v->tsc_khz * 1000ull;
	u64 expected;

	if (!vm->last_tsc_ns)
		return false;
	if (!val)
		return true;
	expected = vm->last_tsc_write +
		   mul_u64_u64_div_u64(now - vm->last_tsc_ns, v->tsc_khz, NSEC_PER_MSEC);
	return val < expected + hz && val + hz > expected;
}

void vmx_sync_tsc(struct nvmx_vcpu *v, u64 val)
{
	struct nvmx_vm *vm = v->vm;
	unsigned long flags;
	u64 offset, now;

	raw_spin_lock_irqsave(&vm->tsc_lock, flags);
	now = ktime_get_boottime_ns();
	offset = val - scale(rdtsc(), v->tsc_ratio);
	vm->cur_tsc_offset += newly_lost(&vm->tsc_lost, v->tsc_ratio);
	if (continues_last_write(v, val, now))
		offset = vm->cur_tsc_offset;
	else
		vm->cur_tsc_offset = offset;
	vm->last_tsc_write = val;
	vm->last_tsc_ns = now;
	raw_spin_unlock_irqrestore(&vm->tsc_lock, flags);

	vmx_write_tsc_offset(v, offset);
}

/* Later writes of the counter by other vCPUs find this one to continue. */
void vmx_sync_tsc_offset(struct nvmx_vcpu *v, u64 offset)
{
	struct nvmx_vm *vm = v->vm;
	unsigned long flags;

	raw_spin_lock_irqsave(&vm->tsc_lock, flags);
	vm->cur_tsc_offset = offset;
	vm->tsc_lost = vmx_tsc_lost;
	vm->last_tsc_write = scale(rdtsc(), v->tsc_ratio) + offset;
	vm->last_tsc_ns = ktime_get_boottime_ns();
	raw_spin_unlock_irqrestore(&vm->tsc_lock, flags);

	vmx_write_tsc_offset(v, offset);
}

void vmx_time_init(struct nvmx_vcpu *v)
{
	v->tsc_adjust = 0;
	/* A default that this CPU cannot do was refused when it was set. */
	if (vmx_set_tsc_khz(v, v->vm->default_tsc_khz))
		vmx_set_tsc_khz(v, 0);
}
