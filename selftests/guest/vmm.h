/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A one-page VMM for tests: one memory slot from address 0, flat payloads, no devices.
 *
 * The payload starts at VMM_LOAD_GPA in 64-bit mode, CPL 0, IF=0, with the first 4 GiB
 * identity-mapped in 2 MiB pages, RDI = vCPU index, RSI = bytes of memory, and speaks by ports:
 *
 *	OUT VMM_PORT_CONSOLE, AL	one character for standard output (TAP lines, for example)
 *	OUT VMM_PORT_RESULT, AL		one result, kept in vmm->result[]; 0 is a pass
 *	OUT VMM_PORT_EXIT, AL		the end of this vCPU's run; AL is what vmm_run() returns
 *
 * A payload must not spin with IF=0: HLT, or exit.  An error in the setup ends the program with
 * "Bail out!".  Only libc and <linux/kvm.h> are used.
 */
#ifndef VMM_H
#define VMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <linux/kvm.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define BIT_ULL(n)	(1ull << (n))

#define VMM_LOAD_GPA		0x100000ull
#define VMM_PORT_CONSOLE	0xe9
#define VMM_PORT_RESULT		0x500
#define VMM_PORT_EXIT		0x501

/* Below 1 MiB; the rest is the payload's. */
#define VMM_PML4		0x1000ull	/* 6 pages of tables follow */
#define VMM_GDT			0x8000ull
#define VMM_TSS			0x8100ull
#define VMM_STACK_TOP		0x90000ull	/* of vCPU 0; each further one 16 KiB below */

#define VMM_CODE64		0x08
#define VMM_DATA		0x10
#define VMM_CODE32		0x18
#define VMM_TR			0x20

#define VMM_MAX_VCPUS		16
#define VMM_MAX_RESULTS		256
#define VMM_MAX_CPUID		100

/* What vmm_run() returns when the payload did not end it. */
#define VMM_UNEXPECTED		(-1)	/* vmm_why() says what came instead */
#define VMM_SIGNAL		(-2)	/* a signal, or immediate_exit */
#define VMM_HALTED		(-3)	/* HLT */

struct vmm;

struct vmm_vcpu {
	struct vmm *vmm;
	int fd;
	u32 index;
	struct kvm_run *run;
	size_t run_size;
};

struct vmm {
	int dev;
	int fd;
	u8 *mem;			/* gpa 0 */
	size_t mem_size;
	bool irqchip;
	bool evmcs;
	u32 nr_vcpus;
	struct vmm_vcpu vcpu[VMM_MAX_VCPUS];
	u8 result[VMM_MAX_RESULTS];
	u32 nr_results;
	bool comment;			/* the payload's lines are comments, not results */
	/*
	 * Exits that are not the protocol's, if set: true means handled, enter again.  For a
	 * payload's IN the data is at (u8 *)run + run->io.data_offset.
	 */
	bool (*exit)(struct vmm_vcpu *v, void *ctx);
	void *ctx;
	char why[200];
};

const char *vmm_device(void);		/* $NVMX_DEV, or vmm_set_device(), or /dev/nvmx */
void vmm_set_device(const char *path);
int vmm_open(void);			/* the device; bails out when it cannot */
int vmm_open_quiet(void);		/* -1 with errno */
int vmm_check(int fd, long cap);	/* KVM_CHECK_EXTENSION on a device or VM */
noreturn void vmm_bail(const char *what);

/*
 * A VM without memory is mem_size 0.  vCPUs get the CPUID that the device supports; x2APIC and
 * the TSC deadline only after vmm_irqchip(), which comes before the first vCPU; as does
 * vmm_evmcs(): Hyper-V's leaves instead of KVM's, with the enlightened VMCS.
 */
struct vmm *vmm_create(size_t mem_size);
void vmm_evmcs(struct vmm *vmm);
void vmm_irqchip(struct vmm *vmm);	/* all interrupt controllers in the kernel */
struct vmm_vcpu *vmm_add_vcpu(struct vmm *vmm);
void vmm_destroy(struct vmm *vmm);
void vmm_set_slot(struct vmm *vmm, u32 slot, u32 flags, u64 gpa, size_t size,
		  void *host);

/* Put a payload at VMM_LOAD_GPA (or elsewhere); vmm_load_file() bails out when it cannot. */
void vmm_load(struct vmm *vmm, u64 gpa, const void *image, size_t size);
void vmm_load_file(struct vmm *vmm, const char *path);

/* The state of a vCPU before its first instruction. */
void vmm_long_mode(struct vmm_vcpu *v, u64 rip);
void vmm_real_mode(struct vmm_vcpu *v, u16 segment, u16 ip);

int vmm_run(struct vmm_vcpu *v);	/* 0..255: the payload's exit code */
const char *vmm_why(struct vmm *vmm);
const char *vmm_exit_name(u32 reason);

/* Programs take "FILE [ROW...]": is this row meant?  All are, if none is named. */
bool vmm_wanted(const char *row, int argc, char **argv);

long vmm_free_kb(void);			/* free memory of the machine */

#endif
