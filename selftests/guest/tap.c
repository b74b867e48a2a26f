// SPDX-License-Identifier: GPL-2.0-only
/*
 * TAP for host-side tests; see tap.h.
 */
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define TAP_SECONDS	60

static struct tap_test *tap_tests, **tap_last = &tap_tests;

void tap_add(struct tap_test *t)
{
	*tap_last = t;
	tap_last = &t->next;
}

void tap_leave(int status)
{
	fflush(stdout);
	_exit(status);
}

static int tap_run(const struct tap_test *t)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return TAP_FAIL;
	if (!pid) {
		alarm(TAP_SECONDS);
		t->run();
		tap_leave(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status)) {
		printf("# ended by signal %d\n", WTERMSIG(status));
		return TAP_FAIL;
	}
	return WEXITSTATUS(status);
}

static bool tap_wanted(const struct tap_test *t, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], t->name))
			return true;
	}
	return argc < 2;
}

int tap_main(int argc, char **argv)
{
	int planned = 0, number = 0, failed = 0, status;
	struct tap_test *t;

	for (t = tap_tests; t; t = t->next)
		planned += tap_wanted(t, argc, argv);
	printf("TAP version 13\n1..%d\n", planned);
	for (t = tap_tests; t; t = t->next) {
		if (!tap_wanted(t, argc, argv))
			continue;
		status = tap_run(t);
		number++;
		failed += status != 0 && status != TAP_SKIP;
		printf("%s %d - %s%s\n", status && status != TAP_SKIP ? "not ok" : "ok", number,
		       t->name, status == TAP_SKIP ? " # SKIP" : "");
	}
	fflush(stdout);
	return failed || !planned;
}
