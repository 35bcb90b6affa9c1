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
 * What only the holder of the room's mutex touches goes into one step with the load or store before it that a lane
 * can see: nobody could tell the difference.
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

#ifdef BROKEN_COUNTER
byte counter[LANES];            /* the echo as it was at the last publication */
#endif

byte opened;                    /* instances 1 .. opened have been opened */
byte refs[INSTANCES + 1];
bool closed[INSTANCES + 1];

byte k, m, n_, i_, least;       /* of one step, always 0 behind it */

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
	wire = current;
#ifdef BROKEN_COUNTER
	for (n_ : 0 .. LANES - 1) {
		counter[n_] = observed[n_]
	}
	n_ = 0
#endif
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
/* One load; what it means when `newest` is the current panel. */
inline lane_look(l, newest)
{
	i_ = observed[l];
	if
	:: i_ == PARKED -> i_ = newest
#ifdef BROKEN_COUNTER
	:: i_ != PARKED && i_ != counter[l] -> i_ = newest
	:: i_ != PARKED && i_ == counter[l] -> i_ = 0
#endif
	:: else
	fi;
	if
	:: i_ > passed[l] -> passed[l] = i_
	:: else
	fi;
	i_ = 0
}

/* The end of collect(): `least` is what all lanes have passed. */
inline free_older()
{
	do
	:: oldest < least && oldest < current ->
		panel_free(oldest);
		oldest++
	:: else -> break
	od;
	least = 0
}

inline free_passed()
{
#ifdef BROKEN_NO_WAIT
	least = current;
#else
	least = passed[0];
#if LANES > 1
	if
	:: passed[1] < least -> least = passed[1]
	:: else
	fi;
#endif
#endif
	free_older()
}

/* All of collect() in one step, where the looks are not what a model is about. */
inline collect()
{
	lane_look(0, current);
#if LANES > 1
	lane_look(1, current);
#endif
	free_passed()
}

/* ---- the lane ---- */

#ifdef BROKEN_COUNTER
/* Instead of the revision: "I have looked again". The room waits until it has changed since the publication. */
#define echo(l) observed[l] = 1 + observed[l] % 3
#else
#define echo(l) observed[l] = held[l]
#endif

/* croom_lane_unpark(): announce, load, echo. */
inline lane_unpark(l)
{
#ifdef BROKEN_WAKE
	held[l] = wire;
	observed[l] = 0;
#else
	observed[l] = 0;
	held[l] = wire;
#endif
	echo(l)
}

/* croom_lane_observe(): when there is a new panel. From the load on the lane calls through the new one. */
inline lane_observe(l)
{
#ifdef BROKEN_ECHO
	atomic { wire != held[l] -> observed[l] = wire };
	held[l] = observed[l]
#else
	atomic { wire != held[l] -> held[l] = wire };
	echo(l)
#endif
}

inline lane_park(l)
{
	held[l] = 0;
	observed[l] = PARKED
}
