// SPDX-License-Identifier: BSD-2-Clause
/*
 * A guard over a handler that fails: two lanes call it, the second failure breaks its rule, and whichever lane that was goes
 * back by itself, while the control side changes the other slot and takes the guard out. Nothing is called that was freed; a
 * lane that has gone back stays back; who reads that the rule is broken reads figures that break it.
 */
#include "guarded.h"
#include <stdio.h>

static struct croom_lane *lane[2];
static const struct croom_panel *panel[2];

static void begin(void)
{
	guarded_begin();
	for (int i = 0; i < 2; i++) {
		lane[i] = room_lane(i ? "b" : "a");
		panel[i] = croom_lane_unpark(lane[i]);
	}
}

/* Which failures broke the rule, if it is broken. */
static void check_figures(const struct trial *trial)
{
	unsigned long long errors;
	char text[200], *at;

	trial_why(trial, text, sizeof(text));
	at = strstr(text, "broken: ");
	if (at && sscanf(at, "broken: %llu", &errors) == 1)
		proof_expect(errors >= LIMIT, "a rule that is broken by figures that do not break it");
}

static void control(void)
{
	const struct croom_change other = { "other", "n:1" };

	check_figures(room->slot[0].last_trial);
	croom_room_tick(room);
	croom_room_swap(room, &other, 1, &(struct croom_swap_options){ .wait_ms = 0 }, NULL, NULL);
	croom_room_tick(room);
}

static void run(int i)
{
	const struct croom_panel *now = panel[i];
	bool back = false;

	for (int k = 0; k < RECORDS; k++) {
		call c = { 0 };
		int result;

		now = croom_lane_observe(lane[i], now);
		result = croom_slot_call(one, now, &c);
		proof_expect(c.number == (result ? FAILS : 0), "neither the new handler nor the old one");
		proof_expect(!back || !result, "the new handler after the old one");
		back = !result;
		croom_lane_records_add(lane[i], 1);
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
	.what = "a guard that lanes break while the control side changes the room",
	.orders = "trial.", .begin = begin, .thread = { control, lane_a, lane_b }, .executions = 40000,
};
