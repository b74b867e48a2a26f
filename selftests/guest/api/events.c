// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events, MP state, debug registers, guest debugging, translation.
 */
#include "api.h"

#define RFLAGS_RESERVED	2

/* Addresses: 0 nop, 1 nop, 2 nop, 3 int3, 4 hlt */
PAYLOAD(nop_code, "nop; nop; nop; int3; hlt\n");

static int set_events(struct vmm_vcpu *v, struct kvm_vcpu_events *e)
{
	return ioctl(v->fd, KVM_SET_VCPU_EVENTS, e);
}

static void get_events(struct vmm_vcpu *v, struct kvm_vcpu_events *e)
{
	memset(e, 0xff, sizeof(*e));
	EXPECT_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, e));
}

TEST(fresh_vcpu_has_no_events)
{
	struct kvm_vcpu_events e;

	get_events(idle_vcpu(), &e);
	EXPECT_EQ(e.exception.injected, 0);
	EXPECT_EQ(e.exception.pending, 0);
	EXPECT_EQ(e.interrupt.injected, 0);
	EXPECT_EQ(e.interrupt.shadow, 0);
	EXPECT_EQ(e.nmi.pending, 0);
	EXPECT_EQ(e.nmi.masked, 0);
	EXPECT_EQ(e.smi.smm, 0);
	EXPECT(e.flags & KVM_VCPUEVENT_VALID_NMI_PENDING);
	EXPECT(e.flags & KVM_VCPUEVENT_VALID_SHADOW);
	EXPECT(!(e.flags & KVM_VCPUEVENT_VALID_PAYLOAD));
	EXPECT(!(e.flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT));
	EXPECT_EQ(e.reserved[0], 0);
	EXPECT_EQ(e.reserved[sizeof(e.reserved) - 1], 0);
}

TEST(events_that_cannot_be)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_vcpu_events e = { .flags = 0x8000 };

	EXPECT_ERR(set_events(v, &e), EINVAL);
	e = (struct kvm_vcpu_events){ .exception = { .injected = 1, .nr = 32 } };
	EXPECT_ERR(set_events(v, &e), EINVAL);
	e.exception.nr = 2;
	EXPECT_ERR(set_events(v, &e), EINVAL);
	e = (struct kvm_vcpu_events){ .flags = KVM_VCPUEVENT_VALID_PAYLOAD };
	EXPECT_ERR(set_events(v, &e), EINVAL);
	e = (struct kvm_vcpu_events){ .flags = KVM_VCPUEVENT_VALID_TRIPLE_FAULT };
	EXPECT_ERR(set_events(v, &e), EINVAL);
	EXPECT_ERR(ioctl(v->fd, KVM_SET_VCPU_EVENTS, BAD_POINTER), EFAULT);
}

TEST(exception_round_trip)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_vcpu_events e = {
		.exception = { .injected = 1, .nr = 13, .has_error_code = 1, .error_code = 0x18 },
	};

	EXPECT_OK(set_events(v, &e));
	get_events(v, &e);
	EXPECT_EQ(e.exception.injected, 1);
	EXPECT_EQ(e.exception.nr, 13);
	EXPECT_EQ(e.exception.has_error_code, 1);
	EXPECT_EQ(e.exception.error_code, 0x18);
}

TEST(payload_needs_its_capability)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_vcpu_events e = {
		.flags = KVM_VCPUEVENT_VALID_PAYLOAD, .exception = { .pending = 1, .nr = 14,
			.has_error_code = 1, .error_code = 2 },
		.exception_has_payload = 1, .exception_payload = 0x1234000,
	};

	EXPECT_OK(enable_cap(v->vmm, KVM_CAP_EXCEPTION_PAYLOAD, 1));
	EXPECT_OK(set_events(v, &e));
	get_events(v, &e);
	EXPECT(e.flags & KVM_VCPUEVENT_VALID_PAYLOAD);
	EXPECT_EQ(e.exception.pending, 1);
	EXPECT_EQ(e.exception.injected, 0);
	EXPECT_EQ(e.exception_has_payload, 1);
	EXPECT_EQ(e.exception_payload, 0x1234000);
	EXPECT_EQ(run(v), KVM_EXIT_SHUTDOWN);	/* no IDT */
}

TEST(triple_fault_event)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_vcpu_events e = {
		.flags = KVM_VCPUEVENT_VALID_TRIPLE_FAULT, .triple_fault.pending = 1,
	};

	EXPECT_OK(enable_cap(v->vmm, KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1));
	EXPECT_OK(set_events(v, &e));
	get_events(v, &e);
	EXPECT_EQ(e.triple_fault.pending, 1);
	EXPECT_EQ(run(v), KVM_EXIT_SHUTDOWN);
	get_events(v, &e);
	EXPECT_EQ(e.triple_fault.pending, 0);
}

TEST(shadow_and_nmi_round_trip)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_vcpu_events e = {
		.flags = KVM_VCPUEVENT_VALID_SHADOW | KVM_VCPUEVENT_VALID_NMI_PENDING,
		.interrupt.shadow = KVM_X86_SHADOW_INT_STI,
		.nmi = { .pending = 1, .masked = 1 },
	};

	EXPECT_OK(set_events(v, &e));
	get_events(v, &e);
	EXPECT_EQ(e.interrupt.shadow, KVM_X86_SHADOW_INT_STI);
	EXPECT_EQ(e.nmi.pending, 1);
	EXPECT_EQ(e.nmi.masked, 1);
	e.interrupt.shadow = KVM_X86_SHADOW_INT_MOV_SS;
	e.flags = KVM_VCPUEVENT_VALID_SHADOW;
	e.nmi.pending = 0;
	e.nmi.masked = 0;
	EXPECT_OK(set_events(v, &e));
	get_events(v, &e);
	EXPECT_EQ(e.interrupt.shadow, KVM_X86_SHADOW_INT_MOV_SS);
	EXPECT_EQ(e.nmi.pending, 1);		/* its flag was not set */
	EXPECT_EQ(e.nmi.masked, 0);
}

TEST(mp_state_is_runnable_only)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_mp_state mp = { .mp_state = 99 };

	EXPECT_OK(ioctl(v->fd, KVM_GET_MP_STATE, &mp));
	EXPECT_EQ(mp.mp_state, KVM_MP_STATE_RUNNABLE);
	EXPECT_OK(ioctl(v->fd, KVM_SET_MP_STATE, &mp));
	for (mp.mp_state = KVM_MP_STATE_UNINITIALIZED; mp.mp_state <= 12; mp.mp_state++)
		EXPECT_ERR(ioctl(v->fd, KVM_SET_MP_STATE, &mp), EINVAL);
}

TEST(debug_registers_round_trip)
{
	struct kvm_debugregs in = { .db = { 1, 2, 3, 4 }, .dr6 = 0xffff0ff1, .dr7 = 0x402 }, out;
	struct vmm_vcpu *v = idle_vcpu();

	EXPECT_OK(ioctl(v->fd, KVM_SET_DEBUGREGS, &in));
	memset(&out, 0xff, sizeof(out));
	EXPECT_OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &out));
	EXPECT(!memcmp(&in, &out, sizeof(in)));
	in.flags = 1;
	EXPECT_ERR(ioctl(v->fd, KVM_SET_DEBUGREGS, &in), EINVAL);
	in.flags = 0;
	in.dr6 |= BIT_ULL(32);
	EXPECT_ERR(ioctl(v->fd, KVM_SET_DEBUGREGS, &in), EINVAL);
	in.dr6 = 0xffff0ff0;
	in.dr7 |= BIT_ULL(32);
	EXPECT_ERR(ioctl(v->fd, KVM_SET_DEBUGREGS, &in), EINVAL);
}

static int guest_debug(struct vmm_vcpu *v, u32 control, u64 breakpoint)
{
	struct kvm_guest_debug d = { .control = control };

	if (breakpoint) {
		d.arch.debugreg[0] = breakpoint;
		d.arch.debugreg[7] = 0x402;
	}
	return ioctl(v->fd, KVM_SET_GUEST_DEBUG, &d);
}

TEST(single_step)
{
	struct vmm_vcpu *v = BOOT(nop_code);
	struct kvm_regs r;
	int i;

	EXPECT_OK(guest_debug(v, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP, 0));
	for (i = 1; i <= 3; i++) {
		EXPECT_EQ(run(v), KVM_EXIT_DEBUG);
		if (i == 1 && v->run->debug.arch.pc == VMM_LOAD_GPA)
			SKIP("this CPU traps before the first instruction, as Bochs does");
		EXPECT_EQ(v->run->debug.arch.exception, 1);
		EXPECT_EQ(v->run->debug.arch.pc, VMM_LOAD_GPA + i);
		EXPECT(v->run->debug.arch.dr6 & BIT_ULL(14));
	}
	EXPECT_OK(ioctl(v->fd, KVM_GET_REGS, &r));
	EXPECT_EQ(r.rflags, RFLAGS_RESERVED);	/* TF is not the guest's */
	EXPECT_OK(guest_debug(v, 0, 0));
	EXPECT_EQ(run(v), KVM_EXIT_SHUTDOWN);	/* INT3 without an IDT */
}

TEST(hardware_breakpoint)
{
	struct vmm_vcpu *v = BOOT(nop_code);

	EXPECT_OK(guest_debug(v, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP, VMM_LOAD_GPA + 2));
	EXPECT_EQ(run(v), KVM_EXIT_DEBUG);
	EXPECT_EQ(v->run->debug.arch.pc, VMM_LOAD_GPA + 2);
	EXPECT(v->run->debug.arch.dr6 & 1);
}

/* Delivered, the NMI would be the end: there is no IDT. */
TEST(debugger_holds_interrupts)
{
	struct vmm_vcpu *v = BOOT(nop_code);
	struct kvm_vcpu_events e;

	EXPECT_OK(ioctl(v->fd, KVM_NMI, 0));
	EXPECT_OK(guest_debug(v, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP |
			      KVM_GUESTDBG_BLOCKIRQ, VMM_LOAD_GPA + 2));
	EXPECT_EQ(run(v), KVM_EXIT_DEBUG);
	EXPECT_EQ(v->run->debug.arch.pc, VMM_LOAD_GPA + 2);
	EXPECT_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e));
	EXPECT_EQ(e.nmi.pending, 1);
}

TEST(software_breakpoint)
{
	struct vmm_vcpu *v = BOOT(nop_code);

	EXPECT_OK(guest_debug(v, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP, 0));
	EXPECT_EQ(run(v), KVM_EXIT_DEBUG);
	EXPECT_EQ(v->run->debug.arch.exception, 3);
	EXPECT_EQ(v->run->debug.arch.pc, VMM_LOAD_GPA + 3);
}

TEST(one_injected_exception_at_a_time)
{
	struct vmm_vcpu *v = idle_vcpu();

	EXPECT_OK(guest_debug(v, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_DB, 0));
	EXPECT_ERR(guest_debug(v, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_BP, 0), EBUSY);
}

TEST(translate)
{
	struct kvm_translation t = { .linear_address = 0x123456 };
	struct vmm_vcpu *v = idle_vcpu();

	EXPECT_OK(ioctl(v->fd, KVM_TRANSLATE, &t));
	EXPECT_EQ(t.valid, 1);
	EXPECT_EQ(t.physical_address, 0x123456);
	t.linear_address = 0x100000000ull;	/* past the tables */
	EXPECT_OK(ioctl(v->fd, KVM_TRANSLATE, &t));
	EXPECT_EQ(t.valid, 0);
	EXPECT_ERR(ioctl(v->fd, KVM_TRANSLATE, BAD_POINTER), EFAULT);
}
