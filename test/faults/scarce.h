// SPDX-License-Identifier: BSD-2-Clause
/*
 * Memory that runs out at a chosen moment: scarce.c, linked into a program, stands before malloc() and its like, mmap(),
 * memfd_create(), and what makes a thread or a descriptor. What the libraries allocate counts, too.
 *
 *	for (long n = 1, failed = 1; failed; n++) {
 *		scarce_begin(SCARCE_ONE, n);       // the nth allocation of this thread from here on fails
 *		rc = what_is_tested();
 *		failed = scarce_end();             // how many failed: none when it needs fewer than n
 *		...
 *	}
 *
 * A program that is run by a test takes its orders from the file that $SCARCE names: struct scarce, which the test
 * writes before and while it runs. Then the allocations of all threads count.
 */
#ifndef SCARCE_H
#define SCARCE_H

#include <stddef.h>
#include <stdint.h>

enum scarce_how {
	SCARCE_NOT,
	SCARCE_ONE,      /* the nth fails, those after it do not */
	SCARCE_ON,       /* the nth and all after it fail */
	SCARCE_LARGE,    /* whatever wants n bytes or more fails */
};

struct scarce {
	int64_t how, at;
	int64_t seen, failed;          /* allocations since it began; how many of them failed */
	char last[32];                 /* the call that failed last */
};

void scarce_begin(enum scarce_how how, long at);
long scarce_end(void);
/* How many allocations there were between the last begin and end, and which call failed last. */
long scarce_seen(void);
const char *scarce_last(void);

#endif
