// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioeventfds and coalesced zones.
 */
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "api.h"

#define MMIO	0xd0000000ull

/* Twice a byte to port 0x60, then a long to MMIO. */
PAYLOAD(write_code,
	"mov $0x60, %dx; mov $1, %al; out %al, %dx; mov $2, %al; out %al, %dx\n"
	"mov $0xd0000000, %ebx; movl $7, (%rbx)\n"
	PAYLOAD_DONE);
PAYLOAD(mmio_code, "mov $0xd0000000, %ebx\n1: movl $7, (%rbx); jmp 1b\n");

static int ioeventfd(struct vmm_vcpu *v, struct kvm_ioeventfd e)
{
	return ioctl(v->vmm->fd, KVM_IOEVENTFD, &e);
}

static u64 count(int fd)
{
	u64 n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static int event(void)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	EXPECT_OK(fd);
	return fd;
}

TEST(ioeventfd_that_cannot_be)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_ioeventfd e = { .addr = 0x60, .len = 1, .fd = event(),
				   .flags = KVM_IOEVENTFD_FLAG_PIO }, bad;

	bad = e;
	bad.len = 3;
	EXPECT_ERR(ioeventfd(v, bad), EINVAL);
	bad.len = 16;
	EXPECT_ERR(ioeventfd(v, bad), EINVAL);
	bad = e;
	bad.flags |= 1 << 10;
	EXPECT_ERR(ioeventfd(v, bad), EINVAL);
	bad = e;
	bad.len = 0;
	bad.flags |= KVM_IOEVENTFD_FLAG_DATAMATCH;
	EXPECT_ERR(ioeventfd(v, bad), EINVAL);
	bad = e;
	bad.addr = ~0ull;
	bad.len = 8;
	EXPECT_ERR(ioeventfd(v, bad), EINVAL);
	bad = e;
	bad.fd = -1;
	EXPECT_ERR(ioeventfd(v, bad), EBADF);
	bad.fd = v->vmm->dev;
	EXPECT_ERR(ioeventfd(v, bad), EINVAL);
	bad = e;
	bad.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
	EXPECT_ERR(ioeventfd(v, bad), ENOENT);
}

TEST(ioeventfds_do_not_overlap)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_ioeventfd e = {
		.addr = MMIO, .len = 4, .fd = event(), .datamatch = 1,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
	};

	EXPECT_OK(ioeventfd(v, e));
	EXPECT_ERR(ioeventfd(v, e), EEXIST);
	e.datamatch = 2;
	EXPECT_OK(ioeventfd(v, e));
	e.flags = 0;
	EXPECT_ERR(ioeventfd(v, e), EEXIST);
	e.len = 8;
	EXPECT_OK(ioeventfd(v, e));
	e.len = 4;
	e.flags = KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_DEASSIGN;
	EXPECT_OK(ioeventfd(v, e));
	EXPECT_ERR(ioeventfd(v, e), ENOENT);
	e.fd = event();
	e.datamatch = 1;
	EXPECT_ERR(ioeventfd(v, e), ENOENT);
}

TEST(ioeventfd_takes_the_write_that_matches)
{
	struct vmm_vcpu *v = BOOT(write_code);
	int port = event(), mmio = event();

	EXPECT_OK(ioeventfd(v, (struct kvm_ioeventfd){
		.addr = 0x60, .len = 1, .fd = port, .datamatch = 2,
		.flags = KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DATAMATCH }));
	EXPECT_OK(ioeventfd(v, (struct kvm_ioeventfd){ .addr = MMIO, .fd = mmio }));

	EXPECT_EQ(run(v), KVM_EXIT_IO);		/* 1 does not match */
	EXPECT_EQ(v->run->io.port, 0x60);
	EXPECT_EQ(*(u8 *)io_data(v), 1);
	EXPECT_EQ(vmm_run(v), 0);
	EXPECT_EQ(count(port), 1);
	EXPECT_EQ(count(mmio), 1);
}

static int zone(struct vmm *vmm, unsigned long cmd, u64 addr, u32 size, u32 pio)
{
	struct kvm_coalesced_mmio_zone z = { .addr = addr, .size = size, .pio = pio };

	return ioctl(vmm->fd, cmd, &z);
}

static struct kvm_coalesced_mmio_ring *ring(struct vmm_vcpu *v)
{
	return (void *)((u8 *)v->run + vmm_check(v->vmm->fd, KVM_CAP_COALESCED_MMIO) * 4096);
}

TEST(zones_are_of_two_kinds)
{
	struct vmm *vmm = bare_vm();

	EXPECT_ERR(zone(vmm, KVM_REGISTER_COALESCED_MMIO, MMIO, 16, 2), EINVAL);
	EXPECT_ERR(zone(vmm, KVM_UNREGISTER_COALESCED_MMIO, MMIO, 16, 2), EINVAL);
	EXPECT_OK(zone(vmm, KVM_UNREGISTER_COALESCED_MMIO, MMIO, 16, 0));
	EXPECT_ERR(ioctl(vmm->fd, KVM_REGISTER_COALESCED_MMIO, BAD_POINTER), EFAULT);
}

TEST(zones_collect_writes)
{
	struct vmm_vcpu *v = BOOT(write_code);
	struct kvm_coalesced_mmio_ring *r = ring(v);

	EXPECT_OK(zone(v->vmm, KVM_REGISTER_COALESCED_MMIO, MMIO, 4096, 0));
	EXPECT_OK(zone(v->vmm, KVM_REGISTER_COALESCED_MMIO, 0x60, 1, 1));
	EXPECT_EQ(vmm_run(v), 0);
	EXPECT_EQ(r->first, 0);
	EXPECT_EQ(r->last, 3);
	EXPECT_EQ(r->coalesced_mmio[0].phys_addr, 0x60);
	EXPECT_EQ(r->coalesced_mmio[0].pio, 1);
	EXPECT_EQ(r->coalesced_mmio[0].data[0], 1);
	EXPECT_EQ(r->coalesced_mmio[1].data[0], 2);
	EXPECT_EQ(r->coalesced_mmio[2].phys_addr, MMIO);
	EXPECT_EQ(r->coalesced_mmio[2].len, 4);
	EXPECT_EQ(r->coalesced_mmio[2].pio, 0);
	EXPECT_EQ(r->coalesced_mmio[2].data[0], 7);
}

TEST(full_ring_is_an_exit)
{
	struct vmm_vcpu *v = BOOT(mmio_code);
	struct kvm_coalesced_mmio_ring *r = ring(v);
	u32 end;

	EXPECT_OK(zone(v->vmm, KVM_REGISTER_COALESCED_MMIO, MMIO, 8, 0));
	EXPECT_EQ(run(v), KVM_EXIT_MMIO);
	end = r->last;
	EXPECT(end > 64);
	r->first = end;			/* user space has taken them */
	EXPECT_EQ(run(v), KVM_EXIT_MMIO);
	EXPECT(r->last != end);
	EXPECT_OK(zone(v->vmm, KVM_UNREGISTER_COALESCED_MMIO, MMIO, 4, 0));
	r->first = r->last;
	EXPECT_EQ(run(v), KVM_EXIT_MMIO);
	EXPECT_EQ(r->last, r->first);
}

/* CVE-2019-14821: an index that user space can write. */
TEST(ring_position_is_the_kernels)
{
	struct vmm_vcpu *v = BOOT(mmio_code);
	struct kvm_coalesced_mmio_ring *r = ring(v);

	EXPECT_OK(zone(v->vmm, KVM_REGISTER_COALESCED_MMIO, MMIO, 8, 0));
	r->last = ~0u;
	EXPECT_EQ(run(v), KVM_EXIT_MMIO);
	EXPECT(r->last > 64 && r->last < 4096 / sizeof(r->coalesced_mmio[0]));
}
