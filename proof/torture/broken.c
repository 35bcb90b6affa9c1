// SPDX-License-Identifier: BSD-2-Clause
/*
 * The broken variants: the library with one thing wrong. Here are those that change an ordered access; wrapped.c has
 * the others.
 */
#include "broken.h"
#include <croom/panel.h>
#include <stddef.h>

/* The newest revision, as the publishing thread knows it just before the store. */
static uint64_t published;

static __thread struct {
	void *at;
	uint64_t value;
} held;

/* What the library keeps there may be a pointer. */
typedef uint64_t __attribute__((may_alias)) any_word;

const char *torture_broken;

static bool drop(void *at, uint64_t *value)
{
	(void)at;
	(void)value;
	return false;
}

static bool drop_some(void *at, uint64_t *value)
{
	static __thread unsigned turn;

	(void)at;
	(void)value;
	return turn++ % 16 != 0;
}

static bool one_more(void *at, uint64_t *value)
{
	(void)at;
	(*value)++;
	return true;
}

/* Two headers of a ring's records, or one message of the wire's, further. */
static bool sixteen_more(void *at, uint64_t *value)
{
	(void)at;
	*value += 16;
	return true;
}

/* The word of a cell: one more cell behind it is full. */
static bool one_cell_more(void *at, uint64_t *value)
{
	(void)at;
	*value += 8;
	return true;
}

/* One more item is in the cell, if it holds more. */
static bool one_item_more(void *at, uint64_t *value)
{
	(void)at;
	if ((*value & 7) < 3)
		(*value)++;
	return true;
}

static void let_go(void)
{
	if (held.at)
		__atomic_store_n((any_word *)held.at, held.value, __ATOMIC_RELAXED);
	held.at = NULL;
}

/* The store is made after the next load, as a processor may that was not told otherwise. */
static bool hold(void *at, uint64_t *value)
{
	let_go();
	held.at = at;
	held.value = *value;
	return false;
}

static uint64_t load_then_let_go(uint64_t value)
{
	torture_moment();
	let_go();
	return value;
}

static bool note_published(void *at, uint64_t *value)
{
	const struct croom_panel *panel = (const struct croom_panel *)(uintptr_t)*value;

	(void)at;
	__atomic_store_n(&published, panel->revision, __ATOMIC_RELAXED);
	return true;
}

/* What a counter of the lane's own says: something has happened here since the publication. */
static bool newest(void *at, uint64_t *value)
{
	(void)at;
	torture_moment();
	*value = __atomic_load_n(&published, __ATOMIC_RELAXED);
	return true;
}

/* The lane is taken for one that runs the newest panel, unless it is parked. */
static uint64_t not_waited_for(uint64_t value)
{
	static __thread unsigned turn;

	return value >> 63 || turn++ % 4 ? value : __atomic_load_n(&published, __ATOMIC_RELAXED);
}

const struct torture_variant torture_variants[] = {
	{ "echo-ahead", "lane.observed.take", "a lane says it has left the panel that it begins with", NULL, one_more },
	{ "echo-dropped", "lane.observed.take", "one in 16 echoes is not stored", NULL, drop_some },
	{ "own-counter", "lane.observed.take", "the echo says that time has passed, not which panel it was", NULL, newest },
	{ "own-counter", "lane.unpark.publish", NULL, NULL, note_published },
	{ "no-wait", "lane.unpark.look", "one look in four does not wait for the lane", not_waited_for, NULL },
	{ "no-wait", "lane.unpark.publish", NULL, NULL, note_published },
	{ "park-dropped", "lane.observed.park", "a lane that sleeps does not say so", NULL, drop },
	{ "announce-late", "lane.unpark.announce", "a waking lane takes the panel before it says so", NULL, hold },
	{ "announce-late", "lane.unpark.wake", NULL, load_then_let_go, NULL },
	{ "publish-late", "lane.unpark.publish", "the lanes are looked at before the panel is published", NULL, hold },
	{ "publish-late", "lane.unpark.look", NULL, load_then_let_go, NULL },
	{ "publish-early", NULL, "a panel is published before it is filled", NULL, NULL },
	{ "panel-reuse", NULL, "a panel is freed, and used for the next one, when it is replaced", NULL, NULL },
	{ "torn-pair", NULL, "an entry has the context of one handler and the function of another", NULL, NULL },
	{ "torn-swap", NULL, "a slot keeps what it had when others of the same transaction change", NULL, NULL },
	{ "wrong-slot", NULL, "a handler is put into the slot beside its own", NULL, NULL },
	{ "never-closed", NULL, "a panel is forgotten, and its handlers stay open", NULL, NULL },
	{ "closed-twice", NULL, "a handler is closed twice", NULL, NULL },
	{ "trial-loose", NULL, "a trial does not keep the handler that it may go back to", NULL, NULL },
	{ "breach-dropped", "trial.breach.lane", "a rule is broken, and nobody is told", NULL, drop },
	{ "history-lost", NULL, "a change is not remembered", NULL, NULL },
	{ "class-guessed", NULL, "a class that does not exist is taken for the empty one", NULL, NULL },
	{ "calls-wrong", NULL, "the room shows a call more than there were", NULL, NULL },
	{ "first-wrong", "lane.mark.first", "the mark of a revision's first record is one too high", NULL, one_more },
	{ "decided-ahead", "box.decided.decide", "a decision is counted before it is there", NULL, one_more },
	{ "box-unlocked", "box.sequence.update", "handlers show while they are written", NULL, one_more },
	{ "ring-publish", "ring.publish.publish", "records show before they are written", NULL, sixteen_more },
	{ "ring-release", "ring.release.release", "room is given back that is still read", NULL, sixteen_more },
	{ "items-fill", "items.fill.put", "an item shows before it is written", NULL, one_item_more },
	{ "items-fill-many", "items.fill.put_many", "a cell shows before it is full", NULL, one_cell_more },
	{ "items-release", "items.release.release", "a cell is given back that is still read", NULL, one_more },
	{ "strings-count", "strings.count.intern", "an id is good before its string is there", NULL, one_more },
	{ "wire-ahead", "wire.set", "a message shows before it is written", NULL, sixteen_more },
	{ "strings-place", "strings.place.intern", "the bytes lead to an id that is not theirs", NULL, one_more },
};
const unsigned torture_variants_count = sizeof(torture_variants) / sizeof(torture_variants[0]);

uint64_t torture_load(const struct torture_site *site, uint64_t value)
{
	return site->variant->load ? site->variant->load(value) : value;
}

bool torture_store(const struct torture_site *site, void *at, uint64_t *value)
{
	return !site->variant->store || site->variant->store(at, value);
}
