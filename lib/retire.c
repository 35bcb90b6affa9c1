/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Retired panels: those that a lane may still hold. They wait in order of revision; a panel is freed when every
 * lane has observed a newer one, and its instances are closed with the last panel that names them.
 */
#include "room-impl.h"
#include <time.h>

int64_t clock_ns(int clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void retire(struct croom_room *room, struct panel *panel)
{
	panel->tail.retired_ns = clock_ns(CLOCK_MONOTONIC);
	panel->tail.next = NULL;
	if (room->newest)
		room->newest->tail.next = panel;
	else
		room->oldest = panel;
	room->newest = panel;
	room->retired++;
}

/* Free what no lane holds any more. Must come after the publication that retired the newest of them. */
void collect(struct croom_room *room)
{
	uint64_t current = room->panel->pub.revision, passed = current;

	for (unsigned i = 0; i < room->lanes; i++) {
		lane_look(room->lane[i], current);
		if (room->lane[i]->passed < passed)
			passed = room->lane[i]->passed;
	}
	while (room->oldest && room->oldest->pub.revision < passed) {
		struct panel *panel = room->oldest;

		room->oldest = panel->tail.next;
		if (!room->oldest)
			room->newest = NULL;
		room->retired--;
		panel_free(room, panel);
	}
	endings_collect(room);
}

/* Since when the lane holds up the oldest panel that it has not left. After collect(). */
int64_t late_for(const struct croom_room *room, const struct lane *lane)
{
	for (const struct panel *panel = room->oldest; panel; panel = panel->tail.next)
		if (panel->pub.revision >= lane->passed)
			return clock_ns(CLOCK_MONOTONIC) - panel->tail.retired_ns;
	return 0;
}

/* In which handler the lane is, or was last; NULL: none. The panel that it runs may be one of those that wait. After collect(). */
void lane_where(const struct croom_room *room, const struct lane *lane, const char **slot, const char **handler)
{
	/* relaxed: a figure for people. */
	uint64_t at = croom_get_relaxed(&lane->pub.at);
	const struct panel *panel = room->oldest;

	*slot = *handler = NULL;
	if (at == 0 || at > room->slots || lane->parked)
		return;
	while (panel && panel->pub.revision < lane->passed)
		panel = panel->tail.next;
	panel = panel ? panel : room->panel;
	*slot = room->slot[at - 1].def->name;
	*handler = panel->slot[at - 1].instance->spec->text;
}

/* The lane that is furthest behind `revision`, and for how long (NULL: no matter); NULL when none is. After collect(). */
const struct lane *late_lane(const struct croom_room *room, uint64_t revision, int64_t *late_ns)
{
	const struct lane *late = NULL;

	for (unsigned i = 0; i < room->lanes; i++)
		if (room->lane[i]->passed < revision && (!late || room->lane[i]->passed < late->passed))
			late = room->lane[i];
	if (late_ns)
		*late_ns = late ? late_for(room, late) : 0;
	return late;
}
