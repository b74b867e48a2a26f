/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * L1 with enlightened VMCSs, for the tests of them.
 */
#ifndef UNIT_NESTED_EVMCS_PAGE_H
#define UNIT_NESTED_EVMCS_PAGE_H

#include <nvmx/evmcs.h>
#include "hardware.h"

#define PA_PAGE(i)	(0x20000ull + (i) * 0x1000ull)

/* Table 6, to the letter. */
struct evmcs_field {
	const char *name;
	u32 enc, offset, size, clean;
	bool in, out;
};

extern const struct evmcs_field evmcs_rows[];
extern const struct evmcs_field *const end_of_evmcs;

/* As hardware_new(); pages 0 and 1 hold a valid VMCS, and the VP assist page names 0. */
struct nvmx_vcpu *evmcs_begin(void);
void evmcs_end(void);
void evmcs_allow(bool yes);			/* by user space and CPUID */

u8 *l1_page(u32 i);
u32 *l1_word(u32 offset);			/* of page 0 */
void l1_fill(u32 i, const struct vmcs12 *from);
struct vmx_result l1_entry(u32 reason);
void evmcs_enters(u32 reason);			/* must succeed; hardware has entered L2 */
void cpuid_exit(void);				/* of L2, to L1 */

#endif
