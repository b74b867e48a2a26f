/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Door of src/pv: what a guest that knows it is one asks of KVM.
 *
 * The guest names places in its memory by MSRs (its clock, its stolen time) and asks by
 * hypercalls.  Each place belongs to one vCPU, and only the thread of that vCPU writes it, before
 * an entry: whoever changes what a place should say sets a request.
 *
 * "Own thread" means: process context, v->mutex held, vCPU loaded.
 */
#ifndef NVMX_PV_H
#define NVMX_PV_H

#include <linux/kvm.h>
#include <nvmx/types.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

/* ---- life ---- */
void pv_vm_init(struct nvmx_vm *vm);	/* the VM's clock starts at 0; before anybody has the VM */
int pv_init(void);			/* of the module; -ENOMEM */
void pv_exit(void);			/* may sleep for long: see apf.c */
void pv_vcpu_init(struct nvmx_vcpu *v);
void pv_vcpu_destroy(struct nvmx_vcpu *v);	/* nobody reaches the vCPU any more */
void pv_run_begins(struct nvmx_vcpu *v);	/* own thread; may sleep */
void pv_host_resumed(void);		/* the host's TSC may have jumped: all clocks start anew */
void pv_arrive(struct nvmx_vcpu *v);	/* preemption off: the vCPU came to a CPU */
void pv_depart(struct nvmx_vcpu *v);	/* irqs off, in the scheduler: its thread is switched out */

/* ---- features ---- */
u32 pv_supported_features(void);	/* EAX of leaf KVM_CPUID_FEATURES */
u32 pv_features_of(const struct nvmx_cpuid *c);	/* what user space shows, wherever the leaf is */
void pv_enforce(struct nvmx_vcpu *v, bool on);	/* KVM_CAP_ENFORCE_PV_FEATURE_CPUID; own thread */

/* ---- MSRs of KVM's: own thread; rows of the table in src/vmx ---- */
/* 0, -EINVAL (#GP) or -ENOENT (CPUID does not show it, and that is enforced) */
int pv_get_msr(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by);
int pv_set_msr(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by);

/* ---- clock.c ---- */
void pv_serve_clock(struct nvmx_vcpu *v);	/* REQ_CLOCK; own thread, may sleep */
void pv_tsc_changed(struct nvmx_vcpu *v);	/* TSC jumped or changed its rate; may sleep */
int pv_guest_stopped(struct nvmx_vcpu *v);	/* -EINVAL: no clock; own thread */
/* The line: L0's TSC, and the clock then. false: none, or not for all vCPUs. Process context */
bool pv_clock_line(struct nvmx_vm *vm, u64 *tsc, u64 *ns);
void pv_get_clock(struct nvmx_vm *vm, struct kvm_clock_data *data);	/* process context */
int pv_set_clock(struct nvmx_vm *vm, const struct kvm_clock_data *data);

/* ---- steal.c ---- */
void pv_serve_steal(struct nvmx_vcpu *v);	/* REQ_STEAL, before REQ_TLB_FLUSH; own thread */

/* ---- apf.c: asynchronous page faults; own thread ---- */
struct mmu_absent;
bool pv_apf_ready(struct nvmx_vcpu *v);	/* the guest could be told now of a page that is absent */
/* true: a #PF is to tell it of the token, in L2 as an exit to L1 */
bool pv_apf_begin(struct nvmx_vcpu *v, const struct mmu_absent *a, u32 *token);
void pv_apf_reset(struct nvmx_vcpu *v);
void pv_serve_apf(struct nvmx_vcpu *v);	/* REQ_APF; may sleep */

/* ---- thread.c ---- */
void pv_yield_to_any(struct nvmx_vcpu *v);	/* to a vCPU that waits for a CPU; own thread */

/* ---- hypercall.c ---- */
void pv_hypercall(struct nvmx_vcpu *v);		/* VMCALL: RAX is answered; own thread */
bool pv_take_kick(struct nvmx_vcpu *v);		/* KVM_HC_KICK_CPU: HLT ends; own thread */

#define PV_CLOCK_FLAGS	(KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC)

#endif
