// SPDX-License-Identifier: BSD-2-Clause
/* Rollback, and what the room remembers. */
#include "rig.h"

static struct croom_room *room;
static struct croom_lane *lane;
static const struct croom_panel *panel;
static struct croom_error err;
static const struct croom_swap_options published = { .wait_ms = 0 };

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

static int call_printer(void)
{
	note n = { .value = 77 };

	panel = croom_lane_observe(lane, panel);
	return croom_slot_call(printer, panel, &n);
}

static void goes_back_to_the_revision_before(void)
{
	struct croom_swap_result result;

	begin();
	rig_swap(room, "printer", "number:1", &published, NULL, NULL);
	rig_swap(room, "printer", "number:2", &published, NULL, NULL);
	CHECK_EQ(call_printer(), 2);
	CHECK_EQ(croom_room_rollback(room, 0, &published, &result, &err), 0);
	CHECK_EQ(result.revision, 4);
	CHECK_EQ(call_printer(), 1);
	CHECK_EQ(croom_room_rollback(room, 0, &published, NULL, &err), 0);
	CHECK_EQ(call_printer(), 2);
	end();
}

static void goes_back_to_any_remembered_revision(void)
{
	begin();
	rig_swap(room, "printer", "number:1", &published, NULL, NULL);
	rig_swap(room, "filter", "number:9", &published, NULL, NULL);
	rig_swap(room, "printer", "number:3", &published, NULL, NULL);
	CHECK_EQ(croom_room_rollback(room, 2, &published, NULL, &err), 0);
	CHECK_EQ(call_printer(), 1);
	CHECK_EQ(croom_slot_call(filter, panel, &(note){ 0 }), 0);
	CHECK_EQ(croom_room_rollback(room, 1, &published, NULL, &err), 0);
	CHECK_EQ(call_printer(), 0);
	end();
}

static void leaves_alone_what_does_not_differ(void)
{
	int before;

	begin();
	rig_swap(room, "filter", "number:9", &published, NULL, NULL);
	rig_swap(room, "printer", "number:1", &published, NULL, NULL);
	before = opened;
	CHECK_EQ(croom_room_rollback(room, 0, &published, NULL, &err), 0);
	CHECK_EQ(opened, before);
	end();
}

static void refuses_what_is_not_in_the_history(void)
{
	begin();
	CHECK_EQ(croom_room_rollback(room, 0, &published, NULL, &err), -ENODATA);
	CHECK_EQ(err.kind, CROOM_ERROR_NO_HISTORY);
	CHECK_EQ(croom_room_rollback(room, 1, &published, NULL, &err), -ENODATA);
	CHECK_EQ(croom_room_rollback(room, 99, &published, NULL, &err), -ENODATA);
	for (int i = 0; i < CROOM_HISTORY_MAX + 5; i++) {
		rig_swap(room, "printer", "plain", &published, NULL, NULL);
		panel = croom_lane_observe(lane, panel);
	}
	CHECK_EQ(croom_room_rollback(room, 5, &published, NULL, &err), -ENODATA);
	CHECK(strstr(err.text, "last 1000 changes") != NULL);
	CHECK_EQ(croom_room_rollback(room, 6, &published, NULL, &err), 0);
	end();
}

static void honours_the_expected_revision(void)
{
	struct croom_swap_options mine = { .expect = 1 };

	begin();
	rig_swap(room, "printer", "plain", &published, NULL, NULL);
	CHECK_EQ(croom_room_rollback(room, 0, &mine, NULL, &err), -ESTALE);
	CHECK_EQ(err.revision, 2);
	end();
}

struct seen {
	unsigned count;
	uint64_t first, last;
	uid_t uid;
	pid_t pid;
	char command[64], from[32], to[32];
	uint64_t rollback_to;
};

static int see(void *env, const struct croom_history_view *view)
{
	struct seen *seen = env;

	if (seen->count++ == 0)
		seen->first = view->revision;
	seen->last = view->revision;
	seen->uid = view->uid;
	seen->pid = view->pid;
	seen->rollback_to = view->rollback_to;
	snprintf(seen->command, sizeof(seen->command), "%s", view->command);
	snprintf(seen->from, sizeof(seen->from), "%s", view->change[0].from);
	snprintf(seen->to, sizeof(seen->to), "%s", view->change[0].to);
	return 0;
}

static void remembers_who_did_what(void)
{
	const struct croom_origin who = { .uid = 12, .pid = 34, .command = "croomctl swap printer=plain" };
	const struct croom_swap_options options = { .origin = &who };
	struct seen seen = { 0 };

	begin();
	rig_swap(room, "printer", "plain", &options, NULL, NULL);
	CHECK_EQ(croom_room_each_change(room, 0, see, &seen), 0);
	CHECK_EQ(seen.count, 1);
	CHECK_EQ(seen.last, 2);
	CHECK_EQ(seen.uid, 12);
	CHECK_EQ(seen.pid, 34);
	CHECK(strcmp(seen.command, who.command) == 0);
	CHECK(strcmp(seen.from, "off") == 0 && strcmp(seen.to, "plain") == 0);
	croom_room_rollback(room, 0, &options, NULL, NULL);
	seen = (struct seen){ 0 };
	croom_room_each_change(room, 2, see, &seen);
	CHECK_EQ(seen.count, 1);
	CHECK_EQ(seen.rollback_to, 1);
	CHECK(strcmp(seen.to, "off") == 0);
	end();
}

static void remembers_the_last_thousand(void)
{
	struct seen seen = { 0 };

	begin();
	for (int i = 0; i < 2500; i++) {
		rig_swap(room, "printer", i % 2 ? "number:1" : "plain", &published, NULL, NULL);
		panel = croom_lane_observe(lane, panel);
	}
	croom_room_each_change(room, 0, see, &seen);
	CHECK_EQ(seen.count, CROOM_HISTORY_MAX);
	CHECK_EQ(seen.first, 1502);
	CHECK_EQ(seen.last, 2501);
	end();
}

/* 1,000 configs of 64 KiB would be 64 MB. */
static void remembers_fewer_of_long_configs(void)
{
	char *config = malloc(CROOM_CONFIG_MAX + 1);
	struct seen seen = { 0 };

	begin();
	memset(config, '0', CROOM_CONFIG_MAX);
	config[CROOM_CONFIG_MAX] = 0;
	memcpy(config, "number:", 7);
	for (int i = 0; i < 600; i++) {
		CHECK_EQ(rig_swap(room, "printer", config, &published, NULL, NULL), 0);
		panel = croom_lane_observe(lane, panel);
	}
	croom_room_each_change(room, 0, see, &seen);
	CHECK_EQ(seen.last, 601);
	CHECK_EQ(seen.count, CROOM_HISTORY_BYTES / CROOM_CONFIG_MAX - 1);
	CHECK_EQ(croom_room_rollback(room, seen.first - 2, &published, NULL, &err), -ENODATA);
	CHECK(strstr(err.text, "last 255 changes") != NULL);
	CHECK_EQ(croom_room_rollback(room, seen.first - 1, &published, NULL, &err), 0);
	free(config);
	end();
}

static double seven(void *env)
{
	(void)env;
	return 7.0;
}

static int see_gauge(void *env, const struct croom_gauge_view *gauge)
{
	*(double *)env += gauge->value;
	return 0;
}

static int see_lane(void *env, const struct croom_lane_view *view)
{
	*(struct croom_lane_view *)env = *view;
	return 0;
}

static void shows_lanes_and_gauges(void)
{
	struct croom_lane_view view;
	double sum = 0;

	begin();
	CHECK_EQ(croom_room_gauge_add(room, "fill", "%", seven, NULL), 0);
	CHECK_EQ(croom_room_gauge_add(room, "fill", "%", seven, NULL), -EEXIST);
	CHECK_EQ(croom_room_gauge_add(room, "a b", "%", seven, NULL), -EINVAL);
	CHECK_EQ(croom_room_gauge_add(room, "more", "%", seven, NULL), 0);
	CHECK_EQ(croom_room_gauge_remove(room, "fill"), 0);
	CHECK_EQ(croom_room_gauge_remove(room, "fill"), -ENOENT);
	croom_room_each_gauge(room, see_gauge, &sum);
	CHECK_EQ(sum, 7);
	croom_lane_records_add(lane, 3);
	croom_room_each_lane(room, see_lane, &view);
	CHECK_EQ(view.records, 3);
	CHECK_EQ(view.revision, 1);
	CHECK(!view.parked && view.late_ns == 0);
	rig_swap(room, "printer", "plain", &published, NULL, NULL);
	croom_room_each_lane(room, see_lane, &view);
	CHECK_EQ(view.revision, 1);
	CHECK(view.late_ns > 0);
	croom_lane_park(lane);
	croom_room_each_lane(room, see_lane, &view);
	CHECK(view.parked && view.late_ns == 0);
	CHECK_EQ(view.revision, 2);
	end();
}

static void takes_so_many_gauges(void)
{
	static char names[65][16];
	double sum = 0;

	begin();
	for (int i = 0; i < 65; i++) {
		snprintf(names[i], sizeof(names[i]), "g%d", i);
		CHECK_EQ(croom_room_gauge_add(room, names[i], "%", seven, NULL), i < 64 ? 0 : -ENOSPC);
	}
	croom_room_each_gauge(room, see_gauge, &sum);
	CHECK_EQ(sum, 64 * 7);
	end();
}

static void takes_so_many_lanes(void)
{
	static const struct croom_slot bad[] = { { .name = "a b", .type = printer_slot_type } };
	struct croom_room *none;
	struct croom_lane *more;
	char name[16];

	begin();
	CHECK_EQ(croom_room_open(&none, "x", bad, 1), -EINVAL);
	CHECK_EQ(croom_room_lane_add(room, "a b", &more), -EINVAL);
	/* One is there. */
	for (int i = 1; i <= CROOM_LANES_MAX; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		CHECK_EQ(croom_room_lane_add(room, name, &more), i < CROOM_LANES_MAX ? 0 : -ENOSPC);
	}
	CHECK(!more);
	end();
}

int main(void)
{
	RUN(goes_back_to_the_revision_before);
	RUN(goes_back_to_any_remembered_revision);
	RUN(leaves_alone_what_does_not_differ);
	RUN(refuses_what_is_not_in_the_history);
	RUN(honours_the_expected_revision);
	RUN(remembers_who_did_what);
	RUN(remembers_the_last_thousand);
	RUN(remembers_fewer_of_long_configs);
	RUN(shows_lanes_and_gauges);
	RUN(takes_so_many_gauges);
	RUN(takes_so_many_lanes);
	return check_result();
}
