/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two objects every room meets: the VM and the vCPU.
 */
#ifndef NVMX_VCPU_H
#define NVMX_VCPU_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/kref.h>
#include <linux/kvm.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/signal_types.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/swait.h>
#include <linux/types.h>
#include <asm/barrier.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#include <nvmx/emulate.h>
#include <nvmx/fields.h>
#include <nvmx/types.h>

#define NVMX_MAX_VCPUS		64
#define NVMX_MAX_CPUID		128
#define NVMX_MCE_BANKS		32
#define VMX_NO_END		U64_MAX

struct mmu;
struct api_bus;
struct msr_filter;
struct irq_vm;
struct hv_vm;
struct hv_vcpu;
struct lapic;
struct nvmx_pi;

/* What one exit said. Filled by vmx/run, constant for everybody else. */
struct exit_info {
	u32 reason;		/* enum vmx_exit_reason, maybe | EXIT_ENTRY_FAILURE */
	u32 valid;		/* EXIT_VALID_* */
	u32 insn_len;		/* bytes */
	u32 insn_info;
	u32 intr_info;
	u32 intr_error;
	u32 idt_info;
	u32 idt_error;
	u64 qual;
	u64 gpa;		/* guest-physical: ngpa in L2 */
	u64 gla;		/* guest-linear */
	u32 vm_error;		/* VM-instruction error of an entry that VMfailed, else 0 */
};

#define EXIT_VALID_Q	BIT(0)
#define EXIT_VALID_L	BIT(1)
#define EXIT_VALID_I	BIT(2)
#define EXIT_VALID_V	BIT(3)
#define EXIT_VALID_G	BIT(4)
#define EXIT_VALID_A	BIT(5)
#define EXIT_VALID_E	BIT(6)

/* Registers that live in the VMCS and are read on first use: bits of regs_avail, regs_dirty. */
enum nvmx_lazy_reg {
	LAZY_RIP = 1 << 0,
	LAZY_RSP = 1 << 1,
	LAZY_RFLAGS = 1 << 2,
	LAZY_CR0 = 1 << 3,
	LAZY_CR3 = 1 << 4,
	LAZY_CR4 = 1 << 5,
};

/*
 * One event waits in each class.  "pending" has not been tried yet (L1 may still intercept it);
 * "injected" was written to the VMCS or was interrupted during delivery, and must be delivered.
 */
struct nvmx_events {
	struct {
		bool pending;
		bool injected;
		u8 vector;
		bool has_code;
		u32 code;
		bool has_payload;
		u64 payload;	/* CR2, or DR6 bits */
		bool soft;	/* INT3, INTO, INT1: needs insn_len */
		u8 insn_len;
	} exception;
	struct {
		bool pending;	/* KVM_INTERRUPT, not tried yet */
		bool injected;
		bool soft;	/* injected: INT n, needs insn_len */
		u8 waiting;	/* vector of the pending one */
		u8 vector;	/* vector of the injected one */
		u8 insn_len;
	} irq;
	struct {
		u8 pending;	/* 0..2 */
		bool injected;
	} nmi;
	bool triple_fault;
	bool init, sipi;	/* arrived, not taken yet */
	bool nmi_window;	/* window exits asked for */
	bool irq_window;
	bool user_irq_window;	/* run->request_interrupt_window */
	bool immediate_exit;	/* the next entry is to end before its first instruction */
	bool written;		/* the VM-entry interruption field of v->cur holds one of these */
};

/* bits of nvmx_vcpu.requests: work before the next entry */
enum nvmx_request {
	REQ_TLB_FLUSH,		/* INVEPT and INVVPID for this vCPU's tags */
	REQ_EVENT,		/* look at nvmx_events again */
	REQ_NESTED_PAGES,	/* L1 pages that vmcs02 needs are to be looked up */
	REQ_DEAD,
	REQ_EPT01,		/* vmcs01's EPT pointer changed */
	REQ_MSR_BITMAP,		/* the MSR filter changed: vmx_update_msr_bitmap() */
	REQ_NMI,		/* v->posted_nmis says how many; vmx_post_nmi() */
	REQ_SMI,		/* vmx_post_smi() */
	REQ_INIT,		/* vmx_post_init() */
	REQ_SIPI,		/* v->sipi_vector; vmx_post_sipi() */
	REQ_EOI_EXIT,		/* split: irq_take_eoi_exit() */
	REQ_CLOCK,		/* kvmclock: write the vCPU's time page again */
	REQ_STEAL,		/* steal time: was scheduled out */
	REQ_DIRTY_RING,		/* it is nearly full */
	REQ_HV,			/* Hyper-V: hv_serve() */
	REQ_APF,		/* pv_serve_apf() */
	REQ_EVMCS,		/* nested_serve_evmcs(); of the vCPU's own thread */
	REQ_EOI_EXITS,		/* other EOIs are listened to: vmx/vid.c */
};

/* What ends a stay in the guest, or makes an end of it unnecessary. */
enum nvmx_in_guest {
	NVMX_OUTSIDE,
	NVMX_INSIDE,		/* an IPI ends it */
	NVMX_INSIDE_POSTS,	/* and a notification has the CPU look at v->pi */
};

struct nvmx_vcpu_stat {
#define NVMX_VCPU_STAT(name, kind) u64 name;
#include <nvmx/stats.h>
#undef NVMX_VCPU_STAT
};

struct nvmx_cpuid {
	u32 nent;
	struct kvm_cpuid_entry2 e[NVMX_MAX_CPUID];
	/* derived when set */
	u8 maxphyaddr;
	u64 cr4_valid;		/* CR4 bits the guest may set */
	u64 xcr0_valid;
	u64 xss_valid;
	u64 efer_valid;
	bool vmx;
	u32 pv_features;	/* KVM's, KVM_CPUID_FEATURES */
	u64 sized_xcr0, sized_xss;	/* for which leaf 0xd tells the sizes now */
};

/*
 * Locking: [m] vcpu mutex  [I] constant after creation  [c] this CPU, preemption off
 *          [i] irqs off  [a] atomic
 * Set up:  (c) at creation  (x) at each exit  (o) at VMXON
 */
struct nvmx_vcpu {
	struct nvmx_vm *vm;			/* [I] (c) */
	u32 id;					/* [I] (c) user's number: APIC id */
	u32 idx;				/* [I] (c) place in vm->vcpus */
	struct mutex mutex;			/* one ioctl at a time */
	struct task_struct *user;		/* who holds the mutex; for comparing only */
	struct kvm_run *run;			/* [I] (c) shared page, user writes it: READ_ONCE */
	void *pio_data;				/* [I] (c) second page of the mapping */

	struct dirty_ring *dirty_ring;		/* [I] (c) opaque, owned by src/mmu; or NULL */

	/* the VMCS: owned by src/vmx */
	struct vmcs *vmcs01;			/* [I] (c) */
	struct vmcs *cur;			/* [m] (c) vmcs01 or a vmcs02 */
	struct nested_vcpu *nested;		/* [m] (c) opaque, owned by src/nested */
	unsigned long *msr_bitmap;		/* [m] (c) vmcs01's, one page */
	u16 vpid;				/* [I] (c) vpid01, 0 where there is none */
	int cpu;				/* [c] where loaded, -1 if not */
	int last_cpu;				/* [c] where it ran last, for tag flushes */
	u64 serial;				/* [I] (c) no two vCPUs have the same, ever */
	struct preempt_notifier pn;		/* [m] (c) */
	u32 loaded;				/* [m] depth of vmx_load() */
	struct {				/* src/vmx/host.c: user mode's, of this thread */
		u64 fs_base, gs_base, kernel_gs_base;
		u16 fs_sel, gs_sel, ds_sel, es_sel, ldt_sel;
		bool away;		/* [c] the guest's are loaded; put back for user mode */
	} host;

	/* what the guest has: of the current level */
	u64 gpr[NR_GPRS];			/* [m] (x) RSP only when LAZY_RSP is available */
	u64 rip;				/* [m] lazy */
	u64 rflags;				/* [m] lazy */
	u64 cr0, cr3, cr4;			/* [m] lazy, as this level's hypervisor sees them */
	u64 cr2, cr8;				/* [m] cr2 (x) */
	u64 efer;				/* [m] */
	u64 pdptr[4];				/* [m] of L1, when PAE paging is on */
	u64 cr0_owned, cr4_owned;		/* [m] bits the guest may change without an exit */
	u32 regs_avail, regs_dirty;		/* [m] enum nvmx_lazy_reg */
	u64 dr[4], dr6, dr7;			/* [m] */
	u64 xcr0, xss;				/* [m] */
	struct fpu_guest fpu;			/* [m] (c) */
	u64 apic_base;				/* [m] */
	struct lapic *lapic;			/* [I] (c) opaque, owned by src/irq; NULL: user's */
	struct hv_vcpu *hv;			/* [I] (c) opaque, owned by src/hyperv */
	bool synic;				/* [m] hv_auto_eoi() and hv_eoi() are to be asked */
	bool evmcs;				/* [m] hv_enlightened_entry() is to be asked */
	bool irq_hint;				/* [a] irq_waits() is worth asking */
	u8 tpr_threshold;			/* [m] the class that waits for the TPR */
	u8 tpr_threshold01;			/* [m] what vmcs01 holds of it */
	struct nvmx_pi *pi;			/* [I] (c) owned by src/irq; NULL: nobody posts */
	bool vid;				/* [m] the CPU delivers L1's interrupts */
	bool vid_stale;				/* [m] IRR or ISR have changed: tell it */
	bool eoi_exits_stale;			/* [m] irq_eoi_exits() has another answer */
	bool vapic;				/* [m] irq_vapic_*() have something to do */
	u64 timer_due;				/* [a] not 0: irq_wait_timer() before the entry */
	atomic_t posted_nmis;			/* [a] with REQ_NMI */
	u8 sipi_vector;				/* [a] with REQ_SIPI */

	/* MSRs that the CPU holds while the vCPU is loaded */
	u64 kernel_gs_base, star, lstar, cstar, sfmask, tsc_aux;	/* [m] */
	bool user_msrs_loaded;			/* [c] hardware has star, lstar, sfmask, tsc_aux */
	u64 spec_ctrl;				/* [m] */
	bool spec_ctrl_passthrough;		/* [m] the guest writes it without exits */
	u32 pkru, host_pkru;			/* [m] */
	bool l1d_flush;				/* [c] due before the next entry, for L1TF */
	/* MSRs kept in memory only */
	u64 feature_control;			/* [m] */
	u64 misc_enable, arch_capabilities, platform_info, ucode_rev, pat;
	u64 mtrr_def, mtrr_fixed[11], mtrr_var[16];
	u64 mcg_cap, mcg_status, mcg_ctl, mcg_ext_ctl;
	u64 mc_bank[4 * NVMX_MCE_BANKS];
	u64 mc_ctl2[NVMX_MCE_BANKS];
	u64 smi_count, smbase;
	u64 misc_features, power_ctl;		/* power_ctl: kept, without effect */

	/* time */
	u64 tsc_offset;				/* [m] L1's, added after scaling */
	u64 tsc_ratio;				/* [m] L1's multiplier, 48 fraction bits; 0: none */
	u64 tsc_lost;				/* [m] by sleeps of the host, made up for */
	u64 tsc_adjust;
	u32 tsc_khz;
	/* Ends of timers by the host's TSC; VMX_NO_END: not for hardware to watch. See stay.c */
	struct {
		u64 apic;			/* [m] L1's APIC timer */
		u64 l1;				/* [m] L1's VMX-preemption timer, for L2 */
	} timer_end;

	/* system-management mode: owned by src/vmx/smm.c */
	struct {
		bool active;			/* [m] (c) memory is MMU_SMM's; see vmx_set_smm() */
		bool used;			/* [m] (c) it was active once */
		bool pending;			/* [m] an SMI waits */
		bool halted;			/* [m] it has ended a HLT */
		bool inside_nmi;		/* [m] NMIs were blocked when it was taken */
	} smm;

	struct {				/* src/pv: what the guest asks of KVM */
		bool enforce;			/* [m] only what CPUID shows */
		bool stopped;			/* [m] PVCLOCK_GUEST_STOPPED is to be told */
		bool between;			/* [m] schedule() finds it between instructions */
		bool preempted;			/* [m] the guest was told so */
		bool kicked;			/* [a] out of its next HLT, with REQ_EVENT */
		u64 system_time;		/* [m] MSR: page of the clock, bit 0: enabled */
		u64 steal_time;			/* [m] MSR: page, bit 0: enabled */
		u64 eoi;			/* [m] MSR: byte, bit 0: enabled */
		u64 poll_control;		/* [m] MSR; bit 0: a halted vCPU may poll */
		u64 last_delay;			/* [m] of steal_thread, when it was added last */
		pid_t steal_thread;		/* [m] */
		struct pid __rcu *thread;	/* [m] who ran it last */
		struct {
			u64 msr;		/* [m] MSR: 64 bytes, flags */
			u8 vector;		/* [m] MSR */
			bool wake_all;		/* [m] the guest is to retry all it waits for */
			u32 seq;		/* [m] of the next token */
			u32 nr;			/* [m] how long jobs is */
			struct list_head jobs;	/* [m] */
		} apf;
	} pv;

	/* events */
	struct nvmx_events ev;			/* [m] */
	atomic_long_t requests;			/* [a] 1 << enum nvmx_request */
	atomic_t in_guest;			/* [a] enum nvmx_in_guest; see vmx/kick.c */
	u64 tlb_gen;				/* [m] the generation this vCPU has flushed for */
	struct {
		bool used;			/* v->cur names frames of L1's memory ... */
		u64 gen;			/* ... good for this generation: nested/pages.c */
	} frames;				/* [m] */
	struct swait_queue_head wait;		/* halted */
	u32 mp_state;				/* [m] KVM_MP_STATE_* */
	u32 halt_poll_ns;			/* [m] how long polling pays: vmx/halt.c */

	/* exits */
	struct exit_info exit;			/* [m] (x) */
	/*
	 * What KVM_RUN does first after an exit to user space was answered; cleared before it
	 * is called.  Returns what the loop does next.
	 */
	enum nvmx_action (*complete)(struct nvmx_vcpu *v);
	int run_errno;				/* [m] not 0 with NVMX_USER: KVM_RUN returns it */
	struct emu emu;				/* [m] instruction in emulation: emulate.h */
	struct emu_log emu_log;			/* [m] what it has done so far */
	struct known_access {
		u64 lin, gpa;
		u32 access;		/* ACC_READ or ACC_WRITE; 0: nothing is known */
	} emu_known;				/* [m] the memory operand, as the exit said */
	struct emu_pio emu_pio;			/* [m] the batch of string port I/O in flight */
	struct {
		u32 msr;
		u8 insn_len;
	} user_msr;				/* [m] X86_RDMSR/WRMSR exit in flight */
	struct {
		u16 port;
		u8 size;
		bool in;
		bool string;
		u32 count;
		u8 insn_len;
		u64 rip;
	} pio;					/* [m] port I/O exit in flight */

	/* configuration */
	struct nvmx_cpuid *cpuid;		/* [m] never NULL */
	u32 guest_debug;			/* [m] KVM_GUESTDBG_* */
	u64 guest_debug_dr[4], guest_debug_dr7;
	sigset_t sigset;			/* [m] */
	bool sigset_active;
	bool has_run;				/* [m] KVM_RUN was called: CPUID is frozen */

	struct nvmx_vcpu_stat stat;		/* [m] written by its own thread */
	struct dentry *debugfs;
};

struct nvmx_vm {
	struct kref kref;
	struct mm_struct *mm;			/* [I] */
	bool dead;				/* bugged: every ioctl returns -EIO */
	struct mutex lock;			/* vCPU creation, capabilities, irq config */
	struct nvmx_vcpu *vcpus[NVMX_MAX_VCPUS];/* published with smp_store_release */
	atomic_t nr_vcpus;
	struct srcu_struct srcu;		/* readers of slots, buses, filters */
	struct mmu *mmu;			/* [I] opaque, owned by src/mmu */
	struct api_bus *bus;			/* [I] opaque, owned by src/api */
	struct irq_vm *irq;			/* [I] opaque, owned by src/irq */
	struct hv_vm *hv;			/* [I] opaque, owned by src/hyperv */
	u8 irq_mode;				/* enum irq_mode; vm->lock, constant after a vCPU */
	u32 bsp_id;				/* KVM_SET_BOOT_CPU_ID; vm->lock, the same */
	struct msr_filter __rcu *msr_filter;	/* srcu; owned by src/api */
	atomic64_t tlb_gen;			/* bumped when a mapping was reduced */
	u64 user_msr_mask;			/* KVM_MSR_EXIT_REASON_* */
	bool halt_poll_set;			/* KVM_CAP_HALT_POLL was used */
	u32 halt_poll_ns;
	bool exception_payload;
	bool triple_fault_event;
	bool hide_platform_info;		/* the guest may not read MSR_PLATFORM_INFO */
	bool manual_dirty_protect;
	u32 manual_dirty_flags;
	u32 dirty_ring_bytes;			/* of each vCPU; 0: none. Constant after a vCPU */
	u64 disabled_quirks;
	u32 max_vcpu_id;
	u32 default_tsc_khz;
	unsigned long apic_page;		/* (c) vmx/apicv.c: found at the APIC's address */
	u64 tss_addr, identity_map_addr;
	struct {				/* src/pv: the VM's clock; see clock.c there */
		spinlock_t lock;
		bool by_tsc;			/* there is a line */
		bool tsc_matched;		/* all vCPUs' TSCs read the same */
		u32 epoch;
		u64 base_tsc, base_ns;		/* the line: host's TSC, and the clock then */
		u64 offset;			/* of the clock to the host's boot time */
		u64 wall_clock;			/* MSR, which is the VM's */
	} pv;
	raw_spinlock_t tsc_lock;
	u64 last_tsc_write, last_tsc_ns, cur_tsc_offset; /* KVM's matching of TSC writes */
	u64 tsc_lost;				/* in cur_tsc_offset */
	struct dentry *debugfs;
	u32 debug_id;
	pid_t pid;				/* [I] who created it, for names only */
	unsigned long nr_mmu_pages;		/* KVM_SET_NR_MMU_PAGES, advice; 0: none */
};

/* NULL where there is none (yet). */
static inline struct nvmx_vcpu *vm_vcpu(const struct nvmx_vm *vm, u32 idx)
{
	return smp_load_acquire(&vm->vcpus[idx]);	/* pairs with publish() of src/api/vcpu.c */
}

/* They come in order and go all together: the first that is not there is the end. */
static inline struct nvmx_vcpu *vm_vcpu_or_end(const struct nvmx_vm *vm, u32 idx)
{
	return idx < NVMX_MAX_VCPUS ? vm_vcpu(vm, idx) : NULL;
}

#define vm_for_each_vcpu(vm, v, idx) \
	for ((idx) = 0; ((v) = vm_vcpu_or_end(vm, idx)); (idx)++)

/* The address space that the vCPU's instructions see now. */
static inline enum mmu_space vcpu_space(const struct nvmx_vcpu *v)
{
	return v->smm.active ? MMU_SMM : MMU_NORMAL;
}

static inline void vcpu_request(struct nvmx_vcpu *v, enum nvmx_request r)
{
	atomic_long_or(1L << r, &v->requests);
}

static inline bool vcpu_take_request(struct nvmx_vcpu *v, enum nvmx_request r)
{
	if (!(atomic_long_read(&v->requests) & (1L << r)))
		return false;
	atomic_long_andnot(1L << r, &v->requests);
	/* Pairs with the locked OR of vcpu_request(): what was written before it is seen. */
	smp_mb__after_atomic();
	return true;
}

/* An impossible state ends that VM, never the host. */
void vm_bug(struct nvmx_vm *vm, const char *what, const char *file, int line);

#define NVMX_BUG_ON(cond, vm) ({					\
	bool bugged__ = !!(cond);					\
	if (unlikely(bugged__))						\
		vm_bug(vm, #cond, __FILE__, __LINE__);			\
	bugged__;							\
})

#endif
