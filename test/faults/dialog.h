// SPDX-License-Identifier: BSD-2-Clause
/*
 * The server of libcroom-control and a client of its in one thread, with a room that has two slots. Time passes as soon as the
 * server waits for it.
 */
#ifndef FAULTS_DIALOG_H
#define FAULTS_DIALOG_H

#include "../check.h"
#include "scarce.h"
#include <croom/control.h>
#include <croom/inspect.h>
#include <croom/trial.h>
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

enum { REPLY = 1 << 20 };

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
static int64_t leap_ns = INT64_MAX;   /* how far ahead what the server waits for may lie to be there at once */

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
	int64_t until = when->it_value.tv_sec * INT64_C(1000000000) + when->it_value.tv_nsec, left;
	struct timespec now;

	(void)flags;
	clock_gettime(CLOCK_MONOTONIC, &now);
	left = until - (now.tv_sec * INT64_C(1000000000) + now.tv_nsec);
	if (!until || left > leap_ns)
		return (int)syscall(SYS_timerfd_settime, fd, 0, &never, old);
	ahead_ns += left > 0 ? left : 0;
	return (int)syscall(SYS_timerfd_settime, fd, 0, &soon, old);
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

static inline void scene_open(void)
{
	static const struct croom_slot slots[] = {
		{ .name = "printer", .help = "what is \"shown\"", .type = printer_slot_type },
		{ .name = "filter", .help = "\xff kept", .type = filter_slot_type, .empty = "all" },
	};
	static const struct croom_class text = { .name = "text", .help = "a text \xc3\xa4", .syntax = "[TEXT]", CROOM_RUNS(text),
		.open = text_open, .close = text_close, .traits = CROOM_PURE };
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

static inline void scene_close(void)
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

static inline void client_open(struct client *client)
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

static inline int messages(const struct client *client)
{
	int count = 0;

	for (size_t i = 0; i < client->used; i++)
		count += client->reply[i] == 0;
	return count;
}

/* Let the server work until there are so many replies, or it has hung up, or (patience) it has been at it for long. */
static inline void serve(struct client *client, int count, int patience)
{
	struct pollfd ready = { .fd = croom_control_fd(control), .events = POLLIN };

	while (patience-- && !client->hung_up && messages(client) < count) {
		if (poll(&ready, 1, 0) > 0)
			CHECK_EQ(croom_control_dispatch(control), 0);
		client_read(client);
	}
}

static inline void say(const struct client *client, const char *request)
{
	must(send(client->fd, request, strlen(request) + 1, MSG_NOSIGNAL) == (ssize_t)strlen(request) + 1 ? 0 : -EIO, "send");
}

/* The server has nothing to do with this one any more. */
static inline void client_close(struct client *client)
{
	struct pollfd ready = { .fd = croom_control_fd(control), .events = POLLIN };

	close(client->fd);
	while (poll(&ready, 1, 0) > 0)
		croom_control_dispatch(control);
}

/* One request of a client of its own, with memory for everything. */
static inline void ask(struct client *client, const char *request, int count)
{
	client_open(client);
	say(client, request);
	serve(client, count, 10000);
	CHECK_EQ(messages(client), count);
	client_close(client);
}

#define LIST "{\"method\":\"org.croom.Room.List\"}"
#define HISTORY "{\"method\":\"org.croom.Room.History\"}"

static inline json_t *message(const struct client *client, int index)
{
	const char *at = client->reply;

	while (index--)
		at += strlen(at) + 1;
	return json_loads(at, JSON_REJECT_DUPLICATES, NULL);
}

/* An error that a request for which there was no memory may get. */
static inline bool says_out_of_memory(json_t *reply)
{
	const char *error = json_string_value(json_object_get(reply, "error"));
	const char *text = json_string_value(json_object_get(json_object_get(reply, "parameters"), "message"));

	return error && text && strcmp(error, "org.croom.Room.Failed") == 0 && strstr(text, "out of memory");
}

/* What the room shows of itself, as JSON. */
static inline json_t *state(void)
{
	static struct client client;
	json_t *list, *history;

	ask(&client, LIST, 1);
	list = message(&client, 0);
	ask(&client, HISTORY, 1);
	history = message(&client, 0);
	return json_pack("{s:o, s:o}", "list", list, "history", history);
}

#endif
