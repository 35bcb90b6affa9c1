/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes back, or goes on, by itself: changes that wait to be confirmed or observed, and trials whose time is up or whose
 * rules are broken. croom_room_tick() looks at the clock; nothing here has a thread.
 *
 * A pending change keeps the handlers that it replaced open, so that the way back needs nothing that could fail but memory for
 * a panel. There is one at a time. It is over when it is confirmed, when its time is up, when an operator rolls back, or when
 * a trial in one of its slots is broken. A trial that ends well does not confirm it.
 */
#include "trial-impl.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOOK_MS = 20, CLOSE_MS = 10, BOX_MS = 1000 };
#define TIME_MAX_MS (INT64_C(1000) * 86400 * 365)

/* The slots that the plan changes, and what sits there now. The times are durations until pending_begin(). */
struct pending *pending_new(const struct plan *plan, const struct croom_swap_options *options)
{
	struct pending *pending = calloc(1, sizeof(*pending) + plan->state->changes * sizeof(pending->back[0]));

	if (!pending)
		return NULL;
	pending->revision = plan->state->revision;
	pending->confirm_by_ns = options->confirm_ms > 0 ? options->confirm_ms : INT64_MAX;
	pending->observe_by_ns = options->observe_ms > 0 ? options->observe_ms : INT64_MAX;
	for (; pending->count < plan->state->changes; pending->count++) {
		uint32_t slot = plan->state->changed[pending->count];

		pending->back[pending->count].slot = slot;
		pending->back[pending->count].instance = plan->room->panel->slot[slot].instance;
		pending->back[pending->count].instance->refs++;
	}
	return pending;
}

static int64_t deadline(int64_t ms)
{
	return ms == INT64_MAX ? INT64_MAX : clock_ns(CLOCK_MONOTONIC) + (ms < TIME_MAX_MS ? ms : TIME_MAX_MS) * 1000000;
}

void pending_begin(struct pending *pending)
{
	pending->confirm_by_ns = deadline(pending->confirm_by_ns);
	pending->observe_by_ns = deadline(pending->observe_by_ns);
}

void pending_free(struct pending *pending)
{
	if (!pending)
		return;
	for (unsigned i = 0; i < pending->count; i++)
		instance_put(pending->back[i].instance);
	free(pending);
}

bool pending_holds(const struct pending *pending, uint32_t slot)
{
	if (pending->confirm_by_ns == INT64_MAX)
		return false;
	for (unsigned i = 0; i < pending->count; i++)
		if (pending->back[i].slot == slot)
			return true;
	return false;
}

bool publish_own(struct plan *plan, int rc)
{
	if (rc == 0)
		rc = plan_panel(plan, NULL);
	if (rc == 0)
		plan_publish(plan);
	plan_end(plan);
	return rc == 0;
}

static bool pending_back(struct croom_room *room, enum croom_cause cause)
{
	struct pending *pending = room->pending;
	uint64_t undone = pending->revision;
	struct plan plan;
	char note[96];
	int rc;

	snprintf(note, sizeof(note), "revision %llu was not %s in time", (unsigned long long)undone,
		 cause == CROOM_BY_UNCONFIRMED ? "confirmed" : "observed by every lane");
	rc = plan_begin_own(&plan, room, cause, note);
	for (unsigned i = 0; i < pending->count && rc == 0; i++)
		plan_put(&plan, pending->back[i].slot, pending->back[i].instance);
	if (!publish_own(&plan, rc))
		return false;
	room->undone = undone;
	room->undone_by = room->panel->pub.revision;
	return true;
}

/* Take the trial out of the slot: for what it tried, or for what was there before. */
static bool trial_over(struct croom_room *room, uint32_t slot, bool broken)
{
	struct trial *trial = room->panel->slot[slot].instance->trial;
	bool back = trial->old_instance && (broken || trial->is.kind == CROOM_SHADOW);
	enum croom_cause cause = broken ? CROOM_BY_BREACH : trial->old_instance ? CROOM_BY_END_OF_TRIAL : CROOM_BY_PROFILE;
	char note[200] = "";
	struct plan plan;
	int rc;

	if (broken)
		trial_why(trial, note, sizeof(note));
	else
		snprintf(note, sizeof(note), "the %s's time is up: %s stays", trial_kind(trial),
			 back ? trial->old_spec->entry->name : trial->fresh_spec->entry->name);
	rc = plan_begin_own(&plan, room, cause, note);
	if (rc == 0)
		plan_put(&plan, slot, back ? trial->old_instance : trial->fresh_instance);
	return publish_own(&plan, rc);
}

static int64_t tick_trials(struct croom_room *room, int64_t now)
{
	int64_t next = INT64_MAX;

	for (uint32_t i = 0; i < room->slots; i++) {
		const struct trial *trial = room->panel->slot[i].instance->trial;
		bool broken;
		int64_t until, when;

		if (!trial)
			continue;
		broken = trial_broken(trial) != 0;
		/* Whose time is up while the room is frozen stays as it is, and guards, until it is thawed. */
		until = room->frozen && trial->until_ns <= now ? INT64_MAX : trial->until_ns;
		if ((broken || until <= now) && trial_over(room, i, broken))
			continue;
		/* A breach takes effect without us; to report it can wait a moment. */
		when = trial->is.rules && until > now + LOOK_MS * 1000000 ? now + LOOK_MS * 1000000 : until;
		next = when < next ? when : next;
	}
	return next;
}

void pending_settle(struct croom_room *room)
{
	struct pending *pending = room->pending;

	if (!pending)
		return;
	if (pending->observe_by_ns != INT64_MAX && !late_lane(room, pending->revision, NULL))
		pending->observe_by_ns = INT64_MAX;
	if (pending->observe_by_ns == INT64_MAX && pending->confirm_by_ns == INT64_MAX) {
		room->pending = NULL;
		pending_free(pending);
	}
}

static int64_t tick_pending(struct croom_room *room, int64_t now)
{
	struct pending *pending;
	int64_t next = INT64_MAX;

	pending_settle(room);
	pending = room->pending;
	if (!pending)
		return next;
	if (pending->confirm_by_ns <= now && pending_back(room, CROOM_BY_UNCONFIRMED))
		return next;
	if (pending->observe_by_ns <= now && pending_back(room, CROOM_BY_UNOBSERVED))
		return next;
	next = pending->confirm_by_ns;
	if (pending->observe_by_ns != INT64_MAX)
		next = now + CLOSE_MS * 1000000;
	return next;
}

int64_t croom_room_tick(struct croom_room *room)
{
	int64_t now, next, other;

	pthread_mutex_lock(&room->mutex);
	collect(room);
	now = clock_ns(CLOCK_MONOTONIC);
	/* A broken trial first: its change must not be reported as unconfirmed. */
	next = tick_trials(room, now);
	other = tick_pending(room, now);
	next = other < next ? other : next;
	collect(room);
	if (!endings_tick(room))
		next = now;
	collect(room);
	/* What is due and could not be done, for want of memory, is tried again. */
	if (next <= now)
		next = now + CLOSE_MS * 1000000;
	if (room->retired && next > now + CLOSE_MS * 1000000)
		next = now + CLOSE_MS * 1000000;
	box_update(room, true);
	if (room->box && next > now + BOX_MS * 1000000)
		next = now + BOX_MS * 1000000;
	pthread_mutex_unlock(&room->mutex);
	if (next == INT64_MAX)
		return -1;
	return (next - now + 999999) / 1000000;
}

static int may_confirm(const struct croom_room *room, uint64_t revision, struct croom_error *err)
{
	const struct pending *pending = room->pending;

	if (!pending || pending->confirm_by_ns == INT64_MAX)
		return croom_error_set(err, -ENODATA, CROOM_ERROR_OTHER, NULL, "nothing waits to be confirmed; revision %llu is in force",
				       (unsigned long long)room->panel->pub.revision);
	if (revision && revision != pending->revision)
		return croom_error_set(err, -ESTALE, CROOM_ERROR_WRONG_REVISION, NULL, "revision %llu waits to be confirmed, not %llu",
				       (unsigned long long)pending->revision, (unsigned long long)revision);
	/* Late is late, also when nobody has looked at the clock yet. */
	if (pending->confirm_by_ns <= clock_ns(CLOCK_MONOTONIC))
		return croom_error_set(err, -ENODATA, CROOM_ERROR_OTHER, NULL, "too late: revision %llu is going back",
				       (unsigned long long)pending->revision);
	return 0;
}

void croom_room_tick_wanted(struct croom_room *room, void (*wanted)(void *env), void *env)
{
	pthread_mutex_lock(&room->mutex);
	room->tick_wanted = wanted;
	room->tick_env = env;
	pthread_mutex_unlock(&room->mutex);
}

int croom_room_confirm(struct croom_room *room, uint64_t revision, const struct croom_origin *origin, struct croom_error *err)
{
	struct croom_error own;
	struct pending *pending;
	int rc;

	err = error_begin(err, &own);
	pthread_mutex_lock(&room->mutex);
	collect(room);
	pending = room->pending;
	rc = may_confirm(room, revision, err);
	if (rc == 0) {
		pending->confirm_by_ns = INT64_MAX;
		event_confirmed(room, origin);
		if (pending->observe_by_ns == INT64_MAX) {
			room->pending = NULL;
			pending_free(pending);
		}
	} else {
		err->revision = pending ? pending->revision : room->panel->pub.revision;
		event_refused(room, origin, NULL, 0, CROOM_BY_SWAP, err);
	}
	pthread_mutex_unlock(&room->mutex);
	return rc;
}

uint64_t croom_room_unconfirmed(struct croom_room *room, int64_t *left_ms)
{
	uint64_t revision = 0;
	int64_t left;

	pthread_mutex_lock(&room->mutex);
	if (room->pending && room->pending->confirm_by_ns != INT64_MAX) {
		revision = room->pending->revision;
		left = (room->pending->confirm_by_ns - clock_ns(CLOCK_MONOTONIC)) / 1000000;
		if (left_ms)
			*left_ms = left > 0 ? left : 0;
	}
	pthread_mutex_unlock(&room->mutex);
	return revision;
}

int croom_room_promote(struct croom_room *room, const char *slot, const struct croom_swap_options *options,
		       struct croom_swap_result *result, struct croom_error *err)
{
	struct croom_error own;
	struct trial *trial;
	struct plan plan;
	uint32_t index;
	int rc;

	err = error_begin(err, &own);
	pthread_mutex_lock(&room->mutex);
	rc = plan_begin(&plan, room, options, CROOM_BY_END_OF_TRIAL, "promoted", err);
	if (rc == 0)
		rc = find_slot(room, slot, &index, err);
	if (rc == 0) {
		trial = room->panel->slot[index].instance->trial;
		if (!trial)
			rc = croom_error_set(err, -ENODATA, CROOM_ERROR_OTHER, slot, "slot %s has no trial to end", slot);
		else if (trial_broken(trial))
			rc = croom_error_set(err, -EBUSY, CROOM_ERROR_OTHER, slot, "the %s in slot %s is broken and is going back",
					     trial_kind(trial), slot);
		else
			plan_put(&plan, index, trial->fresh_instance);
	}
	return swap_finish(&plan, rc, options, result, NULL, 0);
}

int croom_room_profile(struct croom_room *room, const char *slot, int64_t for_ms, uint32_t sample,
		       const struct croom_swap_options *options, struct croom_swap_result *result, struct croom_error *err)
{
	const struct croom_trial is = { .kind = CROOM_PROFILE, .sample = sample, .for_ms = for_ms };
	struct instance *current, *wrapper = NULL;
	struct croom_error own;
	struct plan plan;
	uint32_t index;
	char note[64];
	int rc;

	err = error_begin(err, &own);
	trial_describe(&is, note, sizeof(note));
	pthread_mutex_lock(&room->mutex);
	rc = plan_begin(&plan, room, options, CROOM_BY_PROFILE, note, err);
	if (rc == 0)
		rc = find_slot(room, slot, &index, err);
	if (rc == 0) {
		current = room->panel->slot[index].instance;
		if (current->trial)
			rc = croom_error_set(err, -EBUSY, CROOM_ERROR_OTHER, slot, "slot %s has a %s already: end it first", slot,
					     trial_kind(current->trial));
		else if (!(wrapper = trial_new(&is, current, NULL, plan.state->revision)))
			rc = out_of_memory(err);
	}
	if (rc == 0) {
		plan_put(&plan, index, wrapper);
		instance_put(wrapper);
	}
	return swap_finish(&plan, rc, options, result, NULL, 0);
}
