// SPDX-License-Identifier: BSD-2-Clause
/*
 * A control thread that changes both slots twice, while a data thread makes itself a lane, works under it, and has it taken
 * away again, twice. Neither a lane nor a panel is used after it was freed.
 */
#include "room.h"

static void control(void)
{
	room_swap(1, NULL);
	room_swap(2, NULL);
	croom_room_poll(room, 4, NULL, NULL);
}

static void comer(void)
{
	uint64_t last = 0;

	for (int i = 0; i < 2; i++) {
		struct croom_lane *lane = room_lane("a");
		const struct croom_panel *panel = croom_lane_unpark(lane);
		uint64_t number = room_record(lane, panel);

		proof_expect(number >= last, "an older change after a newer one");
		panel = croom_lane_observe(lane, panel);
		last = room_record(lane, panel);
		croom_lane_park(lane);
		croom_room_lane_remove(room, lane);
	}
}

const struct proof_model proof_model = {
	.what = "two swaps, and a lane that is added and removed, twice",
	.begin = room_begin, .thread = { control, comer }, .preemptions = 3,
};
