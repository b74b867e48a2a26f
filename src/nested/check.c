// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checks of VM entry, made from table 4.
 *
 * Everything is judged on the cached vmcs12, before the first side effect, and none is left to
 * hardware: hardware would judge vmcs02, and could not tell L1 (or the trace) which check it was.
 *
 * A check runs only where a group that it reads is dirty.  What many checks share and what changes
 * rarely, although its field changes often (RFLAGS.VM is written with each RIP), is not a group but
 * the mode word: so that an entry after "skip the instruction" runs two dozen checks, not two
 * hundred.
 */
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/trace.h>
#include <nvmx/vmx.h>
#include "check_int.h"

/* The inputs column. Secondary controls are in GRP1, their activation is in the mode. */
#define IN_GRP1		GROUP(GRP1)
#define IN_PROC		GROUP(PROC)
#define IN_CTL2		(GROUP(GRP1) | GROUP(MODE))
#define IN_CTLS		(GROUP(GRP1) | GROUP(PROC) | GROUP(MODE))
#define IN_IOBM		(GROUP(IOBM) | GROUP(PROC))
#define IN_MSRBM	(GROUP(MSRBM) | GROUP(PROC))
#define IN_THRESHOLD	(IN_CTLS | GROUP(APIC))
#define IN_VTPR		GROUP(VTPR)
#define IN_XLAT		(GROUP(XLAT) | IN_CTL2)
#define IN_TIME		(GROUP(TIME) | IN_CTL2)
#define IN_EVENT	(GROUP(EVENT) | GROUP(MODE))
#define IN_HOST1	(GROUP(HOST1) | GROUP(GRP1))
#define IN_HOST2	(GROUP(HOST2) | GROUP(GRP1))
#define IN_LMA		(GROUP(GRP1) | GROUP(ENV))
#define IN_CRDR		(GROUP(CRDR) | IN_CTL2)
#define IN_GRP2		(GROUP(GRP2) | IN_CTL2)
#define IN_EFER		(GROUP(CRDR) | IN_GRP2)
#define IN_SEG		(GROUP(GRP2) | GROUP(CPL) | GROUP(MODE))
#define IN_RIP		(GROUP(BASIC) | GROUP(CPL) | GROUP(MODE))
#define IN_BASIC	(GROUP(BASIC) | GROUP(EVENT) | GROUP(MODE))
#define IN_NONREG	(GROUP(BASIC) | GROUP(EVENT) | GROUP(CPL) | IN_GRP2)
#define IN_LINK		GROUP(LINK)
#define IN_PDPTE	GROUP(PDPTE)

/* Short words of the ok column. */
#define HAS(ctl)		has(c, CTL_##ctl)
#define ON(ctl, ok)		implies(HAS(ctl), ok)
#define ALIGNED(field)		page_aligned(s->field)
#define FITS(field)		pa_fits(c, s->field)
#define CANONICAL(field)	canonical(c, s->field)
#define LIST_ALIGNED(list)	list_aligned(s->list##_addr, s->list##_count)
#define LIST_FITS(list)		list_fits(c, s->list##_addr, s->list##_count)
#define LOADS_EFER(ok)		implies(c->entering && HAS(entry_load_efer), ok)
#define EFER_KNOWN(field)	efer_reserved_ok(c, s->field)
#define HOST_EFER(bit)		(!!(s->host_ia32_efer & EFER_##bit))
#define GUEST_EFER(bit)		(!!(s->guest_ia32_efer & EFER_##bit))
/* L1 has no performance counters: every bit that would enable one is reserved. */
#define PERF_CTRL_OK(whose)	(!s->whose##_ia32_perf_global_ctrl)
#define CR0(bit)		(s->guest_cr0 & X86_CR0_##bit)
#define RFLAG(bit)		(s->guest_rflags & X86_EFLAGS_##bit)
#define BLOCKED(by)		(s->guest_interruptibility_info & INTS_##by)
#define ACTIVITY(state)		(s->guest_activity_state == ACTIVITY_##state)
#define INJECTS(type)		injects(c, EVT_TYPE_##type)
#define AR(seg)			(s->guest_##seg##_ar_bytes)
#define BASE(seg)		(s->guest_##seg##_base)
#define LIMIT(seg)		(s->guest_##seg##_limit)
#define SEL(seg)		(s->guest_##seg##_selector)
#define USABLE(seg, ok)		implies(usable(AR(seg)), ok)
#define VM86(ok)		implies(c->vm86, ok)

/* Sections, in order: stage and what a failure is called in the exit qualification. */
#define SECTIONS(S)				\
	S(exec,		CTRL,	DEFAULT)	\
	S(exit,		CTRL,	DEFAULT)	\
	S(entry,	CTRL,	DEFAULT)	\
	S(host_cr,	HOST,	DEFAULT)	\
	S(host_seg,	HOST,	DEFAULT)	\
	S(host_size,	HOST,	DEFAULT)	\
	S(guest_cr,	GUEST,	DEFAULT)	\
	S(seg,		GUEST,	DEFAULT)	\
	S(dt,		GUEST,	DEFAULT)	\
	S(rip,		GUEST,	DEFAULT)	\
	S(nonreg,		GUEST,	DEFAULT)	\
	S(sti_nmi,	GUEST,	NMI)		\
	S(link,		GUEST,	LINK)		\
	S(pdpte,		GUEST,	PDPTE)

enum section {
#define SECTION(name, stage, outcome) SECTION_##name,
	SECTIONS(SECTION)
#undef SECTION
};

enum section_stage {
#define SECTION(name, stage, outcome) STAGE_OF_##name = STAGE_##stage,
	SECTIONS(SECTION)
#undef SECTION
};

enum section_outcome {
#define SECTION(name, stage, outcome) OUTCOME_OF_##name = ENTRY_FAIL_##outcome,
	SECTIONS(SECTION)
#undef SECTION
};

enum check_id {
	CHK_none,		/* everything holds */
#define NVMX_CHECK(section, name, inputs, ok) CHK_##name,
#include <nvmx/vmx_checks.h>
#undef NVMX_CHECK
	NR_CHECKS,
};

static const struct nvmx_check checks[] = {
#define NVMX_CHECK(section_, name_, inputs, ok)				\
	[CHK_##name_] = {						\
		.id = CHK_##name_,					\
		.stage = STAGE_OF_##section_,				\
		.outcome = OUTCOME_OF_##section_,			\
		.name = #name_,						\
		.tag = "sdm:check-" #section_,				\
	},
#include <nvmx/vmx_checks.h>
#undef NVMX_CHECK
};

static atomic64_t failures[NR_CHECKS];

/*
 * The first row of a section that does not hold, as one expression; @wanted is constant, so that
 * only the rows of that section remain of the table.
 */
static __always_inline u32 first_failed(const struct check *c, enum section wanted, u32 groups)
{
	const struct vmcs12 *s = c->s;

	return
#define NVMX_CHECK(section, name, inputs, ok)				\
	SECTION_##section == wanted && groups & (IN_##inputs) && !(ok) ? CHK_##name :
#include <nvmx/vmx_checks.h>
#undef NVMX_CHECK
	CHK_none;
}

/* The union of what the rows of a section read: a constant. */
static __always_inline u32 section_inputs(enum section wanted)
{
	return 0
#define NVMX_CHECK(section, name, inputs, ok) | (SECTION_##section == wanted ? IN_##inputs : 0)
#include <nvmx/vmx_checks.h>
#undef NVMX_CHECK
	;
}

/* One function per section, check_exec() and so on, each as long as its rows. */
#define SECTION(name, stage, outcome)						\
static noinline u32 rows_##name(const struct check *c, u32 groups)		\
{										\
	return first_failed(c, SECTION_##name, groups);				\
}										\
										\
static inline u32 check_##name(const struct check *c, u32 groups)		\
{										\
	return groups & section_inputs(SECTION_##name) ? rows_##name(c, groups) : CHK_none; \
}

SECTIONS(SECTION)
#undef SECTION

/* In the SDM's order. */
static u32 first_of_all(const struct check *c, u32 groups)
{
	return check_exec(c, groups) ?: check_exit(c, groups) ?: check_entry(c, groups) ?:
	       check_host_cr(c, groups) ?: check_host_seg(c, groups) ?:
	       check_host_size(c, groups) ?:
	       check_guest_cr(c, groups) ?: check_seg(c, groups) ?:
	       check_dt(c, groups) ?: check_rip(c, groups) ?:
	       check_nonreg(c, groups) ?: check_sti_nmi(c, groups) ?:
	       check_link(c, groups) ?: check_pdpte(c, groups);
}

/* Bits of the mode word. */
#define MODE_VM86	BIT(0)
#define MODE_IA32E	BIT(1)
#define MODE_CS_L	BIT(2)
#define MODE_PE		BIT(3)
#define MODE_PG		BIT(4)
#define MODE_PAE	BIT(5)
#define MODE_SECONDARY	BIT(6)

u32 nested_check_mode(const struct vmcs12 *s)
{
	u32 mode = 0;

	if (s->guest_rflags & X86_EFLAGS_VM)
		mode |= MODE_VM86;
	if (vmcs12_has(s, CTL_ia32e_mode_guest))
		mode |= MODE_IA32E;
	if (s->guest_cs_ar_bytes & SEGAR_L)
		mode |= MODE_CS_L;
	if (s->guest_cr0 & X86_CR0_PE)
		mode |= MODE_PE;
	if (s->guest_cr0 & X86_CR0_PG)
		mode |= MODE_PG;
	if (s->guest_cr4 & X86_CR4_PAE)
		mode |= MODE_PAE;
	if (vmcs12_has(s, CTL_activate_secondary))
		mode |= MODE_SECONDARY;
	return mode;
}

static void prepare(struct check *c, struct nvmx_vcpu *v, const struct vmcs12 *s,
		    enum l2_cause cause)
{
	c->v = v;
	c->n = v->nested;
	c->s = s;
	c->maxphyaddr = nested_maxphyaddr(v);
	c->linear_bits = nested_linear_bits(v);
	c->ia32e = vmcs12_has(s, CTL_ia32e_mode_guest);
	c->vm86 = s->guest_rflags & X86_EFLAGS_VM;
	c->urg = vmcs12_has(s, CTL_unrestricted_guest);
	c->entering = cause == L2_ENTERED;
	c->event = c->entering && s->vm_entry_intr_info_field & EVT_VALID;
	c->event_type = s->vm_entry_intr_info_field & EVT_TYPE;
}

/* Inputs that change without a VMWRITE, of the checks that apply. */
static u32 inputs_outside(const struct check *c)
{
	return GROUP(ENV) | (reads_vtpr(c) ? GROUP(VTPR) : 0) | (linked(c) ? GROUP(LINK) : 0) |
	       (pae_paging(c) ? GROUP(PDPTE) : 0);
}

static const struct nvmx_check *judge(const struct check *c, u32 groups)
{
	u32 id = first_of_all(c, groups | inputs_outside(c));

	if (likely(id == CHK_none))
		return NULL;
	atomic64_inc(&failures[id]);
	trace_nvmx_failed_check(c->v->id, id, checks[id].name, c->pa);
	return &checks[id];
}

const struct nvmx_check *nested_check_entry(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12,
					    u32 groups)
{
	struct check c;

	prepare(&c, v, vmcs12, L2_ENTERED);
	c.pa = v->nested->current12 ? v->nested->current12->pa : NESTED_NO_PA;
	c.l1_lma = v->efer & EFER_LMA;
	return judge(&c, groups);
}

/* EFER may be L2's already: of L1 there is only what vmcs12 says. */
const struct nvmx_check *nested_check_restored(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12,
					       u64 pa, enum l2_cause cause)
{
	struct check c;

	prepare(&c, v, vmcs12, cause);
	c.pa = pa;
	c.l1_lma = host64(&c);
	return judge(&c, GROUPS_ALL | GROUP(MODE));
}

const struct nvmx_check *nested_check_table(u32 *n)
{
	*n = NR_CHECKS;
	return checks;
}

u64 nested_check_failures(u32 id)
{
	return id < NR_CHECKS ? atomic64_read(&failures[id]) : 0;
}
