/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Door of src/mmu, the memory: slots, ept01, ept02, walks and dirty logs.
 *
 * gpa is L1-physical, ngpa L2-physical, hpa host-physical, in bytes.  Nothing here knows a VMCS or
 * an exit: a fault goes in, a verdict comes out.  Where a mapping was reduced, mmu flushes every
 * vCPU with vmx_flush_tlbs() before it returns, after mmu_lock is dropped.
 */
#ifndef NVMX_MMU_H
#define NVMX_MMU_H

#include <linux/kvm.h>
#include <nvmx/types.h>

enum mmu_verdict {
	MMU_FIXED,	/* mapped: go on */
	MMU_MMIO,	/* no memory there (or a write to a read-only slot): emulate */
	MMU_REPORT,	/* L1 is to see a violation or misconfiguration */
	MMU_RETRY,	/* raced or a signal is pending: enter again or return */
	MMU_ERROR,	/* host memory is not there: user space gets -EFAULT */
	MMU_LATER,	/* not to those who wait: the host has to fetch the page first */
};

/* A page of the VM that the host has to fetch. */
struct mmu_absent {
	unsigned long hva;
	bool write;
};

/* ---- slots.c ---- */
int mmu_vm_init(struct nvmx_vm *vm);		/* vm->mm is set; registers the notifier */
void mmu_vm_stop(struct nvmx_vm *vm);		/* first step of destruction: notifier gone */
void mmu_vm_destroy(struct nvmx_vm *vm);
int mmu_set_slot(struct nvmx_vm *vm, const struct kvm_userspace_memory_region *r);
int mmu_get_dirty_log(struct nvmx_vm *vm, const struct kvm_dirty_log *log);
int mmu_clear_dirty_log(struct nvmx_vm *vm, const struct kvm_clear_dirty_log *log);
u32 mmu_max_slots(void);

/* ---- ring.c: dirty rings ---- */
u32 mmu_ring_max_bytes(void);
int mmu_ring_enable(struct nvmx_vm *vm, u64 bytes);
int mmu_ring_create(struct nvmx_vcpu *v);
void mmu_ring_free(struct nvmx_vcpu *v);
struct page *mmu_ring_page(struct nvmx_vcpu *v, unsigned long pgoff);
bool mmu_ring_nearly_full(struct nvmx_vcpu *v);	/* back to user space */
int mmu_reset_rings(struct nvmx_vm *vm);

/*
 * L1-physical memory by copy, any length, crossing slots: of the normal space, or of the one that
 * a vCPU sees.  Context: process, may sleep; takes vm->srcu.  Return: 0, or -EFAULT (no slot,
 * read-only slot on write, host page gone); a write marks its pages dirty.
 */
int mmu_read(struct nvmx_vm *vm, u64 gpa, void *buf, u32 len);
int mmu_write(struct nvmx_vm *vm, u64 gpa, const void *buf, u32 len);
/*
 * Look at @nr words of one page again (@page is aligned): @at are their places among its 512,
 * @word is what they were.  Return: 1: @word has changed, 0: it has not, -EFAULT.
 */
int mmu_reread_words(struct nvmx_vm *vm, u64 page, const u16 *at, u64 *word, u32 nr);
int mmu_vcpu_read(struct nvmx_vcpu *v, u64 gpa, void *buf, u32 len);
int mmu_vcpu_write(struct nvmx_vcpu *v, u64 gpa, const void *buf, u32 len);
/* Any context: -EFAULT also where the host's page is not at hand. */
int mmu_write_nofault(struct nvmx_vm *vm, u64 gpa, const void *buf, u32 len);
bool mmu_gpa_backed(struct nvmx_vm *vm, u64 gpa);
/* Compare and exchange of an aligned 4- or 8-byte word: 0, -EAGAIN (differs), -EFAULT */
int mmu_cmpxchg(struct nvmx_vm *vm, u64 gpa, u32 len, u64 old, u64 new);
int mmu_vcpu_cmpxchg(struct nvmx_vcpu *v, u64 gpa, u32 len, u64 old, u64 new);
/* A page of L1 by reference: pinned for a short time only, never across an entry. */
void *mmu_map_page(struct nvmx_vm *vm, u64 gpa, bool write);	/* NULL: not memory */
void mmu_unmap_page(struct nvmx_vm *vm, void *page, u64 gpa, bool dirty);

/* ---- ept01.c, fault.c ---- */
u64 mmu_eptp01(struct nvmx_vm *vm, enum mmu_space space);	/* for the EPT-pointer field */
enum mmu_verdict mmu_fault01(struct nvmx_vcpu *v, u64 gpa, u32 access /* ACC_* */);
/* The same, but where it would wait for the host's page: MMU_LATER, and which one. */
enum mmu_verdict mmu_try_fault01(struct nvmx_vcpu *v, u64 gpa, u32 access,
				 struct mmu_absent *absent);
void mmu_fetch(const struct mmu_absent *absent);	/* current->mm is the VM's; sleeps */
/*
 * The frame behind @gpa, for hardware to read and write.  It is mapped writable in ept01, as a 4K
 * page if that is asked for, and its page is marked dirty.  The frame is good until vm->tlb_gen
 * differs from what it was before the call.  Context and result as mmu_fault01(); MMU_MMIO also
 * for a read-only slot.
 */
enum mmu_frame_size { MMU_FRAME_ANY, MMU_FRAME_4K };
enum mmu_verdict mmu_frame(struct nvmx_vcpu *v, u64 gpa, enum mmu_frame_size size, u64 *hpa);
void *mmu_frame_address(u64 hpa);	/* for the kernel; NULL: it is not the host's memory */
/*
 * A page that is not L1's, to be read and written at @gpa, where no slot is, by instructions of L1
 * on ept01.  One for each VM; it stays the caller's.  0; -EAGAIN: raced; -ENOMEM; -EBUSY: there is
 * a slot, or it was taken back, after which no processor has it mapped, ever.  Process context.
 */
int mmu_lend_page(struct nvmx_vm *vm, u64 gpa, u64 hpa);
void mmu_take_back(struct nvmx_vm *vm);
/* PML: a 4K page of gpas was logged; called with count entries */
void mmu_mark_dirty(struct nvmx_vm *vm, u64 gpa);

/* ---- walk.c: linear to physical, for x86 paging of every mode ---- */
struct mmu_paging {
	struct nvmx_vcpu *v;	/* whose space the tables are in */
	u64 cr0, cr3, cr4, efer, rflags;
	u64 pdptr[4];		/* used with PAE paging */
	u8 maxphyaddr;
	/*
	 * NULL: what the tables hold are gpas.  Otherwise (L2 with ept12) each table address and
	 * the result are ngpas and this turns them into gpas.  Return 0, or -EFAULT with
	 * f->nested*.
	 */
	int (*translate)(void *ctx, u64 ngpa, u32 access, bool is_table, u64 *gpa,
			 struct nvmx_fault *f);
	void *ctx;
};

/* 0 with *gpa (L1-physical); -EFAULT with *f: a #PF of the walk or a nested violation. Sets A/D. */
int mmu_walk_linear(const struct mmu_paging *p, u64 gva, u32 access, u64 *gpa,
		    struct nvmx_fault *f);

/* ---- ept12.c: L1's tables, in software ---- */
struct mmu_ept12 {
	struct nvmx_vm *vm;
	u64 eptp;		/* L1's EPT pointer, checked by nested/ */
	u8 maxphyaddr;		/* L1's */
	bool exec_only, ad, page_1g;	/* what L1 was offered */
};

struct mmu_ept12_leaf {
	u64 gpa;		/* of the byte asked for */
	u64 page_mask;		/* size - 1: 4K, 2M or 1G */
	u32 perm;		/* ACC_READ|ACC_WRITE|ACC_EXEC, AND over the levels */
	u8 memtype;
};

/* 0; -EFAULT with f->nested, nested_reason (EXIT_ept_violation / EXIT_ept_misconfig) and qual
 * bits 0-5 (access, permissions). The caller adds bits 7 and 8. Sets A/D bits where eptp asks.
 */
int mmu_walk_ept12(const struct mmu_ept12 *e, u64 ngpa, u32 access, struct mmu_ept12_leaf *leaf,
		   struct nvmx_fault *f);

/* ---- range.c ---- */
/* Leaves that exist, of 4K, 2M and 1G: for L1, and for all L2s */
struct mmu_pages {
	u64 ept01[3];
	u64 ept02[3];
};

void mmu_count(struct nvmx_vm *vm, struct mmu_pages *pages);

/* ---- ept02.c: ept12 over ept01, a software TLB ---- */
struct ept02;		/* one per (VM, eptp12), shared by its vCPUs, LRU-bounded */

/* The tree for this EPT pointer, found or created; NULL: no memory.  put never frees at once. */
struct ept02 *mmu_ept02_get(struct nvmx_vm *vm, const struct mmu_ept12 *e);
void mmu_ept02_put(struct nvmx_vm *vm, struct ept02 *t);
u64 mmu_ept02_eptp(const struct ept02 *t);	/* value for vmcs02's EPT-pointer field */
/* What came of a violation of ept02. */
struct mmu_result02 {
	u64 gpa;			/* MMU_MMIO: the L1-physical address */
	struct nvmx_fault f;		/* MMU_REPORT: reason and qualification for L1 */
	struct mmu_absent absent;	/* MMU_LATER */
};

enum mmu_verdict mmu_fault02(struct nvmx_vcpu *v, struct ept02 *t, u64 ngpa, u32 access, bool wait,
			     struct mmu_result02 *r);
/* INVEPT by L1: single context (eptp12) or all (all = true). Stale entries are re-validated. */
void mmu_ept02_invalidate(struct nvmx_vm *vm, u64 eptp12, bool all);

#endif
