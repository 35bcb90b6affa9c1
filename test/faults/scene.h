// SPDX-License-Identifier: BSD-2-Clause
/*
 * A room to try things on that run out of memory: three slots, a class whose handlers are counted, and all that a room shows
 * of itself as one text, so that two moments can be compared.
 */
#ifndef FAULTS_SCENE_H
#define FAULTS_SCENE_H

#include "../check.h"
#include "scarce.h"
#include <croom/inspect.h>
#include <croom/trial.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct note {
	int value;
} note;

CROOM_RECORD(note, 1);
CROOM_SLOT(printer, 0, note);
CROOM_SLOT(filter, 1, note);
CROOM_SLOT(audit, 2, note);

static int opened, closed;

static int gadget_call(int *ctx, note *n)
{
	return n->value + *ctx;
}
CROOM_RUN(gadget, gadget_call, int, note);

/* Two allocations, so that one that fails leaves the other. */
static int gadget_open(void **ctx, const char *config, void *env, struct croom_error *err)
{
	int *gadget = malloc(sizeof(*gadget));
	char *copy = strdup(config);

	(void)env;
	if (!gadget || !copy) {
		free(gadget);
		free(copy);
		return croom_error_set(err, -ENOMEM, CROOM_ERROR_OTHER, NULL, "out of memory");
	}
	*gadget = atoi(copy);
	free(copy);
	*ctx = gadget;
	opened++;
	return 0;
}

static void gadget_close(void *ctx, void *env)
{
	(void)env;
	free(ctx);
	closed++;
}

static const struct croom_slot slots[] = {
	{ .name = "printer", .type = printer_slot_type }, { .name = "filter", .type = filter_slot_type },
	{ .name = "audit", .type = audit_slot_type },
};
static const struct croom_class number = { .name = "number", .syntax = "N", CROOM_RUNS(gadget), .open = gadget_open,
	.close = gadget_close, .traits = CROOM_PURE };
static const struct croom_change three[] __attribute__((unused)) = { { "printer", "number:4" }, { "filter", "number:5" }, { "audit", "number:6" } };

struct scene {
	struct croom_room *room;
	struct croom_lane *lane;
	struct croom_prepared *prepared;
};

static void must(int rc)
{
	if (rc) {
		printf("not ok the scene cannot be set: %s\n", strerror(-rc));
		exit(1);
	}
}

/* A lane that is awake and stays with the first panel: then a swap finds no memory of an old one to use again. */
static bool late;
static const struct croom_swap_options publish = { .wait_ms = 0 };

/* Revision 4: all three slots filled. */
static inline void scene_open(struct scene *scene)
{
	const struct croom_change first[] = { { "printer", "number:1" }, { "filter", "number:2" }, { "audit", "number:3" } };

	memset(scene, 0, sizeof(*scene));
	opened = closed = 0;
	must(croom_room_open(&scene->room, "scarce", slots, 3));
	for (unsigned i = 0; i < 3; i++)
		must(croom_room_class_add(scene->room, slots[i].name, &number, NULL));
	must(croom_room_lane_add(scene->room, "lane", &scene->lane));
	if (late)
		croom_lane_unpark(scene->lane);
	for (unsigned i = 0; i < 3; i++)
		must(croom_room_swap(scene->room, &first[i], 1, &publish, NULL, NULL));
}

static inline void scene_close(struct scene *scene)
{
	croom_lane_park(scene->lane);
	croom_room_discard(scene->room, scene->prepared);
	croom_room_close(scene->room);
	CHECK_EQ(opened, closed);
}

/* All that a room shows of itself. */
struct shown {
	char text[8192];
	size_t used;
};

#define SHOW(shown, ...) \
	((shown)->used += (size_t)snprintf((shown)->text + (shown)->used, sizeof((shown)->text) - (shown)->used, __VA_ARGS__))

static int show_slot(void *env, const struct croom_slot_view *slot)
{
	SHOW((struct shown *)env, "%s=%s (%s) since %llu %lld at %llu, %llu calls, %u classes;", slot->name, slot->handler,
	     slot->trial, (unsigned long long)slot->since_revision, (long long)slot->since_ns,
	     (unsigned long long)slot->revision, (unsigned long long)slot->calls, slot->classes);
	for (unsigned i = 0; i < slot->classes; i++)
		SHOW((struct shown *)env, " %s", slot->handler_class[i]->name);
	return 0;
}

static int show_lane(void *env, const struct croom_lane_view *lane)
{
	SHOW((struct shown *)env, "\nlane %s %d %llu %llu", lane->name, lane->parked, (unsigned long long)lane->revision,
	     (unsigned long long)lane->records);
	return 0;
}

static int show_change(void *env, const struct croom_history_view *change)
{
	SHOW((struct shown *)env, "\nrevision %llu to %llu at %lld '%s'", (unsigned long long)change->revision,
	     (unsigned long long)change->rollback_to, (long long)change->time_ns, change->command);
	for (unsigned i = 0; i < change->changes; i++)
		SHOW((struct shown *)env, " %s %s>%s", change->change[i].slot, change->change[i].from, change->change[i].to);
	return 0;
}

static int show_quarantined(void *env, const struct croom_quarantine_view *one)
{
	SHOW((struct shown *)env, "\nquarantined %s=%s: %s", one->slot, one->handler, one->why);
	return 0;
}

static int show_gauge(void *env, const struct croom_gauge_view *gauge)
{
	SHOW((struct shown *)env, "\ngauge %s %f %s", gauge->name, gauge->value, gauge->unit);
	return 0;
}

static inline void show(struct croom_room *room, struct shown *shown)
{
	char why[64];

	shown->used = 0;
	SHOW(shown, "%d open, %u retired, ", opened - closed, croom_room_retired(room));
	SHOW(shown, "%llu to be confirmed, ", (unsigned long long)croom_room_unconfirmed(room, NULL));
	SHOW(shown, "frozen %d %s, ", croom_room_frozen(room, why, sizeof(why)), why);
	must(croom_room_each_slot(room, show_slot, shown));
	must(croom_room_each_lane(room, show_lane, shown));
	must(croom_room_each_change(room, 0, show_change, shown));
	must(croom_room_each_gauge(room, show_gauge, shown));
	must(croom_room_each_quarantined(room, show_quarantined, shown));
}

#endif
