/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end: croom_room_close() (lib/room.c) with retired panels, a lane that sleeps, changes that are prepared and one
 * that is not confirmed. The host tells its threads to stop at any moment, waits for them, discards what is prepared
 * and closes the room; close takes no lock, because nobody else may be in the room any more.
 *
 * What is shown: whatever was going on, close finds all lanes parked, nothing prepared, no panel retired behind its
 * collect(); every instance is closed, once, after the last lane has left it; nobody enters the room afterwards; the
 * host gets to its end.
 *
 * Variants that Spin refutes:
 *	BROKEN_NO_JOIN      close does not wait until the lanes have parked
 *	BROKEN_NO_COLLECT   close does not look at the lanes once more
 *	BROKEN_NO_DISCARD   what is prepared is forgotten
 *	BROKEN_TIMER        the thread that looks after deadlines goes on
 *	BROKEN_NO_DROP      close keeps what an unconfirmed change holds (confirm.pml, rule 1)
 *
 * 324,744 states.
 */
#define LANES 2
#define SLOTS 2
#define REVISIONS 4
#define INSTANCES 3             /* one from the beginning */
#include "room.pml"

panel_type plan;                /* prepared for revision plan_base + 1; base 0: nothing */
byte plan_base, prepared;
panel_type before;              /* of the unconfirmed change */
byte pending;
bool stop, gone;
byte ended;

inline panel_put(p)
{
	for (n_ : 0 .. SLOTS - 1) {
		i_ = p.slot[n_];
		p.slot[n_] = 0;
		instance_put(i_)
	}
	n_ = 0;
	i_ = 0
}

inline panel_copy(to, from)
{
	for (n_ : 0 .. SLOTS - 1) {
		to.slot[n_] = from.slot[n_];
		instance_get(to.slot[n_])
	}
	n_ = 0
}

inline room_prepare()
{
	plan_base = current;
	prepared++;
	panel_copy(plan, panel[current]);
	instance_open(new);
	plan.slot[1] = new              /* the plan takes over the reference */
}

inline room_commit()
{
	panel_copy(panel[current + 1], plan);
	publish();
	room_discard()
}

inline room_discard()
{
	panel_put(plan);
	plan_base = 0;
	prepared--
}

/* A swap with a deadline. */
inline room_swap()
{
	pending = current + 1;
	panel_copy(before, panel[current]);
	instance_open(new);
	panel_new();
	panel_set(0, new);
	publish();
	instance_put(new)
}

/* settle() of confirm.pml when the deadline is there, which it may be at any time. */
inline revert()
{
	panel_copy(panel[current + 1], before);
	publish();
	panel_put(before);
	pending = 0
}

inline room_close()
{
#ifndef BROKEN_NO_COLLECT
	collect();
#endif
#ifndef BROKEN_NO_JOIN
	assert(observed[0] == PARKED && observed[1] == PARKED);
#endif
#if !defined(BROKEN_NO_COLLECT) && !defined(BROKEN_NO_JOIN)
	assert(!retired);
#endif
#ifndef BROKEN_NO_DISCARD
	assert(!prepared);
#endif
#ifndef BROKEN_NO_DROP
	panel_put(before);
#endif
	panel_free(current);
	gone = true
}

/* Awake all the time. */
proctype lane_busy()
{
	atomic { lane_unpark(0) };
	do
	:: atomic { lane_observe(0) }
	:: stop -> break
	od;
	lane_park(0);
	ended++
}

/* Wakes, may sleep until the end, or wake again. */
proctype lane_idle()
{
	bool slept;

	lane_unpark(1);
	do
	:: lane_observe(1)
	:: !slept ->
		slept = true;
		lane_park(1);
		if
		:: stop -> break
		:: lane_unpark(1)
		fi
	:: stop -> break
	od;
	lane_park(1);
	ended++
}

/* A change that has to be confirmed, one that is prepared, its commit; or only some of it. */
proctype operator()
{
	byte new;

	if
	:: atomic { !stop -> collect(); room_swap(); collect(); new = 0 }
	:: true
	fi;
	if
	:: atomic { !stop -> collect(); room_prepare(); new = 0 }
	:: true
	fi;
	if
	:: atomic { !stop && plan_base && plan_base == current -> collect(); room_commit(); collect() }
	:: true
	fi;
	ended++
}

/* Looks after the deadline, and closes what has become unused. */
proctype server()
{
	do
	:: atomic { pending -> assert(!gone); revert(); collect() }
#ifndef BROKEN_TIMER
	:: stop -> break
#else
	:: stop && !pending -> break
#endif
	od;
#ifndef BROKEN_TIMER
	ended++
#endif
}

proctype host()
{
	byte i;

	stop = true;
#ifdef BROKEN_NO_JOIN
	ended >= 2;
#elif defined(BROKEN_TIMER)
	ended == 3;
#else
	ended == 4;
#endif
#ifndef BROKEN_NO_DISCARD
	atomic {
		if
		:: plan_base -> room_discard()
		:: !plan_base
		fi
	};
#endif
	atomic { true; room_close() };
	for (i : 1 .. opened) {
		assert(closed[i] && !refs[i])
	}
}

init {
	atomic {
		opened = 1;
		refs[1] = 1;
		panel[1].slot[0] = 1;
		run lane_busy();
		run lane_idle();
		run operator();
		run server();
		run host()
	};
	timeout -> assert(gone)
}

ltl progress { <> [] gone }
