/* SPDX-License-Identifier: BSD-2-Clause */
/* What a room shows of itself. */
#include "room-impl.h"
#include <errno.h>
#include <string.h>

const char *croom_room_name(const struct croom_room *room)
{
	return room->name;
}

static void slot_view(const struct croom_room *room, uint32_t slot, struct croom_slot_view *view)
{
	const struct panel_slot *at = &room->panel->slot[slot];

	*view = (struct croom_slot_view){ .name = room->slot[slot].def->name, .help = room->slot[slot].def->help,
		.handler = at->instance->spec->text, .revision = room->panel->pub.revision,
		.since_revision = at->since_revision, .since_ns = at->since_ns,
		.trial = at->instance->trial ? trial_kind(at->instance->trial) : "",
		.classes = room->slot[slot].classes, .handler_class = room->slot[slot].class_list };
	for (unsigned i = 0; i < room->lanes; i++)
		view->calls += lane_calls(room->lane[i], slot, at->since_revision);
}

int croom_room_each_slot(struct croom_room *room, int (*visit)(void *env, const struct croom_slot_view *slot), void *env)
{
	int rc = 0;

	pthread_mutex_lock(&room->mutex);
	for (uint32_t i = 0; i < room->slots && rc == 0; i++) {
		struct croom_slot_view view;

		slot_view(room, i, &view);
		rc = visit(env, &view);
	}
	pthread_mutex_unlock(&room->mutex);
	return rc;
}

int croom_room_each_lane(struct croom_room *room, int (*visit)(void *env, const struct croom_lane_view *lane), void *env)
{
	int rc = 0;

	pthread_mutex_lock(&room->mutex);
	collect(room);
	for (unsigned i = 0; i < room->lanes && rc == 0; i++) {
		const struct lane *lane = room->lane[i];
		struct croom_lane_view view = { .name = lane->name, .parked = lane->parked, .revision = lane->passed };

		/* relaxed: recent figures, not an order. */
		view.records = croom_get_relaxed(&lane->pub.records);
		view.thread = (pid_t)croom_get_relaxed(&lane->pub.thread);
		lane_where(room, lane, &view.slot, &view.handler);
		if (lane->passed < room->panel->pub.revision)
			view.late_ns = late_for(room, lane);
		rc = visit(env, &view);
	}
	pthread_mutex_unlock(&room->mutex);
	return rc;
}

static int gauge_add(struct croom_room *room, const struct gauge *gauge)
{
	for (unsigned i = 0; i < room->gauges; i++)
		if (strcmp(room->gauge[i].name, gauge->name) == 0)
			return -EEXIST;
	if (room->gauges == ROOM_GAUGES_MAX)
		return -ENOSPC;
	room->gauge[room->gauges++] = *gauge;
	return 0;
}

int croom_room_gauge_add(struct croom_room *room, const char *name, const char *unit, double (*read)(void *env), void *env)
{
	struct gauge gauge = { .name = name, .unit = unit ? unit : "", .read = read, .env = env };
	int rc;

	if (!name_good(name) || !read)
		return -EINVAL;
	pthread_mutex_lock(&room->mutex);
	rc = gauge_add(room, &gauge);
	pthread_mutex_unlock(&room->mutex);
	return rc;
}

int croom_room_gauge_remove(struct croom_room *room, const char *name)
{
	unsigned i = 0;
	bool there;

	pthread_mutex_lock(&room->mutex);
	while (i < room->gauges && strcmp(room->gauge[i].name, name))
		i++;
	there = i < room->gauges;
	if (there)
		memmove(&room->gauge[i], &room->gauge[i + 1], (--room->gauges - i) * sizeof(room->gauge[0]));
	pthread_mutex_unlock(&room->mutex);
	return there ? 0 : -ENOENT;
}

int croom_room_each_gauge(struct croom_room *room, int (*visit)(void *env, const struct croom_gauge_view *gauge), void *env)
{
	int rc = 0;

	pthread_mutex_lock(&room->mutex);
	for (unsigned i = 0; i < room->gauges && rc == 0; i++) {
		const struct gauge *gauge = &room->gauge[i];
		struct croom_gauge_view view = { .name = gauge->name, .unit = gauge->unit,
						 .value = gauge->read(gauge->env) };

		rc = visit(env, &view);
	}
	pthread_mutex_unlock(&room->mutex);
	return rc;
}

unsigned croom_room_retired(struct croom_room *room)
{
	unsigned retired;

	pthread_mutex_lock(&room->mutex);
	collect(room);
	retired = room->retired;
	pthread_mutex_unlock(&room->mutex);
	return retired;
}
