// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX instructions, one sentence of the manual each: what is refused first, then what works.
 */
#include "l1.h"

#define UD 6
#define GP 13
#define PF 14
#define UNBACKED 0xff000000ull		/* no memory slot there */

/* SDM "VMXON": #UD without CR4.VMXE */
static void vmxon_needs_vmxe(void)
{
	vmx_enable();
	WRITE_CR(4, READ_CR(4) & ~BIT(13));
	expect_fault("vmxon", vmxon((u64)vmxon_region), UD, 0);
	WRITE_CR(4, READ_CR(4) | BIT(13));
	expect_ok("vmxon", vmxon((u64)vmxon_region));
}

/* SDM "VMXON": #GP where CR0 has an unsupported value (kernel bug 216033) */
static void vmxon_checks_fixed_cr0(void)
{
	u64 cr0;

	vmx_enable();
	cr0 = READ_CR(0);
	WRITE_CR(0, cr0 & ~BIT(5));
	expect_fault("vmxon without CR0.NE", vmxon((u64)vmxon_region), GP, 0);
	WRITE_CR(0, cr0);
	expect_ok("vmxon", vmxon((u64)vmxon_region));
}

static void vmxon_checks_operand(void)
{
	vmx_enable();
	expect_invalid("unaligned", vmxon((u64)vmxon_region + 8));
	expect_invalid("beyond MAXPHYADDR", vmxon(1ull << 52));
	(*(u32 *)vmxon_region)++;
	expect_invalid("revision", vmxon((u64)vmxon_region));
	(*(u32 *)vmxon_region)--;
	expect_ok("vmxon", vmxon((u64)vmxon_region));
}

static void vmxon_twice_fails(void)
{
	vmx_on();
	expect_invalid("no current VMCS", vmxon((u64)vmxon_region));
	expect_ok("vmptrld", vmptrld((u64)vmcs_a));
	expect_vmfail("vmxon in root", vmxon((u64)vmxon_region), 15);
}

static void vmxe_is_held_in_vmx_operation(void)
{
	struct outcome_of o;

	vmx_on();
	o = TRY("mov %[v], %%cr4", [v] "r" (READ_CR(4) & ~BIT(13)));
	expect_fault("clear VMXE", o, GP, 0);
	o = TRY("mov %[v], %%cr0", [v] "r" (READ_CR(0) & ~BIT(5)));
	expect_fault("clear NE", o, GP, 0);
	EXPECT(READ_CR(4) & BIT(13));
	EXPECT(READ_CR(0) & BIT(5));
}

static void insns_need_vmx_operation(void)
{
	u64 v;

	vmx_enable();
	expect_fault("vmclear", vmclear((u64)vmcs_a), UD, 0);
	expect_fault("vmptrld", vmptrld((u64)vmcs_a), UD, 0);
	expect_fault("vmptrst", vmptrst(&v), UD, 0);
	expect_fault("vmxoff", vmxoff(), UD, 0);
	expect_fault("vmlaunch", TRY("vmlaunch"), UD, 0);
	expect_fault("vmresume", TRY("vmresume"), UD, 0);
	expect_fault("vmread", TRY("vmread %[f], %%rbx", [f] "r" (0x4402ull)), UD, 0);
	expect_fault("vmwrite", TRY("vmwrite %[f], %[f]", [f] "r" (0x4402ull)), UD, 0);
	expect_fault("invept", invept(2, 0, 0), UD, 0);
	expect_fault("invvpid", invvpid(3, 0, 0), UD, 0);
}

static void vmclear_checks_pointer(void)
{
	vmx_on();
	expect_ok("vmptrld", vmptrld((u64)vmcs_a));
	expect_vmfail("unaligned", vmclear((u64)vmcs_b + 1), 2);
	expect_vmfail("beyond MAXPHYADDR", vmclear(1ull << 52), 2);
	expect_vmfail("VMXON region", vmclear((u64)vmxon_region), 3);
	expect_ok("other", vmclear((u64)vmcs_b));
	expect_ok("current", vmclear((u64)vmcs_a));
	expect_invalid("no current any more", TRY("vmlaunch"));
}

static void vmptrld_checks_pointer(void)
{
	vmx_on();
	expect_ok("vmptrld", vmptrld((u64)vmcs_a));
	expect_vmfail("unaligned", vmptrld((u64)vmcs_b + 1), 9);
	expect_vmfail("beyond MAXPHYADDR", vmptrld(1ull << 52), 9);
	expect_vmfail("VMXON region", vmptrld((u64)vmxon_region), 10);
	(*(u32 *)vmcs_b)++;
	expect_vmfail("revision", vmptrld((u64)vmcs_b), 11);
	(*(u32 *)vmcs_b)--;
	expect_ok("vmptrld", vmptrld((u64)vmcs_b));
}

static void vmptrst_stores_current(void)
{
	u64 v = 0;

	vmx_on();
	expect_ok("none", vmptrst(&v));
	EXPECT_EQ(v, ~0ull);
	expect_ok("vmptrld", vmptrld((u64)vmcs_a));
	expect_ok("vmptrst", vmptrst(&v));
	EXPECT_EQ(v, (u64)vmcs_a);
	expect_fault("non-canonical", vmptrst((u64 *)(1ull << 63)), GP, 0);
}

static void operand_faults_are_page_faults(void)
{
	struct outcome_of o;

	vmx_on();
	o = TRY("vmptrld (%[p])", [p] "r" (1ull << 46));
	expect_fault("not mapped", o, PF, 0);
	EXPECT_EQ(o.cr2, 1ull << 46);
	o = TRY("vmptrst (%[p])", [p] "r" (1ull << 46));
	expect_fault("not mapped, store", o, PF, 2);
}

static void fields_are_checked(void)
{
	vmx_on();
	expect_invalid("vmread, no VMCS", TRY("vmread %[f], %%rbx", [f] "r" (0x4402ull)));
	expect_invalid("vmwrite, no VMCS", TRY("vmwrite %[f], %[f]", [f] "r" (0x681eull)));
	expect_ok("vmptrld", vmptrld((u64)vmcs_a));
	expect_vmfail("vmread", TRY("vmread %[f], %%rbx", [f] "r" (0x6fffull)), 12);
	expect_vmfail("vmwrite", TRY("vmwrite %[f], %[f]", [f] "r" (0x6fffull)), 12);
	expect_vmfail("upper half", TRY("vmread %[f], %%rbx", [f] "r" (1ull << 32 | 0x681e)), 12);
	if (!(rdmsr(MSR_VMX_MISC) & BIT(29)))
		expect_vmfail("read-only", TRY("vmwrite %[f], %[f]", [f] "r" (0x4402ull)), 13);
}

/* Every field of table 1 holds what its width can hold. */
static void fields_round_trip(void)
{
	static const struct { u32 enc; const char *name; } rows[] = {
#define NVMX_FIELD(name, enc, type, offset, flow, shadow, group, when) { enc, #name },
#include "../../../include/nvmx/vmcs_fields.h"
#undef NVMX_FIELD
	};
	static const u64 mask[] = { 0xffff, ~0ull, 0xffffffff, ~0ull };
	u32 i;

	vmx_on();
	expect_ok("vmptrld", vmptrld((u64)vmcs_a));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u32 enc = rows[i].enc;
		u64 v = 0x0123456789abcdefull * (i + 1);

		if ((enc >> 10 & 3) == 1)
			continue;
		expect_ok(rows[i].name,
			  TRY("vmwrite %[v], %[f]", [v] "r" (v), [f] "r" ((u64)enc)));
		v &= mask[enc >> 13 & 3];
		/* Reserved access rights may or may not be kept. */
		if (enc >= VMCS_guest_es_ar_bytes && enc <= VMCS_guest_tr_ar_bytes) {
			if ((vmread(enc) ^ v) & 0x1f0ff)
				fail(rows[i].name, vmread(enc), v);
			continue;
		}
		if (vmread(enc) != v)
			fail(rows[i].name, vmread(enc), v);
		if ((enc >> 13 & 3) == 1 && vmread(enc + 1) != v >> 32)
			fail(rows[i].name, vmread(enc + 1), v >> 32);
	}
}

static void vmread_to_memory_writes_eight_bytes(void)
{
	u64 m[2] = { ~0ull, ~0ull };

	vmx_on();
	expect_ok("vmptrld", vmptrld((u64)vmcs_a));
	WR(guest_es_selector, 0x1234);
	expect_ok("vmread", TRY("vmread %[f], (%[m])", [f] "r" ((u64)VMCS_guest_es_selector),
				[m] "r" (m)));
	EXPECT_EQ(m[0], 0x1234);
	EXPECT_EQ(m[1], ~0ull);
	m[0] = 0x5678;
	expect_ok("vmwrite", TRY("vmwrite (%[m]), %[f]", [f] "r" ((u64)VMCS_guest_es_selector),
				 [m] "r" (m)));
	EXPECT_EQ(RD(guest_es_selector), 0x5678);
}

static void vmcs_data_survives_vmclear(void)
{
	vmx_on();
	expect_ok("a", vmptrld((u64)vmcs_a));
	WR(guest_rip, 0x1111);
	expect_ok("b", vmptrld((u64)vmcs_b));
	WR(guest_rip, 0x2222);
	expect_ok("a", vmptrld((u64)vmcs_a));
	EXPECT_EQ(RD(guest_rip), 0x1111);
	expect_ok("clear", vmclear((u64)vmcs_a));
	expect_ok("a", vmptrld((u64)vmcs_a));
	EXPECT_EQ(RD(guest_rip), 0x1111);
	expect_ok("b", vmptrld((u64)vmcs_b));
	EXPECT_EQ(RD(guest_rip), 0x2222);
}

static void invept_checks_operands(void)
{
	u64 eptp = ept_build();

	vmx_on();
	expect_ok("vmptrld", vmptrld((u64)vmcs_a));
	expect_vmfail("type 0", invept(0, eptp, 0), 28);
	expect_vmfail("type 3", invept(3, eptp, 0), 28);
	expect_vmfail("bad eptp", invept(1, 0, 0), 28);
	expect_ok("single", invept(1, eptp, 0));
	expect_ok("all", invept(2, 0, 0));
}

static void invvpid_checks_operands(void)
{
	vmx_on();
	expect_ok("vmptrld", vmptrld((u64)vmcs_a));
	expect_vmfail("type 4", invvpid(4, 1, 0), 28);
	expect_vmfail("vpid 0", invvpid(1, 0, 0), 28);
	expect_vmfail("reserved", invvpid(1, 0x10001, 0), 28);
	expect_vmfail("non-canonical", invvpid(0, 1, 1ull << 63), 28);
	expect_ok("address", invvpid(0, 1, 0x1000));
	expect_ok("single", invvpid(1, 1, 0));
	expect_ok("all", invvpid(2, 0, 0));
	expect_ok("retaining globals", invvpid(3, 1, 0));
}

static void unbacked_pointers_do_not_hurt(void)
{
	int i;

	vmx_on();
	for (i = 0; i < 50; i++) {
		vmptrld(UNBACKED);
		vmclear(UNBACKED);
	}
	vmx_off();
	for (i = 0; i < 50; i++)
		vmxon(UNBACKED);
	vmx_off();
	vmx_on();
	expect_ok("vmptrld", vmptrld((u64)vmcs_a));
}

const struct test tests[] = {
	T(vmxon_needs_vmxe), T(vmxon_checks_fixed_cr0), T(vmxon_checks_operand),
	T(vmxon_twice_fails), T(vmxe_is_held_in_vmx_operation), T(insns_need_vmx_operation),
	T(vmclear_checks_pointer), T(vmptrld_checks_pointer), T(vmptrst_stores_current),
	T(operand_faults_are_page_faults), T(fields_are_checked), T(fields_round_trip),
	T(vmread_to_memory_writes_eight_bytes), T(vmcs_data_survives_vmclear),
	T(invept_checks_operands), T(invvpid_checks_operands), T(unbacked_pointers_do_not_hurt),
};

const u32 nr_tests = ARRAY_SIZE(tests);
