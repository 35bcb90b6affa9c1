// SPDX-License-Identifier: BSD-2-Clause
/*
 * Lanes that run, park and unpark while others swap: no closed context is ever called, no panel is torn, and what
 * a swap says about first records is what the lanes saw. Every swap puts the same number into both slots.
 */
#include "rig.h"
#include <pthread.h>
#include <sched.h>
#include <time.h>

enum { LANES = 3, SWAPS = 20000, NOTES = SWAPS + 8 };

struct worker {
	struct croom_lane *lane;
	bool parks;
	uint64_t calls, records, wrong, torn, backwards;
	uint64_t *first;   /* per revision: the record it began with here; 0: it never ran */
};

static struct croom_room *room;
static int stop;

static void work_batch(struct worker *w, const struct croom_panel *panel)
{
	note n = { 0 };

	for (int i = 0; i < 16; i++) {
		int a = croom_slot_call(printer, panel, &n);
		int b = croom_slot_call(filter, panel, &n);

		w->wrong += a < 0 || b < 0;
		w->torn += a != b;
	}
	w->calls += 16;
	croom_lane_calls_add(w->lane, printer_slot, 16);
	croom_lane_records_add(w->lane, 16);
	w->records += 16;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	const struct croom_panel *panel = croom_lane_unpark(w->lane);
	uint64_t last = 0, round = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		panel = croom_lane_observe(w->lane, panel);
		w->backwards += panel->revision < last;
		if (panel->revision != last)
			w->first[panel->revision] = w->records + 1;
		last = panel->revision;
		work_batch(w, panel);
		if (w->parks && ++round % 8 == 0) {
			croom_lane_park(w->lane);
			sched_yield();
			panel = croom_lane_unpark(w->lane);
		}
	}
	croom_lane_park(w->lane);
	return NULL;
}

static void check_starts(struct worker *workers, const struct croom_swap_result *result, uint64_t *compared)
{
	for (unsigned i = 0; i < result->lanes; i++) {
		const struct croom_lane_start *start = &result->lane[i];

		CHECK(start->observed);
		/* Known, also of a lane that is just waking. */
		CHECK(start->first_record != 0);
		if (start->first_record && !start->parked && start->revision < NOTES) {
			/* Beside what the lane itself will have seen: compared when it has ended. */
			workers[i].first[start->revision + NOTES] = start->first_record;
			(*compared)++;
		}
	}
}

static void never_calls_what_was_closed(void)
{
	struct worker workers[LANES] = { 0 };
	pthread_t thread[LANES];
	uint64_t compared = 0, calls = 0;
	int swaps = 0, wanted = check_rounds(SWAPS);

	room = rig_open();
	stop = 0;
	for (int i = 0; i < LANES; i++) {
		char name[] = { 'l', (char)('0' + i), 0 };

		CHECK_EQ(croom_room_lane_add(room, name, &workers[i].lane), 0);
		workers[i].parks = i != 0;
		workers[i].first = calloc(2 * NOTES, sizeof(uint64_t));
		pthread_create(&thread[i], NULL, work, &workers[i]);
	}
	for (; swaps < wanted; swaps++) {
		static struct croom_swap_result result;
		char handler[32];
		const struct croom_change both[] = { { "printer", handler }, { "filter", handler } };
		struct croom_swap_options patient = { .wait_ms = 60000 };
		struct croom_error err;

		snprintf(handler, sizeof(handler), "number:%d", swaps);
		/* Some in a row without waiting, so that lanes skip revisions. */
		if (swaps % 4)
			patient.wait_ms = 0;
		if (croom_room_swap(room, both, 2, &patient, &result, &err) && err.kind != CROOM_ERROR_BUSY) {
			printf("# %s\n", err.text);
			CHECK(0);
			break;
		}
		if (swaps % 4 == 0)
			check_starts(workers, &result, &compared);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < LANES; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < LANES; i++) {
		for (int r = 0; r < NOTES; r++)
			if (workers[i].first[r + NOTES] && workers[i].first[r])
				CHECK_EQ(workers[i].first[r + NOTES], workers[i].first[r]);
		CHECK_EQ(workers[i].wrong, 0);
		CHECK_EQ(workers[i].torn, 0);
		CHECK_EQ(workers[i].backwards, 0);
		calls += workers[i].calls;
		free(workers[i].first);
	}
	CHECK_EQ(swaps, wanted);
	CHECK(compared > 0);
	croom_room_close(room);
	CHECK_EQ(opened, closed);
	printf("# %d swaps, %llu calls, %llu first records compared\n", swaps, (unsigned long long)calls,
	       (unsigned long long)compared);
}

static void *swapper(void *arg)
{
	long *won = arg;

	for (int i = 0; i < 2000; i++) {
		uint64_t now = croom_room_revision(room);
		struct croom_swap_options mine = { .expect = now };
		struct croom_error err;
		int rc = rig_swap(room, "printer", "number:7", &mine, NULL, &err);

		if (rc == 0)
			(*won)++;
		else
			CHECK(rc == -ESTALE || rc == -EBUSY);
	}
	return NULL;
}

/* Compare and swap: of two operators who saw the same revision one wins, so revisions count the winners. */
static void never_overwrites_an_unseen_change(void)
{
	pthread_t a, b;
	long won_a = 0, won_b = 0;

	room = rig_open();
	pthread_create(&a, NULL, swapper, &won_a);
	pthread_create(&b, NULL, swapper, &won_b);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	CHECK_EQ((long)croom_room_revision(room), 1 + won_a + won_b);
	croom_room_close(room);
	CHECK_EQ(opened, closed);
}

static void *come_and_go(void *arg)
{
	char name[] = { 'g', (char)('0' + *(int *)arg), 0 };

	for (int i = 0; i < 300; i++) {
		const struct croom_panel *panel;
		struct croom_lane *lane;
		note n = { 0 };

		if (croom_room_lane_add(room, name, &lane))
			return NULL;
		panel = croom_lane_unpark(lane);
		for (int k = 0; k < 20; k++) {
			panel = croom_lane_observe(lane, panel);
			CHECK(croom_slot_call(printer, panel, &n) >= 0);
		}
		croom_lane_park(lane);
		croom_room_lane_remove(room, lane);
	}
	return NULL;
}

static void lets_lanes_come_and_go_during_swaps(void)
{
	pthread_t thread[2];
	int id[2] = { 0, 1 };
	long won = 0;

	room = rig_open();
	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, come_and_go, &id[i]);
	swapper(&won);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	CHECK(won > 0);
	croom_room_close(room);
	CHECK_EQ(opened, closed);
}

int main(void)
{
	RUN(never_calls_what_was_closed);
	RUN(never_overwrites_an_unseen_change);
	RUN(lets_lanes_come_and_go_during_swaps);
	return check_result();
}
