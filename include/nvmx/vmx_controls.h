/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Table 2: every VM-execution, VM-exit and VM-entry control bit.
 *
 * NVMX_CTL(word, bit, name, l0, offer, merge)
 *
 *   word   PIN PROC PROC2 EXIT ENTRY
 *   l0     what nvmx wants for its own guest (vmcs01):
 *            NEED  loading fails, by name, where the CPU lacks it
 *            WANT  set where the CPU has it
 *            DYN   set and cleared at run time; must be there
 *            OPT   set and cleared at run time where the CPU has it
 *            OFF   never set
 *   offer  what L1's capability MSRs say may be 1:
 *            YES   offered where the CPU has it
 *            SOFT  offered always, done in software
 *            NO    not offered
 *   merge  what vmcs02 gets:
 *            OR    L0's value or L1's
 *            L1    L1's value (L1 can set it only where offered)
 *            L0    L0's value
 *            EMUL  0: nvmx does the work in software
 *            CODE  a merge function in src/nested/vmcs02.c decides
 *
 * A control is one number, word * 32 + bit, named CTL_<name>.
 */
/* clang-format off */
NVMX_CTL(PIN,    0, ext_int_exiting,              NEED, YES,  OR)
NVMX_CTL(PIN,    3, nmi_exiting,                  NEED, YES,  OR)
NVMX_CTL(PIN,    5, virtual_nmis,                 NEED, YES,  OR)
NVMX_CTL(PIN,    6, preemption_timer,             OPT,  SOFT, CODE)
NVMX_CTL(PIN,    7, posted_interrupts,            OPT,  SOFT, EMUL)

NVMX_CTL(PROC,   2, interrupt_window_exiting,     DYN,  YES,  OR)
NVMX_CTL(PROC,   3, use_tsc_offsetting,           NEED, YES,  CODE)
NVMX_CTL(PROC,   7, hlt_exiting,                  NEED, YES,  OR)
NVMX_CTL(PROC,   9, invlpg_exiting,               OFF,  YES,  L1)
NVMX_CTL(PROC,  10, mwait_exiting,                NEED, YES,  OR)
NVMX_CTL(PROC,  11, rdpmc_exiting,                NEED, YES,  OR)
NVMX_CTL(PROC,  12, rdtsc_exiting,                OFF,  YES,  L1)
NVMX_CTL(PROC,  15, cr3_load_exiting,             OFF,  YES,  L1)
NVMX_CTL(PROC,  16, cr3_store_exiting,            OFF,  YES,  L1)
NVMX_CTL(PROC,  17, activate_tertiary,            OFF,  NO,   L0)
NVMX_CTL(PROC,  19, cr8_load_exiting,             NEED, YES,  CODE)
NVMX_CTL(PROC,  20, cr8_store_exiting,            NEED, YES,  CODE)
NVMX_CTL(PROC,  21, tpr_shadow,                   OPT,  YES,  L1)
NVMX_CTL(PROC,  22, nmi_window_exiting,           DYN,  YES,  OR)
NVMX_CTL(PROC,  23, mov_dr_exiting,               DYN,  YES,  OR)
NVMX_CTL(PROC,  24, unconditional_io_exiting,     NEED, YES,  OR)
NVMX_CTL(PROC,  25, use_io_bitmaps,               OFF,  SOFT, EMUL)
NVMX_CTL(PROC,  27, monitor_trap_flag,            OPT,  YES,  L1)
NVMX_CTL(PROC,  28, use_msr_bitmaps,              NEED, SOFT, L0)
NVMX_CTL(PROC,  29, monitor_exiting,              NEED, YES,  OR)
NVMX_CTL(PROC,  30, pause_exiting,                OFF,  YES,  L1)
NVMX_CTL(PROC,  31, activate_secondary,           NEED, YES,  L0)

NVMX_CTL(PROC2,  0, virtualize_apic_accesses,     OPT,  YES,  L1)
NVMX_CTL(PROC2,  1, ept,                          NEED, YES,  L0)
NVMX_CTL(PROC2,  2, descriptor_table_exiting,     OFF,  YES,  L1)
NVMX_CTL(PROC2,  3, rdtscp,                       OPT,  YES,  L1)
NVMX_CTL(PROC2,  4, virtualize_x2apic,            OPT,  YES,  L1)
NVMX_CTL(PROC2,  5, vpid,                         WANT, YES,  L0)
NVMX_CTL(PROC2,  6, wbinvd_exiting,               OFF,  YES,  L1)
NVMX_CTL(PROC2,  7, unrestricted_guest,           NEED, YES,  L1)
NVMX_CTL(PROC2,  8, apic_register_virtualization, OPT,  YES,  L1)
NVMX_CTL(PROC2,  9, virtual_interrupt_delivery,   OPT,  YES,  L1)
NVMX_CTL(PROC2, 10, pause_loop_exiting,           WANT, NO,   L0)
NVMX_CTL(PROC2, 11, rdrand_exiting,               OFF,  YES,  L1)
NVMX_CTL(PROC2, 12, invpcid,                      OPT,  YES,  L1)
NVMX_CTL(PROC2, 13, vm_functions,                 OFF,  NO,   L0)
NVMX_CTL(PROC2, 14, vmcs_shadowing,               OPT,  SOFT, EMUL)
NVMX_CTL(PROC2, 15, encls_exiting,                OFF,  NO,   L0)
NVMX_CTL(PROC2, 16, rdseed_exiting,               OFF,  YES,  L1)
NVMX_CTL(PROC2, 17, pml,                          OPT,  NO,   L0)
NVMX_CTL(PROC2, 18, ept_violation_ve,             OFF,  NO,   L0)
NVMX_CTL(PROC2, 19, conceal_from_pt,              OFF,  NO,   L0)
NVMX_CTL(PROC2, 20, xsaves,                       OPT,  YES,  L1)
NVMX_CTL(PROC2, 22, mode_based_execute,           OFF,  NO,   L0)
NVMX_CTL(PROC2, 25, tsc_scaling,                  OPT,  YES,  CODE)
NVMX_CTL(PROC2, 26, user_wait_pause,              OFF,  NO,   L0)

NVMX_CTL(EXIT,   2, exit_save_debug,              NEED, YES,  L0)
NVMX_CTL(EXIT,   9, host_address_space_size,      NEED, YES,  L0)
NVMX_CTL(EXIT,  12, exit_load_perf_global,        OFF,  NO,   L0)
NVMX_CTL(EXIT,  15, ack_interrupt_on_exit,        OPT,  SOFT, L0)
NVMX_CTL(EXIT,  18, exit_save_pat,                NEED, YES,  L0)
NVMX_CTL(EXIT,  19, exit_load_pat,                NEED, YES,  L0)
NVMX_CTL(EXIT,  20, exit_save_efer,               NEED, YES,  L0)
NVMX_CTL(EXIT,  21, exit_load_efer,               NEED, YES,  L0)
NVMX_CTL(EXIT,  22, exit_save_preemption_timer,   OFF,  SOFT, L0)
NVMX_CTL(EXIT,  23, exit_clear_bndcfgs,           OFF,  NO,   L0)

NVMX_CTL(ENTRY,  2, entry_load_debug,             NEED, YES,  L0)
NVMX_CTL(ENTRY,  9, ia32e_mode_guest,             DYN,  YES,  CODE)
NVMX_CTL(ENTRY, 10, entry_to_smm,                 OFF,  NO,   L0)
NVMX_CTL(ENTRY, 11, deactivate_dual_monitor,      OFF,  NO,   L0)
NVMX_CTL(ENTRY, 13, entry_load_perf_global,       OFF,  NO,   L0)
NVMX_CTL(ENTRY, 14, entry_load_pat,               NEED, YES,  L0)
NVMX_CTL(ENTRY, 15, entry_load_efer,              NEED, YES,  L0)
NVMX_CTL(ENTRY, 16, entry_load_bndcfgs,           OFF,  NO,   L0)
