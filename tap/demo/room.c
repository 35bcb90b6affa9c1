/* SPDX-License-Identifier: BSD-2-Clause */
/* What croomctl does, many times a second: Varlink calls over the control socket, one at a time. */
#include "demo.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MESSAGE_MAX = 64 * 1024 };

static int connection = -1;

int room_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection >= 0 && connect(connection, (struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	room_disconnect();
	return -1;
}

void room_disconnect(void)
{
	if (connection >= 0)
		close(connection);
	connection = -1;
}

static int send_all(const char *text, size_t length)
{
	while (length) {
		ssize_t done = send(connection, text, length, MSG_NOSIGNAL);

		if (done < 0 && errno != EINTR)
			return -1;
		if (done > 0) {
			text += done;
			length -= (size_t)done;
		}
	}
	return 0;
}

/* The next message; nothing can follow it, since each call waits for its reply. */
static json_t *receive(void)
{
	static char message[MESSAGE_MAX];
	size_t used = 0;

	while (used < sizeof(message)) {
		ssize_t got = recv(connection, message + used, sizeof(message) - used, 0);

		if (got == 0 || (got < 0 && errno != EINTR))
			return NULL;
		if (got > 0)
			used += (size_t)got;
		if (used && message[used - 1] == 0)
			return json_loads(message, 0, NULL);
	}
	return NULL;
}

static int call(const char *method, json_t *parameters, struct demo_reply *reply)
{
	json_t *request = json_pack("{s:s, s:o}", "method", method, "parameters", parameters), *answer = NULL, *lane, *result;
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	const char *message;

	memset(reply, 0, sizeof(*reply));
	if (text && send_all(text, strlen(text) + 1) == 0)
		answer = receive();
	free(text);
	json_decref(request);
	if (!answer)
		return -1;
	result = json_object_get(answer, "parameters");
	reply->refused = json_object_get(answer, "error") != NULL;
	message = json_string_value(json_object_get(result, "message"));
	snprintf(reply->message, sizeof(reply->message), "%s", message ? message : "");
	reply->revision = (uint64_t)json_integer_value(json_object_get(result, "revision"));
	lane = json_array_get(json_object_get(result, "lanes"), 0);
	reply->first_record = (uint64_t)json_integer_value(json_object_get(lane, "first_record"));
	json_decref(answer);
	return 0;
}

/* One "slot=handler" from the text; returns what follows it. */
static const char *next_change(const char *text, json_t *changes)
{
	char slot[32], handler[256];
	size_t used = 0;
	bool quoted = false;
	const char *equals = strchr(text, '=');

	snprintf(slot, sizeof(slot), "%.*s", (int)(equals - text), text);
	for (text = equals + 1; *text && (quoted || *text != ' '); text++) {
		if (*text == '\'')
			quoted = !quoted;
		else if (used + 1 < sizeof(handler))
			handler[used++] = *text;
	}
	handler[used] = 0;
	json_array_append_new(changes, json_pack("{s:s, s:s}", "slot", slot, "handler", handler));
	return *text ? text + 1 : text;
}

int room_swap(const char *change, struct demo_reply *reply)
{
	json_t *changes = json_array();

	while (*change)
		change = next_change(change, changes);
	return call("org.croom.Room.Swap", json_pack("{s:o, s:s}", "changes", changes, "command", "croomtap demo"), reply);
}

int room_rollback(struct demo_reply *reply)
{
	return call("org.croom.Room.Rollback", json_pack("{s:s}", "command", "croomtap demo"), reply);
}
