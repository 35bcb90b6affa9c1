/* SPDX-License-Identifier: BSD-2-Clause */
/* Ours for records of any size: built and read in place. */
#include "ring.h"
#include <croom/ring.h>

struct self {
	struct croom_ring *ring;
};

LAB_INLINE unsigned put(struct self *self, uint64_t first, unsigned n)
{
	unsigned went = 0;

	for (struct record *to; went < n && (to = croom_ring_try_reserve(self->ring, sizeof(*to))); went++) {
		fill(to, first + went);
		croom_ring_commit(self->ring, sizeof(*to));
	}
	if (went)
		croom_ring_publish(self->ring);
	return went;
}

LAB_INLINE unsigned take(struct self *self, uint64_t first, unsigned n, uint64_t *wrong)
{
	const struct record *from;
	unsigned came = 0;
	size_t length;

	if (!croom_ring_fetch(self->ring))
		return 0;
	for (; came < n && (from = croom_ring_peek(self->ring, &length)); came++) {
		*wrong += length != sizeof(*from) || differs(from, first + came);
		croom_ring_next(self->ring);
	}
	croom_ring_release(self->ring);
	return came;
}

#include "ring-loops.h"

static void *ring_open(unsigned capacity)
{
	static struct self self[4];
	static unsigned next;
	struct self *one = &self[next++ % 4];

	if (croom_ring_open(&one->ring, (size_t)capacity * (croom_ring_step(sizeof(struct record)))))
		lab_die("cannot make a ring");
	return one;
}

static void ring_close(void *arg)
{
	croom_ring_close(((struct self *)arg)->ring);
}

extern const struct lab_ring RING;
const struct lab_ring RING = { "croom ring", true, SIZE, ring_open, ring_close, LAB_RING_LOOPS };
