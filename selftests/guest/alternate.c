// SPDX-License-Identifier: GPL-2.0-only
/*
 * One thread that runs one guest, then four in turn: alternate [-d DEVICE]
 *
 * Each guest writes a port in a loop.  Prints "bench NAME TICKS": ticks per exit, the median.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <x86intrin.h>

#include "vmm.h"

#define MAX_GUESTS	4
#define MEMORY		(2u << 20)
#define WARM_UP		16
#define ROUNDS		64

static const u8 payload[] = {
	0xba, 0x80, 0x00, 0x00, 0x00,	/*	mov	$0x80, %edx	*/
	0xee,				/* 1:	out	%al, %dx	*/
	0xeb, 0xfd,			/*	jmp	1b		*/
};

static void run_once(struct vmm *vmm)
{
	struct vmm_vcpu *v = &vmm->vcpu[0];

	if (ioctl(v->fd, KVM_RUN, 0))
		vmm_bail("KVM_RUN");
	if (v->run->exit_reason != KVM_EXIT_IO) {
		printf("Bail out! exit %s\n", vmm_exit_name(v->run->exit_reason));
		exit(1);
	}
}

static int by_size(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

/* Ticks of a round, in which each guest runs once. */
static u64 measure(struct vmm **guest, unsigned int guests)
{
	u64 sample[ROUNDS], start;
	unsigned int i, j;

	for (i = 0; i < WARM_UP + ROUNDS; i++) {
		start = __rdtsc();
		for (j = 0; j < guests; j++)
			run_once(guest[j]);
		if (i >= WARM_UP)
			sample[i - WARM_UP] = __rdtsc() - start;
	}
	qsort(sample, ROUNDS, sizeof(sample[0]), by_size);
	return sample[ROUNDS / 2];
}

int main(int argc, char **argv)
{
	static const unsigned int counts[] = { 1, MAX_GUESTS };
	struct vmm *guest[MAX_GUESTS];
	unsigned int i;
	int option;

	while ((option = getopt(argc, argv, "d:")) != -1) {
		if (option != 'd')
			return 2;
		vmm_set_device(optarg);
	}
	for (i = 0; i < MAX_GUESTS; i++) {
		guest[i] = vmm_create(MEMORY);
		vmm_load(guest[i], VMM_LOAD_GPA, payload, sizeof(payload));
		vmm_long_mode(vmm_add_vcpu(guest[i]), VMM_LOAD_GPA);
	}
	for (i = 0; i < ARRAY_SIZE(counts); i++)
		printf("bench alternate_%u %llu\n", counts[i],
		       (unsigned long long)measure(guest, counts[i]) / counts[i]);
	for (i = 0; i < MAX_GUESTS; i++)
		vmm_destroy(guest[i]);
	return 0;
}
