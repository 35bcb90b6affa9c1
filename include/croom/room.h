/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A room is the control side of a program whose handlers can be swapped while it runs: it owns the slots, the
 * handler classes, the current panel, the lanes and the history.
 *
 *	static const struct croom_slot slots[] = {
 *		{ .name = "printer", .help = "how a tick is written", .type = printer_slot_type },
 *	};
 *	static const struct croom_class json = {
 *		.name = "json", .help = "one object per line", CROOM_RUNS(json), .open = json_open, .close = json_close,
 *	};
 *
 *	croom_room_open(&room, "ticker", slots, 1);
 *	croom_room_class_add(room, "printer", &json, NULL);
 *	croom_room_lane_add(room, "feed", &lane);              // hand it to the data thread
 *
 *	struct croom_change change = { "printer", "json" };
 *	croom_room_swap(room, &change, 1, NULL, &result, &error);
 *
 * A swap opens the new handlers, publishes one new panel with all of them, waits until every lane has left the
 * older panels and closes what only those named. It never blocks a data thread. A swap that is refused has
 * changed nothing; one that is prepared first and committed later takes a fraction of the time. Revision 1 is the room
 * as opened: the empty handler in every slot, which returns 0.
 *
 * Any control thread may call these; a mutex inside orders them. Data threads call <croom/lane.h> only. A
 * class's open() and close() run with that mutex held, in the thread that made the room look: they must not call
 * the room. More in <croom/trial.h>: guards, canaries, shadows, confirm-or-revert, freeze; in <croom/inspect.h>: lists,
 * history, events, gauges.
 */
#ifndef CROOM_ROOM_H
#define CROOM_ROOM_H

#include <croom/error.h>
#include <croom/lane.h>
#include <croom/panel.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	CROOM_SLOTS_MAX = 256,
	CROOM_LANES_MAX = 64,
	CROOM_CONFIG_MAX = 65536,  /* bytes of a config */
	CROOM_HISTORY_MAX = 1000,  /* changes remembered; fewer where their configs take more than the next */
	CROOM_HISTORY_BYTES = 16 * 1024 * 1024,
	CROOM_RETIRED_MAX = 64,    /* panels that wait for a late lane before swaps are refused with -EBUSY; what the room itself
	                              ends or takes back, <croom/trial.h>, is not refused */
};

struct croom_room;

/* A place where a handler is called. Static data of the program; must outlive the room. */
struct croom_slot {
	const char *name;
	const char *help;                  /* one line */
	/* NAME_slot_type from CROOM_SLOT, whose index is the place here; RECORD_croom_type in a table made by a loop. */
	struct croom_type (*type)(void);
	const char *empty;                 /* what to call the empty handler; NULL: "off" */
	const char *empty_help;            /* one line; NULL: "nothing is called here" */
};

/* A named factory of handlers: what an operator names in a swap. Copied when added; its strings are not. */
struct croom_class {
	const char *name;
	const char *help;                  /* one line */
	const char *syntax;                /* of the config, such as "N" or "HOST:PORT"; NULL: takes none */
	croom_run_fn *run;
	struct croom_type (*type)(void);
	/*
	 * Make a context from the config ("" when none was given). 0, or -errno with *err telling what is wrong
	 * with the config and at which offset. NULL: no context, and a config is refused. Control thread. A context is best
	 * on cache lines of its own (aligned_alloc): what else the control thread writes then stops no data thread.
	 */
	int (*open)(void **ctx, const char *config, void *env, struct croom_error *err);
	/* No lane is in the handler any more, nor ever will be. NULL: nothing to do. Control thread. */
	void (*close)(void *ctx, void *env);
	/*
	 * Would open() take this config? As open(), but leaves no trace: for a dry run, where opening makes a file or a
	 * connection. NULL: a dry run opens and closes. Control thread.
	 */
	int (*check)(const char *config, void *env, struct croom_error *err);
	unsigned traits;                   /* of enum croom_trait; they decide about trials, <croom/trial.h>, and who may ask */
};

/* A class, and the slot that it is for. */
struct croom_placed_class {
	const char *slot;
	const struct croom_class *handler_class;   /* to remove one its name is enough */
};

enum croom_trait {
	CROOM_PURE = 1,            /* calls have no effect but on the context and by what they return; the record is as it was */
	CROOM_OWN_OUTPUT = 2,      /* all effects of a call go to an output that belongs to the context alone */
	CROOM_EXCLUSIVE = 4,       /* what it writes cannot stand before or after another's: no trial, and none against it */
	CROOM_WRITES_FILE = 8,     /* its config names a file to write to: whom a policy makes an operator may not ask for it */
};

/*
 * The two members that CROOM_RUN(name, ...) made. C++ before 20 has no such initialisers, and under -Wextra wants
 * every member: there, `croom_class json = {}; json.name = "json"; json.run = json_run; json.type = json_type;`.
 */
#define CROOM_RUNS(name) .run = name##_run, .type = name##_type

struct croom_change {
	const char *slot;
	const char *handler;               /* CLASS or CLASS:CONFIG */
};

/* Who asks, for the history. pid 0, or no origin: this process, as it is when the history is read. */
struct croom_origin {
	uid_t uid;
	pid_t pid;
	const char *command;               /* as typed */
};

struct croom_trial;

struct croom_swap_options {
	uint64_t expect;                   /* refuse unless this is the current revision; 0: any */
	int64_t wait_ms;                   /* for the lanes; 0: return once published; the default (NULL) is 5000 */
	const struct croom_origin *origin;
	/* <croom/trial.h>: */
	const struct croom_trial *trial;   /* how the one new handler begins; NULL: it takes over at once */
	int64_t confirm_ms;                /* > 0: goes back by itself unless croom_room_confirm() comes within that time */
	int64_t observe_ms;                /* > 0: goes back by itself unless every lane runs it within that time */
	bool dry_run;                      /* do everything but publish; the result's revision is what it would have been */
};

struct croom_swap_result {
	uint64_t revision;
	unsigned lanes;
	struct croom_lane_start lane[CROOM_LANES_MAX];
};

#pragma GCC visibility push(default)

/*
 * Open a room. 0, -EINVAL (a name or a count that is out of bounds, two slots of one name, slots in another order than
 * CROOM_SLOT says), -ENOMEM.
 */
int croom_room_open(struct croom_room **room, const char *name, const struct croom_slot *slots, unsigned count);

/*
 * Close every handler and free the room. All lanes must be parked; they go with it.
 * NULL is allowed.
 */
void croom_room_close(struct croom_room *room);

/*
 * Let handlers of this class sit in a slot. env is passed to open and close.
 * 0, -ENOENT (no such slot), -EEXIST, -EINVAL (bad name), -EPROTOTYPE (its record is not the slot's), -ENOMEM.
 */
int croom_room_class_add(struct croom_room *room, const char *slot, const struct croom_class *handler_class, void *env);

/*
 * Take a class out of a slot, as for a plugin that is to be unloaded. A rollback to a handler of it is refused from
 * then on. No pointer into the class is kept. 0, -ENOENT (no such slot or class), -EINVAL (the empty handler's class stays),
 * -EBUSY: a handler of it is open, and *err says whether it sits in the slot, waits to be confirmed, or is prepared;
 * -EAGAIN: nothing holds one but a lane that has not moved, and *err names it, or the end of a trial: try again.
 */
int croom_room_class_remove(struct croom_room *room, const char *slot, const char *handler_class, struct croom_error *err);

/* The same for several: all, or none and *err says which of them is in the way, and how it can be helped. */
int croom_room_classes_add(struct croom_room *room, const struct croom_placed_class *placed, unsigned count, void *env,
			   struct croom_error *err);
int croom_room_classes_remove(struct croom_room *room, const struct croom_placed_class *placed, unsigned count,
			      struct croom_error *err);

/* Make a lane, parked, for one data thread. 0, -EINVAL, -EEXIST, -ENOSPC, -ENOMEM. */
int croom_room_lane_add(struct croom_room *room, const char *name, struct croom_lane **lane);

/* Take a parked lane away and free it; its thread must not touch it any more. */
void croom_room_lane_remove(struct croom_room *room, struct croom_lane *lane);

/*
 * Put handlers into one or several slots: one transaction, one revision, one record boundary per lane.
 *
 * 0: published, and observed by every lane unless options->wait_ms is 0. -ETIMEDOUT: published, and *err names
 * the lane that has not moved; the swap stays in force, and what it replaced is closed when the lane moves.
 * Anything else: refused, nothing has changed: -ENOENT (slot or class), -EINVAL (a slot twice, no changes), what
 * a class's open() said, -ESTALE (another revision than expected), -EBUSY (CROOM_RETIRED_MAX, or an earlier change
 * waits to be confirmed), -EPERM (frozen), -EACCES (quarantined), -ENOMEM.
 * options, result and err may be NULL.
 */
int croom_room_swap(struct croom_room *room, const struct croom_change *changes, unsigned count,
		    const struct croom_swap_options *options, struct croom_swap_result *result,
		    struct croom_error *err);

/*
 * A swap in two steps, for who wants to choose its moment: prepare does all that takes long or can fail (look names up,
 * open the handlers, make the panel), commit publishes. Between the two nothing has changed and the old handlers run.
 *
 * What is prepared holds on to every handler that is current then, so discard what will not be used.
 *
 * prepare: 0, or what croom_room_swap() refuses with; options->wait_ms is not used. Several may be prepared at once.
 * commit: 0 and -ETIMEDOUT as for a swap: *prepared is gone. -ESTALE when another revision was published since, -EBUSY, -EPERM
 * (frozen), and -EACCES (a handler of it has come into quarantine since): nothing has changed and *prepared is still to be
 * discarded. wait_ms is for the lanes; 0: return once published.
 * discard: close what was opened; NULL is allowed. All before the room is closed.
 */
struct croom_prepared;
int croom_room_prepare(struct croom_room *room, const struct croom_change *changes, unsigned count,
		       const struct croom_swap_options *options, struct croom_prepared **prepared, struct croom_error *err);
int croom_room_commit(struct croom_room *room, struct croom_prepared *prepared, int64_t wait_ms,
		      struct croom_swap_result *result, struct croom_error *err);
void croom_room_discard(struct croom_room *room, struct croom_prepared *prepared);

/*
 * Publish an older state again, as a new revision: handlers that differ are opened anew from their class and
 * config. to_revision 0: the one before the current. Errors as for a swap, and -ENODATA: not in the history.
 */
int croom_room_rollback(struct croom_room *room, uint64_t to_revision, const struct croom_swap_options *options,
			struct croom_swap_result *result, struct croom_error *err);

/*
 * Has every lane left what is older than this revision? 0, -EAGAIN (and *err names the late lane), -EINVAL (there is
 * no such revision yet). Does not block; closes what has become unused, so an event loop that swaps with wait_ms 0 calls this until it is 0.
 */
int croom_room_poll(struct croom_room *room, uint64_t revision, struct croom_swap_result *result,
		    struct croom_error *err);

/* Number of the current panel. */
uint64_t croom_room_revision(struct croom_room *room);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
