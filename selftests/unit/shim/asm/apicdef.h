/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User-space stand-in for <asm/apicdef.h>: the kernel's names, with the SDM's numbers.
 */
#ifndef SHIM_ASM_APICDEF_H
#define SHIM_ASM_APICDEF_H

#include <linux/bits.h>

#define APIC_BASE_MSR		0x800
#define XAPIC_ENABLE		BIT(11)
#define X2APIC_ENABLE		BIT(10)

/* offsets in the page */
#define APIC_ID			0x020
#define APIC_LVR		0x030
#define APIC_TASKPRI		0x080
#define APIC_ARBPRI		0x090
#define APIC_PROCPRI		0x0a0
#define APIC_EOI		0x0b0
#define APIC_RRR		0x0c0
#define APIC_LDR		0x0d0
#define APIC_DFR		0x0e0
#define APIC_SPIV		0x0f0
#define APIC_ISR		0x100
#define APIC_TMR		0x180
#define APIC_IRR		0x200
#define APIC_ESR		0x280
#define APIC_LVTCMCI		0x2f0
#define APIC_ICR		0x300
#define APIC_ICR2		0x310
#define APIC_LVTT		0x320
#define APIC_LVTTHMR		0x330
#define APIC_LVTPC		0x340
#define APIC_LVT0		0x350
#define APIC_LVT1		0x360
#define APIC_LVTERR		0x370
#define APIC_TMICT		0x380
#define APIC_TMCCT		0x390
#define APIC_TDCR		0x3e0
#define APIC_SELF_IPI		0x3f0

/* their fields */
#define APIC_LVR_DIRECTED_EOI	BIT(24)
#define APIC_DFR_CLUSTER	0x0fffffffUL
#define APIC_DFR_FLAT		0xffffffffUL
#define APIC_SPIV_APIC_ENABLED	BIT(8)
#define APIC_SPIV_DIRECTED_EOI	BIT(12)
#define APIC_ESR_SENDILL	0x20
#define APIC_ESR_RECVILL	0x40
#define APIC_ESR_ILLREGA	0x80
#define APIC_VECTOR_MASK	0xff
#define APIC_MODE_MASK		0x700
#define APIC_DEST_LOGICAL	BIT(11)
#define APIC_ICR_BUSY		BIT(12)
#define APIC_INT_ASSERT		BIT(14)
#define APIC_INT_LEVELTRIG	BIT(15)
#define APIC_DEST_SELF		0x40000
#define APIC_DEST_ALLINC	0x80000
#define APIC_DEST_ALLBUT	0xc0000
#define APIC_SEND_PENDING	BIT(12)
#define APIC_INPUT_POLARITY	BIT(13)
#define APIC_LVT_REMOTE_IRR	BIT(14)
#define APIC_LVT_LEVEL_TRIGGER	BIT(15)
#define APIC_LVT_MASKED		BIT(16)
#define APIC_LVT_TIMER_ONESHOT	(0 << 17)
#define APIC_LVT_TIMER_PERIODIC	(1 << 17)
#define APIC_LVT_TIMER_TSCDEADLINE	(2 << 17)
#define GET_APIC_DELIVERY_MODE(x)	((x) >> 8 & 7)
#define SET_APIC_DELIVERY_MODE(x, y)	(((x) & ~0x700) | ((y) << 8))

#endif /* SHIM_ASM_APICDEF_H */
