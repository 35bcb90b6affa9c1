/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * croomtorture: one room, many threads that do to it whatever the contracts allow, for as long as it takes, and checks
 * on every record. A finding is something that a contract excludes.
 *
 *	main.c       starts the threads, watches the limits, checks what is left at the end
 *	options.c    the command line
 *	crew.c       threads: start and end, who is alive, so that others can disturb them; rest
 *	report.c     findings, counts, histograms, the summary
 *	context.c    contexts and classes: opened, closed, poisoned; what a handler checks is in context.h
 *	lane.c       the lanes: records, checks, parking, age of panels; threads that end and come again; lane-look.c
 *	             what others see of them
 *	swap.c       swaps, transactions, prepared swaps, roll-backs; judge.c what each answer must say
 *	trials.c     trials, changes that want to be confirmed, freezing; refuse.c what must be refused
 *	classes.c    classes that come late and go
 *	look.c       what the room shows of itself agrees with itself; events.c: so does what it tells
 *	plugin.c     a plugin that is loaded, swapped in, swapped out and unloaded
 *	disturb.c    signals, stalls, moves to other processors, forks, memory pressure
 *	box.c        the black box, read while the lanes write it
 *	queues.c     ring, items, strings, wire: a pair of threads each
 *	points.h     what happens at an ordered access: nothing in the plain build (plain.c); in the checked one (checked.h,
 *	             points.c, broken.c, wrapped.c) it is counted, delayed, and weakened where a broken variant asks for it
 *
 * Time is counted in revisions: the control side's own count of what it has published, `newest`. Lanes look at it with
 * relaxed loads, once per batch: nothing here may order what the library has to order.
 */
#ifndef TORTURE_H
#define TORTURE_H

#include "context.h"
#include "luck.h"
#include <croom/inspect.h>
#include <pthread.h>
#include <stdio.h>

/* Who takes part. Each but the lanes is switched on by its name in --actors; new ones: here and in actor.c. */
enum actor {
	ACTOR_SWAP, ACTOR_TRANSACT, ACTOR_PREPARE, ACTOR_ROLLBACK, ACTOR_TRIAL, ACTOR_CONFIRM, ACTOR_FREEZE, ACTOR_REFUSE,
	ACTOR_CLASS, ACTOR_PLUGIN, ACTOR_LOOK, ACTOR_BLACKBOX, ACTOR_PARK, ACTOR_EXIT, ACTOR_SIGNAL, ACTOR_STALL,
	ACTOR_AFFINITY, ACTOR_FORK, ACTOR_MEMORY, ACTOR_RING, ACTOR_ITEMS, ACTOR_STRINGS, ACTOR_WIRE, ACTOR_DELAY, ACTORS
};

enum finding {
	FOUND_DEAD, FOUND_FUNCTION, FOUND_SLOT, FOUND_STAMP, FOUND_EMPTY, /* the first ones as WRONG_... in context.h */
	FOUND_PANEL, FOUND_BACK, FOUND_AGE, FOUND_FIRST, FOUND_UNSEEN, FOUND_COUNT, FOUND_OPEN, FOUND_ANSWER, FOUND_SHOWN,
	FOUND_BOX, FOUND_RING, FOUND_ITEMS, FOUND_STRINGS, FOUND_WIRE, FOUND_DISTURBED, FOUND_UNUSED, FINDINGS
};

/* What the swappers count beside their operations. */
enum tally {
	TALLY_SWAPS, TALLY_CHANGES, TALLY_WAITED, TALLY_LATE, TALLY_BUSY, TALLY_STALE, TALLY_GONE, TALLY_FROZEN,
	TALLY_DISCARDED, TALLY_BY_ITSELF, TALLY_FIRST, TALLY_FIRST_UNKNOWN, TALLY_OPENED, TALLY_CLOSED, TALLY_COUNTS,
	TALLIES
};

enum { AGES = 9 };   /* 0, 1, 2-3, 4-7, ... 64 and more */

typedef unsigned long long big;      /* for %llu */

struct settings {
	double seconds;              /* 0: no limit */
	uint64_t calls, swaps, each; /* 0: not asked for */
	unsigned lanes, slots;
	uint64_t seed;
	uint32_t actors;             /* bits */
	const char *broken;
	bool go_on;                  /* after a finding */
	bool list;
};

struct torture {
	struct settings set;
	struct croom_room *room;
	unsigned group;              /* slots 0 to group - 1 are changed together only */
	uint64_t stamps;             /* given out; atomic */
	/* Relaxed atomics, all of them figures. Read by lanes once per batch: */
	uint64_t newest __attribute__((aligned(64)));   /* revision that the control side knows to be published */
	uint64_t floor;              /* every panel of a lower revision has been freed */
	int stop;                    /* the actors end; the lanes go on until they have */
	int stop_lanes;
	uint64_t done[ACTORS] __attribute__((aligned(64)));
	uint64_t tally[TALLIES];
	uint64_t waiting[AGES];      /* panels that waited for a lane, at a swap */
};

extern struct torture torture;

static inline bool torture_on(enum actor actor)
{
	return (torture.set.actors >> actor & 1) != 0;
}

/* relaxed, all of these: figures and requests to end; nothing may be ordered by them. */
static inline bool torture_over(void)
{
	return __atomic_load_n(&torture.stop, __ATOMIC_RELAXED) != 0;
}

static inline void torture_done(enum actor actor, uint64_t count)
{
	__atomic_fetch_add(&torture.done[actor], count, __ATOMIC_RELAXED);
}

static inline void torture_tally(enum tally tally, uint64_t count)
{
	__atomic_fetch_add(&torture.tally[tally], count, __ATOMIC_RELAXED);
}

/* 0, 1, 2-3, 4-7, ...: which column of a histogram. */
static inline unsigned age_column(uint64_t age)
{
	unsigned column = age ? 64u - (unsigned)__builtin_clzll(age) : 0;

	return column < AGES ? column : AGES - 1;
}

/* actor.c */
struct crew;
struct actor_kind {
	const char *name, *help;
	void (*body[2])(struct crew *self);   /* its threads; none: what others do for it */
};
extern const struct actor_kind actor_kinds[ACTORS];

/* crew.c: a thread of the run. */
struct crew {
	const char *name;
	struct luck luck;
	pthread_t thread;
	void (*body)(struct crew *self);
	void *of;                    /* the lane's */
	unsigned place;
	bool alive;                  /* under the crew's mutex */
};
int crew_start(struct crew *crew, const char *name, void (*body)(struct crew *), void *of);
void crew_wait(struct crew *crew);
/* Call with one living thread, which cannot end meanwhile. */
void crew_pick(struct luck *luck, void (*call)(struct crew *one, struct luck *luck));
/* Sleep for up to max_us; shorter when the run is over. */
void crew_rest(struct luck *luck, unsigned max_us);
const char *crew_name(void);

/* options.c: 0, or 1 (help or list was shown) or -1 (what is wrong was said). */
int options_read(struct settings *set, int argc, char **argv);

/* report.c */
void found(enum finding finding, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint64_t findings(void);
void crash_watch(void);
void report_progress(double seconds);
void report_summary(double seconds);

/* context.c */
const char *slot_name(unsigned slot);
int classes_open(void);
int class_late_add(unsigned slot, const char *name);
/* What that class's open() is given. */
void *class_env(unsigned slot, enum kind kind);
void contexts_end(void);

/* lane.c */
struct lane_sums {
	uint64_t calls, records, observes, moves, parks;
	uint64_t used[AGES], left[AGES];   /* age of the panel: after each batch; when the lane left it */
};
/* What a lane notes of this record for the black box. */
static inline uint16_t lane_decision(uint64_t record)
{
	return (uint16_t)(record * UINT64_C(0x9e3779b97f4a7c15) >> 48);
}
int lanes_start(void);
void lanes_stop(void);
void lanes_check_counts(void);
void lanes_free(void);
uint64_t lanes_calls(void);
void lanes_sum(struct lane_sums *sums);
bool lane_there(const char *name);
bool lane_saw(const char *name, uint64_t revision, uint64_t *first);
bool lane_awake(const char *name, uint64_t *observes, uint64_t *naps);
void exit_body(struct crew *self);

/* swap.c */
void swap_body(struct crew *self);
void transact_body(struct crew *self);
void prepare_body(struct crew *self);
void rollback_body(struct crew *self);
void refuse_body(struct crew *self);
bool swap_one(struct crew *self, unsigned slot, const char *handler, uint64_t *revision);
void swaps_check_first(void);
void trial_body(struct crew *self);
void confirm_body(struct crew *self);
void freeze_body(struct crew *self);
void events_start(void);
void events_end(void);

/* classes.c, look.c, plugin.c, disturb.c, queues.c */
void class_body(struct crew *self);
void look_body(struct crew *self);
void plugin_body(struct crew *self);
int plugins_start(void);
void plugins_end(void);
void signal_body(struct crew *self);
void stall_body(struct crew *self);
void affinity_body(struct crew *self);
void fork_body(struct crew *self);
void memory_body(struct crew *self);
void ring_put_body(struct crew *self);
void ring_take_body(struct crew *self);
void items_put_body(struct crew *self);
void items_take_body(struct crew *self);
void strings_write_body(struct crew *self);
void strings_read_body(struct crew *self);
void wire_set_body(struct crew *self);
void wire_get_body(struct crew *self);
int blackbox_start(void);
void blackbox_end(void);
void blackbox_body(struct crew *self);
int disturb_start(void);
int queues_open(void);
void queues_close(void);

/* Panels that may wait: an operator's, and what ends or goes back by itself when these do. */
static inline unsigned waiting_max(void)
{
	return CROOM_RETIRED_MAX + 1 + 2 * torture.set.slots;
}

#endif
