// SPDX-License-Identifier: BSD-2-Clause
/* One run: start everything, watch the limits, end everything, look at what is left. */
#include "points.h"
#include "torture.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TICK_MS = 10, SHUFFLE_TICKS = 5, PROGRESS_S = 60 };

struct torture torture;

static struct crew actors[ACTORS][2];
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static double seconds_since(const struct timespec *begin)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - begin->tv_sec) + (double)(now.tv_nsec - begin->tv_nsec) / 1e9;
}

/* Every slot gets a handler before there is a lane: an empty one has no context to check. */
static int first_swap(void)
{
	struct croom_change change[CROOM_SLOTS_MAX];
	struct croom_error err;

	for (unsigned i = 0; i < torture.set.slots; i++)
		change[i] = (struct croom_change){ slot_name(i), "red:1" };
	torture.stamps = 1;
	if (croom_room_swap(torture.room, change, torture.set.slots, NULL, NULL, &err)) {
		fprintf(stderr, "croomtorture: %s\n", err.text);
		return err.code;
	}
	return 0;
}

static int actors_start(void)
{
	int rc = 0;

	for (unsigned i = 0; i < ACTORS && rc == 0; i++)
		for (unsigned k = 0; k < 2 && rc == 0; k++)
			if (torture_on(i) && actor_kinds[i].body[k])
				rc = crew_start(&actors[i][k], actor_kinds[i].name, actor_kinds[i].body[k], NULL);
	return rc;
}

static void actors_stop(void)
{
	__atomic_store_n(&torture.stop, 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < ACTORS; i++)
		for (unsigned k = 0; k < 2; k++)
			if (actors[i][k].body)
				crew_wait(&actors[i][k]);
}

static bool each_has(uint64_t least)
{
	struct lane_sums sums;

	lanes_sum(&sums);
	for (unsigned i = 0; i < ACTORS; i++) {
		uint64_t done = i == ACTOR_PARK ? sums.parks : __atomic_load_n(&torture.done[i], __ATOMIC_RELAXED);

		if (torture_on(i) && done < least)
			return false;
	}
	return true;
}

static bool enough(double seconds)
{
	const struct settings *set = &torture.set;

	if (interrupted || torture_over() || (set->seconds > 0 && seconds >= set->seconds))
		return true;
	if (!set->calls && !set->swaps && !set->each)
		return false;
	return lanes_calls() >= set->calls && each_has(set->each) &&
	       __atomic_load_n(&torture.tally[TALLY_SWAPS], __ATOMIC_RELAXED) >= set->swaps;
}

static void watch(const struct timespec *begin)
{
	struct luck luck = luck_of(torture.set.seed, UINT64_MAX / 2);
	double told = 0, seconds = 0;

	for (unsigned tick = 0; !enough(seconds); tick++) {
		struct timespec pause = { .tv_nsec = TICK_MS * 1000000 };

		nanosleep(&pause, NULL);
		if (tick % SHUFFLE_TICKS == 0)
			points_shuffle(&luck);
		seconds = seconds_since(begin);
		if (seconds - told >= PROGRESS_S) {
			report_progress(seconds);
			told = seconds;
		}
	}
}

/* All threads have ended. */
static void check_rest(void)
{
	unsigned waiting;

	events_end();
	lanes_check_counts();
	swaps_check_first();
	waiting = croom_room_retired(torture.room);
	if (waiting)
		found(FOUND_UNSEEN, "all lanes are parked, and %u panels still wait for one", waiting);
	croom_room_close(torture.room);
	plugins_end();
	blackbox_end();
	contexts_end();
	queues_close();
	lanes_free();
}

int main(int argc, char **argv)
{
	struct sigaction interrupt = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };
	struct timespec begin;
	int rc = options_read(&torture.set, argc, argv);

	if (rc)
		return rc < 0 ? 2 : 0;
	torture.group = torture.set.slots / 2;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	points_start(torture.set.seed, torture_on(ACTOR_DELAY));
	crash_watch();
	sigaction(SIGINT, &interrupt, NULL);
	rc = disturb_start();
	rc = rc ? rc : classes_open();
	rc = rc ? rc : first_swap();
	rc = rc ? rc : queues_open();
	rc = rc ? rc : blackbox_start();
	rc = rc ? rc : plugins_start();
	if (rc) {
		fprintf(stderr, "croomtorture: cannot start: %s\n", strerror(-rc));
		return 2;
	}
	fprintf(stderr, "croomtorture: %s build, seed %llu\n", points_build(), (big)torture.set.seed);
	events_start();
	points_break(torture.set.broken);
	rc = lanes_start();
	rc = rc ? rc : actors_start();
	if (rc == 0)
		watch(&begin);
	actors_stop();
	lanes_stop();
	points_thread_end();
	check_rest();
	report_summary(seconds_since(&begin));
	if (rc)
		return 2;
	return findings() ? 1 : 0;
}
