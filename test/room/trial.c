// SPDX-License-Identifier: BSD-2-Clause
/* Guards, canaries, shadows, profiles; their rules and figures. */
#include "trials.h"
#include <pthread.h>

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

static const struct croom_class slow = { .name = "slow", .help = "returns N, late", .syntax = "N", CROOM_RUNS(slow),
	.open = gadget_open, .close = gadget_close };

static void begin_slow(void)
{
	begin();
	CHECK_EQ(croom_room_class_add(room, "printer", &slow, NULL), 0);
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
	run_until(4);
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
	run_until(4);
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
	begin_slow();
	CHECK_EQ(swap("number:1"), 0);
	CHECK_EQ(try("slow:2", CROOM_GUARD, 0, "p99<20us,sample=1"), 0);
	CHECK_EQ(call(), 2);
	CHECK_EQ(call(), 2);
	CHECK_EQ(call(), 1);
	run_until(4);
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
	CHECK_EQ(croom_room_promote(room, "printer", &at_once, NULL, &err), 0);
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
	run_until(4);
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
	run_until(4);
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
	CHECK_EQ(croom_room_rollback(room, 0, &at_once, NULL, &err), 0);
	CHECK_EQ(opened, 2);
	CHECK_EQ(call(), 1);
	end();
}

static void a_profile_times_and_goes(void)
{
	begin_slow();
	CHECK_EQ(swap("slow:3"), 0);
	CHECK_EQ(croom_room_profile(room, "printer", 30, 1, &at_once, NULL, &err), 0);
	for (int i = 0; i < 20; i++)
		CHECK_EQ(call(), 3);
	CHECK_EQ(croom_room_profile(room, "printer", 30, 1, NULL, NULL, &err), -EBUSY);
	run_until(4);
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
	begin_slow();
	CHECK_EQ(swap("number:1"), 0);
	call();
	CHECK(croom_trial_inside(croom_panel_entry(panel, printer_slot)).ctx == croom_panel_entry(panel, printer_slot)->ctx);
	CHECK_EQ(try("slow:2", CROOM_GUARD, 0, "errors<1"), 0);
	panel = croom_lane_observe(lane, panel);
	CHECK(croom_panel_entry(panel, printer_slot)->run != slow_run);
	CHECK(croom_trial_inside(croom_panel_entry(panel, printer_slot)).run == slow_run);
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
	RUN(what_cannot_stand_beside_another_has_no_trial);
	RUN(a_lane_can_tell_what_a_trial_holds);
	RUN(lanes_and_trials_at_once);
	return check_result();
}
