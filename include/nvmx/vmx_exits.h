/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Table 3: every exit reason.
 *
 * NVMX_EXIT(number, name, handler, owner, arg, valid)
 *
 *   handler  exit_<handler>() in src/vmx is called when L0 owns the exit
 *   owner    of an exit from L2:
 *              L1        always L1
 *              L0        never L1
 *              CTL arg   L1 if vmcs12 sets CTL_<arg>
 *              ASK arg   nested/route's ask_<arg>() decides
 *   valid    exit information that run.c reads for this reason:
 *              Q qualification  L instruction length  I instruction information
 *              V IDT-vectoring information  G guest-physical address  A guest linear address
 *              E interruption information and error code
 *
 * The table is total: a reason that is not here ends that VM with an internal error.
 */
/* clang-format off */
NVMX_EXIT(0,  exception_nmi,         exception,       ASK, exception,               E | V | L | Q)
NVMX_EXIT(1,  external_interrupt,    host_interrupt,  L0,  none,                    0)
NVMX_EXIT(2,  triple_fault,          triple_fault,    L1,  none,                    0)
NVMX_EXIT(3,  init_signal,           unexpected,      L1,  none,                    0)
NVMX_EXIT(4,  sipi,                  unexpected,      L1,  none,                    Q)
NVMX_EXIT(5,  io_smi,                unexpected,      L0,  none,                    0)
NVMX_EXIT(6,  other_smi,             unexpected,      L0,  none,                    0)
NVMX_EXIT(7,  interrupt_window,      interrupt_window, CTL, interrupt_window_exiting, 0)
NVMX_EXIT(8,  nmi_window,            nmi_window,      CTL, nmi_window_exiting,      0)
NVMX_EXIT(9,  task_switch,           task_switch,     L1,  none,                    Q | L | V)
NVMX_EXIT(10, cpuid,                 cpuid,           L1,  none,                    L)
NVMX_EXIT(11, getsec,                undefined,       L1,  none,                    L)
NVMX_EXIT(12, hlt,                   hlt,             CTL, hlt_exiting,             L)
NVMX_EXIT(13, invd,                  invd,            L1,  none,                    L)
NVMX_EXIT(14, invlpg,                invlpg,          CTL, invlpg_exiting,          Q | L)
NVMX_EXIT(15, rdpmc,                 rdpmc,           CTL, rdpmc_exiting,           L)
NVMX_EXIT(16, rdtsc,                 unexpected,      CTL, rdtsc_exiting,           L)
NVMX_EXIT(17, rsm,                   undefined,       L1,  none,                    L)
NVMX_EXIT(18, vmcall,                vmcall,          L1,  none,                    L)
NVMX_EXIT(19, vmclear,               vmx_insn,        L1,  none,                    Q | L | I)
NVMX_EXIT(20, vmlaunch,              vmx_insn,        L1,  none,                    L)
NVMX_EXIT(21, vmptrld,               vmx_insn,        L1,  none,                    Q | L | I)
NVMX_EXIT(22, vmptrst,               vmx_insn,        L1,  none,                    Q | L | I)
NVMX_EXIT(23, vmread,                vmx_insn,        ASK, vmread,                  Q | L | I)
NVMX_EXIT(24, vmresume,              vmx_insn,        L1,  none,                    L)
NVMX_EXIT(25, vmwrite,               vmx_insn,        ASK, vmwrite,                 Q | L | I)
NVMX_EXIT(26, vmxoff,                vmx_insn,        L1,  none,                    L)
NVMX_EXIT(27, vmxon,                 vmx_insn,        L1,  none,                    Q | L | I)
NVMX_EXIT(28, cr_access,             cr_access,       ASK, cr_access,               Q | L)
NVMX_EXIT(29, mov_dr,                mov_dr,          CTL, mov_dr_exiting,          Q | L)
NVMX_EXIT(30, io,                    io,              ASK, io,                      Q | L | I | A)
NVMX_EXIT(31, rdmsr,                 rdmsr,           ASK, msr,                     L)
NVMX_EXIT(32, wrmsr,                 wrmsr,           ASK, msr,                     L)
NVMX_EXIT(33, invalid_guest_state,   entry_failure,   L1,  none,                    Q)
NVMX_EXIT(34, msr_load_failure,      entry_failure,   L1,  none,                    Q)
NVMX_EXIT(36, mwait,                 nop_insn,        CTL, mwait_exiting,           L)
NVMX_EXIT(37, monitor_trap_flag,     mtf,             ASK, mtf,                     0)
NVMX_EXIT(39, monitor,               nop_insn,        CTL, monitor_exiting,         L)
NVMX_EXIT(40, pause,                 pause,           ASK, pause,                   L)
NVMX_EXIT(41, mce_during_entry,      entry_failure,   L0,  none,                    Q)
NVMX_EXIT(43, tpr_below_threshold,   tpr_below_threshold, CTL, tpr_shadow,              0)
NVMX_EXIT(44, apic_access,           apic_access,     L1,  none,                    Q | L | V)
NVMX_EXIT(45, virtualized_eoi,       virtualized_eoi, ASK, eoi,                     Q)
NVMX_EXIT(46, gdtr_idtr,             unexpected,      CTL, descriptor_table_exiting, Q | L | I)
NVMX_EXIT(47, ldtr_tr,               unexpected,      CTL, descriptor_table_exiting, Q | L | I)
NVMX_EXIT(48, ept_violation,         ept_violation,   L0,  none,                    Q | V | G | A)
NVMX_EXIT(49, ept_misconfig,         ept_misconfig,   L0,  none,                    V | G)
NVMX_EXIT(50, invept,                vmx_insn,        L1,  none,                    Q | L | I)
NVMX_EXIT(51, rdtscp,                unexpected,      CTL, rdtsc_exiting,           L)
NVMX_EXIT(52, preemption_timer,      preemption_timer, L0, none,                    0)
NVMX_EXIT(53, invvpid,               vmx_insn,        L1,  none,                    Q | L | I)
NVMX_EXIT(54, wbinvd,                wbinvd,          CTL, wbinvd_exiting,          L)
NVMX_EXIT(55, xsetbv,                xsetbv,          L1,  none,                    L)
NVMX_EXIT(56, apic_write,            apic_write,      L1,  none,                    Q)
NVMX_EXIT(57, rdrand,                unexpected,      CTL, rdrand_exiting,          L | I)
NVMX_EXIT(58, invpcid,               unexpected,      ASK, invpcid,                 Q | L | I)
NVMX_EXIT(59, vmfunc,                undefined,       L1,  none,                    L)
NVMX_EXIT(60, encls,                 undefined,       L1,  none,                    L)
NVMX_EXIT(61, rdseed,                unexpected,      CTL, rdseed_exiting,          L | I)
NVMX_EXIT(62, pml_full,              pml_full,        L0,  none,                    Q | V)
NVMX_EXIT(63, xsaves,                unexpected,      ASK, xss,                     L | I)
NVMX_EXIT(64, xrstors,               unexpected,      ASK, xss,                     L | I)
NVMX_EXIT(67, umwait,                undefined,       L1,  none,                    L)
NVMX_EXIT(68, tpause,                undefined,       L1,  none,                    L)
