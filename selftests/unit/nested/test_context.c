// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts: one copy per vmcs12, bounded, written back, never read twice.
 */
#include <errno.h>
#include <string.h>
#include "test.h"

static void lru(void)
{
	struct l2_context *first;
	struct vmcs12 *in_memory = model_memory(PA_VMCS(1));
	u32 i;

	for (i = 0; i < NESTED_CONTEXTS; i++)
		model_load(i);
	ok(m->v.nested->nr_contexts == NESTED_CONTEXTS && !m->drops, "as many as fit");
	first = nested_context_find(&m->v, PA_VMCS(0));
	model_load(1);
	model_vmwrite(VMCS_guest_rip, 0x1111);
	model_load(0);
	ok(m->v.nested->current12 == first, "loading again finds the same context");
	for (i = 2; i < NESTED_CONTEXTS; i++)
		model_load(i);
	model_load(NESTED_CONTEXTS);
	ok(m->v.nested->nr_contexts == NESTED_CONTEXTS && m->drops == 1,
	   "one more: one is evicted");
	ok(!nested_context_find(&m->v, PA_VMCS(1)) && nested_context_find(&m->v, PA_VMCS(0)),
	   "the least recently used");
	ok(in_memory->guest_rip == 0x1111, "and written back");
	model_load(1);
	ok(nested_vmcs12(&m->v)->guest_rip == 0x1111, "loaded again it is what it was");
}

/* Only what was written is written back, bytes that no field has included. */
static void write_back(void)
{
	struct vmcs12 *in_memory = model_memory(PA_VMCS(0));
	u32 writes;

	in_memory->raw[1000] = 0x77;
	in_memory->raw[690] = 0x66;
	model_load(0);
	writes = m->writes;
	model_insn_pa(EXIT_vmclear, PA_VMCS(0));
	ok(m->writes == writes, "nothing changed: nothing is written");
	model_load(0);
	model_vmwrite(VMCS_guest_rip, 0x2222);
	ok(in_memory->guest_rip != 0x2222, "VMWRITE changes the copy alone");
	model_insn(EXIT_vmlaunch);
	nested_contexts_flush_all(&m->v);
	model_insn_pa(EXIT_vmclear, PA_VMCS(0));
	ok(in_memory->guest_rip == 0x2222 && !in_memory->launch_state &&
	   in_memory->raw[1000] == 0x77 && in_memory->raw[690] == 0x66,
	   "VMCLEAR writes the copy, clear, unknown bytes as they were");
	model_load(0);
	m->v.nested->current12->rare_stale = true;
	model_insn_pa(EXIT_vmclear, PA_VMCS(0));
	ok(in_memory->guest_gdtr_limit == 0x7f, "what vmcs02 still holds is fetched first");
}

static void flip_revision(u64 gpa)
{
	if (gpa == PA_VMCS(3))
		*(u32 *)model_memory(PA_VMCS(3)) ^= 1;
}

static void flip_rip(u64 gpa)
{
	if (gpa == PA_VMCS(4))
		((struct vmcs12 *)model_memory(PA_VMCS(4)))->guest_rip++;
}

/* Another vCPU writes the page between the looks of L0. */
static void toctou(void)
{
	struct vmcs12 *in_memory = model_memory(PA_VMCS(4));

	model_load(5);
	*(u32 *)model_memory(PA_VMCS(3)) = VMCS12_REVISION;
	m->after_read = flip_revision;
	expect_fail(model_insn_pa(EXIT_vmptrld, PA_VMCS(3)), VMXERR_VMPTRLD_REVISION,
		    "a revision that changes under VMPTRLD: the copy decides");
	ok(!nested_context_find(&m->v, PA_VMCS(3)), "and no context is kept");
	m->after_read = NULL;
	in_memory->revision = VMCS12_REVISION;
	in_memory->guest_rip = 100;
	m->after_read = flip_rip;
	model_insn_pa(EXIT_vmptrld, PA_VMCS(4));
	m->after_read = NULL;
	ok(nested_vmcs12(&m->v)->guest_rip == 101 && in_memory->guest_rip == 102,
	   "VMPTRLD reads the page once");
	in_memory->guest_rip = 7;
	in_memory->launch_state = 1;
	expect_done(model_insn_pa(EXIT_vmptrld, PA_VMCS(4)), "loading what is active");
	ok(nested_vmcs12(&m->v)->guest_rip == 101, "does not read memory");
	expect_fail(model_insn(EXIT_vmresume), VMXERR_VMRESUME_NONLAUNCHED,
		    "a launch state forged in memory");
	in_memory->revision++;
	expect_done(model_insn_pa(EXIT_vmptrld, PA_VMCS(4)), "loading what is current");
	model_load(5);
	expect_fail(model_insn_pa(EXIT_vmptrld, PA_VMCS(4)), VMXERR_VMPTRLD_REVISION,
		    "the revision is read in memory, of an active VMCS, too");
	in_memory->revision--;
	model_load(4);
	ok(nested_vmcs12(&m->v)->guest_rip == 101, "which keeps its copy");
}

static void from_image(void)
{
	static struct vmcs12 image = { .raw = { 1, 2, 3 } };
	struct l2_context *c;

	ok(!nested_context_from(&m->v, PA_VMCS(9), &image, sizeof(image), &c) &&
	   c->vmcs12->raw[2] == 3 && c->dirty == GROUPS_ALL && c->stale, "context from an image");
	nested_make_current(&m->v, c);
	m->pulls = 0;
	nested_contexts_flush_all(&m->v);
	ok(m->pulls == 1, "the shadow VMCS of the current one is read first");
	ok(((u8 *)model_memory(PA_VMCS(9)))[2] == 3, "flushed to memory");
}

static void no_memory(void)
{
	u32 before = model_allocations(), n;

	for (n = 1; n <= 2; n++) {
		*(u32 *)model_memory(PA_VMCS(10)) = VMCS12_REVISION;
		m->fail_alloc = n;
		ok(model_insn_pa(EXIT_vmptrld, PA_VMCS(10)).kind == VMX_HANDED_OVER &&
		   m->internal_errors == n && model_allocations() == before,
		   "allocation %u of VMPTRLD fails: user space is told, nothing is lost", n);
	}
	m->fail_alloc = 0;
	model_load(10);
	ok(m->v.nested->current12->pa == PA_VMCS(10), "then it works");
}

void test_context(void)
{
	u32 before = model_allocations();

	model_new();
	model_vmxon();
	lru();
	model_end();
	model_new();
	model_vmxon();
	write_back();
	toctou();
	from_image();
	no_memory();
	ok(m->attaches - m->detaches == 1, "the shadow VMCS follows the current VMCS");
	model_end();
	ok(model_allocations() == before, "all is freed");
}
