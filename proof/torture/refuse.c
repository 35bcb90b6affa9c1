// SPDX-License-Identifier: BSD-2-Clause
/*
 * Swaps that must be refused, while others succeed: each has opened some contexts before it fails, and all of them must
 * be closed again; that shows at the end, when all that was opened has to have been closed.
 */
#include "swap.h"
#include <errno.h>
#include <string.h>

enum refusal { NO_SLOT, NO_CLASS, BAD_CONFIG, NEVER_OPENS, TWICE, NOTHING, STALE, REFUSALS };

static const int must_say[REFUSALS] = { -ENOENT, -ENOENT, -EINVAL, -EIO, -EINVAL, -EINVAL, -ESTALE };

static void spoil(struct request *request, enum refusal how, struct luck *luck)
{
	struct croom_change *last = &request->change[request->count - 1];

	switch (how) {
	case NO_SLOT:
		last->slot = "nowhere";
		break;
	case NO_CLASS:
		last->handler = "nobody:1";
		break;
	case BAD_CONFIG:
		last->handler = "red:seven";
		break;
	case NEVER_OPENS:
		last->handler = "green:0";
		break;
	case TWICE:
		request_add(request, 0, class_any(luck), 1);
		break;
	case NOTHING:
		request->count = 0;
		break;
	default:
		break;
	}
}

void refuse_body(struct crew *self)
{
	while (!torture_over()) {
		enum refusal how = (enum refusal)luck_below(&self->luck, REFUSALS);
		/* No revision that will be reached. */
		struct croom_swap_options options = { .expect = how == STALE ? UINT64_MAX : 0 };
		struct croom_prepared *prepared = NULL;
		struct request request;
		struct croom_error err;
		int rc;

		request.count = 0;
		request_group(&request, &self->luck);
		spoil(&request, how, &self->luck);
		if (luck_below(&self->luck, 2))
			rc = croom_room_swap(torture.room, request.change, request.count, &options, NULL, &err);
		else
			rc = croom_room_prepare(torture.room, request.change, request.count, &options, &prepared, &err);
		if (rc == must_say[how] && err.code == rc && err.text[0] && !prepared)
			torture_done(ACTOR_REFUSE, 1);
		else if (rc != -EBUSY)
			found(FOUND_ANSWER, "refusal %u had to be %d, and was %d: %s", (unsigned)how, must_say[how], rc,
			      err.text);
		crew_rest(&self->luck, 1000);
	}
}
