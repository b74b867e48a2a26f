// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events by hypercall: KVM_HYPERV_EVENTFD gives a connection an eventfd, which the guest signals
 * without an exit to user space.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/eventfd.h>
#include <linux/idr.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/types.h>

#include <nvmx/compat.h>
#include <nvmx/mmu.h>

#include "hv_int.h"

#define FLAG_NUMBER	GENMASK_ULL(47, 32)	/* of the event, within its connection */

static int assign(struct hv_vm *hv, u32 id, int fd)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(fd);
	int ret;

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	mutex_lock(&hv->lock);
	ret = idr_alloc(&hv->events, ctx, id, id + 1, GFP_KERNEL_ACCOUNT);
	mutex_unlock(&hv->lock);
	if (ret >= 0)
		return 0;
	eventfd_ctx_put(ctx);
	return ret == -ENOSPC ? -EEXIST : ret;
}

static int deassign(struct hv_vm *hv, u32 id)
{
	struct eventfd_ctx *ctx;

	mutex_lock(&hv->lock);
	ctx = idr_remove(&hv->events, id);
	mutex_unlock(&hv->lock);
	if (!ctx)
		return -ENOENT;
	eventfd_ctx_put(ctx);
	return 0;
}

int hv_eventfd(struct nvmx_vm *vm, const struct kvm_hyperv_eventfd *args)
{
	if (args->flags & ~KVM_HYPERV_EVENTFD_DEASSIGN || args->conn_id & ~KVM_HYPERV_CONN_ID_MASK)
		return -EINVAL;
	if (args->flags & KVM_HYPERV_EVENTFD_DEASSIGN)
		return deassign(vm->hv, args->conn_id);
	return assign(vm->hv, args->conn_id, args->fd);
}

void hv_vm_destroy(struct nvmx_vm *vm)
{
	struct eventfd_ctx *ctx;
	int id;

	if (!vm->hv)
		return;
	idr_for_each_entry(&vm->hv->events, ctx, id)
		eventfd_ctx_put(ctx);
	idr_destroy(&vm->hv->events);
	kfree(vm->hv);
	vm->hv = NULL;
}

static int read_event(struct nvmx_vcpu *v, struct hv_call *c, u64 *event)
{
	*event = c->in;
	if (c->fast)
		return 0;
	if (c->in & (sizeof(*event) - 1))
		return -EINVAL;
	return mmu_vcpu_read(v, c->in, event, sizeof(*event));
}

static bool signal_connection(struct hv_vm *hv, u32 id)
{
	struct eventfd_ctx *ctx;

	mutex_lock(&hv->lock);
	ctx = idr_find(&hv->events, id);
	if (ctx)
		nvmx_eventfd_signal(ctx);
	mutex_unlock(&hv->lock);
	return ctx;
}

/* The flag number has no use for connections here; it is part of the id's reserved bits. */
u64 hv_signal_event(struct nvmx_vcpu *v, struct hv_call *c)
{
	u64 event;

	if (read_event(v, c, &event))
		return TLFS_INVALID_ALIGNMENT;
	if (event & FLAG_NUMBER)
		return TLFS_INVALID_PORT;
	if (event & ~(u64)KVM_HYPERV_CONN_ID_MASK)
		return TLFS_INVALID_INPUT;
	return signal_connection(v->vm->hv, event) ? TLFS_SUCCESS : TLFS_INVALID_PORT;
}
