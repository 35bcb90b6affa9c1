// SPDX-License-Identifier: BSD-2-Clause
/* Swaps, transactions, refusals, and from which record on they ran. */
#include "rig.h"
#include <pthread.h>
#include <time.h>

static struct croom_room *room;
static struct croom_lane *lane;
static const struct croom_panel *panel;
static struct croom_error err;
static struct croom_swap_result result;

static void begin(void)
{
	room = rig_open();
	CHECK_EQ(croom_room_lane_add(room, "feed", &lane), 0);
	panel = croom_lane_unpark(lane);
}

static void end(void)
{
	croom_lane_park(lane);
	croom_room_close(room);
	CHECK_EQ(opened, closed);
}

static const struct croom_swap_options published = { .wait_ms = 0 };

static void starts_with_empty_handlers(void)
{
	note n = { .value = 7 };

	begin();
	CHECK_EQ(panel->revision, 1);
	CHECK_EQ(croom_slot_call(printer, panel, &n), 0);
	CHECK_EQ(croom_slot_call(filter, panel, &n), 0);
	CHECK_EQ(n.seen, 0);
	end();
}

static void runs_the_new_handler_after_the_next_observe(void)
{
	note n = { .value = 7 };

	begin();
	CHECK_EQ(rig_swap(room, "printer", "number:42", &published, NULL, &err), 0);
	CHECK(croom_lane_pending(lane, panel));
	CHECK_EQ(croom_slot_call(printer, panel, &n), 0);
	panel = croom_lane_observe(lane, panel);
	CHECK(!croom_lane_pending(lane, panel));
	CHECK_EQ(croom_slot_call(printer, panel, &n), 42);
	CHECK(croom_lane_observe(lane, panel) == panel);
	end();
}

static void changes_several_slots_in_one_revision(void)
{
	const struct croom_change both[] = { { "printer", "number:1" }, { "filter", "number:2" } };
	note n = { 0 };

	begin();
	CHECK_EQ(croom_room_swap(room, both, 2, &published, &result, &err), 0);
	CHECK_EQ(result.revision, 2);
	panel = croom_lane_observe(lane, panel);
	CHECK_EQ(croom_slot_call(printer, panel, &n), 1);
	CHECK_EQ(croom_slot_call(filter, panel, &n), 2);
	end();
}

static void keeps_the_old_context_until_the_lane_has_moved(void)
{
	note n = { 0 };

	begin();
	rig_swap(room, "printer", "number:1", &published, NULL, NULL);
	panel = croom_lane_observe(lane, panel);
	rig_swap(room, "printer", "number:2", &published, NULL, NULL);
	CHECK_EQ(croom_room_poll(room, 3, NULL, &err), -EAGAIN);
	CHECK_EQ(closed, 0);
	CHECK_EQ(croom_slot_call(printer, panel, &n), 1);
	panel = croom_lane_observe(lane, panel);
	CHECK_EQ(croom_room_poll(room, 3, NULL, &err), 0);
	CHECK_EQ(closed, 1);
	CHECK_EQ(croom_room_retired(room), 0);
	end();
}

static void keeps_the_handler_of_a_slot_that_was_not_named(void)
{
	begin();
	rig_swap(room, "printer", "number:1", &published, NULL, NULL);
	rig_swap(room, "filter", "number:2", &published, NULL, NULL);
	panel = croom_lane_observe(lane, panel);
	croom_room_poll(room, 3, NULL, NULL);
	CHECK_EQ(opened, 2);
	CHECK_EQ(closed, 0);
	end();
}

static void tells_the_first_record_of_each_lane(void)
{
	struct croom_lane *idle;

	begin();
	croom_room_lane_add(room, "idle", &idle);
	croom_lane_records_add(lane, 1000);
	rig_swap(room, "printer", "plain", &published, &result, NULL);
	CHECK(!result.lane[0].observed);
	CHECK(result.lane[1].observed && result.lane[1].parked);
	CHECK_EQ(result.lane[1].first_record, 1);
	croom_lane_records_add(lane, 24);
	panel = croom_lane_observe(lane, panel);
	CHECK_EQ(croom_room_poll(room, 2, &result, &err), 0);
	CHECK_EQ(result.lanes, 2);
	CHECK(strcmp(result.lane[0].lane, "feed") == 0);
	CHECK_EQ(result.lane[0].revision, 2);
	CHECK_EQ(result.lane[0].first_record, 1025);
	end();
}

static void tells_when_a_lane_skipped_a_revision(void)
{
	begin();
	rig_swap(room, "printer", "plain", &published, NULL, NULL);
	rig_swap(room, "printer", "off", &published, NULL, NULL);
	croom_lane_records_add(lane, 9);
	panel = croom_lane_observe(lane, panel);
	CHECK_EQ(croom_room_poll(room, 2, &result, &err), 0);
	CHECK_EQ(result.lane[0].revision, 3);
	CHECK_EQ(result.lane[0].first_record, 10);
	end();
}

static void says_unknown_rather_than_a_wrong_first_record(void)
{
	begin();
	for (int i = 0; i < 200; i++) {
		croom_lane_records_add(lane, 10);
		rig_swap(room, "printer", "plain", &published, NULL, NULL);
		panel = croom_lane_observe(lane, panel);
	}
	CHECK_EQ(croom_room_poll(room, 2, &result, NULL), 0);
	CHECK_EQ(result.lane[0].first_record, 0);
	CHECK_EQ(croom_room_poll(room, 201, &result, NULL), 0);
	CHECK_EQ(result.lane[0].first_record, 2001);
	CHECK_EQ(croom_room_poll(room, 150, &result, NULL), 0);
	CHECK_EQ(result.lane[0].first_record, 1491);
	end();
}

static void refuses_and_changes_nothing(const char *slot, const char *handler, int code, enum croom_error_kind kind,
					const char *says)
{
	const struct croom_change changes[] = { { "filter", "number:5" }, { slot, handler } };

	begin();
	CHECK_EQ(croom_room_swap(room, changes, 2, &published, &result, &err), code);
	CHECK_EQ(err.code, code);
	CHECK_EQ(err.kind, kind);
	if (!strstr(err.text, says))
		printf("# it says '%s'\n", err.text);
	CHECK(strstr(err.text, says) != NULL);
	CHECK_EQ(croom_room_revision(room), 1);
	CHECK(croom_lane_observe(lane, panel) == panel);
	CHECK_EQ(opened, closed);
	end();
}

static void refuses_an_unknown_slot_and_names_the_nearest(void)
{
	refuses_and_changes_nothing("pritner", "plain", -ENOENT, CROOM_ERROR_UNKNOWN_SLOT, "did you mean printer?");
	CHECK(strcmp(err.near, "printer") == 0);
	refuses_and_changes_nothing("zzz", "plain", -ENOENT, CROOM_ERROR_UNKNOWN_SLOT, "there is: printer, filter");
}

static void names_only_the_nearest(void)
{
	begin();
	/* "filter" is within two letters of it, too. */
	CHECK_EQ(rig_swap(room, "pinter", "plain", &published, NULL, &err), -ENOENT);
	CHECK(strcmp(err.near, "printer") == 0);
	end();
}

static void refuses_an_unknown_class_and_names_the_nearest(void)
{
	refuses_and_changes_nothing("printer", "plian", -ENOENT, CROOM_ERROR_UNKNOWN_CLASS, "did you mean plain?");
	refuses_and_changes_nothing("printer", "", -ENOENT, CROOM_ERROR_UNKNOWN_CLASS, "off, number, plain");
}

static void refuses_a_bad_config_and_says_where(void)
{
	refuses_and_changes_nothing("printer", "number:12x", -EINVAL, CROOM_ERROR_BAD_CONFIG, "takes a number, not '12x'");
	CHECK_EQ(err.offset, 2);
	CHECK(strcmp(err.subject, "printer=number") == 0);
	refuses_and_changes_nothing("printer", "plain:3", -EINVAL, CROOM_ERROR_BAD_CONFIG, "takes no config");
}

static void refuses_a_slot_named_twice(void)
{
	refuses_and_changes_nothing("filter", "all", -EINVAL, CROOM_ERROR_OTHER, "named twice");
}

static void refuses_when_another_revision_was_expected(void)
{
	struct croom_swap_options mine = { .expect = 1 };

	begin();
	CHECK_EQ(rig_swap(room, "printer", "plain", &mine, NULL, &err), 0);
	CHECK_EQ(rig_swap(room, "printer", "off", &mine, NULL, &err), -ESTALE);
	CHECK_EQ(err.kind, CROOM_ERROR_WRONG_REVISION);
	CHECK_EQ(err.revision, 2);
	CHECK_EQ(croom_room_revision(room), 2);
	end();
}

static void names_the_late_lane(void)
{
	struct croom_swap_options brief = { .wait_ms = 5 };

	begin();
	CHECK_EQ(rig_swap(room, "printer", "plain", &brief, &result, &err), -ETIMEDOUT);
	CHECK_EQ(err.code, -ETIMEDOUT);
	CHECK_EQ(err.kind, CROOM_ERROR_NOT_OBSERVED);
	CHECK(strcmp(err.subject, "feed") == 0);
	CHECK(strstr(err.text, "lane feed still runs 1, for "));
	CHECK_EQ(err.revision, 2);
	end();
}

static void refuses_more_when_too_many_panels_wait(void)
{
	int rc = 0, swaps = 0;

	begin();
	while (swaps < 1000 && (rc = rig_swap(room, "printer", "number:1", &published, NULL, &err)) == 0)
		swaps++;
	CHECK_EQ(rc, -EBUSY);
	CHECK_EQ(swaps, CROOM_RETIRED_MAX);
	CHECK_EQ(err.kind, CROOM_ERROR_BUSY);
	CHECK(strcmp(err.subject, "feed") == 0);
	panel = croom_lane_observe(lane, panel);
	CHECK_EQ(rig_swap(room, "printer", "off", &published, NULL, &err), 0);
	end();
}

static int see_calls(void *env, const struct croom_slot_view *slot)
{
	if (strcmp(slot->name, "printer") == 0)
		*(struct croom_slot_view *)env = *slot;
	return 0;
}

static void counts_the_calls_of_the_current_handler(void)
{
	struct croom_slot_view view;

	begin();
	croom_lane_calls_add(lane, printer_slot, 5);
	rig_swap(room, "printer", "number:1", &published, NULL, NULL);
	croom_room_each_slot(room, see_calls, &view);
	CHECK_EQ(view.calls, 0);
	panel = croom_lane_observe(lane, panel);
	croom_lane_calls_add(lane, printer_slot, 3);
	rig_swap(room, "filter", "number:1", &published, NULL, NULL);
	panel = croom_lane_observe(lane, panel);
	croom_lane_park(lane);
	panel = croom_lane_unpark(lane);
	croom_lane_calls_add(lane, printer_slot, 4);
	croom_room_each_slot(room, see_calls, &view);
	CHECK_EQ(view.calls, 7);
	CHECK_EQ(view.since_revision, 2);
	CHECK(strcmp(view.handler, "number:1") == 0);
	CHECK_EQ(view.classes, 3);
	CHECK(strcmp(view.handler_class[0]->name, "off") == 0);
	end();
}

typedef struct other {
	char bytes[3];
} other;
CROOM_RECORD(other, 1);
static int other_call(void *ctx, other *o)
{
	(void)ctx;
	return o->bytes[0];
}
CROOM_RUN(other, other_call, void, other);

static void refuses_a_class_of_another_record_type(void)
{
	const struct croom_class wrong = { .name = "wrong", CROOM_RUNS(other) };

	begin();
	CHECK_EQ(croom_room_class_add(room, "printer", &wrong, NULL), -EPROTOTYPE);
	CHECK_EQ(croom_room_class_add(room, "printer", &rig_plain, NULL), -EEXIST);
	CHECK_EQ(croom_room_class_add(room, "nowhere", &rig_plain, NULL), -ENOENT);
	end();
}

static void refuses_slots_in_another_order_than_their_indices(void)
{
	const struct croom_slot crossed[] = { rig_slots[1], rig_slots[0] };
	struct croom_room *none;

	CHECK_EQ(croom_room_open(&none, "rig", crossed, 2), -EINVAL);
	CHECK_EQ(croom_room_open(&none, "rig", &rig_slots[1], 1), -EINVAL);
	CHECK(none == NULL);
}

/* Not before there is something to move to: nobody would move a second time. */
static void *move_later(void *arg)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };

	(void)arg;
	do
		nanosleep(&pause, NULL);
	while (!croom_lane_pending(lane, panel));
	panel = croom_lane_observe(lane, panel);
	return NULL;
}

static void waits_for_ever_if_told(void)
{
	const struct croom_swap_options for_ever = { .wait_ms = INT64_MAX };
	pthread_t mover;

	begin();
	pthread_create(&mover, NULL, move_later, NULL);
	CHECK_EQ(rig_swap(room, "printer", "plain", &for_ever, &result, &err), 0);
	pthread_join(mover, NULL);
	CHECK_EQ(err.code, 0);
	end();
}

static void knows_no_revision_of_the_future(void)
{
	begin();
	CHECK_EQ(croom_room_poll(room, 2, &result, &err), -EINVAL);
	CHECK(strstr(err.text, "no revision 2 yet"));
	CHECK_EQ(croom_room_poll(room, 1, &result, &err), 0);
	CHECK_EQ(err.code, 0);
	end();
}

static int positive_open(void **ctx, const char *config, void *env, struct croom_error *said)
{
	(void)ctx;
	(void)config;
	(void)env;
	(void)said;
	return EACCES;
}

static void takes_a_positive_error_for_an_error(void)
{
	const struct croom_class sloppy = { .name = "sloppy", CROOM_RUNS(plain), .open = positive_open };

	begin();
	CHECK_EQ(croom_room_class_add(room, "printer", &sloppy, NULL), 0);
	CHECK_EQ(rig_swap(room, "printer", "sloppy", &published, NULL, &err), -EACCES);
	CHECK_EQ(croom_room_revision(room), 1);
	end();
}

static void bounds_the_config_alone(void)
{
	static char handler[sizeof("number:") + CROOM_CONFIG_MAX + 1] = "number:";

	begin();
	memset(handler + 7, '0', CROOM_CONFIG_MAX);
	CHECK_EQ(rig_swap(room, "printer", handler, &published, NULL, &err), 0);
	memset(handler + 7, '0', CROOM_CONFIG_MAX + 1);
	CHECK_EQ(rig_swap(room, "printer", handler, &published, NULL, &err), -EINVAL);
	CHECK_EQ(err.kind, CROOM_ERROR_BAD_CONFIG);
	CHECK(strcmp(err.subject, "printer=number") == 0);
	end();
}

static void a_prepared_swap_changes_nothing_before_it_is_committed(void)
{
	const struct croom_change both[] = { { "printer", "number:1" }, { "filter", "number:2" } };
	struct croom_prepared *prepared;
	note n = { 0 };

	begin();
	CHECK_EQ(croom_room_prepare(room, both, 2, NULL, &prepared, &err), 0);
	CHECK_EQ(opened - closed, 2);
	CHECK_EQ(croom_room_revision(room), 1);
	CHECK(!croom_lane_pending(lane, panel));
	CHECK_EQ(croom_room_commit(room, prepared, 0, &result, &err), 0);
	CHECK_EQ(result.revision, 2);
	panel = croom_lane_observe(lane, panel);
	CHECK_EQ(panel->revision, 2);
	CHECK_EQ(croom_slot_call(printer, panel, &n), 1);
	CHECK_EQ(croom_slot_call(filter, panel, &n), 2);
	/* It is in the history like any other. */
	CHECK_EQ(croom_room_rollback(room, 0, &published, NULL, &err), 0);
	panel = croom_lane_observe(lane, panel);
	CHECK_EQ(croom_slot_call(printer, panel, &n), 0);
	end();
}

static void a_prepared_swap_can_be_discarded(void)
{
	const struct croom_change change = { "printer", "number:1" }, bad = { "printer", "number:x" };
	struct croom_prepared *prepared = NULL;

	begin();
	CHECK_EQ(croom_room_prepare(room, &change, 1, NULL, &prepared, &err), 0);
	croom_room_discard(room, prepared);
	CHECK_EQ(opened, closed);
	croom_room_discard(room, NULL);
	CHECK_EQ(croom_room_prepare(room, &bad, 1, NULL, &prepared, &err), -EINVAL);
	CHECK(prepared == NULL);
	CHECK_EQ(croom_room_prepare(room, &change, 0, NULL, &prepared, &err), -EINVAL);
	CHECK_EQ(croom_room_revision(room), 1);
	end();
}

static void a_prepared_swap_is_refused_once_another_came(void)
{
	const struct croom_change change = { "printer", "number:1" };
	struct croom_prepared *first, *second;

	begin();
	CHECK_EQ(croom_room_prepare(room, &change, 1, NULL, &first, &err), 0);
	CHECK_EQ(croom_room_prepare(room, &change, 1, NULL, &second, &err), 0);
	CHECK_EQ(croom_room_commit(room, second, 0, NULL, &err), 0);
	CHECK_EQ(croom_room_commit(room, first, 0, NULL, &err), -ESTALE);
	CHECK_EQ(err.revision, 2);
	CHECK_EQ(croom_room_revision(room), 2);
	croom_room_discard(room, first);
	panel = croom_lane_observe(lane, panel);
	end();
}

static void refuses_bad_names_and_bounds(void)
{
	const struct croom_slot twice[] = { rig_slots[0], rig_slots[0] };
	struct croom_room *none;

	CHECK_EQ(croom_room_open(&none, "a b", rig_slots, 2), -EINVAL);
	CHECK_EQ(croom_room_open(&none, "", rig_slots, 2), -EINVAL);
	CHECK_EQ(croom_room_open(&none, "../x", rig_slots, 2), -EINVAL);
	CHECK_EQ(croom_room_open(&none, "this-name-has-more-than-31-bytes", rig_slots, 2), -EINVAL);
	CHECK_EQ(croom_room_open(&none, "rig", rig_slots, 0), -EINVAL);
	CHECK_EQ(croom_room_open(&none, "rig", twice, 2), -EINVAL);
	CHECK(none == NULL);
	begin();
	struct croom_lane *again;
	CHECK_EQ(croom_room_lane_add(room, "feed", &again), -EEXIST);
	end();
}

int main(void)
{
	RUN(starts_with_empty_handlers);
	RUN(runs_the_new_handler_after_the_next_observe);
	RUN(changes_several_slots_in_one_revision);
	RUN(keeps_the_old_context_until_the_lane_has_moved);
	RUN(keeps_the_handler_of_a_slot_that_was_not_named);
	RUN(tells_the_first_record_of_each_lane);
	RUN(tells_when_a_lane_skipped_a_revision);
	RUN(says_unknown_rather_than_a_wrong_first_record);
	RUN(refuses_an_unknown_slot_and_names_the_nearest);
	RUN(names_only_the_nearest);
	RUN(refuses_an_unknown_class_and_names_the_nearest);
	RUN(refuses_a_bad_config_and_says_where);
	RUN(refuses_a_slot_named_twice);
	RUN(refuses_when_another_revision_was_expected);
	RUN(names_the_late_lane);
	RUN(refuses_more_when_too_many_panels_wait);
	RUN(counts_the_calls_of_the_current_handler);
	RUN(refuses_a_class_of_another_record_type);
	RUN(refuses_slots_in_another_order_than_their_indices);
	RUN(waits_for_ever_if_told);
	RUN(knows_no_revision_of_the_future);
	RUN(takes_a_positive_error_for_an_error);
	RUN(bounds_the_config_alone);
	RUN(a_prepared_swap_changes_nothing_before_it_is_committed);
	RUN(a_prepared_swap_can_be_discarded);
	RUN(a_prepared_swap_is_refused_once_another_came);
	RUN(refuses_bad_names_and_bounds);
	return check_result();
}
