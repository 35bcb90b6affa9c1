// SPDX-License-Identifier: BSD-2-Clause
/*
 * Whatever allocation of the server fails while it answers, a client gets a whole reply and the right one, an error that
 * says "out of memory", or a connection that is closed: never half a reply, nor one in which something is missing. What is
 * refused has changed nothing, and the next client is answered. Server and client are in this one thread; time passes
 * as soon as the server waits for it.
 */
#include "../check.h"
#include "scarce.h"
#include <croom/control.h>
#include <croom/inspect.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { REPLY = 1 << 20, TRIES = 3000, MESSAGES = 4 };

typedef struct note {
	int value;
} note;

CROOM_RECORD(note, 1);
CROOM_SLOT(printer, 0, note);
CROOM_SLOT(filter, 1, note);

static int text_call(char *ctx, note *n)
{
	return ctx[0] + n->value;
}
CROOM_RUN(text, text_call, char, note);

static int text_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	(void)env;
	*ctx = strdup(config);
	return *ctx ? 0 : croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
}

static void text_close(void *ctx, void *env)
{
	(void)env;
	free(ctx);
}

static double half(void *env)
{
	(void)env;
	return 0.5;
}

/* In place of the C library's. */
static int64_t ahead_ns;
static bool stands;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, now);

	if (clock == CLOCK_MONOTONIC) {
		now->tv_sec += ahead_ns / 1000000000;
		now->tv_nsec += ahead_ns % 1000000000;
		now->tv_sec += now->tv_nsec / 1000000000;
		now->tv_nsec %= 1000000000;
	}
	return rc;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *when, struct itimerspec *old)
{
	static const struct itimerspec soon = { .it_value = { .tv_nsec = 1 } }, never = { .it_value = { 0 } };
	int64_t until = when->it_value.tv_sec * INT64_C(1000000000) + when->it_value.tv_nsec;
	struct timespec now;

	(void)flags;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!stands && until > now.tv_sec * INT64_C(1000000000) + now.tv_nsec)
		ahead_ns += until - (now.tv_sec * INT64_C(1000000000) + now.tv_nsec);
	return (int)syscall(SYS_timerfd_settime, fd, 0, until && !stands ? &soon : &never, old);
}

static struct croom_room *room;
static struct croom_control *control;
static char path[100];

static void must(int rc, const char *what)
{
	if (rc == 0)
		return;
	printf("not ok the scene cannot be set: %s: %s\n", what, strerror(rc < 0 ? -rc : errno));
	exit(1);
}

static void scene_open(void)
{
	static const struct croom_slot slots[] = {
		{ .name = "printer", .help = "what is \"shown\"", .type = printer_slot_type },
		{ .name = "filter", .help = "\xff kept", .type = filter_slot_type, .empty = "all" },
	};
	static const struct croom_class text = { .name = "text", .help = "a text \xc3\xa4", .syntax = "[TEXT]", CROOM_RUNS(text),
		.open = text_open, .close = text_close };
	const struct croom_control_options options = { .path = path, .program = "control" };
	static const struct croom_change changes[] = { { "printer", "text:a first text" }, { "filter", "text:\xc3\xa4" } };
	struct croom_lane *lane;

	must(croom_room_open(&room, "scarce", slots, 2), "room");
	for (int i = 0; i < 2; i++)
		must(croom_room_class_add(room, slots[i].name, &text, NULL), "class");
	must(croom_room_lane_add(room, "one", &lane), "lane");
	must(croom_room_lane_add(room, "two", &lane), "lane");
	must(croom_room_gauge_add(room, "fill", "%", half, NULL), "gauge");
	for (int i = 0; i < 3; i++)
		must(croom_room_swap(room, changes, 2, NULL, NULL, NULL), "swap");
	must(croom_control_open(&control, room, &options, NULL), "control");
}

static void scene_close(void)
{
	croom_control_close(control);
	croom_room_close(room);
}

/* A client, and what came back to it. */
struct client {
	int fd;
	bool hung_up;
	size_t used;
	char reply[REPLY];
};

static void client_open(struct client *client)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, path);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	client->hung_up = false;
	client->used = 0;
	must(connect(client->fd, (struct sockaddr *)&address, sizeof(address)), "connect");
}

static void client_read(struct client *client)
{
	ssize_t got;

	while ((got = recv(client->fd, client->reply + client->used, REPLY - client->used, 0)) > 0)
		client->used += (size_t)got;
	if (got == 0 || (got < 0 && errno != EAGAIN))
		client->hung_up = true;
}

static int messages(const struct client *client)
{
	int count = 0;

	for (size_t i = 0; i < client->used; i++)
		count += client->reply[i] == 0;
	return count;
}

/* Let the server work until there are so many replies, or it has hung up, or (patience) it has been at it for long. */
static void serve(struct client *client, int count, int patience)
{
	struct pollfd ready = { .fd = croom_control_fd(control), .events = POLLIN };

	while (patience-- && !client->hung_up && messages(client) < count) {
		if (poll(&ready, 1, 0) > 0)
			CHECK_EQ(croom_control_dispatch(control), 0);
		client_read(client);
	}
}

static void say(const struct client *client, const char *request)
{
	must(send(client->fd, request, strlen(request) + 1, MSG_NOSIGNAL) == (ssize_t)strlen(request) + 1 ? 0 : -EIO, "send");
}

/* The server has nothing to do with this one any more. */
static void client_close(struct client *client)
{
	struct pollfd ready = { .fd = croom_control_fd(control), .events = POLLIN };

	close(client->fd);
	while (poll(&ready, 1, 0) > 0)
		croom_control_dispatch(control);
}

/* One request of a client of its own, with memory for everything. */
static void ask(struct client *client, const char *request, int count)
{
	client_open(client);
	say(client, request);
	serve(client, count, 10000);
	CHECK_EQ(messages(client), count);
	client_close(client);
}

#define LIST "{\"method\":\"org.croom.Room.List\"}"
#define HISTORY "{\"method\":\"org.croom.Room.History\"}"

static json_t *message(const struct client *client, int index)
{
	const char *at = client->reply;

	while (index--)
		at += strlen(at) + 1;
	return json_loads(at, JSON_REJECT_DUPLICATES, NULL);
}

/* An error that a request for which there was no memory may get. */
static bool says_out_of_memory(json_t *reply)
{
	const char *error = json_string_value(json_object_get(reply, "error"));
	const char *text = json_string_value(json_object_get(json_object_get(reply, "parameters"), "message"));

	return error && text && strcmp(error, "org.croom.Room.Failed") == 0 && strstr(text, "out of memory");
}

/* What the room shows of itself, as JSON. */
static json_t *state(void)
{
	static struct client client;
	json_t *list, *history;

	ask(&client, LIST, 1);
	list = message(&client, 0);
	ask(&client, HISTORY, 1);
	history = message(&client, 0);
	return json_pack("{s:o, s:o}", "list", list, "history", history);
}

/*
 * The request with the nth allocation failing, until a try needs no nth. `right`: what a whole reply is. Returns how
 * many tries there were; tells how many of them were answered, and how many by an error.
 */
struct tried {
	int all, whole, refused, hung_up;
};

static struct tried every_allocation(enum scarce_how how, const char *request, int count, const struct client *right,
				     void (*after)(json_t *reply))
{
	static struct client client;
	struct tried tried = { 0 };
	long failed = 1;

	for (long n = 1; failed && n < TRIES; n++, tried.all++) {
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

/* Nothing of it changes the room, so that each reply is the one that was given with all memory there. */
static void reads(const char *request, int count, int least)
{
	static struct client right;
	json_t *before, *now;

	scene_open();
	before = state();
	ask(&right, request, count);
	for (enum scarce_how how = SCARCE_ONE; how <= SCARCE_ON; how++) {
		struct tried tried = every_allocation(how, request, count, &right, NULL);

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
		struct tried tried = every_allocation(how, request, 1, NULL, check_change);

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
		stands = true;
		client_open(&client);
		say(&client, LIST);
		CHECK_EQ(poll(&ready, 1, 0), 1);
		scarce_begin(SCARCE_ONE, 1);
		CHECK_EQ(croom_control_dispatch(control), 0);
		CHECK_EQ(scarce_end(), 1);
		CHECK(strcmp(scarce_last(), "accept4") == 0);
		CHECK_EQ(poll(&ready, 1, 0), 0);
		/* Whatever else happens, such as another client that goes, it sets the timer anew; now that fires. */
		stands = false;
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
	RUN(large_pieces);
	RUN(a_connection_without_memory_waits);
	RUN(opening);
	rmdir(folder);
	return check_result();
}
