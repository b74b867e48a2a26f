/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Table 4: every consistency check of VM entry, in the order of the SDM.
 *
 * NVMX_CHECK(section, name, inputs, ok)
 *
 *   section  exec exit entry                         stage CTRL:  VMfail 7
 *            host_cr host_seg host_size              stage HOST:  VMfail 8
 *            guest_cr guest_seg guest_dt guest_rip guest_nonreg guest_link guest_pdpte
 *                                                    stage GUEST: exit 33
 *            [sdm:check-<section>] in Documentation/sdm.rst names the manual's section
 *   name     CHK_<name>: in trace nvmx_failed_check, and of the test that trips it
 *   inputs   IN_<inputs> of src/nested/check.c: the groups of table 1 it reads.  The check is
 *            skipped while none of them is dirty.
 *   ok       what must hold; c is the struct check of src/nested/check_int.h, s the vmcs12
 *
 * Rows for controls that are not offered can fail only where the host's capabilities say more:
 * the first rows refuse the control itself.
 */
/* clang-format off */

/* ---- VM-execution control fields ---- */
NVMX_CHECK(exec, pin_based_controls,       GRP1, ctl_allowed(c, CTLW_PIN))
NVMX_CHECK(exec, proc_based_controls,      PROC, ctl_allowed(c, CTLW_PROC))
NVMX_CHECK(exec, secondary_controls,       CTL2, ctl_allowed(c, CTLW_PROC2))
NVMX_CHECK(exec, cr3_target_count,         GRP1, s->cr3_target_count <= ((c->n->caps.misc >> 16) & 0x1ff))
NVMX_CHECK(exec, io_bitmap_a_aligned,      IOBM, implies(has(c, CTL_use_io_bitmaps), page_aligned(s->io_bitmap_a)))
NVMX_CHECK(exec, io_bitmap_a_width,        IOBM, implies(has(c, CTL_use_io_bitmaps), pa_fits(c, s->io_bitmap_a)))
NVMX_CHECK(exec, io_bitmap_b_aligned,      IOBM, implies(has(c, CTL_use_io_bitmaps), page_aligned(s->io_bitmap_b)))
NVMX_CHECK(exec, io_bitmap_b_width,        IOBM, implies(has(c, CTL_use_io_bitmaps), pa_fits(c, s->io_bitmap_b)))
NVMX_CHECK(exec, msr_bitmap_aligned,       MSRBM, implies(has(c, CTL_use_msr_bitmaps), page_aligned(s->msr_bitmap)))
NVMX_CHECK(exec, msr_bitmap_width,         MSRBM, implies(has(c, CTL_use_msr_bitmaps), pa_fits(c, s->msr_bitmap)))
NVMX_CHECK(exec, virtual_apic_aligned,     CTLS, implies(has(c, CTL_tpr_shadow), page_aligned(s->virtual_apic_page_addr)))
NVMX_CHECK(exec, virtual_apic_width,       CTLS, implies(has(c, CTL_tpr_shadow), pa_fits(c, s->virtual_apic_page_addr)))
NVMX_CHECK(exec, tpr_threshold_reserved,   CTLS, implies(has(c, CTL_tpr_shadow) && !has(c, CTL_virtual_interrupt_delivery), !(s->tpr_threshold >> 4)))
NVMX_CHECK(exec, tpr_threshold_vtpr,       VTPR, tpr_threshold_ok(c))
NVMX_CHECK(exec, virtual_nmis,             GRP1, implies(has(c, CTL_virtual_nmis), has(c, CTL_nmi_exiting)))
NVMX_CHECK(exec, nmi_window,               CTLS, implies(has(c, CTL_nmi_window_exiting), has(c, CTL_virtual_nmis)))
NVMX_CHECK(exec, apic_access_aligned,      CTL2, implies(has(c, CTL_virtualize_apic_accesses), page_aligned(s->apic_access_addr)))
NVMX_CHECK(exec, apic_access_width,        CTL2, implies(has(c, CTL_virtualize_apic_accesses), pa_fits(c, s->apic_access_addr)))
NVMX_CHECK(exec, x2apic_tpr_shadow,        CTLS, implies(has(c, CTL_virtualize_x2apic), has(c, CTL_tpr_shadow)))
NVMX_CHECK(exec, apic_register_tpr_shadow, CTLS, implies(has(c, CTL_apic_register_virtualization), has(c, CTL_tpr_shadow)))
NVMX_CHECK(exec, interrupt_delivery_tpr_shadow, CTLS, implies(has(c, CTL_virtual_interrupt_delivery), has(c, CTL_tpr_shadow)))
NVMX_CHECK(exec, x2apic_apic_accesses,     CTL2, implies(has(c, CTL_virtualize_x2apic), !has(c, CTL_virtualize_apic_accesses)))
NVMX_CHECK(exec, interrupt_delivery_exiting, CTL2, implies(has(c, CTL_virtual_interrupt_delivery), has(c, CTL_ext_int_exiting)))
NVMX_CHECK(exec, posted_interrupt_delivery, CTL2, implies(has(c, CTL_posted_interrupts), has(c, CTL_virtual_interrupt_delivery)))
NVMX_CHECK(exec, posted_interrupt_ack,     GRP1, implies(has(c, CTL_posted_interrupts), has(c, CTL_ack_interrupt_on_exit)))
NVMX_CHECK(exec, posted_interrupt_vector,  GRP1, implies(has(c, CTL_posted_interrupts), s->posted_intr_nv <= 255))
NVMX_CHECK(exec, posted_interrupt_aligned, GRP1, implies(has(c, CTL_posted_interrupts), !(s->posted_intr_desc_addr & 0x3f)))
NVMX_CHECK(exec, posted_interrupt_width,   GRP1, implies(has(c, CTL_posted_interrupts), pa_fits(c, s->posted_intr_desc_addr)))
NVMX_CHECK(exec, vpid_zero,                XLAT, implies(has(c, CTL_vpid), s->virtual_processor_id))
NVMX_CHECK(exec, eptp_memtype,             XLAT, implies(has(c, CTL_ept), eptp_memtype_ok(c->v, s->ept_pointer)))
NVMX_CHECK(exec, eptp_levels,              XLAT, implies(has(c, CTL_ept), eptp_levels_ok(c->v, s->ept_pointer)))
NVMX_CHECK(exec, eptp_ad,                  XLAT, implies(has(c, CTL_ept), eptp_ad_ok(c->v, s->ept_pointer)))
NVMX_CHECK(exec, eptp_reserved,            XLAT, implies(has(c, CTL_ept), eptp_reserved_ok(c->v, s->ept_pointer)))
NVMX_CHECK(exec, pml_ept,                  CTL2, implies(has(c, CTL_pml), has(c, CTL_ept)))
NVMX_CHECK(exec, pml_aligned,              CTL2, implies(has(c, CTL_pml), page_aligned(s->pml_address)))
NVMX_CHECK(exec, pml_width,                CTL2, implies(has(c, CTL_pml), pa_fits(c, s->pml_address)))
NVMX_CHECK(exec, unrestricted_guest_ept,   CTL2, implies(c->urg, has(c, CTL_ept)))
NVMX_CHECK(exec, mode_based_execute_ept,   CTL2, implies(has(c, CTL_mode_based_execute), has(c, CTL_ept)))
NVMX_CHECK(exec, vm_functions_reserved,    CTL2, implies(has(c, CTL_vm_functions), !(s->vm_function_control & ~c->n->caps.vmfunc)))
NVMX_CHECK(exec, eptp_switching_ept,       CTL2, implies(has(c, CTL_vm_functions) && s->vm_function_control & 1, has(c, CTL_ept)))
NVMX_CHECK(exec, eptp_list_aligned,        CTL2, implies(has(c, CTL_vm_functions) && s->vm_function_control & 1, page_aligned(s->eptp_list_address)))
NVMX_CHECK(exec, eptp_list_width,          CTL2, implies(has(c, CTL_vm_functions) && s->vm_function_control & 1, pa_fits(c, s->eptp_list_address)))
NVMX_CHECK(exec, vmread_bitmap_aligned,    CTL2, implies(has(c, CTL_vmcs_shadowing), page_aligned(s->vmread_bitmap)))
NVMX_CHECK(exec, vmread_bitmap_width,      CTL2, implies(has(c, CTL_vmcs_shadowing), pa_fits(c, s->vmread_bitmap)))
NVMX_CHECK(exec, vmwrite_bitmap_aligned,   CTL2, implies(has(c, CTL_vmcs_shadowing), page_aligned(s->vmwrite_bitmap)))
NVMX_CHECK(exec, vmwrite_bitmap_width,     CTL2, implies(has(c, CTL_vmcs_shadowing), pa_fits(c, s->vmwrite_bitmap)))
NVMX_CHECK(exec, tsc_multiplier_zero,      TIME, implies(has(c, CTL_tsc_scaling), s->tsc_multiplier))

/* ---- VM-exit control fields ---- */
NVMX_CHECK(exit, exit_controls,            GRP1, ctl_allowed(c, CTLW_EXIT))
NVMX_CHECK(exit, save_preemption_timer,    GRP1, implies(has(c, CTL_exit_save_preemption_timer), has(c, CTL_preemption_timer)))
NVMX_CHECK(exit, exit_store_aligned,       GRP1, list_aligned(s->vm_exit_msr_store_addr, s->vm_exit_msr_store_count))
NVMX_CHECK(exit, exit_store_width,         GRP1, list_fits(c, s->vm_exit_msr_store_addr, s->vm_exit_msr_store_count))
NVMX_CHECK(exit, exit_load_aligned,        GRP1, list_aligned(s->vm_exit_msr_load_addr, s->vm_exit_msr_load_count))
NVMX_CHECK(exit, exit_load_width,          GRP1, list_fits(c, s->vm_exit_msr_load_addr, s->vm_exit_msr_load_count))

/* ---- VM-entry control fields ---- */
NVMX_CHECK(entry, entry_controls,          GRP1, ctl_allowed(c, CTLW_ENTRY))
NVMX_CHECK(entry, event_type,              EVENT, event_type_ok(c))
NVMX_CHECK(entry, event_vector,            EVENT, event_vector_ok(c))
NVMX_CHECK(entry, event_has_code,          EVENT, event_has_code_ok(c))
NVMX_CHECK(entry, event_reserved,          EVENT, implies(c->event, !(s->vm_entry_intr_info_field & 0x7ffff000)))
NVMX_CHECK(entry, event_code_reserved,     EVENT, implies(c->event && s->vm_entry_intr_info_field & EVT_HAS_CODE, !(s->vm_entry_exception_error_code >> 16)))
NVMX_CHECK(entry, event_length,            EVENT, event_length_ok(c))
NVMX_CHECK(entry, entry_load_aligned,      GRP1, list_aligned(s->vm_entry_msr_load_addr, s->vm_entry_msr_load_count))
NVMX_CHECK(entry, entry_load_width,        GRP1, list_fits(c, s->vm_entry_msr_load_addr, s->vm_entry_msr_load_count))

/* ---- host control registers and MSRs ---- */
NVMX_CHECK(host_cr, host_cr0_fixed,        HOST, cr0_fixed_ok(c, s->host_cr0, 0))
NVMX_CHECK(host_cr, host_cr4_fixed,        HOST, cr4_fixed_ok(c, s->host_cr4))
NVMX_CHECK(host_cr, host_cr3_width,        HOST, pa_fits(c, s->host_cr3))
NVMX_CHECK(host_cr, host_sysenter_esp,     HOST, canonical(c, s->host_ia32_sysenter_esp))
NVMX_CHECK(host_cr, host_sysenter_eip,     HOST, canonical(c, s->host_ia32_sysenter_eip))
NVMX_CHECK(host_cr, host_perf_global,      HOST, implies(has(c, CTL_exit_load_perf_global), perf_global_ok(s->host_ia32_perf_global_ctrl)))
NVMX_CHECK(host_cr, host_pat,              HOST, implies(has(c, CTL_exit_load_pat), pat_ok(s->host_ia32_pat)))
NVMX_CHECK(host_cr, host_efer_reserved,    HOST, implies(has(c, CTL_exit_load_efer), efer_reserved_ok(c, s->host_ia32_efer)))
NVMX_CHECK(host_cr, host_efer_lma,         HOST, implies(has(c, CTL_exit_load_efer), !!(s->host_ia32_efer & EFER_LMA) == has(c, CTL_host_address_space_size)))
NVMX_CHECK(host_cr, host_efer_lme,         HOST, implies(has(c, CTL_exit_load_efer), !!(s->host_ia32_efer & EFER_LME) == has(c, CTL_host_address_space_size)))

/* ---- host segment and descriptor-table registers ---- */
NVMX_CHECK(host_seg, host_es_rpl_ti,       HOST, !(s->host_es_selector & 7))
NVMX_CHECK(host_seg, host_cs_rpl_ti,       HOST, !(s->host_cs_selector & 7))
NVMX_CHECK(host_seg, host_ss_rpl_ti,       HOST, !(s->host_ss_selector & 7))
NVMX_CHECK(host_seg, host_ds_rpl_ti,       HOST, !(s->host_ds_selector & 7))
NVMX_CHECK(host_seg, host_fs_rpl_ti,       HOST, !(s->host_fs_selector & 7))
NVMX_CHECK(host_seg, host_gs_rpl_ti,       HOST, !(s->host_gs_selector & 7))
NVMX_CHECK(host_seg, host_tr_rpl_ti,       HOST, !(s->host_tr_selector & 7))
NVMX_CHECK(host_seg, host_cs_null,         HOST, s->host_cs_selector)
NVMX_CHECK(host_seg, host_tr_null,         HOST, s->host_tr_selector)
NVMX_CHECK(host_seg, host_ss_null,         HOST, has(c, CTL_host_address_space_size) || s->host_ss_selector)
NVMX_CHECK(host_seg, host_fs_base,         HOST, canonical(c, s->host_fs_base))
NVMX_CHECK(host_seg, host_gs_base,         HOST, canonical(c, s->host_gs_base))
NVMX_CHECK(host_seg, host_gdtr_base,       HOST, canonical(c, s->host_gdtr_base))
NVMX_CHECK(host_seg, host_idtr_base,       HOST, canonical(c, s->host_idtr_base))
NVMX_CHECK(host_seg, host_tr_base,         HOST, canonical(c, s->host_tr_base))

/* ---- address-space size; that a 32-bit host has no IA-32e guest follows from the first two ---- */
NVMX_CHECK(host_size, legacy_host_guest_ia32e, LMA, l1_lma(c) || !c->ia32e)
NVMX_CHECK(host_size, host_size_is_lma,    LMA, has(c, CTL_host_address_space_size) == l1_lma(c))
NVMX_CHECK(host_size, host32_pcide,        HOST, has(c, CTL_host_address_space_size) || !(s->host_cr4 & X86_CR4_PCIDE))
NVMX_CHECK(host_size, host32_rip,          HOST, has(c, CTL_host_address_space_size) || !(s->host_rip >> 32))
NVMX_CHECK(host_size, host64_pae,          HOST, implies(has(c, CTL_host_address_space_size), s->host_cr4 & X86_CR4_PAE))
NVMX_CHECK(host_size, host64_rip,          HOST, implies(has(c, CTL_host_address_space_size), canonical(c, s->host_rip)))

/* ---- guest control registers, debug registers, and MSRs ---- */
NVMX_CHECK(guest_cr, guest_cr0_fixed,      CRDR, cr0_fixed_ok(c, s->guest_cr0, c->urg ? X86_CR0_PE | X86_CR0_PG : 0))
NVMX_CHECK(guest_cr, guest_cr0_pg_pe,      CRDR, implies(s->guest_cr0 & X86_CR0_PG, s->guest_cr0 & X86_CR0_PE))
NVMX_CHECK(guest_cr, guest_cr4_fixed,      CRDR, cr4_fixed_ok(c, s->guest_cr4))
NVMX_CHECK(guest_cr, guest_debugctl,       GRP2, implies(has(c, CTL_entry_load_debug), debugctl_ok(s->guest_ia32_debugctl)))
NVMX_CHECK(guest_cr, guest_ia32e_pg,       CRDR, implies(c->ia32e, s->guest_cr0 & X86_CR0_PG))
NVMX_CHECK(guest_cr, guest_ia32e_pae,      CRDR, implies(c->ia32e, s->guest_cr4 & X86_CR4_PAE))
NVMX_CHECK(guest_cr, guest_legacy_pcide,   CRDR, c->ia32e || !(s->guest_cr4 & X86_CR4_PCIDE))
NVMX_CHECK(guest_cr, guest_cr3_width,      CRDR, pa_fits(c, s->guest_cr3))
NVMX_CHECK(guest_cr, guest_dr7_high,       CRDR, implies(has(c, CTL_entry_load_debug), !(s->guest_dr7 >> 32)))
NVMX_CHECK(guest_cr, guest_sysenter_esp,   GRP2, canonical(c, s->guest_sysenter_esp))
NVMX_CHECK(guest_cr, guest_sysenter_eip,   GRP2, canonical(c, s->guest_sysenter_eip))
NVMX_CHECK(guest_cr, guest_perf_global,    GRP2, implies(has(c, CTL_entry_load_perf_global), perf_global_ok(s->guest_ia32_perf_global_ctrl)))
NVMX_CHECK(guest_cr, guest_pat,            GRP2, implies(has(c, CTL_entry_load_pat), pat_ok(s->guest_ia32_pat)))
NVMX_CHECK(guest_cr, guest_efer_reserved,  EFER, implies(has(c, CTL_entry_load_efer), efer_reserved_ok(c, s->guest_ia32_efer)))
NVMX_CHECK(guest_cr, guest_efer_lma,       EFER, implies(has(c, CTL_entry_load_efer), !!(s->guest_ia32_efer & EFER_LMA) == c->ia32e))
NVMX_CHECK(guest_cr, guest_efer_lme,       EFER, implies(has(c, CTL_entry_load_efer) && s->guest_cr0 & X86_CR0_PG, !!(s->guest_ia32_efer & EFER_LME) == c->ia32e))
NVMX_CHECK(guest_cr, guest_bndcfgs_reserved, GRP2, implies(has(c, CTL_entry_load_bndcfgs), !(s->guest_bndcfgs & 0xffc)))
NVMX_CHECK(guest_cr, guest_bndcfgs_base,   GRP2, implies(has(c, CTL_entry_load_bndcfgs), canonical(c, s->guest_bndcfgs & ~0xfffull)))

/* ---- guest segment registers ---- */
NVMX_CHECK(guest_seg, guest_tr_ti,         SEG, !(s->guest_tr_selector & 4))
NVMX_CHECK(guest_seg, guest_ldtr_ti,       SEG, implies(usable(s->guest_ldtr_ar_bytes), !(s->guest_ldtr_selector & 4)))
NVMX_CHECK(guest_seg, guest_ss_rpl,        SEG, c->vm86 || c->urg || !((s->guest_ss_selector ^ s->guest_cs_selector) & 3))

NVMX_CHECK(guest_seg, guest_cs_base_vm86,  SEG, implies(c->vm86, s->guest_cs_base == (u64)s->guest_cs_selector << 4))
NVMX_CHECK(guest_seg, guest_ss_base_vm86,  SEG, implies(c->vm86, s->guest_ss_base == (u64)s->guest_ss_selector << 4))
NVMX_CHECK(guest_seg, guest_ds_base_vm86,  SEG, implies(c->vm86, s->guest_ds_base == (u64)s->guest_ds_selector << 4))
NVMX_CHECK(guest_seg, guest_es_base_vm86,  SEG, implies(c->vm86, s->guest_es_base == (u64)s->guest_es_selector << 4))
NVMX_CHECK(guest_seg, guest_fs_base_vm86,  SEG, implies(c->vm86, s->guest_fs_base == (u64)s->guest_fs_selector << 4))
NVMX_CHECK(guest_seg, guest_gs_base_vm86,  SEG, implies(c->vm86, s->guest_gs_base == (u64)s->guest_gs_selector << 4))
NVMX_CHECK(guest_seg, guest_tr_base,       SEG, canonical(c, s->guest_tr_base))
NVMX_CHECK(guest_seg, guest_fs_base,       SEG, canonical(c, s->guest_fs_base))
NVMX_CHECK(guest_seg, guest_gs_base,       SEG, canonical(c, s->guest_gs_base))
NVMX_CHECK(guest_seg, guest_ldtr_base,     SEG, implies(usable(s->guest_ldtr_ar_bytes), canonical(c, s->guest_ldtr_base)))
NVMX_CHECK(guest_seg, guest_cs_base_high,  SEG, !(s->guest_cs_base >> 32))
NVMX_CHECK(guest_seg, guest_ss_base_high,  SEG, implies(usable(s->guest_ss_ar_bytes), !(s->guest_ss_base >> 32)))
NVMX_CHECK(guest_seg, guest_ds_base_high,  SEG, implies(usable(s->guest_ds_ar_bytes), !(s->guest_ds_base >> 32)))
NVMX_CHECK(guest_seg, guest_es_base_high,  SEG, implies(usable(s->guest_es_ar_bytes), !(s->guest_es_base >> 32)))

NVMX_CHECK(guest_seg, guest_cs_limit_vm86, SEG, implies(c->vm86, s->guest_cs_limit == 0xffff))
NVMX_CHECK(guest_seg, guest_ss_limit_vm86, SEG, implies(c->vm86, s->guest_ss_limit == 0xffff))
NVMX_CHECK(guest_seg, guest_ds_limit_vm86, SEG, implies(c->vm86, s->guest_ds_limit == 0xffff))
NVMX_CHECK(guest_seg, guest_es_limit_vm86, SEG, implies(c->vm86, s->guest_es_limit == 0xffff))
NVMX_CHECK(guest_seg, guest_fs_limit_vm86, SEG, implies(c->vm86, s->guest_fs_limit == 0xffff))
NVMX_CHECK(guest_seg, guest_gs_limit_vm86, SEG, implies(c->vm86, s->guest_gs_limit == 0xffff))

NVMX_CHECK(guest_seg, guest_cs_ar_vm86,    SEG, implies(c->vm86, s->guest_cs_ar_bytes == 0xf3))
NVMX_CHECK(guest_seg, guest_ss_ar_vm86,    SEG, implies(c->vm86, s->guest_ss_ar_bytes == 0xf3))
NVMX_CHECK(guest_seg, guest_ds_ar_vm86,    SEG, implies(c->vm86, s->guest_ds_ar_bytes == 0xf3))
NVMX_CHECK(guest_seg, guest_es_ar_vm86,    SEG, implies(c->vm86, s->guest_es_ar_bytes == 0xf3))
NVMX_CHECK(guest_seg, guest_fs_ar_vm86,    SEG, implies(c->vm86, s->guest_fs_ar_bytes == 0xf3))
NVMX_CHECK(guest_seg, guest_gs_ar_vm86,    SEG, implies(c->vm86, s->guest_gs_ar_bytes == 0xf3))

NVMX_CHECK(guest_seg, guest_cs_type,       SEG, c->vm86 || cs_type_ok(c))
NVMX_CHECK(guest_seg, guest_ss_type,       SEG, c->vm86 || ss_type_ok(c))
NVMX_CHECK(guest_seg, guest_ds_type,       SEG, c->vm86 || data_type_ok(s->guest_ds_ar_bytes))
NVMX_CHECK(guest_seg, guest_es_type,       SEG, c->vm86 || data_type_ok(s->guest_es_ar_bytes))
NVMX_CHECK(guest_seg, guest_fs_type,       SEG, c->vm86 || data_type_ok(s->guest_fs_ar_bytes))
NVMX_CHECK(guest_seg, guest_gs_type,       SEG, c->vm86 || data_type_ok(s->guest_gs_ar_bytes))

NVMX_CHECK(guest_seg, guest_cs_s,          SEG, s->guest_cs_ar_bytes & SEGAR_S)
NVMX_CHECK(guest_seg, guest_ss_s,          SEG, implies(usable(s->guest_ss_ar_bytes), s->guest_ss_ar_bytes & SEGAR_S))
NVMX_CHECK(guest_seg, guest_ds_s,          SEG, implies(usable(s->guest_ds_ar_bytes), s->guest_ds_ar_bytes & SEGAR_S))
NVMX_CHECK(guest_seg, guest_es_s,          SEG, implies(usable(s->guest_es_ar_bytes), s->guest_es_ar_bytes & SEGAR_S))
NVMX_CHECK(guest_seg, guest_fs_s,          SEG, implies(usable(s->guest_fs_ar_bytes), s->guest_fs_ar_bytes & SEGAR_S))
NVMX_CHECK(guest_seg, guest_gs_s,          SEG, implies(usable(s->guest_gs_ar_bytes), s->guest_gs_ar_bytes & SEGAR_S))

NVMX_CHECK(guest_seg, guest_cs_dpl,        SEG, c->vm86 || cs_dpl_ok(c))
NVMX_CHECK(guest_seg, guest_ss_dpl_rpl,    SEG, c->vm86 || c->urg || SEGAR_DPL(s->guest_ss_ar_bytes) == (s->guest_ss_selector & 3))
NVMX_CHECK(guest_seg, guest_ss_dpl_zero,   SEG, c->vm86 || ss_dpl_ok(c))
NVMX_CHECK(guest_seg, guest_ds_dpl,        SEG, c->vm86 || data_dpl_ok(c, s->guest_ds_ar_bytes, s->guest_ds_selector))
NVMX_CHECK(guest_seg, guest_es_dpl,        SEG, c->vm86 || data_dpl_ok(c, s->guest_es_ar_bytes, s->guest_es_selector))
NVMX_CHECK(guest_seg, guest_fs_dpl,        SEG, c->vm86 || data_dpl_ok(c, s->guest_fs_ar_bytes, s->guest_fs_selector))
NVMX_CHECK(guest_seg, guest_gs_dpl,        SEG, c->vm86 || data_dpl_ok(c, s->guest_gs_ar_bytes, s->guest_gs_selector))

NVMX_CHECK(guest_seg, guest_cs_present,    SEG, s->guest_cs_ar_bytes & SEGAR_P)
NVMX_CHECK(guest_seg, guest_ss_present,    SEG, implies(usable(s->guest_ss_ar_bytes), s->guest_ss_ar_bytes & SEGAR_P))
NVMX_CHECK(guest_seg, guest_ds_present,    SEG, implies(usable(s->guest_ds_ar_bytes), s->guest_ds_ar_bytes & SEGAR_P))
NVMX_CHECK(guest_seg, guest_es_present,    SEG, implies(usable(s->guest_es_ar_bytes), s->guest_es_ar_bytes & SEGAR_P))
NVMX_CHECK(guest_seg, guest_fs_present,    SEG, implies(usable(s->guest_fs_ar_bytes), s->guest_fs_ar_bytes & SEGAR_P))
NVMX_CHECK(guest_seg, guest_gs_present,    SEG, implies(usable(s->guest_gs_ar_bytes), s->guest_gs_ar_bytes & SEGAR_P))

NVMX_CHECK(guest_seg, guest_cs_reserved,   SEG, !(s->guest_cs_ar_bytes & SEGAR_RESERVED))
NVMX_CHECK(guest_seg, guest_ss_reserved,   SEG, implies(usable(s->guest_ss_ar_bytes), !(s->guest_ss_ar_bytes & SEGAR_RESERVED)))
NVMX_CHECK(guest_seg, guest_ds_reserved,   SEG, implies(usable(s->guest_ds_ar_bytes), !(s->guest_ds_ar_bytes & SEGAR_RESERVED)))
NVMX_CHECK(guest_seg, guest_es_reserved,   SEG, implies(usable(s->guest_es_ar_bytes), !(s->guest_es_ar_bytes & SEGAR_RESERVED)))
NVMX_CHECK(guest_seg, guest_fs_reserved,   SEG, implies(usable(s->guest_fs_ar_bytes), !(s->guest_fs_ar_bytes & SEGAR_RESERVED)))
NVMX_CHECK(guest_seg, guest_gs_reserved,   SEG, implies(usable(s->guest_gs_ar_bytes), !(s->guest_gs_ar_bytes & SEGAR_RESERVED)))

NVMX_CHECK(guest_seg, guest_cs_l_db,       SEG, implies(c->ia32e && s->guest_cs_ar_bytes & SEGAR_L, !(s->guest_cs_ar_bytes & SEGAR_DB)))

NVMX_CHECK(guest_seg, guest_cs_g,          SEG, granularity_ok(s->guest_cs_ar_bytes, s->guest_cs_limit))
NVMX_CHECK(guest_seg, guest_ss_g,          SEG, implies(usable(s->guest_ss_ar_bytes), granularity_ok(s->guest_ss_ar_bytes, s->guest_ss_limit)))
NVMX_CHECK(guest_seg, guest_ds_g,          SEG, implies(usable(s->guest_ds_ar_bytes), granularity_ok(s->guest_ds_ar_bytes, s->guest_ds_limit)))
NVMX_CHECK(guest_seg, guest_es_g,          SEG, implies(usable(s->guest_es_ar_bytes), granularity_ok(s->guest_es_ar_bytes, s->guest_es_limit)))
NVMX_CHECK(guest_seg, guest_fs_g,          SEG, implies(usable(s->guest_fs_ar_bytes), granularity_ok(s->guest_fs_ar_bytes, s->guest_fs_limit)))
NVMX_CHECK(guest_seg, guest_gs_g,          SEG, implies(usable(s->guest_gs_ar_bytes), granularity_ok(s->guest_gs_ar_bytes, s->guest_gs_limit)))

NVMX_CHECK(guest_seg, guest_tr_type,       SEG, tr_type_ok(c))
NVMX_CHECK(guest_seg, guest_tr_s,          SEG, !(s->guest_tr_ar_bytes & SEGAR_S))
NVMX_CHECK(guest_seg, guest_tr_present,    SEG, s->guest_tr_ar_bytes & SEGAR_P)
NVMX_CHECK(guest_seg, guest_tr_reserved,   SEG, !(s->guest_tr_ar_bytes & SEGAR_RESERVED))
NVMX_CHECK(guest_seg, guest_tr_g,          SEG, granularity_ok(s->guest_tr_ar_bytes, s->guest_tr_limit))
NVMX_CHECK(guest_seg, guest_tr_unusable,   SEG, usable(s->guest_tr_ar_bytes))

NVMX_CHECK(guest_seg, guest_ldtr_type,     SEG, implies(usable(s->guest_ldtr_ar_bytes), (s->guest_ldtr_ar_bytes & SEGAR_TYPE) == 2))
NVMX_CHECK(guest_seg, guest_ldtr_s,        SEG, implies(usable(s->guest_ldtr_ar_bytes), !(s->guest_ldtr_ar_bytes & SEGAR_S)))
NVMX_CHECK(guest_seg, guest_ldtr_present,  SEG, implies(usable(s->guest_ldtr_ar_bytes), s->guest_ldtr_ar_bytes & SEGAR_P))
NVMX_CHECK(guest_seg, guest_ldtr_reserved, SEG, implies(usable(s->guest_ldtr_ar_bytes), !(s->guest_ldtr_ar_bytes & SEGAR_RESERVED)))
NVMX_CHECK(guest_seg, guest_ldtr_g,        SEG, implies(usable(s->guest_ldtr_ar_bytes), granularity_ok(s->guest_ldtr_ar_bytes, s->guest_ldtr_limit)))

/* ---- guest descriptor-table registers ---- */
NVMX_CHECK(guest_dt, guest_gdtr_base,      GRP2, canonical(c, s->guest_gdtr_base))
NVMX_CHECK(guest_dt, guest_idtr_base,      GRP2, canonical(c, s->guest_idtr_base))
NVMX_CHECK(guest_dt, guest_gdtr_limit,     GRP2, !(s->guest_gdtr_limit >> 16))
NVMX_CHECK(guest_dt, guest_idtr_limit,     GRP2, !(s->guest_idtr_limit >> 16))

/* ---- guest RIP and RFLAGS ---- */
NVMX_CHECK(guest_rip, guest_rip,           RIP, rip_ok(c))
NVMX_CHECK(guest_rip, guest_rflags_reserved, BASIC, !(s->guest_rflags & ~0x3f7fd7ull))
NVMX_CHECK(guest_rip, guest_rflags_one,    BASIC, s->guest_rflags & X86_EFLAGS_FIXED)
NVMX_CHECK(guest_rip, guest_rflags_vm,     BASIC, implies(c->vm86, !c->ia32e && s->guest_cr0 & X86_CR0_PE))
NVMX_CHECK(guest_rip, guest_rflags_if,     BASIC, implies(injects(c, EVT_TYPE_EXTINT), s->guest_rflags & X86_EFLAGS_IF))

/* ---- guest non-register state ---- */
NVMX_CHECK(guest_nonreg, activity_state,   NONREG, activity_supported(c))
NVMX_CHECK(guest_nonreg, activity_hlt_dpl, NONREG, implies(s->guest_activity_state == ACTIVITY_HLT, !SEGAR_DPL(s->guest_ss_ar_bytes)))
NVMX_CHECK(guest_nonreg, activity_blocking, NONREG, implies(s->guest_interruptibility_info & (INTS_STI | INTS_MOVSS), s->guest_activity_state == ACTIVITY_ACTIVE))
NVMX_CHECK(guest_nonreg, activity_event,   NONREG, activity_takes_event(c))
NVMX_CHECK(guest_nonreg, interruptibility_reserved, NONREG, !(s->guest_interruptibility_info & ~0xfu))
NVMX_CHECK(guest_nonreg, interruptibility_sti_movss, NONREG, (s->guest_interruptibility_info & (INTS_STI | INTS_MOVSS)) != (INTS_STI | INTS_MOVSS))
NVMX_CHECK(guest_nonreg, interruptibility_sti_if, NONREG, implies(s->guest_interruptibility_info & INTS_STI, s->guest_rflags & X86_EFLAGS_IF))
NVMX_CHECK(guest_nonreg, interruptibility_extint, NONREG, implies(injects(c, EVT_TYPE_EXTINT), !(s->guest_interruptibility_info & (INTS_STI | INTS_MOVSS))))
NVMX_CHECK(guest_nonreg, interruptibility_nmi_movss, NONREG, implies(injects(c, EVT_TYPE_NMI), !(s->guest_interruptibility_info & INTS_MOVSS)))
NVMX_CHECK(guest_nonreg, interruptibility_smi, NONREG, !(s->guest_interruptibility_info & INTS_SMI))
NVMX_CHECK(guest_nonreg, interruptibility_nmi, NONREG, implies(injects(c, EVT_TYPE_NMI) && has(c, CTL_virtual_nmis), !(s->guest_interruptibility_info & INTS_NMI)))
NVMX_CHECK(guest_nonreg, pending_debug_reserved, NONREG, !(s->guest_pending_dbg_exceptions & ~(u64)(PDE_B0_B3 | PDE_ENABLED_BP | PDE_BS | PDE_RTM)))
NVMX_CHECK(guest_nonreg, pending_debug_bs, NONREG, pending_debug_bs_ok(c))
NVMX_CHECK(guest_nonreg, pending_debug_rtm, NONREG, pending_debug_rtm_ok(c))

/* ---- VMCS link pointer ---- */
NVMX_CHECK(guest_link, link_pointer_aligned, LINK, s->vmcs_link_pointer == ~0ull || page_aligned(s->vmcs_link_pointer))
NVMX_CHECK(guest_link, link_pointer_width, LINK, s->vmcs_link_pointer == ~0ull || pa_fits(c, s->vmcs_link_pointer))
NVMX_CHECK(guest_link, link_pointer_revision, LINK, link_pointer_revision_ok(c))
NVMX_CHECK(guest_link, link_pointer_shadow, LINK, link_pointer_shadow_ok(c))
NVMX_CHECK(guest_link, link_pointer_current, LINK, s->vmcs_link_pointer == ~0ull || !c->n->current12 || s->vmcs_link_pointer != c->n->current12->pa)

/* ---- guest page-directory-pointer-table entries ---- */
NVMX_CHECK(guest_pdpte, guest_pdptes,      PDPTE, pdptes_ok(c))
