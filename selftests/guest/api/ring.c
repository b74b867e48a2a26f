// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty rings: KVM_CAP_DIRTY_LOG_RING, KVM_RESET_DIRTY_RINGS, KVM_EXIT_DIRTY_RING_FULL.
 */
#include <sys/mman.h>
#include "api.h"

#define RING_BYTES	4096u
#define ENTRIES		(RING_BYTES / sizeof(struct kvm_dirty_gfn))
#define FIRST_GFN	0x200u

/* Write one byte to each of RCX pages from 2 MiB on, twice, with a port access in between. */
PAYLOAD(writes_pages,
	"mov $2, %esi\n"
	"1: mov $0x200000, %ebx; mov $300, %ecx\n"
	"2: incb (%rbx); add $0x1000, %rbx; dec %ecx; jnz 2b\n"
	"mov $0x80, %dx; out %al, %dx; dec %esi; jnz 1b\n"
	PAYLOAD_DONE);

static struct kvm_dirty_gfn *ring;
static u32 next;

static struct vmm *ring_vm(u32 bytes)
{
	struct vmm *vmm = vmm_create(4 * MB);

	EXPECT_OK(enable_cap(vmm, KVM_CAP_DIRTY_LOG_RING, bytes));
	vmm_set_slot(vmm, 0, KVM_MEM_LOG_DIRTY_PAGES, 0, 4 * MB, vmm->mem);
	return vmm;
}

static struct vmm_vcpu *boot_with_ring(void)
{
	struct vmm *vmm = ring_vm(RING_BYTES);
	struct vmm_vcpu *v = vmm_add_vcpu(vmm);

	vmm_load(vmm, VMM_LOAD_GPA, writes_pages, writes_pages_end - writes_pages);
	vmm_long_mode(v, VMM_LOAD_GPA);
	ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd,
		    KVM_DIRTY_LOG_PAGE_OFFSET * 4096);
	EXPECT(ring != MAP_FAILED);
	next = 0;
	return v;
}

/* Take what is there; mark in @seen. */
static u32 collect(u8 seen[1024])
{
	struct kvm_dirty_gfn *e = &ring[next % ENTRIES];
	u32 n = 0;

	while (__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) == KVM_DIRTY_GFN_F_DIRTY) {
		EXPECT_EQ(e->slot, 0);
		EXPECT(e->offset < 1024);
		seen[e->offset]++;
		__atomic_store_n(&e->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
		e = &ring[++next % ENTRIES];
		n++;
	}
	return n;
}

TEST(dirty_ring_sizes)
{
	struct vmm *vmm = vmm_create(0);

	NEEDS(KVM_CAP_DIRTY_LOG_RING);
	EXPECT_EQ(vmm_check(vmm->dev, KVM_CAP_DIRTY_LOG_RING), 65536 * 16);
	EXPECT_ERR(enable_cap(vmm, KVM_CAP_DIRTY_LOG_RING, 0), EINVAL);
	EXPECT_ERR(enable_cap(vmm, KVM_CAP_DIRTY_LOG_RING, 2048), EINVAL);
	EXPECT_ERR(enable_cap(vmm, KVM_CAP_DIRTY_LOG_RING, 12288), EINVAL);
	EXPECT_ERR(enable_cap(vmm, KVM_CAP_DIRTY_LOG_RING, 2 * 65536 * 16), E2BIG);
	EXPECT_ERR(ioctl(vmm->fd, KVM_RESET_DIRTY_RINGS, 0), EINVAL);
	EXPECT_OK(enable_cap(vmm, KVM_CAP_DIRTY_LOG_RING, 16384));
	EXPECT_ERR(enable_cap(vmm, KVM_CAP_DIRTY_LOG_RING, 16384), EINVAL);
	EXPECT_EQ(ioctl(vmm->fd, KVM_RESET_DIRTY_RINGS, 0), 0);
}

TEST(dirty_ring_comes_before_the_first_vcpu)
{
	NEEDS(KVM_CAP_DIRTY_LOG_RING);
	EXPECT_ERR(enable_cap(idle_vcpu()->vmm, KVM_CAP_DIRTY_LOG_RING, RING_BYTES), EINVAL);
}

TEST(dirty_ring_in_place_of_bitmaps)
{
	static u8 bitmap[128];
	struct kvm_dirty_log log = { .dirty_bitmap = bitmap };

	NEEDS(KVM_CAP_DIRTY_LOG_RING);
	EXPECT_ERR(ioctl(boot_with_ring()->vmm->fd, KVM_GET_DIRTY_LOG, &log), ENXIO);
}

TEST(dirty_ring_mapping)
{
	struct vmm_vcpu *v = boot_with_ring();
	off_t at = KVM_DIRTY_LOG_PAGE_OFFSET * 4096;

	NEEDS(KVM_CAP_DIRTY_LOG_RING);
	EXPECT(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, v->fd, at) == MAP_FAILED);
	EXPECT(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, v->fd, at) == MAP_FAILED);
}

/* 300 pages do not go into 256 entries: the vCPU comes back, and goes nowhere before a reset. */
TEST(dirty_ring_full)
{
	struct vmm_vcpu *v = boot_with_ring();
	u8 seen[1024] = { };
	u32 i, n, exits = 0;

	NEEDS(KVM_CAP_DIRTY_LOG_RING);
	while (run(v) == KVM_EXIT_DIRTY_RING_FULL) {
		EXPECT_EQ(run(v), KVM_EXIT_DIRTY_RING_FULL);
		n = collect(seen);
		EXPECT(n >= 128);
		EXPECT_EQ(ioctl(v->vmm->fd, KVM_RESET_DIRTY_RINGS, 0), n);
		EXPECT(++exits < 20);
	}
	EXPECT_EQ(v->run->exit_reason, KVM_EXIT_IO);
	EXPECT(exits);
	collect(seen);
	for (i = 0; i < 300; i++)
		EXPECT(seen[FIRST_GFN + i]);
	for (i = 300; i < 500; i++)
		EXPECT(!seen[FIRST_GFN + i]);
}

/* A page that was taken back is told again when it is written again, and only then. */
TEST(dirty_ring_tells_again_after_reset)
{
	struct vmm_vcpu *v = boot_with_ring();
	u8 first[1024] = { }, again[1024] = { };
	u32 i;

	NEEDS(KVM_CAP_DIRTY_LOG_RING);
	while (run(v) == KVM_EXIT_DIRTY_RING_FULL) {
		collect(first);
		ioctl(v->vmm->fd, KVM_RESET_DIRTY_RINGS, 0);
	}
	collect(first);
	ioctl(v->vmm->fd, KVM_RESET_DIRTY_RINGS, 0);
	EXPECT_EQ(v->run->exit_reason, KVM_EXIT_IO);
	while (run(v) == KVM_EXIT_DIRTY_RING_FULL) {
		collect(again);
		ioctl(v->vmm->fd, KVM_RESET_DIRTY_RINGS, 0);
	}
	collect(again);
	EXPECT_EQ(v->run->exit_reason, KVM_EXIT_IO);
	for (i = 0; i < 300; i++)
		EXPECT(again[FIRST_GFN + i]);
}

/* What user space writes into the ring is a request, and a wrong one has no effect. */
TEST(dirty_ring_entries_that_lie)
{
	struct vmm_vcpu *v = boot_with_ring();
	u32 i;

	ONLY_NVMX();
	EXPECT_EQ(run(v), KVM_EXIT_DIRTY_RING_FULL);
	for (i = 0; i < ENTRIES; i++)
		ring[i] = (struct kvm_dirty_gfn){ .flags = KVM_DIRTY_GFN_F_RESET,
						  .slot = i * 0x10001, .offset = ~0ull - i };
	EXPECT(ioctl(v->vmm->fd, KVM_RESET_DIRTY_RINGS, 0) <= (int)ENTRIES);
	EXPECT(run(v) != KVM_EXIT_INTERNAL_ERROR);
}
