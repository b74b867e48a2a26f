/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files behind the exits share.
 */
#ifndef NVMX_EXIT_H
#define NVMX_EXIT_H

#include <linux/bits.h>
#include <nvmx/types.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmx.h>

/* exit_<handler>() for each handler that table 3 names. */
#define NVMX_EXIT(number, name, handler, owner, arg, valid)	\
	enum nvmx_action exit_##handler(struct nvmx_vcpu *v);
#include <nvmx/vmx_exits.h>
#undef NVMX_EXIT

/* exit.c: the usual ends of a handler */
enum nvmx_action vmx_skip(struct nvmx_vcpu *v);			/* done: next instruction */
enum nvmx_action vmx_gp(struct nvmx_vcpu *v);			/* #GP(0) */
/* A state that only a bug of nvmx can make: ends the VM. */
#define VMX_IMPOSSIBLE(v, what)	(vm_bug((v)->vm, what, __FILE__, __LINE__), NVMX_DEAD)
enum nvmx_action vmx_user_error(struct nvmx_vcpu *v, int err);	/* KVM_RUN returns err */

/* regs.c */
u64 vmx_rflags_raw(struct nvmx_vcpu *v);	/* with the TF that guest debugging has set */
u64 vmx_linear_rip(struct nvmx_vcpu *v);
void vmx_advance_rip(struct nvmx_vcpu *v, u32 len);
void vmx_insn_done(struct nvmx_vcpu *v);
bool vmx_is_pae_paging(struct nvmx_vcpu *v);
void vmx_flush_linear(struct nvmx_vcpu *v);

/* reset.c */
void vmx_update_cr_masks(struct nvmx_vcpu *v);

void vmx_init_reset(struct nvmx_vcpu *v);	/* state after INIT; vmcs01 current */

/* post.c */
void vmx_take_posted(struct nvmx_vcpu *v);
void vmx_accept_init_sipi(struct nvmx_vcpu *v);
enum nvmx_action vmx_eoi_exit(struct nvmx_vcpu *v);

/* kick.c */
void vmx_notify(struct nvmx_vcpu *v);	/* the CPU of a vCPU that is NVMX_INSIDE_POSTS */

/* apicv.c */
bool vmx_map_apic_page(struct nvmx_vcpu *v, u64 gpa);
void vmx_apicv_pass(struct nvmx_vcpu *v, void (*pass)(struct nvmx_vcpu *v, u32 msr, bool write));
void vmx_write_tpr_threshold(struct nvmx_vcpu *v);	/* vmcs01 is current */

/* vid.c */
void vmx_vid_update(struct nvmx_vcpu *v, bool virtualized);	/* are accesses to the APIC? */
void vmx_vid_pass(struct nvmx_vcpu *v, void (*pass)(struct nvmx_vcpu *v, u32 msr, bool write));
void vmx_vid_before_entry(struct nvmx_vcpu *v);			/* irq_vid(), vmcs01 is current */

/* debug.c */
#define DR6_ONES	0xffff0ff0ull	/* reserved bits, and those that are active low */
#define DR7_ONES	0x400ull
#define DR6_BD		BIT(13)	/* debug-register access detected */
#define DR7_GD		BIT(13)	/* general detect enable */
void vmx_update_dr7(struct nvmx_vcpu *v);
enum nvmx_action vmx_debug_exit(struct nvmx_vcpu *v, u8 vector, u64 dr6);
bool vmx_debug_wants_db(const struct nvmx_vcpu *v);

/* exception.c */
void vmx_deliver_payload(struct nvmx_vcpu *v);	/* of ev.exception, to CR2 or DR6 */
void vmx_queue_db(struct nvmx_vcpu *v, u64 payload);	/* DR6 bits as pending debug exceptions */
/* A fault of software, maybe one that L1 must see as an exit. */
enum nvmx_action vmx_deliver_fault(struct nvmx_vcpu *v, const struct nvmx_fault *f);

/* smm.c, undefined.c */
enum nvmx_action vmx_ud_in_smm(struct nvmx_vcpu *v);
enum nvmx_action vmx_undefined(struct nvmx_vcpu *v);

/* cpuid.c */
bool vmx_cpuid_has(const struct nvmx_vcpu *v, u32 fn, u32 reg, u32 bit);	/* index 0 */

/* time.c */
void vmx_adjust_tsc(struct nvmx_vcpu *v, u64 delta);	/* L1's TSC moves by delta */
u64 vmx_guest_tsc(struct nvmx_vcpu *v);			/* as RDTSC reads it at this level */
void vmx_time_init(struct nvmx_vcpu *v);

/* xmm.c: registers of the guest, of the vCPU that runs in this thread */
void vmx_xmm_write(unsigned int reg, const u8 val[16]);

/*
 * insn.c: one instruction in the emulator.  Begin, run emu_*(), and end with what they returned;
 * EMU_USER becomes KVM_EXIT_MMIO, and @again runs when that has been answered.
 */
struct emu_task {
	struct nvmx_vcpu *v;
	struct nvmx_fault fault;	/* found by a callback: tells more than emu->exception */
	bool has_fault;
	const struct known_access *known; /* the CPU's translation, or NULL */
	u64 rsp, rcx;			/* at the beginning */
};

void vmx_emu_begin(struct nvmx_vcpu *v, struct emu_task *t);
enum nvmx_action vmx_emu_end(struct emu_task *t, enum emu_result r,
			     enum nvmx_action (*again)(struct nvmx_vcpu *v));
/* KVM_EXIT_MMIO was answered; false: user space has moved RIP and the rest is off. */
bool vmx_emu_answered(struct nvmx_vcpu *v);

#endif
