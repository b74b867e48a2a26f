/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Door of src/api, the face, for the rooms below it.
 */
#ifndef NVMX_API_H
#define NVMX_API_H

#include <nvmx/types.h>

enum api_space { API_PIO, API_MMIO };

int api_init(void);		/* last step of module init: the node appears */
void api_exit(void);		/* first step of module exit */

/*
 * A guest write that nobody in user space must see at once: an ioeventfd that matches is signalled,
 * a coalesced zone takes it into the ring.  true: finished.  Context: process; takes vm->srcu.
 */
bool api_bus_write(struct nvmx_vcpu *v, enum api_space space, u64 addr, u32 len, const void *data);

/*
 * KVM_X86_SET_MSR_FILTER: may the guest access this MSR in the kernel?  After a change each vCPU
 * has REQ_MSR_BITMAP.  Context: any that may take vm->srcu.
 */
bool api_msr_allowed(struct nvmx_vm *vm, u32 msr, bool write);

#endif
