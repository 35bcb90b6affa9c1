// SPDX-License-Identifier: BSD-2-Clause
/* Threads that change, one that ticks, one that reads, a lane: the rows are those of all of them, and the chain holds. */
#include "rig.h"
#include <pthread.h>

enum { CHANGERS = 2, ROUNDS = 150 };

static int over;

static void *change(void *arg)
{
	/* The lane may have to wait for a processor; without a word from it swaps would be refused at last. */
	const struct croom_swap_options patient = { .wait_ms = 600000 };
	const char *slot = arg;
	struct croom_error own;

	for (int i = 0; i < ROUNDS; i++) {
		CHECK_EQ(rig_swap(room, slot, i % 2 ? "number:1" : "number:2", &patient, NULL, &own), 0);
		CHECK_EQ(rig_swap(room, slot, "number:x", &patient, NULL, &own), -EINVAL);
	}
	return NULL;
}

static void *tick(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		struct croom_journal_state state;

		croom_journal_tick(journal);
		croom_journal_look(journal, &state);
		CHECK(state.kept);
	}
	return NULL;
}

static int see_row(void *env, const struct croom_journal_row *row)
{
	/* In order, whoever wrote it. */
	CHECK_EQ(row->row, ++*(uint64_t *)env);
	return 0;
}

static void *look(void *arg)
{
	struct croom_error own;

	(void)arg;
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		struct croom_journal_file *file;
		uint64_t seen = 0;

		if (croom_journal_file_open(&file, path, &own) == 0)
			CHECK_EQ(croom_journal_file_each(file, INT64_MIN, see_row, &seen, &own), 0);
		else
			CHECK(!"it can be opened at any time");
		croom_journal_file_close(file);
	}
	return NULL;
}

static void *run_lane(void *arg)
{
	struct croom_lane *lane = arg;
	const struct croom_panel *panel = croom_lane_unpark(lane);

	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		panel = croom_lane_observe(lane, panel);
		croom_lane_records_add(lane, 1);
	}
	croom_lane_park(lane);
	return NULL;
}

static int count_kinds(void *env, const struct croom_journal_row *row)
{
	++((int *)env)[row->kind];
	return 0;
}

static void rows_of_many_threads_make_one_chain(void)
{
	static char slots[CHANGERS][8] = { "printer", "filter" };
	pthread_t changer[CHANGERS], ticker, reader, data;
	struct croom_journal_file *file;
	int kinds[CROOM_JOURNAL_KEPT + 1] = { 0 };
	struct croom_lane *lane;

	new_directory();
	run_begin();
	over = 0;
	CHECK_EQ(croom_room_lane_add(room, "feed", &lane), 0);
	pthread_create(&data, NULL, run_lane, lane);
	pthread_create(&ticker, NULL, tick, NULL);
	pthread_create(&reader, NULL, look, NULL);
	for (int i = 0; i < CHANGERS; i++)
		pthread_create(&changer[i], NULL, change, slots[i]);
	for (int i = 0; i < CHANGERS; i++)
		pthread_join(changer[i], NULL);
	__atomic_store_n(&over, 1, __ATOMIC_RELAXED);
	pthread_join(ticker, NULL);
	pthread_join(reader, NULL);
	pthread_join(data, NULL);
	run_end();
	CHECK_EQ(verify(), 0);
	CHECK_EQ(croom_journal_file_open(&file, path, &err), 0);
	CHECK_EQ(croom_journal_file_each(file, INT64_MIN, count_kinds, kinds, &err), 0);
	croom_journal_file_close(file);
	CHECK_EQ(kinds[CROOM_JOURNAL_INTENT], CHANGERS * ROUNDS);
	CHECK_EQ(kinds[CROOM_JOURNAL_CHANGED], CHANGERS * ROUNDS);
	CHECK_EQ(kinds[CROOM_JOURNAL_REFUSED], CHANGERS * ROUNDS);
	CHECK(kinds[CROOM_JOURNAL_OBSERVED] > 0 && kinds[CROOM_JOURNAL_LOST] == 0);
	remove_directory();
}

int main(void)
{
	RUN(rows_of_many_threads_make_one_chain);
	return check_result();
}
