// SPDX-License-Identifier: BSD-2-Clause
/*
 * A lane moves from one panel to the next while the room publishes that one and closes the first.
 *
 * Weak, found by TSan: room.publish.move lane.observed.take lane.unpark.look lane.unpark.publish
 */
#include "with-room.h"

static int ran, done;

static void *one(void *none)
{
	const struct croom_panel *panel = croom_lane_unpark(&lane.pub);

	croom_panel_call(panel, 0, NULL);
	reached(ran);
	until((panel = croom_lane_observe(&lane.pub, panel))->revision == 2);
	croom_panel_call(panel, 0, NULL);
	after(done);
	croom_lane_park(&lane.pub);
	return none;
}

static void *other(void *none)
{
	after(ran);
	publish(panel_make(1));
	until(collected());
	reached(done);
	return none;
}
