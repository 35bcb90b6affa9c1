// SPDX-License-Identifier: BSD-2-Clause
/*
 * Whatever allocation of the server fails while it answers, a client gets a whole reply and the right one, an error that
 * says "out of memory", or a connection that is closed: never half a reply, nor one in which something is missing. What is
 * refused has changed nothing, and the next client is answered. Server and client are in this one thread; time passes
 * as soon as the server waits for it.
 */
#include "dialog.h"
#include <sys/stat.h>

enum { TRIES = 3000, MESSAGES = 4 };

/*
 * The request with the nth allocation failing, until a try needs no nth. `right`: what a whole reply is. Returns how
 * many tries there were; tells how many of them were answered, and how many by an error.
 */
struct tried {
	int all, whole, refused, hung_up;
};

static struct tried every_allocation(enum scarce_how how, const char *request, int count, const struct client *right,
				     void (*set)(void), void (*after)(json_t *reply))
{
	static struct client client;
	struct tried tried = { 0 };
	long failed = 1;

	for (long n = 1; failed && n < TRIES; n++, tried.all++) {
		if (set)
			set();
		client_open(&client);
		say(&client, request);
		scarce_begin(how, n);
		serve(&client, count, 50);
		failed = scarce_end();
		serve(&client, count, 10000);
		for (int i = 0; i < messages(&client) && i < count; i++) {
			json_t *reply = message(&client, i), *wanted = right ? message(right, i) : NULL;
			bool good = reply && (!right || json_equal(reply, wanted)), refusal = !good && says_out_of_memory(reply);

			if (!good && !refusal)
				printf("# %ld, %s: not the right reply: %.900s\n", n, scarce_last(), client.reply);
			CHECK(good || refusal);
			tried.whole += good;
			tried.refused += refusal;
			if (after)
				after(reply);
			json_decref(reply);
			json_decref(wanted);
		}
		tried.hung_up += client.hung_up;
		/* A whole reply or none. */
		CHECK(messages(&client) == count || client.hung_up);
		CHECK(!client.used || !client.reply[client.used - 1]);
		if (after && messages(&client) == 0)
			after(NULL);
		client_close(&client);
	}
	CHECK_EQ(failed, 0);
	return tried;
}

/* Frozen, with a handler in quarantine, and a shadow in a slot that a lane has called. */
static bool held;

static void hold(void)
{
	const struct croom_trial shadow = { .kind = CROOM_SHADOW, .sample = 1 };
	static const struct croom_change change = { "filter", "text:shadow" };
	struct croom_lane *lane;
	const struct croom_panel *panel;
	note n = { 1 };

	must(croom_room_swap(room, &change, 1, &(struct croom_swap_options){ .trial = &shadow }, NULL, NULL), "shadow");
	must(croom_room_lane_add(room, "calls", &lane), "lane");
	panel = croom_lane_unpark(lane);
	for (int i = 0; i < 1000; i++)
		croom_slot_call(filter, panel, &n);
	croom_lane_park(lane);
	must(croom_room_quarantine(room, "printer", "text:bad", "it died with it"), "quarantine");
	must(croom_room_freeze(room, "a reason", NULL, NULL), "freeze");
}

/* Nothing of it changes the room, so that each reply is the one that was given with all memory there. */
static void reads(const char *request, int count, int least)
{
	static struct client right;
	json_t *before, *now;

	scene_open();
	if (held)
		hold();
	before = state();
	ask(&right, request, count);
	for (enum scarce_how how = SCARCE_ONE; how <= SCARCE_ON; how++) {
		struct tried tried = every_allocation(how, request, count, &right, NULL, NULL);

		printf("# %.60s: %d allocations, %d whole replies, %d refusals, hung up %d times\n", request, tried.all - 1,
		       tried.whole, tried.refused, tried.hung_up);
		CHECK(tried.all > least);
	}
	now = state();
	CHECK(json_equal(before, now));
	json_decref(before);
	json_decref(now);
	scene_close();
}

static void list(void)
{
	reads(LIST, 1, 100);
	held = true;
	reads(LIST, 1, 100);
	reads("{\"method\":\"org.croom.Room.Trial\",\"parameters\":{\"slot\":\"filter\"}}", 1, 50);
	held = false;
}

static void history(void)
{
	reads(HISTORY, 1, 100);
}

static void info_and_description(void)
{
	reads("{\"method\":\"org.varlink.service.GetInfo\",\"parameters\":{}}", 1, 10);
	reads("{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"org.croom.Room\"}}", 1, 10);
}

static void watch(void)
{
	reads("{\"method\":\"org.croom.Room.Watch\",\"more\":true,\"parameters\":{\"interval_ms\":50}}", MESSAGES, 300);
}

static void errors(void)
{
	reads("{\"method\":\"org.croom.Room.Nothing\"}", 1, 10);
	reads("{\"method\":\"\xc3\xa4.Nothing\"}", 1, 10);
	reads("{\"method\":\"org.croom.Room.List\",\"parameters\":{\"what\":[1,2.5,null,true,{\"a\":\"\\u00e4\\ud83d\\ude00\"}]}}", 1, 20);
	reads("{\"method\":\"org.croom.Room.Watch\"}", 1, 10);
	reads("{\"method\":\"org.croom.Room.Swap\",\"parameters\":{\"changes\":[{\"slot\":\"printr\",\"handler\":\"text\"}]}}", 1, 20);
	reads("{\"method\":\"org.croom.Room.Swap\",\"parameters\":{\"changes\":[{\"slot\":\"filter\",\"handler\":\"all:1\"}]}}", 1, 20);
	reads("{\"method\":\"org.croom.Room.Swap\",\"parameters\":{\"expect\":99,\"changes\":[{\"slot\":\"filter\",\"handler\":\"all\"}]}}", 1, 20);
	reads("{\"method\":\"org.croom.Room.Rollback\",\"parameters\":{\"to\":1234567890123456}}", 1, 20);
	reads("no JSON", 1, 5);
}

/* What a change left behind: of the revision before, or of the one that it was to make, and then all of it. */
static json_t *before;
static uint64_t revision;
static const char *wanted_handlers[2];

static const char *handler(json_t *state, size_t slot)
{
	json_t *slots = json_object_get(json_object_get(json_object_get(state, "list"), "parameters"), "slots");

	return json_string_value(json_object_get(json_array_get(slots, slot), "handler"));
}

static void check_change(json_t *reply)
{
	json_t *now = state(), *parameters = json_object_get(reply, "parameters");
	uint64_t is = croom_room_revision(room);
	bool done = reply && !json_object_get(reply, "error");

	CHECK(done ? is == revision + 1 : reply ? is == revision : is == revision || is == revision + 1);
	if (is == revision) {
		CHECK(json_equal(now, before));
	} else {
		CHECK(strcmp(handler(now, 0), wanted_handlers[0]) == 0 && strcmp(handler(now, 1), wanted_handlers[1]) == 0);
		CHECK_EQ(croom_room_rollback(room, revision, NULL, NULL, NULL), 0);
	}
	if (done) {
		CHECK_EQ(json_integer_value(json_object_get(parameters, "revision")), is);
		CHECK_EQ(json_array_size(json_object_get(parameters, "lanes")), 2);
		for (size_t i = 0; i < 2; i++) {
			json_t *lane = json_array_get(json_object_get(parameters, "lanes"), i);

			CHECK_EQ(json_object_size(lane), 5);
			CHECK_EQ(json_integer_value(json_object_get(lane, "revision")), is);
		}
	}
	json_decref(before);
	json_decref(now);
	before = state();
	revision = croom_room_revision(room);
}

static void changes(const char *request, const char *printer, const char *filter, int least)
{
	wanted_handlers[0] = printer;
	wanted_handlers[1] = filter;
	scene_open();
	before = state();
	revision = croom_room_revision(room);
	for (enum scarce_how how = SCARCE_ONE; how <= SCARCE_ON; how++) {
		struct tried tried = every_allocation(how, request, 1, NULL, NULL, check_change);

		printf("# %.60s: %d allocations, %d answered, hung up %d times\n", request, tried.all - 1, tried.whole,
		       tried.hung_up);
		CHECK(tried.all > least);
		CHECK(tried.whole > 1);
	}
	json_decref(before);
	scene_close();
}

static void swap(void)
{
	changes("{\"method\":\"org.croom.Room.Swap\",\"parameters\":{\"changes\":[{\"slot\":\"printer\",\"handler\":"
		"\"text:what takes more than sixteen bytes, or thirty-two\"},{\"slot\":\"filter\",\"handler\":\"all\"}]}}",
		"text:what takes more than sixteen bytes, or thirty-two", "all", 50);
	changes("{\"method\":\"org.croom.Room.Swap\",\"parameters\":{\"wait_ms\":0,\"changes\":[{\"slot\":\"printer\",\"handler\":"
		"\"text\"}]}}", "text", "text:\xc3\xa4", 40);
}

static void rollback(void)
{
	changes("{\"method\":\"org.croom.Room.Rollback\",\"parameters\":{\"to\":1,\"command\":\"back to \\u00e4\"}}", "off", "all", 40);
}

/* On trial; and to be confirmed, within a time that does not pass meanwhile. */
static void swap_with_a_way_back(void)
{
	changes("{\"method\":\"org.croom.Room.Swap\",\"parameters\":{\"trial\":{\"kind\":\"canary\",\"one_in\":10},\"changes\":[{\"slot\":"
		"\"printer\",\"handler\":\"text:on trial\"}]}}", "text:on trial", "text:\xc3\xa4", 50);
	leap_ns = 1000000000;
	changes("{\"method\":\"org.croom.Room.Swap\",\"parameters\":{\"confirm_ms\":60000,\"changes\":[{\"slot\":\"printer\","
		"\"handler\":\"text:to be confirmed\"}]}}", "text:to be confirmed", "text:\xc3\xa4", 50);
	leap_ns = INT64_MAX;
}

/* A request whose effect is not a handler: it shows in List, all of it or nothing. */
static bool (*effect)(json_t *list);
static void (*unset)(void);

static void check_effect(json_t *reply)
{
	json_t *now = state(), *list = json_object_get(json_object_get(now, "list"), "parameters");
	bool same = json_equal(now, before), done = effect(list);

	CHECK(same != done);
	if (reply)
		CHECK(done == !json_object_get(reply, "error"));
	json_decref(now);
	json_decref(before);
	unset();
}

static const struct croom_change tried_change = { "printer", "text:tried" };

static void set_canary(void)
{
	const struct croom_trial canary = { .kind = CROOM_CANARY, .one_in = 2 };

	must(croom_room_swap(room, &tried_change, 1, &(struct croom_swap_options){ .trial = &canary }, NULL, NULL), "canary");
	before = state();
}

static void unset_trial(void)
{
	must(croom_room_rollback(room, 4, NULL, NULL, NULL), "rollback");
}

static bool no_trial(json_t *list)
{
	return json_is_null(json_object_get(json_array_get(json_object_get(list, "slots"), 0), "trial"));
}

static void set_nothing(void)
{
	before = state();
}

static bool is_frozen(json_t *list)
{
	const char *why = json_string_value(json_object_get(list, "frozen"));

	return why && strcmp(why, "a reason of more than sixteen bytes") == 0;
}

static void thaw(void)
{
	char why[100];

	if (croom_room_frozen(room, why, sizeof(why)))
		must(croom_room_thaw(room, NULL, NULL), "thaw");
}

static void freeze(void)
{
	must(croom_room_freeze(room, "set", NULL, NULL), "freeze");
	before = state();
}

static bool is_thawed(json_t *list)
{
	return json_is_null(json_object_get(list, "frozen"));
}

static void quarantine(void)
{
	must(croom_room_quarantine(room, "printer", "text:bad", "it died with it"), "quarantine");
	before = state();
}

static bool is_pardoned(json_t *list)
{
	return json_array_size(json_object_get(list, "quarantined")) == 0;
}

static void pardon(void)
{
	croom_room_pardon(room, "printer", "text:bad", NULL, NULL);
}

static bool is_profiled(json_t *list)
{
	const char *trial = json_string_value(json_object_get(json_array_get(json_object_get(list, "slots"), 0), "trial"));

	return trial && strcmp(trial, "profile") == 0;
}

/* A rollback leaves it, for it is the same handler. */
static void unset_profile(void)
{
	croom_room_promote(room, "printer", NULL, NULL, NULL);
}

static void effects_of(const char *request, void (*set)(void), bool (*shows)(json_t *list), void (*back)(void), int least)
{
	scene_open();
	effect = shows;
	unset = back;
	for (enum scarce_how how = SCARCE_ONE; how <= SCARCE_ON; how++) {
		struct tried tried = every_allocation(how, request, 1, NULL, set, check_effect);

		CHECK(tried.all > least);
		CHECK(tried.whole > 1);
	}
	scene_close();
}

static void promote_profile_freeze_thaw_and_pardon(void)
{
	leap_ns = 1000000000;
	effects_of("{\"method\":\"org.croom.Room.Promote\",\"parameters\":{\"slot\":\"printer\"}}", set_canary, no_trial, unset_trial, 30);
	effects_of("{\"method\":\"org.croom.Room.Profile\",\"parameters\":{\"slot\":\"printer\"}}", set_nothing, is_profiled, unset_profile, 30);
	effects_of("{\"method\":\"org.croom.Room.Freeze\",\"parameters\":{\"why\":\"a reason of more than sixteen bytes\"}}", set_nothing,
		   is_frozen, thaw, 15);
	effects_of("{\"method\":\"org.croom.Room.Thaw\"}", freeze, is_thawed, thaw, 10);
	effects_of("{\"method\":\"org.croom.Room.Pardon\",\"parameters\":{\"slot\":\"printer\",\"handler\":\"text:bad\"}}", quarantine,
		   is_pardoned, pardon, 15);
	leap_ns = INT64_MAX;
}

/* A long config for whose like there is no memory: whichever size is the first to be missing. */
static void large_pieces(void)
{
	static char request[70000];
	static struct client client;
	int done = 0;

	scene_open();
	for (long bytes = 1 << 17; bytes > 1; bytes /= 2) {
		int used = snprintf(request, sizeof(request), "{\"method\":\"org.croom.Room.Swap\",\"parameters\":{\"changes\":[{\"slot\":"
				    "\"printer\",\"handler\":\"text:");
		json_t *reply, *is;

		memset(request + used, 'x', 60000);
		strcpy(request + used + 60000, "\"}]}}");
		revision = croom_room_revision(room);
		client_open(&client);
		say(&client, request);
		scarce_begin(SCARCE_LARGE, bytes);
		serve(&client, 1, 50);
		scarce_end();
		serve(&client, 1, 10000);
		reply = messages(&client) ? message(&client, 0) : NULL;
		client_close(&client);
		CHECK(reply ? !json_object_get(reply, "error") || says_out_of_memory(reply) : client.hung_up && !client.used);
		json_decref(reply);
		ask(&client, LIST, 1);
		reply = message(&client, 0);
		is = json_object_get(json_array_get(json_object_get(json_object_get(reply, "parameters"), "slots"), 0), "handler");
		CHECK(json_string_length(is) == (croom_room_revision(room) == revision + 1 ? 60005 : 17));
		done += croom_room_revision(room) == revision + 1;
		json_decref(reply);
		if (croom_room_revision(room) != revision)
			CHECK_EQ(croom_room_rollback(room, 0, NULL, NULL, NULL), 0);
	}
	CHECK(done > 0 && done < 16);
	scene_close();
}

/* A client that cannot be taken in stays where it waits, and the server's thread does not spin for it. */
static void a_connection_without_memory_waits(void)
{
	struct pollfd ready;
	static struct client client;

	scene_open();
	ready = (struct pollfd){ .fd = croom_control_fd(control), .events = POLLIN };
	for (int i = 0; i < 2; i++) {
		leap_ns = 0;
		client_open(&client);
		say(&client, LIST);
		CHECK_EQ(poll(&ready, 1, 0), 1);
		scarce_begin(SCARCE_ONE, 1);
		CHECK_EQ(croom_control_dispatch(control), 0);
		CHECK_EQ(scarce_end(), 1);
		CHECK(strcmp(scarce_last(), "accept4") == 0);
		CHECK_EQ(poll(&ready, 1, 0), 0);
		/* Whatever else happens, such as another client that goes, it sets the timer anew; now that fires. */
		leap_ns = INT64_MAX;
		CHECK_EQ(croom_control_dispatch(control), 0);
		serve(&client, 1, 10000);
		CHECK_EQ(messages(&client), 1);
		client_close(&client);
	}
	scene_close();
}

/* Opening the server itself: an error and no file left, or a server that answers. */
static void opening(void)
{
	const struct croom_control_options options = { .path = path };
	static struct client client;
	struct stat is;

	scene_open();
	croom_control_close(control);
	for (enum scarce_how how = SCARCE_ONE; how <= SCARCE_ON; how++) {
		long failed = 1, n;

		for (n = 1; failed && n < 100; n++) {
			struct croom_error err = { 0 };
			int rc;

			scarce_begin(how, n);
			rc = croom_control_open(&control, room, &options, &err);
			failed = scarce_end();
			CHECK_EQ(err.code, rc);
			if (rc) {
				CHECK_EQ(rc, -ENOMEM);
				CHECK(strstr(err.text, "out of memory") || strstr(err.text, "Cannot allocate memory"));
				CHECK(!control);
				CHECK(stat(path, &is) && errno == ENOENT);
				continue;
			}
			ask(&client, LIST, 1);
			croom_control_close(control);
		}
		CHECK(n > 10);
	}
	croom_room_close(room);
}

int main(void)
{
	char folder[] = "/tmp/croom-faults-XXXXXX";

	must(mkdtemp(folder) ? 0 : -1, "folder");
	snprintf(path, sizeof(path), "%s/socket", folder);
	RUN(list);
	RUN(history);
	RUN(info_and_description);
	RUN(watch);
	RUN(errors);
	RUN(swap);
	RUN(rollback);
	RUN(swap_with_a_way_back);
	RUN(promote_profile_freeze_thaw_and_pardon);
	RUN(large_pieces);
	RUN(a_connection_without_memory_waits);
	RUN(opening);
	rmdir(folder);
	return check_result();
}
