/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lane is one data thread's view of a room. It observes panels, and thereby says which ones it has left.
 *
 *	const struct croom_panel *panel = croom_lane_unpark(lane);
 *
 *	while (running) {
 *		panel = croom_lane_observe(lane, panel);       // once per record or batch: two loads, one compare
 *		n = 0;
 *		while (n < BATCH && (record = next())) {
 *			croom_lane_call(printer, lane, panel, record);  // or croom_slot_call(printer, panel, record)
 *			n++;
 *		}
 *		croom_lane_calls_add(lane, printer_slot, n);   // before the next observe
 *		croom_lane_records_add(lane, n);
 *		if (n == 0) {                                  // about to sleep: hold no panel
 *			croom_lane_park(lane);
 *			sleep_until_there_is_work();
 *			panel = croom_lane_unpark(lane);
 *		}
 *	}
 *	croom_lane_park(lane);
 *
 * All calls here belong to the one data thread that owns the lane; the room makes and removes lanes
 * (<croom/room.h>). A lane that neither observes nor parks for long holds up the closing of old handlers and is
 * named to the operator; nothing else waits for it.
 *
 * Records are numbered from 1 on each lane; a record is handled under exactly one panel.
 */
#ifndef CROOM_LANE_H
#define CROOM_LANE_H

#include <croom/panel.h>
#include <croom/wire.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CROOM_NAME_MAX = 31 };      /* bytes in the name of a room, slot, class, lane: letters, digits, _ - . */

/* From which record on a lane ran a revision. */
struct croom_lane_start {
	char lane[CROOM_NAME_MAX + 1];
	bool observed;                     /* has left every older panel */
	bool parked;                       /* it sleeps; if it has not run the revision yet, first_record is its next */
	uint64_t revision;                 /* the one it went to: newer than asked for if it skipped that one; 0: unknown */
	uint64_t first_record;             /* 0: unknown (it has moved 63 times or more since) */
};

/* Visible for the inline calls below only. */
struct croom_lane {
	const struct croom_panel *const *wire;
	uint64_t *calls;   /* per slot */
	uint64_t records;
	uint64_t at;       /* the slot that it calls, and 1; 0: none */
	uint64_t decided;
	uint64_t *decision;   /* a ring; NULL: no black box */
	uint64_t decision_mask;
	uint64_t thread;      /* see croom_lane_thread(); 0: not told */
};

#pragma GCC visibility push(default)

/* The slow half of observe: take the room's current panel and say so. Data thread. */
const struct croom_panel *croom_lane_move(struct croom_lane *lane);

/*
 * Hold no panel any more, because this thread is about to sleep or to end. The panel it had must not be used
 * again. Data thread. A lane is parked when it is made.
 */
void croom_lane_park(struct croom_lane *lane);

/*
 * Tell which thread runs the lane, so that `croomctl doctor` can show where it hangs. Once, at the start of the data thread: it
 * is a system call. Optional.
 */
void croom_lane_thread(struct croom_lane *lane);

/* Come back from parking: announces the lane and returns the current panel. Data thread; the one call with a fence. */
const struct croom_panel *croom_lane_unpark(struct croom_lane *lane);

#pragma GCC visibility pop

/*
 * The panel to use from here on: `panel` itself while nothing changed. Data thread, at a record or batch
 * boundary, with what the last observe or unpark returned; what it returned before is dead after this.
 *
 * relaxed: only the address is compared. The panel behind it is the one that this lane has already, or is loaded again
 * with acquire by croom_lane_move().
 */
static inline const struct croom_panel *croom_lane_observe(struct croom_lane *lane, const struct croom_panel *panel)
{
	if (__builtin_expect(croom_get_relaxed(lane->wire) == panel, 1))
		return panel;
	return croom_lane_move(lane);
}

/* Would the next observe return another panel? For work that must still be done under this one. Data thread. */
static inline bool croom_lane_pending(const struct croom_lane *lane, const struct croom_panel *panel)
{
	/* relaxed: only the address is compared, nothing behind it is read. */
	return croom_get_relaxed(lane->wire) != panel;
}

/*
 * Say which slot's handler is about to be called (slot and 1; 0: none), so that a lane that does not come back can be told by
 * it: one plain store. -DCROOM_NO_LANE_AT leaves it out. Data thread.
 */
static inline void croom_lane_enter(struct croom_lane *lane, uint32_t slot_and_1)
{
#ifdef CROOM_NO_LANE_AT
	(void)lane;
	(void)slot_and_1;
#else
	/* relaxed: one writer; a figure for people. */
	croom_set_relaxed(&lane->at, slot_and_1);
#endif
}

/* croom_slot_call(), and the lane says that it is there. Data thread. */
#define croom_lane_call(name, lane, panel, record) \
	(croom_lane_enter((lane), name##_slot + 1), croom_slot_call(name, (panel), (record)))

/*
 * Note what was decided about a record (its number, 48 bits) for the black box, if there is one; the last 4,096 can be read.
 * What `what` (16 bits) means is the host's affair. Two stores. Data thread.
 */
static inline void croom_lane_decide(struct croom_lane *lane, uint64_t record, uint16_t what)
{
	if (!lane->decision)
		return;
	/* pair: box.decision -- release: whoever sees this word sees the count before it, and so which words were overwritten. */
	croom_set_release(box.decision.decide, &lane->decision[lane->decided & lane->decision_mask], record << 16 | what);
	/* pair: box.decided -- release; both acquires are in read_decisions(), blackbox-read.c. The words before are there. */
	croom_set_release(box.decided.decide, &lane->decided, lane->decided + 1);
}

/* Count records done under the current panel, once per batch, before the next observe. Data thread. */
static inline void croom_lane_records_add(struct croom_lane *lane, uint64_t count)
{
	/* relaxed: one writer; readers want a recent figure, not an order. */
	croom_set_relaxed(&lane->records, lane->records + count);
	croom_lane_enter(lane, 0);
}

/* Count calls of a slot's current handler, once per batch, before the next observe. Data thread. */
static inline void croom_lane_calls_add(struct croom_lane *lane, uint32_t slot, uint64_t count)
{
	/* relaxed: as above. */
	croom_set_relaxed(&lane->calls[slot], lane->calls[slot] + count);
}

#ifdef __cplusplus
}
#endif
#endif
