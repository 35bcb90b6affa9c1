// SPDX-License-Identifier: BSD-2-Clause
/*
 * The byte ring, with room for two records, from just before the end of its memory on: a producer that finds it full at
 * times, a consumer that takes what is there. Records arrive whole, in order, and stay until they are released.
 */
#include "proof.h"
#include <croom/ring.h>

enum { BYTES = 4096, RECORDS = 4, LENGTH = BYTES / 2 - CROOM_RING_HEADER, TRIES = 3, TAKES = 4 };

static struct croom_ring *ring;

static void begin(void)
{
	/* Neither index is far from where 64 bits end, and the second record is the one that crosses the end of the memory. */
	proof_expect(croom_ring_open_at(&ring, BYTES, UINT64_MAX - BYTES / 2 - 1023) == 0, "no ring");
}

static void producer(void)
{
	uint64_t next = 1;

	for (int tries = 0; next <= RECORDS && tries < RECORDS + TRIES; tries++) {
		uint64_t *to = croom_ring_reserve(ring, LENGTH);

		if (!to)
			continue;
		to[0] = next;
		to[LENGTH / 8 - 1] = next++;
		croom_ring_commit(ring, LENGTH);
		croom_ring_publish(ring);
	}
}

static void consumer(void)
{
	uint64_t last = 0;

	for (int i = 0; i < TAKES; i++) {
		const uint64_t *from;
		size_t length;

		croom_ring_fetch(ring);
		while ((from = croom_ring_peek(ring, &length))) {
			proof_expect(length == LENGTH, "a wrong length");
			proof_expect(from[0] == last + 1 && from[LENGTH / 8 - 1] == last + 1, "a record that is not the next");
			last++;
			croom_ring_next(ring);
		}
		croom_ring_release(ring);
	}
}

const struct proof_model proof_model = {
	.what = "the byte ring, full and empty, across the end of its memory",
	.orders = "ring.", .begin = begin, .thread = { producer, consumer }, .preemptions = 3,
};
