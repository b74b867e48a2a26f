// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's features in CPUID: what is offered, and what a guest was shown.
 */
#include <linux/bits.h>
#include <linux/kvm_para.h>
#include <linux/sched/stat.h>
#include <linux/string.h>
#include <linux/types.h>

#include <nvmx/pv.h>

#include "pv_int.h"

#define LEAVES_BEGIN	0x40000000u
#define LEAVES_END	0x40010000u

/* I/O ports answer at once: no delay after them is of use. */
#define ALWAYS		(BIT(KVM_FEATURE_CLOCKSOURCE) | BIT(KVM_FEATURE_NOP_IO_DELAY) | \
			 BIT(KVM_FEATURE_CLOCKSOURCE2) | BIT(KVM_FEATURE_PV_EOI) | \
			 BIT(KVM_FEATURE_PV_UNHALT) | \
			 BIT(KVM_FEATURE_ASYNC_PF) | BIT(KVM_FEATURE_ASYNC_PF_INT) | \
			 BIT(KVM_FEATURE_ASYNC_PF_VMEXIT) | \
			 BIT(KVM_FEATURE_PV_SEND_IPI) | BIT(KVM_FEATURE_POLL_CONTROL) | \
			 BIT(KVM_FEATURE_PV_SCHED_YIELD) | \
			 BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT))
/* Where the host's scheduler counts; a flush waits in the page of stolen time. */
#define STOLEN		(BIT(KVM_FEATURE_STEAL_TIME) | BIT(KVM_FEATURE_PV_TLB_FLUSH))

u32 pv_supported_features(void)
{
	return ALWAYS | (sched_info_on() ? STOLEN : 0);
}

static const struct kvm_cpuid_entry2 *find(const struct nvmx_cpuid *c, u32 fn)
{
	u32 i;

	for (i = 0; i < c->nent; i++)
		if (c->e[i].function == fn)
			return &c->e[i];
	return NULL;
}

static bool is_signature(const struct kvm_cpuid_entry2 *e)
{
	u32 text[3] = { e->ebx, e->ecx, e->edx };

	return e->function >= LEAVES_BEGIN && e->function < LEAVES_END && !(e->function & 0xff) &&
	       !memcmp(text, KVM_SIGNATURE "\0\0\0", sizeof(text));
}

/* Where another hypervisor's leaves come first, KVM's are 0x100 higher, or some of it. */
u32 pv_features_of(const struct nvmx_cpuid *c)
{
	const struct kvm_cpuid_entry2 *e;
	u32 i;

	for (i = 0; i < c->nent; i++) {
		if (!is_signature(&c->e[i]))
			continue;
		e = find(c, c->e[i].function | KVM_CPUID_FEATURES);
		return e ? e->eax : 0;
	}
	return 0;
}

void pv_enforce(struct nvmx_vcpu *v, bool on)
{
	v->pv.enforce = on;
}

bool pv_guest_has(const struct nvmx_vcpu *v, u32 feature)
{
	return !v->pv.enforce || v->cpuid->pv_features & BIT(feature);
}
