// SPDX-License-Identifier: BSD-2-Clause
/* A room that is swapped a million times keeps a bounded number of panels and leaks nothing (run under ASan too). */
#include "rig.h"

static void keeps_nothing_of_a_million_swaps(void)
{
	const struct croom_swap_options published = { .wait_ms = 0 };
	struct croom_room *room = rig_open();
	const struct croom_panel *panel;
	struct croom_lane *lane;
	unsigned most = 0;
	int failed = 0, swaps = check_rounds(1000000);

	croom_room_lane_add(room, "feed", &lane);
	panel = croom_lane_unpark(lane);
	for (int i = 0; i < swaps; i++) {
		failed += rig_swap(room, i & 1 ? "printer" : "filter", "number:1", &published, NULL, NULL) != 0;
		if (i % 50 == 0)
			panel = croom_lane_observe(lane, panel);
		/* Just before the lane moves is when most wait. */
		if (i % 50 == 49 && croom_room_retired(room) > most)
			most = croom_room_retired(room);
	}
	CHECK_EQ(failed, 0);
	CHECK(most >= 40 && most <= CROOM_RETIRED_MAX);
	/* Open now: one in each slot, and what the lane's 50 swaps hold back. */
	CHECK(opened - closed <= 2 + CROOM_RETIRED_MAX);
	CHECK_EQ(croom_room_revision(room), swaps + 1);
	croom_lane_park(lane);
	croom_room_close(room);
	CHECK_EQ(opened, closed);
	CHECK_EQ(opened, swaps);
}

int main(void)
{
	RUN(keeps_nothing_of_a_million_swaps);
	return check_result();
}
