// SPDX-License-Identifier: BSD-2-Clause
/* Changes that go back unless they are confirmed, or run by every lane in time; also while as many panels wait as may. */
#include "trials.h"

static void goes_back_unless_confirmed(void)
{
	int64_t left;

	begin();
	CHECK_EQ(swap("number:1"), 0);
	CHECK_EQ(confirming("number:2", 20), 0);
	CHECK_EQ(call(), 2);
	CHECK_EQ(croom_room_unconfirmed(room, &left), 3);
	CHECK(left <= 20);
	run_until(4);
	CHECK_EQ(newest().cause, CROOM_BY_UNCONFIRMED);
	CHECK_EQ(call(), 1);
	CHECK_EQ(opened, 2);
	CHECK_EQ(croom_room_unconfirmed(room, NULL), 0);
	CHECK_EQ(croom_room_confirm(room, 0, NULL, &err), -ENODATA);
	CHECK_EQ(croom_room_tick(room), -1);
	end();
}

static void stays_when_confirmed(void)
{
	begin();
	CHECK_EQ(swap("number:1"), 0);
	CHECK_EQ(confirming("number:2", 60000), 0);
	CHECK_EQ(call(), 2);
	CHECK_EQ(closed, 0);
	CHECK_EQ(croom_room_confirm(room, 2, NULL, &err), -ESTALE);
	CHECK_EQ(croom_room_confirm(room, 3, NULL, &err), 0);
	croom_room_tick(room);
	CHECK_EQ(closed, 1);
	CHECK_EQ(croom_room_revision(room), 3);
	CHECK_EQ(call(), 2);
	end();
}

static void a_late_confirmation_is_none(void)
{
	begin();
	CHECK_EQ(confirming("number:2", 1), 0);
	sleep_ms(5);
	CHECK_EQ(croom_room_confirm(room, 0, NULL, &err), -ENODATA);
	run_until(3);
	CHECK_EQ(call(), 0);
	end();
}

static void nothing_else_changes_before_it_is_confirmed(void)
{
	struct croom_prepared *prepared;
	const struct croom_change change = { "filter", "number:1" };

	begin();
	CHECK_EQ(croom_room_prepare(room, &change, 1, NULL, &prepared, &err), 0);
	CHECK_EQ(confirming("number:2", 60000), 0);
	CHECK_EQ(swap("number:3"), -EBUSY);
	CHECK_EQ(err.kind, CROOM_ERROR_UNCONFIRMED);
	CHECK_EQ(err.revision, 2);
	CHECK_EQ(croom_room_commit(room, prepared, 0, NULL, &err), -ESTALE);
	croom_room_discard(room, prepared);
	/* A rollback is an answer. */
	CHECK_EQ(croom_room_rollback(room, 0, &at_once, NULL, &err), 0);
	CHECK_EQ(croom_room_unconfirmed(room, NULL), 0);
	CHECK_EQ(swap("number:3"), 0);
	end();
}

static void a_broken_guard_settles_what_waits(void)
{
	struct croom_trial trial = { .kind = CROOM_GUARD };

	begin();
	CHECK_EQ(swap("number:1"), 0);
	CHECK_EQ(croom_trial_parse(&trial, "errors<1", &err), 0);
	CHECK_EQ(rig_swap(room, "printer", "number:-1", &(struct croom_swap_options){ .trial = &trial, .confirm_ms = 60000 }, NULL, &err), 0);
	CHECK_EQ(call(), -1);
	CHECK_EQ(call(), 1);
	run_until(4);
	CHECK_EQ(croom_room_unconfirmed(room, NULL), 0);
	CHECK_EQ(call(), 1);
	croom_room_tick(room);
	CHECK_EQ(closed, 1);
	end();
}

static void a_change_that_a_lane_does_not_run_in_time_is_undone(void)
{
	struct croom_swap_result result;

	begin();
	CHECK_EQ(swap("number:1"), 0);
	call();
	CHECK_EQ(rig_swap(room, "printer", "number:2", &(struct croom_swap_options){ .wait_ms = 60, .observe_ms = 20 }, &result, &err), -ETIMEDOUT);
	CHECK(strstr(err.text, "it was undone as revision 4"));
	CHECK_EQ(newest().cause, CROOM_BY_UNOBSERVED);
	CHECK_EQ(call(), 1);
	/* In time. */
	CHECK_EQ(rig_swap(room, "printer", "number:2", &(struct croom_swap_options){ .observe_ms = 20 }, &result, &err), 0);
	call();
	sleep_ms(30);
	croom_room_tick(room);
	CHECK_EQ(croom_room_revision(room), 5);
	CHECK_EQ(call(), 2);
	end();
}

static void what_every_lane_runs_keeps_nobody_waiting(void)
{
	struct croom_swap_options soon = { .observe_ms = 60000 };

	begin();
	CHECK_EQ(rig_swap(room, "printer", "number:1", &soon, NULL, &err), 0);
	CHECK_EQ(swap("number:2"), -EBUSY);
	observe();
	/* Nobody has ticked. */
	CHECK_EQ(croom_room_poll(room, 2, NULL, &err), 0);
	CHECK_EQ(swap("number:2"), 0);
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

/* What was to be confirmed is not there any more. */
static void a_shadow_that_ends_is_not_to_be_confirmed(void)
{
	struct croom_trial trial = { .kind = CROOM_SHADOW };

	begin();
	CHECK_EQ(swap("pure:1"), 0);
	CHECK_EQ(croom_trial_parse(&trial, "for=1ms", &err), 0);
	CHECK_EQ(rig_swap(room, "printer", "pure:2", &(struct croom_swap_options){ .trial = &trial, .confirm_ms = 1000000 }, NULL, &err),
		 0);
	CHECK_EQ(croom_room_unconfirmed(room, NULL), 3);
	tick_until(4);
	CHECK_EQ(newest().cause, CROOM_BY_END_OF_TRIAL);
	CHECK_EQ(croom_room_unconfirmed(room, NULL), 0);
	CHECK_EQ(swap_filter("number:1"), 0);
	/* One that is promoted is. */
	CHECK_EQ(rig_swap(room, "printer", "pure:3", &(struct croom_swap_options){ .trial = &trial, .confirm_ms = 1000000 }, NULL, &err),
		 0);
	CHECK_EQ(croom_room_promote(room, "printer", &at_once, NULL, &err), 0);
	CHECK_EQ(croom_room_unconfirmed(room, NULL), 6);
	end();
}

/* A lane that hangs, and as many panels that wait for it as may. */
static void hang(void)
{
	for (int i = 0; croom_room_retired(room) < CROOM_RETIRED_MAX; i++)
		CHECK_EQ(swap_filter(i % 2 ? "number:1" : "number:2"), 0);
	CHECK_EQ(swap_filter("number:3"), -EBUSY);
	CHECK_EQ(err.kind, CROOM_ERROR_BUSY);
}

static void a_way_back_is_not_refused_for_panels_that_wait(void)
{
	unsigned retired;

	begin();
	CHECK_EQ(swap("number:1"), 0);
	observe();
	/* The filter's swaps are refused while this waits to be confirmed, so it comes last. */
	for (int i = 0; croom_room_retired(room) < CROOM_RETIRED_MAX - 1; i++)
		CHECK_EQ(swap_filter(i % 2 ? "number:1" : "number:2"), 0);
	CHECK_EQ(rig_swap(room, "printer", "number:2", &(struct croom_swap_options){ .confirm_ms = 10 }, NULL, &err), 0);
	retired = croom_room_retired(room);
	CHECK_EQ(retired, CROOM_RETIRED_MAX);
	tick_until(croom_room_revision(room) + 1);
	CHECK_EQ(newest().cause, CROOM_BY_UNCONFIRMED);
	CHECK_EQ(croom_room_retired(room), CROOM_RETIRED_MAX + 1);
	CHECK_EQ(swap_filter("number:3"), -EBUSY);
	observe();
	CHECK_EQ(call_there(), 1);
	CHECK_EQ(swap_filter("number:3"), 0);
	end();
}

static void nor_is_a_lane_that_does_not_run_it_in_time(void)
{
	begin();
	CHECK_EQ(swap("number:1"), 0);
	for (int i = 0; croom_room_retired(room) < CROOM_RETIRED_MAX - 1; i++)
		CHECK_EQ(swap_filter(i % 2 ? "number:1" : "number:2"), 0);
	CHECK_EQ(rig_swap(room, "printer", "number:2", &(struct croom_swap_options){ .observe_ms = 10 }, NULL, &err), 0);
	tick_until(croom_room_revision(room) + 1);
	CHECK_EQ(newest().cause, CROOM_BY_UNOBSERVED);
	end();
}

static void nor_is_a_breach_nor_the_end_of_a_trial(void)
{
	struct croom_trial trial = { .kind = CROOM_GUARD };
	uint64_t revision;

	begin();
	CHECK_EQ(swap("number:1"), 0);
	CHECK_EQ(swap_filter("number:4"), 0);
	CHECK_EQ(try("number:-5", CROOM_GUARD, 2, "errors<1"), 0);
	CHECK_EQ(croom_trial_parse(&trial, "errors<1,for=1ms", &err), 0);
	observe();
	hang();
	revision = croom_room_revision(room);
	CHECK_EQ(call_there(), -5);
	croom_room_tick(room);
	CHECK_EQ(croom_room_revision(room), revision + 1);
	CHECK_EQ(newest().cause, CROOM_BY_BREACH);
	CHECK_EQ(croom_room_retired(room), CROOM_RETIRED_MAX + 1);
	observe();
	CHECK_EQ(call_there(), 1);
	/* And the end of one. */
	CHECK_EQ(rig_swap(room, "printer", "number:2", &(struct croom_swap_options){ .trial = &trial }, NULL, &err), 0);
	observe();
	for (int i = 0; croom_room_retired(room) < CROOM_RETIRED_MAX; i++)
		CHECK_EQ(swap_filter(i % 2 ? "number:1" : "number:2"), 0);
	while (newest().cause != CROOM_BY_END_OF_TRIAL) {
		croom_room_tick(room);
		sleep_ms(1);
	}
	observe();
	CHECK_EQ(call_there(), 2);
	end();
}

int main(void)
{
	RUN(goes_back_unless_confirmed);
	RUN(stays_when_confirmed);
	RUN(a_late_confirmation_is_none);
	RUN(nothing_else_changes_before_it_is_confirmed);
	RUN(a_broken_guard_settles_what_waits);
	RUN(a_change_that_a_lane_does_not_run_in_time_is_undone);
	RUN(what_every_lane_runs_keeps_nobody_waiting);
	RUN(a_confirmation_is_for_the_change_that_was_meant);
	RUN(a_shadow_that_ends_is_not_to_be_confirmed);
	RUN(a_way_back_is_not_refused_for_panels_that_wait);
	RUN(nor_is_a_lane_that_does_not_run_it_in_time);
	RUN(nor_is_a_breach_nor_the_end_of_a_trial);
	return check_result();
}
