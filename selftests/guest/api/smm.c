// SPDX-License-Identifier: GPL-2.0-only
/*
 * System-management mode: KVM_SMI, address space 1, the state save map, RSM.
 */
#include <stdlib.h>

#include "api.h"

#define SMBASE		0x30000u		/* after reset */
#define SMRAM_SIZE	0x10000u
#define SMRAM_SLOT	0x10000u		/* slot 0 of address space 1 */
#define MSR_SMBASE	0x9e
#define MSR_SMI_COUNT	0x34
/* In the map of a processor with long mode, from SMBASE. */
#define MAP		0xfe00u
#define MAP_SMBASE	0xff00u
#define MAP_CR4		0xff48u
#define MAP_RIP		0xff78u
#define MAP_RAX		0xfff8u

#define PORT_MAIN	0x61
#define PORT_SMM	0x60

PAYLOAD(main_code,
	"mov $0x1111, %eax; out %al, $0x61\n"
	"cmp $0x1111, %eax; jne 2f\n"
	PAYLOAD_DONE
	"2: mov $0x501, %dx; mov $1, %al; out %al, %dx; hlt\n");
PAYLOAD(rsm_code, "rsm\n");

/* mov $0x5a, %al; out %al, $0x60; rsm */
static const u8 handler[] = { 0xb0, 0x5a, 0xe6, PORT_SMM, 0x0f, 0xaa };
/* rsm */
static const u8 short_handler[] = { 0x0f, 0xaa };

static u8 *add_smram(struct vmm_vcpu *v, u64 gpa, const u8 *code, size_t size)
{
	u8 *ram = aligned_alloc(4096, SMRAM_SIZE);

	if (!ram)
		vmm_bail("no memory");
	memset(ram, 0, SMRAM_SIZE);
	memcpy(ram + 0x8000, code, size);
	vmm_set_slot(v->vmm, SMRAM_SLOT + (gpa >> 16), 0, gpa, SMRAM_SIZE, ram);
	return ram;
}

static void expect_out(struct vmm_vcpu *v, u16 port)
{
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_EQ(v->run->io.port, port);
}

/* An SMI at the first OUT of main_code; the vCPU is in the handler. */
static struct vmm_vcpu *in_handler(u8 **ram)
{
	struct vmm_vcpu *v = BOOT(main_code);

	*ram = add_smram(v, SMBASE, handler, sizeof(handler));
	expect_out(v, PORT_MAIN);
	EXPECT_OK(ioctl(v->fd, KVM_SMI, 0));
	expect_out(v, PORT_SMM);
	return v;
}

static struct kvm_vcpu_events events_of(struct vmm_vcpu *v)
{
	struct kvm_vcpu_events e;

	EXPECT_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e));
	return e;
}

TEST(smi_enters_the_handler_and_rsm_returns)
{
	struct vmm_vcpu *v;
	struct kvm_sregs s;
	u64 count = 0;
	u8 *ram;

	NEEDS(KVM_CAP_X86_SMM);
	v = in_handler(&ram);
	EXPECT(v->run->flags & KVM_RUN_X86_SMM);
	EXPECT_EQ(*(u8 *)io_data(v), 0x5a);
	EXPECT_EQ(events_of(v).smi.smm, 1);
	EXPECT_EQ(events_of(v).nmi.masked, 1);
	get_sregs(v, &s);
	EXPECT_EQ(s.cs.base, SMBASE);
	EXPECT_EQ(s.cs.selector, SMBASE >> 4);
	EXPECT_EQ(s.cr0 & 0x80000001, 0);
	EXPECT_EQ(s.cr4, 0);
	EXPECT_EQ(s.efer, 0);
	EXPECT_EQ(*(u64 *)(ram + MAP_RAX), 0x1111);
	EXPECT_EQ(v->vmm->mem[SMBASE + 0x8000], 0);	/* the other space's */

	EXPECT_EQ(vmm_run(v), 0);
	EXPECT_EQ(v->run->flags & KVM_RUN_X86_SMM, 0);
	EXPECT_EQ(events_of(v).smi.smm, 0);
	EXPECT_EQ(get_msr(v, MSR_SMI_COUNT, &count), 1);
	EXPECT_EQ(count, 1);
	free(ram);
}

/* SDM "SMBASE Relocation": the next SMI finds its handler elsewhere. */
TEST(rsm_relocates_smbase)
{
	struct vmm_vcpu *v;
	u64 base = 0;
	u8 *ram;

	NEEDS(KVM_CAP_X86_SMM);
	v = in_handler(&ram);
	*(u32 *)(ram + MAP_SMBASE) = 0x50000;
	EXPECT_EQ(vmm_run(v), 0);
	EXPECT_EQ(get_msr(v, MSR_SMBASE, &base), 1);
	EXPECT_EQ(base, 0x50000);
	free(ram);
}

/* SDM "Exiting From SMM": a reserved bit of CR4 shuts the processor down. */
TEST(rsm_of_reserved_cr4_bits_shuts_down)
{
	struct vmm_vcpu *v;
	u8 *ram;

	NEEDS(KVM_CAP_X86_SMM);
	v = in_handler(&ram);
	*(u64 *)(ram + MAP_CR4) = ~0ull;
	EXPECT_EQ(run(v), KVM_EXIT_SHUTDOWN);
	free(ram);
}

TEST(rsm_of_noncanonical_rip_shuts_down)
{
	struct vmm_vcpu *v;
	u8 *ram;

	NEEDS(KVM_CAP_X86_SMM);
	v = in_handler(&ram);
	*(u64 *)(ram + MAP_RIP) = 1ull << 62;
	EXPECT_EQ(run(v), KVM_EXIT_SHUTDOWN);
	free(ram);
}

TEST(rsm_of_noise_ends_in_an_exit)
{
	struct vmm_vcpu *v;
	u32 round, i;
	u8 *ram;

	NEEDS(KVM_CAP_X86_SMM);
	for (round = 0; round < 4; round++) {
		v = in_handler(&ram);
		for (i = 0; i < 512; i++)
			ram[MAP + i] = rand();
		EXPECT_EQ(run(v), KVM_EXIT_SHUTDOWN);
		vmm_destroy(v->vmm);
		free(ram);
	}
}

TEST(rsm_outside_smm_is_undefined)
{
	struct vmm_vcpu *v;

	NEEDS(KVM_CAP_X86_SMM);
	v = BOOT(rsm_code);
	EXPECT_EQ(run(v), KVM_EXIT_SHUTDOWN);	/* #UD without an IDT */
}

/* An SMI in SMM waits for RSM. */
TEST(smi_in_smm_is_latched)
{
	struct vmm_vcpu *v;
	u64 count = 0;
	u8 *ram;

	NEEDS(KVM_CAP_X86_SMM);
	v = in_handler(&ram);
	EXPECT_OK(ioctl(v->fd, KVM_SMI, 0));
	EXPECT_EQ(events_of(v).smi.pending, 1);
	expect_out(v, PORT_SMM);
	EXPECT_EQ(get_msr(v, MSR_SMI_COUNT, &count), 1);
	EXPECT_EQ(count, 2);
	EXPECT_EQ(vmm_run(v), 0);
	free(ram);
}

/* User space can take a vCPU out of SMM, and put it in. */
TEST(events_switch_smm)
{
	struct kvm_vcpu_events e;
	struct vmm_vcpu *v;
	u8 *ram;

	NEEDS(KVM_CAP_X86_SMM);
	v = in_handler(&ram);
	e = events_of(v);
	EXPECT(e.flags & KVM_VCPUEVENT_VALID_SMM);
	e.smi.smm = 0;
	EXPECT_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e));
	EXPECT_EQ(events_of(v).smi.smm, 0);
	e.smi.smm = 1;
	e.smi.smm_inside_nmi = 1;
	EXPECT_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e));
	EXPECT_EQ(events_of(v).smi.smm_inside_nmi, 1);
	EXPECT_EQ(vmm_run(v), 0);
	EXPECT_EQ(events_of(v).nmi.masked, 1);
	free(ram);
}

TEST(slots_of_two_spaces_are_apart)
{
	struct kvm_userspace_memory_region r = {
		.slot = SMRAM_SLOT, .guest_phys_addr = 0, .memory_size = 0x1000,
	};
	struct vmm_vcpu *v;
	u64 bitmap = 0;
	struct kvm_dirty_log log = { .slot = SMRAM_SLOT + (SMBASE >> 16), .dirty_bitmap = &bitmap };
	u8 *ram;

	NEEDS(KVM_CAP_X86_SMM);
	v = BOOT(main_code);
	ram = add_smram(v, SMBASE, short_handler, sizeof(short_handler));
	EXPECT_ERR(ioctl(v->vmm->fd, KVM_GET_DIRTY_LOG, &log), ENOENT);
	r.userspace_addr = (u64)ram;
	r.guest_phys_addr = SMBASE + 0x1000;
	EXPECT_ERR(ioctl(v->vmm->fd, KVM_SET_USER_MEMORY_REGION, &r), EEXIST);
	r.slot = 2 << 16;
	r.guest_phys_addr = 0;
	EXPECT_ERR(ioctl(v->vmm->fd, KVM_SET_USER_MEMORY_REGION, &r), EINVAL);
	vmm_set_slot(v->vmm, log.slot, KVM_MEM_LOG_DIRTY_PAGES, SMBASE, SMRAM_SIZE, ram);
	expect_out(v, PORT_MAIN);
	EXPECT_OK(ioctl(v->fd, KVM_SMI, 0));
	EXPECT_EQ(vmm_run(v), 0);
	EXPECT_OK(ioctl(v->vmm->fd, KVM_GET_DIRTY_LOG, &log));
	/* The state save map, and maybe the handler. */
	EXPECT_EQ(bitmap | 1 << 8, 1 << 15 | 1 << 8);
	free(ram);
}
