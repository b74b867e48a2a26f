// SPDX-License-Identifier: GPL-2.0-only
/*
 * Table 4: a vmcs12 in order passes, every id is tripped, and by its own inputs alone.
 */
#include <stdio.h>
#include <string.h>
#include "test.h"

#define TOO_WIDE	BIT_ULL(39)	/* the model's MAXPHYADDR */
#define NONCANONICAL	BIT_ULL(47)
#define PA_SHADOW	0x33000ull

static void change_ctl(struct vmcs12 *s, enum vmx_ctl ctl, u32 set)
{
	u32 keep = ~CTL_MASK(ctl);

	switch (CTL_WORD(ctl)) {
	case CTLW_PIN:
		s->pin_based_vm_exec_control = (s->pin_based_vm_exec_control & keep) | set;
		break;
	case CTLW_PROC:
		s->cpu_based_vm_exec_control = (s->cpu_based_vm_exec_control & keep) | set;
		break;
	case CTLW_PROC2:
		s->secondary_vm_exec_control = (s->secondary_vm_exec_control & keep) | set;
		break;
	case CTLW_EXIT:
		s->vm_exit_controls = (s->vm_exit_controls & keep) | set;
		break;
	default:
		s->vm_entry_controls = (s->vm_entry_controls & keep) | set;
		break;
	}
}

static void on(struct vmcs12 *s, enum vmx_ctl ctl)
{
	change_ctl(s, ctl, CTL_MASK(ctl));
}

static void off(struct vmcs12 *s, enum vmx_ctl ctl)
{
	change_ctl(s, ctl, 0);
}

/* ---- bases ---- */

static void plain(struct vmcs12 *s)
{
}

static void bitmaps(struct vmcs12 *s)
{
	on(s, CTL_use_io_bitmaps);
	on(s, CTL_use_msr_bitmaps);
}

static void tpr(struct vmcs12 *s)
{
	on(s, CTL_tpr_shadow);
	s->virtual_apic_page_addr = 0x34000;
	s->tpr_threshold = 2;
	*(u32 *)model_memory(0x34080) = 0x50;
}

static void posted(struct vmcs12 *s)
{
	tpr(s);
	on(s, CTL_ext_int_exiting);
	on(s, CTL_ack_interrupt_on_exit);
	on(s, CTL_virtual_interrupt_delivery);
	on(s, CTL_posted_interrupts);
	s->posted_intr_nv = 255;
	s->posted_intr_desc_addr = 0x20040;
}

static void urg(struct vmcs12 *s)
{
	on(s, CTL_unrestricted_guest);
}

static void vmfunc(struct vmcs12 *s)
{
	on(s, CTL_vm_functions);
	s->vm_function_control = 1;
}

static void shadowing(struct vmcs12 *s)
{
	on(s, CTL_vmcs_shadowing);
}

static void legacy(struct vmcs12 *s)
{
	off(s, CTL_ia32e_mode_guest);
	s->guest_cr4 &= ~X86_CR4_PAE;
	s->guest_cs_ar_bytes = 0xc09b;
}

static void compat(struct vmcs12 *s)
{
	s->guest_cs_ar_bytes = 0xc09b;
}

static void pae(struct vmcs12 *s)
{
	legacy(s);
	s->guest_cr4 |= X86_CR4_PAE;
}

static void real(struct vmcs12 *s)
{
	legacy(s);
	urg(s);
	s->guest_cr0 = X86_CR0_NE;
}

static void host32(struct vmcs12 *s)
{
	legacy(s);
	m->v.efer = 0;
	off(s, CTL_host_address_space_size);
	s->host_ss_selector = 0x18;
	s->host_rip = 0xc0000000;
}

static void host_efer(struct vmcs12 *s)
{
	on(s, CTL_exit_load_efer);
	s->host_ia32_efer = EFER_LMA | EFER_LME | EFER_SCE | EFER_NX;
}

static void guest_efer(struct vmcs12 *s)
{
	on(s, CTL_entry_load_efer);
	s->guest_ia32_efer = EFER_LMA | EFER_LME | EFER_SCE | EFER_NX;
}

static void data(struct vmcs12 *s)
{
	s->guest_ds_ar_bytes = 0xc093;
	s->guest_es_ar_bytes = 0xc093;
	s->guest_fs_ar_bytes = 0xc093;
	s->guest_gs_ar_bytes = 0xc093;
	s->guest_ds_limit = 0xffffffff;
	s->guest_es_limit = 0xffffffff;
	s->guest_fs_limit = 0xffffffff;
	s->guest_gs_limit = 0xffffffff;
}

static void ldtr(struct vmcs12 *s)
{
	s->guest_ldtr_ar_bytes = 0x82;
	s->guest_ldtr_limit = 0xffff;
}

static void vm86(struct vmcs12 *s)
{
	legacy(s);
	s->guest_rflags |= X86_EFLAGS_VM;
#define SEGMENT(r, sel)					\
	do {						\
		s->guest_##r##_selector = sel;		\
		s->guest_##r##_base = (sel) << 4;	\
		s->guest_##r##_limit = 0xffff;		\
		s->guest_##r##_ar_bytes = 0xf3;		\
	} while (0)
	SEGMENT(cs, 0xf000);
	SEGMENT(ss, 0x1001);
	SEGMENT(ds, 0x1002);
	SEGMENT(es, 0x1003);
	SEGMENT(fs, 0);
	SEGMENT(gs, 0xffff);
#undef SEGMENT
}

static void extint(struct vmcs12 *s)
{
	s->vm_entry_intr_info_field = EVT_VALID | EVT_TYPE_EXTINT | 0x31;
	s->guest_rflags |= X86_EFLAGS_IF;
}

static void nmi(struct vmcs12 *s)
{
	s->vm_entry_intr_info_field = EVT_VALID | EVT_TYPE_NMI | VEC_NMI;
}

static void step(struct vmcs12 *s)
{
	s->guest_rflags |= X86_EFLAGS_TF;
	s->guest_pending_dbg_exceptions = PDE_BS;
	s->guest_activity_state = ACTIVITY_ACTIVE;
	s->guest_interruptibility_info = INTS_MOVSS;
}

static void rtm(struct vmcs12 *s)
{
	m->cpuid.e[0].ebx |= BIT(11);
	s->guest_pending_dbg_exceptions = PDE_RTM | PDE_ENABLED_BP;
}

/* ---- changes ---- */

static void event(struct vmcs12 *s, u32 info)
{
	s->vm_entry_intr_info_field = EVT_VALID | info;
}

static void user(struct vmcs12 *s)
{
	s->guest_cs_selector |= 3;
	s->guest_ss_selector |= 3;
	s->guest_cs_ar_bytes |= 3 << 5;
	s->guest_ss_ar_bytes |= 3 << 5;
}

static void all_activities(void)
{
	m->v.nested->caps.misc |= VMXM_SHUTDOWN | VMXM_WAIT_SIPI;
}

/* ---- the runner ---- */

static struct vmcs12 base12, changed12;

/* Everything that has a row may be used; what has none may not. */
static void wide_caps(void)
{
	struct caps12 *caps = &m->v.nested->caps;
	u32 w;

	*caps = nested_caps;
	for (w = 0; w < NR_CTL_WORDS; w++)
		caps->allowed1[w] = w == CTLW_PROC ? ~1u : 0x7fffffff;
	caps->vmfunc = 1;
	m->v.nested->denied[CTLW_PROC2] = 0;
}

static void fresh(struct vmcs12 *s, void (*base)(struct vmcs12 *))
{
	m->v.efer = EFER_LME | EFER_LMA;
	m->cpuid.e[0].ebx &= ~BIT(11);
	wide_caps();
	model_valid_vmcs12(s);
	base(s);
}

static const struct nvmx_check *run(const struct vmcs12 *s, u32 groups)
{
	return nested_check_entry(&m->v, s, groups);
}

/* What L1's VMWRITEs would have marked. */
static u32 changed_groups(void)
{
	u32 i, groups = 0;

	for (i = 0; i < nested_nr_fields; i++) {
		const struct nested_field *f = &nested_fields[i];

		if (vmcs12_get(&base12, f) != vmcs12_get(&changed12, f))
			groups |= 1u << f->group;
	}
	if (nested_check_mode(&base12) != nested_check_mode(&changed12))
		groups |= GROUP(MODE);
	return groups;
}

static bool is(const struct nvmx_check *failed, const char *name)
{
	return failed && !strcmp(failed->name, name) && !strcmp(model_failed_check, name);
}

static void trip(const char *name, void (*base)(struct vmcs12 *), void (*change)(struct vmcs12 *))
{
	const struct nvmx_check *all, *few;

	fresh(&base12, base);
	all = run(&base12, GROUPS_ALL | GROUP(MODE));
	if (all) {
		ok(false, "%s: the base already fails %s", name, all->name);
		return;
	}
	changed12 = base12;
	change(&changed12);
	all = run(&changed12, GROUPS_ALL | GROUP(MODE));
	few = run(&changed12, changed_groups());
	ok(is(all, name) && all == few, "check %s: all groups %s, changed groups %s", name,
	   all ? all->name : "none", few ? few->name : "none");
}

static void pass(const char *what, void (*base)(struct vmcs12 *), void (*change)(struct vmcs12 *))
{
	const struct nvmx_check *failed;

	fresh(&base12, base);
	change(&base12);
	failed = run(&base12, GROUPS_ALL | GROUP(MODE));
	ok(!failed, "legal: %s: %s", what, failed ? failed->name : "passes");
}

#define PASTE_(a, b)	a##b
#define PASTE(a, b)	PASTE_(a, b)
#define REFUSED(name, base, ...)					\
static void PASTE(change_, __LINE__)(struct vmcs12 *s) { __VA_ARGS__; }
#define ALLOWED(what, base, ...) REFUSED(what, base, __VA_ARGS__)
#include "trips.h"
#undef REFUSED
#undef ALLOWED

static void run_all(void)
{
#define REFUSED(name, base, ...)	trip(#name, base, PASTE(change_, __LINE__));
#define ALLOWED(what, base, ...)	pass(what, base, PASTE(change_, __LINE__));
#include "trips.h"
#undef REFUSED
#undef ALLOWED
}

static void every_id(void)
{
	const struct nvmx_check *checks;
	u32 i, n;

	checks = nested_check_table(&n);
	for (i = 1; i < n; i++)
		if (!nested_check_failures(i))
			ok(false, "check %s is tripped by no test", checks[i].name);
	ok(true, "%u checks", n - 1);
}

static void stages_and_outcomes(void)
{
	const struct nvmx_check *f;

	fresh(&base12, plain);
	base12.vmcs_link_pointer = 4;
	f = run(&base12, GROUPS_ALL);
	ok(f && f->stage == STAGE_GUEST && f->outcome == ENTRY_FAIL_LINK &&
	   !strcmp(f->tag, "sdm:check-link"), "a link pointer fails with qualification 4");
	fresh(&base12, pae);
	base12.guest_pdptr1 = 3;
	f = run(&base12, GROUPS_ALL);
	ok(f && f->outcome == ENTRY_FAIL_PDPTE, "a PDPTE fails with qualification 2");
	base12.guest_rip = 1ull << 32;
	f = run(&base12, GROUPS_ALL);
	ok(is(f, "guest_rip") && f->outcome == ENTRY_FAIL_DEFAULT, "the first one counts");
	base12.host_tr_selector = 0;
	f = run(&base12, GROUPS_ALL);
	ok(is(f, "host_tr_null") && f->stage == STAGE_HOST, "the host's come before the guest's");
	base12.pin_based_vm_exec_control = 0;
	f = run(&base12, GROUPS_ALL);
	ok(is(f, "pin_based_controls") && f->stage == STAGE_CTRL, "the controls' are the first");
	base12.guest_pdptr1 = 0;
	ok(!run(&base12, GROUP(EVENT)), "what is clean is not checked again");
}

static void offered_controls(void)
{
	struct caps12 *caps = &m->v.nested->caps;

	fresh(&base12, vmfunc);
	*caps = nested_caps;
	ok(is(run(&base12, GROUPS_ALL), "secondary_controls"), "VM functions are not offered");
	fresh(&base12, plain);
	on(&base12, CTL_xsaves);
	*caps = nested_caps;
	m->v.nested->denied[CTLW_PROC2] = CTL_MASK(CTL_xsaves);
	ok(is(run(&base12, GROUPS_ALL), "secondary_controls"), "a control whose CPUID bit is off");
}

/* In a restore EFER may be L2's: what L1 was is what the exit controls say. */
static void restored(void)
{
	fresh(&base12, plain);
	m->v.efer = 0;
	ok(is(run(&base12, GROUPS_ALL), "legacy_host_guest_ia32e"), "VMLAUNCH by a 32-bit L1");
	ok(!nested_check_restored(&m->v, &base12, PA_VMCS(0), L2_RESTORED),
	   "restore with the EFER of a 32-bit L2");
	base12.guest_rflags = 0;
	ok(is(nested_check_restored(&m->v, &base12, PA_VMCS(0), L2_RESTORED), "guest_rflags_one"),
	   "a bad image");
}

/* The entries of PAE paging without EPT are read once; what was read is what is used. */
static void spoil_pdptes(u64 gpa)
{
	memset(model_memory(0x32000), 0xff, 32);
}

static void pdptes_once(void)
{
	u64 *memory = model_memory(0x32000);

	fresh(&base12, pae);
	off(&base12, CTL_ept);
	base12.guest_cr3 = 0x32000;
	memory[1] = 0x5001;
	m->after_read = spoil_pdptes;
	ok(!run(&base12, GROUPS_ALL) && m->v.nested->checked_pdpte[1] == 0x5001,
	   "PDPTEs that change after they were read");
	m->after_read = NULL;
	ok(run(&base12, 0), "memory is looked at by each entry, whatever is dirty");
}

void test_check(void)
{
	model_new();
	model_vmxon();
	model_load(0);
	*(u32 *)model_memory(PA_VMCS(1)) = VMCS12_REVISION;
	*(u32 *)model_memory(PA_SHADOW) = VMCS12_REVISION | VMCS12_SHADOW;
	*(u64 *)model_memory(0x31008) = 3;
	pass("minimal", plain, plain);
	run_all();
	every_id();
	stages_and_outcomes();
	offered_controls();
	restored();
	pdptes_once();
	model_end();
}
