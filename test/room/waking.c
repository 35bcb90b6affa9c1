// SPDX-License-Identifier: BSD-2-Clause
/*
 * A lane that wakes while a handler is swapped out: either it takes the new panel, or the control side sees that it is
 * awake and does not close the old one. x86 reorders just this, a store and a later load: with a release store in
 * croom_lane_unpark() 4 of 5 runs of 300,000 swaps fail on two quiet processors, and about half of the shorter ones. (TSan
 * does not find that one.)
 *
 *	room-waking [SWAPS]
 *
 * To widen the gap, the lane writes a row of lines that the other thread has just written: its store of `observed` then
 * waits behind them in the store buffer, while its load of the wire does not.
 */
#include "rig.h"
#include <pthread.h>
#include <unistd.h>

enum { LINES = 48, WORDS = 8, KEPT = 256 };

static int swaps = 100000;

struct handler_seen {
	int open;
};

static uint64_t lines[LINES * WORDS] __attribute__((aligned(64)));
static struct handler_seen handlers[KEPT];
static unsigned next_handler;
static int stop;

/* Contexts are used again only after KEPT more swaps: a late call finds its own one closed. */
static int seen_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	struct handler_seen *handler = &handlers[next_handler++ % KEPT];

	(void)config;
	(void)env;
	(void)err;
	/* relaxed: what is tested is the room's order, and this must add none. */
	__atomic_store_n(&handler->open, 1, __ATOMIC_RELAXED);
	*ctx = handler;
	return 0;
}

static void seen_close(void *ctx, void *env)
{
	(void)env;
	__atomic_store_n(&((struct handler_seen *)ctx)->open, 0, __ATOMIC_RELAXED);
}

static int seen_call(struct handler_seen *handler, note *n)
{
	(void)n;
	return __atomic_load_n(&handler->open, __ATOMIC_RELAXED) ? 0 : -1;
}
CROOM_RUN(seen, seen_call, struct handler_seen, note);

static void dirty(uint64_t value)
{
	for (int i = 0; i < LINES; i++)
		__atomic_store_n(&lines[i * WORDS], value, __ATOMIC_RELAXED);
}

struct sleeper {
	struct croom_lane *lane;
	uint64_t wakes, late;
};

static void *wake_and_sleep(void *arg)
{
	struct sleeper *sleeper = arg;
	note n = { 0 };

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		const struct croom_panel *panel;

		dirty(sleeper->wakes++);
		panel = croom_lane_unpark(sleeper->lane);
		for (int i = 0; i < 300; i++)
			sleeper->late += croom_slot_call(printer, panel, &n) < 0;
		croom_lane_park(sleeper->lane);
	}
	return NULL;
}

static void never_wakes_to_a_handler_that_is_closed(void)
{
	const struct croom_class seen = { .name = "seen", .help = "open or not", .syntax = "N", CROOM_RUNS(seen),
		.open = seen_open, .close = seen_close };
	const struct croom_swap_options published = { .wait_ms = 0 };
	static struct croom_swap_result result;
	struct croom_room *room;
	struct sleeper sleeper = { 0 };
	pthread_t thread;
	int failed = 0;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		SKIP("needs two processors: on one nothing is reordered that the other could see");
		return;
	}
	CHECK_EQ(croom_room_open(&room, "waking", rig_slots, 2), 0);
	CHECK_EQ(croom_room_class_add(room, "printer", &seen, NULL), 0);
	CHECK_EQ(rig_swap(room, "printer", "seen:0", &published, NULL, NULL), 0);
	CHECK_EQ(croom_room_lane_add(room, "sleeper", &sleeper.lane), 0);
	pthread_create(&thread, NULL, wake_and_sleep, &sleeper);
	for (int i = 0; i < swaps; i++) {
		dirty((uint64_t)i);
		/* Another moment of the lane's round each time. */
		for (int k = 0; k < i % 97; k++)
			__asm__ volatile("" ::: "memory");
		failed += rig_swap(room, "printer", "seen:1", &published, &result, NULL) != 0;
		while (croom_room_poll(room, result.revision, NULL, NULL) == -EAGAIN)
			;
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	printf("# %llu wakes during %d swaps\n", (unsigned long long)sleeper.wakes, swaps);
	CHECK_EQ(failed, 0);
	CHECK_EQ(sleeper.late, 0);
	CHECK(sleeper.wakes > 0);
	croom_room_close(room);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		swaps = atoi(argv[1]);
	RUN(never_wakes_to_a_handler_that_is_closed);
	return check_result();
}
