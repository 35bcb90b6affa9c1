/* SPDX-License-Identifier: BSD-2-Clause */
/* The last changes and the state after each, so that any of them can be published again. */
#include "room-impl.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A state of nothing yet, with room for a change of every slot; one piece of memory. */
struct state *state_new(const struct croom_room *room, uint64_t revision, const struct croom_origin *origin,
			enum croom_cause cause, const char *note)
{
	const char *command = origin && origin->command ? origin->command : "";
	size_t slots = room->slots, length = strlen(command) + 1, note_length = strlen(note) + 1;
	struct state *state = calloc(1, sizeof(*state) + slots * (sizeof(state->spec[0]) + sizeof(state->from[0]) +
								  sizeof(state->changed[0])) + length + note_length);

	if (!state)
		return NULL;
	state->revision = revision;
	state->cause = cause;
	state->time_ns = clock_ns(CLOCK_REALTIME);
	state->own = !origin || origin->pid == 0;
	state->uid = origin ? origin->uid : 0;
	state->pid = origin ? origin->pid : 0;
	state->from = &state->spec[slots];
	state->changed = (uint32_t *)(void *)&state->from[slots];
	state->command = (char *)&state->changed[slots];
	memcpy(state->command, command, length);
	state->note = state->command + length;
	memcpy(state->note, note, note_length);
	return state;
}

void state_free(const struct croom_room *room, struct state *state)
{
	if (!state)
		return;
	for (unsigned i = 0; i < state->changes; i++)
		spec_put(state->from[i]);
	for (unsigned i = 0; i < room->slots; i++)
		spec_put(state->spec[i]);
	free(state);
}

static struct state *history_at(const struct croom_room *room, unsigned i)
{
	return room->state[(room->first_state + i) % (CROOM_HISTORY_MAX + 1)];
}

static void forget_oldest(struct croom_room *room)
{
	struct state *oldest = history_at(room, 0);

	room->history_bytes -= oldest->bytes;
	state_free(room, oldest);
	room->first_state = (room->first_state + 1) % (CROOM_HISTORY_MAX + 1);
	room->states--;
}

/* Cannot fail: the oldest make room. The state before this one stays in any case, for a rollback. */
void history_add(struct croom_room *room, struct state *state)
{
	state->bytes = strlen(state->command) + strlen(state->note);
	for (unsigned i = 0; i < state->changes; i++)
		state->bytes += strlen(state->spec[state->changed[i]]->text);
	while (room->states == CROOM_HISTORY_MAX + 1 ||
	       (room->states > 1 && room->history_bytes + state->bytes > CROOM_HISTORY_BYTES))
		forget_oldest(room);
	room->history_bytes += state->bytes;
	room->state[(room->first_state + room->states) % (CROOM_HISTORY_MAX + 1)] = state;
	room->states++;
}

const struct state *history_find(const struct croom_room *room, uint64_t revision)
{
	uint64_t first = history_at(room, 0)->revision;

	/* Every revision is one state, so they lie side by side. */
	if (revision < first || revision - first >= room->states)
		return NULL;
	return history_at(room, (unsigned)(revision - first));
}

int croom_room_each_change(struct croom_room *room, uint64_t after_revision,
			   int (*visit)(void *env, const struct croom_history_view *change), void *env)
{
	struct croom_history_change *change = calloc(room->slots, sizeof(*change));
	int rc = 0;

	if (!change)
		return -ENOMEM;
	pthread_mutex_lock(&room->mutex);
	/* The first state is what the oldest change came from. */
	for (unsigned i = 1; i < room->states && rc == 0; i++) {
		const struct state *state = history_at(room, i);
		struct croom_history_view view = { .revision = state->revision, .time_ns = state->time_ns,
			.rollback_to = state->rollback_to, .cause = state->cause, .note = state->note,
			.uid = state->own ? getuid() : state->uid,
			.pid = state->own ? getpid() : state->pid,
			.command = state->command, .changes = state->changes, .change = change };

		if (state->revision <= after_revision)
			continue;
		for (unsigned k = 0; k < state->changes; k++) {
			change[k].slot = room->slot[state->changed[k]].def->name;
			change[k].from = state->from[k]->text;
			change[k].to = state->spec[state->changed[k]]->text;
		}
		rc = visit(env, &view);
	}
	pthread_mutex_unlock(&room->mutex);
	free(change);
	return rc;
}
