/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The very end of a trial. Its new handler has taken over: the panel with the bare handler is published, but a lane that
 * has not observed it yet is still in the trial, and may break a rule there. So the way back stays open until every lane has
 * left; then the room looks once more, and goes back if it must.
 *
 *	plan_publish()          ending_begin(): the room keeps the trial, and with it both handlers
 *	collect()               the last panel that names the wrapper goes: every lane has left
 *	endings_collect()       it has held: let go
 *	endings_tick()          it is broken: go back
 *
 * What a lane did in the trial is seen here, because it came before the echo with which it left: pair lane.observed.
 *
 * The slot may have been changed meanwhile. As long as the handler that broke its rule may come into force again by itself, as
 * the way back of a later trial or of a change that waits to be confirmed, the trial is kept, and goes back when it does.
 */
#include "trial-impl.h"
#include <stdio.h>

/* At the end of the list: endings_tick() may be going along it, for the way back of one can end another. */
void ending_begin(struct croom_room *room, uint32_t slot, struct trial *trial)
{
	struct trial **at = &room->endings;

	while (*at)
		at = &(*at)->next_ending;
	trial->ending = true;
	trial->slot = slot;
	trial->next_ending = NULL;
	*at = trial_get(trial);
}

static void ending_over(struct trial **at)
{
	struct trial *trial = *at;

	*at = trial->next_ending;
	trial->ending = false;
	if (trial->gone)
		trial_end(trial);
	else
		trial_put(trial);
}

/* Does no lane hold a panel with it any more? A change that is prepared may hold the wrapper much longer. After collect(). */
static bool left(const struct croom_room *room, const struct trial *trial)
{
	for (const struct panel *panel = room->oldest; panel; panel = panel->tail.next)
		if (panel->slot[trial->slot].instance->trial == trial)
			return false;
	return room->panel->slot[trial->slot].instance->trial != trial;
}

void endings_collect(struct croom_room *room)
{
	struct trial **at = &room->endings;

	while (*at)
		if (left(room, *at) && !trial_broken(*at))
			ending_over(at);
		else
			at = &(*at)->next_ending;
}

/* Every lane has gone, and nothing goes back any more. */
void endings_drop(struct croom_room *room)
{
	while (room->endings)
		ending_over(&room->endings);
}

bool ending_holds(const struct croom_room *room, const struct class_entry *entry)
{
	for (const struct trial *trial = room->endings; trial; trial = trial->next_ending)
		if (trial->fresh_spec->entry == entry || trial->old_spec->entry == entry)
			return true;
	return false;
}

/* Does what sits in the slot call this handler, or would go back to it? */
static bool slot_holds(const struct croom_room *room, uint32_t slot, const struct instance *handler)
{
	const struct instance *at = room->panel->slot[slot].instance;

	return at == handler || (at->trial && (at->trial->fresh_instance == handler || at->trial->old_instance == handler));
}

static bool ending_back(struct croom_room *room, const struct trial *trial, const char *why)
{
	struct plan plan;
	int rc = plan_begin_own(&plan, room, CROOM_BY_BREACH, why);

	if (rc == 0)
		plan_put(&plan, trial->slot, trial->old_instance);
	return publish_own(&plan, rc);
}

bool endings_tick(struct croom_room *room)
{
	struct trial **at = &room->endings;
	bool done = true;

	while (*at) {
		const struct trial *trial = *at;
		char why[200], note[500];

		if (!left(room, trial) || !trial_broken(trial)) {
			at = &(*at)->next_ending;
			continue;
		}
		trial_why(trial, why, sizeof(why));
		snprintf(note, sizeof(note), "%s; a lane was in it still when its time was up", why);
		if (slot_holds(room, trial->slot, trial->fresh_instance)) {
			if (ending_back(room, trial, note)) {
				ending_over(at);
				continue;
			}
			done = false;
		} else if (trial->fresh_instance->refs == 1) {
			/* An operator has put something else there, and nothing leads back. */
			snprintf(note, sizeof(note), "%s=%.100s: %s, and the slot has been changed since", room->slot[trial->slot].def->name,
				 trial->fresh_spec->text, why);
			event_plain(room, CROOM_EVENT_NOTE, NULL, NULL, note);
			ending_over(at);
			continue;
		}
		at = &(*at)->next_ending;
	}
	return done;
}
