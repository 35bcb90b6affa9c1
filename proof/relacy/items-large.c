// SPDX-License-Identifier: BSD-2-Clause
/*
 * Large items, a cell of several lines each, in a queue of three cells: the producer soon finds it full and writes over what
 * was taken. Items arrive whole, in order, and are read before their cell is filled again.
 */
#include "proof.h"
#include <croom/items.h>

enum { BYTES = 1000, WORDS = BYTES / 8, ITEMS = 5, TRIES = 8, TAKES = 5 };

static struct croom_items *items;

static void begin(void)
{
	proof_expect(croom_items_open(&items, BYTES, 1) == 0 && items->cells == 3, "no such queue");
}

static void fill(uint64_t *item, uint64_t number)
{
	item[0] = item[WORDS - 1] = number;
}

static void producer(void)
{
	uint64_t pair[2][WORDS] = { { 0 } }, next = 1;

	for (unsigned tries = 0; next <= ITEMS && tries < TRIES; tries++) {
		fill(pair[0], next);
		fill(pair[1], next + 1);
		if (next % 3 == 1)
			next += croom_items_put_many(items, pair, 2, BYTES);
		else
			next += croom_items_put(items, pair, BYTES);
	}
}

static void consumer(void)
{
	uint64_t item[WORDS], last = 0;

	for (unsigned i = 0; i < TAKES; i++)
		if (croom_items_take(items, item, BYTES)) {
			proof_expect(item[0] == last + 1 && item[WORDS - 1] == last + 1, "an item that is not the next, or not whole");
			last++;
		}
}

const struct proof_model proof_model = {
	.what = "large items, full and empty, in a queue of three cells",
	.orders = "items.", .begin = begin, .thread = { producer, consumer }, .preemptions = 2,
};
