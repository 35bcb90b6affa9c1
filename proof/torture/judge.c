// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the answer to a swap must say: first records that the lanes saw, too; lanes that have observed are seen to have.
 *
 * A first record is compared later, when the lane has had time to note its own: the control side may know before the
 * lane has written its note. What is never compared (the lane skipped the revision, or the note is overwritten) is not
 * counted.
 */
#include "swap.h"
#include <errno.h>
#include <sched.h>
#include <string.h>

enum { SWAPPERS_MAX = 16, REPORTS = 1024, PATIENCE_MS = 200 };

struct report {
	char lane[16];
	uint64_t revision, first;
};

struct swapper {
	struct croom_swap_result result;
	struct report report[REPORTS];
	unsigned reports, turn;
};

static struct swapper swappers[SWAPPERS_MAX];
static int quiet;             /* swappers that want nobody else to swap for a moment; relaxed: it is a request */
static unsigned swappers_count;

struct swapper *swapper_new(void)
{
	return &swappers[__atomic_fetch_add(&swappers_count, 1, __ATOMIC_RELAXED) % SWAPPERS_MAX];
}

struct croom_swap_result *swapper_result(struct swapper *swapper)
{
	return &swapper->result;
}

int64_t swapper_wait_ms(struct luck *luck)
{
	static const int64_t wait_ms[] = { 1, 3, PATIENCE_MS };

	return luck_below(luck, 64) ? 0 : wait_ms[luck_below(luck, 3)];
}

/*
 * What is wrong with the last echo of a lane is mended by its next one. So now and then one swap comes alone: the
 * others wait here until it has been observed.
 */
bool swapper_begins(struct luck *luck, int64_t wait_ms)
{
	bool alone = wait_ms && luck_below(luck, 8) == 0;

	if (alone) {
		__atomic_fetch_add(&quiet, 1, __ATOMIC_RELAXED);
		return true;
	}
	while (__atomic_load_n(&quiet, __ATOMIC_RELAXED) && !torture_over())
		crew_rest(luck, 200);
	return false;
}

void swapper_ends(bool alone)
{
	if (alone)
		__atomic_fetch_sub(&quiet, 1, __ATOMIC_RELAXED);
}

static void raise_to(uint64_t *at, uint64_t value)
{
	uint64_t now = __atomic_load_n(at, __ATOMIC_RELAXED);

	while (now < value && !__atomic_compare_exchange_n(at, &now, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/*
 * Panels are retired in order and freed from the oldest on: what is below the current one without the waiting ones has
 * been freed. The revision is asked for first, so it is that of the second call or an older one.
 */
static void look_floor(void)
{
	uint64_t revision = croom_room_revision(torture.room), waiting = croom_room_retired(torture.room);

	raise_to(&torture.floor, revision - waiting);
	__atomic_fetch_add(&torture.waiting[age_column(waiting)], 1, __ATOMIC_RELAXED);
}

static void compare(struct report *report)
{
	uint64_t first;

	if (report->lane[0] && lane_saw(report->lane, report->revision, &first)) {
		torture_tally(TALLY_FIRST, 1);
		if (first != (report->first & 0xffffffff))
			found(FOUND_FIRST, "lane %s is said to have begun revision %llu with %llu; it was %llu (32 bits)",
			      report->lane, (big)report->revision, (big)report->first, (big)first);
	}
	report->lane[0] = 0;
}

/* After the lanes: what is left to compare. */
void swaps_check_first(void)
{
	for (unsigned i = 0; i < SWAPPERS_MAX; i++)
		for (unsigned k = 0; k < REPORTS; k++)
			compare(&swappers[i].report[k]);
}

static void note_starts(struct swapper *swapper, bool waited)
{
	const struct croom_swap_result *result = &swapper->result;

	for (unsigned i = 0; i < result->lanes; i++) {
		const struct croom_lane_start *start = &result->lane[i];
		struct report *report = &swapper->report[swapper->reports % REPORTS];

		if (waited && !start->observed)
			found(FOUND_ANSWER, "a swap that waited has not been observed by lane %s", start->lane);
		if (start->revision && start->revision < result->revision)
			found(FOUND_ANSWER, "lane %s is said to have gone to revision %llu, before %llu", start->lane,
			      (big)start->revision, (big)result->revision);
		if (waited && !start->first_record)
			torture_tally(TALLY_FIRST_UNKNOWN, 1);
		if (!start->first_record)
			continue;
		compare(report);
		memcpy(report->lane, start->lane, sizeof(report->lane) - 1);
		report->revision = start->revision;
		report->first = start->first_record;
		swapper->reports++;
	}
}

/*
 * Has this lane observed three times since, without a nap between, and the room still takes it for late? True when that
 * is decided: not late, gone, or a finding. A lane that naps may be looked at while it wakes, and then nobody knows
 * what it holds.
 */
static bool late_decided(struct luck *luck, uint64_t revision, const char *lane, struct croom_error *now)
{
	uint64_t begin, observes, naps, naps_now;

	if (!lane_awake(lane, &begin, &naps)) {
		crew_rest(luck, 200);
		return croom_room_poll(torture.room, revision, NULL, now) == 0;
	}
	do {
		crew_rest(luck, 1000);
		if (!lane_awake(lane, &observes, &naps_now) || naps_now != naps)
			return false;
		if (croom_room_poll(torture.room, revision, NULL, now) == 0)
			return true;
	} while (!torture_over() && observes < begin + 3 && strcmp(lane, now->subject) == 0);
	if (torture_over() || strcmp(lane, now->subject) || !lane_awake(lane, &observes, &naps_now) || naps_now != naps)
		return false;
	found(FOUND_UNSEEN, "lane %s has observed %llu times since: %s", lane, (big)(observes - begin), now->text);
	return true;
}

/*
 * A lane is late. That is its right; but once it has observed some more times, the room has to know. Counted in the
 * lane's own steps, so that a busy machine is no finding.
 */
static void check_late(struct luck *luck, uint64_t revision, const struct croom_error *err)
{
	struct croom_error now = *err;

	while (!torture_over()) {
		char lane[sizeof(now.subject)];

		memcpy(lane, now.subject, sizeof(lane));
		if (late_decided(luck, revision, lane, &now))
			return;
	}
}

bool swap_must_wait(int rc, const struct croom_error *err)
{
	return rc == -EBUSY || (rc == -EPERM && err->kind == CROOM_ERROR_FROZEN && torture_on(ACTOR_FREEZE));
}

bool swapper_judge(struct swapper *swapper, struct luck *luck, int rc, int64_t wait_ms, const struct croom_error *err,
		   unsigned may)
{
	if (rc == 0 || rc == -ETIMEDOUT) {
		torture_tally(TALLY_SWAPS, 1);
		raise_to(&torture.newest, swapper->result.revision);
		if (wait_ms || swapper->turn++ % 4 == 0)
			note_starts(swapper, rc == 0 && wait_ms);
		if (swapper->turn % 8 == 0)
			look_floor();
		if (wait_ms)
			torture_tally(rc ? TALLY_LATE : TALLY_WAITED, 1);
		if (rc)
			check_late(luck, swapper->result.revision, err);
		return true;
	}
	if (rc == -EBUSY) {
		/* Lanes have to run before anybody can swap again, a change to be confirmed, or a trial to end. */
		torture_tally(TALLY_BUSY, 1);
		sched_yield();
		if (err->kind == CROOM_ERROR_BUSY && luck_below(luck, 256) == 0)
			check_late(luck, croom_room_revision(torture.room), err);
	} else if (swap_must_wait(rc, err)) {
		torture_tally(TALLY_FROZEN, 1);
		crew_rest(luck, 200);
	} else if (rc == -ESTALE && may & MAY_BE_STALE) {
		torture_tally(TALLY_STALE, 1);
	} else if ((rc == -ENODATA || rc == -ENOENT) && may & MAY_BE_GONE) {
		torture_tally(TALLY_GONE, 1);
	} else {
		found(FOUND_ANSWER, "a swap said %d: %s", rc, err->text);
	}
	return false;
}
