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
#include <croom/trial.h>
#include <pthread.h>

enum { ROOM_GAUGES_MAX = 64 };

/* What an operator asked for, once. Two swaps to the same words are two specs: that tells a rollback what differs. */
struct spec {
	uint32_t refs;
	struct class_entry *entry;   /* one reference */
	const char *config;          /* inside text, after the colon */
	char text[];                 /* CLASS or CLASS:CONFIG */
};

/* A handler that is open, or a trial that stands in for the handlers it holds. */
struct instance {
	uint32_t refs;
	struct spec *spec;           /* a trial's: that of the new handler */
	croom_run_fn *run;
	void *ctx;
	struct trial *trial;         /* NULL: the handler itself */
};

/* The room holds a reference until the class is removed, each spec another one. */
struct class_entry {
	uint32_t refs;
	uint32_t open;               /* instances */
	bool removed;                /* nothing of the class may be touched any more but its name */
	char name[CROOM_NAME_MAX + 1];
	struct croom_class class;
	void *env;
	struct class_entry *next;
};

struct room_slot {
	const struct croom_slot *def;
	struct class_entry empty;    /* first of its classes */
	unsigned classes;
	const struct croom_class **class_list;
	struct trial *last_trial;    /* one reference, or NULL */
};

/* One change, and what every slot held after it. */
struct state {
	uint64_t revision, rollback_to;
	enum croom_cause cause;
	bool trusted;                /* no trial under way in it, and nothing waits to be confirmed */
	int64_t time_ns;
	bool own;                    /* asked for by this process: two system calls that a swap need not make */
	uid_t uid;
	pid_t pid;
	char *command, *note;
	size_t bytes;                /* of text that came with it */
	unsigned changes;
	uint32_t *changed;           /* slots */
	struct spec **from;          /* of the changed slots */
	struct spec *spec[];         /* of every slot */
};

/* A change that goes back by itself: what it replaced stays open until it is over. */
struct pending {
	uint64_t revision;
	int64_t confirm_by_ns, observe_by_ns;   /* CLOCK_MONOTONIC; INT64_MAX: needs no such thing */
	unsigned count;
	struct { uint32_t slot; struct instance *instance; } back[];
};

struct quarantined {
	struct quarantined *next;
	uint32_t slot;
	const char *why;
	char handler[];              /* and why behind it */
};

/* What is about to be put in force. */
struct plan {
	struct croom_room *room;
	struct croom_error *err;
	bool dry;                    /* leave no trace: nothing is opened where a class can tell without */
	struct state *state;
	struct panel *panel;         /* what will be published */
	struct pending *pending;     /* what to wait for then, or NULL */
	struct instance *instance[CROOM_SLOTS_MAX];  /* per slot; NULL: stays as it is */
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
	struct blackbox *box;        /* NULL: none */
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
	struct pending *pending;     /* the change that waits to be confirmed or observed, or NULL */
	struct trial *endings;       /* over, but perhaps not for every lane yet */
	uint64_t undone, undone_by;  /* the last change that went back by itself, and the revision that did it */
	char *frozen;                /* why; NULL: it is not */
	struct quarantined *quarantined;
	void (*hear)(void *env, const struct croom_event *event);
	void *hear_env;
	void (*tick_wanted)(void *env);
	void *tick_env;
	/* For an event, as many as there are slots: what cannot fail must not allocate. */
	const char **event_slot, **event_handler;
	bool *event_waits;
	struct croom_history_change *event_change;
};

/* handler.c */
struct spec *spec_new(struct class_entry *entry, const char *text, size_t class);
void spec_put(struct spec *spec);
void entry_put(struct class_entry *entry);
int instance_open(struct instance **instance, struct spec *spec, const char *slot, struct croom_error *err);
int instance_check(const struct spec *spec, const char *slot, struct croom_error *err);
void instance_put(struct instance *instance);
struct panel *panel_new(struct croom_room *room, uint64_t revision);
void panel_set(struct panel *panel, uint32_t slot, struct instance *instance, uint64_t since_revision, int64_t since_ns);
void panel_free(struct croom_room *room, struct panel *panel);

/* classes.c: one more in what visitors are shown. */
int class_list_add(struct room_slot *slot, const struct croom_class *class);

/* history.c */
struct state *state_new(const struct croom_room *room, uint64_t revision, const struct croom_origin *origin,
			enum croom_cause cause, const char *note);
void state_free(const struct croom_room *room, struct state *state);
void history_add(struct croom_room *room, struct state *state);
const struct state *history_find(const struct croom_room *room, uint64_t revision);

/* A refusal is told to whoever listens, so there has to be a text. */
static inline struct croom_error *error_begin(struct croom_error *err, struct croom_error *own)
{
	*own = (struct croom_error){ 0 };
	if (!err)
		return own;
	*err = *own;
	return err;
}

/* find.c: look up by name; on a miss *err gets the nearest names. */
int find_slot(const struct croom_room *room, const char *name, uint32_t *slot, struct croom_error *err);
struct class_entry *find_class(const struct croom_room *room, uint32_t slot, const char *name, size_t length,
			       struct croom_error *err);
bool name_good(const char *name);

/* plan.c: what leads to a publication. All but plan_publish() may fail; end every plan that was begun. */
int plan_begin(struct plan *plan, struct croom_room *room, const struct croom_swap_options *options, enum croom_cause cause,
	       const char *note, struct croom_error *err);
int plan_change(struct plan *plan, const struct croom_change *change);
int plan_rollback(struct plan *plan, uint64_t to_revision);
int plan_put(struct plan *plan, uint32_t slot, struct instance *instance);
/* Is it refused until it is pardoned? */
int plan_quarantined(struct plan *plan, uint32_t slot, const char *handler);
int plan_panel(struct plan *plan, const struct croom_swap_options *options);
void plan_publish(struct plan *plan);
void plan_end(struct plan *plan);
/* The same for a change of the room's own: nobody waits for it, and no number of panels that wait for a lane refuses it. */
int plan_begin_own(struct plan *plan, struct croom_room *room, enum croom_cause cause, const char *note);
int may_publish(struct croom_room *room, uint64_t expect, struct croom_error *err);
/* May an operator change anything, or is the room frozen, or does a change wait to be confirmed? */
int may_change(struct croom_room *room, enum croom_cause cause, struct croom_error *err);
int out_of_memory(struct croom_error *err);
int swap_finish(struct plan *plan, int rc, const struct croom_swap_options *options, struct croom_swap_result *result,
		const struct croom_change *changes, unsigned count);

/* trial.c */
struct instance *trial_new(const struct croom_trial *trial, struct instance *fresh, struct instance *old, uint64_t revision);
int trial_allowed(const struct croom_trial *trial, const struct instance *fresh, const struct instance *old, const char *slot,
		  struct croom_error *err);
void trial_put(struct trial *trial);
struct trial *trial_get(struct trial *trial);
/* It is about to be published: its time begins. */
void trial_begin(struct trial *trial);
const char *trial_kind(const struct trial *trial);
struct instance *trial_fresh(const struct trial *trial);
struct instance *trial_old(const struct trial *trial);
/* The wrapper goes: let go of what it holds, but for the figures. */
void trial_end(struct trial *trial);
void trial_describe(const struct croom_trial *trial, char *text, size_t size);

/* Is a trial under way in the slot: does its wrapper hold a handler to go back to? */
bool trial_on(const struct panel *panel, uint32_t slot);

/* pending.c */
/* Does what sits in the slot since the pending change wait to be confirmed? */
bool pending_holds(const struct pending *pending, uint32_t slot);
struct pending *pending_new(const struct plan *plan, const struct croom_swap_options *options);
void pending_begin(struct pending *pending);
void pending_free(struct pending *pending);
/* Let go of it when nothing is left to wait for. After collect(). */
void pending_settle(struct croom_room *room);
/* Put a change of the room's own in force; false: there was no memory for it, and it is tried again. */
bool publish_own(struct plan *plan, int rc);

/* ending.c */
void ending_begin(struct croom_room *room, uint32_t slot, struct trial *trial);
/* Let go of those that every lane has left and that have held. */
void endings_collect(struct croom_room *room);
/* Go back from those that were broken; false: one has to be tried again. */
bool endings_tick(struct croom_room *room);
void endings_drop(struct croom_room *room);
/* Is a handler of this class kept open for one? */
bool ending_holds(const struct croom_room *room, const struct class_entry *entry);

/* event.c */
void event_change(struct croom_room *room, enum croom_event_kind kind, const struct panel *panel, const struct state *state);
void event_confirmed(struct croom_room *room, const struct croom_origin *origin);
void event_refused(struct croom_room *room, const struct croom_origin *origin, const struct croom_change *changes,
		   unsigned count, enum croom_cause cause, const struct croom_error *err);
void event_plain(struct croom_room *room, enum croom_event_kind kind, const struct croom_origin *origin,
		 const struct croom_history_change *change, const char *text);

/* blackbox.c */
struct lane *box_lane(struct croom_room *room, const char *name);   /* NULL: no room left */
void box_lane_free(struct croom_room *room, struct lane *lane);
/* Handlers and gauges as they are now; the gauges are asked. */
void box_update(struct croom_room *room, bool gauges);
void box_close(struct croom_room *room);

/* retire.c */
void retire(struct croom_room *room, struct panel *panel);
void collect(struct croom_room *room);
int64_t late_for(const struct croom_room *room, const struct lane *lane);
void lane_where(const struct croom_room *room, const struct lane *lane, const char **slot, const char **handler);
const struct lane *late_lane(const struct croom_room *room, uint64_t revision, int64_t *late_ns);
int64_t clock_ns(int clock);

#endif
