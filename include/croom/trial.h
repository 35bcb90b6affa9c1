/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes with a way back that works by itself.
 *
 *	struct croom_trial guard;
 *
 *	croom_trial_parse(&guard, "p99<5us,errors<0.1%,for=10s", &error);
 *	croom_room_swap(room, &change, 1, &(struct croom_swap_options){ .trial = &guard, .confirm_ms = 30000 }, NULL, &error);
 *	wait_ms = croom_room_tick(room);                 // now and then, from the control loop
 *	croom_room_confirm(room, 0, NULL, &error);       // within 30 s, or the room goes back
 *
 * A trial is a wrapper that sits in the slot instead of the handlers it holds, the new one and the one before, which stays
 * open as long; a swap puts it in and another takes it out. So a slot without a trial costs what it always did.
 *
 *   guard    the new handler takes every record. When it breaks a rule, the lane itself goes back to the old one, from
 *            its next call on; when the time is up, the new one stays, bare. A lane that breaks a rule when the time is
 *            up, before it has left the trial, has broken it: the room goes back then.
 *   canary   one record in `one_in` goes to the new handler, the rest to the old one.
 *   shadow   every record goes to both, the old one first; what that returned counts, and differences are counted.
 *
 * A canary or shadow may have rules and a time, too; at the end of its time a canary takes over, a shadow goes. Both need
 * handlers that do not disturb each other: see enum croom_trait. A way back changes what runs next; it undoes nothing that
 * a handler has done, and what it has written stays written.
 *
 * While it is there a trial costs each call of its slot 4.7 ns (one call in 16 timed), 2.8 ns (one in 64) or 52 ns (all of
 * them, a profile's default), measured by croomlab on an AMD EPYC; the clock is the vDSO's CLOCK_MONOTONIC, which is a system
 * call where the kernel's clock source is not the processor's.
 *
 * Lanes share a trial's counts. With several lanes its number of calls may fall short by those that came together; errors,
 * differences and timed calls are exact. Control threads call these; all of it is guarded by the room's mutex.
 */
#ifndef CROOM_TRIAL_H
#define CROOM_TRIAL_H

#include <croom/room.h>

#ifdef __cplusplus
extern "C" {
#endif

enum croom_trial_kind { CROOM_GUARD, CROOM_CANARY, CROOM_SHADOW, CROOM_PROFILE };

enum { CROOM_RULES_MAX = 6, CROOM_SAMPLE_DEFAULT = 16, CROOM_RULE_SAMPLES = 128, CROOM_RULE_CALLS = 1000 };

enum croom_rule_what { CROOM_RULE_LATENCY, CROOM_RULE_ERROR_SHARE, CROOM_RULE_ERRORS, CROOM_RULE_DIFFERENCES };

/*
 * A quantile rule is broken when more of the timed calls took longer than it allows of all that were timed so far, or of
 * CROOM_RULE_SAMPLES (of as many as allow one, if that is more) while there are fewer: p99 allows one slow call among the
 * first 128, p99.9 one among the first 1,000. A share of errors is taken of all calls so far, or of CROOM_RULE_CALLS while
 * there are fewer.
 */
struct croom_rule {
	enum croom_rule_what what;
	uint32_t quantile;         /* of LATENCY, in millionths: 990000 is p99, 1000000 the longest */
	uint64_t limit;            /* ns; errors in a million calls; errors; differences. Reaching it is too much */
};

struct croom_trial {
	enum croom_trial_kind kind;
	uint32_t one_in;           /* CANARY: 2 to 1000000 */
	uint32_t sample;           /* one in so many calls of the new handler is timed; 0: CROOM_SAMPLE_DEFAULT */
	int64_t for_ms;            /* 0: until somebody promotes it or swaps it out */
	unsigned rules;
	struct croom_rule rule[CROOM_RULES_MAX];
};

enum { CROOM_HISTOGRAM = 64 * 16 };

/* What a trial or a profile has found. Good after croom_room_trial() has filled it. */
struct croom_trial_view {
	char fresh[256], old[256];         /* handlers as asked for, cut where they are longer; old "" in a profile */
	enum croom_trial_kind kind;
	bool broken;                       /* the lanes are back with the old handler */
	uint64_t revision;                 /* since when */
	int64_t left_ms;                   /* of its time; -1: no end */
	uint64_t calls, errors, differences, timed;
	uint64_t histogram[CROOM_HISTOGRAM];  /* of the timed calls; see croom_histogram_ns() */
	char why[160];                     /* when broken: rule and figures */
};

#pragma GCC visibility push(default)

/*
 * Rules and time from text: "p99<5us,max<1ms,errors<0.1%,errors<10,differ<5,for=10s,sample=64". Leaves kind and one_in.
 * 0, or -EINVAL with *err saying what and where. Any thread.
 */
int croom_trial_parse(struct croom_trial *trial, const char *text, struct croom_error *err);

/*
 * Do what time demands: take out trials that are over or broken, go back where a change was not confirmed or observed in
 * time, close what no lane holds any more. Returns in how many milliseconds it wants to be called again; -1: when there has been
 * another change. libcroom-control does this for a room that it serves.
 */
int64_t croom_room_tick(struct croom_room *room);

/*
 * Whom to tell when a change wants croom_room_tick() sooner than the last one said: an event loop writes to an eventfd. Runs in
 * the thread that makes the change, with the room's mutex held. NULL: nobody. libcroom-control takes it for itself.
 */
void croom_room_tick_wanted(struct croom_room *room, void (*wanted)(void *env), void *env);

/*
 * The handler that an entry of a panel stands for: a trial's new one, any other as it is. For a lane that has to know which
 * handler it is about to call. Data thread, of a panel that it holds.
 */
struct croom_entry croom_trial_inside(const struct croom_entry *entry);

/* End the trial in a slot now: the new handler takes over. 0, -ENOENT, -ENODATA (no trial there), as for a swap. */
int croom_room_promote(struct croom_room *room, const char *slot, const struct croom_swap_options *options,
		       struct croom_swap_result *result, struct croom_error *err);

/*
 * Time every `sample`th call of the handler that sits in the slot, for so long; then the wrapper goes again. Read it with
 * croom_room_trial() while it is there. 0, -ENOENT, -EBUSY (there is a trial), as for a swap.
 */
int croom_room_profile(struct croom_room *room, const char *slot, int64_t for_ms, uint32_t sample,
		       const struct croom_swap_options *options, struct croom_swap_result *result, struct croom_error *err);

/* What the trial in the slot, or the last one that ended there, has found. 0, -ENOENT, -ENODATA (there was none). */
int croom_room_trial(struct croom_room *room, const char *slot, struct croom_trial_view *view, struct croom_error *err);

/* The upper end of a bucket in nanoseconds: 16 buckets for each power of two, exact below 16. Any thread. */
uint64_t croom_histogram_ns(unsigned bucket);

/* The value that this share (0 to 1) of the counts does not exceed; 0 when there are none. Any thread. */
uint64_t croom_histogram_quantile(const uint64_t *histogram, double share);

/*
 * Keep what waits to be confirmed. revision: of the change that is meant; 0: whichever waits now, which may be another one than
 * was last looked at. 0, -ENODATA (nothing does), -ESTALE.
 */
int croom_room_confirm(struct croom_room *room, uint64_t revision, const struct croom_origin *origin, struct croom_error *err);

/* The revision that waits to be confirmed, and how long still; 0: none. */
uint64_t croom_room_unconfirmed(struct croom_room *room, int64_t *left_ms);

/*
 * From now on every change is refused with this reason, until thawed. What goes back by itself still does, because it
 * has begun before; a trial whose time is up stays, and goes on guarding, until thawed. 0, -EALREADY (frozen; thaw: is
 * not), -ENOMEM.
 */
int croom_room_freeze(struct croom_room *room, const char *why, const struct croom_origin *origin, struct croom_error *err);
int croom_room_thaw(struct croom_room *room, const struct croom_origin *origin, struct croom_error *err);

/* Whether, and why (cut at `size`). */
bool croom_room_frozen(struct croom_room *room, char *why, size_t size);

/*
 * Refuse this handler (as written, CLASS or CLASS:CONFIG) in this slot until it is pardoned, because it was in force
 * unconfirmed when the program died. quarantine: 0, -ENOENT (no such slot), -ENOMEM. pardon: 0, -ENOENT.
 */
int croom_room_quarantine(struct croom_room *room, const char *slot, const char *handler, const char *why);
int croom_room_pardon(struct croom_room *room, const char *slot, const char *handler, const struct croom_origin *origin,
		      struct croom_error *err);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
