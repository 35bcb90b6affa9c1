// SPDX-License-Identifier: BSD-2-Clause
/* What the room shows of itself is one state of it: slots, lanes and history agree, whenever they are looked at. */
#include "torture.h"
#include <string.h>

enum { HISTORY_BACK = 40 };

struct slots_seen {
	unsigned slot;
	uint64_t revision;
	char stamp[32];               /* of the group */
};

static int look_slot(void *env, const struct croom_slot_view *view)
{
	struct slots_seen *seen = env;
	const char *colon = strchr(view->handler, ':');

	if (seen->slot == 0)
		seen->revision = view->revision;
	if (view->revision != seen->revision || view->since_revision > view->revision)
		found(FOUND_SHOWN, "slot %s is shown at revision %llu since %llu, the first slot at %llu", view->name,
		      (big)view->revision, (big)view->since_revision,
		      (big)seen->revision);
	if (seen->slot == 0 && colon)
		snprintf(seen->stamp, sizeof(seen->stamp), "%s", colon);
	if (!colon || (seen->slot < torture.group && strcmp(colon, seen->stamp)))
		found(FOUND_SHOWN, "slot %s holds %s, the first one %s", view->name, view->handler, seen->stamp);
	seen->slot++;
	return 0;
}

static int look_lane(void *env, const struct croom_lane_view *view)
{
	unsigned *lanes = env;

	if (view->slot && (view->slot[0] != 's' || !strchr(view->handler, ':')))
		found(FOUND_SHOWN, "lane %s is shown in slot %s, handler %s", view->name, view->slot, view->handler);
	if (view->late_ns < 0 || view->revision == 0)
		found(FOUND_SHOWN, "lane %s is shown at revision %llu, %lld ns late", view->name, (big)view->revision,
		      (long long)view->late_ns);
	(*lanes)++;
	return 0;
}

struct history_seen {
	uint64_t revision;
	const char *now[CROOM_SLOTS_MAX]; /* what the slot held after the change before; good during the visit */
};

static int look_change(void *env, const struct croom_history_view *view)
{
	struct history_seen *seen = env;

	if (seen->revision && view->revision != seen->revision + 1)
		found(FOUND_SHOWN, "the history goes from revision %llu to %llu", (big)seen->revision,
		      (big)view->revision);
	seen->revision = view->revision;
	for (unsigned i = 0; i < view->changes; i++) {
		unsigned slot;

		if (sscanf(view->change[i].slot, "s%u", &slot) != 1 || slot >= torture.set.slots) {
			found(FOUND_SHOWN, "the history names slot %s", view->change[i].slot);
			continue;
		}
		if (seen->now[slot] && strcmp(seen->now[slot], view->change[i].from))
			found(FOUND_SHOWN, "revision %llu is said to have replaced %s in slot %u, which held %s",
			      (big)view->revision, view->change[i].from, slot, seen->now[slot]);
		seen->now[slot] = view->change[i].to;
	}
	return 0;
}

static int look_gauge(void *env, const struct croom_gauge_view *view)
{
	unsigned number = 0, *count = env;

	if (sscanf(view->name, "g%u", &number) != 1 || view->value < number || view->value > number)
		found(FOUND_SHOWN, "gauge %s shows %g", view->name, view->value);
	(*count)++;
	return 0;
}

static int look_quarantined(void *env, const struct croom_quarantine_view *one)
{
	unsigned *count = env;

	if (!one->slot || !one->handler || !one->why)
		found(FOUND_SHOWN, "a handler in quarantine is shown without a name or a reason");
	(*count)++;
	return 0;
}

void look_body(struct crew *self)
{
	while (!torture_over()) {
		struct slots_seen slots = { 0 };
		struct history_seen history = { 0 };
		unsigned lanes = 0, gauges = 0, quarantined = 0, waiting;
		uint64_t revision = croom_room_revision(torture.room);

		croom_room_each_slot(torture.room, look_slot, &slots);
		if (slots.slot != torture.set.slots || slots.revision < revision)
			found(FOUND_SHOWN, "%u slots are shown, at revision %llu after %llu", slots.slot,
			      (big)slots.revision, (big)revision);
		croom_room_each_lane(torture.room, look_lane, &lanes);
		if (lanes > torture.set.lanes)
			found(FOUND_SHOWN, "%u lanes are shown", lanes);
		croom_room_each_change(torture.room, revision > HISTORY_BACK ? revision - HISTORY_BACK : 0, look_change,
				       &history);
		croom_room_each_gauge(torture.room, look_gauge, &gauges);
		croom_room_each_quarantined(torture.room, look_quarantined, &quarantined);
		if (quarantined > 1)
			found(FOUND_SHOWN, "%u handlers are in quarantine", quarantined);
		waiting = croom_room_retired(torture.room);
		if (waiting > waiting_max())
			found(FOUND_SHOWN, "%u panels wait", waiting);
		torture_done(ACTOR_LOOK, 1);
		crew_rest(&self->luck, 3000);
	}
}
