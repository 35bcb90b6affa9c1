/* SPDX-License-Identifier: BSD-2-Clause */
/* blackbox: what a room's file says, while its program runs, hangs, or after it has died. Asks nobody. */
#include "ctl.h"
#include <croom/blackbox.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { RATE_MS = 200, SHOWN_DEFAULT = 10 };

static const char *time_text(int64_t ns, char *text, size_t size)
{
	time_t second = (time_t)(ns / 1000000000);
	struct tm local;

	if (!localtime_r(&second, &local) || !strftime(text, size, "%F %T", &local))
		snprintf(text, size, "?");
	return text;
}

static const char *decision_text(const struct croom_blackbox *box, uint16_t what, char *text, size_t size)
{
	char name[32];

	if (what < CROOM_DECISION_NAMES && *box->decision_name[what])
		snprintf(text, size, "%s", clean(box->decision_name[what], name, sizeof(name)));
	else
		snprintf(text, size, "%u", what);
	return text;
}

static void show_lane(const struct croom_blackbox *box, const struct croom_blackbox_lane *lane, double rate, int64_t count)
{
	unsigned shown = lane->decisions < (uint64_t)count ? lane->decisions : (unsigned)count;
	char text[64], handler[200];

	printf("lane %s: %llu records", clean(lane->name, text, sizeof(text)), (unsigned long long)lane->records);
	if (rate >= 0)
		printf(", %.0f a second", rate);
	if (lane->parked)
		printf(", asleep");
	else
		printf(", runs revision %llu", (unsigned long long)lane->revision);
	/* Which handler that was is not kept: only what sits there now. */
	if (lane->slot >= 0 && !lane->parked && lane->revision < box->slot[lane->slot].since_revision)
		printf(", in slot %s (what sat there before revision %llu)", clean(box->slot[lane->slot].name, text, sizeof(text)),
		       (unsigned long long)box->slot[lane->slot].since_revision);
	else if (lane->slot >= 0)
		printf(", in slot %s (%s)", clean(box->slot[lane->slot].name, text, sizeof(text)),
		       clean(box->slot[lane->slot].handler, handler, sizeof(handler)));
	printf("\n  calls:");
	for (unsigned i = 0; i < box->slots; i++)
		printf(" %s %llu", clean(box->slot[i].name, text, sizeof(text)), (unsigned long long)lane->calls[i]);
	printf("\n");
	if (lane->decisions)
		printf("  the last %u of %llu decisions:\n", shown, (unsigned long long)lane->decided);
	for (unsigned i = lane->decisions - shown; i < lane->decisions; i++)
		printf("    %llu %s\n", (unsigned long long)lane->decision[i].record,
		       decision_text(box, lane->decision[i].what, text, sizeof(text)));
}

static void show(const struct croom_blackbox *box, const double *rate, int64_t count)
{
	char when[64], text[64], handler[200], other[64];

	printf("room %s, pid %d, began %s: ", clean(box->room, text, sizeof(text)), (int)box->pid,
	       time_text(box->started_ns, when, sizeof(when)));
	if (box->ended_ns)
		printf("ended %s\n", time_text(box->ended_ns, when, sizeof(when)));
	else
		puts(box->alive ? "it runs" : "it DIED without closing the room");
	printf("revision %llu; handlers and figures as of %s%s\n\n", (unsigned long long)box->revision,
	       time_text(box->updated_ns, when, sizeof(when)), box->torn ? ", caught in the middle of a change" : "");
	for (unsigned i = 0; i < box->slots; i++)
		printf("%-10s  %s   since revision %llu at %s\n", clean(box->slot[i].name, text, sizeof(text)),
		       clean(box->slot[i].handler, handler, sizeof(handler)), (unsigned long long)box->slot[i].since_revision,
		       time_text(box->slot[i].since_ns, when, sizeof(when)));
	putchar('\n');
	for (unsigned i = 0; i < box->lanes; i++)
		show_lane(box, &box->lane[i], rate[i], count);
	for (unsigned i = 0; i < box->gauges; i++)
		printf("%s %.6g %s\n", clean(box->gauge[i].name, text, sizeof(text)), box->gauge[i].value,
		       clean(box->gauge[i].unit, other, sizeof(other)));
}

static json_t *lane_json(const struct croom_blackbox *box, const struct croom_blackbox_lane *lane, double rate)
{
	json_t *calls = json_object(), *decisions = json_array();
	char text[64];

	for (unsigned i = 0; i < box->slots; i++)
		json_object_set_new(calls, box->slot[i].name, json_integer((json_int_t)lane->calls[i]));
	for (unsigned i = 0; i < lane->decisions; i++)
		json_array_append_new(decisions, json_pack("{s:I, s:o}", "record", (json_int_t)lane->decision[i].record, "what",
							   json_text(decision_text(box, lane->decision[i].what, text, sizeof(text)))));
	return json_pack("{s:o, s:b, s:I, s:I, s:o, s:o, s:o, s:I, s:o}", "name", json_text(lane->name), "parked", lane->parked, "records",
			 (json_int_t)lane->records, "revision", (json_int_t)lane->revision, "slot",
			 lane->slot < 0 ? json_null() : json_text(box->slot[lane->slot].name), "per_second",
			 rate < 0 ? json_null() : json_real(rate), "calls", calls, "decided", (json_int_t)lane->decided, "decisions",
			 decisions);
}

static void print_all(const struct croom_blackbox *box, const double *rate)
{
	json_t *slots = json_array(), *lanes = json_array(), *gauges = json_array(), *all;

	for (unsigned i = 0; i < box->slots; i++)
		json_array_append_new(slots, json_pack("{s:o, s:o, s:I, s:I}", "name", json_text(box->slot[i].name), "handler",
						       json_text(box->slot[i].handler), "since_revision",
						       (json_int_t)box->slot[i].since_revision, "since_ns",
						       (json_int_t)box->slot[i].since_ns));
	for (unsigned i = 0; i < box->lanes; i++)
		json_array_append_new(lanes, lane_json(box, &box->lane[i], rate[i]));
	for (unsigned i = 0; i < box->gauges; i++)
		json_array_append_new(gauges, json_pack("{s:o, s:o, s:f}", "name", json_text(box->gauge[i].name), "unit",
							json_text(box->gauge[i].unit), "value", box->gauge[i].value));
	all = json_pack("{s:o, s:i, s:b, s:I, s:o, s:b, s:I, s:I, s:o, s:o, s:o}", "room", json_text(box->room), "pid", (int)box->pid,
			"alive", box->alive, "started_ns", (json_int_t)box->started_ns, "ended_ns",
			box->ended_ns ? json_integer((json_int_t)box->ended_ns) : json_null(), "torn", box->torn, "revision",
			(json_int_t)box->revision, "updated_ns", (json_int_t)box->updated_ns, "slots", slots, "lanes", lanes, "gauges", gauges);
	print_json(all, JSON_INDENT(2));
	json_decref(all);
}

/* Records a second of each lane between the two; -1: not known. */
static void rates(const struct croom_blackbox *before, const struct croom_blackbox *box, double seconds, double *rate)
{
	for (unsigned i = 0; i < box->lanes; i++) {
		rate[i] = -1;
		for (unsigned k = 0; before && k < before->lanes; k++)
			if (strcmp(before->lane[k].name, box->lane[i].name) == 0 && before->lane[k].records <= box->lane[i].records)
				rate[i] = (double)(box->lane[i].records - before->lane[k].records) / seconds;
	}
}

static double now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int verb_blackbox(struct ctl *ctl)
{
	struct timespec pause = { .tv_nsec = RATE_MS * 1000000L };
	struct croom_blackbox *before = NULL, *box = NULL;
	double rate[CROOM_LANES_MAX], begun = now();
	struct croom_error err;

	if (ctl->argc != 1 || !*ctl->argv[0])
		return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage",
				"blackbox takes one FILE, such as /run/croom/croomtap.blackbox; that of a crash before the last start is FILE.old");
	if (ctl->room || ctl->socket)
		return ctl_fail(ctl, USAGE, "org.croom.ctl.Usage", "blackbox reads a FILE and asks no room; leave out --%s",
				ctl->room ? "room" : "socket");
	if (croom_blackbox_read(ctl->argv[0], &box, &err))
		return ctl_fail(ctl, FAILED, "org.croom.ctl.BlackBox", "%s", err.text);
	/* Of one that runs, how fast it goes, too. */
	if (box->alive && !box->ended_ns) {
		before = box;
		nanosleep(&pause, NULL);
		if (croom_blackbox_read(ctl->argv[0], &box, &err)) {
			box = before;
			before = NULL;
		}
	}
	rates(before, box, now() - begun, rate);
	if (ctl->json)
		print_all(box, rate);
	else
		show(box, rate, ctl->count >= 0 ? ctl->count : SHOWN_DEFAULT);
	croom_blackbox_free(before);
	croom_blackbox_free(box);
	return DONE;
}
