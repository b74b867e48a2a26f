// SPDX-License-Identifier: GPL-2.0-only
/*
 * The counters for a shell: debugfs nvmx/PID-NUMBER/stats and nvmx/PID-NUMBER/vcpuN/NAME.
 *
 * A directory goes before the VM does, and debugfs waits for readers that are in a file.  Nothing
 * depends on it: errors, which it keeps in the dentries, are ignored.
 */
#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <nvmx/vcpu.h>

#include "face.h"

static struct dentry *root;

void debugfs_start(void)
{
	root = debugfs_create_dir("nvmx", NULL);
}

void debugfs_stop(void)
{
	debugfs_remove(root);
}

static int vm_stats_show(struct seq_file *m, void *unused)
{
	u64 *value = kcalloc(stats_nr_vm(), sizeof(*value), GFP_KERNEL);
	u32 i;

	if (!value)
		return -ENOMEM;
	stats_vm_read(m->private, value);
	for (i = 0; i < stats_nr_vm(); i++)
		seq_printf(m, "%-20s %llu\n", stats_name(i), value[i]);
	kfree(value);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vm_stats);

void debugfs_add_vm(struct nvmx_vm *vm)
{
	char name[32];

	snprintf(name, sizeof(name), "%d-%u", vm->pid, vm->debug_id);
	vm->debugfs = debugfs_create_dir(name, root);
	debugfs_create_file("stats", 0444, vm->debugfs, vm, &vm_stats_fops);
}

void debugfs_remove_vm(struct nvmx_vm *vm)
{
	debugfs_remove(vm->debugfs);
}

void debugfs_add_vcpu(struct nvmx_vcpu *v)
{
	u64 *value = (u64 *)&v->stat;
	char name[16];
	u32 i;

	snprintf(name, sizeof(name), "vcpu%u", v->id);
	v->debugfs = debugfs_create_dir(name, v->vm->debugfs);
	for (i = 0; i < sizeof(v->stat) / sizeof(*value); i++)
		debugfs_create_u64(stats_name(i), 0444, v->debugfs, &value[i]);
}
