// SPDX-License-Identifier: GPL-2.0-only
/*
 * What comes from outside while L2 spins: outside PAYLOAD [NAME...]
 *
 * PAYLOAD is l1/outside.c.  An interrupt of user space is an exit that L1 asked for, whatever L2's
 * IF; a machine check that L2 cannot take shuts L2 down; a VM whose VMX-preemption timer runs is
 * closed, killed, or leaves VMX operation.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vmm.h"

#define PORT_PROGRAM	0x510
#define PORT_RUNS	0x511
#define PORT_VALUE	0x512
#define VECTOR		0x41
#define STAY_NSEC	20000000
#define PATIENCE	20			/* seconds */

enum program { WITH_IF, WITHOUT_IF, ACKNOWLEDGED, TIMER, TIMER_VMXOFF, TRIPLE };
enum act { INTERRUPT, MACHINE_CHECK, CLOSE, KILL, NOTHING };

struct row {
	const char *name;
	enum program program;
	enum act act;
	u32 value;
};

#define TIMERS(v) \
	{ "timer_" #v "_close", TIMER, CLOSE, v }, { "timer_" #v "_kill", TIMER, KILL, v }, \
	{ "timer_" #v "_vmxoff", TIMER_VMXOFF, NOTHING, v }

static const struct row rows[] = {
	{ "interrupt_with_if", WITH_IF, INTERRUPT, 0 },
	{ "interrupt_without_if", WITHOUT_IF, INTERRUPT, 0 },
	{ "interrupt_acknowledged", ACKNOWLEDGED, INTERRUPT, 0 },
	{ "machine_check_without_mce", TRIPLE, MACHINE_CHECK, 0 },
	TIMERS(0), TIMERS(1), TIMERS(0x80000000), TIMERS(0xffffffff),
};

static const char *payload;
static struct vmm_vcpu *running;

static void on_alarm(int number)
{
	(void)number;
	running->run->immediate_exit = 1;
}

static void ring_later(int number)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = number };
	struct itimerspec t = { .it_value.tv_nsec = STAY_NSEC };
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &t, NULL))
		vmm_bail("timer_create");
}

static bool ports(struct vmm_vcpu *v, void *ctx)
{
	const struct row *row = ctx;
	struct kvm_run *run = v->run;
	u8 *data = (u8 *)run + run->io.data_offset;

	if (run->exit_reason != KVM_EXIT_IO)
		return false;
	if (run->io.port == PORT_PROGRAM)
		*data = row->program;
	else if (run->io.port == PORT_RUNS)
		ring_later(row->act == KILL ? SIGKILL : SIGUSR1);
	else
		*data = row->value >> (run->io.port - PORT_VALUE) * 8;
	return true;
}

/* It was interrupted in L2, and takes an interrupt there. */
static int give_irq(struct vmm_vcpu *v)
{
	struct kvm_interrupt irq = { .irq = VECTOR };

	if (!v->run->ready_for_interrupt_injection) {
		fprintf(stderr, "# not ready for an interrupt\n");
		return 1;
	}
	if (ioctl(v->fd, KVM_INTERRUPT, &irq))
		vmm_bail("KVM_INTERRUPT");
	return 0;
}

/* CVE-2022-49559: L2 has CR4.MCE=0, so that it shuts down; that is L1's exit. */
static int machine_check(struct vmm_vcpu *v)
{
	struct kvm_x86_mce mce = { .status = 7ull << 61, .mcg_status = 5 };	/* uncorrected */
	u64 cap = 1;

	if (ioctl(v->fd, KVM_X86_SETUP_MCE, &cap) || ioctl(v->fd, KVM_X86_SET_MCE, &mce))
		vmm_bail("KVM_X86_SET_MCE");
	return 0;
}

static int go_on(const struct row *row)
{
	int code = row->act == INTERRUPT ? give_irq(running) : machine_check(running);

	running->run->immediate_exit = 0;
	return code ? code : vmm_run(running);
}

static int run_row(const struct row *row)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct vmm *vmm = vmm_create(32 << 20);
	int code;

	vmm->exit = ports;
	vmm->ctx = (void *)row;
	vmm_load_file(vmm, payload);
	running = vmm_add_vcpu(vmm);
	vmm_long_mode(running, VMM_LOAD_GPA);
	sigaction(SIGUSR1, &sa, NULL);
	alarm(PATIENCE);
	code = vmm_run(running);
	if (row->act <= MACHINE_CHECK && code == VMM_SIGNAL)
		code = go_on(row);
	else if (row->act == CLOSE)
		code = code != VMM_SIGNAL;
	if (code)
		fprintf(stderr, "# %d %s\n", code, vmm_why(vmm));
	vmm_destroy(vmm);
	return code;
}

/* What the payload prints helps when it fails, but as a comment. */
static bool try_row(const struct row *row)
{
	int status = 1;
	pid_t pid = fork();

	if (!pid) {
		if (!freopen("/tmp/outside", "w", stdout))
			vmm_bail("/tmp/outside");
		_exit(run_row(row) != 0);
	}
	if (waitpid(pid, &status, 0) != pid)
		return false;
	if (row->act == KILL)
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	if (status && system("sed 's/^/# /' /tmp/outside"))
		return false;
	return !status;
}

int main(int argc, char **argv)
{
	int n = 0, failed = 0;
	bool ok;
	u32 i;

	if (argc < 2)
		return 2;
	payload = argv[1];
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!vmm_wanted(rows[i].name, argc, argv))
			continue;
		fflush(stdout);
		ok = try_row(&rows[i]);
		failed += !ok;
		printf("%s %d - %s\n", ok ? "ok" : "not ok", ++n, rows[i].name);
	}
	printf("1..%d\n", n);
	return failed != 0;
}
