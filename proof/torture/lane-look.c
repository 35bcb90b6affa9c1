// SPDX-License-Identifier: BSD-2-Clause
/* What others see of the lanes: their counts beside the room's, what they noted, how far they are. */
#include "lane.h"
#include <stdlib.h>
#include <string.h>

int look_records(void *env, const struct croom_lane_view *view)
{
	const struct worker *w = env;

	if (strcmp(view->name, w->name) == 0 && (!view->parked || view->records != w->records))
		found(FOUND_COUNT, "lane %s has done %llu records; the room says %llu%s", w->name, (big)w->records,
		      (big)view->records, view->parked ? "" : ", and that it is awake");
	return 0;
}

/*
 * Calls that a lane has made since this revision: all its records since the first that it ran of that or a newer one,
 * by its own notes. False: it is so long ago that the note may be overwritten.
 */
static bool calls_since(const struct worker *w, uint64_t revision, uint64_t *calls)
{
	uint64_t best = UINT64_MAX;

	*calls = 0;
	if (w->ran < revision)
		return true;
	if (w->ran - revision >= SEEN)
		return false;
	for (uint64_t at = revision; at <= w->ran && best == UINT64_MAX; at++)
		if (w->seen[at % SEEN] >> 32 == note(at, w->generation, 0) >> 32)
			best = w->seen[at % SEEN] & 0xffffffff;
	*calls = (w->records + 1 - best) & 0xffffffff;
	return best != UINT64_MAX;
}

struct calls_seen {
	unsigned slot, compared;
};

static int look_calls(void *env, const struct croom_slot_view *view)
{
	struct calls_seen *seen = env;
	uint64_t sum = 0, calls;
	bool known = true;

	for (unsigned i = 0; i < torture.set.lanes; i++)
		if (workers[i].lane) {
			known = known && calls_since(&workers[i], view->since_revision, &calls);
			sum += calls;
		}
	if (known && sum != view->calls)
		found(FOUND_COUNT, "slot %u: the lanes have made %llu calls of %s, the room says %llu", seen->slot, (big)sum,
		      view->handler, (big)view->calls);
	seen->slot++;
	seen->compared += known;
	return 0;
}

/* All lanes are parked: what they counted is what the room shows. */
void lanes_check_counts(void)
{
	struct calls_seen seen = { 0 };

	for (unsigned i = 0; i < torture.set.lanes; i++)
		if (workers[i].lane)
			croom_room_each_lane(torture.room, look_records, &workers[i]);
	croom_room_each_slot(torture.room, look_calls, &seen);
	torture_tally(TALLY_COUNTS, seen.compared);
}

void lanes_free(void)
{
	for (unsigned i = 0; i < torture.set.lanes; i++)
		free(workers[i].seen);
}

uint64_t lanes_calls(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < torture.set.lanes; i++)
		sum += figure(&workers[i].all_calls);
	return sum;
}

void lanes_sum(struct lane_sums *sums)
{
	*sums = (struct lane_sums){ .calls = lanes_calls() };
	for (unsigned i = 0; i < torture.set.lanes; i++) {
		const struct worker *w = &workers[i];

		sums->records += figure(&w->all_records);
		sums->observes += figure(&w->observes);
		sums->moves += figure(&w->moves);
		sums->parks += figure(&w->parks);
		for (unsigned k = 0; k < AGES; k++) {
			sums->used[k] += figure(&w->used[k]);
			sums->left[k] += figure(&w->left[k]);
		}
	}
}

static const struct worker *worker_of(const char *name, unsigned *generation)
{
	unsigned number;

	if (sscanf(name, "l%u.%u", &number, generation) != 2 || number >= torture.set.lanes)
		return NULL;
	return &workers[number];
}

/* Has the lane of this name not gone yet? */
bool lane_there(const char *name)
{
	unsigned generation = 0;
	const struct worker *w = worker_of(name, &generation);

	return w && __atomic_load_n(&w->generation, __ATOMIC_RELAXED) == generation;
}

/* The low 32 bits of the record that the lane noted as the first of this revision; false: it has no note (any more). */
bool lane_saw(const char *name, uint64_t revision, uint64_t *first)
{
	unsigned generation = 0;
	const struct worker *w = worker_of(name, &generation);
	uint64_t seen = w ? figure(&w->seen[revision % SEEN]) : 0;

	*first = seen & 0xffffffff;
	return seen >> 32 == note(revision, generation, 0) >> 32;
}

/*
 * How far the lane of this name is; false: it has gone, or is parking or waking and the room cannot know what it holds.
 */
bool lane_awake(const char *name, uint64_t *observes, uint64_t *naps)
{
	unsigned generation = 0;
	const struct worker *w = worker_of(name, &generation);

	if (!w || __atomic_load_n(&w->generation, __ATOMIC_RELAXED) != generation)
		return false;
	*naps = __atomic_load_n(&w->naps, __ATOMIC_ACQUIRE);
	*observes = __atomic_load_n(&w->observes, __ATOMIC_ACQUIRE);
	return *naps % 2 == 0;
}
