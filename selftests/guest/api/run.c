// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN: exits, and what comes back in the run page.
 */
#include <stdlib.h>

#include "api.h"

PAYLOAD(io_code,
	"mov $0x40, %dx; mov $0x5a, %al; out %al, %dx\n"
	"in %dx, %al; mov $0x44, %dx; out %al, %dx\n"
	"mov $0x12345678, %eax; mov $0x48, %dx; out %eax, %dx\n"
	PAYLOAD_DONE);
PAYLOAD(string_code,
	"cld; mov $8, %ecx; mov $0x42, %dx; lea text(%rip), %rsi; rep outsb\n"
	PAYLOAD_DONE
	"text: .ascii \"nvmx api\"\n");
PAYLOAD(mmio_code,
	"mov $0xd0000000, %ebx\n"
	"movl $0xcafe, (%rbx); mov 8(%rbx), %rax; mov %al, 0x10(%rbx)\n"
	PAYLOAD_DONE);
PAYLOAD(ud_code, "ud2\n");
PAYLOAD(cr8_code,
	"mov %cr8, %rax; mov $0x40, %dx; out %al, %dx\n"
	"mov $9, %eax; mov %rax, %cr8; out %al, %dx\n"
	PAYLOAD_DONE);

#define ROM_SIZE	0x10000

TEST(run_takes_no_argument)
{
	EXPECT_ERR(ioctl(idle_vcpu()->fd, KVM_RUN, 1), EINVAL);
}

TEST(unknown_vcpu_ioctl_is_invalid)
{
	EXPECT_ERR(ioctl(idle_vcpu()->fd, UNKNOWN_IOCTL, 0), EINVAL);
	EXPECT_ERR(ioctl(idle_vcpu()->fd, _IO('x', 1), 0), EINVAL);
}

static void expect_io(struct vmm_vcpu *v, int direction, u16 port, u8 size)
{
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_EQ(v->run->io.direction, direction);
	EXPECT_EQ(v->run->io.port, port);
	EXPECT_EQ(v->run->io.size, size);
	EXPECT_EQ(v->run->io.count, 1);
}

TEST(port_io)
{
	struct vmm_vcpu *v = BOOT(io_code);

	expect_io(v, KVM_EXIT_IO_OUT, 0x40, 1);
	EXPECT_EQ(*(u8 *)io_data(v), 0x5a);
	expect_io(v, KVM_EXIT_IO_IN, 0x40, 1);
	*(u8 *)io_data(v) = 0xa7;
	expect_io(v, KVM_EXIT_IO_OUT, 0x44, 1);
	EXPECT_EQ(*(u8 *)io_data(v), 0xa7);
	expect_io(v, KVM_EXIT_IO_OUT, 0x48, 4);
	EXPECT_EQ(*(u32 *)io_data(v), 0x12345678);
	EXPECT_EQ(vmm_run(v), 0);
}

/* immediate_exit finishes the instruction in flight, and runs no other. */
TEST(immediate_exit_completes_the_instruction)
{
	struct vmm_vcpu *v = BOOT(io_code);
	struct kvm_regs r;

	expect_io(v, KVM_EXIT_IO_OUT, 0x40, 1);
	expect_io(v, KVM_EXIT_IO_IN, 0x40, 1);
	*(u8 *)io_data(v) = 0x77;
	v->run->immediate_exit = 1;
	EXPECT_EQ(run(v), -EINTR);
	EXPECT_OK(ioctl(v->fd, KVM_GET_REGS, &r));
	EXPECT_EQ(r.rax & 0xff, 0x77);
	EXPECT_EQ(v->vmm->mem[r.rip], 0x66);	/* at the next instruction, mov $0x44, %dx */
	EXPECT_EQ(run(v), -EINTR);
	v->run->immediate_exit = 0;
	expect_io(v, KVM_EXIT_IO_OUT, 0x44, 1);
}

TEST(string_io_carries_many)
{
	struct vmm_vcpu *v = BOOT(string_code);
	char got[9] = "";
	u32 n = 0;

	while (n < 8) {
		EXPECT_EQ(run(v), KVM_EXIT_IO);
		EXPECT_EQ(v->run->io.port, 0x42);
		EXPECT_EQ(v->run->io.size, 1);
		EXPECT(v->run->io.count >= 1 && n + v->run->io.count <= 8);
		memcpy(got + n, io_data(v), v->run->io.count);
		n += v->run->io.count;
	}
	EXPECT(!strcmp(got, "nvmx api"));
	EXPECT_EQ(vmm_run(v), 0);
}

static void expect_mmio(struct vmm_vcpu *v, u64 addr, u32 len, bool write)
{
	EXPECT_EQ(run(v), KVM_EXIT_MMIO);
	EXPECT_EQ(v->run->mmio.phys_addr, addr);
	EXPECT_EQ(v->run->mmio.len, len);
	EXPECT_EQ(v->run->mmio.is_write, write);
}

TEST(mmio)
{
	struct vmm_vcpu *v = BOOT(mmio_code);

	expect_mmio(v, 0xd0000000, 4, true);
	EXPECT_EQ(*(u32 *)v->run->mmio.data, 0xcafe);
	expect_mmio(v, 0xd0000008, 8, false);
	memcpy(v->run->mmio.data, "\x42\1\2\3\4\5\6\7", 8);
	expect_mmio(v, 0xd0000010, 1, true);
	EXPECT_EQ(v->run->mmio.data[0], 0x42);
	EXPECT_EQ(vmm_run(v), 0);
}

TEST(halt_is_for_user_space)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_mp_state mp;

	EXPECT_EQ(run(v), KVM_EXIT_HLT);
	EXPECT_EQ(get_rip(v), VMM_LOAD_GPA + 1);
	EXPECT_OK(ioctl(v->fd, KVM_GET_MP_STATE, &mp));
	EXPECT_EQ(mp.mp_state, KVM_MP_STATE_RUNNABLE);
	EXPECT_EQ(run(v), KVM_EXIT_HLT);
}

TEST(triple_fault_is_a_shutdown)
{
	EXPECT_EQ(run(BOOT(ud_code)), KVM_EXIT_SHUTDOWN);
}

TEST(real_mode)
{
	/* mov al, 42; out 40h, al; hlt */
	static const u8 code[] = { 0xb0, 0x2a, 0xe6, 0x40, 0xf4 };
	struct vmm *vmm = vmm_create(4 * MB);
	struct vmm_vcpu *v = vmm_add_vcpu(vmm);

	vmm_load(vmm, 0x20010, code, sizeof(code));
	vmm_real_mode(v, 0x2000, 0x10);
	expect_io(v, KVM_EXIT_IO_OUT, 0x40, 1);
	EXPECT_EQ(*(u8 *)io_data(v), 42);
	EXPECT_EQ(run(v), KVM_EXIT_HLT);
	EXPECT_EQ(get_rip(v), 0x15);
}

/* The state after reset: the first instruction is at 0xfffffff0. */
TEST(reset_vector)
{
	u8 *rom = aligned_alloc(4096, ROM_SIZE);
	struct vmm *vmm = bare_vm();
	struct vmm_vcpu *v;

	EXPECT(rom);
	memset(rom, 0x90, ROM_SIZE);
	memcpy(rom + 0xfff0, "\xe6\x40\xf4", 3);
	vmm_set_slot(vmm, 0, 0, 0xffff0000, ROM_SIZE, rom);
	v = vmm_add_vcpu(vmm);
	expect_io(v, KVM_EXIT_IO_OUT, 0x40, 1);
	EXPECT_EQ(run(v), KVM_EXIT_HLT);
}

TEST(cr8_travels_in_the_run_page)
{
	struct vmm_vcpu *v = BOOT(cr8_code);

	v->run->cr8 = 16;
	EXPECT_EQ(run(v), -EINVAL);
	v->run->cr8 = 5;
	expect_io(v, KVM_EXIT_IO_OUT, 0x40, 1);
	EXPECT_EQ(*(u8 *)io_data(v), 5);
	EXPECT_EQ(v->run->cr8, 5);
	while (v->run->io.port == 0x40 && v->run->cr8 == 5)
		EXPECT(run(v) == KVM_EXIT_IO || v->run->exit_reason == KVM_EXIT_SET_TPR);
	EXPECT_EQ(v->run->cr8, 9);
}
