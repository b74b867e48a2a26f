/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Table 5: what is taken between two instructions, in this order.
 *
 * NVMX_EVENT(name, class, l1, l2, what)
 *
 *   class  of the manual's table in volume 3A; VMX: volume 3C says where it stands; INSN: part of
 *          an instruction that has begun, so that what is below was looked at before it
 *   l1     who takes it while L1 runs:
 *            HERE  src/vmx/events.c
 *            POST  src/vmx/post.c, before all others: nothing that waits survives an INIT
 *            NONE  it comes in VMX non-root operation only
 *   l2     whose it is while L2 runs:
 *            L1         L1's: an exit
 *            EXCEPTION  L1's if its exception bitmap says so, else L2's own
 *            NMI, IRQ   L1's if its pin-based control says so, else L2's own
 *            L0         neither's: it leaves L2 without an exit
 *
 * Who walks over the table stops at the first that is there and that nothing blocks.  In L2 that
 * may be one of L2's own: an exit below it waits until L2 has got it.
 * SDM "Priority Among Concurrent Events" [sdm:event-priority], "Other Causes of VM Exits"
 * [sdm:other-exits].  Documentation/events.rst has the same rows: see selftests/check-events.
 */
/* clang-format off */
NVMX_EVENT(triple_fault,     INSN, HERE, L1,        "an exception after a double fault")
NVMX_EVENT(fault,            INSN, HERE, EXCEPTION, "an exception of the instruction in progress")
NVMX_EVENT(smi,              3,    HERE, L0,        "system-management interrupt")
NVMX_EVENT(init,             3,    POST, L1,        "INIT")
NVMX_EVENT(sipi,             3,    POST, L1,        "start-up IPI, where it is waited for")
NVMX_EVENT(mtf,              VMX,  NONE, L1,        "monitor trap flag")
NVMX_EVENT(debug_trap,       4,    HERE, EXCEPTION, "single step or breakpoint on data, I/O")
NVMX_EVENT(preemption_timer, VMX,  NONE, L1,        "VMX-preemption timer")
NVMX_EVENT(nmi_window,       VMX,  NONE, L1,        "NMI window")
NVMX_EVENT(nmi,              5,    HERE, NMI,       "NMI")
NVMX_EVENT(interrupt_window, VMX,  NONE, L1,        "interrupt window")
NVMX_EVENT(interrupt,        6,    HERE, IRQ,       "maskable interrupt")
