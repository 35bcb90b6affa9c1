// SPDX-License-Identifier: BSD-2-Clause
/*
 * A lane wakes while the room publishes another panel and closes the first, if it may.
 *
 * Weak, found by TSan: lane.unpark.wake
 * Weak, found by GenMC only: lane.unpark.announce
 */
#include "with-room.h"

static int published;

static void *one(void *none)
{
	after(published);
	croom_panel_call(croom_lane_unpark(&lane.pub), 0, NULL);
	croom_lane_park(&lane.pub);
	return none;
}

static void *other(void *none)
{
	publish(panel_make(1));
	reached(published);
	collect(&room);
	return none;
}
