/* SPDX-License-Identifier: BSD-2-Clause */
/* What each verb does. */
#include "ctl.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECENT = 12 };

static json_t *number_or_null(int64_t value)
{
	return value < 0 ? json_null() : json_integer(value);
}

/* List of one room; what it says about itself, or NULL when it does not answer. */
static json_t *ask_list(const char *path)
{
	struct reader reader = { 0 };
	struct timeval patience = { .tv_sec = 2 };
	int fd = ctl_connect_path(path);
	json_t *message = json_pack("{s:s}", "method", "org.croom.Room.List"), *reply = NULL, *list;

	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		if (ctl_send(fd, message))
			reply = ctl_receive(fd, &reader);
		close(fd);
	}
	list = json_incref(json_object_get(reply, "parameters"));
	json_decref(message);
	json_decref(reply);
	free(reader.data);
	return list;
}

int verb_ls(struct ctl *ctl)
{
	struct room_socket rooms[64];
	int count = ctl_rooms(rooms, 64);
	json_t *all = json_array();
	char buffer[256];

	for (int i = 0; i < count; i++) {
		json_t *list = ask_list(rooms[i].path);
		json_t *one = json_pack("{s:s, s:s, s:O?, s:O?, s:O?}", "name", rooms[i].name, "socket", rooms[i].path, "pid",
					json_object_get(list, "pid"), "revision", json_object_get(list, "revision"), "program",
					json_object_get(list, "program"));

		if (!ctl->json)
			printf("%-20s pid %-8lld revision %-8lld %s\n", rooms[i].name,
			       (long long)json_integer_value(json_object_get(list, "pid")),
			       (long long)json_integer_value(json_object_get(list, "revision")),
			       list ? clean(json_string_value(json_object_get(list, "program")), buffer, sizeof(buffer)) :
				      "does not answer");
		json_array_append_new(all, one);
		json_decref(list);
	}
	if (ctl->json)
		print_json(all);
	else if (count == 0)
		puts("no room is running");
	json_decref(all);
	return DONE;
}

int verb_list(struct ctl *ctl)
{
	int code;
	json_t *list = ctl_call(ctl, "org.croom.Room.List", json_object(), &code);

	if (list && ctl->json)
		print_json(list);
	else if (list)
		show_list(list);
	json_decref(list);
	return code;
}

static json_t *request(const struct ctl *ctl)
{
	json_t *parameters = json_pack("{s:o, s:o}", "expect", number_or_null(ctl->expect), "wait_ms", number_or_null(ctl->wait_ms));
	json_t *command = json_string(ctl->command);

	if (command)
		json_object_set_new(parameters, "command", command);
	return parameters;
}

/* Call a method that answers with a revision, and show that. */
static int change(struct ctl *ctl, const char *method, json_t *parameters)
{
	int code;
	json_t *result = ctl_call(ctl, method, parameters, &code);

	if (result && ctl->json)
		print_json(result);
	else if (result)
		show_swap(result);
	json_decref(result);
	return code;
}

int verb_swap(struct ctl *ctl)
{
	json_t *changes = json_array(), *parameters;

	for (int i = 0; i < ctl->argc; i++) {
		const char *equals = strchr(ctl->argv[i], '=');
		json_t *one;

		if (!equals || equals == ctl->argv[i] || !equals[1]) {
			json_decref(changes);
			return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "'%s' is not SLOT=CLASS or SLOT=CLASS:CONFIG, such as printer=json",
					ctl->argv[i]);
		}
		one = json_pack("{s:s%, s:s}", "slot", ctl->argv[i], (size_t)(equals - ctl->argv[i]), "handler", equals + 1);
		if (!one) {
			json_decref(changes);
			return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "change %d is not UTF-8 text", i + 1);
		}
		json_array_append_new(changes, one);
	}
	if (ctl->argc == 0) {
		json_decref(changes);
		return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage",
				"swap what? `croomctl swap SLOT=CLASS[:CONFIG]...`; `croomctl list` shows slots and classes");
	}
	parameters = request(ctl);
	json_object_set_new(parameters, "changes", changes);
	return change(ctl, "org.croom.Room.Swap", parameters);
}

int verb_rollback(struct ctl *ctl)
{
	json_t *parameters = request(ctl);

	json_object_set_new(parameters, "to", number_or_null(ctl->to));
	return change(ctl, "org.croom.Room.Rollback", parameters);
}

int verb_history(struct ctl *ctl)
{
	int code;
	json_t *history = ctl_call(ctl, "org.croom.Room.History", json_pack("{s:o}", "count", number_or_null(ctl->count)), &code);

	if (history && ctl->json)
		print_json(history);
	else if (history)
		show_history(json_object_get(history, "entries"));
	json_decref(history);
	return code;
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

/* The newest changes stay on the screen below the rates. */
static void remember(json_t *recent, json_t *frame)
{
	size_t i;
	json_t *entry;

	json_array_foreach(json_object_get(frame, "changes"), i, entry) {
		json_array_append(recent, entry);
		if (json_array_size(recent) > RECENT)
			json_array_remove(recent, 0);
	}
}

static void draw(json_t *frame, json_t *recent, const char *room)
{
	size_t i;
	json_t *entry;

	/* Home, each frame over the last one; then what is left of a longer one goes. */
	fputs("\033[H\033[2J", stdout);
	show_frame(frame, room);
	puts("\nchanges (Ctrl-C ends):");
	json_array_foreach(recent, i, entry)
		show_entry(entry);
	fflush(stdout);
}

static void print_plain(json_t *frame, const char *room)
{
	size_t i;
	json_t *entry;

	json_array_foreach(json_object_get(frame, "changes"), i, entry)
		show_entry(entry);
	show_frame(frame, room);
	fflush(stdout);
}

static int watch_frames(const struct ctl *ctl, int fd, const char *room)
{
	bool screen = isatty(STDOUT_FILENO) && !ctl->json;
	struct reader reader = { 0 };
	json_t *recent = json_array(), *reply;
	int code = DONE;

	while (!interrupted && code == DONE && (reply = ctl_receive(fd, &reader))) {
		json_t *frame = json_object_get(reply, "parameters");

		if (json_is_string(json_object_get(reply, "error"))) {
			code = ctl_error(ctl, reply);
		} else if (ctl->json) {
			json_dumpf(frame, stdout, JSON_COMPACT);
			putchar('\n');
			fflush(stdout);
		} else if (screen) {
			remember(recent, frame);
			draw(frame, recent, room);
		} else {
			print_plain(frame, room);
		}
		if (ferror(stdout))
			interrupted = 1;
		json_decref(reply);
	}
	if (!interrupted && code == DONE)
		code = ctl_fail(ctl, NO_ROOM, "org.croom.ctl.NoRoom", "the room has ended");
	json_decref(recent);
	free(reader.data);
	return code;
}

int verb_watch(struct ctl *ctl)
{
	struct sigaction action = { .sa_handler = on_interrupt };
	json_t *message;
	int code, fd = ctl_connect(ctl, &code);

	if (fd < 0)
		return code;
	/* Without SA_RESTART, so that a read that waits comes back. */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	message = json_pack("{s:s, s:b, s:{s:I}}", "method", "org.croom.Room.Watch", "more", 1, "parameters", "interval_ms",
			    (json_int_t)ctl->interval_ms);
	ctl_send(fd, message);
	json_decref(message);
	code = watch_frames(ctl, fd, ctl->found);
	close(fd);
	return code;
}
