// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an exit loads: the HOST rows of vmcs12 become the state of L1.
 *
 * vmcs01 still holds L1 as it was at VMLAUNCH.  Registers that L1 can change without an exit have
 * to be written; for those that nvmx knows (->l1) the write is skipped where it would change
 * nothing.
 * SDM "Loading Host State" [sdm:load-host]
 */
#include <linux/types.h>
#include <nvmx/arch.h>
#include <nvmx/vmcs12.h>
#include <nvmx/vmx.h>
#include "nested_int.h"
#include "vmcs02.h"

/* Access rights that an exit loads: present, accessed, 4 GiB. */
#define AR_CODE64	0xa09bu
#define AR_CODE32	0xc09bu
#define AR_DATA		0xc093u
#define AR_TSS		0x008bu
#define TSS_LIMIT	0x67u
#define TABLE_LIMIT	0xffffu
#define FLAT_LIMIT	0xffffffffu

static bool to_64bit(const struct vmcs12 *vmcs12)
{
	return vmcs12_has(vmcs12, CTL_host_address_space_size);
}

static u32 data_rights(u16 selector)
{
	return selector ? AR_DATA : AR_DATA | SEGAR_UNUSABLE;
}

#define load_segment(v, s, sel, base_, limit_, ar) do {		\
	vmcs_write(v, guest_##s##_selector, sel);		\
	vmcs_write(v, guest_##s##_base, base_);			\
	vmcs_write(v, guest_##s##_limit, limit_);		\
	vmcs_write(v, guest_##s##_ar_bytes, ar);		\
} while (0)

static void load_segments(struct nvmx_vcpu *v, const struct vmcs12 *h)
{
	load_segment(v, cs, h->host_cs_selector, 0, FLAT_LIMIT,
		     to_64bit(h) ? AR_CODE64 : AR_CODE32);
	load_segment(v, ss, h->host_ss_selector, 0, FLAT_LIMIT, data_rights(h->host_ss_selector));
	load_segment(v, ds, h->host_ds_selector, 0, FLAT_LIMIT, data_rights(h->host_ds_selector));
	load_segment(v, es, h->host_es_selector, 0, FLAT_LIMIT, data_rights(h->host_es_selector));
	load_segment(v, fs, h->host_fs_selector, h->host_fs_base, FLAT_LIMIT,
		     data_rights(h->host_fs_selector));
	load_segment(v, gs, h->host_gs_selector, h->host_gs_base, FLAT_LIMIT,
		     data_rights(h->host_gs_selector));
	load_segment(v, tr, h->host_tr_selector, h->host_tr_base, TSS_LIMIT, AR_TSS);
	vmcs_write(v, guest_ldtr_selector, 0);
	vmcs_write(v, guest_ldtr_ar_bytes, SEGAR_UNUSABLE);
}

static void load_tables(struct nvmx_vcpu *v, const struct vmcs12 *h)
{
	vmcs_write(v, guest_gdtr_base, h->host_gdtr_base);
	vmcs_write(v, guest_gdtr_limit, TABLE_LIMIT);
	vmcs_write(v, guest_idtr_base, h->host_idtr_base);
	vmcs_write(v, guest_idtr_limit, TABLE_LIMIT);
	vmcs_write(v, guest_sysenter_cs, h->host_ia32_sysenter_cs);
	vmcs_write(v, guest_sysenter_esp, h->host_ia32_sysenter_esp);
	vmcs_write(v, guest_sysenter_eip, h->host_ia32_sysenter_eip);
}

/* Without its load control, EFER is L2's but for the two bits of the mode. */
static u64 host_efer(const struct nvmx_vcpu *v, const struct vmcs12 *h)
{
	if (vmcs12_has(h, CTL_exit_load_efer))
		return h->host_ia32_efer;
	if (to_64bit(h))
		return v->efer | EFER_LMA | EFER_LME;
	return v->efer & ~(u64)(EFER_LMA | EFER_LME);
}

/* Exits leave ET, CD and NW alone. */
static u64 host_cr0(const struct nvmx_vcpu *v, const struct vmcs12 *h)
{
	u64 kept = X86_CR0_ET | X86_CR0_CD | X86_CR0_NW;

	return (h->host_cr0 & ~kept) | (v->cr0 & kept);
}

static u64 host_cr4(const struct vmcs12 *h)
{
	return to_64bit(h) ? h->host_cr4 | X86_CR4_PAE : h->host_cr4 & ~(u64)X86_CR4_PCIDE;
}

/* In L1 these do not change without L0, but for the bits that it owns; those were read at entry. */
static void load_modes(struct nvmx_vcpu *v, const struct vmcs12 *h)
{
	const struct l1_state *l1 = &v->nested->l1;
	u64 efer = host_efer(v, h), cr0 = host_cr0(v, h), cr4 = host_cr4(h);
	u64 cr4_of_l2 = v->cr4;

	v->efer = l1->efer;
	v->cr0 = l1->cr0;
	v->cr4 = l1->cr4;
	v->regs_avail |= LAZY_CR0 | LAZY_CR4;
	if (efer != l1->efer)
		vmx_set_efer(v, efer);
	if (cr0 != l1->cr0)
		vmx_set_cr0(v, cr0);
	if (cr4 != l1->cr4)
		vmx_set_cr4(v, cr4);
	else if ((cr4 ^ cr4_of_l2) & X86_CR4_OSXSAVE)
		vmx_cpuid_runtime(v);
	vmx_set_cr3(v, h->host_cr3);
}

static void load_debug_and_msrs(struct nvmx_vcpu *v, const struct vmcs12 *h)
{
	const struct l1_state *l1 = &v->nested->l1;
	const u64 dr7 = 0x400;

	v->dr7 = dr7;
	if (l1->dr7 != dr7 || v->guest_debug)
		vmx_set_dr7(v, dr7);
	if (vmcs12_has(h, CTL_exit_load_pat))
		v->pat = h->host_ia32_pat;
	if (v->pat != l1->pat)
		vmcs_write(v, guest_ia32_pat, v->pat);
	if (vmx_exception_bitmap(v) != l1->exception_bitmap)
		vmcs_write(v, exception_bitmap, vmx_exception_bitmap(v));
}

/*
 * No blocking by STI or MOV SS.  Blocking by NMI is L1's own as it was, except where L2's NMIs were
 * L1's, too.  SDM "Updating Non-Register State" [sdm:load-nonreg]
 */
static void load_interruptibility(struct nvmx_vcpu *v, const struct vmcs12 *h)
{
	u32 before = v->nested->l1.interruptibility, nmi = before & INTS_NMI;

	if (!vmcs12_has(h, CTL_virtual_nmis) && !(h->vm_exit_reason & EXIT_ENTRY_FAILURE))
		nmi = h->guest_interruptibility_info & INTS_NMI;
	if (before != nmi)
		vmcs_write(v, guest_interruptibility_info, nmi);
	vmcs_write(v, guest_pending_dbg_exceptions, 0);
}

u32 nested_load_l1(struct nvmx_vcpu *v, const struct vmcs12 *vmcs12)
{
	load_modes(v, vmcs12);
	load_segments(v, vmcs12);
	load_tables(v, vmcs12);
	load_debug_and_msrs(v, vmcs12);
	load_interruptibility(v, vmcs12);
	vmx_set_rip(v, vmcs12->host_rip);
	vmx_set_rsp(v, vmcs12->host_rsp);
	vmx_set_rflags(v, X86_EFLAGS_FIXED);
	if (nested_pae_paging(v) && vmx_load_pdptrs(v, vmcs12->host_cr3))
		return ABORT_PDPTE;
	return 0;
}
