/* SPDX-License-Identifier: BSD-2-Clause */
/* Methods for changes with a way back: trials, confirming, freezing, pardoning. */
#include "server.h"
#include <errno.h>
#include <string.h>

#define DAY_MS (INT64_C(86400) * 1000)

/* croomctl gives no rules for what has none. */
static bool read_kind(struct client *client, const json_t *given, struct croom_trial *trial)
{
	const char *kind = json_string_value(json_object_get(given, "kind"));
	int64_t one_in = 0;

	if (kind && strcmp(kind, "guard") == 0)
		trial->kind = CROOM_GUARD;
	else if (kind && strcmp(kind, "canary") == 0)
		trial->kind = CROOM_CANARY;
	else if (kind && strcmp(kind, "shadow") == 0)
		trial->kind = CROOM_SHADOW;
	else
		return invalid(client, "trial", "a trial's kind must be guard, canary or shadow"), false;
	if (!read_number(client, given, "one_in", 2, 1000000, &one_in))
		return false;
	if ((one_in != 0) != (trial->kind == CROOM_CANARY))
		return invalid(client, "one_in", "a canary needs one_in, and nothing else has it"), false;
	trial->one_in = (uint32_t)one_in;
	return true;
}

/* What a swap may have beside its changes. */
bool read_trial(struct client *client, const json_t *parameters, struct request *request)
{
	static const char *const fields[] = { "kind", "rules", "one_in", NULL };
	json_t *given = json_object_get(parameters, "trial");
	const json_t *dry = json_object_get(parameters, "dry_run"), *rules;
	struct croom_error err;

	if (!read_number(client, parameters, "confirm_ms", 1, DAY_MS, &request->options.confirm_ms) ||
	    !read_number(client, parameters, "observe_ms", 1, WAIT_MS_MAX, &request->options.observe_ms))
		return false;
	if (dry && !json_is_null(dry) && !json_is_boolean(dry))
		return invalid(client, "dry_run", "dry_run must be true or false"), false;
	request->options.dry_run = json_is_true(dry);
	if (!given || json_is_null(given))
		return true;
	if (!json_is_object(given))
		return invalid(client, "trial", "trial must be an object"), false;
	if (!only(client, given, fields) || !read_kind(client, given, &request->trial))
		return false;
	rules = json_object_get(given, "rules");
	if (rules && !json_is_null(rules)) {
		if (!json_is_string(rules))
			return invalid(client, "rules", "rules must be a string"), false;
		if (croom_trial_parse(&request->trial, json_string_value(rules), &err))
			return invalid(client, "rules", err.text), false;
		if (request->trial.kind == CROOM_GUARD && request->trial.rules == 0)
			return invalid(client, "rules", "a guard needs a rule that can be broken, such as p99<5us or errors<0.1%"), false;
	} else if (request->trial.kind == CROOM_GUARD) {
		return invalid(client, "rules", "a guard needs rules, such as p99<5us,errors<0.1%,for=10s"), false;
	}
	request->options.trial = &request->trial;
	return true;
}

static void answer(struct client *client, int rc, const struct croom_error *err, json_t *parameters)
{
	if (rc) {
		json_decref(parameters);
		reply_croom_error(client, err);
	} else {
		reply(client, parameters, false);
	}
}

void do_confirm(struct croom_control *control, struct client *client, json_t *parameters)
{
	static const char *const known[] = { "revision", "command", NULL };
	struct request request;
	struct croom_error err;
	int64_t revision = 0;
	uint64_t current, which;
	int rc;

	if (!only(client, parameters, known) || !read_request(client, parameters, &request) ||
	    !read_number(client, parameters, "revision", 1, INT64_MAX, &revision))
		return;
	/*
	 * Whatever waits: what waits now, by its number. The host may change the room from another thread between any two of
	 * these, and then this one is refused; a change that comes after `current` was read has another number.
	 */
	current = croom_room_revision(control->room);
	which = revision ? (uint64_t)revision : croom_room_unconfirmed(control->room, NULL);
	which = which ? which : current;
	rc = croom_room_confirm(control->room, which, &request.origin, &err);
	answer(client, rc, &err, json_pack("{s:I}", "revision", (json_int_t)which));
}

void do_freeze(struct croom_control *control, struct client *client, json_t *parameters)
{
	static const char *const known[] = { "why", "command", NULL };
	struct request request;
	struct croom_error err;
	const char *why;

	if (!only(client, parameters, known) || !read_request(client, parameters, &request))
		return;
	why = read_string(client, parameters, "why");
	if (why && (!*why || strlen(why) > 1000))
		invalid(client, "why", "why must say in 1 to 1000 bytes why nothing may change");
	else if (why)
		answer(client, croom_room_freeze(control->room, why, &request.origin, &err), &err, json_object());
}

void do_thaw(struct croom_control *control, struct client *client, json_t *parameters)
{
	static const char *const known[] = { "command", NULL };
	struct request request;
	struct croom_error err;

	if (only(client, parameters, known) && read_request(client, parameters, &request))
		answer(client, croom_room_thaw(control->room, &request.origin, &err), &err, json_object());
}

void do_pardon(struct croom_control *control, struct client *client, json_t *parameters)
{
	static const char *const known[] = { "slot", "handler", "command", NULL };
	const char *slot, *handler;
	struct request request;
	struct croom_error err;

	if (!only(client, parameters, known) || !read_request(client, parameters, &request) ||
	    !(slot = read_string(client, parameters, "slot")) || !(handler = read_string(client, parameters, "handler")))
		return;
	answer(client, croom_room_pardon(control->room, slot, handler, &request.origin, &err), &err, json_object());
}

void do_promote(struct croom_control *control, struct client *client, json_t *parameters)
{
	static const char *const known[] = { "slot", "expect", "wait_ms", "command", NULL };
	struct croom_swap_result result;
	struct request request;
	struct croom_error err;
	const char *slot;
	int rc;

	if (!only(client, parameters, known) || !read_request(client, parameters, &request) ||
	    !(slot = read_string(client, parameters, "slot")))
		return;
	rc = croom_room_promote(control->room, slot, &request.options, &result, &err);
	published(control, client, rc, &err, &result, request.wait_ms);
}

void do_profile(struct croom_control *control, struct client *client, json_t *parameters)
{
	static const char *const known[] = { "slot", "for_ms", "sample", "wait_ms", "command", NULL };
	int64_t for_ms = 5000, sample = 1;
	struct croom_swap_result result;
	struct request request;
	struct croom_error err;
	const char *slot;
	int rc;

	if (!only(client, parameters, known) || !read_request(client, parameters, &request) ||
	    !read_number(client, parameters, "for_ms", 1, DAY_MS, &for_ms) ||
	    !read_number(client, parameters, "sample", 1, 1000000, &sample) || !(slot = read_string(client, parameters, "slot")))
		return;
	rc = croom_room_profile(control->room, slot, for_ms, (uint32_t)sample, &request.options, &result, &err);
	published(control, client, rc, &err, &result, request.wait_ms);
}

static int find_active(void *env, const struct croom_slot_view *slot)
{
	const char **name = env;

	if (strcmp(slot->name, *name))
		return 0;
	return *slot->trial ? 1 : 2;
}

void do_trial(struct croom_control *control, struct client *client, json_t *parameters)
{
	static const char *const known[] = { "slot", NULL };
	static const char *const kinds[] = { "guard", "canary", "shadow", "profile" };
	struct croom_trial_view view;
	struct croom_error err;
	const char *slot;
	json_t *histogram;
	bool active;
	int rc, missing = 0;

	if (!only(client, parameters, known) || !(slot = read_string(client, parameters, "slot")))
		return;
	active = croom_room_each_slot(control->room, find_active, &slot) == 1;
	rc = croom_room_trial(control->room, slot, &view, &err);
	if (rc) {
		reply_croom_error(client, &err);
		return;
	}
	histogram = json_array();
	for (unsigned i = 0; i < CROOM_HISTOGRAM && !missing; i++)
		if (view.histogram[i])
			missing = json_array_append_new(histogram, json_pack("{s:I, s:I}", "ns", (json_int_t)croom_histogram_ns(i),
									     "count", (json_int_t)view.histogram[i]));
	if (missing) {
		json_decref(histogram);
		histogram = NULL;
	}
	reply(client, json_pack("{s:s, s:b, s:o, s:o, s:I, s:b, s:o, s:o, s:I, s:I, s:I, s:I, s:o}", "kind", kinds[view.kind],
				"active", active, "fresh", show_string(view.fresh), "old", show_string(view.old), "revision",
				(json_int_t)view.revision, "broken", view.broken, "why", show_string(view.why), "left_ms",
				!active || view.left_ms < 0 ? json_null() : json_integer(view.left_ms), "calls", (json_int_t)view.calls,
				"errors", (json_int_t)view.errors, "differences", (json_int_t)view.differences, "timed",
				(json_int_t)view.timed, "histogram", histogram), false);
}
