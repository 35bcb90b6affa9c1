// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ends that nobody asks for at the moment: a trial whose rule is broken after its time is up, by a lane that is in it still;
 * a way back while as many panels wait as may; a frozen room; a change that every lane runs.
 */
#include "rig.h"
#include <croom/trial.h>
#include <time.h>

static struct croom_room *room;
static struct croom_lane *lane;
static const struct croom_panel *panel;
static struct croom_error err;
static const struct croom_swap_options at_once = { .wait_ms = 0 };

static const struct croom_class pure = { .name = "pure", .help = "returns N", .syntax = "N", CROOM_RUNS(gadget),
	.open = gadget_open, .close = gadget_close, .traits = CROOM_PURE };

static void begin(void)
{
	room = rig_open();
	CHECK_EQ(croom_room_class_add(room, "printer", &pure, NULL), 0);
	CHECK_EQ(croom_room_lane_add(room, "feed", &lane), 0);
	panel = croom_lane_unpark(lane);
}

static void end(void)
{
	croom_lane_park(lane);
	croom_room_close(room);
	CHECK_EQ(opened, closed);
}

static int swap(const char *slot, const char *handler)
{
	return rig_swap(room, slot, handler, &at_once, NULL, &err);
}

static int try(const char *handler, enum croom_trial_kind kind, const char *rules)
{
	struct croom_trial trial = { .kind = kind, .one_in = 2 };

	CHECK_EQ(croom_trial_parse(&trial, rules, &err), 0);
	return rig_swap(room, "printer", handler, &(struct croom_swap_options){ .trial = &trial }, NULL, &err);
}

static void observe(void)
{
	panel = croom_lane_observe(lane, panel);
}

/* A call in the panel that the lane has, new or not. */
static int call_there(void)
{
	note n = { .value = 7 };

	return croom_slot_call(printer, panel, &n);
}

static void sleep_ms(long ms)
{
	struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

/* Until the room has made this revision by itself; the lane stays where it is. */
static void tick_until(uint64_t revision)
{
	while (croom_room_revision(room) < revision) {
		croom_room_tick(room);
		sleep_ms(1);
	}
}

/* Of the newest revision. */
static enum croom_cause cause;
static char text[512];

static int keep_newest(void *env, const struct croom_history_view *change)
{
	(void)env;
	cause = change->cause;
	snprintf(text, sizeof(text), "%s: %s", change->changes ? change->change[0].to : "", change->note);
	return 0;
}

static enum croom_cause newest_cause(void)
{
	croom_room_each_change(room, 0, keep_newest, NULL);
	return cause;
}

/* Revision 2 holds number:1; 3 has number:-5 in a guard; 4, when its time is up, has it bare. The lane is in 3. */
static void a_guard_whose_time_is_up(void)
{
	begin();
	CHECK_EQ(swap("printer", "number:1"), 0);
	CHECK_EQ(try("number:-5", CROOM_GUARD, "errors<2,for=10ms"), 0);
	observe();
	CHECK_EQ(call_there(), -5);
	tick_until(4);
	CHECK_EQ(newest_cause(), CROOM_BY_END_OF_TRIAL);
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
	CHECK_EQ(newest_cause(), CROOM_BY_BREACH);
	CHECK(strcmp(text, "number:1: errors<2 is broken: 2 of 2 calls failed; a lane was in it still when its time was up") == 0);
	if (check_bad)
		printf("# %s\n", text);
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
	CHECK_EQ(swap("printer", "number:1"), 0);
	CHECK_EQ(try("number:-5", CROOM_GUARD, "errors<1"), 0);
	observe();
	CHECK_EQ(croom_room_promote(room, "printer", &at_once, NULL, &err), 0);
	CHECK_EQ(call_there(), -5);
	observe();
	croom_room_tick(room);
	CHECK_EQ(newest_cause(), CROOM_BY_BREACH);
	observe();
	CHECK_EQ(call_there(), 1);
	end();
}

static void is_closed_with_a_room_that_nobody_ticks(void)
{
	begin();
	CHECK_EQ(swap("printer", "pure:1"), 0);
	CHECK_EQ(try("number:-5", CROOM_GUARD, "errors<1"), 0);
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
	CHECK_EQ(swap("printer", "number:3"), 0);
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
	CHECK_EQ(newest_cause(), CROOM_BY_BREACH);
	observe();
	CHECK_EQ(call_there(), 1);
	CHECK_EQ(croom_room_tick(room), -1);
	CHECK_EQ(closed, 2);
	end();
}

static void goes_back_from_a_trial_that_would_lead_to_it(void)
{
	a_guard_whose_time_is_up();
	CHECK_EQ(try("number:3", CROOM_GUARD, "errors<1"), 0);
	call_there();
	observe();
	CHECK_EQ(call_there(), 3);
	croom_room_tick(room);
	CHECK_EQ(newest_cause(), CROOM_BY_BREACH);
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

/* A lane that hangs, and as many panels that wait for it as may. */
static void hang(void)
{
	for (int i = 0; croom_room_retired(room) < CROOM_RETIRED_MAX; i++)
		CHECK_EQ(swap("filter", i % 2 ? "number:1" : "number:2"), 0);
	CHECK_EQ(swap("filter", "number:3"), -EBUSY);
	CHECK_EQ(err.kind, CROOM_ERROR_BUSY);
}

static void a_way_back_is_not_refused_for_panels_that_wait(void)
{
	unsigned retired;

	begin();
	CHECK_EQ(swap("printer", "number:1"), 0);
	observe();
	/* The filter's swaps are refused while this waits to be confirmed, so it comes last. */
	for (int i = 0; croom_room_retired(room) < CROOM_RETIRED_MAX - 1; i++)
		CHECK_EQ(swap("filter", i % 2 ? "number:1" : "number:2"), 0);
	CHECK_EQ(rig_swap(room, "printer", "number:2", &(struct croom_swap_options){ .confirm_ms = 10 }, NULL, &err), 0);
	retired = croom_room_retired(room);
	CHECK_EQ(retired, CROOM_RETIRED_MAX);
	tick_until(croom_room_revision(room) + 1);
	CHECK_EQ(newest_cause(), CROOM_BY_UNCONFIRMED);
	CHECK_EQ(croom_room_retired(room), CROOM_RETIRED_MAX + 1);
	CHECK_EQ(swap("filter", "number:3"), -EBUSY);
	observe();
	CHECK_EQ(call_there(), 1);
	CHECK_EQ(swap("filter", "number:3"), 0);
	end();
}

static void nor_is_a_lane_that_does_not_run_it_in_time(void)
{
	begin();
	CHECK_EQ(swap("printer", "number:1"), 0);
	for (int i = 0; croom_room_retired(room) < CROOM_RETIRED_MAX - 1; i++)
		CHECK_EQ(swap("filter", i % 2 ? "number:1" : "number:2"), 0);
	CHECK_EQ(rig_swap(room, "printer", "number:2", &(struct croom_swap_options){ .observe_ms = 10 }, NULL, &err), 0);
	tick_until(croom_room_revision(room) + 1);
	CHECK_EQ(newest_cause(), CROOM_BY_UNOBSERVED);
	end();
}

static void nor_is_a_breach_nor_the_end_of_a_trial(void)
{
	struct croom_trial trial = { .kind = CROOM_GUARD };
	uint64_t revision;

	begin();
	CHECK_EQ(swap("printer", "number:1"), 0);
	CHECK_EQ(swap("filter", "number:4"), 0);
	CHECK_EQ(try("number:-5", CROOM_GUARD, "errors<1"), 0);
	CHECK_EQ(croom_trial_parse(&trial, "errors<1,for=1ms", &err), 0);
	observe();
	hang();
	revision = croom_room_revision(room);
	CHECK_EQ(call_there(), -5);
	croom_room_tick(room);
	CHECK_EQ(croom_room_revision(room), revision + 1);
	CHECK_EQ(newest_cause(), CROOM_BY_BREACH);
	CHECK_EQ(croom_room_retired(room), CROOM_RETIRED_MAX + 1);
	observe();
	CHECK_EQ(call_there(), 1);
	/* And the end of one. */
	CHECK_EQ(rig_swap(room, "printer", "number:2", &(struct croom_swap_options){ .trial = &trial }, NULL, &err), 0);
	observe();
	for (int i = 0; croom_room_retired(room) < CROOM_RETIRED_MAX; i++)
		CHECK_EQ(swap("filter", i % 2 ? "number:1" : "number:2"), 0);
	while (newest_cause() != CROOM_BY_END_OF_TRIAL) {
		croom_room_tick(room);
		sleep_ms(1);
	}
	observe();
	CHECK_EQ(call_there(), 2);
	end();
}

static unsigned wanted;

static void want(void *env)
{
	(void)env;
	wanted++;
}

/* Its time is up, and nothing may change: it stays, and still guards. */
static void a_trial_outlives_its_time_while_frozen(void)
{
	begin();
	croom_room_tick_wanted(room, want, NULL);
	CHECK_EQ(swap("printer", "pure:1"), 0);
	CHECK_EQ(try("pure:2", CROOM_CANARY, "for=1ms"), 0);
	observe();
	CHECK_EQ(croom_room_freeze(room, "audit", NULL, &err), 0);
	sleep_ms(5);
	croom_room_tick(room);
	CHECK_EQ(croom_room_tick(room), -1);
	CHECK_EQ(croom_room_revision(room), 3);
	wanted = 0;
	CHECK_EQ(croom_room_thaw(room, NULL, &err), 0);
	CHECK_EQ(wanted, 1);
	croom_room_tick(room);
	CHECK_EQ(croom_room_revision(room), 4);
	observe();
	CHECK_EQ(call_there(), 2);
	croom_room_tick_wanted(room, NULL, NULL);
	end();
}

static void and_goes_back_though_frozen(void)
{
	begin();
	CHECK_EQ(swap("printer", "number:1"), 0);
	CHECK_EQ(try("number:-5", CROOM_GUARD, "errors<1,for=1ms"), 0);
	observe();
	CHECK_EQ(croom_room_freeze(room, "audit", NULL, &err), 0);
	sleep_ms(5);
	/* It looks for a breach, now and then, and not all the time. */
	CHECK(croom_room_tick(room) > 10);
	CHECK_EQ(call_there(), -5);
	croom_room_tick(room);
	CHECK_EQ(newest_cause(), CROOM_BY_BREACH);
	observe();
	CHECK_EQ(call_there(), 1);
	end();
}

static void what_every_lane_runs_keeps_nobody_waiting(void)
{
	struct croom_swap_options soon = { .observe_ms = 60000 };

	begin();
	CHECK_EQ(rig_swap(room, "printer", "number:1", &soon, NULL, &err), 0);
	CHECK_EQ(swap("printer", "number:2"), -EBUSY);
	observe();
	/* Nobody has ticked. */
	CHECK_EQ(croom_room_poll(room, 2, NULL, &err), 0);
	CHECK_EQ(swap("printer", "number:2"), 0);
	end();
}

static void a_confirmation_is_for_the_change_that_was_meant(void)
{
	const struct croom_swap_options confirm = { .confirm_ms = 60000 };

	begin();
	CHECK_EQ(rig_swap(room, "printer", "number:1", &confirm, NULL, &err), 0);
	CHECK_EQ(croom_room_rollback(room, 0, &at_once, NULL, &err), 0);
	CHECK_EQ(rig_swap(room, "printer", "number:2", &confirm, NULL, &err), 0);
	CHECK_EQ(croom_room_confirm(room, 2, NULL, &err), -ESTALE);
	CHECK_EQ(err.revision, 4);
	CHECK_EQ(croom_room_unconfirmed(room, NULL), 4);
	CHECK_EQ(croom_room_confirm(room, 4, NULL, &err), 0);
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
	CHECK_EQ(swap("printer", "number:-1"), 0);
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
	CHECK_EQ(newest_cause(), CROOM_BY_BREACH);
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
	CHECK_EQ(swap("printer", "number:1"), 0);
	CHECK_EQ(try("number:-5", CROOM_GUARD, "errors<1"), 0);
	observe();
	CHECK_EQ(croom_room_prepare(room, &later, 1, &at_once, &prepared, &err), 0);
	CHECK_EQ(croom_room_promote(room, "printer", &at_once, NULL, &err), 0);
	CHECK_EQ(call_there(), -5);
	observe();
	croom_room_tick(room);
	CHECK_EQ(newest_cause(), CROOM_BY_BREACH);
	observe();
	CHECK_EQ(call_there(), 1);
	CHECK_EQ(croom_room_tick(room), -1);
	croom_room_discard(room, prepared);
	CHECK_EQ(closed, 2);
	end();
}

/* What was to be confirmed is not there any more. */
static void a_shadow_that_ends_is_not_to_be_confirmed(void)
{
	struct croom_trial trial = { .kind = CROOM_SHADOW };

	begin();
	CHECK_EQ(swap("printer", "pure:1"), 0);
	CHECK_EQ(croom_trial_parse(&trial, "for=1ms", &err), 0);
	CHECK_EQ(rig_swap(room, "printer", "pure:2", &(struct croom_swap_options){ .trial = &trial, .confirm_ms = 1000000 }, NULL, &err),
		 0);
	CHECK_EQ(croom_room_unconfirmed(room, NULL), 3);
	tick_until(4);
	CHECK_EQ(newest_cause(), CROOM_BY_END_OF_TRIAL);
	CHECK_EQ(croom_room_unconfirmed(room, NULL), 0);
	CHECK_EQ(swap("filter", "number:1"), 0);
	/* One that is promoted is. */
	CHECK_EQ(rig_swap(room, "printer", "pure:3", &(struct croom_swap_options){ .trial = &trial, .confirm_ms = 1000000 }, NULL, &err),
		 0);
	CHECK_EQ(croom_room_promote(room, "printer", &at_once, NULL, &err), 0);
	CHECK_EQ(croom_room_unconfirmed(room, NULL), 6);
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
	RUN(a_shadow_that_ends_is_not_to_be_confirmed);
	RUN(a_way_back_is_not_refused_for_panels_that_wait);
	RUN(nor_is_a_lane_that_does_not_run_it_in_time);
	RUN(nor_is_a_breach_nor_the_end_of_a_trial);
	RUN(a_trial_outlives_its_time_while_frozen);
	RUN(and_goes_back_though_frozen);
	RUN(what_every_lane_runs_keeps_nobody_waiting);
	RUN(a_confirmation_is_for_the_change_that_was_meant);
	return check_result();
}
