/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the payloads about APIC virtualization share: an L2 whose APIC is in a page of L1.
 */
#ifndef L1_APICV_H
#define L1_APICV_H

#include "l1.h"

#define EXIT_TPR 43
#define EXIT_APIC_ACCESS 44
#define EXIT_EOI 45
#define EXIT_APIC_WRITE 56

#define EXT_INT BIT(0)		/* pin-based */
#define CR8_LOAD BIT(19)	/* processor-based */
#define CR8_STORE BIT(20)
#define TPR_SHADOW BIT(21)
#define MSR_BITMAPS BIT(28)
#define APIC_ACCESSES BIT(0)	/* secondary */
#define X2APIC_MODE BIT(4)
#define APIC_REGISTERS BIT(8)
#define INT_DELIVERY BIT(9)

#define REG_ID 0x20
#define REG_TPR 0x80
#define REG_EOI 0xb0
#define REG_SVR 0xf0
#define REG_IRR 0x200
#define REG_ICR 0x300
#define REG_NONE 0x400

static u8 virtual_apic[PAGE] __aligned(4096), access_page[PAGE] __aligned(4096);
static volatile u64 seen, wanted;

static inline volatile u32 *reg_of(u8 *page, u32 offset)
{
	return (volatile u32 *)(page + offset);
}

#define VREG(offset) (*reg_of(virtual_apic, offset))
#define AREG(offset) (*reg_of(access_page, offset))
#define DONE() for (;;) vmcall()
#define L2(name, ...) static void name(void) { __VA_ARGS__; DONE(); }
#define EXPECT_EXIT(reason) EXPECT_EQ(l2_run(), reason)

L2(l2_nothing, vmcall())

static void clear(u8 *page)
{
	u32 i;

	for (i = 0; i < PAGE; i++)
		page[i] = 0;
}

/* false: the CPU below has not all of these, and so L1 is not offered them. */
static bool setup(void (*fn)(void), u32 proc, u32 secondary)
{
	u32 missing;

	missing = proc & ~(rdmsr(MSR_VMX_PROC) >> 32);
	missing |= secondary & ~(rdmsr(MSR_VMX_PROC2) >> 32);
	if (missing) {
		skip("control not offered");
		return false;
	}
	clear(virtual_apic);
	clear(access_page);
	clear(msr_bitmap);
	seen = ~0ull;
	l2_setup(fn);
	WR(cpu_based_vm_exec_control,
	   ctl(MSR_VMX_PROC, proc | (secondary ? ACTIVATE_SECONDARY : 0)));
	WR(secondary_vm_exec_control, secondary);
	if (secondary & INT_DELIVERY)
		WR(pin_based_vm_exec_control, ctl(MSR_VMX_PIN, EXT_INT));
	WR(virtual_apic_page_addr, (u64)virtual_apic);
	WR(apic_access_addr, (u64)access_page);
	WR(msr_bitmap, (u64)msr_bitmap);
	return true;
}

#endif
