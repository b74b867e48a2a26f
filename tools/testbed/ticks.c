// SPDX-License-Identifier: GPL-2.0-only
/* Print the time-stamp counter: in Bochs one tick is one instruction. */

#include <stdio.h>
#include <x86intrin.h>

int main(void)
{
	printf("%llu\n", __rdtsc());
	return 0;
}
