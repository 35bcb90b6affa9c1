// SPDX-License-Identifier: BSD-2-Clause
/*
 * Classes and gauges that are registered while the lanes run. A room keeps them, so after some of them there are no new
 * ones, and to register one again has to be refused.
 */
#include "swap.h"
#include <errno.h>
#include <stdint.h>

static double gauge_read(void *env)
{
	return (double)(uintptr_t)env;
}

/* Its value is its number; look.c reads them. */
static int gauge_add(unsigned number)
{
	static char names[LATE_MAX][16];

	if (names[number][0] == 0)
		snprintf(names[number], sizeof(names[0]), "g%u", number);
	return croom_room_gauge_add(torture.room, names[number], "drops", gauge_read, (void *)(uintptr_t)number);
}

void class_body(struct crew *self)
{
	unsigned slot = torture.set.slots - 1;

	for (unsigned i = 0; !torture_over(); i++) {
		char handler[32];
		uint64_t revision;
		int rc = class_late_add(slot, i % LATE_MAX), must = i < LATE_MAX ? 0 : -EEXIST;

		if (rc != must)
			found(FOUND_ANSWER, "registering class %u had to say %d, and said %d", i, must, rc);
		rc = gauge_add(i % LATE_MAX);
		if (rc != must)
			found(FOUND_ANSWER, "registering gauge %u had to say %d, and said %d", i, must, rc);
		snprintf(handler, sizeof(handler), "late%u:%llu", i % LATE_MAX, (big)stamp_new());
		swap_one(self, slot, handler, &revision);
		torture_done(ACTOR_CLASS, 1);
		crew_rest(&self->luck, 3000);
	}
}
