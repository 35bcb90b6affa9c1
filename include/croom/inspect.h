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
	const char *trial;            /* "guard", "canary", "shadow", "profile" when one sits there, else "" */
	unsigned classes;             /* the first is the empty handler */
	const struct croom_class *const *handler_class;
};

struct croom_lane_view {
	const char *name;
	bool parked;
	uint64_t revision;            /* the newest panel it is known to run; the current one when parked */
	uint64_t records;
	int64_t late_ns;              /* how long it has held up an older panel; 0 when it does not */
	const char *slot, *handler;   /* it is in this handler, or has just left it, as far as it says so; NULL: in none */
	pid_t thread;                 /* 0: it has not told */
};

struct croom_history_change {
	const char *slot, *from, *to; /* handlers as asked for */
};

/* What made a revision. */
enum croom_cause {
	CROOM_BY_SWAP,
	CROOM_BY_ROLLBACK,
	CROOM_BY_BREACH,              /* a trial's rule was broken: back to the handler before */
	CROOM_BY_END_OF_TRIAL,        /* its time was up, or it was promoted: the handler that stays, bare */
	CROOM_BY_UNCONFIRMED,         /* nobody confirmed in time: back */
	CROOM_BY_UNOBSERVED,          /* a lane did not run it in time: back */
	CROOM_BY_PROFILE,             /* a timing wrapper around the same handler */
};

struct croom_history_view {
	uint64_t revision;
	int64_t time_ns;              /* CLOCK_REALTIME */
	uint64_t rollback_to;         /* 0: not a rollback */
	enum croom_cause cause;
	const char *note;             /* a trial's rules, why it went back; "" */
	uid_t uid;
	pid_t pid;
	const char *command;
	unsigned changes;
	const struct croom_history_change *change;
};

enum croom_event_kind {
	CROOM_EVENT_INTENT,           /* about to publish `revision`; nothing has changed yet, and from here nothing can fail */
	CROOM_EVENT_CHANGED,          /* it is published */
	CROOM_EVENT_REFUSED,          /* a change, confirmation, freeze ... was asked for and refused; `text` says why */
	CROOM_EVENT_CONFIRMED,        /* `revision` is kept */
	CROOM_EVENT_FROZEN,           /* `text`: why */
	CROOM_EVENT_THAWED,
	CROOM_EVENT_QUARANTINED,      /* change[0].to may not be put into change[0].slot; `text`: why */
	CROOM_EVENT_PARDONED,
	CROOM_EVENT_NOTE,             /* what the host reports with croom_room_note(): a plugin loaded, a peer turned away */
};

/* What happened, or was asked for and refused. Of INTENT, CHANGED and CONFIRMED, every slot's handler is told as well. */
struct croom_event {
	enum croom_event_kind kind;
	enum croom_cause cause;
	int64_t time_ns;              /* CLOCK_REALTIME */
	uint64_t revision;            /* which it makes; of the others, the current one */
	uint64_t from_revision;
	bool trusted;                 /* nothing in it waits to be confirmed, and no trial is under way */
	uid_t uid;
	pid_t pid;
	const char *command, *text;   /* never NULL */
	unsigned changes;
	const struct croom_history_change *change;
	unsigned slots;               /* 0, or the room's */
	const char *const *slot, *const *handler;
	const bool *waits;            /* per slot: its handler waits to be confirmed, or is on trial */
};

struct croom_quarantine_view {
	const char *slot, *handler, *why;
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
/* No more of it. 0, -ENOENT. */
int croom_room_gauge_remove(struct croom_room *room, const char *name);
int croom_room_each_gauge(struct croom_room *room, int (*visit)(void *env, const struct croom_gauge_view *gauge), void *env);

/*
 * Hear of everything from now on; NULL: no more. One listener. It runs in the thread that asked, with the room's mutex held;
 * INTENT comes before anything shows, so that a journal can have it on disk when the process dies right after.
 */
void croom_room_listen(struct croom_room *room, void (*hear)(void *env, const struct croom_event *event), void *env);

/* Tell the listener something as CROOM_EVENT_NOTE. Not from within a visit, an open(), a close() or a listener. */
void croom_room_note(struct croom_room *room, const struct croom_origin *origin, const char *text);

/* The same as CROOM_EVENT_REFUSED: the host was asked for something, and refused it for this reason. */
void croom_room_refuse(struct croom_room *room, const struct croom_origin *origin, const char *text);

int croom_room_each_quarantined(struct croom_room *room, int (*visit)(void *env, const struct croom_quarantine_view *one),
				void *env);

/* Panels that still wait for a lane, at most CROOM_RETIRED_MAX and those of changes that have gone back or ended by themselves. */
unsigned croom_room_retired(struct croom_room *room);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
