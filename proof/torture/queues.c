// SPDX-License-Identifier: BSD-2-Clause
/*
 * The rest of the library's ordered accesses, a pair of threads each: ring, items, strings, wire. All are small, so
 * that they are full or empty all the time. What is sent follows from its number, so the receiver knows what it must
 * be.
 */
#include "torture.h"
#include <croom/items.h>
#include <croom/ring.h>
#include <croom/strings.h>
#include <errno.h>
#include <string.h>

enum { RING_BYTES = 4096, RECORD_MAX = 200, ITEMS = 64, MANY = 32, STRINGS = 8192, MESSAGES = 64,
       BURST = 1000, REST_US = 1000, LOOKS_MAX = 200 };

struct item {
	uint64_t number, check;
};

struct message {
	uint64_t number, check;
};

static struct croom_ring *ring;
static struct croom_items *items;
static uint64_t ring_shown, items_shown;   /* what the producer has shown to the consumer; relaxed */

/* Nothing came, and something is there: that may be so for a moment, and then not again and again. */
static bool starves(const uint64_t *shown, uint64_t taken, unsigned *looks, enum finding finding)
{
	*looks = __atomic_load_n(shown, __ATOMIC_RELAXED) > taken ? *looks + 1 : 0;
	if (*looks < LOOKS_MAX)
		return false;
	found(finding, "number %llu was put, and %u looks have not shown it", (big)taken, *looks);
	return true;
}

static size_t record_length(uint64_t number)
{
	return sizeof(number) + number * 37 % RECORD_MAX;
}

void ring_put_body(struct crew *self)
{
	uint64_t number = 0;

	while (!torture_over()) {
		for (unsigned n = luck_below(&self->luck, BURST); n; n--) {
			size_t length = record_length(number);
			unsigned char *to = croom_ring_reserve(ring, length);

			if (!to)
				break;
			memcpy(to, &number, sizeof(number));
			memset(to + sizeof(number), (int)(number & 0xff), length - sizeof(number));
			croom_ring_commit(ring, length);
			number++;
			if (luck_below(&self->luck, 4) == 0)
				croom_ring_publish(ring);
		}
		croom_ring_publish(ring);
		__atomic_store_n(&ring_shown, number, __ATOMIC_RELAXED);
		crew_rest(&self->luck, REST_US);
	}
}

static bool record_good(const unsigned char *from, size_t length, uint64_t number)
{
	uint64_t is = 0;

	if (length != record_length(number))
		return false;
	memcpy(&is, from, sizeof(is));
	for (size_t i = sizeof(is); i < length; i++)
		if (from[i] != (number & 0xff))
			return false;
	return is == number;
}

void ring_take_body(struct crew *self)
{
	uint64_t number = 0, told = 0;
	unsigned looks = 0;

	while (!torture_over()) {
		const unsigned char *from;
		size_t length;

		if (croom_ring_fetch(ring) == 0) {
			if (starves(&ring_shown, number, &looks, FOUND_RING))
				return;
			crew_rest(&self->luck, REST_US);
		} else {
			looks = 0;
		}
		while ((from = croom_ring_peek(ring, &length))) {
			if (!record_good(from, length, number)) {
				found(FOUND_RING, "record %llu is another one, or not complete", (big)number);
				return;
			}
			number++;
			croom_ring_next(ring);
			if (luck_below(&self->luck, 8) == 0)
				croom_ring_release(ring);
		}
		croom_ring_release(ring);
		torture_done(ACTOR_RING, number - told);
		told = number;
	}
}

void items_put_body(struct crew *self)
{
	uint64_t number = 0;

	while (!torture_over()) {
		for (unsigned n = luck_below(&self->luck, BURST); n; n--) {
			struct item item[MANY];
			unsigned many = 1 + luck_below(&self->luck, luck_below(&self->luck, 2) ? 1 : MANY), went;

			for (unsigned i = 0; i < many; i++)
				item[i] = (struct item){ number + i, ~(number + i) };
			if (many == 1)
				went = croom_items_put(items, item, sizeof(item[0]));
			else
				went = (unsigned)croom_items_put_many(items, item, many, sizeof(item[0]));
			number += went;
			if (went < many)
				break;
		}
		__atomic_store_n(&items_shown, number, __ATOMIC_RELAXED);
		crew_rest(&self->luck, REST_US);
	}
}

void items_take_body(struct crew *self)
{
	uint64_t number = 0, told = 0;
	unsigned looks = 0;

	while (!torture_over()) {
		struct item item[MANY];
		unsigned came;

		if (luck_below(&self->luck, 2))
			came = croom_items_take(items, item, sizeof(item[0]));
		else
			came = (unsigned)croom_items_take_many(items, item, MANY, sizeof(item[0]));
		for (unsigned i = 0; i < came; i++, number++)
			if (item[i].number != number || item[i].check != ~number) {
				found(FOUND_ITEMS, "item %llu is %llu with the check %llx", (big)number,
				      (big)item[i].number, (big)item[i].check);
				return;
			}
		if (came) {
			looks = 0;
			continue;
		}
		torture_done(ACTOR_ITEMS, number - told);
		told = number;
		if (starves(&items_shown, number, &looks, FOUND_ITEMS))
			return;
		crew_rest(&self->luck, REST_US);
	}
}

/* The registry of the moment. Its writer makes a new one when it is full; the reader lets go of the old one first. */
static struct croom_strings *strings;
enum { STRINGS_NONE, STRINGS_THERE, STRINGS_FULL, STRINGS_LEFT };
static int strings_state;

static void strings_set(int state)
{
	__atomic_store_n(&strings_state, state, __ATOMIC_RELEASE);
}

static int strings_get(void)
{
	return __atomic_load_n(&strings_state, __ATOMIC_ACQUIRE);
}

/* Of the string that gets this id. */
static size_t text_of(char *text, size_t size, uint32_t id)
{
	return (size_t)snprintf(text, size, "%.*s%u", (int)(id % 24), "string number and length", id);
}

static bool strings_fill(struct crew *self)
{
	uint32_t id = 0, got;
	char text[48];

	while (!torture_over()) {
		int rc = croom_strings_intern(strings, text, text_of(text, sizeof(text), id), &got);

		if (rc == -ENOSPC)
			return true;
		if (rc || got != id)
			found(FOUND_STRINGS, "string %u got the id %u (%d)", id, got, rc);
		if (id++ % 256 == 0)
			crew_rest(&self->luck, REST_US);
	}
	return false;
}

void strings_write_body(struct crew *self)
{
	while (!torture_over()) {
		int rc = croom_strings_open(&strings, STRINGS, STRINGS * 48);

		if (rc) {
			found(FOUND_STRINGS, "a registry could not be opened: %s", strerror(-rc));
			return;
		}
		strings_set(STRINGS_THERE);
		if (strings_fill(self))
			strings_set(STRINGS_FULL);
		while (strings_get() == STRINGS_FULL && !torture_over())
			crew_rest(&self->luck, REST_US);
		if (strings_get() == STRINGS_LEFT)
			croom_strings_close(strings);
	}
}

/*
 * Look the id up by its number, its bytes up by themselves. Neither may be there yet, but if it is, it is complete; and
 * when the next id is there, both are.
 */
static void strings_look(uint32_t id)
{
	char text[48];
	size_t length = text_of(text, sizeof(text), id), got_length = 0;
	uint32_t got = id;
	bool later = croom_strings_get(strings, id + 1, &got_length) != NULL;
	const char *bytes = croom_strings_get(strings, id, &got_length);

	if (bytes ? got_length != length || memcmp(bytes, text, length + 1) != 0 : later)
		found(FOUND_STRINGS, "id %u is the string '%.*s'", id, (int)(got_length < 64 ? got_length : 64),
		      bytes ? bytes : "");
	if (croom_strings_find(strings, text, length, &got)) {
		if (later)
			found(FOUND_STRINGS, "the string '%s' is not found, and the one after it is there", text);
		return;
	}
	bytes = croom_strings_get(strings, got, &got_length);
	if (got != id || !bytes || got_length != length || memcmp(bytes, text, length + 1) != 0)
		found(FOUND_STRINGS, "the string '%s' is said to have the id %u, which %s", text, got,
		      bytes ? "is another's" : "is none");
}

void strings_read_body(struct crew *self)
{
	while (!torture_over()) {
		int state = strings_get();

		for (unsigned i = 0; state == STRINGS_THERE && i < 100 && !torture_over(); i++) {
			uint32_t count = (uint32_t)croom_strings_count(strings);

			strings_look(count + 1 - luck_below(&self->luck, count < 3 ? count + 1 : 3));
			strings_look(luck_below(&self->luck, count + 1));
			torture_done(ACTOR_STRINGS, 2);
		}
		if (state == STRINGS_FULL)
			strings_set(STRINGS_LEFT);
		crew_rest(&self->luck, REST_US);
	}
}

/* A bare wire says nothing of when the old value is free, so the reader hands back the number that it has gone to. */
static struct message messages[MESSAGES + 1];   /* the last one is never written */
static struct message *wire = &messages[0];
static uint64_t wire_left __attribute__((aligned(64)));

void wire_set_body(struct crew *self)
{
	uint64_t number = 0;

	while (!torture_over()) {
		for (unsigned n = luck_below(&self->luck, BURST); n; n--) {
			struct message *message = &messages[(number + 1) % MESSAGES];

			if (number + 1 >= __atomic_load_n(&wire_left, __ATOMIC_ACQUIRE) + MESSAGES)
				break;
			number++;
			message->number = number;
			message->check = number * 3;
			croom_wire_set(&wire, message);
		}
		crew_rest(&self->luck, REST_US);
	}
}

void wire_get_body(struct crew *self)
{
	uint64_t last = 0;

	while (!torture_over()) {
		for (unsigned n = luck_below(&self->luck, BURST); n; n--) {
			const struct message *message = croom_wire_get(&wire);

			if (message->check != message->number * 3 || message->number < last) {
				found(FOUND_WIRE, "message %llu after %llu is not complete", (big)message->number,
				      (big)last);
				return;
			}
			last = message->number;
			__atomic_store_n(&wire_left, last, __ATOMIC_RELEASE);
			torture_done(ACTOR_WIRE, 1);
		}
		crew_rest(&self->luck, REST_US);
	}
}

int queues_open(void)
{
	int rc = croom_ring_open(&ring, RING_BYTES);

	/* None is good before it is written, but the one that the wire begins with. */
	for (unsigned i = 1; i <= MESSAGES; i++)
		messages[i].check = 1;
	return rc ? rc : croom_items_open(&items, sizeof(struct item), ITEMS);
}

void queues_close(void)
{
	croom_ring_close(ring);
	croom_items_close(items);
	/* Its writer may have ended before it opened the next one. */
	if (strings_state != STRINGS_LEFT)
		croom_strings_close(strings);
}
