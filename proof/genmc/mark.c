// SPDX-License-Identifier: BSD-2-Clause
/*
 * lib/lane.c: a first record is read with the revision that it belongs to, or not at all. Two marks in one place, as
 * 64 moves later.
 *
 * Weak, found by GenMC only: lane.mark.first lane.mark.revision lane.mark.look lane.mark.look_first
 */
#include "../../lib/lane.c"
#include "harness.h"

static struct lane lane;

static void begin(void)
{
	lane = (struct lane){ 0 };
}

static void *one(void *none)
{
	for (uint64_t revision = 1; revision <= 2; revision++) {
		lane.moves = 0;
		lane.pub.records = 10 * revision - 1;
		lane_mark(&lane, revision);
	}
	return none;
}

static void *other(void *none)
{
	uint64_t first, revision = mark_read(&lane.marks[0], &first);

	assert(revision == 0 || first == 10 * revision);
	return none;
}

static void end(void)
{
	uint64_t first, revision = mark_read(&lane.marks[0], &first);

	assert(revision == 2 && first == 20);
}
