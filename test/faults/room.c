// SPDX-License-Identifier: BSD-2-Clause
/*
 * Whatever allocation of the library fails, alone or with all that follow, a call says so and has changed nothing: the
 * room is the same down to its handlers and its history, what was opened is closed, and the next swap works. In the ASan
 * tree nothing is leaked either.
 */
#include "scene.h"
#include <croom/blackbox.h>
#include <croom/items.h>
#include <croom/ring.h>
#include <croom/strings.h>
#include <unistd.h>

/* After a failure: nothing has changed, and the next swap and its way back work. */
static void check_unchanged(const struct scene *scene, const struct shown *before)
{
	static struct shown now;
	struct croom_swap_result result;
	uint64_t revision = croom_room_revision(scene->room);

	show(scene->room, &now);
	CHECK(strcmp(now.text, before->text) == 0);
	if (strcmp(now.text, before->text))
		printf("# before: %s\n# after: %s\n", before->text, now.text);
	CHECK_EQ(croom_room_swap(scene->room, three, 3, &publish, &result, NULL), 0);
	CHECK_EQ(result.revision, revision + 1);
	CHECK_EQ(croom_room_rollback(scene->room, 0, &publish, NULL, NULL), 0);
	croom_lane_park(scene->lane);
	CHECK_EQ(croom_room_retired(scene->room), 0);
	CHECK_EQ(opened - closed, 3);
}

/*
 * Try `act` in a scene of its own for each allocation that it makes. It returns 0 or -errno and has filled err. How many
 * allocations it made in the end must be at least `least`: otherwise nothing was tried.
 */
static void every_allocation(int (*act)(struct scene *scene, struct croom_error *err), long least)
{
	static struct shown before;

	for (enum scarce_how how = SCARCE_ONE; how <= SCARCE_ON; how++) {
		long failed = 1, tried = 0;

		for (long n = 1; failed && n < 100; n++, tried++) {
			struct croom_error err = { 0 };
			struct scene scene;
			int rc;

			scene_open(&scene);
			show(scene.room, &before);
			scarce_begin(how, n);
			rc = act(&scene, &err);
			failed = scarce_end();
			CHECK_EQ(rc, failed ? -ENOMEM : 0);
			CHECK_EQ(err.code, rc);
			CHECK(rc == 0 || strstr(err.text, "out of memory"));
			if (rc)
				check_unchanged(&scene, &before);
			scene_close(&scene);
		}
		CHECK(tried > least);
		CHECK_EQ(failed, 0);
	}
}

static int act_swap_one(struct scene *scene, struct croom_error *err)
{
	return croom_room_swap(scene->room, three, 1, &publish, NULL, err);
}

static int act_swap_three(struct scene *scene, struct croom_error *err)
{
	const struct croom_origin origin = { .uid = 1, .pid = 2, .command = "a command" };
	const struct croom_swap_options options = { .wait_ms = 0, .origin = &origin };
	struct croom_swap_result result;

	return croom_room_swap(scene->room, three, 3, &options, &result, err);
}

static int act_rollback(struct scene *scene, struct croom_error *err)
{
	return croom_room_rollback(scene->room, 1, &publish, NULL, err);
}

static int act_rollback_one(struct scene *scene, struct croom_error *err)
{
	return croom_room_rollback(scene->room, 0, &publish, NULL, err);
}

static int act_prepare(struct scene *scene, struct croom_error *err)
{
	return croom_room_prepare(scene->room, three, 3, NULL, &scene->prepared, err);
}

static void a_swap_of_one_slot(void)
{
	every_allocation(act_swap_one, 4);
}

static void a_swap_of_three_slots(void)
{
	every_allocation(act_swap_three, 12);
}

/* To the empty handlers, which need less; and to one that has to be opened again. */
static void a_rollback(void)
{
	every_allocation(act_rollback, 4);
	every_allocation(act_rollback_one, 2);
}

static void a_preparation(void)
{
	every_allocation(act_prepare, 12);
}

static void changes_while_a_lane_is_late(void)
{
	late = true;
	every_allocation(act_swap_one, 5);
	every_allocation(act_swap_three, 13);
	every_allocation(act_rollback_one, 3);
	every_allocation(act_prepare, 13);
	late = false;
}

/* From there on nothing is allocated, so nothing can fail. */
static void commit_and_discard_need_none(void)
{
	struct croom_swap_result result;
	struct croom_error err;
	struct scene scene;

	scene_open(&scene);
	for (int i = 0; i < 3; i++) {
		must(croom_room_prepare(scene.room, three, 3, NULL, &scene.prepared, NULL));
		scarce_begin(SCARCE_ON, 1);
		if (i == 1)
			croom_room_discard(scene.room, scene.prepared);
		else
			CHECK_EQ(croom_room_commit(scene.room, scene.prepared, 1000, &result, &err), 0);
		CHECK_EQ(scarce_end(), 0);
		CHECK_EQ(scarce_seen(), 0);
		scene.prepared = NULL;
	}
	CHECK_EQ(croom_room_revision(scene.room), 6);
	scene_close(&scene);
}

/* A lane needs none at all, nor do these. */
static void nothing_else_needs_any(void)
{
	const struct croom_panel *panel;
	struct scene scene;
	struct shown shown = { .used = 0 };
	note n = { 1 };

	scene_open(&scene);
	panel = croom_lane_unpark(scene.lane);
	must(act_swap_three(&scene, NULL));
	scarce_begin(SCARCE_ON, 1);
	panel = croom_lane_observe(scene.lane, panel);
	croom_slot_call(printer, panel, &n);
	croom_lane_park(scene.lane);
	croom_lane_unpark(scene.lane);
	croom_lane_park(scene.lane);
	CHECK_EQ(croom_room_each_slot(scene.room, show_slot, &shown), 0);
	CHECK_EQ(croom_room_each_lane(scene.room, show_lane, &shown), 0);
	CHECK_EQ(croom_room_each_gauge(scene.room, show_gauge, &shown), 0);
	CHECK_EQ(croom_room_retired(scene.room), 0);
	CHECK_EQ(croom_room_revision(scene.room), 5);
	CHECK_EQ(croom_room_poll(scene.room, 5, NULL, NULL), 0);
	croom_room_lane_remove(scene.room, scene.lane);
	croom_room_close(scene.room);
	CHECK_EQ(scarce_end(), 0);
	CHECK_EQ(scarce_seen(), 0);
	CHECK_EQ(opened, closed);
}

static void reading_the_history(void)
{
	struct shown shown = { .used = 0 };
	struct scene scene;

	scene_open(&scene);
	scarce_begin(SCARCE_ONE, 1);
	CHECK_EQ(croom_room_each_change(scene.room, 0, show_change, &shown), -ENOMEM);
	CHECK_EQ(scarce_end(), 1);
	CHECK_EQ(shown.used, 0);
	CHECK_EQ(croom_room_each_change(scene.room, 0, show_change, &shown), 0);
	CHECK(strstr(shown.text, "audit off>number:3"));
	scene_close(&scene);
}

static double zero(void *env)
{
	(void)env;
	return 0;
}

static int act_class(struct scene *scene)
{
	const struct croom_class another = { .name = "another", CROOM_RUNS(gadget), .open = gadget_open, .close = gadget_close };

	return croom_room_class_add(scene->room, "filter", &another, NULL);
}

static int act_lane(struct scene *scene)
{
	struct croom_lane *lane;
	int rc = croom_room_lane_add(scene->room, "second", &lane);

	CHECK(!rc == !!lane);
	return rc;
}

static int act_gauge(struct scene *scene)
{
	return croom_room_gauge_add(scene->room, "gauge", NULL, zero, NULL);
}

static void classes_lanes_and_gauges(void)
{
	static int (*const acts[])(struct scene *scene) = { act_class, act_lane, act_gauge };
	static const long needs[] = { 2, 1, 0 };
	static struct shown before;

	for (int i = 0; i < 3; i++) {
		long failed = 1, n;

		for (n = 1; failed; n++) {
			struct scene scene;

			scene_open(&scene);
			show(scene.room, &before);
			scarce_begin(SCARCE_ONE, n);
			CHECK_EQ(acts[i](&scene), n > needs[i] ? 0 : -ENOMEM);
			failed = scarce_end();
			if (failed) {
				check_unchanged(&scene, &before);
				CHECK_EQ(acts[i](&scene), 0);
			}
			scene_close(&scene);
		}
		CHECK_EQ(n - 1, needs[i] + 1);
	}
}

static void a_room_that_opens(void)
{
	for (enum scarce_how how = SCARCE_ONE; how <= SCARCE_ON; how++) {
		long failed = 1, n;

		for (n = 1; failed && n < 100; n++) {
			struct croom_room *room = (struct croom_room *)&failed;
			int rc;

			scarce_begin(how, n);
			rc = croom_room_open(&room, "scarce", slots, 3);
			failed = scarce_end();
			CHECK_EQ(rc, failed ? -ENOMEM : 0);
			CHECK(!rc == !!room);
			croom_room_close(room);
		}
		CHECK(n > 10);
	}
}

static int open_ring(void)
{
	struct croom_ring *ring;
	int rc = croom_ring_open(&ring, 4096);

	CHECK(!rc == !!ring);
	croom_ring_close(ring);
	return rc;
}

static int open_items(void)
{
	struct croom_items *items;
	int rc = croom_items_open(&items, 8, 100);

	CHECK(!rc == !!items);
	croom_items_close(items);
	return rc;
}

static int open_strings(void)
{
	struct croom_strings *strings;
	int rc = croom_strings_open(&strings, 100, 1000);

	CHECK(!rc == !!strings);
	croom_strings_close(strings);
	return rc;
}

static void rings_items_and_strings(void)
{
	static int (*const opens[])(void) = { open_ring, open_items, open_strings };
	static const long needs[] = { 6, 2, 2 };

	for (int i = 0; i < 3; i++) {
		long failed = 1, n;

		for (n = 1; failed; n++) {
			int rc;

			scarce_begin(SCARCE_ONE, n);
			rc = opens[i]();
			failed = scarce_end();
			CHECK_EQ(rc, failed ? -ENOMEM : 0);
		}
		CHECK_EQ(n - 1, needs[i] + 1);
	}
}

/*
 * It opens or says why not; a lane is added or is not; the room is as before and goes on. What only tells more (when the process
 * began) may be missing.
 */
static void a_black_box(void)
{
	char path[64], old[80];

	snprintf(path, sizeof(path), "/dev/shm/croom-scarce-%d", (int)getpid());
	snprintf(old, sizeof(old), "%s.old", path);
	if (access("/dev/shm", W_OK)) {
		SKIP("/dev/shm is not there to be written to");
		return;
	}
	for (long n = 1, failed = 1; failed && n < 100; n++) {
		struct croom_lane *lane = NULL;
		struct croom_error err = { 0 };
		struct croom_blackbox *box;
		struct croom_room *room;
		int rc, added;

		must(croom_room_open(&room, "scarce", (struct croom_slot[]){ { .name = "printer", .type = printer_slot_type } }, 1));
		scarce_begin(SCARCE_ONE, n);
		rc = croom_blackbox_open(room, path, NULL, &err);
		added = croom_room_lane_add(room, "feed", &lane);
		failed = scarce_end();
		CHECK(rc == 0 || err.text[0]);
		CHECK(added == 0 || !lane);
		CHECK_EQ(croom_room_revision(room), 1);
		if (rc == 0) {
			must(croom_blackbox_read(path, &box, NULL));
			CHECK_EQ(box->lanes, added == 0 ? 1 : 0);
			croom_blackbox_free(box);
		}
		croom_room_close(room);
		CHECK(failed || (rc == 0 && added == 0));
	}
	unlink(path);
	unlink(old);
}

static void reading_a_black_box(void)
{
	struct croom_lane *lane;
	struct croom_room *room;
	char path[64], old[80];
	long failed = 1, refused = 0;

	snprintf(path, sizeof(path), "/dev/shm/croom-test-%d", (int)getpid());
	snprintf(old, sizeof(old), "%s.old", path);
	must(croom_room_open(&room, "scarce", (struct croom_slot[]){ { .name = "printer", .type = printer_slot_type } }, 1));
	if (croom_blackbox_open(room, path, NULL, NULL)) {
		SKIP("/dev/shm is not there to be written to");
		croom_room_close(room);
		return;
	}
	must(croom_room_lane_add(room, "feed", &lane));
	croom_lane_decide(lane, 5, 1);
	for (long n = 1; failed && n < 100; n++) {
		struct croom_error err = { 0 };
		struct croom_blackbox *box;
		int rc;

		scarce_begin(SCARCE_ONE, n);
		rc = croom_blackbox_read(path, &box, &err);
		failed = scarce_end();
		CHECK((rc == 0) == (box != NULL));
		CHECK(rc == 0 || (rc == -ENOMEM && err.text[0]));
		/* Whether the process is there can be told without a descriptor, too. */
		if (rc == 0)
			CHECK(box->alive && box->lanes == 1 && box->lane[0].decisions == 1);
		refused += rc != 0;
		croom_blackbox_free(box);
	}
	CHECK_EQ(failed, 0);
	CHECK(refused > 5);
	croom_room_close(room);
	unlink(path);
	unlink(old);
}

int main(void)
{
	RUN(a_swap_of_one_slot);
	RUN(a_swap_of_three_slots);
	RUN(a_rollback);
	RUN(a_preparation);
	RUN(changes_while_a_lane_is_late);
	RUN(commit_and_discard_need_none);
	RUN(nothing_else_needs_any);
	RUN(reading_the_history);
	RUN(classes_lanes_and_gauges);
	RUN(a_room_that_opens);
	RUN(a_black_box);
	RUN(reading_a_black_box);
	RUN(rings_items_and_strings);
	return check_result();
}
