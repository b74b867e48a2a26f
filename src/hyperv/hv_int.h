/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of src/hyperv share.
 *
 * Locking: [m] vcpu mutex  [h] hv_vm.lock  [a] any context  [I] constant after creation
 *          [t] the timer is cancelled, or its callback
 */
#ifndef NVMX_HV_INT_H
#define NVMX_HV_INT_H

#include <linux/bitmap.h>
#include <linux/hrtimer.h>
#include <linux/idr.h>
#include <linux/kvm.h>
#include <linux/mutex.h>
#include <nvmx/hyperv.h>

#include "tlfs.h"

/* The reference TSC page.  It is used, by guest and host, while it says what the clock says. */
struct hv_tsc_page {
	u64 msr;			/* [h] */
	bool guest_wrote;		/* [h] since the page was filled last */
	bool filled;			/* [h] */
	struct tlfs_tsc_page data;	/* [h] what is there */
};

struct hv_debugger {			/* [h] all of it belongs to user space */
	u64 control, status, send, recv, pending, options;
};

struct hv_vm {
	struct mutex lock;		/* of all that is [h]; sleeps */
	u64 guest_os_id;		/* [h], read without */
	u64 hypercall;			/* [h] MSR: page, enabled */
	struct hv_tsc_page tsc;
	u64 crash[TLFS_NR_CRASH_PARAMS];	/* [h] */
	u64 crash_ctl;			/* [h] */
	u64 reenlightenment, emulation_control, emulation_status;	/* [h] */
	struct hv_debugger debugger;
	struct idr events;		/* [h] connection id: eventfd */
};

struct hv_stimer {
	struct nvmx_vcpu *v;		/* [I] */
	u32 index;			/* [I] */
	struct hrtimer hr;
	u64 config, count;		/* [m] */
	u64 expires;			/* [m] reference time; 0: not started */
	bool undelivered;		/* [m] the message slot was full */
};

/* Bits of hv_vcpu.work, with REQ_HV. The first ones are the timers. */
enum {
	WORK_EXIT = TLFS_NR_STIMERS,	/* ->exit is to be told to user space */
	WORK_CRASH,
	WORK_RESET,
};

#define HV_NR_VECTORS	256

struct hv_vcpu {
	struct nvmx_vcpu *v;		/* [I] */
	struct {			/* [m] of CPUID */
		bool on;
		u32 features_eax, features_ebx, features_edx;
		u32 advice_eax, advice_ebx;
		u32 debug_eax;
	} cpuid;
	bool enforce;			/* [m] */
	u32 vp_index;			/* [m], read by others */
	u64 runtime_offset;		/* [m] */
	u64 vp_assist;			/* [m] MSR */
	bool evmcs;			/* [m] user space has enabled the enlightened VMCS */
	struct {
		bool active;		/* [m], read by others */
		bool keep_pages;	/* [m] pages are not cleared when they are named */
		u64 control, version, event_page, message_page;	/* [m] MSRs */
		u64 sint[TLFS_NR_SINTS];	/* [m], read by others */
		DECLARE_BITMAP(vectors, HV_NR_VECTORS);	/* [m] of sources that are not masked */
		DECLARE_BITMAP(auto_eoi, HV_NR_VECTORS);	/* [m] */
	} synic;
	struct hv_stimer stimer[TLFS_NR_STIMERS];
	unsigned long work;		/* [a] */
	struct kvm_hyperv_exit exit;	/* [m] */
	u64 call_rip;			/* [m] of the hypercall that user space carries out */
};

/* hyperv.c */
void hv_request(struct nvmx_vcpu *v, u32 work);		/* any context; does not kick */
struct nvmx_vcpu *hv_find_vp(struct nvmx_vm *vm, u32 vp_index);

/* time.c: in units of 100 ns; @v gives the TSC */
u64 hv_reference_time(struct nvmx_vcpu *v);
u64 hv_read_reference_time(struct nvmx_vcpu *v);	/* hv_vm.lock is held */
void hv_set_tsc_page(struct nvmx_vcpu *v, u64 val, enum msr_by by);	/* the same */

/* synic.c */
void hv_synic_init(struct hv_vcpu *hv);
int hv_get_synic(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by);
int hv_set_synic(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by);
/* 0; -EAGAIN: the slot is full, and the guest will say when not; -errno: there is no slot */
int hv_post_timer(struct nvmx_vcpu *v, u32 sint, const struct tlfs_timer_message *m, bool retry);

/* stimer.c */
void hv_stimer_init(struct nvmx_vcpu *v);
void hv_stimer_stop(struct nvmx_vcpu *v);
void hv_stimer_expire(struct nvmx_vcpu *v, u32 index);	/* it may have; or was just enabled */
void hv_stimer_slot_free(struct nvmx_vcpu *v, u32 sint);
int hv_get_stimer(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by);
int hv_set_stimer(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by);

/* debugger.c: hv_vm.lock is held */
int hv_get_debugger(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by);
int hv_set_debugger(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by);
bool hv_debugger_allowed(const struct nvmx_vcpu *v);

/* evmcs.c: what CPUID says of it */
void hv_update_evmcs(struct nvmx_vcpu *v);
u16 hv_evmcs_versions(const struct nvmx_vcpu *v);	/* @v as in hv_supported_cpuid() */

/* vp_set.c, hypercall.c */
struct hv_call {
	u64 control, in, out;		/* as the guest gave them */
	u16 code;
	u32 var, reps, first_rep;
	bool fast, wide;
	u64 xmm[2 * TLFS_NR_XMM];	/* of fast calls that use them */
};

u64 hv_flush(struct nvmx_vcpu *v, struct hv_call *c);
u64 hv_flush_ex(struct nvmx_vcpu *v, struct hv_call *c);
u64 hv_send_ipi(struct nvmx_vcpu *v, struct hv_call *c);
u64 hv_send_ipi_ex(struct nvmx_vcpu *v, struct hv_call *c);

/* eventfd.c */
u64 hv_signal_event(struct nvmx_vcpu *v, struct hv_call *c);

#endif
