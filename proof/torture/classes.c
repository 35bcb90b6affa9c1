// SPDX-License-Identifier: BSD-2-Clause
/*
 * Classes that are registered while the lanes run. A room keeps its classes, so after some of them there are no new
 * ones.
 */
#include "swap.h"
#include <errno.h>

void class_body(struct crew *self)
{
	unsigned slot = torture.set.slots - 1;

	for (unsigned i = 0; !torture_over(); i++) {
		char handler[32];
		uint64_t revision;
		int rc = class_late_add(slot, i % LATE_MAX), must = i < LATE_MAX ? 0 : -EEXIST;

		if (rc != must)
			found(FOUND_ANSWER, "registering class %u had to say %d, and said %d", i, must, rc);
		snprintf(handler, sizeof(handler), "late%u:%llu", i % LATE_MAX, (big)stamp_new());
		swap_one(self, slot, handler, &revision);
		torture_done(ACTOR_CLASS, 1);
		crew_rest(&self->luck, 3000);
	}
}
