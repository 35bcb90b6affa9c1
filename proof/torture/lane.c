// SPDX-License-Identifier: BSD-2-Clause
/*
 * The lanes. Each does batches of records through all slots and checks what it is given; some yield, some park and
 * sleep, one does neither. A lane that is told to end parks; then it is removed, and another comes under its number.
 *
 * A worker's fields are its thread's; what others read are single-writer figures, stored relaxed. `seen` is where the
 * lane notes which record a revision began with: a word each, so that whoever reads it gets a note or another, no
 * mixture.
 */
#include "torture.h"
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 64, SEEN = 16384, OLD_MAX = CROOM_RETIRED_MAX };
/*
 * Batches between two yields, by the lane's number: there are more threads than processors, and swaps wait for lanes.
 */
static const unsigned yields_after[] = { 64, 4, 2, 8 };
enum { STYLES = 4 };

struct worker {
	struct crew crew;
	struct croom_lane *lane;
	char name[CROOM_NAME_MAX + 1];      /* lNUMBER.GENERATION, as lane and thread */
	unsigned number;
	unsigned generation;                /* relaxed, for who has the name of one before */
	bool runs, removes_itself;          /* runs: there is a thread to wait for */
	int leave;                          /* relaxed: asked to end */
	uint64_t revision, ran, newest_ran; /* held now; the newest, by this lane and by all of its number */
	uint64_t records;                   /* of this lane, as the room counts them */
	uint64_t rounds, age;               /* age: of the panel, when it was last used */
	uint64_t serial[CROOM_SLOTS_MAX], counted[CROOM_SLOTS_MAX]; /* of the context in the slot: which, calls of it */
	int answer[CROOM_SLOTS_MAX];        /* of the context that the panel has */
	uint64_t all_calls __attribute__((aligned(64))), all_records, observes, moves, parks;
	uint64_t naps;                      /* odd: between two, it parks or wakes */
	uint64_t used[AGES], left[AGES];    /* age of the panel after each batch, and when it was left */
	uint64_t *seen;
};

static struct worker workers[CROOM_LANES_MAX];

static void add(uint64_t *at, uint64_t count)
{
	/* relaxed: one writer, a figure. */
	__atomic_store_n(at, *at + count, __ATOMIC_RELAXED);
}

static uint64_t figure(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

/* 24 bits of the revision, 8 of the generation, 32 of the record. */
static uint64_t note(uint64_t revision, unsigned generation, uint64_t first)
{
	return revision << 40 | (uint64_t)(generation & 0xff) << 32 | (first & 0xffffffff);
}

/*
 * How many revisions has the control side published since this panel? More than it may keep: it has been freed. Before
 * the lane observes: after that it may be.
 */
static void judge_age(struct worker *w)
{
	uint64_t newest = figure(&torture.newest), freed = figure(&torture.floor);

	w->age = newest > w->revision ? newest - w->revision : 0;
	add(&w->used[age_column(w->age)], 1);
	if (w->revision < freed)
		found(FOUND_AGE, "lane %s still had revision %llu, and all below %llu have been freed", w->name,
		      (big)w->revision, (big)freed);
	if (w->age > OLD_MAX)
		found(FOUND_AGE, "lane %s still had revision %llu at %llu: no room keeps a panel that long", w->name,
		      (big)w->revision, (big)newest);
}

/* A panel that this lane has not had before. */
static void judge_panel(struct worker *w, const struct croom_panel *panel)
{
	if (panel->revision < w->newest_ran)
		found(FOUND_BACK, "lane %s went from revision %llu back to %llu", w->name, (big)w->newest_ran,
		      (big)panel->revision);
	w->revision = panel->revision;
	if (w->revision == w->ran)
		return;
	w->ran = w->newest_ran = w->revision;
	add(&w->moves, 1);
	for (unsigned i = 0; i < torture.set.slots; i++) {
		const struct context *context = croom_panel_entry(panel, i)->ctx;

		if (!context) {
			found(FOUND_EMPTY, "lane %s: slot %u of revision %llu has no context yet", w->name, i,
			      (big)w->revision);
			/* Nothing to call. */
			__atomic_store_n(&w->leave, 1, __ATOMIC_RELAXED);
		} else if (context->serial != w->serial[i]) {
			w->serial[i] = context->serial;
			w->answer[i] = (int)(context->serial & 0x7fffffff);
			w->counted[i] = 0;
		}
	}
	__atomic_store_n(&w->seen[w->revision % SEEN], note(w->revision, w->generation, w->records + 1), __ATOMIC_RELAXED);
}

static void judge_batch(struct worker *w, const struct croom_panel *panel, uint32_t wrong, unsigned changed)
{
	for (unsigned bit = 0; wrong >> bit; bit++)
		if (wrong >> bit & 1)
			found((enum finding)bit, "lane %s, up to record %llu, under revision %llu, newest %llu", w->name,
			      (big)w->records, (big)w->revision,
			      (big)figure(&torture.newest));
	if (panel->revision != w->revision)
		found(FOUND_PANEL, "lane %s: the panel it has turned from revision %llu into %llu", w->name,
		      (big)w->revision, (big)panel->revision);
	else if (changed && !wrong)
		found(FOUND_PANEL, "lane %s: %u calls under revision %llu went to another context than the first", w->name,
		      changed, (big)w->revision);
}

static void batch(struct worker *w, const struct croom_panel *panel)
{
	unsigned n = 1 + luck_below(&w->crew.luck, BATCH_MAX), slots = torture.set.slots, changed = 0;
	uint32_t wrong = 0;

	for (unsigned i = 0; i < n; i++) {
		drop d = { .number = w->records + i + 1, .group = torture.group };

		for (d.slot = 0; d.slot < slots; d.slot++)
			changed += croom_panel_call(panel, d.slot, &d) != w->answer[d.slot];
		wrong |= d.wrong;
	}
	for (unsigned i = 0; i < slots; i++) {
		croom_lane_calls_add(w->lane, i, n);
		w->counted[i] += n;
	}
	croom_lane_records_add(w->lane, n);
	w->records += n;
	add(&w->all_records, n);
	add(&w->all_calls, (uint64_t)n * slots);
	if (wrong || changed || panel->revision != w->revision)
		judge_batch(w, panel, wrong, changed);
	judge_age(w);
}

/* Release: who sees the count sees what the lane has told the room before. Only asked for about a lane that is late. */
static void step(uint64_t *at)
{
	__atomic_store_n(at, *at + 1, __ATOMIC_RELEASE);
}

static const struct croom_panel *nap(struct worker *w)
{
	const struct croom_panel *panel;

	step(&w->naps);
	croom_lane_park(w->lane);
	if (w->number % STYLES == 3)
		crew_rest(&w->crew.luck, 200);
	else if (w->number % STYLES == 1)
		sched_yield();
	panel = croom_lane_unpark(w->lane);
	step(&w->naps);
	judge_panel(w, panel);
	add(&w->parks, 1);
	return panel;
}

static bool leaving(const struct worker *w)
{
	return __atomic_load_n(&w->leave, __ATOMIC_RELAXED) || __atomic_load_n(&torture.stop_lanes, __ATOMIC_RELAXED);
}

static int look_records(void *env, const struct croom_lane_view *view)
{
	const struct worker *w = env;

	if (strcmp(view->name, w->name) == 0 && (!view->parked || view->records != w->records))
		found(FOUND_COUNT, "lane %s has done %llu records; the room says %llu%s", w->name, (big)w->records,
		      (big)view->records, view->parked ? "" : ", and that it is awake");
	return 0;
}

/* The thread has ended, or is about to. */
static void lane_remove(struct worker *w)
{
	croom_room_each_lane(torture.room, look_records, w);
	croom_room_lane_remove(torture.room, w->lane);
	w->lane = NULL;
}

static void lane_body(struct crew *self)
{
	struct worker *w = self->of;
	const struct croom_panel *panel = croom_lane_unpark(w->lane), *before;
	bool parks = torture_on(ACTOR_PARK) && w->number % STYLES;

	judge_panel(w, panel);
	while (!leaving(w)) {
		batch(w, panel);
		/* As for work that must still be done under this panel: now and then not at once. */
		if (croom_lane_pending(w->lane, panel) && luck_below(&self->luck, 4) == 0)
			batch(w, panel);
		before = panel;
		panel = croom_lane_observe(w->lane, panel);
		step(&w->observes);
		if (panel != before || panel->revision != w->revision) {
			add(&w->left[age_column(w->age)], 1);
			judge_panel(w, panel);
		}
		w->rounds++;
		if (parks && luck_below(&self->luck, 8) == 0)
			panel = nap(w);
		else if (w->rounds % yields_after[w->number % STYLES] == 0)
			sched_yield();
	}
	croom_lane_park(w->lane);
	if (w->removes_itself && !__atomic_load_n(&torture.stop_lanes, __ATOMIC_RELAXED))
		lane_remove(w);
}

static int lane_start(struct worker *w)
{
	int rc;

	__atomic_store_n(&w->generation, w->generation + 1, __ATOMIC_RELAXED);
	snprintf(w->name, sizeof(w->name), "l%u.%u", w->number, w->generation);
	w->records = w->ran = 0;
	memset(w->serial, 0, sizeof(w->serial));
	w->leave = 0;
	w->removes_itself = w->generation % 2;
	rc = croom_room_lane_add(torture.room, w->name, &w->lane);
	if (rc)
		fprintf(stderr, "croomtorture: no lane %s: %s\n", w->name, strerror(-rc));
	else
		rc = crew_start(&w->crew, w->name, lane_body, w);
	w->runs = rc == 0;
	return rc;
}

int lanes_start(void)
{
	int rc = 0;

	for (unsigned i = 0; i < torture.set.lanes && rc == 0; i++) {
		workers[i].number = i;
		workers[i].seen = calloc(SEEN, sizeof(uint64_t));
		rc = workers[i].seen ? lane_start(&workers[i]) : -ENOMEM;
	}
	return rc;
}

void exit_body(struct crew *self)
{
	while (!torture_over()) {
		struct worker *w = &workers[luck_below(&self->luck, torture.set.lanes)];

		crew_rest(&self->luck, 4000);
		__atomic_store_n(&w->leave, 1, __ATOMIC_RELAXED);
		crew_wait(&w->crew);
		if (w->lane)
			lane_remove(w);
		if (lane_start(w)) {
			found(FOUND_ANSWER, "a lane could not be added");
			return;
		}
		torture_done(ACTOR_EXIT, 1);
	}
}

/* After the actors: what is left of the lanes parks and ends, and stays in the room for the last checks. */
void lanes_stop(void)
{
	__atomic_store_n(&torture.stop_lanes, 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < torture.set.lanes; i++)
		if (workers[i].runs)
			crew_wait(&workers[i].crew);
}

static int look_calls(void *env, const struct croom_slot_view *view)
{
	unsigned *slot = env;
	uint64_t calls = 0;

	/* A lane that never ran the handler that sits there now has calls of an older one. */
	for (unsigned i = 0; i < torture.set.lanes; i++)
		if (workers[i].lane && workers[i].ran >= view->since_revision)
			calls += workers[i].counted[*slot];
	if (calls != view->calls)
		found(FOUND_COUNT, "slot %u: the lanes have made %llu calls of %s, the room says %llu", *slot,
		      (big)calls, view->handler, (big)view->calls);
	(*slot)++;
	return 0;
}

/* All lanes are parked: what they counted is what the room shows. */
void lanes_check_counts(void)
{
	unsigned slot = 0;

	for (unsigned i = 0; i < torture.set.lanes; i++)
		if (workers[i].lane)
			croom_room_each_lane(torture.room, look_records, &workers[i]);
	croom_room_each_slot(torture.room, look_calls, &slot);
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
