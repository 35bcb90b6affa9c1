// SPDX-License-Identifier: BSD-2-Clause
/*
 * croom/wire.h: who gets the pointer sees what was written before it was set.
 *
 * Weak, found by TSan: wire.set wire.get
 */
#include <croom/wire.h>
#include "harness.h"

static int context, *wire;

static void begin(void)
{
	context = 0;
	wire = NULL;
}

static void *one(void *none)
{
	context = 7;
	croom_wire_set(&wire, &context);
	return none;
}

static void *other(void *none)
{
	const int *seen;

	until((seen = croom_wire_get(&wire)));
	assert(*seen == 7);
	return none;
}

static void end(void)
{
}
