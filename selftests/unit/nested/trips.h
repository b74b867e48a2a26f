/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What breaks each check of table 4, and nothing before it.
 *
 * REFUSED(check, base, change): base(s) makes a vmcs12 that passes, change breaks it.
 * ALLOWED(what, base, change): at the edge, and still legal.
 */
/* clang-format off */

/* ---- VM-execution control fields ---- */
REFUSED(pin_based_controls, plain, s->pin_based_vm_exec_control |= BIT(31))
REFUSED(pin_based_controls, plain, s->pin_based_vm_exec_control &= ~BIT(1))
REFUSED(proc_based_controls, plain, s->cpu_based_vm_exec_control |= BIT(0))
REFUSED(secondary_controls, plain, s->secondary_vm_exec_control |= BIT(31))
ALLOWED("secondary controls that are not activated", plain,
	off(s, CTL_activate_secondary); s->secondary_vm_exec_control = ~0u)
REFUSED(cr3_target_count, plain, s->cr3_target_count = 1)
REFUSED(io_bitmap_a_aligned, bitmaps, s->io_bitmap_a = 0x20800)
REFUSED(io_bitmap_a_width, bitmaps, s->io_bitmap_a = TOO_WIDE)
REFUSED(io_bitmap_b_aligned, bitmaps, s->io_bitmap_b = 0x20001)
REFUSED(io_bitmap_b_width, bitmaps, s->io_bitmap_b = TOO_WIDE)
REFUSED(msr_bitmap_aligned, bitmaps, s->msr_bitmap = 0x20010)
REFUSED(msr_bitmap_width, bitmaps, s->msr_bitmap = TOO_WIDE)
ALLOWED("bitmaps at the end of memory", bitmaps,
	s->io_bitmap_a = TOO_WIDE - 4096; s->io_bitmap_b = s->io_bitmap_a;
	s->msr_bitmap = s->io_bitmap_a)
ALLOWED("bitmaps that are not used", plain,
	s->io_bitmap_a = 1; s->io_bitmap_b = 1; s->msr_bitmap = ~0ull)
REFUSED(virtual_apic_aligned, tpr, s->virtual_apic_page_addr = 0x20100)
REFUSED(virtual_apic_width, tpr, s->virtual_apic_page_addr = TOO_WIDE)
REFUSED(tpr_threshold_reserved, tpr, s->tpr_threshold = 0x10)
REFUSED(tpr_threshold_vtpr, tpr, s->tpr_threshold = 6)
ALLOWED("TPR threshold equal to VTPR", tpr, s->tpr_threshold = 5)
ALLOWED("TPR threshold with virtual-interrupt delivery", posted, s->tpr_threshold = 0xffff)
REFUSED(virtual_nmis, plain, off(s, CTL_nmi_exiting); on(s, CTL_virtual_nmis))
REFUSED(nmi_window, plain, on(s, CTL_nmi_window_exiting))
REFUSED(apic_access_aligned, plain,
	on(s, CTL_virtualize_apic_accesses); s->apic_access_addr = 0x20004)
REFUSED(apic_access_width, plain,
	on(s, CTL_virtualize_apic_accesses); s->apic_access_addr = TOO_WIDE)
REFUSED(x2apic_tpr_shadow, plain, on(s, CTL_virtualize_x2apic))
REFUSED(apic_register_tpr_shadow, plain, on(s, CTL_apic_register_virtualization))
REFUSED(vid_tpr_shadow, plain, on(s, CTL_virtual_interrupt_delivery))
REFUSED(x2apic_apic_accesses, tpr,
	on(s, CTL_virtualize_x2apic); on(s, CTL_virtualize_apic_accesses))
REFUSED(vid_ext_int, tpr, on(s, CTL_virtual_interrupt_delivery))
REFUSED(posted_vid, plain, on(s, CTL_posted_interrupts))
REFUSED(posted_ack, posted, off(s, CTL_ack_interrupt_on_exit))
REFUSED(posted_vector, posted, s->posted_intr_nv = 256)
REFUSED(posted_aligned, posted, s->posted_intr_desc_addr = 0x20020)
REFUSED(posted_width, posted, s->posted_intr_desc_addr = TOO_WIDE)
REFUSED(vpid_zero, plain, on(s, CTL_vpid))
REFUSED(eptp_memtype, plain, s->ept_pointer = EPTP_LEVELS(4) | 1)
REFUSED(eptp_memtype, plain, s->ept_pointer = EPTP_LEVELS(4))
REFUSED(eptp_levels, plain, s->ept_pointer = EPTP_LEVELS(3) | EPTP_WB)
REFUSED(eptp_levels, plain, s->ept_pointer = EPTP_LEVELS(5) | EPTP_WB)
REFUSED(eptp_ad, plain, m->v.nested->caps.ept_vpid &= ~EVC_AD; s->ept_pointer |= EPTP_AD)
ALLOWED("EPT pointer with A/D bits", plain, s->ept_pointer |= EPTP_AD)
REFUSED(eptp_reserved, plain, s->ept_pointer |= BIT(7))
REFUSED(eptp_reserved, plain, s->ept_pointer |= TOO_WIDE)
REFUSED(pml_ept, plain, off(s, CTL_ept); on(s, CTL_pml))
REFUSED(pml_aligned, plain, on(s, CTL_pml); s->pml_address = 0x20002)
REFUSED(pml_width, plain, on(s, CTL_pml); s->pml_address = TOO_WIDE)
REFUSED(unrestricted_guest_ept, urg, off(s, CTL_ept))
REFUSED(mode_based_execute_ept, plain, off(s, CTL_ept); on(s, CTL_mode_based_execute))
REFUSED(vm_functions_reserved, vmfunc, s->vm_function_control = 2)
REFUSED(eptp_switching_ept, vmfunc, off(s, CTL_ept))
REFUSED(eptp_list_aligned, vmfunc, s->eptp_list_address = 0x20008)
REFUSED(eptp_list_width, vmfunc, s->eptp_list_address = TOO_WIDE)
REFUSED(vmread_bitmap_aligned, shadowing, s->vmread_bitmap = 1)
REFUSED(vmread_bitmap_width, shadowing, s->vmread_bitmap = TOO_WIDE)
REFUSED(vmwrite_bitmap_aligned, shadowing, s->vmwrite_bitmap = 1)
REFUSED(vmwrite_bitmap_width, shadowing, s->vmwrite_bitmap = TOO_WIDE)
REFUSED(tsc_multiplier_zero, plain, on(s, CTL_tsc_scaling))

/* ---- VM-exit control fields ---- */
REFUSED(exit_controls, plain, s->vm_exit_controls |= BIT(31))
REFUSED(save_preemption_timer, plain, on(s, CTL_exit_save_preemption_timer))
ALLOWED("save preemption timer", plain,
	on(s, CTL_exit_save_preemption_timer); on(s, CTL_preemption_timer))
REFUSED(exit_store_aligned, plain, s->vm_exit_msr_store_count = 1; s->vm_exit_msr_store_addr = 1)
REFUSED(exit_store_aligned, plain, s->vm_exit_msr_store_count = 1; s->vm_exit_msr_store_addr = 8)
REFUSED(exit_store_width, plain,
	s->vm_exit_msr_store_count = 2; s->vm_exit_msr_store_addr = TOO_WIDE - 16)
REFUSED(exit_load_aligned, plain, s->vm_exit_msr_load_count = 1; s->vm_exit_msr_load_addr = 4)
REFUSED(exit_load_width, plain, s->vm_exit_msr_load_count = 1; s->vm_exit_msr_load_addr = TOO_WIDE)
REFUSED(exit_load_width, plain, s->vm_exit_msr_load_count = 2; s->vm_exit_msr_load_addr = -16ull)
ALLOWED("MSR lists at the end of memory", plain,
	s->vm_exit_msr_load_count = 1; s->vm_exit_msr_load_addr = TOO_WIDE - 16)
ALLOWED("MSR lists of length 0", plain,
	s->vm_exit_msr_load_addr = ~0ull; s->vm_exit_msr_store_addr = ~0ull;
	s->vm_entry_msr_load_addr = ~0ull)

/* ---- VM-entry control fields ---- */
REFUSED(entry_controls, plain, s->vm_entry_controls |= BIT(31))
REFUSED(event_type, plain, event(s, 1 << 8))
REFUSED(event_type, plain,
	event(s, EVT_TYPE_OTHER);
	m->v.nested->caps.allowed1[CTLW_PROC] &= ~CTL_MASK(CTL_monitor_trap_flag))
REFUSED(event_vector, plain, event(s, EVT_TYPE_NMI | 3))
REFUSED(event_vector, plain, event(s, EVT_TYPE_HWEXC | 32))
REFUSED(event_vector, plain, event(s, EVT_TYPE_OTHER | 1))
ALLOWED("pending MTF", plain, event(s, EVT_TYPE_OTHER))
ALLOWED("an event that is not valid", plain, s->vm_entry_intr_info_field = 0x7fffffff)
REFUSED(event_has_code, plain, event(s, EVT_TYPE_HWEXC | VEC_GP))
REFUSED(event_has_code, plain, event(s, EVT_TYPE_HWEXC | EVT_HAS_CODE | VEC_UD))
REFUSED(event_has_code, plain, event(s, EVT_TYPE_EXTINT | EVT_HAS_CODE | VEC_GP))
REFUSED(event_has_code, real, event(s, EVT_TYPE_HWEXC | EVT_HAS_CODE | VEC_GP))
ALLOWED("#GP without a code in real mode", real, event(s, EVT_TYPE_HWEXC | VEC_GP))
ALLOWED("#AC with a code", plain, event(s, EVT_TYPE_HWEXC | EVT_HAS_CODE | VEC_AC))
REFUSED(event_reserved, plain,
	s->vm_entry_intr_info_field = EVT_VALID | EVT_TYPE_HWEXC | VEC_UD | BIT(12))
REFUSED(event_reserved, plain,
	s->vm_entry_intr_info_field = EVT_VALID | EVT_TYPE_HWEXC | VEC_UD | BIT(30))
REFUSED(event_code_reserved, plain,
	event(s, EVT_TYPE_HWEXC | EVT_HAS_CODE | VEC_GP);
	s->vm_entry_exception_error_code = 0x10000)
REFUSED(event_length, plain, event(s, EVT_TYPE_SOFTINT | 0x80))
REFUSED(event_length, plain, event(s, EVT_TYPE_SWEXC | VEC_BP); s->vm_entry_instruction_len = 16)
REFUSED(event_length, plain, event(s, EVT_TYPE_PRIVSW | VEC_DB); s->vm_entry_instruction_len = ~0u)
ALLOWED("INT n of 15 bytes", plain,
	event(s, EVT_TYPE_SOFTINT | 0x80); s->vm_entry_instruction_len = 15)
ALLOWED("INT3 of 0 bytes where MISC says so", plain,
	event(s, EVT_TYPE_SWEXC | VEC_BP); m->v.nested->caps.misc |= VMXM_ZERO_LEN)
REFUSED(entry_load_aligned, plain,
	s->vm_entry_msr_load_count = 1; s->vm_entry_msr_load_addr = 0x20004)
REFUSED(entry_load_width, plain,
	s->vm_entry_msr_load_count = ~0u; s->vm_entry_msr_load_addr = TOO_WIDE - 0x10000)

/* ---- host control registers and MSRs ---- */
REFUSED(host_cr0_fixed, plain, s->host_cr0 &= ~X86_CR0_NE)
REFUSED(host_cr0_fixed, plain, s->host_cr0 &= ~X86_CR0_PE)
REFUSED(host_cr0_fixed, plain, s->host_cr0 |= 1ull << 32)
ALLOWED("cache-disable bits are never checked", plain,
	s->host_cr0 |= X86_CR0_NW; s->guest_cr0 |= X86_CR0_NW)
REFUSED(host_cr4_fixed, plain, s->host_cr4 &= ~X86_CR4_VMXE)
REFUSED(host_cr4_fixed, plain, s->host_cr4 |= 1ull << 40)
REFUSED(host_cr3_width, plain, s->host_cr3 = TOO_WIDE)
REFUSED(host_sysenter_esp, plain, s->host_ia32_sysenter_esp = NONCANONICAL)
REFUSED(host_sysenter_eip, plain, s->host_ia32_sysenter_eip = NONCANONICAL)
REFUSED(host_perf_global, plain,
	on(s, CTL_exit_load_perf_global); s->host_ia32_perf_global_ctrl = 1)
REFUSED(host_pat, plain, on(s, CTL_exit_load_pat); s->host_ia32_pat = 2)
REFUSED(host_pat, plain, on(s, CTL_exit_load_pat); s->host_ia32_pat = 8ull << 56)
ALLOWED("every memory type in PAT", plain, on(s, CTL_exit_load_pat); on(s, CTL_entry_load_pat);
	s->host_ia32_pat = 0x0001040506070706; s->guest_ia32_pat = s->host_ia32_pat)
REFUSED(host_efer_reserved, host_efer, s->host_ia32_efer |= 2)
REFUSED(host_efer_lma, host_efer, s->host_ia32_efer &= ~EFER_LMA)
REFUSED(host_efer_lme, host_efer, s->host_ia32_efer &= ~EFER_LME)

/* ---- host segment and descriptor-table registers ---- */
REFUSED(host_es_rpl_ti, plain, s->host_es_selector = 4)
REFUSED(host_cs_rpl_ti, plain, s->host_cs_selector |= 3)
REFUSED(host_ss_rpl_ti, plain, s->host_ss_selector = 1)
REFUSED(host_ds_rpl_ti, plain, s->host_ds_selector = 2)
REFUSED(host_fs_rpl_ti, plain, s->host_fs_selector = 4)
REFUSED(host_gs_rpl_ti, plain, s->host_gs_selector = 7)
REFUSED(host_tr_rpl_ti, plain, s->host_tr_selector |= 4)
REFUSED(host_cs_null, plain, s->host_cs_selector = 0)
REFUSED(host_tr_null, plain, s->host_tr_selector = 0)
REFUSED(host_ss_null, host32, s->host_ss_selector = 0)
REFUSED(host_fs_base, plain, s->host_fs_base = NONCANONICAL)
REFUSED(host_gs_base, plain, s->host_gs_base = NONCANONICAL)
REFUSED(host_gdtr_base, plain, s->host_gdtr_base = NONCANONICAL)
REFUSED(host_idtr_base, plain, s->host_idtr_base = NONCANONICAL)
REFUSED(host_tr_base, plain, s->host_tr_base = NONCANONICAL)

/* ---- address-space size ---- */
REFUSED(legacy_host_guest_ia32e, host32, on(s, CTL_ia32e_mode_guest))
REFUSED(host_size_is_lma, host32, on(s, CTL_host_address_space_size))
REFUSED(host_size_is_lma, plain, off(s, CTL_host_address_space_size); s->host_ss_selector = 0x18)
REFUSED(host32_pcide, host32, s->host_cr4 |= X86_CR4_PCIDE)
REFUSED(host32_rip, host32, s->host_rip = 1ull << 32)
REFUSED(host64_pae, plain, s->host_cr4 &= ~X86_CR4_PAE)
REFUSED(host64_rip, plain, s->host_rip = NONCANONICAL)

/* ---- guest control registers, debug registers, and MSRs ---- */
REFUSED(guest_cr0_fixed, plain, s->guest_cr0 &= ~X86_CR0_PG)
REFUSED(guest_cr0_fixed, plain, s->guest_cr0 &= ~X86_CR0_PE)
REFUSED(guest_cr0_fixed, urg, s->guest_cr0 &= ~X86_CR0_NE)
REFUSED(guest_cr0_pg_pe, urg, s->guest_cr0 &= ~X86_CR0_PE)
REFUSED(guest_cr4_fixed, plain, s->guest_cr4 &= ~X86_CR4_VMXE)
REFUSED(guest_debugctl, plain, on(s, CTL_entry_load_debug); s->guest_ia32_debugctl = 1 << 4)
REFUSED(guest_ia32e_pg, urg, s->guest_cr0 &= ~X86_CR0_PG)
REFUSED(guest_ia32e_pae, plain, s->guest_cr4 &= ~X86_CR4_PAE)
REFUSED(guest_legacy_pcide, legacy, s->guest_cr4 |= X86_CR4_PCIDE)
REFUSED(guest_cr3_width, plain, s->guest_cr3 = TOO_WIDE)
REFUSED(guest_dr7_high, plain, on(s, CTL_entry_load_debug); s->guest_dr7 = 1ull << 32)
ALLOWED("DR7 and DEBUGCTL that are not loaded", plain,
	off(s, CTL_entry_load_debug); s->guest_dr7 = ~0ull; s->guest_ia32_debugctl = ~0ull)
REFUSED(guest_sysenter_esp, plain, s->guest_sysenter_esp = NONCANONICAL)
REFUSED(guest_sysenter_eip, plain, s->guest_sysenter_eip = NONCANONICAL)
REFUSED(guest_perf_global, plain,
	on(s, CTL_entry_load_perf_global); s->guest_ia32_perf_global_ctrl = 1)
REFUSED(guest_pat, plain, on(s, CTL_entry_load_pat); s->guest_ia32_pat = 3 << 8)
REFUSED(guest_efer_reserved, guest_efer, s->guest_ia32_efer |= 1 << 9)
REFUSED(guest_efer_lma, guest_efer, s->guest_ia32_efer &= ~EFER_LMA)
REFUSED(guest_efer_lme, guest_efer, s->guest_ia32_efer &= ~EFER_LME)
ALLOWED("LME before paging", real, on(s, CTL_entry_load_efer); s->guest_ia32_efer = EFER_LME)
REFUSED(guest_bndcfgs_reserved, plain, on(s, CTL_entry_load_bndcfgs); s->guest_bndcfgs = 4)
REFUSED(guest_bndcfgs_base, plain, on(s, CTL_entry_load_bndcfgs); s->guest_bndcfgs = NONCANONICAL)

/* ---- guest segment registers ---- */
REFUSED(guest_tr_ti, plain, s->guest_tr_selector = 4)
REFUSED(guest_ldtr_ti, ldtr, s->guest_ldtr_selector = 4)
REFUSED(guest_ss_rpl, plain, s->guest_ss_selector = 1)
REFUSED(guest_cs_base_vm86, vm86, s->guest_cs_base += 1)
REFUSED(guest_ss_base_vm86, vm86, s->guest_ss_base += 0x10000)
REFUSED(guest_ds_base_vm86, vm86, s->guest_ds_selector += 1)
REFUSED(guest_es_base_vm86, vm86, s->guest_es_base = ~s->guest_es_base)
REFUSED(guest_fs_base_vm86, vm86, s->guest_fs_base += 1)
REFUSED(guest_gs_base_vm86, vm86, s->guest_gs_base += 1)
REFUSED(guest_tr_base, plain, s->guest_tr_base = NONCANONICAL)
REFUSED(guest_fs_base, plain, s->guest_fs_base = NONCANONICAL)
REFUSED(guest_gs_base, plain, s->guest_gs_base = NONCANONICAL)
REFUSED(guest_ldtr_base, ldtr, s->guest_ldtr_base = NONCANONICAL)
REFUSED(guest_cs_base_high, plain, s->guest_cs_base = 1ull << 32)
REFUSED(guest_ss_base_high, plain, s->guest_ss_base = 1ull << 32)
REFUSED(guest_ds_base_high, data, s->guest_ds_base = 1ull << 32)
REFUSED(guest_es_base_high, data, s->guest_es_base = 1ull << 32)
REFUSED(guest_cs_limit_vm86, vm86, s->guest_cs_limit = 0xfffff)
REFUSED(guest_ss_limit_vm86, vm86, s->guest_ss_limit = 0)
REFUSED(guest_ds_limit_vm86, vm86, s->guest_ds_limit = 0xfffe)
REFUSED(guest_es_limit_vm86, vm86, s->guest_es_limit = 0xfffe)
REFUSED(guest_fs_limit_vm86, vm86, s->guest_fs_limit = 0xfffe)
REFUSED(guest_gs_limit_vm86, vm86, s->guest_gs_limit = 0xfffe)
REFUSED(guest_cs_ar_vm86, vm86, s->guest_cs_ar_bytes = 0x9b)
REFUSED(guest_ss_ar_vm86, vm86, s->guest_ss_ar_bytes = 0x93)
REFUSED(guest_ds_ar_vm86, vm86, s->guest_ds_ar_bytes = SEGAR_UNUSABLE)
REFUSED(guest_es_ar_vm86, vm86, s->guest_es_ar_bytes = 0x40f3)
REFUSED(guest_fs_ar_vm86, vm86, s->guest_fs_ar_bytes = 0x93)
REFUSED(guest_gs_ar_vm86, vm86, s->guest_gs_ar_bytes = 0x93)
REFUSED(guest_cs_type, plain, s->guest_cs_ar_bytes = 0xa09a)
REFUSED(guest_cs_type, plain, s->guest_cs_ar_bytes = 0xc093)
ALLOWED("CS as data with unrestricted guest", urg, s->guest_cs_ar_bytes = 0xc093)
REFUSED(guest_ss_type, plain, s->guest_ss_ar_bytes = 0xc091)
ALLOWED("SS that expands down", plain, s->guest_ss_ar_bytes = 0xc097)
REFUSED(guest_ds_type, data, s->guest_ds_ar_bytes = 0xc092)
REFUSED(guest_ds_type, data, s->guest_ds_ar_bytes = 0xc099)
ALLOWED("DS as readable code", data, s->guest_ds_ar_bytes = 0xc09b)
REFUSED(guest_es_type, data, s->guest_es_ar_bytes = 0xc092)
REFUSED(guest_fs_type, data, s->guest_fs_ar_bytes = 0xc092)
REFUSED(guest_gs_type, data, s->guest_gs_ar_bytes = 0xc092)
REFUSED(guest_cs_s, plain, s->guest_cs_ar_bytes &= ~SEGAR_S)
REFUSED(guest_ss_s, plain, s->guest_ss_ar_bytes &= ~SEGAR_S)
REFUSED(guest_ds_s, data, s->guest_ds_ar_bytes &= ~SEGAR_S)
REFUSED(guest_es_s, data, s->guest_es_ar_bytes &= ~SEGAR_S)
REFUSED(guest_fs_s, data, s->guest_fs_ar_bytes &= ~SEGAR_S)
REFUSED(guest_gs_s, data, s->guest_gs_ar_bytes &= ~SEGAR_S)
REFUSED(guest_cs_dpl, plain, s->guest_cs_ar_bytes |= 3 << 5)
REFUSED(guest_cs_dpl, plain, s->guest_cs_ar_bytes = 0xa0ff)
REFUSED(guest_cs_dpl, urg, s->guest_cs_ar_bytes = 0xc0f3)
REFUSED(guest_ss_dpl_rpl, plain, s->guest_cs_ar_bytes |= 3 << 5; s->guest_ss_ar_bytes |= 3 << 5)
REFUSED(guest_ss_dpl_zero, urg, s->guest_cs_ar_bytes = 0xc093; s->guest_ss_ar_bytes |= 3 << 5)
REFUSED(guest_ss_dpl_zero, real, s->guest_cs_ar_bytes |= 3 << 5; s->guest_ss_ar_bytes |= 3 << 5)
REFUSED(guest_ds_dpl, data, s->guest_ds_selector = 3)
REFUSED(guest_ds_dpl, data, s->guest_ds_ar_bytes = 0xc09b; s->guest_ds_selector = 3)
REFUSED(guest_es_dpl, data, s->guest_es_selector = 1)
REFUSED(guest_fs_dpl, data, s->guest_fs_selector = 3)
REFUSED(guest_gs_dpl, data, s->guest_gs_selector = 3)
ALLOWED("DS as conforming code with any RPL", data,
	s->guest_ds_ar_bytes = 0xc09f; s->guest_ds_selector = 3)
ALLOWED("an unusable DS with any RPL", plain, s->guest_ds_selector = 3)
ALLOWED("DS with any RPL in unrestricted guest", data, urg(s); s->guest_ds_selector = 3)
ALLOWED("conforming CS with the DPL of SS", plain, s->guest_cs_ar_bytes = 0xa09f)
ALLOWED("conforming CS below the DPL of SS", data, user(s); s->guest_cs_ar_bytes = 0xa09f)
ALLOWED("user mode", data, user(s))
REFUSED(guest_cs_present, plain, s->guest_cs_ar_bytes &= ~SEGAR_P)
REFUSED(guest_ss_present, plain, s->guest_ss_ar_bytes &= ~SEGAR_P)
REFUSED(guest_ds_present, data, s->guest_ds_ar_bytes &= ~SEGAR_P)
REFUSED(guest_es_present, data, s->guest_es_ar_bytes &= ~SEGAR_P)
REFUSED(guest_fs_present, data, s->guest_fs_ar_bytes &= ~SEGAR_P)
REFUSED(guest_gs_present, data, s->guest_gs_ar_bytes &= ~SEGAR_P)
REFUSED(guest_cs_reserved, plain, s->guest_cs_ar_bytes |= 1 << 8)
REFUSED(guest_ss_reserved, plain, s->guest_ss_ar_bytes |= 1 << 17)
REFUSED(guest_ds_reserved, data, s->guest_ds_ar_bytes |= 1 << 11)
REFUSED(guest_es_reserved, data, s->guest_es_ar_bytes |= 1u << 31)
REFUSED(guest_fs_reserved, data, s->guest_fs_ar_bytes |= 1 << 9)
REFUSED(guest_gs_reserved, data, s->guest_gs_ar_bytes |= 1 << 10)
REFUSED(guest_cs_l_db, plain, s->guest_cs_ar_bytes |= SEGAR_DB)
REFUSED(guest_cs_g, plain, s->guest_cs_ar_bytes &= ~SEGAR_G)
REFUSED(guest_cs_g, plain, s->guest_cs_limit = 0xfffff000)
REFUSED(guest_ss_g, plain, s->guest_ss_limit = 0xfffffffe)
REFUSED(guest_ds_g, data, s->guest_ds_limit = 0x1000)
REFUSED(guest_es_g, data, s->guest_es_ar_bytes &= ~SEGAR_G)
REFUSED(guest_fs_g, data, s->guest_fs_ar_bytes &= ~SEGAR_G)
REFUSED(guest_gs_g, data, s->guest_gs_ar_bytes &= ~SEGAR_G)
ALLOWED("a limit that both granularities can say", data,
	s->guest_ds_limit = 0xfffff; s->guest_es_limit = 0xfffff; s->guest_es_ar_bytes &= ~SEGAR_G)
REFUSED(guest_tr_type, plain, s->guest_tr_ar_bytes = 0x83)
REFUSED(guest_tr_type, legacy, s->guest_tr_ar_bytes = 0x89)
ALLOWED("16-bit TSS of a 32-bit guest", legacy, s->guest_tr_ar_bytes = 0x83)
REFUSED(guest_tr_s, plain, s->guest_tr_ar_bytes |= SEGAR_S)
REFUSED(guest_tr_present, plain, s->guest_tr_ar_bytes &= ~SEGAR_P)
REFUSED(guest_tr_reserved, plain, s->guest_tr_ar_bytes |= 1 << 8)
REFUSED(guest_tr_g, plain, s->guest_tr_ar_bytes |= SEGAR_G)
REFUSED(guest_tr_unusable, plain, s->guest_tr_ar_bytes |= SEGAR_UNUSABLE)
REFUSED(guest_ldtr_type, ldtr, s->guest_ldtr_ar_bytes = 0x83)
REFUSED(guest_ldtr_s, ldtr, s->guest_ldtr_ar_bytes |= SEGAR_S)
REFUSED(guest_ldtr_present, ldtr, s->guest_ldtr_ar_bytes &= ~SEGAR_P)
REFUSED(guest_ldtr_reserved, ldtr, s->guest_ldtr_ar_bytes |= 1 << 20)
REFUSED(guest_ldtr_g, ldtr, s->guest_ldtr_limit = 0x100000)
ALLOWED("an unusable LDTR with nonsense", plain,
	s->guest_ldtr_ar_bytes = ~0u; s->guest_ldtr_base = NONCANONICAL; s->guest_ldtr_selector = 4)

/* ---- guest descriptor-table registers ---- */
REFUSED(guest_gdtr_base, plain, s->guest_gdtr_base = NONCANONICAL)
REFUSED(guest_idtr_base, plain, s->guest_idtr_base = NONCANONICAL)
REFUSED(guest_gdtr_limit, plain, s->guest_gdtr_limit = 0x10000)
REFUSED(guest_idtr_limit, plain, s->guest_idtr_limit = 0x10000)

/* ---- guest RIP and RFLAGS ---- */
REFUSED(guest_rip, plain, s->guest_rip = NONCANONICAL)
REFUSED(guest_rip, legacy, s->guest_rip = 1ull << 32)
REFUSED(guest_rip, compat, s->guest_rip = 1ull << 32)
ALLOWED("the highest RIP", plain, s->guest_rip = ~0ull)
REFUSED(guest_rflags_reserved, plain, s->guest_rflags |= 8)
REFUSED(guest_rflags_reserved, plain, s->guest_rflags |= 1ull << 22)
REFUSED(guest_rflags_one, plain, s->guest_rflags = 0)
REFUSED(guest_rflags_vm, vm86, on(s, CTL_ia32e_mode_guest); s->guest_cr4 |= X86_CR4_PAE)
REFUSED(guest_rflags_vm, vm86, on(s, CTL_unrestricted_guest); s->guest_cr0 = X86_CR0_NE)
REFUSED(guest_rflags_if, extint, s->guest_rflags &= ~X86_EFLAGS_IF)
ALLOWED("every flag", plain, s->guest_rflags = 0x3d7fd7; s->guest_pending_dbg_exceptions = 0)

/* ---- guest non-register state ---- */
REFUSED(activity_state, plain, s->guest_activity_state = ACTIVITY_SHUTDOWN)
REFUSED(activity_state, plain, s->guest_activity_state = 4)
REFUSED(activity_hlt_dpl, plain, user(s); s->guest_activity_state = ACTIVITY_HLT)
REFUSED(activity_blocking, plain,
	s->guest_activity_state = ACTIVITY_HLT; s->guest_interruptibility_info = INTS_MOVSS)
REFUSED(activity_event, plain,
	s->guest_activity_state = ACTIVITY_HLT; event(s, EVT_TYPE_HWEXC | VEC_UD))
REFUSED(activity_event, plain,
	s->guest_activity_state = ACTIVITY_HLT; event(s, EVT_TYPE_SOFTINT | 0x80);
	s->vm_entry_instruction_len = 2)
REFUSED(activity_event, plain,
	all_activities(); s->guest_activity_state = ACTIVITY_WAIT_SIPI;
	event(s, EVT_TYPE_NMI | VEC_NMI))
REFUSED(activity_event, extint, all_activities(); s->guest_activity_state = ACTIVITY_SHUTDOWN)
REFUSED(activity_event, plain, all_activities(); s->guest_activity_state = ACTIVITY_SHUTDOWN;
	event(s, EVT_TYPE_HWEXC | VEC_UD))
ALLOWED("#MC in shutdown", plain,
	all_activities(); s->guest_activity_state = ACTIVITY_SHUTDOWN;
	event(s, EVT_TYPE_HWEXC | VEC_MC))
ALLOWED("wait for SIPI", plain, all_activities(); s->guest_activity_state = ACTIVITY_WAIT_SIPI)
ALLOWED("HLT", plain, s->guest_activity_state = ACTIVITY_HLT)
ALLOWED("interrupt in HLT", extint, s->guest_activity_state = ACTIVITY_HLT)
ALLOWED("NMI in HLT", nmi, s->guest_activity_state = ACTIVITY_HLT)
ALLOWED("#DB in HLT", plain,
	s->guest_activity_state = ACTIVITY_HLT; event(s, EVT_TYPE_HWEXC | VEC_DB))
ALLOWED("pending MTF in HLT", plain,
	s->guest_activity_state = ACTIVITY_HLT; event(s, EVT_TYPE_OTHER))
REFUSED(blocking_reserved, plain, s->guest_interruptibility_info = BIT(5))
REFUSED(blocking_reserved, plain, s->guest_interruptibility_info = INTS_ENCLAVE)
REFUSED(blocking_sti_movss, plain,
	s->guest_rflags |= X86_EFLAGS_IF; s->guest_interruptibility_info = INTS_STI | INTS_MOVSS)
REFUSED(blocking_sti_if, plain, s->guest_interruptibility_info = INTS_STI)
REFUSED(blocking_ext_int, extint, s->guest_interruptibility_info = INTS_STI)
REFUSED(blocking_ext_int, extint, s->guest_interruptibility_info = INTS_MOVSS)
REFUSED(blocking_nmi_movss, nmi, s->guest_interruptibility_info = INTS_MOVSS)
REFUSED(blocking_nmi_sti, nmi,
	s->guest_rflags |= X86_EFLAGS_IF; s->guest_interruptibility_info = INTS_STI)
ALLOWED("exception after STI", plain, event(s, EVT_TYPE_HWEXC | VEC_UD);
	s->guest_rflags |= X86_EFLAGS_IF; s->guest_interruptibility_info = INTS_STI)
ALLOWED("exception after MOV SS", plain,
	event(s, EVT_TYPE_HWEXC | VEC_UD); s->guest_interruptibility_info = INTS_MOVSS)
REFUSED(blocking_smi, plain, s->guest_interruptibility_info = INTS_SMI)
REFUSED(blocking_nmi, nmi, on(s, CTL_virtual_nmis); s->guest_interruptibility_info = INTS_NMI)
ALLOWED("NMI with NMIs blocked, no virtual NMIs", nmi, s->guest_interruptibility_info = INTS_NMI)
REFUSED(pending_debug_reserved, plain, s->guest_pending_dbg_exceptions = BIT(4))
REFUSED(pending_debug_reserved, plain, s->guest_pending_dbg_exceptions = BIT(13))
REFUSED(pending_debug_reserved, plain, s->guest_pending_dbg_exceptions = 1ull << 63)
REFUSED(pending_debug_bs, plain,
	s->guest_interruptibility_info = INTS_MOVSS; s->guest_rflags |= X86_EFLAGS_TF)
REFUSED(pending_debug_bs, plain,
	s->guest_interruptibility_info = INTS_MOVSS; s->guest_pending_dbg_exceptions = PDE_BS)
REFUSED(pending_debug_bs, plain,
	s->guest_activity_state = ACTIVITY_HLT; s->guest_pending_dbg_exceptions = PDE_BS)
REFUSED(pending_debug_bs, step, s->guest_ia32_debugctl = 2)
ALLOWED("single step after MOV SS", step, s->guest_interruptibility_info = INTS_MOVSS)
ALLOWED("BS where nothing blocks", plain, s->guest_pending_dbg_exceptions = PDE_BS)
REFUSED(pending_debug_rtm, plain, s->guest_pending_dbg_exceptions = PDE_RTM | PDE_ENABLED_BP)
REFUSED(pending_debug_rtm, rtm, s->guest_pending_dbg_exceptions = PDE_RTM)
REFUSED(pending_debug_rtm, rtm, s->guest_pending_dbg_exceptions |= 1)
REFUSED(pending_debug_rtm, rtm, s->guest_interruptibility_info = INTS_MOVSS)

/* ---- VMCS link pointer ---- */
REFUSED(link_pointer_aligned, plain, s->vmcs_link_pointer = PA_VMCS(1) + 4)
REFUSED(link_pointer_width, plain, s->vmcs_link_pointer = TOO_WIDE)
REFUSED(link_pointer_revision, plain, s->vmcs_link_pointer = 0x30000)
REFUSED(link_pointer_revision, plain, s->vmcs_link_pointer = PA_NOWHERE)
REFUSED(link_pointer_shadow, plain, s->vmcs_link_pointer = PA_SHADOW)
REFUSED(link_pointer_shadow, shadowing, s->vmcs_link_pointer = PA_VMCS(1))
REFUSED(link_pointer_current, plain, s->vmcs_link_pointer = PA_VMCS(0))
ALLOWED("link pointer to a shadow VMCS", shadowing, s->vmcs_link_pointer = PA_SHADOW)
ALLOWED("link pointer to a plain VMCS", plain, s->vmcs_link_pointer = PA_VMCS(1))

/* ---- guest page-directory-pointer-table entries ---- */
REFUSED(guest_pdptes, pae, s->guest_pdptr0 = 3)
REFUSED(guest_pdptes, pae, s->guest_pdptr3 = 1 | TOO_WIDE)
REFUSED(guest_pdptes, pae, off(s, CTL_ept); s->guest_cr3 = 0x31000)
REFUSED(guest_pdptes, pae, off(s, CTL_ept); s->guest_cr3 = PA_NOWHERE)
ALLOWED("PDPTEs in memory", pae, off(s, CTL_ept); s->guest_cr3 = 0x32000)
ALLOWED("PDPTEs not present", pae, s->guest_pdptr0 = ~1ull)
ALLOWED("PDPTEs of a 64-bit guest", plain, s->guest_pdptr0 = ~0ull)
