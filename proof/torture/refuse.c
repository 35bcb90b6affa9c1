// SPDX-License-Identifier: BSD-2-Clause
/*
 * Swaps that must be refused, while others succeed: each has opened some contexts before it fails, and all of them must
 * be closed again; that shows at the end, when all that was opened has to have been closed.
 */
#include "swap.h"
#include <croom/trial.h>
#include <errno.h>

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

static void refuse(struct crew *self)
{
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
	else if (!swap_must_wait(rc, &err))
		found(FOUND_ANSWER, "refusal %u had to be %d, and was %d: %s", (unsigned)how, must_say[how], rc, err.text);
}

/* All of a change but the change. */
static void dry_run(struct crew *self)
{
	const struct croom_swap_options options = { .dry_run = true, .wait_ms = 1000 };
	struct request request;
	struct croom_error err;
	int rc;

	request.count = 0;
	request_group(&request, &self->luck);
	rc = croom_room_swap(torture.room, request.change, request.count, &options, NULL, &err);
	if (rc == 0)
		torture_done(ACTOR_REFUSE, 1);
	else if (!swap_must_wait(rc, &err))
		found(FOUND_ANSWER, "a dry run had to be 0, and was %d: %s", rc, err.text);
}

/* A handler that nobody else asks for is refused until it is pardoned. */
static void quarantine(struct crew *self)
{
	unsigned slot = slot_alone(&self->luck);
	struct request request;
	struct croom_error err;
	int rc;

	request.count = 0;
	request_add(&request, slot, "red", stamp_new());
	rc = croom_room_quarantine(torture.room, slot_name(slot), request.handler[0], "to see that it is");
	if (rc)
		found(FOUND_ANSWER, "to quarantine %s had to be 0, and was %d", request.handler[0], rc);
	rc = croom_room_swap(torture.room, request.change, 1, NULL, NULL, &err);
	if (rc == -EACCES && err.kind == CROOM_ERROR_QUARANTINED)
		torture_done(ACTOR_REFUSE, 1);
	else if (!swap_must_wait(rc, &err))
		found(FOUND_ANSWER, "%s is in quarantine, and the answer was %d: %s", request.handler[0], rc, err.text);
	rc = croom_room_pardon(torture.room, slot_name(slot), request.handler[0], NULL, &err);
	if (rc)
		found(FOUND_ANSWER, "to pardon %s had to be 0, and was %d: %s", request.handler[0], rc, err.text);
}

void refuse_body(struct crew *self)
{
	while (!torture_over()) {
		uint32_t choice = luck_below(&self->luck, 8);

		if (choice == 0)
			dry_run(self);
		else if (choice == 1)
			quarantine(self);
		else
			refuse(self);
		crew_rest(&self->luck, 1000);
	}
}
