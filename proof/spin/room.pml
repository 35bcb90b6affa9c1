/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all models share: panels, instances and their references, the wire, the echo, and the control side's walk over
 * the lanes. Names are those of lib/: publish() swap.c; collect(), late_lane() retire.c; lane_look() and the lane's
 * own steps lane.c; instance_put(), panel_free() handler.c.
 *
 * The memory here is sequentially consistent, so these models say something about the logic and nothing about orders;
 * proof/litmus and proof/genmc are for those. A panel is its revision, and every revision is one panel, so the queue
 * of retired panels is a range: oldest .. current - 1. Instance 0 is the empty handler, which is never closed.
 *
 * A model defines LANES, SLOTS, REVISIONS and INSTANCES (the newest of each there can be) before it includes this.
 * What only the holder of the room's mutex touches is done in one step; each load or store that a lane can see is a
 * step of its own.
 */
#define PARKED 255
#ifndef ON_CLOSE
#define ON_CLOSE(i) skip        /* what else a model's close() does */
#endif

typedef panel_type { byte slot[SLOTS] }

panel_type panel[REVISIONS + 1];
byte wire = 1;                  /* what the lanes load */
byte current = 1;               /* room->panel */
byte oldest = 1;                /* of the panels that are not freed */
bool mutex;

byte observed[LANES] = PARKED;  /* the echo: a revision, PARKED, or 0 while it wakes */
byte passed[LANES] = 1;         /* the control side's: what the lane has left behind for sure */
byte held[LANES];               /* the panel that the lane may still call through; 0: none */

byte opened;                    /* instances 1 .. opened have been opened */
byte refs[INSTANCES + 1];
bool closed[INSTANCES + 1];

byte lk_lane, lk_least;         /* collect()'s own; 0 between calls, so that they make no states */
byte k, m, n_, i_;              /* of one step, always 0 behind it */

#define lock() atomic { !mutex -> mutex = true }
#define unlock() mutex = false
#define retired (current - oldest)

/* ---- the control side, the mutex held ---- */

/* The class's close(). No lane may be in the handler, nor ever get there: croom_class.close in croom/room.h. */
inline instance_close(i)
{
	assert(!closed[i]);
	closed[i] = true;
	ON_CLOSE(i);
	for (k : 0 .. LANES - 1) {
		if
		:: held[k] ->
			for (m : 0 .. SLOTS - 1) {
				assert(panel[held[k]].slot[m] != i)
			}
		:: else
		fi
	}
	k = 0;
	m = 0
}

inline instance_put(i)
{
	if
	:: i ->
		assert(refs[i]);
		refs[i]--;
		if
		:: refs[i] == 0 -> instance_close(i)
		:: else
		fi
	:: else
	fi
}

/* The reference that the opener has; plan_end() drops it when the panel has its own. */
inline instance_open(i)
{
	assert(opened < INSTANCES);
	opened++;
	i = opened;
	refs[i] = 1
}

inline instance_get(i)
{
	if
	:: i -> refs[i]++
	:: else
	fi
}

/* The newest panel as a copy of the current one, with its own references. */
inline panel_new()
{
	assert(current < REVISIONS);
	for (n_ : 0 .. SLOTS - 1) {
		panel[current + 1].slot[n_] = panel[current].slot[n_];
		instance_get(panel[current + 1].slot[n_])
	}
	n_ = 0
}

/* Put instance i, with a reference for the panel, where another one was copied to. */
inline panel_set(s, i)
{
	if
	:: panel[current + 1].slot[s] -> refs[panel[current + 1].slot[s]]--
	:: else
	fi;
	instance_get(i);
	panel[current + 1].slot[s] = i
}

/* The one store; what was current is retired by it. */
inline publish()
{
	current++;
	wire = current
}

inline panel_free(r)
{
	for (k : 0 .. LANES - 1) {
		assert(held[k] != r)
	}
	k = 0;
	for (n_ : 0 .. SLOTS - 1) {
		i_ = panel[r].slot[n_];
		panel[r].slot[n_] = 0;
		instance_put(i_)
	}
	n_ = 0;
	i_ = 0
}
/* lane_look() for each lane, one load at a time, then free what all of them have passed. After the publication. */
inline collect()
{
	lk_least = current;
	do
	:: lk_lane < LANES ->
		d_step {
			i_ = observed[lk_lane];
			if
			:: i_ == PARKED -> i_ = current
			:: else
			fi;
			if
			:: i_ > passed[lk_lane] -> passed[lk_lane] = i_
			:: else
			fi;
			if
			:: passed[lk_lane] < lk_least -> lk_least = passed[lk_lane]
			:: else
			fi;
			i_ = 0;
			lk_lane++
		}
	:: else -> break
	od;
	atomic {
		do
		:: oldest < lk_least ->
			panel_free(oldest);
			oldest++
		:: else -> break
		od;
		lk_lane = 0;
		lk_least = 0
	}
}

/* ---- the lane ---- */

/* croom_lane_unpark(): announce, load, echo. */
inline lane_unpark(l)
{
	observed[l] = 0;
	held[l] = wire;
	observed[l] = held[l]
}

/* croom_lane_observe() with a new panel there: from the load on the lane calls through the new one. */
inline lane_move(l)
{
	held[l] = wire;
	observed[l] = held[l]
}

inline lane_park(l)
{
	held[l] = 0;
	observed[l] = PARKED
}
