// SPDX-License-Identifier: BSD-2-Clause
/*
 * Changes with a way back, when memory runs out: to begin, promote, profile, freeze and quarantine is refused and has changed
 * nothing. What goes back by itself does so as soon as there is memory for it.
 */
#include "scene.h"
#include <time.h>

static const struct croom_trial guard = { .kind = CROOM_GUARD, .rules = 1, .rule = { { CROOM_RULE_ERRORS, 0, 1 } } };
static const struct croom_trial canary = { .kind = CROOM_CANARY, .one_in = 10 };
static const struct croom_change fresh = { "printer", "number:-5" };

/*
 * Try `act` for each allocation that it makes, in a scene that `set` has brought to where it is to happen. After a failure
 * all is as before, and it works. At least `least` allocations, or nothing was tried.
 */
static void every_allocation(void (*set)(struct scene *scene), int (*act)(struct scene *scene, struct croom_error *err), long least)
{
	static struct shown before, after;

	for (int how = SCARCE_ONE; how <= SCARCE_ON; how++) {
		long failed = 1, n;

		for (n = 1; failed && n < 100; n++) {
			struct croom_error err = { 0 };
			struct scene scene;
			int rc;

			scene_open(&scene);
			if (set)
				set(&scene);
			show(scene.room, &before);
			scarce_begin((enum scarce_how)how, n);
			rc = act(&scene, &err);
			failed = scarce_end();
			CHECK_EQ(rc, failed ? -ENOMEM : 0);
			show(scene.room, &after);
			if (rc) {
				CHECK(!err.code || (err.code == -ENOMEM && strstr(err.text, "out of memory")));
				CHECK(strcmp(before.text, after.text) == 0);
				CHECK_EQ(act(&scene, &err), 0);
			} else {
				CHECK(strcmp(before.text, after.text));
			}
			scene_close(&scene);
		}
		CHECK_EQ(failed, 0);
		CHECK(n - 2 >= least);
	}
}

static int swap_with(const struct scene *scene, const struct croom_trial *trial, int64_t confirm_ms, struct croom_error *err)
{
	const struct croom_swap_options options = { .wait_ms = 0, .trial = trial, .confirm_ms = confirm_ms };

	return croom_room_swap(scene->room, &fresh, 1, &options, NULL, err);
}

static int act_guard(struct scene *scene, struct croom_error *err)
{
	return swap_with(scene, &guard, 1000000, err);
}

static int act_canary(struct scene *scene, struct croom_error *err)
{
	return swap_with(scene, &canary, 0, err);
}

static void set_guard(struct scene *scene)
{
	must(swap_with(scene, &guard, 1000000, NULL));
}

static int act_promote(struct scene *scene, struct croom_error *err)
{
	return croom_room_promote(scene->room, "printer", &publish, NULL, err);
}

static int act_profile(struct scene *scene, struct croom_error *err)
{
	return croom_room_profile(scene->room, "filter", 1000000, 1, &publish, NULL, err);
}

/* Back to the handler that the guard keeps open. */
static int act_back(struct scene *scene, struct croom_error *err)
{
	return croom_room_rollback(scene->room, 0, &publish, NULL, err);
}

static int act_freeze(struct scene *scene, struct croom_error *err)
{
	return croom_room_freeze(scene->room, "a reason", NULL, err);
}

static int act_quarantine(struct scene *scene, struct croom_error *err)
{
	(void)err;
	return croom_room_quarantine(scene->room, "printer", "number:7", "it was in force when the program died");
}

static void a_swap_on_trial(void)
{
	every_allocation(NULL, act_guard, 8);
	every_allocation(NULL, act_canary, 7);
}

static void promoting_and_rolling_back(void)
{
	every_allocation(set_guard, act_promote, 1);
	every_allocation(set_guard, act_back, 1);
}

static void a_profile(void)
{
	every_allocation(NULL, act_profile, 3);
}

static void freezing_and_quarantine(void)
{
	every_allocation(NULL, act_freeze, 1);
	every_allocation(NULL, act_quarantine, 1);
}

/* None of these needs memory, so none can fail. */
static void the_ways_out_need_none(void)
{
	struct croom_trial_view view;
	struct croom_trial trial;
	struct croom_error err;
	struct scene scene;

	scene_open(&scene);
	set_guard(&scene);
	must(act_quarantine(&scene, NULL));
	must(act_freeze(&scene, NULL));
	scarce_begin(SCARCE_ON, 1);
	CHECK_EQ(croom_trial_parse(&trial, "p99<5us,errors<0.1%,for=10s", &err), 0);
	CHECK_EQ(croom_room_trial(scene.room, "printer", &view, &err), 0);
	CHECK_EQ(croom_room_thaw(scene.room, NULL, &err), 0);
	CHECK_EQ(croom_room_pardon(scene.room, "printer", "number:7", NULL, &err), 0);
	CHECK_EQ(croom_room_confirm(scene.room, 0, NULL, &err), 0);
	croom_room_note(scene.room, NULL, "a note");
	CHECK_EQ(scarce_end(), 0);
	CHECK_EQ(scarce_seen(), 0);
	scene_close(&scene);
}

/* Ticks with each of its allocations missing change nothing and want to be called again; one with memory does it. */
static void goes_back(void (*set)(struct scene *scene), enum croom_cause cause, uint64_t revision)
{
	static struct shown before, after;
	long failed = 1, n;

	for (n = 1; failed && n < 100; n++) {
		struct scene scene;
		int64_t wanted;

		scene_open(&scene);
		set(&scene);
		show(scene.room, &before);
		scarce_begin(SCARCE_ONE, n);
		wanted = croom_room_tick(scene.room);
		failed = scarce_end();
		show(scene.room, &after);
		if (failed) {
			CHECK(strcmp(before.text, after.text) == 0);
			CHECK(wanted >= 0 && wanted <= 20);
			croom_room_tick(scene.room);
			show(scene.room, &after);
		}
		CHECK(strstr(after.text, "printer=number:1 ()"));
		CHECK(!strstr(after.text, cause == CROOM_BY_UNCONFIRMED ? "6 to be confirmed" : "(guard)"));
		CHECK_EQ(croom_room_revision(scene.room), revision);
		CHECK_EQ(opened - closed, 3);
		scene_close(&scene);
	}
	CHECK_EQ(failed, 0);
	CHECK(n > 1);
}

static void set_unconfirmed(struct scene *scene)
{
	const struct timespec pause = { .tv_nsec = 2000000 };

	must(swap_with(scene, NULL, 1, NULL));
	nanosleep(&pause, NULL);
}

/* The new handler returns less than 0 once: that breaks the rule. */
static void set_broken(struct scene *scene)
{
	const struct croom_panel *panel;
	note n = { 1 };

	set_guard(scene);
	panel = croom_lane_unpark(scene->lane);
	croom_slot_call(printer, panel, &n);
	croom_lane_park(scene->lane);
}

/* The guard is over before it does. */
static void set_broken_late(struct scene *scene)
{
	const struct croom_panel *panel;
	note n = { 1 };

	set_guard(scene);
	panel = croom_lane_unpark(scene->lane);
	must(act_promote(scene, NULL));
	croom_slot_call(printer, panel, &n);
	croom_lane_park(scene->lane);
}

static void what_is_not_confirmed_goes_back(void)
{
	goes_back(set_unconfirmed, CROOM_BY_UNCONFIRMED, 6);
}

static void what_breaks_a_rule_goes_back(void)
{
	goes_back(set_broken, CROOM_BY_BREACH, 6);
}

static void what_breaks_a_rule_at_the_very_end_goes_back(void)
{
	goes_back(set_broken_late, CROOM_BY_BREACH, 7);
}

int main(void)
{
	RUN(a_swap_on_trial);
	RUN(promoting_and_rolling_back);
	RUN(a_profile);
	RUN(freezing_and_quarantine);
	RUN(the_ways_out_need_none);
	RUN(what_is_not_confirmed_goes_back);
	RUN(what_breaks_a_rule_goes_back);
	RUN(what_breaks_a_rule_at_the_very_end_goes_back);
	return check_result();
}
