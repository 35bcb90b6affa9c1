// SPDX-License-Identifier: BSD-2-Clause
/*
 * Changes that end by themselves: trials whose time is up or whose rule is broken, changes that nobody confirms or that
 * a lane does not observe in time. Nobody else makes trials or pending changes here, but anybody may swap or roll back
 * over them.
 */
#include "swap.h"
#include <croom/trial.h>
#include <errno.h>
#include <string.h>

/* For each kind of rule one that is broken soon; and some that hold until the time is up. */
static const char *const rules[] = { "for=3ms", "errors<5,for=20ms", "errors<1%,for=20ms", "differ<50,for=20ms",
	"p99<1ns,for=20ms,sample=1", "max<1h,for=2ms,sample=4", "p50<1h,errors<1000000" };
enum { RULES = sizeof(rules) / sizeof(rules[0]) };

static uint64_t timed_of(const struct croom_trial_view *view)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < CROOM_HISTOGRAM; i++)
		sum += view->histogram[i];
	return sum;
}

/* Is the one rule that counts errors or differences reached? False where there is another one. */
static bool counts_reached(const struct croom_trial *trial, const struct croom_trial_view *view, bool *counts)
{
	const struct croom_rule *rule = &trial->rule[0];
	uint64_t shown = rule->what == CROOM_RULE_ERRORS ? view->errors : view->differences;

	*counts = trial->rules == 1 && (rule->what == CROOM_RULE_ERRORS || rule->what == CROOM_RULE_DIFFERENCES);
	return *counts && shown >= rule->limit;
}

/* A rule that is said to be broken is broken by the figures that are shown with it. */
static void judge_broken(const struct croom_trial *trial, const struct croom_trial_view *view)
{
	bool counts, reached = counts_reached(trial, view, &counts);

	if (!view->why[0])
		found(FOUND_SHOWN, "the trial of revision %llu is broken, and does not say by what", (big)view->revision);
	if (counts && !reached)
		found(FOUND_SHOWN, "the trial of revision %llu is broken by %llu errors, %llu differences: %s",
		      (big)view->revision, (big)view->errors, (big)view->differences, view->why);
	if (trial->rules == 1 && trial->rule[0].what == CROOM_RULE_LATENCY && view->timed == 0)
		found(FOUND_SHOWN, "the trial of revision %llu is broken and has timed nothing", (big)view->revision);
}

static void look(unsigned slot, const struct croom_trial *trial, uint64_t revision)
{
	static struct croom_trial_view view;
	struct croom_error err;
	int rc = croom_room_trial(torture.room, slot_name(slot), &view, &err);

	if (rc)
		found(FOUND_ANSWER, "to look at the trial in slot %u had to be 0, and was %d: %s", slot, rc, err.text);
	else if (view.broken && view.revision == revision)
		judge_broken(trial, &view);
}

/* The trial has been swapped out and every lane has left it: its figures are final, and they agree. */
static void look_final(struct crew *self, unsigned slot, const struct croom_trial *trial, uint64_t revision)
{
	static struct croom_trial_view view, again;
	bool counts;
	struct croom_swap_options patient = { .wait_ms = 1000 };
	struct croom_change change = { slot_name(slot), "red:1" };
	struct croom_error err;

	if (croom_room_swap(torture.room, &change, 1, &patient, NULL, &err))
		return;
	torture_tally(TALLY_SWAPS, 1);
	if (croom_room_trial(torture.room, change.slot, &view, &err))
		return;
	crew_rest(&self->luck, 500);
	if (croom_room_trial(torture.room, change.slot, &again, &err))
		return;
	if (view.timed != timed_of(&view) || view.timed != again.timed || view.errors != again.errors ||
	    view.differences != again.differences || view.calls != again.calls)
		found(FOUND_SHOWN, "the trial of revision %llu has ended with %llu timed calls, %llu of them in its "
		      "histogram, and goes on to %llu", (big)view.revision, (big)view.timed, (big)timed_of(&view),
		      (big)again.timed);
	if (view.revision == revision && counts_reached(trial, &view, &counts) && !view.broken)
		found(FOUND_SHOWN, "the trial of revision %llu has %llu errors, %llu differences and is not broken",
		      (big)view.revision, (big)view.errors, (big)view.differences);
}

/* Any end: promoted, profiled, swapped over, or by itself. */
static void finish(struct crew *self, struct swapper *swapper, unsigned slot, const struct croom_trial *trial)
{
	uint64_t revision = swapper_result(swapper)->revision;
	int64_t wait_ms = swapper_wait_ms(&self->luck);
	const struct croom_swap_options options = { .wait_ms = wait_ms };
	uint32_t choice = luck_below(&self->luck, 4);
	struct croom_error err;
	int rc;

	if (choice == 2)
		look_final(self, slot, trial, revision);
	if (choice >= 2)
		return;
	if (choice == 0)
		rc = croom_room_promote(torture.room, slot_name(slot), &options, swapper_result(swapper), &err);
	else
		rc = croom_room_profile(torture.room, slot_name(slot), 2, 1 + luck_below(&self->luck, 4), &options,
					swapper_result(swapper), &err);
	swapper_judge(swapper, &self->luck, rc, wait_ms, &err, MAY_BE_GONE);
}

void trial_body(struct crew *self)
{
	struct swapper *swapper = swapper_new();

	while (!torture_over()) {
		struct croom_trial trial = { .kind = (enum croom_trial_kind)luck_below(&self->luck, CROOM_PROFILE),
			.one_in = 2 + luck_below(&self->luck, 8) };
		const char *rule = rules[luck_below(&self->luck, RULES)];
		struct croom_swap_options options = { .wait_ms = swapper_wait_ms(&self->luck), .trial = &trial };
		unsigned slot = slot_of_trials();
		struct request request;
		struct croom_error err;
		int rc = croom_trial_parse(&trial, rule, &err);

		if (rc)
			found(FOUND_ANSWER, "the rule %s had to be good, and was %d: %s", rule, rc, err.text);
		request.count = 0;
		request_add(&request, slot, luck_below(&self->luck, 2) ? "sour" : class_any(&self->luck), stamp_new());
		rc = croom_room_swap(torture.room, request.change, 1, &options, swapper_result(swapper), &err);
		if (swapper_judge(swapper, &self->luck, rc, options.wait_ms, &err, 0)) {
			crew_rest(&self->luck, 6000);
			look(slot, &trial, swapper_result(swapper)->revision);
			finish(self, swapper, slot, &trial);
			torture_done(ACTOR_TRIAL, 1);
		}
		croom_room_tick(torture.room);
		crew_rest(&self->luck, 3000);
	}
}

/* Confirmed, or in time, or late, or rolled back by somebody: all may be, but no other answer. */
static void confirm(uint64_t revision)
{
	struct croom_error err;
	int rc = croom_room_confirm(torture.room, revision, NULL, &err);

	if (rc && rc != -ENODATA)
		found(FOUND_ANSWER, "to confirm revision %llu had to be 0 or too late, and was %d: %s", (big)revision, rc,
		      err.text);
}

void confirm_body(struct crew *self)
{
	struct swapper *swapper = swapper_new();

	while (!torture_over()) {
		struct croom_swap_options options = { .wait_ms = swapper_wait_ms(&self->luck) };
		struct request request;
		struct croom_error err;
		int rc;

		if (luck_below(&self->luck, 2))
			options.confirm_ms = 1 + luck_below(&self->luck, 6);
		if (!options.confirm_ms || luck_below(&self->luck, 2))
			options.observe_ms = 1 + luck_below(&self->luck, 3);
		request.count = 0;
		request_group(&request, &self->luck);
		rc = croom_room_swap(torture.room, request.change, request.count, &options, swapper_result(swapper), &err);
		if (swapper_judge(swapper, &self->luck, rc, options.wait_ms, &err, 0)) {
			uint64_t revision = swapper_result(swapper)->revision;

			crew_rest(&self->luck, 3000);
			if (options.confirm_ms && luck_below(&self->luck, 2))
				confirm(luck_below(&self->luck, 2) ? revision : 0);
			while (croom_room_unconfirmed(torture.room, NULL) && !torture_over()) {
				croom_room_tick(torture.room);
				crew_rest(&self->luck, 1000);
			}
			torture_done(ACTOR_CONFIRM, 1);
		}
		croom_room_tick(torture.room);
		crew_rest(&self->luck, 15000);
	}
}

void freeze_body(struct crew *self)
{
	while (!torture_over()) {
		struct croom_error err;
		struct request request;
		int rc = croom_room_freeze(torture.room, "for the torture", NULL, &err);

		if (rc || !croom_room_frozen(torture.room, NULL, 0))
			found(FOUND_ANSWER, "to freeze the room had to be 0, and was %d", rc);
		if (croom_room_freeze(torture.room, "once more", NULL, &err) != -EALREADY)
			found(FOUND_ANSWER, "a room can be frozen twice: %s", err.text);
		request.count = 0;
		request_group(&request, &self->luck);
		rc = croom_room_swap(torture.room, request.change, request.count, NULL, NULL, &err);
		if (rc != -EPERM && rc != -EBUSY)
			found(FOUND_ANSWER, "a swap in a frozen room said %d: %s", rc, err.text);
		crew_rest(&self->luck, 500);
		rc = croom_room_thaw(torture.room, NULL, &err);
		if (rc)
			found(FOUND_ANSWER, "to thaw the room had to be 0, and was %d: %s", rc, err.text);
		torture_done(ACTOR_FREEZE, 1);
		crew_rest(&self->luck, 30000);
	}
}
