// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MSR areas of vmcs12: loaded at entries and exits, stored at exits.
 *
 * L1 makes the lists.  They are as long as the advertised maximum at most, each entry is copied
 * before it is judged, and a value takes the same way as a WRMSR of L1 would.
 * SDM "Loading MSRs", "Saving MSRs" [sdm:msr-areas]
 */
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/mmu.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

#define MSR_SMM_MONITOR_CTL	0x9bu
#define MSR_SMBASE		0x9eu
#define CHUNK			16u

struct msr_entry {
	u32 index;
	u32 reserved;
	u64 value;
};

static u32 max_entries(const struct nvmx_vcpu *v)
{
	return 512 * (((v->nested->caps.misc >> 25) & 7) + 1);
}

/* MSRs that neither area may name. */
static bool forbidden(const struct msr_entry *e)
{
	return e->reserved || e->index >> 8 == 0x8 ||
	       e->index == MSR_IA32_UCODE_WRITE || e->index == MSR_IA32_UCODE_REV;
}

static bool load_entry(struct nvmx_vcpu *v, const struct msr_entry *e)
{
	if (forbidden(e) || e->index == MSR_FS_BASE || e->index == MSR_GS_BASE ||
	    e->index == MSR_SMM_MONITOR_CTL)
		return false;
	return !vmx_set_msr(v, e->index, e->value, MSR_BY_GUEST);
}

static bool store_entry(struct nvmx_vcpu *v, const struct msr_entry *e, u64 gpa)
{
	u64 value;

	if (forbidden(e) || e->index == MSR_SMBASE)
		return false;
	if (vmx_get_msr(v, e->index, &value, MSR_BY_GUEST))
		return false;
	return !mmu_write(v->vm, gpa + offsetof(struct msr_entry, value), &value, sizeof(value));
}

enum direction { LOAD, STORE };

/*
 * 0, or the number of the entry that failed, from 1.  Nearly every list is empty, and kernels that
 * clear what is on the stack would clear the chunk for it.
 */
static noinline u32 walk_list(struct nvmx_vcpu *v, u64 gpa, u32 count, enum direction what)
{
	struct msr_entry chunk[CHUNK];
	u32 i, n, done;

	for (done = 0; done < count; done += n) {
		if (done >= max_entries(v))
			return done + 1;
		n = min3(count - done, max_entries(v) - done, CHUNK);
		if (mmu_read(v->vm, gpa, chunk, n * sizeof(*chunk)))
			return done + 1;
		for (i = 0; i < n; i++, gpa += sizeof(*chunk)) {
			bool ok = what == LOAD ? load_entry(v, &chunk[i]) :
						 store_entry(v, &chunk[i], gpa);
			if (!ok)
				return done + i + 1;
		}
		cond_resched();
	}
	return 0;
}

u32 nested_load_msrs(struct nvmx_vcpu *v, u64 gpa, u32 count)
{
	return count ? walk_list(v, gpa, count, LOAD) : 0;
}

u32 nested_store_msrs(struct nvmx_vcpu *v, u64 gpa, u32 count)
{
	return count ? walk_list(v, gpa, count, STORE) : 0;
}
