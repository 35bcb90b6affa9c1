/* SPDX-License-Identifier: BSD-2-Clause */
/* A room as JSON. The visitors run with the room's mutex held and only copy. */
#include "server.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Names and configs come from anywhere: what is not UTF-8 is shown as question marks rather than not at all. */
json_t *show_string(const char *text)
{
	json_t *string = json_string(text);
	char *copy;

	if (string)
		return string;
	copy = strdup(text);
	for (char *at = copy; at && *at; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	string = json_string(copy ? copy : "?");
	free(copy);
	return string;
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static int add_slot(void *env, const struct croom_slot_view *slot)
{
	json_t *classes = json_array();

	for (unsigned i = 0; i < slot->classes; i++) {
		const struct croom_class *class = slot->handler_class[i];

		json_array_append_new(classes, json_pack("{s:s, s:s, s:s?}", "name", class->name, "help", class->help ? class->help : "",
							 "syntax", class->syntax));
	}
	json_array_append_new(env, json_pack("{s:s, s:s, s:o, s:o, s:I, s:o, s:o}", "name", slot->name, "help",
					     slot->help ? slot->help : "", "handler", show_string(slot->handler),
					     "since_revision", number(slot->since_revision), "since_ns", (json_int_t)slot->since_ns,
					     "calls", number(slot->calls), "classes", classes));
	return 0;
}

static int add_lane(void *env, const struct croom_lane_view *lane)
{
	json_array_append_new(env, json_pack("{s:s, s:b, s:o, s:o, s:I}", "name", lane->name, "parked", lane->parked, "revision",
					     number(lane->revision), "records", number(lane->records), "late_ms",
					     (json_int_t)(lane->late_ns / 1000000)));
	return 0;
}

static int add_gauge(void *env, const struct croom_gauge_view *gauge)
{
	json_array_append_new(env, json_pack("{s:s, s:s, s:f}", "name", gauge->name, "unit", gauge->unit, "value", gauge->value));
	return 0;
}

json_t *show_gauges(struct croom_control *control)
{
	json_t *gauges = json_array();

	croom_room_each_gauge(control->room, add_gauge, gauges);
	return gauges;
}

json_t *show_list(struct croom_control *control)
{
	json_t *slots = json_array(), *lanes = json_array();

	croom_room_each_slot(control->room, add_slot, slots);
	croom_room_each_lane(control->room, add_lane, lanes);
	return json_pack("{s:s, s:o, s:i, s:o, s:o, s:o, s:o}", "room", croom_room_name(control->room), "program",
			 show_string(control->program), "pid", (int)getpid(), "revision",
			 number(croom_room_revision(control->room)), "slots", slots, "lanes", lanes, "gauges",
			 show_gauges(control));
}

struct entries {
	json_t *list;
	size_t count;
};

static int add_entry(void *env, const struct croom_history_view *change)
{
	struct entries *entries = env;
	json_t *changes = json_array();

	for (unsigned i = 0; i < change->changes; i++)
		json_array_append_new(changes, json_pack("{s:s, s:o, s:o}", "slot", change->change[i].slot, "from",
							 show_string(change->change[i].from), "to",
							 show_string(change->change[i].to)));
	json_array_append_new(entries->list, json_pack("{s:o, s:I, s:o, s:I, s:I, s:o, s:o}", "revision", number(change->revision),
						       "time_ns", (json_int_t)change->time_ns, "rollback_to",
						       change->rollback_to ? number(change->rollback_to) : json_null(), "uid",
						       (json_int_t)change->uid, "pid", (json_int_t)change->pid, "command",
						       show_string(change->command), "changes", changes));
	if (json_array_size(entries->list) > entries->count)
		json_array_remove(entries->list, 0);
	return 0;
}

json_t *show_history(struct croom_control *control, uint64_t after, size_t count)
{
	struct entries entries = { json_array(), count };

	croom_room_each_change(control->room, after, add_entry, &entries);
	return json_pack("{s:o}", "entries", entries.list);
}

json_t *show_result(const struct croom_swap_result *result)
{
	json_t *lanes = json_array();

	for (unsigned i = 0; i < result->lanes; i++) {
		const struct croom_lane_start *lane = &result->lane[i];

		json_array_append_new(lanes, json_pack("{s:s, s:b, s:b, s:o, s:o}", "lane", lane->lane, "observed", lane->observed,
						       "parked", lane->parked, "revision",
						       lane->revision ? number(lane->revision) : json_null(), "first_record",
						       lane->first_record ? number(lane->first_record) : json_null()));
	}
	return json_pack("{s:o, s:o}", "revision", number(result->revision), "lanes", lanes);
}
