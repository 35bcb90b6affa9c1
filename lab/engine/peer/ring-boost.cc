// SPDX-License-Identifier: BSD-2-Clause
// boost::lockfree::spsc_queue: one record at a time, or an array at a time.
#include "ring.h"
#include <boost/lockfree/spsc_queue.hpp>

namespace {

struct self {
	explicit self(unsigned capacity) : queue(capacity)
	{
	}
	boost::lockfree::spsc_queue<record> queue;
};

LAB_INLINE unsigned put(self *at, uint64_t first, unsigned n)
{
	record array[64];

	for (unsigned i = 0; i < n; i++)
		fill(&array[i], first + i);
	return n == 1 ? at->queue.push(array[0]) : static_cast<unsigned>(at->queue.push(array, n));
}

LAB_INLINE unsigned take(self *at, uint64_t first, unsigned n, uint64_t *wrong)
{
	record array[64];
	unsigned came = n == 1 ? at->queue.pop(array[0]) : static_cast<unsigned>(at->queue.pop(array, n));

	for (unsigned i = 0; i < came; i++)
		*wrong += differs(&array[i], first + i);
	return came;
}

#include "ring-loops.h"

void *ring_open(unsigned capacity)
{
	return new self(capacity);
}

void ring_close(void *arg)
{
	delete static_cast<self *>(arg);
}

}

extern "C" {
extern const lab_ring RING;
const lab_ring RING = { "boost::lockfree::spsc_queue", false, SIZE, ring_open, ring_close, LAB_RING_LOOPS };
}
