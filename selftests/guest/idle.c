// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one idle vCPU costs in kernel memory, beside its guest's tables: idle [MAX_KIB]
 *
 * The difference of free memory between VMs of one and of 16 vCPUs, each run to its first HLT.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vmm.h"

#define MEMORY	(2u << 20)
#define VMS	12
#define MIN_KIB	8		/* less is no vCPU, but a mistake of this program */

static const u8 halt[] = { 0xf4 };

/* KiB that VMS virtual machines take, with so many vCPUs each. */
static long cost(u32 vcpus)
{
	struct vmm *vmm[VMS];
	long before = vmm_free_kb();
	u32 i, j;

	for (i = 0; i < VMS; i++) {
		vmm[i] = vmm_create(MEMORY);
		vmm_load(vmm[i], VMM_LOAD_GPA, halt, sizeof(halt));
		for (j = 0; j < vcpus; j++) {
			vmm_long_mode(vmm_add_vcpu(vmm[i]), VMM_LOAD_GPA);
			if (vmm_run(&vmm[i]->vcpu[j]) != VMM_HALTED)
				vmm_bail("no HLT");
		}
	}
	before -= vmm_free_kb();
	for (i = 0; i < VMS; i++)
		vmm_destroy(vmm[i]);
	return before;
}

int main(int argc, char **argv)
{
	long max = argc > 1 ? strtol(argv[1], NULL, 0) : 128, one, each;
	bool ok;

	one = cost(1);			/* and only then many: slab caches keep what they got */
	each = (cost(VMM_MAX_VCPUS) - one) / (VMS * (VMM_MAX_VCPUS - 1));
	ok = each >= MIN_KIB && each <= max;
	printf("1..1\n# %ld KiB\n%s 1 - an idle vCPU takes at most %ld KiB\n", each,
	       ok ? "ok" : "not ok", max);
	return !ok;
}
