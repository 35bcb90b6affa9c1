/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lane as the library sees it: which words the data thread writes, which the control side writes.
 *
 *	pub.wire, pub.calls, name	set before the lane is handed out, constant from then on
 *	pub.records, calls[], at	written by the data thread, read by anyone (relaxed)
 *	panel, ran, moves		the data thread's alone
 *	observed			written by the data thread, read by the control side: the echo
 *	base[], marks[]			written by the data thread when it moves, read by the control side
 *	passed, parked, first_awake	the control side's, under the room's mutex
 *
 * `observed` is a revision that the control side published and the lane hands back, or PARKED with the count of
 * records, or 0 between the announcement and the first panel after a sleep. A counter of the lane's own would not
 * do: it could tick between a publication and the lane's still older load.
 */
#ifndef CROOM_LANE_IMPL_H
#define CROOM_LANE_IMPL_H

#include <croom/lane.h>
#include <stddef.h>

/* This bit, and below it the number of records done. */
#define LANE_PARKED (UINT64_C(1) << 63)
#ifndef LANE_MARKS
#define LANE_MARKS 64u         /* a checker's build has three, so that they are soon written over */
#endif
#define LANE_LINE 64

/* The lane ran `revision` from record `first` on. A seqlock whose sequence is the revision itself. */
struct lane_mark {
	uint64_t revision;
	uint64_t first;
};

struct lane {
	struct croom_lane pub;
	const struct croom_panel *panel;
	uint64_t ran;              /* the newest revision it ran */
	uint64_t moves;
	uint64_t *base;            /* per slot: calls counted before its current handler */
	char name[CROOM_NAME_MAX + 1];
	uint32_t slots;
	uint64_t observed __attribute__((aligned(LANE_LINE)));
	uint64_t passed __attribute__((aligned(LANE_LINE)));
	uint64_t first_awake;      /* the record it will start with, when parked at the last look */
	bool parked;
	bool boxed;                /* its memory is in the room's black box */
	struct lane_mark marks[LANE_MARKS] __attribute__((aligned(LANE_LINE)));
};

/* Control side, the room's mutex held, after a publication: bring lane->passed up to date. */
void lane_look(struct lane *lane, uint64_t current);

/* Control side: where the lane began to run `revision` or what replaced it. */
void lane_start(const struct lane *lane, uint64_t revision, struct croom_lane_start *start);

/* Control side: calls of the handler that sits in the slot since `since_revision`. */
uint64_t lane_calls(const struct lane *lane, uint32_t slot, uint64_t since_revision);

/* Bytes of a lane with its counts. */
size_t lane_bytes(uint32_t slots);
/* In `memory` of lane_bytes(), on a line's boundary. */
struct lane *lane_init(void *memory, const char *name, const struct croom_panel *const *wire, uint32_t slots);

#endif
