// SPDX-License-Identifier: GPL-2.0-only
/*
 * L2 touches pages that user space has not given yet: absent PAYLOAD
 *
 * PAYLOAD is l1/absent.c.  A page is given when it is missed, or, where L1 is to hear of it first,
 * when L1 asks for it; if L1 does not, it is given after a while all the same.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "vmm.h"
#include "l1/absent.h"

#define PAGE		4096ul
#define SIZE		(ABSENT_PAGES * PAGE)
#define HELD_SECONDS	5
#define PATIENCE	120

static int uffd;
static sem_t asked_for;
static volatile bool held;

static bool ports(struct vmm_vcpu *v, void *ctx)
{
	struct kvm_run *run = v->run;

	(void)ctx;
	if (run->exit_reason != KVM_EXIT_IO)
		return false;
	if (run->io.port == PORT_HOLD)
		held = true;
	else if (run->io.port == PORT_GIVE)
		sem_post(&asked_for);
	else
		return false;
	return true;
}

static u8 *absent_memory(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register r = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	u8 *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		vmm_bail("mmap");
	r.range.start = (u64)p;
	r.range.len = SIZE;
	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &r))
		vmm_bail("userfaultfd");
	return p;
}

static void wait_for_l1(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += HELD_SECONDS;
	if (sem_timedwait(&asked_for, &until))
		fprintf(stderr, "# L1 did not ask for the page\n");
	held = false;
}

static void *give_pages(void *arg)
{
	static u64 page[PAGE / sizeof(u64)] = { ABSENT_WORD };
	struct uffdio_copy copy = { .src = (u64)page, .len = PAGE };
	struct uffd_msg msg;

	(void)arg;
	while (read(uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		if (held)
			wait_for_l1();
		copy.dst = msg.arg.pagefault.address & ~(PAGE - 1);
		if (ioctl(uffd, UFFDIO_COPY, &copy))
			vmm_bail("UFFDIO_COPY");
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	struct vmm *vmm;
	int code;

	if (argc != 2)
		return 2;
	alarm(PATIENCE);
	sem_init(&asked_for, 0, 0);
	vmm = vmm_create(16 << 20);
	vmm->exit = ports;
	vmm_irqchip(vmm);
	vmm_set_slot(vmm, 1, 0, ABSENT_DATA, SIZE, absent_memory());
	if (pthread_create(&thread, NULL, give_pages, NULL))
		vmm_bail("pthread_create");
	vmm_load_file(vmm, argv[1]);
	vmm_long_mode(vmm_add_vcpu(vmm), VMM_LOAD_GPA);
	code = vmm_run(&vmm->vcpu[0]);
	if (code)
		printf("# ended with %d %s\n", code, vmm_why(vmm));
	return code != 0;
}
