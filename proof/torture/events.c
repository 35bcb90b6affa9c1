// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the room tells its listener. Every change is told twice, before and after it is published, with nothing between
 * the two; revisions come one after the other; the handlers that are told are those that the changes say. The listener
 * runs with the room's mutex held, which is all the order that is needed here.
 */
#include "torture.h"
#include <string.h>

static uint64_t changed, intent;   /* the last that was told; the one that is about to be, or 0 */

static void look_handlers(const struct croom_event *event)
{
	const char *stamp = NULL;

	if (event->slots != torture.set.slots)
		found(FOUND_SHOWN, "revision %llu is told with %u slots", (big)event->revision, event->slots);
	for (unsigned i = 0; i < event->slots && i < torture.group; i++) {
		const char *colon = strchr(event->handler[i], ':');

		if (!colon || (stamp && strcmp(stamp, colon)))
			found(FOUND_SHOWN, "revision %llu is told to hold %s in %s, beside %s", (big)event->revision,
			      event->handler[i], event->slot[i], stamp ? stamp : "nothing");
		stamp = colon;
	}
	for (unsigned i = 0; i < event->changes; i++) {
		bool there = false;

		for (unsigned k = 0; k < event->slots; k++)
			there = there || (strcmp(event->slot[k], event->change[i].slot) == 0 &&
					  strcmp(event->handler[k], event->change[i].to) == 0);
		if (!there)
			found(FOUND_SHOWN, "revision %llu is told to put %s into %s, and not to hold it",
			      (big)event->revision, event->change[i].to, event->change[i].slot);
	}
}

static void hear(void *env, const struct croom_event *event)
{
	(void)env;
	if (intent && event->kind != CROOM_EVENT_CHANGED)
		found(FOUND_SHOWN, "revision %llu was about to be published, and event %u came", (big)intent,
		      (unsigned)event->kind);
	switch (event->kind) {
	case CROOM_EVENT_INTENT:
		if (event->revision != changed + 1 || event->from_revision != changed)
			found(FOUND_SHOWN, "revision %llu from %llu is about to be published after %llu",
			      (big)event->revision, (big)event->from_revision, (big)changed);
		look_handlers(event);
		intent = event->revision;
		break;
	case CROOM_EVENT_CHANGED:
		if (event->revision != intent)
			found(FOUND_SHOWN, "revision %llu is told as published, %llu was to be", (big)event->revision,
			      (big)intent);
		if (event->cause >= CROOM_BY_BREACH && event->cause <= CROOM_BY_UNOBSERVED)
			torture_tally(TALLY_BY_ITSELF, 1);
		changed = event->revision;
		intent = 0;
		break;
	case CROOM_EVENT_REFUSED:
		if (!*event->text)
			found(FOUND_SHOWN, "a refusal is told without a reason");
		break;
	default:
		break;
	}
}

/* Before there is any other thread. */
void events_start(void)
{
	changed = croom_room_revision(torture.room);
	if (torture_on(ACTOR_LOOK))
		croom_room_listen(torture.room, hear, NULL);
}

void events_end(void)
{
	uint64_t revision = croom_room_revision(torture.room);

	if (torture_on(ACTOR_LOOK) && changed != revision)
		found(FOUND_SHOWN, "the last change that was told is %llu, the room is at %llu", (big)changed,
		      (big)revision);
	croom_room_listen(torture.room, NULL, NULL);
}
