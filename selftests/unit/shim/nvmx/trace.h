/* SPDX-License-Identifier: GPL-2.0-only */
/* User-space stand-in for <nvmx/trace.h>. */
#ifndef SHIM_NVMX_TRACE_H
#define SHIM_NVMX_TRACE_H

#define trace_nvmx_nested_entry(...)	do { } while (0)
#define trace_nvmx_nested_exit(...)	do { } while (0)
#define trace_nvmx_reflect(...)		do { } while (0)
#define trace_nvmx_vmcs_switch(...)	do { } while (0)
#define trace_nvmx_ept02_fault(...)	do { } while (0)
#define trace_nvmx_inject(...)		do { } while (0)
#define trace_nvmx_apic_accept(...)	do { } while (0)

/* The last check that failed, for the tests. */
extern const char *model_failed_check;
#define trace_nvmx_failed_check(vcpu, id, name, vmcs12)		\
	((void)(vmcs12), (void)(model_failed_check = (name)))

#endif /* SHIM_NVMX_TRACE_H */
