// SPDX-License-Identifier: BSD-2-Clause
/*
 * croom/ring.h, with room for two records: they come whole and in order, and none is written over while it is read.
 * The memory is not mapped twice; no record wraps here.
 *
 * Weak, found by TSan: ring.publish.publish ring.publish.fetch ring.release.release ring.release.reserve
 */
#include <croom/ring.h>
#include "harness.h"

enum { RECORDS = 3, SIZE = 2 * (CROOM_RING_HEADER + 8) };

static unsigned char memory[SIZE] __attribute__((aligned(8)));
static struct croom_ring ring;

static void begin(void)
{
	ring = (struct croom_ring){ .base = memory, .size = SIZE, .mask = SIZE - 1 };
}

/* Producer. */
static void *one(void *none)
{
	for (uint64_t i = 1; i <= RECORDS; i++) {
		uint64_t *to;

		until((to = croom_ring_try_reserve(&ring, sizeof(*to))));
		*to = i;
		croom_ring_commit(&ring, sizeof(*to));
		croom_ring_publish(&ring);
	}
	return none;
}

/* Consumer. */
static void *other(void *none)
{
	uint64_t next = 1;

	while (next <= RECORDS) {
		const uint64_t *from;
		size_t length;

		until(croom_ring_fetch(&ring));
		while ((from = croom_ring_peek(&ring, &length))) {
			assert(length == sizeof(*from) && *from == next);
			next++;
			croom_ring_next(&ring);
		}
		croom_ring_release(&ring);
	}
	return none;
}

static void end(void)
{
	assert(croom_ring_used(&ring) == 0);
}
