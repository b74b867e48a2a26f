// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypercall instruction of the other vendor, and hypercalls among vCPUs.
 */
#include <linux/kvm_para.h>

#include "api.h"

/* VMMCALL with RAX = RSI; at offset 0x100 the handler of #UD. */
PAYLOAD(vmmcall, "mov %rsi, %rax; .byte 0x0f, 0x01, 0xd9; mov %rax, %rbx\n" PAYLOAD_DONE
	".org vmmcall + 0x100\n"
	"mov $0x501, %dx; mov $6, %al; out %al, %dx\n1: hlt; jmp 1b\n");

#define CALL_AT		(VMM_LOAD_GPA + 3)
#define UNKNOWN		9999
#define NO_SUCH_CALL	(-1000ull)

static struct vmm_vcpu *boot_vmmcall(void)
{
	struct vmm_vcpu *v = BOOT(vmmcall);

	set_gate(v->vmm, 6, VMM_LOAD_GPA + 0x100);
	return v;
}

TEST(vmmcall_becomes_vmcall)
{
	struct vmm_vcpu *v = boot_vmmcall();
	u64 rbx;

	EXPECT_EQ(call_guest(v, UNKNOWN, 0, &rbx), 0);
	EXPECT_EQ(rbx, NO_SUCH_CALL);
	EXPECT_EQ(v->vmm->mem[CALL_AT + 2], 0xc1);
}

TEST(vmmcall_is_undefined_with_the_quirk_off)
{
	struct vmm_vcpu *v = boot_vmmcall();
	u64 rbx;

	EXPECT_OK(enable_cap(v->vmm, KVM_CAP_DISABLE_QUIRKS2, KVM_X86_QUIRK_FIX_HYPERCALL_INSN));
	EXPECT_EQ(call_guest(v, UNKNOWN, 0, &rbx), 6);
	EXPECT_EQ(v->vmm->mem[CALL_AT + 2], 0xd9);
}

TEST(yield_to_nobody_succeeds)
{
	struct vmm_vcpu *v = boot_vmmcall();
	u64 rbx;

	EXPECT_EQ(call_guest(v, KVM_HC_SCHED_YIELD, 0, &rbx), 0);
	EXPECT_EQ(rbx, 0);
}
