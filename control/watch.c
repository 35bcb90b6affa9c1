/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watching: a frame per interval. A reader that is slower than that misses frames, not changes: each frame goes on
 * where the one before ended, and says how many changes it has no room for.
 */
#include "server.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME_CHANGES = 100 };

struct frame {
	struct rates *before;
	double seconds;
	unsigned index;
	json_t *list;
	struct lane_total lane[CROOM_LANES_MAX];
};

/* Without memory for it the frame is not sent, see client_send(); so the visit may end there. */
static int add_rate(struct frame *frame, const char *name, uint64_t total, uint64_t before)
{
	double per_second = frame->seconds > 0 && total >= before ? (double)(total - before) / frame->seconds : 0;

	if (json_array_append_new(frame->list, json_pack("{s:s, s:I, s:f}", "name", name, "total", (json_int_t)total,
							 "per_second", per_second)) == 0)
		return 0;
	json_decref(frame->list);
	frame->list = NULL;
	return -ENOMEM;
}

static int add_slot(void *env, const struct croom_slot_view *slot)
{
	struct frame *frame = env;
	unsigned i = frame->index++;
	int rc;

	/* Another handler counts from 0. */
	if (frame->before->slot_since[i] != slot->since_revision)
		frame->before->slot[i] = 0;
	rc = add_rate(frame, slot->name, slot->calls, frame->before->slot[i]);
	frame->before->slot[i] = slot->calls;
	frame->before->slot_since[i] = slot->since_revision;
	return rc;
}

/* A lane that is new counts from 0. */
static int add_lane(void *env, const struct croom_lane_view *lane)
{
	struct frame *frame = env;
	struct lane_total *now = &frame->lane[frame->index++];
	uint64_t before = 0;

	for (unsigned i = 0; i < frame->before->lanes; i++)
		if (strcmp(frame->before->lane[i].name, lane->name) == 0)
			before = frame->before->lane[i].records;
	strcpy(now->name, lane->name);
	now->records = lane->records;
	return add_rate(frame, lane->name, lane->records, before);
}

static void send_frame(struct croom_control *control, struct client *client, int64_t now)
{
	struct rates *before = client->rates;
	double seconds = before->time_ns ? (double)(now - before->time_ns) / 1e9 : 0;
	struct frame slots = { .before = before, .seconds = seconds, .list = json_array() };
	struct frame lanes = { .before = before, .seconds = seconds, .list = json_array() };
	json_t *history = show_history(control, client->watch_revision, FRAME_CHANGES, &client->watch_revision);

	croom_room_each_slot(control->room, add_slot, &slots);
	croom_room_each_lane(control->room, add_lane, &lanes);
	memcpy(before->lane, lanes.lane, sizeof(before->lane));
	before->lanes = lanes.index;
	before->time_ns = now;
	reply(client, json_pack("{s:I, s:O, s:O, s:o, s:o, s:o, s:o}", "revision", (json_int_t)client->watch_revision, "missed",
				json_object_get(history, "missed"), "changes", json_object_get(history, "entries"), "slots",
				slots.list, "lanes", lanes.list, "gauges", show_gauges(control), "journal",
				show_journal(control)), true);
	json_decref(history);
}

void watch_begin(struct croom_control *control, struct client *client, int64_t interval_ms)
{
	int64_t now = now_ns();

	client->rates = calloc(1, sizeof(*client->rates));
	if (!client->rates) {
		client->closing = true;
		return;
	}
	client->watch_ns = interval_ms * 1000000;
	client->watch_next_ns = now + client->watch_ns;
	client->watch_revision = croom_room_revision(control->room);
	send_frame(control, client, now);
}

void watch_tick(struct croom_control *control, struct client *client, int64_t now)
{
	if (now < client->watch_next_ns)
		return;
	client->watch_next_ns += client->watch_ns;
	if (client->watch_next_ns < now)
		client->watch_next_ns = now + client->watch_ns;
	if (client->out_used == 0)
		send_frame(control, client, now);
}
