/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking at a room: slots with their handlers and classes, lanes, history, gauges.
 *
 * The visits run with the room's mutex held, so that what is shown is one state of it: a visitor copies what it
 * needs and must not call the room. It returns 0 to go on; anything else ends the visit and is returned. All
 * pointers are good during the visit only. Control threads; data threads are never waited for.
 */
#ifndef CROOM_INSPECT_H
#define CROOM_INSPECT_H

#include <croom/room.h>

#ifdef __cplusplus
extern "C" {
#endif

struct croom_slot_view {
	const char *name, *help;
	const char *handler;          /* CLASS or CLASS:CONFIG, as asked for */
	uint64_t revision;            /* of the panel; the same for all slots of one visit */
	uint64_t since_revision;
	int64_t since_ns;             /* CLOCK_REALTIME */
	uint64_t calls;               /* of this handler, over all lanes, as far as they count them */
	unsigned classes;             /* the first is the empty handler */
	const struct croom_class *const *handler_class;
};

struct croom_lane_view {
	const char *name;
	bool parked;
	uint64_t revision;            /* the newest panel it is known to run; the current one when parked */
	uint64_t records;
	int64_t late_ns;              /* how long it has held up an older panel; 0 when it does not */
};

struct croom_history_change {
	const char *slot, *from, *to; /* handlers as asked for */
};

struct croom_history_view {
	uint64_t revision;
	int64_t time_ns;              /* CLOCK_REALTIME */
	uint64_t rollback_to;         /* 0: a swap */
	uid_t uid;
	pid_t pid;
	const char *command;
	unsigned changes;
	const struct croom_history_change *change;
};

struct croom_gauge_view {
	const char *name, *unit;
	double value;
};

#pragma GCC visibility push(default)

const char *croom_room_name(const struct croom_room *room);

int croom_room_each_slot(struct croom_room *room, int (*visit)(void *env, const struct croom_slot_view *slot), void *env);
int croom_room_each_lane(struct croom_room *room, int (*visit)(void *env, const struct croom_lane_view *lane), void *env);

/* Changes newer than after_revision, oldest first; at most CROOM_HISTORY_MAX are remembered. */
int croom_room_each_change(struct croom_room *room, uint64_t after_revision,
			   int (*visit)(void *env, const struct croom_history_view *change), void *env);

/*
 * A figure that the program shows to operators beside the rates, such as ring fill. read() is called by control
 * threads with the room's mutex held. 0, -EINVAL, -EEXIST, -ENOSPC (more than 64). Name and unit are not copied.
 */
int croom_room_gauge_add(struct croom_room *room, const char *name, const char *unit, double (*read)(void *env), void *env);
int croom_room_each_gauge(struct croom_room *room, int (*visit)(void *env, const struct croom_gauge_view *gauge), void *env);

/* Panels that still wait for a lane, at most CROOM_RETIRED_MAX. */
unsigned croom_room_retired(struct croom_room *room);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
