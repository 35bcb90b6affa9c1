// SPDX-License-Identifier: BSD-2-Clause
/*
 * A small room to try things on: slots "printer" and "filter", classes that count how often they were opened and
 * closed, and contexts that are poisoned when they are closed, so that a late call shows.
 */
#ifndef RIG_H
#define RIG_H

#include "../check.h"
#include <croom/inspect.h>
#include <errno.h>
#include <stdlib.h>

typedef struct note {
	int value;
	uint64_t seen;
} note;

enum { ALIVE = 0x600d, DEAD = 0xdead };

struct gadget {
	int alive;
	int value;
	char pad[48];
};

static int opened, closed;

CROOM_RECORD(note, 1);
CROOM_SLOT(printer, 0, note);
CROOM_SLOT(filter, 1, note);

static int gadget_call(struct gadget *ctx, note *n)
{
	n->seen++;
	return ctx->alive == ALIVE ? ctx->value : -1;
}
CROOM_RUN(gadget, gadget_call, struct gadget, note);

/* The config is a number; anything else is refused with the offset of what is wrong. */
static int gadget_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	char *end;
	long value = strtol(config, &end, 10);
	struct gadget *gadget;

	(void)env;
	if (*config == 0 || *end) {
		int rc = croom_error_set(err, -EINVAL, CROOM_ERROR_BAD_CONFIG, NULL, "takes a number, not '%s'", config);

		err->offset = (int)(end - config);
		return rc;
	}
	gadget = calloc(1, sizeof(*gadget));
	gadget->alive = ALIVE;
	gadget->value = (int)value;
	*ctx = gadget;
	__atomic_fetch_add(&opened, 1, __ATOMIC_RELAXED);
	return 0;
}

static void gadget_close(void *ctx, void *env)
{
	struct gadget *gadget = ctx;

	(void)env;
	gadget->alive = DEAD;
	gadget->value = -1;
	free(gadget);
	__atomic_fetch_add(&closed, 1, __ATOMIC_RELAXED);
}

static int plain_call(void *ctx, note *n)
{
	(void)ctx;
	return n->value;
}
CROOM_RUN(plain, plain_call, void, note);

static const struct croom_slot rig_slots[] = {
	{ .name = "printer", .help = "what is written", .type = printer_slot_type },
	{ .name = "filter", .help = "what is kept", .type = filter_slot_type, .empty = "all" },
};
static const struct croom_class rig_number = { .name = "number", .help = "returns N", .syntax = "N",
	CROOM_RUNS(gadget), .open = gadget_open, .close = gadget_close };
static const struct croom_class rig_plain = { .name = "plain", .help = "returns the value", CROOM_RUNS(plain) };

static inline struct croom_room *rig_open(void)
{
	struct croom_room *room;

	opened = closed = 0;
	if (croom_room_open(&room, "rig", rig_slots, 2) || croom_room_class_add(room, "printer", &rig_number, NULL) ||
	    croom_room_class_add(room, "printer", &rig_plain, NULL) ||
	    croom_room_class_add(room, "filter", &rig_number, NULL))
		abort();
	return room;
}

static inline int rig_swap(struct croom_room *room, const char *slot, const char *handler,
			   const struct croom_swap_options *options, struct croom_swap_result *result,
			   struct croom_error *err)
{
	struct croom_change change = { slot, handler };

	return croom_room_swap(room, &change, 1, options, result, err);
}

#endif
