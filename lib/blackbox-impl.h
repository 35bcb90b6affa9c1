/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lies in the file of a black box, so that a reader of another version can find its way: every size and place is written
 * down in the head.
 *
 *	head				written when it is opened, but for ended_ns and sequence
 *	now, slot[slots], gauge[64]	the control side's, under the room's mutex; `sequence` is odd while they are written
 *	place[64]			which lane lies where; the control side's
 *	lanes, 64 times lane_stride	struct lane, its counts, its ring of decisions: the lanes' own
 *
 * The control side's part is written as words under a seqlock, for readers in other processes. It is never read back by this
 * one.
 */
#ifndef CROOM_BLACKBOX_IMPL_H
#define CROOM_BLACKBOX_IMPL_H

#include <croom/blackbox.h>

#define BOX_MAGIC "croombb1"
enum { BOX_VERSION = 1, BOX_GAUGES = 64, BOX_LANES_MAX = 64 };

struct box_place {
	uint32_t used;
	char name[CROOM_NAME_MAX + 1];
};

struct box_head {
	char magic[8];
	uint32_t version, head_bytes;
	uint64_t file_bytes;
	char room[CROOM_NAME_MAX + 1];
	int64_t pid, started_ns, ended_ns;
	uint64_t process_started;          /* field 22 of /proc/PID/stat: tells the process from a later one of its number */
	uint32_t slots, slot_bytes, gauge_bytes, lanes_max, place_bytes, decisions;
	uint64_t now_at, slot_at, gauge_at, place_at, lane_at, lane_stride;
	/* Within a lane. */
	uint32_t records_at, observed_at, at_at, decided_at, calls_at, decision_at;
	char decision_name[CROOM_DECISION_NAMES][16];
	uint64_t sequence __attribute__((aligned(64)));
};

struct box_now {
	uint64_t revision;
	int64_t updated_ns;
	uint64_t gauges;
};

/* 0 where it cannot be told. */
uint64_t box_process_started(int64_t pid);

#endif
