// SPDX-License-Identifier: BSD-2-Clause
/*
 * A guard whose time is up while a lane is in it: the room takes it out for the bare new handler, and the lane may break its
 * rule before, meanwhile or never. If it has broken it in the guard, the room goes back as soon as the lane has left; until
 * then what it goes back to is not freed.
 */
#include "guarded.h"

static struct croom_lane *lane;
static const struct croom_panel *panel;
static unsigned failed;                  /* calls in the guard */

static void begin(void)
{
	failed = 0;
	guarded_begin();
	lane = room_lane("a");
	panel = croom_lane_unpark(lane);
}

/* Promoting is what the end of its time does, too, without a clock. */
static void control(void)
{
	croom_room_promote(room, "one", &(struct croom_swap_options){ .wait_ms = 0 }, NULL, NULL);
	croom_room_tick(room);
	croom_room_tick(room);
}

static void calls(void)
{
	const struct croom_panel *now = panel;

	for (int k = 0; k < RECORDS; k++) {
		bool guarded = now->revision == 3;
		call c = { 0 };

		croom_slot_call(one, now, &c);
		proof_expect(c.number == FAILS, "not the new handler, before the rule is broken");
		failed += guarded && c.number == FAILS;
		now = croom_lane_observe(lane, now);
	}
	croom_lane_park(lane);
}

/* Whatever the room has done until now, it has to come to this. */
static void end(void)
{
	call c = { 0 };

	croom_room_tick(room);
	croom_room_tick(room);
	croom_slot_call(one, croom_lane_unpark(lane), &c);
	proof_expect(c.number == (failed >= LIMIT ? 0 : FAILS), "a broken guard has led to the new handler, or one that held to the old");
	croom_lane_park(lane);
}

const struct proof_model proof_model = {
	.what = "a guard that ends while a lane breaks its rule",
	.orders = "lane.observed.", .begin = begin, .thread = { control, calls }, .end = end, .preemptions = 3,
};
