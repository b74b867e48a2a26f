/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TAP for host-side tests: TEST(name) { ... } registers itself, each test runs in a process of its
 * own with a time limit, so that one that crashes or hangs fails alone.
 *
 * The first EXPECT that does not hold ends the test.  SKIP(why) ends it as skipped.  tap_main() is
 * the body of main(); its arguments are names of tests, or none for all.
 */
#ifndef TAP_H
#define TAP_H

#include <errno.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>

#define TAP_FAIL	1
#define TAP_SKIP	4	/* the status that kselftest gives a skipped test */

struct tap_test {
	const char *name;
	void (*run)(void);
	struct tap_test *next;
};

void tap_add(struct tap_test *t);
int tap_main(int argc, char **argv);
noreturn void tap_leave(int status);

#define TEST(test_name)								\
	static void test_name(void);						\
	static struct tap_test tap_##test_name = { #test_name, test_name, NULL };	\
	static void __attribute__((constructor)) tap_add_##test_name(void)	\
	{									\
		tap_add(&tap_##test_name);					\
	}									\
	static void test_name(void)

#define EXPECT(cond) do {							\
	if (!(cond)) {								\
		printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);		\
		tap_leave(TAP_FAIL);						\
	}									\
} while (0)

#define EXPECT_EQ(got, want) do {						\
	long long got_ = (long long)(got), want_ = (long long)(want);		\
	if (got_ != want_) {							\
		printf("# %s:%d: %s: got %lld (0x%llx), want %lld (0x%llx)\n",	\
		       __FILE__, __LINE__, #got, got_, (unsigned long long)got_,	\
		       want_, (unsigned long long)want_);			\
		tap_leave(TAP_FAIL);						\
	}									\
} while (0)

/* A system call that is to fail with this errno. */
#define EXPECT_ERR(call, error) do {						\
	long long ret_ = (call);						\
	int errno_ = errno;							\
	if (ret_ != -1 || errno_ != (error)) {					\
		printf("# %s:%d: %s: returned %lld (%s), want %s\n", __FILE__, __LINE__,	\
		       #call, ret_, ret_ == -1 ? strerror(errno_) : "no error",	\
		       strerror(error));					\
		tap_leave(TAP_FAIL);						\
	}									\
} while (0)

/* A system call that is to succeed. */
#define EXPECT_OK(call) do {							\
	if ((call) < 0) {							\
		printf("# %s:%d: %s: %s\n", __FILE__, __LINE__, #call, strerror(errno));	\
		tap_leave(TAP_FAIL);						\
	}									\
} while (0)

#define SKIP(why) do {								\
	printf("# skipped: %s\n", why);						\
	tap_leave(TAP_SKIP);							\
} while (0)

#endif
