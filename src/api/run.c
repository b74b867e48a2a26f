// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN around the loop of src/vmx: the signal mask, and registers that travel in the run page.
 *
 * The run page is shared: each of its fields is read once and used from the copy.
 */
#include <linux/sched/signal.h>
#include <linux/signal.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <nvmx/vmx.h>

#include "face.h"
#include "ioctl.h"

static_assert(sizeof(struct kvm_sync_regs) <= SYNC_REGS_SIZE_BYTES);

/* A null pointer takes the mask away again. */
int vcpu_set_signal_mask(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	struct kvm_signal_mask __user *user = arg.user;
	sigset_t set;
	u32 len;

	if (!user) {
		v->sigset_active = false;
		return 0;
	}
	if (get_user(len, &user->len))
		return -EFAULT;
	if (len != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, user->sigset, sizeof(set)))
		return -EFAULT;
	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	v->sigset = set;
	v->sigset_active = true;
	return 0;
}

/*
 * Signals of the mask interrupt KVM_RUN and nothing else. The thread's own mask is kept where
 * sigtimedwait() keeps it, so that a signal that ends the run is not taken for a blocked one.
 */
static void sigmask_enter(struct nvmx_vcpu *v)
{
	if (v->sigset_active)
		sigprocmask(SIG_SETMASK, &v->sigset, &current->real_blocked);
}

static void sigmask_leave(struct nvmx_vcpu *v)
{
	if (!v->sigset_active)
		return;
	sigprocmask(SIG_SETMASK, &current->real_blocked, NULL);
	sigemptyset(&current->real_blocked);
}

static void done(struct nvmx_vcpu *v, u64 *dirty, u64 field)
{
	*dirty &= ~field;
	WRITE_ONCE(v->run->kvm_dirty_regs, *dirty);
}

/* KVM_CAP_SYNC_REGS, in: what user space changed in the run page. */
static int take_dirty(struct nvmx_vcpu *v, u64 dirty)
{
	const struct kvm_sync_regs *from = &v->run->s.regs;
	union {
		struct kvm_regs regs;
		struct kvm_sregs sregs;
		struct kvm_vcpu_events events;
	} copy;

	if (dirty & KVM_SYNC_X86_REGS) {
		copy.regs = from->regs;
		barrier();	/* the copy is used, not the page */
		regs_set(v, &copy.regs);
		done(v, &dirty, KVM_SYNC_X86_REGS);
	}
	if (dirty & KVM_SYNC_X86_SREGS) {
		copy.sregs = from->sregs;
		barrier();
		if (sregs_set(v, &copy.sregs))
			return -EINVAL;
		done(v, &dirty, KVM_SYNC_X86_SREGS);
	}
	if (dirty & KVM_SYNC_X86_EVENTS) {
		copy.events = from->events;
		barrier();
		if (events_set(v, &copy.events))
			return -EINVAL;
		done(v, &dirty, KVM_SYNC_X86_EVENTS);
	}
	return 0;
}

static int sync_in(struct nvmx_vcpu *v)
{
	u64 valid = READ_ONCE(v->run->kvm_valid_regs);
	u64 dirty = READ_ONCE(v->run->kvm_dirty_regs);

	if ((valid | dirty) & ~(u64)KVM_SYNC_X86_VALID_FIELDS)
		return -EINVAL;
	return dirty ? take_dirty(v, dirty) : 0;
}

/* KVM_CAP_SYNC_REGS, out: at every return, also after an error. */
static void sync_out(struct nvmx_vcpu *v)
{
	u64 valid = READ_ONCE(v->run->kvm_valid_regs);
	struct kvm_sync_regs *to = &v->run->s.regs;

	if (valid & KVM_SYNC_X86_REGS)
		regs_get(v, &to->regs);
	if (valid & KVM_SYNC_X86_SREGS)
		sregs_get(v, &to->sregs);
	if (valid & KVM_SYNC_X86_EVENTS)
		events_get(v, &to->events);
}

int vcpu_run(struct nvmx_vcpu *v, union ioctl_arg arg)
{
	int ret;

	if (arg.value)
		return -EINVAL;
	sigmask_enter(v);
	ret = sync_in(v);
	if (!ret)
		ret = vmx_run(v);
	/* Not with immediate_exit: whoever lets an instruction be finished still wants its exit. */
	if (ret == -ERESTARTNOHAND)
		v->run->exit_reason = KVM_EXIT_INTR;
	sync_out(v);
	sigmask_leave(v);
	/* Changing the mask has counted signals again and found none: a restart needs the flag. */
	if (ret == -ERESTARTNOHAND)
		set_thread_flag(TIF_SIGPENDING);
	return ret;
}
