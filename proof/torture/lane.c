// SPDX-License-Identifier: BSD-2-Clause
/*
 * The lanes. Each does batches of records through all slots and checks what it is given; some yield, some park and
 * sleep, one does neither. A lane that is told to end parks; then it is removed, and another comes under its number.
 */
#include "lane.h"
#include <croom/trial.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 64 };
/*
 * Batches between two yields, by the lane's number: there are more threads than processors, and swaps wait for lanes.
 */
static const unsigned yields_after[] = { 64, 4, 2, 8 };
enum { STYLES = 4 };

struct worker workers[CROOM_LANES_MAX];

static void add(uint64_t *at, uint64_t count)
{
	/* relaxed: one writer, a figure. */
	__atomic_store_n(at, *at + count, __ATOMIC_RELAXED);
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
	if (w->age > waiting_max())
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
		const struct croom_entry *entry = croom_panel_entry(panel, i), inside = croom_trial_inside(entry);
		const struct context *context = inside.ctx;

		if (!context) {
			found(FOUND_EMPTY, "lane %s: slot %u of revision %llu has no context yet", w->name, i,
			      (big)w->revision);
			/* Nothing to call. */
			__atomic_store_n(&w->leave, 1, __ATOMIC_RELAXED);
		} else {
			w->answer[i] = (int)(context->serial & 0x7fffffff);
			w->strict[i] = inside.run != entry->run || context->kind == KIND_SOUR ? 0 : -1;
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

		for (d.slot = 0; d.slot < slots; d.slot++) {
			croom_lane_enter(w->lane, d.slot + 1);
			changed += ((croom_panel_call(panel, d.slot, &d) ^ w->answer[d.slot]) & w->strict[d.slot]) != 0;
		}
		croom_lane_decide(w->lane, d.number, lane_decision(d.number));
		wrong |= d.wrong;
	}
	for (unsigned i = 0; i < slots; i++)
		croom_lane_calls_add(w->lane, i, n);
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
	const struct croom_panel *panel, *before;
	bool parks = torture_on(ACTOR_PARK) && w->number % STYLES;

	croom_lane_thread(w->lane);
	panel = croom_lane_unpark(w->lane);
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
