// SPDX-License-Identifier: BSD-2-Clause
/*
 * croom/items.h, two cells of two items: one at a time and a cell at a time, once around.
 *
 * Weak, found by TSan: items.fill.put items.fill.put_many items.fill.ready items.release.release items.release.enter
 */
#include "harness.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#undef __x86_64__                  /* the prefetch there is assembly, and is not what is checked */
#include <croom/items.h>

enum { CELLS = 2, ITEMS = 6 };

struct item {
	uint64_t number, again, more;
};

static unsigned char cell[CELLS * 64] __attribute__((aligned(64)));
static struct croom_items items;

/* As croom_items_open() leaves it. */
static void begin(void)
{
	for (int i = 0; i < CELLS; i++)
		*croom_items_word(cell + 64 * i, sizeof(struct item)) = 0;
	items = (struct croom_items){ .cell = cell, .end = cell + sizeof(cell), .cells = CELLS,
		.bytes = sizeof(struct item), .lag = 1, .put_cell = cell, .take_cell = cell, .put_lap = 1,
		.take_lap = 1, .released = 1, .released_seen = 1 };
}

static struct item item_of(uint64_t i)
{
	return (struct item){ i, i, i };
}

static void *one(void *none)
{
	uint64_t i = 1;

	for (; i <= 2; i++) {
		struct item item = item_of(i);

		until(croom_items_put(&items, &item, sizeof(item)));
	}
	for (; i <= ITEMS; i += 2) {
		struct item pair[] = { item_of(i), item_of(i + 1) };

		/* Both or none: a cell is free or is not. */
		until(croom_items_put_many(&items, pair, 2, sizeof(pair[0])));
	}
	return none;
}

static void *other(void *none)
{
	for (uint64_t i = 1; i <= ITEMS; i++) {
		struct item item;

		until(croom_items_take(&items, &item, sizeof(item)));
		assert(item.number == i && item.again == i && item.more == i);
	}
	return none;
}

static void end(void)
{
	assert(croom_items_used(&items) == 0);
}
