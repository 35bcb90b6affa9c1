// SPDX-License-Identifier: BSD-2-Clause
/*
 * tap/door.h: either the sleeper sees what there is for it, or the other sees that it sleeps.
 *
 * Weak, found by GenMC only: tap.door.open tap.door.shut
 */
#include <croom/wire.h>
#include "../../tap/door.h"
#include "harness.h"

static uint32_t door;
static int work, seen, woken;

static void begin(void)
{
	door = DOOR_OPEN;
	work = seen = woken = 0;
}

/* door_knock(), but for the system call. */
static void *one(void *none)
{
	croom_set_relaxed(&work, 1);
	woken = door_open(&door) == DOOR_SHUT;
	return none;
}

static void *other(void *none)
{
	door_shut(&door, DOOR_SHUT);
	seen = croom_get_relaxed(&work);
	return none;
}

static void end(void)
{
	assert(woken || seen);
}
