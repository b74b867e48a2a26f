// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals and KVM_RUN; events that user space injects.
 */
#include <signal.h>
#include <sys/time.h>

#include "api.h"

PAYLOAD(spin_code, "sti\n1: pause; jmp 1b\n");
/* A window: interrupts are off, then on. */
PAYLOAD(window_code,
	"cli; mov $1, %al; mov $0x40, %dx; out %al, %dx\n"
	"sti; nop; nop\n1: pause; jmp 1b\n");
PAYLOAD(handler_code,
	"sti\n1: pause; jmp 1b\n"
	"handler: mov $0x50, %dx; mov $0x33, %al; out %al, %dx; iretq\n");
PAYLOAD_LABEL(handler);
#define HANDLER	(VMM_LOAD_GPA + (handler - handler_code))

static sig_atomic_t caught;

static void on_signal(int number)
{
	(void)number;
	caught++;
}

static void alarm_in(long usec)
{
	struct itimerval t = { .it_value.tv_usec = usec };
	struct sigaction sa = { .sa_handler = on_signal };

	caught = 0;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
}

TEST(signal_interrupts_the_run)
{
	struct vmm_vcpu *v = BOOT(spin_code);

	alarm_in(50000);
	EXPECT_EQ(run(v), -EINTR);
	EXPECT_EQ(v->run->exit_reason, KVM_EXIT_INTR);
	EXPECT_EQ(caught, 1);
	EXPECT_EQ(v->run->if_flag, 1);
	EXPECT_EQ(v->run->ready_for_interrupt_injection, 1);
}

struct signal_mask {
	struct kvm_signal_mask head;
	u32 set[2];
};

TEST(signal_mask_has_the_kernel_s_size)
{
	struct signal_mask m = { .head.len = 4 };
	struct vmm_vcpu *v = idle_vcpu();

	EXPECT_ERR(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &m), EINVAL);
	EXPECT_ERR(ioctl(v->fd, KVM_SET_SIGNAL_MASK, BAD_POINTER), EFAULT);
	m.head.len = 8;
	EXPECT_OK(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &m));
	EXPECT_OK(ioctl(v->fd, KVM_SET_SIGNAL_MASK, NULL));
}

/* Blocked outside, open inside: KVM_RUN returns, and the signal is still pending. */
TEST(signal_mask_holds_during_the_run)
{
	struct signal_mask m = { .head.len = 8, .set = { 0 } };
	struct vmm_vcpu *v = BOOT(spin_code);
	sigset_t block, pending;

	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	sigprocmask(SIG_BLOCK, &block, NULL);
	EXPECT_OK(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &m));
	alarm_in(50000);
	EXPECT_EQ(run(v), -EINTR);
	EXPECT_EQ(caught, 0);
	sigpending(&pending);
	EXPECT(sigismember(&pending, SIGALRM));
}

TEST(immediate_exit_needs_no_signal)
{
	struct vmm_vcpu *v = BOOT(spin_code);

	v->run->immediate_exit = 1;
	EXPECT_EQ(run(v), -EINTR);
	EXPECT_EQ(get_rip(v), VMM_LOAD_GPA);
}

TEST(interrupt_window)
{
	struct vmm_vcpu *v = BOOT(window_code);

	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_EQ(v->run->if_flag, 0);
	EXPECT_EQ(v->run->ready_for_interrupt_injection, 0);
	v->run->request_interrupt_window = 1;
	EXPECT_EQ(run(v), KVM_EXIT_IRQ_WINDOW_OPEN);
	EXPECT_EQ(v->run->if_flag, 1);
	EXPECT_EQ(v->run->ready_for_interrupt_injection, 1);
}

TEST(interrupt_reaches_its_handler)
{
	struct vmm_vcpu *v = BOOT(handler_code);
	struct kvm_interrupt irq = { .irq = 256 };

	set_gate(v->vmm, 0x41, HANDLER);
	EXPECT_ERR(ioctl(v->fd, KVM_INTERRUPT, &irq), EINVAL);
	v->run->request_interrupt_window = 1;
	EXPECT_EQ(run(v), KVM_EXIT_IRQ_WINDOW_OPEN);
	v->run->request_interrupt_window = 0;
	irq.irq = 0x41;
	EXPECT_OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_EQ(v->run->io.port, 0x50);
	EXPECT_EQ(v->run->if_flag, 0);
	alarm_in(50000);
	EXPECT_EQ(run(v), -EINTR);	/* back in the loop */
	EXPECT_EQ(v->run->if_flag, 1);
}

TEST(nmi_reaches_its_handler)
{
	struct vmm_vcpu *v = BOOT(handler_code);
	struct kvm_vcpu_events e;

	set_gate(v->vmm, 2, HANDLER);
	EXPECT_OK(ioctl(v->fd, KVM_NMI, 0));
	EXPECT_EQ(run(v), KVM_EXIT_IO);
	EXPECT_EQ(v->run->io.port, 0x50);
	EXPECT_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e));
	EXPECT_EQ(e.nmi.masked, 1);
	alarm_in(50000);
	EXPECT_EQ(run(v), -EINTR);
	EXPECT_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e));
	EXPECT_EQ(e.nmi.masked, 0);
}
