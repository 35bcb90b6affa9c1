// SPDX-License-Identifier: BSD-2-Clause
/*
 * A test program is a row of promises: each is a function whose name says what is promised.
 *
 *	static void refuses_when_full(void) { CHECK(croom_ring_reserve(ring, 1) == NULL); }
 *	int main(void) { RUN(refuses_when_full); return check_result(); }
 *
 * Prints "ok NAME" or "not ok NAME" per promise (script/count.py counts these lines) and returns 0 or 1.
 * A promise that cannot be checked here calls SKIP("reason") and returns. One thread runs the promises;
 * CHECK may be used from any thread.
 */
#ifndef TEST_CHECK_H
#define TEST_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_bad;
static int check_failed;
static const char *check_skipped;

#define CHECK(cond)                                                                                  \
	do {                                                                                         \
		if (!(cond)) {                                                                       \
			printf("# %s:%d: not true: %s\n", __FILE__, __LINE__, #cond);                \
			__atomic_store_n(&check_bad, 1, __ATOMIC_RELAXED);                           \
		}                                                                                    \
	} while (0)

#define CHECK_EQ(a, b)                                                                               \
	do {                                                                                         \
		long long check_a = (long long)(a), check_b = (long long)(b);                        \
		if (check_a != check_b) {                                                            \
			printf("# %s:%d: %s is %lld, %s is %lld\n", __FILE__, __LINE__, #a, check_a, #b, check_b); \
			__atomic_store_n(&check_bad, 1, __ATOMIC_RELAXED);                           \
		}                                                                                    \
	} while (0)

#define SKIP(reason) (check_skipped = (reason))

#define RUN(name)                                                                                    \
	do {                                                                                         \
		check_bad = 0;                                                                       \
		check_skipped = NULL;                                                                \
		name();                                                                              \
		if (check_bad)                                                                       \
			printf("not ok %s\n", #name);                                                \
		else if (check_skipped)                                                              \
			printf("skip %s: %s\n", #name, check_skipped);                               \
		else                                                                                 \
			printf("ok %s\n", #name);                                                    \
		fflush(stdout);                                                                      \
		check_failed |= check_bad;                                                           \
	} while (0)

/* Rounds of a long loop: a part of them where the environment has CHECK_PART=N, as for a CPU that is emulated. */
static inline int check_rounds(int rounds)
{
	const char *part = getenv("CHECK_PART");

	return part && atoi(part) > 1 ? rounds / atoi(part) : rounds;
}

static inline int check_result(void)
{
	return check_failed ? 1 : 0;
}

#endif
