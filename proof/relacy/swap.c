// SPDX-License-Identifier: BSD-2-Clause
/*
 * A control thread that changes both slots twice, without waiting, and two lanes that observe before each record. What a
 * lane calls is whole, of one change, never older than before, and not freed; what no lane is in is freed, and its memory
 * becomes the next panel.
 */
#include "room.h"

enum { SWAPS = 2, RECORDS = 2 };

static struct croom_lane *lane[2];
static const struct croom_panel *panel[2];

static void begin(void)
{
	room_begin();
	for (int i = 0; i < 2; i++) {
		lane[i] = room_lane(i ? "b" : "a");
		panel[i] = croom_lane_unpark(lane[i]);
	}
}

static void control(void)
{
	for (unsigned i = 1; i <= SWAPS; i++)
		room_swap(i, NULL);
	croom_room_poll(room, 2 + SWAPS, NULL, NULL);
}

static void run(int i)
{
	const struct croom_panel *now = panel[i];
	uint64_t last = 0;

	for (int k = 0; k < RECORDS; k++) {
		now = croom_lane_observe(lane[i], now);
		uint64_t number = room_record(lane[i], now);
		proof_expect(number >= last, "an older change after a newer one");
		last = number;
	}
}

static void lane_a(void)
{
	run(0);
}

static void lane_b(void)
{
	run(1);
}

const struct proof_model proof_model = {
	.what = "two swaps of two slots at once, two lanes that run", .broken = BROKEN,
	.orders = "room.publish.", .begin = begin, .thread = { control, lane_a, lane_b }, .preemptions = 2,
};
