/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Test Anything Protocol, as much of it as a unit test needs.  The plan comes last.
 */
#ifndef SELFTESTS_UNIT_TAP_H
#define SELFTESTS_UNIT_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

extern int tap_count, tap_failed;	/* defined where TAP_MAIN is defined */

#ifdef TAP_MAIN
int tap_count, tap_failed;
#endif

__attribute__((format(printf, 2, 3)))
static inline bool ok(bool passed, const char *fmt, ...)
{
	va_list args;

	if (!passed)
		tap_failed++;
	printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	return passed;
}

/* Print the plan; the value is the exit status. */
static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif /* SELFTESTS_UNIT_TAP_H */
