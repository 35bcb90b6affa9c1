/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What move.c, park.c and wake.c share: the real lane (lib/lane.c) and retiring (lib/retire.c) with two panels of one
 * slot. Closing a handler is a plain write to its context, and calling it a plain read: when a lane may still be in
 * it, that is a race.
 */
#ifndef HARNESS_ROOM_H
#define HARNESS_ROOM_H

#include <time.h>
/* How long a lane is late is not checked, and a clock is a system call. */
#define clock_gettime(clock, now) ((now)->tv_sec = (clock), (now)->tv_nsec = 0)
#include "../../lib/lane.c"
#include "../../lib/retire.c"
#include "harness.h"

enum { OPEN = 1, CLOSED };

static struct croom_room room;
static struct lane lane;
static uint64_t calls[1], base[1];
static int context[2];
static struct panel_slot slots[2][1];
enum { PANEL_BYTES = (sizeof(struct panel) + sizeof(struct croom_entry)) / PANEL_LINE * PANEL_LINE + PANEL_LINE };
static unsigned char memory[2][PANEL_BYTES] __attribute__((aligned(PANEL_LINE)));

static int run(void *ctx, void *record)
{
	(void)record;
	assert(*(int *)ctx == OPEN);
	return 0;
}

static struct panel *panel_make(unsigned i)
{
	struct panel *panel = (struct panel *)(void *)memory[i];

	context[i] = OPEN;
	panel->tail.next = NULL;
	panel->slot = slots[i];
	slots[i][0].since_revision = i + 1;
	panel->pub.revision = i + 1;
	panel->pub.slots = 1;
	panel_entry(panel, 0)->run = run;
	panel_entry(panel, 0)->ctx = &context[i];
	return panel;
}

/* handler.c's closes the instances; this is what that means to a lane. */
void panel_free(struct croom_room *owner, struct panel *panel)
{
	(void)owner;
	*(int *)panel_entry(panel, 0)->ctx = CLOSED;
}

/* There are no trials. */
void endings_collect(struct croom_room *owner)
{
	assert(!owner->endings);
}

/* As in plan.c. */
static void publish(struct panel *panel)
{
	struct panel *old = room.panel;

	room.panel = panel;
	croom_set_seq(lane.unpark.publish, &room.wire, &panel->pub);
	retire(&room, old);
}

static void begin(void)
{
	room.panel = panel_make(0);
	room.wire = &room.panel->pub;
	room.oldest = room.newest = NULL;
	room.retired = 0;
	lane = (struct lane){ .pub = { .wire = &room.wire, .calls = calls }, .base = base, .slots = 1,
		.observed = LANE_PARKED, .parked = true, .passed = 1 };
	room.lanes = 1;
	room.lane[0] = &lane;
}

static void end(void)
{
	collect(&room);
	assert(lane.parked && !room.oldest && !room.retired);
}

static bool collected(void)
{
	collect(&room);
	return !room.oldest;
}

#endif
