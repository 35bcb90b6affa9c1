/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the cost of a swap grows: with lanes, with slots, with panels that wait for a late lane, with the history. The
 * lanes of the first are run in turn by one thread, so that a machine with two processors can have 64 of them.
 */
#include "lab.h"
#include <croom/lane.h>
#include <croom/room.h>
#include <stdio.h>
#include <string.h>

enum { SWAPS = 100 };

typedef struct { uint64_t sum; } item;
CROOM_RECORD(item, 1);

static char slot_name[CROOM_SLOTS_MAX][8];
static struct croom_slot slots[CROOM_SLOTS_MAX];
static struct croom_lane *lane[CROOM_LANES_MAX];
static const struct croom_panel *panel[CROOM_LANES_MAX];

static int handler_run(void *ctx, void *record)
{
	(void)ctx;
	(void)record;
	return 0;
}

static struct croom_room *make_room(unsigned slot_count, unsigned lanes)
{
	static const struct croom_class class = { .name = "handler", .help = "does nothing", .run = handler_run,
		.type = item_croom_type };
	struct croom_room *room;

	for (unsigned i = 0; i < slot_count; i++) {
		snprintf(slot_name[i], sizeof(slot_name[i]), "slot%u", i % 1000);
		slots[i] = (struct croom_slot){ .name = slot_name[i], .help = "one of many", .type = item_croom_type };
	}
	if (croom_room_open(&room, "lab", slots, slot_count))
		lab_die("cannot make a room of %u slots", slot_count);
	for (unsigned i = 0; i < slot_count; i++)
		if (croom_room_class_add(room, slots[i].name, &class, NULL))
			lab_die("cannot add a class");
	for (unsigned i = 0; i < lanes; i++) {
		char name[16];

		snprintf(name, sizeof(name), "lane%u", i % 1000);
		if (croom_room_lane_add(room, name, &lane[i]))
			lab_die("cannot add a lane");
	}
	return room;
}

static void wake(unsigned lanes)
{
	for (unsigned i = 0; i < lanes; i++)
		panel[i] = croom_lane_unpark(lane[i]);
}

static void observe(unsigned lanes)
{
	for (unsigned i = 0; i < lanes; i++)
		panel[i] = croom_lane_observe(lane[i], panel[i]);
}

static void park(unsigned lanes)
{
	for (unsigned i = 0; i < lanes; i++)
		croom_lane_park(lane[i]);
}

static void swap(struct croom_room *room, const char *slot, int64_t wait_ms)
{
	const struct croom_swap_options options = { .wait_ms = wait_ms };
	const struct croom_change change = { slot, "handler" };
	struct croom_error err;

	if (croom_room_swap(room, &change, 1, &options, NULL, &err))
		lab_die("a swap was refused: %s", err.text);
}

static struct {
	unsigned lanes;
	int awake, stop;
} runner;

static void run_lanes(void *arg)
{
	(void)arg;
	wake(runner.lanes);
	__atomic_store_n(&runner.awake, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&runner.stop, __ATOMIC_RELAXED))
		observe(runner.lanes);
	park(runner.lanes);
}

/* Until all lanes have moved. */
static void by_lanes(unsigned lanes, unsigned rounds)
{
	struct lab_case *one = lab_case_open("scale", "ns", "lower", "croom", rounds, "swap and observed, %u lanes", lanes);
	unsigned subject = lab_case_subject(one, "croom", true);
	struct croom_room *room = make_room(1, lanes);

	for (unsigned round = 0; round < rounds; round++) {
		struct lab_guard guard;
		const char *why;
		uint64_t start;

		lab_guard_begin(&guard, true);
		memset(&runner, 0, sizeof(runner));
		runner.lanes = lanes;
		lab_helper_start(run_lanes, NULL);
		while (!__atomic_load_n(&runner.awake, __ATOMIC_ACQUIRE))
			lab_relax();
		start = lab_ticks();
		for (unsigned i = 0; i < SWAPS; i++)
			swap(room, "slot0", 60000);
		lab_case_sample(one, subject, round, lab_ns(lab_ticks() - start) / SWAPS);
		__atomic_store_n(&runner.stop, 1, __ATOMIC_RELAXED);
		lab_helper_wait();
		why = lab_guard_end(&guard, true);
		lab_case_round_trip(one, round, guard.round_trip_ns);
		if (why)
			lab_case_drop(one, round, why);
	}
	lab_case_number(one, "lanes", lanes);
	lab_case_close(one);
	croom_room_close(room);
}

/* The writer's cost alone; one lane in the same thread, so that what was replaced is closed, too. */
static void by_slots(unsigned count, unsigned rounds)
{
	struct lab_case *one = lab_case_open("scale", "ns", "lower", "croom", rounds, "swap, %u slots", count);
	unsigned subject = lab_case_subject(one, "croom", true);
	struct croom_room *room = make_room(count, 1);

	wake(1);
	for (unsigned round = 0; round < rounds; round++) {
		struct lab_guard guard;
		const char *why;
		uint64_t start;

		lab_guard_begin(&guard, false);
		start = lab_ticks();
		for (unsigned i = 0; i < SWAPS; i++) {
			swap(room, slots[i % count].name, 0);
			observe(1);
		}
		lab_case_sample(one, subject, round, lab_ns(lab_ticks() - start) / SWAPS);
		why = lab_guard_end(&guard, false);
		if (why)
			lab_case_drop(one, round, why);
	}
	park(1);
	lab_case_number(one, "slots", count);
	lab_case_close(one);
	croom_room_close(room);
}

/* Swaps while a lane does not move: what they replace piles up. */
static void by_waiting(unsigned waiting, unsigned rounds)
{
	struct lab_case *one = lab_case_open("scale", "ns", "lower", "croom", rounds, "swap, %u panels waiting", waiting);
	unsigned subject = lab_case_subject(one, "croom", true);
	struct croom_room *room = make_room(1, 1);

	wake(1);
	for (unsigned round = 0; round < rounds; round++) {
		struct lab_guard guard;
		const char *why;
		uint64_t start;

		for (unsigned i = 0; i < waiting; i++)
			swap(room, "slot0", 0);
		lab_guard_begin(&guard, false);
		start = lab_ticks();
		swap(room, "slot0", 0);
		lab_case_sample(one, subject, round, lab_ns(lab_ticks() - start) - lab.ticks_cost_ns);
		why = lab_guard_end(&guard, false);
		if (why)
			lab_case_drop(one, round, why);
		observe(1);
		croom_room_poll(room, croom_room_revision(room), NULL, NULL);
	}
	park(1);
	lab_case_number(one, "waiting", waiting);
	lab_case_close(one);
	croom_room_close(room);
}

/* The history remembers the last thousand: a millionth swap must cost what the thousandth did. */
static void by_history(unsigned rounds)
{
	struct croom_room *room = make_room(1, 1);
	unsigned done = 0;

	wake(1);
	for (unsigned after = 100; after <= 1000000; after *= 10) {
		struct lab_case *one = lab_case_open("scale", "ns", "lower", "croom", rounds, "swap after %u swaps", after);
		unsigned subject = lab_case_subject(one, "croom", true);

		for (; done < after - 1; done++) {
			swap(room, "slot0", 0);
			observe(1);
		}
		for (unsigned round = 0; round < rounds; round++) {
			struct lab_guard guard;
			const char *why;
			uint64_t start;

			lab_guard_begin(&guard, false);
			start = lab_ticks();
			for (unsigned i = 0; i < 10; i++, done++) {
				swap(room, "slot0", 0);
				observe(1);
			}
			lab_case_sample(one, subject, round, (lab_ns(lab_ticks() - start) - lab.ticks_cost_ns) / 10);
			why = lab_guard_end(&guard, false);
			if (why)
				lab_case_drop(one, round, why);
		}
		lab_case_number(one, "swaps", after);
		lab_case_close(one);
	}
	park(1);
	croom_room_close(room);
}

void suite_scale(void)
{
	unsigned rounds = lab.quick ? 21 : 401;

	lab_progress("scale", 0, 4, "lanes");
	if (lab.cpu[0] == lab.cpu[1])
		lab_skip("scale", "lanes", "it takes two processors, and there is one");
	for (unsigned lanes = 1; lanes <= CROOM_LANES_MAX && lab.cpu[0] != lab.cpu[1]; lanes *= 2)
		by_lanes(lanes, rounds);
	lab_progress("scale", 1, 4, "slots");
	for (unsigned count = 1; count <= CROOM_SLOTS_MAX; count *= 4)
		by_slots(count, rounds);
	lab_progress("scale", 2, 4, "panels that wait");
	for (unsigned waiting = 0; waiting < CROOM_RETIRED_MAX - 1; waiting = waiting ? waiting * 4 : 1)
		by_waiting(waiting, rounds);
	lab_progress("scale", 3, 4, "history");
	by_history(rounds);
	lab_progress("scale", 4, 4, "done");
}
