/* SPDX-License-Identifier: BSD-2-Clause */
/* What each verb does. */
#include "ctl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static json_t *number_or_null(int64_t value)
{
	return value < 0 ? json_null() : json_integer(value);
}

/* List of one room; its answer, or NULL when it does not answer. */
static json_t *ask_list(const char *path)
{
	struct reader reader = { .until_ms = ctl_now_ms() + PROBE_MS };
	int fd = ctl_connect_path(path, PROBE_MS);
	json_t *message = json_pack("{s:s}", "method", "org.croom.Room.List"), *reply = NULL;

	if (fd >= 0) {
		/* As in ctl_call(). */
		ctl_send(fd, message);
		reply = ctl_receive(fd, &reader);
		close(fd);
	}
	json_decref(message);
	free(reader.data);
	return reply;
}

/* One line of ls; what is refused says why. */
static void print_room(const char *name, const json_t *reply, const json_t *error)
{
	const json_t *list = json_object_get(reply, "parameters");
	const char *message = json_string_value(json_object_get(list, "message"));
	char buffer[256], shown[64];

	clean(name, shown, sizeof(shown));
	if (error)
		printf("%-20s %s\n", shown, clean(message ? message : json_string_value(error), buffer, sizeof(buffer)));
	else if (!list)
		printf("%-20s does not answer\n", shown);
	else
		printf("%-20s pid %-8lld revision %-8lld %s\n", shown, (long long)json_integer_value(json_object_get(list, "pid")),
		       (long long)json_integer_value(json_object_get(list, "revision")),
		       clean(json_string_value(json_object_get(list, "program")), buffer, sizeof(buffer)));
}

int verb_ls(struct ctl *ctl)
{
	struct room_socket rooms[64];
	int code = DONE, count;
	json_t *all;

	if (ctl->room || ctl->socket)
		return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "ls shows all rooms and takes no --%s; see croomctl --help",
				ctl->room ? "room" : "socket");
	count = ctl_rooms(ctl, rooms, 64, &code);
	if (count < 0)
		return code;
	all = json_array();
	for (int i = 0; i < count; i++) {
		json_t *reply = ask_list(rooms[i].path), *list = json_object_get(reply, "parameters");
		json_t *error = json_object_get(reply, "error");
		json_t *one = json_pack("{s:o, s:o, s:O?, s:O?, s:O?}", "name", json_text(rooms[i].name), "socket",
					json_text(rooms[i].path), "pid", json_object_get(list, "pid"), "revision",
					json_object_get(list, "revision"), "program", json_object_get(list, "program"));

		if (!json_is_string(error))
			error = NULL;
		if (error) {
			json_object_set(one, "error", error);
			json_object_set(one, "parameters", list);
		}
		if (!ctl->json)
			print_room(rooms[i].name, reply, error);
		json_array_append_new(all, one);
		json_decref(reply);
	}
	if (ctl->json)
		print_json(all, JSON_INDENT(2));
	else if (count == 0)
		printf("no room is running%s\n", ctl_elsewhere());
	json_decref(all);
	return DONE;
}

int verb_list(struct ctl *ctl)
{
	int code;
	json_t *list = ctl_call(ctl, "org.croom.Room.List", json_object(), &code);

	if (list && ctl->json)
		print_json(list, JSON_INDENT(2));
	else if (list)
		show_list(list);
	json_decref(list);
	return code;
}

json_t *change_request(const struct ctl *ctl)
{
	json_t *parameters = json_pack("{s:o, s:o}", "expect", number_or_null(ctl->expect), "wait_ms", number_or_null(ctl->wait_ms));

	json_object_set_new(parameters, "command", json_text(ctl->command));
	return parameters;
}

int change_call(struct ctl *ctl, const char *method, json_t *parameters)
{
	int code;
	json_t *result;

	ctl->patience_ms = ANSWER_MS + (ctl->wait_ms >= 0 ? ctl->wait_ms : WAIT_DEFAULT_MS);
	result = ctl_call(ctl, method, parameters, &code);

	if (result && ctl->json)
		print_json(result, JSON_INDENT(2));
	else if (result && ctl->dry_run)
		printf("would be revision %lld; nothing was changed\n",
		       (long long)json_integer_value(json_object_get(result, "revision")));
	else if (result)
		show_swap(result);
	if (result && !ctl->json && !ctl->dry_run && ctl->confirm_ms)
		printf("goes back in %g s unless `croomctl confirm --expect %lld` comes\n", (double)ctl->confirm_ms / 1e3,
		       (long long)json_integer_value(json_object_get(result, "revision")));
	json_decref(result);
	return code;
}

json_t *slot_and_handler(const struct ctl *ctl, const char *text)
{
	const char *equals = strchr(text, '=');
	json_t *one;

	if (!equals || equals == text || !equals[1]) {
		ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "'%s' is not SLOT=CLASS or SLOT=CLASS:CONFIG, such as printer=json", text);
		return NULL;
	}
	one = json_pack("{s:s%, s:s}", "slot", text, (size_t)(equals - text), "handler", equals + 1);
	if (!one)
		ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "a change is not UTF-8 text");
	return one;
}

/* Is its slot among them? Then that was told. */
static bool named(const struct ctl *ctl, const json_t *changes, const json_t *one)
{
	const json_t *other;
	size_t i;

	json_array_foreach(changes, i, other)
		if (json_equal(json_object_get(other, "slot"), json_object_get(one, "slot"))) {
			ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "slot %s is named twice; name it once",
				 json_string_value(json_object_get(one, "slot")));
			return true;
		}
	return false;
}

int verb_swap(struct ctl *ctl)
{
	json_t *changes = json_array(), *parameters;
	int code;

	for (int i = 0; i < ctl->argc; i++) {
		json_t *one = slot_and_handler(ctl, ctl->argv[i]);

		if (!one || named(ctl, changes, one)) {
			json_decref(one);
			json_decref(changes);
			return USAGE;
		}
		json_array_append_new(changes, one);
	}
	if (ctl->argc == 0) {
		json_decref(changes);
		return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage",
				"swap what? `croomctl swap SLOT=CLASS[:CONFIG]...`; `croomctl list` shows slots and classes");
	}
	parameters = change_request(ctl);
	json_object_set_new(parameters, "changes", changes);
	code = trial_request(ctl, parameters);
	if (code) {
		json_decref(parameters);
		return code;
	}
	return change_call(ctl, "org.croom.Room.Swap", parameters);
}

int verb_rollback(struct ctl *ctl)
{
	json_t *parameters = change_request(ctl);

	json_object_set_new(parameters, "to", number_or_null(ctl->to));
	return change_call(ctl, "org.croom.Room.Rollback", parameters);
}

int verb_history(struct ctl *ctl)
{
	int code;
	json_t *history;

	/* What the room remembers is what it can go back to; the journal has more, and for longer. */
	if (ctl->since || ctl->journal)
		return journal_history(ctl);
	history = ctl_call(ctl, "org.croom.Room.History", json_pack("{s:o}", "count", number_or_null(ctl->count)), &code);

	if (history && ctl->json)
		print_json(history, JSON_INDENT(2));
	else if (history)
		show_history(history);
	json_decref(history);
	return code;
}
