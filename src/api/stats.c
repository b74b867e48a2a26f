// SPDX-License-Identifier: GPL-2.0-only
/*
 * The counters of <nvmx/stats.h> for user space: KVM_GET_STATS_FD in the KVM API's binary form.
 *
 * A vCPU's file has its own counters; the VM's has the sums over its vCPUs, their number, and the
 * pages that are mapped.  The file is one image: header, identity, descriptors, values.  All but
 * the values is constant.  Counters are read while their vCPU counts on.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <nvmx/mmu.h>
#include <nvmx/vcpu.h>

#include "face.h"
#include "ioctl.h"

#define NAME_SIZE	48
#define FLAGS(kind)	(KVM_STATS_TYPE_##kind | KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10)

struct row {
	u32 flags;
	const char *name;
};

static const struct row rows[] = {
#define NVMX_VCPU_STAT(name_, kind) { .flags = FLAGS(kind), .name = #name_ },
#include <nvmx/stats.h>
#undef NVMX_VCPU_STAT
	/* Of a VM only: as in struct vm_stat. */
	{ .flags = FLAGS(INSTANT), .name = "vcpus" },
	{ .flags = FLAGS(INSTANT), .name = "pages_4k" },
	{ .flags = FLAGS(INSTANT), .name = "pages_2m" },
	{ .flags = FLAGS(INSTANT), .name = "pages_1g" },
	{ .flags = FLAGS(INSTANT), .name = "ept02_pages_4k" },
	{ .flags = FLAGS(INSTANT), .name = "ept02_pages_2m" },
	{ .flags = FLAGS(INSTANT), .name = "ept02_pages_1g" },
};

struct vm_stat {
	u64 vcpus;
	struct mmu_pages pages;
};

#define NR_VM		ARRAY_SIZE(rows)
#define NR_VCPU		(sizeof(struct nvmx_vcpu_stat) / sizeof(u64))

static_assert(sizeof(struct vm_stat) == (NR_VM - NR_VCPU) * sizeof(u64));

/* struct kvm_stats_desc with its name, the same on every kernel */
struct desc {
	u32 flags;
	s16 exponent;
	u16 size;
	u32 offset;
	u32 bucket_size;
	char name[NAME_SIZE];
};

static_assert(offsetof(struct desc, name) == offsetof(struct kvm_stats_desc, name));

struct image {
	struct kvm_stats_header head;
	char id[NAME_SIZE];
	struct desc desc[NR_VM];
	u64 value[NR_VM];
};

u32 stats_nr_vm(void)
{
	return NR_VM;
}

const char *stats_name(u32 i)
{
	return rows[i].name;
}

static u64 vcpu_value(const struct nvmx_vcpu *v, u32 i)
{
	return READ_ONCE(((const u64 *)&v->stat)[i]);
}

static u64 vm_sum(const struct nvmx_vm *vm, u32 i)
{
	const struct nvmx_vcpu *v;
	u64 sum = 0;
	u32 n;

	vm_for_each_vcpu(vm, v, n)
		sum += vcpu_value(v, i);
	return sum;
}

void stats_vm_read(struct nvmx_vm *vm, u64 *value)
{
	struct vm_stat *own = (struct vm_stat *)&value[NR_VCPU];
	u32 i;

	for (i = 0; i < NR_VCPU; i++)
		value[i] = vm_sum(vm, i);
	own->vcpus = atomic_read(&vm->nr_vcpus);
	mmu_count(vm, &own->pages);
}

static void describe(struct image *img, u32 nr)
{
	u32 i;

	img->head = (struct kvm_stats_header){
		.name_size = NAME_SIZE, .num_desc = nr, .id_offset = offsetof(struct image, id),
		.desc_offset = offsetof(struct image, desc),
		.data_offset = offsetof(struct image, value),
	};
	for (i = 0; i < nr; i++) {
		img->desc[i].flags = rows[i].flags;
		img->desc[i].size = 1;
		img->desc[i].offset = i * sizeof(u64);
		strscpy(img->desc[i].name, rows[i].name, NAME_SIZE);
	}
}

static ssize_t vm_stats_read(struct file *file, char __user *user, size_t size, loff_t *pos)
{
	struct nvmx_vm *vm = file->private_data;
	struct image *img = kzalloc(sizeof(*img), GFP_KERNEL);
	ssize_t ret;

	if (!img)
		return -ENOMEM;
	describe(img, NR_VM);
	snprintf(img->id, NAME_SIZE, "kvm-%d", vm->pid);
	stats_vm_read(vm, img->value);
	ret = simple_read_from_buffer(user, size, pos, img, sizeof(*img));
	kfree(img);
	return ret;
}

static ssize_t vcpu_stats_read(struct file *file, char __user *user, size_t size, loff_t *pos)
{
	const struct nvmx_vcpu *v = file->private_data;
	struct image *img = kzalloc(sizeof(*img), GFP_KERNEL);
	ssize_t ret;
	u32 i;

	if (!img)
		return -ENOMEM;
	describe(img, NR_VCPU);
	snprintf(img->id, NAME_SIZE, "kvm-%d/vcpu-%u", v->vm->pid, v->id);
	for (i = 0; i < NR_VCPU; i++)
		img->value[i] = vcpu_value(v, i);
	ret = simple_read_from_buffer(user, size, pos, img,
				      offsetof(struct image, value[NR_VCPU]));
	kfree(img);
	return ret;
}

static int vm_stats_release(struct inode *inode, struct file *file)
{
	vm_put(file->private_data);
	return 0;
}

static int vcpu_stats_release(struct inode *inode, struct file *file)
{
	struct nvmx_vcpu *v = file->private_data;

	vm_put(v->vm);
	return 0;
}

static const struct file_operations vm_stats_fops = {
	.owner = THIS_MODULE,
	.read = vm_stats_read,
	.release = vm_stats_release,
	.llseek = noop_llseek,
};

static const struct file_operations vcpu_stats_fops = {
	.owner = THIS_MODULE,
	.read = vcpu_stats_read,
	.release = vcpu_stats_release,
	.llseek = noop_llseek,
};

static int open_stats(const char *name, const struct file_operations *fops, void *object,
		      struct nvmx_vm *vm)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);
	struct file *file;

	if (fd < 0)
		return fd;
	file = anon_inode_getfile(name, fops, object, O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	file->f_mode |= FMODE_PREAD;
	vm_get(vm);
	fd_install(fd, file);
	return fd;
}

int vm_get_stats_fd(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return open_stats("kvm-vm-stats", &vm_stats_fops, vm, vm);
}

int vcpu_get_stats_fd(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	char name[sizeof("kvm-vcpu-stats:") + 10];

	snprintf(name, sizeof(name), "kvm-vcpu-stats:%u", v->id);
	return open_stats(name, &vcpu_stats_fops, v, v->vm);
}
