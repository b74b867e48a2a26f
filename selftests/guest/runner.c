// SPDX-License-Identifier: GPL-2.0-only
/*
 * Run one flat payload in the little VMM:
 *	runner [-d DEVICE] [-m MEGABYTES] [-c VCPUS] [-i] [-e] PAYLOAD
 *
 * -i: with the interrupt controllers in the kernel.  -e: with Hyper-V's enlightened VMCS.
 * All vCPUs start at the payload's first byte, one thread each.  What the payload prints goes to
 * standard output.  Exit status: 0 if every vCPU ended with 0 and every result byte was 0.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm.h"

#define PORT_SINK	0x80		/* eight ports and one page without a device behind them: */
#define PAGE_SINK	0xfed00000ull	/* writes are lost, reads give ones */

static bool sink(struct vmm_vcpu *v, void *ctx)
{
	struct kvm_run *run = v->run;

	(void)ctx;
	if (run->exit_reason == KVM_EXIT_IO && run->io.port >> 3 == PORT_SINK >> 3) {
		if (run->io.direction == KVM_EXIT_IO_IN)
			memset((u8 *)run + run->io.data_offset, 0xff, run->io.size * run->io.count);
		return true;
	}
	if (run->exit_reason == KVM_EXIT_MMIO && run->mmio.phys_addr >> 12 == PAGE_SINK >> 12) {
		if (!run->mmio.is_write)
			memset(run->mmio.data, 0xff, run->mmio.len);
		return true;
	}
	return false;
}

static int complain(struct vmm_vcpu *v, int code)
{
	if (code == VMM_UNEXPECTED)
		printf("Bail out! %s\n", vmm_why(v->vmm));
	else if (code)
		printf("# vCPU %u ended with %d\n", v->index, code);
	fflush(stdout);
	return code != 0;
}

static void *run(void *arg)
{
	struct vmm_vcpu *v = arg;
	int code;

	/* The freezer interrupts as a signal does, and no handler runs. */
	do
		code = vmm_run(v);
	while (code == VMM_SIGNAL);
	return complain(v, code) ? v : NULL;
}

static int print_results(const struct vmm *vmm)
{
	int failed = 0;
	u32 i;

	for (i = 0; i < vmm->nr_results; i++) {
		printf("%s %u\n", vmm->result[i] ? "not ok" : "ok", i + 1);
		failed |= vmm->result[i];
	}
	if (vmm->nr_results)
		printf("1..%u\n", vmm->nr_results);
	return failed;
}

static void usage(const char *name)
{
	fprintf(stderr, "%s [-d DEVICE] [-m MEGABYTES] [-c VCPUS] [-i] [-e] PAYLOAD\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	unsigned long megabytes = 16, vcpus = 1, i;
	pthread_t thread[VMM_MAX_VCPUS];
	int failed = 0, option;
	bool irqchip = false, evmcs = false;
	struct vmm *vmm;

	while ((option = getopt(argc, argv, "d:m:c:ie")) != -1) {
		if (option == 'd')
			vmm_set_device(optarg);
		else if (option == 'm')
			megabytes = strtoul(optarg, NULL, 0);
		else if (option == 'c')
			vcpus = strtoul(optarg, NULL, 0);
		else if (option == 'i')
			irqchip = true;
		else if (option == 'e')
			evmcs = true;
		else
			usage(argv[0]);
	}
	if (optind + 1 != argc || megabytes < 2 || megabytes > 2048 || !vcpus ||
	    vcpus > VMM_MAX_VCPUS)
		usage(argv[0]);

	vmm = vmm_create(megabytes << 20);
	vmm->exit = sink;
	if (irqchip)
		vmm_irqchip(vmm);
	if (evmcs)
		vmm_evmcs(vmm);
	vmm_load_file(vmm, argv[optind]);
	for (i = 0; i < vcpus; i++)
		vmm_long_mode(vmm_add_vcpu(vmm), VMM_LOAD_GPA);
	for (i = 1; i < vcpus; i++) {
		errno = pthread_create(&thread[i], NULL, run, &vmm->vcpu[i]);
		if (errno)
			vmm_bail("pthread_create");
	}
	failed |= !!run(&vmm->vcpu[0]);
	for (i = 1; i < vcpus; i++) {
		void *bad;

		pthread_join(thread[i], &bad);
		failed |= !!bad;
	}
	failed |= print_results(vmm) != 0;
	vmm_destroy(vmm);
	return failed;
}
