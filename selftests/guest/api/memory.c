// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots and the dirty log.
 */
#include <sys/mman.h>

#include "api.h"

#define SLOT_GPA	0x10000000ull
#define SLOT_PAGES	64

/* Writes one page of the second slot, reads the next, and exits. */
PAYLOAD(touch_code,
	"mov $0x10003000, %ebx; movb $1, (%rbx); mov 0x1000(%rbx), %al\n"
	"mov $0x40, %dx; out %al, %dx\n"
	"movb $1, 0x5000(%rbx); out %al, %dx\n"
	PAYLOAD_DONE);

static int set_slot(struct vmm *vmm, struct kvm_userspace_memory_region r)
{
	return ioctl(vmm->fd, KVM_SET_USER_MEMORY_REGION, &r);
}

static struct kvm_userspace_memory_region slot_at(u64 gpa)
{
	void *p = mmap(NULL, SLOT_PAGES * 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(p != MAP_FAILED);
	return (struct kvm_userspace_memory_region){
		.slot = 1, .guest_phys_addr = gpa, .memory_size = SLOT_PAGES * 4096,
		.userspace_addr = (unsigned long)p,
	};
}

TEST(slots_that_cannot_be)
{
	struct vmm *vmm = bare_vm();
	struct kvm_userspace_memory_region r = slot_at(SLOT_GPA), bad;

	EXPECT_ERR(ioctl(vmm->fd, KVM_SET_USER_MEMORY_REGION, BAD_POINTER), EFAULT);
	bad = r;
	bad.flags = 1 << 7;
	EXPECT_ERR(set_slot(vmm, bad), EINVAL);
	bad = r;
	bad.memory_size += 1;
	EXPECT_ERR(set_slot(vmm, bad), EINVAL);
	bad = r;
	bad.guest_phys_addr += 1;
	EXPECT_ERR(set_slot(vmm, bad), EINVAL);
	bad = r;
	bad.userspace_addr += 1;
	EXPECT_ERR(set_slot(vmm, bad), EINVAL);
	bad = r;
	bad.userspace_addr = 1ull << 63;
	EXPECT_ERR(set_slot(vmm, bad), EINVAL);
	bad = r;
	bad.guest_phys_addr = ~0xfffull;
	EXPECT_ERR(set_slot(vmm, bad), EINVAL);
	bad = r;
	bad.slot = vmm_check(vmm->fd, KVM_CAP_NR_MEMSLOTS);
	EXPECT_ERR(set_slot(vmm, bad), EINVAL);
	bad = r;
	bad.memory_size = 0;
	EXPECT_ERR(set_slot(vmm, bad), EINVAL);
}

TEST(slots_do_not_overlap)
{
	struct vmm *vmm = bare_vm();
	struct kvm_userspace_memory_region r = slot_at(SLOT_GPA);

	EXPECT_OK(set_slot(vmm, r));
	r.slot = 2;
	r.guest_phys_addr += (SLOT_PAGES - 1) * 4096;
	EXPECT_ERR(set_slot(vmm, r), EEXIST);
	r.guest_phys_addr += 4096;
	EXPECT_OK(set_slot(vmm, r));
}

TEST(slots_change_in_some_ways)
{
	struct vmm *vmm = bare_vm();
	struct kvm_userspace_memory_region r = slot_at(SLOT_GPA), bad;

	EXPECT_OK(set_slot(vmm, r));
	EXPECT_OK(set_slot(vmm, r));
	bad = r;
	bad.memory_size /= 2;
	EXPECT_ERR(set_slot(vmm, bad), EINVAL);
	bad = r;
	bad.userspace_addr += 4096;
	EXPECT_ERR(set_slot(vmm, bad), EINVAL);
	bad = r;
	bad.flags = KVM_MEM_READONLY;
	EXPECT_ERR(set_slot(vmm, bad), EINVAL);
	r.flags = KVM_MEM_LOG_DIRTY_PAGES;
	EXPECT_OK(set_slot(vmm, r));
	r.guest_phys_addr = 2 * SLOT_GPA;
	EXPECT_OK(set_slot(vmm, r));
	r.memory_size = 0;
	EXPECT_OK(set_slot(vmm, r));
	EXPECT_ERR(set_slot(vmm, r), EINVAL);
}

TEST(write_to_a_read_only_slot_is_mmio)
{
	struct vmm_vcpu *v = BOOT(touch_code);
	struct kvm_userspace_memory_region r = slot_at(SLOT_GPA);

	NEEDS(KVM_CAP_READONLY_MEM);
	((u8 *)(unsigned long)r.userspace_addr)[0x4000] = 0x5a;
	r.flags = KVM_MEM_READONLY;
	EXPECT_OK(set_slot(v->vmm, r));
	EXPECT_EQ(run(v), KVM_EXIT_MMIO);
	EXPECT_EQ(v->run->mmio.phys_addr, SLOT_GPA + 0x3000);
	EXPECT_EQ(v->run->mmio.is_write, 1);
	EXPECT_EQ(run(v), KVM_EXIT_IO);		/* reads go through */
	EXPECT_EQ(*(u8 *)io_data(v), 0x5a);
}

TEST(deleted_slot_is_mmio)
{
	struct vmm_vcpu *v = BOOT(touch_code);
	struct kvm_userspace_memory_region r = slot_at(SLOT_GPA);

	EXPECT_OK(set_slot(v->vmm, r));
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	r.memory_size = 0;
	EXPECT_OK(set_slot(v->vmm, r));
	EXPECT_EQ(run(v), KVM_EXIT_MMIO);
	EXPECT_EQ(v->run->mmio.phys_addr, SLOT_GPA + 0x8000);
}

static u64 dirty_log(struct vmm *vmm)
{
	struct kvm_dirty_log log = { .slot = 1 };
	u64 bitmap = ~0ull;

	log.dirty_bitmap = &bitmap;
	EXPECT_OK(ioctl(vmm->fd, KVM_GET_DIRTY_LOG, &log));
	return bitmap;
}

TEST(dirty_log_needs_a_slot_that_logs)
{
	struct vmm *vmm = bare_vm();
	u64 bitmap;
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = &bitmap };

	EXPECT_ERR(ioctl(vmm->fd, KVM_GET_DIRTY_LOG, &log), ENOENT);
	EXPECT_OK(set_slot(vmm, slot_at(SLOT_GPA)));
	EXPECT_ERR(ioctl(vmm->fd, KVM_GET_DIRTY_LOG, &log), ENOENT);
	log.slot = 1 << 30;
	EXPECT_ERR(ioctl(vmm->fd, KVM_GET_DIRTY_LOG, &log), EINVAL);
}

TEST(dirty_log_has_what_was_written)
{
	struct vmm_vcpu *v = BOOT(touch_code);
	struct kvm_userspace_memory_region r = slot_at(SLOT_GPA);

	r.flags = KVM_MEM_LOG_DIRTY_PAGES;
	EXPECT_OK(set_slot(v->vmm, r));
	EXPECT_EQ(dirty_log(v->vmm), 0);
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_EQ(dirty_log(v->vmm), BIT_ULL(3));
	EXPECT_EQ(dirty_log(v->vmm), 0);
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_EQ(dirty_log(v->vmm), BIT_ULL(8));
}

static int clear_log(struct vmm *vmm, u64 first, u32 pages, u64 bitmap)
{
	struct kvm_clear_dirty_log c = { .slot = 1, .first_page = first, .num_pages = pages };

	c.dirty_bitmap = &bitmap;
	return ioctl(vmm->fd, KVM_CLEAR_DIRTY_LOG, &c);
}

TEST(manual_dirty_log_is_cleared_by_hand)
{
	struct vmm_vcpu *v = BOOT(touch_code);
	struct kvm_userspace_memory_region r = slot_at(SLOT_GPA);

	NEEDS(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2);
	EXPECT_OK(enable_cap(v->vmm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 1));
	r.flags = KVM_MEM_LOG_DIRTY_PAGES;
	EXPECT_OK(set_slot(v->vmm, r));
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_EQ(dirty_log(v->vmm), BIT_ULL(3));
	EXPECT_EQ(dirty_log(v->vmm), BIT_ULL(3));
	EXPECT_ERR(clear_log(v->vmm, 1, 63, ~0ull), EINVAL);
	EXPECT_ERR(clear_log(v->vmm, 64, 64, ~0ull), EINVAL);
	EXPECT_OK(clear_log(v->vmm, 0, SLOT_PAGES, BIT_ULL(3)));
	EXPECT_EQ(dirty_log(v->vmm), 0);
}
