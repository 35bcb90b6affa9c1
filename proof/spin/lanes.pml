/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lanes that are made, wake, sleep and are taken away while the room swaps: croom_room_lane_add() and
 * croom_room_lane_remove() of lib/room.c against collect() of lib/retire.c, croom_lane_park() and croom_lane_unpark()
 * of lib/lane.c. Two threads make a lane of their own, use it, park it, may wake again, and remove it; a third
 * one swaps.
 *
 * The list is an array; who leaves is replaced by the last. The room walks it one lane at a time.
 *
 * What is shown: no panel is freed and no instance closed while a lane may use it; the room looks at no lane that is
 * gone; lanes come and go without the swaps noticing: nobody waits for ever, and in the end only what is in force is
 * open.
 *
 * Variants that Spin refutes:
 *	BROKEN_REMOVE_UNLOCKED  a lane is taken out of the list without the mutex, under the walk
 *	BROKEN_HAND_OUT         a lane wakes before it is in the list
 *	BROKEN_AWAKE            a lane is removed that has not parked: why croom_room_lane_remove() asserts that
 *	BROKEN_ASLEEP           the room does not look again at a lane that was parked when it last looked
 *	BROKEN_WAKE             a lane loads the wire before it announces itself
 *
 * 145,247 states.
 */
#ifndef OPS
#define OPS 2                   /* swaps */
#endif
#define LANES 2
#define SLOTS 1
#define REVISIONS (1 + OPS)
#define INSTANCES OPS
#include "room.pml"

byte list[LANES];               /* room->lane */
byte lanes;
bool there[LANES];              /* the memory of the lane is allocated */
bool asleep[LANES];             /* lane->parked: at the last look */
byte at;                        /* where the walk is */
byte ops, ended;                /* swaps that were begun; lanes that are gone */

/* One lane of collect()'s walk. */
inline walk_step()
{
	assert(there[list[at]]);
#ifdef BROKEN_ASLEEP
	if
	:: asleep[list[at]] -> passed[list[at]] = current
	:: else -> lane_look(list[at], current)
	fi;
#else
	lane_look(list[at], current);
#endif
	asleep[list[at]] = observed[list[at]] == PARKED;
	if
	:: passed[list[at]] < least -> least = passed[list[at]]
	:: else
	fi;
	at++
}

/* With the mutex held, which is given back. `least` lives across the steps of the walk. */
inline collect_and_unlock()
{
	do
	:: atomic { at < lanes -> walk_step() }
	:: atomic {
		at >= lanes ->
		at = 0;
		free_older();
		mutex = false;
		break
	   }
	od
}

inline lane_add(l)
{
	there[l] = true;
	asleep[l] = true;
	passed[l] = current;
	list[lanes] = l;
	lanes++
}

inline lane_leave_list(l)
{
	lanes--;
	if
	:: list[0] == l -> list[0] = list[lanes]
	:: else
	fi;
	list[lanes] = 0;
	there[l] = false;
	asleep[l] = false
}

active [LANES] proctype lane_thread()
{
	bool slept;

#ifdef BROKEN_HAND_OUT
	lane_unpark(_pid);
	atomic { !mutex -> lane_add(_pid) };
#else
	atomic { !mutex -> lane_add(_pid) };
	lane_unpark(_pid);
#endif
	do
	:: lane_observe(_pid)
	:: !slept ->
		slept = true;
		lane_park(_pid);
		lane_unpark(_pid)
	:: true -> break
	od;
#ifndef BROKEN_AWAKE
	lane_park(_pid);
#endif
#ifdef BROKEN_REMOVE_UNLOCKED
	d_step { lane_leave_list(_pid) }
#else
	atomic {
		!mutex -> mutex = true;
		lane_look(_pid, current);
#ifndef BROKEN_AWAKE
		assert(observed[_pid] == PARKED);
#endif
		lane_leave_list(_pid);
		least = current
	};
	collect_and_unlock();
#endif
	held[_pid] = 0;
	ended++
}

active proctype operator()
{
	byte new;

end:	do
	:: atomic {
		ops < OPS && !mutex ->
		ops++;
		mutex = true;
		instance_open(new);
		panel_new();
		panel_set(0, new);
		publish();
		instance_put(new);
		new = 0;
		least = current
	   };
		collect_and_unlock()
	od
}

#define seen(l) (held[l] == 0 || held[l] == current)
#define told(l) (!there[l] || observed[l] == PARKED || observed[l] == current)

/* Whoever polls until a swap is observed. */
active proctype server()
{
end:	do
	:: atomic { !mutex && retired && told(0) && told(1) -> mutex = true; least = current };
		collect_and_unlock()
	od
}

active proctype quiet()
{
	byte i;

	timeout ->
	assert(ended == LANES && ops == OPS && !mutex && !retired && !lanes);
	for (i : 1 .. opened) {
		assert(refs[i] == (panel[current].slot[0] == i));
		assert(closed[i] == (refs[i] == 0))
	}
}

ltl progress { [] <> (seen(0) && seen(1)) }
