// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another kernel in place of the running one:
 *	kexec next|crash KERNEL INITRD CMDLINE	load it, to be started by 'go' or by a crash
 *	kexec go				start it now
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int load(char **argv)
{
	unsigned long flags = strcmp(argv[1], "crash") ? 0 : KEXEC_FILE_ON_CRASH;
	int kernel = open(argv[2], O_RDONLY);
	int initrd = open(argv[3], O_RDONLY);

	if (kernel < 0 || initrd < 0) {
		perror("kexec: open");
		return 1;
	}
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(argv[4]) + 1, argv[4], flags)) {
		perror("kexec_file_load");
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5)
		return load(argv);
	if (argc != 2 || strcmp(argv[1], "go"))
		return 2;
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	perror("kexec: reboot");
	return 1;
}
