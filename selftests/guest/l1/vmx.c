// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tiny L1: VMX instructions as values, and one L2 in vmcs_a.
 */
#include "l1.h"

#define REGION __aligned(PAGE)
u8 vmxon_region[PAGE] REGION, vmcs_a[PAGE] REGION, vmcs_b[PAGE] REGION, scratch[PAGE] REGION;
u8 msr_bitmap[PAGE] REGION, io_bitmap_a[PAGE] REGION, io_bitmap_b[PAGE] REGION;
static u8 l2_stack[16384] REGION;
static bool is_on;
bool l2_launched;
typeof(l2_regs) l2_regs;

struct outcome_of vmxon(u64 pa)
{
	struct outcome_of o = TRY("vmxon %[p]", [p] "m" (pa));

	if (o.kind == OK)
		is_on = true;
	return o;
}

struct outcome_of vmxoff(void)
{
	struct outcome_of o = TRY("vmxoff");

	if (o.kind == OK)
		is_on = false;
	return o;
}

struct outcome_of vmclear(u64 pa)
{
	return TRY("vmclear %[p]", [p] "m" (pa));
}

struct outcome_of vmptrld(u64 pa)
{
	return TRY("vmptrld %[p]", [p] "m" (pa));
}

struct outcome_of vmptrst(u64 *pa)
{
	return TRY("vmptrst (%[p])", [p] "r" (pa));
}

struct outcome_of invept(u64 type, u64 eptp, u64 reserved)
{
	u64 d[2] = { eptp, reserved };

	return TRY("invept %[d], %[t]", [d] "m" (d), [t] "r" (type));
}

struct outcome_of invvpid(u64 type, u64 vpid, u64 addr)
{
	u64 d[2] = { vpid, addr };

	return TRY("invvpid %[d], %[t]", [d] "m" (d), [t] "r" (type));
}

static void set_revision(u8 *region)
{
	u32 i;

	for (i = 0; i < PAGE; i++)
		region[i] = 0;
	*(u32 *)region = rdmsr(MSR_VMX_BASIC);
}

void vmx_enable(void)
{
	if (!(rdmsr(0x3a) & 1))
		wrmsr(0x3a, 5);
	WRITE_CR(4, READ_CR(4) | BIT(13));
	WRITE_CR(0, (READ_CR(0) | rdmsr(MSR_VMX_CR0_FIXED0)) & rdmsr(MSR_VMX_CR0_FIXED1));
	set_revision(vmxon_region);
	set_revision(vmcs_a);
	set_revision(vmcs_b);
}

void vmx_on(void)
{
	vmx_enable();
	expect_ok("vmxon", vmxon((u64)vmxon_region));
}

void vmx_off(void)
{
	if (is_on)
		asm volatile("vmxoff" : : : "cc");
	is_on = false;
}

u32 ctl(u32 msr, u32 wanted)
{
	u64 cap = rdmsr(msr);

	return (wanted | (u32)cap) & (cap >> 32);
}

bool ctl_allowed(u32 true_msr, u32 bit)
{
	return rdmsr(true_msr) >> 32 & BIT(bit);
}

struct dtr {
	u16 limit;
	u64 base;
} __packed;

static void setup_segments(void)
{
	static const u32 sels[] = { VMCS_guest_es_selector, VMCS_guest_cs_selector,
		VMCS_guest_ss_selector, VMCS_guest_ds_selector, VMCS_guest_fs_selector,
		VMCS_guest_gs_selector };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(sels); i++) {
		vmwrite(sels[i], i == 1 ? 8 : 0x10);
		vmwrite(VMCS_guest_es_base + 2 * i, 0);
		vmwrite(VMCS_guest_es_limit + 2 * i, 0xffffffff);
		vmwrite(VMCS_guest_es_ar_bytes + 2 * i, i == 1 ? 0xa09b : 0xc093);
		vmwrite(VMCS_host_es_selector + 2 * i, i == 1 ? 8 : 0x10);
	}
	WR(guest_ldtr_ar_bytes, 0x10000);
	WR(guest_tr_selector, 0x30);
	WR(guest_tr_limit, 0x67);
	WR(guest_tr_ar_bytes, 0x8b);
	WR(host_tr_selector, 0x30);
}

static void setup_tables(void)
{
	struct dtr g, i;

	asm volatile("sgdt %0" : "=m" (g));
	asm volatile("sidt %0" : "=m" (i));
	WR(guest_gdtr_base, g.base);
	WR(guest_gdtr_limit, g.limit);
	WR(guest_idtr_base, i.base);
	WR(guest_idtr_limit, i.limit);
	WR(host_gdtr_base, g.base);
	WR(host_idtr_base, i.base);
}

static void setup_state(void (*fn)(void))
{
	WR(guest_cr0, READ_CR(0));
	WR(guest_cr3, READ_CR(3));
	WR(guest_cr4, READ_CR(4));
	WR(host_cr0, READ_CR(0));
	WR(host_cr3, READ_CR(3));
	WR(host_cr4, READ_CR(4));
	WR(guest_dr7, 0x400);
	WR(guest_rflags, 2);
	WR(guest_rip, (u64)fn);
	WR(guest_rsp, (u64)l2_stack + sizeof(l2_stack) - 8);
	WR(vmcs_link_pointer, ~0ull);
	WR(guest_ia32_efer, rdmsr(MSR_EFER));
	WR(host_ia32_efer, rdmsr(MSR_EFER));
	WR(guest_ia32_pat, rdmsr(MSR_PAT));
	WR(host_ia32_pat, rdmsr(MSR_PAT));
	WR(guest_activity_state, 0);
	WR(guest_interruptibility_info, 0);
	WR(guest_pending_dbg_exceptions, 0);
}

static void clear_fields(void)
{
	static const u32 fields[] = {
#define NVMX_FIELD(name, enc, type, offset, flow, shadow, group, when) enc,
#include "../../../include/nvmx/vmcs_fields.h"
#undef NVMX_FIELD
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if ((fields[i] >> 10 & 3) != 1)
			vmwrite(fields[i], 0);
}

void l2_setup(void (*fn)(void))
{
	vmx_on();
	expect_ok("vmclear", vmclear((u64)vmcs_a));
	expect_ok("vmptrld", vmptrld((u64)vmcs_a));
	l2_launched = false;
	clear_fields();
	WR(pin_based_vm_exec_control, ctl(MSR_VMX_PIN, 0));
	WR(cpu_based_vm_exec_control, ctl(MSR_VMX_PROC, 0));
	WR(vm_exit_controls, ctl(MSR_VMX_EXIT, BIT(9) | BIT(20) | BIT(21)));
	WR(vm_entry_controls, ctl(MSR_VMX_ENTRY, BIT(9) | BIT(15)));
	setup_segments();
	setup_tables();
	setup_state(fn);
}

u32 l2_run(void)
{
	u64 flags = l2_enter(!l2_launched);

	if (flags)
		return ENTRY_FAILED + (flags & 1 ? 0 : RD(vm_instruction_error));
	if (!(RD(vm_exit_reason) & BIT(31)))
		l2_launched = true;
	return RD(vm_exit_reason) & 0xffff;
}

void l2_skip(void)
{
	WR(guest_rip, RD(guest_rip) + RD(vm_exit_instruction_len));
}

static u64 pml4[512] REGION, pdpt[512] REGION, pd[4][512] REGION, pt[512] REGION;

u64 ept_build(void)
{
	u32 i;

	pml4[0] = (u64)pdpt | 7;
	for (i = 0; i < 4; i++)
		pdpt[i] = (u64)pd[i] | 7;
	for (i = 0; i < 4 * 512; i++)
		pd[i / 512][i % 512] = (u64)i << 21 | 0xb7;
	return (u64)pml4 | 3 << 3 | 6;
}

u64 *ept_entry(u64 gpa)
{
	return &pd[gpa >> 30][gpa >> 21 & 511];
}

void ept_split(u64 gpa)
{
	u32 i;

	for (i = 0; i < 512; i++)
		pt[i] = (gpa & ~(BIT(21) - 1)) | i * PAGE | 0x37;
	*ept_entry(gpa) = (u64)pt | 7;
}

u64 *ept_entry_4k(u64 gpa)
{
	return &pt[gpa >> 12 & 511];
}

void ept_on(u64 eptp)
{
	WR(cpu_based_vm_exec_control, RD(cpu_based_vm_exec_control) | ACTIVATE_SECONDARY);
	WR(secondary_vm_exec_control, RD(secondary_vm_exec_control) | BIT(1));
	WR(ept_pointer, eptp);
}
