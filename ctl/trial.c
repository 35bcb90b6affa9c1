/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes with a way back, as an operator asks for them, and what came of them. */
#include "ctl.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { BAR = 50, POLL_MS = 50 };

static int misuse(const struct ctl *ctl, const char *what)
{
	return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "%s; see croomctl --help", what);
}

int trial_request(const struct ctl *ctl, json_t *parameters)
{
	const char *kind = ctl->canary ? "canary" : ctl->shadow ? "shadow" : ctl->guard ? "guard" : NULL;

	if (ctl->canary && ctl->shadow)
		return misuse(ctl, "--canary and --shadow exclude each other");
	if (kind && ctl->argc != 1)
		return misuse(ctl, "a guard, canary or shadow takes one SLOT=CLASS; swap the others apart");
	if (ctl->undo_late && ctl->wait_ms == 0)
		return misuse(ctl, "--undo-late waits, and --no-wait does not");
	if (kind) {
		json_t *trial = json_pack("{s:s, s:o}", "kind", kind, "rules", ctl->guard ? json_text(ctl->guard) : json_null());

		if (ctl->canary)
			json_object_set_new(trial, "one_in", json_integer(ctl->canary));
		json_object_set_new(parameters, "trial", trial);
	}
	if (ctl->confirm_ms)
		json_object_set_new(parameters, "confirm_ms", json_integer(ctl->confirm_ms));
	if (ctl->undo_late)
		json_object_set_new(parameters, "observe_ms", json_integer(ctl->wait_ms > 0 ? ctl->wait_ms : WAIT_DEFAULT_MS));
	if (ctl->dry_run)
		json_object_set_new(parameters, "dry_run", json_true());
	return DONE;
}

/* A call that answers little; `said` is printed when it went well. */
static int plain_call(struct ctl *ctl, const char *method, json_t *parameters, const char *said)
{
	json_t *result;
	int code;

	json_object_set_new(parameters, "command", json_text(ctl->command));
	result = ctl_call(ctl, method, parameters, &code);
	if (result && ctl->json)
		print_json(result, JSON_INDENT(2));
	else if (result)
		puts(said);
	json_decref(result);
	return code;
}

/* Without --expect, the change that waits now; one that comes before the room hears of this is not confirmed by it. */
int verb_confirm(struct ctl *ctl)
{
	json_t *result, *list, *revision;
	int code;

	if (ctl->expect < 0) {
		list = ctl_call(ctl, "org.croom.Room.List", json_object(), &code);
		if (!list)
			return code;
		revision = json_incref(json_object_get(json_object_get(list, "unconfirmed"), "revision"));
		json_decref(list);
	} else {
		revision = json_integer(ctl->expect);
	}
	result = ctl_call(ctl, "org.croom.Room.Confirm",
			  json_pack("{s:o, s:o}", "revision", revision ? revision : json_null(), "command", json_text(ctl->command)), &code);
	if (result && ctl->json)
		print_json(result, JSON_INDENT(2));
	else if (result)
		printf("revision %lld is confirmed\n", (long long)json_integer_value(json_object_get(result, "revision")));
	json_decref(result);
	return code;
}

int verb_freeze(struct ctl *ctl)
{
	if (!ctl->why || !*ctl->why)
		return misuse(ctl, "freeze needs --why TEXT: it is what everybody is told who wants to change something");
	return plain_call(ctl, "org.croom.Room.Freeze", json_pack("{s:o}", "why", json_text(ctl->why)),
			  "frozen: every change is refused until `croomctl thaw`");
}

int verb_thaw(struct ctl *ctl)
{
	return plain_call(ctl, "org.croom.Room.Thaw", json_object(), "changes are allowed again");
}

/* The one argument that the verb takes, or NULL, and that was told. */
static const char *one_argument(const struct ctl *ctl, const char *what)
{
	if (ctl->argc == 1 && *ctl->argv[0])
		return ctl->argv[0];
	ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "%s takes one %s; `croomctl list` shows what there is", ctl->verb, what);
	return NULL;
}

int verb_pardon(struct ctl *ctl)
{
	const char *text = one_argument(ctl, "SLOT=HANDLER");
	json_t *parameters = text ? slot_and_handler(ctl, text) : NULL;

	return parameters ? plain_call(ctl, "org.croom.Room.Pardon", parameters, "pardoned: it can be swapped in again") : USAGE;
}

int verb_promote(struct ctl *ctl)
{
	const char *slot = one_argument(ctl, "SLOT");
	json_t *parameters;

	if (!slot)
		return USAGE;
	parameters = change_request(ctl);
	json_object_set_new(parameters, "slot", json_text(slot));
	return change_call(ctl, "org.croom.Room.Promote", parameters);
}

static const char *time_text(double ns, char *text, size_t size)
{
	if (ns < 1e3)
		snprintf(text, size, "%.0f ns", ns);
	else if (ns < 1e6)
		snprintf(text, size, "%.3g us", ns / 1e3);
	else if (ns < 1e9)
		snprintf(text, size, "%.3g ms", ns / 1e6);
	else
		snprintf(text, size, "%.3g s", ns / 1e9);
	return text;
}

static long long number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static void print_quantiles(const json_t *histogram, long long timed)
{
	static const struct { const char *name; double share; } wanted[] = {
		{ "p50", 0.5 }, { "p99", 0.99 }, { "p99.9", 0.999 }, { "p99.99", 0.9999 }, { "max", 1 } };
	char text[32];

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		long long seen = 0, at = 0;
		json_t *bucket;
		size_t k;

		json_array_foreach(histogram, k, bucket) {
			seen += number(bucket, "count");
			at = number(bucket, "ns");
			if ((double)seen >= wanted[i].share * (double)timed)
				break;
		}
		printf("%s%s %s", i ? "   " : "  ", wanted[i].name, time_text((double)at, text, sizeof(text)));
	}
	putchar('\n');
}

/* A row for each power of two that has calls, and for those between. */
static void print_histogram(const json_t *histogram)
{
	long long row[65] = { 0 }, most = 0;
	unsigned low = 64, high = 0;
	json_t *bucket;
	size_t k;

	json_array_foreach(histogram, k, bucket) {
		unsigned long long ns = (unsigned long long)number(bucket, "ns");
		unsigned power = ns ? 64 - (unsigned)__builtin_clzll(ns) : 0;

		row[power] += number(bucket, "count");
		most = row[power] > most ? row[power] : most;
		low = power < low ? power : low;
		high = power > high ? power : high;
	}
	for (unsigned i = low; i <= high && most; i++) {
		static const char bar[] = "##################################################";
		char text[32];
		/* Few calls are not none. */
		int length = (int)((double)row[i] / (double)most * BAR + 0.5);

		printf("  < %-8s |%-*.*s %lld\n", time_text((double)(i < 64 ? 1ULL << i : ~0ULL), text, sizeof(text)), BAR,
		       row[i] && !length ? 1 : length, bar, row[i]);
	}
}

static void show_trial(const char *slot, const json_t *trial)
{
	const json_t *left = json_object_get(trial, "left_ms"), *histogram = json_object_get(trial, "histogram");
	char name[64], kind[32], fresh[256], old[256], why[256];
	bool active = json_is_true(json_object_get(trial, "active"));

	clean(json_string_value(json_object_get(trial, "kind")), kind, sizeof(kind));
	clean(json_string_value(json_object_get(trial, "fresh")), fresh, sizeof(fresh));
	clean(json_string_value(json_object_get(trial, "old")), old, sizeof(old));
	clean(json_string_value(json_object_get(trial, "why")), why, sizeof(why));
	printf("%s: %s of %s", clean(slot, name, sizeof(name)), kind, fresh);
	if (*old)
		printf(", before it %s", old);
	printf(", since revision %lld", number(trial, "revision"));
	if (!active)
		printf(", over");
	else if (json_is_integer(left))
		printf(", %.1f s left", (double)json_integer_value(left) / 1e3);
	putchar('\n');
	if (*why)
		printf("  BROKEN, and back to %s: %s\n", old, why);
	printf("  %lld calls, %lld errors", number(trial, "calls"), number(trial, "errors"));
	if (strcmp(kind, "shadow") == 0)
		printf(", %lld differ", number(trial, "differences"));
	printf(", %lld timed\n", number(trial, "timed"));
	if (number(trial, "timed")) {
		print_quantiles(histogram, number(trial, "timed"));
		print_histogram(histogram);
	}
}

int verb_trial(struct ctl *ctl)
{
	const char *slot = one_argument(ctl, "SLOT");
	json_t *trial;
	int code;

	if (!slot)
		return USAGE;
	trial = ctl_call(ctl, "org.croom.Room.Trial", json_pack("{s:o}", "slot", json_text(slot)), &code);
	if (trial && ctl->json)
		print_json(trial, JSON_INDENT(2));
	else if (trial)
		show_trial(slot, trial);
	json_decref(trial);
	return code;
}

static void sleep_ms(int64_t ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

/* Put the timer in, wait until it has gone, show what it found. Whoever is interrupted leaves it to end by itself. */
int verb_profile(struct ctl *ctl)
{
	const char *slot = one_argument(ctl, "SLOT");
	json_t *trial = NULL, *parameters, *result;
	long long revision;
	int code;

	if (!slot)
		return USAGE;
	parameters = json_pack("{s:o, s:I, s:I, s:o}", "slot", json_text(slot), "for_ms", (json_int_t)ctl->for_ms, "sample",
			       (json_int_t)ctl->sample, "command", json_text(ctl->command));
	result = ctl_call(ctl, "org.croom.Room.Profile", parameters, &code);
	if (!result)
		return code;
	revision = number(result, "revision");
	json_decref(result);
	sleep_ms(ctl->for_ms);
	for (;;) {
		trial = ctl_call(ctl, "org.croom.Room.Trial", json_pack("{s:o}", "slot", json_text(slot)), &code);
		if (!trial || !json_is_true(json_object_get(trial, "active")) || number(trial, "revision") != revision)
			break;
		json_decref(trial);
		sleep_ms(POLL_MS);
	}
	if (trial && number(trial, "revision") != revision)
		code = ctl_fail(ctl, REFUSED, "org.croom.ctl.Gone", "another trial has begun in slot %s meanwhile", slot);
	else if (trial && ctl->json)
		print_json(trial, JSON_INDENT(2));
	else if (trial)
		show_trial(slot, trial);
	json_decref(trial);
	return code;
}
