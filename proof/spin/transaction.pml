/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A transaction as it is today (lib/swap.c, lib/retire.c, lib/lane.c): open the handlers, publish one panel, wait for
 * the echo of every lane, close. Two operators make OPS calls in all, each a croom_room_swap() of both slots or a
 * croom_room_prepare() of one with a commit or a discard some time later; every open() may fail. One lane runs all
 * the time, the other wakes, and may sleep once more.
 *
 * What is shown: a change that is refused has changed nothing and leaves nothing open; a commit never takes back what
 * somebody else has published since it was prepared; an instance is closed once, never while a lane may run it; at most
 * RETIRED_MAX panels wait. Under weak fairness every published panel is observed by every lane, and then only what is
 * in force is open.
 *
 * Variants that Spin refutes:
 *	BROKEN_NO_WAIT     old panels are freed without a look at the lanes
 *	BROKEN_LOOK_FIRST  the looks come before the publication (lane.unpark of doc/ORDERING.md, the room's side)
 *	BROKEN_WAKE        a lane loads the wire before it announces itself (the same, the lane's side)
 *	BROKEN_ECHO        a lane echoes the new revision before it has left the old panel (lane.observed)
 *	BROKEN_COUNTER     a lane counts its looks instead of handing the revision back (doc/ORDERING.md, last but one)
 *	BROKEN_STALE       commit does not ask whether the revision is still the one that it was prepared for
 *	BROKEN_LEAK        a refused swap does not close what it had opened already
 *
 * 76,057 states.
 */
#ifndef OPS
#define OPS 2
#endif
#define LANES 2
#define SLOTS 2
#define REVISIONS (1 + OPS)
#define INSTANCES (SLOTS * OPS)
#define RETIRED_MAX 1
#include "room.pml"

mtype = { swap, half, prepare, commit, discard };

byte in_force[SLOTS];           /* what was put into the slot last; only here to be asserted about */
byte ops;                       /* that were begun */

/* May fail; nothing is in force then. */
inline may_publish()
{
	go = retired < RETIRED_MAX;     /* else -EBUSY */
#ifndef BROKEN_STALE
	if
	:: what == commit && base != current -> go = false      /* -ESTALE */
	:: else
	fi
#endif
}

/* Open what the call needs. `half`: the second open() fails, so the first is closed again. */
inline plan_begin()
{
	if
	:: go && (what == swap || what == half) ->
		instance_open(first);
		if
		:: what == half ->
			go = false;
#ifdef BROKEN_LEAK
			first = 0
#endif
		:: else -> instance_open(second)
		fi
	:: go && what == prepare ->
		go = false;
		base = current;
		first = panel[current].slot[0];
		instance_get(first);
		instance_open(second)
	:: what == discard -> go = false
	:: else
	fi
}

inline plan_end()
{
	if
	:: what == prepare || (what == commit && !go)   /* it stays prepared */
	:: else ->
		instance_put(first);
		instance_put(second);
		first = 0;
		second = 0;
		base = 0
	fi
}

inline plan_publish()
{
	panel_new();
	panel_set(0, first);
	panel_set(1, second);
	if
	:: what == swap -> in_force[0] = first
	:: else
	fi;
	in_force[1] = second;
	publish();
	for (n_ : 0 .. SLOTS - 1) {
		assert(panel[current].slot[n_] == in_force[n_])
	}
	n_ = 0;
	assert(retired <= RETIRED_MAX)
}

/* Any call from lock to unlock; each look and the publication are steps of their own. */
inline call()
{
	atomic { !mutex -> mutex = true; lane_look(0, current) };
	atomic {
		lane_look(1, current);
		free_passed();
		may_publish();
		plan_begin();
		if
		:: go
		:: !go -> plan_end(); mutex = false
		fi
	};
	if
	:: go ->
#ifdef BROKEN_LOOK_FIRST
		atomic { true; lane_look(0, current + 1) };
		atomic { true; lane_look(1, current + 1) };
#endif
		atomic { true; plan_publish() };
#ifndef BROKEN_LOOK_FIRST
		atomic { true; lane_look(0, current) };
#endif
		atomic {
			true;
#ifndef BROKEN_LOOK_FIRST
			lane_look(1, current);
#endif
			free_passed();
			plan_end();
			go = false;
			mutex = false
		}
	:: !go
	fi
}

active [LANES] proctype lane_thread()
{
	bool parked;
#ifdef BROKEN_COUNTER
	byte looks;
#endif

	/* The first is awake and stays so; the second wakes, may sleep once more, and wakes again. */
	if
	:: atomic { _pid == 0 -> lane_unpark(0) }
	:: _pid == 1 -> lane_unpark(1)
	fi;
end:	do
	:: lane_observe(_pid)
#ifdef BROKEN_COUNTER
	:: looks < 2 -> looks++; held[_pid] = wire; echo(_pid)
#endif
	:: !parked && _pid == 1 ->
		parked = true;
		lane_park(_pid);
		lane_unpark(_pid)
	od
}

active [2] proctype operator()
{
	mtype what;
	byte first, second, base;
	bool go;

end:	do
	:: atomic {
		ops < OPS ->
		ops++;
		if
		:: what = swap
		:: what = half
		:: what = prepare
		fi
	   };
		call();
		if
		:: base ->
			if
			:: what = commit; call()
			:: true
			fi;
			if
			:: base -> what = discard; call()
			:: else
			fi
		:: !base
		fi
	od
}

#define seen(l) (held[l] == 0 || held[l] == current)

/* Whoever polls until a swap is observed. */
active proctype server()
{
end:	do
	:: atomic { !mutex && retired && seen(0) && seen(1) -> collect() }
	od
}

active proctype quiet()
{
	byte i;

	timeout ->
	assert(ops == OPS && !mutex && !retired);
	for (i : 1 .. opened) {
		assert(refs[i] == (panel[current].slot[0] == i) + (panel[current].slot[1] == i));
		assert(closed[i] == (refs[i] == 0))
	}
}

ltl progress { [] <> (seen(0) && seen(1)) }
