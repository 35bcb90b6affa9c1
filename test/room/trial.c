// SPDX-License-Identifier: BSD-2-Clause
/* Guards, canaries, shadows, profiles; confirm or revert; freeze; quarantine; removing classes; events. */
#include "rig.h"
#include <croom/trial.h>
#include <pthread.h>
#include <time.h>

static struct croom_room *room;
static struct croom_lane *lane;
static const struct croom_panel *panel;
static struct croom_error err;
static struct croom_trial_view view;

/* Takes some tens of microseconds with every call; returns its number. */
static int slow_call(struct gadget *ctx, note *n)
{
	struct timespec begun, now;

	clock_gettime(CLOCK_MONOTONIC, &begun);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - begun.tv_sec) * 1000000000 + now.tv_nsec - begun.tv_nsec < 50000);
	return gadget_call(ctx, n);
}
CROOM_RUN(slow, slow_call, struct gadget, note);

static const struct croom_class pure = { .name = "pure", .help = "returns N", .syntax = "N", CROOM_RUNS(gadget),
	.open = gadget_open, .close = gadget_close, .traits = CROOM_PURE };
static const struct croom_class slow = { .name = "slow", .help = "returns N, late", .syntax = "N", CROOM_RUNS(slow),
	.open = gadget_open, .close = gadget_close };

static void begin(void)
{
	room = rig_open();
	CHECK_EQ(croom_room_class_add(room, "printer", &pure, NULL), 0);
	CHECK_EQ(croom_room_class_add(room, "printer", &slow, NULL), 0);
	CHECK_EQ(croom_room_lane_add(room, "feed", &lane), 0);
	panel = croom_lane_unpark(lane);
}

static void end(void)
{
	croom_lane_park(lane);
	croom_room_close(room);
	CHECK_EQ(opened, closed);
}

static int call(void)
{
	note n = { .value = 7 };

	panel = croom_lane_observe(lane, panel);
	return croom_slot_call(printer, panel, &n);
}

static int swap(const char *handler)
{
	return rig_swap(room, "printer", handler, &(struct croom_swap_options){ .wait_ms = 0 }, NULL, &err);
}

static int try(const char *handler, enum croom_trial_kind kind, uint32_t one_in, const char *rules)
{
	struct croom_trial trial = { .kind = kind, .one_in = one_in };

	if (*rules)
		CHECK_EQ(croom_trial_parse(&trial, rules, &err), 0);
	return rig_swap(room, "printer", handler, &(struct croom_swap_options){ .trial = &trial }, NULL, &err);
}

/* What the newest revision came from, and its note. */
struct newest {
	enum croom_cause cause;
	char note[256], to[64];
};

static int keep_newest(void *env, const struct croom_history_view *change)
{
	struct newest *newest = env;

	newest->cause = change->cause;
	snprintf(newest->note, sizeof(newest->note), "%s", change->note);
	snprintf(newest->to, sizeof(newest->to), "%s", change->changes ? change->change[0].to : "");
	return 0;
}

static struct newest newest(void)
{
	struct newest newest = { 0 };

	croom_room_each_change(room, 0, keep_newest, &newest);
	return newest;
}

static void sleep_ms(long ms)
{
	struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

/* Tick until the revision is there. */
static void tick_until(uint64_t revision)
{
	while (croom_room_revision(room) < revision) {
		croom_room_tick(room);
		call();
		sleep_ms(1);
	}
}

static void reads_rules(void)
{
	struct croom_trial trial = { .kind = CROOM_GUARD };

	CHECK_EQ(croom_trial_parse(&trial, "p99<5us,max<1.5ms,errors<0.1%,errors<10,differ<3,for=10s,sample=64", &err), 0);
	CHECK_EQ(trial.rules, 5);
	CHECK_EQ(trial.rule[0].quantile, 990000);
	CHECK_EQ(trial.rule[0].limit, 5000);
	CHECK_EQ(trial.rule[1].quantile, 1000000);
	CHECK_EQ(trial.rule[1].limit, 1500000);
	CHECK_EQ(trial.rule[2].what, CROOM_RULE_ERROR_SHARE);
	CHECK_EQ(trial.rule[2].limit, 1000);
	CHECK_EQ(trial.rule[3].limit, 10);
	CHECK_EQ(trial.rule[4].what, CROOM_RULE_DIFFERENCES);
	CHECK_EQ(trial.for_ms, 10000);
	CHECK_EQ(trial.sample, 64);
	CHECK_EQ(croom_trial_parse(&trial, "p99.99<250ns", &err), 0);
	CHECK_EQ(trial.rule[0].quantile, 999900);
	CHECK_EQ(trial.rule[0].limit, 250);
}

static void refuses_rules_that_are_none(void)
{
	static const struct { const char *text; int offset; } bad[] = {
		{ "", 0 }, { "p99", 0 }, { "p99<", 0 }, { "p99<5", 0 }, { "p100<5us", 0 }, { "p99<0us", 0 }, { "max<-1us", 0 },
		{ "errors<0%", 0 }, { "errors<101%", 0 }, { "errors<1.5", 0 }, { "errors<10x", 0 }, { "for=0s", 0 },
		{ "for=10", 0 }, { "sample=0", 0 }, { "p99<5us,", 8 }, { "p99<5us,,for=1s", 8 }, { "for=1s;p99<5us", 0 },
		{ "p99<99999999999999999999s", 0 }, { "max<1s,max<1s,max<1s,max<1s,max<1s,max<1s,max<1s", 42 }, { "P99<5us", 0 },
	};
	struct croom_trial trial;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_EQ(croom_trial_parse(&trial, bad[i].text, &err), -EINVAL);
		CHECK_EQ(err.offset, bad[i].offset);
		CHECK(err.text[0]);
	}
}

static void a_guard_that_holds_leaves_the_bare_handler(void)
{
	begin();
	CHECK_EQ(swap("number:1"), 0);
	CHECK_EQ(try("number:2", CROOM_GUARD, 0, "errors<1,for=20ms,sample=1"), 0);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(call(), 2);
	CHECK_EQ(croom_room_trial(room, "printer", &view, &err), 0);
	CHECK_EQ(view.calls, 10);
	CHECK_EQ(view.timed, 10);
	CHECK(!view.broken && strcmp(view.fresh, "number:2") == 0 && strcmp(view.old, "number:1") == 0);
	CHECK_EQ(closed, 0);
	tick_until(4);
	CHECK_EQ(newest().cause, CROOM_BY_END_OF_TRIAL);
	CHECK_EQ(call(), 2);
	CHECK(croom_panel_entry(panel, printer_slot)->run == gadget_run);
	croom_room_tick(room);
	CHECK_EQ(closed, 1);
	CHECK_EQ(croom_room_tick(room), -1);
	end();
}

static void a_broken_guard_is_back_with_the_next_call(void)
{
	begin();
	CHECK_EQ(swap("number:1"), 0);
	call();
	CHECK_EQ(try("number:-5", CROOM_GUARD, 0, "errors<3"), 0);
	CHECK_EQ(call(), -5);
	CHECK_EQ(call(), -5);
	CHECK_EQ(call(), -5);
	/* Nobody has looked: the lane did it by itself. */
	CHECK_EQ(call(), 1);
	CHECK_EQ(croom_room_revision(room), 3);
	CHECK_EQ(croom_room_promote(room, "printer", NULL, NULL, &err), -EBUSY);
	tick_until(4);
	CHECK_EQ(newest().cause, CROOM_BY_BREACH);
	CHECK(strcmp(newest().note, "errors<3 is broken: 3 of 3 calls failed") == 0);
	CHECK(strcmp(newest().to, "number:1") == 0);
	CHECK_EQ(call(), 1);
	CHECK(croom_panel_entry(panel, printer_slot)->run == gadget_run);
	CHECK_EQ(opened, 2);
	croom_room_tick(room);
	CHECK_EQ(closed, 1);
	CHECK_EQ(croom_room_trial(room, "printer", &view, &err), 0);
	CHECK(view.broken && view.errors == 3);
	end();
}

static void a_guard_sees_slow_calls(void)
{
	begin();
	CHECK_EQ(swap("number:1"), 0);
	CHECK_EQ(try("slow:2", CROOM_GUARD, 0, "p99<20us,sample=1"), 0);
	CHECK_EQ(call(), 2);
	CHECK_EQ(call(), 2);
	CHECK_EQ(call(), 1);
	tick_until(4);
	CHECK(strncmp(newest().note, "p99<20us is broken: 2 of 2 timed calls took longer, the longest ", 63) == 0);
	end();
}

static void a_share_of_errors_waits_for_enough_calls(void)
{
	begin();
	CHECK_EQ(swap("number:1"), 0);
	/* 1 % of 1000 calls are 10 errors. */
	CHECK_EQ(try("number:-1", CROOM_GUARD, 0, "errors<1%"), 0);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(call(), -1);
	CHECK_EQ(call(), 1);
	end();
}

static void a_canary_takes_one_in_so_many(void)
{
	int fresh = 0;

	begin();
	CHECK_EQ(swap("pure:1"), 0);
	CHECK_EQ(try("pure:2", CROOM_CANARY, 10, ""), 0);
	for (int i = 0; i < 1000; i++)
		fresh += call() == 2;
	CHECK_EQ(fresh, 100);
	CHECK_EQ(croom_room_promote(room, "printer", &(struct croom_swap_options){ .wait_ms = 0 }, NULL, &err), 0);
	CHECK_EQ(call(), 2);
	CHECK_EQ(call(), 2);
	CHECK_EQ(croom_room_promote(room, "printer", NULL, NULL, &err), -ENODATA);
	end();
}

static void a_shadow_counts_what_differs(void)
{
	begin();
	CHECK_EQ(swap("number:1"), 0);
	CHECK_EQ(try("pure:2", CROOM_SHADOW, 0, "differ<6"), 0);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(call(), 1);
	CHECK_EQ(croom_room_trial(room, "printer", &view, &err), 0);
	CHECK_EQ(view.differences, 5);
	CHECK(!view.broken);
	CHECK_EQ(call(), 1);
	tick_until(4);
	CHECK_EQ(newest().cause, CROOM_BY_BREACH);
	CHECK_EQ(call(), 1);
	end();
}

static void a_shadow_goes_when_its_time_is_up(void)
{
	begin();
	CHECK_EQ(swap("pure:1"), 0);
	CHECK_EQ(try("pure:1", CROOM_SHADOW, 0, "for=10ms"), 0);
	call();
	tick_until(4);
	CHECK_EQ(newest().cause, CROOM_BY_END_OF_TRIAL);
	CHECK_EQ(call(), 1);
	CHECK_EQ(croom_room_trial(room, "printer", &view, &err), 0);
	CHECK_EQ(view.differences, 0);
	end();
}

static void two_at_once_need_handlers_that_keep_apart(void)
{
	begin();
	CHECK_EQ(swap("pure:1"), 0);
	CHECK_EQ(try("number:2", CROOM_SHADOW, 0, ""), -ENOTSUP);
	CHECK_EQ(try("number:2", CROOM_CANARY, 10, ""), -ENOTSUP);
	CHECK(strstr(err.text, "printer=number"));
	CHECK_EQ(try("pure:2", CROOM_CANARY, 1, ""), -EINVAL);
	CHECK_EQ(swap("number:1"), 0);
	CHECK_EQ(try("pure:2", CROOM_CANARY, 10, ""), -ENOTSUP);
	CHECK_EQ(try("pure:2", CROOM_SHADOW, 0, ""), 0);
	/* One at a time. */
	CHECK_EQ(try("pure:3", CROOM_GUARD, 0, "errors<1"), -EBUSY);
	end();
}

static void a_trial_takes_one_change(void)
{
	const struct croom_change both[] = { { "printer", "number:1" }, { "filter", "number:2" } };
	struct croom_trial trial = { .kind = CROOM_GUARD };

	begin();
	CHECK_EQ(croom_room_swap(room, both, 2, &(struct croom_swap_options){ .trial = &trial }, NULL, &err), -EINVAL);
	CHECK_EQ(croom_room_revision(room), 1);
	end();
}

static void a_rollback_goes_to_the_handler_that_was_kept_warm(void)
{
	begin();
	CHECK_EQ(swap("number:1"), 0);
	CHECK_EQ(try("number:2", CROOM_GUARD, 0, "errors<1"), 0);
	CHECK_EQ(opened, 2);
	CHECK_EQ(croom_room_rollback(room, 0, &(struct croom_swap_options){ .wait_ms = 0 }, NULL, &err), 0);
	CHECK_EQ(opened, 2);
	CHECK_EQ(call(), 1);
	end();
}

static void a_profile_times_and_goes(void)
{
	begin();
	CHECK_EQ(swap("slow:3"), 0);
	CHECK_EQ(croom_room_profile(room, "printer", 30, 1, &(struct croom_swap_options){ .wait_ms = 0 }, NULL, &err), 0);
	for (int i = 0; i < 20; i++)
		CHECK_EQ(call(), 3);
	CHECK_EQ(croom_room_profile(room, "printer", 30, 1, NULL, NULL, &err), -EBUSY);
	tick_until(4);
	CHECK_EQ(croom_room_trial(room, "printer", &view, &err), 0);
	CHECK_EQ(view.kind, CROOM_PROFILE);
	CHECK(view.timed >= 20);
	CHECK(croom_histogram_quantile(view.histogram, 0.5) >= 50000);
	CHECK_EQ(call(), 3);
	CHECK(croom_panel_entry(panel, printer_slot)->run == slow_run);
	CHECK_EQ(opened, 1);
	end();
}

static void a_histogram_bucket_is_a_sixteenth(void)
{
	uint64_t histogram[CROOM_HISTOGRAM] = { 0 };

	for (unsigned i = 0; i + 1 < CROOM_HISTOGRAM && croom_histogram_ns(i) < UINT64_MAX / 2; i++)
		CHECK(croom_histogram_ns(i) < croom_histogram_ns(i + 1));
	CHECK_EQ(croom_histogram_ns(15), 15);
	CHECK_EQ(croom_histogram_ns(16), 16);
	CHECK_EQ(croom_histogram_ns(32), 33);
	CHECK_EQ(croom_histogram_quantile(histogram, 0.5), 0);
	histogram[3] = 99;
	histogram[40] = 1;
	CHECK_EQ(croom_histogram_quantile(histogram, 0.99), 3);
	CHECK_EQ(croom_histogram_quantile(histogram, 0.995), croom_histogram_ns(40));
}

static int confirming(const char *handler, int64_t ms)
{
	return rig_swap(room, "printer", handler, &(struct croom_swap_options){ .confirm_ms = ms }, NULL, &err);
}

static void goes_back_unless_confirmed(void)
{
	int64_t left;

	begin();
	CHECK_EQ(swap("number:1"), 0);
	CHECK_EQ(confirming("number:2", 20), 0);
	CHECK_EQ(call(), 2);
	CHECK_EQ(croom_room_unconfirmed(room, &left), 3);
	CHECK(left <= 20);
	tick_until(4);
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
	tick_until(3);
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
	CHECK_EQ(croom_room_rollback(room, 0, &(struct croom_swap_options){ .wait_ms = 0 }, NULL, &err), 0);
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
	tick_until(4);
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

static void a_frozen_room_refuses_and_says_why(void)
{
	char why[64];

	begin();
	CHECK_EQ(confirming("number:1", 20), 0);
	CHECK_EQ(croom_room_freeze(room, "audit until noon", NULL, &err), 0);
	CHECK_EQ(croom_room_freeze(room, "again", NULL, &err), -EALREADY);
	CHECK(croom_room_frozen(room, why, sizeof(why)) && strcmp(why, "audit until noon") == 0);
	CHECK_EQ(swap("number:2"), -EPERM);
	CHECK(err.kind == CROOM_ERROR_FROZEN && strstr(err.text, "audit until noon"));
	CHECK_EQ(croom_room_rollback(room, 0, NULL, NULL, &err), -EPERM);
	/* What goes back by itself still does. */
	tick_until(3);
	CHECK_EQ(newest().cause, CROOM_BY_UNCONFIRMED);
	CHECK_EQ(croom_room_thaw(room, NULL, &err), 0);
	CHECK_EQ(croom_room_thaw(room, NULL, &err), -EALREADY);
	CHECK_EQ(swap("number:2"), 0);
	end();
}

static void a_dry_run_changes_nothing(void)
{
	struct croom_swap_options dry = { .dry_run = true };
	struct croom_swap_result result;

	begin();
	CHECK_EQ(rig_swap(room, "printer", "number:1", &dry, &result, &err), 0);
	CHECK_EQ(result.revision, 2);
	CHECK_EQ(croom_room_revision(room), 1);
	CHECK_EQ(opened, closed);
	CHECK_EQ(rig_swap(room, "printer", "number:x", &dry, &result, &err), -EINVAL);
	CHECK_EQ(rig_swap(room, "printer", "nmber:1", &dry, &result, &err), -ENOENT);
	CHECK_EQ(call(), 0);
	end();
}

static int checks;

static int gadget_check(const char *config, void *env, struct croom_error *why)
{
	(void)env;
	checks++;
	return *config ? 0 : croom_error_set(why, EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, "takes a number");
}

/* A class that can tell without opening is not opened; what an error says is a sentence in any case. */
static void a_dry_run_asks_the_class(void)
{
	struct croom_trial trial = { .kind = CROOM_GUARD };
	struct croom_swap_options dry = { .dry_run = true };
	struct croom_class careful = rig_number;

	begin();
	careful.name = "careful";
	careful.check = gadget_check;
	CHECK_EQ(croom_room_class_add(room, "printer", &careful, NULL), 0);
	CHECK_EQ(rig_swap(room, "printer", "careful:1", &dry, NULL, &err), 0);
	CHECK_EQ(rig_swap(room, "printer", "careful", &dry, NULL, &err), -EINVAL);
	CHECK(strstr(err.text, "takes a number"));
	dry.trial = &trial;
	CHECK_EQ(rig_swap(room, "printer", "careful:1", &dry, NULL, &err), 0);
	CHECK_EQ(checks, 3);
	CHECK_EQ(opened, 0);
	CHECK_EQ(croom_room_swap(room, NULL, 0, &dry, NULL, &err), -EINVAL);
	CHECK(strstr(err.text, "no change"));
	CHECK_EQ(croom_room_revision(room), 1);
	end();
}

static void what_cannot_stand_beside_another_has_no_trial(void)
{
	struct croom_class alone = rig_number;

	begin();
	alone.name = "alone";
	alone.traits = CROOM_EXCLUSIVE;
	CHECK_EQ(croom_room_class_add(room, "printer", &alone, NULL), 0);
	CHECK_EQ(try("alone:1", CROOM_GUARD, 0, "errors<1"), -ENOTSUP);
	CHECK_EQ(swap("alone:1"), 0);
	CHECK_EQ(try("number:1", CROOM_GUARD, 0, "errors<1"), -ENOTSUP);
	CHECK(strstr(err.text, "cannot be on trial"));
	end();
}

static void a_lane_can_tell_what_a_trial_holds(void)
{
	begin();
	CHECK_EQ(swap("number:1"), 0);
	call();
	CHECK(croom_trial_inside(croom_panel_entry(panel, printer_slot)).ctx == croom_panel_entry(panel, printer_slot)->ctx);
	CHECK_EQ(try("slow:2", CROOM_GUARD, 0, "errors<1"), 0);
	panel = croom_lane_observe(lane, panel);
	CHECK(croom_panel_entry(panel, printer_slot)->run != slow_run);
	CHECK(croom_trial_inside(croom_panel_entry(panel, printer_slot)).run == slow_run);
	end();
}

static void a_handler_in_quarantine_is_refused(void)
{
	struct croom_prepared *prepared;

	begin();
	CHECK_EQ(croom_room_quarantine(room, "printer", "number:13", "was in force when the program died"), 0);
	CHECK_EQ(croom_room_quarantine(room, "printer", "number:13", "was in force when the program died"), 0);
	CHECK_EQ(croom_room_quarantine(room, "printer", "number:13", "again"), 0);
	CHECK_EQ(croom_room_quarantine(room, "nothing", "number:13", ""), -ENOENT);
	CHECK_EQ(swap("number:13"), -EACCES);
	CHECK_EQ(err.kind, CROOM_ERROR_QUARANTINED);
	CHECK_EQ(swap("number:14"), 0);
	CHECK_EQ(croom_room_pardon(room, "printer", "number:12", NULL, &err), -ENOENT);
	CHECK_EQ(croom_room_pardon(room, "printer", "number:13", NULL, &err), 0);
	CHECK_EQ(swap("number:13"), 0);
	/* Nor is one that was prepared before. */
	CHECK_EQ(croom_room_prepare(room, &(struct croom_change){ "printer", "number:15" }, 1, NULL, &prepared, &err), 0);
	CHECK_EQ(croom_room_quarantine(room, "printer", "number:15", "it hangs"), 0);
	CHECK_EQ(croom_room_commit(room, prepared, 0, NULL, &err), -EACCES);
	CHECK(err.kind == CROOM_ERROR_QUARANTINED && strstr(err.text, "it hangs"));
	CHECK_EQ(croom_room_pardon(room, "printer", "number:15", NULL, &err), 0);
	CHECK_EQ(croom_room_commit(room, prepared, 0, NULL, &err), 0);
	end();
}

static void a_class_goes_when_no_handler_of_it_is_open(void)
{
	begin();
	CHECK_EQ(swap("pure:1"), 0);
	CHECK_EQ(croom_room_class_remove(room, "printer", "pure", &err), -EBUSY);
	CHECK(strstr(err.text, "sits in slot printer"));
	call();
	CHECK_EQ(swap("number:1"), 0);
	CHECK_EQ(croom_room_class_remove(room, "printer", "pure", &err), -EAGAIN);
	CHECK(strstr(err.text, "lane feed"));
	call();
	CHECK_EQ(croom_room_class_remove(room, "printer", "pure", &err), 0);
	CHECK_EQ(croom_room_class_remove(room, "printer", "pure", &err), -ENOENT);
	CHECK_EQ(croom_room_class_remove(room, "printer", "off", &err), -EINVAL);
	CHECK_EQ(swap("pure:2"), -ENOENT);
	CHECK_EQ(croom_room_rollback(room, 2, NULL, NULL, &err), -ENOENT);
	CHECK_EQ(call(), 1);
	/* One of that name came again. */
	CHECK_EQ(croom_room_class_add(room, "printer", &pure, NULL), 0);
	CHECK_EQ(croom_room_rollback(room, 2, &(struct croom_swap_options){ .wait_ms = 0 }, NULL, &err), 0);
	CHECK_EQ(call(), 1);
	end();
}

static char heard[4096];

static void hear(void *env, const struct croom_event *event)
{
	static const char *const names[] = { "intent", "changed", "refused", "confirmed", "frozen", "thawed", "quarantined", "pardoned",
					     "note" };
	size_t used = strlen(heard);

	(void)env;
	snprintf(heard + used, sizeof(heard) - used, "%s %llu %s%s%s%s;", names[event->kind], (unsigned long long)event->revision,
		 event->slots ? event->handler[0] : "-", event->slots && event->waits[0] ? " waits" : "",
		 event->slots && event->trusted ? " trusted" : "", event->command);
	CHECK(!event->slots || !event->waits[1]);
}

static void tells_everything(void)
{
	const struct croom_origin who = { 1, 2, " by me" };

	begin();
	heard[0] = 0;
	croom_room_listen(room, hear, NULL);
	CHECK_EQ(rig_swap(room, "printer", "number:1", &(struct croom_swap_options){ .origin = &who }, NULL, &err), 0);
	CHECK_EQ(swap("number:x"), -EINVAL);
	CHECK_EQ(confirming("number:2", 60000), 0);
	CHECK_EQ(croom_room_confirm(room, 0, &who, &err), 0);
	CHECK_EQ(croom_room_freeze(room, "why", NULL, &err), 0);
	CHECK_EQ(croom_room_thaw(room, NULL, &err), 0);
	croom_room_note(room, NULL, "a note");
	CHECK(strcmp(heard, "intent 2 number:1 trusted by me;changed 2 number:1 trusted by me;refused 2 -;"
			    "intent 3 number:2 waits;changed 3 number:2 waits;confirmed 3 number:2 trusted by me;frozen 3 -;thawed 3 -;note 3 -;") == 0);
	if (check_bad)
		printf("# heard: %s\n", heard);
	croom_room_listen(room, NULL, NULL);
	end();
}

static void tells_what_is_on_trial(void)
{
	struct croom_trial trial = { .kind = CROOM_GUARD };

	begin();
	CHECK_EQ(swap("number:1"), 0);
	heard[0] = 0;
	croom_room_listen(room, hear, NULL);
	CHECK_EQ(rig_swap(room, "printer", "number:2", &(struct croom_swap_options){ .trial = &trial, .confirm_ms = 60000 }, NULL, &err), 0);
	/* Confirmed, and yet the guard may take it back. */
	CHECK_EQ(croom_room_confirm(room, 0, NULL, &err), 0);
	CHECK_EQ(croom_room_promote(room, "printer", &(struct croom_swap_options){ .wait_ms = 0 }, NULL, &err), 0);
	CHECK_EQ(croom_room_profile(room, "printer", 60000, 1, &(struct croom_swap_options){ .wait_ms = 0 }, NULL, &err), 0);
	CHECK(strcmp(heard, "intent 3 number:2 waits;changed 3 number:2 waits;confirmed 3 number:2 waits;"
			    "intent 4 number:2 trusted;changed 4 number:2 trusted;intent 5 number:2 trusted;changed 5 number:2 trusted;") == 0);
	if (check_bad)
		printf("# heard: %s\n", heard);
	croom_room_listen(room, NULL, NULL);
	end();
}

/* Two lanes that call, a control thread that guards, breaks, confirms: nothing is called after it was closed. */
static int over;

static void *run_lane(void *arg)
{
	struct croom_lane *own = arg;
	const struct croom_panel *at = croom_lane_unpark(own);
	note n = { .value = 1 };

	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		at = croom_lane_observe(own, at);
		/* A handler that is closed returns -1, of which there is no other. */
		for (int i = 0; i < 20; i++)
			CHECK(croom_slot_call(printer, at, &n) != -1);
	}
	croom_lane_park(own);
	return NULL;
}

static void lanes_and_trials_at_once(void)
{
	struct croom_trial trial = { .kind = CROOM_GUARD };
	struct croom_lane *second;
	pthread_t thread[2];
	unsigned breaches = 0;

	begin();
	croom_lane_park(lane);
	over = 0;
	CHECK_EQ(croom_room_lane_add(room, "second", &second), 0);
	CHECK_EQ(swap("number:1"), 0);
	pthread_create(&thread[0], NULL, run_lane, lane);
	pthread_create(&thread[1], NULL, run_lane, second);
	CHECK_EQ(croom_trial_parse(&trial, "errors<5,sample=2", &err), 0);
	for (int i = 0; i < 200; i++) {
		uint64_t revision = croom_room_revision(room);
		int rc = rig_swap(room, "printer", i % 2 ? "number:-7" : "number:7",
				  &(struct croom_swap_options){ .trial = &trial, .wait_ms = 5000 }, NULL, &err);

		CHECK_EQ(rc, 0);
		if (i % 2) {
			while (croom_room_revision(room) == revision + 1)
				croom_room_tick(room);
			breaches += newest().cause == CROOM_BY_BREACH;
		} else {
			CHECK_EQ(croom_room_promote(room, "printer", &(struct croom_swap_options){ .wait_ms = 5000 }, NULL, &err), 0);
		}
	}
	CHECK_EQ(breaches, 100);
	__atomic_store_n(&over, 1, __ATOMIC_RELAXED);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	croom_room_close(room);
	CHECK_EQ(opened, closed);
}

int main(void)
{
	RUN(reads_rules);
	RUN(refuses_rules_that_are_none);
	RUN(a_guard_that_holds_leaves_the_bare_handler);
	RUN(a_broken_guard_is_back_with_the_next_call);
	RUN(a_guard_sees_slow_calls);
	RUN(a_share_of_errors_waits_for_enough_calls);
	RUN(a_canary_takes_one_in_so_many);
	RUN(a_shadow_counts_what_differs);
	RUN(a_shadow_goes_when_its_time_is_up);
	RUN(two_at_once_need_handlers_that_keep_apart);
	RUN(a_trial_takes_one_change);
	RUN(a_rollback_goes_to_the_handler_that_was_kept_warm);
	RUN(a_profile_times_and_goes);
	RUN(a_histogram_bucket_is_a_sixteenth);
	RUN(goes_back_unless_confirmed);
	RUN(stays_when_confirmed);
	RUN(a_late_confirmation_is_none);
	RUN(nothing_else_changes_before_it_is_confirmed);
	RUN(a_broken_guard_settles_what_waits);
	RUN(a_change_that_a_lane_does_not_run_in_time_is_undone);
	RUN(a_frozen_room_refuses_and_says_why);
	RUN(a_dry_run_changes_nothing);
	RUN(a_dry_run_asks_the_class);
	RUN(what_cannot_stand_beside_another_has_no_trial);
	RUN(a_lane_can_tell_what_a_trial_holds);
	RUN(a_handler_in_quarantine_is_refused);
	RUN(a_class_goes_when_no_handler_of_it_is_open);
	RUN(tells_everything);
	RUN(tells_what_is_on_trial);
	RUN(lanes_and_trials_at_once);
	return check_result();
}
