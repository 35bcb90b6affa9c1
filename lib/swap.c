/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing what a room runs: plan (plan.c), publish one panel, wait for the lanes.
 *
 * Who wants the moment of the change to himself prepares first and commits later; a swap does both at once.
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

struct croom_prepared {
	struct plan plan;
};

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
	char undone[64] = "", where[CROOM_NAME_MAX + 80] = "";
	const char *slot, *handler;
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
	lane_where(room, late, &slot, &handler);
	if (slot)
		snprintf(where, sizeof(where), ", in slot %s (%.60s)", slot, handler);
	if (room->undone == revision)
		snprintf(undone, sizeof(undone), "; it was undone as revision %llu", (unsigned long long)room->undone_by);
	croom_error_set(err, -EAGAIN, CROOM_ERROR_NOT_OBSERVED, late->name,
			"revision %llu is published, but lane %s still runs %llu, for %.3f s now%s%s",
			(unsigned long long)revision, late->name, (unsigned long long)late->passed,
			(double)late_ns / 1e9, where, undone);
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

		/* Its own time to be observed may be over. */
		croom_room_tick(room);
		if (clock_ns(CLOCK_MONOTONIC) >= deadline) {
			croom_room_poll(room, revision, result, err);
			if (err)
				err->code = -ETIMEDOUT;
			return -ETIMEDOUT;
		}
		nanosleep(&pause, NULL);
		pause_ns = pause_ns < 1000000 ? pause_ns * 2 : 1000000;
	}
	return rc;
}

/*
 * With the mutex held and a plan that went `rc` well: commit it, let go, wait. The changes are those that were asked for, to
 * tell of a refusal.
 */
int swap_finish(struct plan *plan, int rc, const struct croom_swap_options *options, struct croom_swap_result *result,
		const struct croom_change *changes, unsigned count)
{
	struct croom_room *room = plan->room;
	uint64_t revision = room->panel->pub.revision + 1;
	enum croom_cause cause = plan->state ? plan->state->cause : CROOM_BY_SWAP;
	int64_t wait_ms = options ? options->wait_ms : WAIT_MS;

	if (rc == 0)
		rc = plan_panel(plan, options);
	if (rc) {
		event_refused(room, options ? options->origin : NULL, changes, count, cause, plan->err);
	} else if (plan->dry) {
		if (result)
			*result = (struct croom_swap_result){ .revision = revision };
	} else {
		plan_publish(plan);
		collect(room);
		result_fill(room, revision, result);
	}
	plan_end(plan);
	pthread_mutex_unlock(&room->mutex);
	if (rc || plan->dry || wait_ms <= 0)
		return rc;
	return wait_observed(room, revision, wait_ms, result, plan->err);
}

/* For the history: what this change is to prove first. */
static void note_of(const struct croom_swap_options *options, char *note, size_t size)
{
	size_t used;

	note[0] = 0;
	if (options && options->trial)
		trial_describe(options->trial, note, size);
	used = strlen(note);
	if (options && options->confirm_ms > 0)
		snprintf(note + used, size - used, "%sto be confirmed within %g s", used ? ", " : "", (double)options->confirm_ms / 1e3);
}

int croom_room_swap(struct croom_room *room, const struct croom_change *changes, unsigned count,
		    const struct croom_swap_options *options, struct croom_swap_result *result,
		    struct croom_error *err)
{
	struct croom_error own;
	struct plan plan;
	char note[256];
	int rc;

	err = error_begin(err, &own);
	if (count == 0)
		return croom_error_set(err, -EINVAL, CROOM_ERROR_OTHER, NULL, "no change was asked for");
	note_of(options, note, sizeof(note));
	pthread_mutex_lock(&room->mutex);
	rc = plan_begin(&plan, room, options, CROOM_BY_SWAP, note, err);
	for (unsigned i = 0; i < count && rc == 0; i++)
		rc = plan_change(&plan, &changes[i]);
	return swap_finish(&plan, rc, options, result, changes, count);
}

int croom_room_prepare(struct croom_room *room, const struct croom_change *changes, unsigned count,
		       const struct croom_swap_options *options, struct croom_prepared **out, struct croom_error *err)
{
	struct croom_prepared *prepared = malloc(sizeof(*prepared));
	struct croom_error own;
	char note[256];
	int rc;

	*out = NULL;
	err = error_begin(err, &own);
	if (!prepared)
		return out_of_memory(err);
	note_of(options, note, sizeof(note));
	pthread_mutex_lock(&room->mutex);
	rc = plan_begin(&prepared->plan, room, options, CROOM_BY_SWAP, note, err);
	prepared->plan.dry = false;
	if (rc == 0 && count == 0)
		rc = croom_error_set(err, -EINVAL, CROOM_ERROR_OTHER, NULL, "no change was asked for");
	for (unsigned i = 0; i < count && rc == 0; i++)
		rc = plan_change(&prepared->plan, &changes[i]);
	if (rc == 0)
		rc = plan_panel(&prepared->plan, options);
	if (rc) {
		event_refused(room, options ? options->origin : NULL, changes, count, CROOM_BY_SWAP, err);
		plan_end(&prepared->plan);
	} else {
		room->prepared++;
	}
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
	struct croom_error own;
	int rc;

	assert(plan->room == room);
	err = error_begin(err, &own);
	pthread_mutex_lock(&room->mutex);
	rc = may_publish(room, revision - 1, err);
	if (rc == 0)
		rc = may_change(room, CROOM_BY_SWAP, err);
	plan->err = err;
	for (unsigned i = 0; i < plan->state->changes && rc == 0; i++)
		rc = plan_quarantined(plan, plan->state->changed[i], plan->state->spec[plan->state->changed[i]]->text);
	if (rc) {
		event_refused(room, NULL, NULL, 0, CROOM_BY_SWAP, err);
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

int croom_room_rollback(struct croom_room *room, uint64_t to_revision, const struct croom_swap_options *options,
			struct croom_swap_result *result, struct croom_error *err)
{
	struct croom_error own;
	struct plan plan;
	int rc;

	err = error_begin(err, &own);
	pthread_mutex_lock(&room->mutex);
	rc = plan_begin(&plan, room, options, CROOM_BY_ROLLBACK, NULL, err);
	if (rc == 0)
		rc = plan_rollback(&plan, to_revision);
	return swap_finish(&plan, rc, options, result, NULL, 0);
}

uint64_t croom_room_revision(struct croom_room *room)
{
	uint64_t revision;

	pthread_mutex_lock(&room->mutex);
	revision = room->panel->pub.revision;
	pthread_mutex_unlock(&room->mutex);
	return revision;
}
