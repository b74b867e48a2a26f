// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMX instructions of L1, and VMREAD and VMWRITE of an L2 that has a shadow VMCS.
 *
 * Hardware exits before it looks at the privilege level, so that one gate comes before every
 * handler: VMX operation, mode, CPL.  A handler decides everything before it changes anything.
 * SDM "VMX Instruction Reference" [sdm:vmx-insn]
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/mmu.h>
#include <nvmx/nested.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"

/* Result of a step that was passed: the handler goes on. */
static bool passed(const struct vmx_result *r)
{
	return r->kind == VMX_DONE;
}

/* #UD: the CPU is not in a mode that knows VMX instructions.  64-bit mode is protected mode. */
static bool wrong_mode(struct nvmx_vcpu *v)
{
	if (v->efer & EFER_LMA)
		return !vmx_long_mode64(v);
	return !(vmx_cr0(v) & X86_CR0_PE) || vmx_rflags(v) & X86_EFLAGS_VM;
}

/* Common to all but VMXON outside VMX operation. */
static struct vmx_result gate(struct nvmx_vcpu *v)
{
	if (!v->nested->vmxon || wrong_mode(v))
		return vm_raise(VEC_UD);
	if (vmx_cpl(v))
		return vm_raise_code(VEC_GP, 0);
	return vm_succeed();
}

u64 nested_reg2(struct nvmx_vcpu *v)
{
	u64 val = vmx_gpr(v, IINFO_REG2(v->exit.insn_info));

	return vmx_long_mode64(v) ? val : (u32)val;
}

/* ---- VMXON, VMXOFF ---- */

static bool vmxon_allowed(struct nvmx_vcpu *v)
{
	const struct caps12 *caps = &v->nested->caps;
	u64 cr0 = vmx_cr0(v), cr4 = vmx_cr4(v);

	if (vmx_cpl(v))
		return false;
	if (caps->cr0_fixed0 & ~cr0 || cr0 & ~caps->cr0_fixed1)
		return false;
	if (caps->cr4_fixed0 & ~cr4 || cr4 & ~nested_cr4_fixed1(v))
		return false;
	return !((FEATC_LOCK | FEATC_VMX) & ~v->feature_control);
}

/* What is not memory reads as all ones, which is no revision. */
static u32 read_revision(struct nvmx_vcpu *v, u64 pa)
{
	u32 revision;

	return mmu_read(v->vm, pa, &revision, sizeof(revision)) ? ~0u : revision;
}

static struct vmx_result do_vmxon(struct nvmx_vcpu *v)
{
	struct nested_vcpu *n = v->nested;
	struct vmx_result r;
	u64 pa;

	if (!v->cpuid->vmx || !(vmx_cr4(v) & X86_CR4_VMXE) || wrong_mode(v))
		return vm_raise(VEC_UD);
	if (n->vmxon) {
		if (vmx_cpl(v))
			return vm_raise_code(VEC_GP, 0);
		return nested_fail(v, VMXERR_VMXON_IN_ROOT);
	}
	if (!vmxon_allowed(v))
		return vm_raise_code(VEC_GP, 0);
	r = nested_operand_read(v, &pa, sizeof(pa));
	if (!passed(&r))
		return r;
	if (!nested_pa_ok(v, pa) || read_revision(v, pa) != VMCS12_REVISION)
		return vm_fail_invalid();
	nested_vmxon_begin(v, pa);
	return vm_succeed();
}

static struct vmx_result do_vmxoff(struct nvmx_vcpu *v)
{
	nested_contexts_flush_all(v);
	nested_leave(v, true);
	return vm_succeed();
}

/* ---- VMCLEAR, VMPTRLD, VMPTRST ---- */

/* Copy to L1's memory, clear and not current: whoever loads it next reads it there. */
static void clear_context(struct nvmx_vcpu *v, struct l2_context *c)
{
	if (c == v->nested->current12)
		nested_make_current(v, NULL);
	if (c->vmcs12->launch_state) {
		c->vmcs12->launch_state = 0;
		c->stale = true;
	}
	nested_context_flush(v, c);
	nested_context_free(v, c);
}

static struct vmx_result do_vmclear(struct nvmx_vcpu *v)
{
	static const u32 clear;
	struct l2_context *c;
	struct vmx_result r;
	u64 pa;

	r = nested_operand_read(v, &pa, sizeof(pa));
	if (!passed(&r))
		return r;
	if (!nested_pa_ok(v, pa))
		return nested_fail(v, VMXERR_VMCLEAR_ADDRESS);
	if (pa == v->nested->vmxon_pa)
		return nested_fail(v, VMXERR_VMCLEAR_VMXON);
	if (v->evmcs && nested_evmcs_clear(v, pa))
		return vm_succeed();
	c = nested_context_find(v, pa);
	if (c)
		clear_context(v, c);
	else
		/* Where there is no memory the write is lost, as it is on a bus. */
		mmu_write(v->vm, pa + offsetof(struct vmcs12, launch_state), &clear,
			  sizeof(clear));
	return vm_succeed();
}

/* The shadow indicator is part of the revision word; it is legal where shadowing is offered. */
bool nested_revision_ok(const struct nvmx_vcpu *v, u32 revision)
{
	if (revision & VMCS12_SHADOW && !nested_offers(v, CTL_vmcs_shadowing))
		return false;
	return (revision & ~VMCS12_SHADOW) == VMCS12_REVISION;
}

static struct vmx_result load_vmcs(struct nvmx_vcpu *v, u64 pa)
{
	struct l2_context *c = nested_context_find(v, pa);
	int err;

	/*
	 * A glance at the word that the CPU never writes, so that a wrong page costs no context.
	 * For a new context the copy is what counts.
	 */
	if ((!c || c != v->nested->current12) && !nested_revision_ok(v, read_revision(v, pa)))
		return nested_fail(v, VMXERR_VMPTRLD_REVISION);
	err = nested_context_get(v, pa, &c);
	if (err == -ENOMEM) {
		vmx_internal_error(v, KVM_INTERNAL_ERROR_EMULATION, 0, NULL);
		return (struct vmx_result){ .kind = VMX_HANDED_OVER };
	}
	if (err)
		return nested_fail(v, VMXERR_VMPTRLD_REVISION);
	if (!nested_revision_ok(v, c->vmcs12->revision)) {
		if (c != v->nested->current12)
			nested_context_free(v, c);
		return nested_fail(v, VMXERR_VMPTRLD_REVISION);
	}
	nested_make_current(v, c);
	return vm_succeed();
}

static struct vmx_result do_vmptrld(struct nvmx_vcpu *v)
{
	struct nested_vcpu *n = v->nested;
	struct vmx_result r;
	u64 pa;

	r = nested_operand_read(v, &pa, sizeof(pa));
	if (!passed(&r))
		return r;
	if (!nested_pa_ok(v, pa))
		return nested_fail(v, VMXERR_VMPTRLD_ADDRESS);
	if (pa == n->vmxon_pa)
		return nested_fail(v, VMXERR_VMPTRLD_VMXON);
	if (v->evmcs && nested_evmcs_bars_vmptrld(v))
		return vm_fail_invalid();
	return load_vmcs(v, pa);
}

static struct vmx_result do_vmptrst(struct nvmx_vcpu *v)
{
	const struct l2_context *c = v->nested->current12;
	/* VMPTRLD has not loaded an enlightened one. */
	u64 pa = c && !c->evmcs ? c->pa : NESTED_NO_PA;

	return nested_operand_write(v, &pa, sizeof(pa));
}

/* ---- VMREAD, VMWRITE ---- */

static u32 operand_size(struct nvmx_vcpu *v)
{
	return vmx_long_mode64(v) ? sizeof(u64) : sizeof(u32);
}

/*
 * The VMCS that VMREAD and VMWRITE access: for L2 it is the one at the link pointer; NULL: none.
 * SDM "VMREAD", "VMWRITE" [sdm:vmx-insn]
 */
static struct l2_context *accessed(const struct nvmx_vcpu *v)
{
	return is_guest_mode(v) ? v->nested->linked12 : v->nested->current12;
}

/* The row of a field, its value in the copy up to date; NULL: no such field. */
static const struct nested_field *find_row(struct nvmx_vcpu *v, struct l2_context *c, u64 encoding)
{
	const struct nested_field *f = nested_find_field(encoding);

	if (f && c->rare_stale && nested_field_is_rare(f))
		nested_sync_rare(v, c);
	return f;
}

/* 0; -ENOENT: no such field; -EFAULT: L1 has it in a page that is gone */
static int read_field(struct nvmx_vcpu *v, struct l2_context *c, u64 encoding, u64 *val)
{
	const struct nested_field *f = find_row(v, c, encoding);
	int err = 0;

	if (!f)
		return -ENOENT;
	if (unlikely(c->evmcs))
		err = nested_evmcs_vmread(v, c, f, val);
	else
		*val = vmcs12_get(c->vmcs12, f);
	if (encoding & VMCS_ENC_HIGH)
		*val >>= 32;
	return err;
}

static struct vmx_result do_vmread(struct nvmx_vcpu *v)
{
	struct l2_context *c = accessed(v);
	u32 info = v->exit.insn_info;
	u64 val;
	int err;

	if (!c)
		return vm_fail_invalid();
	err = read_field(v, c, nested_reg2(v), &val);
	if (err)
		return err == -ENOENT ? nested_fail(v, VMXERR_FIELD_UNSUPPORTED) :
					vm_fail_invalid();
	if (operand_size(v) == sizeof(u32))
		val = (u32)val;
	if (!(info & IINFO_IS_REG))
		return nested_operand_write(v, &val, operand_size(v));
	vmx_set_gpr(v, IINFO_REG1(info), val);
	return vm_succeed();
}

static u64 width_mask(const struct nested_field *f)
{
	return f->size == sizeof(u64) ? ~0ull : (1ull << (8 * f->size)) - 1;
}

/* What the field holds after @val was written to its full or its HIGH encoding. */
static u64 written_value(u64 old, u64 encoding, const struct nested_field *f, u64 val)
{
	if (encoding & VMCS_ENC_HIGH)
		return (u32)old | val << 32;
	return val & width_mask(f);
}

static struct vmx_result vmwrite_source(struct nvmx_vcpu *v, u64 *val)
{
	u32 info = v->exit.insn_info;

	*val = 0;
	if (!(info & IINFO_IS_REG))
		return nested_operand_read(v, val, operand_size(v));
	*val = vmx_gpr(v, IINFO_REG1(info));
	if (operand_size(v) == sizeof(u32))
		*val = (u32)*val;
	return vm_succeed();
}

static struct vmx_result do_vmwrite(struct nvmx_vcpu *v)
{
	struct l2_context *c = accessed(v);
	const struct nested_field *f;
	u64 encoding, val, old;
	struct vmx_result r;

	if (!c || c->evmcs)
		return vm_fail_invalid();
	r = vmwrite_source(v, &val);
	if (!passed(&r))
		return r;
	encoding = nested_reg2(v);
	f = find_row(v, c, encoding);
	if (!f)
		return nested_fail(v, VMXERR_FIELD_UNSUPPORTED);
	if (f->flow == FLOW_INFO && !(v->nested->caps.misc & VMXM_VMWRITE_ALL))
		return nested_fail(v, VMXERR_FIELD_READ_ONLY);
	old = vmcs12_get(c->vmcs12, f);
	val = written_value(old, encoding, f, val);
	if (val == old)
		return vm_succeed();
	vmcs12_set(c->vmcs12, f, val);
	nested_mark_dirty(c, 1u << f->group);
	if (f->shadow != SHADOW_NO)
		nested_shadow_touch(v, c);
	return vm_succeed();
}

/* ---- VMLAUNCH, VMRESUME ---- */

static struct vmx_result do_entry(struct nvmx_vcpu *v, bool launch)
{
	const struct l2_context *c;
	struct vmx_result r;

	if (unlikely(v->evmcs)) {
		r = nested_evmcs_load(v, launch);
		if (!passed(&r))
			return r;
	}
	c = v->nested->current12;
	if (!c || c->vmcs12->revision & VMCS12_SHADOW)
		return vm_fail_invalid();
	if (vmcs_read(v, guest_interruptibility_info) & INTS_MOVSS)
		return nested_fail(v, VMXERR_ENTRY_MOVSS);
	if (launch && c->vmcs12->launch_state)
		return nested_fail(v, VMXERR_VMLAUNCH_NONCLEAR);
	if (!launch && !c->vmcs12->launch_state)
		return nested_fail(v, VMXERR_VMRESUME_NONLAUNCHED);
	return nested_enter(v, launch);
}

static struct vmx_result dispatch(struct nvmx_vcpu *v)
{
	switch (v->exit.reason) {
	case EXIT_vmclear:
		return do_vmclear(v);
	case EXIT_vmlaunch:
		return do_entry(v, true);
	case EXIT_vmptrld:
		return do_vmptrld(v);
	case EXIT_vmptrst:
		return do_vmptrst(v);
	case EXIT_vmread:
		return do_vmread(v);
	case EXIT_vmresume:
		return do_entry(v, false);
	case EXIT_vmwrite:
		return do_vmwrite(v);
	case EXIT_vmxoff:
		return do_vmxoff(v);
	case EXIT_invept:
		return nested_invept(v);
	case EXIT_invvpid:
		return nested_invvpid(v);
	default:
		return vm_raise(VEC_UD);
	}
}

/* With VMCS shadowing. */
static bool may_be_of_l2(u32 reason)
{
	return reason == EXIT_vmread || reason == EXIT_vmwrite;
}

struct vmx_result nested_handle_insn(struct nvmx_vcpu *v)
{
	struct vmx_result r;

	v->stat.vmx_insn++;
	/* All others of L2 are L1's exits: see the owner column of table 3. */
	if (NVMX_BUG_ON(is_guest_mode(v) && !may_be_of_l2(v->exit.reason), v->vm))
		return vm_raise(VEC_UD);
	/* Whatever user space has set up: there is no VMX operation in SMM. */
	if (v->smm.active)
		return vm_raise(VEC_UD);
	if (v->exit.reason == EXIT_vmxon)
		return do_vmxon(v);
	r = gate(v);
	return passed(&r) ? dispatch(v) : r;
}
