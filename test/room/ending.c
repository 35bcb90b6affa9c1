// SPDX-License-Identifier: BSD-2-Clause
/* The very end of a trial: its rule is broken after its time is up, by a lane that is in it still. */
#include "trials.h"

/* Revision 2 holds number:1; 3 has number:-5 in a guard; 4, when its time is up, has it bare. The lane is in 3. */
static void a_guard_whose_time_is_up(void)
{
	begin();
	CHECK_EQ(swap("number:1"), 0);
	CHECK_EQ(try("number:-5", CROOM_GUARD, 2, "errors<2,for=10ms"), 0);
	observe();
	CHECK_EQ(call_there(), -5);
	tick_until(4);
	CHECK_EQ(newest().cause, CROOM_BY_END_OF_TRIAL);
	CHECK_EQ(closed, 0);
}

static void breaks_a_rule_at_the_very_end(void)
{
	struct croom_trial_view view;

	a_guard_whose_time_is_up();
	/* The room has looked, and has published the bare handler; the lane is in the trial. */
	CHECK_EQ(call_there(), -5);
	CHECK_EQ(call_there(), 1);
	croom_room_tick(room);
	CHECK_EQ(croom_room_revision(room), 4);
	observe();
	CHECK(croom_room_tick(room) <= 10);
	CHECK_EQ(croom_room_revision(room), 5);
	CHECK_EQ(newest().cause, CROOM_BY_BREACH);
	CHECK(strcmp(newest().to, "number:1") == 0);
	CHECK(strcmp(newest().note, "errors<2 is broken: 2 of 2 calls failed; a lane was in it still when its time was up") == 0);
	if (check_bad)
		printf("# %s\n", newest().note);
	observe();
	CHECK_EQ(call_there(), 1);
	CHECK(croom_panel_entry(panel, printer_slot)->run == gadget_run);
	CHECK_EQ(croom_room_trial(room, "printer", &view, &err), 0);
	CHECK(view.broken && view.errors == 2);
	CHECK_EQ(croom_room_tick(room), -1);
	/* What had been kept open is what runs; what it tried is closed. */
	CHECK_EQ(opened, 2);
	CHECK_EQ(closed, 1);
	end();
}

static void lets_go_when_it_has_held(void)
{
	a_guard_whose_time_is_up();
	CHECK(croom_room_tick(room) <= 10);
	CHECK_EQ(closed, 0);
	observe();
	CHECK_EQ(croom_room_tick(room), -1);
	CHECK_EQ(closed, 1);
	CHECK_EQ(croom_room_revision(room), 4);
	CHECK_EQ(call_there(), -5);
	end();
}

static void a_lane_that_goes_to_sleep_has_left_it(void)
{
	a_guard_whose_time_is_up();
	call_there();
	croom_lane_park(lane);
	croom_room_tick(room);
	CHECK_EQ(croom_room_revision(room), 5);
	panel = croom_lane_unpark(lane);
	CHECK_EQ(call_there(), 1);
	end();
}

static void goes_back_though_it_was_promoted(void)
{
	begin();
	CHECK_EQ(swap("number:1"), 0);
	CHECK_EQ(try("number:-5", CROOM_GUARD, 2, "errors<1"), 0);
	observe();
	CHECK_EQ(croom_room_promote(room, "printer", &at_once, NULL, &err), 0);
	CHECK_EQ(call_there(), -5);
	observe();
	croom_room_tick(room);
	CHECK_EQ(newest().cause, CROOM_BY_BREACH);
	observe();
	CHECK_EQ(call_there(), 1);
	end();
}

static void is_closed_with_a_room_that_nobody_ticks(void)
{
	begin();
	CHECK_EQ(swap("pure:1"), 0);
	CHECK_EQ(try("number:-5", CROOM_GUARD, 2, "errors<1"), 0);
	observe();
	CHECK_EQ(croom_room_promote(room, "printer", &at_once, NULL, &err), 0);
	call_there();
	observe();
	CHECK_EQ(croom_room_retired(room), 0);
	CHECK_EQ(croom_room_class_remove(room, "printer", "pure", &err), -EAGAIN);
	CHECK(strstr(err.text, "until its trial has come to its end"));
	CHECK_EQ(closed, 0);
	end();
}

static char noted[512];

static void hear(void *env, const struct croom_event *event)
{
	(void)env;
	if (event->kind == CROOM_EVENT_NOTE)
		snprintf(noted, sizeof(noted), "%s", event->text);
}

static void leaves_what_an_operator_has_put_there(void)
{
	a_guard_whose_time_is_up();
	noted[0] = 0;
	croom_room_listen(room, hear, NULL);
	CHECK_EQ(swap("number:3"), 0);
	call_there();
	observe();
	CHECK_EQ(croom_room_tick(room), -1);
	CHECK_EQ(croom_room_revision(room), 5);
	CHECK_EQ(call_there(), 3);
	CHECK_EQ(closed, 2);
	CHECK(strcmp(noted, "printer=number:-5: errors<2 is broken: 2 of 2 calls failed, and the slot has been changed since") == 0);
	if (check_bad)
		printf("# %s\n", noted);
	croom_room_listen(room, NULL, NULL);
	end();
}

static void goes_back_when_a_change_over_it_does(void)
{
	a_guard_whose_time_is_up();
	CHECK_EQ(rig_swap(room, "printer", "number:3", &(struct croom_swap_options){ .confirm_ms = 40 }, NULL, &err), 0);
	call_there();
	observe();
	croom_room_tick(room);
	CHECK_EQ(croom_room_revision(room), 5);
	/* Nobody confirms it: back to what broke its rule, and on to what was there before that. */
	tick_until(7);
	CHECK_EQ(newest().cause, CROOM_BY_BREACH);
	observe();
	CHECK_EQ(call_there(), 1);
	CHECK_EQ(croom_room_tick(room), -1);
	CHECK_EQ(closed, 2);
	end();
}

static void goes_back_from_a_trial_that_would_lead_to_it(void)
{
	a_guard_whose_time_is_up();
	CHECK_EQ(try("number:3", CROOM_GUARD, 2, "errors<1"), 0);
	call_there();
	observe();
	CHECK_EQ(call_there(), 3);
	croom_room_tick(room);
	CHECK_EQ(newest().cause, CROOM_BY_BREACH);
	observe();
	CHECK_EQ(call_there(), 1);
	CHECK_EQ(croom_room_tick(room), -1);
	CHECK_EQ(closed, 2);
	end();
}

static void goes_back_from_under_a_profile(void)
{
	a_guard_whose_time_is_up();
	CHECK_EQ(croom_room_profile(room, "printer", 60000, 1, &at_once, NULL, &err), 0);
	call_there();
	observe();
	croom_room_tick(room);
	observe();
	CHECK_EQ(call_there(), 1);
	CHECK_EQ(croom_room_tick(room), -1);
	end();
}

/*
 * The way back of one trial ends another: the handler of revision 2 was on its own way back, in a guard against the one that the
 * late lane then finds broken. Nothing of the other trial may be closed while the lane is in it.
 */
static void goes_back_through_another_trial(void)
{
	struct croom_trial first = { .kind = CROOM_GUARD }, second = { .kind = CROOM_GUARD };

	begin();
	CHECK_EQ(swap("number:-1"), 0);
	CHECK_EQ(croom_trial_parse(&first, "errors<2,for=10ms", &err), 0);
	CHECK_EQ(croom_trial_parse(&second, "errors<1", &err), 0);
	CHECK_EQ(rig_swap(room, "printer", "number:-5", &(struct croom_swap_options){ .trial = &first, .confirm_ms = 1000000 }, NULL,
			  &err), 0);
	observe();
	tick_until(4);
	/* The handler of revision 2 is open still: it is taken, not opened anew. */
	CHECK_EQ(croom_room_rollback(room, 2, &(struct croom_swap_options){ .trial = &second }, NULL, &err), 0);
	CHECK_EQ(opened, 2);
	CHECK_EQ(call_there(), -5);
	CHECK_EQ(call_there(), -5);
	observe();
	croom_room_tick(room);
	CHECK_EQ(croom_room_revision(room), 6);
	CHECK_EQ(newest().cause, CROOM_BY_BREACH);
	/* The lane is in the second guard, and breaks that one, too. */
	CHECK_EQ(closed, 0);
	CHECK_EQ(call_there(), -1);
	CHECK_EQ(call_there(), -5);
	observe();
	CHECK_EQ(call_there(), -1);
	croom_room_tick(room);
	end();
}

/* A change that is prepared holds the panel's handlers, and so the trial, but no lane is in it. */
static void goes_back_though_a_change_is_prepared(void)
{
	const struct croom_change later = { "filter", "number:2" };
	struct croom_prepared *prepared;

	begin();
	CHECK_EQ(swap("number:1"), 0);
	CHECK_EQ(try("number:-5", CROOM_GUARD, 2, "errors<1"), 0);
	observe();
	CHECK_EQ(croom_room_prepare(room, &later, 1, &at_once, &prepared, &err), 0);
	CHECK_EQ(croom_room_promote(room, "printer", &at_once, NULL, &err), 0);
	CHECK_EQ(call_there(), -5);
	observe();
	croom_room_tick(room);
	CHECK_EQ(newest().cause, CROOM_BY_BREACH);
	observe();
	CHECK_EQ(call_there(), 1);
	CHECK_EQ(croom_room_tick(room), -1);
	croom_room_discard(room, prepared);
	CHECK_EQ(closed, 2);
	end();
}

int main(void)
{
	RUN(breaks_a_rule_at_the_very_end);
	RUN(lets_go_when_it_has_held);
	RUN(a_lane_that_goes_to_sleep_has_left_it);
	RUN(goes_back_though_it_was_promoted);
	RUN(is_closed_with_a_room_that_nobody_ticks);
	RUN(leaves_what_an_operator_has_put_there);
	RUN(goes_back_when_a_change_over_it_does);
	RUN(goes_back_from_a_trial_that_would_lead_to_it);
	RUN(goes_back_from_under_a_profile);
	RUN(goes_back_through_another_trial);
	RUN(goes_back_though_a_change_is_prepared);
	return check_result();
}
