// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPU of the tests that run L2.  See hardware.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/slab.h>
#include <nvmx/irq.h>
#include "hardware.h"

struct hardware hw;
DEFINE_STATIC_KEY_FALSE(irq_vid_possible);
bool vmx_vid_erratum;
u64 model_tsc;

void emu_log_reset(struct emu_log *log)
{
}

/* ---- memory ---- */

int mmu_vcpu_read(struct nvmx_vcpu *v, u64 gpa, void *buf, u32 len)
{
	return mmu_read(v->vm, gpa, buf, len);
}

static bool operand_fault(struct nvmx_fault *f)
{
	if (hw.operand_faults)
		*f = hw.fault;
	return hw.operand_faults;
}

int vmx_read_linear(struct nvmx_vcpu *v, u64 gva, void *buf, u32 len, u32 access,
		    struct nvmx_fault *f)
{
	if (operand_fault(f))
		return -EFAULT;
	return mmu_read(v->vm, gva, buf, len);
}

int vmx_write_linear(struct nvmx_vcpu *v, u64 gva, const void *buf, u32 len, u32 access,
		     struct nvmx_fault *f)
{
	if (operand_fault(f))
		return -EFAULT;
	return mmu_write(v->vm, gva, buf, len);
}

/* ---- mmu ---- */

struct ept02 {
	u64 eptp;
};

u64 mmu_eptp01(struct nvmx_vm *vm, enum mmu_space space)
{
	return 0x701e;
}

struct ept02 *mmu_ept02_get(struct nvmx_vm *vm, const struct mmu_ept12 *e)
{
	struct ept02 *t = kzalloc(sizeof(*t), GFP_KERNEL);

	if (t) {
		t->eptp = e->eptp ^ 0x80000000;
		hw.trees++;
	}
	return t;
}

void mmu_take_back(struct nvmx_vm *vm)
{
}

void mmu_ept02_put(struct nvmx_vm *vm, struct ept02 *t)
{
	hw.trees--;
	kfree(t);
}

u64 mmu_ept02_eptp(const struct ept02 *t)
{
	return t->eptp;
}

void mmu_ept02_invalidate(struct nvmx_vm *vm, u64 eptp12, bool all)
{
	m->ept_flushes++;
}

enum mmu_verdict mmu_try_fault01(struct nvmx_vcpu *v, u64 gpa, u32 access,
				 struct mmu_absent *absent)
{
	hw.last_access = access;
	return absent && hw.absent ? MMU_LATER : hw.verdict;
}

bool pv_apf_ready(struct nvmx_vcpu *v)
{
	return hw.tells_absence;
}

bool pv_apf_begin(struct nvmx_vcpu *v, const struct mmu_absent *a, u32 *token)
{
	*token = HW_TOKEN;
	return true;
}

void *mmu_map_page(struct nvmx_vm *vm, u64 gpa, bool write)
{
	if (!model_backed(gpa, PAGE_SIZE))
		return NULL;
	hw.mapped++;
	return m->memory + (gpa & PAGE_MASK);
}

void mmu_unmap_page(struct nvmx_vm *vm, void *page, u64 gpa, bool dirty)
{
	hw.mapped--;
}

/* What was looked up with the generation of another time is not what is there now. */
enum mmu_verdict mmu_frame(struct nvmx_vcpu *v, u64 gpa, enum mmu_frame_size size, u64 *hpa)
{
	hw.lookups++;
	hw.frame_size = size;
	if (!model_backed(gpa, PAGE_SIZE))
		return MMU_MMIO;
	*hpa = hw.moved + gpa;
	return hw.frame_verdict;
}

void *mmu_frame_address(u64 hpa)
{
	u64 gpa = hpa - hw.moved;

	return model_backed(gpa, PAGE_SIZE) ? model_memory(gpa) : NULL;
}

enum mmu_verdict mmu_fault02(struct nvmx_vcpu *v, struct ept02 *t, u64 ngpa, u32 access, bool wait,
			     struct mmu_result02 *r)
{
	hw.last_access = access;
	r->f = hw.fault;
	r->gpa = hw.mmio_gpa;
	return !wait && hw.absent ? MMU_LATER : hw.verdict;
}

int mmu_walk_ept12(const struct mmu_ept12 *e, u64 ngpa, u32 access, struct mmu_ept12_leaf *leaf,
		   struct nvmx_fault *f)
{
	if (hw.verdict == MMU_REPORT) {
		*f = hw.fault;
		return -EFAULT;
	}
	leaf->gpa = ngpa ^ 0x100000;
	return 0;
}

/* ---- VMCSs ---- */

/* Fields of an index below 64 and no more: room for every encoding takes longer than a test. */
#define NR_SLOTS	2048

static u32 slot_of(u32 encoding)
{
	return (encoding >> 13 & 3) << 9 | (encoding >> 10 & 3) << 7 | (encoding & 0x7f);
}

static const u32 word_encoding[] = {
	VMCS_pin_based_vm_exec_control, VMCS_cpu_based_vm_exec_control,
	VMCS_secondary_vm_exec_control, VMCS_vm_exit_controls, VMCS_vm_entry_controls,
};

u64 vmcs_peek(const struct vmcs *vmcs, u32 encoding)
{
	return ((u64 *)vmcs->region)[slot_of(encoding)];
}

void vmcs_poke(struct vmcs *vmcs, u32 encoding, u64 val)
{
	((u64 *)vmcs->region)[slot_of(encoding)] = val;
}

struct vmcs *vmcs_alloc(struct nvmx_vcpu *v, enum vmcs_kind kind)
{
	struct vmcs *vmcs = kzalloc(sizeof(*vmcs), GFP_KERNEL);

	if (!vmcs)
		return NULL;
	vmcs->kind = kind;
	vmcs->cpu = -1;
	vmcs->region = calloc(NR_SLOTS, sizeof(u64));
	vmcs->pa = (u64)(unsigned long)vmcs->region;
	return vmcs;
}

void vmcs_free(struct vmcs *vmcs)
{
	if (!vmcs)
		return;
	if (hw.current == vmcs)
		hw.current = NULL;
	free(vmcs->region);
	kfree(vmcs);
}

u64 vmcs_hw_read(struct nvmx_vcpu *v, u32 encoding)
{
	hw.reads++;
	return vmcs_peek(hw.current ?: v->cur, encoding);
}

void vmcs_hw_write(struct nvmx_vcpu *v, u32 encoding, u64 value)
{
	hw.writes++;
	vmcs_poke(hw.current ?: v->cur, encoding, value);
}

static void make_current(struct vmcs *vmcs)
{
	hw.loads += hw.current != vmcs;
	hw.current = vmcs;
}

void vmcs_ctl_write(struct nvmx_vcpu *v, struct vmcs *vmcs, enum vmx_ctl_word w, u32 value)
{
	if (vmcs->ctl[w] == value)
		return;
	vmcs->ctl[w] = value;
	if (vmcs == v->cur)
		vmcs_hw_write(v, word_encoding[w], value);
	else
		vmcs->ctl_dirty |= BIT(w);
}

static void flush_words(struct nvmx_vcpu *v, struct vmcs *vmcs)
{
	u32 w;

	for (w = 0; w < NR_CTL_WORDS; w++)
		if (vmcs->ctl_dirty & BIT(w))
			vmcs_hw_write(v, word_encoding[w], vmcs->ctl[w]);
	vmcs->ctl_dirty = 0;
}

void vmcs_switch(struct nvmx_vcpu *v, struct vmcs *to)
{
	if (v->cur == to)
		return;
	vmx_regs_flush(v);
	v->cur = to;
	make_current(to);
	flush_words(v, to);
	vmx_regs_forget(v);
}

void vmcs_shadow_begin(struct nvmx_vcpu *v, struct vmcs *shadow)
{
	make_current(shadow);
}

void vmcs_shadow_end(struct nvmx_vcpu *v, struct vmcs *shadow)
{
	make_current(v->cur);
}

void vmcs_init_l0(struct nvmx_vcpu *v, struct vmcs *vmcs)
{
	u32 w;

	for (w = 0; w < NR_CTL_WORDS; w++)
		vmcs_ctl_write(v, vmcs, w, vmx_caps.base[w]);
}

/* ---- the rest of src/vmx ---- */

u16 vmx_vpid_alloc(void)
{
	static u16 next = 100;

	return next++;
}

void vmx_vpid_free(u16 vpid)
{
}

void vmx_flush_vpid(struct nvmx_vcpu *v, u16 vpid)
{
	hw.vpid_flushes++;
	hw.last_vpid = vpid;
}

void vmx_flush_ept(struct nvmx_vcpu *v, u64 eptp)
{
	hw.ept_flushes++;
}

void vmx_kick(struct nvmx_vcpu *v)
{
	hw.kicks++;
}

u32 vmx_exception_bitmap(const struct nvmx_vcpu *v)
{
	return BIT(VEC_DB) | BIT(VEC_AC) | BIT(VEC_MC);
}

void vmx_set_dr7(struct nvmx_vcpu *v, u64 val)
{
	v->dr7 = val;
	vmcs_write(v, guest_dr7, val);
}

bool vmx_debug_wants_db(const struct nvmx_vcpu *v);
bool vmx_debug_wants_db(const struct nvmx_vcpu *v)
{
	return v->guest_debug & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP);
}

void vmx_vid_before_entry(struct nvmx_vcpu *v);
void vmx_vid_before_entry(struct nvmx_vcpu *v)
{
}

void vmx_write_tpr_threshold(struct nvmx_vcpu *v);
void vmx_write_tpr_threshold(struct nvmx_vcpu *v)
{
}

enum nvmx_action vmx_debug_exit(struct nvmx_vcpu *v, u8 vector, u64 dr6);
enum nvmx_action vmx_debug_exit(struct nvmx_vcpu *v, u8 vector, u64 dr6)
{
	hw.debug_exits++;
	return NVMX_USER;
}

void vmx_cpuid_runtime(struct nvmx_vcpu *v)
{
}

u64 vmx_l1_tsc(struct nvmx_vcpu *v, u64 host_tsc)
{
	return host_tsc + v->tsc_offset;
}

bool vmx_watch_timers;

u64 vmx_host_ticks(const struct nvmx_vcpu *v, u64 ticks)
{
	return ticks;
}

int vmx_get_msr(struct nvmx_vcpu *v, u32 msr, u64 *val, enum msr_by by)
{
	*val = msr * 3ull;
	return msr == hw.bad_msr ? -EINVAL : 0;
}

int vmx_set_msr(struct nvmx_vcpu *v, u32 msr, u64 val, enum msr_by by)
{
	if (msr == hw.bad_msr)
		return -EINVAL;
	hw.last_msr = msr;
	hw.last_msr_value = val;
	return 0;
}

enum nvmx_action vmx_emulation_failed(struct nvmx_vcpu *v)
{
	m->emulation_failures++;
	return NVMX_USER;
}

/* ---- L1 and L2 ---- */

const struct control hardware_controls[] = {
#define NVMX_CTL(word, bit, name, l0, offer, merge)	\
	{ CTLW_##word, bit, #name, #l0, #offer, #merge },
#include <nvmx/vmx_controls.h>
#undef NVMX_CTL
	{ }
};

static void l0_words(void)
{
	const struct control *row;
	u32 w;

	for (w = 0; w < NR_CTL_WORDS; w++)
		vmx_caps.base[w] = 0;
	for (row = hardware_controls; row->name; row++)
		if (!strcmp(row->l0, "NEED") || !strcmp(row->l0, "WANT"))
			vmx_caps.base[row->word] |= BIT(row->bit);
	vmx_caps.base[CTLW_PROC] |= CTL_MASK(CTL_mov_dr_exiting);
	vmx_caps.misc = VMXM_VMWRITE_ALL;
	vmx_caps.cr0_fixed0 = X86_CR0_PE | X86_CR0_NE | X86_CR0_PG;
	vmx_caps.cr0_fixed1 = 0xffffffff;
	vmx_caps.cr4_fixed0 = X86_CR4_VMXE;
}

static void l1_registers(void)
{
	struct nvmx_vcpu *v = &m->v;

	v->msr_bitmap = (unsigned long *)__get_free_page(GFP_KERNEL);
	memset(v->msr_bitmap, 0xff, PAGE_SIZE);
	v->tsc_khz = 1000000;
	v->vpid = 1;
	v->dr7 = 0x400;
	v->pat = 0x0007040600070406;
	v->cr0 |= X86_CR0_ET;
	v->cr0_owned = X86_CR0_TS;
	v->cr4_owned = X86_CR4_PGE;
	v->regs_avail = ~0u;
	vmcs_poke(v->vmcs01, VMCS_guest_cs_ar_bytes, 0xa09b);
	vmcs_poke(v->vmcs01, VMCS_guest_ss_ar_bytes, 0xc093);
	vmcs_poke(v->vmcs01, VMCS_guest_cr0, v->cr0);
	vmcs_poke(v->vmcs01, VMCS_guest_cr4, v->cr4);
	vmcs_poke(v->vmcs01, VMCS_vmcs_link_pointer, ~0ull);
}

void hardware_new(void)
{
	memset(&hw, 0, sizeof(hw));
	model_new();
	l0_words();
	hw.current = m->v.vmcs01;
	vmcs_init_l0(&m->v, m->v.vmcs01);
	l1_registers();
	model_vmxon();
	model_load(0);
	model_valid_vmcs12(l1_vmcs12());
	l1_vmcs12()->guest_cr0 |= X86_CR0_ET;
	l1_vmcs12()->host_cr0 |= X86_CR0_ET;
	l1_wrote();
}

void hardware_end(void)
{
	free_page((unsigned long)m->v.msr_bitmap);
	model_end();
	hw.current = NULL;
}

struct vmcs12 *l1_vmcs12(void)
{
	return nested_vmcs12(&m->v);
}

void l1_wrote(void)
{
	struct l2_context *c = m->v.nested->current12;

	nested_mark_dirty(c, GROUPS_ALL);
	nested_shadow_detach(&m->v);
	nested_shadow_attach(&m->v, c);
}

struct vmx_result l1_enter(void)
{
	u32 reason = l1_vmcs12()->launch_state ? EXIT_vmresume : EXIT_vmlaunch;

	vmx_regs_flush(&m->v);
	m->v.regs_avail = 0;
	m->v.exit = (struct exit_info){ .reason = reason, .insn_len = 3 };
	return nested_handle_insn(&m->v);
}

void l1_enters(void)
{
	bool blocked;

	if (l1_enter().kind != VMX_ENTERED || nested_check_events(&m->v, &blocked) ||
	    nested_before_entry(&m->v))
		abort();
}

static u64 *shadow_field(u32 encoding, enum nested_shadow least)
{
	const struct nested_field *f = nested_find_field(encoding);
	struct vmcs *shadow = m->v.nested->current12->shadow;

	if (!vmcs_ctl_test(m->v.vmcs01, CTL_vmcs_shadowing) || f->shadow < least)
		return NULL;
	return (u64 *)shadow->region + slot_of(encoding);
}

u64 l1_reads(u32 encoding)
{
	u64 *shadow = shadow_field(encoding, SHADOW_RO);
	u64 val;

	if (shadow)
		return *shadow;
	if (model_vmread(encoding, &val).kind != VMX_DONE)
		abort();
	return val;
}

void l1_writes(u32 encoding, u64 val)
{
	u64 *shadow = shadow_field(encoding, SHADOW_RW);

	if (shadow)
		*shadow = val;
	else if (model_vmwrite(encoding, val).kind != VMX_DONE)
		abort();
}

enum nested_owner l2_exits(struct exit_info x)
{
	struct nvmx_vcpu *v = &m->v;
	enum nested_owner owner;

	vmx_regs_flush(v);
	v->regs_avail = 0;
	vmcs_poke(v->cur, VMCS_vm_entry_intr_info_field,
		  vmcs_peek(v->cur, VMCS_vm_entry_intr_info_field) & ~(u64)EVT_VALID);
	v->exit = x;
	if (!(x.reason & EXIT_ENTRY_FAILURE))
		nested_after_entry(v);
	vmx_events_after_exit(v);
	owner = nested_route(v);
	if (owner == OWNER_L1)
		nested_reflect(v);
	return owner;
}

/* ---- system-management mode ---- */

void vmx_take_smi(struct nvmx_vcpu *v)
{
	v->smm.pending = false;
	nested_enter_smm(v);
	v->smm.active = true;
}
