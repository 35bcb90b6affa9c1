/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A room's insides. Everything here is the control side's, under `mutex`; the data threads see only `wire` and
 * their lanes.
 *
 * Who owns what: a panel owns one reference to the instance of each slot; an instance owns one reference to its
 * spec; a state of the history owns one reference to the spec of each slot. An instance is closed when the last
 * panel that names it is freed, and a retired panel is freed when every lane has passed it.
 */
#ifndef CROOM_ROOM_IMPL_H
#define CROOM_ROOM_IMPL_H

#include "lane-impl.h"
#include "panel-impl.h"
#include <croom/inspect.h>
#include <pthread.h>

enum { ROOM_GAUGES_MAX = 64 };

/* What an operator asked for, once. Two swaps to the same words are two specs: that tells a rollback what differs. */
struct spec {
	uint32_t refs;
	const struct class_entry *entry;
	const char *config;          /* inside text, after the colon */
	char text[];                 /* CLASS or CLASS:CONFIG */
};

/* A handler that is open. */
struct instance {
	uint32_t refs;
	struct spec *spec;
	void *ctx;
};

struct class_entry {
	struct croom_class class;
	void *env;
	struct class_entry *next;
};

struct room_slot {
	const struct croom_slot *def;
	struct class_entry empty;    /* first of its classes */
	unsigned classes;
	const struct croom_class **class_list;
};

/* One change, and what every slot held after it. */
struct state {
	uint64_t revision, rollback_to;
	int64_t time_ns;
	bool own;                    /* asked for by this process: two system calls that a swap need not make */
	uid_t uid;
	pid_t pid;
	char *command;
	size_t bytes;                /* of text that came with it */
	unsigned changes;
	uint32_t *changed;           /* slots */
	struct spec **from;          /* of the changed slots */
	struct spec *spec[];         /* of every slot */
};

struct gauge {
	const char *name, *unit;
	double (*read)(void *env);
	void *env;
};

struct croom_room {
	/* What the lanes load; alone on its line, because they all hold it. */
	const struct croom_panel *wire __attribute__((aligned(LANE_LINE)));
	pthread_mutex_t mutex __attribute__((aligned(LANE_LINE)));
	char name[CROOM_NAME_MAX + 1];
	unsigned slots;
	struct room_slot *slot;
	struct panel *panel;         /* what wire points to */
	struct panel *oldest, *newest; /* retired, in order of revision */
	unsigned retired;
	unsigned prepared;           /* changes that are prepared and neither committed nor discarded */
	struct panel *spare;         /* memory of one that was freed, or NULL */
	unsigned lanes;
	struct lane *lane[CROOM_LANES_MAX];
	unsigned states;             /* of the history, oldest first, a ring */
	unsigned first_state;
	size_t history_bytes;
	struct state *state[CROOM_HISTORY_MAX + 1]; /* the changes, and the state before the oldest */
	unsigned gauges;
	struct gauge gauge[ROOM_GAUGES_MAX];
};

/* handler.c */
struct spec *spec_new(const struct class_entry *entry, const char *text, size_t class);
void spec_put(struct spec *spec);
int instance_open(struct instance **instance, struct spec *spec, const char *slot, struct croom_error *err);
void instance_put(struct instance *instance);
struct panel *panel_new(struct croom_room *room, uint64_t revision);
void panel_set(struct panel *panel, uint32_t slot, struct instance *instance, uint64_t since_revision, int64_t since_ns);
void panel_free(struct croom_room *room, struct panel *panel);

/* history.c */
struct state *state_new(const struct croom_room *room, uint64_t revision, const struct croom_origin *origin);
void state_free(const struct croom_room *room, struct state *state);
void history_add(struct croom_room *room, struct state *state);
const struct state *history_find(const struct croom_room *room, uint64_t revision);

/* find.c: look up by name; on a miss *err gets the nearest names. */
int find_slot(const struct croom_room *room, const char *name, uint32_t *slot, struct croom_error *err);
const struct class_entry *find_class(const struct croom_room *room, uint32_t slot, const char *name, size_t length,
				     struct croom_error *err);
bool name_good(const char *name);

/* retire.c */
void retire(struct croom_room *room, struct panel *panel);
void collect(struct croom_room *room);
int64_t late_for(const struct croom_room *room, const struct lane *lane);
const struct lane *late_lane(const struct croom_room *room, uint64_t revision, int64_t *late_ns);
int64_t clock_ns(int clock);

#endif
