// SPDX-License-Identifier: BSD-2-Clause
/*
 * A lane parks while the room publishes another panel and closes the first.
 *
 * Weak, found by TSan: lane.observed.park lane.unpark.look
 */
#include "with-room.h"

static int ran, slept, done;

static void *one(void *none)
{
	croom_panel_call(croom_lane_unpark(&lane.pub), 0, NULL);
	reached(ran);
	croom_lane_park(&lane.pub);
	reached(slept);
	after(done);
	return none;
}

static void *other(void *none)
{
	after(ran);
	publish(panel_make(1));
	after(slept);
	until(collected());
	reached(done);
	return none;
}
