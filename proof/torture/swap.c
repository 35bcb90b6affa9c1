// SPDX-License-Identifier: BSD-2-Clause
/* Those who swap. The first slots, the group, are changed by transactions only, all of them to one stamp. */
#include "swap.h"
#include <errno.h>
#include <string.h>

uint64_t stamp_new(void)
{
	return __atomic_add_fetch(&torture.stamps, 1, __ATOMIC_RELAXED);
}

const char *class_any(struct luck *luck)
{
	static const char *const classes[] = { "red", "green", "blue" };

	return classes[luck_below(luck, 3)];
}

void request_add(struct request *request, unsigned slot, const char *class, uint64_t stamp)
{
	char *handler = request->handler[request->count];

	snprintf(handler, sizeof(request->handler[0]), "%.10s:%llu", class, (big)stamp);
	request->change[request->count++] = (struct croom_change){ slot_name(slot), handler };
}

void request_group(struct request *request, struct luck *luck)
{
	uint64_t stamp = stamp_new();

	/* A room of one slot has no group. */
	for (unsigned i = 0; i < torture.group || i == 0; i++)
		request_add(request, i, class_any(luck), stamp);
}

/* The first of them is where trials are: left alone nearly always, or none would see a record. */
unsigned slot_alone(struct luck *luck)
{
	unsigned others = torture.set.slots - torture.group - 1;

	return others && luck_below(luck, 1024) ? slot_of_trials() + 1 + luck_below(luck, others) : slot_of_trials();
}

static bool swap(struct crew *self, struct swapper *swapper, const struct request *request)
{
	struct croom_swap_options options = { .wait_ms = swapper_wait_ms(&self->luck) };
	bool alone = swapper_begins(&self->luck, options.wait_ms), published;
	struct croom_error err;
	int rc;

	if (luck_below(&self->luck, 16) == 0)
		options.expect = croom_room_revision(torture.room);
	rc = croom_room_swap(torture.room, request->change, request->count, &options, swapper_result(swapper), &err);
	published = swapper_judge(swapper, &self->luck, rc, options.wait_ms, &err, options.expect ? MAY_BE_STALE : 0);
	swapper_ends(alone);
	if (published)
		torture_tally(TALLY_CHANGES, request->count);
	return published;
}

void swap_body(struct crew *self)
{
	struct swapper *swapper = swapper_new();

	while (!torture_over()) {
		struct request request;

		request.count = 0;
		request_add(&request, slot_alone(&self->luck), class_any(&self->luck), stamp_new());
		if (swap(self, swapper, &request))
			torture_done(ACTOR_SWAP, 1);
	}
}

/* One slot, one handler, in the name of another actor. */
bool swap_one(struct crew *self, unsigned slot, const char *handler, uint64_t *revision)
{
	static __thread struct swapper *swapper;
	const struct croom_change change = { slot_name(slot), handler };
	struct croom_swap_options options = { .wait_ms = swapper_wait_ms(&self->luck) };
	struct croom_error err;
	int rc;

	if (!swapper)
		swapper = swapper_new();
	rc = croom_room_swap(torture.room, &change, 1, &options, swapper_result(swapper), &err);
	*revision = swapper_result(swapper)->revision;
	return swapper_judge(swapper, &self->luck, rc, options.wait_ms, &err, 0);
}

void transact_body(struct crew *self)
{
	struct swapper *swapper = swapper_new();

	while (!torture_over()) {
		struct request request;
		unsigned choice = luck_below(&self->luck, 4);

		request.count = 0;
		if (choice > 0)
			request_group(&request, &self->luck);
		if (choice < 2)
			for (unsigned i = request.count ? request.count : torture.group; i < torture.set.slots; i++)
				if (i != slot_of_trials() || luck_below(&self->luck, 1024) == 0)
					request_add(&request, i, class_any(&self->luck), stamp_new());
		if (request.count && swap(self, swapper, &request))
			torture_done(ACTOR_TRANSACT, 1);
	}
}

enum { PREPARED_MAX = 3 };

static bool commit(struct crew *self, struct swapper *swapper, struct croom_prepared *prepared)
{
	int64_t wait_ms = swapper_wait_ms(&self->luck);
	bool alone = swapper_begins(&self->luck, wait_ms), published;
	struct croom_error err;
	int rc = croom_room_commit(torture.room, prepared, wait_ms, swapper_result(swapper), &err);

	/* Refused: it is still there. */
	if (rc && rc != -ETIMEDOUT) {
		croom_room_discard(torture.room, prepared);
		torture_tally(TALLY_DISCARDED, 1);
	}
	published = swapper_judge(swapper, &self->luck, rc, wait_ms, &err, MAY_BE_STALE);
	swapper_ends(alone);
	return published;
}

void prepare_body(struct crew *self)
{
	struct swapper *swapper = swapper_new();

	while (!torture_over()) {
		struct croom_prepared *prepared[PREPARED_MAX];
		unsigned n = 1 + luck_below(&self->luck, PREPARED_MAX), chosen = luck_below(&self->luck, n);

		for (unsigned i = 0; i < n; i++) {
			struct request request;
			struct croom_error err;
			int rc;

			request.count = 0;
			request_group(&request, &self->luck);
			rc = croom_room_prepare(torture.room, request.change, request.count, NULL, &prepared[i], &err);
			if (rc && !swap_must_wait(rc, &err))
				found(FOUND_ANSWER, "preparing a swap said %d: %s", rc, err.text);
			torture_done(ACTOR_PREPARE, rc == 0);
		}
		if (luck_below(&self->luck, 8) == 0)
			crew_rest(&self->luck, 500);
		if (prepared[chosen])
			commit(self, swapper, prepared[chosen]);
		for (unsigned i = 0; i < n; i++)
			if (i != chosen && prepared[i]) {
				croom_room_discard(torture.room, prepared[i]);
				torture_tally(TALLY_DISCARDED, 1);
			}
		crew_rest(&self->luck, 100);
	}
}

void rollback_body(struct crew *self)
{
	struct swapper *swapper = swapper_new();

	while (!torture_over()) {
		struct croom_swap_options options = { .wait_ms = swapper_wait_ms(&self->luck) };
		uint64_t now = croom_room_revision(torture.room), back = 1 + luck_below(&self->luck, 40);
		/* Not to the room's first revision: an empty slot has no context to check. 0 is the one before this. */
		uint64_t target = now > back + 2 ? now - back : 2;
		struct croom_error err;
		int rc;

		crew_rest(&self->luck, 2000);
		if (now <= 3)
			continue;
		rc = croom_room_rollback(torture.room, back == 1 ? 0 : target, &options, swapper_result(swapper), &err);
		if (swapper_judge(swapper, &self->luck, rc, options.wait_ms, &err, MAY_BE_GONE))
			torture_done(ACTOR_ROLLBACK, 1);
	}
}
