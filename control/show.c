/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A room as JSON. The visitors run with the room's mutex held and only copy. What is missing for want of memory must not
 * look as if it did not exist: a visitor that cannot add its piece ends the visit, and then there is nothing to show.
 */
#include "server.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Names and configs come from anywhere: what is not UTF-8 is shown as question marks rather than not at all. */
json_t *show_string(const char *text)
{
	json_t *string;
	char *copy;

	if (utf8_good(text))
		return json_string_nocheck(text);
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (char *at = copy; *at; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	string = json_string_nocheck(copy);
	free(copy);
	return string;
}

/* Takes the value over; 0, or -ENOMEM, also where there was none for the value. */
static int add(json_t *list, json_t *value)
{
	return json_array_append_new(list, value) ? -ENOMEM : 0;
}

/* The list, if its visit came to its end. */
static json_t *whole(json_t *list, int rc)
{
	if (rc == 0)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

/* How many bytes JSON takes for this one. */
static size_t written(unsigned char byte)
{
	return byte < 32 ? 6 : byte == '"' || byte == '\\' ? 2 : 1;
}

json_t *show_handler(const char *text, size_t limit, size_t *used)
{
	size_t length = 0, bytes = 0;
	json_t *shown;
	char *cut;

	while (text[length] && bytes + written((unsigned char)text[length]) <= limit)
		bytes += written((unsigned char)text[length++]);
	*used += bytes;
	if (!text[length])
		return show_string(text);
	/* Not within a character. */
	while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	if (asprintf(&cut, "%.*s...[+%zu bytes]", (int)length, text, strlen(text + length)) < 0)
		return NULL;
	shown = show_string(cut);
	free(cut);
	return shown;
}

struct slots {
	json_t *list;
	size_t limit, used;        /* bytes: of one handler, of all */
	uint64_t revision;
};

static int count_slot(void *env, const struct croom_slot_view *slot)
{
	(void)slot;
	++*(size_t *)env;
	return 0;
}

static int add_slot(void *env, const struct croom_slot_view *slot)
{
	struct slots *slots = env;
	json_t *classes = json_array();
	int rc = 0;

	slots->revision = slot->revision;
	for (unsigned i = 0; i < slot->classes && rc == 0; i++) {
		const struct croom_class *class = slot->handler_class[i];

		rc = add(classes, json_pack("{s:s, s:o, s:o}", "name", class->name, "help",
					    show_string(class->help ? class->help : ""), "syntax",
					    class->syntax ? show_string(class->syntax) : json_null()));
	}
	return add(slots->list,
		json_pack("{s:s, s:o, s:o, s:o, s:I, s:o, s:o, s:o}", "name", slot->name, "help",
			  show_string(slot->help ? slot->help : ""), "handler",
			  show_handler(slot->handler, slots->limit, &slots->used), "since_revision",
			  number(slot->since_revision), "since_ns", (json_int_t)slot->since_ns, "calls", number(slot->calls),
			  "trial", *slot->trial ? json_string(slot->trial) : json_null(), "classes", whole(classes, rc)));
}

static int add_lane(void *env, const struct croom_lane_view *lane)
{
	size_t used = 0;

	return add(env, json_pack("{s:s, s:b, s:o, s:o, s:I, s:o, s:o, s:o}", "name", lane->name, "parked", lane->parked, "revision",
				  number(lane->revision), "records", number(lane->records), "late_ms",
				  (json_int_t)(lane->late_ns / 1000000), "slot", lane->slot ? json_string(lane->slot) : json_null(),
				  "handler", lane->handler ? show_handler(lane->handler, 256, &used) : json_null(), "thread",
				  lane->thread ? json_integer(lane->thread) : json_null()));
}

static int add_gauge(void *env, const struct croom_gauge_view *gauge)
{
	/* JSON has no other numbers. */
	double value = isfinite(gauge->value) ? gauge->value : 0;

	return add(env, json_pack("{s:s, s:o, s:f}", "name", gauge->name, "unit", show_string(gauge->unit), "value", value));
}

json_t *show_gauges(struct croom_control *control)
{
	json_t *gauges = json_array();

	return whole(gauges, croom_room_each_gauge(control->room, add_gauge, gauges));
}

static json_t *show_frozen(struct croom_control *control)
{
	char why[1024];

	return croom_room_frozen(control->room, why, sizeof(why)) ? show_string(why) : json_null();
}

static json_t *show_unconfirmed(struct croom_control *control)
{
	int64_t left_ms = 0;
	uint64_t revision = croom_room_unconfirmed(control->room, &left_ms);

	return revision ? json_pack("{s:o, s:I}", "revision", number(revision), "left_ms", (json_int_t)left_ms) : json_null();
}

static int add_quarantined(void *env, const struct croom_quarantine_view *one)
{
	size_t used = 0;

	return add(env, json_pack("{s:s, s:o, s:o}", "slot", one->slot, "handler", show_handler(one->handler, 4096, &used),
				  "why", show_string(one->why)));
}

static json_t *show_quarantined(struct croom_control *control)
{
	json_t *list = json_array();

	return whole(list, croom_room_each_quarantined(control->room, add_quarantined, list));
}

json_t *show_journal(struct croom_control *control)
{
	struct croom_journal_state state;

	if (!control->journal)
		return json_null();
	croom_journal_look(control->journal, &state);
	return json_pack("{s:o, s:b, s:o, s:o, s:o, s:o}", "path", show_string(croom_journal_path(control->journal)), "kept", state.kept,
			 "rows", number(state.rows), "lost", number(state.lost), "lost_since_ns",
			 state.lost_since_ns ? json_integer(state.lost_since_ns) : json_null(), "why", show_string(state.why));
}

const char *role_name(enum croom_role role)
{
	static const char *const names[] = { "nobody", "viewer", "operator", "admin" };

	return names[role];
}

json_t *show_list(struct croom_control *control, const struct client *client)
{
	struct slots slots = { .list = json_array() };
	json_t *lanes = json_array();
	size_t count = 0;

	croom_room_each_slot(control->room, count_slot, &count);
	slots.limit = SHOWN_MAX / (count ? count : 1);
	/* The revision comes with the slots: `expect` with it must mean what was seen. */
	slots.list = whole(slots.list, croom_room_each_slot(control->room, add_slot, &slots));
	lanes = whole(lanes, croom_room_each_lane(control->room, add_lane, lanes));
	return json_pack("{s:s, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "room",
			 croom_room_name(control->room), "program",
			 show_string(control->program), "pid", (int)getpid(), "revision",
			 number(slots.revision), "frozen", show_frozen(control), "unconfirmed", show_unconfirmed(control),
			 "quarantined", show_quarantined(control), "journal", show_journal(control), "policy",
			 control->policy ? show_string(croom_policy_path(control->policy)) : json_null(), "role",
			 role_name(client->role), "slots", slots.list, "lanes", lanes, "gauges",
			 show_gauges(control));
}

/* The newest entries that fit, oldest first. */
struct entries {
	json_t *list;
	size_t count;              /* at most so many */
	size_t used, size[CROOM_HISTORY_MAX + 1], first; /* bytes: of all, of each (a ring), from here on */
	uint64_t last;             /* revision */
};

static void drop_oldest(struct entries *entries)
{
	json_array_remove(entries->list, 0);
	entries->used -= entries->size[entries->first];
	entries->first = (entries->first + 1) % (CROOM_HISTORY_MAX + 1);
}

static const char *cause_name(enum croom_cause cause)
{
	static const char *const names[] = { "swap", "rollback", "breach", "end_of_trial", "unconfirmed", "unobserved", "profile" };

	return names[cause];
}

static int add_entry(void *env, const struct croom_history_view *change)
{
	struct entries *entries = env;
	/* So that one entry always fits, whatever it changes. */
	size_t limit = SHOWN_MAX / 4 / (change->changes ? change->changes : 1), used = strlen(change->command) + strlen(change->note);
	json_t *changes = json_array();
	int rc = 0;

	for (unsigned i = 0; i < change->changes && rc == 0; i++)
		rc = add(changes, json_pack("{s:s, s:o, s:o}", "slot", change->change[i].slot, "from",
					    show_handler(change->change[i].from, limit, &used), "to",
					    show_handler(change->change[i].to, limit, &used)));
	rc = add(entries->list,
		json_pack("{s:o, s:I, s:o, s:s, s:o, s:I, s:I, s:o, s:o}", "revision", number(change->revision), "time_ns",
			  (json_int_t)change->time_ns, "rollback_to",
			  change->rollback_to ? number(change->rollback_to) : json_null(), "cause", cause_name(change->cause), "note",
			  show_string(change->note), "uid", (json_int_t)change->uid, "pid",
			  (json_int_t)change->pid, "command", show_string(change->command), "changes", whole(changes, rc)));
	if (rc)
		return rc;
	entries->size[(entries->first + json_array_size(entries->list) - 1) % (CROOM_HISTORY_MAX + 1)] = used;
	entries->used += used;
	entries->last = change->revision;
	while (json_array_size(entries->list) > entries->count ||
	       (entries->used > SHOWN_MAX && json_array_size(entries->list) > 1))
		drop_oldest(entries);
	return 0;
}

json_t *show_history(struct croom_control *control, uint64_t after, size_t count, uint64_t *last)
{
	struct entries entries = { .list = json_array(), .count = count, .last = after ? after : 1 };
	uint64_t first = entries.last;

	entries.list = whole(entries.list, croom_room_each_change(control->room, after, add_entry, &entries));
	if (last)
		*last = entries.last;
	/* Every revision after the first is one change. */
	return json_pack("{s:o, s:o}", "missed", number(entries.last - first - json_array_size(entries.list)), "entries",
			 entries.list);
}

json_t *show_result(const struct croom_swap_result *result)
{
	json_t *lanes = json_array();
	int rc = 0;

	for (unsigned i = 0; i < result->lanes && rc == 0; i++) {
		const struct croom_lane_start *lane = &result->lane[i];

		rc = add(lanes, json_pack("{s:s, s:b, s:b, s:o, s:o}", "lane", lane->lane, "observed", lane->observed, "parked",
					  lane->parked, "revision", lane->revision ? number(lane->revision) : json_null(),
					  "first_record", lane->first_record ? number(lane->first_record) : json_null()));
	}
	return json_pack("{s:o, s:o}", "revision", number(result->revision), "lanes", whole(lanes, rc));
}
