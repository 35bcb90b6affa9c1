/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A single-producer single-consumer queue of items of one size: events, pointers, packets. The state is in the
 * element: items lie in cells of whole cache lines, and each cell ends in one word that says of which lap it is, how
 * many items are in it, and how many cells behind it are full as well. So a message costs one cache miss where head
 * and tail indices cost two, and the consumer does not touch a line that the producer is still writing when it has been
 * told of more. Small items (up to 56 bytes) share a cell of one line; a larger one has a cell of its own.
 *
 *	croom_items_open(&items, sizeof(struct event), 1024);
 *	if (!croom_items_put(items, &event, sizeof(event))) ...     // producer thread: full, counted
 *	while (croom_items_take(items, &event, sizeof(event))) ...  // consumer thread
 *
 * The size is given with every call as well: where it is a constant, a copy is a few instructions. An item shows to
 * the consumer with the put; croom_items_put_many() shows up to 64 cells at a time. Neither side waits for the other.
 *
 * The producer finds out which cells are free from a count of the consumer's that it looks at once per lap at most,
 * unless the queue is full; nobody writes to a line of the other side's. Counts are 64 bits and wrap.
 */
#ifndef CROOM_ITEMS_H
#define CROOM_ITEMS_H

#include <assert.h>
#include <croom/wire.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Visible for the inline calls below only. Each group is on cache lines of its own. */
struct croom_items {
	unsigned char *cell, *end;                                  /* constant from here... */
	uint64_t cells;
	size_t bytes;
	bool prefetch;
	uint64_t lag;                                               /* ...to here */
	unsigned char *put_cell __attribute__((aligned(128)));      /* the producer's: where it is */
	uint64_t put_lap, put_count;                                /* number of the cell, items in it */
	uint64_t released_seen, refused;
	unsigned char *take_cell __attribute__((aligned(128)));     /* the consumer's */
	uint64_t take_lap, take_count, take_ready, take_full;       /* full: cells behind this one that are known to be */
	uint64_t unreleased;
	uint64_t released __attribute__((aligned(128)));            /* written by the consumer: cells given back */
};

enum { CROOM_ITEMS_MAX_BYTES = 65536, CROOM_ITEMS_AHEAD = 512, CROOM_ITEMS_BATCH = 64 };

#pragma GCC visibility push(default)

/*
 * A queue of at least `capacity` items of `bytes` each (a multiple of 8, at most CROOM_ITEMS_MAX_BYTES).
 * 0, -EINVAL, -ENOMEM.
 */
int croom_items_open(struct croom_items **items, size_t bytes, size_t capacity);

/* The same, as it is after `start` cells: for tests of wrap-around. */
int croom_items_open_at(struct croom_items **items, size_t bytes, size_t capacity, uint64_t start);

/*
 * Should the producer ask for lines before it writes them? That is worth much on some processors and costs much on
 * others (croomlab's ring suite shows both): the default is yes, and no on AMD. Before the first put.
 */
void croom_items_prefetching(struct croom_items *items, bool on);

/* Both threads are done with it. NULL is allowed. */
void croom_items_close(struct croom_items *items);

#pragma GCC visibility pop

static inline size_t croom_items_per_cell(size_t bytes)
{
	return bytes <= 56 ? 56 / bytes : 1;
}

static inline size_t croom_items_stride(size_t bytes)
{
	return (bytes <= 56 ? 64 : bytes + 8 + 63) / 64 * 64;
}

/* What a cell says: its number, how many cells behind it are full, how many items are in it. Never twice in 2^48 cells. */
static inline uint64_t croom_items_says(uint64_t lap, size_t full, size_t count)
{
	return lap << 16 | full << 3 | count;
}

static inline uint64_t *croom_items_word(unsigned char *cell, size_t bytes)
{
	return (uint64_t *)(void *)(cell + croom_items_stride(bytes) - 8);
}

static inline unsigned char *croom_items_next(const struct croom_items *items, unsigned char *cell, size_t bytes)
{
	cell += croom_items_stride(bytes);
	return cell == items->end ? items->cell : cell;
}

/* Own the lines that come 8 later before they are written; see croom_items_prefetching(). */
static inline void croom_items_prefetch(const struct croom_items *items, const unsigned char *cell, size_t bytes)
{
	for (size_t at = 0; at < croom_items_stride(bytes) && at < CROOM_ITEMS_AHEAD; at += 64) {
		const unsigned char *line = cell + CROOM_ITEMS_AHEAD + at;

		if (line >= items->end)
			line -= items->end - items->cell;
#if defined(__x86_64__)
		__asm__ volatile("prefetchw %0" : : "m"(*line));
#else
		__builtin_prefetch(line, 1);
#endif
	}
}

/* May the producer write into this cell? */
static inline bool croom_items_enter(struct croom_items *items, const unsigned char *cell, uint64_t lap, size_t bytes)
{
	if (lap - items->released_seen == items->cells) {
		/* pair: items.release -- acquire; the release is in croom_items_release(), below. */
		items->released_seen = croom_get_acquire(items.release.enter, &items->released);
		if (lap - items->released_seen == items->cells)
			return false;
	}
	if (items->prefetch)
		croom_items_prefetch(items, cell, bytes);
	return true;
}

/* The producer is at this cell, which has `count` items. relaxed: one writer; others want a figure for people. */
static inline void croom_items_put_at(struct croom_items *items, unsigned char *cell, uint64_t lap, uint64_t count, size_t bytes)
{
	if (count == croom_items_per_cell(bytes)) {
		count = 0;
		items->put_cell = croom_items_next(items, cell, bytes);
		croom_set_relaxed(&items->put_lap, lap + 1);
	}
	croom_set_relaxed(&items->put_count, count);
}

/* Put up to n items from an array; returns how many had room, the rest are counted as refused. Producer thread. */
static inline size_t croom_items_put_many(struct croom_items *items, const void *array, size_t n, size_t bytes)
{
	const size_t per_cell = croom_items_per_cell(bytes);
	const unsigned char *from = (const unsigned char *)array;
	size_t left = n;

	assert(bytes == items->bytes);
	while (left && (items->put_count || croom_items_enter(items, items->put_cell, items->put_lap, bytes))) {
		unsigned char *first = items->put_cell, *cell = first;
		uint64_t lap = items->put_lap, full = 0, count = items->put_count;

		if (count || left < per_cell) {
			for (; left && count < per_cell; left--, count++, from += bytes)
				memcpy(cell + count * bytes, from, bytes);
		} else {
			/* Whole cells, copied by a constant size; the first one speaks for all. */
			for (;;) {
				memcpy(cell, from, per_cell * bytes);
				from += per_cell * bytes;
				left -= per_cell;
				if (left < per_cell || full + 1 == CROOM_ITEMS_BATCH ||
				    !croom_items_enter(items, croom_items_next(items, cell, bytes), lap + full + 1, bytes))
					break;
				full++;
				cell = croom_items_next(items, cell, bytes);
			}
			count = per_cell;
		}
		/* pair: items.fill -- release; the acquire is in croom_items_ready(), below. The items are complete. */
		croom_set_release(items.fill.put_many, croom_items_word(first, bytes), croom_items_says(lap, full, count));
		croom_items_put_at(items, cell, lap + full, count, bytes);
	}
	if (left)
		/* relaxed: one writer, a figure for people. */
		croom_set_relaxed(&items->refused, items->refused + left);
	return n - left;
}

/* Put one item; false when there is no room, and that is counted. Producer thread. */
static inline bool croom_items_put(struct croom_items *items, const void *item, size_t bytes)
{
	unsigned char *cell = items->put_cell;
	uint64_t lap = items->put_lap, count = items->put_count;

	assert(bytes == items->bytes);
	if (!count && !croom_items_enter(items, cell, lap, bytes)) {
		/* relaxed: one writer, a figure for people. */
		croom_set_relaxed(&items->refused, items->refused + 1);
		return false;
	}
	memcpy(cell + count * bytes, item, bytes);
	/* pair: items.fill -- release; the acquire is in croom_items_ready(), below. The item is complete. */
	croom_set_release(items.fill.put, croom_items_word(cell, bytes), croom_items_says(lap, 0, count + 1));
	croom_items_put_at(items, cell, lap, count + 1, bytes);
	return true;
}

/* Give the cells that were taken back to the producer. */
static inline void croom_items_release(struct croom_items *items)
{
	/* pair: items.release -- release; the acquire is in croom_items_enter(), above. Reading them is over. */
	croom_set_release(items.release.release, &items->released, items->take_lap);
	items->unreleased = 0;
}

/* How many items of the cell that the consumer is at are there and not taken? */
static inline uint64_t croom_items_ready(struct croom_items *items, size_t bytes)
{
	if (items->take_ready == items->take_count) {
		/* pair: items.fill -- acquire; the releases are in croom_items_put() and croom_items_put_many(), above. */
		uint64_t word = croom_get_acquire(items.fill.ready, croom_items_word(items->take_cell, bytes));

		/* Another number is what the lap before left there. */
		if (word >> 16 == items->take_lap << 16 >> 16) {
			items->take_ready = word & 7;
			items->take_full = word >> 3 & 8191;
		}
	}
	return items->take_ready - items->take_count;
}

/* The consumer has taken `count` items of its cell. relaxed: one writer; others want a figure for people. */
static inline void croom_items_take_at(struct croom_items *items, uint64_t count, size_t bytes)
{
	if (count < croom_items_per_cell(bytes)) {
		croom_set_relaxed(&items->take_count, count);
		return;
	}
	croom_set_relaxed(&items->take_count, 0);
	croom_set_relaxed(&items->take_lap, items->take_lap + 1);
	items->take_ready = items->take_full ? croom_items_per_cell(bytes) : 0;
	items->take_full -= items->take_full != 0;
	items->take_cell = croom_items_next(items, items->take_cell, bytes);
	if (++items->unreleased >= items->lag)
		croom_items_release(items);
}

/* Take up to n items into an array; returns how many. Consumer thread. */
static inline size_t croom_items_take_many(struct croom_items *items, void *array, size_t n, size_t bytes)
{
	const size_t per_cell = croom_items_per_cell(bytes);
	unsigned char *to = (unsigned char *)array;
	size_t left = n;

	assert(bytes == items->bytes);
	while (left) {
		size_t ready = (size_t)croom_items_ready(items, bytes), count = left < ready ? left : ready;

		if (ready == 0) {
			if (items->unreleased)
				croom_items_release(items);
			break;
		}
		if (count == per_cell)
			memcpy(to, items->take_cell, per_cell * bytes);
		else
			for (size_t i = 0; i < count; i++)
				memcpy(to + i * bytes, items->take_cell + (items->take_count + i) * bytes, bytes);
		to += count * bytes;
		left -= count;
		croom_items_take_at(items, items->take_count + count, bytes);
	}
	return n - left;
}

/* Take one item; false when there is none. Consumer thread. */
static inline bool croom_items_take(struct croom_items *items, void *item, size_t bytes)
{
	assert(bytes == items->bytes);
	if (!croom_items_ready(items, bytes)) {
		if (items->unreleased)
			croom_items_release(items);
		return false;
	}
	memcpy(item, items->take_cell + items->take_count * bytes, bytes);
	croom_items_take_at(items, items->take_count + 1, bytes);
	return true;
}

/* Items in the queue, a figure put together from several moments; exact while neither side goes on. Any thread. */
static inline uint64_t croom_items_used(const struct croom_items *items)
{
	/* relaxed: four figures of different moments; the consumer's first, so that the difference is hardly negative. */
	uint64_t take_lap = croom_get_relaxed(&items->take_lap), take_count = croom_get_relaxed(&items->take_count);
	uint64_t laps = croom_get_relaxed(&items->put_lap) - take_lap, put_count = croom_get_relaxed(&items->put_count);
	uint64_t put = laps * croom_items_per_cell(items->bytes) + put_count;

	return laps <= items->cells && put > take_count ? put - take_count : 0;
}

/* How many items found no room. Any thread. */
static inline uint64_t croom_items_refused(const struct croom_items *items)
{
	/* relaxed: a figure for people. */
	return croom_get_relaxed(&items->refused);
}

#ifdef __cplusplus
}
#endif
#endif
