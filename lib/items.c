/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queue of small items with the state in the line. The rest is inline in croom/items.h. The producer owns a line
 * while its count is not full, the consumer owns the count of a full one; if either stops anywhere, the other sees
 * a queue that is full or empty.
 */
#include <croom/items.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int croom_items_open(struct croom_items **out, size_t item_bytes, size_t capacity)
{
	size_t words = item_bytes / 8, lines, per_line;
	struct croom_items *items;

	*out = NULL;
	if (item_bytes % 8 || words == 0 || words > 7 || capacity == 0 || capacity > UINT32_MAX / 2)
		return -EINVAL;
	per_line = 7 / words;
	/* One line more than asked for: the line that is being filled may hold no more than one item. */
	lines = (capacity + per_line - 1) / per_line + 1;
	if (lines < CROOM_ITEMS_AHEAD + 1)
		lines = CROOM_ITEMS_AHEAD + 1;
	items = aligned_alloc(128, sizeof(*items));
	if (!items)
		return -ENOMEM;
	memset(items, 0, sizeof(*items));
	items->line = aligned_alloc(64, lines * sizeof(items->line[0]));
	if (!items->line) {
		free(items);
		return -ENOMEM;
	}
	memset(items->line, 0, lines * sizeof(items->line[0]));
	items->lines = (uint32_t)lines;
	items->words = (uint32_t)words;
	items->per_line = (uint32_t)per_line;
	*out = items;
	return 0;
}

void croom_items_close(struct croom_items *items)
{
	if (!items)
		return;
	free(items->line);
	free(items);
}

/* One store of the count per line. */
size_t croom_items_put_many(struct croom_items *items, const void *array, size_t n)
{
	const uint64_t *from = array;
	size_t done = 0;

	while (done < n && croom_items_open_line(items)) {
		struct croom_items_line *line = &items->line[items->put_line];
		size_t room = items->per_line - items->put_count, count = n - done < room ? n - done : room;

		memcpy(&line->word[items->put_count * items->words], from, count * items->words * 8);
		from += count * items->words;
		done += count;
		items->put_count += (uint32_t)count;
		/* pair: items.fill -- release; the acquire is in croom_items_take(), croom/items.h. */
		croom_set_release(&line->count, items->put_count);
		if (items->put_count == items->per_line) {
			items->put_count = 0;
			items->put_line = items->put_line + 1 == items->lines ? 0 : items->put_line + 1;
		}
	}
	/* relaxed: one writer, figures for people. */
	croom_set_relaxed(&items->put, items->put + done);
	croom_set_relaxed(&items->refused, items->refused + (n - done));
	return done;
}

size_t croom_items_take_many(struct croom_items *items, void *array, size_t n)
{
	uint64_t *to = array;
	size_t done = 0;

	while (done < n) {
		const struct croom_items_line *line = &items->line[items->take_line];
		size_t ready, count;

		if (items->take_count == items->take_ready)
			/* pair: items.fill -- acquire; the release is in croom_items_put(), croom/items.h. */
			items->take_ready = (uint32_t)croom_get_acquire(&line->count);
		ready = items->take_ready - items->take_count;
		if (ready == 0)
			break;
		count = n - done < ready ? n - done : ready;
		memcpy(to, &line->word[items->take_count * items->words], count * items->words * 8);
		to += count * items->words;
		done += count;
		items->take_count += (uint32_t)count;
		if (items->take_count == items->per_line)
			croom_items_close_line(items);
	}
	/* relaxed: one writer, a figure for people. */
	croom_set_relaxed(&items->taken, items->taken + done);
	return done;
}
