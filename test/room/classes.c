// SPDX-License-Identifier: BSD-2-Clause
/* Classes that come and go: alone, or together, all or none. */
#include "rig.h"
#include <croom/trial.h>

typedef struct other {
	int64_t value;
} other;
CROOM_RECORD(other, 7);

static int other_call(void *ctx, other *o)
{
	(void)ctx;
	return (int)o->value;
}
CROOM_RUN(other, other_call, void, other);

static const struct croom_class one = { .name = "one", .help = "", CROOM_RUNS(plain) };
static const struct croom_class two = { .name = "two", .help = "", CROOM_RUNS(plain) };
static const struct croom_class wrong = { .name = "wrong", .help = "", CROOM_RUNS(other) };
static const struct croom_class bad = { .name = "b a d", .help = "", CROOM_RUNS(plain) };
static const struct croom_class empty = { .name = "empty", .help = "" };
static const struct croom_swap_options published = { .wait_ms = 0 };
static struct croom_room *room;
static struct croom_lane *lane;
static const struct croom_panel *panel;
static struct croom_error err;

static int see(void *env, const struct croom_slot_view *slot)
{
	for (unsigned i = 0; i < slot->classes; i++) {
		strcat(env, slot->handler_class[i]->name);
		strcat(env, " ");
	}
	return 0;
}

static bool classes_are(const char *all)
{
	char text[400] = "";

	croom_room_each_slot(room, see, text);
	if (strcmp(text, all))
		printf("# classes: %s\n", text);
	return strcmp(text, all) == 0;
}

static const char before[] = "off number plain all number ";

static void begin(void)
{
	room = rig_open();
	CHECK_EQ(croom_room_lane_add(room, "feed", &lane), 0);
	panel = croom_lane_unpark(lane);
	CHECK(classes_are(before));
}

static void end(void)
{
	croom_lane_park(lane);
	croom_room_close(room);
	CHECK_EQ(opened, closed);
}

static int add(const struct croom_placed_class *placed, unsigned count)
{
	return croom_room_classes_add(room, placed, count, NULL, &err);
}

static void several_come_together_or_none(void)
{
	const struct croom_placed_class good[] = { { "printer", &one }, { "filter", &two }, { "printer", &two } };
	const struct {
		struct croom_placed_class placed[3];
		int code;
		const char *words;
	} refused[] = {
		{ { { "printer", &one }, { "filter", &two }, { "printer", &rig_plain } }, -EEXIST, "has a class 'plain' already" },
		{ { { "printer", &one }, { "filter", &two }, { "printer", &one } }, -EEXIST, "has a class 'one' already" },
		{ { { "printer", &one }, { "filter", &two }, { "fliter", &one } }, -ENOENT, "did you mean filter" },
		{ { { "printer", &one }, { "filter", &bad }, { "filter", &one } }, -EINVAL, "not 'b a d'" },
		{ { { "printer", &empty }, { "filter", &two }, { "filter", &one } }, -EINVAL, "no run" },
		{ { { "printer", &one }, { "filter", &wrong }, { "filter", &one } }, -EPROTOTYPE,
		  "class wrong takes other of 8 bytes version 7, slot filter has note of 16 bytes version 1" },
	};

	begin();
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		CHECK_EQ(add(refused[i].placed, 3), refused[i].code);
		CHECK(strstr(err.text, refused[i].words));
		CHECK(classes_are(before));
	}
	CHECK_EQ(add(good, 3), 0);
	CHECK(classes_are("off number plain one two all number two "));
	CHECK_EQ(rig_swap(room, "printer", "two", &published, NULL, &err), 0);
	end();
}

static void several_go_together_or_none(void)
{
	const struct croom_placed_class both[] = { { "printer", &one }, { "filter", &two } };
	const struct croom_placed_class unknown[] = { { "printer", &one }, { "filter", &one } };
	const struct croom_placed_class twice[] = { { "printer", &one }, { "printer", &one }, { "filter", &two } };

	begin();
	CHECK_EQ(add(both, 2), 0);
	CHECK_EQ(croom_room_classes_remove(room, unknown, 2, &err), -ENOENT);
	CHECK(classes_are("off number plain one all number two "));
	CHECK_EQ(rig_swap(room, "filter", "two", &published, NULL, &err), 0);
	CHECK_EQ(croom_room_classes_remove(room, both, 2, &err), -EBUSY);
	CHECK(strstr(err.text, "two sits in slot filter"));
	CHECK(classes_are("off number plain one all number two "));
	/* What holds it up goes by itself, if the lane moves. */
	CHECK_EQ(rig_swap(room, "filter", "all", &published, NULL, &err), 0);
	CHECK_EQ(croom_room_classes_remove(room, both, 2, &err), -EAGAIN);
	CHECK(strstr(err.text, "lane feed may still run two"));
	CHECK(strcmp(err.subject, "feed") == 0);
	/* And yet it would not help to wait: another sits there. */
	CHECK_EQ(rig_swap(room, "printer", "one", &published, NULL, &err), 0);
	CHECK_EQ(croom_room_classes_remove(room, both, 2, &err), -EBUSY);
	CHECK(strstr(err.text, "one sits in slot printer"));
	CHECK_EQ(rig_swap(room, "printer", "off", &published, NULL, &err), 0);
	panel = croom_lane_observe(lane, panel);
	CHECK_EQ(croom_room_classes_remove(room, twice, 3, &err), 0);
	CHECK(classes_are(before));
	end();
}

static void says_who_holds_one(void)
{
	const struct croom_placed_class placed = { "printer", &one };
	const struct croom_swap_options unconfirmed = { .confirm_ms = 600000 };
	struct croom_change change = { "filter", "number:1" };
	struct croom_prepared *prepared;

	begin();
	croom_lane_park(lane);
	CHECK_EQ(add(&placed, 1), 0);
	CHECK_EQ(rig_swap(room, "printer", "one", NULL, NULL, &err), 0);
	CHECK_EQ(rig_swap(room, "printer", "off", &unconfirmed, NULL, &err), 0);
	CHECK_EQ(croom_room_classes_remove(room, &placed, 1, &err), -EBUSY);
	CHECK(strstr(err.text, "one is kept open until revision 3 is confirmed"));
	CHECK_EQ(croom_room_confirm(room, 3, NULL, &err), 0);
	change = (struct croom_change){ "printer", "one" };
	CHECK_EQ(croom_room_prepare(room, &change, 1, NULL, &prepared, &err), 0);
	CHECK_EQ(croom_room_classes_remove(room, &placed, 1, &err), -EBUSY);
	CHECK(strstr(err.text, "a prepared change holds a handler of one"));
	croom_room_discard(room, prepared);
	CHECK_EQ(croom_room_classes_remove(room, &placed, 1, &err), 0);
	panel = croom_lane_unpark(lane);
	end();
}

static void one_goes_when_no_handler_of_it_is_open(void)
{
	struct croom_class pure = rig_number;

	pure.name = "pure";
	begin();
	CHECK_EQ(croom_room_class_add(room, "printer", &pure, NULL), 0);
	CHECK_EQ(rig_swap(room, "printer", "pure:1", &published, NULL, &err), 0);
	CHECK_EQ(croom_room_class_remove(room, "printer", "pure", &err), -EBUSY);
	CHECK(strstr(err.text, "sits in slot printer"));
	panel = croom_lane_observe(lane, panel);
	CHECK_EQ(rig_swap(room, "printer", "number:1", &published, NULL, &err), 0);
	CHECK_EQ(croom_room_class_remove(room, "printer", "pure", &err), -EAGAIN);
	CHECK(strstr(err.text, "lane feed"));
	panel = croom_lane_observe(lane, panel);
	CHECK_EQ(croom_room_class_remove(room, "printer", "pure", &err), 0);
	CHECK_EQ(croom_room_class_remove(room, "printer", "pure", &err), -ENOENT);
	CHECK_EQ(croom_room_class_remove(room, "printer", "off", &err), -EINVAL);
	CHECK_EQ(rig_swap(room, "printer", "pure:2", &published, NULL, &err), -ENOENT);
	CHECK_EQ(croom_room_rollback(room, 2, NULL, NULL, &err), -ENOENT);
	CHECK_EQ(croom_room_revision(room), 3);
	/* One of that name came again. */
	CHECK_EQ(croom_room_class_add(room, "printer", &pure, NULL), 0);
	CHECK_EQ(croom_room_rollback(room, 2, &published, NULL, &err), 0);
	CHECK_EQ(opened, 3);
	end();
}

int main(void)
{
	RUN(several_come_together_or_none);
	RUN(several_go_together_or_none);
	RUN(says_who_holds_one);
	RUN(one_goes_when_no_handler_of_it_is_open);
	return check_result();
}
