// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers in and out: REGS, SREGS, SREGS2, and the registers in the run page.
 */
#include "api.h"

#define CR0_PE	BIT_ULL(0)
#define CR0_NW	BIT_ULL(29)
#define CR0_PG	BIT_ULL(31)
#define CR4_PAE	BIT_ULL(5)
#define EFER_LMA BIT_ULL(10)

PAYLOAD(inc_code, "inc %rbx; mov $0x40, %dx; out %al, %dx\n" PAYLOAD_DONE);

TEST(regs_round_trip)
{
	struct kvm_regs in, out;
	struct vmm_vcpu *v = idle_vcpu();
	u32 i;

	for (i = 0; i < sizeof(in) / 8; i++)
		((u64 *)&in)[i] = 0x1111111111111111ull * (i + 1);
	in.rip = 0x123456;
	in.rflags = 0x246;
	EXPECT_OK(ioctl(v->fd, KVM_SET_REGS, &in));
	memset(&out, 0xff, sizeof(out));
	EXPECT_OK(ioctl(v->fd, KVM_GET_REGS, &out));
	EXPECT(!memcmp(&in, &out, sizeof(in)));
	EXPECT_ERR(ioctl(v->fd, KVM_SET_REGS, BAD_POINTER), EFAULT);
	EXPECT_ERR(ioctl(v->fd, KVM_GET_REGS, BAD_POINTER), EFAULT);
}

TEST(rflags_bit_1_is_set)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_regs r = { .rflags = 0 };

	EXPECT_OK(ioctl(v->fd, KVM_SET_REGS, &r));
	EXPECT_OK(ioctl(v->fd, KVM_GET_REGS, &r));
	EXPECT_EQ(r.rflags, 2);
}

TEST(sregs_round_trip)
{
	struct kvm_sregs in, out;
	struct vmm_vcpu *v = idle_vcpu();

	get_sregs(v, &in);
	EXPECT_EQ(in.cr3, VMM_PML4);
	EXPECT_EQ(in.cs.selector, VMM_CODE64);
	EXPECT_EQ(in.cs.l, 1);
	EXPECT_EQ(in.tr.base, VMM_TSS);
	EXPECT_EQ(in.ldt.unusable, 1);
	EXPECT_EQ(in.gdt.base, VMM_GDT);
	EXPECT_EQ(in.apic_base, 0xfee00900);
	in.cr2 = 0xdeadbeef;
	in.cr8 = 3;
	in.fs.base = 0x7fff12345678;
	EXPECT_OK(ioctl(v->fd, KVM_SET_SREGS, &in));
	get_sregs(v, &out);
	EXPECT(!memcmp(&in, &out, sizeof(in)));
}

/* Each change alone is refused, and nothing has changed. */
static void refused(struct vmm_vcpu *v, const struct kvm_sregs *bad)
{
	struct kvm_sregs before, after;

	get_sregs(v, &before);
	EXPECT_ERR(ioctl(v->fd, KVM_SET_SREGS, bad), EINVAL);
	get_sregs(v, &after);
	EXPECT(!memcmp(&before, &after, sizeof(before)));
}

#define REFUSED(v, change) do {						\
	struct kvm_sregs s;						\
	get_sregs(v, &s);						\
	change;								\
	refused(v, &s);							\
} while (0)

TEST(sregs_that_cannot_be)
{
	struct vmm_vcpu *v = idle_vcpu();

	REFUSED(v, s.cr4 |= BIT_ULL(63));
	REFUSED(v, s.cr4 |= BIT_ULL(15));
	REFUSED(v, s.cr4 &= ~CR4_PAE);
	REFUSED(v, s.cr0 |= BIT_ULL(32));
	REFUSED(v, s.cr0 |= CR0_NW);
	REFUSED(v, s.cr0 &= ~CR0_PE);
	REFUSED(v, s.cr0 &= ~CR0_PG);
	REFUSED(v, s.efer &= ~EFER_LMA);
	REFUSED(v, s.cr3 = BIT_ULL(62));
	REFUSED(v, s.apic_base = BIT_ULL(10));
	REFUSED(v, s.apic_base |= BIT_ULL(9));
	REFUSED(v, s.apic_base |= BIT_ULL(60));
}

TEST(apic_can_be_switched_off)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_sregs s;

	get_sregs(v, &s);
	s.apic_base = 0xfee00100;
	EXPECT_OK(ioctl(v->fd, KVM_SET_SREGS, &s));
	get_sregs(v, &s);
	EXPECT_EQ(s.apic_base, 0xfee00100);
}

TEST(sregs_carry_an_interrupt)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_sregs s;

	get_sregs(v, &s);
	s.interrupt_bitmap[1] = BIT_ULL(0x51 - 64);
	EXPECT_OK(ioctl(v->fd, KVM_SET_SREGS, &s));
	get_sregs(v, &s);
	EXPECT_EQ(s.interrupt_bitmap[1], BIT_ULL(0x51 - 64));
}

TEST(sregs2_has_pdptes_with_pae_paging_only)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_sregs2 s, out;

	NEEDS(KVM_CAP_SREGS2);
	EXPECT_OK(ioctl(v->fd, KVM_GET_SREGS2, &s));
	EXPECT_EQ(s.flags, 0);
	s.flags = 1;
	EXPECT_ERR(ioctl(v->fd, KVM_SET_SREGS2, &s), EINVAL);
	s.flags = 2;
	EXPECT_ERR(ioctl(v->fd, KVM_SET_SREGS2, &s), EINVAL);
	s.flags = 0;
	EXPECT_OK(ioctl(v->fd, KVM_SET_SREGS2, &s));

	s.efer = 0;
	s.cs.l = 0;
	s.cs.db = 1;
	s.flags = 1;
	s.pdptrs[0] = 0x2001;
	s.pdptrs[3] = 0x3001;
	EXPECT_OK(ioctl(v->fd, KVM_SET_SREGS2, &s));
	EXPECT_OK(ioctl(v->fd, KVM_GET_SREGS2, &out));
	EXPECT_EQ(out.flags, 1);
	EXPECT(!memcmp(s.pdptrs, out.pdptrs, sizeof(s.pdptrs)));
}

TEST(run_page_registers_are_checked)
{
	struct vmm_vcpu *v = idle_vcpu();

	v->run->kvm_valid_regs = 8;
	EXPECT_EQ(run(v), -EINVAL);
	v->run->kvm_valid_regs = 0;
	v->run->kvm_dirty_regs = BIT_ULL(20);
	EXPECT_EQ(run(v), -EINVAL);
	v->run->kvm_dirty_regs = 0;
	EXPECT_EQ(run(v), KVM_EXIT_HLT);
}

TEST(run_page_registers_go_both_ways)
{
	struct vmm_vcpu *v = BOOT(inc_code);
	struct kvm_sync_regs *s = &v->run->s.regs;
	struct kvm_regs r;

	v->run->kvm_valid_regs = KVM_SYNC_X86_VALID_FIELDS;
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_OK(ioctl(v->fd, KVM_GET_REGS, &r));
	EXPECT(!memcmp(&r, &s->regs, sizeof(r)));
	EXPECT_EQ(s->sregs.cr3, VMM_PML4);

	v->run->immediate_exit = 1;
	EXPECT_EQ(run(v), -EINTR);
	v->run->immediate_exit = 0;
	s->regs.rip = VMM_LOAD_GPA;
	s->regs.rbx = 0x1000;
	v->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_EQ(v->run->kvm_dirty_regs, 0);
	EXPECT_EQ(s->regs.rbx, 0x1001);

	v->run->immediate_exit = 1;
	EXPECT_EQ(run(v), -EINTR);
	v->run->immediate_exit = 0;
	s->sregs.cr4 |= BIT_ULL(63);
	v->run->kvm_dirty_regs = KVM_SYNC_X86_SREGS;
	EXPECT_EQ(run(v), -EINVAL);
}
