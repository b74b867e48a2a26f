/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Table 4: every consistency check of VM entry, in the order of the SDM.
 *
 * NVMX_CHECK(section, name, inputs, ok)
 *
 *   section  exec exit entry                         stage CTRL:  VMfail 7
 *            host_cr host_seg host_size              stage HOST:  VMfail 8
 *            guest_cr seg dt rip nonreg              stage GUEST: exit 33
 *            sti_nmi link pdpte                        the same, with a qualification
 *            [sdm:check-<section>] in Documentation/sdm.rst names the manual's section
 *   name     CHK_<name>: in trace nvmx_failed_check, and of the test that trips it
 *   inputs   IN_<inputs> of src/nested/check.c: the groups of table 1 it reads.  The check is
 *            skipped while none of them is dirty.
 *   ok       what must hold; c is the struct check of src/nested/check_int.h, s the vmcs12, and
 *            check.c has the short words: HAS and ON a control, AR, BASE, LIMIT, SEL of a segment
 *            register, and so on
 *
 * Rows for controls that are not offered can fail only where the host's capabilities say more:
 * the first rows refuse the control itself.
 */
/* clang-format off */

/* ---- VM-execution control fields ---- */
NVMX_CHECK(exec,     pin_based_controls,     GRP1,   ctl_allowed(c, CTLW_PIN))
NVMX_CHECK(exec,     proc_based_controls,    PROC,   ctl_allowed(c, CTLW_PROC))
NVMX_CHECK(exec,     secondary_controls,     CTL2,   ctl_allowed(c, CTLW_PROC2))
NVMX_CHECK(exec,     cr3_target_count,       GRP1,   cr3_target_count_ok(c))
NVMX_CHECK(exec,     io_bitmap_a_aligned,    IOBM,   ON(use_io_bitmaps, ALIGNED(io_bitmap_a)))
NVMX_CHECK(exec,     io_bitmap_a_width,      IOBM,   ON(use_io_bitmaps, FITS(io_bitmap_a)))
NVMX_CHECK(exec,     io_bitmap_b_aligned,    IOBM,   ON(use_io_bitmaps, ALIGNED(io_bitmap_b)))
NVMX_CHECK(exec,     io_bitmap_b_width,      IOBM,   ON(use_io_bitmaps, FITS(io_bitmap_b)))
NVMX_CHECK(exec,     msr_bitmap_aligned,     MSRBM,  ON(use_msr_bitmaps, ALIGNED(msr_bitmap)))
NVMX_CHECK(exec,     msr_bitmap_width,       MSRBM,  ON(use_msr_bitmaps, FITS(msr_bitmap)))
NVMX_CHECK(exec,     virtual_apic_aligned, CTLS, ON(tpr_shadow, ALIGNED(virtual_apic_page_addr)))
NVMX_CHECK(exec,     virtual_apic_width,     CTLS,   ON(tpr_shadow, FITS(virtual_apic_page_addr)))
NVMX_CHECK(exec,     tpr_threshold_reserved, THRESHOLD, tpr_threshold_bits_ok(c))
NVMX_CHECK(exec,     tpr_threshold_vtpr,     VTPR,   tpr_threshold_ok(c))
NVMX_CHECK(exec,     virtual_nmis,           GRP1,   ON(virtual_nmis, HAS(nmi_exiting)))
NVMX_CHECK(exec,     nmi_window,             CTLS,   ON(nmi_window_exiting, HAS(virtual_nmis)))
NVMX_CHECK(exec, apic_access_aligned, CTL2, ON(virtualize_apic_accesses, ALIGNED(apic_access_addr)))
NVMX_CHECK(exec,     apic_access_width, CTL2, ON(virtualize_apic_accesses, FITS(apic_access_addr)))
NVMX_CHECK(exec,     x2apic_tpr_shadow,      CTLS,   ON(virtualize_x2apic, HAS(tpr_shadow)))
NVMX_CHECK(exec, apic_register_tpr_shadow, CTLS, ON(apic_register_virtualization, HAS(tpr_shadow)))
NVMX_CHECK(exec,     vid_tpr_shadow, CTLS, ON(virtual_interrupt_delivery, HAS(tpr_shadow)))
NVMX_CHECK(exec, x2apic_apic_accesses, CTL2, ON(virtualize_x2apic, !HAS(virtualize_apic_accesses)))
NVMX_CHECK(exec,     vid_ext_int, CTL2, ON(virtual_interrupt_delivery, HAS(ext_int_exiting)))
NVMX_CHECK(exec,     posted_vid, CTL2, ON(posted_interrupts, HAS(virtual_interrupt_delivery)))
NVMX_CHECK(exec,     posted_ack, GRP1, ON(posted_interrupts, HAS(ack_interrupt_on_exit)))
NVMX_CHECK(exec,     posted_vector, GRP1, ON(posted_interrupts, s->posted_intr_nv <= 255))
NVMX_CHECK(exec, posted_aligned, GRP1, ON(posted_interrupts, !(s->posted_intr_desc_addr & 0x3f)))
NVMX_CHECK(exec,     posted_width, GRP1, ON(posted_interrupts, FITS(posted_intr_desc_addr)))
NVMX_CHECK(exec,     vpid_zero,              XLAT,   ON(vpid, s->virtual_processor_id))
NVMX_CHECK(exec,     eptp_memtype,           XLAT,   ON(ept, eptp_memtype_ok(c->v, s->ept_pointer)))
NVMX_CHECK(exec,     eptp_levels,            XLAT,   ON(ept, eptp_levels_ok(c->v, s->ept_pointer)))
NVMX_CHECK(exec,     eptp_ad,                XLAT,   ON(ept, eptp_ad_ok(c->v, s->ept_pointer)))
NVMX_CHECK(exec,     eptp_reserved, XLAT, ON(ept, eptp_reserved_ok(c->v, s->ept_pointer)))
NVMX_CHECK(exec,     pml_ept,                CTL2,   ON(pml, HAS(ept)))
NVMX_CHECK(exec,     pml_aligned,            CTL2,   ON(pml, ALIGNED(pml_address)))
NVMX_CHECK(exec,     pml_width,              CTL2,   ON(pml, FITS(pml_address)))
NVMX_CHECK(exec,     unrestricted_guest_ept, CTL2,   implies(c->urg, HAS(ept)))
NVMX_CHECK(exec,     mode_based_execute_ept, CTL2,   ON(mode_based_execute, HAS(ept)))
NVMX_CHECK(exec,     vm_functions_reserved,  CTL2,   ON(vm_functions, vm_functions_ok(c)))
NVMX_CHECK(exec,     eptp_switching_ept,     CTL2,   implies(eptp_switching(c), HAS(ept)))
NVMX_CHECK(exec, eptp_list_aligned, CTL2, implies(eptp_switching(c), ALIGNED(eptp_list_address)))
NVMX_CHECK(exec,     eptp_list_width, CTL2, implies(eptp_switching(c), FITS(eptp_list_address)))
NVMX_CHECK(exec,     vmread_bitmap_aligned,  CTL2,   ON(vmcs_shadowing, ALIGNED(vmread_bitmap)))
NVMX_CHECK(exec,     vmread_bitmap_width,    CTL2,   ON(vmcs_shadowing, FITS(vmread_bitmap)))
NVMX_CHECK(exec,     vmwrite_bitmap_aligned, CTL2,   ON(vmcs_shadowing, ALIGNED(vmwrite_bitmap)))
NVMX_CHECK(exec,     vmwrite_bitmap_width,   CTL2,   ON(vmcs_shadowing, FITS(vmwrite_bitmap)))
NVMX_CHECK(exec,     tsc_multiplier_zero,    TIME,   ON(tsc_scaling, s->tsc_multiplier))

/* ---- VM-exit control fields ---- */
NVMX_CHECK(exit,     exit_controls,          GRP1,   ctl_allowed(c, CTLW_EXIT))
NVMX_CHECK(exit, save_preemption_timer, GRP1, ON(exit_save_preemption_timer, HAS(preemption_timer)))
NVMX_CHECK(exit,     exit_store_aligned,     GRP1,   LIST_ALIGNED(vm_exit_msr_store))
NVMX_CHECK(exit,     exit_store_width,       GRP1,   LIST_FITS(vm_exit_msr_store))
NVMX_CHECK(exit,     exit_load_aligned,      GRP1,   LIST_ALIGNED(vm_exit_msr_load))
NVMX_CHECK(exit,     exit_load_width,        GRP1,   LIST_FITS(vm_exit_msr_load))

/* ---- VM-entry control fields ---- */
NVMX_CHECK(entry,    entry_controls,         GRP1,   ctl_allowed(c, CTLW_ENTRY))
NVMX_CHECK(entry,    event_type,             EVENT,  event_type_ok(c))
NVMX_CHECK(entry,    event_vector,           EVENT,  event_vector_ok(c))
NVMX_CHECK(entry,    event_has_code,         EVENT,  event_has_code_ok(c))
NVMX_CHECK(entry,    event_reserved,         EVENT,  event_reserved_ok(c))
NVMX_CHECK(entry,    event_code_reserved,    EVENT,  event_code_ok(c))
NVMX_CHECK(entry,    event_length,           EVENT,  event_length_ok(c))
NVMX_CHECK(entry,    entry_load_aligned,     GRP1,   LIST_ALIGNED(vm_entry_msr_load))
NVMX_CHECK(entry,    entry_load_width,       GRP1,   LIST_FITS(vm_entry_msr_load))

/* ---- host control registers and MSRs ---- */
NVMX_CHECK(host_cr,  host_cr0_fixed,         HOST1,  cr0_fixed_ok(c, s->host_cr0, 0))
NVMX_CHECK(host_cr,  host_cr4_fixed,         HOST1,  cr4_fixed_ok(c, s->host_cr4))
NVMX_CHECK(host_cr,  host_cr3_width,         HOST1,  FITS(host_cr3))
NVMX_CHECK(host_cr,  host_sysenter_esp,      HOST1,  CANONICAL(host_ia32_sysenter_esp))
NVMX_CHECK(host_cr,  host_sysenter_eip,      HOST1,  CANONICAL(host_ia32_sysenter_eip))
NVMX_CHECK(host_cr,  host_perf_global,       HOST1,  ON(exit_load_perf_global, PERF_CTRL_OK(host)))
NVMX_CHECK(host_cr,  host_pat,               HOST1,  ON(exit_load_pat, pat_ok(s->host_ia32_pat)))
NVMX_CHECK(host_cr,  host_efer_reserved,     HOST1,  ON(exit_load_efer, EFER_KNOWN(host_ia32_efer)))
NVMX_CHECK(host_cr,  host_efer_lma, HOST1, ON(exit_load_efer, HOST_EFER(LMA) == host64(c)))
NVMX_CHECK(host_cr,  host_efer_lme, HOST1, ON(exit_load_efer, HOST_EFER(LME) == host64(c)))

/* ---- host segment and descriptor-table registers ---- */
NVMX_CHECK(host_seg, host_es_rpl_ti,         HOST1,  !(s->host_es_selector & 7))
NVMX_CHECK(host_seg, host_cs_rpl_ti,         HOST1,  !(s->host_cs_selector & 7))
NVMX_CHECK(host_seg, host_ss_rpl_ti,         HOST1,  !(s->host_ss_selector & 7))
NVMX_CHECK(host_seg, host_ds_rpl_ti,         HOST1,  !(s->host_ds_selector & 7))
NVMX_CHECK(host_seg, host_fs_rpl_ti,         HOST2,  !(s->host_fs_selector & 7))
NVMX_CHECK(host_seg, host_gs_rpl_ti,         HOST2,  !(s->host_gs_selector & 7))
NVMX_CHECK(host_seg, host_tr_rpl_ti,         HOST1,  !(s->host_tr_selector & 7))
NVMX_CHECK(host_seg, host_cs_null,           HOST1,  s->host_cs_selector)
NVMX_CHECK(host_seg, host_tr_null,           HOST1,  s->host_tr_selector)
NVMX_CHECK(host_seg, host_ss_null,           HOST1,  host64(c) || s->host_ss_selector)
NVMX_CHECK(host_seg, host_fs_base,           HOST2,  CANONICAL(host_fs_base))
NVMX_CHECK(host_seg, host_gs_base,           HOST2,  CANONICAL(host_gs_base))
NVMX_CHECK(host_seg, host_gdtr_base,         HOST1,  CANONICAL(host_gdtr_base))
NVMX_CHECK(host_seg, host_idtr_base,         HOST1,  CANONICAL(host_idtr_base))
NVMX_CHECK(host_seg, host_tr_base,           HOST1,  CANONICAL(host_tr_base))

/* ---- address-space size; the first two imply: no IA-32e guest of a 32-bit host ---- */
NVMX_CHECK(host_size, legacy_host_guest_ia32e, LMA, c->l1_lma || !c->ia32e)
NVMX_CHECK(host_size, host_size_is_lma,       LMA,    host64(c) == c->l1_lma)
NVMX_CHECK(host_size, host32_pcide,           HOST1,  host64(c) || !(s->host_cr4 & X86_CR4_PCIDE))
NVMX_CHECK(host_size, host32_rip,             HOST1,  host64(c) || !(s->host_rip >> 32))
NVMX_CHECK(host_size, host64_pae,             HOST1,  implies(host64(c), s->host_cr4 & X86_CR4_PAE))
NVMX_CHECK(host_size, host64_rip,             HOST1,  implies(host64(c), CANONICAL(host_rip)))

/* ---- guest control registers, debug registers, and MSRs ---- */
NVMX_CHECK(guest_cr, guest_cr0_fixed,        CRDR,   guest_cr0_fixed_ok(c))
NVMX_CHECK(guest_cr, guest_cr0_pg_pe,        CRDR,   implies(CR0(PG), CR0(PE)))
NVMX_CHECK(guest_cr, guest_cr4_fixed,        CRDR,   cr4_fixed_ok(c, s->guest_cr4))
NVMX_CHECK(guest_cr, guest_debugctl,         GRP2,   ON(entry_load_debug, debugctl_ok(c)))
NVMX_CHECK(guest_cr, guest_ia32e_pg,         CRDR,   implies(c->ia32e, CR0(PG)))
NVMX_CHECK(guest_cr, guest_ia32e_pae,        CRDR,   implies(c->ia32e, s->guest_cr4 & X86_CR4_PAE))
NVMX_CHECK(guest_cr, guest_legacy_pcide,     CRDR,   c->ia32e || !(s->guest_cr4 & X86_CR4_PCIDE))
NVMX_CHECK(guest_cr, guest_cr3_width,        CRDR,   FITS(guest_cr3))
NVMX_CHECK(guest_cr, guest_dr7_high,         CRDR,   ON(entry_load_debug, !(s->guest_dr7 >> 32)))
NVMX_CHECK(guest_cr, guest_sysenter_esp,     GRP2,   CANONICAL(guest_sysenter_esp))
NVMX_CHECK(guest_cr, guest_sysenter_eip,     GRP2,   CANONICAL(guest_sysenter_eip))
NVMX_CHECK(guest_cr, guest_perf_global, GRP2, ON(entry_load_perf_global, PERF_CTRL_OK(guest)))
NVMX_CHECK(guest_cr, guest_pat,              GRP2,   ON(entry_load_pat, pat_ok(s->guest_ia32_pat)))
NVMX_CHECK(guest_cr, guest_efer_reserved, EFER, LOADS_EFER(EFER_KNOWN(guest_ia32_efer)))
NVMX_CHECK(guest_cr, guest_efer_lma, EFER, LOADS_EFER(GUEST_EFER(LMA) == c->ia32e))
NVMX_CHECK(guest_cr, guest_efer_lme,         EFER,   LOADS_EFER(guest_efer_lme_ok(c)))
NVMX_CHECK(guest_cr, guest_bndcfgs_reserved, GRP2,   ON(entry_load_bndcfgs, bndcfgs_bits_ok(c)))
NVMX_CHECK(guest_cr, guest_bndcfgs_base,     GRP2,   ON(entry_load_bndcfgs, bndcfgs_base_ok(c)))

/* ---- guest segment registers ---- */
NVMX_CHECK(seg,      guest_tr_ti,            SEG,    !(SEL(tr) & 4))
NVMX_CHECK(seg,      guest_ldtr_ti,          SEG,    USABLE(ldtr, !(SEL(ldtr) & 4)))
NVMX_CHECK(seg,      guest_ss_rpl, SEG, c->vm86 || c->urg || !((SEL(ss) ^ SEL(cs)) & 3))

NVMX_CHECK(seg,      guest_cs_base_vm86,     SEG,    VM86(BASE(cs) == (u64)SEL(cs) << 4))
NVMX_CHECK(seg,      guest_ss_base_vm86,     SEG,    VM86(BASE(ss) == (u64)SEL(ss) << 4))
NVMX_CHECK(seg,      guest_ds_base_vm86,     SEG,    VM86(BASE(ds) == (u64)SEL(ds) << 4))
NVMX_CHECK(seg,      guest_es_base_vm86,     SEG,    VM86(BASE(es) == (u64)SEL(es) << 4))
NVMX_CHECK(seg,      guest_fs_base_vm86,     SEG,    VM86(BASE(fs) == (u64)SEL(fs) << 4))
NVMX_CHECK(seg,      guest_gs_base_vm86,     SEG,    VM86(BASE(gs) == (u64)SEL(gs) << 4))
NVMX_CHECK(seg,      guest_tr_base,          SEG,    canonical(c, BASE(tr)))
NVMX_CHECK(seg,      guest_fs_base,          SEG,    canonical(c, BASE(fs)))
NVMX_CHECK(seg,      guest_gs_base,          SEG,    canonical(c, BASE(gs)))
NVMX_CHECK(seg,      guest_ldtr_base,        SEG,    USABLE(ldtr, canonical(c, BASE(ldtr))))
NVMX_CHECK(seg,      guest_cs_base_high,     SEG,    !(BASE(cs) >> 32))
NVMX_CHECK(seg,      guest_ss_base_high,     SEG,    USABLE(ss, !(BASE(ss) >> 32)))
NVMX_CHECK(seg,      guest_ds_base_high,     SEG,    USABLE(ds, !(BASE(ds) >> 32)))
NVMX_CHECK(seg,      guest_es_base_high,     SEG,    USABLE(es, !(BASE(es) >> 32)))

NVMX_CHECK(seg,      guest_cs_limit_vm86,    SEG,    VM86(LIMIT(cs) == 0xffff))
NVMX_CHECK(seg,      guest_ss_limit_vm86,    SEG,    VM86(LIMIT(ss) == 0xffff))
NVMX_CHECK(seg,      guest_ds_limit_vm86,    SEG,    VM86(LIMIT(ds) == 0xffff))
NVMX_CHECK(seg,      guest_es_limit_vm86,    SEG,    VM86(LIMIT(es) == 0xffff))
NVMX_CHECK(seg,      guest_fs_limit_vm86,    SEG,    VM86(LIMIT(fs) == 0xffff))
NVMX_CHECK(seg,      guest_gs_limit_vm86,    SEG,    VM86(LIMIT(gs) == 0xffff))

NVMX_CHECK(seg,      guest_cs_ar_vm86,       SEG,    VM86(AR(cs) == 0xf3))
NVMX_CHECK(seg,      guest_ss_ar_vm86,       SEG,    VM86(AR(ss) == 0xf3))
NVMX_CHECK(seg,      guest_ds_ar_vm86,       SEG,    VM86(AR(ds) == 0xf3))
NVMX_CHECK(seg,      guest_es_ar_vm86,       SEG,    VM86(AR(es) == 0xf3))
NVMX_CHECK(seg,      guest_fs_ar_vm86,       SEG,    VM86(AR(fs) == 0xf3))
NVMX_CHECK(seg,      guest_gs_ar_vm86,       SEG,    VM86(AR(gs) == 0xf3))

NVMX_CHECK(seg,      guest_cs_type,          SEG,    c->vm86 || cs_type_ok(c))
NVMX_CHECK(seg,      guest_ss_type,          SEG,    c->vm86 || ss_type_ok(c))
NVMX_CHECK(seg,      guest_ds_type,          SEG,    c->vm86 || data_type_ok(AR(ds)))
NVMX_CHECK(seg,      guest_es_type,          SEG,    c->vm86 || data_type_ok(AR(es)))
NVMX_CHECK(seg,      guest_fs_type,          SEG,    c->vm86 || data_type_ok(AR(fs)))
NVMX_CHECK(seg,      guest_gs_type,          SEG,    c->vm86 || data_type_ok(AR(gs)))

NVMX_CHECK(seg,      guest_cs_s,             SEG,    AR(cs) & SEGAR_S)
NVMX_CHECK(seg,      guest_ss_s,             SEG,    USABLE(ss, AR(ss) & SEGAR_S))
NVMX_CHECK(seg,      guest_ds_s,             SEG,    USABLE(ds, AR(ds) & SEGAR_S))
NVMX_CHECK(seg,      guest_es_s,             SEG,    USABLE(es, AR(es) & SEGAR_S))
NVMX_CHECK(seg,      guest_fs_s,             SEG,    USABLE(fs, AR(fs) & SEGAR_S))
NVMX_CHECK(seg,      guest_gs_s,             SEG,    USABLE(gs, AR(gs) & SEGAR_S))

NVMX_CHECK(seg,      guest_cs_dpl,           SEG,    c->vm86 || cs_dpl_ok(c))
NVMX_CHECK(seg,      guest_ss_dpl_rpl, SEG, c->vm86 || c->urg || SEGAR_DPL(AR(ss)) == (SEL(ss) & 3))
NVMX_CHECK(seg,      guest_ss_dpl_zero,      SEG,    c->vm86 || ss_dpl_ok(c))
NVMX_CHECK(seg,      guest_ds_dpl,           SEG,    c->vm86 || data_dpl_ok(c, AR(ds), SEL(ds)))
NVMX_CHECK(seg,      guest_es_dpl,           SEG,    c->vm86 || data_dpl_ok(c, AR(es), SEL(es)))
NVMX_CHECK(seg,      guest_fs_dpl,           SEG,    c->vm86 || data_dpl_ok(c, AR(fs), SEL(fs)))
NVMX_CHECK(seg,      guest_gs_dpl,           SEG,    c->vm86 || data_dpl_ok(c, AR(gs), SEL(gs)))

NVMX_CHECK(seg,      guest_cs_present,       SEG,    AR(cs) & SEGAR_P)
NVMX_CHECK(seg,      guest_ss_present,       SEG,    USABLE(ss, AR(ss) & SEGAR_P))
NVMX_CHECK(seg,      guest_ds_present,       SEG,    USABLE(ds, AR(ds) & SEGAR_P))
NVMX_CHECK(seg,      guest_es_present,       SEG,    USABLE(es, AR(es) & SEGAR_P))
NVMX_CHECK(seg,      guest_fs_present,       SEG,    USABLE(fs, AR(fs) & SEGAR_P))
NVMX_CHECK(seg,      guest_gs_present,       SEG,    USABLE(gs, AR(gs) & SEGAR_P))

NVMX_CHECK(seg,      guest_cs_reserved,      SEG,    !(AR(cs) & SEGAR_RESERVED))
NVMX_CHECK(seg,      guest_ss_reserved,      SEG,    USABLE(ss, !(AR(ss) & SEGAR_RESERVED)))
NVMX_CHECK(seg,      guest_ds_reserved,      SEG,    USABLE(ds, !(AR(ds) & SEGAR_RESERVED)))
NVMX_CHECK(seg,      guest_es_reserved,      SEG,    USABLE(es, !(AR(es) & SEGAR_RESERVED)))
NVMX_CHECK(seg,      guest_fs_reserved,      SEG,    USABLE(fs, !(AR(fs) & SEGAR_RESERVED)))
NVMX_CHECK(seg,      guest_gs_reserved,      SEG,    USABLE(gs, !(AR(gs) & SEGAR_RESERVED)))

NVMX_CHECK(seg, guest_cs_l_db, SEG, implies(c->ia32e && AR(cs) & SEGAR_L, !(AR(cs) & SEGAR_DB)))

NVMX_CHECK(seg,      guest_cs_g,             SEG,    granularity_ok(AR(cs), LIMIT(cs)))
NVMX_CHECK(seg,      guest_ss_g,             SEG,    USABLE(ss, granularity_ok(AR(ss), LIMIT(ss))))
NVMX_CHECK(seg,      guest_ds_g,             SEG,    USABLE(ds, granularity_ok(AR(ds), LIMIT(ds))))
NVMX_CHECK(seg,      guest_es_g,             SEG,    USABLE(es, granularity_ok(AR(es), LIMIT(es))))
NVMX_CHECK(seg,      guest_fs_g,             SEG,    USABLE(fs, granularity_ok(AR(fs), LIMIT(fs))))
NVMX_CHECK(seg,      guest_gs_g,             SEG,    USABLE(gs, granularity_ok(AR(gs), LIMIT(gs))))

NVMX_CHECK(seg,      guest_tr_type,          SEG,    tr_type_ok(c))
NVMX_CHECK(seg,      guest_tr_s,             SEG,    !(AR(tr) & SEGAR_S))
NVMX_CHECK(seg,      guest_tr_present,       SEG,    AR(tr) & SEGAR_P)
NVMX_CHECK(seg,      guest_tr_reserved,      SEG,    !(AR(tr) & SEGAR_RESERVED))
NVMX_CHECK(seg,      guest_tr_g,             SEG,    granularity_ok(AR(tr), LIMIT(tr)))
NVMX_CHECK(seg,      guest_tr_unusable,      SEG,    usable(AR(tr)))

NVMX_CHECK(seg,      guest_ldtr_type,        SEG,    USABLE(ldtr, (AR(ldtr) & SEGAR_TYPE) == 2))
NVMX_CHECK(seg,      guest_ldtr_s,           SEG,    USABLE(ldtr, !(AR(ldtr) & SEGAR_S)))
NVMX_CHECK(seg,      guest_ldtr_present,     SEG,    USABLE(ldtr, AR(ldtr) & SEGAR_P))
NVMX_CHECK(seg,      guest_ldtr_reserved,    SEG,    USABLE(ldtr, !(AR(ldtr) & SEGAR_RESERVED)))
NVMX_CHECK(seg,      guest_ldtr_g, SEG, USABLE(ldtr, granularity_ok(AR(ldtr), LIMIT(ldtr))))

/* ---- guest descriptor-table registers ---- */
NVMX_CHECK(dt,       guest_gdtr_base,        GRP2,   CANONICAL(guest_gdtr_base))
NVMX_CHECK(dt,       guest_idtr_base,        GRP2,   CANONICAL(guest_idtr_base))
NVMX_CHECK(dt,       guest_gdtr_limit,       GRP2,   !(s->guest_gdtr_limit >> 16))
NVMX_CHECK(dt,       guest_idtr_limit,       GRP2,   !(s->guest_idtr_limit >> 16))

/* ---- guest RIP and RFLAGS ---- */
NVMX_CHECK(rip,      guest_rip,              RIP,    rip_ok(c))
NVMX_CHECK(rip,      guest_rflags_reserved,  BASIC,  !(s->guest_rflags & ~0x3f7fd7ull))
NVMX_CHECK(rip,      guest_rflags_one,       BASIC,  s->guest_rflags & X86_EFLAGS_FIXED)
NVMX_CHECK(rip,      guest_rflags_vm,        BASIC,  VM86(!c->ia32e && s->guest_cr0 & X86_CR0_PE))
NVMX_CHECK(rip,      guest_rflags_if,        BASIC,  implies(INJECTS(EXTINT), RFLAG(IF)))

/* ---- guest non-register state ---- */
NVMX_CHECK(nonreg,   activity_state,         NONREG, activity_supported(c))
NVMX_CHECK(nonreg,   activity_hlt_dpl,       NONREG, implies(ACTIVITY(HLT), !SEGAR_DPL(AR(ss))))
NVMX_CHECK(nonreg,   activity_blocking,      NONREG, implies(BLOCKED(STI_MOVSS), ACTIVITY(ACTIVE)))
NVMX_CHECK(nonreg,   activity_event,         NONREG, activity_takes_event(c))
NVMX_CHECK(nonreg,   blocking_reserved,      NONREG, !(s->guest_interruptibility_info & ~0xfu))
NVMX_CHECK(nonreg,   blocking_sti_movss,     NONREG, !BLOCKED(STI) || !BLOCKED(MOVSS))
NVMX_CHECK(nonreg,   blocking_sti_if,        NONREG, implies(BLOCKED(STI), RFLAG(IF)))
NVMX_CHECK(nonreg,   blocking_ext_int,       NONREG, implies(INJECTS(EXTINT), !BLOCKED(STI_MOVSS)))
NVMX_CHECK(nonreg,   blocking_nmi_movss,     NONREG, implies(INJECTS(NMI), !BLOCKED(MOVSS)))
NVMX_CHECK(nonreg,   blocking_smi,           NONREG, !BLOCKED(SMI))
NVMX_CHECK(nonreg, blocking_nmi, NONREG, implies(INJECTS(NMI) && HAS(virtual_nmis), !BLOCKED(NMI)))
NVMX_CHECK(nonreg,   pending_debug_reserved, NONREG, pending_debug_reserved_ok(c))
NVMX_CHECK(nonreg,   pending_debug_bs,       NONREG, pending_debug_bs_ok(c))
NVMX_CHECK(nonreg,   pending_debug_rtm,      NONREG, pending_debug_rtm_ok(c))

/* ---- the same section of the manual, but a failure has a number of its own ---- */
NVMX_CHECK(sti_nmi,  blocking_nmi_sti,       NONREG, implies(INJECTS(NMI), !BLOCKED(STI)))

/* ---- VMCS link pointer ---- */
NVMX_CHECK(link,     link_pointer_aligned,   LINK,   ALIGNED(vmcs_link_pointer))
NVMX_CHECK(link,     link_pointer_width,     LINK,   FITS(vmcs_link_pointer))
NVMX_CHECK(link,     link_pointer_revision,  LINK,   link_pointer_revision_ok(c))
NVMX_CHECK(link,     link_pointer_shadow,    LINK,   link_pointer_shadow_ok(c))
NVMX_CHECK(link,     link_pointer_current,   LINK,   link_pointer_current_ok(c))

/* ---- guest page-directory-pointer-table entries ---- */
NVMX_CHECK(pdpte,    guest_pdptes,           PDPTE,  pdptes_ok(c))
