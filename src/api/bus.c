// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest writes that need not wait for user space: ioeventfds and coalesced zones.
 *
 * Each of the two spaces has a sorted array of ioeventfds and an array of zones.  Readers are
 * vCPUs, under vm->srcu; writers hold the bus mutex, copy the array, publish the copy and free the
 * old one when the last reader is gone.  Coalesced writes go to a ring that all vCPUs and user
 * space share: the ring lock orders its writers, and the position is the kernel's own, since user
 * space can scribble over the page.
 */
#include <linux/eventfd.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/string.h>
#include <nvmx/api.h>
#include <nvmx/compat.h>
#include <nvmx/vcpu.h>

#include "face.h"
#include "ioctl.h"

#define API_SPACES	2
#define MAX_ENTRIES	1000	/* of one array, as in KVM */
#define IOEVENTFD_FLAGS	(KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO | \
			 KVM_IOEVENTFD_FLAG_DEASSIGN)

struct bus_event {
	u64 addr;
	u64 match;
	u32 len;			/* 0: any */
	bool any_value;
	struct eventfd_ctx *ctx;
};

struct bus_zone {
	u64 addr;
	u32 size;
};

struct bus_events {
	u32 nr;
	struct bus_event e[];		/* by address */
};

struct bus_zones {
	u32 nr;
	struct bus_zone z[];
};

struct api_bus {
	struct mutex lock;		/* changes of the arrays */
	struct bus_events __rcu *events[API_SPACES];	/* vm->srcu */
	struct bus_zones __rcu *zones[API_SPACES];	/* vm->srcu */
	spinlock_t ring_lock;
	struct kvm_coalesced_mmio_ring *ring;	/* page shared with user space */
	u32 ring_last;			/* under ring_lock */
};

#define bus_deref(bus, p)	rcu_dereference_protected(p, lockdep_is_held(&(bus)->lock))

static u32 first_at(const struct bus_events *t, u64 addr)
{
	u32 low = 0, high = t->nr;

	while (low < high) {
		u32 mid = (low + high) / 2;

		if (t->e[mid].addr < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool event_matches(const struct bus_event *e, u32 len, const void *data)
{
	u64 val = 0;

	if (!e->len)
		return true;
	if (e->len != len)
		return false;
	if (e->any_value)
		return true;
	memcpy(&val, data, len);	/* at most 8: len is that of the entry */
	return val == e->match;
}

static bool events_write(const struct bus_events *t, u64 addr, u32 len, const void *data)
{
	u32 i;

	if (!t)
		return false;
	for (i = first_at(t, addr); i < t->nr && t->e[i].addr == addr; i++) {
		if (event_matches(&t->e[i], len, data)) {
			nvmx_eventfd_signal(t->e[i].ctx);
			return true;
		}
	}
	return false;
}

static bool zone_has(const struct bus_zone *z, u64 addr, u32 len)
{
	return addr >= z->addr && addr - z->addr <= z->size && len <= z->size - (addr - z->addr);
}

static bool zones_have(const struct bus_zones *t, u64 addr, u32 len)
{
	u32 i;

	for (i = 0; t && i < t->nr; i++) {
		if (zone_has(&t->z[i], addr, len))
			return true;
	}
	return false;
}

/* false: the ring is full, and user space has to take this write itself. */
static bool ring_put(struct api_bus *bus, enum api_space space, u64 addr,
		     const struct kvm_coalesced_mmio *what)
{
	struct kvm_coalesced_mmio_ring *ring = bus->ring;
	u32 next;
	bool room;

	spin_lock(&bus->ring_lock);
	next = (bus->ring_last + 1) % KVM_COALESCED_MMIO_MAX;
	room = next != READ_ONCE(ring->first);
	if (room) {
		ring->coalesced_mmio[bus->ring_last] = *what;
		bus->ring_last = next;
		/* Pairs with the barrier between user space's reads of last and of the entry. */
		smp_store_release(&ring->last, next);
	}
	spin_unlock(&bus->ring_lock);
	return room;
}

static bool zones_write(struct nvmx_vm *vm, enum api_space space, u64 addr,
			const struct kvm_coalesced_mmio *what)
{
	struct api_bus *bus = vm->bus;

	return zones_have(srcu_dereference(bus->zones[space], &vm->srcu), addr, what->len) &&
	       ring_put(bus, space, addr, what);
}

bool api_bus_write(struct nvmx_vcpu *v, enum api_space space, u64 addr, u32 len, const void *data)
{
	struct kvm_coalesced_mmio what = { .phys_addr = addr, .len = len };
	const struct bus_events *events;
	struct nvmx_vm *vm = v->vm;
	bool taken;
	int idx;

	if (len > sizeof(what.data))
		return false;
	what.pio = space == API_PIO;
	memcpy(what.data, data, len);
	idx = srcu_read_lock(&vm->srcu);
	events = srcu_dereference(vm->bus->events[space], &vm->srcu);
	taken = events_write(events, addr, len, data) || zones_write(vm, space, addr, &what);
	srcu_read_unlock(&vm->srcu, idx);
	return taken;
}

/* ---- ioeventfd ---- */

static bool collides(const struct bus_event *a, const struct bus_event *b)
{
	if (a->addr != b->addr)
		return false;
	if (!a->len || !b->len)
		return true;
	return a->len == b->len && (a->any_value || b->any_value || a->match == b->match);
}

/* The new array replaces the old one; the caller holds bus->lock. */
static void publish_events(struct nvmx_vm *vm, enum api_space space, struct bus_events *new)
{
	struct api_bus *bus = vm->bus;
	struct bus_events *old = bus_deref(bus, bus->events[space]);

	rcu_assign_pointer(bus->events[space], new);
	synchronize_srcu_expedited(&vm->srcu);
	kfree(old);
}

static int insert_event(struct nvmx_vm *vm, enum api_space space, const struct bus_event *e)
{
	struct bus_events *old = bus_deref(vm->bus, vm->bus->events[space]), *new;
	u32 nr = old ? old->nr : 0, i, at = old ? first_at(old, e->addr) : 0;

	if (nr == MAX_ENTRIES)
		return -ENOSPC;
	for (i = at; i < nr && old->e[i].addr == e->addr; i++) {
		if (collides(&old->e[i], e))
			return -EEXIST;
	}
	new = kmalloc(struct_size(new, e, nr + 1), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->nr = nr + 1;
	if (nr) {
		memcpy(new->e, old->e, at * sizeof(*e));
		memcpy(new->e + at + 1, old->e + at, (nr - at) * sizeof(*e));
	}
	new->e[at] = *e;
	publish_events(vm, space, new);
	return 0;
}

static bool same_event(const struct bus_event *a, const struct bus_event *b)
{
	return a->addr == b->addr && a->len == b->len && a->ctx == b->ctx &&
	       a->any_value == b->any_value && (a->any_value || a->match == b->match);
}

static int remove_event(struct nvmx_vm *vm, enum api_space space, const struct bus_event *e)
{
	struct bus_events *old = bus_deref(vm->bus, vm->bus->events[space]), *new = NULL;
	struct eventfd_ctx *ctx;
	u32 i = 0;

	while (old && i < old->nr && !same_event(&old->e[i], e))
		i++;
	if (!old || i == old->nr)
		return -ENOENT;
	ctx = old->e[i].ctx;
	if (old->nr > 1) {
		new = kmalloc(struct_size(new, e, old->nr - 1), GFP_KERNEL_ACCOUNT);
		if (!new)
			return -ENOMEM;
		new->nr = old->nr - 1;
		memcpy(new->e, old->e, i * sizeof(*e));
		memcpy(new->e + i, old->e + i + 1, (old->nr - i - 1) * sizeof(*e));
	}
	publish_events(vm, space, new);
	eventfd_ctx_put(ctx);
	return 0;
}

static int check_ioeventfd(const struct kvm_ioeventfd *a)
{
	if (a->flags & ~IOEVENTFD_FLAGS)
		return -EINVAL;
	if (a->len > 8 || (a->len & (a->len - 1)))	/* 0, 1, 2, 4, 8 */
		return -EINVAL;
	if (a->addr + a->len < a->addr)
		return -EINVAL;
	if (!a->len && a->flags & KVM_IOEVENTFD_FLAG_DATAMATCH)
		return -EINVAL;
	return 0;
}

int vm_ioeventfd(struct nvmx_vm *vm, union ioctl_arg arg)
{
	const struct kvm_ioeventfd *a = arg.buf;
	enum api_space space = a->flags & KVM_IOEVENTFD_FLAG_PIO ? API_PIO : API_MMIO;
	bool remove = a->flags & KVM_IOEVENTFD_FLAG_DEASSIGN;
	struct bus_event e = {
		.addr = a->addr, .len = a->len, .match = a->datamatch,
		.any_value = !(a->flags & KVM_IOEVENTFD_FLAG_DATAMATCH),
	};
	int ret = check_ioeventfd(a);

	if (ret)
		return ret;
	e.ctx = eventfd_ctx_fdget(a->fd);
	if (IS_ERR(e.ctx))
		return PTR_ERR(e.ctx);
	mutex_lock(&vm->bus->lock);
	ret = remove ? remove_event(vm, space, &e) : insert_event(vm, space, &e);
	mutex_unlock(&vm->bus->lock);
	if (remove || ret)
		eventfd_ctx_put(e.ctx);
	return ret;
}

/* ---- coalesced zones ---- */

static void publish_zones(struct nvmx_vm *vm, enum api_space space, struct bus_zones *new)
{
	struct api_bus *bus = vm->bus;
	struct bus_zones *old = bus_deref(bus, bus->zones[space]);

	rcu_assign_pointer(bus->zones[space], new);
	synchronize_srcu_expedited(&vm->srcu);
	kfree(old);
}

static int insert_zone(struct nvmx_vm *vm, enum api_space space, const struct bus_zone *z)
{
	struct bus_zones *old = bus_deref(vm->bus, vm->bus->zones[space]), *new;
	u32 nr = old ? old->nr : 0;

	if (nr == MAX_ENTRIES)
		return -ENOSPC;
	new = kmalloc(struct_size(new, z, nr + 1), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	if (nr)
		memcpy(new->z, old->z, nr * sizeof(*z));
	new->z[nr] = *z;
	new->nr = nr + 1;
	publish_zones(vm, space, new);
	return 0;
}

/* All zones that have the given one within them; that there is none is not an error. */
static int remove_zones(struct nvmx_vm *vm, enum api_space space, const struct bus_zone *z)
{
	struct bus_zones *old = bus_deref(vm->bus, vm->bus->zones[space]), *new;
	u32 i;

	if (!zones_have(old, z->addr, z->size))
		return 0;
	new = kmalloc(struct_size(new, z, old->nr), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->nr = 0;
	for (i = 0; i < old->nr; i++) {
		if (!zone_has(&old->z[i], z->addr, z->size))
			new->z[new->nr++] = old->z[i];
	}
	publish_zones(vm, space, new);
	return 0;
}

static int change_zones(struct nvmx_vm *vm, union ioctl_arg arg,
			int (*change)(struct nvmx_vm *vm, enum api_space space,
				      const struct bus_zone *z))
{
	const struct kvm_coalesced_mmio_zone *a = arg.buf;
	struct bus_zone z = { .addr = a->addr, .size = a->size };
	int ret;

	if (a->pio > 1)
		return -EINVAL;
	mutex_lock(&vm->bus->lock);
	ret = change(vm, a->pio ? API_PIO : API_MMIO, &z);
	mutex_unlock(&vm->bus->lock);
	return ret;
}

int vm_register_coalesced(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return change_zones(vm, arg, insert_zone);
}

int vm_unregister_coalesced(struct nvmx_vm *vm, union ioctl_arg arg)
{
	return change_zones(vm, arg, remove_zones);
}

/* ---- life ---- */

int bus_create(struct nvmx_vm *vm)
{
	struct api_bus *bus = kzalloc(sizeof(*bus), GFP_KERNEL_ACCOUNT);

	if (!bus)
		return -ENOMEM;
	bus->ring = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!bus->ring) {
		kfree(bus);
		return -ENOMEM;
	}
	mutex_init(&bus->lock);
	spin_lock_init(&bus->ring_lock);
	vm->bus = bus;
	return 0;
}

/* Nobody reads any more; a mapping may still hold the ring's page. */
void bus_destroy(struct nvmx_vm *vm)
{
	struct api_bus *bus = vm->bus;
	struct bus_events *t;
	u32 space, i;

	for (space = 0; space < API_SPACES; space++) {
		t = rcu_dereference_protected(bus->events[space], 1);
		for (i = 0; t && i < t->nr; i++)
			eventfd_ctx_put(t->e[i].ctx);
		kfree(t);
		kfree(rcu_dereference_protected(bus->zones[space], 1));
	}
	free_page((unsigned long)bus->ring);
	kfree(bus);
	vm->bus = NULL;
}

struct page *bus_ring_page(struct nvmx_vm *vm)
{
	return virt_to_page(vm->bus->ring);
}
