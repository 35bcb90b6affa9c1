/* SPDX-License-Identifier: BSD-2-Clause */
/* Slot one has failing:9 in a guard that the second failure breaks; the empty handler is what it goes back to. */
#ifndef GUARDED_H
#define GUARDED_H

#include "room.h"
#include "trial-impl.h"

enum { FAILS = 9, LIMIT = 2, RECORDS = 2 };

static int failing_call(struct context *ctx, call *c)
{
	c->number = ctx->number;
	return -1;
}
CROOM_RUN(failing, failing_call, struct context, call);

static void guarded_begin(void)
{
	static const struct croom_class failing = {
		.name = "failing", .syntax = "N", CROOM_RUNS(failing), .open = context_open, .close = context_close,
	};
	const struct croom_trial guard = {
		.kind = CROOM_GUARD, .rules = 1, .rule[0] = { .what = CROOM_RULE_ERRORS, .limit = LIMIT },
	};
	const struct croom_change fail = { "one", "failing:9" };

	room_begin();
	proof_expect(croom_room_class_add(room, "one", &failing, NULL) == 0 &&
		     croom_room_swap(room, &fail, 1, &(struct croom_swap_options){ .trial = &guard }, NULL, NULL) == 0, "no guard");
}

#endif
