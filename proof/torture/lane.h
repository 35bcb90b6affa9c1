/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lane of the torture. A worker's fields are its thread's; what others read are single-writer figures, stored
 * relaxed. `seen` is where the lane notes which record a revision began with: a word each, so that whoever reads it
 * gets a note or another, no mixture.
 */
#ifndef TORTURE_LANE_H
#define TORTURE_LANE_H

#include "torture.h"

enum { SEEN = 16384 };   /* notes, by revision */

struct worker {
	struct crew crew;
	struct croom_lane *lane;
	char name[CROOM_NAME_MAX + 1];      /* lNUMBER.GENERATION, as lane and thread */
	unsigned number;
	unsigned generation;                /* relaxed, for who has the name of one before */
	bool runs, removes_itself;          /* runs: there is a thread to wait for */
	int leave;                          /* relaxed: asked to end */
	uint64_t revision, ran, newest_ran; /* held now; the newest, by this lane and by all of its number */
	uint64_t records;                   /* of this lane, as the room counts them */
	uint64_t rounds, age;               /* age: of the panel, when it was last used */
	int answer[CROOM_SLOTS_MAX];        /* of the handler that the panel has ... */
	int strict[CROOM_SLOTS_MAX];        /* ... all bits; 0: a trial, or a sour handler, may answer otherwise */
	uint64_t all_calls __attribute__((aligned(64))), all_records, observes, moves, parks;
	uint64_t naps;                      /* odd: between two, it parks or wakes */
	uint64_t used[AGES], left[AGES];    /* age of the panel after each batch, and when it was left */
	uint64_t *seen;
};

extern struct worker workers[CROOM_LANES_MAX];

static inline uint64_t figure(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

/* 24 bits of the revision, 8 of the generation, 32 of the record. */
static inline uint64_t note(uint64_t revision, unsigned generation, uint64_t first)
{
	return revision << 40 | (uint64_t)(generation & 0xff) << 32 | (first & 0xffffffff);
}

/* What the room says of a lane's records, when it is parked: a visit of croom_room_each_lane(). */
int look_records(void *env, const struct croom_lane_view *view);

#endif
