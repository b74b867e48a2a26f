// SPDX-License-Identifier: GPL-2.0-only
/*
 * What L1 does with enlightened VMCSs.
 */
#include <stdlib.h>
#include <string.h>
#include "back.h"
#include "evmcs_page.h"

const struct evmcs_field evmcs_rows[] = {
#define IN	true, false
#define OUT	false, true
#define BOTH	true, true
#define NVMX_EVMCS(name, offset, clean, flow)					\
	{ #name, VMCS_##name, offset, sizeof_field(struct vmcs12, name), EVMCS_##clean, flow },
#include <nvmx/evmcs_fields.h>
#undef NVMX_EVMCS
#undef IN
#undef OUT
#undef BOTH
};

const struct evmcs_field *const end_of_evmcs = evmcs_rows + ARRAY_SIZE(evmcs_rows);

u8 *l1_page(u32 i)
{
	return model_memory(PA_PAGE(i));
}

u32 *l1_word(u32 offset)
{
	return (u32 *)(l1_page(0) + offset);
}

void l1_fill(u32 i, const struct vmcs12 *from)
{
	const struct evmcs_field *row;
	u64 val;

	memset(l1_page(i), 0, EVMCS_SIZE);
	for (row = evmcs_rows; row < end_of_evmcs; row++) {
		val = vmcs12_get(from, nested_find_field(row->enc));
		memcpy(l1_page(i) + row->offset, &val, row->size);
	}
	*(u32 *)l1_page(i) = EVMCS_VERSION;
}

void evmcs_allow(bool yes)
{
	m->evmcs_enabled = yes;
	m->v.evmcs = yes;
	nested_cpuid_changed(&m->v);
}

struct nvmx_vcpu *evmcs_begin(void)
{
	hardware_new();
	evmcs_allow(true);
	l1_fill(0, l1_vmcs12());
	l1_fill(1, l1_vmcs12());
	m->enlightened = true;
	m->evmcs_gpa = PA_PAGE(0);
	return &m->v;
}

void evmcs_end(void)
{
	ok(!m->bugs, "nothing impossible happened");
	hardware_end();
	ok(!model_allocations() && !hw.trees, "nothing is left");
}

struct vmx_result l1_entry(u32 reason)
{
	vmx_regs_flush(&m->v);
	m->v.regs_avail = 0;
	m->v.exit = (struct exit_info){ .reason = reason, .insn_len = 3 };
	return nested_handle_insn(&m->v);
}

void evmcs_enters(u32 reason)
{
	if (l1_entry(reason).kind != VMX_ENTERED || nested_before_entry(&m->v) != NVMX_RESUME)
		abort();
	nested_after_entry(&m->v);
}

void cpuid_exit(void)
{
	l2_exits((struct exit_info){ .reason = EXIT_cpuid });
}
