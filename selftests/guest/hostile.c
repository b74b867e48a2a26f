// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whatever L1 does, KVM_RUN comes back for a signal: hostile PAYLOAD [NAME...]
 *
 * PAYLOAD is l1/hostile.c; each of its programs gets a VM and a process of its own, and is
 * interrupted after a tenth of a second.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vmm.h"

#define PORT_NUMBER	0x510
#define MEMORY		(32u << 20)
#define STAY_USEC	100000
#define LATE_NSEC	1000000000ull
#define LEAK_KB		(8 << 10)	/* half of what a page per failed VMXON would be */

enum ending { LIVES, ANY };

struct program {
	const char *name;
	enum ending ending;
	void (*start)(struct vmm_vcpu *v);	/* NULL: the payload */
};

static void alignment_check_in_delivery(struct vmm_vcpu *v);

static const struct program programs[] = {
#define HOSTILE(name, ending) { #name, ending, NULL },
#include "l1/hostile.h"
#undef HOSTILE
	{ "alignment_check_in_delivery", LIVES, alignment_check_in_delivery },
};

static const char *payload;
static struct vmm_vcpu *running;
static struct timespec rang;

/* CVE-2015-5307: 32-bit code at CPL 3 whose #AC handler has an odd stack and the same CPL. */
static void alignment_check_in_delivery(struct vmm_vcpu *v)
{
	static const u8 code[] = { 0x50, 0xeb, 0xfd };		/* 1: push %eax; jmp 1b */
	struct kvm_regs r = { .rip = VMM_LOAD_GPA, .rflags = 2 | 1 << 18, .rsp = 0x80001 };
	u64 *gdt = (void *)(v->vmm->mem + VMM_GDT);
	struct kvm_sregs s;

	vmm_load(v->vmm, VMM_LOAD_GPA, code, sizeof(code));
	gdt[VMM_CODE32 / 8] |= 3ull << 45;
	/* Gate 17, DPL 3, to CODE32. */
	*(u64 *)(v->vmm->mem + 0xa000 + 17 * 8) = (VMM_LOAD_GPA & 0xffff) | VMM_CODE32 << 16 |
		3 << 16 | 0xeeull << 40 | (VMM_LOAD_GPA >> 16) << 48;
	if (ioctl(v->fd, KVM_GET_SREGS, &s))
		vmm_bail("KVM_GET_SREGS");
	s.cs.l = 0;
	s.cs.db = 1;
	s.cs.dpl = 3;
	s.cs.selector = VMM_CODE32 | 3;
	s.ss.dpl = 3;
	s.ss.selector = VMM_DATA | 3;
	s.ds = s.ss;
	s.es = s.ss;
	s.fs = s.ss;
	s.gs = s.ss;
	s.idt = (struct kvm_dtable){ .base = 0xa000, .limit = 256 * 8 - 1 };
	s.cr0 = (s.cr0 & ~(1ull << 31)) | 1 << 18;
	s.cr4 = 0;
	s.efer = 0;
	if (ioctl(v->fd, KVM_SET_SREGS, &s) || ioctl(v->fd, KVM_SET_REGS, &r))
		vmm_bail("KVM_SET_SREGS");
}

static void on_alarm(int number)
{
	(void)number;
	clock_gettime(CLOCK_MONOTONIC, &rang);
	running->run->immediate_exit = 1;
}

/* Every port and every hole in memory takes and gives anything; one port has the number. */
static bool sink(struct vmm_vcpu *v, void *ctx)
{
	struct kvm_run *run = v->run;

	if (run->exit_reason == KVM_EXIT_IO && run->io.direction == KVM_EXIT_IO_IN)
		memset((u8 *)run + run->io.data_offset, *(int *)ctx,
		       run->io.size * run->io.count);
	return run->exit_reason == KVM_EXIT_IO || run->exit_reason == KVM_EXIT_MMIO;
}

static u64 nsec_since_alarm(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - rang.tv_sec) * 1000000000ull + now.tv_nsec - rang.tv_nsec;
}

/* The exit status of the child that runs one program. */
static int run_program(int number)
{
	struct itimerval t = { .it_value.tv_usec = STAY_USEC };
	const struct program *p = &programs[number];
	struct sigaction sa = { .sa_handler = on_alarm };
	struct vmm *vmm = vmm_create(MEMORY);
	int code;

	running = vmm_add_vcpu(vmm);
	vmm->exit = sink;
	vmm->ctx = &number;
	vmm_load_file(vmm, payload);
	vmm_long_mode(running, VMM_LOAD_GPA);
	if (p->start)
		p->start(running);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
	code = vmm_run(running);
	if (code == VMM_SIGNAL && nsec_since_alarm() > LATE_NSEC) {
		fprintf(stderr, "# came back late\n");
		return 1;
	}
	if (code == VMM_UNEXPECTED)
		fprintf(stderr, "# %s\n", vmm_why(vmm));
	else if (code != VMM_SIGNAL)
		fprintf(stderr, "# ended with %d\n", code);
	vmm_destroy(vmm);
	return code != VMM_SIGNAL && (p->ending == LIVES || code >= 0);
}

static bool try_program(int number)
{
	int status = 1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		/* The payload's own plan is none of ours. */
		if (!freopen("/dev/null", "w", stdout))
			vmm_bail("/dev/null");
		status = run_program(number);
		_exit(status);
	}
	return waitpid(pid, &status, 0) == pid && !status;
}

int main(int argc, char **argv)
{
	int i, n = 0, failed = 0;
	long before = 0, lost;
	bool ok;

	if (argc < 2)
		return 2;
	payload = argv[1];
	for (i = 0; i < (int)ARRAY_SIZE(programs); i++) {
		if (!vmm_wanted(programs[i].name, argc, argv))
			continue;
		ok = try_program(i);
		failed += !ok;
		printf("%s %d - %s\n", ok ? "ok" : "not ok", ++n, programs[i].name);
		if (n == 1)
			before = vmm_free_kb();
	}
	lost = before - vmm_free_kb();
	printf("# %ld KiB less free than after the first\n", lost);
	printf("%s %d - memory_comes_back\n", lost < LEAK_KB ? "ok" : "not ok", ++n);
	printf("1..%d\n", n);
	return failed || lost >= LEAK_KB;
}
