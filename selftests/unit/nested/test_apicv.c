// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1 virtualizes L2's APIC: what vmcs02 gets, and that no frame of L1's is used too long.
 */
#include <string.h>
#include "back.h"

#define PA_VAPIC	0x20000ull
#define PA_ACCESS	0x21000ull
#define PA_MSR		0x22000ull
#define PA_DESC		0x23040ull
#define HPA		0x100000000ull

#define CR8_EXITS	(CTL_MASK(CTL_cr8_load_exiting) | CTL_MASK(CTL_cr8_store_exiting))

static struct nvmx_vcpu *v;
static struct vmcs12 *s;

static void use(u32 proc, u32 proc2)
{
	s->cpu_based_vm_exec_control &= ~(CTL_MASK(CTL_tpr_shadow) | CR8_EXITS |
					  CTL_MASK(CTL_use_msr_bitmaps));
	s->cpu_based_vm_exec_control |= proc;
	s->secondary_vm_exec_control = CTL_MASK(CTL_ept) | proc2;
	s->virtual_apic_page_addr = PA_VAPIC;
	s->apic_access_addr = PA_ACCESS;
	s->tpr_threshold = 0;
	l1_wrote();
}

/* VMRESUME up to where hardware would be entered. */
static enum nvmx_action enter(void)
{
	bool blocked;

	if (l1_enter().kind != VMX_ENTERED || nested_check_events(v, &blocked))
		return NVMX_DEAD;
	return nested_before_entry(v);
}

/* What vmx_enter() does with irqs off. */
static void enter_by_hand(void)
{
	enter();
	nested_deliver_by_hand(v);
}

/* What vmx_enter() asks with irqs off. */
static bool hardware_may_enter(void)
{
	return !v->frames.used || v->frames.gen == (u64)atomic64_read(&m->vm.tlb_gen);
}

static void leave(void)
{
	if (is_guest_mode(v))
		l2_exits((struct exit_info){ .reason = EXIT_vmcall, .insn_len = 3 });
}

static u32 proc02(void)
{
	return peek02(cpu_based_vm_exec_control);
}

static void tpr_shadow(void)
{
	use(CTL_MASK(CTL_tpr_shadow), 0);
	l1_writes(VMCS_tpr_threshold, 3);
	*(u32 *)model_memory(PA_VAPIC + 0x80) = 0x30;
	ok(enter() == NVMX_RESUME && hardware_may_enter(), "TPR shadow: entered");
	ok(proc02() & CTL_MASK(CTL_tpr_shadow) && !(proc02() & CR8_EXITS),
	   "CR8 does not exit where L1 shadows it and does not want it");
	ok(peek02(virtual_apic_page_addr) == HPA + PA_VAPIC, "hardware has the frame");
	ok(peek02(tpr_threshold) == 3, "and the threshold");
	ok(l2_exits((struct exit_info){ .reason = EXIT_tpr_below_threshold }) == OWNER_L1 &&
	   l1_reads(VMCS_vm_exit_reason) == EXIT_tpr_below_threshold, "L1 gets its exit");
	ok(!v->frames.used, "in L1 no frame is in use");
	use(CTL_MASK(CTL_tpr_shadow) | CTL_MASK(CTL_cr8_store_exiting), 0);
	enter();
	ok((proc02() & CR8_EXITS) == CTL_MASK(CTL_cr8_store_exiting), "what L1 wants exits");
	leave();
	use(0, 0);
	enter();
	ok((proc02() & CR8_EXITS) == CR8_EXITS && !(proc02() & CTL_MASK(CTL_tpr_shadow)),
	   "CVE-2017-12154: without the shadow both exit");
	ok(!v->frames.used, "and no frame is needed");
	leave();
}

static void frames_are_looked_up_once(void)
{
	u32 before;

	use(CTL_MASK(CTL_tpr_shadow), CTL_MASK(CTL_virtualize_apic_accesses));
	enter();
	leave();
	before = hw.lookups;
	enter();
	ok(hw.lookups == before && v->frames.used, "nothing has changed: no lookup");
	leave();
	l1_writes(VMCS_apic_access_addr, PA_ACCESS + 0x1000);
	enter();
	ok(hw.lookups > before && peek02(apic_access_addr) == HPA + PA_ACCESS + 0x1000,
	   "another page: looked up");
	leave();
	l1_writes(VMCS_apic_access_addr, PA_ACCESS);
}

/* CVE-2013-1797: the host wrote to a page that had become somebody else's. */
static void frames_follow_the_host(void)
{
	use(CTL_MASK(CTL_tpr_shadow), CTL_MASK(CTL_virtualize_apic_accesses));
	enter();
	atomic64_inc(&m->vm.tlb_gen);
	hw.moved += 0x40000000;
	ok(!hardware_may_enter(), "a page may have moved: no entry with the old frames");
	ok(nested_before_entry(v) == NVMX_RESUME && hardware_may_enter() &&
	   peek02(virtual_apic_page_addr) == hw.moved + PA_VAPIC &&
	   peek02(apic_access_addr) == hw.moved + PA_ACCESS, "but with new ones");
	hw.frame_verdict = MMU_RETRY;
	atomic64_inc(&m->vm.tlb_gen);
	ok(nested_before_entry(v) == NVMX_RESUME && !hardware_may_enter(),
	   "a lookup that raced: no entry");
	hw.frame_verdict = MMU_ERROR;
	ok(nested_before_entry(v) == NVMX_USER && v->run_errno == -EFAULT,
	   "host memory is not there: -EFAULT");
	v->run_errno = 0;
	hw.frame_verdict = MMU_FIXED;
	ok(nested_before_entry(v) == NVMX_RESUME && hardware_may_enter(), "it has come: entered");
	leave();
}

static void pages_that_are_not_memory(void)
{
	u32 errors = m->internal_errors;

	use(CTL_MASK(CTL_tpr_shadow), CTL_MASK(CTL_virtualize_apic_accesses));
	l1_writes(VMCS_apic_access_addr, PA_NOWHERE);
	ok(enter() == NVMX_USER && m->internal_errors == errors + 1 && !hardware_may_enter(),
	   "APIC-access page without memory: internal error, no entry");
	ok(nested_before_entry(v) == NVMX_USER, "and again at the next KVM_RUN");
	nested_leave(v, false);
	use(CTL_MASK(CTL_tpr_shadow), 0);
	l1_writes(VMCS_virtual_apic_page_addr, PA_NOWHERE);
	ok(enter() == NVMX_USER && !hardware_may_enter(), "the same for the virtual-APIC page");
	nested_leave(v, false);
	use(CTL_MASK(CTL_tpr_shadow) | CR8_EXITS, 0);
	enter();
	leave();
	l1_writes(VMCS_virtual_apic_page_addr, PA_NOWHERE);
	ok(enter() == NVMX_RESUME && hardware_may_enter() &&
	   !(proc02() & CTL_MASK(CTL_tpr_shadow)) && (proc02() & CR8_EXITS) == CR8_EXITS,
	   "unless CR8 exits to L1 anyway: no shadow");
	leave();
	ok(enter() == NVMX_RESUME && !(proc02() & CTL_MASK(CTL_tpr_shadow)),
	   "at the next entry, too, and not with the frame of before");
	leave();
	use(CTL_MASK(CTL_tpr_shadow) | CR8_EXITS, CTL_MASK(CTL_apic_register_virtualization));
	l1_writes(VMCS_virtual_apic_page_addr, PA_NOWHERE);
	ok(enter() == NVMX_USER, "register virtualization needs the page");
	nested_leave(v, false);
}

/* Accesses through large pages are not recognized for sure. */
static void access_page_is_small(void)
{
	use(0, CTL_MASK(CTL_virtualize_apic_accesses));
	enter();
	ok(hw.frame_size == MMU_FRAME_ANY, "with ept12 the size of the page is L1's choice");
	leave();
	use(0, CTL_MASK(CTL_virtualize_apic_accesses));
	s->secondary_vm_exec_control &= ~CTL_MASK(CTL_ept);
	s->apic_access_addr = PA_ACCESS + 0x2000;
	enter();
	ok(hw.frame_size == MMU_FRAME_4K, "without it ept01 is what counts, and has a 4K page");
	leave();
}

static void access_page_moves(void)
{
	u32 before;

	use(0, CTL_MASK(CTL_virtualize_apic_accesses));
	enter();
	leave();
	atomic64_inc(&m->vm.tlb_gen);
	before = hw.ept_flushes;
	enter();
	ok(hw.ept_flushes == before, "the same frame again: translations are kept");
	leave();
	hw.moved += 0x10000000;
	atomic64_inc(&m->vm.tlb_gen);
	enter();
	ok(hw.ept_flushes == before + 1, "another frame: translations of before are dropped");
	leave();
}

static u32 opened(u32 first, u32 last, bool write)
{
	const u8 *map = (u8 *)v->nested->current12->msr_bitmap + (write ? 2048 : 0);
	u32 msr, n = 0;

	for (msr = first; msr <= last; msr++)
		n += !(map[msr / 8] & 1 << msr % 8);
	return n;
}

static void enter_with_bitmap(u32 proc2)
{
	use(CTL_MASK(CTL_tpr_shadow) | CTL_MASK(CTL_use_msr_bitmaps), proc2);
	s->pin_based_vm_exec_control |= CTL_MASK(CTL_ext_int_exiting);
	s->msr_bitmap = PA_MSR;
	l1_wrote();
	enter();
}

/* CVE-2019-3887, CVE-2016-4440, CVE-2023-5090: x2APIC MSRs of hardware were open to L2. */
static void x2apic_msrs(void)
{
	const u32 x2apic = CTL_MASK(CTL_virtualize_x2apic);
	const u32 regs = CTL_MASK(CTL_apic_register_virtualization);
	const u32 vid = CTL_MASK(CTL_virtual_interrupt_delivery);
	u8 *l1 = model_memory(PA_MSR);

	memset(l1, 0, PAGE_SIZE);
	enter_with_bitmap(0);
	ok(!opened(0x800, 0x8ff, false) && !opened(0x800, 0x8ff, true),
	   "CVE-2019-3887: without x2APIC mode all are closed");
	leave();
	enter_with_bitmap(regs | vid);
	ok(!opened(0x800, 0x8ff, false) && !opened(0x800, 0x8ff, true),
	   "CVE-2019-3887: register virtualization and delivery alone open none");
	leave();
	enter_with_bitmap(x2apic);
	ok(opened(0x800, 0x8ff, false) == 1 && opened(0x808, 0x808, false) &&
	   opened(0x800, 0x8ff, true) == 1 && opened(0x808, 0x808, true), "x2APIC mode: the TPR");
	leave();
	enter_with_bitmap(x2apic | regs);
	ok(opened(0x800, 0x8ff, false) == 256 && opened(0x800, 0x8ff, true) == 1,
	   "register virtualization: all reads");
	leave();
	enter_with_bitmap(x2apic | vid);
	ok(opened(0x800, 0x8ff, false) == 1 && opened(0x800, 0x8ff, true) == 3 &&
	   opened(0x80b, 0x80b, true) && opened(0x83f, 0x83f, true),
	   "interrupt delivery: writes of EOI and self-IPI");
	leave();
	l1[0x808 / 8] = 1;
	l1[2048 + 0x80b / 8] = 1 << 3;
	enter_with_bitmap(x2apic | regs | vid);
	ok(!opened(0x808, 0x808, false) && opened(0x808, 0x808, true) &&
	   !opened(0x80b, 0x80b, true) && opened(0x83f, 0x83f, true), "never what L1 intercepts");
	leave();
	s->msr_bitmap = PA_NOWHERE;
	l1_wrote();
	enter();
	ok(!opened(0x800, 0x8ff, false) && !opened(0x800, 0x8ff, true),
	   "or where it cannot be read");
	leave();
	enter_with_bitmap(0);
	ok(!opened(0x800, 0x8ff, false) && !opened(0x800, 0x8ff, true), "closed again after all");
	leave();
}

static void interrupt_delivery(void)
{
	const struct exit_info eoi = {
		.reason = EXIT_virtualized_eoi, .qual = 0x31, .valid = EXIT_VALID_Q,
	};

	use(CTL_MASK(CTL_tpr_shadow), CTL_MASK(CTL_virtual_interrupt_delivery));
	s->pin_based_vm_exec_control |= CTL_MASK(CTL_ext_int_exiting);
	l1_wrote();
	l1_writes(VMCS_guest_intr_status, 0x3141);
	l1_writes(VMCS_eoi_exit_bitmap0, 1);
	l1_writes(VMCS_eoi_exit_bitmap3, 1ull << 63);
	ok(enter() == NVMX_RESUME && peek02(guest_intr_status) == 0x3141 &&
	   peek02(eoi_exit_bitmap0) == 1 && peek02(eoi_exit_bitmap3) == 1ull << 63,
	   "interrupt delivery: status and EOI bitmap");
	poke02(guest_intr_status, 0x5100);
	ok(l2_exits(eoi) == OWNER_L1 &&
	   l1_reads(VMCS_guest_intr_status) == 0x5100 &&
	   l1_reads(VMCS_exit_qualification) == 0x31, "L1 sees what hardware made of it");
	l1_writes(VMCS_guest_intr_status, 0x5100);
	enter();
	ok(peek02(guest_intr_status) == 0x5100, "and goes on from there");
	poke02(guest_intr_status, 0);
	leave();
	l1_writes(VMCS_guest_intr_status, 0x5100);
	enter();
	ok(peek02(guest_intr_status) == 0x5100, "what hardware changed is written again");
	leave();
	s->pin_based_vm_exec_control &= ~CTL_MASK(CTL_ext_int_exiting);
}

static u32 *word_at(u64 gpa)
{
	return (u32 *)model_memory(gpa);
}

static void use_posted(void)
{
	use(CTL_MASK(CTL_tpr_shadow), CTL_MASK(CTL_virtual_interrupt_delivery));
	s->pin_based_vm_exec_control |= CTL_MASK(CTL_ext_int_exiting) |
					CTL_MASK(CTL_posted_interrupts);
	s->vm_exit_controls |= CTL_MASK(CTL_ack_interrupt_on_exit);
	s->posted_intr_nv = 0xf2;
	s->posted_intr_desc_addr = PA_DESC;
	s->guest_intr_status = 0x31;
	l1_wrote();
	memset(model_memory(PA_VAPIC), 0, PAGE_SIZE);
	*word_at(PA_DESC + 4) = BIT(1);		/* vector 0x21 */
	*word_at(PA_DESC + 28) = BIT(3);	/* vector 0xe3 */
	*word_at(PA_DESC + 32) = 3;		/* outstanding, and a bit that is not ours */
	enter();
}

static void arrives(int vector)
{
	m->lapic_irq = vector;
	v->irq_hint = true;
}

static void posted_interrupts(void)
{
	static u8 lapic;
	bool blocked;

	v->lapic = (void *)&lapic;
	use_posted();
	ok(!(peek02(pin_based_vm_exec_control) & CTL_MASK(CTL_posted_interrupts)),
	   "hardware does not process posted interrupts");
	arrives(0xf2);
	ok(nested_check_events(v, &blocked) == NVMX_RESUME && is_guest_mode(v) && blocked,
	   "the notification is no exit, and nothing else is taken with it");
	ok(!m->in_service && !m->lapic_irq, "its service has ended");
	ok(!*word_at(PA_DESC + 4) && !*word_at(PA_DESC + 28) && *word_at(PA_DESC + 32) == 2,
	   "the descriptor is empty, software's bits are kept");
	ok(*word_at(PA_VAPIC + 0x210) == BIT(1) && *word_at(PA_VAPIC + 0x270) == BIT(3) &&
	   peek02(guest_intr_status) == 0xe3, "the requests are in VIRR and RVI");
	*word_at(PA_DESC + 4) = BIT(2);
	arrives(0xf2);
	nested_check_events(v, &blocked);
	ok(*word_at(PA_VAPIC + 0x210) == (BIT(1) | BIT(2)) && peek02(guest_intr_status) == 0xe3,
	   "a lower request leaves RVI");
	arrives(0xf3);
	nested_check_events(v, &blocked);
	ok(!is_guest_mode(v) && (l1_reads(VMCS_vm_exit_intr_info) & EVT_VECTOR) == 0xf3,
	   "any other vector is an exit");
	m->in_service = 0;
	/* CVE-2018-16882: the page of a bad descriptor was used after it was unmapped. */
	use_posted();
	s->posted_intr_desc_addr = PA_NOWHERE;
	arrives(0xf2);
	ok(nested_check_events(v, &blocked) == NVMX_USER && !hw.mapped,
	   "CVE-2018-16882: a descriptor that is not memory: internal error, nothing mapped");
	s->posted_intr_desc_addr = PA_DESC;
	v->lapic = NULL;
	vmx_queue_irq(v, 0xf2);
	nested_check_events(v, &blocked);
	ok(!is_guest_mode(v), "the APIC is user space's: the notification is an exit");
	s->pin_based_vm_exec_control &= ~(CTL_MASK(CTL_ext_int_exiting) |
					  CTL_MASK(CTL_posted_interrupts));
}

static void request_by_hand(u8 rvi, u64 rflags, u32 event)
{
	use(CTL_MASK(CTL_tpr_shadow), CTL_MASK(CTL_virtual_interrupt_delivery));
	s->pin_based_vm_exec_control |= CTL_MASK(CTL_ext_int_exiting);
	s->guest_intr_status = rvi;
	s->guest_rflags = X86_EFLAGS_FIXED | rflags;
	s->vm_entry_intr_info_field = event;
	l1_wrote();
	memset(model_memory(PA_VAPIC), 0, PAGE_SIZE);
	*word_at(PA_VAPIC + 0x220) = BIT(1) | BIT(0);	/* vectors 0x41, 0x40 */
	enter_by_hand();
}

static void forget_event(void)
{
	v->ev.irq.injected = false;
	v->ev.written = false;
}

static bool window(void)
{
	return proc02() & CTL_MASK(CTL_interrupt_window_exiting);
}

/* What Bochs makes of the same is in selftests/guest/l1/vintr.c. */
static void interrupts_by_hand(void)
{
	const struct exit_info eoi = {
		.reason = EXIT_virtualized_eoi, .qual = 0x41, .valid = EXIT_VALID_Q,
	};

	vmx_vid_erratum = true;
	request_by_hand(0x41, X86_EFLAGS_IF, 0);
	ok(v->ev.irq.injected && peek02(vm_entry_intr_info_field) == (EVT_VALID | 0x41),
	   "by hand: the request is injected");
	ok(peek02(guest_intr_status) == 0x4140 && *word_at(PA_VAPIC + 0x220) == BIT(0) &&
	   *word_at(PA_VAPIC + 0x120) == BIT(1) && *word_at(PA_VAPIC + 0xa0) == 0x40,
	   "it is in service, and hardware has the one below");
	l2_exits((struct exit_info){ .reason = EXIT_cpuid, .insn_len = 2 });
	ok(l1_reads(VMCS_guest_intr_status) == 0x4140, "L1 sees the next one in RVI");
	v->ev.irq.injected = false;
	*word_at(PA_VAPIC + 0xa0) = 0;
	enter_by_hand();
	ok(!v->ev.irq.injected && peek02(eoi_exit_bitmap1) == ~0ull && !window(),
	   "it waits for the EOI, which exits");
	ok(l2_exits(eoi) == OWNER_L0, "to L0");
	poke02(guest_intr_status, 0x40);
	nested_deliver_by_hand(v);
	ok(v->ev.irq.injected && v->ev.irq.vector == 0x40, "after it, it is injected");
	nested_leave(v, false);
	forget_event();
	request_by_hand(0x41, 0, 0);
	ok(!v->ev.irq.injected && window(), "IF is 0: not before the window opens");
	nested_leave(v, false);
	request_by_hand(0x41, X86_EFLAGS_IF, EVT_VALID | 0x51);
	ok(!v->ev.irq.injected && window(), "nor in place of what L1 injects");
	nested_leave(v, false);
	request_by_hand(0x51, X86_EFLAGS_IF, 0);
	ok(v->ev.irq.vector == 0x41, "a request that is no longer in VIRR: the next");
	nested_leave(v, false);
	forget_event();
	vmx_vid_erratum = false;
	request_by_hand(0, 0, 0);
	nested_leave(v, false);
	s->pin_based_vm_exec_control &= ~CTL_MASK(CTL_ext_int_exiting);
}

static void halted_with_virtual_interrupt(void)
{
	use(CTL_MASK(CTL_tpr_shadow), CTL_MASK(CTL_virtual_interrupt_delivery));
	s->pin_based_vm_exec_control |= CTL_MASK(CTL_ext_int_exiting);
	s->guest_intr_status = 0x41;
	s->guest_rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF;
	l1_wrote();
	*word_at(PA_VAPIC + 0xa0) = 0x30;
	enter();
	nested_after_entry(v);
	ok(nested_wakes(v), "a virtual interrupt ends HLT");
	*word_at(PA_VAPIC + 0xa0) = 0x4f;
	ok(!nested_wakes(v), "but not one of no higher priority than the PPR");
	*word_at(PA_VAPIC + 0xa0) = 0;
	vmx_set_rflags(v, X86_EFLAGS_FIXED);
	ok(!nested_wakes(v), "nor while L2 has interrupts off");
	leave();
	s->guest_rflags = X86_EFLAGS_FIXED;
	s->pin_based_vm_exec_control &= ~CTL_MASK(CTL_ext_int_exiting);
}

/* VTPR is memory: another processor of L1 can change it after the check. */
static void vtpr_falls_behind_the_check(void)
{
	use(CTL_MASK(CTL_tpr_shadow), 0);
	*(u32 *)model_memory(PA_VAPIC + 0x80) = 0x70;
	l1_writes(VMCS_tpr_threshold, 7);
	enter();
	v->exit = (struct exit_info){ .vm_error = VMXERR_ENTRY_HOST };
	ok(!nested_entry_may_be_refused(v), "hardware refuses L0's own state: a bug");
	v->exit.vm_error = VMXERR_ENTRY_CONTROL;
	ok(nested_entry_may_be_refused(v) && !peek02(tpr_threshold),
	   "VMfail(7): the threshold goes");
	ok(!nested_entry_may_be_refused(v), "once");
	leave();
	enter();
	ok(peek02(tpr_threshold) == 7, "L1's next entry has it again");
	leave();
	*(u32 *)model_memory(PA_VAPIC + 0x80) = 0;
	ok(l1_enter().kind == VMX_FAIL, "and is refused by the check");
}

void test_apicv(void)
{
	hardware_new();
	v = &m->v;
	s = l1_vmcs12();
	hw.moved = HPA;
	tpr_shadow();
	frames_are_looked_up_once();
	hw.moved = HPA;
	frames_follow_the_host();
	pages_that_are_not_memory();
	access_page_is_small();
	access_page_moves();
	x2apic_msrs();
	interrupt_delivery();
	posted_interrupts();
	interrupts_by_hand();
	halted_with_virtual_interrupt();
	vtpr_falls_behind_the_check();
	ok(!m->bugs, "nothing impossible happened");
	hardware_end();
}
