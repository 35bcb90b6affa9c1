/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DPDK's ring, single producer and single consumer, elements in the ring itself. A size is a multiple of four bytes.
 */
#include "ring.h"
#include <rte_ring.h>
#include <rte_ring_elem.h>

struct self {
	struct rte_ring *ring;
};

LAB_INLINE unsigned put(struct self *self, uint64_t first, unsigned n)
{
	struct record record[64];

	for (unsigned i = 0; i < n; i++)
		fill(&record[i], first + i);
	return rte_ring_sp_enqueue_burst_elem(self->ring, record, sizeof(record[0]), n, NULL);
}

LAB_INLINE unsigned take(struct self *self, uint64_t first, unsigned n, uint64_t *wrong)
{
	struct record record[64];
	unsigned came = rte_ring_sc_dequeue_burst_elem(self->ring, record, sizeof(record[0]), n, NULL);

	for (unsigned i = 0; i < came; i++)
		*wrong += differs(&record[i], first + i);
	return came;
}

#include "ring-loops.h"

static void *ring_open(unsigned capacity)
{
	/* It is of a power of two with one place free, and holds exactly as many as it is told to. */
	ssize_t bytes = rte_ring_get_memsize_elem(sizeof(struct record), 2 * capacity);
	struct self *self = lab_alloc(sizeof(*self));

	if (bytes < 0)
		lab_die("DPDK has no ring of %u records of %u bytes", capacity, SIZE);
	self->ring = lab_alloc((size_t)bytes);
	if (rte_ring_init(self->ring, "lab", capacity, RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ))
		lab_die("DPDK cannot make a ring");
	return self;
}

static void ring_close(void *arg)
{
	free(((struct self *)arg)->ring);
	free(arg);
}

extern const struct lab_ring RING;
const struct lab_ring RING = { "DPDK rte_ring", false, SIZE, ring_open, ring_close, LAB_RING_LOOPS };
