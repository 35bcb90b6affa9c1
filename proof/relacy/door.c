// SPDX-License-Identifier: BSD-2-Clause
/*
 * The door of the tap: a thread that sleeps when its ring is empty, and one that puts two records there, a knock after each.
 * No sleep ends by itself here, so a wake that is missed is a deadlock.
 */
#include "door.h"
#include "proof.h"
#include <croom/ring.h>

enum { RECORDS = 2 };

static struct croom_ring *ring;
static uint32_t door;

static void begin(void)
{
	door = DOOR_OPEN;
	proof_expect(croom_ring_open(&ring, 4096) == 0, "no ring");
}

static void knocker(void)
{
	for (uint64_t i = 1; i <= RECORDS; i++) {
		uint64_t *to = croom_ring_reserve(ring, sizeof(*to));

		*to = i;
		croom_ring_commit(ring, sizeof(*to));
		croom_ring_publish(ring);
		door_knock(&door);
	}
}

static void sleeper(void)
{
	const uint64_t *from;
	uint64_t last = 0;
	size_t length;

	while (last < RECORDS) {
		door_shut(&door, DOOR_SHUT);
		if (!croom_ring_fetch(ring))
			door_wait(&door, DOOR_SHUT, 50 * 1000 * 1000);
		while ((from = croom_ring_peek(ring, &length))) {
			proof_expect(*from == ++last, "a record that is not the next");
			croom_ring_next(ring);
		}
		croom_ring_release(ring);
	}
}

const struct proof_model proof_model = {
	.what = "a sleeper and a knocker at the tap's door",
	.orders = "tap.door.", .begin = begin, .thread = { knocker, sleeper }, .preemptions = 4,
};
