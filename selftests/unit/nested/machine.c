// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU to begin with, and L1's side of the VMX instructions.
 */
#include <stdlib.h>
#include <string.h>
#include <nvmx/hyperv.h>
#include "model.h"

struct model *m;
const char *model_failed_check;
struct vmx_caps vmx_caps;
bool vmx_nested_posted = true;

/* All that table 2 knows may be 1 and nothing must be, but for the bits that always are. */
static void model_caps(void)
{
	u32 w;

	memset(&vmx_caps, 0, sizeof(vmx_caps));
	for (w = 0; w < NR_CTL_WORDS; w++)
		vmx_caps.allowed1[w] = ~0u;
	vmx_caps.basic = VMXB_INOUT;
	vmx_caps.cr4_fixed1 = 0x3767ff;
	vmx_caps.vpid = true;
	vmx_caps.ept_ad = true;
	vmx_caps.ept_xo = true;
	vmx_caps.shadow_vmcs = true;
	vmx_caps.preemption_timer = true;
}

static void add_cpuid(u32 fn, u32 idx, u32 eax, u32 ebx, u32 edx)
{
	struct kvm_cpuid_entry2 *e = &m->cpuid.e[m->cpuid.nent++];

	e->function = fn;
	e->index = idx;
	e->eax = eax;
	e->ebx = ebx;
	e->edx = edx;
}

static void model_cpuid(void)
{
	add_cpuid(7, 0, 0, BIT(10) | BIT(18), 0);
	add_cpuid(0xd, 1, BIT(3), 0, 0);
	add_cpuid(0x80000001, 0, 0, 0, BIT(27));
	m->cpuid.maxphyaddr = 39;
	m->cpuid.cr4_valid = 0x3767ff;
	m->cpuid.efer_valid = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX;
	m->cpuid.vmx = true;
}

static void model_registers(void)
{
	struct nvmx_vcpu *v = &m->v;
	u32 s;

	v->cr0 = X86_CR0_PE | X86_CR0_NE | X86_CR0_PG;
	v->cr4 = X86_CR4_PAE | X86_CR4_VMXE;
	v->efer = EFER_LME | EFER_LMA;
	v->rflags = X86_EFLAGS_FIXED;
	v->feature_control = FEATC_LOCK | FEATC_VMX;
	for (s = 0; s < NR_SEGS; s++)
		m->seg[s] = (struct nvmx_segment){ .limit = 0xffffffff, .ar = 0xc093 };
	m->seg[SEG_CS].ar = 0xa09b;
}

void model_new(void)
{
	model_caps();
	m = calloc(1, sizeof(*m));
	m->v.vm = &m->vm;
	m->v.cpuid = &m->cpuid;
	m->v.run = &m->run;
	m->pf_page = ~0ull;
	model_cpuid();
	model_registers();
	m->v.vmcs01 = vmcs_alloc(&m->v, VMCS_01);
	m->v.cur = m->v.vmcs01;
	if (nested_module_init() || nested_vcpu_init(&m->v))
		abort();
	nested_cpuid_changed(&m->v);
}

void model_end(void)
{
	m->fail_alloc = 0;
	nested_vcpu_free(&m->v);
	vmcs_free(m->v.vmcs01);
	nested_module_exit();
	free(m);
	m = NULL;
}

/* Register operand RAX, register 2 is RCX. */
#define INFO_REGISTER	(IINFO_IS_REG | (u32)GPR_RCX << 28)

struct vmx_result model_insn(u32 reason)
{
	m->v.exit = (struct exit_info){ .reason = reason, .qual = PA_OPERAND,
					.insn_info = INFO_MEMORY, .insn_len = 4 };
	return nested_handle_insn(&m->v);
}

struct vmx_result model_insn_pa(u32 reason, u64 pa)
{
	memcpy(model_memory(PA_OPERAND), &pa, sizeof(pa));
	return model_insn(reason);
}

static struct vmx_result field_insn(u32 reason, u64 encoding)
{
	m->v.gpr[GPR_RCX] = encoding;
	m->v.exit = (struct exit_info){ .reason = reason, .insn_info = INFO_REGISTER,
					.insn_len = 3 };
	return nested_handle_insn(&m->v);
}

struct vmx_result model_vmread(u64 encoding, u64 *val)
{
	struct vmx_result r;

	m->v.gpr[GPR_RAX] = 0xdeadbeefdeadbeef;
	r = field_insn(EXIT_vmread, encoding);
	*val = m->v.gpr[GPR_RAX];
	return r;
}

struct vmx_result model_vmwrite(u64 encoding, u64 val)
{
	m->v.gpr[GPR_RAX] = val;
	return field_insn(EXIT_vmwrite, encoding);
}

void model_vmxon(void)
{
	*(u32 *)model_memory(PA_VMXON) = VMCS12_REVISION;
	if (model_insn_pa(EXIT_vmxon, PA_VMXON).kind != VMX_DONE)
		abort();
}

void model_load(u32 i)
{
	u32 *revision = model_memory(PA_VMCS(i));

	if (!*revision) {
		*revision = VMCS12_REVISION;
		if (model_insn_pa(EXIT_vmclear, PA_VMCS(i)).kind != VMX_DONE)
			abort();
	}
	if (model_insn_pa(EXIT_vmptrld, PA_VMCS(i)).kind != VMX_DONE)
		abort();
}

/* ---- a vmcs12 that is in order: 64-bit L1, 64-bit L2 with EPT ---- */

static void valid_controls(struct vmcs12 *s)
{
	const struct caps12 *caps = &m->v.nested->caps;

	s->revision = VMCS12_REVISION;
	s->pin_based_vm_exec_control = caps->allowed0[CTLW_PIN] | CTL_MASK(CTL_nmi_exiting);
	s->cpu_based_vm_exec_control = caps->allowed0[CTLW_PROC] |
				       CTL_MASK(CTL_activate_secondary);
	s->secondary_vm_exec_control = CTL_MASK(CTL_ept);
	s->vm_exit_controls = caps->allowed0[CTLW_EXIT] |
			      CTL_MASK(CTL_host_address_space_size);
	s->vm_entry_controls = caps->allowed0[CTLW_ENTRY] | CTL_MASK(CTL_ia32e_mode_guest);
	s->ept_pointer = 0x20000 | EPTP_LEVELS(4) | EPTP_WB;
	s->vmcs_link_pointer = ~0ull;
}

static void valid_host(struct vmcs12 *s)
{
	s->host_cr0 = X86_CR0_PE | X86_CR0_NE | X86_CR0_PG;
	s->host_cr4 = X86_CR4_PAE | X86_CR4_VMXE;
	s->host_cs_selector = 0x10;
	s->host_tr_selector = 0x40;
	s->host_rip = 0xffffffff81000000;
	s->host_ia32_pat = 0x0007040600070406;
}

static void valid_guest(struct vmcs12 *s)
{
	s->guest_cr0 = X86_CR0_PE | X86_CR0_NE | X86_CR0_PG;
	s->guest_cr4 = X86_CR4_PAE | X86_CR4_VMXE;
	s->guest_rflags = X86_EFLAGS_FIXED;
	s->guest_cs_ar_bytes = 0xa09b;
	s->guest_cs_limit = 0xffffffff;
	s->guest_ss_ar_bytes = 0xc093;
	s->guest_ss_limit = 0xffffffff;
	s->guest_ds_ar_bytes = SEGAR_UNUSABLE;
	s->guest_es_ar_bytes = SEGAR_UNUSABLE;
	s->guest_fs_ar_bytes = SEGAR_UNUSABLE;
	s->guest_gs_ar_bytes = SEGAR_UNUSABLE;
	s->guest_ldtr_ar_bytes = SEGAR_UNUSABLE;
	s->guest_tr_ar_bytes = 0x8b;
	s->guest_tr_limit = 0x67;
	s->guest_ia32_pat = 0x0007040600070406;
}

void model_valid_vmcs12(struct vmcs12 *s)
{
	memset(s, 0, sizeof(*s));
	valid_controls(s);
	valid_host(s);
	valid_guest(s);
}

/* ---- src/vmx ---- */

const struct kvm_cpuid_entry2 *vmx_find_cpuid(const struct nvmx_vcpu *v, u32 fn, u32 idx)
{
	u32 i;

	for (i = 0; i < v->cpuid->nent; i++)
		if (v->cpuid->e[i].function == fn && v->cpuid->e[i].index == idx)
			return &v->cpuid->e[i];
	return NULL;
}

enum nvmx_action vmx_internal_error(struct nvmx_vcpu *v, u32 suberror, u32 ndata, const u64 *data)
{
	m->internal_errors++;
	return NVMX_USER;
}

/* ---- src/hyperv ---- */

bool hv_evmcs_enabled(const struct nvmx_vcpu *v)
{
	return m->evmcs_enabled;
}

bool hv_enlightened_entry(const struct nvmx_vcpu *v, u64 *gpa)
{
	*gpa = m->evmcs_gpa;
	return v->evmcs && m->enlightened;
}

/* ---- src/irq: a local APIC that holds one interrupt; nobody asks it without v->lapic ---- */

bool irq_waits(struct nvmx_vcpu *v)
{
	return m->lapic_irq;
}

int irq_ack(struct nvmx_vcpu *v)
{
	int vector = m->lapic_irq ?: -1;

	if (vector > 0)
		m->in_service = vector;
	m->lapic_irq = 0;
	return vector;
}

int irq_isr_max(struct nvmx_vcpu *v)
{
	return m->in_service ?: -1;
}

void irq_eoi(struct nvmx_vcpu *v)
{
	m->in_service = 0;
}

bool irq_accepts_extint(struct nvmx_vcpu *v)
{
	return true;
}

u8 irq_tpr(struct nvmx_vcpu *v)
{
	return 0;
}

void irq_set_tpr(struct nvmx_vcpu *v, u8 tpr)
{
}
