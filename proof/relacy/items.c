// SPDX-License-Identifier: BSD-2-Clause
/*
 * Small items, seven to a cell, from the last cell of the memory on: a producer that puts one, then many, so that a cell is
 * first begun and then filled, and its word speaks for the cells behind it; a consumer that takes one, then many. Items
 * arrive in order, none twice, none that was never put.
 */
#include "proof.h"
#include <croom/items.h>

enum { CELLS = 18, PER_CELL = 7, BYTES = 8, MANY = PER_CELL - 2 + 2 * PER_CELL, TAKES = 3 };

static struct croom_items *items;
static uint64_t begun;           /* items that went through before the threads began */

static void begin(void)
{
	uint64_t cell[PER_CELL];

	/* The smallest queue there is: 18 cells. The numbers of the cells are about to wrap. */
	proof_expect(croom_items_open_at(&items, BYTES, 1, UINT64_MAX - CELLS) == 0 && items->cells == CELLS, "no such queue");
	for (begun = 0; begun < (CELLS - 1) * PER_CELL; begun += PER_CELL) {
		for (unsigned i = 0; i < PER_CELL; i++)
			cell[i] = begun + i;
		croom_items_put_many(items, cell, PER_CELL, BYTES);
		croom_items_take_many(items, cell, PER_CELL, BYTES);
	}
}

static void producer(void)
{
	uint64_t next = begun, many[MANY];

	for (unsigned i = 0; i < 2; i++, next++)
		proof_expect(croom_items_put(items, &next, BYTES), "no room in an empty queue");
	for (unsigned i = 0; i < MANY; i++)
		many[i] = next + i;
	proof_expect(croom_items_put_many(items, many, MANY, BYTES) == MANY, "no room in a queue that is nearly empty");
}

static void consumer(void)
{
	uint64_t next = begun, got[MANY + 2];

	for (unsigned i = 0; i < TAKES; i++) {
		if (croom_items_take(items, got, BYTES))
			proof_expect(got[0] == next++, "an item that is not the next");
		size_t count = croom_items_take_many(items, got, MANY + 2, BYTES);
		for (size_t k = 0; k < count; k++)
			proof_expect(got[k] == next++, "one of many items that is not the next");
	}
}

const struct proof_model proof_model = {
	.what = "small items, one and many, across the end of the memory and of the numbers",
	.orders = "items.fill.", .begin = begin, .thread = { producer, consumer }, .preemptions = 3,
};
