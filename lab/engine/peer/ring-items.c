/* SPDX-License-Identifier: BSD-2-Clause */
/* Ours for records of one size. */
#include "ring.h"
#include <croom/items.h>

struct self {
	struct croom_items *items;
};

LAB_INLINE unsigned put(struct self *self, uint64_t first, unsigned n)
{
	struct record record[64];

	if (n == 1) {
		fill(record, first);
		return croom_items_put(self->items, record, sizeof(record[0]));
	}
	for (unsigned i = 0; i < n; i++)
		fill(&record[i], first + i);
	return (unsigned)croom_items_put_many(self->items, record, n, sizeof(record[0]));
}

LAB_INLINE unsigned take(struct self *self, uint64_t first, unsigned n, uint64_t *wrong)
{
	struct record record[64];
	unsigned came = n == 1 ? croom_items_take(self->items, record, sizeof(record[0])) :
				 (unsigned)croom_items_take_many(self->items, record, n, sizeof(record[0]));

	for (unsigned i = 0; i < came; i++)
		*wrong += differs(&record[i], first + i);
	return came;
}

#include "ring-loops.h"

static void *ring_open(unsigned capacity)
{
	struct self *self = lab_alloc(sizeof(*self));

	if (croom_items_open(&self->items, sizeof(struct record), capacity))
		lab_die("cannot make a queue of items");
#ifdef PREFETCH
	croom_items_prefetching(self->items, true);
#endif
	return self;
}

static void ring_close(void *arg)
{
	croom_items_close(((struct self *)arg)->items);
	free(arg);
}

extern const struct lab_ring RING;
#ifdef PREFETCH
#define NAME "croom items, prefetch"
#else
#define NAME "croom items"
#endif
const struct lab_ring RING = { NAME, true, SIZE, ring_open, ring_close, LAB_RING_LOOPS };
