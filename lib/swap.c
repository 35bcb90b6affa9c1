/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing what a room runs: prepare everything that can fail, publish one panel, wait for the lanes.
 *
 * A transaction is prepared in full (handlers opened, panel and history made) before anything is visible; from
 * publish() on nothing can fail. Who wants the moment to himself prepares first and commits later; a swap does both. If this thread stops before the store in publish(), nothing has changed; after
 * it, the lanes move by themselves, and whoever calls the room next closes what is left.
 */
#include "room-impl.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAIT_MS = 5000, LOOKS = 100 };
#define WAIT_MS_MAX (INT64_C(1000) * 86400 * 365)

/* What a swap or a rollback is about to put in force. */
struct plan {
	struct croom_room *room;
	struct croom_error *err;
	struct state *state;
	struct panel *panel;         /* what will be published */
	struct instance *instance[CROOM_SLOTS_MAX];  /* per slot; NULL: stays as it is */
};

struct croom_prepared {
	struct plan plan;
};

/*
 * pair: room.publish -- release; the acquires are in croom_lane_observe(), lane.h, and croom_lane_move(), lane.c.
 * pair: lane.unpark -- and seq_cst, because lane_look() must not read `observed` before this store is visible.
 */
static void publish(struct croom_room *room, struct panel *panel)
{
	struct panel *old = room->panel;

	room->panel = panel;
	croom_set_seq(lane.unpark.publish, &room->wire, &panel->pub);
	retire(room, old);
}

static int out_of_memory(struct croom_error *err)
{
	croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory; nothing was changed");
	return -ENOMEM;
}

/* May a panel be published now, and is `expect` (0: any) the current one? */
static int may_publish(struct croom_room *room, uint64_t expect, struct croom_error *err)
{
	uint64_t current = room->panel->pub.revision;

	if (expect && expect != current) {
		croom_error_set(err, -ESTALE, CROOM_ERROR_WRONG_REVISION, NULL,
				"revision %llu was expected, but %llu is current: look at what changed and ask again",
				(unsigned long long)expect, (unsigned long long)current);
		if (err)
			err->revision = current;
		return -ESTALE;
	}
	collect(room);
	if (room->retired >= CROOM_RETIRED_MAX) {
		int64_t late_ns;
		const struct lane *late = late_lane(room, current, &late_ns);

		croom_error_set(err, -EBUSY, CROOM_ERROR_BUSY, late ? late->name : "",
				"%u older panels wait for lane %s, which has not moved for %.1f s; nothing was changed",
				room->retired, late ? late->name : "?", (double)late_ns / 1e9);
		return -EBUSY;
	}
	return 0;
}

static int plan_begin(struct plan *plan, struct croom_room *room, const struct croom_swap_options *options,
		      struct croom_error *err)
{
	int rc = may_publish(room, options ? options->expect : 0, err);

	plan->room = room;
	plan->err = err;
	plan->state = NULL;
	plan->panel = NULL;
	memset(plan->instance, 0, room->slots * sizeof(plan->instance[0]));
	if (rc)
		return rc;
	plan->state = state_new(room, room->panel->pub.revision + 1, options ? options->origin : NULL);
	if (!plan->state)
		return out_of_memory(err);
	return 0;
}

/* Close what was opened for a plan and is not (or not only) in force. */
static void plan_end(struct plan *plan)
{
	for (unsigned i = 0; i < plan->room->slots; i++)
		instance_put(plan->instance[i]);
	if (plan->panel)
		panel_free(plan->room, plan->panel);
	state_free(plan->room, plan->state);
}

/* Put this spec into the slot; the plan takes over the caller's reference, also on failure. */
static int plan_set(struct plan *plan, uint32_t slot, struct spec *spec)
{
	struct state *state = plan->state;
	struct spec *from = plan->room->panel->slot[slot].instance->spec;

	from->refs++;
	state->changed[state->changes] = slot;
	state->from[state->changes++] = from;
	state->spec[slot] = spec;
	return instance_open(&plan->instance[slot], spec, plan->room->slot[slot].def->name, plan->err);
}

static int plan_change(struct plan *plan, const struct croom_change *change)
{
	size_t class = strcspn(change->handler, ":");
	const struct class_entry *entry;
	struct spec *spec;
	uint32_t slot;
	int rc = find_slot(plan->room, change->slot, &slot, plan->err);

	if (rc)
		return rc;
	if (plan->state->spec[slot])
		return croom_error_set(plan->err, -EINVAL, CROOM_ERROR_OTHER, change->slot,
				       "slot %s is named twice; name it once", change->slot);
	entry = find_class(plan->room, slot, change->handler, class, plan->err);
	if (!entry)
		return -ENOENT;
	if (strlen(change->handler) > class + 1 + CROOM_CONFIG_MAX) {
		char subject[2 * CROOM_NAME_MAX + 2];

		snprintf(subject, sizeof(subject), "%s=%s", change->slot, entry->class.name);
		return croom_error_set(plan->err, -EINVAL, CROOM_ERROR_BAD_CONFIG, subject,
				       "%s: the config is longer than %d bytes", subject, CROOM_CONFIG_MAX);
	}
	spec = spec_new(entry, change->handler, class);
	if (!spec)
		return out_of_memory(plan->err);
	return plan_set(plan, slot, spec);
}

/* Everything is open: make the panel. */
static int plan_panel(struct plan *plan)
{
	struct croom_room *room = plan->room;
	struct panel *panel = panel_new(room, plan->state->revision);

	if (!panel)
		return out_of_memory(plan->err);
	plan->panel = panel;
	for (uint32_t i = 0; i < room->slots; i++) {
		const struct panel_slot *was = &room->panel->slot[i];

		if (plan->instance[i]) {
			panel_set(panel, i, plan->instance[i], panel->pub.revision, plan->state->time_ns);
		} else {
			panel_set(panel, i, was->instance, was->since_revision, was->since_ns);
			plan->state->spec[i] = was->instance->spec;
			plan->state->spec[i]->refs++;
		}
	}
	return 0;
}

/* Publish and remember it; cannot fail. */
static void plan_publish(struct plan *plan)
{
	publish(plan->room, plan->panel);
	plan->panel = NULL;
	history_add(plan->room, plan->state);
	plan->state = NULL;
}

static void result_fill(const struct croom_room *room, uint64_t revision, struct croom_swap_result *result)
{
	if (!result)
		return;
	result->revision = revision;
	result->lanes = room->lanes;
	for (unsigned i = 0; i < room->lanes; i++)
		lane_start(room->lane[i], revision, &result->lane[i]);
}

static int poll_locked(struct croom_room *room, uint64_t revision, struct croom_swap_result *result,
		       struct croom_error *err)
{
	const struct lane *late;
	int64_t late_ns;

	if (revision > room->panel->pub.revision)
		return croom_error_set(err, -EINVAL, CROOM_ERROR_OTHER, NULL, "there is no revision %llu yet; the newest is %llu",
				       (unsigned long long)revision, (unsigned long long)room->panel->pub.revision);
	collect(room);
	result_fill(room, revision, result);
	late = late_lane(room, revision, &late_ns);
	if (!late) {
		if (err)
			memset(err, 0, sizeof(*err));
		return 0;
	}
	croom_error_set(err, -EAGAIN, CROOM_ERROR_NOT_OBSERVED, late->name,
			"revision %llu is published, but lane %s still runs %llu, for %.3f s now",
			(unsigned long long)revision, late->name, (unsigned long long)late->passed,
			(double)late_ns / 1e9);
	if (err)
		err->revision = revision;
	return -EAGAIN;
}

int croom_room_poll(struct croom_room *room, uint64_t revision, struct croom_swap_result *result,
		    struct croom_error *err)
{
	int rc;

	pthread_mutex_lock(&room->mutex);
	rc = poll_locked(room, revision, result, err);
	pthread_mutex_unlock(&room->mutex);
	return rc;
}

static bool observed(struct croom_room *room, uint64_t revision)
{
	bool all;

	pthread_mutex_lock(&room->mutex);
	collect(room);
	all = !late_lane(room, revision, NULL);
	pthread_mutex_unlock(&room->mutex);
	return all;
}

static void wait_a_little(void)
{
#if defined(__x86_64__)
	for (int i = 0; i < 4; i++)
		__builtin_ia32_pause();
#endif
}

/* A lane that is running moves within a batch: look at once, in a loop of some microseconds, then ever more rarely. */
static int wait_observed(struct croom_room *room, uint64_t revision, int64_t wait_ms,
			 struct croom_swap_result *result, struct croom_error *err)
{
	int64_t deadline = clock_ns(CLOCK_MONOTONIC) + (wait_ms < WAIT_MS_MAX ? wait_ms : WAIT_MS_MAX) * 1000000;
	long pause_ns = 1000;
	int rc;

	for (unsigned i = 0; i < LOOKS && !observed(room, revision); i++)
		wait_a_little();
	while ((rc = croom_room_poll(room, revision, result, err)) == -EAGAIN) {
		struct timespec pause = { .tv_nsec = pause_ns };

		if (clock_ns(CLOCK_MONOTONIC) >= deadline) {
			if (err)
				err->code = -ETIMEDOUT;
			return -ETIMEDOUT;
		}
		nanosleep(&pause, NULL);
		pause_ns = pause_ns < 1000000 ? pause_ns * 2 : 1000000;
	}
	return rc;
}

/* With the mutex held and a plan that went `rc` well: commit it, let go, wait. */
static int plan_finish(struct plan *plan, int rc, const struct croom_swap_options *options,
		       struct croom_swap_result *result)
{
	struct croom_room *room = plan->room;
	uint64_t revision = room->panel->pub.revision + 1;
	int64_t wait_ms = options ? options->wait_ms : WAIT_MS;

	if (rc == 0)
		rc = plan_panel(plan);
	if (rc == 0) {
		plan_publish(plan);
		collect(room);
		result_fill(room, revision, result);
	}
	plan_end(plan);
	pthread_mutex_unlock(&room->mutex);
	if (rc || wait_ms <= 0)
		return rc;
	return wait_observed(room, revision, wait_ms, result, plan->err);
}

int croom_room_swap(struct croom_room *room, const struct croom_change *changes, unsigned count,
		    const struct croom_swap_options *options, struct croom_swap_result *result,
		    struct croom_error *err)
{
	struct plan plan;
	int rc;

	if (err)
		memset(err, 0, sizeof(*err));
	if (count == 0)
		return croom_error_set(err, -EINVAL, CROOM_ERROR_OTHER, NULL, "no change was asked for");
	pthread_mutex_lock(&room->mutex);
	rc = plan_begin(&plan, room, options, err);
	for (unsigned i = 0; i < count && rc == 0; i++)
		rc = plan_change(&plan, &changes[i]);
	return plan_finish(&plan, rc, options, result);
}

int croom_room_prepare(struct croom_room *room, const struct croom_change *changes, unsigned count,
		       const struct croom_swap_options *options, struct croom_prepared **out, struct croom_error *err)
{
	struct croom_prepared *prepared = malloc(sizeof(*prepared));
	int rc;

	*out = NULL;
	if (err)
		memset(err, 0, sizeof(*err));
	if (!prepared)
		return out_of_memory(err);
	pthread_mutex_lock(&room->mutex);
	rc = plan_begin(&prepared->plan, room, options, err);
	if (rc == 0 && count == 0)
		rc = croom_error_set(err, -EINVAL, CROOM_ERROR_OTHER, NULL, "no change was asked for");
	for (unsigned i = 0; i < count && rc == 0; i++)
		rc = plan_change(&prepared->plan, &changes[i]);
	if (rc == 0)
		rc = plan_panel(&prepared->plan);
	if (rc)
		plan_end(&prepared->plan);
	else
		room->prepared++;
	pthread_mutex_unlock(&room->mutex);
	if (rc)
		free(prepared);
	else
		*out = prepared;
	return rc;
}

int croom_room_commit(struct croom_room *room, struct croom_prepared *prepared, int64_t wait_ms,
		      struct croom_swap_result *result, struct croom_error *err)
{
	struct plan *plan = &prepared->plan;
	uint64_t revision = plan->state->revision;
	int rc;

	assert(plan->room == room);
	if (err)
		memset(err, 0, sizeof(*err));
	pthread_mutex_lock(&room->mutex);
	rc = may_publish(room, revision - 1, err);
	if (rc) {
		pthread_mutex_unlock(&room->mutex);
		return rc;
	}
	/* In force from now on, not since it was prepared. */
	plan->state->time_ns = clock_ns(CLOCK_REALTIME);
	for (unsigned i = 0; i < plan->state->changes; i++)
		plan->panel->slot[plan->state->changed[i]].since_ns = plan->state->time_ns;
	plan_publish(plan);
	room->prepared--;
	collect(room);
	result_fill(room, revision, result);
	plan_end(plan);
	pthread_mutex_unlock(&room->mutex);
	free(prepared);
	return wait_ms > 0 ? wait_observed(room, revision, wait_ms, result, err) : 0;
}

void croom_room_discard(struct croom_room *room, struct croom_prepared *prepared)
{
	if (!prepared)
		return;
	assert(prepared->plan.room == room);
	pthread_mutex_lock(&room->mutex);
	plan_end(&prepared->plan);
	room->prepared--;
	pthread_mutex_unlock(&room->mutex);
	free(prepared);
}

/* Open anew what differs between now and then; a slot that has kept its spec keeps its handler. */
static int plan_rollback(struct plan *plan, uint64_t to_revision)
{
	struct croom_room *room = plan->room;
	uint64_t current = room->panel->pub.revision;
	uint64_t target = to_revision ? to_revision : current - 1;
	const struct state *then = target && target < current ? history_find(room, target) : NULL;
	int rc = 0;

	if (!then) {
		if (target == current || target == 0)
			return croom_error_set(plan->err, -ENODATA, CROOM_ERROR_NO_HISTORY, NULL, target ?
					       "revision %llu is the current one" :
					       "revision %llu: there is nothing before the first", (unsigned long long)target);
		return croom_error_set(plan->err, -ENODATA, CROOM_ERROR_NO_HISTORY, NULL,
				       "revision %llu is not in the history, which holds the last %u changes",
				       (unsigned long long)target, room->states - 1);
	}
	plan->state->rollback_to = target;
	for (uint32_t i = 0; i < room->slots && rc == 0; i++) {
		if (then->spec[i] == room->panel->slot[i].instance->spec)
			continue;
		then->spec[i]->refs++;
		rc = plan_set(plan, i, then->spec[i]);
	}
	return rc;
}

int croom_room_rollback(struct croom_room *room, uint64_t to_revision, const struct croom_swap_options *options,
			struct croom_swap_result *result, struct croom_error *err)
{
	struct plan plan;
	int rc;

	if (err)
		memset(err, 0, sizeof(*err));
	pthread_mutex_lock(&room->mutex);
	rc = plan_begin(&plan, room, options, err);
	if (rc == 0)
		rc = plan_rollback(&plan, to_revision);
	return plan_finish(&plan, rc, options, result);
}

uint64_t croom_room_revision(struct croom_room *room)
{
	uint64_t revision;

	pthread_mutex_lock(&room->mutex);
	revision = room->panel->pub.revision;
	pthread_mutex_unlock(&room->mutex);
	return revision;
}
