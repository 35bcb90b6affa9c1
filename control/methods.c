/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests and answers: what the methods have in common, the first of org.croom.Room, and the table of all. */
#include "server.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ROOM ROOM_INTERFACE
#define SERVICE SERVICE_INTERFACE

void reply(struct client *client, json_t *parameters, bool continues)
{
	json_t *message = continues ? json_pack("{s:o, s:b}", "parameters", parameters, "continues", 1) :
		json_pack("{s:o}", "parameters", parameters);

	if (client->oneway)
		json_decref(message);
	else
		client_send(client, message);
}

void reply_error(struct client *client, const char *name, json_t *parameters)
{
	json_t *message = json_pack("{s:s, s:o}", "error", name, "parameters", parameters);

	if (client->oneway)
		json_decref(message);
	else
		client_send(client, message);
}

void invalid(struct client *client, const char *parameter, const char *why)
{
	reply_error(client, SERVICE ".InvalidParameter", json_pack("{s:s, s:o}", "parameter", parameter, "message",
								      show_string(why)));
}

/* One more; without memory for it none of them is left. */
static void add(json_t **parameters, const char *name, json_t *value)
{
	if (json_object_set_new(*parameters, name, value) == 0)
		return;
	json_decref(*parameters);
	*parameters = NULL;
}

void reply_croom_error(struct client *client, const struct croom_error *err)
{
	json_t *parameters = json_pack("{s:o}", "message", show_string(err->text));
	const char *name = ROOM ".Failed";

	switch (err->kind) {
	case CROOM_ERROR_UNKNOWN_SLOT:
	case CROOM_ERROR_UNKNOWN_CLASS:
		name = err->kind == CROOM_ERROR_UNKNOWN_SLOT ? ROOM ".UnknownSlot" : ROOM ".UnknownClass";
		add(&parameters, err->kind == CROOM_ERROR_UNKNOWN_SLOT ? "slot" : "class", show_string(err->subject));
		add(&parameters, "nearest", show_string(err->near));
		break;
	case CROOM_ERROR_BAD_CONFIG:
		name = ROOM ".BadConfig";
		add(&parameters, "handler", show_string(err->subject));
		add(&parameters, "offset", err->offset < 0 ? json_null() : json_integer(err->offset));
		break;
	case CROOM_ERROR_WRONG_REVISION:
		name = ROOM ".WrongRevision";
		add(&parameters, "revision", json_integer((json_int_t)err->revision));
		break;
	case CROOM_ERROR_NOT_OBSERVED:
		name = ROOM ".NotObserved";
		add(&parameters, "revision", json_integer((json_int_t)err->revision));
		add(&parameters, "lane", show_string(err->subject));
		break;
	case CROOM_ERROR_BUSY:
		name = ROOM ".Busy";
		add(&parameters, "lane", show_string(err->subject));
		break;
	case CROOM_ERROR_UNCONFIRMED:
		name = ROOM ".Unconfirmed";
		add(&parameters, "revision", json_integer((json_int_t)err->revision));
		break;
	case CROOM_ERROR_QUARANTINED:
		name = ROOM ".Quarantined";
		add(&parameters, "handler", show_string(err->subject));
		break;
	case CROOM_ERROR_FROZEN: name = ROOM ".Frozen"; break;
	case CROOM_ERROR_NO_HISTORY: name = ROOM ".NoHistory"; break;
	case CROOM_ERROR_NOT_PERMITTED: name = ROOM ".NotPermitted"; break;
	case CROOM_ERROR_NOT_TRUSTED: name = ROOM ".NotTrusted"; break;
	default: break;
	}
	reply_error(client, name, parameters);
}

/* A whole number, or null, or not there (then *value stays). False: it is something else, and that was answered. */
bool read_number(struct client *client, const json_t *parameters, const char *name, int64_t low, int64_t high,
		 int64_t *value)
{
	const json_t *given = json_object_get(parameters, name);
	char why[96];

	if (!given || json_is_null(given))
		return true;
	if (json_is_integer(given) && json_integer_value(given) >= low && json_integer_value(given) <= high) {
		*value = json_integer_value(given);
		return true;
	}
	snprintf(why, sizeof(why), "%s must be a whole number from %lld to %lld", name, (long long)low, (long long)high);
	invalid(client, name, why);
	return false;
}

/* Nothing may be given that is not known: a misspelt `expect` must not be taken for none. */
bool only(struct client *client, json_t *parameters, const char *const *known)
{
	const char *key;
	json_t *value;

	json_object_foreach(parameters, key, value) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], key))
			i++;
		if (!known[i]) {
			reply_error(client, SERVICE ".InvalidParameter",
				    json_pack("{s:o, s:s}", "parameter", show_string(key), "message", "no such parameter"));
			return false;
		}
	}
	return true;
}

/* What to show as the command: the client's own words, else the name of its program. */
static void command_of(const struct client *client, const json_t *parameters, char *text, size_t size)
{
	const char *said = json_string_value(json_object_get(parameters, "command"));

	if (!said) {
		permit_program(client->pid, text, size);
	} else if ((size_t)snprintf(text, size, "%s", said) >= size) {
		/* Not within a character. */
		while (--size && ((unsigned char)said[size] & 0xc0) == 0x80)
			;
		text[size] = 0;
	}
}

const char *read_string(struct client *client, const json_t *parameters, const char *name)
{
	const char *value = json_string_value(json_object_get(parameters, name));
	char why[64];

	if (!value) {
		snprintf(why, sizeof(why), "%s must be a string", name);
		invalid(client, name, why);
	}
	return value;
}

bool read_request(struct client *client, json_t *parameters, struct request *request)
{
	const json_t *command = json_object_get(parameters, "command");
	int64_t expect = 0;

	memset(request, 0, sizeof(*request));
	request->wait_ms = WAIT_MS_DEFAULT;
	if (!read_number(client, parameters, "expect", 1, INT64_MAX, &expect) ||
	    !read_number(client, parameters, "wait_ms", 0, WAIT_MS_MAX, &request->wait_ms) ||
	    !read_number(client, parameters, "to", 1, INT64_MAX, &request->to))
		return false;
	if (command && !json_is_null(command) && !json_is_string(command)) {
		invalid(client, "command", "command must be a string");
		return false;
	}
	command_of(client, parameters, request->command, sizeof(request->command));
	request->origin = (struct croom_origin){ client->uid, client->pid, request->command };
	/* Published at once; the timer looks whether the lanes have moved. */
	request->options = (struct croom_swap_options){ .expect = (uint64_t)expect, .origin = &request->origin };
	return true;
}

void method_poll(struct croom_control *control, struct client *client, int64_t now)
{
	struct croom_swap_result result;
	struct croom_error err;
	int rc;

	if (client->unloading) {
		unload_poll(control, client, now);
		return;
	}
	/* A change that is to be undone when it is late has the same deadline. */
	if (now >= client->wait_until_ns)
		croom_room_tick(control->room);
	rc = croom_room_poll(control->room, client->wait_revision, &result, &err);
	if (rc == -EAGAIN && now < client->wait_until_ns)
		return;
	client->wait_revision = 0;
	if (rc)
		reply_croom_error(client, &err);
	else
		reply(client, show_result(&result), false);
}

void published(struct croom_control *control, struct client *client, int rc, const struct croom_error *err,
	       const struct croom_swap_result *result, int64_t wait_ms)
{
	if (rc) {
		reply_croom_error(client, err);
	} else if (wait_ms == 0 || client->oneway) {
		reply(client, show_result(result), false);
	} else {
		client->wait_revision = result->revision;
		client->wait_until_ns = now_ns() + wait_ms * 1000000;
		method_poll(control, client, now_ns());
	}
}

/* Refused by the policy: the peer is told, and the journal. */
static void refused(struct croom_control *control, struct client *client, const json_t *parameters, const char *text)
{
	char command[256];
	struct croom_origin origin = { client->uid, client->pid, command };

	command_of(client, parameters, command, sizeof(command));
	permit_refused(control, &origin, text);
}

/* Files are written with the program's rights, which may be root's. False: he may not, and that was answered. */
static bool may_write(struct croom_control *control, struct client *client, const json_t *parameters, const struct croom_change *change,
		      unsigned count)
{
	char handler[WRITER_MAX], text[300];

	if (client->role >= CROOM_ADMIN || !permit_writer(control, change, count, handler))
		return true;
	snprintf(text, sizeof(text), "%s writes any file that this program may write, which is for admins, and the policy makes user %u %s %s",
		 handler, client->uid, client->role == CROOM_VIEWER ? "a" : "an", role_name(client->role));
	refused(control, client, parameters, text);
	reply_error(client, ROOM ".NotPermitted", json_pack("{s:s}", "message", text));
	return false;
}

static void do_swap(struct croom_control *control, struct client *client, json_t *parameters)
{
	static const char *const known[] = { "changes", "expect", "wait_ms", "command", "trial", "confirm_ms", "observe_ms", "dry_run",
					     NULL };
	static const char *const fields[] = { "slot", "handler", NULL };
	struct croom_change change[CROOM_SLOTS_MAX];
	struct croom_swap_result result;
	json_t *changes = json_object_get(parameters, "changes");
	struct request request;
	struct croom_error err;
	unsigned count = 0;
	size_t i;
	json_t *one;
	int rc;

	if (!only(client, parameters, known) || !read_request(client, parameters, &request) ||
	    !read_trial(client, parameters, &request))
		return;
	if (!json_is_array(changes) || json_array_size(changes) == 0 || json_array_size(changes) > CROOM_SLOTS_MAX) {
		invalid(client, "changes", "changes must be a list of 1 to 256 {slot, handler}");
		return;
	}
	json_array_foreach(changes, i, one) {
		if (json_is_object(one) && !only(client, one, fields))
			return;
		change[count].slot = json_string_value(json_object_get(one, "slot"));
		change[count].handler = json_string_value(json_object_get(one, "handler"));
		if (!change[count].slot || !change[count].handler) {
			invalid(client, "changes", "each change needs a slot and a handler, both strings");
			return;
		}
		count++;
	}
	if (!may_write(control, client, parameters, change, count))
		return;
	rc = croom_room_swap(control->room, change, count, &request.options, &result, &err);
	published(control, client, rc, &err, &result, request.options.dry_run ? 0 : request.wait_ms);
}

static void do_rollback(struct croom_control *control, struct client *client, json_t *parameters)
{
	static const char *const known[] = { "to", "expect", "wait_ms", "command", NULL };
	struct croom_swap_result result;
	struct request request;
	struct croom_error err;
	int rc;

	if (!only(client, parameters, known) || !read_request(client, parameters, &request))
		return;
	rc = croom_room_rollback(control->room, (uint64_t)request.to, &request.options, &result, &err);
	published(control, client, rc, &err, &result, request.wait_ms);
}

static void do_history(struct croom_control *control, struct client *client, json_t *parameters)
{
	static const char *const known[] = { "after", "count", NULL };
	int64_t after = 0, count = CROOM_HISTORY_MAX;

	if (only(client, parameters, known) && read_number(client, parameters, "after", 0, INT64_MAX, &after) &&
	    read_number(client, parameters, "count", 1, CROOM_HISTORY_MAX, &count))
		reply(client, show_history(control, (uint64_t)after, (size_t)count, NULL), false);
}

static void do_watch(struct croom_control *control, struct client *client, json_t *parameters)
{
	static const char *const known[] = { "interval_ms", NULL };
	int64_t interval_ms = 1000;

	if (!only(client, parameters, known) || !read_number(client, parameters, "interval_ms", 50, 60000, &interval_ms))
		return;
	if (!client->wants_more) {
		reply_error(client, SERVICE ".ExpectedMore", json_object());
		return;
	}
	watch_begin(control, client, interval_ms);
}

static void do_list(struct croom_control *control, struct client *client, json_t *parameters)
{
	static const char *const none[] = { NULL };

	if (only(client, parameters, none))
		reply(client, show_list(control, client), false);
}

static void unknown_method(struct client *client, const char *method)
{
	size_t interface = strlen(method);

	while (interface && method[interface] != '.')
		interface--;
	if (interface == 0)
		invalid(client, "method", "method must be INTERFACE.METHOD");
	else if ((interface == strlen(ROOM) && strncmp(method, ROOM, interface) == 0) ||
	    (interface == strlen(SERVICE) && strncmp(method, SERVICE, interface) == 0))
		reply_error(client, SERVICE ".MethodNotFound", json_pack("{s:o}", "method", show_string(method)));
	else
		reply_error(client, SERVICE ".InterfaceNotFound",
			    json_pack("{s:s%}", "interface", method, interface));
}

static const struct {
	const char *name;
	enum croom_role role;      /* who may call it: whoever has this one, or a higher one */
	/* CHANGES: the policy may limit how often, but never the ways back, rollback and confirming. READS: a file; all wait for it. */
	enum { FREE, CHANGES, READS } limit;
	void (*run)(struct croom_control *control, struct client *client, json_t *parameters);
} methods[] = {
	{ ROOM ".List", CROOM_VIEWER, FREE, do_list },
	{ ROOM ".Swap", CROOM_OPERATOR, CHANGES, do_swap },
	{ ROOM ".Rollback", CROOM_OPERATOR, FREE, do_rollback },
	{ ROOM ".History", CROOM_VIEWER, FREE, do_history },
	{ ROOM ".Watch", CROOM_VIEWER, FREE, do_watch },
	{ ROOM ".Confirm", CROOM_OPERATOR, FREE, do_confirm },
	{ ROOM ".Promote", CROOM_OPERATOR, CHANGES, do_promote },
	{ ROOM ".Profile", CROOM_OPERATOR, CHANGES, do_profile },
	{ ROOM ".Trial", CROOM_VIEWER, FREE, do_trial },
	{ ROOM ".Freeze", CROOM_ADMIN, FREE, do_freeze },
	{ ROOM ".Thaw", CROOM_ADMIN, FREE, do_thaw },
	{ ROOM ".Pardon", CROOM_ADMIN, FREE, do_pardon },
	{ ROOM ".Load", CROOM_ADMIN, CHANGES, do_load },
	{ ROOM ".Unload", CROOM_ADMIN, CHANGES, do_unload },
	{ ROOM ".Plugins", CROOM_VIEWER, FREE, do_plugins },
	{ ROOM ".Journal", CROOM_VIEWER, READS, do_journal },
	{ ROOM ".At", CROOM_VIEWER, READS, do_at },
	{ SERVICE ".GetInfo", CROOM_VIEWER, FREE, do_get_info },
	{ SERVICE ".GetInterfaceDescription", CROOM_VIEWER, FREE, do_get_description },
};

/* False: it is refused, and that was answered. */
static bool permitted(struct croom_control *control, struct client *client, const json_t *parameters, size_t method)
{
	const char *name = strrchr(methods[method].name, '.') + 1;
	char text[300];
	int64_t wait_ms;

	if (client->role < methods[method].role) {
		snprintf(text, sizeof(text), "%s is for %ss, and the policy makes user %u %s %s", name,
			 role_name(methods[method].role), client->uid, client->role == CROOM_VIEWER ? "a" : "an", role_name(client->role));
		refused(control, client, parameters, text);
		reply_error(client, ROOM ".NotPermitted", json_pack("{s:s}", "message", text));
		return false;
	}
	/* A dry run changes nothing. */
	if (methods[method].limit != CHANGES || json_is_true(json_object_get(parameters, "dry_run")))
		return true;
	wait_ms = (permit_change_ns(control) + 999999) / 1000000;
	if (wait_ms == 0)
		return true;
	snprintf(text, sizeof(text), "%s: more changes than the policy allows; try again in %lld.%03lld s, or go back: rollback "
		 "and confirm are not limited", name, (long long)(wait_ms / 1000), (long long)(wait_ms % 1000));
	refused(control, client, parameters, text);
	reply_error(client, ROOM ".TooOften", json_pack("{s:s, s:I}", "message", text, "retry_ms", (json_int_t)wait_ms));
	return false;
}

/* Viewers, however many, have a fifth of the time for that: the rest is for who has to change something. False: that was answered. */
static bool may_read(const struct croom_control *control, struct client *client)
{
	int64_t wait_ms = (control->viewers_again_ns - now_ns() + 999999) / 1000000;
	char text[200];

	if (client->role >= CROOM_OPERATOR || wait_ms <= 0)
		return true;
	snprintf(text, sizeof(text), "viewers have just read the journal, for which all others waited; try again in %lld.%03lld s",
		 (long long)(wait_ms / 1000), (long long)(wait_ms % 1000));
	reply_error(client, ROOM ".TooOften", json_pack("{s:s, s:I}", "message", text, "retry_ms", (json_int_t)wait_ms));
	return false;
}

static void run(struct croom_control *control, struct client *client, json_t *parameters, size_t method)
{
	int64_t begun = now_ns(), end;

	methods[method].run(control, client, parameters);
	end = now_ns();
	if (methods[method].limit == READS && client->role < CROOM_OPERATOR)
		control->viewers_again_ns = end + 4 * (end - begun);
}

void method_call(struct croom_control *control, struct client *client, json_t *message)
{
	const char *method = json_string_value(json_object_get(message, "method"));
	json_t *given = json_object_get(message, "parameters");
	size_t i = 0;

	client->oneway = json_is_true(json_object_get(message, "oneway"));
	client->wants_more = json_is_true(json_object_get(message, "more")) && !client->oneway;
	if (!method || (given && !json_is_object(given) && !json_is_null(given))) {
		invalid(client, method ? "parameters" : "method", method ? "parameters must be an object" : "method must be a string");
		return;
	}
	while (i < sizeof(methods) / sizeof(methods[0]) && strcmp(methods[i].name, method))
		i++;
	if (i == sizeof(methods) / sizeof(methods[0])) {
		unknown_method(client, method);
		return;
	}
	given = json_is_object(given) ? given : NULL;
	if (permitted(control, client, given, i) && (methods[i].limit != READS || may_read(control, client)))
		run(control, client, given, i);
}
