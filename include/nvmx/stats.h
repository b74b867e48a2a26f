/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters, one line each: exported through KVM_GET_STATS_FD and debugfs by src/api/stats.c.
 *
 * NVMX_VCPU_STAT(name, kind): kind CUMULATIVE or INSTANT.  Written by the vCPU's own thread.
 */
/* clang-format off */
NVMX_VCPU_STAT(exits,              CUMULATIVE)
NVMX_VCPU_STAT(entries,            CUMULATIVE)
NVMX_VCPU_STAT(user_exits,         CUMULATIVE)
NVMX_VCPU_STAT(signal_exits,       CUMULATIVE)
NVMX_VCPU_STAT(host_irq_exits,     CUMULATIVE)
NVMX_VCPU_STAT(io_exits,           CUMULATIVE)
NVMX_VCPU_STAT(mmio_exits,         CUMULATIVE)
NVMX_VCPU_STAT(hlt_exits,          CUMULATIVE)
NVMX_VCPU_STAT(pause_exits,        CUMULATIVE)
NVMX_VCPU_STAT(halt_polled,        CUMULATIVE)
NVMX_VCPU_STAT(insn_emulated,      CUMULATIVE)
NVMX_VCPU_STAT(emulation_failed,   CUMULATIVE)
NVMX_VCPU_STAT(irq_injected,       CUMULATIVE)
NVMX_VCPU_STAT(nmi_injected,       CUMULATIVE)
NVMX_VCPU_STAT(exception_injected, CUMULATIVE)
NVMX_VCPU_STAT(ept_faults,         CUMULATIVE)
NVMX_VCPU_STAT(ept02_faults,       CUMULATIVE)
NVMX_VCPU_STAT(ept02_revalidated,  CUMULATIVE)
NVMX_VCPU_STAT(tlb_flush,          CUMULATIVE)
NVMX_VCPU_STAT(nested_run,         CUMULATIVE)
NVMX_VCPU_STAT(nested_exits,       CUMULATIVE)
NVMX_VCPU_STAT(nested_entry_failed, CUMULATIVE)
NVMX_VCPU_STAT(vmx_insn,           CUMULATIVE)
NVMX_VCPU_STAT(guest_mode,         INSTANT)
