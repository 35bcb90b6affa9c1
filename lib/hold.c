/* SPDX-License-Identifier: BSD-2-Clause */
/* What a room refuses until it is told otherwise: any change while it is frozen, and handlers in quarantine. */
#include "room-impl.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int croom_room_freeze(struct croom_room *room, const char *why, const struct croom_origin *origin, struct croom_error *err)
{
	char *copy = strdup(why);
	struct croom_error own;
	int rc = 0;

	err = error_begin(err, &own);
	if (!copy)
		return out_of_memory(err);
	pthread_mutex_lock(&room->mutex);
	if (room->frozen) {
		rc = croom_error_set(err, -EALREADY, CROOM_ERROR_FROZEN, NULL, "the room is frozen already: %s", room->frozen);
		event_refused(room, origin, NULL, 0, CROOM_BY_SWAP, err);
		free(copy);
	} else {
		room->frozen = copy;
		event_plain(room, CROOM_EVENT_FROZEN, origin, NULL, copy);
	}
	pthread_mutex_unlock(&room->mutex);
	return rc;
}

int croom_room_thaw(struct croom_room *room, const struct croom_origin *origin, struct croom_error *err)
{
	struct croom_error own;
	int rc = 0;

	err = error_begin(err, &own);
	pthread_mutex_lock(&room->mutex);
	if (!room->frozen) {
		rc = croom_error_set(err, -EALREADY, CROOM_ERROR_OTHER, NULL, "the room is not frozen");
		event_refused(room, origin, NULL, 0, CROOM_BY_SWAP, err);
	} else {
		event_plain(room, CROOM_EVENT_THAWED, origin, NULL, room->frozen);
		free(room->frozen);
		room->frozen = NULL;
		/* Trials whose time has run out meanwhile. */
		if (room->tick_wanted)
			room->tick_wanted(room->tick_env);
	}
	pthread_mutex_unlock(&room->mutex);
	return rc;
}

bool croom_room_frozen(struct croom_room *room, char *why, size_t size)
{
	bool frozen;

	pthread_mutex_lock(&room->mutex);
	frozen = room->frozen != NULL;
	if (size)
		snprintf(why, size, "%s", frozen ? room->frozen : "");
	pthread_mutex_unlock(&room->mutex);
	return frozen;
}

static struct quarantined **quarantine_find(struct croom_room *room, uint32_t slot, const char *handler)
{
	struct quarantined **at = &room->quarantined;

	while (*at && ((*at)->slot != slot || strcmp((*at)->handler, handler)))
		at = &(*at)->next;
	return at;
}

static int quarantine(struct croom_room *room, uint32_t slot, const char *handler, const char *why)
{
	size_t length = strlen(handler) + 1, why_length = strlen(why) + 1;
	struct croom_history_change change = { room->slot[slot].def->name, "", handler };
	struct quarantined *one;

	if (*quarantine_find(room, slot, handler))
		return 0;
	one = malloc(sizeof(*one) + length + why_length);
	if (!one)
		return -ENOMEM;
	one->slot = slot;
	memcpy(one->handler, handler, length);
	one->why = memcpy(one->handler + length, why, why_length);
	one->next = room->quarantined;
	room->quarantined = one;
	event_plain(room, CROOM_EVENT_QUARANTINED, NULL, &change, why);
	return 0;
}

int croom_room_quarantine(struct croom_room *room, const char *slot, const char *handler, const char *why)
{
	uint32_t index;
	int rc;

	pthread_mutex_lock(&room->mutex);
	rc = find_slot(room, slot, &index, NULL);
	if (rc == 0)
		rc = quarantine(room, index, handler, why);
	pthread_mutex_unlock(&room->mutex);
	return rc;
}

int croom_room_pardon(struct croom_room *room, const char *slot, const char *handler, const struct croom_origin *origin,
		      struct croom_error *err)
{
	struct quarantined **at, *one;
	uint32_t index;
	int rc;

	if (err)
		memset(err, 0, sizeof(*err));
	pthread_mutex_lock(&room->mutex);
	rc = find_slot(room, slot, &index, err);
	if (rc == 0) {
		at = quarantine_find(room, index, handler);
		one = *at;
		if (one) {
			struct croom_history_change change = { room->slot[index].def->name, "", one->handler };

			*at = one->next;
			event_plain(room, CROOM_EVENT_PARDONED, origin, &change, one->why);
			free(one);
		} else {
			rc = croom_error_set(err, -ENOENT, CROOM_ERROR_OTHER, slot, "%s=%.100s is not in quarantine", slot, handler);
		}
	}
	pthread_mutex_unlock(&room->mutex);
	return rc;
}

int croom_room_each_quarantined(struct croom_room *room, int (*visit)(void *env, const struct croom_quarantine_view *one),
				void *env)
{
	int rc = 0;

	pthread_mutex_lock(&room->mutex);
	for (const struct quarantined *one = room->quarantined; one && rc == 0; one = one->next) {
		struct croom_quarantine_view view = { room->slot[one->slot].def->name, one->handler, one->why };

		rc = visit(env, &view);
	}
	pthread_mutex_unlock(&room->mutex);
	return rc;
}
