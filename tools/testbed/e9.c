// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copy standard input to port 0xe9: bulk text leaves Bochs at an instruction a byte, where the
 * serial port takes the time of its baud rate.  It comes out in the file of --trace-out.
 */

#include <stdio.h>
#include <sys/io.h>
#include <unistd.h>

#define PORT_E9		0xe9

int main(void)
{
	static char buffer[1 << 16];
	ssize_t n;

	if (ioperm(PORT_E9, 1, 1)) {
		perror("ioperm");
		return 1;
	}
	while ((n = read(0, buffer, sizeof(buffer))) > 0)
		outsb(PORT_E9, buffer, n);
	return n < 0;
}
