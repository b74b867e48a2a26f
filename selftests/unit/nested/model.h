/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine without VMX: what src/nested asks of the other rooms, over plain memory.
 *
 * One vCPU, some pages of L1's memory from address 0, identity-mapped linear addresses.  Tests set
 * registers and fields directly.
 */
#ifndef UNIT_NESTED_MODEL_H
#define UNIT_NESTED_MODEL_H

#include <linux/gfp.h>
#include <linux/kvm.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/fields.h>
#include <nvmx/mmu.h>
#include <nvmx/nested.h>
#include <nvmx/vcpu.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"

#define MODEL_PAGES	64
#define MODEL_BYTES	(MODEL_PAGES * 4096ull)

/* Where the tests keep things in L1's memory. */
#define PA_OPERAND	0x1000ull
#define PA_VMXON	0x2000ull
#define PA_VMCS(i)	(0x4000ull + (i) * 0x1000ull)
#define PA_NOWHERE	0x10000000ull		/* no memory, but below MAXPHYADDR */

/* Memory operand, 64-bit address size, DS, displacement alone, register 2 is RCX. */
#define INFO_MEMORY	(2u << 7 | SEG_DS << 15 | IINFO_NO_INDEX | IINFO_NO_BASE |	\
			 (u32)GPR_RCX << 28)
struct model {
	int lapic_irq, in_service;	/* of the local APIC; 0: none */
	struct nvmx_vm vm;
	struct nvmx_vcpu v;
	struct nvmx_cpuid cpuid;
	struct kvm_run run;
	struct nvmx_segment seg[NR_SEGS];
	u8 memory[MODEL_BYTES];

	bool evmcs_enabled, enlightened;	/* by user space; by L1, with: */
	u64 evmcs_gpa;

	u64 pf_page;			/* a linear page that is not present; ~0: none */
	u32 reads, writes;		/* mmu_read() and mmu_write() calls */
	void (*after_read)(u64 gpa);	/* another vCPU that writes memory meanwhile */
	int fail_alloc;			/* the n-th allocation from now fails; 0: none */
	u32 bugs;			/* vm_bug() calls */
	u32 internal_errors, emulation_failures;

	/* the seam to the other half of the room, where it is not linked (seam.c) */
	u32 enters, leaves, drops, reflections, attaches, detaches, pulls, touches;
	bool last_launch;
	u32 flushes, last_type;
	u16 last_vpid;
	u64 last_gla;
	u32 ept_flushes;
	u64 last_eptp;
	bool last_all;
};

extern struct model *m;
extern const char *model_failed_check;

void model_new(void);		/* 64-bit L1 at CPL 0 with VMX offered; VMX operation off */
void model_end(void);		/* frees; leaks are ASan's to find */
void *model_memory(u64 gpa);
bool model_backed(u64 gpa, u32 len);
u32 model_allocations(void);	/* live now */

/* What L1 would do, with all that it needs: fails the test run where the model itself is wrong. */
struct vmx_result model_insn(u32 reason);		/* operand at PA_OPERAND, DS, 64-bit */
struct vmx_result model_insn_pa(u32 reason, u64 pa);	/* pa is the operand's content */
struct vmx_result model_vmread(u64 encoding, u64 *val);	/* register form */
struct vmx_result model_vmwrite(u64 encoding, u64 val);	/* register form */
void model_vmxon(void);
void model_load(u32 i);		/* VMPTRLD of PA_VMCS(i), made and cleared before if it is new */
void model_valid_vmcs12(struct vmcs12 *s);	/* passes every check */

#endif
