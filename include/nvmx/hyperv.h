/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Door of src/hyperv: the interface of Microsoft's hypervisor, for guests that look for it.
 *
 * A guest finds it in CPUID if user space shows it there; MSRs and hypercalls then do what the
 * Hypervisor Top-Level Functional Specification says.  What a vCPU may use can be limited to what
 * its CPUID shows.
 *
 * "Own thread" means: process context, v->mutex held, vCPU loaded.
 */
#ifndef NVMX_HYPERV_H
#define NVMX_HYPERV_H

#include <linux/kvm.h>
#include <nvmx/types.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

#define HV_NR_LEAVES	10	/* of KVM_GET_SUPPORTED_HV_CPUID */

/* ---- life ---- */
int hv_vm_create(struct nvmx_vm *vm);		/* makes vm->hv; -ENOMEM */
void hv_vm_destroy(struct nvmx_vm *vm);		/* nobody reaches the VM any more */
int hv_vcpu_create(struct nvmx_vcpu *v);	/* makes v->hv, before the vCPU is published */
void hv_vcpu_destroy(struct nvmx_vcpu *v);	/* nobody reaches the vCPU any more */

/* ---- cpuid.c ---- */
/* @v NULL: for any vCPU with its APIC in the kernel. */
void hv_supported_cpuid(const struct nvmx_vcpu *v, struct kvm_cpuid_entry2 e[HV_NR_LEAVES]);
void hv_cpuid_changed(struct nvmx_vcpu *v);	/* own thread */
bool hv_enabled(const struct nvmx_vcpu *v);	/* CPUID shows the interface */

/* ---- capabilities of a vCPU: own thread ---- */
void hv_enforce_cpuid(struct nvmx_vcpu *v, bool on);
int hv_enable_synic(struct nvmx_vcpu *v, bool keep_pages);	/* -EINVAL: no APIC in the kernel */
u16 hv_enable_evmcs(struct nvmx_vcpu *v);	/* first and last version, in a byte each */

/* ---- evmcs.c: own thread ---- */
bool hv_evmcs_enabled(const struct nvmx_vcpu *v);	/* by user space, whatever CPUID shows */
/* True, and only if v->evmcs: L1's entries take the VMCS at *gpa, which nobody has checked. */
bool hv_enlightened_entry(const struct nvmx_vcpu *v, u64 *gpa);

/* ---- MSRs: own thread; rows of the table in src/vmx. -EINVAL is #GP ---- */
int hv_get_msr(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by);
int hv_set_msr(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by);

/* ---- hypercalls: own thread ---- */
bool hv_takes_hypercalls(const struct nvmx_vcpu *v);	/* the guest has said what it is */
enum nvmx_action hv_hypercall(struct nvmx_vcpu *v);
int hv_eventfd(struct nvmx_vm *vm, const struct kvm_hyperv_eventfd *args);	/* an ioctl */

/* ---- before an entry: own thread, may sleep ---- */
void hv_serve_clock(struct nvmx_vcpu *v);		/* REQ_CLOCK, after pv_serve_clock() */
enum nvmx_action hv_serve(struct nvmx_vcpu *v);		/* REQ_HV: timers, exits to user space */

/* ---- the synthetic interrupt controller ---- */
/* An interrupt source of the VP with this index. Context: any. > 0 accepted, 0 coalesced, or -1 */
int hv_raise_sint(struct nvmx_vm *vm, u32 vp_index, u32 sint);
/* Only if v->synic; own thread */
bool hv_auto_eoi(const struct nvmx_vcpu *v, u8 vector);	/* the guest sends no EOI for it */
void hv_eoi(struct nvmx_vcpu *v, u8 vector);		/* the service of a vector has ended */
bool hv_uses_auto_eoi(const struct nvmx_vcpu *v);	/* of any vector */
void hv_eoi_exits(const struct nvmx_vcpu *v, unsigned long *vectors);	/* hv_eoi() acts; adds */

#endif
