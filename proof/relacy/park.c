// SPDX-License-Identifier: BSD-2-Clause
/*
 * A control thread that changes both slots twice, and a lane that wakes, works, sleeps, and does so again. Either the waking
 * lane takes the new panel, or the control side sees that it is awake: what it calls is never freed.
 */
#include "room.h"

static struct croom_lane *lane;

static void begin(void)
{
	room_begin();
	lane = room_lane("a");
}

static void control(void)
{
	room_swap(1, NULL);
	room_swap(2, NULL);
	croom_room_poll(room, 4, NULL, NULL);
}

static void sleeper(void)
{
	uint64_t last = 0;

	for (int i = 0; i < 2; i++) {
		const struct croom_panel *panel = croom_lane_unpark(lane);
		uint64_t number = room_record(lane, panel);

		proof_expect(number >= last, "an older change after a newer one");
		panel = croom_lane_observe(lane, panel);
		last = room_record(lane, panel);
		croom_lane_park(lane);
	}
}

const struct proof_model proof_model = {
	.what = "two swaps, and a lane that wakes and sleeps",
	.orders = "lane.unpark.,lane.observed.", .begin = begin, .thread = { control, sleeper }, .preemptions = 3,
};
