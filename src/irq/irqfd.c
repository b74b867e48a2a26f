// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts by eventfd: whoever signals the eventfd raises a GSI.
 *
 * An irqfd hooks into the eventfd's wait queue, so its wakeup runs with irqs off and the queue's
 * lock held; nothing that it calls sleeps.  It ends when user space deassigns it, when the eventfd
 * is closed (which its wakeup is told) or when the VM goes.  All three move it to the dying list,
 * and the one who does so under irqfd_lock is the only one; the work item unhooks and frees.
 * Assignment holds irq->lock throughout, as the work item does, so nothing is freed half made.
 *
 * A resampler stands for one GSI whose level-triggered line some irqfds share: it stays up until
 * the guest acknowledges it; then their other eventfds say "look again".
 */
#include <linux/err.h>
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <nvmx/compat.h>
#include <nvmx/vmx.h>

#include "irq_int.h"

#define IRQFD_FLAGS	(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE)

struct resampler {
	u32 gsi;
	struct list_head link;		/* of irq->resamplers [m][s] */
	struct list_head irqfds;	/* [m][s] */
};

struct irqfd {
	struct nvmx_vm *vm;
	u32 gsi;
	bool dying;			/* [h] */
	struct eventfd_ctx *eventfd;
	struct eventfd_ctx *resamplefd;	/* NULL: none */
	struct resampler *resampler;
	struct list_head link;		/* of irq->irqfds or irq->dying [h] */
	struct list_head by_resampler;	/* [m][s] */
	wait_queue_entry_t wait;
	poll_table poll;
};

static void raise_gsi(struct irqfd *f)
{
	if (f->resampler) {
		route_set(f->vm, SOURCE_IRQFD_RESAMPLE, f->gsi, 1);
		return;
	}
	route_set(f->vm, SOURCE_USER, f->gsi, 1);
	route_set(f->vm, SOURCE_USER, f->gsi, 0);
}

static void begin_death(struct irqfd *f)
{
	struct irq_vm *irq = f->vm->irq;

	lockdep_assert_held(&irq->irqfd_lock);
	if (f->dying)
		return;
	f->dying = true;
	list_move_tail(&f->link, &irq->dying);
	schedule_work(&irq->irqfd_cleanup);
}

static int on_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct irqfd *f = container_of(wait, struct irqfd, wait);
	__poll_t events = key_to_poll(key);
	unsigned long flags;
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(f->eventfd, &count);
		raise_gsi(f);
	}
	if (events & EPOLLHUP) {
		spin_lock_irqsave(&f->vm->irq->irqfd_lock, flags);
		begin_death(f);
		spin_unlock_irqrestore(&f->vm->irq->irqfd_lock, flags);
	}
	return !!(events & EPOLLIN);
}

static void hook(struct file *file, wait_queue_head_t *queue, poll_table *poll)
{
	struct irqfd *f = container_of(poll, struct irqfd, poll);

	add_wait_queue_priority(queue, &f->wait);
}

/* ---- resamplers ---- */

void irqfd_acked(struct nvmx_vm *vm, u32 gsi)
{
	struct resampler *r;
	struct irqfd *f;

	if (list_empty(&vm->irq->resamplers))
		return;
	list_for_each_entry_srcu(r, &vm->irq->resamplers, link, srcu_read_lock_held(&vm->srcu)) {
		if (r->gsi != gsi)
			continue;
		route_set(vm, SOURCE_IRQFD_RESAMPLE, gsi, 0);
		list_for_each_entry_srcu(f, &r->irqfds, by_resampler,
					 srcu_read_lock_held(&vm->srcu))
			nvmx_eventfd_signal(f->resamplefd);
	}
}

bool irqfd_listens(struct nvmx_vm *vm, u32 gsi)
{
	struct resampler *r;

	list_for_each_entry_srcu(r, &vm->irq->resamplers, link, srcu_read_lock_held(&vm->srcu))
		if (r->gsi == gsi)
			return true;
	return false;
}

static struct resampler *get_resampler(struct irq_vm *irq, u32 gsi)
{
	struct resampler *r;

	list_for_each_entry(r, &irq->resamplers, link) {
		if (r->gsi == gsi)
			return r;
	}
	r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r)
		return NULL;
	r->gsi = gsi;
	INIT_LIST_HEAD(&r->irqfds);
	list_add_rcu(&r->link, &irq->resamplers);
	return r;
}

static void leave_resampler(struct irqfd *f)
{
	struct resampler *r = f->resampler;
	bool last;

	list_del_rcu(&f->by_resampler);
	last = list_empty(&r->irqfds);
	if (last)
		list_del_rcu(&r->link);
	synchronize_srcu_expedited(&f->vm->srcu);
	if (!last)
		return;
	route_set(f->vm, SOURCE_IRQFD_RESAMPLE, r->gsi, 0);
	kfree(r);
}

/* ---- life ---- */

static void irqfd_free(struct irqfd *f)
{
	if (f->resampler)
		leave_resampler(f);
	if (f->resamplefd)
		eventfd_ctx_put(f->resamplefd);
	if (f->eventfd)
		eventfd_ctx_put(f->eventfd);
	kfree(f);
}

static struct irqfd *first_dying(struct irq_vm *irq)
{
	struct irqfd *f;

	spin_lock_irq(&irq->irqfd_lock);
	f = list_first_entry_or_null(&irq->dying, struct irqfd, link);
	if (f)
		list_del(&f->link);
	spin_unlock_irq(&irq->irqfd_lock);
	return f;
}

static void cleanup(struct work_struct *work)
{
	struct irq_vm *irq = container_of(work, struct irq_vm, irqfd_cleanup);
	struct irqfd *f;
	u64 count;

	mutex_lock(&irq->lock);
	while ((f = first_dying(irq))) {
		eventfd_ctx_remove_wait_queue(f->eventfd, &f->wait, &count);
		irqfd_free(f);
	}
	mutex_unlock(&irq->lock);
}

static int open_resample(struct irqfd *f, int fd)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(fd);

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	f->resamplefd = ctx;
	f->resampler = get_resampler(f->vm->irq, f->gsi);
	if (!f->resampler)
		return -ENOMEM;
	list_add_rcu(&f->by_resampler, &f->resampler->irqfds);
	vmx_post_eoi_exits(f->vm);
	return 0;
}

static int irqfd_open(struct irqfd *f, struct file *file, const struct kvm_irqfd *args)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(file);

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	f->eventfd = ctx;
	return args->flags & KVM_IRQFD_FLAG_RESAMPLE ? open_resample(f, args->resamplefd) : 0;
}

/* An eventfd raises one GSI only. */
static int publish(struct irq_vm *irq, struct irqfd *f)
{
	struct irqfd *other;
	int err = 0;

	spin_lock_irq(&irq->irqfd_lock);
	list_for_each_entry(other, &irq->irqfds, link) {
		if (other->eventfd == f->eventfd)
			err = -EBUSY;
	}
	if (!err)
		list_add_tail(&f->link, &irq->irqfds);
	spin_unlock_irq(&irq->irqfd_lock);
	return err;
}

static int assign(struct nvmx_vm *vm, const struct kvm_irqfd *args, struct file *file)
{
	struct irqfd *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	int err;

	lockdep_assert_held(&vm->irq->lock);
	if (!f)
		return -ENOMEM;
	f->vm = vm;
	f->gsi = args->gsi;
	init_waitqueue_func_entry(&f->wait, on_wakeup);
	init_poll_funcptr(&f->poll, hook);
	err = irqfd_open(f, file, args);
	if (!err)
		err = publish(vm->irq, f);
	if (err) {
		irqfd_free(f);
		return err;
	}
	/* What was signalled before the hook was in place is not lost. */
	if (vfs_poll(file, &f->poll) & EPOLLIN)
		raise_gsi(f);
	return 0;
}

static int deassign(struct nvmx_vm *vm, const struct kvm_irqfd *args)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(args->fd);
	struct irq_vm *irq = vm->irq;
	struct irqfd *f, *next;

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	spin_lock_irq(&irq->irqfd_lock);
	list_for_each_entry_safe(f, next, &irq->irqfds, link) {
		if (f->eventfd == ctx && f->gsi == args->gsi)
			begin_death(f);
	}
	spin_unlock_irq(&irq->irqfd_lock);
	eventfd_ctx_put(ctx);
	/* On return the eventfd raises this GSI no more. */
	flush_work(&irq->irqfd_cleanup);
	return 0;
}

/* A resampler needs a chip here that says when the guest acknowledged. */
static bool allowed(const struct nvmx_vm *vm, u32 flags)
{
	u8 mode = irq_mode(vm);

	return flags & KVM_IRQFD_FLAG_RESAMPLE ? mode == IRQ_KERNEL : mode != IRQ_USER;
}

int irq_irqfd(struct nvmx_vm *vm, const struct kvm_irqfd *args)
{
	struct file *file;
	int err;

	if (args->flags & ~IRQFD_FLAGS)
		return -EINVAL;
	if (args->flags & KVM_IRQFD_FLAG_DEASSIGN)
		return deassign(vm, args);
	if (!allowed(vm, args->flags))
		return -EINVAL;
	file = eventfd_fget(args->fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	mutex_lock(&vm->irq->lock);
	err = assign(vm, args, file);
	mutex_unlock(&vm->irq->lock);
	fput(file);	/* not before the hook is in place: the hook hears of the last one */
	return err;
}

void irqfd_start(struct nvmx_vm *vm)
{
	struct irq_vm *irq = vm->irq;

	spin_lock_init(&irq->irqfd_lock);
	INIT_LIST_HEAD(&irq->irqfds);
	INIT_LIST_HEAD(&irq->dying);
	INIT_LIST_HEAD(&irq->resamplers);
	INIT_WORK(&irq->irqfd_cleanup, cleanup);
}

void irqfd_stop(struct nvmx_vm *vm)
{
	struct irq_vm *irq = vm->irq;
	struct irqfd *f, *next;

	spin_lock_irq(&irq->irqfd_lock);
	list_for_each_entry_safe(f, next, &irq->irqfds, link)
		begin_death(f);
	spin_unlock_irq(&irq->irqfd_lock);
	flush_work(&irq->irqfd_cleanup);
}
