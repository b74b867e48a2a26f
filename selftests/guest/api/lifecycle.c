// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files and processes: who may use a VM, and what outlives what.
 */
#include <signal.h>
#include <sys/mman.h>

#include "api.h"

/* Spins with interrupts on, and none come. */
PAYLOAD(spin_code, "sti\n1: pause; jmp 1b\n");
PAYLOAD(done_code, PAYLOAD_DONE);

static int child_status(pid_t pid)
{
	int status = 0;

	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	return status;
}

TEST(vm_belongs_to_its_process)
{
	struct vmm_vcpu *v = idle_vcpu();
	struct kvm_regs r;
	pid_t pid = fork();

	if (!pid) {
		EXPECT_ERR(ioctl(v->vmm->fd, KVM_CREATE_VCPU, 7), EIO);
		EXPECT_ERR(ioctl(v->vmm->fd, UNKNOWN_IOCTL, 0), EIO);
		EXPECT_ERR(ioctl(v->fd, KVM_GET_REGS, &r), EIO);
		EXPECT_ERR(ioctl(v->fd, KVM_RUN, 0), EIO);
		tap_leave(0);
	}
	EXPECT_EQ(child_status(pid), 0);
	EXPECT_OK(ioctl(v->fd, KVM_GET_REGS, &r));
}

TEST(vcpu_outlives_the_files_of_its_vm)
{
	struct vmm_vcpu *v = BOOT(done_code);

	close(v->vmm->fd);
	close(v->vmm->dev);
	EXPECT_EQ(vmm_run(v), 0);
}

TEST(mapping_outlives_the_vcpu_file)
{
	struct vmm_vcpu *v = idle_vcpu();

	EXPECT_EQ(run(v), KVM_EXIT_HLT);
	close(v->fd);
	close(v->vmm->fd);
	EXPECT_EQ(v->run->exit_reason, KVM_EXIT_HLT);
	v->run->immediate_exit = 1;
}

TEST(mapping_has_an_end)
{
	struct vmm_vcpu *v = idle_vcpu();
	char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, v->fd, 3 * 4096);
	pid_t pid;

	EXPECT(p != MAP_FAILED);
	pid = fork();
	if (!pid)
		_exit(*p);
	EXPECT_EQ(WTERMSIG(child_status(pid)), SIGBUS);
}

TEST(vms_come_and_go)
{
	int i;

	for (i = 0; i < 30; i++) {
		struct vmm_vcpu *v = BOOT(done_code);

		EXPECT_EQ(vmm_run(v), 0);
		vmm_destroy(v->vmm);
	}
}

TEST(killed_while_the_guest_runs)
{
	int i;

	for (i = 0; i < 3; i++) {
		pid_t pid = fork();

		if (!pid) {
			struct vmm_vcpu *v = BOOT(spin_code);

			run(v);
			_exit(1);
		}
		usleep(200000);
		EXPECT_EQ(kill(pid, SIGKILL), 0);
		EXPECT_EQ(WTERMSIG(child_status(pid)), SIGKILL);
	}
}

/* A file is closed with everything still set up: another process's end. */
TEST(process_ends_with_everything_open)
{
	pid_t pid = fork();

	if (!pid) {
		struct vmm_vcpu *v = idle_vcpu();

		vmm_add_vcpu(v->vmm);
		EXPECT_EQ(run(v), KVM_EXIT_HLT);
		_exit(0);
	}
	EXPECT_EQ(child_status(pid), 0);
}
