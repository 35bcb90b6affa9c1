/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two sides of a lane. What each pair guarantees is told in doc/ORDERING.md.
 *
 * If the data thread stops anywhere: before its echo it still counts as holding the older panel, which is then
 * not closed; after its echo it touches only the new one. If it stops while parked it holds nothing. If the
 * control side stops anywhere, the lane goes on with whatever the wire holds.
 */
#include "lane-impl.h"
#include "panel-impl.h"
#include <assert.h>
#include <string.h>
#include <unistd.h>

static void lane_mark(struct lane *lane, uint64_t revision)
{
	struct lane_mark *mark = &lane->marks[lane->moves % LANE_MARKS];

	/* relaxed: the release below keeps it before the new figure, and a reader that sees 0 looks no further. */
	croom_set_relaxed(&mark->revision, 0);
	/* pair: lane.mark -- release; the acquire is in mark_read(), below. */
	croom_set_release(lane.mark.first, &mark->first, lane->pub.records + 1);
	croom_set_release(lane.mark.revision, &mark->revision, revision);
	lane->moves++;
}

/* 0 when the mark is just being written. */
static uint64_t mark_read(const struct lane_mark *mark, uint64_t *first)
{
	/* pair: lane.mark -- acquire; the release is in lane_mark(), above. */
	uint64_t revision = croom_get_acquire(lane.mark.look, &mark->revision);

	*first = croom_get_acquire(lane.mark.look_first, &mark->first);
	/* relaxed: the acquire before keeps it after the figure; revisions are never used twice. */
	return croom_get_relaxed(&mark->revision) == revision ? revision : 0;
}

static const struct croom_panel *lane_take(struct lane *lane, const struct croom_panel *panel)
{
	const struct panel_slot *slot = panel_of(panel)->slot;

	/* The same one again after a sleep is no new start. */
	if (panel->revision != lane->ran) {
		for (uint32_t i = 0; i < lane->slots; i++)
			if (slot[i].since_revision > lane->ran)
				/* relaxed: a figure for people; lane_calls() copes with any mix. */
				croom_set_relaxed(&lane->base[i], lane->pub.calls[i]);
		lane_mark(lane, panel->revision);
		lane->ran = panel->revision;
	}
	lane->panel = panel;
	/* pair: lane.observed -- release; the acquire is in lane_look(), below. All use of older panels is done. */
	croom_set_release(lane.observed.take, &lane->observed, panel->revision);
	return panel;
}

const struct croom_panel *croom_lane_move(struct croom_lane *pub)
{
	struct lane *lane = (struct lane *)pub;
	/* pair: room.publish -- acquire; the release is in publish(), plan.c. Also for observe, which only compares. */
	const struct croom_panel *panel = croom_get_acquire(room.publish.move, lane->pub.wire);

	/* Where `since_revision` is, when there are few slots: the second miss goes along with the first. */
	__builtin_prefetch((const char *)panel + PANEL_LINE);
	/* A lane that is parked has to unpark: nobody knows that it holds what it takes here. */
	assert(lane->panel);
	if (panel == lane->panel)
		return panel;
	return lane_take(lane, panel);
}

void croom_lane_park(struct croom_lane *pub)
{
	struct lane *lane = (struct lane *)pub;

	lane->panel = NULL;
	croom_lane_enter(pub, 0);
	/* pair: lane.observed -- release; the acquire is in lane_look(), below. The count goes in the same word. */
	croom_set_release(lane.observed.park, &lane->observed, LANE_PARKED | lane->pub.records);
}

void croom_lane_thread(struct croom_lane *lane)
{
	/* relaxed: a figure for people. */
	croom_set_relaxed(&lane->thread, (uint64_t)gettid());
}

const struct croom_panel *croom_lane_unpark(struct croom_lane *pub)
{
	struct lane *lane = (struct lane *)pub;
	const struct croom_panel *panel;

	/*
	 * pair: lane.unpark -- seq_cst store, then seq_cst load; the other side is publish() in plan.c (store) and
	 * lane_look() below (load). Either this load sees the new panel, or that one sees that the lane is awake.
	 */
	croom_set_seq(lane.unpark.announce, &lane->observed, 0);
	panel = croom_get_seq(lane.unpark.wake, lane->pub.wire);
	return lane_take(lane, panel);
}

void lane_look(struct lane *lane, uint64_t current)
{
	/*
	 * pair: lane.unpark -- seq_cst load after publish()'s seq_cst store; see croom_lane_unpark().
	 * pair: lane.observed -- and acquire: what the lane did with older panels is over before they are closed.
	 */
	uint64_t observed = croom_get_seq(lane.unpark.look, &lane->observed);

	lane->parked = (observed & LANE_PARKED) != 0;
	if (lane->parked) {
		/* It holds nothing and will wake to the current panel, or to a newer one. */
		lane->first_awake = (observed & ~LANE_PARKED) + 1;
		observed = current;
	}
	if (observed > lane->passed)
		lane->passed = observed;
}

/* The newest revision that the lane has run, 0 for none, and which mark says so. */
static uint64_t lane_ran(const struct lane *lane, unsigned *at)
{
	uint64_t ran = 0, first;

	*at = 0;
	for (unsigned i = 0; i < LANE_MARKS; i++) {
		uint64_t revision = mark_read(&lane->marks[i], &first);

		if (revision > ran) {
			ran = revision;
			*at = i;
		}
	}
	return ran;
}

/*
 * The oldest mark that is not older than `revision`: 0 when there is none, UINT64_MAX when it cannot be told.
 *
 * Marks are written in turn, and the lane may write several meanwhile: it may come late with those of panels that it loaded
 * long ago. So they are read from the newest backwards. Who has read one sees the one before it, or what was written over
 * that since, which is newer than both; so none between two is ever passed over.
 */
static uint64_t mark_find(const struct lane *lane, uint64_t revision, uint64_t *first)
{
	uint64_t found = 0;
	unsigned at;

	lane_ran(lane, &at);
	for (unsigned i = 0; i < LANE_MARKS; i++, at = (at + LANE_MARKS - 1) % LANE_MARKS) {
		uint64_t mark_first, ran = mark_read(&lane->marks[at], &mark_first);

		/* Records count from 1: nothing was ever written here, so the one before was the lane's first. */
		if (ran == 0 && mark_first == 0)
			return found;
		if (ran == 0 || (found && ran >= found))
			break;
		if (ran < revision)
			return found;
		found = ran;
		*first = mark_first;
		if (ran == revision)
			return found;
	}
	return UINT64_MAX;
}

void lane_start(const struct lane *lane, uint64_t revision, struct croom_lane_start *start)
{
	uint64_t first = 0, ran = mark_find(lane, revision, &first);

	memcpy(start->lane, lane->name, sizeof(start->lane));
	start->parked = lane->parked;
	start->observed = lane->passed >= revision;
	start->revision = 0;
	start->first_record = 0;
	if (ran && ran != UINT64_MAX) {
		start->revision = ran;
		start->first_record = first;
	} else if (ran == 0 && start->observed) {
		/* It was parked when it was looked at; by now it may be awake, but has done no record since. */
		start->revision = lane->passed;
		start->first_record = lane->first_awake;
	}
}

uint64_t lane_calls(const struct lane *lane, uint32_t slot, uint64_t since_revision)
{
	uint64_t base, calls;
	unsigned at;

	if (lane_ran(lane, &at) < since_revision)
		return 0;
	/* relaxed: the base may be newer than the count; then there is nothing to show yet. */
	base = croom_get_relaxed(&lane->base[slot]);
	calls = croom_get_relaxed(&lane->pub.calls[slot]);
	return calls > base ? calls - base : 0;
}

static size_t lane_counts(uint32_t slots)
{
	return (slots * sizeof(uint64_t) + LANE_LINE - 1) / LANE_LINE * LANE_LINE;
}

size_t lane_bytes(uint32_t slots)
{
	return sizeof(struct lane) + 2 * lane_counts(slots);
}

struct lane *lane_init(void *memory, const char *name, const struct croom_panel *const *wire, uint32_t slots)
{
	struct lane *lane = memory;

	memset(lane, 0, lane_bytes(slots));
	lane->pub.calls = (uint64_t *)(void *)(lane + 1);
	lane->base = lane->pub.calls + lane_counts(slots) / sizeof(uint64_t);
	lane->pub.wire = wire;
	lane->slots = slots;
	lane->observed = LANE_PARKED;
	lane->parked = true;
	strncpy(lane->name, name, CROOM_NAME_MAX);
	return lane;
}
