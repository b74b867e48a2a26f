/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: what an observer outside sees.  Names and order of arguments are ABI for tools/bpf.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nvmx

#if !defined(NVMX_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define NVMX_TRACE_H

#include <linux/tracepoint.h>
#include <asm/tsc.h>

TRACE_EVENT(nvmx_entry,
	TP_PROTO(u32 vcpu, u64 rip, bool l2),
	TP_ARGS(vcpu, rip, l2),
	TP_STRUCT__entry(__field(u32, vcpu) __field(u64, rip) __field(bool, l2)),
	TP_fast_assign(__entry->vcpu = vcpu; __entry->rip = rip; __entry->l2 = l2;),
	TP_printk("vcpu %u rip 0x%llx %s", __entry->vcpu, __entry->rip,
		  __entry->l2 ? "L2" : "L1"));

TRACE_EVENT(nvmx_exit,
	TP_PROTO(u32 vcpu, u32 reason, u64 qual, u64 rip, bool l2),
	TP_ARGS(vcpu, reason, qual, rip, l2),
	TP_STRUCT__entry(__field(u32, vcpu) __field(u32, reason) __field(u64, qual)
			 __field(u64, rip) __field(bool, l2)),
	TP_fast_assign(__entry->vcpu = vcpu; __entry->reason = reason; __entry->qual = qual;
		       __entry->rip = rip; __entry->l2 = l2;),
	TP_printk("vcpu %u reason 0x%x qual 0x%llx rip 0x%llx %s", __entry->vcpu, __entry->reason,
		  __entry->qual, __entry->rip, __entry->l2 ? "L2" : "L1"));

/* tsc: the host's ticks, for latencies from nested exit to nested entry */
TRACE_EVENT(nvmx_nested_entry,
	TP_PROTO(u32 vcpu, u64 vmcs12, u64 rip, bool launch),
	TP_ARGS(vcpu, vmcs12, rip, launch),
	TP_STRUCT__entry(__field(u32, vcpu) __field(u64, vmcs12) __field(u64, rip)
			 __field(bool, launch) __field(u64, tsc)),
	TP_fast_assign(__entry->vcpu = vcpu; __entry->vmcs12 = vmcs12; __entry->rip = rip;
		       __entry->launch = launch; __entry->tsc = rdtsc_ordered();),
	TP_printk("vcpu %u vmcs12 0x%llx rip 0x%llx %s", __entry->vcpu, __entry->vmcs12,
		  __entry->rip, __entry->launch ? "launch" : "resume"));

TRACE_EVENT(nvmx_nested_exit,
	TP_PROTO(u32 vcpu, u32 reason, u64 qual, u32 intr_info, u64 rip),
	TP_ARGS(vcpu, reason, qual, intr_info, rip),
	TP_STRUCT__entry(__field(u32, vcpu) __field(u32, reason) __field(u64, qual)
			 __field(u32, intr_info) __field(u64, rip) __field(u64, tsc)),
	TP_fast_assign(__entry->vcpu = vcpu; __entry->reason = reason; __entry->qual = qual;
		       __entry->intr_info = intr_info; __entry->rip = rip;
		       __entry->tsc = rdtsc_ordered();),
	TP_printk("vcpu %u reason 0x%x qual 0x%llx intr 0x%x rip 0x%llx", __entry->vcpu,
		  __entry->reason, __entry->qual, __entry->intr_info, __entry->rip));

/* owner: 0 = L0 keeps the exit, 1 = it goes to L1 */
TRACE_EVENT(nvmx_reflect,
	TP_PROTO(u32 vcpu, u32 reason, u32 owner),
	TP_ARGS(vcpu, reason, owner),
	TP_STRUCT__entry(__field(u32, vcpu) __field(u32, reason) __field(u32, owner)),
	TP_fast_assign(__entry->vcpu = vcpu; __entry->reason = reason; __entry->owner = owner;),
	TP_printk("vcpu %u reason 0x%x owner L%u", __entry->vcpu, __entry->reason,
		  __entry->owner));

TRACE_EVENT(nvmx_vmcs_switch,
	TP_PROTO(u32 vcpu, u64 from, u64 to),
	TP_ARGS(vcpu, from, to),
	TP_STRUCT__entry(__field(u32, vcpu) __field(u64, from) __field(u64, to)),
	TP_fast_assign(__entry->vcpu = vcpu; __entry->from = from; __entry->to = to;),
	TP_printk("vcpu %u 0x%llx -> 0x%llx", __entry->vcpu, __entry->from, __entry->to));

TRACE_EVENT(nvmx_ept02_fault,
	TP_PROTO(u32 vcpu, u64 ngpa, u64 gpa, u32 access, u32 verdict),
	TP_ARGS(vcpu, ngpa, gpa, access, verdict),
	TP_STRUCT__entry(__field(u32, vcpu) __field(u64, ngpa) __field(u64, gpa)
			 __field(u32, access) __field(u32, verdict)),
	TP_fast_assign(__entry->vcpu = vcpu; __entry->ngpa = ngpa; __entry->gpa = gpa;
		       __entry->access = access; __entry->verdict = verdict;),
	TP_printk("vcpu %u ngpa 0x%llx gpa 0x%llx access 0x%x verdict %u", __entry->vcpu,
		  __entry->ngpa, __entry->gpa, __entry->access, __entry->verdict));

TRACE_EVENT(nvmx_inject,
	TP_PROTO(u32 vcpu, u32 intr_info, u32 error_code, bool l2),
	TP_ARGS(vcpu, intr_info, error_code, l2),
	TP_STRUCT__entry(__field(u32, vcpu) __field(u32, intr_info) __field(u32, error_code)
			 __field(bool, l2)),
	TP_fast_assign(__entry->vcpu = vcpu; __entry->intr_info = intr_info;
		       __entry->error_code = error_code; __entry->l2 = l2;),
	TP_printk("vcpu %u intr 0x%x code 0x%x %s", __entry->vcpu, __entry->intr_info,
		  __entry->error_code, __entry->l2 ? "L2" : "L1"));

/* A vector arrives at a local APIC. new: 0 if it already waited there */
TRACE_EVENT(nvmx_apic_accept,
	TP_PROTO(u32 vcpu, u32 vector, bool level, bool new),
	TP_ARGS(vcpu, vector, level, new),
	TP_STRUCT__entry(__field(u32, vcpu) __field(u32, vector) __field(bool, level)
			 __field(bool, new)),
	TP_fast_assign(__entry->vcpu = vcpu; __entry->vector = vector; __entry->level = level;
		       __entry->new = new;),
	TP_printk("vcpu %u vector %u %s%s", __entry->vcpu, __entry->vector,
		  __entry->level ? "level" : "edge", __entry->new ? "" : " coalesced"));

/* Virtual-interrupt delivery for L1: "on", or why it is off from here */
TRACE_EVENT(nvmx_vid,
	TP_PROTO(u32 vcpu, const char *why),
	TP_ARGS(vcpu, why),
	TP_STRUCT__entry(__field(u32, vcpu) __array(char, why, 16)),
	TP_fast_assign(__entry->vcpu = vcpu; strscpy(__entry->why, why, 16);),
	TP_printk("vcpu %u %s", __entry->vcpu, __entry->why));

/* id: the row of vmx_checks.h; name: its name */
TRACE_EVENT(nvmx_failed_check,
	TP_PROTO(u32 vcpu, u32 id, const char *name, u64 vmcs12),
	TP_ARGS(vcpu, id, name, vmcs12),
	TP_STRUCT__entry(__field(u32, vcpu) __field(u32, id) __array(char, name, 48)
			 __field(u64, vmcs12)),
	TP_fast_assign(__entry->vcpu = vcpu; __entry->id = id;
		       strscpy(__entry->name, name, 48); __entry->vmcs12 = vmcs12;),
	TP_printk("vcpu %u check %u %s vmcs12 0x%llx", __entry->vcpu, __entry->id,
		  __entry->name, __entry->vmcs12));

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH nvmx
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
