/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of src/api share beside the rows of ioctl.h.
 */
#ifndef NVMX_API_FACE_H
#define NVMX_API_FACE_H

#include <linux/mm_types.h>
#include <nvmx/vcpu.h>

/* APIC ids are eight bits wide while the APIC is user space's. */
#define API_MAX_VCPU_IDS	256

/* The vCPU's mapping: kvm_run, port data, coalesced ring. */
#define API_VCPU_PAGES		3

/* vm.c: each file of a VM, a vCPU or its counters holds one reference */
void vm_get(struct nvmx_vm *vm);
void vm_put(struct nvmx_vm *vm);

/* vcpu.c: frees all vCPUs of a VM that nobody can reach any more */
void vcpus_destroy(struct nvmx_vm *vm);

/* bus.c */
int bus_create(struct nvmx_vm *vm);
void bus_destroy(struct nvmx_vm *vm);
struct page *bus_ring_page(struct nvmx_vm *vm);

/* msr_filter.c */
void msr_filter_destroy(struct nvmx_vm *vm);

/* Between two entries into the run page: sregs.c, regs.c and events.c with a kernel copy */
int sregs_set(struct nvmx_vcpu *v, const struct kvm_sregs *s);
void sregs_get(struct nvmx_vcpu *v, struct kvm_sregs *s);
void regs_get(struct nvmx_vcpu *v, struct kvm_regs *r);
void regs_set(struct nvmx_vcpu *v, const struct kvm_regs *r);
int events_set(struct nvmx_vcpu *v, const struct kvm_vcpu_events *e);
void events_get(struct nvmx_vcpu *v, struct kvm_vcpu_events *e);
/* The one interrupt that the ABI can name: in delivery, or waiting. false: none */
bool events_irq(const struct nvmx_vcpu *v, u8 *vector);

/* stats.c: the counters of a VM; those of a vCPU are the first of them */
u32 stats_nr_vm(void);
const char *stats_name(u32 index);
void stats_vm_read(struct nvmx_vm *vm, u64 *value);	/* stats_nr_vm() of them */

/* debugfs.c: nothing depends on it, so nothing is returned */
void debugfs_start(void);
void debugfs_stop(void);
void debugfs_add_vm(struct nvmx_vm *vm);
void debugfs_remove_vm(struct nvmx_vm *vm);
void debugfs_add_vcpu(struct nvmx_vcpu *v);

#endif
