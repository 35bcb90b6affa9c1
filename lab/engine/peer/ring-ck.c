/* SPDX-License-Identifier: BSD-2-Clause */
/* Concurrency Kit's ring of structures: in place on the producer's side, copied out on the other; no batches. */
#include "ring.h"
#include <ck_ring.h>

struct self {
	ck_ring_t ring __attribute__((aligned(128)));
	struct record *buffer;
};

CK_RING_PROTOTYPE(lab, record)

LAB_INLINE unsigned put(struct self *self, uint64_t first, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct record *to = ck_ring_enqueue_reserve_spsc_lab(&self->ring, self->buffer);

		if (!to)
			return i;
		fill(to, first + i);
		ck_ring_enqueue_commit_spsc(&self->ring);
	}
	return n;
}

LAB_INLINE unsigned take(struct self *self, uint64_t first, unsigned n, uint64_t *wrong)
{
	struct record record;

	for (unsigned i = 0; i < n; i++) {
		if (!ck_ring_dequeue_spsc_lab(&self->ring, self->buffer, &record))
			return i;
		*wrong += differs(&record, first + i);
	}
	return n;
}

#include "ring-loops.h"

/* One place stays free. */
static void *ring_open(unsigned capacity)
{
	struct self *self = lab_alloc(sizeof(*self));

	self->buffer = lab_alloc(2 * capacity * sizeof(struct record));
	ck_ring_init(&self->ring, capacity);
	return self;
}

static void ring_close(void *arg)
{
	free(((struct self *)arg)->buffer);
	free(arg);
}

extern const struct lab_ring RING;
const struct lab_ring RING = { "ck_ring", false, SIZE, ring_open, ring_close, LAB_RING_LOOPS };
