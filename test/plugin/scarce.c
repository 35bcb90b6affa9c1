// SPDX-License-Identifier: BSD-2-Clause
/*
 * Memory, or a descriptor, that is not there at any moment of a loading or an unloading, the dynamic linker's own moments, too: it is
 * done, or refused and nothing of it stays; and the next time it goes.
 */
#include "../faults/scarce.h"
#include "plugins.h"

enum { MOST = 2000 };

static unsigned descriptors;

static bool nothing_stayed(long n)
{
	bool good = classes_are(own_classes) && plugins_are("") && mappings("memfd:") == 0 && entries("/proc/self/fd") == descriptors;

	if (!good)
		printf("# where allocation %ld failed (%s): %s\n", n, scarce_last(), err.text);
	return good;
}

static void a_loading_is_done_or_refused(void)
{
	long n = 1, failed = 1, refused = 0;

	begin();
	/* What the libraries make once, they make now. */
	CHECK_EQ(load("good"), 0);
	CHECK_EQ(unload("good"), 0);
	descriptors = entries("/proc/self/fd");
	for (; failed && n < MOST; n++) {
		for (enum scarce_how kind = SCARCE_ONE; kind <= SCARCE_ON; kind++) {
			int rc;

			heard[0] = 0;
			scarce_begin(kind, n);
			rc = load("good");
			failed = scarce_end();
			refused += rc != 0;
			if (rc == 0)
				CHECK_EQ(unload("good"), 0);
			else
				CHECK(err.code == rc && err.text[0]);
			CHECK(nothing_stayed(n));
		}
	}
	CHECK(n > 10 && n < MOST && refused > 5);
	CHECK_EQ(load("good"), 0);
	CHECK_EQ(swap("printer", "mine"), 0);
	CHECK_EQ(call_printer(), 1);
	printf("# %ld allocations, %ld loadings refused\n", n, refused);
	end();
}

static void an_unloading_is_done_sooner_or_later(void)
{
	long n = 1, failed = 1, retired = 0;

	begin();
	CHECK_EQ(load("good"), 0);
	CHECK_EQ(unload("good"), 0);
	descriptors = entries("/proc/self/fd");
	for (; failed && n < MOST; n++) {
		for (enum scarce_how kind = SCARCE_ONE; kind <= SCARCE_ON; kind++) {
			heard[0] = 0;
			CHECK_EQ(load("good"), 0);
			scarce_begin(kind, n);
			CHECK_EQ(unload("good"), 0);
			failed = scarce_end();
			retired += how.retired;
			/* Where it could not look whether a thread runs, it does now. */
			CHECK(nothing_stayed(n));
		}
	}
	CHECK(n < MOST);
	printf("# %ld allocations, %ld times retired first\n", n, retired);
	end();
}

int main(void)
{
	RUN(a_loading_is_done_or_refused);
	RUN(an_unloading_is_done_sooner_or_later);
	return check_result();
}
