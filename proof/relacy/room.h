/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A room for the models: two slots, and a class whose contexts say to which change they belong. A change puts the same
 * number into both slots, so whoever calls both under one panel finds the same number twice; and a context is freed when
 * the room closes it.
 */
#ifndef PROOF_ROOM_H
#define PROOF_ROOM_H

#include "proof.h"
#include <croom/room.h>
#include <stdlib.h>

typedef struct call {
	uint64_t number;         /* what the handlers said */
} call;

struct context {
	uint64_t number;
};

CROOM_RECORD(call, 1);
CROOM_SLOT(one, 0, call);
CROOM_SLOT(other, 1, call);

static int context_call(struct context *ctx, call *c)
{
	c->number = ctx->number;
	return 0;
}
CROOM_RUN(context, context_call, struct context, call);

static int context_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	struct context *made = malloc(sizeof(*made));

	(void)env;
	(void)err;
	made->number = strtoull(config, NULL, 10);
	*ctx = made;
	return 0;
}

static void context_close(void *ctx, void *env)
{
	(void)env;
	free(ctx);
}

static struct croom_room *room;

/* Revision 2, under which both slots hold number 0; the lanes that are added later find it. */
static void room_begin(void)
{
	static const struct croom_slot slots[] = { { .name = "one", .type = one_slot_type }, { .name = "other", .type = other_slot_type } };
	static const struct croom_class numbered = {
		.name = "n", .syntax = "N", CROOM_RUNS(context), .open = context_open, .close = context_close,
	};
	const struct croom_change zero[] = { { "one", "n:0" }, { "other", "n:0" } };

	proof_expect(croom_room_open(&room, "proof", slots, 2) == 0 && croom_room_class_add(room, "one", &numbered, NULL) == 0 &&
		     croom_room_class_add(room, "other", &numbered, NULL) == 0 &&
		     croom_room_swap(room, zero, 2, NULL, NULL, NULL) == 0, "no room");
}

/* Put a number of one digit into both slots, and do not wait. */
static inline void room_swap(unsigned number, struct croom_swap_result *result)
{
	const char text[] = { 'n', ':', (char)('0' + number), 0 };
	const struct croom_change both[] = { { "one", text }, { "other", text } };
	const struct croom_swap_options publish = { .wait_ms = 0 };

	proof_expect(croom_room_swap(room, both, 2, &publish, result, NULL) == 0, "a swap was refused");
}

static inline struct croom_lane *room_lane(const char *name)
{
	struct croom_lane *lane;

	proof_expect(croom_room_lane_add(room, name, &lane) == 0, "no lane");
	return lane;
}

/* A record: both handlers are of the same change. Returns the number of that. */
static inline uint64_t room_record(struct croom_lane *lane, const struct croom_panel *panel)
{
	call first = { 0 }, second = { 0 };

	croom_slot_call(one, panel, &first);
	croom_slot_call(other, panel, &second);
	proof_expect(first.number == second.number, "two slots of one panel from two changes");
	croom_lane_records_add(lane, 1);
	return first.number;
}

#endif
