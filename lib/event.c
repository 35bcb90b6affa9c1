/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling the one listener, with the room's mutex held. Nothing is allocated here: a change that was planned in full must
 * not fail for want of memory to tell of it.
 */
#include "room-impl.h"
#include <string.h>
#include <time.h>
#include <unistd.h>

void croom_room_listen(struct croom_room *room, void (*hear)(void *env, const struct croom_event *event), void *env)
{
	pthread_mutex_lock(&room->mutex);
	room->hear = hear;
	room->hear_env = env;
	pthread_mutex_unlock(&room->mutex);
}

static struct croom_event event_of(const struct croom_room *room, enum croom_event_kind kind, const struct croom_origin *origin)
{
	struct croom_origin who = { getuid(), getpid(), "" };

	if (origin) {
		who.command = origin->command ? origin->command : "";
		if (origin->pid) {
			who.uid = origin->uid;
			who.pid = origin->pid;
		}
	}
	return (struct croom_event){ .kind = kind, .time_ns = clock_ns(CLOCK_REALTIME), .revision = room->panel->pub.revision,
		.from_revision = room->panel->pub.revision, .uid = who.uid, .pid = who.pid,
		.command = who.command, .text = "" };
}

/* What every slot holds: the spec's words, and whether they are for good. */
static void tell_slots(struct croom_room *room, struct croom_event *event, const struct panel *panel)
{
	event->slots = room->slots;
	event->slot = room->event_slot;
	event->handler = room->event_handler;
	event->waits = room->event_waits;
	for (uint32_t i = 0; i < room->slots; i++) {
		room->event_handler[i] = panel->slot[i].instance->spec->text;
		room->event_waits[i] = trial_on(panel, i) || (room->pending && pending_holds(room->pending, i));
	}
}

void event_change(struct croom_room *room, enum croom_event_kind kind, const struct panel *panel, const struct state *state)
{
	const struct croom_origin origin = { state->uid, state->own ? 0 : state->pid, state->command };
	struct croom_event event;

	if (!room->hear)
		return;
	event = event_of(room, kind, &origin);
	event.time_ns = state->time_ns;
	event.cause = state->cause;
	event.revision = state->revision;
	event.from_revision = state->revision - 1;
	event.trusted = state->trusted;
	event.text = state->note;
	event.changes = state->changes;
	event.change = room->event_change;
	for (unsigned i = 0; i < state->changes; i++) {
		room->event_change[i].slot = room->slot[state->changed[i]].def->name;
		room->event_change[i].from = state->from[i]->text;
		room->event_change[i].to = state->spec[state->changed[i]]->text;
	}
	tell_slots(room, &event, panel);
	room->hear(room->hear_env, &event);
}

void event_confirmed(struct croom_room *room, const struct croom_origin *origin)
{
	struct croom_event event;

	if (!room->hear)
		return;
	event = event_of(room, CROOM_EVENT_CONFIRMED, origin);
	tell_slots(room, &event, room->panel);
	/* A trial that goes on may still take a handler back. */
	event.trusted = true;
	for (uint32_t i = 0; i < room->slots; i++)
		event.trusted &= !room->event_waits[i];
	room->hear(room->hear_env, &event);
}

void event_refused(struct croom_room *room, const struct croom_origin *origin, const struct croom_change *changes,
		   unsigned count, enum croom_cause cause, const struct croom_error *err)
{
	struct croom_event event;

	if (!room->hear)
		return;
	event = event_of(room, CROOM_EVENT_REFUSED, origin);
	event.cause = cause;
	event.text = err->text;
	event.change = room->event_change;
	for (event.changes = 0; event.changes < count && event.changes < room->slots; event.changes++)
		room->event_change[event.changes] =
			(struct croom_history_change){ changes[event.changes].slot, "", changes[event.changes].handler };
	room->hear(room->hear_env, &event);
}

/* change: one, or NULL. */
void event_plain(struct croom_room *room, enum croom_event_kind kind, const struct croom_origin *origin,
		 const struct croom_history_change *change, const char *text)
{
	struct croom_event event;

	if (!room->hear)
		return;
	event = event_of(room, kind, origin);
	event.text = text;
	event.changes = change ? 1 : 0;
	event.change = change;
	room->hear(room->hear_env, &event);
}

static void tell(struct croom_room *room, enum croom_event_kind kind, const struct croom_origin *origin, const char *text)
{
	pthread_mutex_lock(&room->mutex);
	event_plain(room, kind, origin, NULL, text);
	pthread_mutex_unlock(&room->mutex);
}

void croom_room_note(struct croom_room *room, const struct croom_origin *origin, const char *text)
{
	tell(room, CROOM_EVENT_NOTE, origin, text);
}

void croom_room_refuse(struct croom_room *room, const struct croom_origin *origin, const char *text)
{
	tell(room, CROOM_EVENT_REFUSED, origin, text);
}
