/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A black box: the memory of a room's lanes in a file, so that others can read it while the process runs, while it hangs and
 * after it has died. The lanes write what they write anyway, to pages that happen to be shared: it costs them nothing but, where
 * the host notes its decisions, two stores each.
 *
 *	croom_blackbox_open(room, "/run/croom/ticker.blackbox", NULL, &error);     // control thread, before the first lane
 *	croom_room_lane_add(room, "feed", &lane);
 *	croom_lane_decide(lane, number, verdict);                                  // data thread, if it likes
 *
 *	croom_blackbox_read("/run/croom/ticker.blackbox", &box, &error);           // another process; `croomctl blackbox FILE`
 *	croom_blackbox_free(box);
 *
 * The file has to be on a file system in memory (/run, /dev/shm): on a disk, a store could wait for it. What was there before is
 * kept as FILE.old, so that a restart does not destroy what tells of a crash. A reader disturbs nobody; what it gets is of
 * one moment for each word, and the handlers and gauges of one moment together.
 */
#ifndef CROOM_BLACKBOX_H
#define CROOM_BLACKBOX_H

#include <croom/room.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CROOM_DECISIONS = 4096, CROOM_DECISION_NAMES = 16 };

struct croom_blackbox_slot {
	char name[CROOM_NAME_MAX + 1];
	char handler[192];                 /* cut where it is longer */
	uint64_t since_revision;
	int64_t since_ns;                  /* CLOCK_REALTIME */
};

struct croom_blackbox_gauge {
	char name[CROOM_NAME_MAX + 1], unit[16];
	double value;
};

struct croom_blackbox_lane {
	char name[CROOM_NAME_MAX + 1];
	bool parked;
	uint64_t records, revision;        /* the newest revision it has said to run; of a parked lane 0 */
	int slot;                          /* it is in a handler of this one, or has just left it; -1: none */
	uint64_t *calls;                   /* per slot, since the lane began */
	uint64_t decided;                  /* decisions in all; of the last `decisions` each is there, oldest first */
	unsigned decisions;
	struct croom_blackbox_decision {
		uint64_t record;
		uint16_t what;
	} *decision;
};

struct croom_blackbox {
	char room[CROOM_NAME_MAX + 1];
	pid_t pid;
	bool alive;                        /* the process is still there */
	int64_t started_ns, ended_ns;      /* CLOCK_REALTIME; ended 0: it has not closed the room */
	bool torn;                         /* it died while it wrote the handlers; they are of two moments */
	uint64_t revision;
	int64_t updated_ns;                /* when handlers and gauges were written last */
	unsigned slots, lanes, gauges;
	struct croom_blackbox_slot *slot;
	struct croom_blackbox_lane *lane;
	struct croom_blackbox_gauge *gauge;
	char decision_name[CROOM_DECISION_NAMES][16];   /* "" where it has none */
};

#pragma GCC visibility push(default)

/*
 * Lay the room's lanes into this file, mode 0600. decisions: names of what croom_lane_decide() is given, NULL at the end, or
 * NULL. The room closes it. Control thread. 0, -EBUSY (the room has lanes already, or a black box), -ENOTSUP (the file
 * would not be in memory), or -errno, *err saying what to do.
 */
int croom_blackbox_open(struct croom_room *room, const char *path, const char *const *decisions, struct croom_error *err);

/* A copy of what the file says. Any thread of any process. 0, -EINVAL (it is no black box, or is damaged), -errno. */
int croom_blackbox_read(const char *path, struct croom_blackbox **box, struct croom_error *err);
void croom_blackbox_free(struct croom_blackbox *box);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
