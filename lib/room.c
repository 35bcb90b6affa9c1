/* SPDX-License-Identifier: BSD-2-Clause */
/* Making and ending rooms; their lanes. */
#include "room-impl.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int empty_run(void *ctx, void *record)
{
	(void)ctx;
	(void)record;
	return 0;
}

static int slot_init(struct room_slot *slot, const struct croom_slot *def, unsigned index)
{
	const char *empty = def->empty ? def->empty : "off";

	if (!name_good(def->name) || !name_good(empty) || !def->type)
		return -EINVAL;
	/* The index that CROOM_SLOT was given is what a lane calls: elsewhere in the table sits another record's handler. */
	if (def->type().place && def->type().place != index + 1)
		return -EINVAL;
	slot->def = def;
	slot->empty.refs = 1;
	strncpy(slot->empty.name, empty, CROOM_NAME_MAX);
	slot->empty.class = (struct croom_class){ .name = slot->empty.name, .run = empty_run, .type = def->type,
		.help = def->empty_help ? def->empty_help : "nothing is called here", .traits = CROOM_PURE };
	return class_list_add(slot, &slot->empty.class);
}

/* Revision 1: the empty handler in every slot. */
static int first_panel(struct croom_room *room)
{
	struct panel *panel = panel_new(room, 1);
	struct state *state = state_new(room, 1, NULL, CROOM_BY_SWAP, "");
	int64_t now = clock_ns(CLOCK_REALTIME);
	int rc = panel && state ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < room->slots && rc == 0; i++) {
		struct class_entry *entry = &room->slot[i].empty;
		struct instance *instance;
		struct spec *spec = spec_new(entry, entry->class.name, strlen(entry->class.name));

		room->event_slot[i] = room->slot[i].def->name;
		rc = spec ? instance_open(&instance, spec, room->slot[i].def->name, NULL) : -ENOMEM;
		if (rc) {
			spec_put(spec);
			break;
		}
		panel_set(panel, i, instance, 1, now);
		instance_put(instance);
		state->spec[i] = spec;
	}
	if (rc) {
		if (panel)
			panel_free(room, panel);
		state_free(room, state);
		return rc;
	}
	history_add(room, state);
	room->panel = panel;
	/* relaxed: there is no lane yet, and whoever hands one to a thread orders this before it. */
	croom_set_relaxed(&room->wire, &panel->pub);
	return 0;
}

int croom_room_open(struct croom_room **out, const char *name, const struct croom_slot *slots, unsigned count)
{
	struct room_slot *slot;
	struct croom_room *room;
	int rc = 0;

	*out = NULL;
	if (!name_good(name) || !slots || count == 0 || count > CROOM_SLOTS_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < count; i++)
		for (unsigned k = 0; k < i; k++)
			if (slots[i].name && slots[k].name && strcmp(slots[i].name, slots[k].name) == 0)
				return -EINVAL;
	slot = calloc(count, sizeof(slot[0]));
	room = aligned_alloc(LANE_LINE, sizeof(*room));
	if (!room || !slot) {
		free(room);
		free(slot);
		return -ENOMEM;
	}
	memset(room, 0, sizeof(*room));
	pthread_mutex_init(&room->mutex, NULL);
	strncpy(room->name, name, CROOM_NAME_MAX);
	room->slot = slot;
	room->event_slot = calloc(count, sizeof(room->event_slot[0]));
	room->event_handler = calloc(count, sizeof(room->event_handler[0]));
	room->event_waits = calloc(count, sizeof(room->event_waits[0]));
	room->event_change = calloc(count, sizeof(room->event_change[0]));
	if (!room->event_slot || !room->event_handler || !room->event_waits || !room->event_change)
		rc = -ENOMEM;
	for (unsigned i = 0; i < count && rc == 0; i++, room->slots++)
		rc = slot_init(&room->slot[i], &slots[i], i);
	if (rc == 0)
		rc = first_panel(room);
	if (rc) {
		croom_room_close(room);
		return rc;
	}
	*out = room;
	return 0;
}

void croom_room_close(struct croom_room *room)
{
	if (!room)
		return;
	if (room->panel)
		collect(room);
	/* A lane that is still awake would run a handler that is closed below. */
	for (unsigned i = 0; i < room->lanes; i++)
		assert(room->lane[i]->parked);
	assert(!room->oldest);
	assert(!room->prepared);
	pending_free(room->pending);
	if (room->panel)
		panel_free(room, room->panel);
	endings_drop(room);
	free(room->spare);
	for (unsigned i = 0; i < room->states; i++)
		state_free(room, room->state[(room->first_state + i) % (CROOM_HISTORY_MAX + 1)]);
	for (unsigned i = 0; i < room->lanes; i++)
		if (!room->lane[i]->boxed)
			free(room->lane[i]);
	/* The lanes' memory stays readable as they left it. */
	box_close(room);
	for (unsigned i = 0; i < room->slots; i++) {
		struct class_entry *entry = room->slot[i].empty.next;

		trial_put(room->slot[i].last_trial);
		while (entry) {
			struct class_entry *next = entry->next;

			entry_put(entry);
			entry = next;
		}
		free(room->slot[i].class_list);
	}
	free(room->slot);
	while (room->quarantined) {
		struct quarantined *next = room->quarantined->next;

		free(room->quarantined);
		room->quarantined = next;
	}
	free(room->frozen);
	free(room->event_slot);
	free(room->event_handler);
	free(room->event_waits);
	free(room->event_change);
	pthread_mutex_destroy(&room->mutex);
	free(room);
}

static struct lane *lane_make(struct croom_room *room, const char *name)
{
	size_t bytes = (lane_bytes(room->slots) + LANE_LINE - 1) / LANE_LINE * LANE_LINE;
	void *memory;

	if (room->box)
		return box_lane(room, name);
	memory = aligned_alloc(LANE_LINE, bytes);
	return memory ? lane_init(memory, name, &room->wire, room->slots) : NULL;
}

static void lane_free(struct croom_room *room, struct lane *lane)
{
	if (lane->boxed)
		box_lane_free(room, lane);
	else
		free(lane);
}

static int lane_add(struct croom_room *room, const char *name, struct lane **out)
{
	struct lane *lane;

	for (unsigned i = 0; i < room->lanes; i++)
		if (strcmp(room->lane[i]->name, name) == 0)
			return -EEXIST;
	if (room->lanes == CROOM_LANES_MAX)
		return -ENOSPC;
	lane = lane_make(room, name);
	if (!lane)
		return -ENOMEM;
	lane->passed = room->panel->pub.revision;
	room->lane[room->lanes++] = lane;
	*out = lane;
	return 0;
}

int croom_room_lane_add(struct croom_room *room, const char *name, struct croom_lane **out)
{
	struct lane *lane;
	int rc;

	*out = NULL;
	if (!name_good(name))
		return -EINVAL;
	pthread_mutex_lock(&room->mutex);
	rc = lane_add(room, name, &lane);
	pthread_mutex_unlock(&room->mutex);
	if (rc == 0)
		*out = &lane->pub;
	return rc;
}

void croom_room_lane_remove(struct croom_room *room, struct croom_lane *pub)
{
	struct lane *lane = (struct lane *)pub;

	pthread_mutex_lock(&room->mutex);
	lane_look(lane, room->panel->pub.revision);
	assert(lane->parked);
	for (unsigned i = 0; i < room->lanes; i++)
		if (room->lane[i] == lane) {
			room->lane[i] = room->lane[--room->lanes];
			lane_free(room, lane);
			break;
		}
	collect(room);
	pthread_mutex_unlock(&room->mutex);
}
