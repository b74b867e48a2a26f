// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two threads and one file: creation and close at once.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "api.h"

#define TURNS	200
#define GUESSES	8

static volatile int done;
static int lowest;

/* Closes whatever file comes next, before its creator has got the number. */
static void *close_early(void *arg)
{
	int i;

	(void)arg;
	while (!done)
		for (i = 0; i < GUESSES; i++)
			close(lowest + i);
	return NULL;
}

static void start_closing(pthread_t *thread)
{
	lowest = dup(0);
	close(lowest);
	EXPECT_EQ(pthread_create(thread, NULL, close_early, NULL), 0);
}

static void stop_closing(pthread_t thread)
{
	done = 1;
	pthread_join(thread, NULL);
}

/* CVE-2019-6974: the file was there before the reference it stands for. */
TEST(create_and_close_race)
{
	struct vmm *vmm = bare_vm();
	pthread_t thread;
	int i;

	start_closing(&thread);
	for (i = 0; i < TURNS; i++)
		ioctl(vmm->fd, KVM_CREATE_VCPU, (long)i);
	stop_closing(thread);
	EXPECT_EQ(ioctl(vmm->fd, KVM_CHECK_EXTENSION, KVM_CAP_USER_MEMORY), 1);
}

TEST(vm_create_and_close_race)
{
	int dev = vmm_open(), i;
	pthread_t thread;

	start_closing(&thread);
	for (i = 0; i < TURNS; i++)
		ioctl(dev, KVM_CREATE_VM, 0);
	stop_closing(thread);
	EXPECT_EQ(ioctl(dev, KVM_GET_API_VERSION, 0), KVM_API_VERSION);
}

struct closing {
	struct vmm_vcpu *v;
	pthread_barrier_t at_once;
};

static void *close_all(void *arg)
{
	struct closing *c = arg;

	pthread_barrier_wait(&c->at_once);
	close(c->v->vmm->fd);
	close(c->v->fd);
	return NULL;
}

/* The VM and the vCPU lose their files while KVM_RUN is on its way. */
TEST(run_and_close_race)
{
	struct closing c;
	pthread_t thread;
	int i, ret;

	pthread_barrier_init(&c.at_once, NULL, 2);
	for (i = 0; i < 20; i++) {
		c.v = idle_vcpu();
		EXPECT_EQ(pthread_create(&thread, NULL, close_all, &c), 0);
		pthread_barrier_wait(&c.at_once);
		ret = run(c.v);
		EXPECT(ret == KVM_EXIT_HLT || ret == -EBADF);
		pthread_join(thread, NULL);
		munmap(c.v->run, c.v->run_size);
		close(c.v->vmm->dev);
	}
}
