// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which record was the first of a revision: a lane that takes changes as they come and notes for itself with which record it
 * began each, and a control thread that swaps and asks. What it is told is what the lane noted, or it is told nothing.
 *
 * Three marks are kept here instead of 64, and all are taken when the threads begin: of revisions 2, 4 and 6, for the lane
 * skipped those between. So the changes that follow write over what is asked for, and over what stands beside it.
 */
#include "room.h"

enum { MARKS = 3, SWAPS = 2, ROUNDS = 2, NEWEST = 2 * MARKS + SWAPS };

/* After each swap: the newest, and one whose mark, or the one before it, is written over about now. */
static const uint64_t asked[2 * SWAPS] = { NEWEST - 1, 2, NEWEST, 3 };

static struct croom_lane *lane;
static const struct croom_panel *panel;
static uint64_t records, noted[NEWEST + 1];              /* the lane's */
static struct croom_lane_start told[2 * SWAPS];             /* the control thread's */

static void observe(void)
{
	panel = croom_lane_observe(lane, panel);
	if (!noted[panel->revision])
		noted[panel->revision] = records + 1;
	room_record(lane, panel);
	records++;
}

static void begin(void)
{
	room_begin();
	records = 0;
	for (unsigned i = 0; i <= NEWEST; i++)
		noted[i] = 0;
	lane = room_lane("a");
	panel = croom_lane_unpark(lane);
	for (unsigned i = 0; i < MARKS; i++) {
		observe();
		for (unsigned k = 0; k < 2 && i < MARKS - 1; k++)
			room_swap(i + 1, NULL);
	}
}

static void control(void)
{
	for (unsigned i = 0; i < 2 * SWAPS; i++) {
		struct croom_swap_result result;

		if (i % 2 == 0)
			room_swap(MARKS + i / 2, NULL);
		croom_room_poll(room, asked[i], &result, NULL);
		told[i] = result.lane[0];
	}
}

static void data(void)
{
	for (int i = 0; i < ROUNDS; i++)
		observe();
}

static void end(void)
{
	for (unsigned i = 0; i < 2 * SWAPS; i++) {
		const struct croom_lane_start *start = &told[i];

		if (!start->revision)
			continue;
		proof_expect(start->revision >= asked[i], "a first record of an older revision than was asked for");
		proof_expect(noted[start->revision] == start->first_record, "another first record than the lane's");
		for (uint64_t between = asked[i]; between < start->revision; between++)
			proof_expect(!noted[between], "a newer revision's first record, when the lane ran one between");
	}
}

const struct proof_model proof_model = {
	.what = "the first record of each revision, while the marks are written over",
	.orders = "lane.mark.", .begin = begin, .thread = { control, data }, .end = end, .preemptions = 2,
};
